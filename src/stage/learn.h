/* What an item is to the model: shared by training, prediction and explanation. */
#ifndef KT_STAGE_LEARN_H
#define KT_STAGE_LEARN_H

#include "algo/learn/stopping.h"
#include "stage/explain.h"
#include "stage/run.h"
#include "store/item.h"

#include <math.h>

#define KT_VOTE_WORD "zzlf%ux%d" /* function, label: a word no text holds */

kt_features_options kt_learn_features(const kt_config *c);
/* The text with a word for each function's vote, three times so that it counts beside the rest. vote: m. */
kt_str kt_learn_text(kt_arena *a, const kt_item *it, const int16_t *vote, uint32_t m);
#define KT_LEARN_FOLDS 5
/* Soft labels of the pool (n_pool × k, zero rows: no answer) from people's answers in the training queue, and in the annotators' for the
   items of r->learn_also; *ret_n rows have one. The digest is of the answers. */
kt_rc kt_learn_answers(kt_run *r, float *soft, size_t *ret_n, kt_digest *ret_digest) KT_MUST_USE;
/* Trains r->model on them, with what the functions say of the rest. */
kt_rc kt_learn_train(kt_run *r, const float *soft) KT_MUST_USE;
/* What an answer to each row of the pool is likely to cost, by the pipeline's cost: > 0, in units of its own. */
kt_rc kt_learn_costs(kt_run *r, float *ret) KT_MUST_USE;
/* Frees what prepare, training and prediction made. */
void kt_learn_done(kt_run *r);
/* Probabilities of the rows with a label by models that did not see them (n_pool × k). */
kt_rc kt_learn_cross(kt_run *r, const float *soft, float *ret_prob) KT_MUST_USE;
/* kt_linear_fit by the kind of model that the pipeline names; d has the project's labels, as shares (soft). */
kt_rc kt_learn_fit(kt_run *r, const kt_linear_data *d, const kt_linear_options *o, kt_linear *ret) KT_MUST_USE;

/* What is to be expected of more labels, and what follows from it. */
typedef struct kt_learn_stop {
    double labels, believed; /* items answered; accuracy the model expects of itself on the rest of the pool */
    bool known, stop;        /* enough rounds have been for an outlook; 100 more labels are not worth asking for */
    kt_learning_gain next;         /* of 100 more labels */
    double least;            /* gain under which it stops; 0: never */
} kt_learn_stop;
/* The outlook with this round's figures, from the rounds in document "learn.outlook". */
kt_rc kt_learn_outlook(kt_run *r, double labels, double believed, kt_learn_stop *ret) KT_MUST_USE;
/* Keeps it there, in the transaction that moves the round on; stopping is an event. */
kt_rc kt_learn_outlook_put(kt_run *r, const kt_learn_stop *s) KT_MUST_USE;
/* The last one kept. KT_DONE: none. */
kt_rc kt_learn_outlook_last(kt_run *r, kt_learn_stop *ret) KT_MUST_USE;

/* What the model thinks of one item and why, after kt_learn_rounds has trained it; texts live in r->arena. KT_NOTFOUND: no such item. */
kt_rc kt_learn_explain(kt_run *r, kt_str ext_id, kt_explanation *ret) KT_MUST_USE;

#endif
