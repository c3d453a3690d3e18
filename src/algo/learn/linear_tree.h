/* The linear classifier where labels lie below each other: card > card payment > declined. */
#ifndef KT_ALGO_LINEAR_TREE_H
#define KT_ALGO_LINEAR_TREE_H

#include "algo/learn/linear.h"

enum { KT_TREE_MAX_DEPTH = 8 };

/* parent: n_labels, the label above, -1 at the top. KT_RANGE: no such label, a circle, deeper than KT_TREE_MAX_DEPTH. */
kt_rc kt_tree_check(const int32_t *parent, uint32_t n_labels, kt_err *err) KT_MUST_USE;

/* Shrinkage in a hierarchy (McCallum, Rosenfeld, Mitchell, Ng 1998), for discriminative models: a classifier for each level of the tree (labels
   deeper than the level stand for their ancestor there) and a flat one; the score of a label is a sum over its path, in the proportion of
   the least log loss on held-back rows, which may be the flat one alone. Since all are linear in the same features, what comes out is one
   model over all labels, to be predicted, explained, updated and kept like any other. d->label (or soft) may name inner labels
   too. Rows that may not be held back (judged) are not. Costs twice a flat training for each level. Caller frees *ret by kt_linear_done. */
kt_rc kt_linear_tree_fit(const kt_linear_data *d, const int32_t *parent, const kt_linear_options *o, kt_pool *pool, kt_linear *ret,
                         kt_err *err) KT_MUST_USE;
kt_rc kt_linear_tree_cross(const kt_linear_data *d, const int32_t *parent, const kt_linear_options *o, uint32_t folds, kt_pool *pool,
                           float *ret_prob, kt_err *err) KT_MUST_USE;

/* Parents by names that are paths, "animal/dog" below "animal". Paths on the way that are no label themselves get numbers from n_labels on;
   *ret: an array of *ret_n (>= n_labels), freed by kt_free. */
void kt_tree_of_paths(const kt_str *label, uint32_t n_labels, int32_t **ret, uint32_t *ret_n);
/* Leaves the model its first n_labels labels. */
void kt_linear_keep_labels(kt_linear *m, uint32_t n_labels);

/* Adds to the probability of every label those of all labels below it, so that a parent's is at least its children's sum. prob: n_rows ×
   n_labels of kt_linear_predict, in place. */
void kt_tree_sums(const int32_t *parent, uint32_t n_labels, size_t n_rows, float *prob);

#endif
