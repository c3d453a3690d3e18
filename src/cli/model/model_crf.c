/* The span tagger. */
#include "base/mem.h"
#include "base/str.h"
#include "cli/model/span_data.h"

static const kt_crf_options defaults = KT_CRF_OPTIONS_INIT;

static kt_crf_options options_of(const kt_model_job *j)
{
    kt_crf_options o;
    memcpy(&o, j->settings, sizeof(o));
    o.seed = (uint64_t)j->seed;
    return o;
}

static kt_rc read_tagged(kt_model_job *j, bool fixed, kt_span_data *d, kt_err *err)
{
    KT_TRY(kt_span_data_read(j, fixed, d, err));
    if (d->tagged && d->types->n)
        return KT_OK;
    kt_fail(err, KT_PARSE, "%s has no tags to learn from", j->data);
    return kt_hint(err, "CoNLL lines (token, tag), a table with sentence, token, tag, or JSON lines with text and spans"), KT_PARSE;
}

static kt_rc train(kt_model_job *j, kt_buf *ret_body, kt_err *err)
{
    kt_span_data d;
    kt_crf m;
    kt_crf_options o = options_of(j);
    KT_TRY(read_tagged(j, false, &d, err));
    KT_TRY(kt_crf_fit(&d.x, d.tag, (uint32_t)d.types->n, &o, &m, err));
    kt_crf_bytes(&m, ret_body);
    kt_crf_done(&m);
    return KT_OK;
}

static kt_rc update(kt_model_job *j, kt_buf *ret_body, kt_err *err)
{
    kt_span_data d;
    kt_crf m;
    KT_TRY(read_tagged(j, true, &d, err));
    KT_TRY(kt_crf_from_bytes(j->file.body, &m, err));
    for (size_t s = 0; s < d.x.n_sentences; s++) {
        size_t from = d.x.start[s], n = d.x.start[s + 1] - from;
        bool tagged = n > 0;
        for (size_t t = 0; t < n; t++)
            tagged = tagged && d.tag[from + t] >= 0;
        if (tagged)
            kt_crf_update(&m, d.x.token + from, n, d.tag + from);
    }
    kt_crf_bytes(&m, ret_body);
    kt_crf_done(&m);
    return KT_OK;
}

/* sentence,token,tag… of every token: probabilities of all tags, or the likeliest tags with theirs (tag not NULL). */
static void print_tokens(kt_model_job *j, const kt_span_data *d, const int32_t *tag, const float *prob)
{
    kt_out *o = &j->out;
    kt_arena *a = j->cli->arena;
    uint32_t k = 1 + 2 * (uint32_t)d->types->n;
    kt_buf_puts(&o->b, tag ? "sentence,token,tag,probability\n" : "sentence,token");
    for (uint32_t c = 0; !tag && c < k; c++)
        kt_out_field(o, false, kt_span_tag_name(d, a, c));
    if (!tag)
        kt_buf_char(&o->b, '\n');
    for (size_t s = 0; s < d->x.n_sentences; s++)
        for (size_t i = d->x.start[s]; i < d->x.start[s + 1]; i++) {
            kt_out_field(o, true, d->item[s]);
            kt_out_field(o, false, d->x.token[i]);
            if (tag) {
                kt_out_field(o, false, kt_span_tag_name(d, a, (uint32_t)tag[i]));
                kt_out_field_f64(o, (double)prob[i * k + (size_t)tag[i]]);
            }
            for (uint32_t c = 0; !tag && c < k; c++)
                kt_out_field_f64(o, (double)prob[i * k + c]);
            kt_buf_char(&o->b, '\n');
            kt_out_flush(o, false);
        }
}

static kt_rc cross(kt_model_job *j, kt_err *err)
{
    kt_span_data d;
    kt_crf_options o = options_of(j);
    KT_TRY(read_tagged(j, false, &d, err));
    size_t n = d.x.start[d.x.n_sentences];
    float *prob = kt_alloc_array(n + 1, (1 + 2 * d.types->n) * sizeof(*prob));
    kt_rc rc = kt_crf_cross(&d.x, d.tag, (uint32_t)d.types->n, d.group, &o, (uint32_t)j->folds, j->cli->pool, prob, err);
    if (rc == 0)
        print_tokens(j, &d, NULL, prob);
    kt_free(prob);
    return rc;
}

static size_t code_points_to(kt_str text, const char *at)
{
    size_t n = 0;
    for (const char *p = text.p; p < at; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return n;
}

/* Where a span of a sentence lies: code points of the text, or numbers of tokens where there is none (end exclusive). */
static void place_of(const kt_span_data *d, const kt_crf_span *s, size_t *ret_start, size_t *ret_end, kt_str *ret_text, kt_arena *a)
{
    const kt_str *first = &d->x.token[s->first], *last = &d->x.token[s->last];
    if (d->text) {
        kt_str text = d->text[s->sentence];
        *ret_start = code_points_to(text, first->p);
        *ret_end = code_points_to(text, last->p + last->n);
        *ret_text = (kt_str){ first->p, (size_t)(last->p + last->n - first->p) };
        return;
    }
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 24);
    *ret_start = s->first - d->x.start[s->sentence];
    *ret_end = s->last + 1 - d->x.start[s->sentence];
    for (size_t t = s->first; t <= s->last; t++) {
        kt_buf_puts(&b, t > s->first ? " " : "");
        kt_buf_str(&b, d->x.token[t]);
    }
    *ret_text = kt_arena_str(a, KT_BUF_STR(&b));
}

static void print_spans(kt_model_job *j, const kt_span_data *d, const kt_crf_span *span, size_t n)
{
    kt_out *o = &j->out;
    bool json = o->look == KT_LOOK_JSON;
    size_t at = 0, start, end;
    kt_str text;
    if (json) {
        kt_out_open(o, NULL, '{');
        kt_out_u64(o, "n_items", d->x.n_sentences);
        kt_out_open(o, "items", '[');
    } else {
        kt_buf_puts(&o->b, "item,start,end,label,text,probability\n");
    }
    for (size_t s = 0; s < d->x.n_sentences; s++) {
        if (json) {
            kt_out_open(o, NULL, '{');
            kt_out_str(o, "item", d->item[s]);
            kt_out_open(o, "spans", '[');
        }
        for (; at < n && span[at].sentence == s; at++) {
            place_of(d, &span[at], &start, &end, &text, j->cli->arena);
            if (json) {
                kt_out_open(o, NULL, '{');
                kt_out_u64(o, "start", start);
                kt_out_u64(o, "end", end);
                kt_out_str(o, "label", d->types->name[span[at].type]);
                kt_out_str(o, "text", text);
                kt_out_f64(o, "probability", (double)span[at].prob);
                kt_out_close(o, '}');
                continue;
            }
            kt_out_field(o, true, d->item[s]);
            kt_buf_printf(&o->b, ",%zu,%zu", start, end);
            kt_out_field(o, false, d->types->name[span[at].type]);
            kt_out_field(o, false, text);
            kt_out_field_f64(o, (double)span[at].prob);
            kt_buf_char(&o->b, '\n');
        }
        if (json) {
            kt_out_close(o, ']');
            kt_out_close(o, '}');
        }
        kt_out_flush(o, false);
    }
    if (json) {
        kt_out_close(o, ']');
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
    }
}

/* Texts and --json: spans. Tokens: a line each, as karat score --task spans reads them; --probs: with all tags' probabilities. */
static kt_rc predict(kt_model_job *j, kt_err *err)
{
    kt_span_data d;
    kt_crf m;
    KT_TRY(kt_span_data_read(j, false, &d, err));
    d.types->n = j->file.n_labels; /* types that only DATA has are not the model's */
    KT_TRY(kt_crf_from_bytes(j->file.body, &m, err));
    if (m.n_types != d.types->n) {
        kt_crf_done(&m);
        return kt_fail(err, KT_CORRUPT, "the model has %u types and %zu names", m.n_types, d.types->n);
    }
    size_t n = d.x.start[d.x.n_sentences], k = 1 + 2 * (size_t)m.n_types;
    if (!j->probs && (d.text || j->out.look == KT_LOOK_JSON)) {
        kt_crf_span *span = kt_alloc_array(n + 1, sizeof(*span));
        print_spans(j, &d, span, kt_crf_spans(&m, &d.x, j->cli->pool, span));
        kt_free(span);
    } else {
        int32_t *tag = kt_alloc_array(n + 1, sizeof(*tag));
        float *prob = kt_alloc_array(n + 1, k * sizeof(*prob));
        kt_crf_predict(&m, &d.x, j->cli->pool, tag, prob);
        print_tokens(j, &d, j->probs ? NULL : tag, prob);
        kt_free(tag);
        kt_free(prob);
    }
    kt_crf_done(&m);
    return KT_OK;
}

static void explain_token(kt_model_job *j, const kt_span_data *d, const kt_crf *m, size_t s, size_t at, uint32_t tag, float prob)
{
    kt_arena *a = j->cli->arena;
    kt_out *o = &j->out;
    size_t from = d->x.start[s], len = d->x.start[s + 1] - from, n;
    kt_reason *why = kt_arena_array(a, (size_t)j->top + 1, sizeof(*why));
    kt_crf_explain(m, d->x.token + from, len, at - from, tag, (size_t)j->top, a, why, &n);
    if (o->look == KT_LOOK_JSON) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "token", d->x.token[at]);
        kt_out_str(o, "tag", kt_span_tag_name(d, a, tag));
        kt_out_f64(o, "probability", (double)prob);
        kt_out_open(o, "reasons", '[');
        for (size_t i = 0; i < n; i++) {
            kt_out_open(o, NULL, '{');
            kt_out_str(o, "feature", why[i].gram);
            kt_out_f64(o, "adds", (double)why[i].adds);
            kt_out_close(o, '}');
        }
        kt_out_close(o, ']');
        kt_out_close(o, '}');
        return;
    }
    kt_buf_printf(&o->b, "%.*s: %.*s (%.3f)\n", KT_F(d->x.token[at]), KT_F(kt_span_tag_name(d, a, tag)), (double)prob);
    for (size_t i = 0; i < n; i++)
        kt_buf_printf(&o->b, "  %+8.3f  %.*s\n", (double)why[i].adds, KT_F(why[i].gram));
}

/* Every token of the item that is in a span, or those that --label (a type) could be: why, against O. */
static kt_rc explain(kt_model_job *j, kt_err *err)
{
    kt_span_data d;
    kt_crf m;
    size_t s = 0;
    KT_TRY(kt_span_data_read(j, false, &d, err));
    d.types->n = j->file.n_labels;
    while (j->item.n && s < d.x.n_sentences && !kt_str_eq(d.item[s], j->item))
        s++;
    if (s == d.x.n_sentences)
        return kt_fail(err, KT_NOTFOUND, "%s has no item '%.*s'", j->data, KT_F(j->item));
    int64_t type = j->label.n ? kt_names_get(d.types, j->label) : 0;
    if (type < 0 || type >= (int64_t)d.types->n)
        return kt_fail(err, KT_NOTFOUND, "the model has no spans of type '%.*s'", KT_F(j->label));
    KT_TRY(kt_crf_from_bytes(j->file.body, &m, err));
    size_t k = 1 + 2 * (size_t)m.n_types, from = d.x.start[s], len = d.x.start[s + 1] - from, start[2] = { 0, len };
    kt_crf_text one = { .n_sentences = 1, .start = start, .token = d.x.token + from };
    int32_t *tag = kt_arena_array(j->cli->arena, len + 1, sizeof(*tag));
    float *prob = kt_arena_array(j->cli->arena, len + 1, k * sizeof(*prob));
    kt_crf_predict(&m, &one, NULL, tag, prob);
    if (j->out.look == KT_LOOK_JSON)
        kt_out_open(&j->out, NULL, '[');
    for (size_t t = 0; t < len; t++) {
        uint32_t of = (uint32_t)tag[t];
        if (j->label.n)
            of = 1 + 2 * (uint32_t)type + (of == 2 + 2 * (uint32_t)type);
        if (of)
            explain_token(j, &d, &m, s, from + t, of, prob[t * k + of]);
    }
    if (j->out.look == KT_LOOK_JSON) {
        kt_out_close(&j->out, ']');
        kt_buf_char(&j->out.b, '\n');
    }
    kt_crf_done(&m);
    return KT_OK;
}

const kt_model_kind kt_model_crf = {
    .name = "crf", .help = "spans in texts or tokens: a conditional random field", 
    .files = "CoNLL lines, TABLE (sentence, token, tag) or JSON lines (text, spans)",
    .options = kt_crf_settings, .defaults = &defaults, .option_size = sizeof(defaults), .train = train, .cross = cross, .predict = predict, .explain = explain,
    .update = update,
};
