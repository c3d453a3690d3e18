/* Merging regions several people drew: which belong together, which are really there, as what, and exactly where. */
#ifndef KT_ALGO_REGIONS_H
#define KT_ALGO_REGIONS_H

#include "algo/merge/aggregate.h"

typedef enum kt_region_form {
    KT_REGION_EDGES,     /* an interval (2 numbers: start, end) or a box (4: x1, y1, x2, y2) */
    KT_REGION_POLYGONS,  /* x1, y1, x2, y2, …: the corners of an outline in order, the last joined to the first */
    KT_REGION_KEYPOINTS, /* n_numbers / 3 points of a skeleton: x, y, and 0 where it is not there, 1 hidden, 2 seen (as COCO) */
} kt_region_form;

/* Places in any unit. An answer says that a source looked at an item, and stands there also when it saw nothing. */
typedef struct kt_region_answers {
    size_t n_answers;
    uint32_t n_items, n_sources, n_labels, n_numbers; /* n_numbers of a region: 2, 4, or 3 a point; not read of polygons */
    const uint32_t *item, *source;  /* n_answers; each pair once */
    size_t n;
    const size_t *answer;           /* n, < n_answers */
    const int32_t *label;           /* n, < n_labels */
    const double *at;               /* n × n_numbers, finite, ends not before starts */
    kt_region_form form;
    const size_t *start;            /* polygons, n + 1: those of region r are at[start[r]] .. at[start[r + 1] - 1]; else NULL */
} kt_region_answers;

typedef struct kt_region_opts {
    double overlap; /* least likeness of regions that are the same one: intersection over union, or of keypoints OKS */
    double sigma;   /* keypoints: how far apart two good ones are, as a share of the object's size: COCO's k_i / 2 */
} kt_region_opts;
#define KT_REGION_OPTS_INIT { .overlap = 0.5, .sigma = 0.05 }
extern const kt_setting kt_region_options[], kt_keypoint_options[];

/* In the arena; regions item by item. */
typedef struct kt_regions {
    size_t n;
    uint32_t *item;
    int32_t *label;
    double *at;              /* n × n_numbers: mean, weighed by the precision of the sources; polygons: as start says */
    size_t *start;           /* polygons: n + 1; else NULL */
    double *seen;            /* keypoints: n × points × 3: chance that the point is not there, hidden, seen; else NULL */
    double *prob;            /* chance that it is there */
    double *label_prob;      /* chance that it has this label, if it is there */
    uint32_t *n_for, *n_looked; /* sources that drew it; that looked at the item */
    bool *kept;              /* prob >= 1/2 */
    size_t *of;              /* of each region drawn: the merged one it went into */
    double *source_accuracy, *source_ci; /* n_sources, × 2: of saying of a region what it is, or that there is none */
    double *source_sd, *source_sd_ci; /* n_sources, × 2: spread of its edges, as a share of the region's size; NaN without regions */
    double *source_precision; /* n_sources: what its edges were weighed by: 1 / variance, drawn to a usual one where it drew little */
} kt_regions;

/* Regions of different sources are joined, most alike first, one of each source; a join is a question to everybody who looked,
   whose answers are the labels and 'nothing there', merged by auto. Places: edges are means weighed by precision; outlines the zero of
   the weighed mean of signed distances, a simple polygon; points weighed means without those far off, their visibility merged like
   labels. Time: pairs of regions on an item. KT_RANGE for ids, numbers or ends that are wrong. */
kt_rc kt_regions_merge(const kt_region_answers *v, const kt_region_opts *o, kt_pool *pool, kt_arena *a, kt_regions *ret, kt_err *err) KT_MUST_USE;
/* Intersection over union of two regions of n numbers; 0 where both are empty. */
double kt_region_iou(const double *x, const double *y, uint32_t n);

#endif
