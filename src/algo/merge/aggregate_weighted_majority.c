/* Majority with a given weight for each source. */
#include "algo/merge/aggregate.h"

#include <math.h>

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_majority_opts *o = opt;
    if (!o || !o->source_weight) {
        kt_fail(err, KT_USAGE, "weighted_majority_vote needs a weight for each annotator");
        return kt_hint(err, "--weights FILE with the columns annotator,weight");
    }
    for (size_t s = 0; s < v->n_sources; s++)
        if (!(o->source_weight[s] >= 0) || isinf(o->source_weight[s]))
            return kt_fail(err, KT_RANGE, "weight %g of source %zu; weights are numbers from 0 up", o->source_weight[s], s);
    return kt_aggregate_majority.fit(v, opt, rng, pool, a, ret, err);
}

const kt_aggregator kt_aggregate_weighted_majority = {
    .name = "weighted_majority_vote", .alias = "weighted_majority", .needs = KT_NEEDS_WEIGHTS, .help = "majority with a given weight for each source", .fit = fit,
    .defaults = &(const kt_majority_opts){ NULL }, .option_size = sizeof(kt_majority_opts),
    .formula = "posterior(c) = Σ weight of annotators for c / Σ weight of all who voted",
};
