#include "algo/agree/agreement_parts.h"

#include "base/mem.h"

#include <math.h>

kt_rc kt_agreement_by_class(const kt_agreement *m, const kt_votes *v, const void *opt, kt_pool *pool, kt_agreement_class *ret, kt_err *err)
{
    if (!m->nominal)
        return kt_fail(err, KT_USAGE, "%s compares numbers; one label alone has no value", m->name);
    KT_TRY(kt_votes_check(v, err));
    kt_vote_groups g;
    KT_TRY(kt_vote_groups_make(v, pool, &g, err));
    double *other = kt_zalloc_array((size_t)v->n_labels + 1, sizeof(*other)), *same = kt_zalloc_array((size_t)v->n_labels + 1, sizeof(*same));
    uint32_t *count = kt_zalloc_array((size_t)v->n_labels + 1, sizeof(*count));
    for (size_t i = 0; i < g.n; i++) {
        uint32_t from = g.start[i], to = g.start[i + 1];
        double times = g.times ? g.times[i] : 1;
        for (uint32_t q = from; q < to; q++)
            count[g.label[q]]++;
        for (uint32_t q = from; q < to; q++) {
            same[g.label[q]] += times * (count[g.label[q]] - 1);
            other[g.label[q]] += times * (to - from - 1);
        }
        for (uint32_t q = from; q < to; q++)
            count[g.label[q]] = 0;
    }
    kt_vote_groups_done(&g);
    int32_t *label = kt_alloc_array(v->n + 1, sizeof(*label));
    kt_votes two = *v;
    two.n_labels = 2;
    two.label = label;
    kt_rc rc = 0;
    for (uint32_t c = 0; c < v->n_labels && rc == 0; c++) {
        ret[c] = (kt_agreement_class){ .specific = other[c] > 0 ? same[c] / other[c] : NAN };
        for (size_t i = 0; i < v->n; i++) {
            label[i] = v->label[i] < 0 ? KT_ABSTAIN : v->label[i] == (int32_t)c;
            ret[c].votes += label[i] > 0;
        }
        rc = kt_agreement_measure(m, &two, opt, pool, &ret[c].result, err);
    }
    kt_free(label);
    kt_free(other);
    kt_free(same);
    kt_free(count);
    return rc;
}

static void measure_item(const kt_votes *v, const size_t *order, size_t n, const double *value, uint32_t *count, kt_agreement_item *ret)
{
    double same = 0, mean = 0, squares = 0, m = 0;
    for (size_t q = 0; q < n; q++) {
        int32_t l = v->label[order[q]];
        if (l < 0)
            continue;
        same += count[l]++;
        m++;
        double d = value ? value[l] - mean : 0;
        mean += d / m;
        squares += value ? d * (value[l] - mean) : 0;
    }
    for (size_t q = 0; q < n; q++)
        if (v->label[order[q]] >= 0)
            count[v->label[order[q]]] = 0;
    ret->votes = (uint32_t)m;
    ret->percent = m > 1 ? 2 * same / (m * (m - 1)) : NAN;
    ret->spread = m > 1 && value ? sqrt(squares / (m - 1)) : NAN;
}

kt_rc kt_agreement_by_item(const kt_votes *v, const double *value, kt_agreement_item *ret, kt_err *err)
{
    KT_TRY(kt_votes_check(v, err));
    size_t *start = kt_alloc_array((size_t)v->n_items + 1, sizeof(*start)), *order = kt_alloc_array(v->n + 1, sizeof(*order));
    uint32_t *count = kt_zalloc_array((size_t)v->n_labels + 1, sizeof(*count));
    kt_votes_by_item(v, start, order);
    for (size_t i = 0; i < v->n_items; i++)
        measure_item(v, order + start[i], start[i + 1] - start[i], value, count, &ret[i]);
    kt_free(start);
    kt_free(order);
    kt_free(count);
    return 0;
}
