/* The first pass of lossy_lz.c: what deflate's symbols cost for a stream, and each of its positions. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"
#include "lz.h"

#define SMOOTHING 4

static inline unsigned distance_bits(unsigned code)
{
    return code < 4 ? 0 : code / 2 - 1;
}

static unsigned length_bits(unsigned length)
{
    return length < 11 || length == MOST ? 0 : log2_of(length - 3) - 2;
}

/* The number, from 0, of the code that stands for a length. */
static unsigned length_code(unsigned length)
{
    unsigned number = length - 3;
    if (length == MOST)
        return 28;
    if (number < 8)
        return number;
    unsigned power = log2_of(number);
    return 4 * (power - 1) + (number >> (power - 2) & 3);
}

typedef struct {
    uint32_t literals[256], lengths[29], distances[DISTANCE_CODES];
} Uses;

static float cost_of(uint32_t uses, double total)
{
    return (float)log2(total / (uses + 0.3));
}

static void price(const Uses *uses, Costs *costs)
{
    double symbols = 0.3 * 285, matches = 0.3 * DISTANCE_CODES;
    for (int i = 0; i < 256; i++)
        symbols += uses->literals[i];
    for (int i = 0; i < 29; i++)
        symbols += uses->lengths[i];
    for (int i = 0; i < DISTANCE_CODES; i++)
        matches += uses->distances[i];
    for (int i = 0; i < 256; i++)
        costs->literal[i] = cost_of(uses->literals[i], symbols);
    for (unsigned length = LEAST; length <= MOST; length++)
        costs->length[length] = cost_of(uses->lengths[length_code(length)], symbols) + (float)length_bits(length);
    for (unsigned code = 0; code < DISTANCE_CODES; code++)
        costs->distance[code] = cost_of(uses->distances[code], matches) + (float)distance_bits(code);
}

/* The longest match at a position, of the nearest ones; 0 when there is none. */
static size_t longest(const Chains *chains, const uint8_t *stream, size_t count, size_t at, int depth, size_t *distance)
{
    size_t most = count - at < MOST ? count - at : MOST, best = 0;
    if (most < LEAST)
        return 0;
    uint32_t candidate = chains->heads[hash_of(stream[at], stream[at + 1], stream[at + 2])];
    if (candidate != NOWHERE && at - candidate > WINDOW)
        candidate = NOWHERE;
    for (; candidate != NOWHERE && depth; depth--, candidate = earlier(chains, candidate, at)) {
        if (best && stream[candidate + best] != stream[at + best])
            continue;
        size_t length = same(stream + candidate, stream + at, most);
        if (length > best && length >= LEAST) {
            best = length;
            *distance = at - candidate;
            if (best == most)
                break;
        }
    }
    return best;
}

/* Parse the stream; each step's length (1 for a literal) is left in `steps` where it begins, its distance in
 * `distances` (0 for a literal). */
static int parse(const uint8_t *stream, size_t count, int depth, uint16_t *steps, uint16_t *distances, Uses *uses)
{
    Chains chains;
    int is_open = open_chains(&chains);
    for (size_t at = 0; is_open && at < count;) {
        size_t distance = 0, length = longest(&chains, stream, count, at, depth, &distance);
        if (length) {
            uses->lengths[length_code((unsigned)length)]++;
            uses->distances[distance_code(distance)]++;
        } else {
            length = 1;
            uses->literals[stream[at]]++;
        }
        steps[at] = (uint16_t)length;
        distances[at] = (uint16_t)(distance - (distance > 0)); /* 1 to 32768 in 15 bits: what is 0 is told by `steps` */
        for (size_t end = at + length; at < end; at++)
            if (at + LEAST <= count)
                enter(&chains, stream, at);
    }
    close_chains(&chains);
    return is_open;
}

/* Write what the stream's positions cost up to each of them, smoothed a little: `sums` has count + 1 places, of which
 * only differences mean anything, modulo 2^32. */
static void add_up(const uint8_t *stream, size_t count, const uint16_t *steps, const uint16_t *distances,
    const Costs *costs, float *bits, uint32_t *sums)
{
    for (size_t at = 0; at < count; at += steps[at]) {
        size_t length = steps[at];
        float cost = length == 1 ? costs->literal[stream[at]]
                                 : costs->length[length] + costs->distance[distance_code((size_t)distances[at] + 1)];
        for (size_t i = at; i < at + length; i++)
            bits[i] = cost / (float)length;
    }
    double window = 0;
    for (size_t i = 0; i < count && i < SMOOTHING; i++)
        window += bits[i];
    sums[0] = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + SMOOTHING < count)
            window += bits[i + SMOOTHING];
        if (i > SMOOTHING)
            window -= bits[i - SMOOTHING - 1];
        size_t first = i > SMOOTHING ? i - SMOOTHING : 0, last = i + SMOOTHING < count ? i + SMOOTHING : count - 1;
        sums[i + 1] = sums[i] + (uint32_t)(window * PARTS / (double)(last - first + 1) + 0.5);
    }
}

/* Learn the costs of `count` bytes: `costs` gets 545 floats, `sums` what the first 0, 1, ... count bytes take, in
 * parts of a bit and modulo 2^32. */
EXPORTED int lossy_lz_learn(const uint8_t *stream, size_t count, int depth, float *costs, uint32_t *sums)
{
    uint16_t *steps = malloc(count * 2 * sizeof *steps);
    float *bits = malloc(count * sizeof *bits);
    Uses uses = {0};
    int is_done = steps && bits && parse(stream, count, depth, steps, steps + count, &uses);
    if (is_done) {
        price(&uses, (Costs *)costs);
        add_up(stream, count, steps, steps + count, (Costs *)costs, bits, sums);
    }
    free(steps);
    free(bits);
    return is_done;
}
