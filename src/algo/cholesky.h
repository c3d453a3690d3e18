/* Symmetric positive definite systems of a few hundred unknowns. */
#ifndef KT_ALGO_CHOLESKY_H
#define KT_ALGO_CHOLESKY_H

#include "base/types.h"

/* inout_a: n × n, of which the lower half is read; then its lower half is L with L L' = a. False: a is not positive definite. Cost n³ / 6. */
bool kt_cholesky(double *inout_a, size_t n);
/* x of L L' x = b, in place of b. */
void kt_cholesky_solve(const double *l, size_t n, double *inout_b);
/* b' (L L')^-1 b; b is overwritten. */
double kt_cholesky_norm(const double *l, size_t n, double *b);

#endif
