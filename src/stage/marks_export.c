/* Machine labels of sets and regions to a file, and what the functions do in figures. An item no function spoke about is left out: nobody said it
   has no label. Places are code points, end not included. */
#include "stage/marks.h"

#include "algo/stats.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/export.h"
#include "store/audit.h"
#include "store/pack.h"

#include <math.h>
#include <stdio.h>

struct out {
    const kt_project *p;
    const kt_config *c;
    const uint32_t *cluster;
    uint32_t first;
    kt_marks marks;              /* of the chunk, to know who was spoken about … */
    const kt_machine_mark *label; /* … and what came out */
    size_t n_labels, at_mark, at_label;
    kt_buf rows, left;
    kt_marks_result *ret;
};

static void put_labels(struct out *o, const kt_machine_mark *v, size_t n)
{
    bool spans = o->c->task == KT_TASK_SPANS;
    kt_buf_puts(&o->rows, spans ? ",\"spans\":[" : ",\"labels\":[");
    for (size_t i = 0; i < n; i++) {
        if (spans)
            kt_buf_printf(&o->rows, "%s{\"start\":%u,\"end\":%u,\"label\":", i ? "," : "", v[i].start, v[i].end);
        else if (i)
            kt_buf_char(&o->rows, ',');
        kt_buf_json(&o->rows, o->p->label[v[i].label]);
        if (spans)
            kt_buf_printf(&o->rows, ",\"posterior\":%.4f}", (double)v[i].chance);
    }
    kt_buf_puts(&o->rows, "]");
    for (size_t i = 0; !spans && i < n; i++) {
        kt_buf_puts(&o->rows, i ? "," : ",\"posterior\":{");
        kt_buf_json(&o->rows, o->p->label[v[i].label]);
        kt_buf_printf(&o->rows, ":%.4f%s", (double)v[i].chance, i + 1 == n ? "}" : "");
    }
    kt_buf_puts(&o->rows, ",\"method\":\"functions\"}\n");
}

static kt_rc leave_out(struct out *o, const kt_item *it, const char *why)
{
    kt_buf_csv(&o->left, it->ext_id, ',');
    kt_buf_printf(&o->left, ",%s\n", why);
    o->ret->n_left_out++;
    return 0;
}

static kt_rc visit(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)slot, (void)err;
    struct out *o = ctx;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = items[i].number - o->first;
        size_t marks = 0, labels = 0;
        while (o->at_mark + marks < o->marks.n && o->marks.v[o->at_mark + marks].row == row)
            marks++;
        while (o->at_label + labels < o->n_labels && o->label[o->at_label + labels].row == row)
            labels++;
        const kt_machine_mark *v = o->label + o->at_label;
        o->at_mark += marks;
        o->at_label += labels;
        if (o->cluster[items[i].number] != items[i].number || !marks) {
            KT_TRY(leave_out(o, &items[i], marks || o->cluster[items[i].number] == items[i].number ? "no function says anything about it" : "a duplicate"));
            continue;
        }
        kt_buf_puts(&o->rows, "{\"id\":");
        kt_buf_json(&o->rows, items[i].ext_id);
        if (o->c->export_text) {
            kt_buf_puts(&o->rows, ",\"text\":");
            kt_buf_json(&o->rows, items[i].text);
        }
        put_labels(o, v, labels);
        o->ret->n_rows++;
    }
    return 0;
}

static kt_rc each_chunk(struct out *o, kt_store *s, kt_item_reader *r, kt_err *err)
{
    kt_rc rc = 0;
    for (o->first = 0; o->first < o->p->n_items && rc == 0; o->first += KT_COLUMN_CHUNK) {
        KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 30);
        o->at_mark = o->at_label = 0;
        rc = kt_marks_read(s, o->p->id, o->first, &o->marks, err);
        if (rc == 0)
            rc = kt_pack_get(s, o->p->id, KT_MACHINE_MARKS, o->first, &b, err);
        o->label = (const kt_machine_mark *)(const void *)b.p;
        o->n_labels = b.n / sizeof(*o->label);
        if (rc == 0)
            rc = kt_item_scan(r, o->first, KT_MIN(KT_COLUMN_CHUNK, o->p->n_items - o->first), NULL, visit, o, err);
        kt_free(o->marks.v);
        o->marks = (kt_marks){ 0 };
    }
    return rc;
}

static kt_rc write_files(kt_store *s, struct out *o, kt_arena *a, kt_err *err)
{
    const char *folder = kt_export_folder(s, o->p, a);
    kt_item_reader *r;
    kt_export_result done = { 0 };
    KT_TRY(kt_item_reader_new(s, o->p->id, &r, err));
    kt_rc rc = each_chunk(o, s, r, err);
    kt_item_reader_free(r);
    KT_TRY(rc);
    KT_TRY(kt_dir_make(folder, err));
    snprintf(o->ret->path, sizeof(o->ret->path), "%s/labels.jsonl", folder);
    snprintf(o->ret->left_out_path, sizeof(o->ret->left_out_path), "%s/left_out.csv", folder);
    if (o->rows.failed || o->left.failed)
        return kt_fail(err, KT_LIMIT, "the export would have more than 16 GB");
    KT_TRY(kt_file_write(o->ret->path, KT_BUF_STR(&o->rows), err));
    KT_TRY(kt_file_write(o->ret->left_out_path, KT_BUF_STR(&o->left), err));
    snprintf(done.path, sizeof(done.path), "%s", o->ret->path);
    snprintf(done.left_out_path, sizeof(done.left_out_path), "%s", o->ret->left_out_path);
    done.n_rows = o->ret->n_rows;
    done.n_left_out = o->ret->n_left_out;
    KT_TRY(kt_store_begin(s, err));
    rc = kt_export_log(s, o->p, KT_S("jsonl"), &done, KT_S("karat"), err);
    if (rc == 0)
        rc = kt_audit_sign(s, err);
    return kt_store_finish(s, rc, err);
}

kt_rc kt_marks_export(kt_store *s, const kt_project *p, const kt_config *c, const uint32_t *cluster, kt_arena *a, kt_marks_result *ret, kt_err *err)
{
    struct out o = { .p = p, .c = c, .cluster = cluster, .ret = ret, .rows = KT_BUF_INIT((size_t)16 << 30), .left = KT_BUF_INIT((size_t)16 << 30) };
    kt_buf_puts(&o.left, "id,reason\n");
    kt_rc rc = write_files(s, &o, a, err);
    kt_buf_done(&o.rows);
    kt_buf_done(&o.left);
    return rc;
}

/* ---- figures ---- */

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

static void percent(kt_buf *b, double v)
{
    if (isnan(v))
        kt_buf_printf(b, " %9s", "–");
    else
        kt_buf_printf(b, " %7.2f %%", 100 * v);
}

static double f1_of(const kt_marks_result *r)
{
    return r->n_gold && r->said + r->gold_marks ? 2 * (double)r->right / (double)(r->said + r->gold_marks) : NAN;
}

void kt_marks_text(const kt_marks_result *r, const kt_project *p, const kt_functions *f, const kt_function_fault *fault, kt_buf *ret)
{
    double ci[2];
    kt_buf_printf(ret, "project %.*s, task %s: %llu items, %llu without duplicates, functions speak about %llu; %llu labels by machine, none by people\n\n", KT_F(p->name),
                  kt_task_names[r->task], (unsigned long long)r->n_items, (unsigned long long)r->n_canonical, (unsigned long long)r->n_covered, (unsigned long long)r->n_labels);
    kt_buf_printf(ret, "%-24s %9s %9s %9s %9s %9s %9s %9s\n", "function", "marks", "coverage", "overlap", "conflict", "precision", "recall", "on gold");
    for (uint32_t j = 0; j < r->m; j++) {
        const kt_marks_figures *g = &r->function[j];
        kt_buf_printf(ret, "%-24.*s %9llu", KT_F(kt_functions_name(f, j)), (unsigned long long)g->marks);
        percent(ret, share(g->items, r->n_canonical));
        percent(ret, share(g->overlaps, r->n_canonical));
        percent(ret, share(g->conflicts, r->n_canonical));
        percent(ret, g->precision);
        percent(ret, g->recall);
        percent(ret, share(g->gold_right, g->gold_n));
        if (g->gold_n) {
            kt_clopper_pearson(g->gold_right, g->gold_n, 0.95, ci);
            kt_buf_printf(ret, " (%.1f to %.1f of %llu)", 100 * ci[0], 100 * ci[1], (unsigned long long)g->gold_n);
        }
        kt_buf_char(ret, '\n');
        if (fault[j].n)
            kt_buf_printf(ret, "  failed on %llu items%s, first on %s: %s\n", (unsigned long long)fault[j].n, fault[j].off ? " and was switched off" : "", fault[j].id, fault[j].said);
    }
    if (r->n_gold)
        kt_buf_printf(ret, "\nthe machine's labels on %llu items with trusted ones: precision %.2f %%, recall %.2f %%, F1 %.4f (whole %s alone count)\n", (unsigned long long)r->n_gold,
                      100 * share(r->right, r->said), 100 * share(r->right, r->gold_marks), f1_of(r), r->task == KT_TASK_SPANS ? "regions" : "labels");
}

static void number(kt_buf *b, const char *name, double v)
{
    kt_buf_printf(b, ",\"%s\":", name);
    kt_buf_f64(b, v);
}

static void function_json(const kt_marks_result *r, const kt_functions *f, const kt_function_fault *fault, uint32_t j, kt_buf *b)
{
    const kt_marks_figures *g = &r->function[j];
    double ci[2] = { NAN, NAN };
    if (g->gold_n)
        kt_clopper_pearson(g->gold_right, g->gold_n, 0.95, ci);
    kt_buf_puts(b, j ? ",{\"name\":" : "{\"name\":");
    kt_buf_json(b, kt_functions_name(f, j));
    kt_buf_printf(b, ",\"kind\":\"%s\",\"marks\":%llu", kt_functions_kind(f, j), (unsigned long long)g->marks);
    number(b, "coverage", share(g->items, r->n_canonical));
    number(b, "overlap", share(g->overlaps, r->n_canonical));
    number(b, "conflict", share(g->conflicts, r->n_canonical));
    number(b, "learned_precision", g->precision);
    number(b, "learned_recall", g->recall);
    kt_buf_printf(b, ",\"gold\":%llu,\"gold_right\":%llu", (unsigned long long)g->gold_n, (unsigned long long)g->gold_right);
    number(b, "gold_precision", share(g->gold_right, g->gold_n));
    number(b, "gold_lo", ci[0]);
    number(b, "gold_hi", ci[1]);
    kt_buf_printf(b, ",\"failed\":%llu,\"off\":%s,\"failed_item\":", (unsigned long long)fault[j].n, fault[j].off ? "true" : "false");
    kt_buf_json(b, kt_str_of(fault[j].id));
    kt_buf_puts(b, ",\"failure\":");
    kt_buf_json(b, kt_str_of(fault[j].said));
    kt_buf_char(b, '}');
}

void kt_marks_json(const kt_marks_result *r, const kt_project *p, const kt_functions *f, const kt_function_fault *fault, kt_buf *ret)
{
    const struct { const char *name; uint64_t v; } counts[] = {
        { "items", r->n_items }, { "canonical", r->n_canonical }, { "covered_by_functions", r->n_covered }, { "labels", r->n_labels }, { "gold_items", r->n_gold },
        { "gold_labels", r->gold_marks }, { "right", r->right }, { "said", r->said }, { "exported", r->n_rows }, { "left_out", r->n_left_out },
    };
    kt_buf_puts(ret, "{\"project\":");
    kt_buf_json(ret, p->name);
    kt_buf_printf(ret, ",\"task\":\"%s\"", kt_task_names[r->task]);
    for (size_t i = 0; i < KT_LEN(counts); i++)
        kt_buf_printf(ret, ",\"%s\":%llu", counts[i].name, (unsigned long long)counts[i].v);
    number(ret, "precision", r->n_gold ? share(r->right, r->said) : NAN);
    number(ret, "recall", r->n_gold ? share(r->right, r->gold_marks) : NAN);
    number(ret, "f1", f1_of(r));
    kt_buf_puts(ret, ",\"functions\":[");
    for (uint32_t j = 0; j < r->m; j++)
        function_json(r, f, fault, j, ret);
    kt_buf_puts(ret, "]}\n");
}
