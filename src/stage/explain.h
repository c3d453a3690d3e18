/* Why an item has its label. */
#ifndef KT_STAGE_EXPLAIN_H
#define KT_STAGE_EXPLAIN_H

#include "base/types.h"

/* The two likeliest labels of an item with the model's own probability (before calibration), and the n-grams that decide between them. */
typedef struct kt_explanation {
    kt_str item, label, second;
    float prob, second_prob;
    size_t n;
    struct kt_explained {
        kt_str gram;      /* words of the text, or "function NAME: LABEL" */
        float adds;       /* to the log odds of label against second; negative: against it */
    } reason[12];
} kt_explanation;

#endif
