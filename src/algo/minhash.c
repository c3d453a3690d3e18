/* Broder (1997), "On the resemblance and containment of documents". The rules of detail (SHA-1, the Mersenne prime 2^61 - 1, products that
   wrap at 2^64, the order in which permutations are drawn) are those of datasketch 1.x; the generator behind numpy's RandomState
   is MT19937 (Matsumoto and Nishimura 1998), whose bounded 64-bit numbers are drawn under a mask and refused above the bound. */
#include "algo/minhash.h"

#include "algo/learn/text_features.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PRIME (((uint64_t)1 << 61) - 1)

kt_rc kt_shingling_parse(kt_str text, kt_shingling *ret, kt_err *err)
{
    int64_t size = 0;
    bool chars = text.n && text.p[0] == 'c', words = text.n && text.p[0] == 'w';
    if ((chars || words) && kt_parse_i64((kt_str){ text.p + 1, text.n - 1 }, 1, KT_MINHASH_MAX_SHINGLE, &size)) {
        *ret = (kt_shingling){ (uint32_t)size, chars };
        return 0;
    }
    return kt_fail(err, KT_USAGE, "shingles are wN (N words) or cN (N characters), N from 1 to %d, not %.*s", KT_MINHASH_MAX_SHINGLE, KT_F(text));
}

/* ---- the shingles of a text ---- */

typedef struct tokens {
    char *text;            /* all tokens joined by blanks */
    size_t n;
    KT_VEC(size_t) start;  /* of each token */
} tokens;

/* Folding makes a token no longer than three times what it was (Latin-1 letters that become two). */
static void fold(kt_str s, tokens *t)
{
    size_t at = 0, cap = 4 * s.n + 16;
    t->text = kt_alloc(cap);
    for (;;) {
        size_t place = t->n + (t->n > 0), len = kt_token_next(s, &at, t->text + place, cap - place);
        if (!len)
            return;
        if (t->n)
            t->text[t->n] = ' ';
        KT_PUSH(&t->start, place);
        t->n = place + len;
    }
}

static void tokens_done(tokens *t)
{
    kt_free(t->text);
    KT_VEC_DONE(&t->start);
}

static size_t count(const tokens *t, kt_shingling how)
{
    size_t units = how.chars ? t->n : t->start.n;
    return units < how.size ? 1 : units - how.size + 1;
}

static kt_str shingle(const tokens *t, kt_shingling how, size_t i)
{
    size_t units = how.chars ? t->n : t->start.n;
    if (units <= how.size)
        return (kt_str){ t->text, t->n };
    if (how.chars)
        return (kt_str){ t->text + i, how.size };
    size_t last = i + how.size, end = last < t->start.n ? t->start.v[last] - 1 : t->n;
    return (kt_str){ t->text + t->start.v[i], end - t->start.v[i] };
}

static int by_value(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

/* Hashes of the different shingles, ascending; the caller frees them. */
static uint64_t *set_of(const tokens *t, kt_shingling how, size_t *ret_n)
{
    size_t n = count(t, how), m = 0;
    uint64_t *h = kt_alloc_array(n, sizeof(*h));
    for (size_t i = 0; i < n; i++) {
        kt_str s = shingle(t, how, i);
        h[i] = XXH3_64bits(s.p, s.n);
    }
    qsort(h, n, sizeof(*h), by_value);
    for (size_t i = 0; i < n; i++)
        if (m == 0 || h[i] != h[m - 1])
            h[m++] = h[i];
    *ret_n = m;
    return h;
}

double kt_shingles_jaccard(kt_str x, kt_str y, kt_shingling how, size_t *ret_x, size_t *ret_y)
{
    tokens t[2] = { { 0 } };
    size_t n[2], i = 0, j = 0, both = 0;
    uint64_t *h[2];
    for (int k = 0; k < 2; k++) {
        fold(k ? y : x, &t[k]);
        h[k] = set_of(&t[k], how, &n[k]);
    }
    while (i < n[0] && j < n[1]) {
        uint64_t a = h[0][i], b = h[1][j];
        both += a == b;
        i += a <= b;
        j += b <= a;
    }
    for (int k = 0; k < 2; k++) {
        kt_free(h[k]);
        tokens_done(&t[k]);
    }
    *ret_x = n[0];
    *ret_y = n[1];
    return (double)both / (double)(n[0] + n[1] - both);
}

/* ---- SHA-1 (FIPS 180-4), of which the first four bytes are wanted ---- */

static uint32_t roll(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void sha1_block(const unsigned char *p, uint32_t h[5])
{
    static const uint32_t k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; i++)
        w[i] = i < 16 ? (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3]
                      : roll(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20 ? (b & c) | (~b & d) : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
        uint32_t next = roll(a, 5) + f + e + k[i / 20] + w[i];
        e = d;
        d = c;
        c = roll(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static uint32_t sha1_front(kt_str s)
{
    uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    unsigned char last[128] = { 0 };
    size_t whole = s.n / 64 * 64, rest = s.n - whole, end = rest < 56 ? 64 : 128;
    for (size_t at = 0; at < whole; at += 64)
        sha1_block((const unsigned char *)s.p + at, h);
    if (rest)
        memcpy(last, s.p + whole, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        last[end - 1 - (size_t)i] = (unsigned char)((uint64_t)s.n * 8 >> 8 * i);
    for (size_t at = 0; at < end; at += 64)
        sha1_block(last + at, h);
    return __builtin_bswap32(h[0]); /* the digest's first bytes, read little endian */
}

/* ---- permutations and signatures ---- */

enum { MT_N = 624, MT_M = 397 };

typedef struct twister {
    uint32_t v[MT_N];
    int at;
} twister;

static void twister_seed(twister *t, uint32_t seed)
{
    t->v[0] = seed;
    for (uint32_t i = 1; i < MT_N; i++)
        t->v[i] = 1812433253u * (t->v[i - 1] ^ t->v[i - 1] >> 30) + i;
    t->at = MT_N;
}

static uint32_t twister_next(twister *t)
{
    if (t->at == MT_N) {
        for (int i = 0; i < MT_N; i++) {
            uint32_t y = (t->v[i] & 0x80000000u) | (t->v[(i + 1) % MT_N] & 0x7fffffffu);
            t->v[i] = t->v[(i + MT_M) % MT_N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
        }
        t->at = 0;
    }
    uint32_t y = t->v[t->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

/* 0 .. bound, bound < 2^61. */
static uint64_t twister_below(twister *t, uint64_t bound)
{
    for (;;) {
        uint64_t high = twister_next(t), x = (high << 32 | twister_next(t)) & PRIME;
        if (x <= bound)
            return x;
    }
}

void kt_minhash_permutations(uint32_t seed, uint32_t n_slots, uint64_t *ret_a, uint64_t *ret_b)
{
    twister t;
    twister_seed(&t, seed);
    for (uint32_t i = 0; i < n_slots; i++) {
        ret_a[i] = 1 + twister_below(&t, PRIME - 2);
        ret_b[i] = twister_below(&t, PRIME - 1);
    }
}

size_t kt_minhash_sign(kt_str text, kt_shingling how, const uint64_t *a, const uint64_t *b, uint32_t n_slots, uint32_t *ret_slot)
{
    tokens t = { 0 };
    size_t n, different;
    fold(text, &t);
    n = count(&t, how);
    for (uint32_t i = 0; i < n_slots; i++)
        ret_slot[i] = UINT32_MAX;
    for (size_t s = 0; s < n; s++) {
        uint64_t h = sha1_front(shingle(&t, how, s));
        for (uint32_t i = 0; i < n_slots; i++) {
            uint64_t x = a[i] * h + b[i], folded = (x & PRIME) + (x >> 61); /* mod 2^61 - 1, but for one case */
            folded = folded >= PRIME ? folded - PRIME : folded;
            ret_slot[i] = KT_MIN(ret_slot[i], (uint32_t)folded);
        }
    }
    kt_free(set_of(&t, how, &different));
    tokens_done(&t);
    return different;
}

double kt_minhash_estimate(const uint32_t *x, const uint32_t *y, uint32_t n_slots)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < n_slots; i++)
        same += x[i] == y[i];
    return n_slots ? (double)same / n_slots : NAN;
}

/* ---- bands ---- */

static double band_chance(double s, uint32_t bands, uint32_t rows)
{
    return 1 - pow(1 - pow(s, rows), bands);
}

/* Integral of the chance to share a band (missed: to share none) by Gauss and Legendre, five points in each of 64 pieces; the integrand is a
   polynomial without kinks. */
static double area(double from, double to, uint32_t bands, uint32_t rows, bool missed)
{
    enum { PIECES = 64 };
    static const double node[5] = { 0, 0.538469310105683091, -0.538469310105683091, 0.906179845938663993, -0.906179845938663993 };
    static const double weight[5] = { 0.568888888888888889, 0.478628670499366468, 0.478628670499366468, 0.236926885056189088, 0.236926885056189088 };
    double half = (to - from) / PIECES / 2, sum = 0;
    for (int p = 0; p < PIECES; p++)
        for (int g = 0; g < 5; g++) {
            double chance = band_chance(from + half * (2 * p + 1 + node[g]), bands, rows);
            sum += weight[g] * half * (missed ? 1 - chance : chance);
        }
    return sum;
}

kt_rc kt_minhash_bands(double threshold, uint32_t n_slots, uint32_t *ret_bands, uint32_t *ret_rows, kt_err *err)
{
    double least = INFINITY;
    if (!(threshold > 0 && threshold < 1))
        return kt_fail(err, KT_RANGE, "the threshold %g is not between 0 and 1", threshold);
    if (n_slots < 2 || n_slots > KT_MINHASH_MAX_SLOTS)
        return kt_fail(err, KT_RANGE, "%u slots; 2 to %d are taken", n_slots, KT_MINHASH_MAX_SLOTS);
    for (uint32_t b = 1; b <= n_slots; b++)
        for (uint32_t r = 1; b * r <= n_slots; r++) {
            double wrong = 0.5 * area(0, threshold, b, r, false) + 0.5 * area(threshold, 1, b, r, true);
            if (wrong < least) {
                least = wrong;
                *ret_bands = b;
                *ret_rows = r;
            }
        }
    return 0;
}
