/* GLAD (Whitehill, Ruvolo, Wu, Bergsma, Movellan 2009, "Whose vote should count more"): a vote of source w on item t is right
   with probability s(alpha[w] exp(b[t])), s the logistic function; wrong votes spread evenly over the other labels. Priors
   alpha ~ N(1, 1), b ~ N(1, 1), labels uniform.

   log P(vote | its label) - log P(vote | another) = alpha exp(b) + log(K - 1), so the E-step adds one number a vote. A sweep is
   an E-step, a step of Fisher scoring for every b, and one of Newton for every alpha (the expected log likelihood is concave in
   alpha); sweeps repeat to the fixed point of the penalised likelihood, three of them turned into one longer step (Varadhan and
   Roland 2008, "SQUAREM") where that does not lower it. */
#include "algo/merge/aggregate.h"

#include "base/mem.h"

#include <math.h>

#define MOST_STEP 1.0 /* of b in one sweep */

static const kt_glad_opts defaults = { .n_iter = 1000, .tol = 1e-5 };

struct glad {
    const kt_ballot *b;
    double *alpha, *ease; /* the parameters: ease stands right behind alpha */
    double *next;         /* the same after the sweep */
    double *prob, *table;
    double log_others;
    size_t parts, width;  /* of each part: gradient and curvature of every alpha, share of every label, objective */
};

static inline double logistic(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

static double log_logistic(double x)
{
    return x >= 0 ? -log1p(exp(-x)) : x - log1p(exp(x));
}

/* Posterior of item i into p; returns its log likelihood, up to a constant. */
static double e_step(const struct glad *g, uint32_t i, double *p)
{
    const kt_ballot *b = g->b;
    uint32_t k = b->n_labels;
    double scale = exp(g->ease[i]), top = -INFINITY, sum = 0, wrong = 0;
    for (uint32_t c = 0; c < k; c++)
        p[c] = 0;
    for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
        double x = g->alpha[b->source[q]] * scale;
        p[b->label[q]] += x + g->log_others;
        wrong += log_logistic(-x);
    }
    for (uint32_t c = 0; c < k; c++)
        top = KT_MAX(top, p[c]);
    for (uint32_t c = 0; c < k; c++)
        sum += p[c] = exp(p[c] - top);
    for (uint32_t c = 0; c < k; c++)
        p[c] /= sum;
    return wrong + top + log(sum);
}

static void sweep_part(void *ctx, size_t part)
{
    const struct glad *g = ctx;
    const kt_ballot *b = g->b;
    uint32_t k = b->n_labels;
    double *slope = g->table + part * g->width, *curve = slope + b->n_sources, *share = curve + b->n_sources, *objective = share + k;
    memset(slope, 0, g->width * sizeof(double));
    for (uint32_t i = kt_ballot_part(b, part, g->parts); i < kt_ballot_part(b, part + 1, g->parts); i++) {
        double *p = g->prob + (size_t)i * k, ease = g->ease[i], scale = exp(ease), d1 = 1 - ease, d2 = 1;
        if (b->start[i] == b->start[i + 1])
            continue;
        *objective += e_step(g, i, p) - (ease - 1) * (ease - 1) / 2;
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            double x = g->alpha[b->source[q]] * scale, s = logistic(x);
            d1 += (p[b->label[q]] - s) * x;
            d2 += s * (1 - s) * x * x;
        }
        ease += KT_MIN(KT_MAX(d1 / d2, -MOST_STEP), MOST_STEP);
        g->next[b->n_sources + i] = ease;
        scale = exp(ease);
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            uint32_t w = b->source[q];
            double s = logistic(g->alpha[w] * scale);
            slope[w] += (p[b->label[q]] - s) * scale;
            curve[w] += s * (1 - s) * scale * scale;
        }
        for (uint32_t c = 0; c < k; c++)
            share[c] += p[c];
    }
}

/* From the parameters to next; returns the penalised log likelihood of the former. */
static double sweep(struct glad *g, kt_pool *pool)
{
    uint32_t n = g->b->n_sources;
    kt_pool_run(pool, g->parts, sweep_part, g);
    for (size_t part = 1; part < g->parts; part++)
        for (size_t x = 0; x < g->width; x++)
            g->table[x] += g->table[part * g->width + x];
    double objective = g->table[g->width - 1];
    for (uint32_t w = 0; w < n; w++) {
        objective -= (g->alpha[w] - 1) * (g->alpha[w] - 1) / 2;
        g->next[w] = g->alpha[w] + (g->table[w] + 1 - g->alpha[w]) / (g->table[n + w] + 1);
    }
    return objective;
}

/* Sweeps until nothing moves; t: room for three more sets of n parameters. */
static void climb(struct glad *g, const kt_glad_opts *o, size_t n, double *t, kt_pool *pool)
{
    double *at = g->alpha, *one = t, *two = t + n, best = -INFINITY;
    for (int32_t round = 0; round < o->n_iter; round += 3) {
        best = sweep(g, pool);
        memcpy(one, g->next, n * sizeof(double));
        double moved = 0, r2 = 0, v2 = 0;
        for (size_t x = 0; x < n; x++)
            moved = KT_MAX(moved, fabs(one[x] - at[x]));
        memcpy(t + 2 * n, at, n * sizeof(double)); /* where the round began */
        memcpy(at, one, n * sizeof(double));
        if (moved < o->tol)
            return;
        best = sweep(g, pool);
        memcpy(two, g->next, n * sizeof(double));
        for (size_t x = 0; x < n; x++) {
            double r = one[x] - t[2 * n + x], v = two[x] - one[x] - r;
            r2 += r * r;
            v2 += v * v;
        }
        double step = v2 > 0 ? KT_MIN(KT_MAX(sqrt(r2 / v2), 1), 64) : 1;
        for (size_t x = 0; x < n; x++) {
            double r = one[x] - t[2 * n + x], v = two[x] - one[x] - r;
            at[x] = t[2 * n + x] + 2 * step * r + step * step * v;
        }
        double there = sweep(g, pool);
        memcpy(at, there >= best ? g->next : two, n * sizeof(double));
    }
}

static void give_back(const struct glad *g, kt_arena *a, kt_posterior *ret)
{
    const kt_ballot *b = g->b;
    double *votes = kt_zalloc_array(b->n_sources, sizeof(*votes)), *right = kt_zalloc_array(b->n_sources, sizeof(*right));
    ret->item_ease = kt_arena_array(a, b->n_items, sizeof(double));
    ret->source_ability = kt_arena_array(a, b->n_sources, sizeof(double));
    memset(ret->prior, 0, b->n_labels * sizeof(double));
    for (uint32_t i = 0; i < b->n_items; i++) {
        double *p = g->prob + (size_t)i * b->n_labels;
        ret->item_ease[i] = g->ease[i];
        if (b->start[i] == b->start[i + 1])
            continue;
        e_step(g, i, p);
        for (uint32_t c = 0; c < b->n_labels; c++)
            ret->prior[c] += p[c] / b->n_voted;
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            votes[b->source[q]]++;
            right[b->source[q]] += p[b->label[q]];
        }
    }
    for (uint32_t c = 0; c < b->n_labels && b->n_voted == 0; c++)
        ret->prior[c] = 1.0 / b->n_labels;
    for (uint32_t w = 0; w < b->n_sources; w++) {
        ret->source_ability[w] = g->alpha[w];
        ret->source_accuracy[w] = votes[w] > 0 ? right[w] / votes[w] : NAN;
    }
    kt_free(votes);
    kt_free(right);
}

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_glad_opts *o = opt ? opt : &defaults;
    kt_ballot b;
    kt_posterior p;
    (void)rng;
    KT_TRY(kt_ballot_make(v, false, pool, a, &b, err));
    kt_posterior_make(&b, a, &p);
    size_t n = (size_t)b.n_sources + b.n_items;
    struct glad g = { .b = &b, .prob = p.prob, .log_others = log(KT_MAX((double)b.n_labels - 1, 1)), .width = 2 * (size_t)b.n_sources + b.n_labels + 1 };
    g.parts = kt_ballot_parts(&b, g.width);
    g.table = kt_alloc_array(g.parts * g.width, sizeof(double));
    g.alpha = kt_alloc_array(n, sizeof(double));
    g.ease = g.alpha + b.n_sources;
    g.next = kt_alloc_array(n, sizeof(double));
    for (size_t x = 0; x < n; x++)
        g.alpha[x] = g.next[x] = 1;
    double *room = kt_alloc_array(3 * n, sizeof(double));
    climb(&g, o, n, room, pool);
    give_back(&g, a, &p);
    kt_posterior_labels(&b, pool, &p);
    kt_posterior_intervals(&b, NULL, pool, &p);
    kt_free(g.table);
    kt_free(g.alpha);
    kt_free(g.next);
    kt_free(room);
    *ret = p;
    return 0;
}

static const kt_setting options[] = {
    { .name = "n_iter", .help = "most sweeps", .kind = KT_SET_INT, .offset = offsetof(kt_glad_opts, n_iter), .max = 1000000 },
    { .name = "tol", .help = "stop when no parameter moves more in a sweep", .kind = KT_SET_FLOAT, .offset = offsetof(kt_glad_opts, tol), .max = 1 },
    { .name = NULL },
};

const kt_aggregator kt_aggregate_glad = {
    .name = "glad", .help = "ability of sources and ease of items (Whitehill et al. 2009)", .options = options, .defaults = &defaults,
    .option_size = sizeof(defaults), .fit = fit,
    .formula = "posterior(c) = exp(Σ over votes for c of ability × exp(log_ease) + log(K - 1)), divided by its sum over c",
};
