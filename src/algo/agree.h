/* Agreement between sources: the family of metrics (agreements.def, one file agree_NAME.c each). Abstentions do not count
   as votes. NaN where a metric is undefined (nothing to compare, or no variation to correct for). */
#ifndef KT_ALGO_AGREE_H
#define KT_ALGO_AGREE_H

#include "algo/votes.h"

typedef struct kt_agreement {
    const char *name, *help;
    double (*measure)(const kt_votes *v);
} kt_agreement;

#define KT_AGREEMENT(name) extern const kt_agreement kt_agree_##name;
#include "algo/agreements.def"
#undef KT_AGREEMENT

extern const kt_agreement *const kt_agreements[]; /* NULL at the end */
const kt_agreement *kt_agreement_find(kt_str name);

/* How often each label was given to each item: calls fn once per item that has votes, with its counts of n_labels and
   their sum. */
void kt_agree_counts(const kt_votes *v, void (*fn)(void *ctx, const uint32_t *count, uint32_t n), void *ctx);

#endif
