/* The whole flow, in order. */
#ifndef KT_STAGE_PIPELINE_H
#define KT_STAGE_PIPELINE_H

#include "stage/export.h"
#include "stage/run.h"
#include "store/queue.h"

typedef struct kt_pipeline_result {
    bool waiting;          /* people are needed before it can go on */
    int64_t queued[KT_QUEUE__COUNT];
    kt_report report;      /* when not waiting */
    kt_export_result exported;
    char report_path[512];
} kt_pipeline_result;

/* Runs config c in the open workspace s. Texts of *ret live in a. */
kt_rc kt_pipeline_run(kt_store *s, const kt_config *c, kt_pool *pool, kt_progress *progress, kt_arena *a, kt_pipeline_result *ret,
                      kt_err *err) KT_MUST_USE;

#endif
