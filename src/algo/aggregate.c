#include "algo/aggregate.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>

const kt_aggregator *const kt_aggregators[] = {
#define KT_AGGREGATOR(name) &kt_aggregate_##name,
#include "algo/aggregators.def"
#undef KT_AGGREGATOR
    NULL,
};

const kt_aggregator *kt_aggregator_find(kt_str name)
{
    for (const kt_aggregator *const *a = kt_aggregators; *a; a++)
        if (kt_str_eq(name, kt_str_of((*a)->name)))
            return *a;
    return NULL;
}

void kt_posterior_done(kt_posterior *p)
{
    p->prob = kt_free(p->prob);
    p->label = kt_free(p->label);
    p->source_accuracy = kt_free(p->source_accuracy);
}

void kt_posterior_shares(const kt_votes *v, kt_posterior *ret)
{
    uint32_t k = v->n_labels;
    *ret = (kt_posterior){ v->n_items, k, v->n_sources, kt_zalloc_array((size_t)v->n_items * k + 1, sizeof(double)),
                           kt_alloc_array((size_t)v->n_items + 1, sizeof(int32_t)),
                           kt_alloc_array((size_t)v->n_sources + 1, sizeof(double)) };
    for (size_t i = 0; i < v->n; i++)
        if (v->label[i] >= 0)
            ret->prob[(size_t)v->item[i] * k + (size_t)v->label[i]]++;
    for (size_t i = 0; i < v->n_items; i++) {
        double sum = 0, *p = ret->prob + i * k;
        for (uint32_t c = 0; c < k; c++)
            sum += p[c];
        ret->label[i] = sum > 0 ? 0 : -1; /* kt_posterior_finish puts the number */
        for (uint32_t c = 0; c < k; c++)
            p[c] = sum > 0 ? p[c] / sum : 1.0 / k;
    }
}

void kt_posterior_finish(const kt_votes *v, kt_posterior *ret)
{
    uint32_t k = ret->n_labels;
    for (size_t i = 0; i < ret->n_items; i++) {
        if (ret->label[i] < 0)
            continue;
        const double *p = ret->prob + i * k;
        for (uint32_t c = 1; c < k; c++)
            if (p[c] > p[ret->label[i]] * (1 + 1e-12))
                ret->label[i] = (int32_t)c;
    }
    double *n = kt_zalloc_array((size_t)ret->n_sources + 1, sizeof(*n));
    for (size_t s = 0; s < ret->n_sources; s++)
        ret->source_accuracy[s] = 0;
    for (size_t i = 0; i < v->n; i++)
        if (v->label[i] >= 0) {
            ret->source_accuracy[v->source[i]] += ret->prob[(size_t)v->item[i] * k + (size_t)v->label[i]];
            n[v->source[i]]++;
        }
    for (size_t s = 0; s < ret->n_sources; s++)
        ret->source_accuracy[s] = n[s] > 0 ? ret->source_accuracy[s] / n[s] : NAN;
    kt_free(n);
}
