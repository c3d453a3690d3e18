/* One rule over a whole project, before it is anybody's labeling function: first on a random sample, then on every item. */
#ifndef KT_STAGE_FUNCTIONS_TRY_H
#define KT_STAGE_FUNCTIONS_TRY_H

#include "provider/functions.h"
#include "stage/functions_figures.h"

typedef struct kt_try kt_try; /* a rule ready to run, and what it is run against */

typedef struct kt_try_opts {
    bool foreign;       /* typed into a page: no files, no programs */
    uint32_t sample;    /* items in the first answer, and a third as many trusted labels */
    uint32_t n_examples;
    bool (*stale)(void *ctx); /* asked on the way; true ends the run with KT_CANCELLED. May be NULL */
    void *ctx;
} kt_try_opts;
#define KT_TRY_OPTS_INIT { .sample = 1500, .n_examples = 5 }

typedef struct kt_tried {
    bool exact;
    uint64_t n, votes;                 /* items looked at, without duplicates; of them voted on */
    double coverage, lo, hi;           /* votes / n with its 95 % Clopper-Pearson interval; exact: no interval */
    uint64_t *by_label;                /* votes (marks) for each label of the project */
    uint64_t gold_n, gold_votes, right; /* trusted labels looked at; voted on; alike. Sets and regions: trusted answers; marks on these items; marks they have */
    double precision, p_lo, p_hi;      /* right / gold_votes, 95 % Clopper-Pearson; NaN without */
    kt_lf_example *example;            /* KT_LF_EXAMPLES × n_examples, as in kt_lf_figures; no conflicts. Of marks, gold is -1 where the trusted answer lacks it */
    kt_function_fault fault;
    double seconds;
} kt_tried;

/* text: one function as YAML, a map without a name, or a list of one. KT_PARSE, KT_RANGE, KT_DENIED as kt_functions_read. */
kt_rc kt_try_new(kt_store *s, const kt_project *p, kt_str text, const char *file, const kt_try_opts *o, kt_try **ret, kt_err *err) KT_MUST_USE;
kt_try *kt_try_free(kt_try *t);
/* exact false: a simple random sample of the items, and of the trusted labels. Texts of *ret live in a. */
kt_rc kt_try_run(kt_try *t, kt_item_reader *r, bool exact, kt_pool *pool, kt_arena *a, kt_tried *ret, kt_err *err) KT_MUST_USE;
/* As a JSON object. */
void kt_tried_json(const kt_try *t, const kt_tried *x, kt_buf *ret);

#endif
