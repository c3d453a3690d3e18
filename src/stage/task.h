/* What differs between tasks: a row of functions for each. Everything about people, queues, budgets and decisions works on numbers of answers and on
   one score an item, and does not ask what an answer is; whoever has to know asks here. A new task is a row. */
#ifndef KT_STAGE_TASK_H
#define KT_STAGE_TASK_H

#include "algo/merge/aggregate.h"
#include "stage/given.h"
#include "stage/explain.h"
#include "stage/run.h"
#include "store/annotation.h"

/* Answers of people, in words: of an item with one label that one part. Items are numbered densely. */
typedef struct kt_said {
    size_t n;
    uint32_t n_items, n_sources;
    uint32_t *item, *source;  /* n */
    size_t *start;            /* n + 1: parts of answer a are part[start[a]] .. */
    kt_answer_part *part;
    uint32_t *number;         /* n_items: the item as the project counts it */
} kt_said;

/* Those of `a` (all answers of the project) for which wanted says so; in the arena. Two of a person on one item are one, the later. */
typedef bool kt_wanted_fn(const kt_run *r, const kt_annotations *a, size_t i);
kt_rc kt_said_gather(kt_run *r, const kt_annotations *a, kt_wanted_fn *wanted, kt_arena *arena, kt_said *ret) KT_MUST_USE;

/* One answer for each of its items. */
typedef struct kt_merged {
    double *posterior;     /* n_items: that all of it is right; NaN without answers */
    size_t *start;         /* n_items + 1 */
    kt_answer_part *part;  /* in their order */
    float *soft;           /* n_items × k: chance of each label; NULL where labels are of regions */
} kt_merged;

/* What a model learns from: rows of the pool with an answer of people. */
typedef struct kt_lesson {
    size_t n;
    uint8_t *has;          /* n_pool */
    float *soft;           /* n_pool × k as in kt_merged, zeros without an answer; NULL where labels are of regions */
    size_t *start;         /* n_pool + 1 */
    kt_answer_part *part;
    kt_digest data;        /* of the answers */
} kt_lesson;
void kt_lesson_done(kt_lesson *l);
/* Fingerprint of a row's answer, as kt_task_ops.look says it. */
uint64_t kt_lesson_print(const kt_run *r, const kt_lesson *l, size_t row);

void kt_taught_done(kt_taught *m);

typedef struct kt_task_ops {
    const char *model;  /* its name in the settings of a round */
    const char *merged_by; /* how people's answers are merged; NULL: as consensus.method says */
    uint32_t most_pool; /* items of the pool at most */
    /* Trusted answers that came with the records: *ret_n items and the numbers of their answers, the caller's to free; held-back truth into r->truth, which
       is -1 everywhere. r->parts is there from here on where there is one. */
    kt_rc (*known)(kt_run *r, uint32_t **ret_item, int32_t **ret_number, size_t *ret_n);
    /* What functions say of n items (ascending), as words of their text for a model; NULL entries are none. In the arena. */
    kt_rc (*words)(kt_run *r, const uint32_t *item, size_t n, kt_arena *a, kt_str *ret);
    /* Whatever else training wants of the pool, once its rows (r->pool_x) are there. */
    kt_rc (*prepare)(kt_run *r);
    void (*done)(kt_run *r);
    /* Weighs answers against each other; in the arena. method: for single labels. */
    kt_rc (*merge)(kt_run *r, const kt_said *v, const kt_aggregator *method, kt_arena *a, kt_merged *ret);
    /* What a simulated person says; parts are appended. whole: `right` is the chance that all of it is, else that a label or region is. */
    kt_rc (*pretend)(kt_run *r, uint32_t item, uint64_t person, double right, bool whole, kt_answer_parts *ret);
    kt_rc (*fit)(kt_run *r, const kt_lesson *l, kt_taught *ret);
    /* What the model says of n rows of the pool: the chance that it is right as a whole, a fingerprint of it, and (may be NULL) how much an answer would
       teach, 0..1. */
    kt_rc (*look)(kt_run *r, const kt_taught *m, const uint32_t *row, size_t n, float *score, uint64_t *print, float *unsure);
    /* The same of rows with an answer, by models that did not see them: n_pool, others are not written. */
    kt_rc (*cross)(kt_run *r, const kt_lesson *l, float *score, uint64_t *print);
    /* Rows worth asking about in this round; m NULL: there is no model yet. */
    kt_rc (*choose)(kt_run *r, int64_t round, const kt_lesson *l, const kt_taught *m, size_t want, uint32_t *ret, size_t *ret_n);
    /* r->pred of every item, by r->model. */
    kt_rc (*predict)(kt_run *r);
    void (*bytes)(const kt_taught *m, kt_buf *ret);
    kt_rc (*explain)(kt_run *r, kt_str ext_id, kt_explanation *ret);
} kt_task_ops;

extern const kt_task_ops kt_task_classes, kt_task_sets, kt_task_spans;
const kt_task_ops *kt_task_of(const kt_run *r);

#endif
