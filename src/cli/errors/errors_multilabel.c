/* Several classes an item: 0 or 1 for each, against their probabilities. */
#include "algo/errors/errors.h"
#include "algo/nth.h"
#include "base/mem.h"
#include "cli/errors/errors_cli.h"

static kt_rc read_given(const kt_matrix_file *labels, kt_arena *a, uint8_t **ret, kt_err *err)
{
    size_t n = labels->n_rows * labels->n_columns;
    uint8_t *given = kt_arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++) {
        double x = kt_matrix_at(labels, i / labels->n_columns, i % labels->n_columns);
        if (x != 0 && x != 1)
            return kt_fail(err, KT_RANGE, "row %zu, column %zu: %g; labels are 0 or 1", i / labels->n_columns, i % labels->n_columns, x);
        given[i] = x == 1;
    }
    *ret = given;
    return 0;
}

static kt_rc score(kt_errors_job *j, const kt_matrix_file *labels, const kt_matrix_file *probs, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_out *o = &j->out;
    size_t n = labels->n_rows, k = labels->n_columns;
    uint8_t *given = NULL;
    if (n != probs->n_rows || k != probs->n_columns)
        return kt_fail(err, KT_RANGE, "labels are %zu × %zu, probabilities %zu × %zu", n, k, probs->n_rows, probs->n_columns);
    KT_TRY(read_given(labels, a, &given, err));
    double *p = kt_arena_alloc(a, (n * k + 1) * sizeof(*p)), *quality = kt_arena_alloc(a, (n + 1) * sizeof(*quality));
    for (size_t i = 0; i < n * k; i++)
        p[i] = kt_matrix_at(probs, i / k, i % k);
    KT_TRY(kt_multilabel_quality(given, p, n, (uint32_t)k, quality, err));
    size_t *order = kt_arena_alloc(a, (n + 1) * sizeof(*order));
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    kt_sort_places(order, n, quality);
    bool json = o->look == KT_LOOK_JSON;
    if (json) {
        kt_out_open(o, NULL, '{');
        kt_out_u64(o, "n_items", n);
        kt_out_open(o, "items", '[');
    } else {
        kt_buf_puts(&o->b, "item,quality\n");
    }
    for (size_t q = 0; q < n; q++) {
        kt_str item = kt_matrix_row(labels, order[q], a);
        if (json) {
            kt_out_open(o, NULL, '{');
            kt_out_str(o, "item", item);
            kt_out_f64(o, "quality", quality[order[q]]);
            kt_out_close(o, '}');
            continue;
        }
        kt_out_field(o, true, item);
        kt_out_field_f64(o, quality[order[q]]);
        kt_buf_char(&o->b, '\n');
    }
    if (j->plot)
        KT_TRY(kt_errors_draw_scores(j, "items", quality, n, NULL, err));
    if (json) {
        kt_out_close(o, ']');
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
    }
    return 0;
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    kt_matrix_file labels, probs;
    KT_TRY(kt_errors_need(j->labels, "--labels FILE", err));
    KT_TRY(kt_errors_need(j->probs, "--probs FILE", err));
    KT_TRY(kt_matrix_file_read(j->labels, "labels", j->cli->arena, &labels, err));
    kt_rc rc = kt_matrix_file_read(j->probs, "probs", j->cli->arena, &probs, err);
    if (rc == 0) {
        rc = score(j, &labels, &probs, err);
        kt_matrix_file_done(&probs);
    }
    kt_matrix_file_done(&labels);
    return rc;
}

const kt_error_task kt_errors_multilabel = {
    .name = "multilabel", .help = "several classes an item: a column each, 0 or 1, against their probabilities; worst first", .files = "--labels L --probs P", .run = run, .draws = true,
    .formula = "self-confidence of class c = p(c) where it is given, else 1 - p(c); quality of an item = their mean, sorted, with weights\n"
               "that fall to 0.2 from each to the next larger one",
};
