/* Which items are worth a person's time: the family of selectors (selectors.def, one file select_NAME.c each). */
#ifndef KT_ALGO_SELECT_H
#define KT_ALGO_SELECT_H

#include "base/err.h"
#include "base/pool.h"

/* A member: larger score, sooner chosen. p: one probability row of n_labels; key: random bits of the item. */
typedef struct kt_selector {
    const char *name, *help;
    double (*score)(const double *p, uint32_t n_labels, uint64_t key);
} kt_selector;

#define KT_SELECTOR(name) extern const kt_selector kt_select_##name;
#include "algo/selectors.def"
#undef KT_SELECTOR

/* All members, *ret_n of them. */
const kt_selector *const *kt_selectors(size_t *ret_n);
const kt_selector *kt_selector_find(kt_str name); /* NULL: no such name */

typedef struct kt_select_data {
    size_t n_items;          /* < 2^32 */
    uint32_t n_labels;
    const float *prob;       /* n_items × n_labels */
    const uint8_t *excluded; /* n_items: 1 = never choose, or NULL */
    const uint64_t *group;   /* n_items: of each nonzero value at most one item is chosen, or NULL */
} kt_select_data;

/* The want items of largest score (rounded to 1e-10), best first, ties to the smaller index; *ret_n may be smaller than
   want when fewer are left. ret_item: want. O(n) plus sorting the chosen; same result for any number of threads. */
kt_rc kt_select(const kt_selector *s, const kt_select_data *d, uint64_t seed, kt_pool *pool, size_t want,
                uint32_t *ret_item, size_t *ret_n, kt_err *err) KT_MUST_USE;

#endif
