/* Approximate expected error reduction (after Roy and McCallum 2001): a label is taken to lower the uncertainty of every item in proportion
   to its cosine to the labelled one, and to its own uncertainty; so the fall expected from item i is u_i times the sum of cos(i, j) u_j
   over the pool, with u one less the lead. Linear in the pool, where training a model for each answer is not. */
#include "algo/learn/select.h"
#include "base/mem.h"

static void scores(const kt_select_data *d, uint64_t seed, kt_pool *pool, double *ret)
{
    (void)seed;
    (void)pool;
    double *unsure = kt_alloc_array(d->n_items + 1, sizeof(*unsure));
    for (size_t i = 0; i < d->n_items; i++)
        unsure[i] = kt_select_unsure(d->prob + i * d->n_labels, d->n_labels);
    kt_features_near(d->x, unsure, ret);
    for (size_t i = 0; i < d->n_items; i++)
        ret[i] *= unsure[i];
    kt_free(unsure);
}

const kt_selector kt_select_expected_error = {
    .name = "expected_error", .help = "largest expected fall of uncertainty over the pool, approximated", .needs = KT_SELECT_X,
    .scores = scores,
};
