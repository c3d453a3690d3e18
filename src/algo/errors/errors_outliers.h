/* Items far from all others in a space of numbers, such as embeddings: the mean distance to the nearest neighbours (Ramaswamy,
   Rastogi, Shim 2000; Angiulli and Pizzuti 2002). */
#ifndef KT_ALGO_ERRORS_OUTLIERS_H
#define KT_ALGO_ERRORS_OUTLIERS_H

#include "base/err.h"
#include "base/pool.h"

typedef enum kt_metric {
    KT_METRIC_COSINE,    /* 1 - cosine of the angle */
    KT_METRIC_EUCLIDEAN,
    KT_METRIC__COUNT
} kt_metric;
extern const char *const kt_metric_names[KT_METRIC__COUNT + 1]; /* NULL at the end */

enum { KT_MAX_NEIGHBOURS = 64 };

typedef struct kt_outlier_opts {
    uint32_t neighbours; /* 1 to KT_MAX_NEIGHBOURS; fewer where there are fewer items */
    kt_metric metric;
    size_t sample;       /* each item is compared with so many (2 or more) drawn from all of them; 0: with all. O(n · sample · d) */
    uint64_t seed;
} kt_outlier_opts;

#define KT_OUTLIER_OPTS_INIT { 10, KT_METRIC_COSINE, 20000, 1 }

/* x: n × d. ret_distance: n, NaN where there is no other item. ret_nearest: n, the nearest item (SIZE_MAX: none), or NULL. ret_z: n,
   the robust z of the logarithm of the distance (above 3.5: an outlier; of a spread of at least 0.02), or NULL. The same bits for any pool.
   KT_RANGE: a feature that is no finite number or too large, an item of zeros alone under the cosine, neighbours out of bounds; KT_NOMEM. */
kt_rc kt_outlier_distances(const float *x, size_t n, size_t d, const kt_outlier_opts *opt, kt_pool *pool, double *ret_distance,
                           size_t *ret_nearest, double *ret_z, kt_err *err) KT_MUST_USE;

#endif
