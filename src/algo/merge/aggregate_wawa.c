/* Worker agreement with aggregate: a plain majority vote gives each source the share of its votes that agree with it; a
   second majority vote weighs the votes by these shares. source_accuracy holds the shares. */
#include "algo/merge/aggregate.h"

#include "base/mem.h"

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    kt_ballot b;
    kt_posterior p;
    (void)opt;
    (void)rng;
    KT_TRY(kt_ballot_make(v, false, pool, a, &b, err));
    kt_posterior_make(&b, a, &p);
    kt_posterior_majority(&b, NULL, pool, &p);
    kt_posterior_shares(&b, p.source_accuracy, pool, &p);
    kt_posterior_labels(&b, pool, &p);
    *ret = p;
    return 0;
}

const kt_aggregator kt_aggregate_wawa = {
    .name = "wawa", .help = "majority weighed by each source's agreement with the majority", .fit = fit,
    .formula = "posterior(c) = Σ agreement of annotators for c / Σ agreement of all who voted",
};
