/* Shannon entropy of the row, in nats (Settles 2009, section 3.1). */
#include "algo/learn/select.h"

#include <math.h>

static double score(const double *p, uint32_t n_labels, uint64_t key)
{
    (void)key;
    double h = 0;
    for (uint32_t c = 0; c < n_labels; c++)
        h -= p[c] > 0 ? p[c] * log(p[c]) : 0;
    return h;
}

/* By Pinsker's inequality: ln k less half the squared distance, in sums of absolute differences, from the even row. */
static float bound(const float *p, uint32_t n_labels)
{
    float even = 1 / (float)n_labels, far = 0;
    for (uint32_t c = 0; c < n_labels; c++)
        far += fabsf(p[c] - even);
    return logf((float)n_labels) - far * far / 2 + 1e-5f;
}

const kt_selector kt_select_entropy = {
    .name = "entropy", .help = "most uncertain over all labels",
    .score = score, .bound = bound,
};
