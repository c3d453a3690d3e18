/* The points lie at even steps of the pool's coverage and share delta evenly. For each, the log of every bet of the mixture is carried
   along falling scores, so all points together cost one pass over the trusted items. */
#include "algo/route/route.h"

#include "algo/nth.h"
#include "base/mem.h"

#include <math.h>

enum { BETS = 12, HALVINGS = 24 };
#define BOLDEST 0.95 /* of the largest bet that cannot lose everything */
#define STEP 0.65    /* from bet to bet */

struct answer {
    float score;
    uint8_t right;
    double weight;
};

static int by_score_down(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

/* log of the mixture of bets against "the error of v[0..n) is over budget". */
static double log_capital(const struct answer *v, size_t n, double budget, double most_weight)
{
    double sum = 0, best = 0, log_bet[BETS];
    for (int k = 0; k < BETS; k++) {
        double lambda = BOLDEST * pow(STEP, k) / ((1 - budget) * most_weight), l = 0;
        for (size_t i = 0; i < n; i++)
            l += log1p(-lambda * v[i].weight * ((v[i].right ? 0.0 : 1.0) - budget));
        log_bet[k] = l;
        best = k ? KT_MAX(best, l) : l;
    }
    for (int k = 0; k < BETS; k++)
        sum += exp(log_bet[k] - best) / BETS;
    return best + log(sum);
}

/* The smallest budget the answers still prove. */
static double bound(const struct answer *v, size_t n, double most_weight, double delta, double proved)
{
    double low = 0, high = proved;
    for (int i = 0; i < HALVINGS; i++) {
        double mid = (low + high) / 2;
        if (log_capital(v, n, mid, most_weight) >= -log(delta))
            high = mid;
        else
            low = mid;
    }
    return high;
}

static kt_rc check(const kt_threshold_data *d, const double *weight, double most, const kt_threshold_options *o, kt_err *err)
{
    if (!(o->budget > 0 && o->budget < 1) || !(o->delta > 0 && o->delta < 1))
        return kt_fail(err, KT_RANGE, "budget %g or delta %g is outside (0, 1)", o->budget, o->delta);
    if (d->n_pool == 0)
        return kt_fail(err, KT_RANGE, "there is no item to route");
    if (!(most > 0 && isfinite(most)))
        return kt_fail(err, KT_RANGE, "the largest weight is %g; expected a number above 0", most);
    for (size_t i = 0; i < d->n_pool; i++)
        if (!isfinite(d->pool_score[i]))
            return kt_fail(err, KT_RANGE, "score of item %zu is not a number", i);
    for (size_t i = 0; i < d->n_trusted; i++)
        if (!isfinite(d->trusted_score[i]) || !(weight[i] > 0 && weight[i] <= most * (1 + 1e-9)))
            return kt_fail(err, KT_RANGE, "trusted item %zu: score %g, weight %g; expected a number, and a weight above 0 and at most %g", i,
                           (double)d->trusted_score[i], weight[i], most);
    return 0;
}

static void look(const struct answer *v, size_t n, const kt_threshold_options *o, double most, kt_weighted_point *at)
{
    double all = 0, wrong = 0;
    for (size_t i = 0; i < n; i++) {
        all += v[i].weight;
        wrong += v[i].right ? 0 : v[i].weight;
        at->n_wrong += !v[i].right;
    }
    at->n_trusted = (uint32_t)n;
    at->error = n ? wrong / all : NAN;
    at->passed = log_capital(v, n, o->budget, most) >= -log(o->delta / KT_WEIGHTED_POINTS);
}

kt_rc kt_weighted_find(const kt_threshold_data *d, const double *weight, double most_weight, const kt_threshold_options *o, kt_weighted *ret,
                       kt_err *err)
{
    KT_TRY(check(d, weight, most_weight, o, err));
    size_t n = d->n_pool, seen = 0, best = 0;
    float *pool = kt_alloc_array(n, sizeof(*pool));
    struct answer *v = kt_alloc_array(d->n_trusted + 1, sizeof(*v));
    memcpy(pool, d->pool_score, n * sizeof(*pool));
    kt_sort_floats(pool, n);
    for (size_t i = 0; i < d->n_trusted; i++)
        v[i] = (struct answer){ d->trusted_score[i], d->trusted_right[i], weight[i] };
    if (d->n_trusted)
        qsort(v, d->n_trusted, sizeof(*v), by_score_down);
    *ret = (kt_weighted){ .error = NAN, .upper = 1 };
    for (size_t g = 1, above = 0; g <= KT_WEIGHTED_POINTS; g++) {
        size_t want = (n * g + KT_WEIGHTED_POINTS - 1) / KT_WEIGHTED_POINTS;
        if (want <= above) /* ties have carried the step before past this one */
            continue;
        float score = pool[n - want];
        for (above = want; above < n && pool[n - 1 - above] == score;)
            above++;
        while (seen < d->n_trusted && v[seen].score >= score)
            seen++;
        kt_weighted_point *at = &ret->point[ret->n_points++];
        *at = (kt_weighted_point){ .score = (double)score, .coverage = (double)above / (double)n };
        look(v, seen, o, most_weight, at);
        if (!at->passed)
            continue;
        best = seen;
        ret->found = true;
        ret->score = at->score;
        ret->coverage = at->coverage;
        ret->error = at->error;
        ret->n_trusted = at->n_trusted;
        ret->n_wrong = at->n_wrong;
    }
    if (ret->found)
        ret->upper = bound(v, best, most_weight, o->delta / KT_WEIGHTED_POINTS, o->budget);
    kt_free(pool);
    kt_free(v);
    return 0;
}
