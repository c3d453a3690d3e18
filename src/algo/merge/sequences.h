/* Merging tagged sequences: several people's spans over tokens, by a model that knows that tags follow each other. */
#ifndef KT_ALGO_SEQUENCES_H
#define KT_ALGO_SEQUENCES_H

#include "algo/stats_options.h"
#include "base/arena.h"
#include "base/pool.h"

/* Tags of n_types types: 0 is O, 1 + 2 k is B-k, 2 + 2 k is I-k. An answer has a tag for every token of its sequence; an I-k that
   follows neither B-k nor I-k is read as B-k. */
typedef struct kt_sequence_answers {
    uint32_t n_sequences, n_sources, n_types;
    const size_t *length;            /* n_sequences: tokens */
    size_t n;
    const uint32_t *sequence, *source; /* n */
    const size_t *at;                /* n: the answer's tags are tag[at[a]] .., one a token */
    const int32_t *tag;
} kt_sequence_answers;

typedef struct kt_sequence_opts {
    int32_t n_iter; /* rounds of EM from the first truth; many of them let borders drift */
    double pull;    /* pseudo-tokens of a source's confusions towards those of all */
} kt_sequence_opts;
#define KT_SEQUENCE_OPTS_INIT { .n_iter = 1, .pull = 10 }
extern const kt_setting kt_sequence_options[];

typedef struct kt_merged_span {
    uint32_t sequence, type;
    size_t from, to;           /* tokens, to is behind the last */
    double prob;               /* chance of a span of exactly these tokens and this type */
    uint32_t n_for, n_looked;  /* answers with exactly this span; answers */
} kt_merged_span;

/* In the arena. */
typedef struct kt_sequences {
    uint32_t n_sequences, n_sources, n_tags;
    size_t *start;           /* n_sequences + 1: tokens of each, one after the other */
    int32_t *tag;            /* tokens: valid BIO; -1 in sequences without answers */
    double *prob;            /* tokens × n_tags, rows sum to 1; NaN without answers */
    double *whole;           /* n_sequences: chance that all of tag is right; NaN without answers */
    size_t n_spans;
    kt_merged_span *span;    /* those of tag, sequence by sequence */
    double *source_accuracy; /* n_sources: of tokens on which its tag or the truth is not O, the share with the right tag; NaN: none */
    double *source_ci;       /* × 2: 95 %, sequences being what is independent */
} kt_sequences;

/* A hidden Markov model of the truth, which cannot leave BIO and whose states know where spans begin and end, and for every source
   P(said | state, what it said before): after the HMM-Crowd of Nguyen et al. (2017) and the sequential annotator of Simpson and Gurevych
   (2019, BSC-seq). It starts from spans merged by overlap with discrete borders, which keep half of the posterior. The tags given are the spans, none over another,
   with most chance beyond 0.35 in all: close to the best F1. Up to 64 types. Time: rounds × tokens × (answers + types) × types²; memory:
   sources, tokens × tags. Same for any pool. KT_RANGE for ids and tags out of bounds. */
kt_rc kt_sequences_fit(const kt_sequence_answers *v, const kt_sequence_opts *o, kt_pool *pool, kt_arena *a, kt_sequences *ret, kt_err *err) KT_MUST_USE;

#endif
