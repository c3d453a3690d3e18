/* Random numbers: xoshiro256++ (Blackman and Vigna 2019), seeded by SplitMix64. Same seed, same numbers, everywhere. */
#ifndef KT_BASE_RNG_H
#define KT_BASE_RNG_H

#include "base/types.h"

typedef struct kt_rng {
    uint64_t s[4];
} kt_rng;

/* One stream per (seed, a, b): chunk numbers, item and annotator numbers, … */
kt_rng kt_rng_keyed(uint64_t seed, uint64_t a, uint64_t b);
uint64_t kt_rng_u64(kt_rng *r);
uint64_t kt_rng_below(kt_rng *r, uint64_t n); /* 0..n-1, unbiased; n > 0 */
double kt_rng_unit(kt_rng *r);                /* [0, 1) */
double kt_rng_normal(kt_rng *r);              /* mean 0, sd 1 */
/* SplitMix64's finalizer: a good integer hash. */
static inline uint64_t kt_mix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
/* k distinct numbers of 0..n-1 in random order into ret (k <= n); O(k) time and memory. */
void kt_rng_sample(kt_rng *r, uint64_t n, size_t k, uint64_t *ret);

#endif
