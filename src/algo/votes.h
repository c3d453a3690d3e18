/* Votes as every algorithm of agreement and merging sees them: three parallel arrays. */
#ifndef KT_ALGO_VOTES_H
#define KT_ALGO_VOTES_H

#include "base/err.h"

/* n votes in any order; ids are dense. A source may vote twice on an item: methods say what they do then. */
typedef struct kt_votes {
    size_t n;
    uint32_t n_items, n_sources, n_labels;
    const uint32_t *item;   /* n, < n_items */
    const uint32_t *source; /* n, < n_sources */
    const int32_t *label;   /* n, 0..n_labels-1, or KT_ABSTAIN: the source looked and said nothing */
} kt_votes;

/* Votes grouped by item, in their order: those of item i are ret_order[ret_start[i] .. ret_start[i + 1] - 1].
   ret_start: n_items + 1; ret_order: n. O(n). */
void kt_votes_by_item(const kt_votes *v, size_t *ret_start, size_t *ret_order);
/* KT_RANGE for an id out of bounds. */
kt_rc kt_votes_check(const kt_votes *v, kt_err *err) KT_MUST_USE;

#endif
