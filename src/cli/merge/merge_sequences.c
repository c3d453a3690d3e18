/* karat aggregate --method sequences: a row an answer, its tags (BIO) separated by blanks. */
#include "cli/merge/merge_answers.h"
#include "cli/merge/merge_grouped.h"

#include "base/mem.h"
#include "base/names.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>

typedef struct said {
    kt_names item, source, type;
    KT_VEC(size_t) length; /* of each item */
    KT_VEC(uint32_t) item_of;
    KT_VEC(uint32_t) source_of;
    KT_VEC(size_t) at;
    KT_VEC(int32_t) tag;
} said;

static kt_rc read_tag(said *x, kt_str text, kt_err *err)
{
    bool named = text.n > 2 && (text.p[0] == 'B' || text.p[0] == 'I') && text.p[1] == '-';
    if (!named && !(text.n == 1 && text.p[0] == 'O')) {
        kt_fail(err, KT_PARSE, "'%.*s' is no tag", KT_F(text));
        return kt_hint(err, "tags are O, B-type and I-type, with blanks between");
    }
    int32_t type = named ? (int32_t)kt_names_add(&x->type, (kt_str){ text.p + 2, text.n - 2 }) : 0;
    KT_PUSH(&x->tag, named ? 1 + 2 * type + (text.p[0] == 'I') : 0);
    return 0;
}

static kt_rc read_row(said *x, const kt_str *cell, const size_t *column, kt_err *err)
{
    kt_str rest = kt_str_trim(cell[column[2]]), word;
    uint32_t item = kt_names_add(&x->item, cell[column[0]]);
    KT_PUSH(&x->item_of, item);
    KT_PUSH(&x->source_of, kt_names_add(&x->source, cell[column[1]]));
    KT_PUSH(&x->at, x->tag.n);
    while (rest.n && kt_str_cut(&rest, ' ', &word))
        if (word.n)
            KT_TRY(read_tag(x, word, err));
    size_t n = x->tag.n - x->at.v[x->at.n - 1];
    if (item == x->length.n)
        KT_PUSH(&x->length, n);
    if (x->length.v[item] != n)
        return kt_fail(err, KT_RANGE, "%zu tags, where the item's first answer has %zu", n, x->length.v[item]);
    return 0;
}

static kt_rc read_rows(said *x, const kt_table_file *t, kt_err *err)
{
    const char *const *const names[] = { kt_item_column_names, kt_source_names, (const char *const[]){ "tags", "labels", "sequence", NULL } };
    size_t column[3];
    for (int c = 0; c < 3; c++)
        KT_TRY(kt_table_file_column(t, names[c], &column[c], err));
    for (size_t row = 0; row < t->n_rows; row++)
        if (read_row(x, t->cell + row * t->n_columns, column, err) < 0) {
            kt_at(err, t->path, t->line[row], "tags");
            return err->rc;
        }
    return 0;
}

static void put_tag(kt_buf *b, const said *x, int32_t tag)
{
    kt_buf_puts(b, tag == 0 ? "O" : tag % 2 ? "B-" : "I-");
    if (tag)
        kt_buf_str(b, x->type.name[(tag - 1) / 2]);
}

static void put_tags(kt_buf *b, const said *x, const kt_sequences *r, uint32_t i)
{
    for (size_t y = r->start[i]; y < r->start[i + 1]; y++) {
        kt_buf_puts(b, y > r->start[i] ? " " : "");
        put_tag(b, x, r->tag[y]);
    }
}

static void put_tokens(kt_buf *b, const kt_sequences *r, uint32_t i)
{
    for (size_t y = r->start[i]; y < r->start[i + 1]; y++) {
        kt_buf_puts(b, y > r->start[i] ? "," : "");
        kt_buf_f64(b, r->prob[y * r->n_tags + (size_t)r->tag[y]]);
    }
}

/* Returns the number of the first span behind the item's. */
static size_t put_spans(kt_buf *b, const said *x, const kt_sequences *r, uint32_t i, size_t s)
{
    for (bool first = true; s < r->n_spans && r->span[s].sequence == i; s++, first = false) {
        kt_buf_puts(b, first ? "{\"type\":" : ",{\"type\":");
        kt_buf_json(b, x->type.name[r->span[s].type]);
        kt_buf_printf(b, ",\"from\":%zu,\"to\":%zu,\"posterior\":", r->span[s].from, r->span[s].to);
        kt_buf_f64(b, r->span[s].prob);
        kt_buf_printf(b, ",\"votes_for\":%u,\"looked\":%u}", r->span[s].n_for, r->span[s].n_looked);
    }
    return s;
}

static void print_json(const said *x, const kt_sequences *r)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 32);
    size_t s = 0;
    kt_buf_puts(&b, "{\"method\":\"sequences\",\"items\":[");
    for (uint32_t i = 0; i < r->n_sequences; i++) {
        kt_buf_puts(&b, i ? ",\n{\"item\":" : "\n{\"item\":");
        kt_buf_json(&b, x->item.name[i]);
        kt_buf_puts(&b, ",\"tags\":");
        KT_AUTO(kt_buf) tags = KT_BUF_INIT((size_t)1 << 30);
        put_tags(&tags, x, r, i);
        kt_buf_json(&b, KT_BUF_STR(&tags));
        kt_buf_puts(&b, ",\"tag_posterior\":[");
        put_tokens(&b, r, i);
        kt_buf_puts(&b, "],\"spans\":[");
        s = put_spans(&b, x, r, i, s);
        kt_buf_puts(&b, "]}");
    }
    kt_buf_puts(&b, "]");
    kt_merge_flush(&b);
}

/* The posterior of the least certain token; NaN without any. */
static double lowest_of(const kt_sequences *r, uint32_t i)
{
    double lowest = NAN;
    for (size_t y = r->start[i]; y < r->start[i + 1]; y++)
        lowest = fmin(lowest, r->prob[y * r->n_tags + (size_t)r->tag[y]]);
    return lowest;
}

static void print_csv(const said *x, const kt_sequences *r)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 32);
    kt_buf_puts(&b, "item,tags,lowest\n");
    for (uint32_t i = 0; i < r->n_sequences; i++) {
        KT_AUTO(kt_buf) tags = KT_BUF_INIT((size_t)1 << 30);
        double lowest = lowest_of(r, i);
        put_tags(&tags, x, r, i);
        kt_buf_csv(&b, x->item.name[i], ',');
        kt_buf_char(&b, ',');
        kt_buf_csv(&b, KT_BUF_STR(&tags), ',');
        kt_buf_printf(&b, ",%.6g\n", isnan(lowest) ? 1 : lowest);
    }
    kt_merge_flush(&b);
}

static void done(said *x)
{
    kt_names_done(&x->item);
    kt_names_done(&x->source);
    kt_names_done(&x->type);
    KT_VEC_DONE(&x->length);
    KT_VEC_DONE(&x->item_of);
    KT_VEC_DONE(&x->source_of);
    KT_VEC_DONE(&x->at);
    KT_VEC_DONE(&x->tag);
}

/* What --explain looks at. */
struct merging {
    const said *x;
    const kt_sequences *r;
};

/* Token by token: what everybody says, and the posteriors of all tags that have one. */
static kt_rc explain(const void *of, kt_str item, kt_err *err)
{
    const struct merging *w = of;
    const said *x = w->x;
    const kt_sequences *r = w->r;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 28);
    uint32_t i;
    KT_TRY(kt_merge_find(&x->item, item, &i, err));
    kt_buf_printf(&b, "item %.*s, %zu tokens, answers of:\n", KT_F(item), r->start[i + 1] - r->start[i]);
    for (size_t q = 0; q < x->at.n; q++)
        if (x->item_of.v[q] == i) {
            uint32_t s = x->source_of.v[q];
            kt_buf_printf(&b, "  %.*s   accuracy %.4f (95 %%: %.3f to %.3f)\n", KT_F(x->source.name[s]), r->source_accuracy[s], r->source_ci[2 * s], r->source_ci[2 * s + 1]);
        }
    for (size_t y = r->start[i]; y < r->start[i + 1]; y++) {
        kt_buf_printf(&b, "token %zu: ", y - r->start[i]);
        put_tag(&b, x, r->tag[y]);
        kt_buf_puts(&b, "   said");
        for (size_t q = 0; q < x->at.n; q++)
            if (x->item_of.v[q] == i) {
                kt_buf_puts(&b, " ");
                put_tag(&b, x, x->tag.v[x->at.v[q] + (y - r->start[i])]);
            }
        kt_buf_puts(&b, "   posterior");
        for (uint32_t c = 0; c < r->n_tags; c++)
            if (r->prob[y * r->n_tags + c] >= 0.0005) {
                kt_buf_puts(&b, " ");
                put_tag(&b, x, (int32_t)c);
                kt_buf_printf(&b, " %.4f", r->prob[y * r->n_tags + c]);
            }
        kt_buf_puts(&b, "\n");
    }
    kt_merge_flush(&b);
    return 0;
}

static kt_rc give(kt_cli *cli, const kt_answer_merge *m, const struct merging *n, const kt_merge_wishes *w, kt_err *err)
{
    const kt_sequences *r = n->r;
    double *answers = kt_arena_array(cli->arena, r->n_sources, sizeof(*answers)), *lowest = kt_arena_array(cli->arena, r->n_sequences, sizeof(*lowest));
    for (size_t q = 0; q < n->x->source_of.n; q++)
        answers[n->x->source_of.v[q]]++;
    for (uint32_t i = 0; i < r->n_sequences; i++)
        lowest[i] = lowest_of(r, i);
    const kt_account account = {
        .method = m->name, .help = m->help, .formula = m->formula, .n_sources = r->n_sources, .source = n->x->source.name, .votes = answers,
        .measure = { { "accuracy", "Accuracy of the annotators on tokens of spans", r->source_accuracy, r->source_ci, false } }, .n_measures = 1,
        .sure_title = "How sure the tags are", .sure_axis = "posterior of the least certain token of an item", .n = r->n_sequences, .sure = lowest, .to = 1, .line = NAN,
        .explain = explain, .of = n,
    };
    return kt_merge_account(cli, &account, w, err);
}

kt_rc kt_merge_sequences(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    said x = { 0 };
    kt_sequences r;
    kt_rc rc = read_rows(&x, t, err);
    if (rc == 0) {
        kt_sequence_answers v = { (uint32_t)x.item.n, (uint32_t)x.source.n, (uint32_t)x.type.n, x.length.v, x.at.n, x.item_of.v, x.source_of.v, x.at.v, x.tag.v };
        rc = kt_sequences_fit(&v, &o->sequences, cli->pool, cli->arena, &r, err);
    }
    if (rc == 0 && kt_merge_wants_answers(w))
        (w->json ? print_json : print_csv)(&x, &r);
    if (rc == 0)
        rc = give(cli, m, &(struct merging){ &x, &r }, w, err);
    done(&x);
    return rc;
}
