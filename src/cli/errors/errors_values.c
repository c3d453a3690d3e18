/* Numbers as labels against predicted numbers. */
#include "algo/errors/errors.h"
#include "algo/nth.h"
#include "base/mem.h"
#include "cli/errors/errors_cli.h"
#include "cli/plot.h"

#include <math.h>

#define OUTLIER 3.5

static const char *const value_names[] = { "value", "label", "score", "prediction", "predicted", NULL };

enum { ITEM, VALUE, FIELDS };

typedef struct values {
    kt_field field[FIELDS];
    kt_fields_file file;
} values;

static kt_rc read_values(const char *path, kt_arena *a, values *ret, kt_err *err)
{
    *ret = (values){ 0 };
    ret->field[ITEM] = (kt_field){ .names = kt_item_names, .kind = KT_FIELD_NAME };
    ret->field[VALUE] = (kt_field){ .names = value_names, .kind = KT_FIELD_NUMBER, .needed = true, .filled = true };
    return kt_fields_read(path, ret->field, FIELDS, a, &ret->file, err);
}

/* Predictions in the order of the labels. */
static kt_rc bring_together(const values *labels, values *probs, double *predicted, kt_err *err)
{
    size_t *row;
    KT_TRY(kt_fields_match(&labels->file, &labels->field[ITEM], probs->field[ITEM].there ? &probs->field[ITEM].text : NULL, probs->file.n, "prediction", &row, err));
    for (size_t i = 0; i < labels->file.n; i++)
        predicted[i] = probs->field[VALUE].number.v[row ? row[i] : i];
    kt_free(row);
    return 0;
}

static kt_rc find(kt_errors_job *j, const values *labels, values *probs, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_out *o = &j->out;
    size_t n = labels->file.n, suspects = 0, *order = kt_arena_alloc(a, (n + 1) * sizeof(*order));
    double *z = kt_arena_alloc(a, (n + 1) * sizeof(*z)), *rank = kt_arena_alloc(a, (n + 1) * sizeof(*rank)), *predicted = kt_arena_alloc(a, (n + 1) * sizeof(*predicted));
    const double *given = labels->field[VALUE].number.v;
    KT_TRY(bring_together(labels, probs, predicted, err));
    KT_TRY(kt_value_errors(given, predicted, n, z, err));
    for (size_t i = 0; i < n; i++) {
        rank[i] = -fabs(z[i]);
        if (fabs(z[i]) > OUTLIER)
            order[suspects++] = i;
    }
    kt_sort_places(order, suspects, rank);
    bool json = o->look == KT_LOOK_JSON;
    if (json) {
        kt_out_open(o, NULL, '{');
        kt_out_u64(o, "n_items", n);
        kt_out_u64(o, "n_issues", suspects);
        kt_out_open(o, "issues", '[');
    } else {
        kt_buf_puts(&o->b, "item,value,predicted,z\n");
    }
    for (size_t q = 0; q < suspects; q++) {
        size_t i = order[q];
        kt_str name = labels->field[ITEM].there ? kt_texts_at(&labels->field[ITEM].text, i) : kt_arena_printf(a, "%zu", i);
        if (json) {
            kt_out_open(o, NULL, '{');
            kt_out_str(o, "item", name);
            kt_out_f64(o, "value", given[i]);
            kt_out_f64(o, "predicted", predicted[i]);
            kt_out_f64(o, "z", z[i]);
            kt_out_close(o, '}');
            continue;
        }
        kt_out_field(o, true, name);
        kt_out_field_f64(o, given[i]);
        kt_out_field_f64(o, predicted[i]);
        kt_out_field_f64(o, z[i]);
        kt_buf_char(&o->b, '\n');
    }
    if (j->plot) {
        double far = 5;
        for (size_t i = 0; i < n; i++)
            far = KT_MAX(far, KT_MIN(fabs(z[i]), 20));
        KT_TRY(kt_plot_histogram(j->plot, &(kt_plot_bars){ "Residuals of the values", "robust z; those beyond the end are in the last bar", NULL, -far, far, NAN, n, z, NULL }, err));
    }
    if (json) {
        kt_out_close(o, ']');
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
    }
    return 0;
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    values labels, probs = { 0 };
    KT_TRY(kt_errors_need(j->labels, "--labels FILE", err));
    KT_TRY(kt_errors_need(j->probs, "--probs FILE", err));
    kt_rc rc = read_values(j->labels, j->cli->arena, &labels, err);
    if (rc == 0)
        rc = read_values(j->probs, j->cli->arena, &probs, err);
    if (rc == 0)
        rc = find(j, &labels, &probs, err);
    kt_fields_done(probs.field, FIELDS, &probs.file);
    kt_fields_done(labels.field, FIELDS, &labels.file);
    return rc;
}

const kt_error_task kt_errors_values = {
    .name = "values", .help = "numbers (column value) far from the predicted ones, by the median of all residuals", .files = "--labels L --probs P", .run = run, .draws = true,
    .formula = "residual r = value - predicted; z = 0.6745 (r - median r) / median |r - median r|; suspects have |z| > 3.5",
};
