/* Spans of tagged tokens, as conlleval and seqeval see them. */
#include "algo/score/score.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>

const char *const kt_tag_scheme_names[] = { "default", "IOB2", "IOBES", "IOE2", NULL };
_Static_assert(KT_LEN(kt_tag_scheme_names) == KT_TAGS__COUNT + 1, "a name for every scheme");

struct tag {
    char prefix; /* O B I E S */
    uint32_t type;
};

void kt_span_types_done(kt_span_types *t)
{
    t->name = kt_free(t->name);
    t->n = t->cap = 0;
}

/* Few types in any set: a walk beats a map. */
static uint32_t type_of(kt_span_types *t, kt_str name)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (kt_str_eq(t->name[i], name))
            return i;
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 16;
        t->name = kt_realloc(t->name, t->cap * sizeof(*t->name));
    }
    t->name[t->n] = name;
    return t->n++;
}

static kt_rc parse(kt_str tag, kt_span_types *t, struct tag *ret, kt_err *err)
{
    char c = tag.n ? tag.p[0] : 0;
    if (tag.n == 1 && c == 'O') {
        *ret = (struct tag){ 'O', UINT32_MAX };
        return 0;
    }
    c = c == 'L' ? 'E' : c == 'U' ? 'S' : c;
    if (tag.n < 1 || !memchr("BIES", c, 4) || (tag.n > 1 && (tag.n < 3 || tag.p[1] != '-'))) {
        kt_fail(err, KT_PARSE, "'%.*s' is no tag", KT_F(tag));
        return kt_hint(err, "expected O, or B-, I-, E- or S- (BILOU: L-, U-) and a type");
    }
    *ret = (struct tag){ c, type_of(t, tag.n > 1 ? (kt_str){ tag.p + 2, tag.n - 2 } : KT_S("_")) };
    return 0;
}

static void push(kt_token_spans *s, uint32_t sentence, uint32_t type, size_t first, size_t last)
{
    KT_PUSH(s, (kt_token_span){ sentence, type, (uint32_t)first, (uint32_t)last });
}

static bool starts(struct tag before, struct tag here)
{
    if (here.prefix == 'O')
        return false;
    bool ended = before.prefix == 'O' || before.prefix == 'E' || before.prefix == 'S';
    return here.prefix == 'B' || here.prefix == 'S' || ended || before.type != here.type;
}

static bool ends(struct tag here, struct tag after)
{
    bool fresh = after.prefix == 'B' || after.prefix == 'S' || after.prefix == 'O';
    return fresh || here.prefix == 'E' || here.prefix == 'S' || here.type != after.type;
}

static void any_spans(const struct tag *t, size_t n, uint32_t sentence, kt_token_spans *ret)
{
    static const struct tag out = { 'O', UINT32_MAX };
    size_t first = 0;
    for (size_t i = 0; i < n; i++) {
        if (starts(i ? t[i - 1] : out, t[i]))
            first = i;
        if (t[i].prefix != 'O' && ends(t[i], i + 1 < n ? t[i + 1] : out))
            push(ret, sentence, t[i].type, first, i);
    }
}

/* End of the well-formed span that begins at i, as the token after it; 0: none does. */
static size_t span_at(const struct tag *t, size_t n, size_t i, kt_tag_scheme scheme)
{
    size_t j = i + 1;
    if (scheme == KT_TAGS_IOE2) {
        j = i;
        while (j < n && t[j].prefix == 'I' && t[j].type == t[i].type)
            j++;
        return j < n && t[j].prefix == 'E' && t[j].type == t[i].type ? j + 1 : 0;
    }
    if (scheme == KT_TAGS_IOBES && t[i].prefix == 'S')
        return j;
    if (t[i].prefix != 'B')
        return 0;
    while (j < n && t[j].prefix == 'I' && t[j].type == t[i].type)
        j++;
    if (scheme == KT_TAGS_IOB2)
        return j;
    return j < n && t[j].prefix == 'E' && t[j].type == t[i].type ? j + 1 : 0;
}

kt_rc kt_spans_of_tags(const kt_str *tag, size_t n_tags, uint32_t sentence, kt_tag_scheme scheme, kt_span_types *types, kt_token_spans *ret,
                       kt_err *err)
{
    struct tag *t = kt_alloc_array(n_tags + 1, sizeof(*t));
    kt_rc rc = 0;
    for (size_t i = 0; i < n_tags && rc == 0; i++)
        rc = parse(tag[i], types, &t[i], err);
    if (rc == 0 && scheme == KT_TAGS_DEFAULT)
        any_spans(t, n_tags, sentence, ret);
    for (size_t i = 0; rc == 0 && scheme != KT_TAGS_DEFAULT && i < n_tags;) {
        size_t end = span_at(t, n_tags, i, scheme);
        if (end)
            push(ret, sentence, t[i].type, i, end - 1);
        i = end ? end : i + 1;
    }
    kt_free(t);
    return rc;
}

static int by_place(const void *a, const void *b)
{
    const kt_token_span *x = a, *y = b;
    if (x->sentence != y->sentence)
        return x->sentence < y->sentence ? -1 : 1;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->last > y->last) - (x->last < y->last);
}

static bool same_group(const kt_token_span *a, const kt_token_span *b)
{
    return a->sentence == b->sentence && a->type == b->type;
}

/* Spans of both sides that are equal, by type; each counts once. */
static void count_equal(const kt_token_spans *p, const kt_token_spans *t, kt_prf *type)
{
    for (size_t i = 0, j = 0; i < p->n && j < t->n;) {
        int order = by_place(&p->v[i], &t->v[j]);
        if (order == 0)
            type[p->v[i].type].hits++;
        i += order <= 0;
        j += order >= 0;
    }
}

/* Spans of a that share a token with a span of b of the same sentence and type, by type. Both sorted. */
static void count_meeting(const kt_token_spans *a, const kt_token_spans *b, uint64_t *hits)
{
    for (size_t i = 0, from = 0; i < a->n; i++) {
        while (from < b->n && (b->v[from].sentence < a->v[i].sentence || (b->v[from].sentence == a->v[i].sentence && b->v[from].type < a->v[i].type)))
            from++;
        bool hit = false;
        for (size_t j = from; j < b->n && same_group(&a->v[i], &b->v[j]) && b->v[j].first <= a->v[i].last && !hit; j++)
            hit = b->v[j].last >= a->v[i].first;
        hits[a->v[i].type] += hit;
    }
}

static void finish(kt_prf *r, double precise, double recalled)
{
    r->precision = r->predicted ? precise / (double)r->predicted : 0;
    r->recall = r->support ? recalled / (double)r->support : 0;
    r->f1 = r->precision + r->recall > 0 ? 2 * r->precision * r->recall / (r->precision + r->recall) : 0;
}

static void average(kt_span_score *s, uint32_t n_types)
{
    double occur = 0, support = 0;
    for (uint32_t c = 0; c < n_types; c++) {
        const kt_prf *t = &s->type[c];
        if (!t->support && !t->predicted)
            continue;
        occur++;
        support += (double)t->support;
        s->macro.precision += t->precision;
        s->macro.recall += t->recall;
        s->macro.f1 += t->f1;
        s->weighted.precision += t->precision * (double)t->support;
        s->weighted.recall += t->recall * (double)t->support;
        s->weighted.f1 += t->f1 * (double)t->support;
    }
    kt_prf *mean[2] = { &s->macro, &s->weighted };
    for (int i = 0; i < 2; i++) {
        double n = i ? support : occur;
        mean[i]->precision = n > 0 ? mean[i]->precision / n : 0;
        mean[i]->recall = n > 0 ? mean[i]->recall / n : 0;
        mean[i]->f1 = n > 0 ? mean[i]->f1 / n : 0;
        mean[i]->support = s->micro.support;
        mean[i]->predicted = s->micro.predicted;
        mean[i]->hits = s->micro.hits;
    }
}

kt_rc kt_score_spans(kt_token_spans *predicted, kt_token_spans *truth, uint32_t n_types, bool overlap, kt_arena *a, kt_span_score *ret, kt_err *err)
{
    kt_span_score s = { .type = kt_arena_array(a, n_types + 1, sizeof(kt_prf)) };
    kt_token_spans *side[2] = { predicted, truth };
    for (int i = 0; i < 2; i++)
        for (size_t q = 0; q < side[i]->n; q++) {
            const kt_token_span *x = &side[i]->v[q];
            if (x->type >= n_types || x->last < x->first)
                return kt_fail(err, KT_RANGE, "%s span %zu: type %u of %u, tokens %u to %u", i ? "true" : "predicted", q, x->type, n_types, x->first, x->last);
            s.type[x->type].support += i == 1;
            s.type[x->type].predicted += i == 0;
        }
    for (int i = 0; i < 2; i++)
        if (side[i]->n)
            qsort(side[i]->v, side[i]->n, sizeof(kt_token_span), by_place);
    uint64_t *met = kt_arena_array(a, 2 * ((size_t)n_types + 1), sizeof(*met)), *found = met + n_types + 1, all[2] = { 0, 0 };
    if (overlap) {
        count_meeting(predicted, truth, met);
        count_meeting(truth, predicted, found);
    } else {
        count_equal(predicted, truth, s.type);
    }
    for (uint32_t c = 0; c < n_types; c++) {
        uint64_t p = overlap ? met[c] : s.type[c].hits, t = overlap ? found[c] : s.type[c].hits;
        s.type[c].hits = p;
        finish(&s.type[c], (double)p, (double)t);
        all[0] += p;
        all[1] += t;
        s.micro.support += s.type[c].support;
        s.micro.predicted += s.type[c].predicted;
    }
    s.micro.hits = all[0];
    finish(&s.micro, (double)all[0], (double)all[1]);
    average(&s, n_types);
    *ret = s;
    return 0;
}
