/* Between the parts of merging sequences: a first truth that cannot drift away from its names. */
#ifndef KT_ALGO_SEQUENCES_INT_H
#define KT_ALGO_SEQUENCES_INT_H

#include "algo/merge/sequences.h"

/* Where one end of a span may be: place low + x, with chance prob[x]. */
typedef struct kt_anchor_border {
    int64_t low;
    size_t n;
    double *prob;
} kt_anchor_border;

typedef struct kt_anchor_span {
    uint32_t type;
    double prob;               /* that it is there, as its type */
    kt_anchor_border side[2];  /* first token; behind the last */
} kt_anchor_span;

/* In the arena. Spans of sequence i: first[i] .. first[i + 1] - 1. tag: all tokens, sequence by sequence: the likeliest of it, valid. */
typedef struct kt_anchor {
    size_t *first;
    kt_anchor_span *span;
    int32_t *tag;
} kt_anchor;

/* From the answers' spans: those that overlap are one, whether it is there and as what by auto (regions.h), its borders by the discrete offsets of
   the sources. tag: of answer a own[a] .., valid; start: of each sequence, in ret->tag. */
kt_rc kt_sequences_anchor(const kt_sequence_answers *v, const int32_t *tag, const size_t *own, const size_t *start, kt_pool *pool, kt_arena *a, kt_anchor *ret,
                          kt_err *err) KT_MUST_USE;
/* Chance of exactly this span in sequence i: ends are independent. */
double kt_anchor_span_prob(const kt_anchor *x, uint32_t i, uint32_t type, size_t from, size_t to);
/* Chance of exactly these spans of sequence i and no others: spans are independent. */
double kt_anchor_whole_prob(const kt_anchor *x, uint32_t i, const kt_merged_span *span, size_t n);
/* Adds share times the chances of the tags of n tokens of sequence i to prob (n × n_tags), rows of share in all. */
void kt_anchor_add(const kt_anchor *x, uint32_t i, size_t n, size_t n_tags, double share, double *inout_prob);

#endif
