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

/* Writes column "cluster" (uint32_t: the canonical item of each). */
kt_rc kt_dedup_run(kt_store *s, const kt_project *p, const kt_config *c, kt_pool *pool, kt_dedup_result *ret, kt_err *err) KT_MUST_USE;

/* Votes of all functions on items [0, n_items), row-major, in ret_vote (n_items × count); duplicates abstain. Writes column
   "lf". *ret_faults (count, caller frees) tells what failed. */
kt_rc kt_functions_run(kt_store *s, const kt_project *p, const kt_functions *f, const uint32_t *cluster, kt_pool *pool,
                       int16_t *ret_vote, kt_function_fault *ret_faults, kt_err *err) KT_MUST_USE;

#endif
