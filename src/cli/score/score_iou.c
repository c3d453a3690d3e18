/* Intersection over union of every predicted with every true box. */
#include "algo/boxes.h"
#include "base/names.h"
#include "cli/score/score_cli.h"

#include <math.h>

static const char *const names[4][4] = { { "x", "left", "x1", NULL }, { "y", "top", "y1", NULL }, { "width", "w", "x2", NULL }, { "height", "h", "y2", NULL } };
static const char *const crowd_names[] = { "iscrowd", "crowd", NULL };

static kt_rc read_boxes(const kt_columns *c, kt_arena *a, kt_xywh **ret, kt_err *err)
{
    double *x[4];
    bool corners = kt_columns_find(c, (const char *const[]){ "x2", NULL }) != NULL;
    for (int k = 0; k < 4; k++) {
        kt_str *cell;
        KT_TRY(kt_columns_need(c, names[k], &cell, err));
        KT_TRY(kt_columns_filled(c, cell, names[k][0], err));
        KT_TRY(kt_columns_numbers(c, cell, names[k][0], a, &x[k], err));
    }
    kt_xywh *box = kt_arena_array(a, c->n_rows + 1, sizeof(*box));
    for (size_t i = 0; i < c->n_rows; i++) {
        box[i] = (kt_xywh){ x[0][i], x[1][i], corners ? x[2][i] - x[0][i] : x[2][i], corners ? x[3][i] - x[1][i] : x[3][i] };
        if (kt_xywh_check(box[i], "box", i, err) < 0)
            return kt_columns_fail(c, i, NULL, err, KT_RANGE);
    }
    *ret = box;
    return 0;
}

static kt_rc print(kt_score_job *j, const kt_columns *p, const kt_columns *t, kt_err *err)
{
    kt_out *o = &j->out;
    kt_xywh *a, *b;
    double *crowd = NULL;
    const kt_str *cell = kt_columns_find(t, crowd_names);
    KT_TRY(read_boxes(p, j->cli->arena, &a, err));
    KT_TRY(read_boxes(t, j->cli->arena, &b, err));
    if (cell)
        KT_TRY(kt_columns_numbers(t, cell, "iscrowd", j->cli->arena, &crowd, err));
    bool json = o->look == KT_LOOK_JSON;
    if (json) {
        kt_out_open(o, NULL, '{');
        kt_out_open(o, "iou", '[');
    }
    for (size_t i = 0; i < p->n_rows; i++) {
        if (json)
            kt_out_open(o, NULL, '[');
        for (size_t k = 0; k < t->n_rows; k++) {
            double x = kt_xywh_iou(a[i], b[k], crowd && crowd[k] > 0);
            if (json)
                kt_out_f64(o, NULL, x);
            else
                kt_buf_printf(&o->b, "%s%.9g", k ? "," : "", x);
        }
        if (json)
            kt_out_close(o, ']');
        else
            kt_buf_char(&o->b, '\n');
        kt_out_flush(o, false);
    }
    if (json) {
        kt_out_close(o, ']');
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
    }
    return 0;
}

static kt_rc run(kt_score_job *j, kt_err *err)
{
    kt_columns p, t;
    KT_TRY(kt_columns_read(j->predicted, j->cli->arena, &p, err));
    kt_rc rc = kt_columns_read(j->truth, j->cli->arena, &t, err);
    if (rc == 0) {
        rc = print(j, &p, &t, err);
        kt_columns_done(&t);
    }
    kt_columns_done(&p);
    return rc;
}

const kt_score_task kt_score_task_iou = {
    .name = "iou", .help = "IoU of every box of one file with every box of the other, as a matrix", .files = "PREDICTED TRUTH", .run = run,
};
