/* The smaller the lead of the first label over the second, the sooner (Scheffer, Decomain, Wrobel 2001). */
#include "algo/learn/select.h"

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

static float bound(const float *p, uint32_t n_labels)
{
    float first = 0, second = 0;
    for (uint32_t c = 0; c < n_labels; c++) {
        second = KT_MAX(second, KT_MIN(first, p[c]));
        first = KT_MAX(first, p[c]);
    }
    return 1 - (first - second) + 1e-5f;
}

const kt_selector kt_select_margin = {
    .name = "margin", .help = "smallest lead of the first label over the second",
    .score = score, .bound = bound,
};
