/* Dawid and Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM algorithm": each source has a
   confusion matrix P(said | truth). Start: shares of votes. Then n_iter rounds of

       E: posterior[i][c] ∝ prior[c] Π over votes conf[source][said][c]
       M: prior = mean posterior; conf = expected counts, each (source, truth) column divided by its sum.

   With pull > 0 every column first gets that many votes spread like those of all sources together, so that a source with
   few votes borrows from the rest; uniform and right add pseudo-votes to every label and to the right one (maximum a
   posteriori under a Dirichlet prior). With abstain, what a source is silent about counts as one more thing it can say.

   Only the (source, said) pairs that occur, called cells, have a row of K numbers: memory is O(votes) at worst. */
#include "algo/merge/confusion_intervals.h"
#include "algo/merge/copying.h"
#include "algo/merge/dawid_skene.h"
#include "algo/merge/latent_em.h"

#include "base/mem.h"

#include <math.h>

#define TINY 1e-10
#define MAX_CONFUSION ((size_t)1 << 24) /* numbers given back; more are left out */
#define SOURCES_AT_ONCE 64
#define SOFT_ROUNDS 50
#define FEW 8 /* sources, who are judged mostly by the same few others */

static const kt_dawid_skene_opts defaults = { .n_iter = 50 };

struct fitting {
    kt_latent_em em;
    const kt_dawid_skene_opts *o;
    double *pooled; /* said × truth: pull times the confusion of all sources together; NULL when pull is 0 */
};

/* What column truth of a source gets beside its counts of said. */
static inline double pseudo(const struct fitting *f, size_t said, size_t truth)
{
    return f->o->uniform + (said == truth ? f->o->right : 0) + (f->pooled ? f->pooled[said * f->em.b->n_labels + truth] : 0);
}

static void divide_columns(void *ctx, size_t block)
{
    const struct fitting *f = ctx;
    const kt_cells *cells = f->em.cells;
    size_t k = f->em.b->n_labels, last = KT_MIN((block + 1) * SOURCES_AT_ONCE, f->em.b->n_sources);
    double all = f->o->pull + f->o->uniform * f->em.b->n_said + f->o->right;
    for (size_t s = block * SOURCES_AT_ONCE; s < last; s++)
        for (size_t c = 0; c < k; c++) {
            double sum = all;
            for (size_t x = cells->first[s]; x < cells->first[s + 1]; x++) {
                double n = KT_MAX(f->em.count[x * k + c], TINY);
                sum += n;
                f->em.like[x * k + c] = n + pseudo(f, cells->said[x], c);
            }
            for (size_t x = cells->first[s]; x < cells->first[s + 1]; x++)
                f->em.like[x * k + c] = KT_MAX(f->em.like[x * k + c] / sum, 1e-300);
        }
}

static void pool_sources(struct fitting *f)
{
    const kt_cells *cells = f->em.cells;
    size_t k = f->em.b->n_labels, m = f->em.b->n_said;
    memset(f->pooled, 0, m * k * sizeof(double));
    for (size_t x = 0; x < cells->n; x++)
        for (size_t c = 0; c < k; c++)
            f->pooled[cells->said[x] * k + c] += f->em.count[x * k + c];
    for (size_t c = 0; c < k; c++) {
        double sum = 0;
        f->pooled[c * k + c] += 1; /* the benefit of the doubt for labels nobody uses */
        for (size_t o = 0; o < m; o++)
            sum += f->pooled[o * k + c];
        for (size_t o = 0; o < m; o++)
            f->pooled[o * k + c] *= f->o->pull / sum;
    }
}

static void round_of(struct fitting *f, kt_latent_step step, kt_pool *pool, kt_posterior *ret)
{
    kt_latent_em_run(&f->em, step, pool);
    if (f->pooled)
        pool_sources(f);
    kt_pool_run(pool, (f->em.b->n_sources + SOURCES_AT_ONCE - 1) / SOURCES_AT_ONCE, divide_columns, f);
    for (uint32_t c = 0; c < f->em.b->n_labels && f->em.b->n_voted; c++) {
        ret->prior[c] = (f->em.share[c] + f->o->equal) / (f->em.b->n_voted + f->o->equal * f->em.b->n_labels);
        f->em.prior[c] = KT_MAX(ret->prior[c], TINY);
    }
}

/* Labels a source never used have no cell; with pseudo-votes they share what its columns lack to 1. */
static void fill_unused(const struct fitting *f, double *confusion)
{
    size_t k = f->em.b->n_labels;
    for (size_t c = 0; c < k; c++) {
        double left = 1, unused = 0;
        for (size_t o = 0; o < k; o++) {
            left -= confusion[o * k + c];
            unused += confusion[o * k + c] > 0 ? 0 : pseudo(f, o, c);
        }
        for (size_t o = 0; o < k; o++)
            if (!(confusion[o * k + c] > 0) && unused > 0)
                confusion[o * k + c] = KT_MAX(left, 0) * pseudo(f, o, c) / unused;
    }
}

static void give_confusion(const struct fitting *f, kt_arena *a, kt_posterior *ret)
{
    const kt_cells *cells = f->em.cells;
    size_t k = f->em.b->n_labels, n = f->em.b->n_sources;
    bool filled = f->em.b->n_said == k && (f->pooled || f->o->uniform > 0 || f->o->right > 0);
    if (k == 0 || n > MAX_CONFUSION / (k * k))
        return;
    ret->source_confusion = kt_arena_array(a, n * k * k, sizeof(double));
    for (size_t s = 0; s < n; s++) {
        for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++)
            if (cells->said[x] < k)
                memcpy(ret->source_confusion + (s * k + cells->said[x]) * k, f->em.like + x * k, k * sizeof(double));
        if (filled)
            fill_unused(f, ret->source_confusion + s * k * k);
    }
}

static void give_accuracy(const struct fitting *f, kt_posterior *ret)
{
    const kt_cells *cells = f->em.cells;
    size_t k = f->em.b->n_labels;
    for (size_t s = 0; s < f->em.b->n_sources; s++) {
        double right = 0, voted = 0; /* chance that a vote is right, given that it names a label */
        for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++) {
            size_t said = cells->said[x];
            if (said == k)
                continue;
            right += ret->prior[said] * f->em.like[x * k + said];
            for (size_t c = 0; c < k; c++)
                voted += ret->prior[c] * f->em.like[x * k + c];
        }
        bool silent = cells->first[s] == cells->first[s + 1] || cells->said[cells->first[s]] == k;
        ret->source_accuracy[s] = silent ? NAN : f->em.b->n_said > k ? right / voted : right;
    }
}

static void set_intervals(const struct fitting *f, kt_pool *pool, kt_posterior *p)
{
    const kt_fitted_confusions c = { f->em.b, f->em.cells, f->em.like, p->prior, f->o->pull + f->o->uniform * f->em.b->n_said + f->o->right };
    if (f->em.b->n_sources > FEW || !kt_confusion_intervals(&c, p))
        kt_posterior_intervals(f->em.b, f->em.cells, pool, p);
}

/* Who agrees with labels that were taken for true looks better than he is: accuracies and intervals of the hard variant are those of as many soft
   rounds from the start; labels, posterior, shares and confusions are its own. */
static void judge_softly(struct fitting *f, kt_pool *pool, kt_posterior *p)
{
    kt_posterior soft = *p;
    soft.prob = kt_alloc_array((size_t)p->n_items * p->n_labels + 1, sizeof(double));
    soft.prior = kt_alloc_array(p->n_labels + 1, sizeof(double));
    kt_posterior_shares(f->em.b, NULL, pool, &soft);
    f->em.prob = soft.prob;
    f->em.hard = false;
    for (int32_t round = 0; round <= SOFT_ROUNDS; round++)
        round_of(f, round == 0 ? KT_LATENT_START : round == SOFT_ROUNDS ? KT_LATENT_KEEP : KT_LATENT_ROUND, pool, &soft);
    give_accuracy(f, &soft);
    set_intervals(f, pool, &soft);
    kt_free(soft.prob);
    kt_free(soft.prior);
}

static kt_rc fit_votes(const kt_votes *v, const kt_dawid_skene_opts *o, bool hard, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    kt_ballot b;
    kt_cells cells;
    kt_posterior p;
    KT_TRY(kt_gold_check(o->gold, v->n_items, v->n_labels, err));
    KT_TRY(kt_ballot_make(v, o->abstain != 0, pool, a, &b, err));
    kt_posterior_make(&b, a, &p);
    kt_posterior_shares(&b, NULL, pool, &p);
    KT_TRY(kt_cells_make(&b, pool, a, &cells, err));
    struct fitting f = { .em = { .b = &b, .cells = &cells, .levels = 1, .unsupported = o->unnamed > 0 ? o->unnamed : 1, .hard = hard, .gold = o->gold, .prob = p.prob }, .o = o };
    kt_latent_em_init(&f.em);
    f.pooled = o->pull > 0 ? kt_alloc_array((size_t)b.n_said * b.n_labels, sizeof(double)) : NULL;
    round_of(&f, KT_LATENT_START, pool, &p);
    for (int32_t round = 0; round < o->n_iter; round++)
        round_of(&f, round + 1 == o->n_iter ? KT_LATENT_KEEP : KT_LATENT_ROUND, pool, &p);
    give_confusion(&f, a, &p);
    give_accuracy(&f, &p);
    kt_posterior_labels(&b, pool, &p);
    if (hard)
        judge_softly(&f, pool, &p);
    else
        set_intervals(&f, pool, &p);
    kt_latent_em_done(&f.em);
    kt_free(f.pooled);
    *ret = p;
    return 0;
}

static kt_rc merge_soft(const kt_votes *v, const void *opt, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    return fit_votes(v, opt, false, pool, a, ret, err);
}

static kt_rc merge_hard(const kt_votes *v, const void *opt, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    return fit_votes(v, opt, true, pool, a, ret, err);
}

kt_rc kt_dawid_skene_fit(const kt_votes *v, const kt_dawid_skene_opts *o, bool hard, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    kt_copying_merge *merge = hard ? merge_hard : merge_soft;
    if (!o->correlated)
        return merge(v, o, pool, a, ret, err);
    if (o->abstain) {
        kt_fail(err, KT_USAGE, "correlated and abstain=speaks do not go together");
        kt_hint(err, "copying is looked for among labels; abstentions would be lost");
        return KT_USAGE;
    }
    return kt_copying_fit(v, merge, o, pool, a, ret, err);
}

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    (void)rng;
    return kt_dawid_skene_fit(v, opt ? opt : &defaults, false, pool, a, ret, err);
}

static const char *const off_on[] = { "skip", "speaks", NULL }, *const no_yes[] = { "no", "yes", NULL };
const kt_setting kt_dawid_skene_options[] = {
    { .name = "n_iter", .help = "rounds of EM", .kind = KT_SET_INT, .offset = offsetof(kt_dawid_skene_opts, n_iter), .max = 1000000 },
    { .name = "pull", .help = "pseudo-votes towards the confusion of all annotators together", .kind = KT_SET_FLOAT,
      .offset = offsetof(kt_dawid_skene_opts, pull), .max = 1e6 },
    { .name = "uniform", .help = "pseudo-votes for every label", .kind = KT_SET_FLOAT, .offset = offsetof(kt_dawid_skene_opts, uniform),
      .max = 1e6 },
    { .name = "right", .help = "pseudo-votes for the right label", .kind = KT_SET_FLOAT, .offset = offsetof(kt_dawid_skene_opts, right),
      .max = 1e6 },
    { .name = "unnamed", .help = "what a label that no vote on the item names keeps of its chance, 0: all", .kind = KT_SET_FLOAT,
      .offset = offsetof(kt_dawid_skene_opts, unnamed), .max = 1 },
    { .name = "equal", .help = "pseudo-items of every label, so that few votes do not make a label rare", .kind = KT_SET_FLOAT,
      .offset = offsetof(kt_dawid_skene_opts, equal), .max = 1e6 },
    { .name = "abstain", .help = "whether saying nothing tells something", .kind = KT_SET_CHOICE,
      .offset = offsetof(kt_dawid_skene_opts, abstain), .choice = off_on },
    { .name = "correlated", .help = "whether to look for annotators that copy each other, and count what they agree on once", .kind = KT_SET_CHOICE,
      .offset = offsetof(kt_dawid_skene_opts, correlated), .choice = no_yes },
    { .name = NULL },
};

const kt_aggregator kt_aggregate_dawid_skene = {
    .name = "dawid_skene", .help = "a confusion matrix per source, EM (Dawid and Skene 1979)", .options = kt_dawid_skene_options,
    .defaults = &defaults, .option_size = sizeof(defaults), .fit = fit,
    .formula = "posterior(c) = prior(c) × Π over votes P(annotator says vote | c), divided by its sum over c",
};
