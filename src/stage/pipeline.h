/* The whole flow, in order. */
#ifndef KT_STAGE_PIPELINE_H
#define KT_STAGE_PIPELINE_H

#include "stage/explain.h"
#include "stage/export.h"
#include "stage/marks.h"
#include "stage/route_explain.h"
#include "stage/run.h"
#include "store/queue.h"

/* What a run did as far as it went, for the verbs of single stages. */
typedef struct kt_stage_numbers {
    uint32_t n_items, n_functions;
    kt_dedup_result dedup;
    kt_str *function;      /* n_functions names; once the functions ran */
    kt_lf_summary *lf;     /* n_functions, on the pool; once the label model is fitted */
    kt_functions_ran functions; /* what ran, because something of theirs had changed; fault: n_functions */
    uint64_t n_pool, n_predicted, state[KT_ITEM_EXPERT + 1];
    bool routed, proved;   /* state is the routing's; a threshold was found */
    double threshold, bound; /* threshold: NAN where classes or slices have their own */
    uint32_t n_cells;
} kt_stage_numbers;

typedef struct kt_pipeline_result {
    bool marked;           /* labels are sets or regions: marks is filled, and nothing below */
    kt_marks_result marks;
    kt_str marks_text, marks_json;
    bool waiting;          /* people are needed before it can go on */
    unsigned waiting_for;  /* … in these queues, bits of kt_queue */
    const char *stage;     /* … at this stage */
    kt_stage_numbers numbers;
    int64_t queued[KT_QUEUE__COUNT];
    kt_report report;      /* when not waiting */
    kt_export_result exported;
    char report_path[512];
} kt_pipeline_result;

/* How far to go: the names are the verbs'. */
typedef enum kt_until { KT_UNTIL_DEDUP, KT_UNTIL_FUNCTIONS, KT_UNTIL_SELECT, KT_UNTIL_PRELABEL, KT_UNTIL_ROUTE, KT_UNTIL_CONSENSUS, KT_UNTIL_END } kt_until;

enum { KT_RUN_SIMULATE = 1, KT_RUN_WATCH = 2 };

/* The stages from dedup to `until` over what project p of the open workspace holds, by its own configuration; KT_RUN_SIMULATE
   and KT_RUN_WATCH do as if the configuration had that section. Texts of *ret live in a. */
kt_rc kt_pipeline_continue(kt_store *s, const kt_project *p, kt_until until, unsigned how, kt_pool *pool, kt_progress *progress, kt_arena *a,
                           kt_pipeline_result *ret, kt_err *err) KT_MUST_USE;
/* While people work on what was routed to them: a round of learning, when their answers are enough for one; *ret_moved items were taken
   from their queue. KT_DONE: nothing to do yet. */
kt_rc kt_pipeline_watch(kt_store *s, const kt_project *p, kt_pool *pool, kt_progress *progress, uint64_t *ret_moved, kt_err *err) KT_MUST_USE;
/* As kt_pipeline_continue up to pre-labelling, then why item ext_id has its label. *ret_waiting: people are needed first. */
kt_rc kt_pipeline_explain(kt_store *s, const kt_project *p, kt_str ext_id, kt_pool *pool, kt_progress *progress, kt_arena *a,
                          bool *ret_waiting, kt_explanation *ret, kt_err *err) KT_MUST_USE;
/* As kt_pipeline_continue up to pre-labelling, then what routing would do. */
kt_rc kt_pipeline_explain_route(kt_store *s, const kt_project *p, kt_pool *pool, kt_progress *progress, kt_arena *a, bool *ret_waiting,
                                kt_route_explained *ret, kt_err *err) KT_MUST_USE;
/* Makes the project of config c and takes its sources in: what has to be there before it can be served. */
kt_rc kt_pipeline_begin(kt_store *s, const kt_config *c, kt_pool *pool, kt_progress *progress, kt_arena *a, kt_pipeline_result *ret, kt_err *err) KT_MUST_USE;
/* The whole flow of config c in the open workspace s. Texts of *ret live in a. */
kt_rc kt_pipeline_run(kt_store *s, const kt_config *c, kt_pool *pool, kt_progress *progress, kt_arena *a, kt_pipeline_result *ret,
                      kt_err *err) KT_MUST_USE;

#endif
