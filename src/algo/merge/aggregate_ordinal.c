/* Labels with an order, as ratings have: the posterior is auto's, the label its median, which makes the expected distance to the
   truth smallest, where the likeliest label makes the expected number of mistakes smallest. */
#include "algo/merge/aggregate.h"

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    kt_posterior p;
    KT_TRY(kt_aggregate_auto.fit(v, opt, rng, pool, a, &p, err));
    uint32_t k = p.n_labels;
    for (size_t i = 0; i < p.n_items; i++) {
        double below = 0;
        uint32_t c = 0;
        if (p.label[i] < 0)
            continue;
        while (c + 1 < k && (below += p.prob[i * k + c]) < 0.5 - 1e-12)
            c++;
        p.label[i] = (int32_t)c;
        p.n_for[i] = 0;
    }
    for (size_t q = 0; q < v->n; q++)
        p.n_for[v->item[q]] += v->label[q] >= 0 && v->label[q] == p.label[v->item[q]];
    *ret = p;
    return 0;
}

static const kt_auto_opts defaults = KT_AUTO_OPTS_INIT;

const kt_aggregator kt_aggregate_ordinal = {
    .name = "ordinal", .help = "labels in their order: the median of auto's posterior", .fit = fit, .defaults = &defaults,
    .option_size = sizeof(defaults), .formula = "label = the smallest c with Σ posterior up to c >= 1/2; the posterior is auto's",
};
