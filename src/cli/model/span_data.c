/* Reading sentences with spans. */
#include "cli/model/span_data.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "format/conll.h"

#include <stdio.h>

static const char *const sentence_names[] = { "sentence", "item", "item_id", "id", "document", NULL };
static const char *const token_names[] = { "token", "word", "form", NULL };
static const char *const tag_names[] = { "tag", "label", NULL };
static const char *const text_names[] = { "text", "full_text", "body", NULL };
static const char *const span_names[] = { "spans", "entities", "label", NULL };
static const char *const group_names[] = { "group", "cluster", NULL };

kt_str kt_span_tag_name(const kt_span_data *d, kt_arena *a, uint32_t tag)
{
    if (!tag)
        return KT_S("O");
    return kt_arena_printf(a, "%c-%.*s", tag % 2 ? 'B' : 'I', KT_F(d->types->name[(tag - 1) / 2]));
}

static kt_rc type_of(kt_span_data *d, kt_str name, bool fixed, int32_t *ret, kt_err *err)
{
    int64_t at = fixed ? kt_names_get(d->types, name) : kt_names_add(d->types, name);
    *ret = (int32_t)at;
    if (at >= 0)
        return KT_OK;
    kt_fail(err, KT_RANGE, "the model has no spans of type '%.*s'", KT_F(name));
    return kt_hint(err, "a new type needs a new training"), KT_RANGE;
}

/* B-x, I-x, O; E and L are read as I, S and U as B. An empty tag is none. */
static kt_rc number_tag(kt_span_data *d, kt_str tag, bool fixed, int32_t *ret, kt_err *err)
{
    int32_t type;
    *ret = -1;
    if (!tag.n)
        return KT_OK;
    d->tagged = true;
    *ret = 0;
    if (kt_str_eq(tag, KT_S("O")))
        return KT_OK;
    if (tag.n < 3 || tag.p[1] != '-' || !memchr("BIESLU", tag.p[0], 6))
        return kt_fail(err, KT_PARSE, "tag '%.*s' is neither O nor B-type, I-type (or E, S, L, U)", KT_F(tag));
    KT_TRY(type_of(d, (kt_str){ tag.p + 2, tag.n - 2 }, fixed, &type, err));
    *ret = 1 + 2 * type + (memchr("IEL", tag.p[0], 3) != NULL);
    return KT_OK;
}

static kt_rc from_conll(kt_model_job *j, kt_str text, bool fixed, kt_span_data *d, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_conll c;
    KT_TRY(kt_conll_parse(j->data, text, a, &c, err));
    d->x = (kt_crf_text){ .n_sentences = c.n_sentences, .start = c.start, .token = c.token };
    d->tag = kt_arena_array(a, c.n + 1, sizeof(*d->tag));
    d->item = kt_arena_array(a, c.n_sentences + 1, sizeof(kt_str));
    for (size_t s = 0; s < c.n_sentences; s++)
        d->item[s] = kt_arena_printf(a, "%zu", s);
    for (size_t i = 0; i < c.n; i++)
        if (number_tag(d, c.tag[i], fixed, &d->tag[i], err) < 0)
            return kt_at(err, j->data, 0, "tag");
    return KT_OK;
}

static kt_rc from_tokens(kt_model_job *j, const kt_columns *c, bool fixed, kt_span_data *d, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_str *sentence, *token, *tag = kt_columns_find(c, tag_names), *group = kt_columns_find(c, group_names);
    KT_TRY(kt_columns_need(c, sentence_names, &sentence, err));
    KT_TRY(kt_columns_need(c, token_names, &token, err));
    size_t *start = kt_arena_array(a, c->n_rows + 2, sizeof(*start)), n = 0;
    kt_str *groups = kt_arena_array(a, c->n_rows + 1, sizeof(*groups));
    d->tag = kt_arena_array(a, c->n_rows + 1, sizeof(*d->tag));
    d->item = kt_arena_array(a, c->n_rows + 1, sizeof(kt_str));
    for (size_t i = 0; i < c->n_rows; i++) {
        if (!i || !kt_str_eq(sentence[i], sentence[i - 1])) {
            groups[n] = group ? group[i] : (kt_str){ NULL, 0 };
            d->item[n] = sentence[i];
            start[n++] = i;
        }
        if (number_tag(d, tag ? tag[i] : (kt_str){ NULL, 0 }, fixed, &d->tag[i], err) < 0)
            return kt_columns_fail(c, i, "tag", err, err->rc);
    }
    start[n] = c->n_rows;
    d->x = (kt_crf_text){ .n_sentences = n, .start = start, .token = token };
    d->group = group ? kt_rows_groups(a, groups, n) : NULL;
    return KT_OK;
}

typedef struct one_span {
    int64_t start_cp, end_cp;
    kt_str type;
} one_span;

/* [{"start": …, "end": …, "label": …}, …], by whichever names the tools around use. */
static bool read_span(kt_json *j, kt_arena *a, one_span *ret)
{
    static const char *const starts[] = { "start", "start_position", "start_offset", "begin", NULL };
    static const char *const ends[] = { "end", "end_position", "end_offset", NULL };
    static const char *const types[] = { "label", "type", "entity_type", "entity", NULL };
    bool first = true;
    kt_str name;
    double x;
    *ret = (one_span){ -1, -1, { NULL, 0 } };
    if (!kt_json_enter(j, '{'))
        return false;
    while (kt_json_field(j, &first, a, &name)) {
        int which = 3;
        for (size_t i = 0; i < 4; i++) {
            which = starts[i] && kt_str_eq(name, kt_str_of(starts[i])) ? 0 : which;
            which = i < 3 && kt_str_eq(name, kt_str_of(ends[i])) ? 1 : which;
            which = types[i] && kt_str_eq(name, kt_str_of(types[i])) ? 2 : which;
        }
        if (which == 2 ? !kt_json_string(j, a, &ret->type) : which == 3 ? !kt_json_skip(j, NULL) : !kt_json_number(j, &x))
            return false;
        if (which < 2)
            *(which ? &ret->end_cp : &ret->start_cp) = (int64_t)x;
    }
    return !j->wrong && ret->type.n && ret->start_cp >= 0 && ret->end_cp > ret->start_cp;
}

/* Code points before each byte of the text: n + 1. */
static uint32_t *code_points(kt_arena *a, kt_str text)
{
    uint32_t *cp = kt_arena_array(a, text.n + 1, sizeof(*cp)), n = 0;
    for (size_t i = 0; i < text.n; i++) {
        cp[i] = n;
        n += i + 1 == text.n || ((unsigned char)text.p[i + 1] & 0xc0) != 0x80;
    }
    cp[text.n] = n;
    return cp;
}

/* Tags of the tokens of one text. */
static kt_rc mark_spans(kt_span_data *d, kt_str text, kt_str spans, const kt_str *token, size_t n, bool fixed, kt_arena *a, int32_t *tag, kt_err *err)
{
    kt_json json = { .s = spans };
    bool first = true;
    one_span s;
    uint32_t *cp = code_points(a, text);
    if (!kt_json_enter(&json, '['))
        return kt_fail(err, KT_PARSE, "spans are a JSON array of {\"start\", \"end\", \"label\"}");
    while (kt_json_element(&json, &first)) {
        int32_t type;
        bool begun = false;
        if (!read_span(&json, a, &s) || s.end_cp > cp[text.n])
            return kt_fail(err, KT_PARSE, "a span wants start and end (code points of the text, %u in all) and a label", cp[text.n]);
        KT_TRY(type_of(d, s.type, fixed, &type, err));
        for (size_t t = 0; t < n; t++) {
            size_t from = (size_t)(token[t].p - text.p);
            if (cp[from + token[t].n] <= s.start_cp || cp[from] >= s.end_cp)
                continue;
            tag[t] = 1 + 2 * type + begun;
            begun = true;
        }
    }
    return json.wrong ? kt_fail(err, KT_PARSE, "the spans are not JSON") : KT_OK;
}

static kt_rc from_texts(kt_model_job *j, const kt_columns *c, kt_str *text, bool fixed, kt_span_data *d, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_str *item = kt_columns_find(c, kt_item_names), *spans = kt_columns_find(c, span_names), *group = kt_columns_find(c, group_names);
    size_t *start = kt_arena_array(a, c->n_rows + 1, sizeof(*start));
    KT_VEC(kt_str) token = { 0 };
    d->item = kt_arena_array(a, c->n_rows + 1, sizeof(kt_str));
    for (size_t i = 0; i < c->n_rows; i++) {
        kt_str *own;
        size_t n = kt_crf_tokens(text[i], a, &own);
        d->item[i] = item ? item[i] : kt_arena_printf(a, "%zu", i);
        for (size_t t = 0; t < n; t++)
            KT_PUSH(&token, own[t]);
        start[i + 1] = token.n;
    }
    kt_str *all = kt_arena_array(a, token.n + 1, sizeof(kt_str));
    if (token.n)
        memcpy(all, token.v, token.n * sizeof(kt_str));
    KT_VEC_DONE(&token);
    d->tag = kt_arena_array(a, start[c->n_rows] + 1, sizeof(*d->tag));
    for (size_t i = 0; i < c->n_rows; i++) {
        size_t n = start[i + 1] - start[i];
        memset(d->tag + start[i], spans && spans[i].n ? 0 : 0xff, n * sizeof(*d->tag));
        if (spans && spans[i].n && mark_spans(d, text[i], spans[i], all + start[i], n, fixed, a, d->tag + start[i], err) < 0)
            return kt_columns_fail(c, i, "spans", err, err->rc);
        d->tagged = d->tagged || (spans && spans[i].n);
    }
    d->x = (kt_crf_text){ .n_sentences = c->n_rows, .start = start, .token = all };
    d->text = text;
    d->group = group ? kt_rows_groups(a, group, c->n_rows) : NULL;
    return KT_OK;
}

kt_rc kt_span_data_read(kt_model_job *j, bool fixed, kt_span_data *ret, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_str path = kt_str_of(j->data);
    *ret = (kt_span_data){ .types = &j->names };
    if (kt_str_ends(path, KT_S(".conll")) || kt_str_ends(path, KT_S(".iob")) || kt_str_ends(path, KT_S(".bio")) || kt_str_ends(path, KT_S(".iob2"))) {
        kt_columns *c = kt_arena_array(a, 1, sizeof(*c)); /* its text alone: it lives as long as the job */
        c->text = (kt_buf)KT_BUF_INIT((size_t)4 << 30);
        KT_PUSH(&j->tables, c);
        KT_TRY(kt_file_read(j->data, &c->text, err));
        KT_TRY(from_conll(j, KT_BUF_STR(&c->text), fixed, ret, err));
    } else {
        kt_columns *c;
        KT_TRY(kt_model_table(j, j->data, &c, err));
        kt_str *text = kt_columns_find(c, text_names);
        KT_TRY(text ? from_texts(j, c, text, fixed, ret, err) : from_tokens(j, c, fixed, ret, err));
    }
    return ret->x.n_sentences ? KT_OK : kt_fail(err, KT_PARSE, "%s has no sentences", j->data);
}
