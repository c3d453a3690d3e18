/* Spans in tokens: a linear-chain conditional random field (Lafferty, McCallum, Pereira 2001) on hashed features of words, shapes, affixes
   and neighbours. Tags of t types: 0 is outside (O), 1 + 2 t begins a span (B), 2 + 2 t goes on with it (I); I without a B or I of its type
   before it has probability 0, in training and after. */
#ifndef KT_ALGO_CRF_H
#define KT_ALGO_CRF_H

#include "algo/learn/linear.h"
#include "algo/stats_options.h"

enum { KT_CRF_MAX_TYPES = 500 };

/* Sentences of tokens (words, or characters where words are not set apart). */
typedef struct kt_crf_text {
    size_t n_sentences;
    const size_t *start;   /* n_sentences + 1, ascending from 0 */
    const kt_str *token;   /* start[n_sentences] */
    const size_t *cue_start; /* start[n_sentences] + 1: cues of token t are cue[cue_start[t]] .. cue[cue_start[t + 1] - 1]; NULL: there are none */
    const uint32_t *cue;   /* what somebody else says of the token, as a number: features of it and of its neighbours */
} kt_crf_text;

typedef struct kt_crf {
    uint32_t n_types;
    kt_linear state; /* 1 + 2 n_types labels: scores of tags by a token's features */
    float *first;    /* per tag: score of opening a sentence */
    float *next;     /* tags × tags: score of the second after the first; forbidden ones are never read */
} kt_crf;

typedef struct kt_crf_options {
    uint32_t bits;   /* of the hashed space, 8..24 */
    double penalty;  /* c of c |w|², beside the sum of the sentences' log losses */
    uint32_t epochs;
    uint32_t least;  /* tokens a feature has to be on to get weights; 0: by the number of sentences, 1 below 100, 2 below 1,000, else 3 */
    double rate;     /* of AdaGrad */
    uint64_t seed;
} kt_crf_options;

#define KT_CRF_OPTIONS_INIT { .bits = 20, .penalty = 0.05, .epochs = 15, .rate = 0.15, .seed = 1 }
extern const kt_setting kt_crf_settings[];

/* Minimises the penalised log loss by AdaGrad (Duchi, Hazan, Singer 2011), a sentence a step; the order is drawn from the seed. tag: one a
   token, -1: the sentence is left out when any of its tokens has none; an I that cannot be is taken for a B. Caller frees *ret by
   kt_crf_done. KT_RANGE: a tag that is none, no sentence. */
kt_rc kt_crf_fit(const kt_crf_text *x, const int32_t *tag, uint32_t n_types, const kt_crf_options *o, kt_crf *ret, kt_err *err) KT_MUST_USE;
void kt_crf_done(kt_crf *m);

/* Likeliest valid tags of every token (Viterbi), and each tag's probability there (forward-backward): tokens × tags; either may be NULL. */
void kt_crf_predict(const kt_crf *m, const kt_crf_text *x, kt_pool *pool, int32_t *ret_tag, float *ret_prob);
/* The same tags, and of every sentence the log of the probability that all of them are right: the score of that sequence less the log of the
   sum over all valid ones. n_sentences, at most 0; 0 for a sentence without tokens. ret_span (tokens, or NULL): where a span begins, the probability that
   exactly it is one of its type; 0 elsewhere. */
void kt_crf_whole(const kt_crf *m, const kt_crf_text *x, kt_pool *pool, int32_t *ret_tag, double *ret_log_prob, float *ret_span);
/* Probabilities of tags by models that did not see the sentence's fold (folds.h; group: per sentence, or NULL): tokens × tags. Sentences
   without tags get zeros. */
kt_rc kt_crf_cross(const kt_crf_text *x, const int32_t *tag, uint32_t n_types, const uint64_t *group, const kt_crf_options *o, uint32_t folds,
                   kt_pool *pool, float *ret_prob, kt_err *err) KT_MUST_USE;

typedef struct kt_crf_span {
    size_t sentence, first, last; /* tokens first .. last within all tokens */
    uint32_t type;
    float prob;                   /* that exactly this is a span of the type */
} kt_crf_span;
/* The spans of the likeliest tags. ret: at most as many as tokens. Returns how many. */
size_t kt_crf_spans(const kt_crf *m, const kt_crf_text *x, kt_pool *pool, kt_crf_span *ret);

/* One more sentence at once: gradient steps until its tags are the likeliest, at most a few. tag: one a token, valid as in kt_crf_fit. */
void kt_crf_update(kt_crf *m, const kt_str *token, size_t n, const int32_t *tag);

/* Features of token `at` by what they add to the tag's score less O's, strongest first; names live in a. *ret_n of at most max. */
void kt_crf_explain(const kt_crf *m, const kt_str *token, size_t n, size_t at, uint32_t tag, size_t max, kt_arena *a, kt_reason *ret,
                    size_t *ret_n);

void kt_crf_bytes(const kt_crf *m, kt_buf *ret);
/* KT_CORRUPT when the bytes are no such model. */
kt_rc kt_crf_from_bytes(kt_str bytes, kt_crf *ret, kt_err *err) KT_MUST_USE;

/* Words, numbers and single signs of a text, in order, for a model of tokens: views. ret grows in a; returns how many. Kana and Han stand
   alone; white space separates and is no token. */
size_t kt_crf_tokens(kt_str text, kt_arena *a, kt_str **ret);

#endif
