/* Dual coordinate descent for one-vs-rest linear machines, a few labels side by side (loops the compiler turns into vectors), the blocks of labels
   in parallel. A row's dual variable b is its part in the weights: w = sum of b x. With the row's own part taken out of its margin,
   u = z - q b (q = |x|^2), the b that minimises the objective solves b = -C f'(u + q b), where f is the loss: f' is made of three straight
   pieces, so the answer is one of three fractions, and a visit to a row is exact without any step size.
   Rows that no label of a block has moved lately are visited only every fourth round. */
#include "algo/learn/linear_int.h"

#include "base/rng.h"

#include <math.h>

enum { FEW = 4, LANES = 16, REST = 4 };

#define KT_INLINE static inline __attribute__((always_inline)) /* so that the number of lanes is a constant in every loop */

typedef struct descend_job {
    const kt_train_rows *r;
    const float *norm2;    /* r->n: |x|^2 and 1 for the bias */
    const uint32_t *order; /* epochs x n: rows */
    size_t n;
    float cost;            /* of a row of weight 1 */
    uint32_t epochs;
    float *weight, *bias;
} descend_job;

typedef struct block {
    uint32_t first, n;     /* labels */
    float *w, *dual;       /* features (each from the beginning of a line of the cache) and rows x lanes */
    float bias[LANES];
    bool *calm;            /* rows whose last visit moved little */
} block;

/* The dual variable that is best for a row, given the margin u without its own part. p: the label's share of the row. */
KT_INLINE float best_dual(float u, float p, float c2, float q)
{
    float mid = c2 * (2 * p - 1 - u) / (1 + c2 * q), z = u + q * mid;
    float side = z > 1 ? p - 1 : p; /* the hinge that is active alone beyond the middle */
    float far = c2 * (side - fabsf(side) * u) / (1 + c2 * q * fabsf(side));
    return fabsf(z) > 1 ? far : mid;
}

KT_INLINE void shares(const kt_example *e, const block *b, int lanes, float *p)
{
    memset(p, 0, (size_t)lanes * sizeof(*p));
    if (e->soft)
        memcpy(p, e->soft + b->first, b->n * sizeof(*p));
    else if (e->label >= (int32_t)b->first && e->label < (int32_t)(b->first + b->n))
        p[e->label - (int32_t)b->first] = 1;
}

/* One visit; returns whether anything moved enough to matter. */
KT_INLINE bool visit(const descend_job *j, size_t i, block *b, int lanes)
{
    const kt_train_rows *r = j->r;
    float c2 = 2 * j->cost * r->of[i].weight, q = j->norm2[i], *dual = b->dual + i * (size_t)lanes;
    float z[LANES], p[LANES], by[LANES], most = 0;
    memcpy(z, b->bias, (size_t)lanes * sizeof(*z));
    for (size_t e = r->start[i]; e < r->start[i + 1]; e++) {
        const float *w = b->w + (size_t)r->feature[e] * (size_t)lanes;
        float v = r->value[e];
        for (int c = 0; c < lanes; c++)
            z[c] += v * w[c];
    }
    shares(&r->of[i], b, lanes, p);
    for (int c = 0; c < lanes; c++)
        by[c] = best_dual(z[c] - q * dual[c], p[c], c2, q) - dual[c];
    for (uint32_t c = 0; c < b->n; c++)
        most = KT_MAX(most, fabsf(by[c]));
    if (most < 1e-3f)
        return false;
    for (int c = 0; c < lanes; c++) {
        dual[c] += by[c];
        b->bias[c] += by[c];
    }
    for (size_t e = r->start[i]; e < r->start[i + 1]; e++) {
        float *w = b->w + (size_t)r->feature[e] * (size_t)lanes, v = r->value[e], sum[LANES]; /* not in place: w might be by */
        memcpy(sum, w, (size_t)lanes * sizeof(*w));
        for (int c = 0; c < lanes; c++)
            sum[c] += v * by[c];
        memcpy(w, sum, (size_t)lanes * sizeof(*w));
    }
    return most > 0.02f;
}

enum { LINE = 64 };

/* Asks for the weights of a row that is about to be visited; they lie anywhere in tens of megabytes. */
KT_INLINE void look_ahead(const descend_job *j, size_t i, const block *b, int lanes)
{
    for (size_t e = j->r->start[i]; e < j->r->start[i + 1]; e++)
        __builtin_prefetch(b->w + (size_t)j->r->feature[e] * (size_t)lanes, 1);
}

KT_INLINE void train_block(const descend_job *j, uint32_t first, int lanes)
{
    const kt_train_rows *r = j->r;
    size_t bytes = ((size_t)r->n_features + 1) * (size_t)lanes * sizeof(float) + LINE;
    void *memory = kt_alloc(bytes);
    kt_mem_huge(memory, bytes);
    memset(memory, 0, bytes);
    block b = { .first = first, .w = (float *)(((uintptr_t)memory + LINE - 1) / LINE * LINE),
                .dual = kt_zalloc_array(r->n + 1, (size_t)lanes * sizeof(float)), .calm = kt_zalloc(r->n + 1) };
    b.n = KT_MIN((uint32_t)lanes, r->n_labels - b.first);
    for (uint32_t round = 0; round < j->epochs; round++)
        for (size_t k = 0; k < j->n; k++) {
            const uint32_t *at = &j->order[(size_t)round * j->n + k];
            size_t i = *at;
            if (k + 1 < j->n && (!b.calm[at[1]] || round % REST == 0))
                look_ahead(j, at[1], &b, lanes);
            if (!b.calm[i] || round % REST == 0)
                b.calm[i] = !visit(j, i, &b, lanes);
        }
    for (uint32_t c = 0; c < b.n; c++)
        j->bias[b.first + c] = b.bias[c];
    for (uint32_t f = 0; f < r->n_features; f++)
        memcpy(j->weight + (size_t)f * r->n_labels + b.first, b.w + (size_t)f * (size_t)lanes, b.n * sizeof(float));
    kt_free(memory);
    kt_free(b.dual);
    kt_free(b.calm);
}

static void few_labels(const descend_job *j, uint32_t first)
{
    train_block(j, first, FEW);
}

static void many_labels(const descend_job *j, uint32_t first)
{
    train_block(j, first, LANES);
}

#ifdef __x86_64__
/* Without fused multiplication, so the result is the same as on a machine that has no AVX2. */
__attribute__((target("avx2"))) static void many_labels_avx2(const descend_job *j, uint32_t first)
{
    train_block(j, first, LANES);
}
#else
#define many_labels_avx2 many_labels
#define __builtin_cpu_supports(what) 0
#endif

static void block_part(void *ctx, size_t part)
{
    const descend_job *j = ctx;
    uint32_t first = (uint32_t)part * LANES;
    if (j->r->n_labels - first <= FEW)
        few_labels(j, first);
    else if (__builtin_cpu_supports("avx2"))
        many_labels_avx2(j, first);
    else
        many_labels(j, first);
}

/* A random order of the rows not skipped for each round: epochs x *ret_n. */
static uint32_t *draw_orders(const kt_train_rows *r, const uint8_t *skip, uint32_t epochs, uint64_t seed, size_t *ret_n)
{
    size_t n = 0;
    uint32_t *order = kt_alloc_array(r->n * epochs + 1, sizeof(*order));
    for (size_t i = 0; i < r->n; i++)
        if (!skip || !skip[i])
            order[n++] = (uint32_t)i;
    for (uint32_t round = 0; round < epochs; round++) {
        uint32_t *o = order + (size_t)round * n;
        kt_rng g = kt_rng_keyed(seed, 0x6c696e, round);
        if (round)
            memcpy(o, o - n, n * sizeof(*o));
        for (size_t i = n; i > 1; i--) {
            size_t at = (size_t)kt_rng_below(&g, i);
            uint32_t t = o[i - 1];
            o[i - 1] = o[at];
            o[at] = t;
        }
    }
    *ret_n = n;
    return order;
}

void kt_linear_descend(const kt_train_rows *r, const uint8_t *skip, double cost, uint32_t epochs, uint64_t seed, kt_pool *pool, float *weight,
                       float *bias)
{
    float *norm2 = kt_alloc_array(r->n + 1, sizeof(*norm2));
    for (size_t i = 0; i < r->n; i++) {
        norm2[i] = 1;
        for (size_t e = r->start[i]; e < r->start[i + 1]; e++)
            norm2[i] += r->value[e] * r->value[e];
    }
    descend_job j = { .r = r, .norm2 = norm2, .cost = (float)cost, .epochs = epochs, .weight = weight, .bias = bias };
    uint32_t *order = draw_orders(r, skip, epochs, seed, &j.n);
    j.order = order;
    kt_pool_run(pool, (r->n_labels + LANES - 1) / LANES, block_part, &j);
    kt_free(order);
    kt_free(norm2);
}
