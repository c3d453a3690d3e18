/* A linear text classifier: multinomial logistic regression on sparse rows, trained by stochastic gradient steps
   that shrink to nothing, with help from unlabelled rows when labels are few. */
#ifndef KT_ALGO_LINEAR_H
#define KT_ALGO_LINEAR_H

#include "algo/text_features.h"
#include "base/buf.h"

typedef struct kt_linear {
    uint32_t n_labels, bits, n_seen; /* bits: of the features it was trained on */
    uint32_t *row_of; /* 2^bits: row of weight + 1; 0: a feature that never occurred in training */
    float *weight;    /* n_seen × n_labels */
    float *bias;      /* n_labels */
} kt_linear;

typedef struct kt_linear_data {
    const kt_features *x;         /* weighted and normalised rows */
    uint32_t n_labels;            /* >= 2 */
    const int32_t *label;         /* n_rows, or NULL when soft is given; a negative label leaves its row out */
    const float *soft;            /* n_rows × n_labels, rows sum to 1 (a row of zeros is left out), or NULL */
    const float *row_weight;      /* n_rows, >= 0, or NULL: all 1 */
    const kt_features *unlabeled; /* rows of the pool, or NULL */
} kt_linear_data;

typedef struct kt_linear_options {
    uint32_t bits;        /* of the features */
    double l2;            /* penalty: l2 / 2 × |w|^2 per row of training; 0: chosen from the number of rows */
    uint32_t epochs;      /* 0: chosen from the number of rows */
    double prior_weight;  /* total weight of the unlabelled rows relative to the labelled ones; < 0: chosen; 0: none */
    uint64_t seed;
} kt_linear_options;

#define KT_LINEAR_OPTIONS_INIT { 18, 0, 0, -1, 1 }

/* Trains on the rows with a label. Unlabelled rows, if any, get posteriors from multinomial naive Bayes refined by EM
   (Nigam, McCallum, Thrun, Mitchell 2000) and join as soft rows of low weight. Same result for any number of threads.
   Caller frees *ret by kt_linear_done. KT_RANGE when a label is >= n_labels or no row has a label. */
kt_rc kt_linear_fit(const kt_linear_data *d, const kt_linear_options *o, kt_pool *pool, kt_linear *ret,
                    kt_err *err) KT_MUST_USE;
void kt_linear_done(kt_linear *m);

/* ret_prob: n_rows × n_labels, rows sum to 1. */
void kt_linear_predict(const kt_linear *m, const kt_features *x, kt_pool *pool, float *ret_prob);
/* The k likeliest labels of each row, likeliest first, ties to the smaller label; both n_rows × k; k <= n_labels. */
void kt_linear_top(const kt_linear *m, const kt_features *x, uint32_t k, kt_pool *pool, uint16_t *ret_label,
                   float *ret_prob);

/* Appends the model: only features seen, weights as 16-bit fractions of each label's largest. A model that was just
   trained has been rounded the same way, so it predicts the same after reading back. */
void kt_linear_bytes(const kt_linear *m, kt_buf *ret);
/* KT_CORRUPT when the bytes are no such model; *ret owns its memory. */
kt_rc kt_linear_from_bytes(kt_str bytes, kt_linear *ret, kt_err *err) KT_MUST_USE;

#endif
