#include "algo/nth.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, FEW = 24 };

/* Bits whose unsigned order is the order of the numbers; -0 and 0 alike. */
static inline uint64_t order_bits(double x)
{
    uint64_t u;
    x += 0.0;
    memcpy(&u, &x, sizeof(u));
    return u >> 63 ? ~u : u | (uint64_t)1 << 63;
}

static double from_bits(uint64_t u)
{
    double x;
    u = u >> 63 ? u & ~((uint64_t)1 << 63) : ~u;
    memcpy(&x, &u, sizeof(x));
    return x;
}

static double of_few(double *v, size_t n, size_t nth)
{
    for (size_t i = 1; i < n; i++) {
        double x = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
    return v[nth];
}

double kt_nth_smallest(double *v, size_t n, size_t nth)
{
    KT_ASSERT(nth < n);
    if (n <= FEW)
        return of_few(v, n, nth);
    uint64_t found = 0;
    for (int shift = 64 - DIGIT_BITS; n > 1; shift = shift > DIGIT_BITS ? shift - DIGIT_BITS : 0) {
        uint32_t count[DIGITS] = { 0 };
        for (size_t i = 0; i < n; i++)
            count[order_bits(v[i]) >> shift & (DIGITS - 1)]++;
        uint32_t digit = 0;
        while (nth >= count[digit])
            nth -= count[digit++];
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
            if ((order_bits(v[i]) >> shift & (DIGITS - 1)) == digit)
                v[kept++] = v[i];
        n = kept;
        found = order_bits(v[0]);
        if (shift == 0)
            break; /* all that are left are equal */
    }
    return n == 1 ? v[0] : from_bits(found);
}

struct placed {
    double score;
    size_t place;
};

static int by_score(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

void kt_sort_places(size_t *place, size_t n, const double *score)
{
    struct placed *p = kt_alloc_array(n + 1, sizeof(*p));
    for (size_t i = 0; i < n; i++)
        p[i] = (struct placed){ score[place[i]], place[i] };
    if (n)
        qsort(p, n, sizeof(*p), by_score);
    for (size_t i = 0; i < n; i++)
        place[i] = p[i].place;
    kt_free(p);
}

static inline uint32_t float_bits(float x)
{
    uint32_t u;
    x += 0.0f; /* -0 and 0 alike */
    memcpy(&u, &x, sizeof(u));
    return u >> 31 ? ~u : u | (uint32_t)1 << 31;
}

static inline float float_of(uint32_t u)
{
    float x;
    u = u >> 31 ? u & ~((uint32_t)1 << 31) : ~u;
    memcpy(&x, &u, sizeof(x));
    return x;
}

void kt_sort_floats(float *v, size_t n)
{
    enum { PASSES = 3 };
    size_t(*count)[DIGITS] = kt_zalloc_array(PASSES, sizeof(*count));
    uint32_t *from = kt_alloc_array(n + 1, sizeof(*from)), *to = kt_alloc_array(n + 1, sizeof(*to));
    for (size_t i = 0; i < n; i++) {
        uint32_t u = from[i] = float_bits(v[i]);
        for (int p = 0; p < PASSES; p++)
            count[p][u >> p * DIGIT_BITS & (DIGITS - 1)]++;
    }
    for (int p = 0; p < PASSES; p++) {
        size_t at = 0;
        bool one = false; /* all in one place: nothing to do */
        for (int d = 0; d < DIGITS; d++) {
            size_t c = count[p][d];
            one |= c == n;
            count[p][d] = at;
            at += c;
        }
        for (size_t i = 0; i < n && !one; i++)
            to[count[p][from[i] >> p * DIGIT_BITS & (DIGITS - 1)]++] = from[i];
        if (!one) {
            uint32_t *t = from;
            from = to;
            to = t;
        }
    }
    for (size_t i = 0; i < n; i++)
        v[i] = float_of(from[i]);
    kt_free(from);
    kt_free(to);
    kt_free(count);
}

static float size_of(float x)
{
    return x < 0 ? -x : x;
}

size_t kt_strongest(const float *x, size_t n, size_t most, size_t *ret)
{
    size_t k = 0;
    for (size_t i = 0; i < n && most; i++) {
        if (size_of(x[i]) <= 0 || (k == most && size_of(x[i]) <= size_of(x[ret[k - 1]])))
            continue;
        size_t at = k < most ? k++ : k - 1;
        for (; at > 0 && size_of(x[ret[at - 1]]) < size_of(x[i]); at--)
            ret[at] = ret[at - 1];
        ret[at] = i;
    }
    return k;
}
