/* Where models trained on bags of the labels disagree: the mean divergence of a member's row from the mean row (McCallum and Nigam 1998), in
   nats. */
#include "algo/learn/select.h"

#include <math.h>

static void scores(const kt_select_data *d, uint64_t seed, kt_pool *pool, double *ret)
{
    (void)seed;
    (void)pool;
    uint32_t k = d->n_labels, m = d->n_members;
    for (size_t i = 0; i < d->n_items; i++) {
        ret[i] = 0;
        for (uint32_t c = 0; c < k; c++) {
            double mean = 0;
            for (uint32_t j = 0; j < m; j++)
                mean += (double)d->committee[(j * d->n_items + i) * k + c] / m;
            for (uint32_t j = 0; j < m; j++) {
                double p = (double)d->committee[(j * d->n_items + i) * k + c];
                ret[i] += p > 0 ? p * log(p / mean) / m : 0;
            }
        }
    }
}

const kt_selector kt_select_committee = {
    .name = "committee", .help = "where models trained on bags of the labels, and the labeling functions, disagree", .needs = KT_SELECT_COMMITTEE,
    .scores = scores,
};
