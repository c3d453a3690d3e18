#include "cli/merge/merge_grouped.h"

#include "algo/merge/aggregate.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>

const char *const kt_item_column_names[] = { "item", "item_id", "task", "id", NULL };
const char *const kt_source_names[] = { "annotator", "annotator_id", "worker", "source", NULL };

kt_rc kt_grouped_read(const kt_table_file *t, const char *const *text_names, kt_arena *a, kt_grouped *ret, kt_err *err)
{
    size_t item, source, text;
    *ret = (kt_grouped){ 0 };
    KT_TRY(kt_table_file_column(t, kt_item_column_names, &item, err));
    KT_TRY(kt_table_file_column(t, kt_source_names, &source, err));
    KT_TRY(kt_table_file_column(t, text_names, &text, err));
    uint32_t *of = kt_alloc_array(t->n_rows, sizeof(*of)), *who = kt_alloc_array(t->n_rows, sizeof(*who));
    for (size_t r = 0; r < t->n_rows; r++) {
        of[r] = kt_names_add(&ret->item, t->cell[r * t->n_columns + item]);
        who[r] = kt_names_add(&ret->source, t->cell[r * t->n_columns + source]);
    }
    ret->start = kt_arena_array(a, ret->item.n + 2, sizeof(size_t));
    ret->text = kt_arena_array(a, t->n_rows, sizeof(kt_str));
    ret->source_of = kt_arena_array(a, t->n_rows, sizeof(uint32_t));
    ret->line = kt_arena_array(a, t->n_rows, sizeof(uint64_t));
    ret->said = kt_arena_array(a, ret->source.n, sizeof(double));
    for (size_t r = 0; r < t->n_rows; r++)
        ret->start[of[r] + 2]++;
    for (size_t i = 2; i <= ret->item.n; i++)
        ret->start[i] += ret->start[i - 1];
    for (size_t r = 0; r < t->n_rows; r++) {
        size_t at = ret->start[of[r] + 1]++;
        ret->text[at] = t->cell[r * t->n_columns + text];
        ret->source_of[at] = who[r];
        ret->line[at] = t->line[r];
        ret->said[who[r]]++;
    }
    kt_free(of);
    kt_free(who);
    return 0;
}

void kt_grouped_done(kt_grouped *x)
{
    kt_names_done(&x->item);
    kt_names_done(&x->source);
}

uint32_t *kt_grouped_items(const kt_grouped *x, kt_arena *a)
{
    uint32_t *item = kt_arena_array(a, x->start[x->item.n], sizeof(*item));
    for (uint32_t i = 0; i < x->item.n; i++)
        for (size_t q = x->start[i]; q < x->start[i + 1]; q++)
            item[q] = i;
    return item;
}

kt_agreed kt_agreed_make(const kt_grouped *x, kt_arena *a)
{
    size_t n = x->source.n;
    return (kt_agreed){ x, kt_arena_array(a, n, sizeof(double)), kt_arena_array(a, n, sizeof(double)), kt_arena_array(a, n, sizeof(double)),
                        kt_arena_array(a, n, 2 * sizeof(double)), kt_arena_array(a, x->item.n, sizeof(double)) };
}

void kt_agreed_add(kt_agreed *g, uint32_t source, double share)
{
    g->right[source] += share;
    g->square[source] += share * share;
}

void kt_agreed_account(kt_agreed *g, kt_account *ret)
{
    const kt_grouped *x = g->x;
    for (size_t s = 0; s < x->source.n; s++) {
        g->mean[s] = x->said[s] > 0 ? g->right[s] / x->said[s] : NAN;
        kt_shares_interval(g->right[s], g->square[s], x->said[s], g->ci + 2 * s);
    }
    ret->n_sources = x->source.n;
    ret->source = x->source.name;
    ret->votes = x->said;
    ret->measure[0] = (kt_measure){ "accuracy", "How far each annotator agrees with the merged answers", g->mean, g->ci, false };
    ret->n_measures = 1;
    ret->n = x->item.n;
    ret->sure = g->agreement;
    ret->to = 1;
    ret->line = NAN;
}

void kt_merge_flush(kt_buf *b)
{
    fwrite(b->p, 1, b->n, stdout);
    kt_buf_reset(b);
}

void kt_merged_begin(const char *method, const char *what, bool json)
{
    if (json)
        printf("{\"method\":\"%s\",\"items\":[", method);
    else
        printf("item,%s,agreement\n", what);
}

void kt_merged_put(const char *what, bool json, const kt_grouped *x, size_t i, const kt_merged *m)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 30);
    if (json) {
        kt_buf_puts(&b, i ? ",\n{\"item\":" : "\n{\"item\":");
        kt_buf_json(&b, x->item.name[i]);
        kt_buf_printf(&b, ",\"%s\":", what);
        kt_buf_json(&b, m->answer);
        kt_buf_puts(&b, ",\"agreement\":");
        kt_buf_f64(&b, m->agreement);
        for (size_t p = 0; p < m->n_posterior; p++)
            kt_buf_printf(&b, "%s%.6g%s", p ? "," : ",\"posterior\":[", m->posterior[p], p + 1 == m->n_posterior ? "]" : "");
        kt_buf_printf(&b, ",\"votes\":%zu}", x->start[i + 1] - x->start[i]);
    } else {
        kt_buf_csv(&b, x->item.name[i], ',');
        kt_buf_char(&b, ',');
        kt_buf_csv(&b, m->answer, ',');
        kt_buf_printf(&b, ",%.6g\n", m->agreement);
    }
    kt_merge_flush(&b);
}

void kt_merged_end(bool json)
{
    if (json)
        printf("]");
}
