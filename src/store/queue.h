/* The queue: items waiting for people, handed out under leases. next and submit cost the same whatever the number of
   items: a person's place in a queue is kept as a cursor, and a slot that comes free goes to the queue's end. */
#ifndef KT_STORE_QUEUE_H
#define KT_STORE_QUEUE_H

#include "store/project.h"

typedef enum kt_queue {
    KT_QUEUE_TRUSTED, /* the random sample that calibration and the error budget rest on: answered by experts */
    KT_QUEUE_TRAIN,   /* chosen by active learning */
    KT_QUEUE_HUMAN,   /* routed to annotators */
    KT_QUEUE_EXPERT,  /* routed to experts, and disputes */
    KT_QUEUE_AUDIT,   /* a random part of the auto-approved, checked by experts, blind */
    KT_QUEUE_RELABEL, /* labels a model thinks wrong, for one further person */
    KT_QUEUE_GOLD,    /* no queue of items that wait, but a table of its own: known answers, mixed in blind; never empty for a person who has not seen them all */
    KT_QUEUE__COUNT
} kt_queue;

const char *kt_queue_name(kt_queue q);

typedef struct kt_lease {
    int64_t token;    /* fencing token: grows; a submit must bring it */
    uint32_t item;
    kt_queue queue;
    bool resumed;     /* the person held it already */
    bool blind_gold;  /* not shown to anybody */
    int64_t deadline_us, started_us;
} kt_lease;

typedef struct kt_lease_rules {
    int64_t lease_us;   /* how long an item stays reserved */
    double gold_share;  /* chance that the next item is a gold one, 0..0.5 */
} kt_lease_rules;

/* Puts items at the end of a queue, each wanting `need` different people. Items already queued are left where they are
   unless the new queue is KT_QUEUE_EXPERT or KT_QUEUE_RELABEL (a dispute, or a label in question, moves there). One event per call with the list's digest. */
kt_rc kt_queue_add(kt_store *s, int64_t project, kt_queue q, const uint32_t *items, size_t n, int need, kt_err *err) KT_MUST_USE;
/* Wants one answer more of each item that the queue has; the others are left where they are. One event per call with the list's digest. */
kt_rc kt_queue_more(kt_store *s, int64_t project, kt_queue q, const uint32_t *items, size_t n, kt_err *err) KT_MUST_USE;
/* The queue an item waits in, open or held. KT_DONE: in none. */
kt_rc kt_queue_of(kt_store *s, int64_t project, uint32_t item, kt_queue *ret, kt_err *err) KT_MUST_USE;
/* Takes an item out of its queue (it is final). */
kt_rc kt_queue_drop(kt_store *s, int64_t project, uint32_t item, kt_err *err) KT_MUST_USE;
/* The next item for a person, from the queues in `queues` (bit 1 << kt_queue) in enum order; the lease they hold already
   comes first. KT_DONE: nothing for this person now. */
kt_rc kt_queue_next(kt_store *s, int64_t project, int64_t user, unsigned queues, const kt_lease_rules *rules, kt_lease *ret,
                    kt_err *err) KT_MUST_USE;
/* Items queued and slots open in a queue (kept counts). */
kt_rc kt_queue_size(kt_store *s, int64_t project, kt_queue q, int64_t *ret_items, int64_t *ret_slots, kt_err *err) KT_MUST_USE;
/* Reserves a second item ahead: as kt_queue_next, but never the one under `after`. For a page that loads ahead. */
kt_rc kt_queue_ahead(kt_store *s, int64_t project, int64_t user, unsigned queues, const kt_lease_rules *rules, kt_lease *ret,
                     kt_err *err) KT_MUST_USE;
/* A lease on one item for a person who answered outside (an import). KT_NOTFOUND: not in any of `queues`, or no slot open;
   KT_EXISTS: this person has met it. */
kt_rc kt_queue_take(kt_store *s, int64_t project, int64_t user, unsigned queues, uint32_t item, kt_lease *ret, kt_err *err) KT_MUST_USE;
/* Answers still wanted in the queues of `queues`, items that people hold now included. */
kt_rc kt_queue_open(kt_store *s, int64_t project, unsigned queues, int64_t *ret, kt_err *err) KT_MUST_USE;
/* Items of a queue with open slots, in its order, into an array the caller frees. */
kt_rc kt_queue_list(kt_store *s, int64_t project, kt_queue q, uint32_t **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;
/* Items of a queue that nobody has answered, skipped or holds, into an array the caller frees. */
kt_rc kt_queue_untouched(kt_store *s, int64_t project, kt_queue q, uint32_t **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;
/* Gives every lease whose deadline has passed back to its queue; at most max. */
kt_rc kt_queue_expire(kt_store *s, int64_t now_us, int max, int *ret_n, kt_err *err) KT_MUST_USE;

#endif
