/* xoshiro256++ 1.0; bounded integers by Lemire (2019); sampling by a sparse Fisher-Yates shuffle. */
#include "base/rng.h"

#include "base/err.h"
#include "base/mem.h"

#include <math.h>

kt_rng kt_rng_keyed(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t x = kt_mix64(kt_mix64(kt_mix64(seed) ^ a) ^ b);
    kt_rng r;
    for (int i = 0; i < 4; i++)
        r.s[i] = x = kt_mix64(x);
    return r;
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t kt_rng_u64(kt_rng *r)
{
    uint64_t *s = r->s, ret = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return ret;
}

uint64_t kt_rng_below(kt_rng *r, uint64_t n)
{
    KT_ASSERT(n > 0);
    __extension__ typedef unsigned __int128 u128;
    u128 m = (u128)kt_rng_u64(r) * n;
    if ((uint64_t)m < n)
        for (uint64_t floor = -n % n; (uint64_t)m < floor;)
            m = (u128)kt_rng_u64(r) * n;
    return (uint64_t)(m >> 64);
}

double kt_rng_unit(kt_rng *r)
{
    return (double)(kt_rng_u64(r) >> 11) * 0x1p-53;
}

double kt_rng_normal(kt_rng *r)
{
    double u = 1 - kt_rng_unit(r), v = kt_rng_unit(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

void kt_rng_sample(kt_rng *r, uint64_t n, size_t k, uint64_t *ret)
{
    KT_ASSERT(k <= n);
    size_t cap = 16;
    while (cap < 2 * k)
        cap *= 2;
    /* slot: position moved + 1 (0 = free), and what now stands there */
    uint64_t *pos = kt_zalloc_array(cap, sizeof(*pos)), *val = kt_alloc_array(cap, sizeof(*val));
    for (size_t i = 0; i < k; i++) {
        uint64_t j = i + kt_rng_below(r, n - i), want[2] = { j, i }, at[2], got[2];
        for (int w = 0; w < 2; w++) {
            at[w] = kt_mix64(want[w]) & (cap - 1);
            while (pos[at[w]] && pos[at[w]] != want[w] + 1)
                at[w] = (at[w] + 1) & (cap - 1);
            got[w] = pos[at[w]] ? val[at[w]] : want[w];
        }
        ret[i] = got[0];
        pos[at[0]] = j + 1;
        val[at[0]] = got[1];
    }
    kt_free(pos);
    kt_free(val);
}
