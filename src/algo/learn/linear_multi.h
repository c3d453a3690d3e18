/* The linear classifier where an item may have any number of labels, none included. */
#ifndef KT_ALGO_LINEAR_MULTI_H
#define KT_ALGO_LINEAR_MULTI_H

#include "algo/learn/linear.h"

/* One machine per label (linear_int.h), and one logistic curve that makes probabilities of margins, fitted on rows held back (Platt 1999).
   has: n_rows × n_labels, how far the row has the label, 0..1 (a probability is the noise-aware loss). Of the options, bits, cost, epochs
   and seed count. Same result for any number of threads. Caller frees *ret by kt_linear_done. KT_RANGE for a share outside 0..1, no labels
   or no rows. */
kt_rc kt_linear_multi_fit(const kt_features *x, uint32_t n_labels, const float *has, const kt_linear_options *o, kt_pool *pool, kt_linear *ret,
                          kt_err *err) KT_MUST_USE;

/* ret_prob: n_rows × n_labels, each label's own probability; rows need not sum to 1. */
void kt_linear_multi_predict(const kt_linear *m, const kt_features *x, kt_pool *pool, float *ret_prob);

#endif
