/* report.html: the run in numbers and plots, one file that needs nothing else. A pure function of kt_report. */
#ifndef KT_STAGE_REPORT_H
#define KT_STAGE_REPORT_H

#include "store/round.h"

typedef struct kt_bin { /* reliability: items whose score falls in [lo, hi) */
    double lo, hi, mean_score, accuracy;
    uint64_t n;
} kt_bin;

typedef struct kt_curve_point { double x, y, lo, hi; } kt_curve_point; /* lo, hi: NaN without an interval */

typedef struct kt_report_function {
    kt_str name, label;
    uint64_t votes, overlaps, conflicts;
    double learned_accuracy, true_accuracy; /* NaN: unknown */
    uint64_t failed;                        /* items it failed on … */
    kt_str failure;                         /* … and how, the first time */
} kt_report_function;

typedef struct kt_report_person {
    kt_str name;
    bool expert, simulated;
    uint64_t n, skips, gold_n, gold_right;
    double accuracy, lo, hi;      /* against truth where held back, else gold; 95 % Clopper-Pearson; NaN: unknown */
    double estimated;             /* by the consensus method; NaN: unknown */
    double items_per_hour;
} kt_report_person;

typedef struct kt_report_label { /* of the machine's answers, where labels are sets or regions: on items it did not learn from, against held-back truth */
    kt_str name;
    uint64_t truth, said, right;  /* so many there are, so many it says, so many of those are there, exactly */
} kt_report_label;

typedef struct kt_report {
    kt_str project, version, created; /* created: RFC 3339 */
    bool simulated;                   /* the people are simulated: said on top */
    const kt_str *label;
    uint32_t n_labels;
    /* the flow */
    uint64_t n_raw, n_rejected, n_items, n_exact_dups, n_near_dups, n_canonical, n_voted_by_functions;
    uint64_t n_trusted, n_train, n_auto, n_human, n_expert, n_disputes, n_final, n_left_out, n_answers, n_suspects, n_suspects_changed;
    /* the guarantee */
    double budget, confidence, threshold, bound;     /* bound: upper confidence bound at the threshold; NaN: none passed */
    uint64_t bound_n, bound_errors;                  /* trusted items above the threshold, errors among them */
    double measured_error, measured_lo, measured_hi; /* of the auto-approved against held-back truth; NaN: no truth */
    double human_error, expert_error, final_error;   /* NaN: no truth */
    /* agreement */
    bool whole;                                      /* labels are sets or regions: an item's answer is right, and agrees, as a whole */
    const kt_report_label *of_label;                 /* then, where there is a truth: n_labels of them */
    double percent_agreement, cohen, fleiss, krippendorff;
    uint64_t n_agreement_items;
    /* plots */
    const kt_bin *before, *after;                    /* reliability before and after calibration */
    size_t n_before, n_after;
    double ece_before, ece_after;
    kt_str calibration;                              /* "isotonic" */
    kt_str calibration_why;                          /* the losses in cross-validation it was chosen by; empty: too few trusted items */
    /* checks of what the machine approved */
    uint64_t n_batches, n_reopened, n_checked, n_checked_wrong;
    kt_str check_name;                               /* the batch with most checks: … */
    uint64_t check_size;
    double check_budget, check_delta;
    bool check_reopened;
    const kt_curve_point *check;                     /* … x: answers, y: share wrong so far, lo and hi: the interval then */
    size_t n_check;
    const kt_curve_point *coverage;                  /* x: share of items approved, y: error on trusted, hi: upper bound */
    const kt_curve_point *coverage_true;             /* y: error against truth; may be NULL */
    size_t n_coverage, n_coverage_true;
    const kt_curve_point *active, *random;           /* x: labels bought, y: accuracy */
    size_t n_active, n_random;
    const kt_round *round;                           /* of learning, oldest first */
    size_t n_rounds;
    bool outlook, stopped;                           /* there is an outlook on more labels; asking ended because of it */
    double next_gain, next_low, next_high;           /* accuracy that 100 more labels are expected to add, 95 % interval */
    double left_gain, least_gain, asked;             /* all that is left; what 100 labels had to add (0: not said); items answered so far */
    kt_str active_strategy, learning_measured_on;    /* "held-back truth" or "trusted sample" */
    const uint64_t *confusion;                       /* n_labels × n_labels, row: truth, column: final label; NULL: no truth */
    const kt_report_function *function;
    size_t n_functions;
    const kt_report_person *person;
    size_t n_people;
    const kt_curve_point *throughput;                /* x: hours since the first answer (simulated clock), y: answers per hour */
    size_t n_throughput;
    const struct kt_stage_time { kt_str stage; double seconds; uint64_t items; } *times;
    size_t n_times;
    /* the proof */
    uint64_t audit_events;
    char audit_root[65], public_key[65];
    bool audit_ok;
} kt_report;

/* The whole page into ret; ret->failed when it would pass ret's maximum. */
void kt_report_html(const kt_report *r, kt_buf *ret);
/* The summary table for a terminal. */
void kt_report_text(const kt_report *r, kt_buf *ret);
/* The same numbers as one JSON object. */
void kt_report_json(const kt_report *r, kt_buf *ret);

#endif
