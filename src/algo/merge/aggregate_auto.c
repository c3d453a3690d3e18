/* The merge to use when nothing is known about the crowd. No single method wins on every crowd; what loses is known, though, and
   each part here takes away one way to lose. All of it is decided by the votes alone.

   1. A confusion matrix per source (Dawid and Skene 1979) wins where mistakes depend on the label, and loses where sources have
      few votes. So a source's column for truth c is drawn from Dirichlet(kappa m[.][c]): m has the accuracy of label c that all
      sources have on average, every source counting by what it says about itself, N / (N + kappa), not by its number of votes;
      wrong answers half even, half as all sources spread them. kappa maximises the marginal likelihood of being right and wrong
      (beta-binomial), on a grid: empirical Bayes. A mixed crowd gets a small kappa and every source its own matrix; a crowd of
      passers-by gets a large one and shares.
   2. Votes on one item err together, because items are hard. So each label has three kinds of items, on which confusions are
      raised to the power 1, 0.4 and 0.1, with shares that EM learns.
   3. A hidden class may drift away from its name until it explains what nobody said. So a label that no vote on the item names
      counts a fifth of what the model gives it, and the accuracy of a label stays above chance.
   4. Last, a quarter of the posterior comes from one accuracy per source (with a prior of 2.8 right, 1.2 wrong) and equal
      shares of the labels, which neither confusions nor a runaway share can mislead.

   5. The posterior is raised to the power, at most 1, that predicts each vote best from the others on its item (held_out.h): items are hard in
      more ways than point 2 can learn, and a fit to few votes flatters itself.

   6. Where sources are found to depend on each other, what they agree on counts once (copying.h), and all of the above is done again.

   Where no item has two votes nothing tells who is right. Then accuracies are what point 4 takes them for, 70 %, and intervals are of that
   prior; to count the votes as right for lack of contradiction would only confirm them.

   Where votes are few for tables of confusions (sources × labels² is large beside them), or there are two sources, whom nothing tells
   apart, only the last one is used. With a model's probabilities beside the
   votes (beside_model.h) the model is a source of its own while the others are judged; then its vote is taken away and its
   probabilities come in, as far as the votes trust them. Where hardly any item has two votes nobody could judge whom to trust, and the answer is
   CROWDLAB's. Figures on public crowds: bench/README.md. */
#include "algo/merge/aggregate.h"
#include "algo/merge/beside_model.h"
#include "algo/merge/copying.h"
#include "algo/merge/crowdlab.h"
#include "algo/merge/dawid_skene.h"
#include "algo/merge/held_out.h"
#include "algo/merge/latent_em.h"
#include "algo/stats.h"

#include "base/mem.h"

#include <math.h>

#define LEVELS 3
#define ROUNDS 60
#define STILL 1e-4           /* stop when no likelihood moves more */
#define FREE_ENTRIES ((size_t)1 << 20) /* tables of confusions may have this many numbers, */
#define ENTRIES_PER_VOTE 16            /* and so many for every vote */
#define GRID 20
#define GRID_TOP 200.0
#define SOURCES_AT_ONCE 256
#define FEW 8                /* sources */
#define OVERLAP 0.1          /* share of the voted items that must have two votes, to judge a model by them */

struct model {
    kt_latent_em em;
    const kt_ballot *b;
    const kt_cells *cells;
    double power[LEVELS]; /* on confusions, by ease of the item */
    double *confusion;   /* cells × K: P(said | truth) on easy items */
    double *count;       /* cells × K: votes, hard items at their power */
    double *total;       /* sources × K: Σ count over the source's cells */
    double *right;       /* sources × K: count of the cell that says the truth */
    double *mean;        /* K said × K truth: m */
    double *accuracy;    /* K: m[c][c] */
    double kappa;
    int at;              /* place of kappa on the grid */
    double moved;        /* of confusion in this round */
    double *likelihood;  /* blocks × 3: marginal likelihood at the neighbours on the grid */
    double *block_moved; /* of each block of sources */
};

static double grid(int at)
{
    return exp(log(GRID_TOP) * at / (GRID - 1));
}

/* Counts of a block of sources from the sums of the E-step. */
static void gather(void *ctx, size_t block)
{
    struct model *m = ctx;
    size_t k = m->b->n_labels, last = KT_MIN((block + 1) * SOURCES_AT_ONCE, m->b->n_sources);
    for (size_t s = block * SOURCES_AT_ONCE; s < last; s++) {
        memset(m->total + s * k, 0, k * sizeof(double));
        memset(m->right + s * k, 0, k * sizeof(double));
        for (size_t x = m->cells->first[s]; x < m->cells->first[s + 1]; x++)
            for (size_t c = 0; c < k; c++) {
                double n = 0;
                for (size_t d = 0; d < LEVELS; d++)
                    n += m->power[d] * m->em.count[(x * k + c) * LEVELS + d];
                m->count[x * k + c] = n;
                m->total[s * k + c] += n;
                if (m->cells->said[x] == c)
                    m->right[s * k + c] = n;
            }
    }
}

/* Average accuracy of each label; sources and labels with few votes count little. */
static void average(struct model *m)
{
    size_t k = m->b->n_labels;
    double *sum = kt_zalloc_array(k, sizeof(*sum)), *weight = kt_zalloc_array(k, sizeof(*weight)), all = 0.7, n = 1;
    for (size_t x = 0; x < m->b->n_sources * k; x++) {
        sum[x % k] += m->right[x] / (m->total[x] + m->kappa);
        weight[x % k] += m->total[x] / (m->total[x] + m->kappa);
    }
    for (size_t c = 0; c < k; c++) {
        all += sum[c];
        n += weight[c];
    }
    for (size_t c = 0; c < k; c++)
        m->accuracy[c] = KT_MIN(KT_MAX((sum[c] + all / n) / (weight[c] + 1), 1.0 / (double)k + 0.02), 0.999);
    kt_free(sum);
    kt_free(weight);
}

/* Log marginal likelihood of right and wrong under Beta(kappa accuracy, kappa (1 - accuracy)), at three places of the grid. */
static void weigh_kappa(void *ctx, size_t block)
{
    struct model *m = ctx;
    size_t k = m->b->n_labels, last = KT_MIN((block + 1) * SOURCES_AT_ONCE, m->b->n_sources);
    for (int step = 0; step < 3; step++) {
        int at = m->at + step - 1, sign;
        double kappa = grid(KT_MIN(KT_MAX(at, 0), GRID - 1)), sum = 0, whole = lgamma_r(kappa, &sign);
        for (size_t c = 0; c < k; c++) {
            double a = kappa * m->accuracy[c], z = kappa - a, fixed = whole - lgamma_r(a, &sign) - lgamma_r(z, &sign);
            for (size_t s = block * SOURCES_AT_ONCE; s < last; s++) {
                double n = m->total[s * k + c], r = KT_MIN(m->right[s * k + c], n);
                if (n > 1e-9)
                    sum += fixed + lgamma_r(r + a, &sign) + lgamma_r(n - r + z, &sign) - lgamma_r(n + kappa, &sign);
            }
        }
        m->likelihood[block * 3 + (size_t)step] = sum;
    }
}

static void move_kappa(struct model *m, size_t blocks, kt_pool *pool)
{
    double sum[3] = { 0 };
    kt_pool_run(pool, blocks, weigh_kappa, m);
    for (size_t x = 0; x < blocks * 3; x++)
        sum[x % 3] += m->likelihood[x];
    int best = 1;
    for (int step = 0; step < 3; step += 2)
        if (sum[step] > sum[best] && m->at + step - 1 >= 0 && m->at + step - 1 < GRID)
            best = step;
    m->at += best - 1;
    m->kappa = grid(m->at);
}

/* m[said][truth]: accuracy on the diagonal, wrong answers half even, half as the sources spread them. */
static void spread(struct model *m)
{
    size_t k = m->b->n_labels;
    memset(m->mean, 0, k * k * sizeof(double));
    for (size_t s = 0; s < m->b->n_sources; s++)
        for (size_t x = m->cells->first[s]; x < m->cells->first[s + 1]; x++)
            for (size_t c = 0; c < k; c++)
                m->mean[m->cells->said[x] * k + c] += m->count[x * k + c] / (m->total[s * k + c] + m->kappa);
    for (size_t c = 0; c < k; c++) {
        double wrong = 0, left = 1 - m->accuracy[c];
        for (size_t o = 0; o < k; o++)
            wrong += o == c ? 0 : m->mean[o * k + c] + 1e-9;
        for (size_t o = 0; o < k; o++)
            m->mean[o * k + c] = o == c ? m->accuracy[c] : left * (0.5 / (double)(k - 1) + 0.5 * (m->mean[o * k + c] + 1e-9) / wrong);
    }
}

/* Confusions and likelihoods of a block of sources. What a source never said has no cell; its chance is shared evenly. */
static void set_likelihoods(void *ctx, size_t block)
{
    struct model *m = ctx;
    size_t k = m->b->n_labels, last = KT_MIN((block + 1) * SOURCES_AT_ONCE, m->b->n_sources);
    double moved = 0;
    for (size_t s = block * SOURCES_AT_ONCE; s < last; s++) {
        size_t from = m->cells->first[s], to = m->cells->first[s + 1];
        double unused = (double)k - (double)(to - from);
        for (size_t c = 0; c < k; c++) {
            double left = 1, sum[LEVELS] = { 0 };
            for (size_t x = from; x < to; x++) {
                double p = (m->count[x * k + c] + m->kappa * m->mean[m->cells->said[x] * k + c]) / (m->total[s * k + c] + m->kappa);
                moved = KT_MAX(moved, fabs(p - m->confusion[x * k + c]));
                m->confusion[x * k + c] = p = KT_MAX(p, 1e-9);
                left -= p;
                for (size_t d = 0; d < LEVELS; d++)
                    sum[d] += m->em.like[(x * k + c) * LEVELS + d] = d == 0 ? p : pow(p, m->power[d]);
            }
            for (size_t d = 0; d < LEVELS; d++) {
                sum[d] += unused > 0 && left > 0 ? unused * pow(left / unused, m->power[d]) : 0;
                for (size_t x = from; x < to; x++)
                    m->em.like[(x * k + c) * LEVELS + d] = KT_MAX(m->em.like[(x * k + c) * LEVELS + d] / sum[d], 1e-10);
            }
        }
    }
    m->block_moved[block] = moved;
}

static void set_priors(struct model *m, double *prior)
{
    size_t k = m->b->n_labels;
    double all = m->b->n_voted + (double)k;
    for (size_t c = 0; c < k; c++) {
        const double *share = m->em.share + c * LEVELS;
        double sum = share[0] + share[1] + share[2];
        prior[c] = (sum + 1) / all;
        for (size_t d = 0; d < LEVELS; d++)
            m->em.prior[c * LEVELS + d] = prior[c] * (share[d] + 0.5) / (sum + 0.5 * LEVELS);
    }
}

static void m_step(struct model *m, int32_t round, kt_pool *pool, double *prior)
{
    size_t blocks = (m->b->n_sources + SOURCES_AT_ONCE - 1) / SOURCES_AT_ONCE;
    kt_pool_run(pool, blocks, gather, m);
    average(m);
    for (int tries = round == 0 ? GRID : round < 5 || round % 5 == 0; tries > 0; tries--) {
        double before = m->kappa;
        move_kappa(m, blocks, pool);
        average(m);
        if (m->kappa == before)
            break;
    }
    spread(m);
    kt_pool_run(pool, blocks, set_likelihoods, m);
    m->moved = 0;
    for (size_t x = 0; x < blocks; x++)
        m->moved = KT_MAX(m->moved, m->block_moved[x]);
    set_priors(m, prior);
}

static void make_model(struct model *m, kt_arena *a)
{
    size_t k = m->b->n_labels, n = m->b->n_sources, blocks = n / SOURCES_AT_ONCE + 1;
    kt_latent_em_init(&m->em);
    m->confusion = kt_arena_array(a, m->cells->n * k, sizeof(double));
    m->count = kt_arena_array(a, m->cells->n * k, sizeof(double));
    m->total = kt_arena_array(a, n * k, sizeof(double));
    m->right = kt_arena_array(a, n * k, sizeof(double));
    m->mean = kt_arena_array(a, k * k, sizeof(double));
    m->accuracy = kt_arena_array(a, k, sizeof(double));
    m->likelihood = kt_arena_array(a, 3 * blocks, sizeof(double));
    m->block_moved = kt_arena_array(a, blocks, sizeof(double));
    m->at = GRID / 4;
    m->kappa = grid(m->at);
}

/* No source's vote stands beside another's, or beside a known label. */
static bool nobody_meets(const kt_ballot *b, const int32_t *gold)
{
    return b->most < 2 && b->n_labels > 1 && !gold;
}

/* One accuracy per source; posterior into prob, the votes of a model, the last source, left out of it. */
static void fit_coin(const kt_ballot *b, const kt_cells *cells, const kt_auto_opts *o, double *prob, double *prior, double *ratio, kt_pool *pool)
{
    kt_own_em e = { .b = b, .index = cells->of, .n_index = cells->n, .lanes = 1, .prob = prob };
    const int32_t *gold = o->gold;
    size_t k = b->n_labels, last = b->n_sources - (o->probs ? 1 : 0);
    e.right = kt_alloc_array(cells->n, sizeof(double));
    e.share = kt_alloc_array(k, sizeof(double));
    e.ratio = ratio;
    e.prior = prior;
    bool alone = nobody_meets(b, gold);
    for (int32_t round = 0; round <= ROUNDS / 2; round++) {
        for (uint32_t x = cells->first[last]; round == ROUNDS / 2 && x < cells->first[b->n_sources]; x++)
            ratio[x] = 1;
        if (round)
            kt_own_em_round(&e, pool);
        for (size_t i = 0; gold && i < b->n_items; i++)
            for (size_t c = 0; gold[i] >= 0 && c < k; c++)
                prob[i * k + c] = (int32_t)c == gold[i];
        if (round == ROUNDS / 2)
            break;
        if (round == 0 || gold)
            kt_own_em_count(&e, pool);
        for (size_t c = 0; c < k; c++)
            prior[c] = 1.0 / (double)k;
        for (size_t s = 0; s < b->n_sources; s++) {
            double right = o->coin_right, n = o->coin_right + o->coin_wrong;
            for (uint32_t x = cells->first[s]; x < cells->first[s + 1] && !alone; x++) {
                right += e.right[x];
                n += cells->votes[x];
            }
            for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++)
                ratio[x] = right / (n - right) * KT_MAX((double)k - 1, 1);
        }
    }
    kt_free(e.right);
    kt_free(e.share);
}

/* Accuracies and shares of labels from the posterior. The accuracies are not drawn together: an interval belongs to each. */
static void judge_sources(const kt_ballot *b, const kt_cells *cells, kt_pool *pool, kt_posterior *p)
{
    kt_own_em e = { .b = b, .index = cells->of, .n_index = cells->n, .lanes = 1, .prob = p->prob };
    e.right = kt_alloc_array(cells->n, sizeof(double));
    e.share = kt_alloc_array(b->n_labels, sizeof(double));
    kt_own_em_count(&e, pool);
    for (size_t s = 0; s < b->n_sources; s++) {
        double right = 0, n = 0;
        for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++) {
            right += e.right[x];
            n += cells->votes[x];
        }
        p->source_accuracy[s] = n > 0 ? right / n : NAN;
    }
    for (uint32_t c = 0; c < b->n_labels; c++)
        p->prior[c] = b->n_voted ? e.share[c] / b->n_voted : 1.0 / b->n_labels;
    kt_free(e.right);
    kt_free(e.share);
}

/* What points 3 to 5 do for the labels bends the accuracies, and where sources are few nothing averages that out: there they are those of plain
   confusions, with their intervals. */
static kt_rc judge_few(const kt_votes *v, const kt_auto_opts *o, kt_pool *pool, kt_arena *a, kt_posterior *p, kt_err *err)
{
    kt_posterior plain;
    KT_TRY(kt_dawid_skene_fit(v, &(kt_dawid_skene_opts){ .n_iter = ROUNDS, .gold = o->gold }, false, pool, a, &plain, err));
    p->source_accuracy = plain.source_accuracy;
    p->source_ci = plain.source_ci;
    return 0;
}

static void give_confusion(const struct model *m, kt_arena *a, kt_posterior *p)
{
    size_t k = m->b->n_labels, n = m->b->n_sources;
    p->source_confusion = kt_arena_array(a, n * k * k, sizeof(double));
    for (size_t s = 0; s < n; s++)
        for (size_t c = 0; c < k; c++) {
            double *column = p->source_confusion + s * k * k + c;
            for (size_t o = 0; o < k; o++)
                column[o * k] = m->kappa * m->mean[o * k + c] / (m->total[s * k + c] + m->kappa);
            for (size_t x = m->cells->first[s]; x < m->cells->first[s + 1]; x++)
                column[m->cells->said[x] * k] = m->confusion[x * k + c];
        }
}

/* Confusions as they are, but the last source says nothing: its votes are as likely under every state. */
static void mute_last(struct model *m, kt_pool *pool)
{
    size_t states = (size_t)m->b->n_labels * LEVELS, last = m->b->n_sources - 1;
    for (size_t x = m->cells->first[last] * states; x < m->cells->first[last + 1] * states; x++)
        m->em.like[x] = 1;
    kt_latent_em_run(&m->em, KT_LATENT_KEEP, pool);
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Where and why the labels are not the majority's; m NULL: without confusions. */
static void compare(const kt_ballot *b, const struct model *m, bool alone, kt_arena *a, kt_posterior *p)
{
    kt_disagreement *d = kt_arena_zalloc(a, sizeof(*d));
    d->alone = alone;
    size_t k = b->n_labels, n = 0;
    double *sorted = kt_alloc_array(b->n_sources, sizeof(*sorted));
    uint32_t *votes = kt_zalloc_array(k, sizeof(*votes));
    for (size_t i = 0; i < b->n_items; i++) {
        uint32_t top = 0, tied = 0, best = 0;
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            uint32_t v = ++votes[b->label[q]];
            tied = v > top ? 1 : tied + (v == top);
            best = v > top ? (uint32_t)b->label[q] : best;
            top = KT_MAX(top, v);
        }
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
            votes[b->label[q]] = 0;
        d->n_compared += top && tied == 1;
        d->n_differ += top && tied == 1 && p->label[i] != (int32_t)best;
    }
    for (size_t s = 0; s < b->n_sources; s++)
        if (!isnan(p->source_accuracy[s]))
            sorted[n++] = p->source_accuracy[s];
    qsort(sorted, n, sizeof(*sorted), by_size);
    d->low = n ? sorted[n / 10] : NAN;
    d->high = n ? sorted[n - 1 - n / 10] : NAN;
    d->said = d->truth = -1;
    for (size_t x = 0; m && x < k * k; x++)
        if (x / k != x % k && m->mean[x] > d->mistake && p->prior[x % k] > 0.5 / (double)k) {
            d->mistake = m->mean[x];
            d->said = (int32_t)(x / k);
            d->truth = (int32_t)(x % k);
        }
    for (size_t c = 0; m && c < k; c++)
        d->hard += (m->em.share[c * LEVELS + 1] + m->em.share[c * LEVELS + 2]) / KT_MAX(b->n_voted, 1);
    kt_free(sorted);
    kt_free(votes);
    p->disagreement = d;
}

/* o->probs: the last source is that model's. */
static kt_rc merge(const kt_votes *v, const void *opt, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_auto_opts *o = opt;
    kt_ballot b;
    kt_cells cells;
    kt_posterior p;
    KT_TRY(kt_gold_check(o->gold, v->n_items, v->n_labels, err));
    KT_TRY(kt_ballot_make(v, false, pool, a, &b, err));
    kt_posterior_make(&b, a, &p);
    kt_posterior_shares(&b, NULL, pool, &p);
    KT_TRY(kt_cells_make(&b, pool, a, &cells, err));
    size_t k = b.n_labels, n = (size_t)b.n_items * k;
    double most = FREE_ENTRIES + (double)ENTRIES_PER_VOTE * b.start[b.n_items];
    bool alone = nobody_meets(&b, o->gold), whole = !alone && k > 1 && b.n_sources > 2 && (double)cells.n * LEVELS * (double)k < most && (double)b.n_sources * (double)k < most && (double)k * (double)k < most;
    double *coin = kt_alloc_array(n, sizeof(*coin)), *prior = kt_alloc_array(k, sizeof(*prior)), *ratio = kt_alloc_array(cells.n + 1, sizeof(*ratio));
    struct model m = { .em = { .b = &b, .cells = &cells, .levels = LEVELS, .unsupported = o->unnamed, .gold = o->gold, .prob = p.prob },
                       .b = &b, .cells = &cells, .power = { 1, o->hard, o->hard / 4 }, .kappa = 4 };
    if (n)
        memcpy(coin, p.prob, n * sizeof(*coin));
    fit_coin(&b, &cells, o, coin, prior, ratio, pool);
    if (whole) {
        make_model(&m, a);
        kt_latent_em_run(&m.em, KT_LATENT_START, pool);
        m.moved = 1;
        for (int32_t round = 0; round < ROUNDS && (round < 2 || m.moved > STILL); round++) {
            m_step(&m, round, pool, p.prior);
            kt_latent_em_run(&m.em, KT_LATENT_ROUND, pool);
        }
        if (o->probs)
            mute_last(&m, pool);
        else
            kt_latent_em_run(&m.em, KT_LATENT_KEEP, pool);
    }
    p.power = kt_held_out_power(&(kt_held_out){ &b, &cells, whole ? &m.em : NULL, m.mean, m.kappa, ratio, coin, o->coin_right + o->coin_wrong, o->coin_share, o->gold });
    for (size_t x = 0; x < n; x++)
        p.prob[x] = whole ? (1 - o->coin_share) * p.prob[x] + o->coin_share * coin[x] : coin[x];
    for (size_t i = 0; o->probs && i < b.n_items; i++)
        p.n_votes[i] = b.start[i + 1] - b.start[i] - 1; /* without the model's */
    if (o->probs) {
        kt_model_trust *trust = kt_arena_alloc(a, sizeof(*trust));
        *trust = kt_beside_model_blend(o->probs, p.n_votes, whole ? p.prior : prior, o->gold, b.n_items, b.n_labels, p.prob);
        p.model_trust = trust;
    }
    kt_sharpen(p.prob, b.n_items, b.n_labels, p.power, o->gold);
    judge_sources(&b, &cells, pool, &p);
    kt_posterior_labels(&b, pool, &p);
    kt_posterior_intervals(&b, &cells, pool, &p);
    for (size_t s = 0; s < b.n_sources && alone; s++)
        for (int end = 0; end < 2 && !isnan(p.source_accuracy[s]); end++)
            p.source_ci[2 * s + (size_t)end] = kt_beta_quantile(end ? 0.975 : 0.025, o->coin_right, o->coin_wrong);
    if (whole && b.n_sources <= FEW)
        KT_TRY(judge_few(v, o, pool, a, &p, err));
    if (whole && (double)b.n_sources * (double)k * (double)k < most)
        give_confusion(&m, a, &p);
    compare(&b, whole ? &m : NULL, alone, a, &p);
    if (whole)
        kt_latent_em_done(&m.em);
    kt_free(coin);
    kt_free(prior);
    kt_free(ratio);
    *ret = p;
    return 0;
}

static const kt_auto_opts defaults = KT_AUTO_OPTS_INIT;

/* Share of the items with votes that have two or more. */
static double overlap(const kt_votes *v)
{
    uint8_t *votes = kt_zalloc_array(v->n_items, 1);
    double n[3] = { 0 };
    for (size_t q = 0; q < v->n; q++)
        if (v->label[q] >= 0 && votes[v->item[q]] < 2)
            n[++votes[v->item[q]]]++;
    kt_free(votes);
    return n[1] > 0 ? n[2] / n[1] : 0;
}

/* With the model as the last source; what is given back is about the votes, evidence and intervals among it. */
static kt_rc beside_model(const kt_votes *v, const void *opt, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_auto_opts *o = opt;
    kt_votes both;
    kt_ballot b;
    kt_posterior p;
    KT_TRY(kt_ballot_make(v, false, pool, a, &b, err)); /* ids are checked here */
    KT_TRY(kt_beside_model_votes(v, o->probs, a, &both, err));
    KT_TRY(merge(&both, o, pool, a, &p, err));
    p.n_sources = v->n_sources;
    kt_posterior_labels(&b, pool, &p);
    compare(&b, NULL, false, a, &p);
    *ret = p;
    return 0;
}

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_auto_opts *o = opt ? opt : &defaults;
    if (!o->probs)
        return kt_copying_fit(v, merge, o, pool, a, ret, err);
    KT_TRY(kt_votes_check(v, err));
    KT_TRY(kt_probs_check(o->probs, v->n_items, v->n_labels, err));
    if (overlap(v) < OVERLAP)
        return kt_aggregate_crowdlab.fit(v, &(kt_crowdlab_opts){ o->probs }, rng, pool, a, ret, err);
    return kt_copying_fit(v, beside_model, o, pool, a, ret, err);
}

static const kt_setting options[] = {
    { .name = "unnamed", .help = "what a label that no vote on the item names keeps of its chance", .kind = KT_SET_FLOAT,
      .offset = offsetof(kt_auto_opts, unnamed), .min = 1e-6, .max = 1 },
    { .name = "hard", .help = "power on the confusions for hard items", .kind = KT_SET_FLOAT, .offset = offsetof(kt_auto_opts, hard), .max = 1 },
    { .name = "coin_share", .help = "of the posterior from one accuracy per annotator", .kind = KT_SET_FLOAT,
      .offset = offsetof(kt_auto_opts, coin_share), .max = 1 },
    { .name = "coin_right", .help = "its pseudo-votes for right", .kind = KT_SET_FLOAT, .offset = offsetof(kt_auto_opts, coin_right), .min = 1e-3, .max = 1e6 },
    { .name = "coin_wrong", .help = "its pseudo-votes for wrong", .kind = KT_SET_FLOAT, .offset = offsetof(kt_auto_opts, coin_wrong), .min = 1e-3, .max = 1e6 },
    { .name = NULL },
};

const kt_aggregator kt_aggregate_auto = {
    .name = "auto", .help = "the default: confusions shared by empirical Bayes, hard items, one accuracy a quarter; with --probs a model too",
    .options = options, .defaults = &defaults, .option_size = sizeof(defaults), .fit = fit,
    .formula = "posterior(c) = 3/4 [Σ over ease d of prior(c, d) × Π over votes P(annotator says vote | c)^d (× 1/5 if no vote names c)]\n"
               "             + 1/4 [Π over votes for c of s (K - 1) / (1 - s)], each divided by its sum over c",
};
