/* Votes grouped by item, as every merge goes through them; and the parts that a pass over the items is cut into. */
#ifndef KT_ALGO_BALLOT_H
#define KT_ALGO_BALLOT_H

#include "algo/votes.h"
#include "base/arena.h"
#include "base/pool.h"

/* Votes of item i: start[i] .. start[i + 1] - 1, in the order of the input. Abstentions are left out, or, where they are said to
   speak, are votes for the label n_labels, which cannot be true. Votes that come sorted by item are used where they stand. */
typedef struct kt_ballot {
    uint32_t n_items, n_labels, n_sources;
    uint32_t n_said;  /* n_labels, or one more where abstentions speak */
    uint32_t n_voted; /* items with a vote */
    uint32_t most;    /* votes on one item */
    uint32_t *start;  /* n_items + 1 */
    const uint32_t *source;
    const int32_t *label;
    uint32_t *own_source; /* source, where it is a copy; NULL: the caller's array */
    /* By kt_ballot_count alone, where it need not sort: n_items × n_labels, the votes for each label of each item. Then source and label
       are NULL, the votes are in counted as they came, and start has its last entry only. */
    const uint8_t *counts;
    const kt_votes *counted;
} kt_ballot;

#define KT_BALLOT_LABELS UINT16_MAX /* the most labels a merge takes */

/* In the arena; v's arrays must live as long. KT_RANGE for ids out of bounds, KT_LIMIT for more
   than 2^32 - 2 votes or KT_BALLOT_LABELS labels. */
kt_rc kt_ballot_make(const kt_votes *v, bool abstain_speaks, kt_pool *pool, kt_arena *a, kt_ballot *ret, kt_err *err) KT_MUST_USE;
/* For who only wants to know how many votes each label of an item has: votes that do not come sorted are counted where they stand, if there
   are 2 to KT_COUNTED_LABELS labels and 255 votes an item; else as kt_ballot_make, of whose ballots all else is the same. Memory: a byte for
   each label of each item and each of up to eight threads. */
kt_rc kt_ballot_count(const kt_votes *v, kt_pool *pool, kt_arena *a, kt_ballot *ret, kt_err *err) KT_MUST_USE;
#define KT_COUNTED_LABELS 8
/* Parts of a pass, a function of sizes alone, so that threads cannot change a result; table: doubles each part sums into. */
size_t kt_ballot_parts(const kt_ballot *b, size_t table);
/* First item of a part (part = parts: n_items). */
uint32_t kt_ballot_part(const kt_ballot *b, size_t part, size_t parts);

/* (source, label) pairs that occur, numbered source by source, labels ascending: the rows of every table of confusions. */
typedef struct kt_cells {
    uint32_t n;      /* cells */
    uint32_t *first; /* n_sources + 1: cells of source s are first[s] .. first[s + 1] - 1 */
    uint16_t *said;  /* n: label of each cell */
    uint32_t *votes; /* n: votes of each cell */
    uint32_t *of;    /* cell of each vote of the ballot */
} kt_cells;

/* In the arena. b->source is not to be used any more: of may stand in its place (first tells the source). KT_LIMIT where sources × labels has no room. */
kt_rc kt_cells_make(kt_ballot *b, kt_pool *pool, kt_arena *a, kt_cells *ret, kt_err *err) KT_MUST_USE;

#endif
