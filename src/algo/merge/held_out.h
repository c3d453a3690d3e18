/* How sure a merge may be of its labels: by predicting each vote from the others on its item. */
#ifndef KT_ALGO_HELD_OUT_H
#define KT_ALGO_HELD_OUT_H

#include "algo/merge/latent_em.h"

/* What auto knows of its crowd: two models, the second with one accuracy per source, whose posteriors it averages. */
typedef struct kt_held_out {
    const kt_ballot *b;
    const kt_cells *cells;
    const kt_latent_em *em;  /* after KT_LATENT_KEEP, prob as it left it; NULL: there is no first model */
    const double *pull;      /* said × truth: P(said | truth) that confusions are pulled to, */
    double kappa;            /* by so many pseudo-votes */
    const double *ratio;     /* of each cell: a (K - 1) / (1 - a) of the second model; its labels have equal shares */
    const double *coin;      /* n_items × K: its posterior */
    double coin_votes;       /* pseudo-votes in its accuracies */
    double coin_share;       /* of the average */
    const int32_t *gold;     /* n_items: known labels, -1 unknown; or NULL */
} kt_held_out;

/* The power on the average's posteriors under which the votes are likeliest, each predicted from the others on its item by Σ_c q(c)^power P(said |
   c), where P leaves the vote out too; at most 1, and 1 where no item has three votes. Looks at an even sample of the items, of some 2^20 votes ×
   states. */
double kt_held_out_power(const kt_held_out *h);
/* Rows of prob to a power, divided by their sums; those with gold stay. The likeliest label stays the likeliest. */
void kt_sharpen(double *prob, size_t n_items, uint32_t n_labels, double power, const int32_t *gold);

#endif
