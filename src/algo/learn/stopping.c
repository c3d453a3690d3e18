/* For each exponent c on a grid the law is a straight line in n^-c, whose slope has a normal distribution (cut off at 0). Gains are multiples of
   the slope, so the answer is a mixture of cut normals: its mean is a sum, its quantiles come by halving. */
#include "algo/learn/stopping.h"

#include "base/mem.h"

#include <math.h>

enum { EXPONENTS = 39, HALVINGS = 60 };

typedef struct part { /* one exponent */
    double weight, slope, sd, at; /* accuracy falls short of a by slope × n^-c; at: accuracy by the line at the last point */
    double gain, left;            /* multiples of the slope */
} part;

static double below(double z)
{
    return 0.5 * erfc(-z / M_SQRT2);
}

/* Of a normal cut off at 0: its mean, and the share under x. */
static double cut_mean(const part *p)
{
    double z = p->slope / p->sd, above = below(z);
    return above < 1e-12 ? p->sd * p->sd / (p->sd + fabs(p->slope)) : p->slope + p->sd * exp(-z * z / 2) / sqrt(2 * M_PI) / above;
}

static double cut_share(const part *p, double x)
{
    double low = below(-p->slope / p->sd), all = 1 - low;
    if (x <= 0 || all < 1e-12)
        return x > 0;
    return (below((x - p->slope) / p->sd) - low) / all;
}

/* Weighted line of accuracy on n^-c. Returns the residuals' weighted sum of squares. */
static double fit_line(const kt_learning_point *q, size_t n, double c, part *ret)
{
    double w = 0, x1 = 0, y1 = 0, xx = 0, xy = 0, rss = 0;
    for (size_t i = 0; i < n; i++) {
        double wi = 1 / (q[i].se * q[i].se);
        w += wi;
        x1 += wi * pow(q[i].labels, -c);
        y1 += wi * q[i].accuracy;
    }
    x1 /= w;
    y1 /= w;
    for (size_t i = 0; i < n; i++) {
        double wi = 1 / (q[i].se * q[i].se), x = pow(q[i].labels, -c) - x1;
        xx += wi * x * x;
        xy += wi * x * (q[i].accuracy - y1);
    }
    ret->slope = -xy / xx;
    ret->sd = 1 / sqrt(xx);
    for (size_t i = 0; i < n; i++) {
        double off = q[i].accuracy - y1 + ret->slope * (pow(q[i].labels, -c) - x1);
        rss += off * off / (q[i].se * q[i].se);
    }
    ret->at = y1 - ret->slope * (pow(q[n - 1].labels, -c) - x1);
    return rss;
}

static double quantile(const part *p, size_t n, bool left, double share)
{
    double lo = 0, hi = 1;
    for (int i = 0; i < HALVINGS; i++) {
        double x = (lo + hi) / 2, sum = 0;
        for (size_t k = 0; k < n; k++)
            sum += p[k].weight * cut_share(&p[k], x / (left ? p[k].left : p[k].gain));
        *(sum < share ? &lo : &hi) = x;
    }
    return (lo + hi) / 2;
}

static kt_rc check(const kt_learning_point *q, size_t n, double more, kt_err *err)
{
    if (n < 3)
        return kt_fail(err, KT_RANGE, "%zu points of a learning curve; an outlook needs 3", n);
    if (!(more > 0))
        return kt_fail(err, KT_RANGE, "an outlook on %g more labels", more);
    for (size_t i = 0; i < n; i++)
        if (!(q[i].labels > (i ? q[i - 1].labels : 0)) || !(q[i].accuracy >= 0 && q[i].accuracy <= 1) ||
            !(q[i].se > 0) || isinf(q[i].labels) || isinf(q[i].se))
            return kt_fail(err, KT_RANGE, "point %zu of the learning curve cannot be: %g labels, accuracy %g, error %g", i, q[i].labels, q[i].accuracy, q[i].se);
    return KT_OK;
}

kt_rc kt_learning_outlook(const kt_learning_point *q, size_t n, double more, kt_learning_gain *ret, kt_err *err)
{
    KT_TRY(check(q, n, more, err));
    part p[EXPONENTS];
    double rss[EXPONENTS], least = INFINITY, sum = 0, last = q[n - 1].labels;
    for (int k = 0; k < EXPONENTS; k++) {
        double c = 0.1 + 1.9 * k / (EXPONENTS - 1);
        rss[k] = fit_line(q, n, c, &p[k]);
        p[k].gain = pow(last, -c) - pow(last + more, -c);
        p[k].left = pow(last, -c);
        least = KT_MIN(least, rss[k]);
    }
    double scatter = n > 3 ? KT_MAX(1.0, least / (double)(n - 3)) : 1; /* of the points beyond what their errors say */
    for (int k = 0; k < EXPONENTS; k++) {
        p[k].sd *= sqrt(scatter);
        /* the line's evidence, with as much of the slope as is above 0, and no more left to gain than there is to 1 */
        p[k].weight = exp(-(rss[k] - least) / 2 / scatter) * KT_MAX(below(p[k].slope / p[k].sd), 1e-12);
        p[k].weight *= below((1 - p[k].at - p[k].slope * p[k].left) / (p[k].sd * p[k].left));
        sum += p[k].weight;
    }
    *ret = (kt_learning_gain){ 0 };
    for (int k = 0; k < EXPONENTS; k++) {
        p[k].weight /= sum;
        ret->gain += p[k].weight * p[k].gain * cut_mean(&p[k]);
        ret->left += p[k].weight * p[k].left * cut_mean(&p[k]);
        ret->now += p[k].weight * p[k].at;
    }
    ret->low = quantile(p, EXPONENTS, false, 0.025);
    ret->high = quantile(p, EXPONENTS, false, 0.975);
    ret->left_low = quantile(p, EXPONENTS, true, 0.025);
    ret->left_high = quantile(p, EXPONENTS, true, 0.975);
    return KT_OK;
}
