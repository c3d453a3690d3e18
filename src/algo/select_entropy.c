/* Shannon entropy of the row, in nats (Settles 2009, section 3.1). */
#include "algo/select.h"

#include <math.h>

static double score(const double *p, uint32_t n_labels, uint64_t key)
{
    (void)key;
    double h = 0;
    for (uint32_t c = 0; c < n_labels; c++)
        h -= p[c] > 0 ? p[c] * log(p[c]) : 0;
    return h;
}

const kt_selector kt_select_entropy = { "entropy", "most uncertain over all labels", score };
