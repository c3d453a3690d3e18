/* Correlation of two sources' paired answers: what agree_pearson.c, agree_spearman.c and agree_kendall.c share. */
#ifndef KT_ALGO_CORRELATION_H
#define KT_ALGO_CORRELATION_H

#include "algo/agree/agree.h"

/* Answers a, b (n labels below n_labels) as numbers x[label], y[label], less their means, and the sums of their products. */
typedef struct kt_correlation {
    const int32_t *a, *b;
    size_t n;
    uint32_t k;
    double *x, *y;             /* by label; owned */
    double *x_count, *y_count; /* answers of each label */
    double xx, yy, xy, r;      /* r NaN: one of the two never varies */
} kt_correlation;

/* value NULL: the ids. ranked: the mid-ranks of the values instead. */
void kt_correlation_make(kt_correlation *c, const double *value, bool ranked, const int32_t *a, const int32_t *b, size_t n, uint32_t k);
void kt_correlation_done(kt_correlation *c);
/* Interval from the items' influences on r (Σ psi², Σ psi), through Fisher's z so that it stays within -1 and 1. */
void kt_correlation_interval(double r, double sum, double squares, double n, double ret_ci95[2]);
/* Places of k labels by value, ties alike, 0-based: rank[label] < *ret_n. NULL value: the ids. */
void kt_value_places(const double *value, uint32_t k, uint32_t *rank, uint32_t *ret_n);

extern const kt_correlation_opts kt_correlation_defaults;

#endif
