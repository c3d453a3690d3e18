/* How often labels are wrong, from a sample that somebody checked. */
#ifndef KT_ALGO_ERRORS_RATE_H
#define KT_ALGO_ERRORS_RATE_H

#include "base/err.h"

typedef struct kt_error_rate {
    double rate, ci95[2]; /* NaN without checked items (the interval then is [0, 1]) */
    double effective_n;   /* simple random draws that would say as much */
    uint64_t checked, wrong;
} kt_error_rate;

/* wrong: n, 0 or 1, of items drawn uniformly (gold questions, or an audit). Interval of Clopper and Pearson (1934). */
void kt_error_rate_of(const uint8_t *wrong, size_t n, kt_error_rate *ret);

/* Items drawn uniformly within each of n_strata; stratum_items: how many each has in all. The rate is that of all items.
   Interval: Clopper and Pearson at the effective sample size of Korn and Graubard (1998), with the finite population
   corrected for. KT_RANGE: a stratum with items of which none was checked, or more checked than there are. */
kt_rc kt_error_rate_stratified(const uint8_t *wrong, const uint32_t *stratum, size_t n, const uint64_t *stratum_items, uint32_t n_strata,
                               kt_error_rate *ret, kt_err *err) KT_MUST_USE;

/* Items drawn with replacement with unequal chances; chance: proportional to each item's chance of being drawn. Ratio
   estimator of Hájek (1971), interval as above. KT_RANGE: a chance that is no number above 0. */
kt_rc kt_error_rate_weighted(const uint8_t *wrong, const double *chance, size_t n, kt_error_rate *ret, kt_err *err) KT_MUST_USE;

#endif
