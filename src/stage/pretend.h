/* Simulated people where labels are sets or regions. */
#ifndef KT_STAGE_PRETEND_H
#define KT_STAGE_PRETEND_H

#include "stage/parts.h"

#include "base/rng.h"

/* One try at an answer: what a person says who errs on a label or region with this chance, appended to ret. */
typedef kt_rc kt_mistakes_fn(kt_run *r, uint32_t item, kt_rng *g, double wrong, kt_answer_parts *ret);
/* kt_task_ops.pretend: the truth with mistakes; where `right` is of the whole, the truth itself with that chance, and else never. */
kt_rc kt_pretend(kt_run *r, uint32_t item, uint64_t person, double right, bool whole, kt_mistakes_fn *mistakes, kt_answer_parts *ret) KT_MUST_USE;
/* The held-back truth of an item; *ret_n parts. */
const kt_answer_part *kt_pretend_truth(const kt_run *r, uint32_t item, size_t *ret_n);

#endif
