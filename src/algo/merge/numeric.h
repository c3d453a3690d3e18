/* Merging numbers: several sources' measurements of the same items, each source with a bias and a precision of its own. */
#ifndef KT_ALGO_NUMERIC_H
#define KT_ALGO_NUMERIC_H

#include "algo/stats_options.h"
#include "base/arena.h"

typedef struct kt_numbers {
    size_t n;
    uint32_t n_items, n_sources;
    const uint32_t *item, *source; /* n */
    const double *value;           /* n, finite */
} kt_numbers;

typedef enum kt_numeric_method { KT_NUMERIC_AUTO, KT_NUMERIC_PRECISION, KT_NUMERIC_MEAN, KT_NUMERIC_MEDIAN } kt_numeric_method;
typedef struct kt_numeric_opts {
    int32_t method;   /* kt_numeric_method */
    int32_t bias;     /* 1: a source may be too high or too low throughout */
    double robust;    /* degrees of freedom of Student's t for errors; 0: normal errors */
    int32_t n_iter;
    double shrink;    /* votes of average precision and no bias that every source starts with */
} kt_numeric_opts;
#define KT_NUMERIC_OPTS_INIT { .bias = 1, .robust = 4, .n_iter = 200, .shrink = 4 }
extern const kt_setting kt_numeric_options[];

/* Everything in the arena; NaN where there are no votes. */
typedef struct kt_numeric {
    uint32_t n_items, n_sources;
    kt_numeric_method method;    /* what was used: not auto */
    double robust;               /* degrees of freedom used */
    double held_out;             /* mean squared error of votes predicted from the others' on the item; NaN without two votes an item */
    double *value, *ci;          /* n_items, n_items × 2: merged value and its 95 % interval */
    uint32_t *n_votes;           /* n_items */
    double *bias, *bias_ci;      /* n_sources, × 2: what its numbers are too high by */
    double *sd, *sd_ci;          /* n_sources, × 2: spread of its errors around that; with robust ones the scale of their t */
    uint32_t *n_said;            /* n_sources */
    double *precision;           /* n_sources: what its votes were weighed by, 1 / variance with the pseudo-votes; not by mean and median */
    bool bias_out;               /* whether biases were taken out of the votes, or are only told */
} kt_numeric;

/* value = Σ precision (x - bias) / Σ precision over the votes; bias and precision from the residuals; repeated. With robust, a
   vote far off counts less (weights of Student's t, Lange, Little and Taylor 1989). auto takes, of the plain mean and
   precision with normal or robust errors, without and (bias) with biases, what predicts votes best from the others on their item; the
   mean unless another does so clearly. Biases have the mean 0 over the votes: only
   differences between sources can be seen. KT_RANGE for ids out of bounds and numbers that are not finite. */
kt_rc kt_numeric_fit(const kt_numbers *v, const kt_numeric_opts *o, kt_arena *a, kt_numeric *ret, kt_err *err) KT_MUST_USE;

#endif
