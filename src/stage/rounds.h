/* Rounds of learning, as they are recorded: from what, what came out, how good it is. */
#ifndef KT_STAGE_ROUNDS_H
#define KT_STAGE_ROUNDS_H

#include "stage/task.h"
#include "store/round.h"

/* A round that trained m on a lesson: measured out of fold on the same rows, in cross-validation. */
kt_rc kt_round_learned(kt_run *r, const kt_lesson *l, const kt_taught *m, kt_round *ret) KT_MUST_USE;
/* A round whose model, r->model, has predicted everything: measured on the trusted sample, which trains no model. Automation from r->state. */
kt_rc kt_round_trusted(kt_run *r, kt_round *ret) KT_MUST_USE;
/* What the model said of the trusted items that have their label: *ret_n scores and whether the label was right; the caller frees both. */
kt_rc kt_round_answers(kt_run *r, float **ret_score, uint8_t **ret_right, size_t *ret_n) KT_MUST_USE;
/* Accuracy, log loss and their intervals from what the model said first and whether that was right. */
void kt_round_figures(const float *score, const uint8_t *right, size_t n, kt_round *ret);

#endif
