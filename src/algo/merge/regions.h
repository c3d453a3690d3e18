/* Merging regions several people drew: which belong together, which are really there, as what, and exactly where. */
#ifndef KT_ALGO_REGIONS_H
#define KT_ALGO_REGIONS_H

#include "algo/merge/aggregate.h"

/* A region is an interval (2 numbers: start, end) or a box (4: x1, y1, x2, y2), in any unit. An answer says that a source looked at
   an item, and stands there also when it saw nothing. */
typedef struct kt_region_answers {
    size_t n_answers;
    uint32_t n_items, n_sources, n_labels, n_numbers; /* n_numbers: 2 or 4 */
    const uint32_t *item, *source;  /* n_answers; each pair once */
    size_t n;
    const size_t *answer;           /* n, < n_answers */
    const int32_t *label;           /* n, < n_labels */
    const double *at;               /* n × n_numbers, finite, ends not before starts */
} kt_region_answers;

typedef struct kt_region_opts {
    double overlap; /* least intersection over union of regions that are the same one */
} kt_region_opts;
#define KT_REGION_OPTS_INIT { .overlap = 0.5 }

/* In the arena; regions item by item. */
typedef struct kt_regions {
    size_t n;
    uint32_t *item;
    int32_t *label;
    double *at;              /* n × n_numbers: mean, weighed by the precision of the sources */
    double *prob;            /* chance that it is there */
    double *label_prob;      /* chance that it has this label, if it is there */
    uint32_t *n_for, *n_looked; /* sources that drew it; that looked at the item */
    bool *kept;              /* prob >= 1/2 */
    double *source_accuracy, *source_ci; /* n_sources, × 2: of saying of a region what it is, or that there is none */
    double *source_sd;       /* n_sources: spread of its edges, as a share of the region's size; NaN without regions */
} kt_regions;

/* Regions of different sources are joined, largest overlap first, one of each source; a join is a question to everybody who looked,
   whose answers are the labels and 'nothing there', merged by auto. KT_RANGE for ids, numbers or ends that are wrong. */
kt_rc kt_regions_merge(const kt_region_answers *v, const kt_region_opts *o, kt_pool *pool, kt_arena *a, kt_regions *ret, kt_err *err) KT_MUST_USE;
/* Intersection over union of two regions of n numbers; 0 where both are empty. */
double kt_region_iou(const double *x, const double *y, uint32_t n);

#endif
