/* Which items are worth a person's time: the family of selectors (selectors.def, one file select_NAME.c each). */
#ifndef KT_ALGO_SELECT_H
#define KT_ALGO_SELECT_H

#include "algo/learn/text_features.h"
#include "base/err.h"
#include "base/pool.h"

typedef struct kt_select_data {
    size_t n_items;           /* < 2^32 */
    uint32_t n_labels;
    const float *prob;        /* n_items × n_labels */
    const uint8_t *excluded;  /* n_items: 1 = never choose, or NULL */
    const uint64_t *group;    /* n_items: of each nonzero value at most one item is chosen, or NULL */
    const float *cost;        /* n_items, > 0: what a label of the item costs; the score is divided by it. NULL: all the same */
    const kt_features *x;     /* n_items rows of norm 1, for members that compare items, or NULL */
    const uint8_t *known;     /* n_items: 1 = has a label already (k_center keeps away from these), or NULL */
    const float *committee;   /* n_members × n_items × n_labels, for committee, or NULL */
    uint32_t n_members;
    const double *n_of_label; /* n_labels: how many labels of each there are already, for balanced, or NULL */
    const int32_t *label;     /* n_items: consensus of the answers so far, -1 none, for active_lab, or NULL */
    const uint16_t *n_answers; /* n_items, for active_lab, or NULL */
} kt_select_data;

enum kt_select_needs { KT_SELECT_X = 1, KT_SELECT_COMMITTEE = 2, KT_SELECT_COUNTS = 4, KT_SELECT_ANSWERS = 8 };

/* A member has one of three: a score of a row alone (larger, sooner), scores of all rows at once, or a choice of a whole batch. */
typedef struct kt_selector {
    const char *name, *help;
    unsigned needs; /* of the data: enum kt_select_needs; prob is always there */
    /* p: one probability row of n_labels; key: random bits of the item. */
    double (*score)(const double *p, uint32_t n_labels, uint64_t key);
    /* An upper bound of score for the row, much cheaper than it, or NULL; lets most rows be passed over. */
    float (*bound)(const float *p, uint32_t n_labels);
    void (*scores)(const kt_select_data *d, uint64_t seed, kt_pool *pool, double *ret);
    /* ret_item: want; returns how many were chosen, in the order to ask in. */
    size_t (*choose)(const kt_select_data *d, uint64_t seed, kt_pool *pool, size_t want, uint32_t *ret_item);
} kt_selector;

#define KT_SELECTOR(name) extern const kt_selector kt_select_##name;
#include "algo/learn/selectors.def"
#undef KT_SELECTOR

/* All members, *ret_n of them. */
const kt_selector *const *kt_selectors(size_t *ret_n);
const kt_selector *kt_selector_find(kt_str name); /* NULL: no such name */

/* The want items of largest score (rounded to 1e-10), best first, ties to the smaller index, or the batch a member composes; *ret_n may be
   smaller than want when fewer are left. ret_item: want. Scoring costs O(n) plus sorting the chosen; same result for any number of
   threads. KT_USAGE when the data lack what the member needs. */
kt_rc kt_select(const kt_selector *s, const kt_select_data *d, uint64_t seed, kt_pool *pool, size_t want,
                uint32_t *ret_item, size_t *ret_n, kt_err *err) KT_MUST_USE;

/* For members: 1 less the lead of the first label over the second of a row, 0..1. */
double kt_select_unsure(const float *p, uint32_t n_labels);
/* For members: the want items of largest score[n_items] among those not excluded, as kt_select orders them. Returns how many. */
size_t kt_select_best(const kt_select_data *d, const double *score, size_t want, uint32_t *ret_item);

#endif
