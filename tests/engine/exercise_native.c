/* Runs the functions of the engine's shared object on pictures of many sizes, and prints figures, for tests that build
 * it with checks of every memory access, or for another machine. `exercise_native LIBRARY`
 *
 * Each line has three sizes and two figures. All memory is as large as it has to be, and no larger. */

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *(*New)(const uint8_t *, size_t, size_t, size_t, unsigned);
typedef double (*Score)(void *, const uint8_t *, size_t, unsigned);
typedef void (*Free)(void *);
typedef size_t (*NumberColours)(const uint32_t *, size_t, uint32_t *, uint32_t *, uint32_t *);
typedef void (*Vectors)(const uint8_t *, size_t, size_t, float, float, float *);
typedef int (*Activity)(const float *, const uint32_t *, size_t, size_t, float, float *);
typedef void (*Nearest)(const float *, size_t, size_t, const float *, size_t, uint8_t *, float *);
typedef int (*Dither)(const float *, const uint32_t *, size_t, size_t, size_t, const float *, size_t, float, float,
    uint8_t *);
typedef void (*Paint)(const uint8_t *, size_t, const uint8_t *, size_t, uint8_t *);
typedef int (*Merges)(const float *, const float *, size_t, size_t, uint32_t *, uint32_t *);
typedef size_t (*Cut)(const float *, const float *, size_t, size_t, size_t, uint8_t *);
typedef void (*Refine)(const uint8_t *, const float *, const float *, size_t, size_t, float, float, float, size_t, size_t,
    uint8_t *, uint8_t *, float *);
typedef int (*Learn)(const uint8_t *, size_t, int, float *, uint32_t *);
typedef int (*Choose)(const uint8_t *, size_t, size_t, const uint32_t *, const float *, const float *, const float *,
    const float *, size_t, size_t, const float *, const uint32_t *, float, int, uint8_t *);
typedef size_t (*NumberWords)(const uint32_t *, size_t, uint32_t *, size_t, size_t, uint16_t *);
typedef size_t (*EncodeGif)(const uint16_t *, const uint8_t *, const uint8_t *, size_t, const uint8_t *, unsigned,
    unsigned, size_t, uint8_t *, uint8_t *, size_t);

enum { COSTS = 256 + 259 + 30, DEPTH = 8, CLASSES = 16384, SYMBOLS = 256 };

static void *library;

static void *function(const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "%s is missing\n", name);
        exit(2);
    }
    return found;
}

static void demand(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(3);
    }
}

static void *memory(size_t size)
{
    void *made = malloc(size ? size : 1);
    demand(made != NULL, "no memory");
    return made;
}

static uint8_t value(size_t i)
{
    return (uint8_t)((((uint32_t)i * 2654435761u) >> 13 ^ i / 7) & 0xff);
}

static void exercise_metric(void)
{
    New make = (New)function("ssimulacra2_new");
    Score score = (Score)function("ssimulacra2_score");
    Free release = (Free)function("ssimulacra2_free");
    const size_t sides[] = {8, 9, 15, 16, 31, 64, 100, 225, 300};
    const size_t channels[] = {1, 3, 4};
    for (size_t c = 0; c < 3; c++)
        for (size_t w = 0; w < sizeof sides / sizeof *sides; w++)
            for (size_t h = 0; h < sizeof sides / sizeof *sides; h++) {
                const size_t size = sides[w] * sides[h] * channels[c];
                uint8_t *original = memory(size), *trial = memory(size);
                for (size_t i = 0; i < size; i++) {
                    original[i] = value(i);
                    trial[i] = (uint8_t)(original[i] & 0xf0);
                }
                void *reference = make(original, sides[w], sides[h], channels[c], 255);
                printf("%zu %zu %zu %.2f %.2f\n", sides[w], sides[h], channels[c],
                       score(reference, original, channels[c], 255), score(reference, trial, channels[c], 255));
                release(reference);
                free(original);
                free(trial);
            }
    release(NULL);
}

/* A picture's different colours, and a palette of some of them. */
typedef struct {
    size_t width, height, count, lanes, found, size;
    uint32_t *numbers;
    uint8_t *rgba, *palette, *indices;
    float *vectors, *places, *visibility;
} Scene;

static void make_pixels(uint32_t *pixels, size_t width, size_t height, int has_alpha)
{
    for (size_t i = 0; i < width * height; i++) {
        size_t x = i % width, y = i / width;
        uint8_t rgba[] = {(uint8_t)(x * 5), (uint8_t)(y * 7), (uint8_t)(value(i) & 0x38), 255};
        rgba[3] = has_alpha ? (uint8_t)(x * 16) : 255;
        if (!rgba[3])
            rgba[0] = rgba[1] = rgba[2] = 0;
        memcpy(pixels + i, rgba, 4);
    }
}

static void make_palette(Scene *scene, const float *weights, size_t wanted)
{
    size_t found = scene->found;
    uint8_t *labels = memory(found);
    uint32_t *kept = memory(found * sizeof *kept), *gone = memory(found * sizeof *gone);
    float *distances = memory(found * sizeof *distances);
    demand(((Merges)function("palette_merges"))(scene->vectors, weights, found, scene->lanes, kept, gone), "merges");
    for (size_t i = 0; i + 1 < found; i++)
        demand(kept[i] < found && gone[i] < found && kept[i] != gone[i], "a pair that is none");
    scene->size = ((Cut)function("palette_cut"))(scene->vectors, weights, found, scene->lanes, wanted, labels);
    demand(scene->size >= 1 && scene->size <= wanted, "too many boxes");
    scene->palette = memory(scene->size * 4);
    ((Refine)function("palette_refine"))(scene->rgba, scene->vectors, weights, found, scene->lanes, 0.5f, 1.5f, 1.0f, 3,
        scene->size, scene->palette, labels, distances);
    scene->places = memory(scene->size * scene->lanes * sizeof *scene->places);
    ((Vectors)function("palette_vectors"))(scene->palette, scene->size, scene->lanes, 0.5f, 1.5f, scene->places);
    free(labels);
    free(kept);
    free(gone);
    free(distances);
}

static Scene open_scene(size_t width, size_t height, size_t lanes, size_t wanted)
{
    Scene scene = {.width = width, .height = height, .count = width * height, .lanes = lanes};
    size_t count = scene.count;
    uint32_t *pixels = memory(count * 4), *colours = memory(count * 4), *counts = memory(count * 4);
    scene.numbers = memory(count * sizeof *scene.numbers);
    make_pixels(pixels, width, height, lanes == 8);
    scene.found = ((NumberColours)function("palette_colours"))(pixels, count, scene.numbers, colours, counts);
    demand(scene.found >= 1 && scene.found <= count, "so many colours");
    scene.rgba = memory(scene.found * 4);
    memcpy(scene.rgba, colours, scene.found * 4);
    float *weights = memory(scene.found * sizeof *weights), *lane = memory(scene.found * sizeof *lane);
    scene.vectors = memory(scene.found * lanes * sizeof *scene.vectors);
    ((Vectors)function("palette_vectors"))(scene.rgba, scene.found, lanes, 0.5f, 1.5f, scene.vectors);
    for (size_t i = 0; i < scene.found; i++) {
        weights[i] = (float)counts[i];
        lane[i] = scene.vectors[i * lanes];
    }
    scene.visibility = calloc(count, sizeof *scene.visibility);
    demand(scene.visibility != NULL, "no memory");
    demand(((Activity)function("palette_activity"))(lane, scene.numbers, width, height, 1.0f, scene.visibility), "busy");
    for (size_t i = 0; i < count; i++)
        scene.visibility[i] = 1.0f / (1.0f + 1000.0f * scene.visibility[i]);
    make_palette(&scene, weights, wanted);
    free(pixels);
    free(colours);
    free(counts);
    free(weights);
    free(lane);
    return scene;
}

static void close_scene(Scene *scene)
{
    free(scene->numbers);
    free(scene->rgba);
    free(scene->palette);
    free(scene->indices);
    free(scene->vectors);
    free(scene->places);
    free(scene->visibility);
}

/* Return the mean distance of the picture from what it is painted as, times 1000. */
static double paint(Scene *scene)
{
    uint8_t *nearest = memory(scene->found), *pixels = memory(scene->count * 4);
    float *distances = memory(scene->found * sizeof *distances);
    double sum = 0;
    ((Nearest)function("palette_nearest"))(scene->vectors, scene->found, scene->lanes, scene->places, scene->size, nearest,
        distances);
    scene->indices = memory(scene->count);
    demand(((Dither)function("palette_dither"))(scene->vectors, scene->numbers, scene->width, scene->height, scene->lanes,
        scene->places, scene->size, 0.5f, 0.1f, scene->indices), "dither");
    for (size_t i = 0; i < scene->count; i++) {
        demand(scene->indices[i] < scene->size, "an index behind the palette");
        scene->indices[i] = nearest[scene->numbers[i]];
        sum += distances[scene->numbers[i]];
    }
    for (size_t channels = 3; channels <= 4; channels++) {
        uint8_t *exact = memory(scene->count * channels);
        ((Paint)function("palette_paint"))(scene->indices, scene->count, scene->palette, channels, exact);
        for (size_t i = 0; i < scene->count; i++)
            demand(!memcmp(exact + i * channels, scene->palette + 4 * (size_t)scene->indices[i], channels), "painted");
        free(exact);
    }
    free(nearest);
    free(pixels);
    free(distances);
    return sum / (double)scene->count * 1000;
}

/* Return the share of indices that are chosen otherwise at a price, in percent. With `is_over`, index 0 is what is below. */
static double choose(const Scene *scene, float price, int is_over)
{
    size_t stride = scene->width + 1, count = scene->height * stride, changed = 0;
    uint8_t *stream = memory(count), *chosen = memory(count);
    float *costs = memory(COSTS * sizeof *costs), *zero = is_over ? memory(scene->count * sizeof *zero) : NULL;
    uint32_t *sums = memory((count + 1) * sizeof *sums);
    for (size_t y = 0; y < scene->height; y++) {
        stream[y * stride] = 0;
        memcpy(stream + y * stride + 1, scene->indices + y * scene->width, scene->width);
    }
    for (size_t i = 0; zero && i < scene->count; i++)
        zero[i] = i % 3 ? 1e9f : 1e-4f;
    demand(((Learn)function("lossy_lz_learn"))(stream, count, DEPTH, costs, sums), "learn");
    demand(((Choose)function("lossy_lz_choose"))(stream, scene->width, scene->height, scene->numbers, scene->vectors,
        scene->places, scene->visibility, zero, scene->lanes, scene->size, costs, sums, price, DEPTH, chosen), "choose");
    for (size_t i = 0; i < count; i++) {
        demand(chosen[i] < scene->size, "a chosen index behind the palette");
        demand(i % stride || !chosen[i], "a filter that is none");
        changed += chosen[i] != stream[i];
    }
    free(stream);
    free(chosen);
    free(costs);
    free(zero);
    free(sums);
    return (double)changed / (double)count * 100;
}

static void exercise_palette(void)
{
    const size_t sides[] = {1, 2, 7, 33, 90};
    for (size_t lanes = 4; lanes <= 8; lanes += 4)
        for (size_t w = 0; w < sizeof sides / sizeof *sides; w++)
            for (size_t h = 0; h < sizeof sides / sizeof *sides; h++) {
                Scene scene = open_scene(sides[w], sides[h], lanes, w == h ? 256 : 12);
                double far = paint(&scene);
                demand(scene.size < 1 || choose(&scene, 0, 0) == 0, "a change for nothing");
                /* Whether a pixel changes may hang by a rounding: of few, one would be many percent. */
                double share = choose(&scene, 1e-4f, 0), other = choose(&scene, 1e-3f, 1);
                demand(share >= 0 && share <= 100 && other >= 0 && other <= 100, "a share");
                printf("%zu %zu %zu %.2f %.0f\n", sides[w], sides[h], lanes, far, (double)scene.found);
                close_scene(&scene);
            }
}

static void exercise_gif(void)
{
    const size_t counts[] = {1, 2, 63, 4000, 60000};
    uint8_t *costs = memory((size_t)SYMBOLS * SYMBOLS);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (unsigned bits = 2; bits <= 8; bits += 3) {
            /* Every colour has one index that is right, and none of them is 0, which lets be seen what is there. */
            for (size_t i = 0; i < (size_t)SYMBOLS * SYMBOLS; i++) {
                size_t right = i / SYMBOLS % ((1u << bits) - 1) + 1;
                costs[i] = (uint8_t)(i % SYMBOLS == 0 ? 255 : i % SYMBOLS == right ? 0 : 20 + value(i) % 200);
            }
            size_t count = counts[c], capacity = 2 * count + 1024, changed = 0;
            uint32_t *pixels = memory(count * 4), *colours = memory(CLASSES * 4);
            uint16_t *classes = memory(count * sizeof *classes);
            uint8_t *keep = memory(count), *limit = memory(count), *chosen = memory(count), *out = memory(capacity);
            for (size_t i = 0; i < count; i++) {
                pixels[i] = (uint32_t)(value(i) % (1u << bits)) * 0x010305u;
                keep[i] = value(i * 3);
                limit[i] = (uint8_t)(value(i * 5) / 2);
            }
            size_t known = ((NumberWords)function("gif_number_colours"))(pixels, count, colours, 0, CLASSES, classes);
            demand(known >= 1 && known <= 1u << bits, "so many words");
            demand(!((NumberWords)function("gif_number_colours"))(pixels, count, colours, 0, 0, classes), "no room");
            size_t used = ((EncodeGif)function("gif_lzw_encode"))(classes, keep, limit, count, costs, 0, bits, c, chosen,
                out, capacity);
            demand(used > 2 && used <= capacity && out[0] == bits && out[used - 1] == 0, "no image data");
            for (size_t i = 0; i < count; i++) {
                uint8_t cost = costs[classes[i] * (size_t)SYMBOLS + chosen[i]];
                demand(chosen[i] < 1u << bits && (chosen[i] ? cost : keep[i]) <= limit[i], "too far off");
                changed += cost != 0;
            }
            demand(!((EncodeGif)function("gif_lzw_encode"))(classes, keep, limit, count, costs, 0, bits, c, chosen, out, 8)
                || used <= 8, "more than there is room for");
            printf("%zu %u %zu %.2f %.2f\n", count, bits, known, (double)used, (double)changed);
            free(pixels);
            free(colours);
            free(classes);
            free(keep);
            free(limit);
            free(chosen);
            free(out);
        }
    free(costs);
}

int main(int count, char **arguments)
{
    library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    if (library == NULL)
        return 2;
    exercise_metric();
    exercise_palette();
    exercise_gif();
    dlclose(library);
    return 0;
}
