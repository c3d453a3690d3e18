/* CROWDLAB (Goh, Tkachenko, Mueller 2022): consensus and qualities from several annotators' votes and a model's probabilities. */
#ifndef KT_ALGO_CROWDLAB_H
#define KT_ALGO_CROWDLAB_H

#include "algo/merge/ballot.h"

/* Everything in the arena. Items without votes: label -1, post = the model's probabilities, qualities NaN. */
typedef struct kt_crowdlab {
    kt_ballot b;             /* source is not there any more: cells */
    kt_cells cells;
    int32_t *majority;       /* n_items: most votes; ties by the model, then the rarer class, then the better voters */
    int32_t *label;          /* n_items: consensus */
    double *post;            /* n_items × n_labels */
    double *agreement;       /* n_items: share of the votes that agree with the consensus */
    double model_weight;
    double vote_agreement;   /* A: mean agreement of votes with the consensus, items with several votes */
    double *source_weight;   /* n_sources */
    double *source_quality;  /* n_sources: NaN without an item that others voted on too */
    double *source_agreement;          /* n_sources: share of votes equal to the consensus; NaN: no votes */
    double *source_majority_agreement; /* n_sources: share equal to the majority, items with several votes; NaN: none */
    uint32_t *source_votes;  /* n_sources */
    int32_t *worst_class;    /* n_sources: the label said that agrees least with the consensus; -1 without votes */
} kt_crowdlab;

/* probs: n_items × n_labels, rows sum to 1. KT_RANGE for bad ids or probabilities. */
kt_rc kt_crowdlab_fit(const kt_votes *v, const double *probs, kt_pool *pool, kt_arena *a, kt_crowdlab *ret, kt_err *err) KT_MUST_USE;
/* How sure each label is already, low first to ask again: ret_labelled (v->n_items; items with votes) and ret_unlabelled
   (n_unlabelled items that have only the model's probabilities: unlabelled, n_unlabelled × n_labels; may be NULL with 0).
   The model's probabilities are first put at the temperature that fits the votes best, which goes to *ret_temperature. */
kt_rc kt_crowdlab_active(const kt_votes *v, const double *probs, const double *unlabelled, size_t n_unlabelled, kt_pool *pool,
                         double *ret_labelled, double *ret_unlabelled, double *ret_temperature, kt_err *err) KT_MUST_USE;

#endif
