/* One run of the flow over one project: what the stages share. Everything here can be computed again from the store, so a
   run that was killed goes on as if it had not been. */
#ifndef KT_STAGE_RUN_H
#define KT_STAGE_RUN_H

#include "algo/learn/calibrate.h"
#include "algo/learn/crf.h"
#include "algo/learn/linear.h"
#include "algo/learn/threshold.h"
#include "algo/route/route.h"
#include "base/pool.h"
#include "stage/ingest.h"
#include "stage/machine.h"
#include "stage/marks.h"
#include "stage/report.h"

typedef struct kt_prediction {
    int32_t label; /* -1: none; where labels are sets or regions 0: there is an answer, column "machine.marks" says which */
    float score;   /* the model's own confidence; calibrated in column "pred" */
} kt_prediction;

/* A trained model: whichever of them the task has (stage/task.h). */
typedef struct kt_taught {
    kt_linear linear;
    kt_crf tagger;
} kt_taught;

typedef struct kt_run {
    kt_store *s;
    kt_project p;
    const kt_config *c;
    kt_pool *pool;
    kt_progress *progress;
    kt_arena *arena;       /* of the run */
    kt_ingested ingested;
    kt_dedup_result dedup;
    kt_functions *functions;
    kt_functions_ran ran;
    kt_lf_summary *lf;     /* per function */
    kt_marks_result marks; /* the same of sets and regions */
    uint32_t n, m, k;      /* items, functions, labels */
    uint32_t *cluster;     /* n */
    int16_t *truth;        /* n, held back: read by the simulation and the measuring only; -1: none; sets and regions: 0, parts has it */
    struct kt_parts *parts; /* of sets and regions (stage/parts.h); NULL: an item has one label */
    bool has_truth;
    uint8_t *state;        /* n: enum kt_item_state */
    /* the pool the model learns from */
    uint32_t *pool_item;
    size_t n_pool;
    int16_t *pool_vote;    /* n_pool × m: votes of the functions; of all items in column "lf" */
    kt_features pool_x;
    kt_idf idf;
    float *pool_lf;        /* n_pool × k: the label model's probabilities */
    const uint8_t *learn_also; /* n: annotators' answers to these items train, too; NULL: those to chosen items alone */
    kt_taught model;
    bool trained;
    size_t n_learned;      /* items it was trained on … */
    kt_digest learned;     /* … and the digest of the answers */
    kt_prediction *pred;   /* n */
    kt_calibration calibration;
    double calibration_loss[KT_CALIBRATE__COUNT]; /* in cross-validation; all 0: too few trusted items */
    kt_threshold threshold; /* of everything together, for the curve; what decides are the cells */
    kt_cell *cell;
    kt_str *cell_name;
    uint32_t n_cells;
    bool proved;           /* some cell has a threshold */
    unsigned waiting_for;  /* queues people must empty before it can go on */
    kt_err *err;
} kt_run;

typedef enum kt_item_state { KT_ITEM_OPEN, KT_ITEM_DUPLICATE, KT_ITEM_GOLD, KT_ITEM_TRAIN, KT_ITEM_TRUSTED, KT_ITEM_AUTO, KT_ITEM_HUMAN, KT_ITEM_EXPERT } kt_item_state;

/* A whole column (kt_column_get): r->n values of width bytes; fill: every byte of what was never written. */
kt_rc kt_run_column(kt_run *r, const char *name, uint32_t width, int fill, void *ret) KT_MUST_USE;
/* Votes of the functions on [first, first + n): n × m. */
kt_rc kt_run_votes(kt_run *r, uint32_t first, uint32_t n, int16_t *ret) KT_MUST_USE;

/* Each stage: 0 done, KT_DONE waiting for people (nothing more can be done now), < 0 an error. */
kt_rc kt_learn_prepare(kt_run *r) KT_MUST_USE;  /* pool, features, label model */
kt_rc kt_learn_rounds(kt_run *r) KT_MUST_USE;   /* active learning, until the last round is answered */
kt_rc kt_learn_predict(kt_run *r) KT_MUST_USE;  /* final model, column "pred" (uncalibrated in r->pred) */
kt_rc kt_route_run(kt_run *r) KT_MUST_USE;      /* trusted sample, calibration, threshold, queues */
kt_rc kt_consensus_run(kt_run *r) KT_MUST_USE;  /* weighs all votes; disputes to experts and back */
/* Lets people work until the queues of `queues` are empty: simulated ones here and now, else KT_DONE while work is left. One
   role's queues per call, so that nothing is added to them meanwhile: who takes what then depends on nothing but the store. */
kt_rc kt_people_work(kt_run *r, unsigned queues) KT_MUST_USE;
/* The same until no more than `least` answers are open there. */
kt_rc kt_people_work_down(kt_run *r, unsigned queues, int64_t least) KT_MUST_USE;
/* Fills *ret for the report from everything above; texts live in r->arena. */
kt_rc kt_quality_report(kt_run *r, kt_report *ret) KT_MUST_USE;

#endif
