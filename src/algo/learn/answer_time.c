#include "algo/learn/answer_time.h"

#include <math.h>

#define ROUNDS 60
#define NARROW 0.5 /* errors of the logarithm up to here count whole */
#define LEAST_BASE 0.2
#define FASTEST 0.3

struct sums {
    double w, x, xx, y, xy;
};

/* An answer that took y where t expects e counts by the error of its logarithm: to first order e (1 + log(y / e)) with weight 1 / e². */
static void add(struct sums *s, const kt_answer_time *t, double count, double x, double y)
{
    double e = t->base + t->per_char * x, off = log(y / e), to = KT_MAX(e * (1 + off), 0);
    double weight = count * (fabs(off) > NARROW ? NARROW / fabs(off) : 1) / (e * e);
    s->w += weight;
    s->x += weight * x;
    s->xx += weight * x * x;
    s->y += weight * to;
    s->xy += weight * x * to;
}

static kt_answer_time solve(const struct sums *s)
{
    double det = s->w * s->xx - s->x * s->x;
    kt_answer_time t = { 0, det > 0 ? (s->w * s->xy - s->x * s->y) / det : 0 };
    t.per_char = t.per_char > 0 ? t.per_char : 0;
    t.base = (s->y - t.per_char * s->x) / s->w;
    if (t.base < LEAST_BASE) {
        t.base = LEAST_BASE;
        t.per_char = s->xx > 0 ? KT_MAX((s->xy - t.base * s->x) / s->xx, 0) : 0;
    }
    return t;
}

kt_answer_time kt_answer_time_fit(const float *chars, const float *seconds, size_t n)
{
    const kt_answer_time prior = KT_ANSWER_TIME_INIT;
    kt_answer_time t = prior;
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)chars[i] / (double)n;
    for (int round = 0; round < ROUNDS && n; round++) {
        struct sums s = { 0 };
        for (int side = 0; side < 2; side++) /* the prior's answers: half of them on nothing to read, half on twice the mean */
            add(&s, &t, KT_ANSWER_TIME_PRIOR / 2.0, side * 2 * mean, prior.base + prior.per_char * side * 2 * mean);
        for (size_t i = 0; i < n; i++)
            if ((double)seconds[i] >= FASTEST)
                add(&s, &t, 1, (double)chars[i], (double)seconds[i]);
        t = solve(&s);
    }
    return t;
}
