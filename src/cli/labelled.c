/* Labels beside probabilities, and boxes of images, from files. */
#include "base/mem.h"
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

/* Class numbers of the labels: places in --classes, in the header of the probabilities, or the labels themselves. */
static kt_rc number_labels(const kt_errors_job *j, kt_labelled *l, kt_err *err)
{
    const kt_field *label = &l->field[KT_LABELLED_LABEL];
    const kt_str *known = j->classes.n ? j->classes.v : l->probs.column;
    kt_names names = { 0 };
    int64_t *class = kt_arena_array(j->cli->arena, label->class.n, sizeof(*class));
    if (j->classes.n && j->classes.n != l->k)
        return kt_fail(err, KT_USAGE, "--classes names %zu and the probabilities have %u columns", j->classes.n, l->k);
    l->class = kt_arena_array(j->cli->arena, (size_t)l->k + 1, sizeof(kt_str));
    for (uint32_t c = 0; c < l->k; c++) {
        l->class[c] = known ? known[c] : kt_arena_printf(j->cli->arena, "%u", c);
        kt_names_add(&names, l->class[c]);
    }
    for (size_t c = 0; c < label->class.n; c++) {
        int64_t number;
        class[c] = kt_names_get(&names, label->class.name[c]);
        if (class[c] < 0 && !j->classes.n && kt_parse_i64(label->class.name[c], 0, (int64_t)l->k - 1, &number))
            class[c] = number;
    }
    kt_names_done(&names);
    l->label = kt_alloc_array(l->n, sizeof(int32_t));
    for (size_t i = 0; i < l->n; i++) {
        l->label[i] = (int32_t)class[label->id.v[i]];
        if (l->label[i] < 0) {
            kt_fail(err, KT_RANGE, "label '%.*s' is none of the %u classes", KT_F(label->class.name[label->id.v[i]]), l->k);
            kt_hint(err, "--classes A,B,C names them in the order of the probabilities' columns");
            return kt_fields_fail(&l->labels, i, "label", err, KT_RANGE);
        }
    }
    return 0;
}

static kt_rc join(const kt_errors_job *j, kt_labelled *l, kt_err *err)
{
    size_t *row, width = l->probs.n_columns * (l->probs.floats ? sizeof(float) : sizeof(double));
    l->n = l->labels.n;
    l->k = (uint32_t)l->probs.n_columns;
    l->prob = l->probs.x;
    KT_TRY(kt_fields_match(&l->labels, &l->field[KT_LABELLED_ITEM], l->probs.named ? &l->probs.row : NULL, l->probs.n_rows, "row of probabilities", &row, err));
    if (row) {
        l->prob = l->own = kt_alloc(l->n * width + 1);
        for (size_t i = 0; i < l->n; i++)
            memcpy((char *)l->own + i * width, (const char *)l->probs.x + row[i] * width, width);
        kt_free(row);
    }
    return number_labels(j, l, err);
}

kt_rc kt_labelled_read(const kt_errors_job *j, const char *const *more, kt_labelled *ret, kt_err *err)
{
    *ret = (kt_labelled){ 0 };
    KT_TRY(kt_errors_need(j->labels, "--labels FILE", err));
    KT_TRY(kt_errors_need(j->probs, "--probs FILE", err));
    ret->field[KT_LABELLED_ITEM] = (kt_field){ .names = kt_item_names, .kind = KT_FIELD_NAME };
    ret->field[KT_LABELLED_LABEL] = (kt_field){ .names = kt_label_names, .kind = KT_FIELD_CLASS, .needed = true, .alone = true };
    ret->field[KT_LABELLED_MORE] = (kt_field){ .names = more, .kind = KT_FIELD_NAME, .needed = true };
    kt_rc rc = kt_fields_read(j->labels, ret->field, more ? KT_LABELLED_FIELDS : KT_LABELLED_MORE, j->cli->arena, &ret->labels, err);
    if (rc == 0)
        rc = kt_matrix_file_read(j->probs, "probs", j->cli->arena, &ret->probs, err);
    if (rc == 0)
        rc = join(j, ret, err);
    if (rc < 0)
        kt_labelled_done(ret);
    return rc;
}

kt_str kt_labelled_item(const kt_labelled *l, size_t i, kt_arena *a)
{
    const kt_field *item = &l->field[KT_LABELLED_ITEM];
    return item->there ? kt_texts_at(&item->text, i) : kt_matrix_row(&l->probs, i, a);
}

void kt_labelled_done(kt_labelled *l)
{
    kt_fields_done(l->field, KT_LABELLED_FIELDS, &l->labels);
    kt_matrix_file_done(&l->probs);
    l->label = kt_free(l->label);
    l->own = kt_free(l->own);
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
