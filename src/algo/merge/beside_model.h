/* A model's probabilities beside votes: the model is one more source, and its probabilities count as much as they are worth. */
#ifndef KT_ALGO_BESIDE_MODEL_H
#define KT_ALGO_BESIDE_MODEL_H

#include "algo/votes.h"
#include "base/arena.h"

/* The votes and, by source number v->n_sources, one vote an item for the model's likeliest label; in the arena. KT_LIMIT. */
kt_rc kt_beside_model_votes(const kt_votes *v, const double *probs, kt_arena *a, kt_votes *ret, kt_err *err) KT_MUST_USE;

/* How the probabilities are to be read: share × softmax(sharpness × log p) + (1 - share) × prior. */
typedef struct kt_model_trust {
    double share, sharpness;
} kt_model_trust;

/* inout_prob: n_items × n_labels, the posterior by the votes alone; then by both. The trust maximises the likelihood of the votes, Σ log
   Σ_c posterior(c) q(c) / prior(c) over items with votes (voted), on a grid: a model that contradicts what annotators agree on loses
   it, one that confirms it gets it. gold as elsewhere, or NULL. Cost n_items × n_labels × grid. */
kt_model_trust kt_beside_model_blend(const double *probs, const uint32_t *n_votes, const double *prior, const int32_t *gold, size_t n_items,
                                     uint32_t n_labels, double *inout_prob);

#endif
