/* Intervals of accuracies where a few sources' confusions and the shares of labels were all fitted to the same votes. */
#ifndef KT_ALGO_CONFUSION_INTERVALS_H
#define KT_ALGO_CONFUSION_INTERVALS_H

#include "algo/merge/aggregate.h"

/* What was fitted; b and cells as the fit numbers votes. */
typedef struct kt_fitted_confusions {
    const kt_ballot *b;
    const kt_cells *cells;
    const double *like;  /* cells × K: P(said | truth) */
    const double *prior; /* K */
    double pseudo;       /* votes added to every column */
} kt_fitted_confusions;

/* ret->source_ci from ret->prob and ret->source_accuracy, by the observed information of all parameters together. False, and nothing
   done: there are too many, more than 256 of labels and sources × labels², or abstentions speak, or they cannot be told from each other. Looks at
   an even sample of items, of some 2^26 products. */
bool kt_confusion_intervals(const kt_fitted_confusions *f, kt_posterior *ret);

#endif
