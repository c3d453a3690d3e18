/* The table of the aggregators, their options, and the checks of what comes beside the votes. */
#include "algo/merge/aggregate.h"

#include "base/str.h"

#include <math.h>

const kt_aggregator *const kt_aggregators[] = {
#define KT_AGGREGATOR(name) &kt_aggregate_##name,
#include "algo/merge/aggregators.def"
#undef KT_AGGREGATOR
    NULL,
};

const kt_aggregator *kt_aggregator_find(kt_str name)
{
    for (const kt_aggregator *const *a = kt_aggregators; *a; a++)
        if (kt_str_eq(name, kt_str_of((*a)->name)) || ((*a)->alias && kt_str_eq(name, kt_str_of((*a)->alias))))
            return *a;
    return NULL;
}

kt_rc kt_aggregate_options(const kt_aggregator *m, kt_str text, void *opt, kt_err *err)
{
    kt_rc rc = kt_settings_set(m->options, text, opt, err);
    return rc < 0 ? kt_context(err, "%s", m->name) : 0;
}

kt_rc kt_probs_check(const double *probs, size_t n, size_t k, kt_err *err)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t c = 0; c < k; c++) {
            double p = probs[i * k + c];
            if (!(p >= 0 && p <= 1 + 1e-9)) {
                kt_fail(err, KT_RANGE, "probability %g of item %zu, label %zu", p, i, c);
                return kt_hint(err, "probabilities are numbers from 0 to 1");
            }
            sum += p;
        }
        if (!(fabs(sum - 1) <= 1e-3)) {
            kt_fail(err, KT_RANGE, "the probabilities of item %zu sum to %g, not to 1", i, sum);
            return kt_hint(err, "divide each row by its sum");
        }
    }
    return 0;
}

kt_rc kt_gold_check(const int32_t *gold, size_t n, uint32_t n_labels, kt_err *err)
{
    for (size_t i = 0; gold && i < n; i++)
        if (gold[i] < -1 || gold[i] >= (int32_t)n_labels)
            return kt_fail(err, KT_RANGE, "gold of item %zu is label %d of %u", i, gold[i], n_labels);
    return 0;
}
