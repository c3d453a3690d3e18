/* What the labeling functions of a project do: coverage, overlap, conflict, accuracy on gold, correlation, lift, examples. */
#ifndef KT_STAGE_FUNCTIONS_FIGURES_H
#define KT_STAGE_FUNCTIONS_FIGURES_H

#include "algo/denoise/denoise.h"
#include "algo/denoise/lf_tally.h"
#include "stage/machine.h"

typedef enum kt_lf_example_kind {
    KT_LF_HIT,      /* gold says the same */
    KT_LF_MISS,     /* gold says otherwise */
    KT_LF_CONFLICT, /* another function says otherwise */
    KT_LF_VOTE,     /* any vote */
    KT_LF_EXAMPLES
} kt_lf_example_kind;

typedef struct kt_lf_example {
    uint64_t order;  /* a hash of the item: the lowest are shown, whatever the order of reading */
    uint32_t item;
    int32_t said, gold;
    int32_t other, other_said; /* conflict: the function against it; else -1 */
    kt_str id, text; /* text: the first KT_LF_SHOWN bytes */
} kt_lf_example;

#define KT_LF_SHOWN 240
/* At most KT_LF_SHOWN bytes of a text, whole characters. */
kt_str kt_lf_shown(kt_str text);

typedef struct kt_lf_figures {
    kt_lf_tally tally;           /* over all canonical items */
    uint32_t n_shown;            /* at most so many examples of each kind */
    kt_lf_example *example;      /* function × kind × n_shown; order UINT64_MAX: none */
} kt_lf_figures;

/* Labels to hold functions against, -1 unknown, into ret (n_items): gold, and what experts adjudicated. Not the trusted sample: rules
   tuned on it would spoil the bound that rests on it. */
kt_rc kt_functions_gold(kt_store *s, const kt_project *p, int16_t *ret, kt_err *err) KT_MUST_USE;
/* Reads column "lf" once, and the texts of at most n_examples of each kind. *ret lives in a. */
kt_rc kt_functions_figures(kt_store *s, const kt_project *p, uint32_t n_functions, uint32_t n_examples, kt_arena *a, kt_lf_figures *ret,
                           kt_err *err) KT_MUST_USE;
/* As JSON members with a comma in front: "measured_on", "covered", …, "functions": […], "pairs": […]. learned (may be NULL): of the label
   model. */
void kt_functions_figures_json(const kt_lf_figures *x, const kt_project *p, const kt_functions *f, const kt_function_fault *fault,
                               const kt_lf_summary *learned, kt_buf *ret);

/* A uniform sample of from[0 .. n), ascending, into ret (want of them at most); from NULL: of 0 .. n - 1. Returns its size. */
size_t kt_sample_items(uint64_t seed, const uint32_t *from, size_t n, size_t want, uint32_t *ret);

/* Strongest pairs by |phi|, at most max; returns how many. */
typedef struct kt_lf_correlation { uint32_t a, b; double phi; } kt_lf_correlation;
size_t kt_lf_correlations(const kt_lf_tally *t, kt_lf_correlation *ret, size_t max);

#endif
