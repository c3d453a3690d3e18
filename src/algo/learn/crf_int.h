/* Inside of the span tagger: features of a token, and inference on one chain. */
#ifndef KT_ALGO_CRF_INT_H
#define KT_ALGO_CRF_INT_H

#include "algo/learn/crf.h"
#include "algo/learn/linear_int.h"
#include "base/mem.h"

/* Calls see for every feature of token at of a sentence of n: its name ("word[-1]=in") and its hash. words: kt_crf_words. */
typedef struct kt_crf_words kt_crf_words;
kt_crf_words *kt_crf_words_new(const kt_str *token, size_t n);
void kt_crf_words_free(kt_crf_words *w);
void kt_crf_each(const kt_crf_words *w, size_t at, void (*see)(void *ctx, uint64_t hash, kt_str name), void *ctx);

/* Hashed features of all tokens, each once a token, value 1. */
void kt_crf_rows(const kt_crf_text *x, uint32_t bits, kt_pool *pool, kt_features *ret);

static inline bool kt_crf_may_follow(uint32_t tag, uint32_t before) /* before: UINT32_MAX at the start */
{
    return tag == 0 || tag % 2 == 1 || (before != UINT32_MAX && (before == tag || before + 1 == tag));
}

/* One sentence: potentials, and forward and backward probabilities scaled at every token (Rabiner 1989). */
typedef struct kt_chain {
    size_t n, room;
    uint32_t k;
    double *psi, *alpha, *beta; /* n × k */
    double *scale, *top;        /* n */
    double *first, *next;       /* k, k × k: exponentials; 0 where forbidden */
} kt_chain;
void kt_chain_init(kt_chain *c, uint32_t k);
void kt_chain_done(kt_chain *c);
void kt_chain_links(kt_chain *c, const float *first, const float *next);
/* z: n × k scores. Returns the log of the sum over all valid sequences. */
double kt_chain_run(kt_chain *c, const float *z, size_t n);
double kt_chain_edge(const kt_chain *c, size_t at, uint32_t a, uint32_t b); /* probability of a at at - 1 and b at at */
/* Probability that tokens first .. last are exactly a span of the type. */
double kt_chain_span(const kt_chain *c, size_t first, size_t last, uint32_t type);
/* Likeliest valid sequence. */
void kt_chain_best(const float *z, size_t n, uint32_t k, const float *first, const float *next, int32_t *ret);
/* Scores of the n tokens from row `from` on into z (n × tags). */
void kt_crf_scores(const kt_crf *m, const kt_features *rows, size_t from, size_t n, float *z);
/* Tokens of the longest of sentences first .. last - 1; at least 1. */
size_t kt_crf_longest(const kt_crf_text *x, size_t first, size_t last);
/* Last token of the span that begins at t (tag[t] is not 0). */
size_t kt_crf_span_end(const int32_t *tag, size_t n, size_t t);
double kt_chain_score(const float *z, size_t n, uint32_t k, const float *first, const float *next, const int32_t *tag);

/* Penalised log loss of a small model over all sentences of rows, and its gradient (NULL: not asked for), laid out as state.weight, first
   and next. For tests and for judging convergence. */
double kt_crf_loss(const kt_crf *m, const kt_features *rows, const kt_crf_text *x, const int32_t *tag, double penalty, double *g_weight,
                   double *g_first, double *g_next);

#endif
