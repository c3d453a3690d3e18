/* Dawid and Skene (1979) with one number per source: s = chance that its vote is right, wrong votes spread evenly over the
   other labels. EM from the shares of votes; s is the mean posterior of the labels the source voted for, kept within
   1e-10 of 0 and 1. What all labels have in common cancels, so a vote multiplies only its own label, by
   s (K - 1) / (1 - s). Pseudo-votes: right on the right side, uniform on either. */
#include "algo/merge/aggregate.h"

#include "base/mem.h"

#include <math.h>

#define TINY 1e-10

static const kt_dawid_skene_opts defaults = { .n_iter = 50 };

struct coin {
    kt_own_em em;
    const kt_dawid_skene_opts *o;
    double *ratio, *prior;
    uint32_t *votes;
};

static void m_step(struct coin *m, kt_posterior *ret)
{
    const kt_ballot *b = m->em.b;
    double others = KT_MAX((double)b->n_labels - 1, 1), extra = m->o->right + m->o->uniform, all = extra + m->o->uniform;
    for (uint32_t c = 0; c < b->n_labels; c++) {
        ret->prior[c] = b->n_voted ? m->em.share[c] / b->n_voted : 1.0 / b->n_labels;
        m->prior[c] = KT_MAX(ret->prior[c], TINY);
    }
    for (size_t s = 0; s < b->n_sources; s++) {
        ret->source_accuracy[s] = m->votes[s] ? (m->em.right[s] + extra) / (m->votes[s] + all) : NAN;
        double right = KT_MIN(KT_MAX(ret->source_accuracy[s], TINY), 1 - TINY);
        double wrong = KT_MIN(KT_MAX((1 - ret->source_accuracy[s]) / others, TINY), 1 - TINY);
        m->ratio[s] = m->votes[s] ? right / wrong : 1;
    }
}

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_dawid_skene_opts *o = opt ? opt : &defaults;
    kt_ballot b;
    kt_posterior p;
    (void)rng;
    KT_TRY(kt_ballot_make(v, false, pool, a, &b, err));
    kt_posterior_make(&b, a, &p);
    kt_posterior_shares(&b, NULL, pool, &p);
    struct coin m = { .em = { .b = &b, .index = b.source, .n_index = b.n_sources, .lanes = 1, .prob = p.prob }, .o = o };
    m.em.right = kt_alloc_array(b.n_sources, sizeof(double));
    m.em.share = kt_alloc_array(b.n_labels, sizeof(double));
    m.em.ratio = m.ratio = kt_alloc_array(b.n_sources, sizeof(double));
    m.em.prior = m.prior = kt_alloc_array(b.n_labels, sizeof(double));
    m.votes = kt_zalloc_array(b.n_sources, sizeof(uint32_t));
    for (uint32_t q = 0; q < b.start[b.n_items]; q++)
        m.votes[b.source[q]]++;
    kt_own_em_count(&m.em, pool);
    m_step(&m, &p);
    for (int32_t round = 0; round < o->n_iter; round++) {
        kt_own_em_round(&m.em, pool);
        m_step(&m, &p);
    }
    kt_posterior_labels(&b, pool, &p);
    kt_posterior_intervals(&b, NULL, pool, &p);
    kt_free(m.em.right);
    kt_free(m.em.share);
    kt_free(m.ratio);
    kt_free(m.prior);
    kt_free(m.votes);
    *ret = p;
    return 0;
}

static const kt_setting options[] = {
    { .name = "n_iter", .help = "rounds of EM", .kind = KT_SET_INT, .offset = offsetof(kt_dawid_skene_opts, n_iter), .max = 1000000 },
    { .name = "uniform", .help = "pseudo-votes for right and for wrong", .kind = KT_SET_FLOAT,
      .offset = offsetof(kt_dawid_skene_opts, uniform), .max = 1e6 },
    { .name = "right", .help = "pseudo-votes for right", .kind = KT_SET_FLOAT, .offset = offsetof(kt_dawid_skene_opts, right), .max = 1e6 },
    { .name = NULL },
};

const kt_aggregator kt_aggregate_one_coin_dawid_skene = {
    .name = "one_coin_dawid_skene", .help = "one accuracy per source, EM (Dawid and Skene 1979, one coin)", .options = options,
    .defaults = &defaults, .option_size = sizeof(defaults), .fit = fit,
    .formula = "posterior(c) = prior(c) × Π over votes for c of s (K - 1) / (1 - s), divided by its sum over c; s: annotator's accuracy",
};
