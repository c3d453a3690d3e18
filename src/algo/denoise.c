/* EM in fixed chunks of items whose partial sums are added in chunk order, so threads do not change the result. */
#include "algo/denoise.h"

#include "base/mem.h"

#include <math.h>

#define CHUNK 4096
#define ROUNDS 25
#define RIGHT 7.0 /* the prior's pseudo-votes */
#define WRONG 3.0

struct em {
    const kt_lf_votes *v;
    float *prob;
    double *weight;  /* n_functions: log odds of a right vote against one given other label */
    double *prior;   /* n_labels, logs */
    double *partial; /* per chunk: n_functions expected right votes, n_labels expected class counts */
    size_t width;
};

static void chunk_step(void *ctx, size_t part)
{
    struct em *e = ctx;
    uint32_t k = e->v->n_labels, m = e->v->n_functions;
    double *right = e->partial + part * e->width, *class = right + m;
    memset(right, 0, e->width * sizeof(double));
    for (size_t i = part * CHUNK; i < KT_MIN(e->v->n_items, (part + 1) * CHUNK); i++) {
        const int16_t *vote = e->v->vote + i * m;
        float *p = e->prob + i * k;
        bool any = false;
        for (uint32_t c = 0; c < k; c++)
            p[c] = (float)e->prior[c];
        for (uint32_t j = 0; j < m; j++)
            if (vote[j] >= 0) {
                p[vote[j]] += (float)e->weight[j];
                any = true;
            }
        float top = p[0], sum = 0;
        for (uint32_t c = 1; c < k; c++)
            top = KT_MAX(top, p[c]);
        for (uint32_t c = 0; c < k; c++)
            sum += p[c] = expf(p[c] - top);
        for (uint32_t c = 0; c < k; c++)
            p[c] /= sum;
        if (!any)
            continue;
        for (uint32_t c = 0; c < k; c++)
            class[c] += p[c];
        for (uint32_t j = 0; j < m; j++)
            if (vote[j] >= 0)
                right[j] += p[vote[j]];
    }
}

static kt_rc summarise(const kt_lf_votes *v, kt_lf_summary *s, kt_err *err)
{
    for (size_t i = 0; i < v->n_items; i++) {
        const int16_t *vote = v->vote + i * v->n_functions;
        int n = 0;
        int32_t first = -1;
        bool differ = false;
        for (uint32_t j = 0; j < v->n_functions; j++) {
            if (vote[j] < KT_ABSTAIN || vote[j] >= (int32_t)v->n_labels)
                return kt_fail(err, KT_RANGE, "item %zu: function %u votes %d of %u labels", i, j, vote[j], v->n_labels);
            if (vote[j] < 0)
                continue;
            differ |= first >= 0 && vote[j] != first;
            first = first < 0 ? vote[j] : first;
            n++;
        }
        for (uint32_t j = 0; j < v->n_functions && n; j++) {
            if (vote[j] < 0)
                continue;
            bool conflict = false;
            for (uint32_t q = 0; differ && q < v->n_functions; q++)
                conflict |= vote[q] >= 0 && vote[q] != vote[j];
            s[j].votes++;
            s[j].overlaps += n > 1;
            s[j].conflicts += conflict;
        }
    }
    return 0;
}

static void m_step(struct em *e, const kt_lf_summary *s, double *accuracy, size_t n_chunks)
{
    uint32_t k = e->v->n_labels, m = e->v->n_functions;
    double *sum = kt_zalloc_array(e->width, sizeof(*sum)), total = 0;
    for (size_t part = 0; part < n_chunks; part++)
        for (size_t w = 0; w < e->width; w++)
            sum[w] += e->partial[part * e->width + w];
    for (uint32_t j = 0; j < m; j++) {
        accuracy[j] = (sum[j] + RIGHT) / ((double)s[j].votes + RIGHT + WRONG);
        e->weight[j] = log(accuracy[j]) - log((1 - accuracy[j]) / (k - 1));
    }
    for (uint32_t c = 0; c < k; c++)
        total += sum[m + c] + 1;
    for (uint32_t c = 0; c < k; c++)
        e->prior[c] = log((sum[m + c] + 1) / total);
    kt_free(sum);
}

kt_rc kt_denoise(const kt_lf_votes *v, kt_pool *pool, float *ret_prob, kt_lf_summary *ret_summary, kt_err *err)
{
    KT_ASSERT(v->n_labels >= 2);
    uint32_t k = v->n_labels, m = v->n_functions;
    kt_lf_summary *s = kt_zalloc_array((size_t)m + 1, sizeof(*s));
    kt_rc rc = summarise(v, s, err);
    if (rc < 0) {
        kt_free(s);
        return rc;
    }
    size_t n_chunks = (v->n_items + CHUNK - 1) / CHUNK;
    struct em e = { .v = v, .prob = ret_prob, .width = (size_t)m + k, .weight = kt_alloc_array((size_t)m + 1, sizeof(double)),
                    .prior = kt_zalloc_array(k, sizeof(double)) };
    double *accuracy = kt_zalloc_array((size_t)m + 1, sizeof(*accuracy)), *before = kt_zalloc_array((size_t)m + 1, sizeof(*before));
    e.partial = kt_alloc_array(n_chunks * e.width + 1, sizeof(double));
    for (uint32_t j = 0; j < m; j++)
        e.weight[j] = log(RIGHT / WRONG * (k - 1));
    for (int round = 0; round < ROUNDS; round++) {
        kt_pool_run(pool, n_chunks, chunk_step, &e);
        m_step(&e, s, accuracy, n_chunks);
        double moved = 0;
        for (uint32_t j = 0; j < m; j++) {
            moved = KT_MAX(moved, fabs(accuracy[j] - before[j]));
            before[j] = accuracy[j];
        }
        if (moved < 1e-5)
            break;
    }
    kt_pool_run(pool, n_chunks, chunk_step, &e);
    for (uint32_t j = 0; j < m; j++)
        s[j].accuracy = accuracy[j];
    if (ret_summary && m)
        memcpy(ret_summary, s, m * sizeof(*s));
    kt_free(s);
    kt_free(e.weight);
    kt_free(e.prior);
    kt_free(e.partial);
    kt_free(accuracy);
    kt_free(before);
    return 0;
}
