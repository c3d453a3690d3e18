/* What an item is to the model: shared by training, prediction and explanation. */
#ifndef KT_STAGE_LEARN_H
#define KT_STAGE_LEARN_H

#include "algo/learn/stopping.h"
#include "stage/explain.h"
#include "stage/task.h"
#include "store/item.h"

#include <math.h>

#define KT_VOTE_WORD "zzlf%ux%d" /* function, label: a word no text holds */

kt_features_options kt_learn_features(const kt_config *c);
/* A function's vote as a word of the text, three times so that it counts beside the rest; appended. */
void kt_learn_word(kt_buf *b, uint32_t function, int32_t label);
/* An item's text with such words behind it. */
kt_str kt_learn_text(kt_arena *a, const kt_item *it, kt_str words);
/* Features of the n items of a list, ascending; words: n, or NULL. */
kt_rc kt_learn_rows(kt_run *r, kt_item_reader *reader, const uint32_t *item, size_t n, const kt_str *words, bool weigh, kt_features *ret) KT_MUST_USE;
#define KT_LEARN_FOLDS 5
/* People's answers to the pool, from the training queue, and from the annotators' for the items of r->learn_also, merged. The caller frees it. */
kt_rc kt_learn_lesson(kt_run *r, kt_lesson *ret) KT_MUST_USE;
/* Trains r->model on them, with what the functions say of the rest. */
kt_rc kt_learn_train(kt_run *r, const kt_lesson *l) KT_MUST_USE;
/* What an answer to each row of the pool is likely to cost, by the pipeline's cost: > 0, in units of its own. */
kt_rc kt_learn_costs(kt_run *r, float *ret) KT_MUST_USE;
/* Frees what prepare, training and prediction made. */
void kt_learn_done(kt_run *r);
/* Row of the pool; SIZE_MAX: the item is not in it. */
size_t kt_learn_place(const kt_run *r, uint32_t item);
/* Single labels: probabilities of the rows with an answer by models that did not see them (n_pool × k). */
kt_rc kt_learn_cross(kt_run *r, const kt_lesson *l, float *ret_prob) KT_MUST_USE;
/* Single labels: kt_linear_fit by the kind of model that the pipeline names; d has the project's labels, as shares (soft). */
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

/* What the model thinks of one item and why, after kt_learn_rounds has trained it; texts live in r->arena. KT_NOTFOUND: no such item. Single labels. */
kt_rc kt_learn_explain(kt_run *r, kt_str ext_id, kt_explanation *ret) KT_MUST_USE;

#endif
