/* One minus the likeliest label's probability (Lewis and Gale 1994). */
#include "algo/learn/select.h"

static double score(const double *p, uint32_t n_labels, uint64_t key)
{
    (void)key;
    double top = 0;
    for (uint32_t c = 0; c < n_labels; c++)
        top = KT_MAX(top, p[c]);
    return 1 - top;
}

static float bound(const float *p, uint32_t n_labels)
{
    float top = 0;
    for (uint32_t c = 0; c < n_labels; c++)
        top = KT_MAX(top, p[c]);
    return 1 - top + 1e-5f;
}

const kt_selector kt_select_least_confidence = {
    .name = "least_confidence", .help = "least sure of its likeliest label",
    .score = score, .bound = bound,
};
