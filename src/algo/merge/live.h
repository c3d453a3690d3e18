/* A consensus that is kept up to date vote by vote, and says whether another vote is worth asking for, and from whom. */
#ifndef KT_ALGO_LIVE_H
#define KT_ALGO_LIVE_H

#include "algo/votes.h"

/* Dawid and Skene's model with pseudo-votes (as the aggregator dawid_skene with uniform = wrong / (labels - 1), right = right - uniform,, equal and unnamed), by incremental EM: Neal and
   Hinton (1998), "A view of the EM algorithm that justifies incremental, sparse, and other variants". One thread at a time. */
typedef struct kt_live kt_live;

typedef struct kt_live_opts {
    double right, wrong; /* pseudo-votes of every source: on the right label, on all others together */
    double equal;        /* pseudo-items of every label */
    double unnamed;      /* what a label that no vote on the item names keeps of its chance; 1: all */
    uint32_t refresh;    /* other items gone over again with every vote, in turn */
} kt_live_opts;
#define KT_LIVE_OPTS_INIT { .right = 2.8, .wrong = 1.2, .equal = 1, .unnamed = 0.2, .refresh = 8 }

/* o NULL: defaults. Memory: sources × labels² and votes. */
kt_live *kt_live_new(uint32_t n_labels, const kt_live_opts *o);
kt_live *kt_live_free(kt_live *l);

/* One vote more or less. The posterior of its item and the counts of all its voters are brought up to date, and so are refresh
   other items: the cost depends on the votes of these items and the number of labels, not on the size of the whole. What is left
   to do (the other items of these sources) is worked off by the items in turn. Against a refit (tests/unit/algo/live_test.c):
   a set that was at rest is within 0.02 anywhere and 0.001 on average at once; one built vote by vote within 0.01 on average;
   after kt_live_settle both within 0.001 anywhere. Items and sources appear when first named.
   KT_RANGE for a label out of bounds; KT_NOTFOUND for a vote that is not there to withdraw. */
kt_rc kt_live_add(kt_live *l, uint32_t item, uint32_t source, int32_t label, kt_err *err) KT_MUST_USE;
kt_rc kt_live_withdraw(kt_live *l, uint32_t item, uint32_t source, int32_t label, kt_err *err) KT_MUST_USE;
/* From here on there are n_labels (fewer change nothing). Moves everything once: name all labels at first where they are known. */
void kt_live_grow(kt_live *l, uint32_t n_labels);
/* Goes over all items until no posterior moves by more than tol; at most rounds times. Returns the rounds. */
uint32_t kt_live_settle(kt_live *l, uint32_t rounds, double tol);

uint32_t kt_live_labels(const kt_live *l);
uint32_t kt_live_sources(const kt_live *l);
uint32_t kt_live_items(const kt_live *l);
uint32_t kt_live_votes(const kt_live *l, uint32_t item);
int32_t kt_live_said(const kt_live *l, uint32_t item, uint32_t source); /* its label, of several the last; -1: no vote */
/* n_labels numbers, sum 1, valid until the next vote; an item without votes: the shares of the labels. */
const double *kt_live_posterior(const kt_live *l, uint32_t item);
/* P(source says said | truth) and the chance that its vote is right, as of now; a source without votes: the pseudo-votes'. */
double kt_live_confusion(const kt_live *l, uint32_t source, uint32_t said, uint32_t truth);
double kt_live_accuracy(const kt_live *l, uint32_t source);
uint64_t kt_live_work(const kt_live *l); /* votes gone over so far: what updates cost */

/* What one more vote by this source is expected to add to the chance of the likeliest label being right. >= 0. */
double kt_live_gain(const kt_live *l, uint32_t item, uint32_t source);

typedef struct kt_live_question {
    double target;        /* enough: the posterior of the likeliest label */
    uint32_t least;       /* votes to take in any case: one alone is never sure of who gave it */
    double doubt;         /* share of a source's votes not believed when choosing whom, [0, 1); 0: accuracies are taken for true */
    double worth;         /* of one more right label, in the unit of the prices */
    uint32_t n_sources;   /* who could be asked */
    const uint32_t *source;
    const double *price;  /* n_sources */
} kt_live_question;

typedef enum kt_live_verdict {
    KT_LIVE_ASK,        /* ask ret_source */
    KT_LIVE_SURE,       /* the posterior is at the target */
    KT_LIVE_NOT_WORTH,  /* no vote's expected gain is worth its price */
} kt_live_verdict;
/* Whom to ask next about the item; those who voted on it are passed over. The source with most expected gain × worth - price;
   where no single vote pays (two that disagree with it can turn a label that one cannot), up to three further votes together,
   by the sources that tell most for their price: *ret_gain is then their gain by vote. O(n_sources × votes of the item + labels). */
kt_live_verdict kt_live_next(const kt_live *l, uint32_t item, const kt_live_question *q, uint32_t *ret_source, double *ret_gain);

#endif
