/* What an item is to the model: shared by training, prediction and explanation. */
#ifndef KT_STAGE_LEARN_H
#define KT_STAGE_LEARN_H

#include "stage/explain.h"
#include "stage/run.h"
#include "store/item.h"

#include <math.h>

#define KT_VOTE_WORD "zzlf%ux%d" /* function, label: a word no text holds */

kt_features_options kt_learn_features(const kt_config *c);
/* The text with a word for each function's vote, three times so that it counts beside the rest. vote: m. */
kt_str kt_learn_text(kt_arena *a, const kt_item *it, const int16_t *vote, uint32_t m);
/* What the model thinks of one item and why, after kt_learn_rounds has trained it; texts live in r->arena. KT_NOTFOUND: no such item. */
kt_rc kt_learn_explain(kt_run *r, kt_str ext_id, kt_explanation *ret) KT_MUST_USE;

#endif
