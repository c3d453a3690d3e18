#include "algo/errors/errors_outliers.h"

#include "algo/nth.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

#define LANES 16      /* others compared at a time */
#define TOGETHER 2    /* items compared with them */
#define PART_ITEMS 64
#define LEAST_SPREAD 0.02
#define MOST_SQUARE 1e37 /* float holds 34 times that */

const char *const kt_metric_names[] = { "cosine", "euclidean", NULL };

struct search {
    size_t n, d, n_others, k;
    const float *x;   /* n × d; of length 1 under the cosine */
    float *tile;      /* the others, LANES at a time: d × LANES */
    uint64_t *other;  /* n_others, ascending: which items they are; padded */
    kt_metric metric;
    double *distance;
    size_t *nearest;
};

/* The k smallest squares so far, ascending. */
struct heap {
    float square[KT_MAX_NEIGHBOURS + 1];
    size_t item, first, n;
};

static void add(struct heap *h, size_t k, float square, size_t other)
{
    size_t at = h->n < k ? h->n++ : k - 1;
    for (; at > 0 && h->square[at - 1] > square; at--)
        h->square[at] = h->square[at - 1];
    h->square[at] = square;
    if (at == 0)
        h->first = other;
}

static inline void squares(const float *restrict x, const float *restrict y, const float *restrict tile, size_t d, float sum[TOGETHER][LANES])
{
    float a[LANES] = { 0 }, b[LANES] = { 0 };
    for (size_t c = 0; c < d; c++)
        for (int l = 0; l < LANES; l++) {
            float p = x[c] - tile[c * LANES + (size_t)l], q = y[c] - tile[c * LANES + (size_t)l];
            a[l] += p * p;
            b[l] += q * q;
        }
    memcpy(sum[0], a, sizeof(a));
    memcpy(sum[1], b, sizeof(b));
}

static void search_part(void *ctx, size_t part)
{
    const struct search *s = ctx;
    size_t from = part * PART_ITEMS, to = KT_MIN(s->n, from + PART_ITEMS);
    struct heap heap[PART_ITEMS];
    for (size_t i = from; i < to; i++)
        heap[i - from] = (struct heap){ .item = i, .first = SIZE_MAX };
    for (size_t t = 0; t * LANES < s->n_others; t++)
        for (size_t i = from; i < to; i += TOGETHER) {
            float sum[TOGETHER][LANES];
            size_t j = KT_MIN(i + 1, to - 1);
            squares(s->x + i * s->d, s->x + j * s->d, s->tile + t * LANES * s->d, s->d, sum);
            for (size_t q = 0; q < (j > i ? 2u : 1u); q++) {
                struct heap *h = heap + (i - from + q);
                for (size_t l = 0; l < KT_MIN((size_t)LANES, s->n_others - t * LANES); l++)
                    if ((h->n < s->k || sum[q][l] < h->square[s->k - 1]) && s->other[t * LANES + l] != h->item)
                        add(h, s->k, sum[q][l], s->other[t * LANES + l]);
            }
        }
    for (size_t i = from; i < to; i++) {
        const struct heap *h = heap + (i - from);
        double sum = 0;
        for (size_t q = 0; q < h->n; q++)
            sum += s->metric == KT_METRIC_COSINE ? (double)h->square[q] / 2 : sqrt((double)h->square[q]);
        s->distance[i] = h->n ? sum / (double)h->n : NAN;
        if (s->nearest)
            s->nearest[i] = h->first;
    }
}

/* Finite, and of length 1 in unit unless that is NULL. */
static kt_rc check(const float *x, size_t n, size_t d, float *unit, kt_err *err)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t c = 0; c < d; c++)
            sum += (double)x[i * d + c] * (double)x[i * d + c];
        if (isnan(sum) || isinf(sum))
            return kt_fail(err, KT_RANGE, "item %zu has a feature that is no finite number", i);
        if (!unit && sum > MOST_SQUARE)
            return kt_fail(err, KT_RANGE, "item %zu has features beyond %g; scale them", i, sqrt(MOST_SQUARE));
        if (unit && sum == 0)
            return kt_fail(err, KT_RANGE, "item %zu is zeros alone and points nowhere; the cosine needs a direction", i);
        for (size_t c = 0; unit && c < d; c++)
            unit[i * d + c] = (float)((double)x[i * d + c] / sqrt(sum));
    }
    return 0;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The others, drawn or all, in tiles. */
static void lay_out(struct search *s, uint64_t seed)
{
    kt_rng r = kt_rng_keyed(seed, s->n, s->n_others);
    if (s->n_others < s->n)
        kt_rng_sample(&r, s->n, s->n_others, s->other);
    else
        for (size_t i = 0; i < s->n; i++)
            s->other[i] = i;
    qsort(s->other, s->n_others, sizeof(*s->other), ascending);
    for (size_t i = 0; i < s->n_others; i++)
        for (size_t c = 0; c < s->d; c++)
            s->tile[(i / LANES * s->d + c) * LANES + i % LANES] = s->x[s->other[i] * s->d + c];
}

/* Of logarithms, (x - median) / (1.4826 median |x - median|), that of a crowd of like distances taken as LEAST_SPREAD. Distances of
   0 count as a millionth of the middle one. */
static void standardise(const double *distance, size_t n, double *z)
{
    double *v = kt_alloc_array(n, sizeof(*v));
    memcpy(v, distance, n * sizeof(*v));
    double least = 1e-6 * kt_nth_smallest(v, n, (n - 1) / 2);
    for (size_t i = 0; i < n; i++)
        v[i] = z[i] = log(fmax(distance[i], KT_MAX(least, 1e-30)));
    double middle = kt_nth_smallest(v, n, (n - 1) / 2);
    for (size_t i = 0; i < n; i++) {
        z[i] -= middle;
        v[i] = fabs(z[i]);
    }
    double spread = 1.4826 * kt_nth_smallest(v, n, (n - 1) / 2);
    for (size_t i = 0; i < n; i++)
        z[i] /= KT_MAX(spread, LEAST_SPREAD);
    kt_free(v);
}

kt_rc kt_outlier_distances(const float *x, size_t n, size_t d, const kt_outlier_opts *opt, kt_pool *pool, double *ret_distance,
                           size_t *ret_nearest, double *ret_z, kt_err *err)
{
    if (opt->neighbours < 1 || opt->neighbours > KT_MAX_NEIGHBOURS)
        return kt_fail(err, KT_RANGE, "%u neighbours; expected 1 to %d", opt->neighbours, KT_MAX_NEIGHBOURS);
    size_t others = opt->sample ? KT_MIN(n, KT_MAX(opt->sample, (size_t)2)) : n, tiles = (others + LANES - 1) / LANES;
    struct search s = { .n = n, .d = d, .n_others = others, .k = opt->neighbours, .x = x, .metric = opt->metric, .distance = ret_distance,
                        .nearest = ret_nearest };
    bool cosine = opt->metric == KT_METRIC_COSINE;
    if (d && n > SIZE_MAX / 2 / sizeof(float) / d - LANES)
        return kt_fail(err, KT_NOMEM, "%zu items of %zu features do not fit in memory", n, d);
    float *unit = cosine ? kt_try_alloc((n * d + 1) * sizeof(float), SIZE_MAX) : NULL;
    s.tile = kt_try_alloc((tiles * LANES * d + 1) * sizeof(float), SIZE_MAX);
    s.other = kt_try_alloc((others + 1) * sizeof(*s.other), SIZE_MAX);
    kt_rc rc = (cosine && !unit) || !s.tile || !s.other ? kt_fail(err, KT_NOMEM, "%zu items of %zu features do not fit in memory", n, d)
                                                         : check(x, n, d, unit, err);
    if (rc == 0) {
        s.x = unit ? unit : x;
        memset(s.tile, 0, (tiles * LANES * d + 1) * sizeof(float));
        lay_out(&s, opt->seed);
        kt_pool_run(pool, (n + PART_ITEMS - 1) / PART_ITEMS, search_part, &s);
        if (ret_z && n > 1)
            standardise(ret_distance, n, ret_z);
        else if (ret_z && n)
            ret_z[0] = 0;
    }
    kt_free(unit);
    kt_free(s.tile);
    kt_free(s.other);
    return rc;
}
