/* CROWDLAB as an aggregator: votes beside a model's probabilities; crowdlab.c has the method and more of its answers. */
#include "algo/merge/aggregate.h"
#include "algo/merge/crowdlab.h"

#include "base/mem.h"

#include <math.h>

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_crowdlab_opts *o = opt;
    kt_crowdlab r;
    kt_posterior p;
    (void)rng;
    KT_TRY(kt_crowdlab_fit(v, o ? o->probs : NULL, pool, a, &r, err));
    kt_posterior_make(&r.b, a, &p);
    p.prob = r.post;
    kt_posterior_labels(&r.b, pool, &p);
    for (size_t i = 0; i < v->n_items; i++) {
        p.label[i] = r.label[i];
        p.n_for[i] = 0;
        for (uint32_t q = r.b.start[i]; q < r.b.start[i + 1]; q++)
            p.n_for[i] += r.b.label[q] == r.label[i];
        for (uint32_t c = 0; c < v->n_labels; c++) {
            if (r.label[i] < 0)
                p.prob[i * v->n_labels + c] = o->probs[i * v->n_labels + c];
            else
                p.prior[c] += p.prob[i * v->n_labels + c] / r.b.n_voted;
        }
    }
    for (uint32_t c = 0; c < v->n_labels && r.b.n_voted == 0; c++)
        p.prior[c] = 1.0 / v->n_labels;
    for (size_t s = 0; s < v->n_sources; s++)
        p.source_accuracy[s] = r.source_quality[s];
    kt_posterior_intervals(&r.b, &r.cells, pool, &p);
    p.source_weight = r.source_weight;
    *ret = p;
    return 0;
}

const kt_aggregator kt_aggregate_crowdlab = {
    .name = "crowdlab", .help = "votes and a model's probabilities together (Goh et al. 2022)", .needs = KT_NEEDS_PROBS, .fit = fit,
    .defaults = &(const kt_crowdlab_opts){ NULL }, .option_size = sizeof(kt_crowdlab_opts),
    .formula = "posterior(c) = (w_model × p_model(c) + Σ over votes w × (A if the vote is c, else (1 - A) / (K - 1))) / (w_model + Σ w)",
};
