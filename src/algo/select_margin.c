/* The smaller the lead of the first label over the second, the sooner (Scheffer, Decomain, Wrobel 2001). */
#include "algo/select.h"

static double score(const double *p, uint32_t n_labels, uint64_t key)
{
    (void)key;
    double first = -1, second = -1;
    for (uint32_t c = 0; c < n_labels; c++)
        if (p[c] > first) {
            second = first;
            first = p[c];
        } else if (p[c] > second) {
            second = p[c];
        }
    return 1 - (first - second);
}

const kt_selector kt_select_margin = { "margin", "smallest lead of the first label over the second", score };
