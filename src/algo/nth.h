/* The n-th smallest of many numbers without sorting them, and a sort of places by their numbers. */
#ifndef KT_ALGO_NTH_H
#define KT_ALGO_NTH_H

#include "base/types.h"

/* The value with exactly nth smaller or equal ones before it (0: the smallest) among the n numbers of v, none NaN; nth < n.
   v is overwritten. O(n) for any input: the numbers' bits are counted eleven at a time from the top. */
double kt_nth_smallest(double *v, size_t n, size_t nth);
/* Sorts n places by score[place], lowest first, ties by place. */
void kt_sort_places(size_t *place, size_t n, const double *score);
/* Sorts n finite numbers, lowest first, in O(n): three passes over their bits, eleven at a time. */
void kt_sort_floats(float *v, size_t n);

/* Places of the `most` numbers farthest from 0, farthest first, ties to the smaller place; zeros are left out. ret: most. Returns how many. */
size_t kt_strongest(const float *x, size_t n, size_t most, size_t *ret);

#endif
