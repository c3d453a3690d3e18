/* One metric looked at closer: by pair of sources, by label, by item; and its interval by resampling. */
#ifndef KT_ALGO_AGREEMENT_PARTS_H
#define KT_ALGO_AGREEMENT_PARTS_H

#include "algo/agree/agree.h"
#include "base/arena.h"

typedef struct kt_agreement_pair {
    uint32_t a, b; /* sources, a < b */
    size_t items;  /* both answered */
    double percent;
    kt_agree_result result;
} kt_agreement_pair;

/* Every pair of sources with items in common, by a, then b. *ret in the arena. */
kt_rc kt_agreement_by_pair(const kt_agreement *m, const kt_votes *v, const void *opt, kt_pool *pool, kt_arena *a,
                           kt_agreement_pair **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

typedef struct kt_agreement_class {
    uint64_t votes;          /* for this label */
    double specific;         /* chance that another vote on the item says the label too, given that one did */
    kt_agree_result result;  /* the metric, told only "this label" from "another" */
} kt_agreement_class;

/* ret: n_labels. KT_USAGE for metrics that are not nominal. */
kt_rc kt_agreement_by_class(const kt_agreement *m, const kt_votes *v, const void *opt, kt_pool *pool, kt_agreement_class *ret, kt_err *err) KT_MUST_USE;

typedef struct kt_agreement_item {
    uint32_t votes;
    double percent; /* share of agreeing pairs of votes; NaN under two votes */
    double spread;  /* standard deviation of the values, NaN without values */
} kt_agreement_item;

/* ret: n_items. value (n_labels numbers) may be NULL. */
kt_rc kt_agreement_by_item(const kt_votes *v, const double *value, kt_agreement_item *ret, kt_err *err) KT_MUST_USE;

/* 95 % percentile interval (Efron 1979) over items drawn with replacement, from the same number of items with votes. Same
   result for any pool. NaN where half of the samples or more are undefined. replicates: at least 40 say anything. */
kt_rc kt_agreement_bootstrap(const kt_agreement *m, const kt_votes *v, const void *opt, uint32_t replicates, uint64_t seed, kt_pool *pool,
                             double ret_ci95[2], kt_err *err) KT_MUST_USE;

#endif
