/* One list of regions from several people's. */
#ifndef KT_STAGE_SPAN_MERGE_H
#define KT_STAGE_SPAN_MERGE_H

#include "stage/task.h"

/* kt_task_ops.merge of regions. Items whose answers tags of tokens can say, all of them, are merged by the model of sequences (algo/merge/sequences.h: on planted
   answers half as many whole texts are wrong, tests/unit/algo/sequences_test.c); where regions share tokens or begin within one, or there are more labels
   than it takes, span by span (algo/merge/spans.h). Memory: a number for every token and tag of the items. */
kt_rc kt_span_merge(kt_run *r, const kt_said *v, kt_arena *a, kt_merged *ret) KT_MUST_USE;

#endif
