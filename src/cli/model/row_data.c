/* What rows of a model are read from. */
#include "algo/nth.h"
#include "base/str.h"
#include "cli/model/model_cli.h"

static const char *const text_names[] = { "text", "body", "content", "full_text", NULL };
static const char *const group_names[] = { "group", "cluster", NULL };

static kt_str *numbered(kt_arena *a, size_t n)
{
    kt_str *item = kt_arena_array(a, n + 1, sizeof(kt_str));
    for (size_t i = 0; i < n; i++)
        item[i] = kt_arena_printf(a, "%zu", i);
    return item;
}

uint64_t *kt_rows_groups(kt_arena *a, const kt_str *name, size_t n)
{
    uint64_t *group = kt_arena_array(a, n + 1, sizeof(*group));
    kt_names seen = { 0 };
    for (size_t i = 0; i < n; i++)
        group[i] = name[i].n ? kt_names_add(&seen, name[i]) + 1 : 0;
    kt_names_done(&seen);
    return group;
}

kt_rc kt_rows_read_labels(kt_model_job *j, kt_row_data *d, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    if (!j->labels)
        return 0;
    kt_columns *c;
    KT_TRY(kt_model_table(j, j->labels, &c, err));
    kt_str *item = kt_columns_find(c, kt_item_names), *cell;
    if (c->n_columns == 1)
        cell = c->cell[0];
    else
        KT_TRY(kt_columns_need(c, kt_label_names, &cell, err));
    kt_str *group = kt_columns_find(c, group_names);
    if (!item && c->n_rows != d->n)
        return kt_fail(err, KT_RANGE, "%zu labels for %zu rows", c->n_rows, d->n);
    if (group && !item)
        d->group = kt_rows_groups(a, group, d->n);
    d->cell = kt_arena_array(a, d->n + 1, sizeof(kt_str));
    if (!item) {
        memcpy(d->cell, cell, d->n * sizeof(*cell));
        return 0;
    }
    kt_names place = { 0 };
    kt_str *by_row = kt_arena_array(a, d->n + 1, sizeof(kt_str));
    kt_rc rc = 0;
    for (size_t i = 0; i < d->n; i++)
        kt_names_add(&place, d->item[i]);
    for (size_t i = 0; i < c->n_rows && rc == 0; i++) {
        int64_t at = kt_names_get(&place, item[i]);
        if (at < 0) {
            kt_fail(err, KT_RANGE, "item %.*s is none of the %zu in %s", KT_F(item[i]), d->n, j->data);
            rc = kt_columns_fail(c, i, "item", err, KT_RANGE);
        } else {
            d->cell[at] = cell[i];
            by_row[at] = group ? group[i] : (kt_str){ NULL, 0 };
        }
    }
    kt_names_done(&place);
    if (group && rc == 0)
        d->group = kt_rows_groups(a, by_row, d->n);
    return rc;
}

kt_rc kt_rows_read_text(kt_model_job *j, kt_row_data *ret, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_columns *c;
    KT_TRY(kt_model_table(j, j->data, &c, err));
    if (kt_columns_need(c, text_names, &ret->text, err) < 0)
        return kt_hint(err, "texts are a column text; for numbers there are --kind knn, prototypes and dense"), err->rc;
    kt_str *item = kt_columns_find(c, kt_item_names), *group = kt_columns_find(c, group_names);
    ret->n = c->n_rows;
    ret->item = item ? item : numbered(a, ret->n);
    ret->cell = kt_columns_find(c, kt_label_names);
    ret->group = group ? kt_rows_groups(a, group, ret->n) : NULL;
    return kt_rows_read_labels(j, ret, err);
}

kt_rc kt_rows_read_numbers(kt_model_job *j, kt_row_data *ret, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_matrix_file *m;
    KT_TRY(kt_model_matrix(j, j->data, &m, err));
    float *narrow = NULL;
    ret->n = m->n_rows;
    ret->d = (uint32_t)m->n_columns;
    ret->column = m->column;
    ret->item = kt_arena_array(a, ret->n + 1, sizeof(kt_str));
    for (size_t i = 0; i < ret->n; i++)
        ret->item[i] = kt_matrix_row(m, i, a);
    if (!m->floats)
        narrow = kt_arena_array(a, ret->n * ret->d + 1, sizeof(*narrow));
    for (size_t i = 0; narrow && i < ret->n * ret->d; i++)
        narrow[i] = (float)((const double *)m->x)[i];
    ret->x = narrow ? narrow : m->x;
    return kt_rows_read_labels(j, ret, err);
}

void kt_rows_reasons(kt_model_job *j, const kt_row_data *d, const float *adds, kt_reason *ret, size_t *ret_n)
{
    size_t *at = kt_arena_array(j->cli->arena, (size_t)j->top + 1, sizeof(*at));
    *ret_n = kt_strongest(adds, d->d, (size_t)j->top, at);
    for (size_t i = 0; i < *ret_n; i++)
        ret[i] = (kt_reason){ d->column ? d->column[at[i]] : kt_arena_printf(j->cli->arena, "column %zu", at[i]), adds[at[i]] };
}
