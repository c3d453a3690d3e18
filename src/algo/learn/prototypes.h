/* Labels from the nearest class mean (Tibshirani, Hastie, Narasimhan, Chu 2002; "prototypes", Snell, Swersky, Zemel 2017): one row of numbers
   a label, so it learns from a handful of rows and in one addition. */
#ifndef KT_ALGO_PROTOTYPES_H
#define KT_ALGO_PROTOTYPES_H

#include "algo/errors/errors_outliers.h"
#include "algo/stats_options.h"
#include "base/buf.h"

typedef struct kt_prototypes {
    uint32_t n_labels, d;
    kt_metric metric;
    double temperature; /* of the cosine, or twice of the squared distance */
    double *sum;        /* n_labels × d: of its rows, of length 1 under the cosine */
    double *count;      /* n_labels */
} kt_prototypes;

typedef struct kt_prototypes_options {
    kt_metric metric;
} kt_prototypes_options;

#define KT_PROTOTYPES_OPTIONS_INIT { KT_METRIC_COSINE }
extern const kt_setting kt_prototypes_settings[];

/* x: n × d; label: n, -1 leaves the row out. The temperature is that of the least log loss on rows whose own group is taken out of the means
   (group NULL or 0: the row itself). Labels without rows get probability 0. Caller frees *ret by kt_prototypes_done. KT_RANGE: a number that is
   not finite, a row of zeros under the cosine, a label >= n_labels, no labelled row. */
kt_rc kt_prototypes_fit(const float *x, size_t n, uint32_t d, const int32_t *label, uint32_t n_labels, const uint64_t *group, const kt_prototypes_options *o,
                        kt_prototypes *ret, kt_err *err) KT_MUST_USE;
void kt_prototypes_done(kt_prototypes *m);
/* ret_prob: n × n_labels. */
kt_rc kt_prototypes_predict(const kt_prototypes *m, const float *x, size_t n, kt_pool *pool, float *ret_prob, kt_err *err) KT_MUST_USE;
/* Out of group: n × n_labels, zeros for rows without a label. Arguments as m was fitted with. */
void kt_prototypes_cross(const kt_prototypes *m, const float *x, size_t n, const int32_t *label, const uint64_t *group, float *ret_prob);
kt_rc kt_prototypes_update(kt_prototypes *m, const float *x, uint32_t label, kt_err *err) KT_MUST_USE;
/* What each column adds to the label's score less the mean of all labels': ret d. They and a constant make up the logit. */
kt_rc kt_prototypes_explain(const kt_prototypes *m, const float *x, uint32_t label, float *ret, kt_err *err) KT_MUST_USE;
void kt_prototypes_bytes(const kt_prototypes *m, kt_buf *ret);
kt_rc kt_prototypes_from_bytes(kt_str bytes, kt_prototypes *ret, kt_err *err) KT_MUST_USE;

#endif
