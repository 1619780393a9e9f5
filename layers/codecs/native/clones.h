/* What the C files of the engine share: which functions are seen outside, and which are compiled twice. */

#ifndef MINIPIC_CLONES_H
#define MINIPIC_CLONES_H

#define EXPORTED __attribute__((visibility("default")))

/* What a loop that is compiled twice calls has to become a part of it. */
#define INLINED __attribute__((always_inline)) static inline

/* On x86-64 a loop that is worth it is compiled for every processor and again for those with AVX2 and FMA; the dynamic
 * linker chooses when the library is loaded. */
#if defined(__x86_64__) && !defined(MINIPIC_ONE_VERSION)
#define CLONED __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define CLONED
#endif

#endif
