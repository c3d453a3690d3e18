#include "algo/stats.h"

#include <math.h>

static double fraction(double x, double a, double b)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
    double h = d;
    for (int m = 1; m < 10000; m++) {
        double m2 = 2 * m, t = m * (b - m) * x / ((a + m2 - 1) * (a + m2));
        for (int half = 0; half < 2; half++) {
            d = 1 + t * d;
            c = 1 + t / c;
            d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
            c = fabs(c) < 1e-300 ? 1e-300 : c;
            h *= d * c;
            if (half && fabs(d * c - 1) < 1e-15)
                return h;
            t = -(a + m) * (a + b + m) * x / ((a + m2) * (a + m2 + 1));
        }
    }
    return h;
}

double kt_beta_cdf(double x, double a, double b)
{
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    int sign;
    double front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * fraction(x, a, b) / a;
    return 1 - front * fraction(1 - x, b, a) / b;
}

double kt_beta_quantile(double p, double a, double b)
{
    double lo = 0, hi = 1;
    for (int i = 0; i < 200 && hi - lo > 1e-16; i++) {
        double mid = (lo + hi) / 2;
        if (kt_beta_cdf(mid, a, b) < p)
            lo = mid;
        else
            hi = mid;
    }
    return (lo + hi) / 2;
}

void kt_clopper_pearson(uint64_t k, uint64_t n, double confidence, double ret[2])
{
    double tail = (1 - confidence) / 2;
    ret[0] = k == 0 ? 0 : kt_beta_quantile(tail, (double)k, (double)(n - k) + 1);
    ret[1] = k >= n ? 1 : kt_beta_quantile(1 - tail, (double)k + 1, (double)(n - k));
}

double kt_binom_upper(uint64_t k, uint64_t n, double delta)
{
    return k >= n ? 1 : kt_beta_quantile(1 - delta, (double)k + 1, (double)(n - k));
}
