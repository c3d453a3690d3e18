/* What models of sets and of regions do alike. */
#ifndef KT_STAGE_LEARN_PARTS_H
#define KT_STAGE_LEARN_PARTS_H

#include "algo/learn/select.h"
#include "stage/marks.h"
#include "stage/task.h"
#include "store/item.h"

typedef KT_VEC(kt_machine_mark) kt_machine_marks;

/* What r->model says of n items (ascending): marks, whose rows are places in the list, ascending, and of each item the chance that all of it is right. */
typedef kt_rc kt_parts_say_fn(kt_run *r, kt_item_reader *reader, const uint32_t *item, size_t n, kt_machine_marks *ret, float *score);
/* Columns "machine.marks" and "machine.score" of all items by it, unless they stand already, `window` items at a time; r->pred and what r->parts knows of it. Once
   items are routed the columns stand, whatever the model says by now. */
kt_rc kt_parts_predict(kt_run *r, kt_parts_say_fn *say, uint32_t window) KT_MUST_USE;

/* kt_task_ops.choose: diverse, sure or random, as the pipeline says, by how unsure the model is of the whole answer. */
kt_rc kt_parts_choose(kt_run *r, int64_t round, const kt_lesson *l, const kt_taught *m, size_t want, uint32_t *ret, size_t *ret_n) KT_MUST_USE;
/* Whether a strategy can choose by that alone. */
bool kt_parts_can_choose(const kt_selector *s);

/* Calls see for every item of a list (ascending) with its slice of what the functions marked, or (marks false) of the weighed marks. */
typedef void kt_marks_see_fn(void *ctx, size_t place, const kt_mark *v, size_t n);
kt_rc kt_parts_each_marked(kt_run *r, const uint32_t *item, size_t n, kt_marks_see_fn *see, void *ctx) KT_MUST_USE;
typedef void kt_weighed_see_fn(void *ctx, size_t place, const kt_machine_mark *v, size_t n);
kt_rc kt_parts_each_weighed(kt_run *r, const uint32_t *item, size_t n, kt_weighed_see_fn *see, void *ctx) KT_MUST_USE;

#endif
