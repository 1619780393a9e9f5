/* Palettes: the colours of a picture, where they stand for the eye, which of them to merge, and which is the nearest.
 *
 * A colour's place ("vector") is what SSIMULACRA2 makes of it: XYB, its channels weighted. A picture with transparency
 * has two such places for each colour, on black and on white, one behind the other. Vectors are rows of `lanes` floats:
 * 4, of which 3 are used, or 8, of which 6 are. The unused ones are 0.
 *
 * Nothing here keeps a state. Functions that can fail return 0 (or SIZE_MAX) when memory runs out.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"

#define MAX_PALETTE 256
#define MAX_LANES 8

/* ---- the colours of a picture ---- */

static size_t slot_of(uint32_t colour, size_t mask)
{
    uint64_t mixed = (uint64_t)colour * 0x9E3779B97F4A7C15u;
    return (size_t)(mixed >> 32) & mask;
}

static uint32_t *larger_table(uint32_t *table, size_t *slots, const uint32_t *colours, size_t found)
{
    size_t wanted = *slots * 4;
    free(table);
    table = calloc(wanted, sizeof *table);
    if (!table)
        return NULL;
    for (size_t number = 0; number < found; number++) {
        size_t slot = slot_of(colours[number], wanted - 1);
        while (table[slot])
            slot = (slot + 1) & (wanted - 1);
        table[slot] = (uint32_t)number + 1;
    }
    *slots = wanted;
    return table;
}

/* Number the different values among `pixels` (RGBA as the machine reads it) in order of appearance: `numbers` gets the
 * number of each pixel, `colours` the values, `counts` how often each occurs; both have room for `count`. Returns how
 * many there are, SIZE_MAX without memory. */
EXPORTED size_t palette_colours(
    const uint32_t *pixels, size_t count, uint32_t *numbers, uint32_t *colours, uint32_t *counts)
{
    size_t slots = 4096, found = 0;
    uint32_t *table = calloc(slots, sizeof *table);
    for (size_t i = 0; i < count && table; i++) {
        if (i && pixels[i] == pixels[i - 1]) {
            numbers[i] = numbers[i - 1];
            counts[numbers[i]]++;
            continue;
        }
        size_t slot = slot_of(pixels[i], slots - 1);
        while (table[slot] && colours[table[slot] - 1] != pixels[i])
            slot = (slot + 1) & (slots - 1);
        if (!table[slot]) {
            colours[found] = pixels[i];
            counts[found] = 0;
            table[slot] = (uint32_t)++found;
            if (found * 2 > slots) {
                numbers[i] = (uint32_t)found - 1;
                counts[found - 1] = 1;
                table = larger_table(table, &slots, colours, found);
                continue;
            }
        }
        numbers[i] = table[slot] - 1;
        counts[numbers[i]]++;
    }
    if (!table)
        return SIZE_MAX;
    free(table);
    return found;
}

/* ---- where a colour stands ---- */

typedef struct {
    float linear[256], x_weight, b_weight;
} Space;

static Space space_of(float x_weight, float b_weight)
{
    Space space = {.x_weight = x_weight, .b_weight = b_weight};
    for (int value = 0; value < 256; value++) {
        float part = (float)value / 255.0f;
        space.linear[value] = part <= 0.04045f ? part / 12.92f : powf((part + 0.055f) / 1.055f, 2.4f);
    }
    return space;
}

/* XYB as in libjxl's SSIMULACRA2: (Y, wx * 14 X, wb * (B - Y)), without the offsets that cancel out in a difference. */
static void place(const Space *space, const uint8_t *rgb, float scale, float *out)
{
    const float bias = 0.0037930734f;
    float r = space->linear[rgb[0]], g = space->linear[rgb[1]], b = space->linear[rgb[2]];
    float l = cbrtf(0.30f * r + 0.622f * g + 0.078f * b + bias);
    float m = cbrtf(0.23f * r + 0.692f * g + 0.078f * b + bias);
    float s = cbrtf(0.24342269f * r + 0.20476744f * g + 0.55180987f * b + bias);
    float y = 0.5f * (l + m);
    out[0] = scale * y;
    out[1] = scale * space->x_weight * 7.0f * (l - m);
    out[2] = scale * space->b_weight * (s - y);
}

static void vectors_of(const Space *space, const uint8_t *rgba, size_t count, size_t lanes, float *out)
{
    for (size_t i = 0; i < count; i++, rgba += 4, out += lanes) {
        memset(out, 0, lanes * sizeof *out);
        if (lanes == 4) {
            place(space, rgba, 1.0f, out);
            continue;
        }
        uint8_t on_black[3], on_white[3];
        for (int channel = 0; channel < 3; channel++) {
            unsigned dark = ((unsigned)rgba[channel] * rgba[3] + 127) / 255;
            on_black[channel] = (uint8_t)dark;
            on_white[channel] = (uint8_t)(dark + 255 - rgba[3]);
        }
        place(space, on_black, 0.70710678f, out);
        place(space, on_white, 0.70710678f, out + 3);
    }
}

/* Write the places of `count` colours in RGBA. */
EXPORTED void palette_vectors(
    const uint8_t *rgba, size_t count, size_t lanes, float x_weight, float b_weight, float *out)
{
    Space space = space_of(x_weight, b_weight);
    vectors_of(&space, rgba, count, lanes, out);
}

/* ---- how busy a picture is ---- */

#define REACH 4
#define TAPS (2 * REACH + 1)

CLONED static void blurred_row(const float *padded, size_t width, const float *taps, float *mean, float *square)
{
    for (size_t x = 0; x < width; x++) {
        float sum = 0, squares = 0;
        for (int tap = 0; tap < TAPS; tap++) {
            float value = padded[x + (size_t)tap], part = taps[tap] * value;
            sum += part;
            squares += part * value;
        }
        mean[x] = sum;
        square[x] = squares;
    }
}

CLONED static void variance_row(float *const rows[TAPS], size_t width, const float *taps, float scale, float *out)
{
    for (size_t x = 0; x < width; x++) {
        float sum = 0, squares = 0;
        for (int tap = 0; tap < TAPS; tap++) {
            sum += taps[tap] * rows[tap][x];
            squares += taps[tap] * rows[tap][width + x];
        }
        float variance = squares - sum * sum;
        out[x] += scale * (variance > 0 ? variance : 0);
    }
}

/* Add `scale` times the variance of `values[numbers[...]]` under a Gaussian of sigma 1.5 to `out`, pixel by pixel. */
EXPORTED int palette_activity(
    const float *values, const uint32_t *numbers, size_t width, size_t height, float scale, float *out)
{
    float taps[TAPS], total = 0;
    float *memory = malloc((width + 2 * REACH + TAPS * 2 * width) * sizeof *memory), *padded = memory;
    if (!memory)
        return 0;
    float *ring = memory + width + 2 * REACH;
    for (int tap = 0; tap < TAPS; tap++)
        total += taps[tap] = expf(-(float)((tap - REACH) * (tap - REACH)) / 4.5f);
    for (int tap = 0; tap < TAPS; tap++)
        taps[tap] /= total;
    for (size_t y = 0, next = 0; y < height; y++) {
        for (; next < height && next <= y + REACH; next++) {
            for (size_t x = 0; x < width + 2 * REACH; x++) {
                size_t at = x < REACH ? 0 : x - REACH;
                padded[x] = values[numbers[next * width + (at < width ? at : width - 1)]];
            }
            float *row = ring + next % TAPS * 2 * width;
            blurred_row(padded, width, taps, row, row + width);
        }
        float *rows[TAPS];
        for (size_t tap = 0; tap < TAPS; tap++) {
            size_t at = y + tap < REACH ? 0 : y + tap - REACH;
            rows[tap] = ring + (at < height ? at : height - 1) % TAPS * 2 * width;
        }
        variance_row(rows, width, taps, scale, out + y * width);
    }
    free(memory);
    return 1;
}

/* ---- the nearest colour ---- */

/* Non-negative floats compare like integers, so that distance and index fit in one number whose minimum is both. */
static inline int32_t tagged(float distance, int32_t index)
{
    union { float number; int32_t bits; } both = {.number = distance};
    return (both.bits & ~0xFF) | index;
}

CLONED static unsigned nearest_one(const float *planes, size_t size, size_t used, const float *vector)
{
    int32_t keys[MAX_PALETTE], least = INT32_MAX;
    float sums[MAX_PALETTE];
    for (size_t k = 0; k < size; k++)
        sums[k] = 0;
    for (size_t lane = 0; lane < used; lane++)
        for (size_t k = 0; k < size; k++) {
            float step = planes[lane * MAX_PALETTE + k] - vector[lane];
            sums[k] += step * step;
        }
    for (size_t k = 0; k < size; k++)
        keys[k] = tagged(sums[k], (int32_t)k);
    for (size_t k = 0; k < size; k++)
        least = keys[k] < least ? keys[k] : least;
    return (unsigned)least & 0xFF;
}

static float distance(const float *a, const float *b, size_t lanes)
{
    float sum = 0;
    for (size_t lane = 0; lane < lanes; lane++)
        sum += (a[lane] - b[lane]) * (a[lane] - b[lane]);
    return sum;
}

/* The palette turned: all its first lanes, then all its second ones; filled up with colours that are never the
 * nearest. Returns the rounded size. */
static size_t turned(const float *palette, size_t size, size_t lanes, float planes[MAX_LANES * MAX_PALETTE])
{
    size_t rounded = (size + 7) / 8 * 8;
    for (size_t lane = 0; lane < lanes; lane++)
        for (size_t k = 0; k < rounded; k++)
            planes[lane * MAX_PALETTE + k] = k < size ? palette[k * lanes + lane] : 1e9f;
    return rounded;
}

static size_t used_lanes(size_t lanes)
{
    return lanes == 4 ? 3 : 6;
}

/* Write the index of the nearest of `size` (1 to 256) palette vectors, and its squared distance, for `count` vectors. */
EXPORTED void palette_nearest(const float *vectors, size_t count, size_t lanes, const float *palette, size_t size,
    uint8_t *indices, float *distances)
{
    float planes[MAX_LANES * MAX_PALETTE];
    size_t rounded = turned(palette, size, lanes, planes);
    for (size_t i = 0; i < count; i++) {
        const float *vector = vectors + i * lanes;
        indices[i] = (uint8_t)nearest_one(planes, rounded, used_lanes(lanes), vector);
        distances[i] = distance(vector, palette + indices[i] * lanes, lanes);
    }
}

/* Floyd and Steinberg's diffusion, rows by turns from the left and from the right, on vectors: `strength` of what is
 * wrong with a pixel goes on to its neighbours, at most `limit` of it. */
EXPORTED int palette_dither(const float *vectors, const uint32_t *numbers, size_t width, size_t height, size_t lanes,
    const float *palette, size_t size, float strength, float limit, uint8_t *indices)
{
    float planes[MAX_LANES * MAX_PALETTE];
    size_t rounded = turned(palette, size, lanes, planes), used = used_lanes(lanes), row = (width + 2) * lanes;
    float *errors = calloc(2 * row, sizeof *errors), *here = errors, *below;
    if (!errors)
        return 0;
    below = errors + row;
    for (size_t y = 0; y < height; y++) {
        long step = y % 2 ? -(long)lanes : (long)lanes;
        for (size_t done = 0; done < width; done++) {
            size_t x = y % 2 ? width - 1 - done : done;
            float *spread = here + (x + 1) * lanes, *under = below + (x + 1) * lanes, wanted[MAX_LANES], length = 0;
            const float *vector = vectors + numbers[y * width + x] * lanes;
            for (size_t lane = 0; lane < used; lane++) {
                wanted[lane] = vector[lane] + spread[lane];
            }
            unsigned index = nearest_one(planes, rounded, used, wanted);
            indices[y * width + x] = (uint8_t)index;
            for (size_t lane = 0; lane < used; lane++) {
                wanted[lane] -= palette[index * lanes + lane];
                length += wanted[lane] * wanted[lane];
            }
            float part = strength * (length > limit * limit ? limit / sqrtf(length) : 1.0f) / 16.0f;
            for (size_t lane = 0; lane < used; lane++) {
                float error = part * wanted[lane];
                spread[(long)lane + step] += 7 * error;
                under[(long)lane - step] += 3 * error;
                under[lane] += 5 * error;
                under[(long)lane + step] += error;
            }
        }
        float *swap = here;
        here = below;
        below = swap;
        memset(below, 0, row * sizeof *below);
    }
    free(errors);
    return 1;
}

/* ---- showing ---- */

/* Write the pixels that `count` indices into a palette in RGBA stand for, 3 (RGB) or 4 bytes each. */
EXPORTED void palette_paint(
    const uint8_t *indices, size_t count, const uint8_t *palette, size_t channels, uint8_t *pixels)
{
    size_t last = count;
    if (channels == 4) {
        for (size_t i = 0; i < count; i++)
            memcpy(pixels + 4 * i, palette + 4 * (size_t)indices[i], 4);
        return;
    }
    if (count) /* writes of four bytes, of which the next pixel overwrites one, would end behind the last */
        last = count - 1;
    for (size_t i = 0; i < last; i++)
        memcpy(pixels + 3 * i, palette + 4 * (size_t)indices[i], 4);
    for (size_t i = last; i < count; i++)
        memcpy(pixels + 3 * i, palette + 4 * (size_t)indices[i], 3);
}
