/* The assignment problem: who goes with whom at least cost. */
#ifndef KT_ALGO_ASSIGN_H
#define KT_ALGO_ASSIGN_H

#include "base/types.h"

/* Matches min(n, m) rows and columns of cost (n × m, row-major, finite) at least total cost: ret[row] = column, -1 for rows
   left over. Shortest augmenting paths (Jonker and Volgenant 1987), O(min(n, m)² max(n, m)). Ties: the same answer every
   time. */
void kt_assign(const double *cost, size_t n, size_t m, int64_t *ret);

#endif
