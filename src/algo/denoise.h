/* The label model: from the votes of labeling functions to class probabilities. */
#ifndef KT_ALGO_DENOISE_H
#define KT_ALGO_DENOISE_H

#include "base/err.h"
#include "base/pool.h"

typedef struct kt_lf_votes {
    size_t n_items;
    uint32_t n_functions, n_labels;
    const int16_t *vote; /* n_items × n_functions, row-major; KT_ABSTAIN or a label */
} kt_lf_votes;

typedef struct kt_lf_summary {
    uint64_t votes, overlaps, conflicts; /* items: voted on; another function voted too; with a different label */
    double accuracy;                     /* learned: chance that a vote is right */
} kt_lf_summary;

/* EM over a model where function j votes right with accuracy a_j and else any other label alike, abstaining without
   regard to the class (the one-coin model of Dawid and Skene for abstaining sources). a_j has a Beta(7, 3) prior: rules
   are written because they are mostly right. ret_prob: n_items × n_labels, rows sum to 1; an item without votes gets the
   class balance. ret_summary: n_functions, may be NULL. KT_RANGE for a vote out of bounds. Same result for any number of
   threads. */
kt_rc kt_denoise(const kt_lf_votes *v, kt_pool *pool, float *ret_prob, kt_lf_summary *ret_summary, kt_err *err) KT_MUST_USE;

#endif
