/* Merging sets of labels: each label is a question of its own, answered with yes or no by everybody who looked at the item. */
#ifndef KT_ALGO_MULTILABEL_H
#define KT_ALGO_MULTILABEL_H

#include "algo/merge/aggregate.h"

/* Answer a names label[start[a]] .. label[start[a + 1] - 1]; none is an answer too. */
typedef struct kt_label_sets {
    size_t n;
    uint32_t n_items, n_sources, n_labels;
    const uint32_t *item, *source; /* n */
    const size_t *start;           /* n + 1 */
    const uint32_t *label;         /* < n_labels */
} kt_label_sets;

typedef struct kt_multilabel {
    uint32_t n_items, n_sources, n_labels;
    float *prob;             /* n_items × n_labels: chance that the label belongs to the item; NaN without answers */
    uint32_t *n_for;         /* n_items × n_labels: answers that name it */
    uint32_t *n_votes;       /* n_items */
    double *source_accuracy; /* n_sources: mean over the labels, weighed by how often each is uncertain; NaN without answers */
    double *source_ci;       /* n_sources × 2: 95 %, answers being what is independent */
    double *share;           /* n_labels: of the items that have it */
} kt_multilabel;

/* Runs m with its defaults once for every label; in the arena. KT_RANGE for ids out of bounds. */
kt_rc kt_multilabel_fit(const kt_label_sets *v, const kt_aggregator *m, kt_pool *pool, kt_arena *a, kt_multilabel *ret, kt_err *err) KT_MUST_USE;

#endif
