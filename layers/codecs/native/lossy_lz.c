/* Which palette index to write for each pixel, so that deflate finds more repeats: a pixel may take a neighbouring
 * colour where the bits that this saves are worth the error that it adds.
 *
 * The stream is what PNG deflates: rows of a filter byte 0 and one index a pixel. A first pass parses the preferred
 * indices without loss, to learn what literals, lengths and distances cost and what each position costs as it is. A
 * second pass walks the stream again; at each position it takes the match that gains most, or the literal that costs
 * least, and writes the indices chosen, so that later matches see them. What comes out is indices only: a real deflate
 * encoder parses them anew.
 *
 * Nothing here keeps a state. Functions return 0 when memory runs out.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"
#include "lz.h"

#define MAX_PALETTE 256
#define NEAR 16 /* so many indices are tried for a literal */
#define RECENT 4
#define SETTLED 96 /* after so long an exact match no other is looked for */

typedef struct {
    const uint8_t *preferred; /* the stream to begin with */
    uint8_t *chosen;
    size_t count, stride;
    const uint32_t *numbers;  /* the colour of each pixel */
    const float *vectors;     /* the place of each colour */
    const float *palette;     /* the place of each index */
    const float *visibility;  /* of each pixel: what an error counts there */
    const float *zero;        /* of each pixel: the gap to what index 0 shows there; NULL where that is a colour */
    size_t lanes, size;
    const Costs *costs;
    const uint32_t *sums;
    float lambda, least_length; /* the cheapest length, in bits */
    size_t near_count;
    uint8_t near[MAX_PALETTE * NEAR];
} Walk;

typedef struct {
    size_t length, distance;
    float gain;
} Match;

static inline float gap(const float *a, const float *b, size_t lanes)
{
    float sum = 0;
    for (size_t lane = 0; lane < lanes; lane++)
        sum += (a[lane] - b[lane]) * (a[lane] - b[lane]);
    return sum;
}

static inline float gap_at(const Walk *walk, const float *vector, unsigned index)
{
    if (walk->lanes == 4)
        return gap(vector, walk->palette + 4 * index, 4);
    return gap(vector, walk->palette + 8 * index, 8);
}

static inline float shown_gap(const Walk *walk, size_t pixel, const float *vector, unsigned index)
{
    return walk->zero && !index ? walk->zero[pixel] : gap_at(walk, vector, index);
}

/* What it costs, in error, to write `index` for the pixel at `at`, which is not a filter byte. */
static inline float error_at(const Walk *walk, size_t at, size_t row, unsigned index)
{
    size_t pixel = at - row - 1;
    const float *vector = walk->vectors + walk->numbers[pixel] * walk->lanes;
    float more = shown_gap(walk, pixel, vector, index) - shown_gap(walk, pixel, vector, walk->preferred[at]);
    return walk->visibility[pixel] * more;
}

/* Copy what is as preferred, from `length` on; returns where it ends. The copy may feed on itself: from so far on as
 * `period`, a multiple of the distance, words can be copied from there. */
static inline size_t copy_same(
    const uint8_t *wanted, uint8_t *chosen, size_t distance, size_t period, size_t length, size_t most)
{
    size_t slow_end = period - distance < most ? period - distance : most;
    for (; length < slow_end; length++) {
        chosen[length] = chosen[length - distance];
        if (chosen[length] != wanted[length])
            return length;
    }
    for (; length + 8 <= most; length += 8) {
        uint64_t source, preferred;
        memcpy(&source, chosen + length - period, 8);
        memcpy(&preferred, wanted + length, 8);
        memcpy(chosen + length, &source, 8);
        if (source != preferred) {
            while (chosen[length] == wanted[length])
                length++;
            return length;
        }
    }
    for (; length < most; length++) {
        chosen[length] = chosen[length - distance];
        if (chosen[length] != wanted[length])
            break;
    }
    return length;
}

static inline float saved(const uint32_t *sums, size_t length)
{
    return (float)(sums[length] - sums[0]) * (1.0f / PARTS);
}

/* Extend a match over what differs while it pays; a better one than `best` replaces it. What it would write stands in
 * `chosen`, not to be relied on. Returns how many indices are as preferred before the first that is not. */
static size_t extend(const Walk *walk, size_t at, size_t row, size_t distance, Match *best)
{
    const float lambda = walk->lambda, steepest = 24 * lambda, slack = 20 * lambda;
    const Costs *costs = walk->costs;
    const uint8_t *wanted = walk->preferred + at;
    uint8_t *chosen = walk->chosen + at;
    const uint32_t *sums = walk->sums + at;
    size_t most = walk->count - at < MOST ? walk->count - at : MOST;
    size_t period = distance < 16 ? (15 + distance) / distance * distance : distance;
    size_t exact = copy_same(wanted, chosen, distance, period, 0, most), length = exact;
    float fixed = costs->distance[distance_code(distance)], errors = 0, top = -3e38f;
    float ceiling = lambda * (saved(sums, most) - walk->least_length - fixed) - best->gain;
    for (;;) {
        /* Before an error, and at the end, are the only places where a match is best cut off. */
        if (length >= LEAST) {
            float gain = lambda * (saved(sums, length) - costs->length[length] - fixed) - errors;
            if (gain > best->gain)
                *best = (Match){length, distance, gain};
            if (gain < top - slack)
                break;
            top = gain > top ? gain : top;
        }
        if (length == most)
            break;
        while ((row + 1) * walk->stride <= at + length)
            row++;
        if (at + length == row * walk->stride) /* only a filter byte of 0 is right there */
            break;
        float error = error_at(walk, at + length, row, chosen[length]);
        if (error > steepest)
            break;
        errors += error;
        if (errors > ceiling) /* the longest match could not be better than `best` */
            break;
        length = copy_same(wanted, chosen, distance, period, length + 1, most);
    }
    return exact;
}

static Match best_match(const Walk *walk, const Chains *chains, size_t at, size_t row, int depth, const size_t *recent)
{
    const uint8_t *wanted = walk->preferred + at;
    const size_t stride = walk->stride;
    const size_t near[] = {recent[0], recent[1], recent[2], recent[3], 1, 2, 3, stride, stride - 1, stride + 1,
        stride - 2, stride + 2, 2 * stride};
    Match best = {0, 0, 0};
    if (walk->count - at < LEAST)
        return best;
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        size_t distance = near[i];
        if (!distance || distance > at || distance > WINDOW)
            continue;
        if (extend(walk, at, row, distance, &best) >= SETTLED)
            return best;
    }
    uint32_t candidate = chains->heads[hash_of(wanted[0], wanted[1], wanted[2])];
    if (candidate != NOWHERE && at - candidate > WINDOW)
        candidate = NOWHERE;
    for (; candidate != NOWHERE && depth; depth--, candidate = earlier(chains, candidate, at))
        if (extend(walk, at, row, at - candidate, &best) >= SETTLED)
            break;
    return best;
}

/* The index that costs least by itself, in error and bits, among those near the preferred one. */
static unsigned best_literal(const Walk *walk, size_t at, size_t row)
{
    const uint8_t *near = walk->near + walk->preferred[at] * NEAR;
    size_t pixel = at - row - 1;
    const float *vector = walk->vectors + walk->numbers[pixel] * walk->lanes;
    float least = 3e38f;
    unsigned best = near[0];
    if (walk->zero)
        least = walk->visibility[pixel] * walk->zero[pixel] + walk->lambda * walk->costs->literal[best = 0];
    for (size_t i = 0; i < walk->near_count; i++) {
        float error = walk->visibility[pixel] * shown_gap(walk, pixel, vector, near[i]);
        float cost = error + walk->lambda * walk->costs->literal[near[i]];
        if (cost < least) {
            least = cost;
            best = near[i];
        }
    }
    return best;
}

/* List for each index those nearest to it, itself first. */
static void find_near(Walk *walk)
{
    walk->near_count = walk->size < NEAR ? walk->size : NEAR;
    for (size_t k = 0; k < walk->size; k++) {
        float gaps[NEAR];
        uint8_t *near = walk->near + k * NEAR;
        size_t filled = 0;
        for (size_t other = 0; other < walk->size; other++) {
            float distance = other == k ? -1 : gap_at(walk, walk->palette + k * walk->lanes, (unsigned)other);
            if (filled == walk->near_count && distance >= gaps[filled - 1])
                continue;
            size_t place = filled < walk->near_count ? filled++ : filled - 1;
            for (; place && gaps[place - 1] > distance; place--) {
                gaps[place] = gaps[place - 1];
                near[place] = near[place - 1];
            }
            gaps[place] = distance;
            near[place] = (uint8_t)other;
        }
    }
}

static void remember(size_t *recent, size_t distance)
{
    size_t i = 0;
    while (i < RECENT - 1 && recent[i] != distance)
        i++;
    memmove(recent + 1, recent, i * sizeof *recent);
    recent[0] = distance;
}

static void walk_on(Walk *walk, Chains *chains, int depth)
{
    size_t recent[RECENT] = {0};
    for (size_t at = 0, row = 0; at < walk->count;) {
        Match match = best_match(walk, chains, at, row, depth, recent);
        size_t length = match.length;
        if (length) {
            remember(recent, match.distance);
            for (size_t i = at; i < at + length; i++)
                walk->chosen[i] = walk->chosen[i - match.distance];
        } else {
            length = 1;
            walk->chosen[at] = at == row * walk->stride ? 0 : (uint8_t)best_literal(walk, at, row);
        }
        /* A position is entered when the two after it are known. */
        size_t from = at >= 2 ? at - 2 : 0;
        at += length;
        for (; from + LEAST <= at; from++)
            enter(chains, walk->chosen, from);
        while ((row + 1) * walk->stride <= at)
            row++;
    }
}

/* Choose the indices of a picture of `width` and `height`. `preferred` and `chosen` are streams (height rows of a
 * filter byte and width indices); `costs` and `sums` come from lossy_lz_learn; vectors and palette (of `size` colours)
 * are rows of `lanes` floats. `zero`, if it is not NULL, is for pictures laid over another, where index 0 lets that be
 * seen: the squared distance of each pixel to it. `lambda` is what a bit is worth in error. */
EXPORTED int lossy_lz_choose(const uint8_t *preferred, size_t width, size_t height, const uint32_t *numbers,
    const float *vectors, const float *palette, const float *visibility, const float *zero, size_t lanes, size_t size,
    const float *costs, const uint32_t *sums, float lambda, int depth, uint8_t *chosen)
{
    Walk walk = {preferred, chosen, height * (width + 1), width + 1, numbers, vectors, palette, visibility, zero, lanes,
        size, (const Costs *)costs, sums, lambda, ((const Costs *)costs)->length[LEAST], 0, {0}};
    Chains chains;
    int is_open = open_chains(&chains);
    for (size_t length = LEAST; length <= MOST; length++)
        walk.least_length = fminf(walk.least_length, walk.costs->length[length]);
    find_near(&walk);
    if (is_open)
        walk_on(&walk, &chains, depth);
    close_chains(&chains);
    return is_open;
}
