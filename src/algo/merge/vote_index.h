/* Votes by item and by source at once, for what looks at who answered the same items. */
#ifndef KT_ALGO_VOTE_INDEX_H
#define KT_ALGO_VOTE_INDEX_H

#include "algo/votes.h"

/* Positions of votes: of item i item_order[item_start[i] .. item_start[i + 1] - 1], of source s likewise; in their order. */
typedef struct kt_vote_index {
    size_t *item_start, *item_order, *source_start, *source_order;
} kt_vote_index;

void kt_vote_index_make(const kt_votes *v, kt_vote_index *ret); /* v must have been checked */
void kt_vote_index_done(kt_vote_index *x);

#endif
