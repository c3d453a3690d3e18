/* Labels from the nearest labelled rows (Cover and Hart 1967), as probabilities. */
#ifndef KT_ALGO_KNN_H
#define KT_ALGO_KNN_H

#include "algo/learn/vectors.h"
#include "algo/stats_options.h"
#include "base/buf.h"

typedef struct kt_knn {
    kt_vectors v;
    uint32_t n_labels, k;
    int32_t *label;     /* v.n (room for v.room) */
    double width;       /* a neighbour counts exp(-(distance - nearest) / width); INFINITY: all alike */
    double smooth;      /* as many votes are split by the labels' shares */
    double *share;      /* n_labels: of the labelled rows */
} kt_knn;

typedef struct kt_knn_options {
    kt_metric metric;
    uint32_t k;         /* 0: k, width and smooth are chosen by the log loss of leaving one out */
    uint64_t seed;
} kt_knn_options;

#define KT_KNN_OPTIONS_INIT { KT_METRIC_COSINE, 0, 1 }
extern const kt_setting kt_knn_settings[];

/* x: n × d; label: n, -1 leaves the row out. group: n, rows that do not judge each other when k is chosen, or NULL. Choosing compares at most
   2^32 / n rows (2,000 to 20,000) with all others. Caller frees *ret by kt_knn_done. KT_RANGE: as kt_vectors_init; a label >= n_labels;
   no labelled row. */
kt_rc kt_knn_fit(const float *x, size_t n, uint32_t d, const int32_t *label, uint32_t n_labels, const uint64_t *group, const kt_knn_options *o,
                 kt_pool *pool, kt_knn *ret, kt_err *err) KT_MUST_USE;
void kt_knn_done(kt_knn *m);
/* ret_prob: n × n_labels. ret_near: n × m->k neighbours (rows among the labelled ones, in their order), or NULL. */
kt_rc kt_knn_predict(const kt_knn *m, const float *x, size_t n, kt_pool *pool, float *ret_prob, kt_neighbour *ret_near, kt_err *err) KT_MUST_USE;
/* Each labelled row by the others outside its group: n × n_labels, zeros for rows without a label. label and group (or NULL) as m was fitted with. */
void kt_knn_cross(const kt_knn *m, size_t n, const int32_t *label, const uint64_t *group, kt_pool *pool, float *ret_prob);
/* What neighbour i of a row counts, of all its near. */
double kt_knn_weight(const kt_knn *m, const kt_neighbour *near, uint32_t i);
kt_rc kt_knn_update(kt_knn *m, const float *x, uint32_t label, kt_err *err) KT_MUST_USE;
void kt_knn_bytes(const kt_knn *m, kt_buf *ret);
kt_rc kt_knn_from_bytes(kt_str bytes, kt_knn *ret, kt_err *err) KT_MUST_USE;

#endif
