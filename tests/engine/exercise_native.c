/* Runs the metric of the engine's shared object on pictures of many sizes, and prints the scores, for tests that build
 * it with checks of every memory access, or for another machine. `exercise_native LIBRARY` */

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef void *(*New)(const uint8_t *, size_t, size_t, size_t, unsigned);
typedef double (*Score)(void *, const uint8_t *, size_t, unsigned);
typedef void (*Free)(void *);

static uint8_t value(size_t i)
{
    return (uint8_t)((((uint32_t)i * 2654435761u) >> 13 ^ i / 7) & 0xff);
}

int main(int count, char **arguments)
{
    void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    if (library == NULL)
        return 2;
    New make = (New)dlsym(library, "ssimulacra2_new");
    Score score = (Score)dlsym(library, "ssimulacra2_score");
    Free release = (Free)dlsym(library, "ssimulacra2_free");
    const size_t sides[] = {8, 9, 15, 16, 31, 64, 100, 225, 300};
    const size_t channels[] = {1, 3, 4};
    for (size_t c = 0; c < 3; c++)
        for (size_t w = 0; w < sizeof sides / sizeof *sides; w++)
            for (size_t h = 0; h < sizeof sides / sizeof *sides; h++) {
                const size_t size = sides[w] * sides[h] * channels[c];
                uint8_t *original = malloc(size), *trial = malloc(size);
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
    dlclose(library);
    return 0;
}
