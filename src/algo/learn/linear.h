/* A linear text classifier on sparse rows: a support vector machine per label and multinomial naive Bayes, added up in the proportion that
   predicts best out of fold, as probabilities; with help from unlabelled rows when labels are few. */
#ifndef KT_ALGO_LINEAR_H
#define KT_ALGO_LINEAR_H

#include "algo/learn/text_features.h"
#include "base/arena.h"
#include "base/buf.h"

typedef struct kt_linear {
    uint32_t n_labels, bits, n_seen; /* bits: of the features it was trained on */
    uint32_t room;    /* features weight has room for, >= n_seen */
    uint32_t *row_of; /* 2^bits: row of weight + 1; 0: a feature that never occurred in training */
    float *weight;    /* n_seen × n_labels */
    float *bias;      /* n_labels */
    int16_t *packed;  /* the weights as 16-bit fractions, for predicting (half the memory to read); NULL: they are few, or learned online since */
    size_t packed_bytes;    /* from one row of it to the next */
    void *packed_memory;
    float *unit;            /* n_labels: one step of a fraction */
} kt_linear;

typedef struct kt_linear_data {
    const kt_features *x;         /* weighted and normalised rows */
    uint32_t n_labels;            /* >= 2 */
    const int32_t *label;         /* n_rows, or NULL when soft is given; a negative label leaves its row out */
    const float *soft;            /* n_rows × n_labels, rows sum to 1 (a row of zeros is left out), or NULL */
    const float *row_weight;      /* n_rows, >= 0 (0 leaves the row out), or NULL: all 1 */
    const uint8_t *judged;        /* n_rows: 1 = its label may be held back to choose the blend (people's answers), or NULL: all may */
    const uint64_t *group;        /* n_rows: rows of one number, but 0, are held back together, or NULL */
    const kt_features *unlabeled; /* rows of the pool, or NULL; x itself: its rows without a label */
} kt_linear_data;

typedef struct kt_linear_options {
    uint32_t bits;        /* of the features */
    double cost;          /* of a row's loss against the penalty |w|² / 2; 0: 1 */
    uint32_t epochs;      /* 0: 8, which is as good as converged */
    double prior_weight;  /* total weight of the unlabelled rows relative to the labelled ones; < 0: 0, 1 or 3, chosen; 0: none */
    size_t max_unlabeled; /* more rows than these are thinned out evenly; 0: all take part */
    uint64_t seed;
    bool machine_only;    /* without naive Bayes, for features that are no counts (they may be negative) */
} kt_linear_options;

#define KT_LINEAR_OPTIONS_INIT { 18, 0, 0, -1, 4000, 1, false }

/* Trains on the rows with a label; a soft row is the noise-aware loss: the expected loss under its distribution. Unlabelled rows, if any,
   get posteriors from naive Bayes refined by EM (Nigam, McCallum, Thrun, Mitchell 2000) and join as soft rows of low weight. Same result
   for any number of threads. Caller frees *ret by kt_linear_done. KT_RANGE when a label is >= n_labels or no row has a label. */
kt_rc kt_linear_fit(const kt_linear_data *d, const kt_linear_options *o, kt_pool *pool, kt_linear *ret,
                    kt_err *err) KT_MUST_USE;
void kt_linear_done(kt_linear *m);

/* Out-of-fold probabilities: each row with a label is predicted by a model that was trained without its fold (for calibration and for
   finding wrong labels). ret_prob: n_rows × n_labels; rows without a label are zeros. Folds as in folds.h, by group.
   KT_RANGE also when all rows with a label fall into one fold. */
kt_rc kt_linear_cross(const kt_linear_data *d, const kt_linear_options *o, uint32_t folds, kt_pool *pool, float *ret_prob,
                      kt_err *err) KT_MUST_USE;

/* Learns one more label at once (microseconds): a step of the size that a row needs to be predicted with a lead of margin 1 (Crammer et
   al. 2006, "Online passive-aggressive algorithms", PA-II), features not seen so far included. To be followed by a new fit in time. */
void kt_linear_update(kt_linear *m, const kt_features *x, size_t row, uint32_t label);

/* ret_prob: n_rows × n_labels, rows sum to 1. */
void kt_linear_predict(const kt_linear *m, const kt_features *x, kt_pool *pool, float *ret_prob);
/* The k likeliest labels of each row, likeliest first, ties to the smaller label; both n_rows × k; k <= n_labels. */
void kt_linear_top(const kt_linear *m, const kt_features *x, uint32_t k, kt_pool *pool, uint16_t *ret_label,
                   float *ret_prob);

/* Why a label: an n-gram of the text and what it adds to the label's score, less (where labels are rivals) what it adds to the mean of all. */
typedef struct kt_reason {
    kt_str gram;   /* in the text, or (character n-grams) in arena */
    float adds;    /* in log odds: contributions and the label's bias make up the score the softmax takes */
} kt_reason;
/* The n-grams of one text that speak for (adds > 0) or against the label, strongest first; at most max, *ret_n of them. o and idf
   as the model was trained with. Features that two n-grams of the text share are named by the first. KT_RANGE as for kt_features_make. */
kt_rc kt_linear_explain(const kt_linear *m, kt_str text, const kt_features_options *o, const kt_idf *idf, uint32_t label, size_t max,
                        bool rivals, kt_arena *a, kt_reason *ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

/* Appends the model: only features seen, weights as 16-bit fractions of each label's largest. A model that was just
   trained has been rounded the same way, so it predicts the same after reading back. */
void kt_linear_bytes(const kt_linear *m, kt_buf *ret);
/* KT_CORRUPT when the bytes are no such model; *ret owns its memory. */
kt_rc kt_linear_from_bytes(kt_str bytes, kt_linear *ret, kt_err *err) KT_MUST_USE;

#endif
