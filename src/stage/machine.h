/* The machine's part before people: duplicate clusters and the votes of labeling functions. */
#ifndef KT_STAGE_MACHINE_H
#define KT_STAGE_MACHINE_H

#include "algo/denoise.h"
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

/* Writes column "lf", the votes of all functions (int16_t, one for each function) on every item; duplicates abstain; and, in
   the same transaction, done_key into the document "functions.done". No column without functions. ret_faults (one for each
   function) tells what failed. */
kt_rc kt_functions_run(kt_store *s, const kt_project *p, const kt_functions *f, const uint32_t *cluster, kt_pool *pool,
                       kt_progress *progress, kt_str done_key, kt_function_fault *ret_faults, kt_err *err) KT_MUST_USE;

#endif
