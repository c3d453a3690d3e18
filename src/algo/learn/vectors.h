/* Rows of numbers, such as embeddings, and which of them lie nearest to a query. The search is exact: every row is compared. */
#ifndef KT_ALGO_VECTORS_H
#define KT_ALGO_VECTORS_H

#include "algo/errors/errors_outliers.h"

enum { KT_VECTORS_MAX_NEAREST = 64 };

typedef struct kt_vectors {
    size_t n, room;   /* rows, and rows there is memory for */
    uint32_t d;
    kt_metric metric;
    float *row;       /* n × d; of length 1 under the cosine */
    float *tile;      /* the same, sixteen rows side by side: tiles × d × 16 */
    float *half;      /* |row|² / 2, what the search takes off the product; 0 under the cosine */
} kt_vectors;

typedef struct kt_neighbour {
    uint32_t row;
    float distance; /* 1 - cosine, or Euclidean */
} kt_neighbour;

/* x: n × d, copied. KT_RANGE: no columns, a number that is not finite or too large, a row of zeros under the cosine. Memory: twice the rows. */
kt_rc kt_vectors_init(kt_vectors *v, const float *x, size_t n, uint32_t d, kt_metric metric, kt_err *err) KT_MUST_USE;
void kt_vectors_done(kt_vectors *v);
/* One more row. KT_RANGE as above. */
kt_rc kt_vectors_add(kt_vectors *v, const float *x, kt_err *err) KT_MUST_USE;

/* The k nearest rows to each query, nearest first, ties to the smaller row: ret is n_queries × k, row UINT32_MAX where there are fewer.
   k <= KT_VECTORS_MAX_NEAREST. Distances are exact to float; which rows are nearest is decided on them, among candidates by products in
   single precision. O(n_queries n d). Same result for any number of threads. KT_RANGE as kt_vectors_init. */
kt_rc kt_vectors_nearest(const kt_vectors *v, const float *query, size_t n_queries, uint32_t k, kt_pool *pool, kt_neighbour *ret,
                         kt_err *err) KT_MUST_USE;
/* The same for the rows number of (n_of; NULL: all of them), each without itself and the rows of its group (n; NULL or 0: none). */
void kt_vectors_nearest_others(const kt_vectors *v, const uint32_t *of, size_t n_of, const uint64_t *group, uint32_t k, kt_pool *pool,
                               kt_neighbour *ret);

#endif
