/* Between errors_labels.c and errors_prune.c. */
#ifndef KT_ALGO_ERRORS_INT_H
#define KT_ALGO_ERRORS_INT_H

#include "algo/errors/errors.h"

#define KT_PROB_EPS 1e-6          /* slack of thresholds and ties, cleanlab's */
#define KT_CLEARLY_LIKELIEST 0.51 /* above it no other label can be as likely: rows sum to at most 1.01 */

/* Row i as doubles; buf holds n_labels where they have to be converted. */
static inline const double *kt_probs_row(const kt_label_probs *d, size_t i, double *buf)
{
    const void *row = (const char *)d->prob + i * d->row_stride;
    if (!d->floats)
        return row;
    for (uint32_t k = 0; k < d->n_labels; k++)
        buf[k] = (double)((const float *)row)[k];
    return buf;
}

/* The label is the likeliest, or short of it by no more than rounding; a tie goes to the lower label. */
static inline bool kt_probs_likeliest(const double *p, uint32_t label, uint32_t k)
{
    double mine = p[label] + KT_PROB_EPS;
    bool best = true;
    if (p[label] > KT_CLEARLY_LIKELIEST)
        return true;
    for (uint32_t c = 0; c < label; c++)
        best &= p[c] < mine;
    for (uint32_t c = label + 1; c < k; c++)
        best &= p[c] <= mine;
    return best;
}

/* Rounds n numbers, stride apart, half to even, then moves as few as it takes to keep their sum: those of largest error. */
void kt_round_keeping_sum(const double *x, size_t n, size_t stride, int64_t *ret);
/* The filters that prune by the joint; returns how many suspects. */
size_t kt_confident_prune(const kt_label_probs *d, const kt_confident *c, kt_error_filter f, kt_pool *pool, uint8_t *ret_issue);

#endif
