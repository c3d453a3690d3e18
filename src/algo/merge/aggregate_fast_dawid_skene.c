/* Sinha, Rao and Balasubramanian (2018), "Fast Dawid-Skene": Dawid and Skene's EM with every item given wholly to its
   likeliest label in each round. It settles in few rounds; the posterior is of the last round, with its confusions. */
#include "algo/merge/dawid_skene.h"

static const kt_dawid_skene_opts defaults = { .n_iter = 20 };

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    (void)rng;
    return kt_dawid_skene_fit(v, opt ? opt : &defaults, true, pool, a, ret, err);
}

const kt_aggregator kt_aggregate_fast_dawid_skene = {
    .name = "fast_dawid_skene", .help = "Dawid-Skene with hard assignments (Sinha et al. 2018)", .options = kt_dawid_skene_options,
    .defaults = &defaults, .option_size = sizeof(defaults), .fit = fit,
    .formula = "label = argmax over c of prior(c) × Π over votes P(annotator says vote | c)",
};
