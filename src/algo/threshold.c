/* Learn-then-test over thresholds. For each of a grid of coverages, fixed by the pool's scores alone, the hypothesis
   "the error rate at or above this threshold exceeds the budget" is tested by the binomial tail: its p-value is
   P(Bin(n, budget) <= wrong). Hypotheses are tested from high scores to low. Testing in a fixed order needs no
   correction, but one early failure ends it; so delta is split over a few starting points, and what a run of passed
   tests has gathered carries over (fallback procedure: Wiens 2003; Wiens and Dmitrienko 2005, which keeps the
   family-wise error at delta). Order, grid and starts depend on scores only, never on which answers were right. */
#include "algo/threshold.h"

#include "base/mem.h"

#include <math.h>

enum { STARTS = 4, FRACTION_STEPS = 400 };

/* Regularised incomplete beta function by its continued fraction (Lentz's method; Press et al., section 6.4). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m < FRACTION_STEPS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step = 1;
        for (int k = 0; k < 2; k++) {
            double by = k ? odd : even;
            d = 1 + by * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + by / c;
            c = fabs(c) < tiny ? tiny : c;
            step = c * d;
            h *= step;
        }
        if (fabs(step - 1) < 1e-15)
            break;
    }
    return h;
}

static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x >= 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(Bin(n, p) <= k). */
static double binom_cdf(uint64_t k, uint64_t n, double p)
{
    if (k >= n)
        return 1;
    return incomplete_beta((double)(n - k), (double)k + 1, 1 - p);
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

static int by_score_down(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static int by_answer_down(const void *a, const void *b)
{
    const answer *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

static kt_rc check(const kt_threshold_data *d, const kt_threshold_options *o, kt_err *err)
{
    if (!(o->budget > 0 && o->budget < 1))
        return kt_fail(err, KT_RANGE, "error budget %g is outside (0, 1)", o->budget);
    if (!(o->delta > 0 && o->delta < 1))
        return kt_fail(err, KT_RANGE, "delta %g is outside (0, 1)", o->delta);
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

/* The grid: thresholds at even steps of coverage, equal scores together, with what the trusted sample says of each. */
static void lay_points(const kt_threshold_data *d, const kt_threshold_options *o, kt_threshold *t)
{
    size_t n = d->n_pool, m = d->n_trusted, seen = 0;
    float *pool = kt_alloc_array(n, sizeof(*pool));
    answer *trusted = kt_alloc_array(m + 1, sizeof(*trusted));
    memcpy(pool, d->pool_score, n * sizeof(*pool));
    qsort(pool, n, sizeof(*pool), by_score_down);
    for (size_t i = 0; i < m; i++)
        trusted[i] = (answer){ d->trusted_score[i], d->trusted_right[i] };
    if (m)
        qsort(trusted, m, sizeof(*trusted), by_answer_down);
    uint32_t wrong = 0;
    for (size_t g = 1, above = 0; g <= KT_THRESHOLD_POINTS; g++) {
        size_t want = (n * g + KT_THRESHOLD_POINTS - 1) / KT_THRESHOLD_POINTS;
        if (want <= above) /* ties have carried the step before past this one */
            continue;
        float score = pool[want - 1];
        for (above = want; above < n && pool[above] == score;)
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

/* Points where a share of delta enters: numbers of trusted items in even ratios between the fewest that could pass
   and all of them. Returns how many; 0 when not even all could pass. */
static uint32_t lay_starts(const kt_threshold *t, const kt_threshold_options *o, uint32_t *ret)
{
    double share = o->delta / STARTS, all = t->point[t->n_points - 1].n_trusted, first = (double)least_n(0, o->budget, share);
    uint32_t n = 0;
    if (all < first) {
        if (all < (double)least_n(0, o->budget, o->delta))
            return 0;
        first = all; /* a small sample: everything on the last point */
    }
    for (int s = 0; s < STARTS; s++) {
        double want = first * pow(all / first, s / (double)STARTS);
        uint32_t p = 0;
        while (t->point[p].n_trusted < want)
            p++;
        if (n == 0 || ret[n - 1] != p)
            ret[n++] = p;
    }
    return n;
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

kt_rc kt_threshold_find(const kt_threshold_data *d, const kt_threshold_options *o, kt_threshold *ret, kt_err *err)
{
    KT_TRY(check(d, o, err));
    memset(ret, 0, sizeof(*ret));
    lay_points(d, o, ret);
    uint32_t start[STARTS], n_starts = lay_starts(ret, o, start), next = 0;
    double gathered = 0, share = n_starts ? o->delta / n_starts : 0;
    for (uint32_t p = 0; p < ret->n_points; p++) {
        kt_threshold_point *at = &ret->point[p];
        for (; next < n_starts && start[next] == p; next++)
            gathered += share;
        at->passed = gathered > 0 && binom_cdf(at->n_wrong, at->n_trusted, o->budget) <= gathered;
        if (!at->passed) {
            gathered = 0;
            continue;
        }
        ret->found = true;
        ret->score = at->score;
        ret->coverage = at->coverage;
        ret->n_trusted = at->n_trusted;
        ret->n_wrong = at->n_wrong;
        ret->error = at->error;
        ret->upper = binom_upper(at->n_wrong, at->n_trusted, gathered);
    }
    ret->n_more = ret->found ? 0 : more_needed(ret, o);
    return KT_OK;
}
