/* Review as the faces see it: which queues a role works, what a submit sets off, what a page shows. */
#ifndef KT_STAGE_REVIEW_H
#define KT_STAGE_REVIEW_H

#include "store/annotation.h"
#include "store/consensus.h"
#include "store/item.h"
#include "store/user.h"

typedef struct kt_review_rules {
    kt_lease_rules lease;
    int overlap;          /* answers an item wants */
    double min_posterior; /* below: a dispute */
    bool watch;           /* the model learns on while people work */
} kt_review_rules;

/* Queues a role works at the annotators' or the experts' desk; 0: none. Managers may sit at both. */
unsigned kt_review_queues(kt_role role, bool expert_desk);
/* The rules of a project, from its configuration. */
kt_rc kt_review_rules_get(const kt_project *p, kt_review_rules *ret, kt_err *err) KT_MUST_USE;
/* Up to want (1 or 2) items for a user, those they hold already first; *ret_n 0: nothing left for them. In a write transaction. */
kt_rc kt_review_next(kt_store *s, const kt_project *p, int64_t user, unsigned queues, const kt_review_rules *rules, size_t want,
                     kt_lease ret[2], size_t *ret_n, kt_err *err) KT_MUST_USE;
/* Wants one more answer on each of n items of the training queue that had all theirs; in a transaction. */
kt_rc kt_review_ask_again(kt_store *s, const kt_project *p, const uint32_t *items, size_t n, kt_err *err) KT_MUST_USE;
/* Submits; a complete item becomes a consensus or a dispute at once; an expert's answer adjudicates. */
kt_rc kt_review_submit(kt_store *s, const kt_project *p, const kt_user *u, const kt_submit *in, kt_submitted *ret, kt_err *err) KT_MUST_USE;
/* Takes the user's last answer back and leases its item to them; *ret_label is what they had said. KT_DONE: nothing to undo. */
kt_rc kt_review_undo(kt_store *s, const kt_project *p, int64_t user, const kt_review_rules *rules, kt_lease *ret, int32_t *ret_label,
                     kt_err *err) KT_MUST_USE;

#define KT_ROUTED_TO_PEOPLE KT_S("route.people") /* counter: kt_route_people was here */
/* Queues every canonical item without a label for annotators, each wanting `need` answers: routing without a machine. In a
   transaction of its own; items queued already stay where they are. */
kt_rc kt_route_people(kt_store *s, const kt_project *p, int need, uint64_t *ret_n, kt_err *err) KT_MUST_USE;
/* The event that fixed an item's label: a decision, or the routing that approved it. KT_NOTFOUND: it has no label yet. */
kt_rc kt_review_event(kt_store *s, const kt_project *p, uint32_t item, uint64_t *ret, kt_err *err) KT_MUST_USE;

/* Kept figures for the manager's page. */
typedef struct kt_progress_counts {
    int64_t items, duplicates, auto_approved, final_human, final_expert, gold, disputes_open, annotations, skips, flags;
    int64_t reopened; /* batches of machine labels opened again */
    int64_t queue_items[KT_QUEUE__COUNT], queue_slots[KT_QUEUE__COUNT];
    int64_t suspects, suspects_changed; /* labels a model called into question; of them, with another label now */
    int64_t pairs, pairs_agreeing; /* of answers on the same item */
} kt_progress_counts;
kt_rc kt_review_counts(kt_store *s, const kt_project *p, kt_progress_counts *ret, kt_err *err) KT_MUST_USE;

#endif
