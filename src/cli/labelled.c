/* Labels beside probabilities, and boxes of images, from files. */
#include "base/names.h"
#include "base/str.h"
#include "cli/errors/errors_cli.h"

#include <math.h>

kt_rc kt_errors_need(const char *path, const char *option, kt_err *err)
{
    if (path)
        return 0;
    return kt_fail(err, KT_USAGE, "this task needs %s", option);
}

/* The column of labels: by name, or the only one that is no item. */
static kt_rc label_column(const kt_columns *c, const kt_str *item, kt_str **ret, kt_err *err)
{
    if ((*ret = kt_columns_find(c, kt_label_names)))
        return 0;
    if (c->n_columns == 1 + (item != NULL)) {
        *ret = c->cell[0] == item ? c->cell[1] : c->cell[0];
        return 0;
    }
    return kt_columns_need(c, kt_label_names, ret, err);
}

/* Row of the probabilities for each row of the labels. */
static kt_rc bring_together(const kt_labelled *l, const kt_str *item, size_t *row, kt_err *err)
{
    size_t n = l->labels.n_rows;
    if (!item || !l->probs.row) {
        if (n != l->probs.n_rows)
            return kt_fail(err, KT_RANGE, "%zu labels and %zu rows of probabilities", n, l->probs.n_rows);
        for (size_t i = 0; i < n; i++)
            row[i] = i;
        return 0;
    }
    kt_names names = { 0 };
    kt_rc rc = 0;
    for (size_t i = 0; i < l->probs.n_rows && rc == 0; i++)
        if (kt_names_add(&names, l->probs.row[i]) != i)
            rc = kt_fail(err, KT_RANGE, "item %.*s has two rows of probabilities", KT_F(l->probs.row[i]));
    for (size_t i = 0; i < n && rc == 0; i++) {
        int64_t at = kt_names_get(&names, item[i]);
        row[i] = (size_t)at;
        if (at < 0) {
            kt_fail(err, KT_RANGE, "item %.*s has no row of probabilities", KT_F(item[i]));
            rc = kt_columns_fail(&l->labels, i, "item", err, KT_RANGE);
        }
    }
    kt_names_done(&names);
    return rc;
}

/* Class numbers of the labels: places in --classes, in the header of the probabilities, or the labels themselves. */
static kt_rc number_labels(const kt_errors_job *j, kt_labelled *l, const kt_str *cell, kt_err *err)
{
    kt_names names = { 0 };
    kt_rc rc = 0;
    const kt_str *known = j->classes.n ? j->classes.v : l->probs.column;
    if (j->classes.n && j->classes.n != l->k)
        return kt_fail(err, KT_USAGE, "--classes names %zu and the probabilities have %u columns", j->classes.n, l->k);
    for (uint32_t c = 0; c < l->k; c++) {
        l->class[c] = known ? known[c] : kt_arena_printf(j->cli->arena, "%u", c);
        kt_names_add(&names, l->class[c]);
    }
    for (size_t i = 0; i < l->n && rc == 0; i++) {
        int64_t at = kt_names_get(&names, cell[i]), number;
        if (at < 0 && !j->classes.n && kt_parse_i64(cell[i], 0, (int64_t)l->k - 1, &number))
            at = number;
        l->label[i] = (int32_t)at;
        if (at < 0) {
            kt_fail(err, KT_RANGE, "label '%.*s' is none of the %u classes", KT_F(cell[i]), l->k);
            kt_hint(err, "--classes A,B,C names them in the order of the probabilities' columns");
            rc = kt_columns_fail(&l->labels, i, "label", err, KT_RANGE);
        }
    }
    kt_names_done(&names);
    return rc;
}

/* Probabilities in the order of the labels; as they stand where nothing has to move. */
static void order_rows(kt_arena *a, kt_labelled *l, const size_t *row)
{
    size_t width = l->k * (l->probs.floats ? sizeof(float) : sizeof(double));
    bool moved = false;
    for (size_t i = 0; i < l->n; i++)
        moved |= row[i] != i;
    l->prob = l->probs.x;
    if (!moved)
        return;
    char *to = kt_arena_alloc(a, l->n * width + 1);
    for (size_t i = 0; i < l->n; i++)
        memcpy(to + i * width, (const char *)l->probs.x + row[i] * width, width);
    l->prob = to;
}

static kt_rc join(const kt_errors_job *j, kt_labelled *l, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_str *item = kt_columns_find(&l->labels, kt_item_names), *cell;
    KT_TRY(label_column(&l->labels, item, &cell, err));
    size_t *row = kt_arena_array(a, l->labels.n_rows + 1, sizeof(*row));
    KT_TRY(bring_together(l, item, row, err));
    l->n = l->labels.n_rows;
    l->k = (uint32_t)l->probs.n_columns;
    l->label = kt_arena_array(a, l->n + 1, sizeof(int32_t));
    l->class = kt_arena_array(a, (size_t)l->k + 1, sizeof(kt_str));
    l->item = item ? item : l->probs.row;
    if (!l->item) {
        l->item = kt_arena_array(a, l->n + 1, sizeof(kt_str));
        for (size_t i = 0; i < l->n; i++)
            l->item[i] = kt_arena_printf(a, "%zu", i);
    }
    KT_TRY(number_labels(j, l, cell, err));
    order_rows(a, l, row);
    return 0;
}

kt_rc kt_labelled_read(const kt_errors_job *j, kt_labelled *ret, kt_err *err)
{
    *ret = (kt_labelled){ 0 };
    KT_TRY(kt_errors_need(j->labels, "--labels FILE", err));
    KT_TRY(kt_errors_need(j->probs, "--probs FILE", err));
    KT_TRY(kt_columns_read(j->labels, j->cli->arena, &ret->labels, err));
    kt_rc rc = kt_matrix_file_read(j->probs, "probs", j->cli->arena, &ret->probs, err);
    if (rc == 0)
        rc = join(j, ret, err);
    if (rc < 0)
        kt_labelled_done(ret);
    return rc;
}

void kt_labelled_done(kt_labelled *l)
{
    kt_columns_done(&l->labels);
    kt_matrix_file_done(&l->probs);
}

/* ---- boxes ---- */

static const char *const image_names[] = { "image", "image_id", "item", "item_id", "file", NULL };
static const char *const corner_names[4][5] = { { "x1", "xmin", "left", NULL }, { "y1", "ymin", "top", NULL }, { "x2", "xmax", "right", NULL }, { "y2", "ymax", "bottom", NULL } };
static const char *const size_names[4][5] = { { "x", "left", "x1", NULL }, { "y", "top", "y1", NULL }, { "width", "w", NULL }, { "height", "h", NULL } };
static const char *const crowd_names[] = { "iscrowd", "crowd", NULL };

/* The four columns, and how they are to be read. */
static kt_rc corners_of(const kt_columns *c, bool corners, kt_arena *a, kt_box_table *t, kt_err *err)
{
    bool sized = kt_columns_find(c, size_names[2]) && kt_columns_find(c, size_names[3]);
    double *x[4];
    for (int k = 0; k < 4; k++) {
        const char *const *names = sized ? size_names[k] : corner_names[k];
        kt_str *cell;
        KT_TRY(kt_columns_need(c, names, &cell, err));
        KT_TRY(kt_columns_filled(c, cell, names[0], err));
        KT_TRY(kt_columns_numbers(c, cell, names[0], a, &x[k], err));
    }
    for (size_t i = 0; i < c->n_rows; i++) {
        for (int k = 0; k < 4; k++)
            t->corner[i][k] = x[k][i];
        for (int k = 2; k < 4 && sized == corners; k++)
            t->corner[i][k] = sized ? x[k - 2][i] + x[k][i] : x[k][i] - x[k - 2][i];
    }
    return 0;
}

kt_rc kt_box_table_read(const kt_columns *c, bool corners, bool scores, kt_names *image, kt_names *label, kt_arena *a,
                        kt_box_table *ret, kt_err *err)
{
    kt_str *images, *labels, *score = kt_columns_find(c, kt_score_names), *crowd = kt_columns_find(c, crowd_names);
    KT_TRY(kt_columns_need(c, image_names, &images, err));
    KT_TRY(kt_columns_need(c, kt_label_names, &labels, err));
    if (scores)
        KT_TRY(kt_columns_need(c, kt_score_names, &score, err));
    *ret = (kt_box_table){ .n = c->n_rows, .image = kt_arena_array(a, c->n_rows + 1, 4), .label = kt_arena_array(a, c->n_rows + 1, 4),
                           .corner = kt_arena_array(a, c->n_rows + 1, sizeof(*ret->corner)) };
    for (size_t i = 0; i < c->n_rows; i++) {
        ret->image[i] = kt_names_add(image, images[i]);
        ret->label[i] = kt_names_add(label, labels[i]);
    }
    KT_TRY(corners_of(c, corners, a, ret, err));
    if (scores) {
        KT_TRY(kt_columns_filled(c, score, "score", err));
        KT_TRY(kt_columns_numbers(c, score, "score", a, &ret->score, err));
    }
    if (crowd) {
        ret->crowd = kt_arena_array(a, c->n_rows + 1, 1);
        for (size_t i = 0; i < c->n_rows; i++)
            ret->crowd[i] = crowd[i].n && !kt_str_eq(crowd[i], KT_S("0")) && !kt_str_ieq(crowd[i], KT_S("false"));
    }
    return 0;
}
