/* Review as the faces see it: which queues a role works, what a submit sets off, what a page shows. */
#ifndef KT_STAGE_REVIEW_H
#define KT_STAGE_REVIEW_H

#include "store/annotation.h"
#include "store/consensus.h"
#include "store/item.h"
#include "store/user.h"

/* What a person is shown of an item. */
typedef struct kt_task {
    kt_lease lease;
    kt_item item;
    int32_t pre_label; /* machine's label, or -1 */
    double pre_score;  /* its calibrated confidence, 0..1 */
} kt_task;

typedef struct kt_review_rules {
    kt_lease_rules lease;
    int overlap;          /* answers an item wants */
    double min_posterior; /* below: a dispute */
} kt_review_rules;

unsigned kt_review_queues(kt_role role);
/* The rules of a project, from its configuration. */
kt_rc kt_review_rules_get(const kt_project *p, kt_review_rules *ret, kt_err *err) KT_MUST_USE;
/* Next (ahead: the one after the one they hold) task for a user. KT_DONE: nothing left for them. In a write transaction. */
kt_rc kt_review_next(kt_store *s, const kt_project *p, const kt_user *u, bool ahead, kt_lease *ret, kt_err *err) KT_MUST_USE;
/* Submits; a complete item becomes a consensus or a dispute at once; an expert's answer adjudicates. */
kt_rc kt_review_submit(kt_store *s, const kt_project *p, const kt_user *u, const kt_submit *in, kt_submitted *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_review_undo(kt_store *s, const kt_project *p, const kt_user *u, kt_lease *ret, kt_err *err) KT_MUST_USE;
/* The machine's label of one item (column "pred"); -1 when there is none. */
kt_rc kt_review_prelabel(kt_store *s, int64_t project, uint32_t item, int32_t *ret_label, double *ret_score, kt_err *err) KT_MUST_USE;

/* Kept figures for the manager's page. */
typedef struct kt_progress_counts {
    int64_t items, duplicates, auto_approved, final_human, final_expert, disputes_open, annotations, skips, flags;
    int64_t queue_items[KT_QUEUE__COUNT], queue_slots[KT_QUEUE__COUNT];
    int64_t pairs, pairs_agreeing; /* of answers on the same item */
} kt_progress_counts;
kt_rc kt_review_counts(kt_store *s, const kt_project *p, kt_progress_counts *ret, kt_err *err) KT_MUST_USE;

#endif
