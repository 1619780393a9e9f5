/* Palettes made: colours merged pair by pair, boxes of colours cut in two, and groups of colours refined.
 *
 * Vectors are rows of `lanes` floats, 4 or 8, as in palette.c. Nothing here keeps a state; functions return 0 when
 * memory runs out.
 */

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"

#define MAX_PALETTE 256
#define MAX_LANES 8

void palette_vectors(const uint8_t *rgba, size_t count, size_t lanes, float x_weight, float b_weight, float *out);
void palette_nearest(const float *vectors, size_t count, size_t lanes, const float *palette, size_t size,
    uint8_t *indices, float *distances);

/* ---- merging: Ward's criterion by chains of nearest neighbours ---- */

typedef struct {
    size_t active, capacity, used; /* slots 0 to active - 1 hold the groups that are left */
    float *planes, *weights, *costs;
    uint32_t *names, *slots; /* the group in each slot, and the slot of each group */
} Groups;

typedef struct {
    float cost;
    uint32_t order, kept, gone;
} Merge;

CLONED static void costs_from(const Groups *groups, const float *vector, float weight, float *out)
{
    size_t active = groups->active;
    for (size_t i = 0; i < active; i++)
        out[i] = 0;
    for (size_t lane = 0; lane < groups->used; lane++) {
        const float *plane = groups->planes + lane * groups->capacity;
        for (size_t i = 0; i < active; i++)
            out[i] += (plane[i] - vector[lane]) * (plane[i] - vector[lane]);
    }
    for (size_t i = 0; i < active; i++)
        out[i] *= weight * groups->weights[i] / (weight + groups->weights[i]);
}

static size_t least_of(const float *costs, size_t count, size_t besides, size_t preferred)
{
    float best = preferred < count ? costs[preferred] : FLT_MAX;
    size_t at = preferred;
    for (size_t i = 0; i < count; i++)
        if (costs[i] < best && i != besides) {
            best = costs[i];
            at = i;
        }
    return at < count ? at : (besides == 0);
}

static size_t nearest_group(const Groups *groups, size_t slot, size_t preferred)
{
    float vector[MAX_LANES];
    for (size_t lane = 0; lane < groups->used; lane++)
        vector[lane] = groups->planes[lane * groups->capacity + slot];
    costs_from(groups, vector, groups->weights[slot], groups->costs);
    return least_of(groups->costs, groups->active, slot, preferred);
}

static void unite(Groups *groups, size_t kept, size_t gone)
{
    float a = groups->weights[kept], b = groups->weights[gone], sum = a + b;
    size_t last = --groups->active;
    for (size_t lane = 0; lane < groups->used; lane++) {
        float *plane = groups->planes + lane * groups->capacity;
        plane[kept] = (a * plane[kept] + b * plane[gone]) / sum;
        plane[gone] = plane[last];
    }
    groups->weights[kept] = sum;
    groups->weights[gone] = groups->weights[last];
    groups->names[gone] = groups->names[last];
    groups->slots[groups->names[gone]] = (uint32_t)gone;
}

static int by_cost(const void *left, const void *right)
{
    const Merge *a = left, *b = right;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static void merge_all(Groups *groups, Merge *merges, uint32_t *chain, float *heights)
{
    size_t length = 0, made = 0;
    while (groups->active > 1) {
        if (!length)
            chain[length++] = groups->names[0];
        size_t tip = groups->slots[chain[length - 1]];
        size_t before = length > 1 ? groups->slots[chain[length - 2]] : SIZE_MAX;
        size_t nearest = nearest_group(groups, tip, before);
        if (nearest != before) {
            chain[length++] = groups->names[nearest];
            continue;
        }
        /* Two that are each other's nearest. A group costs no less than its parts, whatever rounding says. */
        uint32_t kept = chain[length - 2], gone = chain[length - 1];
        float cost = fmaxf(groups->costs[before], fmaxf(heights[kept], heights[gone]));
        merges[made] = (Merge){cost, (uint32_t)made, kept, gone};
        made++;
        heights[kept] = cost;
        unite(groups, before, tip);
        length -= 2;
    }
}

/* Find in which order `count` colours merge by the pair that costs least, w1 w2 / (w1 + w2) times the squared distance
 * (Equitz's pairwise nearest neighbours, which is Ward's clustering). Of the pair in `kept` and `gone`, count - 1 of
 * each, the first stands for both from then on. Exact in O(count^2): Ward's cost allows for nearest-neighbour chains. */
EXPORTED int palette_merges(
    const float *vectors, const float *weights, size_t count, size_t lanes, uint32_t *kept, uint32_t *gone)
{
    size_t used = lanes == 4 ? 3 : 6;
    float *floats = malloc(count * (used + 3) * sizeof *floats);
    uint32_t *numbers = malloc(count * 3 * sizeof *numbers);
    Merge *merges = malloc(count * sizeof *merges);
    int is_done = floats && numbers && merges;
    if (is_done) {
        Groups groups = {count, count, used, floats, floats + used * count, floats + (used + 1) * count, numbers,
            numbers + count};
        float *heights = floats + (used + 2) * count;
        for (size_t i = 0; i < count; i++) {
            for (size_t lane = 0; lane < used; lane++)
                groups.planes[lane * count + i] = vectors[i * lanes + lane];
            groups.weights[i] = weights[i];
            groups.names[i] = groups.slots[i] = (uint32_t)i;
            heights[i] = 0;
        }
        merge_all(&groups, merges, numbers + 2 * count, heights);
        if (count > 1)
            qsort(merges, count - 1, sizeof *merges, by_cost);
        for (size_t i = 0; i + 1 < count; i++) {
            kept[i] = merges[i].kept;
            gone[i] = merges[i].gone;
        }
    }
    free(floats);
    free(numbers);
    free(merges);
    return is_done;
}

/* ---- cutting ---- */

typedef struct {
    size_t first, count, axis;
    double spread; /* weighted variance, all axes together */
    float middle;  /* on the widest axis */
} Box;

static void measure(Box *box, const uint32_t *members, const float *vectors, const float *weights, size_t lanes)
{
    double sums[MAX_LANES] = {0}, squares[MAX_LANES] = {0}, total = 0, widest = -1;
    for (size_t i = box->first; i < box->first + box->count; i++) {
        const float *vector = vectors + members[i] * lanes;
        double weight = weights[members[i]];
        total += weight;
        for (size_t lane = 0; lane < lanes; lane++) {
            sums[lane] += weight * vector[lane];
            squares[lane] += weight * vector[lane] * vector[lane];
        }
    }
    box->spread = 0;
    for (size_t lane = 0; lane < lanes; lane++) {
        double spread = squares[lane] - sums[lane] * sums[lane] / total;
        box->spread += spread;
        if (spread > widest) {
            widest = spread;
            box->axis = lane;
            box->middle = (float)(sums[lane] / total);
        }
    }
    if (box->count < 2)
        box->spread = -1;
}

/* Label `count` colours with the boxes they fall in when the box of the largest weighted variance is cut at the mean of
 * its widest axis, again and again until there are `size` (1 to 256). Returns how many there are. */
EXPORTED size_t palette_cut(
    const float *vectors, const float *weights, size_t count, size_t lanes, size_t size, uint8_t *labels)
{
    Box boxes[MAX_PALETTE];
    size_t made = 1;
    uint32_t *members = malloc(count * sizeof *members);
    if (!members)
        return 0;
    for (size_t i = 0; i < count; i++)
        members[i] = (uint32_t)i;
    boxes[0] = (Box){.first = 0, .count = count};
    measure(boxes, members, vectors, weights, lanes);
    while (made < size) {
        Box *box = boxes;
        for (size_t i = 1; i < made; i++)
            if (boxes[i].spread > box->spread)
                box = boxes + i;
        if (box->spread <= 0)
            break;
        size_t low = box->first, high = box->first + box->count;
        while (low < high) {
            uint32_t member = members[low];
            if (vectors[member * lanes + box->axis] <= box->middle) {
                low++;
            } else {
                members[low] = members[--high];
                members[high] = member;
            }
        }
        if (low == box->first || low == box->first + box->count) {
            box->spread = -1; /* all on one side of a rounded mean: as good as one colour */
            continue;
        }
        boxes[made] = (Box){.first = low, .count = box->first + box->count - low};
        box->count = low - box->first;
        measure(box, members, vectors, weights, lanes);
        measure(boxes + made++, members, vectors, weights, lanes);
    }
    for (size_t i = 0; i < made; i++)
        for (size_t j = boxes[i].first; j < boxes[i].first + boxes[i].count; j++)
            labels[members[j]] = (uint8_t)i;
    free(members);
    return made;
}

/* ---- refining ---- */

typedef struct {
    const uint8_t *rgba; /* `count` colours */
    const float *vectors, *weights;
    size_t count, lanes;
    float x_weight, b_weight;
    float power; /* a weight grows by (1 + squared distance / 1e-4) ^ power: what is far off counts for more */
} Colours;

typedef struct {
    double weight, premultiplied[3], alpha;
} Sum;

static float emphasis(float squared, float power)
{
    return power == 0 ? 1 : powf(1 + squared * 1e4f, power);
}

static void mean_colour(const Sum *sum, uint8_t *out)
{
    double alpha = sum->alpha / sum->weight;
    for (int channel = 0; channel < 3; channel++)
        out[channel] = sum->alpha > 0 ? (uint8_t)fmin(255, sum->premultiplied[channel] / sum->alpha + 0.5) : 0;
    out[3] = (uint8_t)(alpha + 0.5);
    if (!out[3])
        memset(out, 0, 4);
}

/* Make `palette` the means of the groups that `labels` gives; what is left without a colour takes the worst one. */
static void move_to_means(const Colours *all, const uint8_t *labels, const float *distances, size_t size,
    uint8_t *palette)
{
    Sum sums[MAX_PALETTE];
    float worst = 0;
    size_t worst_at = SIZE_MAX;
    memset(sums, 0, sizeof sums);
    for (size_t i = 0; i < all->count; i++) {
        const uint8_t *colour = all->rgba + 4 * i;
        double weight = all->weights[i] * emphasis(distances[i], all->power), alpha = weight * colour[3];
        Sum *sum = sums + labels[i];
        sum->weight += weight;
        sum->alpha += alpha;
        for (int channel = 0; channel < 3; channel++)
            sum->premultiplied[channel] += alpha * colour[channel];
        if (all->weights[i] * distances[i] > worst) {
            worst = all->weights[i] * distances[i];
            worst_at = i;
        }
    }
    for (size_t k = 0; k < size; k++)
        if (sums[k].weight > 0) {
            mean_colour(sums + k, palette + 4 * k);
        } else if (worst_at != SIZE_MAX) {
            memcpy(palette + 4 * k, all->rgba + 4 * worst_at, 4);
            worst_at = SIZE_MAX;
        }
}

/* Make a palette of `size` colours in RGBA from groups of `count` colours, and refine it in `rounds` of weighted
 * k-means: every colour joins the nearest, every group moves to the mean of its premultiplied colours, 8 bits each.
 * `labels` gives the groups to begin with, and gets the last ones, `distances` their squared distances. */
EXPORTED void palette_refine(const uint8_t *rgba, const float *vectors, const float *weights, size_t count,
    size_t lanes, float x_weight, float b_weight, float power, size_t rounds, size_t size, uint8_t *palette,
    uint8_t *labels, float *distances)
{
    Colours all = {rgba, vectors, weights, count, lanes, x_weight, b_weight, power};
    float places[MAX_PALETTE * MAX_LANES];
    memset(distances, 0, count * sizeof *distances);
    memset(palette, 0, size * 4);
    move_to_means(&all, labels, distances, size, palette);
    for (size_t round = 0; round < rounds; round++) {
        palette_vectors(palette, size, lanes, x_weight, b_weight, places);
        palette_nearest(vectors, count, lanes, places, size, labels, distances);
        if (round + 1 < rounds)
            move_to_means(&all, labels, distances, size, palette);
    }
}
