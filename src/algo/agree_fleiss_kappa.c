/* Fleiss (1971), with any number of votes per item (at least two): P_i = Σ n_ij (n_ij - 1) / (n_i (n_i - 1)), mean over
   items; p_j over all votes of those items; kappa = (P - Σ p_j²) / (1 - Σ p_j²). */
#include "algo/agree.h"

#include "base/mem.h"

#include <math.h>

struct sums {
    double agree, items, votes, *label;
    uint32_t n_labels;
};

static void add(void *ctx, const uint32_t *count, uint32_t n)
{
    struct sums *s = ctx;
    if (n < 2)
        return;
    double same = 0;
    for (uint32_t c = 0; c < s->n_labels; c++) {
        same += count[c] * (count[c] - 1.0);
        s->label[c] += count[c];
    }
    s->agree += same / (n * (n - 1.0));
    s->items++;
    s->votes += n;
}

static double measure(const kt_votes *v)
{
    struct sums s = { .n_labels = v->n_labels, .label = kt_zalloc_array(v->n_labels, sizeof(double)) };
    kt_agree_counts(v, add, &s);
    double chance = 0;
    for (uint32_t c = 0; c < v->n_labels; c++)
        chance += s.label[c] * s.label[c] / (s.votes * s.votes);
    kt_free(s.label);
    if (s.items == 0 || chance >= 1)
        return NAN;
    return (s.agree / s.items - chance) / (1 - chance);
}

const kt_agreement kt_agree_fleiss_kappa = { "fleiss_kappa", "chance-corrected agreement of many sources (Fleiss 1971)", measure };
