/* The p-values fall as scores rise and are equal within a score, so Benjamini and Hochberg's largest k with p_(k) <= q k / n is a
   threshold: one pass down the sorted scores. */
#include "algo/route/route.h"

#include "algo/nth.h"
#include "base/mem.h"

#include <math.h>

static kt_rc check(const kt_threshold_data *d, double q, kt_err *err)
{
    if (!(q > 0 && q < 1))
        return kt_fail(err, KT_RANGE, "the budget %g is outside (0, 1)", q);
    return kt_threshold_check(d, err);
}

/* Scores of the wrong (or of all) trusted items, lowest first. */
static float *trusted_scores(const kt_threshold_data *d, bool wrong_only, size_t *ret_n)
{
    float *v = kt_alloc_array(d->n_trusted + 1, sizeof(*v));
    *ret_n = 0;
    for (size_t i = 0; i < d->n_trusted; i++)
        if (!wrong_only || !d->trusted_right[i])
            v[(*ret_n)++] = d->trusted_score[i];
    kt_sort_floats(v, *ret_n);
    return v;
}

/* How many of v, sorted from low to high, are at or above x. */
static size_t at_least(const float *v, size_t n, float x)
{
    size_t low = 0;
    for (size_t high = n; low < high;) {
        size_t mid = low + (high - low) / 2;
        if (v[mid] < x)
            low = mid + 1;
        else
            high = mid;
    }
    return n - low;
}

kt_rc kt_conformal_find(const kt_threshold_data *d, double q, kt_conformal *ret, double *ret_p, kt_err *err)
{
    KT_TRY(check(d, q, err));
    size_t n = d->n_pool, n_wrong, n_all;
    float *wrong = trusted_scores(d, true, &n_wrong), *all = trusted_scores(d, false, &n_all), *pool = kt_alloc_array(n, sizeof(*pool));
    memcpy(pool, d->pool_score, n * sizeof(*pool));
    kt_sort_floats(pool, n);
    *ret = (kt_conformal){ 0 };
    for (size_t at = 0, above = 0; at < n;) {
        float s = pool[n - 1 - at];
        while (at < n && pool[n - 1 - at] == s)
            at++;
        while (above < n_wrong && wrong[n_wrong - 1 - above] >= s)
            above++;
        double p = (1 + (double)above) / (1 + (double)d->n_trusted);
        if (p <= q * (double)at / (double)n)
            *ret = (kt_conformal){ true, (double)s, at, (uint32_t)at_least(all, n_all, s), (uint32_t)above };
    }
    for (size_t i = 0; i < n && ret_p; i++)
        ret_p[i] = (1 + (double)at_least(wrong, n_wrong, d->pool_score[i])) / (1 + (double)d->n_trusted);
    kt_free(wrong);
    kt_free(all);
    kt_free(pool);
    return 0;
}
