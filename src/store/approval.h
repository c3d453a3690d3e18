/* What the machine approved, in batches of one routing and one cell, and the checks people make of a random part of each. Which
   batch an item is in is column "batch". */
#ifndef KT_STORE_APPROVAL_H
#define KT_STORE_APPROVAL_H

#include "store/project.h"

typedef struct kt_approval_batch {
    int64_t batch, round;
    kt_str name;          /* "everything", "billing", "lang=de" */
    double budget, delta; /* delta: chance that the interval is ever wrong */
    int64_t size;         /* items approved */
    int64_t n, wrong;     /* checked, of them wrong */
    double low, high;     /* share of wrong ones in the batch, by the checks so far */
    int64_t reopened_us;  /* 0: it stands */
} kt_approval_batch;

/* One item to check; answer -1: nobody has yet. */
typedef struct kt_approval_check {
    uint32_t item;
    int64_t batch;
    int32_t label, answer; /* the machine's, the expert's */
} kt_approval_check;

/* All in the current transaction; their events are the stage's. */
kt_rc kt_approval_batch_put(kt_store *s, int64_t project, const kt_approval_batch *b, kt_err *err) KT_MUST_USE; /* makes or replaces */
kt_rc kt_approval_check_put(kt_store *s, int64_t project, const kt_approval_check *v, size_t n, kt_err *err) KT_MUST_USE;
/* ord: the answers of a batch count from 1. */
kt_rc kt_approval_check_answer(kt_store *s, int64_t project, uint32_t item, int32_t answer, int64_t ord, kt_err *err) KT_MUST_USE;
/* Forgets the checks of a batch nobody has answered; the items into an array the caller frees. */
kt_rc kt_approval_check_drop(kt_store *s, int64_t project, int64_t batch, uint32_t **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

kt_rc kt_approval_batch_get(kt_store *s, int64_t project, int64_t batch, kt_arena *a, kt_approval_batch *ret,
                            kt_err *err) KT_MUST_USE; /* KT_DONE: none */
kt_rc kt_approval_batch_list(kt_store *s, int64_t project, kt_arena *a, kt_approval_batch **ret, size_t *ret_n,
                             kt_err *err) KT_MUST_USE; /* by batch */
/* Those opened again, in that order, from the skip-th on. */
kt_rc kt_approval_batch_reopened(kt_store *s, int64_t project, int64_t skip, kt_arena *a, kt_approval_batch **ret, size_t *ret_n,
                                 kt_err *err) KT_MUST_USE;
kt_rc kt_approval_check_get(kt_store *s, int64_t project, uint32_t item, kt_approval_check *ret, kt_err *err) KT_MUST_USE; /* KT_DONE: none */
/* The answered checks of a batch in the order of their answers, into a. */
kt_rc kt_approval_check_list(kt_store *s, int64_t project, int64_t batch, kt_arena *a, kt_approval_check **ret, size_t *ret_n,
                             kt_err *err) KT_MUST_USE;

#endif
