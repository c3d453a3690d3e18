/* The label model: from the votes of labeling functions to class probabilities. */
#ifndef KT_ALGO_DENOISE_H
#define KT_ALGO_DENOISE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"

/* Votes with item i of function j at vote[j][i * stride]: KT_ABSTAIN or a label. Columns: stride 1. Rows of n_functions:
   vote[j] = rows + j, stride = n_functions. */
typedef struct kt_lf_columns {
    size_t n_items, stride;
    uint32_t n_functions, n_labels;
    const int16_t *const *vote;
} kt_lf_columns;

typedef enum kt_denoise_method { KT_DENOISE_EM, KT_DENOISE_MOMENTS, KT_DENOISE_MAJORITY } kt_denoise_method;

typedef struct kt_denoise_opts {
    kt_denoise_method method;
    const double *class_balance; /* n_labels, sum 1; NULL: estimated (em), uniform (moments, majority) */
    int32_t n_iter;              /* em: most rounds */
    double right, wrong;         /* em: pseudo-votes that every function starts with: rules are written because they are mostly right */
    int32_t n_epochs;            /* moments: steps of gradient descent, momentum 0.9 */
    double lr, prec_init, init_scale;
    int32_t abstain;             /* em: 1: that a function does not vote counts too (denoise_silence.c); 0: it says nothing */
    int32_t dependence;          /* 1: functions that copy each other are found, and count together as one (em, moments) */
} kt_denoise_opts;
#define KT_DENOISE_OPTS_INIT \
    { .method = KT_DENOISE_EM, .n_iter = 100, .right = 18, .wrong = 2, .n_epochs = 500, .lr = 0.01, .prec_init = 0.7, .init_scale = 1, .abstain = 1 }

/* Two functions whose votes agree more than their accuracies explain; rho 1: one is a copy of the other. */
typedef struct kt_lf_pair {
    uint32_t a, b;
    double rho;
} kt_lf_pair;

typedef struct kt_lf_summary {
    uint64_t votes, overlaps, conflicts; /* items: voted on; another function voted too; with a different label */
    double accuracy;                     /* learned: chance that a vote is right */
} kt_lf_summary;

/* A fitted model, in the arena. */
typedef struct kt_label_model {
    kt_denoise_method method;
    uint32_t n_functions, n_labels;
    double *prior;          /* n_labels: class balance */
    double *log_likelihood; /* n_functions × said × truth: log P(said | truth) up to a constant per (function, said) */
    double *silence;        /* em: n_functions × truth: log P(abstains | truth); NULL: abstaining says nothing */
    double *mu;             /* moments: n_functions × said × truth, P(function says | truth), abstentions included; else NULL */
    kt_lf_summary *summary; /* n_functions */
    double *vote_weight;    /* n_functions: 1, or less where others say the same */
    kt_lf_pair *pairs;      /* n_pairs: the dependent ones that were found */
    size_t n_pairs;
} kt_label_model;

/* Fits a model; o NULL: defaults. Same result for any number of threads.

   em: a vote of function j for label o is right with accuracy a[j][o], learned by EM from a start in which each function is
   measured against the majority of the others; a wrong vote speaks for no other label in particular. EM does not look at who
   abstains, or what few rules cover would become a class of its own; once it has come to rest, how often each function
   abstains on each label's items is read off, and counts in the posteriors (abstain). A label's accuracy is drawn towards the function's, and that towards right / (right + wrong). To EM an item with one
   vote has exactly that vote's accuracy, and a vote that stands alone counts with right / (right + wrong): neither can a
   lone function talk itself up, nor a few disputed items talk it down.
   moments: matrix completion on the overlaps of pairs of functions (Ratner et al. 2019, "Training complex models with
   multi-task weak supervision"). majority: equal shares among the labels with most votes.

   KT_RANGE for a vote out of bounds or fewer than two labels; KT_LIMIT when moments' tables would not fit. */
kt_rc kt_denoise_fit(const kt_lf_columns *v, const kt_denoise_opts *o, kt_pool *pool, kt_arena *a, kt_label_model *ret, kt_err *err) KT_MUST_USE;
/* Class probabilities of one item from its n_functions votes into ret_prob (n_labels, sum 1). Without votes: the class
   balance, moved by the silence of all functions where that counts (majority: uniform). */
void kt_denoise_posterior(const kt_label_model *m, const int16_t *votes_of_item, double *ret_prob);
/* The same for all items: ret_prob n_items × n_labels. */
void kt_denoise_posteriors(const kt_label_model *m, const kt_lf_columns *v, kt_pool *pool, float *ret_prob);
/* Share of each function's votes that equal gold (n_items, -1 unknown), NaN without such votes, into ret (n_functions). */
void kt_denoise_accuracy(const kt_lf_columns *v, const int32_t *gold, double *ret);

/* One pass over the votes: votes, overlaps and conflicts of each function into summary (n_functions), and into both
   (d × d, d = functions × labels, may be NULL) in how many items the votes of two cells stand together. KT_RANGE for a vote
   out of bounds. */
kt_rc kt_lf_overlaps(const kt_lf_columns *v, kt_pool *pool, kt_lf_summary *summary, double *both, kt_err *err) KT_MUST_USE;

/* Dependent pairs, in the arena, and the weight of each function's votes (n_functions). KT_LIMIT above KT_LF_MOST_CELLS functions
   × labels. */
#define KT_LF_MOST_CELLS 8192
kt_rc kt_lf_dependence(const kt_lf_columns *v, kt_pool *pool, kt_arena *a, double *ret_weight, kt_lf_pair **ret_pairs, size_t *ret_n,
                       kt_err *err) KT_MUST_USE;

typedef struct kt_lf_votes {
    size_t n_items;
    uint32_t n_functions, n_labels;
    const int16_t *vote; /* n_items × n_functions, row-major; KT_ABSTAIN or a label */
} kt_lf_votes;

/* em with its defaults on rows, in one call. ret_prob: n_items × n_labels; ret_summary: n_functions, may be NULL. */
kt_rc kt_denoise(const kt_lf_votes *v, kt_pool *pool, float *ret_prob, kt_lf_summary *ret_summary, kt_err *err) KT_MUST_USE;

#endif
