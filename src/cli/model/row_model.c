/* Training, prediction and explanation for models whose items are rows: numbering of labels, and what is printed. */
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/model/model_cli.h"

#include <stdio.h>

enum { MANY = 100 }; /* items explained without naming them */

static const char *const shape_names[] = { "single", "multi", "tree" };

/* ---- labels ---- */

/* Labels of a cell of several: "a|b", or a JSON array of texts. Calls see for each. */
static kt_rc each_label(kt_arena *a, kt_str cell, kt_rc (*see)(void *ctx, kt_str label, kt_err *err), void *ctx, kt_err *err)
{
    cell = kt_str_trim(cell);
    if (cell.n && cell.p[0] == '[') {
        kt_json json = { .s = cell };
        bool first = true;
        kt_str label;
        kt_json_enter(&json, '[');
        while (kt_json_element(&json, &first)) {
            if (!kt_json_string(&json, a, &label))
                return kt_fail(err, KT_PARSE, "labels are texts: [\"a\",\"b\"] or a|b");
            KT_TRY(see(ctx, label, err));
        }
        return json.wrong ? kt_fail(err, KT_PARSE, "the list of labels is not JSON") : KT_OK;
    }
    kt_str part;
    while (kt_str_cut(&cell, '|', &part))
        if (kt_str_trim(part).n)
            KT_TRY(see(ctx, kt_str_trim(part), err));
    return KT_OK;
}

typedef struct numbering {
    kt_model_job *j;
    bool fixed;   /* labels are those of the model */
    float *has;   /* of the row */
} numbering;

static kt_rc number_of(const numbering *u, kt_str label, uint32_t *ret, kt_err *err)
{
    if (!u->fixed) {
        *ret = kt_names_add(&u->j->names, label);
        return KT_OK;
    }
    int64_t at = kt_names_get(&u->j->names, label);
    if (at < 0) {
        kt_fail(err, KT_RANGE, "the model has no label '%.*s'", KT_F(label));
        return kt_hint(err, "it has %zu labels; a new one needs a new training", u->j->names.n), KT_RANGE;
    }
    *ret = (uint32_t)at;
    return KT_OK;
}

static kt_rc mark(void *ctx, kt_str label, kt_err *err)
{
    numbering *u = ctx;
    uint32_t c;
    KT_TRY(number_of(u, label, &c, err));
    if (u->has)
        u->has[c] = 1;
    return KT_OK;
}

/* Every label on the path of a label of a tree has a number: "a/b" brings "a". */
static kt_rc number_path(const numbering *u, kt_str label, uint32_t *ret, kt_err *err)
{
    for (size_t i = 0; i < label.n && !u->j->parents; i++)
        if (label.p[i] == '/' && i)
            KT_TRY(number_of(u, (kt_str){ label.p, i }, ret, err));
    return number_of(u, label, ret, err);
}

/* Parents by the paths of the names. */
static int32_t *parents_by_path(kt_model_job *j)
{
    int32_t *parent = kt_arena_array(j->cli->arena, j->names.n + 1, sizeof(*parent));
    for (size_t c = 0; c < j->names.n; c++) {
        kt_str name = j->names.name[c];
        while (name.n && name.p[name.n - 1] != '/')
            name.n--;
        parent[c] = name.n > 1 ? (int32_t)kt_names_get(&j->names, (kt_str){ name.p, name.n - 1 }) : -1;
    }
    return parent;
}

/* Parents by a table label,parent. Labels there that DATA does not have are labels too. */
static kt_rc parents_by_table(kt_model_job *j, int32_t **ret, kt_err *err)
{
    static const char *const parent_names[] = { "parent", "above", NULL };
    kt_arena *a = j->cli->arena;
    kt_columns *c;
    kt_str *label, *parent;
    KT_TRY(kt_model_table(j, j->parents, &c, err));
    KT_TRY(kt_columns_need(c, kt_label_names, &label, err));
    KT_TRY(kt_columns_need(c, parent_names, &parent, err));
    for (size_t i = 0; i < c->n_rows; i++) {
        kt_names_add(&j->names, label[i]);
        if (parent[i].n)
            kt_names_add(&j->names, parent[i]);
    }
    *ret = kt_arena_array(a, j->names.n + 1, sizeof(**ret));
    memset(*ret, 0xff, j->names.n * sizeof(**ret));
    for (size_t i = 0; i < c->n_rows; i++)
        if (parent[i].n)
            (*ret)[kt_names_get(&j->names, label[i])] = (int32_t)kt_names_get(&j->names, parent[i]);
    return KT_OK;
}

/* Numbers of the cells' labels; new labels are numbered as they come unless the model is there already. */
static kt_rc number_labels(kt_model_job *j, kt_row_data *d, bool fixed, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    numbering u = { j, fixed, NULL };
    if (!d->cell) {
        kt_fail(err, KT_PARSE, "%s has no labels", j->data);
        return kt_hint(err, "a column label, or --labels FILE"), KT_PARSE;
    }
    d->label = kt_arena_array(a, d->n + 1, sizeof(*d->label));
    for (size_t i = 0; i < d->n; i++) {
        uint32_t c = 0;
        kt_rc rc = KT_OK;
        d->label[i] = -1;
        if (d->shape == KT_SHAPE_MULTI)
            rc = each_label(a, d->cell[i], mark, &u, err);
        else if (d->cell[i].n && (rc = (d->shape == KT_SHAPE_TREE ? number_path : number_of)(&u, d->cell[i], &c, err)) == 0)
            d->label[i] = (int32_t)c;
        if (rc < 0)
            return kt_at(err, j->data, 0, "label");
    }
    if (d->shape == KT_SHAPE_TREE && !fixed) {
        if (j->parents)
            KT_TRY(parents_by_table(j, &d->parent, err));
        else
            d->parent = parents_by_path(j);
    }
    d->n_labels = (uint32_t)j->names.n;
    if (d->shape != KT_SHAPE_MULTI)
        return KT_OK;
    d->has = kt_arena_array(a, d->n + 1, (d->n_labels + 1) * sizeof(*d->has));
    for (size_t i = 0; i < d->n; i++) {
        u.has = d->has + i * d->n_labels;
        KT_TRY(each_label(a, d->cell[i], mark, &u, err));
    }
    return KT_OK;
}

/* The note kept with a model: its shape, and of a tree every label's parent + 1. */
static kt_str note_of(kt_arena *a, const kt_row_data *d)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 26);
    kt_buf_puts(&b, shape_names[d->shape]);
    for (uint32_t c = 0; d->shape == KT_SHAPE_TREE && c < d->n_labels; c++)
        kt_buf_printf(&b, " %d", (int)d->parent[c] + 1);
    return kt_arena_str(a, KT_BUF_STR(&b));
}

static kt_rc read_note(const kt_model_job *j, kt_row_data *d, kt_err *err)
{
    kt_str note = j->file.note, word;
    if (!kt_str_cut(&note, ' ', &word))
        return kt_fail(err, KT_CORRUPT, "the model does not say what its labels are");
    for (int s = 0; s < 3; s++)
        if (kt_str_eq(word, kt_str_of(shape_names[s])))
            d->shape = (kt_label_shape)s;
    if (d->shape != KT_SHAPE_TREE)
        return KT_OK;
    d->parent = kt_arena_array(j->cli->arena, j->names.n + 1, sizeof(*d->parent));
    for (size_t c = 0; c < j->names.n; c++) {
        int64_t up;
        if (!kt_str_cut(&note, ' ', &word) || !kt_parse_i64(word, 0, (int64_t)j->names.n, &up))
            return kt_fail(err, KT_CORRUPT, "the model does not say what lies below what");
        d->parent[c] = (int32_t)up - 1;
    }
    return KT_OK;
}

static kt_rc read(kt_model_job *j, kt_row_data *d, kt_err *err)
{
    *d = (kt_row_data){ 0 };
    KT_TRY(j->kind->rows->read(j, d, err));
    if (j->file.label)
        KT_TRY(read_note(j, d, err));
    else
        d->shape = j->kind->rows->shape ? j->kind->rows->shape(j) : KT_SHAPE_SINGLE;
    d->n_labels = (uint32_t)j->names.n;
    return d->n ? KT_OK : kt_fail(err, KT_PARSE, "%s has no rows", j->data);
}

kt_rc kt_rows_train(kt_model_job *j, kt_buf *ret_body, kt_err *err)
{
    kt_row_data d;
    KT_TRY(read(j, &d, err));
    KT_TRY(number_labels(j, &d, false, err));
    j->note = note_of(j->cli->arena, &d);
    return j->kind->rows->fit(j, &d, ret_body, err) < 0 ? kt_at(err, j->data, 0, NULL) : KT_OK;
}

kt_rc kt_rows_update(kt_model_job *j, kt_buf *ret_body, kt_err *err)
{
    kt_row_data d;
    KT_TRY(read(j, &d, err));
    KT_TRY(number_labels(j, &d, true, err));
    j->note = j->file.note;
    return j->kind->rows->update(j, &d, ret_body, err);
}

/* ---- what is printed ---- */

static void print_matrix(kt_model_job *j, const kt_row_data *d, const float *prob)
{
    kt_out *o = &j->out;
    kt_out_field(o, true, KT_S("item"));
    for (uint32_t c = 0; c < d->n_labels; c++)
        kt_out_field(o, false, j->names.name[c]);
    kt_buf_char(&o->b, '\n');
    for (size_t i = 0; i < d->n; i++) {
        kt_out_field(o, true, d->item[i]);
        for (uint32_t c = 0; c < d->n_labels; c++)
            kt_out_field_f64(o, (double)prob[i * d->n_labels + c]);
        kt_buf_char(&o->b, '\n');
        kt_out_flush(o, false);
    }
}

/* The label with the largest probability of its own, what lies below a label of a tree not counted. */
static uint32_t likeliest(const kt_row_data *d, const float *p, float *scratch)
{
    uint32_t best = 0;
    memcpy(scratch, p, d->n_labels * sizeof(*p));
    for (uint32_t c = 0; d->parent && c < d->n_labels; c++)
        if (d->parent[c] >= 0)
            scratch[d->parent[c]] -= p[c];
    for (uint32_t c = 1; c < d->n_labels; c++)
        if (scratch[c] > scratch[best])
            best = c;
    return best;
}

/* Label and probability of a row; those of several labels joined by '|'. */
static void answer_of(kt_model_job *j, const kt_row_data *d, const float *p, float *scratch, kt_buf *label, kt_buf *prob)
{
    kt_buf_reset(label);
    kt_buf_reset(prob);
    if (d->shape != KT_SHAPE_MULTI) {
        uint32_t best = likeliest(d, p, scratch);
        kt_buf_str(label, j->names.name[best]);
        kt_buf_printf(prob, "%.6g", (double)p[best]);
        return;
    }
    for (uint32_t c = 0; c < d->n_labels; c++)
        if (p[c] > 0.5f) {
            kt_buf_puts(label, label->n ? "|" : "");
            kt_buf_str(label, j->names.name[c]);
            kt_buf_printf(prob, "%s%.6g", prob->n ? "|" : "", (double)p[c]);
        }
}

static void print_json(kt_model_job *j, const kt_row_data *d, const float *prob)
{
    kt_out *o = &j->out;
    KT_AUTO(kt_buf) label = KT_BUF_INIT((size_t)1 << 20);
    KT_AUTO(kt_buf) p = KT_BUF_INIT((size_t)1 << 20);
    float *scratch = kt_arena_array(j->cli->arena, d->n_labels + 1, sizeof(*scratch));
    kt_out_open(o, NULL, '{');
    kt_out_u64(o, "n_items", d->n);
    kt_out_open(o, "items", '[');
    for (size_t i = 0; i < d->n; i++) {
        const float *row = prob + i * d->n_labels;
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "item", d->item[i]);
        answer_of(j, d, row, scratch, &label, &p);
        if (d->shape == KT_SHAPE_MULTI) {
            kt_out_open(o, "labels", '[');
            for (uint32_t c = 0; c < d->n_labels; c++)
                if (row[c] > 0.5f)
                    kt_out_str(o, NULL, j->names.name[c]);
            kt_out_close(o, ']');
        } else {
            kt_out_str(o, "label", KT_BUF_STR(&label));
            kt_out_f64(o, "probability", (double)row[kt_names_get(&j->names, KT_BUF_STR(&label))]);
        }
        kt_out_open(o, "probabilities", '{');
        for (uint32_t c = 0; c < d->n_labels; c++)
            kt_out_f64(o, kt_arena_cstr(j->cli->arena, j->names.name[c]), (double)row[c]);
        kt_out_close(o, '}');
        kt_out_close(o, '}');
        kt_out_flush(o, false);
    }
    kt_out_close(o, ']');
    kt_out_close(o, '}');
    kt_buf_char(&o->b, '\n');
}

static void print_rows(kt_model_job *j, const kt_row_data *d, const float *prob)
{
    kt_out *o = &j->out;
    KT_AUTO(kt_buf) label = KT_BUF_INIT((size_t)1 << 20);
    KT_AUTO(kt_buf) p = KT_BUF_INIT((size_t)1 << 20);
    float *scratch = kt_arena_array(j->cli->arena, d->n_labels + 1, sizeof(*scratch));
    kt_buf_puts(&o->b, "item,label,probability\n");
    for (size_t i = 0; i < d->n; i++) {
        answer_of(j, d, prob + i * d->n_labels, scratch, &label, &p);
        kt_out_field(o, true, d->item[i]);
        kt_out_field(o, false, KT_BUF_STR(&label));
        kt_out_field(o, false, KT_BUF_STR(&p));
        kt_buf_char(&o->b, '\n');
        kt_out_flush(o, false);
    }
}

static void print(kt_model_job *j, const kt_row_data *d, const float *prob)
{
    if (j->out.look == KT_LOOK_JSON)
        print_json(j, d, prob);
    else if (j->probs)
        print_matrix(j, d, prob);
    else
        print_rows(j, d, prob);
}

static float *room_for(const kt_row_data *d)
{
    return kt_zalloc_array(d->n + 1, (d->n_labels + 1) * sizeof(float));
}

kt_rc kt_rows_cross(kt_model_job *j, kt_err *err)
{
    kt_row_data d;
    KT_TRY(read(j, &d, err));
    KT_TRY(number_labels(j, &d, false, err));
    float *prob = room_for(&d);
    kt_rc rc = j->kind->rows->cross(j, &d, prob, err);
    j->probs = true;
    if (rc == 0)
        print(j, &d, prob);
    kt_free(prob);
    return rc < 0 ? kt_at(err, j->data, 0, NULL) : KT_OK;
}

kt_rc kt_rows_predict(kt_model_job *j, kt_err *err)
{
    kt_row_data d;
    KT_TRY(read(j, &d, err));
    float *prob = room_for(&d);
    kt_rc rc = j->kind->rows->predict(j, &d, prob, err);
    if (rc == 0)
        print(j, &d, prob);
    kt_free(prob);
    return rc < 0 ? kt_at(err, j->data, 0, NULL) : KT_OK;
}

static void print_reasons(kt_model_job *j, kt_str item, kt_str label, float prob, const kt_reason *why, size_t n)
{
    kt_out *o = &j->out;
    if (o->look == KT_LOOK_JSON) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "item", item);
        kt_out_str(o, "label", label);
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
    kt_buf_printf(&o->b, "%.*s: %.*s (%.3f)\n", KT_F(item), KT_F(label), (double)prob);
    for (size_t i = 0; i < n; i++) {
        kt_buf_printf(&o->b, "  %+8.3f  ", (double)why[i].adds);
        for (size_t c = 0; c < why[i].gram.n; c++) /* what stands between two words may be a line's end */
            kt_buf_char(&o->b, (unsigned char)why[i].gram.p[c] < ' ' ? ' ' : why[i].gram.p[c]);
        kt_buf_char(&o->b, '\n');
    }
    kt_out_flush(o, false);
}

static kt_rc explain_row(kt_model_job *j, const kt_row_data *d, size_t i, const float *p, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_reason *why = kt_arena_array(a, (size_t)j->top + 1, sizeof(*why));
    float *scratch = kt_arena_array(a, d->n_labels + 1, sizeof(*scratch));
    size_t n = 0;
    int64_t label = j->label.n ? kt_names_get(&j->names, j->label) : likeliest(d, p, scratch);
    if (label < 0)
        return kt_fail(err, KT_NOTFOUND, "the model has no label '%.*s'", KT_F(j->label));
    KT_TRY(j->kind->rows->explain(j, d, i, (uint32_t)label, why, &n, err));
    print_reasons(j, d->item[i], j->names.name[label], p[label], why, n);
    return KT_OK;
}

kt_rc kt_rows_explain(kt_model_job *j, kt_err *err)
{
    kt_row_data d;
    bool any = false;
    KT_TRY(read(j, &d, err));
    if (!j->item.n && d.n > MANY) {
        kt_fail(err, KT_USAGE, "%zu items are many to explain", d.n);
        return kt_hint(err, "--item ID explains one"), KT_USAGE;
    }
    float *prob = room_for(&d);
    kt_rc rc = j->kind->rows->predict(j, &d, prob, err);
    if (j->out.look == KT_LOOK_JSON)
        kt_out_open(&j->out, NULL, '[');
    for (size_t i = 0; i < d.n && rc == 0; i++)
        if (!j->item.n || kt_str_eq(j->item, d.item[i])) {
            any = true;
            rc = explain_row(j, &d, i, prob + i * d.n_labels, err);
        }
    if (j->out.look == KT_LOOK_JSON) {
        kt_out_close(&j->out, ']');
        kt_buf_char(&j->out.b, '\n');
    }
    kt_free(prob);
    if (rc == 0 && !any)
        return kt_fail(err, KT_NOTFOUND, "%s has no item '%.*s'", j->data, KT_F(j->item));
    return rc;
}
