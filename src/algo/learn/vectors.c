/* Exact nearest neighbours. Sixteen rows lie side by side, so a product with six queries is twelve running vectors and no shuffling; a block of
   queries meets a tile while it is in the nearest cache. What a product in single precision cannot tell apart is told apart by exact
   distances among somewhat more candidates than were asked for. */
#include "algo/learn/vectors.h"

#include "base/mem.h"

#include <math.h>

enum { LANES = 16, SIX = 6, BLOCK = 48, SPARE = 16, ROOM = KT_VECTORS_MAX_NEAREST + SPARE };

static const double MOST_SQUARE = 1e37; /* float holds 34 times that */

/* Half of a tile's row: gcc keeps no vector wider than a register in registers. */
typedef float lanes __attribute__((vector_size(32)));
enum { HALF = LANES / 2 };

/* Candidates of one query: the largest scores so far, largest first. */
typedef struct best {
    float score[ROOM];
    uint32_t row[ROOM];
    uint32_t n, k;
} best;

static inline __attribute__((always_inline)) void keep(best *b, float score, uint32_t row)
{
    uint32_t at = b->n < b->k ? b->n++ : b->k - 1;
    for (; at > 0 && b->score[at - 1] < score; at--) {
        b->score[at] = b->score[at - 1];
        b->row[at] = b->row[at - 1];
    }
    b->score[at] = score;
    b->row[at] = row;
}

typedef struct search {
    const kt_vectors *v;
    const float *query;    /* n × d, prepared as rows are; NULL: the rows of, or all */
    const uint32_t *of;
    const uint64_t *group; /* of rows, or NULL */
    size_t n;
    uint32_t k;
    kt_neighbour *ret;
} search;

static const float *query_of(const search *s, size_t i)
{
    return s->query ? s->query + i * s->v->d : s->v->row + (size_t)(s->of ? s->of[i] : i) * s->v->d;
}

static bool apart(const search *s, uint32_t own, uint32_t row)
{
    return s->query || (row != own && !(s->group && s->group[own] && s->group[own] == s->group[row]));
}

/* Products of six queries with a tile. q: d × SIX. ret: SIX × LANES. */
static inline __attribute__((always_inline)) void products(const float *q, const float *tile, uint32_t d, float *ret)
{
    lanes sum[SIX][2] = { 0 };
    for (uint32_t c = 0; c < d; c++) {
        lanes x, y;
        memcpy(&x, tile + (size_t)c * LANES, sizeof(x));
        memcpy(&y, tile + (size_t)c * LANES + HALF, sizeof(y));
        for (int i = 0; i < SIX; i++) {
            sum[i][0] += q[c * SIX + (uint32_t)i] * x;
            sum[i][1] += q[c * SIX + (uint32_t)i] * y;
        }
    }
    memcpy(ret, sum, sizeof(sum));
}

static inline __attribute__((always_inline)) void meet(const search *s, size_t first, size_t tile, const float *p, size_t n, best *b)
{
    const kt_vectors *v = s->v;
    size_t from = tile * LANES, n_rows = KT_MIN((size_t)LANES, v->n - from);
    for (size_t i = 0; i < n; i++) {
        uint32_t own = s->query ? 0 : s->of ? s->of[first + i] : (uint32_t)(first + i);
        best *to = &b[i];
        for (size_t l = 0; l < n_rows; l++) {
            float score = p[i * LANES + l] - v->half[from + l];
            if ((to->n < to->k || score > to->score[to->k - 1]) && apart(s, own, (uint32_t)(from + l)))
                keep(to, score, (uint32_t)(from + l));
        }
    }
}

static inline __attribute__((always_inline)) void scan(const search *s, size_t from, size_t to, float *packed, best *b)
{
    const kt_vectors *v = s->v;
    for (size_t i = from; i < from + BLOCK; i++) /* a block is filled up with its last query */
        for (uint32_t c = 0; c < v->d; c++)
            packed[((i - from) / SIX * v->d + c) * SIX + (i - from) % SIX] = query_of(s, KT_MIN(i, to - 1))[c];
    for (size_t t = 0; t * LANES < v->n; t++)
        for (size_t g = 0; g * SIX < to - from; g++) {
            float p[SIX * LANES];
            products(packed + g * SIX * v->d, v->tile + t * LANES * v->d, v->d, p);
            meet(s, from + g * SIX, t, p, KT_MIN((size_t)SIX, to - from - g * SIX), b + g * SIX);
        }
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static void scan_avx2(const search *s, size_t from, size_t to, float *packed, best *b)
{
    scan(s, from, to, packed, b);
}
#else
#define scan_avx2 scan
#define __builtin_cpu_supports(what) 0
#endif

static void scan_any(const search *s, size_t from, size_t to, float *packed, best *b)
{
    scan(s, from, to, packed, b);
}

static float distance(const kt_vectors *v, const float *a, const float *b)
{
    double sum = 0;
    for (uint32_t c = 0; c < v->d; c++)
        sum += ((double)a[c] - (double)b[c]) * ((double)a[c] - (double)b[c]);
    return (float)(v->metric == KT_METRIC_COSINE ? sum / 2 : sqrt(sum));
}

/* Exact distances of the candidates, in order. */
static void settle(const search *s, size_t i, const best *b)
{
    kt_neighbour *to = s->ret + i * s->k;
    uint32_t n = 0;
    for (uint32_t q = 0; q < b->n; q++) {
        kt_neighbour x = { b->row[q], distance(s->v, query_of(s, i), s->v->row + (size_t)b->row[q] * s->v->d) };
        if (n == s->k && !(x.distance < to[n - 1].distance || (x.distance <= to[n - 1].distance && x.row < to[n - 1].row)))
            continue;
        uint32_t at = n < s->k ? n++ : n - 1;
        for (; at > 0 && (to[at - 1].distance > x.distance || (to[at - 1].distance >= x.distance && to[at - 1].row > x.row)); at--)
            to[at] = to[at - 1];
        to[at] = x;
    }
    for (; n < s->k; n++)
        to[n] = (kt_neighbour){ UINT32_MAX, INFINITY };
}

static void search_part(void *ctx, size_t part)
{
    const search *s = ctx;
    size_t from = part * BLOCK, to = KT_MIN(s->n, from + BLOCK);
    best *b = kt_alloc_array(BLOCK, sizeof(*b));
    float *packed = kt_alloc_array((size_t)BLOCK * s->v->d, sizeof(*packed));
    for (size_t i = 0; i < BLOCK; i++) {
        b[i].n = 0;
        b[i].k = s->k + SPARE;
    }
    (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? scan_avx2 : scan_any)(s, from, to, packed, b);
    for (size_t i = from; i < to; i++)
        settle(s, i, &b[i - from]);
    kt_free(b);
    kt_free(packed);
}

static void run(search *s, kt_pool *pool)
{
    KT_ASSERT(s->k >= 1 && s->k <= KT_VECTORS_MAX_NEAREST);
    kt_pool_run(pool, (s->n + BLOCK - 1) / BLOCK, search_part, s);
}

/* One row as the search wants it. */
static kt_rc prepare(const kt_vectors *v, const float *x, size_t i, float *ret, kt_err *err)
{
    double sum = 0;
    for (uint32_t c = 0; c < v->d; c++)
        sum += (double)x[c] * (double)x[c];
    if (isnan(sum) || isinf(sum))
        return kt_fail(err, KT_RANGE, "row %zu has a number that is not finite", i);
    if (sum > MOST_SQUARE)
        return kt_fail(err, KT_RANGE, "row %zu has numbers beyond %g; scale them", i, sqrt(MOST_SQUARE));
    if (v->metric == KT_METRIC_COSINE && sum == 0)
        return kt_fail(err, KT_RANGE, "row %zu is zeros alone and points nowhere; the cosine needs a direction", i);
    double by = v->metric == KT_METRIC_COSINE ? 1 / sqrt(sum) : 1;
    for (uint32_t c = 0; c < v->d; c++)
        ret[c] = (float)((double)x[c] * by);
    return KT_OK;
}

/* Row i, which is prepared, into its tile. */
static void lay(kt_vectors *v, size_t i)
{
    double sum = 0;
    for (uint32_t c = 0; c < v->d; c++) {
        float x = v->row[i * v->d + c];
        v->tile[(i / LANES * v->d + c) * LANES + i % LANES] = x;
        sum += (double)x * (double)x;
    }
    v->half[i] = v->metric == KT_METRIC_COSINE ? 0 : (float)(sum / 2);
}

static void reserve(kt_vectors *v, size_t n)
{
    if (n <= v->room)
        return;
    size_t was = v->room / LANES, tiles = (KT_MAX(n, v->room + v->room / 2) + LANES - 1) / LANES;
    v->room = tiles * LANES;
    v->row = kt_realloc(v->row, (v->room * v->d + 1) * sizeof(float));
    v->tile = kt_realloc(v->tile, (v->room * v->d + 1) * sizeof(float));
    v->half = kt_realloc(v->half, (v->room + 1) * sizeof(float));
    memset(v->tile + was * LANES * v->d, 0, (tiles - was) * LANES * v->d * sizeof(float));
}

kt_rc kt_vectors_init(kt_vectors *v, const float *x, size_t n, uint32_t d, kt_metric metric, kt_err *err)
{
    if (!d || n >= UINT32_MAX)
        return kt_fail(err, KT_RANGE, "%zu rows of %u columns; at least a column is needed, and under 2^32 rows", n, d);
    *v = (kt_vectors){ .d = d, .metric = metric };
    reserve(v, n);
    for (size_t i = 0; i < n; i++) {
        kt_rc rc = prepare(v, x + i * d, i, v->row + i * d, err);
        if (rc < 0) {
            kt_vectors_done(v);
            return rc;
        }
        v->n = i + 1;
        lay(v, i);
    }
    return KT_OK;
}

void kt_vectors_done(kt_vectors *v)
{
    v->row = kt_free(v->row);
    v->tile = kt_free(v->tile);
    v->half = kt_free(v->half);
    v->n = v->room = 0;
}

kt_rc kt_vectors_add(kt_vectors *v, const float *x, kt_err *err)
{
    reserve(v, v->n + 1);
    KT_TRY(prepare(v, x, v->n, v->row + v->n * v->d, err));
    lay(v, v->n++);
    return KT_OK;
}

kt_rc kt_vectors_nearest(const kt_vectors *v, const float *query, size_t n_queries, uint32_t k, kt_pool *pool, kt_neighbour *ret, kt_err *err)
{
    float *q = kt_alloc_array(n_queries * v->d + 1, sizeof(*q));
    kt_rc rc = KT_OK;
    for (size_t i = 0; i < n_queries && rc == 0; i++)
        rc = prepare(v, query + i * v->d, i, q + i * v->d, err);
    if (rc == 0) {
        search s = { .v = v, .query = q, .n = n_queries, .k = k, .ret = ret };
        run(&s, pool);
    }
    kt_free(q);
    return rc;
}

void kt_vectors_nearest_others(const kt_vectors *v, const uint32_t *of, size_t n_of, const uint64_t *group, uint32_t k, kt_pool *pool,
                               kt_neighbour *ret)
{
    search s = { .v = v, .of = of, .group = group, .n = of ? n_of : v->n, .k = k, .ret = ret };
    run(&s, pool);
}
