/* Uncertain and typical: one less the lead, times the mean cosine to the whole pool (Settles and Craven 2008, information density). */
#include "algo/learn/select.h"
#include "base/mem.h"

static void scores(const kt_select_data *d, uint64_t seed, kt_pool *pool, double *ret)
{
    (void)seed;
    (void)pool;
    double *near = kt_alloc_array(d->n_items + 1, sizeof(*near));
    kt_features_near(d->x, NULL, near);
    for (size_t i = 0; i < d->n_items; i++)
        ret[i] = kt_select_unsure(d->prob + i * d->n_labels, d->n_labels) * near[i];
    kt_free(near);
}

const kt_selector kt_select_density = {
    .name = "density", .help = "smallest lead, and like many other items", .needs = KT_SELECT_X,
    .scores = scores,
};
