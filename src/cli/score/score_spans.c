/* Spans of tagged tokens: precision, recall and F1 by type. */
#include "algo/score/score.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/score/score_cli.h"

static const char *const sentence_names[] = { "sentence", "item", "item_id", "id", "document", NULL };
static const char *const tag_names[] = { "tag", "label", "predicted", "truth", NULL };

struct settings {
    int32_t scheme, match;
};
static const struct settings defaults = { KT_TAGS_DEFAULT, 0 };
static const char *const matches[] = { "exact", "overlap", NULL };
static const kt_setting options[] = {
    { .name = "scheme", .help = "which sequences are spans: conlleval's lenient reading, or only well-formed ones", .kind = KT_SET_CHOICE,
      .offset = offsetof(struct settings, scheme), .choice = kt_tag_scheme_names },
    { .name = "match", .help = "when spans count as the same: both ends alike, or a token in common", .kind = KT_SET_CHOICE,
      .offset = offsetof(struct settings, match), .choice = matches },
    { .name = NULL },
};

struct side {
    kt_columns table;
    kt_str *sentence, *tag;
    kt_token_spans spans;
};

struct spans {
    kt_score_job *j;
    struct side side[2]; /* predicted, truth */
    kt_span_types types;
};

static kt_rc read_side(struct spans *w, struct side *s, const char *path, kt_err *err)
{
    KT_TRY(kt_columns_read(path, w->j->cli->arena, &s->table, err));
    KT_TRY(kt_columns_need(&s->table, sentence_names, &s->sentence, err));
    KT_TRY(kt_columns_need(&s->table, tag_names, &s->tag, err));
    return kt_columns_filled(&s->table, s->tag, "tag", err);
}

/* Both files must hold the same tokens: sentence by sentence of the same length. */
static kt_rc cut(struct spans *w, kt_tag_scheme scheme, kt_err *err)
{
    struct side *p = &w->side[0], *t = &w->side[1];
    size_t n = t->table.n_rows;
    if (p->table.n_rows != n)
        return kt_fail(err, KT_RANGE, "%zu predicted tags for %zu tokens", p->table.n_rows, n);
    uint32_t sentence = 0;
    for (size_t from = 0, to; from < n; from = to, sentence++) {
        for (to = from; to < n && kt_str_eq(t->sentence[to], t->sentence[from]); to++)
            if (!kt_str_eq(p->sentence[to], t->sentence[to])) {
                kt_fail(err, KT_RANGE, "the prediction is of sentence %.*s, the truth of %.*s", KT_F(p->sentence[to]), KT_F(t->sentence[to]));
                return kt_columns_fail(&p->table, to, "sentence", err, KT_RANGE);
            }
        for (int i = 0; i < 2; i++)
            if (kt_spans_of_tags(w->side[i].tag + from, to - from, sentence, scheme, &w->types, &w->side[i].spans, err) < 0)
                return kt_columns_fail(&w->side[i].table, from, "tag", err, KT_PARSE);
    }
    return 0;
}

static void put(kt_out *o, kt_str name, const kt_prf *r)
{
    if (o->look == KT_LOOK_JSON) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "type", name);
        kt_out_f64(o, "precision", r->precision);
        kt_out_f64(o, "recall", r->recall);
        kt_out_f64(o, "f1", r->f1);
        kt_out_u64(o, "support", r->support);
        kt_out_u64(o, "predicted", r->predicted);
        kt_out_close(o, '}');
    } else if (o->look == KT_LOOK_CSV) {
        kt_out_field(o, true, name);
        kt_out_field_f64(o, r->precision);
        kt_out_field_f64(o, r->recall);
        kt_out_field_f64(o, r->f1);
        kt_buf_printf(&o->b, ",%llu,%llu\n", (unsigned long long)r->support, (unsigned long long)r->predicted);
    } else {
        kt_buf_printf(&o->b, "%-20.*s %9.4f %7.4f %7.4f %8llu %10llu\n", KT_F(name), r->precision, r->recall, r->f1, (unsigned long long)r->support,
                      (unsigned long long)r->predicted);
    }
}

static void print(struct spans *w, const kt_span_score *s)
{
    kt_out *o = &w->j->out;
    bool json = o->look == KT_LOOK_JSON;
    if (json) {
        kt_out_open(o, NULL, '{');
        kt_out_open(o, "types", '[');
    } else {
        kt_buf_puts(&o->b, o->look == KT_LOOK_CSV ? "type,precision,recall,f1,support,predicted\n" : "type                 precision  recall      f1  support  predicted\n");
    }
    for (uint32_t c = 0; c < w->types.n; c++)
        if (s->type[c].support || s->type[c].predicted)
            put(o, w->types.name[c], &s->type[c]);
    put(o, KT_S("micro avg"), &s->micro);
    put(o, KT_S("macro avg"), &s->macro);
    put(o, KT_S("weighted avg"), &s->weighted);
    if (json) {
        kt_out_close(o, ']');
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
    } else if (w->j->explain) {
        kt_buf_printf(&o->b, "\nmicro f1 = 2 hits / (predicted + true spans) = 2 · %llu / (%llu + %llu)\n", (unsigned long long)s->micro.hits,
                      (unsigned long long)s->micro.predicted, (unsigned long long)s->micro.support);
    }
}

static kt_rc run(kt_score_job *j, kt_err *err)
{
    const struct settings *o = (const void *)j->settings;
    struct spans w = { .j = j };
    kt_span_score s;
    kt_rc rc = read_side(&w, &w.side[0], j->predicted, err);
    if (rc == 0)
        rc = read_side(&w, &w.side[1], j->truth, err);
    if (rc == 0)
        rc = cut(&w, (kt_tag_scheme)o->scheme, err);
    if (rc == 0)
        rc = kt_score_spans(&w.side[0].spans, &w.side[1].spans, w.types.n, o->match == 1, j->cli->arena, &s, err);
    if (rc == 0)
        print(&w, &s);
    for (int i = 0; i < 2; i++) {
        kt_columns_done(&w.side[i].table);
        kt_free(w.side[i].spans.v);
    }
    kt_span_types_done(&w.types);
    return rc;
}

const kt_score_task kt_score_task_spans = {
    .name = "spans", .help = "tagged tokens (sentence, tag; a row a token): F1 of spans by type", .files = "PREDICTED TRUTH", .options = options,
    .defaults = &defaults, .option_size = sizeof(defaults), .run = run,
};
