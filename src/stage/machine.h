/* The machine's part before people: duplicate clusters and the votes of labeling functions. */
#ifndef KT_STAGE_MACHINE_H
#define KT_STAGE_MACHINE_H

#include "algo/denoise/denoise.h"
#include "base/progress.h"
#include "provider/functions.h"
#include "stage/config.h"
#include "store/item.h"
#include "store/project.h"

typedef struct kt_dedup_result {
    uint64_t n_exact, n_near, n_canonical;
} kt_dedup_result;

/* Writes column "cluster" (uint32_t: the canonical item of each) and, in the same transaction, done_key into the document
   "dedup.done". */
kt_rc kt_dedup_run(kt_store *s, const kt_project *p, const kt_config *c, kt_pool *pool, kt_progress *progress, kt_str done_key,
                   kt_err *err) KT_MUST_USE;

typedef struct kt_functions_ran {
    bool changed;             /* anything differed from the last run */
    uint32_t n_ran;           /* functions that ran … */
    double seconds, cpu_seconds; /* … and how long that took; processor time of all threads */
    kt_function_fault *fault; /* per function: what failed, now or when its votes were made */
} kt_functions_ran;

/* Brings column "lf", the votes of all functions (int16_t, one for each function) on every item, up to date; duplicates abstain. A
   function whose definition is as in the last run over the same items keeps its votes; the others are compiled and run. In the same
   transaction, document "functions.done" says what stands in the column. No column without functions. *ret lives in a. */
kt_rc kt_functions_run(kt_store *s, const kt_project *p, kt_functions *f, const uint32_t *cluster, kt_pool *pool, kt_progress *progress,
                       kt_arena *a, kt_functions_ran *ret, kt_err *err) KT_MUST_USE;

/* What another project says (kt_other_fn); ctx: the kt_store. */
kt_rc kt_functions_other(void *ctx, kt_str project, bool predictions, const kt_str *labels, uint32_t n_labels, kt_arena *a, kt_other *ret, kt_err *err) KT_MUST_USE;

#endif
