/* The set {m : prior(m) / posterior(m) < 1 / delta} without its sums: by Bayes' rule the ratio is
   marginal(answers) / P_m(answers), where the marginal is a beta function and P_m the chance of these answers, in this order, among N
   items of which m are wrong. P_m rises to its top near N times the share seen and falls again, so the set is an interval and its ends are
   found by halving. */
#include "algo/route/confidence.h"

#include <math.h>

#define PRIOR 0.5
enum { HALVINGS = 60 };

static double lgamma_of(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

static double log_beta(double a, double b)
{
    return lgamma_of(a) + lgamma_of(b) - lgamma_of(a + b);
}

/* log of x (x - 1) … (x - k + 1). */
static double log_falling(double x, double k)
{
    return lgamma_of(x + 1) - lgamma_of(x - k + 1);
}

/* log of the chance of the answers when m of size are wrong (when a share m is, without end), but for what does not depend on m. */
static double log_chance(const kt_confidence *c, double m)
{
    double s = (double)c->wrong, f = (double)(c->n - c->wrong), n = (double)c->size;
    if (c->size == 0)
        return (s > 0 ? s * log(m) : 0) + (f > 0 ? f * log1p(-m) : 0);
    if (m < s || n - m < f)
        return -INFINITY;
    return log_falling(m, s) + log_falling(n - m, f);
}

/* What log_chance of a value that is still possible exceeds. */
static double least_chance(const kt_confidence *c)
{
    double marginal = log_beta(PRIOR + (double)c->wrong, PRIOR + (double)(c->n - c->wrong)) - log_beta(PRIOR, PRIOR);
    return marginal + log(c->delta) + (c->size ? log_falling((double)c->size, (double)c->n) : 0);
}

/* The last possible value on the way from inside to outside; whole numbers for a finite batch. */
static double border(const kt_confidence *c, double least, double inside, double outside)
{
    if (log_chance(c, outside) > least)
        return outside;
    for (int i = 0; i < HALVINGS; i++) {
        double mid = (inside + outside) / 2;
        if (c->size)
            mid = inside < outside ? floor(mid) : ceil(mid);
        if (mid == inside || mid == outside)
            break;
        if (log_chance(c, mid) > least)
            inside = mid;
        else
            outside = mid;
    }
    return inside;
}

kt_rc kt_confidence_begin(uint64_t size, double delta, kt_confidence *ret, kt_err *err)
{
    if (!(delta > 0 && delta < 1))
        return kt_fail(err, KT_RANGE, "delta %g is outside (0, 1)", delta);
    *ret = (kt_confidence){ .size = size, .delta = delta, .high = 1 };
    return 0;
}

kt_rc kt_confidence_add(kt_confidence *c, bool wrong, kt_err *err)
{
    if (c->size && c->n >= c->size)
        return kt_fail(err, KT_RANGE, "answer %llu of a batch of %llu items", (unsigned long long)c->n + 1, (unsigned long long)c->size);
    c->n++;
    c->wrong += wrong;
    double scale = c->size ? (double)c->size : 1, s = (double)c->wrong;
    double top = c->size ? KT_MIN(KT_MAX(rint(scale * s / (double)c->n), s), scale - (double)(c->n - c->wrong)) : s / (double)c->n;
    double first = c->size ? s : 0, last = c->size ? scale - (double)(c->n - c->wrong) : 1, least = least_chance(c);
    c->low = KT_MAX(c->low, border(c, least, top, first) / scale);
    c->high = KT_MIN(c->high, border(c, least, top, last) / scale);
    return 0;
}
