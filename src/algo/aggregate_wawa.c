/* Worker agreement with aggregate: a plain majority vote gives each source the share of its votes that agree with it; a
   second majority vote weighs the votes by these shares. source_accuracy holds the shares. */
#include "algo/aggregate.h"

#include "base/mem.h"

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    kt_ballot b;
    (void)opt;
    (void)rng;
    (void)pool;
    KT_TRY(kt_ballot_make(v, a, &b, err));
    kt_posterior_make(&b, a, ret);
    kt_posterior_shares(&b, NULL, ret);
    kt_posterior_labels(&b, ret);
    kt_posterior_agreement(&b, ret);
    double *weight = kt_alloc_array(b.n_sources, sizeof(*weight));
    for (size_t s = 0; s < b.n_sources; s++)
        weight[s] = ret->source_accuracy[s];
    kt_posterior_shares(&b, weight, ret);
    kt_posterior_labels(&b, ret);
    kt_free(weight);
    return 0;
}

const kt_aggregator kt_aggregate_wawa = {
    .name = "wawa", .help = "majority weighed by each source's agreement with the majority", .fit = fit,
};
