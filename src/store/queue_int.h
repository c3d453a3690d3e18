/* What answering needs of the queue; for files of this folder only. */
#ifndef KT_STORE_QUEUE_INT_H
#define KT_STORE_QUEUE_INT_H

#include "store/queue.h"

/* Opens one slot of an item again, at its queue's end. Nothing when the item left the queue. */
kt_rc kt_queue_reopen(kt_store *s, int64_t project, uint32_t item, kt_err *err) KT_MUST_USE;
/* Fills in token and times of *l (item, queue and blind_gold are set) and stores it. */
kt_rc kt_lease_make(kt_store *s, int64_t project, int64_t user, int64_t lease_us, kt_lease *l, kt_err *err) KT_MUST_USE;

#endif
