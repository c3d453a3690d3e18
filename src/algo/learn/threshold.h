/* Which scores may be approved without a person, with a guarantee on the error rate: learn-then-test (Angelopoulos,
   Bates, Candès, Jordan, Lei 2021). */
#ifndef KT_ALGO_THRESHOLD_H
#define KT_ALGO_THRESHOLD_H

#include "base/err.h"

typedef struct kt_threshold_data {
    size_t n_pool;
    const float *pool_score;      /* n_pool: scores of the items to be routed; finite; in any order */
    size_t n_trusted;
    const float *trusted_score;   /* n_trusted: scores of a uniform random sample of the same population */
    const uint8_t *trusted_right; /* n_trusted: 1 when the machine's label of that item is right */
} kt_threshold_data;

typedef struct kt_threshold_options {
    double budget; /* greatest error rate among the approved items, e.g. 0.02; inside (0, 1) */
    double delta;  /* greatest chance that the bound is broken, e.g. 0.05; inside (0, 1) */
    double level;  /* kt_threshold_level of as many trusted items, for who asks often; 0: computed */
} kt_threshold_options;

#define KT_THRESHOLD_OPTIONS_INIT { 0.02, 0.05, 0 }

enum { KT_THRESHOLD_POINTS = 200 };

/* One threshold that was looked at. Approve items with score >= score. */
typedef struct kt_threshold_point {
    double score, coverage;      /* coverage: share of the pool at or above score */
    uint32_t n_trusted, n_wrong; /* of the trusted items at or above score */
    double error;                /* n_wrong / n_trusted; 0 where n_trusted is 0 */
    double upper;                /* one-sided Clopper-Pearson bound of that point alone, at 1 - delta; for plots */
    bool passed;                 /* the test held: error rate <= budget, jointly for all passed points */
} kt_threshold_point;

typedef struct kt_threshold {
    bool found;                  /* false: no threshold passes, approve nothing */
    double score, coverage;      /* where found: the passed point of largest coverage */
    uint32_t n_trusted, n_wrong; /* there */
    double error, upper;         /* upper: Clopper-Pearson bound at the level the tests were held at; <= budget */
    uint64_t n_more;             /* not found: at least so many more trusted labels, all right, are needed; else 0 */
    uint32_t n_points;           /* from high scores (small coverage) to low */
    kt_threshold_point point[KT_THRESHOLD_POINTS];
} kt_threshold;

/* KT_RANGE for no item, too many trusted ones, or scores that are not finite. */
kt_rc kt_threshold_check(const kt_threshold_data *d, kt_err *err) KT_MUST_USE;

/* Finds the threshold of largest coverage such that, with chance at least 1 - delta over the draw of the trusted
   sample, the error rate of the items at or above it is at most budget, however the error rate runs along the scores. Assumes
   that the trusted sample is a uniform random sample of the pool's population, that the scores do not depend on it, and
   independent draws (a sample without replacement is only safer). KT_RANGE for numbers out of bounds; 'none passes' is found =
   false, not an error. Time: O(n_pool + n_trusted^1.5), memory 8 bytes an item. */
kt_rc kt_threshold_find(const kt_threshold_data *d, const kt_threshold_options *o, kt_threshold *ret,
                        kt_err *err) KT_MUST_USE;

/* The level each threshold is tested at, so that all together keep delta. */
double kt_threshold_level(size_t n_trusted, const kt_threshold_options *o);
/* Fewest trusted items, all right, that prove a budget by one test at delta. */
uint64_t kt_threshold_least(double budget, double delta);

#endif
