/* Uncertain, and likely of a label that has few answers: one less the lead, times the expected 1 / sqrt(1 + answers of the label). Keeps rare
   labels from being starved (in the spirit of Ertekin, Huang, Bottou, Giles 2007). */
#include "algo/learn/select.h"

#include <math.h>

static void scores(const kt_select_data *d, uint64_t seed, kt_pool *pool, double *ret)
{
    (void)seed;
    (void)pool;
    for (size_t i = 0; i < d->n_items; i++) {
        const float *p = d->prob + i * d->n_labels;
        double rare = 0;
        for (uint32_t c = 0; c < d->n_labels; c++)
            rare += (double)p[c] / sqrt(1 + d->n_of_label[c]);
        ret[i] = kt_select_unsure(p, d->n_labels) * rare;
    }
}

const kt_selector kt_select_balanced = {
    .name = "balanced", .help = "smallest lead, labels with few answers first", .needs = KT_SELECT_COUNTS,
    .scores = scores,
};
