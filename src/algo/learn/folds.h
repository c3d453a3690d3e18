/* Which part of the rows is held back when. */
#ifndef KT_ALGO_FOLDS_H
#define KT_ALGO_FOLDS_H

#include "base/err.h"

/* A fold 0..folds - 1 for each of n rows, drawn from the seed. Rows of one group (any number but 0; group may be NULL) share theirs:
   near-duplicates and texts of one source tell a model more about each other than new ones will. KT_RANGE unless folds is 2..100. */
kt_rc kt_folds_draw(size_t n, const uint64_t *group, uint32_t folds, uint64_t seed, uint8_t *ret, kt_err *err) KT_MUST_USE;
/* The fold of a group. */
uint32_t kt_fold_of(uint64_t group, uint32_t folds, uint64_t seed);

#endif
