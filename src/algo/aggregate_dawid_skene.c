/* Dawid and Skene (1979): each source has a confusion matrix, EM from the shares of votes. The confusion rows are smoothed
   towards the pooled confusion of all sources with PULL pseudo-votes, so that a source with few votes borrows from the
   rest; with many votes this is the plain estimate. Stops when no posterior moves by more than 1e-6, or after 100 rounds. */
#include "algo/aggregate.h"

#include "base/mem.h"

#include <math.h>

#define ROUNDS 100
#define PULL 4.0
#define TINY 1e-10

struct em {
    const kt_votes *v;
    kt_posterior *p;
    size_t *start, *order;
    double *conf;   /* n_sources × true × given: counts, then logs */
    double *pooled; /* true × given */
    double *prior;
};

static void m_step(struct em *e)
{
    uint32_t k = e->v->n_labels;
    size_t kk = (size_t)k * k, n_conf = (size_t)e->v->n_sources * kk;
    memset(e->conf, 0, n_conf * sizeof(double));
    memset(e->pooled, 0, kk * sizeof(double));
    for (uint32_t c = 0; c < k; c++)
        e->prior[c] = TINY;
    for (size_t i = 0; i < e->v->n_items; i++)
        for (uint32_t c = 0; e->p->label[i] >= 0 && c < k; c++)
            e->prior[c] += e->p->prob[i * k + c];
    for (size_t i = 0; i < e->v->n; i++) {
        if (e->v->label[i] < 0)
            continue;
        const double *p = e->p->prob + (size_t)e->v->item[i] * k;
        double *m = e->conf + (size_t)e->v->source[i] * kk + (size_t)e->v->label[i];
        for (uint32_t c = 0; c < k; c++)
            m[(size_t)c * k] += p[c];
    }
    for (size_t i = 0; i < n_conf; i++)
        e->pooled[i % kk] += e->conf[i];
    for (uint32_t t = 0; t < k; t++) { /* one right vote of benefit of the doubt per label */
        double sum = 1 + TINY;
        e->pooled[(size_t)t * k + t] += 1;
        for (uint32_t g = 0; g < k; g++)
            sum += e->pooled[(size_t)t * k + g] + TINY;
        for (uint32_t g = 0; g < k; g++)
            e->pooled[(size_t)t * k + g] = (e->pooled[(size_t)t * k + g] + TINY) / sum;
    }
    for (size_t row = 0; row < (size_t)e->v->n_sources * k; row++) {
        double sum = PULL, *m = e->conf + row * k;
        for (uint32_t g = 0; g < k; g++)
            sum += m[g];
        for (uint32_t g = 0; g < k; g++)
            m[g] = log((m[g] + PULL * e->pooled[row % k * k + g] + TINY) / sum);
    }
}

/* New posteriors; returns the largest move. */
static double e_step(struct em *e, double *z)
{
    uint32_t k = e->v->n_labels;
    double moved = 0;
    for (size_t i = 0; i < e->v->n_items; i++) {
        if (e->p->label[i] < 0)
            continue;
        for (uint32_t c = 0; c < k; c++)
            z[c] = log(e->prior[c]);
        for (size_t q = e->start[i]; q < e->start[i + 1]; q++) {
            size_t vote = e->order[q];
            if (e->v->label[vote] < 0)
                continue;
            const double *m = e->conf + (size_t)e->v->source[vote] * k * k + (size_t)e->v->label[vote];
            for (uint32_t c = 0; c < k; c++)
                z[c] += m[(size_t)c * k];
        }
        double top = z[0], sum = 0, *p = e->p->prob + i * k;
        for (uint32_t c = 1; c < k; c++)
            top = KT_MAX(top, z[c]);
        for (uint32_t c = 0; c < k; c++)
            sum += z[c] = exp(z[c] - top);
        for (uint32_t c = 0; c < k; c++) {
            moved = KT_MAX(moved, fabs(z[c] / sum - p[c]));
            p[c] = z[c] / sum;
        }
    }
    return moved;
}

static kt_rc fit(const kt_votes *v, kt_posterior *ret, kt_err *err)
{
    KT_TRY(kt_votes_check(v, err));
    size_t k = v->n_labels, n_conf = (size_t)v->n_sources * k * k;
    if (n_conf > (size_t)1 << 28)
        return kt_fail(err, KT_LIMIT, "%u sources with %zu labels each: the confusion matrices would not fit", v->n_sources, k);
    kt_posterior_shares(v, ret);
    struct em e = { .v = v, .p = ret, .start = kt_alloc_array((size_t)v->n_items + 1, sizeof(size_t)),
                    .order = kt_alloc_array(v->n, sizeof(size_t)), .conf = kt_alloc_array(n_conf, sizeof(double)),
                    .pooled = kt_alloc_array(k * k, sizeof(double)), .prior = kt_alloc_array(k, sizeof(double)) };
    double *z = kt_alloc_array(k, sizeof(*z));
    kt_votes_by_item(v, e.start, e.order);
    for (int round = 0; round < ROUNDS; round++) {
        m_step(&e);
        if (e_step(&e, z) < 1e-6)
            break;
    }
    kt_posterior_finish(v, ret);
    kt_free(e.start);
    kt_free(e.order);
    kt_free(e.conf);
    kt_free(e.pooled);
    kt_free(e.prior);
    kt_free(z);
    return 0;
}

const kt_aggregator kt_aggregate_dawid_skene = { "dawid_skene", "a confusion matrix per source, EM (Dawid and Skene 1979)", fit };
