/* Boxes: the COCO detection protocol. */
#include "algo/score/score.h"
#include "base/names.h"
#include "cli/errors/errors_cli.h"
#include "cli/score/score_cli.h"

static kt_detections detections_of(const kt_box_table *t, kt_arena *a)
{
    kt_xywh *box = kt_arena_array(a, t->n + 1, sizeof(*box));
    for (size_t i = 0; i < t->n; i++)
        box[i] = (kt_xywh){ t->corner[i][0], t->corner[i][1], t->corner[i][2], t->corner[i][3] };
    return (kt_detections){ t->n, t->image, t->label, box, t->score, t->crowd };
}

static void print(kt_score_job *j, const kt_map_score *s, const kt_names *label)
{
    kt_out *o = &j->out;
    kt_score_begin(j);
    kt_score_put(j, "AP", s->ap, "mean over classes and IoU .50:.05:.95 of precision at 101 recalls");
    kt_score_put(j, "AP50", s->ap50, "the same at IoU .50 alone");
    kt_score_put(j, "AP75", s->ap75, "the same at IoU .75 alone");
    kt_score_put(j, "APs", s->ap_small, "boxes under 32² pixels");
    kt_score_put(j, "APm", s->ap_medium, "boxes of 32² to 96² pixels");
    kt_score_put(j, "APl", s->ap_large, "boxes above 96² pixels");
    kt_score_put(j, "AR1", s->ar1, "recall with the best detection of each image, mean over classes and IoU");
    kt_score_put(j, "AR10", s->ar10, "with the best ten");
    kt_score_put(j, "AR100", s->ar100, "with the best hundred");
    kt_score_put(j, "ARs", s->ar_small, NULL);
    kt_score_put(j, "ARm", s->ar_medium, NULL);
    kt_score_put(j, "ARl", s->ar_large, NULL);
    kt_score_put(j, "matched_iou", s->matched_iou, "mean IoU of the pairs matched at IoU .50");
    if (o->look == KT_LOOK_JSON) {
        kt_out_open(o, "classes", '[');
        for (size_t c = 0; c < label->n; c++) {
            kt_out_open(o, NULL, '{');
            kt_out_str(o, "label", label->name[c]);
            kt_out_f64(o, "AP", s->ap_of[c]);
            kt_out_f64(o, "AP50", s->ap50_of[c]);
            kt_out_close(o, '}');
        }
        kt_out_close(o, ']');
    }
    kt_score_end(j);
}

static kt_rc run(kt_score_job *j, kt_err *err)
{
    kt_columns predicted, truth;
    kt_names image = { 0 }, label = { 0 };
    kt_box_table p, t;
    kt_map_score s;
    kt_arena *a = j->cli->arena;
    KT_TRY(kt_columns_read(j->predicted, a, &predicted, err));
    kt_rc rc = kt_columns_read(j->truth, a, &truth, err);
    if (rc == 0) {
        rc = kt_box_table_read(&truth, false, false, &image, &label, a, &t, err);
        if (rc == 0)
            rc = kt_box_table_read(&predicted, false, true, &image, &label, a, &p, err);
        if (rc == 0) {
            kt_detections dp = detections_of(&p, a), dt = detections_of(&t, a);
            dp.crowd = NULL;
            dt.score = NULL;
            rc = kt_score_boxes(&dp, &dt, (uint32_t)image.n, (uint32_t)label.n, j->cli->pool, a, &s, err);
        }
        if (rc == 0)
            print(j, &s, &label);
        kt_columns_done(&truth);
    }
    kt_columns_done(&predicted);
    kt_names_done(&image);
    kt_names_done(&label);
    return rc;
}

const kt_score_task kt_score_task_boxes = {
    .name = "boxes", .help = "boxes (image, label, x, y, width, height or x1, y1, x2, y2; predictions also score): COCO mAP", .files = "PREDICTED TRUTH", .run = run,
};
