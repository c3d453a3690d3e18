/* Functions that fire or stay silent, as a rule for one label does: what does their silence say, and how sure is the label then? A latent yes or
   no for each unit, which is an item and a label, or a token and a label; function j fires on a share a_j of the units that are yes and b_j of
   those that are not (Dawid and Skene 1979 with two answers: silence is the other answer, or none). EM over patterns of firing functions,
   not units: cost is patterns × functions that fire in them × rounds, and units nobody fires on are one pattern. */
#ifndef KT_ALGO_DENOISE_FIRES_H
#define KT_ALGO_DENOISE_FIRES_H

#include "base/err.h"

typedef struct kt_fires {
    uint32_t n_functions;
    size_t n_patterns;
    const size_t *start;      /* n_patterns + 1: pattern p is function[start[p] .. start[p + 1] - 1], ascending */
    const uint16_t *function;
    const double *count;      /* n_patterns: units that show it */
    double n_silent;          /* units on which no function fires; patterns are never empty */
    bool silence_speaks;      /* a function that stays silent speaks against the label, as far as it fires on what has it elsewhere; false: it just
                                 does not know, as dictionaries of different things do not know of each other's */
    const double *guess;      /* n_functions: precision to begin with, from trusted labels; NULL: a function is right four times of five */
} kt_fires;

/* ret_yes: n_patterns, the chance that a unit with the pattern is yes; a unit nobody fires on is none. ret_precision, ret_recall: n_functions; NaN
   for a function that never fires. The guess has the weight of a few units. Where
   silence is no answer, or fewer than three functions fire at all, nothing is ever said against what one of them says: agreement cannot tell
   then who is right, functions keep their guess, and a unit is yes unless all that fire on it are wrong. KT_RANGE for a function out of bounds. */
kt_rc kt_denoise_fires(const kt_fires *d, double *ret_yes, double *ret_precision, double *ret_recall, kt_err *err) KT_MUST_USE;

#endif
