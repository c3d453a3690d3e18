/* Who judges and who may be approved while people work through items in a random order: a look. */
#ifndef KT_ALGO_LOOK_H
#define KT_ALGO_LOOK_H

#include "algo/route/route.h"

typedef struct kt_look_item {
    uint64_t key; /* the order items are handed out in */
    uint32_t item;
} kt_look_item;

typedef struct kt_look {
    size_t n_left, n_batch; /* n_batch: 0, or as many as were asked for, with at least one more behind them */
    kt_look_item *left;     /* items that no look would have approved, in order: the batch that judges, then those that may be approved */
    uint64_t cut;           /* the batch's last key; not set without a batch */
} kt_look;

/* Random and fixed: the same for a seed and an item whenever it is asked for. Below 2^63. */
uint64_t kt_look_key(uint64_t seed, uint32_t item);
int kt_look_order(const void *a, const void *b); /* of kt_look_item, for qsort */

/* Items of a batch that is to judge at delta: `every`, but no fewer than could prove the budget if half of them were above a threshold and all right. */
size_t kt_look_size(size_t every, double budget, double delta);

/* human (n): items people were given. out (n): not 0 for those at or above the threshold of an earlier look, approved or not; they leave the
   population, else a batch would hold what its rest does not. learn (n): set to 1 for what earlier batches have judged and may now be trained on: all
   up to `cut`, where there was a batch before (some). The next `every` of the rest are a uniform random sample of it, whatever has been approved so
   far, since that went by scores and keys are independent of everything. O(n log n). Caller frees by kt_look_done. */
void kt_look_plan(uint64_t seed, const uint8_t *human, const uint8_t *out, uint32_t n, bool some, uint64_t cut, size_t every, uint8_t *learn,
                  kt_look *ret);
void kt_look_done(kt_look *l);

/* A threshold for each cell, proved on the batch for those behind it, by a model that was trained without it. score (n): of each item; cell (n): its
   cell, NULL: all in 0; right (n_batch): whether the batch's items are right. ret: n_cells. */
kt_rc kt_look_find(const kt_look *l, const float *score, const uint32_t *cell, const uint8_t *right, const double *budget, uint32_t n_cells,
                   kt_route_method method, double delta, kt_cell *ret, kt_err *err) KT_MUST_USE;

#endif
