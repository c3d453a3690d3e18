/* Exact intervals for proportions. */
#ifndef KT_ALGO_STATS_H
#define KT_ALGO_STATS_H

#include "base/types.h"

/* Regularised incomplete beta function I_x(a, b); a, b > 0, x in [0, 1]. Continued fraction (Lentz). */
double kt_beta_cdf(double x, double a, double b);
/* x with I_x(a, b) = p. */
double kt_beta_quantile(double p, double a, double b);
/* Two-sided interval of Clopper and Pearson (1934) for k successes in n; n 0: [0, 1]. confidence in (0, 1). */
void kt_clopper_pearson(uint64_t k, uint64_t n, double confidence, double ret[2]);
/* One-sided upper bound at confidence 1 - delta. */
double kt_binom_upper(uint64_t k, uint64_t n, double delta);

#endif
