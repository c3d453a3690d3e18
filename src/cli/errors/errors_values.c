/* Numbers as labels against predicted numbers. */
#include "algo/errors/errors.h"
#include "algo/nth.h"
#include "base/mem.h"
#include "cli/errors/errors_cli.h"
#include "cli/plot.h"

#include <math.h>

#define OUTLIER 3.5

static const char *const value_names[] = { "value", "label", "score", "prediction", "predicted", NULL };

static kt_rc read_values(const char *path, kt_arena *a, kt_columns *c, double **ret, kt_err *err)
{
    kt_str *cell;
    KT_TRY(kt_columns_read(path, a, c, err));
    kt_rc rc = kt_columns_need(c, value_names, &cell, err);
    if (rc == 0)
        rc = kt_columns_filled(c, cell, "value", err);
    if (rc == 0)
        rc = kt_columns_numbers(c, cell, "value", a, ret, err);
    if (rc < 0)
        kt_columns_done(c);
    return rc;
}

static kt_rc find(kt_errors_job *j, const kt_columns *labels, const double *given, const kt_columns *probs, const double *predicted, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_out *o = &j->out;
    size_t n = labels->n_rows, suspects = 0, *order = kt_arena_alloc(a, (n + 1) * sizeof(*order));
    double *z = kt_arena_alloc(a, (n + 1) * sizeof(*z)), *rank = kt_arena_alloc(a, (n + 1) * sizeof(*rank));
    if (n != probs->n_rows)
        return kt_fail(err, KT_RANGE, "%zu labels and %zu predictions", n, probs->n_rows);
    KT_TRY(kt_value_errors(given, predicted, n, z, err));
    for (size_t i = 0; i < n; i++) {
        rank[i] = -fabs(z[i]);
        if (fabs(z[i]) > OUTLIER)
            order[suspects++] = i;
    }
    kt_sort_places(order, suspects, rank);
    const kt_str *item = kt_columns_find(labels, kt_item_names);
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
        kt_str name = item ? item[i] : kt_arena_printf(a, "%zu", i);
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
    kt_columns labels, probs;
    double *given, *predicted;
    KT_TRY(kt_errors_need(j->labels, "--labels FILE", err));
    KT_TRY(kt_errors_need(j->probs, "--probs FILE", err));
    KT_TRY(read_values(j->labels, j->cli->arena, &labels, &given, err));
    kt_rc rc = read_values(j->probs, j->cli->arena, &probs, &predicted, err);
    if (rc == 0) {
        rc = find(j, &labels, given, &probs, predicted, err);
        kt_columns_done(&probs);
    }
    kt_columns_done(&labels);
    return rc;
}

const kt_error_task kt_errors_values = {
    .name = "values", .help = "numbers (column value) far from the predicted ones, by the median of all residuals", .files = "--labels L --probs P", .run = run, .draws = true,
    .formula = "residual r = value - predicted; z = 0.6745 (r - median r) / median |r - median r|; suspects have |z| > 3.5",
};
