/* The linear classifier where an item may have any number of labels, none included. */
#ifndef KT_ALGO_LINEAR_MULTI_H
#define KT_ALGO_LINEAR_MULTI_H

#include "algo/learn/linear.h"

/* One machine per label (linear_int.h), and one logistic curve that makes probabilities of margins, fitted on rows held back (Platt 1999).
   has: n_rows × n_labels, how far the row has the label, 0..1 (a probability is the noise-aware loss); group: as in folds.h, or NULL. Of the
   options, bits, cost, epochs and seed count. Same result for any number of threads. Caller frees *ret by kt_linear_done. KT_RANGE for a
   share outside 0..1, no labels or no rows. */
kt_rc kt_linear_multi_fit(const kt_features *x, uint32_t n_labels, const float *has, const uint64_t *group, const kt_linear_options *o,
                          kt_pool *pool, kt_linear *ret, kt_err *err) KT_MUST_USE;
/* Each label's own probability for every row, from machines that did not see its fold: n_rows × n_labels. The two numbers of the curve are
   fitted to all folds together. */
kt_rc kt_linear_multi_cross(const kt_features *x, uint32_t n_labels, const float *has, const uint64_t *group, const kt_linear_options *o,
                            uint32_t folds, kt_pool *pool, float *ret_prob, kt_err *err) KT_MUST_USE;
/* The same of rows that do not all count alike. Of d, x, n_labels, soft (as has above), row_weight, judged and group count: a row of weight 0 is left
   out, and the curve is fitted to the judged ones alone. The second writes the rows that take part. KT_RANGE also when none does. */
kt_rc kt_linear_multi_fit_rows(const kt_linear_data *d, const kt_linear_options *o, kt_pool *pool, kt_linear *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_linear_multi_cross_rows(const kt_linear_data *d, const kt_linear_options *o, uint32_t folds, kt_pool *pool, float *ret_prob, kt_err *err) KT_MUST_USE;
/* Learns one more row at once, as kt_linear_update: has n_labels, above 1/2 says that the row has the label. */
void kt_linear_multi_update(kt_linear *m, const kt_features *x, size_t row, const float *has);

/* ret_prob: n_rows × n_labels, each label's own probability; rows need not sum to 1. */
void kt_linear_multi_predict(const kt_linear *m, const kt_features *x, kt_pool *pool, float *ret_prob);

#endif
