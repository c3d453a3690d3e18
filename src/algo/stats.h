/* Exact intervals for proportions, and the few special functions the estimators share. */
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
/* z with P(Z <= z) = p for a standard normal Z; p in (0, 1), infinite at its ends. Acklam's rational start, one step of
   Halley: relative error below 1e-13. */
double kt_normal_quantile(double p);
/* t with P(|T| <= t) = confidence for Student's T with dof > 0 degrees of freedom. */
double kt_t_two_sided(double confidence, double dof);
/* Logarithmic derivative of the gamma function, x > 0 (recurrence up to 10, then the asymptotic series). */
double kt_digamma(double x);
/* Place of the largest of n > 0 numbers; of equal ones the first. */
uint32_t kt_largest(const float *v, uint32_t n);

#endif
