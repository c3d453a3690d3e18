/* A text classifier as one thing: the features a text is cut into, how much each counts, the linear model, and what kind of labels they are. */
#ifndef KT_ALGO_TEXT_MODEL_H
#define KT_ALGO_TEXT_MODEL_H

#include "algo/learn/linear_multi.h"
#include "algo/learn/linear_tree.h"
#include "algo/stats_options.h"

typedef enum kt_text_task {
    KT_TEXT_SINGLE, /* one label a text; probabilities of a row sum to 1 */
    KT_TEXT_MULTI,  /* any number of labels; each has its own probability */
    KT_TEXT_TREE,   /* labels below labels; a label's probability counts what lies below it too */
} kt_text_task;

typedef struct kt_text_model {
    kt_text_task task;
    uint32_t n_labels;
    kt_features_options features;
    kt_idf idf;
    kt_linear linear;
    int32_t *parent; /* n_labels, of a tree; else NULL */
} kt_text_model;

typedef struct kt_text_data {
    const kt_str *text;      /* n */
    size_t n;
    uint32_t n_labels;
    const int32_t *label;    /* n, -1: none; NULL for KT_TEXT_MULTI */
    const float *has;        /* n × n_labels, of KT_TEXT_MULTI */
    const int32_t *parent;   /* n_labels, of KT_TEXT_TREE */
    const uint64_t *group;   /* n, as in folds.h, or NULL */
} kt_text_data;

typedef struct kt_text_options {
    kt_text_task task;
    kt_features_options features;
    double cost;     /* of a row's loss; 0: 1 */
    uint32_t epochs; /* 0: 8 */
    uint64_t seed;
} kt_text_options;

#define KT_TEXT_OPTIONS_INIT { KT_TEXT_SINGLE, { 20, 2, 0, 0 }, 1, 8, 1 }
extern const kt_setting kt_text_settings[];

/* Same result for any number of threads. Texts without a label (single, tree) help as a pool does. Caller frees *ret by kt_text_model_done.
   KT_RANGE as the linear models. */
kt_rc kt_text_fit(const kt_text_data *d, const kt_text_options *o, kt_pool *pool, kt_text_model *ret, kt_err *err) KT_MUST_USE;
void kt_text_model_done(kt_text_model *m);
/* Probabilities by models that did not see the text's fold: n × n_labels; rows without a label are zeros. */
kt_rc kt_text_cross(const kt_text_data *d, const kt_text_options *o, uint32_t folds, kt_pool *pool, float *ret_prob, kt_err *err) KT_MUST_USE;

/* ret_prob: n × n_labels. */
void kt_text_predict(const kt_text_model *m, const kt_str *text, size_t n, kt_pool *pool, float *ret_prob);
/* One more labelled text at once; label of single and tree, has (n_labels) of multi. Its words' frequencies stay what they were. */
void kt_text_update(kt_text_model *m, kt_str text, uint32_t label, const float *has);
/* As kt_linear_explain. Of a tree: for the label itself, not for what lies below. */
kt_rc kt_text_explain(const kt_text_model *m, kt_str text, uint32_t label, size_t max, kt_arena *a, kt_reason *ret, size_t *ret_n,
                      kt_err *err) KT_MUST_USE;

void kt_text_bytes(const kt_text_model *m, kt_buf *ret);
/* KT_CORRUPT when the bytes are no such model. */
kt_rc kt_text_from_bytes(kt_str bytes, kt_text_model *ret, kt_err *err) KT_MUST_USE;

#endif
