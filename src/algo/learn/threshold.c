/* Learn-then-test over thresholds, all at once. At a threshold t the trusted sample has K wrong among N; t passes when
   P(Bin(N, budget) <= K) <= level, one level for every t. The level is below delta to pay for looking at many thresholds, and is
   the largest for which

       P(some n <= n_trusted has P(Bin(n, budget) <= S_n) <= level) <= delta,    S_n: n tosses, each wrong with chance budget.

   Why this is enough, whatever the error rate does along the scores: let g(t) and a(t) be the chances that an item is right
   (wrong) with a score of at least t, and call t bad when a(t) >= odds(budget) g(t). Keep every item's right outcomes and draw
   its wrong ones with odds(budget) g(t) instead of a(t), from the same random number: at every bad t, at once, K only shrinks
   and N - K stays, and who passed still passes (a threshold that allows K + 1 wrong allows K wrong of one item less). In the
   law so made each item is wrong with chance budget whatever its score, so K along falling scores is S_n, and the chance that
   any bad t passes is at most delta. Tests of one threshold after the other (fixed sequence, fallback) pay less for each but stop
   at an early failure; the unit test has both on several populations. */
#include "algo/learn/threshold.h"

#include "algo/nth.h"
#include "algo/stats.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>

enum { LEVEL_STEPS = 24, FEW_TERMS = 64 };
#define MOST_TRUSTED 50000 /* that are looked at; of more, a random part */
#define NEGLIGIBLE 1e-18   /* chance of a number of wrong ones that is no longer followed */

/* P(Bin(n, p) <= k). */
static double binom_cdf(uint64_t k, uint64_t n, double p)
{
    if (k >= n)
        return 1;
    double term = exp((double)n * log1p(-p)), sum = term, odds = p / (1 - p);
    if (k < FEW_TERMS && term > 1e-250) {
        for (uint64_t i = 0; i < k; i++)
            sum += term *= odds * (double)(n - i) / (double)(i + 1);
        return KT_MIN(sum, 1);
    }
    return kt_beta_cdf(1 - p, (double)(n - k), (double)k + 1);
}

/* One-sided Clopper-Pearson bound: the p with P(Bin(n, p) <= k) = delta; 1 when n is 0 or all were wrong. */
static double binom_upper(uint64_t k, uint64_t n, double delta)
{
    if (k >= n)
        return 1;
    double low = (double)k / (double)n, high = 1;
    for (int i = 0; i < 60; i++) {
        double mid = (low + high) / 2;
        if (binom_cdf(k, n, mid) > delta)
            low = mid;
        else
            high = mid;
    }
    return high;
}

/* Fewest trials with which k failures still pass. */
static uint64_t least_n(uint64_t k, double budget, double delta)
{
    uint64_t low = k, high = k + 1;
    while (binom_cdf(k, high, budget) > delta) {
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        if (binom_cdf(k, mid, budget) > delta)
            low = mid;
        else
            high = mid;
    }
    return high;
}

typedef struct answer {
    float score;
    uint8_t right;
} answer;

static int by_answer_down(const void *a, const void *b)
{
    const answer *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

kt_rc kt_threshold_check(const kt_threshold_data *d, kt_err *err)
{
    if (d->n_pool == 0)
        return kt_fail(err, KT_RANGE, "there is no item to route");
    if (d->n_trusted > UINT32_MAX / 2)
        return kt_fail(err, KT_RANGE, "%zu trusted items are too many", d->n_trusted);
    for (size_t i = 0; i < d->n_pool; i++)
        if (!isfinite(d->pool_score[i]))
            return kt_fail(err, KT_RANGE, "score of item %zu is not a number", i);
    for (size_t i = 0; i < d->n_trusted; i++)
        if (!isfinite(d->trusted_score[i]))
            return kt_fail(err, KT_RANGE, "score of trusted item %zu is not a number", i);
    return KT_OK;
}

static kt_rc check(const kt_threshold_data *d, const kt_threshold_options *o, kt_err *err)
{
    if (!(o->budget > 0 && o->budget < 1))
        return kt_fail(err, KT_RANGE, "error budget %g is outside (0, 1)", o->budget);
    if (!(o->delta > 0 && o->delta < 1))
        return kt_fail(err, KT_RANGE, "delta %g is outside (0, 1)", o->delta);
    return kt_threshold_check(d, err);
}

/* The grid: thresholds at even steps of coverage, equal scores together, with what the trusted sample says of each. */
static void lay_points(const kt_threshold_data *d, const kt_threshold_options *o, kt_threshold *t)
{
    size_t n = d->n_pool, m = d->n_trusted, seen = 0;
    float *pool = kt_alloc_array(n, sizeof(*pool));
    answer *trusted = kt_alloc_array(m + 1, sizeof(*trusted));
    memcpy(pool, d->pool_score, n * sizeof(*pool));
    kt_sort_floats(pool, n);
    for (size_t i = 0; i < m; i++)
        trusted[i] = (answer){ d->trusted_score[i], d->trusted_right[i] };
    if (m)
        qsort(trusted, m, sizeof(*trusted), by_answer_down);
    uint32_t wrong = 0;
    for (size_t g = 1, above = 0; g <= KT_THRESHOLD_POINTS; g++) {
        size_t want = (n * g + KT_THRESHOLD_POINTS - 1) / KT_THRESHOLD_POINTS;
        if (want <= above) /* ties have carried the step before past this one */
            continue;
        float score = pool[n - want]; /* sorted from low to high */
        for (above = want; above < n && pool[n - 1 - above] == score;)
            above++;
        for (; seen < m && trusted[seen].score >= score; seen++)
            wrong += !trusted[seen].right;
        t->point[t->n_points++] = (kt_threshold_point){
            score, (double)above / (double)n, (uint32_t)seen, wrong, seen ? wrong / (double)seen : 0,
            binom_upper(wrong, seen, o->delta), false
        };
    }
    kt_free(pool);
    kt_free(trusted);
}

/* Chances of S_n = k for k in [low, high), of all runs and of those that have not passed yet. */
struct walk {
    double *all, *open;
    size_t low, high;
};

/* One toss more. */
static void toss(struct walk *w, double budget)
{
    w->all[w->high] = w->open[w->high] = 0;
    w->high++;
    for (size_t k = w->high; k-- > w->low;) {
        double below = k > w->low ? w->all[k - 1] : 0, below_open = k > w->low ? w->open[k - 1] : 0;
        w->all[k] = (1 - budget) * w->all[k] + budget * below;
        w->open[k] = (1 - budget) * w->open[k] + budget * below_open;
    }
    while (w->high - w->low > 1 && w->all[w->high - 1] < NEGLIGIBLE)
        w->high--;
    while (w->high - w->low > 1 && w->all[w->low] < NEGLIGIBLE && w->open[w->low] == 0)
        w->low++;
}

/* Chance that m tosses pass at some n <= m at this level. */
static double chance_to_pass(size_t m, double budget, double level)
{
    struct walk w = { kt_zalloc_array(m + 2, sizeof(double)), kt_zalloc_array(m + 2, sizeof(double)), 0, 1 };
    w.all[0] = w.open[0] = 1;
    double passed = 0, upto = 1; /* upto: P(S_n <= next) */
    size_t next = 0;             /* wrong ones that are not allowed yet */
    for (size_t n = 1; n <= m; n++) {
        upto -= budget * (next >= w.low && next < w.high ? w.all[next] : 0);
        toss(&w, budget);
        while (upto <= level && next < n) { /* from here on so many are allowed: runs that have no more pass */
            for (size_t k = w.low; k <= next && k < w.high; k++) {
                passed += w.open[k];
                w.open[k] = 0;
            }
            next++;
            upto += next >= w.low && next < w.high ? w.all[next] : 0;
        }
    }
    kt_free(w.all);
    kt_free(w.open);
    return passed;
}

static double find_level(size_t m, const kt_threshold_options *o)
{
    if (chance_to_pass(m, o->budget, o->delta) <= o->delta)
        return o->delta;
    double low = o->delta / (double)(m + 1), high = o->delta; /* the low end is safe: m tests share delta */
    for (int i = 0; i < LEVEL_STEPS && high / low > 1.001; i++) {
        double mid = sqrt(low * high);
        if (chance_to_pass(m, o->budget, mid) <= o->delta)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* Not found: the fewest further trusted labels, all right, with which some point would pass. */
static uint64_t more_needed(const kt_threshold *t, const kt_threshold_options *o)
{
    uint64_t best = UINT64_MAX;
    for (uint32_t p = 0; p < t->n_points; p++) {
        const kt_threshold_point *at = &t->point[p];
        uint64_t need = least_n(at->n_wrong, o->budget, o->delta);
        need = need > at->n_trusted ? need - at->n_trusted : 1;
        best = KT_MIN(best, (uint64_t)ceil((double)need / at->coverage));
    }
    return best;
}

/* A random part of more trusted items than are worth the time; *part owns its arrays. */
static void take_part(const kt_threshold_data *d, kt_threshold_data *part, float *score, uint8_t *right)
{
    uint64_t *at = kt_alloc_array(MOST_TRUSTED, sizeof(*at));
    kt_rng r = kt_rng_keyed(0x746872, d->n_trusted, 0);
    kt_rng_sample(&r, d->n_trusted, MOST_TRUSTED, at);
    for (size_t i = 0; i < MOST_TRUSTED; i++) {
        score[i] = d->trusted_score[at[i]];
        right[i] = d->trusted_right[at[i]];
    }
    *part = (kt_threshold_data){ d->n_pool, d->pool_score, MOST_TRUSTED, score, right };
    kt_free(at);
}

static void find(const kt_threshold_data *d, const kt_threshold_options *o, kt_threshold *ret)
{
    lay_points(d, o, ret);
    double level = o->level > 0 ? o->level : find_level(d->n_trusted, o);
    for (uint32_t p = 0; p < ret->n_points; p++) {
        kt_threshold_point *at = &ret->point[p];
        at->passed = binom_cdf(at->n_wrong, at->n_trusted, o->budget) <= level;
        if (!at->passed)
            continue;
        ret->found = true;
        ret->score = at->score;
        ret->coverage = at->coverage;
        ret->n_trusted = at->n_trusted;
        ret->n_wrong = at->n_wrong;
        ret->error = at->error;
        ret->upper = binom_upper(at->n_wrong, at->n_trusted, level);
    }
    ret->n_more = ret->found ? 0 : more_needed(ret, o);
}

double kt_threshold_level(size_t n_trusted, const kt_threshold_options *o)
{
    return find_level(KT_MIN(n_trusted, (size_t)MOST_TRUSTED), o);
}

uint64_t kt_threshold_least(double budget, double delta)
{
    return least_n(0, budget, delta);
}

kt_rc kt_threshold_find(const kt_threshold_data *d, const kt_threshold_options *o, kt_threshold *ret, kt_err *err)
{
    KT_TRY(check(d, o, err));
    memset(ret, 0, sizeof(*ret));
    if (d->n_trusted <= MOST_TRUSTED) {
        find(d, o, ret);
        return KT_OK;
    }
    kt_threshold_data part;
    float *score = kt_alloc_array(MOST_TRUSTED, sizeof(*score));
    uint8_t *right = kt_alloc(MOST_TRUSTED);
    take_part(d, &part, score, right);
    find(&part, o, ret);
    kt_free(score);
    kt_free(right);
    return KT_OK;
}
