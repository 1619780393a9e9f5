/* GIF's LZW with a choice: several symbols may be good enough for a pixel, and the encoder takes the string of them
 * that its dictionary already holds.
 *
 * Costs say which symbols are good enough: one for every palette index instead of every colour of the picture, and one
 * a pixel for leaving what is on the canvas (the transparent index). A cost above the pixel's own limit is forbidden.
 * With limits of 0, and costs of 0 and 255, nothing is lost; what is left to choose is where transparency packs better.
 *
 * A free choice has its price: strings that mix both ways of saying the same fill the dictionary and hardly come again.
 * So in long runs of pixels that may stay only the transparent index is taken.
 *
 * Nothing here keeps a state. Functions return 0 when memory runs out.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"

enum { CODES = 4096, MOST_BITS = 12, SYMBOLS = 256, BLOCK_BYTES = 255, NONE = 0xFFFF, FORBIDDEN = 255 };

/* A full dictionary stays as long as its codes stand for at least this share (of 256) of what they did at best. */
enum { WINDOW_CODES = 512, WORTH_KEEPING = 230 };

typedef struct {
    uint8_t *bytes;
    size_t capacity, used, block_start;
    uint32_t pending;
    unsigned pending_bits;
    int is_full;
} Writer;

typedef struct {
    uint16_t child[CODES], sibling[CODES];
    uint8_t symbol[CODES], first[CODES];
    unsigned next, width, min_bits;
} Dictionary;

typedef struct {
    const uint16_t *classes;
    const uint8_t *keep, *limit;
    uint8_t *stays; /* whether a pixel lies in a run of those that have to be transparent */
    size_t count;
    const uint8_t *costs;
    unsigned transparent;
} Picture;

typedef struct {
    uint16_t node;
    uint32_t length;
    uint64_t error; /* the sum of squared costs */
} Match;

typedef struct {
    size_t codes, pixels, best;
} Wear;

typedef struct {
    Dictionary dictionary;
    Match stack[CODES];
    uint16_t parent[CODES];
} Encoder;

static void put_byte(Writer *writer, unsigned byte)
{
    if (writer->used - writer->block_start > BLOCK_BYTES) {
        writer->bytes[writer->block_start] = BLOCK_BYTES;
        writer->block_start = writer->used;
        if (writer->used < writer->capacity)
            writer->used++;
        else
            writer->is_full = 1;
    }
    if (writer->used < writer->capacity)
        writer->bytes[writer->used++] = (uint8_t)byte;
    else
        writer->is_full = 1;
}

static void put_code(Writer *writer, unsigned code, unsigned width)
{
    writer->pending |= (uint32_t)code << writer->pending_bits;
    writer->pending_bits += width;
    while (writer->pending_bits >= 8 && !writer->is_full) {
        put_byte(writer, writer->pending & 0xFF);
        writer->pending >>= 8;
        writer->pending_bits -= 8;
    }
}

static void finish(Writer *writer)
{
    if (writer->pending_bits)
        put_byte(writer, writer->pending & 0xFF);
    size_t length = writer->used - writer->block_start - 1;
    if (writer->is_full || writer->used >= writer->capacity) {
        writer->is_full = 1;
        return;
    }
    writer->bytes[writer->block_start] = (uint8_t)length;
    if (length)
        writer->bytes[writer->used++] = 0;
}

static void reset(Dictionary *dictionary)
{
    unsigned roots = 1u << dictionary->min_bits;
    for (unsigned root = 0; root < roots; root++) {
        dictionary->child[root] = NONE;
        dictionary->symbol[root] = dictionary->first[root] = (uint8_t)root;
    }
    dictionary->next = roots + 2;
    dictionary->width = dictionary->min_bits + 1;
}

/* Add the entry "parent, symbol" so that it is found at once. */
static void append(Dictionary *dictionary, uint16_t parent, uint8_t symbol)
{
    uint16_t node = (uint16_t)dictionary->next;
    dictionary->symbol[node] = symbol;
    dictionary->first[node] = dictionary->first[parent];
    dictionary->child[node] = NONE;
    dictionary->sibling[node] = dictionary->child[parent];
    dictionary->child[parent] = node;
}

static uint16_t find(const Dictionary *dictionary, uint16_t parent, uint8_t symbol, uint16_t not_this)
{
    uint16_t node = dictionary->child[parent];
    while (node != NONE && (dictionary->symbol[node] != symbol || node == not_this))
        node = dictionary->sibling[node];
    return node;
}

static inline unsigned cost_of(const Picture *picture, size_t place, unsigned symbol)
{
    unsigned cost = picture->keep[place];
    if (symbol != picture->transparent) {
        if (picture->stays[place])
            return FORBIDDEN;
        cost = picture->costs[(size_t)picture->classes[place] * SYMBOLS + symbol];
    }
    return cost <= picture->limit[place] ? cost : FORBIDDEN;
}

/* Mark the runs of at least `least` pixels that may all be left as they are; 0: none. */
static void mark_runs(Picture *picture, size_t least)
{
    size_t start = 0;
    memset(picture->stays, 0, picture->count);
    for (size_t place = 0; least && place <= picture->count; place++) {
        if (place < picture->count && picture->keep[place] <= picture->limit[place])
            continue;
        if (place - start >= least)
            memset(picture->stays + start, 1, place - start);
        start = place + 1;
    }
}

/* Return the string of the dictionary that is worth most at `place`: the longest, and of these the nearest. */
static Match longest(Encoder *encoder, const Picture *picture, size_t place)
{
    const Dictionary *dictionary = &encoder->dictionary;
    unsigned roots = 1u << dictionary->min_bits;
    Match best = {0, 0, 0};
    size_t depth = 0;
    for (unsigned root = 0; root < roots; root++) {
        unsigned cost = cost_of(picture, place, root);
        if (cost != FORBIDDEN)
            encoder->stack[depth++] = (Match){(uint16_t)root, 1, cost * cost};
    }
    while (depth) {
        Match match = encoder->stack[--depth];
        if (match.length > best.length || (match.length == best.length && match.error < best.error))
            best = match;
        size_t next = place + match.length;
        if (next >= picture->count)
            continue;
        for (uint16_t node = dictionary->child[match.node]; node != NONE; node = dictionary->sibling[node]) {
            unsigned cost = cost_of(picture, next, dictionary->symbol[node]);
            if (cost != FORBIDDEN)
                encoder->stack[depth++] = (Match){node, match.length + 1, match.error + cost * cost};
        }
    }
    return best;
}

static void write_symbols(Encoder *encoder, Match match, uint8_t *symbols)
{
    unsigned roots = 1u << encoder->dictionary.min_bits;
    uint16_t node = match.node;
    for (uint32_t left = match.length; left-- > 0;) {
        symbols[left] = encoder->dictionary.symbol[node];
        if (node >= roots)
            node = encoder->parent[node];
    }
}

/* Tell whether a full dictionary stands for so few pixels a code by now that a new one is better. */
static int is_worn(Wear *wear, size_t pixels)
{
    wear->pixels += pixels;
    if (++wear->codes < WINDOW_CODES)
        return 0;
    size_t now = wear->pixels;
    wear->codes = wear->pixels = 0;
    if (now > wear->best)
        wear->best = now;
    if (now * 256 >= wear->best * WORTH_KEEPING)
        return 0;
    wear->best = 0;
    return 1;
}

static void encode(Encoder *encoder, const Picture *picture, Writer *writer, uint8_t *chosen)
{
    Dictionary *dictionary = &encoder->dictionary;
    unsigned clear = 1u << dictionary->min_bits;
    uint16_t before = NONE;
    Wear wear = {0, 0, 0};
    reset(dictionary);
    put_code(writer, clear, dictionary->width);
    for (size_t place = 0; place < picture->count && !writer->is_full;) {
        int is_growing = before != NONE && dictionary->next < CODES;
        uint16_t fresh = (uint16_t)dictionary->next;
        if (is_growing) { /* the entry to come can be used already, by a string that begins like the one before */
            append(dictionary, before, dictionary->first[before]);
            encoder->parent[fresh] = before;
        }
        Match match = longest(encoder, picture, place);
        if (match.length == 0) { /* a pixel that nothing is good enough for */
            writer->is_full = 1;
            return;
        }
        if (is_growing) {
            uint8_t first = dictionary->first[match.node];
            dictionary->symbol[fresh] = first;
            if (match.node != fresh && find(dictionary, before, first, fresh) != NONE)
                dictionary->child[before] = dictionary->sibling[fresh];
            if (dictionary->next == 1u << dictionary->width && dictionary->width < MOST_BITS)
                dictionary->width++;
            dictionary->next++;
        }
        put_code(writer, match.node, dictionary->width);
        write_symbols(encoder, match, chosen + place);
        place += match.length;
        before = match.node;
        if (dictionary->next < CODES)
            continue;
        if (!is_worn(&wear, match.length))
            continue;
        put_code(writer, clear, dictionary->width);
        reset(dictionary);
        before = NONE;
    }
    if (before != NONE && dictionary->next < CODES && dictionary->next == 1u << dictionary->width)
        dictionary->width++;
    put_code(writer, clear + 1, dictionary->width);
    finish(writer);
}

/* Write `count` pixels as GIF's image data: the code size, then blocks up to the empty one. Return its length in bytes, 0
 * where `out` is too small, nothing is good enough for a pixel, or memory is lacking.
 *
 * `classes` are the pixels' colours, of which row c of `costs` (256 wide) holds the costs of each symbol; `keep` is the
 * cost of `transparent`, and `limit` the most that a pixel's symbol may cost. Runs of `least_run` pixels (0: none) that
 * may be transparent are. The symbols that were taken are written to `chosen`. */
EXPORTED size_t gif_lzw_encode(const uint16_t *classes, const uint8_t *keep, const uint8_t *limit, size_t count,
                               const uint8_t *costs, unsigned transparent, unsigned min_bits, size_t least_run,
                               uint8_t *chosen, uint8_t *out, size_t capacity)
{
    if (min_bits < 2 || min_bits > 8 || capacity < 8 || !count)
        return 0;
    Encoder *encoder = malloc(sizeof *encoder);
    uint8_t *stays = malloc(count);
    if (!encoder || !stays) {
        free(encoder);
        free(stays);
        return 0;
    }
    Picture picture = {classes, keep, limit, stays, count, costs, transparent};
    mark_runs(&picture, least_run);
    Writer writer = {out, capacity, 2, 1, 0, 0, 0};
    out[0] = (uint8_t)min_bits;
    encoder->dictionary.min_bits = min_bits;
    encode(encoder, &picture, &writer, chosen);
    free(encoder);
    free(stays);
    return writer.is_full ? 0 : writer.used;
}

/* Number the colours of `count` pixels in the order of their first appearance, after the `known` ones in `colours`.
 * Return how many there are then, or 0 where there are more than `most` (at most 65535) or memory is lacking. */
EXPORTED size_t gif_number_colours(const uint32_t *pixels, size_t count, uint32_t *colours, size_t known, size_t most,
                                   uint16_t *classes)
{
    enum { SLOTS = 1 << 18 };
    uint16_t *slots = malloc(SLOTS * sizeof *slots);
    if (!slots || most > NONE) {
        free(slots);
        return 0;
    }
    memset(slots, 0xFF, SLOTS * sizeof *slots);
    size_t used = 0;
    for (size_t place = 0; place < known + count; place++) {
        uint32_t pixel = place < known ? colours[place] : pixels[place - known];
        size_t slot = (pixel * 2654435761u) >> 14;
        while (slots[slot] != NONE && colours[slots[slot]] != pixel)
            slot = (slot + 1) % SLOTS;
        if (slots[slot] == NONE) {
            if (used >= most) {
                free(slots);
                return 0;
            }
            colours[used] = pixel;
            slots[slot] = (uint16_t)used++;
        }
        if (place >= known)
            classes[place - known] = slots[slot];
    }
    free(slots);
    return used;
}
