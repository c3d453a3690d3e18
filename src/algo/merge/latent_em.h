/* EM over votes explained by hidden states of items: the engine of Dawid and Skene's model and of what builds on it. */
#ifndef KT_ALGO_LATENT_EM_H
#define KT_ALGO_LATENT_EM_H

#include "algo/merge/ballot.h"

/* An item is in one of K × levels states; state c × levels + d belongs to label c. The E-step gives the posterior of states
   ∝ prior Π like[cell of vote]; what the M-step needs are its sums over the votes of each cell. */
typedef struct kt_latent_em {
    const kt_ballot *b;
    const kt_cells *cells;
    uint32_t levels;      /* states of one label, >= 1 */
    double *like;         /* cells × states, >= 1e-10: P(said | state) */
    double *prior;        /* states, >= 1e-10 */
    double unsupported;   /* factor on states of a label that no vote of the item names; 1: none */
    bool hard;            /* items count wholly for their likeliest label */
    const int32_t *gold;  /* n_items: known labels, -1 unknown; or NULL */
    double *prob;         /* n_items × K: read at the start, written when kept */
    double *count;        /* out: cells × states: Σ posterior over the votes of the cell */
    double *share;        /* out: states: Σ posterior over items with votes */
    /* its own */
    size_t parts, width;
    double *table, *log_like, *log_prior;
} kt_latent_em;

typedef enum kt_latent_step {
    KT_LATENT_START, /* states from prob: level 0 of each label gets its probability */
    KT_LATENT_ROUND,
    KT_LATENT_KEEP,  /* a round whose posterior of labels is written to prob */
} kt_latent_step;

/* b, cells, levels and prob are set; allocates like, prior, count, share. */
void kt_latent_em_init(kt_latent_em *e);
void kt_latent_em_done(kt_latent_em *e);
/* One E-step and the sums, the same for any pool. */
void kt_latent_em_run(kt_latent_em *e, kt_latent_step step, kt_pool *pool);

#endif
