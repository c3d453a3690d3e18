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

/* The rest spread evenly is the most entropy a row with this top can have. */
static double bound(double top, uint32_t n_labels)
{
    double rest = (1 - top) / (n_labels - 1);
    return top * n_labels <= 1 || top >= 1 ? log(n_labels) + 1e-6 : -top * log(top) - (1 - top) * log(rest) + 1e-6;
}

const kt_selector kt_select_entropy = {
    .name = "entropy", .help = "most uncertain over all labels",
    .score = score, .bound = bound,
};
