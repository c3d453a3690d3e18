/* How labeling functions vote together: counts over pairs of cells (function, label), from one pass over the votes.

   Blocks of 1024 items become bit sets, one for every cell; votes, overlaps and conflicts of whole blocks are then a few logical
   operations, and the items two cells share are the bits of the intersection. Where cells are many and votes few, the pairs of
   each item's votes are counted instead. Parts of the items are fixed by their number; their sums are whole numbers. */
#include "algo/denoise/denoise.h"

#include "base/mem.h"

enum { ITEMS = 1024, WORDS = ITEMS / 64 };

#define PART_ITEMS ((size_t)64 * ITEMS)
#define MOST_TABLES ((size_t)1 << 24) /* counts of all parts together */

struct overlaps {
    const kt_lf_columns *v;
    size_t d, parts;
    bool pairwise;  /* count pairs of cells at all */
    bool by_item;   /* of each item's votes, not of bit sets */
    uint64_t *table; /* parts × width: votes, overlaps, conflicts of each function; d × d pairs */
    size_t width;
    size_t *bad;    /* of each part: item × functions + function of a vote out of bounds, SIZE_MAX: none */
};

static inline int16_t vote_of(const kt_lf_columns *v, uint32_t j, size_t i)
{
    return v->vote[j][i * v->stride];
}

/* The bits of n items from first on: cell × WORDS. False for a vote out of bounds. */
static bool set_bits(const kt_lf_columns *v, size_t first, size_t n, uint64_t *bits, size_t *ret_bad)
{
    uint32_t k = v->n_labels;
    for (uint32_t j = 0; j < v->n_functions; j++) {
        uint64_t *own = bits + ((size_t)j * (k + 1) + 1) * WORDS; /* row -1: abstentions */
        unsigned wrong = 0;
        for (size_t i = 0; i < n; i++)
            wrong |= (unsigned)(vote_of(v, j, first + i) + 1) > k;
        for (size_t i = 0; wrong && i < n; i++)
            if ((unsigned)(vote_of(v, j, first + i) + 1) > k) {
                *ret_bad = (first + i) * v->n_functions + j;
                return false;
            }
        for (size_t i = 0; i < n; i++)
            own[(ptrdiff_t)vote_of(v, j, first + i) * WORDS + (ptrdiff_t)(i / 64)] |= (uint64_t)1 << i % 64;
    }
    return true;
}

static inline __attribute__((always_inline)) uint64_t ones(const uint64_t *a, const uint64_t *b)
{
    uint64_t n = 0;
    for (int w = 0; w < WORDS; w++)
        n += (uint64_t)__builtin_popcountll(a[w] & b[w]);
    return n;
}

/* Votes, overlaps and conflicts. */
static inline __attribute__((always_inline)) void sum_up(const kt_lf_columns *v, const uint64_t *bits, uint64_t *sum)
{
    uint32_t k = v->n_labels, m = v->n_functions;
    uint64_t once[WORDS] = { 0 }, twice[WORDS] = { 0 }, one_label[WORDS] = { 0 }, more[WORDS] = { 0 }, any[WORDS];
    for (uint32_t c = 0; c < k; c++) {
        memset(any, 0, sizeof(any));
        for (uint32_t j = 0; j < m; j++)
            for (int w = 0; w < WORDS; w++) {
                uint64_t b = bits[((size_t)j * (k + 1) + 1 + c) * WORDS + (size_t)w];
                any[w] |= b;
                twice[w] |= once[w] & b;
                once[w] |= b;
            }
        for (int w = 0; w < WORDS; w++) {
            more[w] |= one_label[w] & any[w];
            one_label[w] |= any[w];
        }
    }
    for (uint32_t j = 0; j < m; j++) {
        memset(any, 0, sizeof(any));
        for (uint32_t c = 0; c < k; c++)
            for (int w = 0; w < WORDS; w++)
                any[w] |= bits[((size_t)j * (k + 1) + 1 + c) * WORDS + (size_t)w];
        sum[j * 3] += ones(any, any);
        sum[j * 3 + 1] += ones(any, twice);
        sum[j * 3 + 2] += ones(any, more); /* where votes differ, each is contradicted by some other */
    }
}

static inline __attribute__((always_inline)) void pair_up(const kt_lf_columns *v, const uint64_t *bits, uint64_t *both)
{
    size_t k = v->n_labels, d = v->n_functions * k;
    for (size_t a = 0; a < d; a++) {
        const uint64_t *x = bits + (a + a / k + 1) * WORDS;
        both[a * d + a] += ones(x, x);
        for (size_t b = (a / k + 1) * k; b < d; b++)
            both[a * d + b] += ones(x, bits + (b + b / k + 1) * WORDS);
    }
}

static inline __attribute__((always_inline)) void block(const struct overlaps *o, const uint64_t *bits, uint64_t *sum)
{
    sum_up(o->v, bits, sum);
    if (o->pairwise && !o->by_item)
        pair_up(o->v, bits, sum + 3 * (size_t)o->v->n_functions);
}

static void block_plain(const struct overlaps *o, const uint64_t *bits, uint64_t *sum)
{
    block(o, bits, sum);
}

#ifdef __x86_64__
__attribute__((target("popcnt"))) static void block_popcnt(const struct overlaps *o, const uint64_t *bits, uint64_t *sum)
{
    block(o, bits, sum);
}

__attribute__((target("avx512f,avx512vl,avx512vpopcntdq,popcnt"))) static void block_avx512(const struct overlaps *o, const uint64_t *bits, uint64_t *sum)
{
    block(o, bits, sum);
}
#endif

static void (*best_block(void))(const struct overlaps *, const uint64_t *, uint64_t *)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512vl"))
        return block_avx512;
    if (__builtin_cpu_supports("popcnt"))
        return block_popcnt;
#endif
    return block_plain;
}

static void pairs_of_items(const struct overlaps *o, size_t first, size_t n, uint32_t *cell, uint64_t *both)
{
    const kt_lf_columns *v = o->v;
    for (size_t i = first; i < first + n; i++) {
        size_t m = 0;
        for (uint32_t j = 0; j < v->n_functions; j++)
            if (vote_of(v, j, i) >= 0)
                cell[m++] = j * v->n_labels + (uint32_t)vote_of(v, j, i);
        for (size_t a = 0; a < m; a++)
            for (size_t b = a; b < m; b++)
                both[cell[a] * o->d + cell[b]]++;
    }
}

static void run_part(void *ctx, size_t part)
{
    struct overlaps *o = ctx;
    const kt_lf_columns *v = o->v;
    size_t rows = (size_t)v->n_functions * (v->n_labels + 1);
    size_t blocks = (v->n_items + ITEMS - 1) / ITEMS, last = blocks * (part + 1) / o->parts;
    uint64_t *bits = kt_alloc_array(rows, WORDS * sizeof(*bits)), *sum = o->table + part * o->width;
    uint32_t *cell = kt_alloc_array(v->n_functions, sizeof(*cell));
    void (*count)(const struct overlaps *, const uint64_t *, uint64_t *) = best_block();
    o->bad[part] = SIZE_MAX;
    for (size_t b = blocks * part / o->parts; b < last; b++) {
        size_t n = KT_MIN(ITEMS, v->n_items - b * ITEMS);
        memset(bits, 0, rows * WORDS * sizeof(*bits));
        if (!set_bits(v, b * ITEMS, n, bits, &o->bad[part]))
            break;
        count(o, bits, sum);
        if (o->by_item)
            pairs_of_items(o, b * ITEMS, n, cell, sum + 3 * (size_t)v->n_functions);
    }
    kt_free(bits);
    kt_free(cell);
}

static void take_sums(const struct overlaps *o, kt_lf_summary *summary, double *both)
{
    size_t m = o->v->n_functions, d = o->d;
    for (size_t part = 1; part < o->parts; part++)
        for (size_t x = 0; x < o->width; x++)
            o->table[x] += o->table[part * o->width + x];
    for (size_t j = 0; j < m; j++) {
        summary[j].votes = o->table[3 * j];
        summary[j].overlaps = o->table[3 * j + 1];
        summary[j].conflicts = o->table[3 * j + 2];
    }
    for (size_t a = 0; both && a < d; a++)
        for (size_t b = a; b < d; b++)
            both[a * d + b] = both[b * d + a] = (double)o->table[3 * m + a * d + b];
}

/* Mean votes of the first items: enough to choose how to count. */
static double mean_votes(const kt_lf_columns *v)
{
    size_t n = KT_MIN(v->n_items, 4096), votes = 0;
    for (size_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < v->n_functions; j++)
            votes += vote_of(v, j, i) >= 0;
    return (double)votes / (double)KT_MAX(n, 1);
}

kt_rc kt_lf_overlaps(const kt_lf_columns *v, kt_pool *pool, kt_lf_summary *summary, double *both, kt_err *err)
{
    struct overlaps o = { .v = v, .d = (size_t)v->n_functions * v->n_labels, .pairwise = both != NULL };
    double each = mean_votes(v);
    o.by_item = both && (double)o.d * (double)o.d > 4 * 64 * each * each;
    o.width = 3 * (size_t)v->n_functions + (both ? o.d * o.d : 0);
    o.parts = KT_MAX(KT_MIN(v->n_items / PART_ITEMS + 1, MOST_TABLES / (o.width + 1)), 1);
    o.table = kt_zalloc_array(o.parts * o.width, sizeof(*o.table));
    o.bad = kt_alloc_array(o.parts, sizeof(*o.bad));
    kt_pool_run(pool, o.parts, run_part, &o);
    size_t bad = SIZE_MAX;
    for (size_t part = 0; part < o.parts; part++)
        bad = KT_MIN(bad, o.bad[part]);
    if (bad == SIZE_MAX)
        take_sums(&o, summary, both);
    kt_free(o.table);
    kt_free(o.bad);
    if (bad == SIZE_MAX)
        return 0;
    uint32_t j = (uint32_t)(bad % v->n_functions);
    return kt_fail(err, KT_RANGE, "item %zu: function %u votes %d of %u labels", bad / v->n_functions, j, vote_of(v, j, bad / v->n_functions), v->n_labels);
}
