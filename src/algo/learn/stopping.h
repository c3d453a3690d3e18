/* When to stop asking: what the next labels are likely to bring, from how accuracy grew so far. */
#ifndef KT_ALGO_STOPPING_H
#define KT_ALGO_STOPPING_H

#include "base/err.h"

typedef struct kt_learning_point {
    double labels;    /* > 0, ascending */
    double accuracy;  /* 0..1 */
    double se;        /* its standard error, > 0 */
} kt_learning_point;

typedef struct kt_learning_gain {
    double gain, low, high;          /* accuracy that `more` labels are expected to add, and its 95 % interval */
    double left, left_low, left_high; /* all that labels can still add */
    double now;                      /* accuracy by the curve where it stands */
} kt_learning_gain;

/* Accuracy follows a - b n^-c, an inverse power law (Cortes, Jackel, Solla, Vapnik, Denker 1993; Viering and Loog 2023 for how far it holds), b >= 0,
   c from 0.1 to 2, all equally likely beforehand, a at most 1. Given c the points decide a and b by weighted least squares; c is averaged over by
   how well each fits, and points that scatter more than their errors say widen everything. KT_RANGE: fewer than 3 points; one that cannot
   be; more <= 0. */
kt_rc kt_learning_outlook(const kt_learning_point *point, size_t n, double more, kt_learning_gain *ret, kt_err *err) KT_MUST_USE;

#endif
