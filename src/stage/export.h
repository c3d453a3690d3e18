/* Export: final labels out, with what was left out and why. */
#ifndef KT_STAGE_EXPORT_H
#define KT_STAGE_EXPORT_H

#include "base/buf.h"
#include "base/pool.h"
#include "base/progress.h"
#include "store/project.h"

typedef struct kt_export_opts {
    kt_str format;      /* a writer's name: "jsonl", "csv" */
    const char *dir;    /* folder for labels.FORMAT and left_out.csv */
    bool text;          /* with the items' texts */
    kt_pool *pool;
    kt_progress *progress;
} kt_export_opts;

typedef struct kt_export_result {
    uint64_t n_rows, n_left_out;
    char path[512], left_out_path[512];
} kt_export_result;

/* Writes the files; only reads the store. */
kt_rc kt_export_write(kt_store *s, const kt_project *p, const kt_export_opts *o, kt_export_result *ret, kt_err *err) KT_MUST_USE;
/* The event of a written export; actor is who asked for it. In a transaction. */
kt_rc kt_export_log(kt_store *s, const kt_project *p, kt_str format, const kt_export_result *r, kt_str actor, kt_err *err) KT_MUST_USE;
/* Both, in a transaction of its own. */
kt_rc kt_export_run(kt_store *s, const kt_project *p, const kt_export_opts *o, kt_export_result *ret, kt_err *err) KT_MUST_USE;

/* Where a project's files go: DIR/export and DIR/report.html for the workspace's first, DIR/export-NUMBER and DIR/report-NUMBER.html for
   the others, so that no project writes over another's. */
char *kt_export_folder(kt_store *s, const kt_project *p, kt_arena *a);
char *kt_report_path(kt_store *s, const kt_project *p, kt_arena *a);

#endif
