/* Texts as tokens with their places, tags as regions and back. Places are code points, end not included. */
#ifndef KT_STAGE_SPAN_TEXT_H
#define KT_STAGE_SPAN_TEXT_H

#include "algo/learn/crf.h"
#include "base/mem.h"
#include "provider/functions.h"
#include "stage/given.h"

enum { KT_SPAN_MOST_TOKENS = 1000 }; /* of a text; what is beyond is not looked at */

typedef struct kt_span_text { /* texts one after the other; zeroed to begin with */
    kt_arena a;             /* their words */
    KT_VEC(size_t) start;   /* n + 1 */
    KT_VEC(kt_str) token;
    KT_VEC(uint32_t) at;    /* per token: start, end */
    KT_VEC(size_t) cue_start;
    KT_VEC(uint32_t) cue;   /* what functions say of the token (algo/learn/crf.h) */
    KT_VEC(uint8_t) cut;    /* per text: it has more tokens than were taken */
    size_t n;
} kt_span_text;

/* Appends a text, with what functions marked in it. words: its tokens are to be read later on, so they are copied. */
void kt_span_text_add(kt_span_text *t, kt_str text, bool words, const kt_mark *v, size_t n);
void kt_span_text_done(kt_span_text *t);
/* As the tagger takes it; views of t. */
kt_crf_text kt_span_text_view(const kt_span_text *t);

/* Tags of text i for an answer, by the tokens its regions touch; of regions that share a token the first. false: tags cannot say it, since regions share
   tokens or do not begin and end with one. */
bool kt_span_tags(const kt_span_text *t, size_t i, const kt_answer_part *v, size_t n, int32_t *ret);
/* The regions of valid tags of text i, appended. */
void kt_span_parts(const kt_span_text *t, size_t i, const int32_t *tag, kt_answer_parts *ret);

#endif
