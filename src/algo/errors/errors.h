/* Errors in labels: what a model's out-of-sample probabilities, other annotations or an audited sample say about them. */
#ifndef KT_ALGO_ERRORS_H
#define KT_ALGO_ERRORS_H

#include "algo/boxes.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"

/* ---- labels against probabilities (Northcutt, Jiang, Chuang 2021, "Confident learning") ---- */

/* n items with one label each among n_labels and the probabilities a model gives them that did not see their labels.
   Row i begins at prob + i · row_stride bytes; its n_labels numbers stand one after the other. */
typedef struct kt_label_probs {
    size_t n;
    uint32_t n_labels;
    const int32_t *label; /* n, 0..n_labels-1 */
    const void *prob;
    bool floats; /* float, not double */
    size_t row_stride;
} kt_label_probs;

/* KT_RANGE: a label out of bounds, a probability that is no number or outside [0, 1], a row whose sum is off 1 by more than
   0.01; KT_LIMIT: more than 4096 labels or 2^32 items. */
kt_rc kt_label_probs_check(const kt_label_probs *d, kt_pool *pool, kt_err *err) KT_MUST_USE;

/* What confident learning knows of the data; arrays in the arena. Row: the given label, column: the likely true one. */
typedef struct kt_confident {
    uint32_t n_labels;
    uint64_t *count;      /* n_labels: items with the label */
    double *threshold;    /* n_labels: mean probability of the label among its items; 2 without items */
    uint64_t *raw;        /* n_labels²: items confident of the column; diagonal at least 1 */
    int64_t *joint;       /* n_labels²: raw, each row scaled to the label's items, in whole items */
    size_t off_diagonal;  /* items confident of another label, which is also their likeliest */
} kt_confident;

/* The same bits for any pool. Checks d first. */
kt_rc kt_confident_fit(const kt_label_probs *d, kt_pool *pool, kt_arena *a, kt_confident *ret, kt_err *err) KT_MUST_USE;

typedef enum kt_error_filter {
    KT_FILTER_PRUNE_BY_NOISE_RATE,     /* of every label k and true label j the joint's number of items of largest p[j] - p[k] */
    KT_FILTER_PRUNE_BY_CLASS,          /* of every label k the joint's number of items of smallest p[k] */
    KT_FILTER_BOTH,                    /* what both of the above find */
    KT_FILTER_CONFIDENT_LEARNING,      /* items confident of another label */
    KT_FILTER_PREDICTED_NEQ_GIVEN,     /* the likeliest label is another */
    KT_FILTER_LOW_NORMALIZED_MARGIN,   /* as many of the lowest quality as confident learning finds */
    KT_FILTER_LOW_SELF_CONFIDENCE,
    KT_FILTER__COUNT
} kt_error_filter;
extern const char *const kt_error_filter_names[KT_FILTER__COUNT + 1]; /* NULL at the end */

/* ret_issue: n, 1 = suspect. c: from kt_confident_fit on the same data, which has checked it. Items whose label is the
   likeliest anyway are never suspects, except by the two low_ filters. */
void kt_confident_issues(const kt_label_probs *d, const kt_confident *c, kt_error_filter f, kt_pool *pool, uint8_t *ret_issue, size_t *ret_n);

typedef enum kt_label_quality {
    KT_QUALITY_SELF_CONFIDENCE,             /* p[label] */
    KT_QUALITY_NORMALIZED_MARGIN,           /* (p[label] - the largest other + 1) / 2 */
    KT_QUALITY_CONFIDENCE_WEIGHTED_ENTROPY, /* log(r + 1) / r, r = H(p) / log K / p[label]; 0 for H = 0 */
    KT_QUALITY__COUNT
} kt_label_quality;
extern const char *const kt_label_quality_names[KT_QUALITY__COUNT + 1];

/* ret: n scores in [0, 1], low = likely wrong. d must have been checked. */
void kt_label_quality_of(const kt_label_probs *d, kt_label_quality q, kt_pool *pool, double *ret);

/* Items in groups (tokens in sentences, pixels in images): group g holds items start[g] .. start[g + 1] - 1. ret: n_groups,
   the smallest score of the group, or with temperature > 0 its soft minimum Σ s softmax((1 - s) / temperature). An empty
   group: 1. */
void kt_group_quality(const double *score, const size_t *start, size_t n_groups, double temperature, double *ret);

/* Labels of many classes at once: given[i * n_labels + k] says whether item i bears k, p[i * n_labels + k] how likely it does.
   ret: n scores, the classes' self-confidences sorted and averaged with weights falling by 1 - alpha = 0.2 from the
   smallest (Thyagarajan et al. 2022). KT_RANGE for a probability outside [0, 1]. */
kt_rc kt_multilabel_quality(const uint8_t *given, const double *p, size_t n, uint32_t n_labels, double *ret, kt_err *err) KT_MUST_USE;

/* Numbers against predicted numbers: ret_z: n, residuals over 1.4826 times their median distance from their median
   (Iglewicz and Hoaglin 1993 call |z| > 3.5 an outlier). KT_RANGE for what is no number. All residuals alike: 0. */
kt_rc kt_value_errors(const double *given, const double *predicted, size_t n, double *ret_z, kt_err *err) KT_MUST_USE;

/* Items of one cluster (near-duplicates) should bear one label. ret_issue: 1 where an item's label has fewer items in its
   cluster than another label, or as many; label -1: none, cluster -1: in no cluster. */
kt_rc kt_duplicate_errors(const int32_t *label, const int64_t *cluster, size_t n, uint8_t *ret_issue, size_t *ret_n, kt_err *err) KT_MUST_USE;

/* ---- boxes (Tkachenko, Thyagarajan, Mueller 2023, "ObjectLab") ---- */

/* Boxes of n images: those of image i are start[i] .. start[i + 1] - 1. score only of predictions. */
typedef struct kt_boxes {
    size_t n;
    const size_t *start; /* n + 1 */
    const kt_xyxy *box;
    const int32_t *label;
    const double *score;
} kt_boxes;

/* One score a given box or prediction, and their images' scores; 1 = good. ret_overlooked: one a prediction, NaN where it
   accuses nobody; ret_badloc, ret_swap: one a given box; ret_image: n. The first three may be NULL. KT_RANGE: a coordinate
   or score that is no number, x2 < x1 or y2 < y1, differing numbers of images. */
kt_rc kt_box_quality(const kt_boxes *given, const kt_boxes *predicted, kt_pool *pool, double *ret_overlooked, double *ret_badloc,
                     double *ret_swap, double *ret_image, kt_err *err) KT_MUST_USE;

#endif
