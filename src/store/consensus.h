/* Final labels of items that people saw, one row each; labels of auto-approved items are the column "auto". */
#ifndef KT_STORE_CONSENSUS_H
#define KT_STORE_CONSENSUS_H

#include "store/project.h"

typedef enum kt_final { KT_FINAL_DISPUTE, KT_FINAL_VOTED, KT_FINAL_ADJUDICATED, KT_FINAL_GOLD, KT_FINAL__COUNT } kt_final;

typedef struct kt_consensus {
    uint32_t item;
    int32_t label;    /* number of the answer (store/answer.h); -1 while disputed */
    kt_final state;
    double posterior; /* probability that label is right, as the method sees it */
    int n_votes;
    kt_str method;    /* "majority", "dawid_skene", "adjudicated", "gold" */
    int64_t event;    /* sequence number of the event that made it */
} kt_consensus;

const char *kt_final_name(kt_final f);

/* Writes one decision with an event of its own, by actor. */
kt_rc kt_consensus_put(kt_store *s, const kt_project *p, const kt_consensus *c, kt_str actor, kt_err *err) KT_MUST_USE;
/* Writes many from one run of a method, with one event that carries the digest of the batch. */
kt_rc kt_consensus_put_many(kt_store *s, const kt_project *p, const kt_consensus *c, size_t n, kt_str actor, kt_err *err) KT_MUST_USE;
kt_rc kt_consensus_get(kt_store *s, int64_t project, uint32_t item, kt_consensus *ret, kt_err *err) KT_MUST_USE; /* KT_DONE: none */
/* All, by item; the caller frees with kt_free. method points to static or arena text. */
kt_rc kt_consensus_load(kt_store *s, int64_t project, kt_arena *a, kt_consensus **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

#endif
