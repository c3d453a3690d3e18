/* Label maps, .npy of height × width (or images × height × width): IoU, Dice, boundary. */
#include "algo/score/score.h"
#include "base/mem.h"
#include "cli/label_map.h"
#include "cli/score/score_cli.h"

#include <math.h>

struct settings {
    double tolerance_px;
};
static const struct settings defaults = { 2 };
static const kt_setting options[] = {
    { .name = "tolerance_px", .help = "how far apart boundaries may lie and still count as found", .kind = KT_SET_FLOAT,
      .offset = offsetof(struct settings, tolerance_px), .min = 0, .max = 1e6 },
    { .name = NULL },
};

/* Boundary scores of each label above 0 (the background), mean over labels and images where both have it. */
static void boundaries(const kt_label_map *p, const kt_label_map *t, int32_t most, double tolerance_px, kt_boundary_score *ret)
{
    uint32_t d = p->x.n_dims, height = (uint32_t)p->x.shape[d - 2], width = (uint32_t)p->x.shape[d - 1];
    size_t pixels = (size_t)height * width, images = pixels ? p->x.n / pixels : 0;
    uint8_t *a = kt_alloc(pixels + 1), *b = kt_alloc(pixels + 1);
    double n = 0;
    *ret = (kt_boundary_score){ 0 };
    for (size_t i = 0; i < images; i++)
        for (int32_t c = 1; c <= most; c++) {
            kt_boundary_score s;
            for (size_t k = 0; k < pixels; k++) {
                a[k] = p->label[i * pixels + k] == c;
                b[k] = t->label[i * pixels + k] == c;
            }
            kt_score_boundary(a, b, width, height, tolerance_px, &s);
            if (isnan(s.f1))
                continue;
            n++;
            ret->f1 += s.f1;
            ret->mean_px += s.mean_px;
            ret->max_px = KT_MAX(ret->max_px, s.max_px);
        }
    ret->f1 = n > 0 ? ret->f1 / n : NAN;
    ret->mean_px = n > 0 ? ret->mean_px / n : NAN;
    ret->max_px = n > 0 ? ret->max_px : NAN;
    kt_free(a);
    kt_free(b);
}

static void print(kt_score_job *j, const kt_mask_score *s, const kt_boundary_score *b, uint32_t n_labels)
{
    kt_out *o = &j->out;
    kt_score_begin(j);
    kt_score_put(j, "mean_iou", s->mean_iou, "mean over labels of intersection / union");
    kt_score_put(j, "mean_dice", s->mean_dice, "mean over labels of 2 intersection / (both areas)");
    kt_score_put(j, "pixel_accuracy", s->pixel_accuracy, "pixels of the right label");
    kt_score_put(j, "boundary_f1", b->f1, "boundary pixels within the tolerance of the other's boundary");
    kt_score_put(j, "boundary_mean_px", b->mean_px, "mean distance between the boundaries");
    kt_score_put(j, "boundary_max_px", b->max_px, "largest distance (Hausdorff)");
    if (o->look == KT_LOOK_JSON) {
        kt_out_f64s(o, "iou", s->iou, n_labels);
        kt_out_f64s(o, "dice", s->dice, n_labels);
    }
    kt_score_end(j);
}

static kt_rc run(kt_score_job *j, kt_err *err)
{
    const struct settings *o = (const void *)j->settings;
    kt_label_map p, t = { 0 };
    int32_t most = 0;
    kt_rc rc = kt_label_map_read(j->predicted, j->cli->arena, &p, &most, err);
    if (rc == 0)
        rc = kt_label_map_read(j->truth, j->cli->arena, &t, &most, err);
    for (uint32_t d = 0; rc == 0 && d < KT_MAX(p.x.n_dims, t.x.n_dims); d++)
        if (p.x.n_dims != t.x.n_dims || p.x.shape[d] != t.x.shape[d])
            rc = kt_fail(err, KT_RANGE, "the two maps differ in shape");
    if (rc == 0) {
        kt_mask_score s = { 0 };
        kt_boundary_score b;
        kt_score_masks(p.label, t.label, t.x.n, (uint32_t)most + 1, j->cli->arena, &s);
        kt_mask_score_finish(&s, (uint32_t)most + 1);
        boundaries(&p, &t, most, o->tolerance_px, &b);
        print(j, &s, &b, (uint32_t)most + 1);
    }
    kt_buf_done(&p.text);
    kt_buf_done(&t.text);
    return rc;
}

const kt_score_task kt_score_task_masks = {
    .name = "masks", .help = "label maps (.npy, images × height × width): IoU, Dice, boundary F1 and distance", .files = "PREDICTED TRUTH", .options = options,
    .defaults = &defaults, .option_size = sizeof(defaults), .run = run,
};
