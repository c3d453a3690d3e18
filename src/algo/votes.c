#include "algo/votes.h"

#include "base/mem.h"

void kt_votes_by_item(const kt_votes *v, size_t *ret_start, size_t *ret_order)
{
    for (size_t i = 0; i <= v->n_items; i++)
        ret_start[i] = 0;
    for (size_t i = 0; i < v->n; i++)
        ret_start[v->item[i] + 1]++;
    for (size_t i = 0; i < v->n_items; i++)
        ret_start[i + 1] += ret_start[i];
    size_t *at = kt_alloc_array((size_t)v->n_items + 1, sizeof(*at));
    memcpy(at, ret_start, ((size_t)v->n_items + 1) * sizeof(*at));
    for (size_t i = 0; i < v->n; i++)
        ret_order[at[v->item[i]]++] = i;
    kt_free(at);
}

kt_rc kt_votes_check(const kt_votes *v, kt_err *err)
{
    for (size_t i = 0; i < v->n; i++) {
        if (v->item[i] >= v->n_items)
            return kt_fail(err, KT_RANGE, "vote %zu: item %u of %u items", i, v->item[i], v->n_items);
        if (v->source[i] >= v->n_sources)
            return kt_fail(err, KT_RANGE, "vote %zu: source %u of %u sources", i, v->source[i], v->n_sources);
        if (v->label[i] < KT_ABSTAIN || v->label[i] >= (int32_t)v->n_labels)
            return kt_fail(err, KT_RANGE, "vote %zu: label %d of %u labels", i, v->label[i], v->n_labels);
    }
    return 0;
}
