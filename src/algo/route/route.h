/* What a machine may decide without a person, beyond one budget for everything (algo/learn/threshold.h): budgets of classes and
   slices, conformal selection, trusted items that were not drawn uniformly, what more trusted labels would buy, and the cheapest
   way to label everything. Pure functions; every one says what it proves and what it assumes. */
#ifndef KT_ALGO_ROUTE_H
#define KT_ALGO_ROUTE_H

#include "algo/learn/calibrate.h"
#include "algo/learn/threshold.h"
#include "base/arena.h"

typedef enum kt_route_method {
    KT_ROUTE_THRESHOLD, /* learn-then-test: error <= budget with chance >= 1 - delta over the draw of the trusted sample */
    KT_ROUTE_CONFORMAL, /* conformal selection: error <= budget on average over the draws (false discovery rate) */
    KT_ROUTE__COUNT,
} kt_route_method;

const char *kt_route_method_name(kt_route_method m);

/* ---- cells: a budget for each class and slice ---- */

/* A cell is a part of the items with one budget: a class the machine says, a slice, or both at once. Cells do not overlap, so every
   union of cells (a class over all slices, everything) has an error of at most the largest budget in it, under the same chance. */
typedef struct kt_cells_data {
    uint32_t n_cells;
    const double *budget;         /* n_cells, each in (0, 1) */
    size_t n_pool;
    const float *pool_score;      /* n_pool, finite */
    const uint32_t *pool_cell;    /* n_pool, below n_cells; NULL: all in cell 0 */
    size_t n_trusted;             /* a uniform random sample of the same population */
    const float *trusted_score;
    const uint32_t *trusted_cell;
    const uint8_t *trusted_right;
} kt_cells_data;

typedef struct kt_cell {
    double budget, delta;        /* delta: its part of the whole; 0: so few trusted items that nothing could pass */
    uint64_t n_pool, n_approved;
    uint32_t n_cell_trusted;     /* trusted items of the cell … */
    bool found;                  /* approve its items with score >= score; false: none of them */
    double score;
    uint32_t n_trusted, n_wrong; /* … of them at or above score */
    double error, upper;         /* upper: bound at the level of the tests; NaN for KT_ROUTE_CONFORMAL, which bounds a mean */
    uint64_t n_more;             /* not found: at least so many more trusted items of the whole population, all right, are needed */
} kt_cell;

/* ret: n_cells. For KT_ROUTE_THRESHOLD the chance that any cell breaks its budget is at most delta: it is shared evenly among the cells
   that have trusted items enough to pass at all (their number does not depend on who is right, so nothing is lost by looking).
   KT_ROUTE_CONFORMAL holds cell by cell, each on average. KT_RANGE for numbers out of bounds. O(n_pool + n_trusted^1.5). */
kt_rc kt_cells_find(const kt_cells_data *d, kt_route_method method, double delta, kt_cell *ret, kt_err *err) KT_MUST_USE;

/* ---- conformal selection ---- */

typedef struct kt_conformal {
    bool found;                  /* false: nothing is selected */
    double score;                /* select items with score >= score */
    uint64_t n_selected;
    uint32_t n_trusted, n_wrong; /* trusted items at or above it */
} kt_conformal;

/* Selection by prediction with conformal p-values (Jin and Candès 2023): p_j = (1 + number of trusted items that are wrong and score
   at least as high as j) / (n_trusted + 1), then Benjamini and Hochberg's procedure at level q. The mean over draws of the share of
   wrong ones among the selected is at most q, if trusted and pool items are exchangeable. It says nothing about a single draw. ret_p
   (n_pool, may be NULL): the p-values. delta of o is not looked at. O(n log n). */
kt_rc kt_conformal_find(const kt_threshold_data *d, double q, kt_conformal *ret, double *ret_p, kt_err *err) KT_MUST_USE;

/* ---- trusted items that were not drawn uniformly ---- */

enum { KT_WEIGHTED_POINTS = 40 };

typedef struct kt_weighted_point {
    double score, coverage;
    uint32_t n_trusted, n_wrong;
    double error; /* weighted estimate; NaN without trusted items there */
    bool passed;
} kt_weighted_point;

typedef struct kt_weighted {
    bool found;
    double score, coverage, error, upper; /* upper: bound at the chosen point's own level; 1 where nothing was found */
    uint32_t n_trusted, n_wrong, n_points;
    kt_weighted_point point[KT_WEIGHTED_POINTS];
} kt_weighted;

/* As kt_threshold_find when trusted item i was taken with known chance p_i, as active learning takes them; weight[i] = 1 / p_i up to a
   common factor, most_weight: the largest any item of the pool could have had. At threshold t and for Z = 1[score >= t] (wrong -
   budget), prod (1 - lambda w_i Z_i) has mean at most 1 when the error at or above t is over the budget, for every fixed lambda from 0
   to 1 / ((1 - budget) most_weight); a fixed mixture over lambda that reaches points / delta proves the opposite (Ville's and
   Markov's inequalities; Waudby-Smith and Ramdas 2024). It holds for draws with replacement whose chances may depend on all
   earlier ones, and for every item being taken or not by an independent toss of its own chance. Of draws that depend on the labels
   still unseen it says nothing. Wide where weights differ much. O(n_pool + n_trusted · points). */
kt_rc kt_weighted_find(const kt_threshold_data *d, const double *weight, double most_weight, const kt_threshold_options *o, kt_weighted *ret,
                       kt_err *err) KT_MUST_USE;

/* ---- what more trusted labels would buy ---- */

typedef struct kt_worth {
    size_t n_more;              /* trusted labels beyond those there are */
    double coverage, low, high; /* expected share approved, and the middle 80 % of the draws */
    double found;               /* share of the draws in which anything is approved */
    double upper;               /* mean bound where something is; NaN: never */
} kt_worth;

/* Draws n_more[i] further trusted items from the pool, right with the chance that a calibration fitted on a bootstrap of the trusted items
   gives their scores, and finds the threshold again; n_draws times each. What is known stays as it is. A forecast, no bound. ret: n. */
kt_rc kt_worth_of(const kt_threshold_data *d, const kt_threshold_options *o, const size_t *n_more, size_t n, uint32_t n_draws, uint64_t seed,
                  kt_pool *pool, kt_worth *ret, kt_err *err) KT_MUST_USE;

/* ---- the cheapest plan ---- */

typedef struct kt_plan_source {
    const char *name; /* "machine", "3 annotators", "expert" */
    double price;     /* of one item */
    double error;     /* share it gets wrong */
} kt_plan_source;

enum { KT_PLAN_SOURCES = 16 };

typedef struct kt_plan {
    bool possible;                 /* false: no mixture stays within the budget; error says how near they come */
    double machine;                /* share of the items the machine takes … */
    double machine_error;          /* … and its error that is counted on: what was proved */
    double share[KT_PLAN_SOURCES]; /* of each human source */
    double error, price;           /* of everything, on average an item */
} kt_plan;

/* Machine operating points: coverage[i] of the items at an error of machine_error[i], proved; (0, 0) is understood. Over all of them and all
   mixtures of the human sources (at most KT_PLAN_SOURCES) for the rest, the one of least price whose error is at most budget: for
   each point the rest is a mixture of at most two of them. The errors of people are taken as given; what holds of the machine's for
   all points at once must have been proved so. O(n_points · n_human²). */
kt_plan kt_plan_cheapest(const double *coverage, const double *machine_error, size_t n_points, double machine_price,
                         const kt_plan_source *human, size_t n_human, double budget);
/* Error of the majority of an odd number of people who are each wrong with chance error, independently, all wrong ones alike (the worst case for
   more than two labels). */
double kt_majority_error(int n_people, double error);

#endif
