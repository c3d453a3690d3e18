/* Learning on while people work: rounds of retraining, predicting and routing again after the first routing. */
#ifndef KT_STAGE_WATCH_H
#define KT_STAGE_WATCH_H

#include "stage/run.h"

/* The chance of breaking the budget that one routing may use up, the first or a later one (algo/route/spend.h). */
kt_rc kt_watch_delta(kt_run *r, double *ret) KT_MUST_USE;
/* Puts items for annotators into the order they are handed out in: a random one, so that what is left at any time is like what was done. */
void kt_watch_shuffle(const kt_run *r, uint32_t *items, size_t n);
/* In the transaction that routes: remembers what was used up, and records the round. */
kt_rc kt_watch_begin(kt_run *r) KT_MUST_USE;
/* After routing: r->state and r->pred as the rounds since have left them. */
kt_rc kt_watch_restore(kt_run *r) KT_MUST_USE;
/* One round, when the next batch has been answered; KT_DONE: it has not, or nothing is left to gain. r is as far as states. */
kt_rc kt_watch_round(kt_run *r, uint64_t *ret_moved) KT_MUST_USE;
/* Simulated people work in portions of a batch, and rounds are made between these, as real ones would find them. KT_DONE: a batch was opened again
   and is to be routed first. Does nothing where people are real: then the server calls kt_watch_round. */
kt_rc kt_watch_simulate(kt_run *r) KT_MUST_USE;

#endif
