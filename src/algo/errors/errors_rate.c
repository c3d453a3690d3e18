#include "algo/errors/errors_rate.h"

#include "algo/stats.h"
#include "base/mem.h"

#include <math.h>

void kt_error_rate_of(const uint8_t *wrong, size_t n, kt_error_rate *ret)
{
    *ret = (kt_error_rate){ .rate = NAN, .effective_n = (double)n, .checked = n };
    for (size_t i = 0; i < n; i++)
        ret->wrong += wrong[i] != 0;
    kt_clopper_pearson(ret->wrong, n, 0.95, ret->ci95);
    if (n)
        ret->rate = (double)ret->wrong / (double)n;
}

/* Clopper and Pearson for a rate found in as many draws as its variance is worth. most_n: what the sample can be worth at
   best, used where no variance shows; dof: degrees of freedom of the variance. */
static void interval(kt_error_rate *r, double variance, double most_n, double dof)
{
    double p = r->rate, n = p > 0 && p < 1 && variance > 0 ? p * (1 - p) / variance : most_n;
    if (dof >= 1 && r->checked > 1) { /* a variance from few draws is itself uncertain */
        double t = kt_t_two_sided(0.95, (double)r->checked - 1) / kt_t_two_sided(0.95, dof);
        n *= t * t;
    }
    double x = n * p;
    r->effective_n = n;
    r->ci95[0] = x > 0 ? kt_beta_quantile(0.025, x, n - x + 1) : 0;
    r->ci95[1] = p < 1 ? kt_beta_quantile(0.975, x + 1, n - x) : 1;
}

kt_rc kt_error_rate_stratified(const uint8_t *wrong, const uint32_t *stratum, size_t n, const uint64_t *stratum_items, uint32_t n_strata,
                               kt_error_rate *ret, kt_err *err)
{
    double *checked = kt_zalloc_array(2 * ((size_t)n_strata + 1), sizeof(*checked)), *bad = checked + n_strata + 1;
    double all = 0, variance = 0, spread = 0, used = 0;
    kt_error_rate r = { .checked = n };
    kt_rc rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (stratum[i] >= n_strata) {
            rc = kt_fail(err, KT_RANGE, "checked item %zu: stratum %u of %u", i, stratum[i], n_strata);
            break;
        }
        checked[stratum[i]]++;
        bad[stratum[i]] += wrong[i] != 0;
        r.wrong += wrong[i] != 0;
    }
    for (uint32_t h = 0; h < n_strata; h++)
        all += (double)stratum_items[h];
    for (uint32_t h = 0; h < n_strata && rc == 0; h++) {
        double m = checked[h], size = (double)stratum_items[h], share = size / all;
        if (size == 0 && m == 0)
            continue;
        if (m == 0)
            rc = kt_fail(err, KT_RANGE, "stratum %u has %.0f items and none was checked", h, size);
        else if (m > size)
            rc = kt_fail(err, KT_RANGE, "stratum %u has %.0f items and %.0f checked ones", h, size, m);
        if (rc < 0)
            break;
        double p = bad[h] / m, left = 1 - m / size, seen = (bad[h] + 0.5) / (m + 1); /* a stratum without errors may have some */
        r.rate += share * p;
        variance += share * share * left * (m > 1 && p > 0 && p < 1 ? p * (1 - p) / (m - 1) : seen * (1 - seen) / m);
        spread += share * share * left / m;
        used++;
    }
    kt_free(checked);
    if (rc < 0)
        return rc;
    *ret = r;
    if (!(all > 0)) {
        ret->rate = NAN;
        ret->ci95[1] = 1;
    } else if (!(spread > 0)) { /* everything was checked */
        ret->effective_n = INFINITY;
        ret->ci95[0] = ret->ci95[1] = r.rate;
    } else {
        interval(ret, variance, 1 / spread, (double)n - used);
    }
    return 0;
}

kt_rc kt_error_rate_weighted(const uint8_t *wrong, const double *chance, size_t n, kt_error_rate *ret, kt_err *err)
{
    double sum = 0, bad = 0, squares = 0, variance = 0;
    kt_error_rate r = { .rate = NAN, .ci95 = { 0, 1 }, .checked = n };
    for (size_t i = 0; i < n; i++) {
        if (!(chance[i] > 0) || isinf(chance[i]))
            return kt_fail(err, KT_RANGE, "checked item %zu: its chance of being drawn is %g; expected a number above 0", i, chance[i]);
        double w = 1 / chance[i];
        sum += w;
        squares += w * w;
        bad += wrong[i] ? w : 0;
        r.wrong += wrong[i] != 0;
    }
    if (n) {
        r.rate = bad / sum;
        for (size_t i = 0; i < n; i++) {
            double d = (1 / chance[i]) / sum * ((wrong[i] != 0) - r.rate);
            variance += d * d;
        }
        if (n > 1)
            variance *= (double)n / (double)(n - 1);
        interval(&r, variance, sum * sum / squares, (double)n - 1);
    }
    *ret = r;
    return 0;
}
