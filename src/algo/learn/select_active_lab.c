/* A new item or one more answer to an old one: ActiveLab (Goh and Mueller 2023) with equally good people. How sure the consensus is weighs
   the model's probability of it, every answer (right with chance RIGHT) and an even prior; the least sure come first. An item without an
   answer stands by the model's own label. A model counts as MODEL answers, the prior as one. */
#include "algo/learn/select.h"

static const double RIGHT = 0.85, MODEL = 1;

static void scores(const kt_select_data *d, uint64_t seed, kt_pool *pool, double *ret)
{
    (void)seed;
    (void)pool;
    for (size_t i = 0; i < d->n_items; i++) {
        const float *p = d->prob + i * d->n_labels;
        uint32_t best = 0;
        for (uint32_t c = 1; c < d->n_labels; c++)
            best = p[c] > p[best] ? c : best;
        double n = d->label[i] >= 0 ? d->n_answers[i] : 0, believed = (double)p[d->label[i] >= 0 ? (uint32_t)d->label[i] : best];
        ret[i] = 1 - (MODEL * believed + n * RIGHT + 1.0 / d->n_labels) / (MODEL + n + 1);
    }
}

const kt_selector kt_select_active_lab = {
    .name = "active_lab", .help = "a new item or one more answer to an old one, whichever is less sure", .needs = KT_SELECT_ANSWERS,
    .scores = scores,
};
