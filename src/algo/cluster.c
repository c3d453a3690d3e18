/* Spherical k-means on a dense core of sparse rows: rare words make texts far from everything, and centres over the hashed space would be
   gigabytes; the heaviest features carry what rows have in common. */
#include "algo/cluster.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

enum { CORE = 2048, ROUNDS = 8, CHUNK_ROWS = 256 };

typedef struct core_rows { /* the listed rows in core features, of norm 1 (or empty) */
    size_t n, *start;
    uint16_t *index;
    float *value;
} core_rows;

typedef struct heavy {
    double weight;
    uint32_t feature;
} heavy;

static int heaviest_first(const void *a, const void *b)
{
    const heavy *x = a, *y = b;
    return x->weight != y->weight ? (x->weight < y->weight) - (x->weight > y->weight) : (x->feature > y->feature) - (x->feature < y->feature);
}

/* Number + 1 in the core of each feature; *ret_space: how many features there may be. */
static uint16_t *find_core(const kt_features *x, const uint32_t *row, size_t n, uint32_t *ret_space)
{
    uint32_t space = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t e = x->start[row[i]]; e < x->start[row[i] + 1]; e++)
            space = KT_MAX(space, x->index[e] + 1);
    float *sum = kt_zalloc_array(space + 1, sizeof(*sum));
    KT_VEC(heavy) all = { 0 };
    for (size_t i = 0; i < n; i++)
        for (size_t e = x->start[row[i]]; e < x->start[row[i] + 1]; e++)
            sum[x->index[e]] += x->value[e] * x->value[e];
    for (uint32_t f = 0; f < space; f++)
        if (sum[f] > 0)
            KT_PUSH(&all, (heavy){ (double)sum[f], f });
    if (all.n)
        qsort(all.v, all.n, sizeof(*all.v), heaviest_first);
    uint16_t *core = kt_zalloc_array(space + 1, sizeof(*core));
    for (size_t k = 0; k < KT_MIN(all.n, (size_t)CORE); k++)
        core[all.v[k].feature] = (uint16_t)(k + 1);
    KT_VEC_DONE(&all);
    kt_free(sum);
    *ret_space = space;
    return core;
}

static core_rows cut_rows(const kt_features *x, const uint32_t *row, size_t n)
{
    uint32_t space;
    uint16_t *core = find_core(x, row, n, &space);
    core_rows r = { .n = n, .start = kt_zalloc_array(n + 1, sizeof(*r.start)) };
    size_t most = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        most += x->start[row[i] + 1] - x->start[row[i]];
    r.index = kt_alloc_array(most + 1, sizeof(*r.index));
    r.value = kt_alloc_array(most + 1, sizeof(*r.value));
    for (size_t i = 0; i < n; i++) {
        float norm = 0;
        for (size_t e = x->start[row[i]]; e < x->start[row[i] + 1]; e++)
            if (core[x->index[e]]) {
                r.index[at] = core[x->index[e]] - 1;
                r.value[at++] = x->value[e];
                norm += x->value[e] * x->value[e];
            }
        r.start[i + 1] = at;
        for (size_t e = r.start[i]; e < at; e++)
            r.value[e] /= sqrtf(norm);
    }
    kt_free(core);
    return r;
}

static float dot(const core_rows *r, size_t i, const float *centre)
{
    float sum = 0;
    for (size_t e = r->start[i]; e < r->start[i + 1]; e++)
        sum += r->value[e] * centre[r->index[e]];
    return sum;
}

typedef struct assign_job {
    const core_rows *r;
    const float *centre; /* n_centres x CORE */
    uint32_t from, to;   /* centres to compare with; closeness holds the best of those before */
    kt_clusters *ret;
} assign_job;

static void assign_part(void *ctx, size_t part)
{
    const assign_job *j = ctx;
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(j->r->n, (part + 1) * CHUNK_ROWS); i++)
        for (uint32_t c = j->from; c < j->to; c++) {
            float close = dot(j->r, i, j->centre + (size_t)c * CORE);
            if (c == 0 || close > j->ret->closeness[i]) {
                j->ret->closeness[i] = close;
                j->ret->of[i] = c;
            }
        }
}

static void assign(const core_rows *r, const float *centre, uint32_t from, uint32_t to, kt_pool *pool, kt_clusters *ret)
{
    assign_job j = { r, centre, from, to, ret };
    kt_pool_run(pool, (r->n + CHUNK_ROWS - 1) / CHUNK_ROWS, assign_part, &j);
}

static void add_row(const core_rows *r, size_t i, float by, float *centre)
{
    for (size_t e = r->start[i]; e < r->start[i + 1]; e++)
        centre[r->index[e]] += by * r->value[e];
}

/* k-means++: each further centre is a row drawn in proportion to its weight times its distance from the centres so far. */
static void draw_centres(const core_rows *r, const float *weight, kt_rng *g, kt_pool *pool, float *centre, kt_clusters *ret)
{
    for (uint32_t c = 0; c < ret->n_clusters; c++) {
        double sum = 0;
        size_t pick = 0;
        for (int pass = 0; pass < 2; pass++) {
            double left = pass ? kt_rng_unit(g) * sum : 0;
            for (size_t i = 0; i < r->n; i++) {
                double far = (weight ? (double)weight[i] : 1) * (c ? KT_MAX(0.0, 1 - (double)ret->closeness[i]) : 1);
                if (!pass) {
                    sum += far;
                } else if (far > 0) {
                    pick = i;
                    if ((left -= far) < 0)
                        break;
                }
            }
        }
        add_row(r, pick, 1, centre + (size_t)c * CORE);
        assign(r, centre, c, c + 1, pool, ret);
    }
}

/* Centres become the direction of their rows' sum; one without rows stays where it was. */
static void move_centres(const core_rows *r, const float *weight, float *centre, kt_clusters *ret)
{
    memset(ret->size, 0, ret->n_clusters * sizeof(*ret->size));
    for (size_t i = 0; i < r->n; i++)
        ret->size[ret->of[i]] += weight ? (double)weight[i] : 1;
    for (uint32_t c = 0; c < ret->n_clusters; c++)
        if (ret->size[c] > 0)
            memset(centre + (size_t)c * CORE, 0, CORE * sizeof(*centre));
    for (size_t i = 0; i < r->n; i++)
        add_row(r, i, weight ? weight[i] : 1, centre + (size_t)ret->of[i] * CORE);
    for (uint32_t c = 0; c < ret->n_clusters; c++) {
        float norm = 0, *v = centre + (size_t)c * CORE;
        for (int f = 0; f < CORE; f++)
            norm += v[f] * v[f];
        for (int f = 0; f < CORE && norm > 0; f++)
            v[f] /= sqrtf(norm);
    }
}

void kt_clusters_find(const kt_features *x, const uint32_t *row, size_t n, const float *weight, uint32_t n_clusters, uint64_t seed, kt_pool *pool,
                      kt_clusters *ret)
{
    KT_ASSERT(n_clusters >= 1 && n_clusters <= n);
    core_rows r = cut_rows(x, row, n);
    kt_rng g = kt_rng_keyed(seed, 0x636c75, n);
    float *centre = kt_zalloc_array(n_clusters, CORE * sizeof(*centre));
    *ret = (kt_clusters){ n_clusters, kt_zalloc_array(n + 1, sizeof(*ret->of)), kt_zalloc_array(n + 1, sizeof(*ret->closeness)),
                          kt_zalloc_array(n_clusters, sizeof(*ret->size)) };
    draw_centres(&r, weight, &g, pool, centre, ret);
    for (int round = 0; round < ROUNDS; round++) {
        move_centres(&r, weight, centre, ret);
        assign(&r, centre, 0, n_clusters, pool, ret);
    }
    memset(ret->size, 0, n_clusters * sizeof(*ret->size));
    for (size_t i = 0; i < n; i++)
        ret->size[ret->of[i]] += weight ? (double)weight[i] : 1;
    kt_free(centre);
    kt_free(r.start);
    kt_free(r.index);
    kt_free(r.value);
}

void kt_clusters_done(kt_clusters *c)
{
    c->of = kt_free(c->of);
    c->closeness = kt_free(c->closeness);
    c->size = kt_free(c->size);
}

void kt_clusters_typical(const kt_clusters *c, size_t n, size_t want, uint32_t *ret)
{
    heavy *order = kt_alloc_array(c->n_clusters, sizeof(*order));
    uint32_t *best = kt_alloc_array(c->n_clusters, sizeof(*best));
    size_t n_full = 0;
    uint8_t *taken = kt_zalloc(n + 1);
    KT_ASSERT(want <= n);
    memset(best, 0xff, c->n_clusters * sizeof(*best));
    for (size_t i = 0; i < n; i++) {
        uint32_t *b = &best[c->of[i]];
        if (*b == UINT32_MAX || c->closeness[i] > c->closeness[*b])
            *b = (uint32_t)i;
    }
    for (uint32_t k = 0; k < c->n_clusters; k++)
        if (best[k] != UINT32_MAX)
            order[n_full++] = (heavy){ c->size[k], k };
    qsort(order, n_full, sizeof(*order), heaviest_first);
    n_full = KT_MIN(n_full, want);
    for (size_t k = 0; k < n_full; k++) {
        ret[k] = best[order[k].feature];
        taken[ret[k]] = 1;
    }
    for (size_t i = 0; i < n && n_full < want; i++)
        if (!taken[i])
            ret[n_full++] = (uint32_t)i;
    kt_free(order);
    kt_free(best);
    kt_free(taken);
}
