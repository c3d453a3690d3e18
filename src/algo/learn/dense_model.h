/* A linear classifier on rows of numbers: embeddings, or features of pictures and sounds. Columns are brought to one scale; rows then go
   through the same machines as words do (linear.h). */
#ifndef KT_ALGO_DENSE_MODEL_H
#define KT_ALGO_DENSE_MODEL_H

#include "algo/learn/linear.h"
#include "algo/stats_options.h"

enum { KT_DENSE_MAX_COLUMNS = 1 << 20 };

typedef struct kt_dense_model {
    uint32_t d;
    float *mean, *scale; /* d: (x - mean) × scale is what the machine sees */
    kt_linear linear;
} kt_dense_model;

typedef struct kt_dense_data {
    const float *x;        /* n × d */
    size_t n;
    uint32_t d, n_labels;
    const int32_t *label;  /* n, -1: none */
    const uint64_t *group; /* n, as in folds.h, or NULL */
} kt_dense_data;

typedef struct kt_dense_options {
    double cost;     /* of a row's loss; 0: 1 */
    uint32_t epochs; /* 0: 8 */
    uint64_t seed;
} kt_dense_options;

#define KT_DENSE_OPTIONS_INIT { 1, 8, 1 }
extern const kt_setting kt_dense_settings[];

/* As kt_linear_fit, without unlabelled rows and naive Bayes. KT_RANGE also for a number that is not finite. Memory: twice the rows. */
kt_rc kt_dense_fit(const kt_dense_data *d, const kt_dense_options *o, kt_pool *pool, kt_dense_model *ret, kt_err *err) KT_MUST_USE;
void kt_dense_model_done(kt_dense_model *m);
kt_rc kt_dense_cross(const kt_dense_data *d, const kt_dense_options *o, uint32_t folds, kt_pool *pool, float *ret_prob, kt_err *err) KT_MUST_USE;
/* ret_prob: n × n_labels. KT_RANGE for a number that is not finite. */
kt_rc kt_dense_predict(const kt_dense_model *m, const float *x, size_t n, kt_pool *pool, float *ret_prob, kt_err *err) KT_MUST_USE;
kt_rc kt_dense_update(kt_dense_model *m, const float *x, uint32_t label, kt_err *err) KT_MUST_USE;
/* What each column adds to the label's score, less the mean of all labels': ret d. */
kt_rc kt_dense_explain(const kt_dense_model *m, const float *x, uint32_t label, float *ret, kt_err *err) KT_MUST_USE;
void kt_dense_bytes(const kt_dense_model *m, kt_buf *ret);
kt_rc kt_dense_from_bytes(kt_str bytes, kt_dense_model *ret, kt_err *err) KT_MUST_USE;

#endif
