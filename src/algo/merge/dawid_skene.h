/* Dawid and Skene's model for the members that are variants of it; aggregate_dawid_skene.c. */
#ifndef KT_ALGO_DAWID_SKENE_H
#define KT_ALGO_DAWID_SKENE_H

#include "algo/merge/aggregate.h"

/* hard: every round gives each item wholly to its likeliest label. */
kt_rc kt_dawid_skene_fit(const kt_votes *v, const kt_dawid_skene_opts *o, bool hard, kt_pool *pool, kt_arena *a, kt_posterior *ret,
                         kt_err *err) KT_MUST_USE;
extern const kt_setting kt_dawid_skene_options[];

#endif
