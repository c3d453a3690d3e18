/* What routing could do, and what would help: 'karat route --explain' as numbers. */
#ifndef KT_ALGO_OUTLOOK_H
#define KT_ALGO_OUTLOOK_H

#include "algo/route/route.h"

enum { KT_OUTLOOK_BUDGETS = 6, KT_OUTLOOK_MORE = 3, KT_OUTLOOK_DRAWS = 200 };

/* People who may be asked. An error of NAN: not known, and then they are in no plan. */
typedef struct kt_outlook_people {
    double machine_price, annotator_price, expert_price; /* an answer */
    double annotator_error, expert_error;
} kt_outlook_people;

typedef struct kt_outlook_row {
    double budget;
    bool asked, found;           /* asked: the budget that was given */
    double score, coverage, upper;
    uint32_t n_trusted, n_wrong;
    uint64_t n_more;             /* not found: fewest further trusted labels, all right */
    double conformal_coverage;   /* what conformal selection would take at that mean error */
} kt_outlook_row;

typedef struct kt_outlook {
    double budget, delta;
    uint64_t n_pool;
    uint32_t n_trusted, n_wrong;
    kt_calibration calibration;
    double loss[KT_CALIBRATE__COUNT]; /* in cross-validation; all 0: too few trusted items */
    size_t n_rows;
    kt_outlook_row row[KT_OUTLOOK_BUDGETS]; /* by budget; each holds alone */
    kt_worth worth[KT_OUTLOOK_MORE];        /* of 10, 100, 1000 more; n_more beyond the pool is left out */
    size_t n_worth;
    size_t n_human;
    char human_name[KT_PLAN_SOURCES][24];
    kt_plan_source human[KT_PLAN_SOURCES];
    double plan_coverage[KT_OUTLOOK_BUDGETS]; /* what is proved for all budgets at once: they share delta */
    kt_plan plan, without;                    /* without: by people alone */
} kt_outlook;

/* d: scores in [0, 1] of all items to be routed, and the trusted ones; with none of them only the forecast says anything, from the scores
   as they are. The forecast takes some seconds for thousands of trusted items. */
kt_rc kt_outlook_of(const kt_threshold_data *d, const kt_threshold_options *o, const kt_outlook_people *people, uint64_t seed, kt_pool *pool,
                    kt_outlook *ret, kt_err *err) KT_MUST_USE;

#endif
