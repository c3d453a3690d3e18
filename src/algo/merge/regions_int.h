/* Between the parts of merging regions: what is common to all forms, and what a form does by itself. */
#ifndef KT_ALGO_REGIONS_INT_H
#define KT_ALGO_REGIONS_INT_H

#include "algo/merge/regions.h"

#define KT_REGION_START_SD 0.05 /* share of the size that a source's places are believed to be off by, before any is known */
#define KT_REGION_LEAST_SD 1e-3

typedef struct kt_region_merging {
    const kt_region_answers *v;
    kt_region_opts o;
    size_t *answer_start, *answers; /* by item: n_items + 1; n_answers */
    size_t *region_start, *regions; /* by item: n_items + 1; n */
    size_t *group;                  /* n: of each region */
    size_t n_groups;
    uint32_t *item;                 /* of each group */
    size_t *group_start, *in_group; /* n_groups + 1; n */
    kt_pool *pool;
} kt_region_merging;

typedef struct kt_region_shape {
    kt_rc (*check)(const kt_region_answers *v, size_t region, kt_err *err);
    double (*alike)(const kt_region_merging *m, size_t x, size_t y); /* 0 to 1 */
    /* at (and start, seen), source_sd, source_sd_ci of r, whose other members stand. */
    kt_rc (*place)(const kt_region_merging *m, kt_arena *a, kt_regions *r, kt_err *err);
} kt_region_shape;
extern const kt_region_shape kt_region_edges, kt_region_polygons, kt_region_keypoints;

static inline uint32_t kt_region_source(const kt_region_answers *v, size_t region)
{
    return v->source[v->answer[region]];
}
/* What is seen of the spread of a source's places: a residual around a place to which the vote itself contributed the share h has
   the expected square (1 - h) σ² (Σ in worth), and that says about σ what (1 - h)² squares of σ² would (Σ in freedom). n_sources each. */
typedef struct kt_region_residuals {
    double *squares, *worth, *freedom;
} kt_region_residuals;
kt_region_residuals kt_region_residuals_make(uint32_t n_sources); /* zeros */
void kt_region_residuals_done(kt_region_residuals *r);
void kt_region_residual(kt_region_residuals *r, uint32_t source, double square, double dimensions, double share);
/* source_sd and its interval as measured; precision with so many squares of KT_REGION_START_SD before. */
void kt_region_spreads(const kt_region_residuals *x, double prior, uint32_t n_sources, kt_regions *r, double *ret_precision);

#endif
