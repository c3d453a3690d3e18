/* How long a person takes for an answer: a + b seconds for each character there is to read. */
#ifndef KT_ALGO_ANSWER_TIME_H
#define KT_ALGO_ANSWER_TIME_H

#include "base/types.h"

typedef struct kt_answer_time {
    double base, per_char; /* seconds */
} kt_answer_time;

/* Before anybody has answered: four seconds to decide, and silent reading of 25 characters a second (Brysbaert 2019: 238 words of English
   a minute). It also steadies the fit, as so many answers. */
#define KT_ANSWER_TIME_INIT { 4, 0.04 }
#define KT_ANSWER_TIME_PRIOR 20

/* Fits both to n answers by the errors of their logarithms, iteratively reweighted (Huber 1964), so that who went for lunch in the middle of an
   answer counts little. chars: n, >= 0; seconds: n, those under 0.3 are no person's (they were brought from a file) and left out. base
   stays >= 0.2, per_char >= 0. O(n). */
kt_answer_time kt_answer_time_fit(const float *chars, const float *seconds, size_t n);

#endif
