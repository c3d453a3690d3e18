/* How many of a finite batch are wrong, watched answer by answer: an interval that holds at every moment at once, so that one may stop,
   look and go on at will. */
#ifndef KT_ALGO_CONFIDENCE_H
#define KT_ALGO_CONFIDENCE_H

#include "base/err.h"

typedef struct kt_confidence {
    uint64_t size;    /* items of the batch; 0: without end (draws with replacement) */
    double delta;     /* chance that the truth is ever outside */
    uint64_t n, wrong; /* answers so far */
    double low, high; /* the share of wrong ones, of all in the batch; never widens (low > high: the rare case of delta) */
} kt_confidence;

/* KT_RANGE for a delta outside (0, 1). */
kt_rc kt_confidence_begin(uint64_t size, double delta, kt_confidence *ret, kt_err *err) KT_MUST_USE;
/* The next answer. Prior-posterior ratio of a beta-binomial prior with both parameters 1/2 (Waudby-Smith and Ramdas 2020; Robbins 1970
   for batches without end): prior(m) / posterior(m) is a martingale under the true number m of wrong items when the items are drawn
   uniformly, without replacement, in an order that does not depend on their labels; Ville's inequality bounds it by 1 / delta for all
   time. O(log size) an answer. KT_RANGE: more answers than items. */
kt_rc kt_confidence_add(kt_confidence *c, bool wrong, kt_err *err) KT_MUST_USE;

#endif
