/* Inside of the linear classifier: the rows it learns from and the two learners that are added up. */
#ifndef KT_ALGO_LINEAR_INT_H
#define KT_ALGO_LINEAR_INT_H

#include "algo/learn/linear.h"
#include "base/mem.h"

/* One row of training: entries of x, and a target as either a label or a distribution over labels. */
typedef struct kt_example {
    const kt_features *x;
    size_t row;
    const float *soft; /* n_labels, or NULL: label */
    int32_t label;
    float weight;      /* > 0 */
    bool judged;       /* may be held back to choose the blend */
    uint64_t group;    /* held back with others of its number; 0: alone */
} kt_example;

typedef KT_VEC(kt_example) kt_examples;

/* Examples with the features they hold numbered 0 .. n_features - 1 in order of first appearance. */
typedef struct kt_train_rows {
    const kt_example *of; /* n */
    size_t n;
    size_t *start;        /* n + 1 */
    uint32_t *feature;
    float *value;
    uint32_t n_features, n_labels;
} kt_train_rows;

/* row_of: 2^bits, number + 1 of each feature, extended by those that are new; *n_features counts them. */
void kt_train_rows_init(const kt_example *e, size_t n, uint32_t n_labels, uint32_t *row_of, uint32_t *n_features, kt_train_rows *ret);
void kt_train_rows_done(kt_train_rows *r);

/* One-vs-rest squared hinge, l2-regularised: minimises |w_c|²/2 + cost × Σ weight × (p (1 - z)²₊ + (1 - p) (1 + z)²₊) for each label c,
   where z is the row's margin and p its share of c; for hard labels the L2-loss machine of Hsieh, Chang, Lin, Keerthi and Sundararajan
   (2008), "A dual coordinate descent method for large-scale linear SVM". skip: n, true leaves a row out, or NULL.
   weight: n_features × n_labels, bias: n_labels. */
void kt_linear_descend(const kt_train_rows *r, const uint8_t *skip, double cost, uint32_t epochs, uint64_t seed, kt_pool *pool, float *weight,
                       float *bias);

/* Multinomial naive Bayes on fractional counts, smoothed by KT_LINEAR_ALPHA: weight becomes the log share of each feature in each label, bias
   the log share of the label, both less their mean over labels (which cancels in the softmax, and keeps single precision exact enough). */
void kt_linear_bayes(const kt_train_rows *r, const uint8_t *skip, float *weight, float *bias);

/* Posteriors of the rows from n_labeled on, by naive Bayes fitted to the rows before (skip leaves some out) and refined by EM over all.
   Reads and writes soft, which is where those rows' soft points. weight, bias: working space. */
void kt_linear_spread(const kt_train_rows *r, size_t n_labeled, const uint8_t *skip, kt_pool *pool, float *weight, float *bias, float *soft);

/* z += sharp × x · weight for the entries of row i. */
void kt_train_rows_scores(const kt_train_rows *r, size_t i, const float *weight, float sharp, float *z);

/* z += x · weight; features not seen in training add nothing. */
void kt_linear_scores(const kt_linear *m, const kt_features *x, size_t row, float *z);

void kt_linear_softmax(float *z, uint32_t k);

/* Rounds weights to what kt_linear_bytes keeps. */
void kt_linear_round(kt_linear *m);
/* Keeps the rounded weights in 16 bits too, where there are so many that reading them is what predicting takes. To be called when they stay
   as they are; whoever changes them calls kt_linear_unpack, as kt_linear_feature does. */
void kt_linear_pack(kt_linear *m);
void kt_linear_unpack(kt_linear *m);

/* kt_linear_cross by another way of fitting. */
typedef kt_rc kt_linear_fit_fn(const kt_linear_data *d, const void *ctx, const kt_linear_options *o, kt_pool *pool, kt_linear *ret, kt_err *err);
kt_rc kt_linear_cross_by(const kt_linear_data *d, kt_linear_fit_fn *fit_fn, const void *ctx, const kt_linear_options *o, uint32_t folds,
                         kt_pool *pool, float *ret_prob, kt_err *err) KT_MUST_USE;

/* Number + 1 of a feature, a new one with weights of 0 if need be; may move the weights. */
uint32_t kt_linear_feature(kt_linear *m, uint32_t index);

/* How the logits are made: machine × z_machine + bayes × z_bayes, both trained with unlabelled rows that are together as heavy as `share`
   times the labelled ones. */
typedef struct kt_linear_blend {
    float machine, bayes, share;
} kt_linear_blend;
/* The blend of the least log loss out of fold on (a sample of) the first n_labeled rows; the others are unlabelled. share: the one to use,
   or < 0: chosen as well. */
kt_linear_blend kt_linear_blend_choose(const kt_train_rows *r, size_t n_labeled, double share, const kt_linear_options *o, kt_pool *pool);

extern const float KT_LINEAR_ALPHA;

#endif
