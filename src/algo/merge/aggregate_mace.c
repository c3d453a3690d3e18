/* MACE (Hovy, Berg-Kirkpatrick, Vaswani, Hovy 2013, "Learning whom to trust with MACE"): a source either knows and says the
   truth, or spams and answers by a strategy of its own. With spam and strategy of source w, a vote l has

       P(l | truth k) = spam[w] strategy[w][l] + knows[w] [l = k]

   so that what all labels have in common cancels and a vote multiplies only its own label, by 1 + knows / (spam strategy): the
   E-step is kt_own_em's, several restarts side by side. Expected counts: of the votes Σ posterior of their label, the share
   knows / (spam strategy + knows) was known, the rest spam. M-step em: counts + smoothing, normalised. vb: exp(digamma(count +
   prior)) / exp(digamma(Σ)), whose rows sum to less than 1. One E-step from the start, then n_iter times M and E; of the
   restarts the one with the largest likelihood. */
#include "algo/merge/aggregate.h"
#include "algo/stats.h"

#include "base/mem.h"

#include <math.h>

#define L KT_OWN_LANES
#define TINY 1e-300

static const kt_mace_opts defaults = {
    .method = KT_MACE_VB, .n_iter = 50, .n_restarts = 10, .alpha = 0.5, .beta = 0.5, .strategy_prior = 10, .smoothing = -1,
};

/* One group of L restarts. Last dimension: restart. */
struct group {
    double *spam;     /* n_sources × 2 × L: spams, knows */
    double *strategy; /* cells × L */
    double *total;    /* n_sources × L: strategy counts and priors of all labels, whose unused ones have no cell */
};

struct mace {
    const kt_ballot *b;
    const kt_cells *cells;
    const kt_mace_opts *o;
    kt_own_em em;
    double smoothing, *ratio, *prior;
};

static void draw_start(const struct mace *m, kt_rng base, size_t first, struct group *g)
{
    const kt_cells *cells = m->cells;
    size_t k = m->b->n_labels;
    double *row = kt_alloc_array(k, sizeof(*row));
    for (size_t l = 0; l < L; l++) {
        kt_rng own = base;
        kt_rng r = kt_rng_keyed(kt_rng_u64(&own), first + l, 0);
        for (size_t s = 0; s < m->b->n_sources; s++) {
            double a = 1 + kt_rng_unit(&r) / 2, c = 1 + kt_rng_unit(&r) / 2, sum = 0;
            g->spam[(s * 2) * L + l] = a / (a + c);
            g->spam[(s * 2 + 1) * L + l] = c / (a + c);
            for (size_t x = 0; x < k; x++)
                sum += row[x] = 1 + kt_rng_unit(&r) / 2;
            for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++)
                g->strategy[x * L + l] = row[cells->said[x]] / sum;
        }
    }
    kt_free(row);
}

static void given_start(const struct mace *m, struct group *g)
{
    size_t k = m->b->n_labels;
    for (size_t l = 0; l < L; l++)
        for (size_t s = 0; s < m->b->n_sources; s++) {
            g->spam[(s * 2) * L + l] = m->o->init_spamming[s * 2];
            g->spam[(s * 2 + 1) * L + l] = m->o->init_spamming[s * 2 + 1];
            for (uint32_t x = m->cells->first[s]; x < m->cells->first[s + 1]; x++)
                g->strategy[x * L + l] = m->o->init_strategy[s * k + m->cells->said[x]];
        }
}

static void set_ratios(struct mace *m, const struct group *g)
{
    for (size_t s = 0; s < m->b->n_sources; s++)
        for (uint32_t x = m->cells->first[s]; x < m->cells->first[s + 1]; x++)
            for (size_t l = 0; l < L; l++)
                m->ratio[x * L + l] = 1 + g->spam[(s * 2 + 1) * L + l] / KT_MAX(g->spam[s * 2 * L + l] * g->strategy[x * L + l], TINY);
}

static double expectation(const struct mace *m, double count, double prior)
{
    return m->o->method == KT_MACE_VB ? exp(kt_digamma(count + prior)) : count + m->smoothing;
}

static void m_step(struct mace *m, struct group *g)
{
    const kt_cells *cells = m->cells;
    bool vb = m->o->method == KT_MACE_VB;
    for (size_t s = 0; s < m->b->n_sources; s++)
        for (size_t l = 0; l < L; l++) {
            double spam = 0, knew = 0;
            for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++) {
                double known = m->em.right[x * L + l] * (1 - 1 / m->ratio[x * L + l]), rest = KT_MAX(cells->votes[x] - known, 0);
                knew += known;
                spam += rest;
                g->strategy[x * L + l] = expectation(m, rest, m->o->strategy_prior);
            }
            double k = m->b->n_labels, a = expectation(m, spam, m->o->alpha), c = expectation(m, knew, m->o->beta);
            double all = vb ? exp(kt_digamma(spam + k * m->o->strategy_prior)) : spam + k * m->smoothing;
            double both = vb ? exp(kt_digamma(spam + knew + m->o->alpha + m->o->beta)) : a + c;
            g->total[s * L + l] = all = KT_MAX(all, TINY);
            g->spam[s * 2 * L + l] = a / KT_MAX(both, TINY);
            g->spam[(s * 2 + 1) * L + l] = c / KT_MAX(both, TINY);
            for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++)
                g->strategy[x * L + l] /= all;
        }
}

/* Log likelihood of each restart of the group, after its last M-step. */
static void measure(struct mace *m, const struct group *g, kt_pool *pool, double ret[L])
{
    m->em.log_lik = ret;
    set_ratios(m, g);
    kt_own_em_round(&m->em, pool);
    m->em.log_lik = NULL;
    for (size_t s = 0; s < m->b->n_sources; s++)
        for (uint32_t x = m->cells->first[s]; x < m->cells->first[s + 1]; x++)
            for (size_t l = 0; l < L; l++)
                ret[l] += m->cells->votes[x] * log(KT_MAX(g->spam[s * 2 * L + l] * g->strategy[x * L + l], TINY));
}

static void give_back_sources(const struct mace *m, const struct group *g, size_t l, kt_arena *a, kt_posterior *ret)
{
    size_t k = m->b->n_labels, n = m->b->n_sources;
    double unused = expectation(m, 0, m->o->strategy_prior);
    ret->source_spamming = kt_arena_array(a, n, 2 * sizeof(double));
    ret->source_strategy = kt_arena_array(a, n * k, sizeof(double));
    for (size_t s = 0; s < n; s++) {
        double spam = g->spam[s * 2 * L + l], knows = g->spam[(s * 2 + 1) * L + l], lucky = 0, sum = 0;
        double *row = ret->source_strategy + s * k;
        ret->source_spamming[2 * s] = spam;
        ret->source_spamming[2 * s + 1] = knows;
        for (size_t c = 0; c < k; c++)
            row[c] = m->o->n_iter ? unused / g->total[s * L + l] : 0;
        for (uint32_t x = m->cells->first[s]; x < m->cells->first[s + 1]; x++)
            row[m->cells->said[x]] = g->strategy[x * L + l];
        for (size_t c = 0; c < k; c++) {
            sum += row[c];
            lucky += ret->prior[c] * row[c];
        }
        bool silent = m->cells->first[s] == m->cells->first[s + 1];
        ret->source_accuracy[s] = silent ? NAN : (knows + spam * (sum > 0 ? lucky / sum : 0)) / KT_MAX(knows + spam, TINY);
    }
}

/* The posterior of restart l of the group. */
static void keep(struct mace *m, const struct group *g, size_t l, kt_pool *pool, kt_arena *a, kt_posterior *ret)
{
    kt_own_em one = { .b = m->b, .index = m->cells->of, .n_index = m->cells->n, .lanes = 1, .prob = ret->prob, .prior = m->prior };
    double *ratio = kt_alloc_array(m->cells->n, sizeof(*ratio)), *prior = kt_alloc_array(m->b->n_labels, sizeof(*prior));
    one.right = kt_alloc_array(m->cells->n, sizeof(double));
    one.share = kt_alloc_array(m->b->n_labels, sizeof(double));
    set_ratios(m, g);
    for (size_t x = 0; x < m->cells->n; x++)
        ratio[x] = m->ratio[x * L + l];
    for (uint32_t c = 0; c < m->b->n_labels; c++)
        prior[c] = 1.0 / m->b->n_labels;
    one.ratio = ratio;
    one.prior = prior;
    kt_own_em_round(&one, pool);
    for (uint32_t c = 0; c < m->b->n_labels; c++)
        ret->prior[c] = m->b->n_voted ? one.share[c] / m->b->n_voted : prior[c];
    give_back_sources(m, g, l, a, ret);
    kt_free(ratio);
    kt_free(prior);
    kt_free(one.right);
    kt_free(one.share);
}

static void fit_restarts(struct mace *m, size_t restarts, kt_rng base, kt_pool *pool, kt_arena *a, kt_posterior *ret)
{
    size_t groups = (restarts + L - 1) / L, best_group = 0, best_lane = 0, n = m->b->n_sources;
    struct group *g = kt_alloc_array(groups, sizeof(*g));
    double top = -INFINITY;
    for (size_t x = 0; x < groups; x++) {
        double lik[L];
        g[x] = (struct group){ kt_alloc_array(n, 2 * L * sizeof(double)), kt_alloc_array(m->cells->n, L * sizeof(double)),
                               kt_alloc_array(n, L * sizeof(double)) };
        if (m->o->init_spamming)
            given_start(m, &g[x]);
        else
            draw_start(m, base, x * L, &g[x]);
        for (int32_t round = 0; round < m->o->n_iter; round++) {
            set_ratios(m, &g[x]);
            kt_own_em_round(&m->em, pool);
            m_step(m, &g[x]);
        }
        measure(m, &g[x], pool, lik);
        for (size_t l = 0; l < L && x * L + l < restarts; l++)
            if (lik[l] > top) {
                top = lik[l];
                best_group = x;
                best_lane = l;
            }
    }
    keep(m, &g[best_group], best_lane, pool, a, ret);
    for (size_t x = 0; x < groups; x++) {
        kt_free(g[x].spam);
        kt_free(g[x].strategy);
        kt_free(g[x].total);
    }
    kt_free(g);
}

static kt_rc check(const kt_mace_opts *o, const kt_votes *v, kt_err *err)
{
    if (!o->init_spamming != !o->init_strategy)
        return kt_fail(err, KT_USAGE, "initial spamming and initial strategy go together");
    for (size_t x = 0; o->init_spamming && x < (size_t)v->n_sources * 2; x++)
        if (!(o->init_spamming[x] > 0 && o->init_spamming[x] <= 1))
            return kt_fail(err, KT_RANGE, "initial spamming of source %zu is %g", x / 2, o->init_spamming[x]);
    for (size_t x = 0; o->init_strategy && x < (size_t)v->n_sources * v->n_labels; x++)
        if (!(o->init_strategy[x] > 0 && o->init_strategy[x] <= 1))
            return kt_fail(err, KT_RANGE, "initial strategy of source %zu is %g", x / v->n_labels, o->init_strategy[x]);
    return 0;
}

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_mace_opts *o = opt ? opt : &defaults;
    kt_ballot b;
    kt_cells cells;
    kt_posterior p;
    KT_TRY(check(o, v, err));
    KT_TRY(kt_ballot_make(v, false, pool, a, &b, err));
    KT_TRY(kt_cells_make(&b, pool, a, &cells, err));
    kt_posterior_make(&b, a, &p);
    struct mace m = { .b = &b, .cells = &cells, .o = o, .em = { .b = &b, .index = cells.of, .n_index = cells.n, .lanes = L } };
    m.smoothing = o->smoothing < 0 ? 0.01 / KT_MAX(b.n_labels, 1) : o->smoothing;
    m.em.right = kt_alloc_array(cells.n, L * sizeof(double));
    m.em.share = kt_alloc_array(b.n_labels, L * sizeof(double));
    m.em.ratio = m.ratio = kt_alloc_array(cells.n, L * sizeof(double));
    m.em.prior = m.prior = kt_alloc_array(b.n_labels, L * sizeof(double));
    for (size_t x = 0; x < (size_t)b.n_labels * L; x++)
        m.prior[x] = 1.0 / b.n_labels;
    fit_restarts(&m, o->init_spamming ? 1 : (size_t)KT_MAX(o->n_restarts, 1), rng ? *rng : kt_rng_keyed(1, 0, 0), pool, a, &p);
    if (rng)
        kt_rng_u64(rng);
    kt_posterior_labels(&b, pool, &p);
    kt_posterior_intervals(&b, &cells, pool, &p);
    kt_free(m.em.right);
    kt_free(m.em.share);
    kt_free(m.ratio);
    kt_free(m.prior);
    *ret = p;
    return 0;
}

static const char *const methods[] = { "vb", "em", NULL };
static const kt_setting options[] = {
    { .name = "method", .help = "variational Bayes or plain EM", .kind = KT_SET_CHOICE, .offset = offsetof(kt_mace_opts, method), .choice = methods },
    { .name = "n_iter", .help = "rounds of EM", .kind = KT_SET_INT, .offset = offsetof(kt_mace_opts, n_iter), .max = 1000000 },
    { .name = "n_restarts", .help = "random starts, the likeliest is kept", .kind = KT_SET_INT, .offset = offsetof(kt_mace_opts, n_restarts), .min = 1, .max = 10000 },
    { .name = "alpha", .help = "vb: prior of spamming", .kind = KT_SET_FLOAT, .offset = offsetof(kt_mace_opts, alpha), .min = 1e-6, .max = 1e6 },
    { .name = "beta", .help = "vb: prior of knowing", .kind = KT_SET_FLOAT, .offset = offsetof(kt_mace_opts, beta), .min = 1e-6, .max = 1e6 },
    { .name = "strategy_prior", .help = "vb: prior of each answer of a spammer", .kind = KT_SET_FLOAT,
      .offset = offsetof(kt_mace_opts, strategy_prior), .min = 1e-6, .max = 1e6 },
    { .name = "smoothing", .help = "em: added to every count; -1: 0.01 / labels", .kind = KT_SET_FLOAT, .offset = offsetof(kt_mace_opts, smoothing), .min = -1, .max = 1e6 },
    { .name = NULL },
};

const kt_aggregator kt_aggregate_mace = {
    .name = "mace", .help = "sources know or spam by a strategy (Hovy et al. 2013)", .options = options, .defaults = &defaults,
    .option_size = sizeof(defaults), .fit = fit,
    .formula = "posterior(c) = Π over votes for c of 1 + knows / (spam × strategy(c)), divided by its sum over c",
};
