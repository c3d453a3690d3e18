/* The watch over what the machine approved: every check people make moves an interval that holds at all times; a batch whose error is
   proved to be over its budget is opened again. */
#ifndef KT_STAGE_APPROVAL_H
#define KT_STAGE_APPROVAL_H

#include "base/buf.h"
#include "store/approval.h"

/* An expert has said label of an item. Where it was a check of a batch that still stands, the batch's interval moves, with an event; when its
   lower end is over the budget, the batch's items are open again (no longer approved, routed anew at the next run; those people
   answered keep their answers), checks of it that nobody made are taken back, and whoever is to be told gets a notice. In the current
   transaction. O(1), but for the opening, which writes columns of the whole project. */
kt_rc kt_approval_checked(kt_store *s, const kt_project *p, uint32_t item, int32_t label, kt_err *err) KT_MUST_USE;
/* The members every event, notice and server-sent event of a batch has, as the beginning of a JSON object: the closing brace is the caller's. */
void kt_approval_json(const kt_approval_batch *b, kt_buf *ret);

#endif
