#include "algo/agree.h"

#include "base/mem.h"
#include "base/str.h"

const kt_agreement *const kt_agreements[] = {
#define KT_AGREEMENT(name) &kt_agree_##name,
#include "algo/agreements.def"
#undef KT_AGREEMENT
    NULL,
};

const kt_agreement *kt_agreement_find(kt_str name)
{
    for (const kt_agreement *const *a = kt_agreements; *a; a++)
        if (kt_str_eq(name, kt_str_of((*a)->name)))
            return *a;
    return NULL;
}

void kt_agree_counts(const kt_votes *v, void (*fn)(void *ctx, const uint32_t *count, uint32_t n), void *ctx)
{
    size_t *start = kt_alloc_array((size_t)v->n_items + 1, sizeof(*start)), *order = kt_alloc_array(v->n, sizeof(*order));
    uint32_t *count = kt_zalloc_array(v->n_labels, sizeof(*count));
    kt_votes_by_item(v, start, order);
    for (size_t i = 0; i < v->n_items; i++) {
        uint32_t n = 0;
        for (size_t k = start[i]; k < start[i + 1]; k++)
            if (v->label[order[k]] >= 0) {
                count[v->label[order[k]]]++;
                n++;
            }
        if (n)
            fn(ctx, count, n);
        for (size_t k = start[i]; k < start[i + 1]; k++)
            if (v->label[order[k]] >= 0)
                count[v->label[order[k]]] = 0;
    }
    kt_free(start);
    kt_free(order);
    kt_free(count);
}
