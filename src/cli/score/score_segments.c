/* Segments in time: IoU, and F1 at three overlaps. */
#include "algo/score/score.h"
#include "base/names.h"
#include "base/str.h"
#include "cli/score/score_cli.h"

#include <stdio.h>

static const char *const start_names[] = { "start_s", "start", "begin", NULL };
static const char *const end_names[] = { "end_s", "end", "stop", NULL };

static kt_rc read_segments(const kt_columns *c, kt_names *items, kt_names *labels, kt_arena *a, kt_segment **ret, kt_err *err)
{
    kt_str *item = kt_columns_find(c, kt_item_names), *label, *start, *end;
    double *from, *to;
    KT_TRY(kt_columns_need(c, kt_label_names, &label, err));
    KT_TRY(kt_columns_need(c, start_names, &start, err));
    KT_TRY(kt_columns_need(c, end_names, &end, err));
    KT_TRY(kt_columns_filled(c, start, "start_s", err));
    KT_TRY(kt_columns_filled(c, end, "end_s", err));
    KT_TRY(kt_columns_numbers(c, start, "start_s", a, &from, err));
    KT_TRY(kt_columns_numbers(c, end, "end_s", a, &to, err));
    kt_segment *s = kt_arena_array(a, c->n_rows + 1, sizeof(*s));
    for (size_t i = 0; i < c->n_rows; i++)
        s[i] = (kt_segment){ item ? kt_names_add(items, item[i]) : 0, (int32_t)kt_names_add(labels, label[i]), from[i], to[i] };
    *ret = s;
    return 0;
}

static kt_rc compare(kt_score_job *j, const kt_columns *p, const kt_columns *t, kt_names *items, kt_names *labels, kt_err *err)
{
    static const char *const f1[3] = { "f1_at_10", "f1_at_25", "f1_at_50" };
    kt_segment *said, *truth;
    kt_segment_score s;
    KT_TRY(read_segments(p, items, labels, j->cli->arena, &said, err));
    KT_TRY(read_segments(t, items, labels, j->cli->arena, &truth, err));
    KT_TRY(kt_score_segments(said, p->n_rows, truth, t->n_rows, &s, err));
    kt_score_begin(j);
    kt_score_put(j, "iou", s.iou, "time that both give the same label / time that either labels");
    for (int k = 0; k < 3; k++)
        kt_score_put(j, f1[k], s.f1_at[k].f1, "segments matched one to one at this IoU, in percent");
    kt_score_end(j);
    return 0;
}

static kt_rc run(kt_score_job *j, kt_err *err)
{
    kt_columns p, t;
    kt_names items = { 0 }, labels = { 0 };
    KT_TRY(kt_columns_read(j->predicted, j->cli->arena, &p, err));
    kt_rc rc = kt_columns_read(j->truth, j->cli->arena, &t, err);
    if (rc == 0) {
        rc = compare(j, &p, &t, &items, &labels, err);
        kt_columns_done(&t);
    }
    kt_columns_done(&p);
    kt_names_done(&items);
    kt_names_done(&labels);
    return rc;
}

const kt_score_task kt_score_task_segments = {
    .name = "segments", .help = "segments in time (item, label, start_s, end_s): IoU and F1", .files = "PREDICTED TRUTH", .run = run,
};
