/* Rules that the labels known so far speak for: n-grams, n-grams with a number in them, and patterns people often write. */
#ifndef KT_STAGE_FUNCTIONS_SUGGEST_H
#define KT_STAGE_FUNCTIONS_SUGGEST_H

#include "base/buf.h"
#include "stage/functions_figures.h"

typedef struct kt_suggest_opts {
    uint32_t per_label;    /* at most so many rules for a label */
    uint32_t min_gold;     /* with fewer trusted labels, confident predictions join them */
    float confident;       /* a calibrated score from here on is confident */
    double min_precision;  /* lower bound, 95 % sure, on the half that chose the rule */
} kt_suggest_opts;
#define KT_SUGGEST_OPTS_INIT { .per_label = 6, .min_gold = 200, .confident = 0.95f, .min_precision = 0.6 }

typedef struct kt_suggestion {
    kt_str rule;           /* condition as YAML: any: ["…"] or regex: "…" */
    kt_str name;
    int32_t label;
    uint64_t n, right;     /* votes on the labels that did not choose it; of them right */
    double precision, lo, hi; /* 95 % Clopper-Pearson; NaN without */
    double coverage;       /* of the project, from a random sample */
} kt_suggestion;

typedef struct kt_suggestions {
    kt_suggestion *v;
    size_t n;
    uint64_t n_gold, n_predicted; /* labels it rests on */
} kt_suggestions;

/* Half of the labels choose rules, the other half measures them, so that the figures are not of those who did best by luck. KT_RANGE
   when there are too few labels. *ret lives in a. */
kt_rc kt_functions_suggest(kt_store *s, const kt_project *p, const kt_suggest_opts *o, kt_pool *pool, kt_arena *a, kt_suggestions *ret,
                           kt_err *err) KT_MUST_USE;
void kt_suggestions_yaml(const kt_suggestions *g, const kt_project *p, kt_buf *ret); /* entries for "functions:" */
void kt_suggestions_json(const kt_suggestions *g, const kt_project *p, kt_buf *ret);

#endif
