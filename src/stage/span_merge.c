#include "stage/span_merge.h"

#include "algo/merge/sequences.h"
#include "algo/merge/spans.h"
#include "base/mem.h"
#include "stage/span_text.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_TYPES = 64 }; /* of the model of sequences */

struct work {
    kt_run *r;
    const kt_said *v;
    kt_span_text text;     /* of all items, ascending by number … */
    uint32_t *place;       /* … which is where each dense item is */
    uint8_t *by_tags;      /* per dense item */
    uint32_t n_by_tags;
    size_t *tag_at;        /* per answer: its tags in tag */
    KT_VEC(int32_t) tag;
    uint32_t *own;         /* per dense item: its number among those merged the same way */
};

struct numbered {
    uint32_t number, dense;
};

static int by_number(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static kt_rc add_texts(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)slot, (void)err;
    struct work *w = ctx;
    for (size_t i = 0; i < n; i++)
        kt_span_text_add(&w->text, items[i].text, false, NULL, 0);
    return 0;
}

static kt_rc read_texts(struct work *w, kt_arena *a)
{
    uint32_t n = w->v->n_items;
    struct numbered *order = kt_arena_array(a, (size_t)n + 1, sizeof(*order));
    uint32_t *list = kt_arena_array(a, (size_t)n + 1, sizeof(*list));
    kt_item_reader *reader;
    for (uint32_t i = 0; i < n; i++)
        order[i] = (struct numbered){ w->v->number[i], i };
    if (n)
        qsort(order, n, sizeof(*order), by_number);
    w->place = kt_arena_array(a, (size_t)n + 1, sizeof(*w->place));
    for (uint32_t i = 0; i < n; i++) {
        list[i] = order[i].number;
        w->place[order[i].dense] = i;
    }
    KT_TRY(kt_item_reader_new(w->r->s, w->r->p.id, &reader, w->r->err));
    kt_rc rc = kt_item_scan_list(reader, list, n, NULL, add_texts, w, w->r->err);
    kt_item_reader_free(reader);
    return rc;
}

/* Every answer as tags, where tags can say it. */
static void make_tags(struct work *w, kt_arena *a)
{
    const kt_said *v = w->v;
    w->by_tags = kt_arena_alloc(a, (size_t)v->n_items + 1);
    w->tag_at = kt_arena_array(a, v->n + 1, sizeof(*w->tag_at));
    for (uint32_t i = 0; i < v->n_items; i++)
        w->by_tags[i] = w->r->k <= MOST_TYPES;
    for (size_t q = 0; q < v->n; q++) {
        uint32_t item = v->item[q];
        size_t at = w->place[item], n = w->text.start.v[at + 1] - w->text.start.v[at];
        if (!w->by_tags[item])
            continue;
        KT_RESERVE(&w->tag, w->tag.n + n + 1);
        w->tag_at[q] = w->tag.n;
        w->by_tags[item] = kt_span_tags(&w->text, at, v->part + v->start[q], v->start[q + 1] - v->start[q], w->tag.v + w->tag.n);
        w->tag.n += n;
    }
    for (uint32_t i = 0; i < v->n_items; i++)
        w->n_by_tags += w->by_tags[i];
}

/* Numbers of the items that are, or are not, merged by tags, and how many answers they have. */
static uint32_t number_own(struct work *w, bool by_tags, size_t *ret_answers)
{
    uint32_t n = 0;
    *ret_answers = 0;
    for (uint32_t i = 0; i < w->v->n_items; i++)
        if (w->by_tags[i] == by_tags)
            w->own[i] = n++;
    for (size_t q = 0; q < w->v->n; q++)
        *ret_answers += w->by_tags[w->v->item[q]] == by_tags;
    return n;
}

static kt_rc merge_tags(struct work *w, kt_arena *a, kt_sequences *ret)
{
    const kt_said *v = w->v;
    size_t n_answers, k = 0;
    kt_sequence_answers in = { .n_sequences = number_own(w, true, &n_answers), .n_sources = v->n_sources, .n_types = w->r->k };
    size_t *length = kt_arena_array(a, (size_t)in.n_sequences + 1, sizeof(*length)), *at = kt_arena_array(a, n_answers + 1, sizeof(*at));
    uint32_t *sequence = kt_arena_array(a, n_answers + 1, 4), *source = kt_arena_array(a, n_answers + 1, 4);
    for (uint32_t i = 0; i < v->n_items; i++)
        if (w->by_tags[i])
            length[w->own[i]] = w->text.start.v[w->place[i] + 1] - w->text.start.v[w->place[i]];
    for (size_t q = 0; q < v->n; q++) {
        if (!w->by_tags[v->item[q]])
            continue;
        sequence[k] = w->own[v->item[q]];
        source[k] = v->source[q];
        at[k++] = w->tag_at[q];
    }
    in.n = k;
    in.length = length;
    in.sequence = sequence;
    in.source = source;
    in.at = at;
    in.tag = w->tag.v;
    return kt_sequences_fit(&in, NULL, w->r->pool, a, ret, w->r->err);
}

static kt_rc merge_spans(struct work *w, kt_arena *a, kt_merged_spans *ret)
{
    const kt_said *v = w->v;
    size_t n_answers, k = 0, n = 0;
    kt_span_answers in = { .n_items = number_own(w, false, &n_answers), .n_sources = v->n_sources, .n_labels = w->r->k };
    size_t *start = kt_arena_array(a, n_answers + 1, sizeof(*start));
    uint32_t *item = kt_arena_array(a, n_answers + 1, 4), *source = kt_arena_array(a, n_answers + 1, 4);
    kt_span *span = kt_arena_array(a, v->start[v->n] + 1, sizeof(*span));
    for (size_t q = 0; q < v->n; q++) {
        if (w->by_tags[v->item[q]])
            continue;
        item[k] = w->own[v->item[q]];
        source[k] = v->source[q];
        start[k++] = n;
        for (size_t p = v->start[q]; p < v->start[q + 1]; p++)
            span[n++] = (kt_span){ v->part[p].start, v->part[p].end, v->part[p].label };
    }
    start[k] = n;
    in.n = k;
    in.item = item;
    in.source = source;
    in.start = start;
    in.span = span;
    return kt_spans_merge(&in, w->r->pool, a, ret, w->r->err);
}

static void gather(struct work *w, const kt_sequences *tags, const kt_merged_spans *spans, kt_arena *a, kt_merged *ret)
{
    uint32_t n = w->v->n_items;
    kt_answer_parts all = { 0 };
    *ret = (kt_merged){ .posterior = kt_arena_array(a, n, sizeof(double)), .start = kt_arena_array(a, (size_t)n + 1, sizeof(size_t)) };
    for (uint32_t i = 0; i < n; i++) {
        uint32_t own = w->own[i];
        ret->start[i] = all.n;
        if (w->by_tags[i]) {
            kt_span_parts(&w->text, w->place[i], tags->tag + tags->start[own], &all);
            ret->posterior[i] = tags->whole[own];
            continue;
        }
        for (size_t s = spans->start[own]; s < spans->start[own + 1]; s++)
            KT_PUSH(&all, ((kt_answer_part){ spans->span[s].label, spans->span[s].start, spans->span[s].end }));
        ret->posterior[i] = spans->posterior[own];
    }
    ret->start[n] = all.n;
    ret->part = kt_arena_array(a, all.n + 1, sizeof(*ret->part));
    if (all.n)
        memcpy(ret->part, all.v, all.n * sizeof(*all.v));
    KT_VEC_DONE(&all);
}

kt_rc kt_span_merge(kt_run *r, const kt_said *v, kt_arena *a, kt_merged *ret)
{
    KT_AUTO(kt_arena) own = KT_ARENA_INIT;
    struct work w = { .r = r, .v = v };
    kt_sequences tags = { 0 };
    kt_merged_spans spans = { 0 };
    kt_rc rc = read_texts(&w, &own);
    w.own = kt_arena_array(&own, (size_t)v->n_items + 1, sizeof(*w.own));
    if (rc == 0)
        make_tags(&w, &own);
    if (rc == 0 && w.n_by_tags)
        rc = merge_tags(&w, &own, &tags);
    if (rc == 0 && w.n_by_tags < v->n_items)
        rc = merge_spans(&w, &own, &spans);
    if (rc == 0)
        gather(&w, &tags, &spans, a, ret);
    kt_span_text_done(&w.text);
    KT_VEC_DONE(&w.tag);
    return rc;
}
