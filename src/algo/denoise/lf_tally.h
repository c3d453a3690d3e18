/* Labeling functions measured against each other and against gold, over any number of chunks of votes. */
#ifndef KT_ALGO_LF_TALLY_H
#define KT_ALGO_LF_TALLY_H

#include "base/arena.h"

typedef struct kt_lf_tally {
    uint32_t m, k;           /* functions, labels */
    uint64_t n, n_covered, n_conflicted, n_gold; /* items: all; voted on; with two votes that differ; with gold */
    uint64_t *votes, *overlaps, *conflicts;      /* m: items voted on; another function voted too; with another label */
    uint64_t *by_label;      /* m × k: votes for each label */
    uint64_t *gold_by_label; /* m × k: of them on items with gold … */
    uint64_t *right;         /* m × k: … that says the same */
    uint64_t *gold;          /* k: gold items of each label */
    uint64_t *both, *agree;  /* m × m, upper triangle: items both voted on; alike */
    uint32_t *who;           /* m: scratch */
} kt_lf_tally;

void kt_lf_tally_init(kt_lf_tally *t, uint32_t m, uint32_t k, kt_arena *a);
/* One item: its m votes (KT_ABSTAIN or a label) and its gold label, -1 where unknown. */
void kt_lf_tally_add(kt_lf_tally *t, const int16_t *vote, int32_t gold);
/* Correlation (phi) of voting at all between two functions: 1 they speak on the same items, 0 independent, negative they avoid each
   other. NaN where one always or never votes. */
double kt_lf_tally_phi(const kt_lf_tally *t, uint32_t i, uint32_t j);
/* Of the votes of j for label c on gold: share right over the share of c among gold. NaN without such votes or such gold. */
double kt_lf_tally_lift(const kt_lf_tally *t, uint32_t j, uint32_t c);

#endif
