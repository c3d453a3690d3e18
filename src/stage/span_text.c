#include "stage/span_text.h"

static uint32_t code_points(const char *p, size_t n)
{
    uint32_t c = 0;
    for (size_t i = 0; i < n; i++)
        c += ((unsigned char)p[i] & 0xc0) != 0x80;
    return c;
}

/* A function, its label, and whether its region begins here: a cue for the token. */
static void add_cues(kt_span_text *t, const kt_mark *v, size_t n, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].start < to && from < v[i].end)
            KT_PUSH(&t->cue, ((uint32_t)v[i].function << 16 | (uint32_t)v[i].label) * 2 + (v[i].start >= from));
    KT_PUSH(&t->cue_start, t->cue.n);
}

void kt_span_text_add(kt_span_text *t, kt_str text, bool words, const kt_mark *v, size_t n)
{
    KT_AUTO(kt_arena) own = KT_ARENA_INIT;
    kt_str *token, copy = words ? kt_arena_str(&t->a, text) : text;
    size_t all = kt_crf_tokens(copy, &own, &token), k = KT_MIN(all, (size_t)KT_SPAN_MOST_TOKENS);
    const char *at = copy.p;
    uint32_t chars = 0;
    if (!t->n) {
        KT_PUSH(&t->start, 0);
        KT_PUSH(&t->cue_start, 0);
    }
    for (size_t i = 0; i < k; i++) {
        uint32_t from = chars + code_points(at, (size_t)(token[i].p - at));
        chars = from + code_points(token[i].p, token[i].n);
        at = token[i].p + token[i].n;
        KT_PUSH(&t->token, token[i]);
        KT_PUSH(&t->at, from);
        KT_PUSH(&t->at, chars);
        add_cues(t, v, n, from, chars);
    }
    KT_PUSH(&t->start, t->token.n);
    KT_PUSH(&t->cut, all > k);
    t->n++;
}

void kt_span_text_done(kt_span_text *t)
{
    kt_arena_done(&t->a);
    KT_VEC_DONE(&t->start);
    KT_VEC_DONE(&t->token);
    KT_VEC_DONE(&t->at);
    KT_VEC_DONE(&t->cue_start);
    KT_VEC_DONE(&t->cue);
    KT_VEC_DONE(&t->cut);
    t->n = 0;
}

kt_crf_text kt_span_text_view(const kt_span_text *t)
{
    return (kt_crf_text){ .n_sentences = t->n, .start = t->start.v, .token = t->token.v, .cue_start = t->cue.n ? t->cue_start.v : NULL, .cue = t->cue.v };
}

bool kt_span_tags(const kt_span_text *t, size_t i, const kt_answer_part *v, size_t n, int32_t *ret)
{
    size_t from = t->start.v[i], k = t->start.v[i + 1] - from;
    const uint32_t *at = t->at.v + 2 * from;
    bool whole = true;
    memset(ret, 0, k * sizeof(*ret));
    for (size_t p = 0, first = 0; p < n; p++) { /* parts ascend by start */
        while (first < k && at[2 * first + 1] <= v[p].start)
            first++;
        size_t last = first;
        bool open = true;
        while (last < k && at[2 * last] < v[p].end)
            open &= ret[last++] == 0;
        if (last == first || !open) {
            whole = false;
            continue;
        }
        whole &= at[2 * first] == v[p].start && at[2 * last - 1] == v[p].end;
        for (size_t x = first; x < last; x++)
            ret[x] = (x == first ? 1 : 2) + 2 * v[p].label;
    }
    return whole;
}

void kt_span_parts(const kt_span_text *t, size_t i, const int32_t *tag, kt_answer_parts *ret)
{
    size_t from = t->start.v[i], k = t->start.v[i + 1] - from;
    const uint32_t *at = t->at.v + 2 * from;
    for (size_t x = 0, last; x < k; x = last + 1) {
        last = x;
        if (!tag[x])
            continue;
        while (last + 1 < k && tag[last + 1] && tag[last + 1] % 2 == 0)
            last++;
        KT_PUSH(ret, ((kt_answer_part){ (tag[x] - 1) / 2, at[2 * x], at[2 * last + 1] }));
    }
}
