/* Accuracies from how often pairs of sources agree, without EM: no start that could be wrong, no local optimum. With skill
   s = (K a - 1) / (K - 1) of a source of accuracy a, the agreement of two sources on the items both labelled has the mean

       (K agreement - 1) / (K - 1) = s_i s_j

   a matrix of rank one with holes. Alternating least squares weighed by the number of shared items fills it; each source leaves
   out the eighth of its partners that fit worst on either side, so that colluders cannot drag the others along (Ma and Olshevsky
   2020, "Adversarial crowdsourcing through robust rank-one matrix completion"; Ghosh, Kale, McAfee 2011 and Karger, Oh, Shah
   2011 use the same matrix). Labels: one E-step of the one-coin model with these accuracies.

   Intervals: skills are where J(s) = Σ shared s_j (c_ij - s_i s_j) is 0 for every source i, and an item moves J by u, the sum over its pairs of
   s_j (z - s_i s_j) with z the pair's part of c. Items are independent, so the skills' covariance is A^-1 (Σ u u') A^-1 with A =
   diag(Σ shared s_j²) + (shared s_i s_j): Huber's sandwich. Of more than 256 sources A is taken for its diagonal, which errs by one part in so many. */
#include "algo/merge/aggregate.h"

#include "algo/cholesky.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define MOST_SOURCES 4096
#define ROUNDS 200
#define STILL 1e-9
#define EDGE 0.01    /* an accuracy stays this far from 0 and 1 */
#define TRIMMED 8    /* one partner in so many is left out on either side */
#define ENOUGH 16    /* partners, for leaving any out */
#define WHOLE 256    /* sources, for all of A */

struct pairs {
    const kt_ballot *b;
    float *same, *both; /* S × S: items on which the pair agrees, items that both labelled */
    double *skill, *next;
};

static void count_pairs(const struct pairs *m)
{
    const kt_ballot *b = m->b;
    size_t n = b->n_sources;
    for (size_t i = 0; i < b->n_items; i++)
        for (uint32_t x = b->start[i]; x < b->start[i + 1]; x++)
            for (uint32_t y = x + 1; y < b->start[i + 1]; y++) {
                size_t s = b->source[x], t = b->source[y];
                bool same = b->label[x] == b->label[y];
                if (s == t)
                    continue;
                m->both[s * n + t]++;
                m->both[t * n + s]++;
                m->same[s * n + t] += same;
                m->same[t * n + s] += same;
            }
}

struct partner {
    double ratio, weight, value; /* what the pair says the skill is; its weight; skill of the other */
};

static int by_ratio(const void *x, const void *y)
{
    double a = ((const struct partner *)x)->ratio, b = ((const struct partner *)y)->ratio;
    return (a > b) - (a < b);
}

static double skill_of(const struct pairs *m, size_t s, struct partner *room)
{
    size_t n = m->b->n_sources, found = 0, trim;
    double k = m->b->n_labels, up = 0, down = 0;
    for (size_t t = 0; t < n; t++) {
        double both = (double)m->both[s * n + t], other = m->skill[t];
        if (both <= 0 || t == s || fabs(other) < 1e-6)
            continue;
        double c = (k * (double)m->same[s * n + t] / both - 1) / (k - 1);
        room[found++] = (struct partner){ c / other, both, other };
    }
    trim = found >= ENOUGH ? found / TRIMMED : 0;
    if (trim)
        qsort(room, found, sizeof(*room), by_ratio);
    for (size_t x = trim; x < found - trim; x++) {
        double w = room[x].weight * room[x].value * room[x].value;
        up += w * room[x].ratio;
        down += w;
    }
    return down > 0 ? KT_MIN(KT_MAX(up / down, -1 / (k - 1)), 1) : NAN;
}

/* Skills by alternating least squares; damped, or two groups would swap their signs for ever. */
static void complete(struct pairs *m)
{
    size_t n = m->b->n_sources;
    struct partner *room = kt_alloc_array(n, sizeof(*room));
    double *alone = kt_alloc_array(n, sizeof(*alone)); /* NaN: nobody to compare with */
    for (size_t s = 0; s < n; s++)
        m->skill[s] = 0.5;
    for (int round = 0; round < ROUNDS; round++) {
        double moved = 0, sum = 0;
        for (size_t s = 0; s < n; s++)
            alone[s] = m->next[s] = skill_of(m, s, room);
        for (size_t s = 0; s < n; s++) {
            double to = isnan(m->next[s]) ? m->skill[s] : (m->next[s] + m->skill[s]) / 2;
            moved = KT_MAX(moved, fabs(to - m->skill[s]));
            m->skill[s] = to;
            sum += to;
        }
        for (size_t s = 0; s < n && sum < 0; s++)
            m->skill[s] = -m->skill[s]; /* most are better than chance */
        if (moved < STILL)
            break;
    }
    double mean = 0, with = 0;
    for (size_t s = 0; s < n; s++)
        if (!isnan(alone[s])) {
            mean += m->skill[s];
            with++;
        }
    for (size_t s = 0; s < n; s++)
        if (isnan(alone[s]))
            m->skill[s] = with > 0 ? mean / with : 0.5;
    kt_free(room);
    kt_free(alone);
}

static void e_step(const struct pairs *m, kt_pool *pool, kt_posterior *p)
{
    const kt_ballot *b = m->b;
    double k = b->n_labels, *ratio = kt_alloc_array(b->n_sources, sizeof(*ratio)), *prior = kt_alloc_array(b->n_labels, sizeof(*prior));
    kt_own_em e = { .b = b, .index = b->source, .n_index = b->n_sources, .lanes = 1, .prob = p->prob };
    for (size_t s = 0; s < b->n_sources; s++) {
        double a = k > 1 ? ((k - 1) * m->skill[s] + 1) / k : 1;
        p->source_accuracy[s] = KT_MIN(KT_MAX(a, EDGE), 1 - EDGE);
        ratio[s] = p->source_accuracy[s] / (1 - p->source_accuracy[s]) * KT_MAX(k - 1, 1);
    }
    for (uint32_t c = 0; c < b->n_labels; c++)
        prior[c] = 1 / k;
    e.ratio = ratio;
    e.prior = prior;
    e.right = kt_alloc_array(b->n_sources, sizeof(double));
    e.share = kt_alloc_array(b->n_labels, sizeof(double));
    kt_own_em_round(&e, pool);
    for (uint32_t c = 0; c < b->n_labels; c++)
        p->prior[c] = b->n_voted ? e.share[c] / b->n_voted : 1 / k;
    kt_free(ratio);
    kt_free(prior);
    kt_free(e.right);
    kt_free(e.share);
}

/* u of the votes of item i, one after the other. */
static void moves_of(const struct pairs *m, uint32_t i, double *u)
{
    const kt_ballot *b = m->b;
    double k = b->n_labels;
    for (uint32_t x = b->start[i]; x < b->start[i + 1]; x++) {
        double sum = 0, own = m->skill[b->source[x]];
        for (uint32_t y = b->start[i]; y < b->start[i + 1]; y++) {
            double other = m->skill[b->source[y]];
            if (b->source[y] != b->source[x])
                sum += other * ((k * (b->label[x] == b->label[y]) - 1) / (k - 1) - own * other);
        }
        u[x - b->start[i]] = sum;
    }
}

/* Variance of every skill; NaN where nobody can be compared with. */
static void set_variance(const struct pairs *m, double *variance)
{
    const kt_ballot *b = m->b;
    size_t n = b->n_sources;
    bool whole = n <= WHOLE;
    double *a = kt_zalloc_array(whole ? n * n + 1 : 1, sizeof(*a)), *bread = kt_zalloc_array(whole ? n * n + 1 : 1, sizeof(*bread));
    double *down = kt_zalloc_array(n + 1, sizeof(*down)), *square = kt_zalloc_array(n + 1, sizeof(*square)), *u = kt_alloc_array(b->most + 1, sizeof(*u));
    for (size_t s = 0; s < n; s++)
        for (size_t t = 0; t < n; t++) {
            double both = (double)m->both[s * n + t];
            down[s] += both * m->skill[t] * m->skill[t];
            if (whole && s != t)
                a[s * n + t] = both * m->skill[s] * m->skill[t];
        }
    for (uint32_t i = 0; i < b->n_items; i++) {
        moves_of(m, i, u);
        for (uint32_t x = b->start[i]; x < b->start[i + 1]; x++) {
            square[b->source[x]] += u[x - b->start[i]] * u[x - b->start[i]];
            for (uint32_t y = b->start[i]; whole && y < b->start[i + 1]; y++)
                bread[b->source[x] * n + b->source[y]] += u[x - b->start[i]] * u[y - b->start[i]];
        }
    }
    for (size_t s = 0; s < n; s++) {
        variance[s] = down[s] > 0 ? square[s] / down[s] / down[s] : NAN;
        if (whole)
            a[s * n + s] = KT_MAX(down[s], 1e-9);
    }
    if (whole && kt_cholesky(a, n)) {
        for (size_t s = 0; s < n; s++) /* rows: A^-1 Σ u u', as both are symmetric */
            kt_cholesky_solve(a, n, bread + s * n);
        for (size_t s = 0; s < n; s++) {
            for (size_t t = 0; t < n; t++)
                square[t] = bread[t * n + s];
            kt_cholesky_solve(a, n, square);
            variance[s] = isnan(variance[s]) ? NAN : square[s];
        }
    }
    kt_free(a);
    kt_free(bread);
    kt_free(down);
    kt_free(square);
    kt_free(u);
}

static void set_intervals(const struct pairs *m, const uint32_t *votes, kt_posterior *p)
{
    double k = m->b->n_labels, *variance = kt_alloc_array(m->b->n_sources + 1, sizeof(*variance));
    set_variance(m, variance);
    for (size_t s = 0; s < m->b->n_sources; s++) {
        double a = p->source_accuracy[s], v = variance[s] * (k - 1) * (k - 1) / k / k;
        p->source_ci[2 * s] = p->source_ci[2 * s + 1] = NAN;
        if (votes[s])
            kt_wilson(a, isnan(v) ? 1 : KT_MIN(KT_MAX(KT_MAX(a * (1 - a), 0.25 / (votes[s] + 1)) / KT_MAX(v, 1e-12), 1), votes[s]), p->source_ci + 2 * s);
    }
    kt_free(variance);
}

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    kt_ballot b;
    kt_posterior p;
    (void)opt;
    (void)rng;
    if (v->n_sources > MOST_SOURCES) {
        kt_fail(err, KT_LIMIT, "%u sources; the spectral method compares all pairs of up to %d", v->n_sources, MOST_SOURCES);
        return kt_hint(err, "auto and dawid_skene take any number");
    }
    KT_TRY(kt_ballot_make(v, false, pool, a, &b, err));
    kt_posterior_make(&b, a, &p);
    size_t n = b.n_sources;
    struct pairs m = { .b = &b, .same = kt_zalloc_array(n * n, sizeof(float)), .both = kt_zalloc_array(n * n, sizeof(float)),
                       .skill = kt_zalloc_array(n, sizeof(double)), .next = kt_zalloc_array(n, sizeof(double)) };
    count_pairs(&m);
    if (b.n_labels > 1)
        complete(&m);
    e_step(&m, pool, &p);
    uint32_t *votes = kt_zalloc_array(n, sizeof(*votes));
    for (uint32_t q = 0; q < b.start[b.n_items]; q++)
        votes[b.source[q]]++;
    for (size_t s = 0; s < n; s++)
        if (!votes[s])
            p.source_accuracy[s] = NAN;
    kt_posterior_labels(&b, pool, &p);
    set_intervals(&m, votes, &p);
    kt_free(votes);
    kt_free(m.same);
    kt_free(m.both);
    kt_free(m.skill);
    kt_free(m.next);
    *ret = p;
    return 0;
}

const kt_aggregator kt_aggregate_spectral = {
    .name = "spectral", .help = "accuracies from agreement of pairs, rank one (Ma and Olshevsky 2020)", .fit = fit,
    .formula = "posterior(c) = Π over votes for c of s (K - 1) / (1 - s), divided by its sum over c; s: accuracy from the pairs' agreement",
};
