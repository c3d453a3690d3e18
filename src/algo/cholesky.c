/* Cholesky's factor, row by row, so that every sum runs along rows. */
#include "algo/cholesky.h"

#include <math.h>

bool kt_cholesky(double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (size_t x = 0; x < j; x++)
                sum -= a[i * n + x] * a[j * n + x];
            if (i == j && !(sum > 0))
                return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    return true;
}

static void forward(const double *l, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            x[i] -= l[i * n + j] * x[j];
        x[i] /= l[i * n + i];
    }
}

void kt_cholesky_solve(const double *l, size_t n, double *x)
{
    forward(l, n, x);
    for (size_t i = n; i-- > 0;) {
        for (size_t j = i + 1; j < n; j++)
            x[i] -= l[j * n + i] * x[j];
        x[i] /= l[i * n + i];
    }
}

double kt_cholesky_norm(const double *l, size_t n, double *b)
{
    double sum = 0;
    forward(l, n, b);
    for (size_t i = 0; i < n; i++)
        sum += b[i] * b[i];
    return sum;
}
