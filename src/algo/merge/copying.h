/* Sources that depend on each other: who says the same wrong things, beyond what their confusions explain; and merging that counts
   what they agree on once. */
#ifndef KT_ALGO_COPYING_H
#define KT_ALGO_COPYING_H

#include "algo/merge/aggregate.h"

/* Sources in one group depend on each other. In the arena. */
typedef struct kt_copying {
    uint32_t n_groups, n_sources; /* sources that are in a group */
    double *group;                /* of every source; NaN: none */
    uint32_t a, b;                /* the pair that is surest, */
    double copied;                /* and the share of its common items on which one just repeats the other */
    uint32_t shared, agreed;      /* its common items (of those looked at), and those on which it agrees */
    double usual;                 /* the same share of the pair in the middle: hard items make everybody look so */
} kt_copying;

typedef kt_rc kt_copying_merge(const kt_votes *v, const void *opt, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err);

/* Merges by merge; looks for sources that depend on each other; where there are some, merges again with what such sources agree on
   counted as often as it was said independently (the vote of the one with most votes always, the others' by what they copy), and looks again, until no more are found. ret->copying says what was found, NULL:
   nothing. Accuracies and confusions of sources in a group are of all their votes. Time: a pass over pairs of votes on an item, of at
   most 2^25 pairs (items are skipped evenly); nothing is looked for where sources × labels² is above 2^24. Same for any pool. */
kt_rc kt_copying_fit(const kt_votes *v, kt_copying_merge *merge, const void *opt, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err) KT_MUST_USE;

#endif
