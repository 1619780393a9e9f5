/* What both passes of the choice of indices (lossy_lz.c) know of deflate: its symbols' costs, hash chains, matches. */

#ifndef MINIPIC_LZ_H
#define MINIPIC_LZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 32768
#define LEAST 3
#define MOST 258
#define HASH_BITS 15
#define NOWHERE UINT32_MAX
#define DISTANCE_CODES 30
#define PARTS 4096 /* of a bit */

/* What the symbols of deflate cost, in bits. A length's and a distance's cost holds its extra bits. */
typedef struct {
    float literal[256], length[MOST + 1], distance[DISTANCE_CODES];
} Costs;

typedef struct {
    uint32_t *heads, *links; /* where a hash was seen last, and before each position (in the window) */
} Chains;

static inline int open_chains(Chains *chains)
{
    chains->heads = malloc(((size_t)1 << HASH_BITS) * sizeof *chains->heads);
    chains->links = malloc(WINDOW * sizeof *chains->links);
    if (!chains->heads || !chains->links)
        return 0;
    memset(chains->heads, 0xFF, ((size_t)1 << HASH_BITS) * sizeof *chains->heads);
    return 1;
}

static inline void close_chains(Chains *chains)
{
    free(chains->heads);
    free(chains->links);
}

static inline size_t hash_of(unsigned a, unsigned b, unsigned c)
{
    uint32_t bytes = a | b << 8 | c << 16;
    return (uint32_t)(bytes * 2654435761u) >> (32 - HASH_BITS);
}

static inline void enter(Chains *chains, const uint8_t *stream, size_t at)
{
    size_t hash = hash_of(stream[at], stream[at + 1], stream[at + 2]);
    chains->links[at % WINDOW] = chains->heads[hash];
    chains->heads[hash] = (uint32_t)at;
}

static inline uint32_t earlier(const Chains *chains, uint32_t candidate, size_t at)
{
    uint32_t next = chains->links[candidate % WINDOW];
    return next == NOWHERE || next >= candidate || at - next > WINDOW ? NOWHERE : next;
}

static inline unsigned log2_of(unsigned number)
{
    return 31u - (unsigned)__builtin_clz(number);
}

/* RFC 1951, 3.2.5: two codes for each power of two, from 5 on. */
static inline unsigned distance_code(size_t distance)
{
    unsigned number = (unsigned)distance - 1;
    if (number < 4)
        return number;
    unsigned power = log2_of(number);
    return 2 * power + (number >> (power - 1) & 1);
}

/* How many bytes are the same, of `most`; both places may be read in words. */
static inline size_t same(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t length = 0;
    for (; length + 8 <= most; length += 8) {
        uint64_t left, right;
        memcpy(&left, a + length, 8);
        memcpy(&right, b + length, 8);
        if (left != right)
            break;
    }
    while (length < most && a[length] == b[length])
        length++;
    return length;
}

#endif
