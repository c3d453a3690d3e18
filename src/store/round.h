/* Rounds of learning: each time a model was trained from people's answers, from what, what came out, and how good it was. */
#ifndef KT_STORE_ROUND_H
#define KT_STORE_ROUND_H

#include "base/buf.h"
#include "store/store.h"

typedef struct kt_round {
    int64_t number;         /* from 1, in order */
    int64_t event, at_us;
    kt_str stage;           /* "learn": chosen items; "route": the frozen model met the trusted sample; "watch": beside people at work */
    int64_t n_labels;       /* items the model was trained on … */
    kt_str data, model;     /* … digests (hex) of the answers to them, and of the trained model */
    kt_str settings;        /* a JSON object */
    kt_str measured_on;     /* what accuracy and log_loss were measured on; no row of it was trained on */
    int64_t n_measured;
    double accuracy, lo, hi;                     /* 95 %: Clopper-Pearson; NaN: nothing to measure on */
    double log_loss, log_loss_lo, log_loss_hi;   /* 95 %, normal */
    double automation;      /* share of the items to label that no person sees; NaN before routing */
    int64_t n_moved;        /* items taken back from people's queue in this round */
} kt_round;

/* Appends, with an event of kind "learn.round"; numbers it. In the transaction that says the round is done. */
kt_rc kt_round_put(kt_store *s, int64_t project, kt_round *r, kt_err *err) KT_MUST_USE;
/* All, oldest first, into a. */
kt_rc kt_round_list(kt_store *s, int64_t project, kt_arena *a, kt_round **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;
/* As a JSON array, the last `most` of them. */
void kt_rounds_json(const kt_round *v, size_t n, size_t most, kt_buf *ret);

#endif
