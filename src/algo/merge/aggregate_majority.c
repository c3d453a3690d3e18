/* The label most votes name; posterior: its share of the votes. The file to copy for a new aggregator. */
#include "algo/merge/aggregate.h"

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_majority_opts *o = opt;
    kt_ballot b;
    kt_posterior p;
    (void)rng;
    KT_TRY(o && o->source_weight ? kt_ballot_make(v, false, pool, a, &b, err) : kt_ballot_count(v, pool, a, &b, err));
    kt_posterior_make(&b, a, &p);
    kt_posterior_majority(&b, o ? o->source_weight : NULL, pool, &p);
    *ret = p;
    return 0;
}

const kt_aggregator kt_aggregate_majority = {
    .name = "majority_vote", .alias = "majority", .help = "the label most votes name; posterior: its share", .fit = fit,
    .defaults = &(const kt_majority_opts){ NULL }, .option_size = sizeof(kt_majority_opts),
    .formula = "posterior(c) = votes for c / votes",
};
