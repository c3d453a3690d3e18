/* Share of pairs of votes on the same item that agree. */
#include "algo/agree.h"

#include <math.h>

struct sums {
    double same, pairs;
    uint32_t n_labels;
};

static void add(void *ctx, const uint32_t *count, uint32_t n)
{
    struct sums *s = ctx;
    for (uint32_t c = 0; c < s->n_labels; c++)
        s->same += 0.5 * count[c] * (count[c] - 1.0);
    s->pairs += 0.5 * n * (n - 1.0);
}

static double measure(const kt_votes *v)
{
    struct sums s = { .n_labels = v->n_labels };
    kt_agree_counts(v, add, &s);
    return s.pairs > 0 ? s.same / s.pairs : NAN;
}

const kt_agreement kt_agree_percent = { "percent", "share of pairs of votes that agree", measure };
