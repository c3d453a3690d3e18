/* A uniform draw: what every strategy is compared with. The file to copy for a new selector. */
#include "algo/learn/select.h"

static double score(const double *p, uint32_t n_labels, uint64_t key)
{
    (void)p;
    (void)n_labels;
    return (double)(key >> 11) * 0x1p-53;
}

const kt_selector kt_select_random = {
    .name = "random", .help = "a uniform draw",
    .score = score,
};
