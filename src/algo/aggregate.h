/* Merging votes into one label an item: the family of aggregators (aggregators.def, one file aggregate_NAME.c each). */
#ifndef KT_ALGO_AGGREGATE_H
#define KT_ALGO_AGGREGATE_H

#include "algo/votes.h"

/* What a merge returns; kt_posterior_done frees it. */
typedef struct kt_posterior {
    uint32_t n_items, n_labels, n_sources;
    double *prob;            /* n_items × n_labels, rows sum to 1; uniform for an item without votes */
    int32_t *label;          /* n_items: likeliest, ties to the smaller; -1 without votes */
    double *source_accuracy; /* n_sources: chance that a vote is right, as the method sees it; NaN without votes */
} kt_posterior;

void kt_posterior_done(kt_posterior *p);

typedef struct kt_aggregator {
    const char *name, *help;
    kt_rc (*fit)(const kt_votes *v, kt_posterior *ret, kt_err *err);
} kt_aggregator;

#define KT_AGGREGATOR(name) extern const kt_aggregator kt_aggregate_##name;
#include "algo/aggregators.def"
#undef KT_AGGREGATOR

extern const kt_aggregator *const kt_aggregators[]; /* NULL at the end */
const kt_aggregator *kt_aggregator_find(kt_str name);

/* For members: allocates *ret and fills prob with the shares of votes; then sets label and source_accuracy from prob. */
void kt_posterior_shares(const kt_votes *v, kt_posterior *ret);
void kt_posterior_finish(const kt_votes *v, kt_posterior *ret);

#endif
