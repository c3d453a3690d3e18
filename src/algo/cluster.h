/* Groups of similar rows. */
#ifndef KT_ALGO_CLUSTER_H
#define KT_ALGO_CLUSTER_H

#include "algo/learn/text_features.h"

typedef struct kt_clusters {
    uint32_t n_clusters;
    uint32_t *of;      /* per listed row: its cluster */
    float *closeness;  /* per listed row: cosine to the cluster's centre */
    double *size;      /* n_clusters: weight of its rows */
} kt_clusters;

/* Spherical k-means (Dhillon and Modha 2001) of the listed rows of x, weighted (NULL: evenly), in the space of their 2048 heaviest features;
   centres start from k-means++ (Arthur and Vassilvitskii 2007). n_clusters <= n. Same result for any number of threads. Caller frees
   *ret by kt_clusters_done. */
void kt_clusters_find(const kt_features *x, const uint32_t *row, size_t n, const float *weight, uint32_t n_clusters, uint64_t seed, kt_pool *pool,
                      kt_clusters *ret);
void kt_clusters_done(kt_clusters *c);

/* want places of the list: of each cluster, heaviest first, the row closest to its centre, then the next rows of the list that are not
   among them. ret: want, at most n. */
void kt_clusters_typical(const kt_clusters *c, size_t n, size_t want, uint32_t *ret);

#endif
