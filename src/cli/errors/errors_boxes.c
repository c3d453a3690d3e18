/* Boxes drawn on images against a detector's: ObjectLab. */
#include "algo/errors/errors.h"
#include "base/mem.h"
#include "base/names.h"
#include "cli/errors/errors_cli.h"

#include <math.h>

struct images {
    kt_errors_job *j;
    kt_names image, label;
    kt_box_table given, predicted;
    kt_boxes g, p;
    size_t *g_order, *p_order; /* rows of the tables in the order of the boxes */
    double *overlooked, *badloc, *swap, *score;
};

/* Boxes by image, in their order. */
static size_t *sort_boxes(const kt_box_table *t, size_t n_images, kt_arena *a, kt_boxes *ret)
{
    size_t *start = kt_arena_array(a, n_images + 2, sizeof(size_t)), *order = kt_arena_array(a, t->n + 1, sizeof(size_t));
    kt_xyxy *box = kt_arena_array(a, t->n + 1, sizeof(*box));
    int32_t *label = kt_arena_array(a, t->n + 1, sizeof(*label));
    double *score = t->score ? kt_arena_array(a, t->n + 1, sizeof(*score)) : NULL;
    for (size_t i = 0; i < t->n; i++)
        start[t->image[i] + 2]++;
    for (size_t i = 0; i < n_images; i++)
        start[i + 2] += start[i + 1];
    for (size_t i = 0; i < t->n; i++) {
        size_t at = start[t->image[i] + 1]++;
        order[at] = i;
        box[at] = (kt_xyxy){ t->corner[i][0], t->corner[i][1], t->corner[i][2], t->corner[i][3] };
        label[at] = (int32_t)t->label[i];
        if (score)
            score[at] = t->score[i];
    }
    *ret = (kt_boxes){ n_images, start, box, label, score };
    return order;
}

/* One array of objects, in the order of the file: rows[at] is the row of box `at`. */
static void print_boxes(struct images *w, const char *name, const kt_box_table *t, const size_t *order, const double *const *score,
                        const char *const *names)
{
    kt_out *o = &w->j->out;
    size_t *at = kt_arena_array(w->j->cli->arena, t->n + 1, sizeof(*at));
    for (size_t q = 0; q < t->n; q++)
        at[order[q]] = q;
    kt_out_open(o, name, '[');
    for (size_t i = 0; i < t->n; i++) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "image", w->image.name[t->image[i]]);
        kt_out_str(o, "label", w->label.name[t->label[i]]);
        for (int k = 0; names[k]; k++)
            kt_out_f64(o, names[k], score[k][at[i]]);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
}

static void print(struct images *w)
{
    kt_out *o = &w->j->out;
    if (o->look != KT_LOOK_JSON) {
        kt_buf_puts(&o->b, "image,quality\n");
        for (size_t i = 0; i < w->image.n; i++) {
            kt_out_field(o, true, w->image.name[i]);
            kt_out_field_f64(o, w->score[i]);
            kt_buf_char(&o->b, '\n');
        }
        return;
    }
    kt_out_open(o, NULL, '{');
    kt_out_open(o, "images", '[');
    for (size_t i = 0; i < w->image.n; i++) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "image", w->image.name[i]);
        kt_out_f64(o, "quality", w->score[i]);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    print_boxes(w, "boxes", &w->given, w->g_order, (const double *const[]){ w->badloc, w->swap }, (const char *const[]){ "badloc", "swap", NULL });
    print_boxes(w, "predictions", &w->predicted, w->p_order, (const double *const[]){ w->overlooked }, (const char *const[]){ "overlooked", NULL });
    kt_out_close(o, '}');
    kt_buf_char(&o->b, '\n');
}

static kt_rc score(struct images *w, const kt_columns *labels, const kt_columns *probs, kt_err *err)
{
    kt_arena *a = w->j->cli->arena;
    KT_TRY(kt_box_table_read(labels, true, false, &w->image, &w->label, a, &w->given, err));
    KT_TRY(kt_box_table_read(probs, true, true, &w->image, &w->label, a, &w->predicted, err));
    w->g_order = sort_boxes(&w->given, w->image.n, a, &w->g);
    w->p_order = sort_boxes(&w->predicted, w->image.n, a, &w->p);
    w->overlooked = kt_arena_array(a, w->predicted.n + 1, sizeof(double));
    w->badloc = kt_arena_array(a, w->given.n + 1, sizeof(double));
    w->swap = kt_arena_array(a, w->given.n + 1, sizeof(double));
    w->score = kt_arena_array(a, w->image.n + 1, sizeof(double));
    KT_TRY(kt_box_quality(&w->g, &w->p, w->j->cli->pool, w->overlooked, w->badloc, w->swap, w->score, err));
    if (w->j->plot)
        KT_TRY(kt_errors_draw_scores(w->j, "images", w->score, w->image.n, NULL, err));
    print(w);
    return 0;
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    struct images w = { .j = j };
    kt_columns labels, probs;
    KT_TRY(kt_errors_need(j->labels, "--labels FILE", err));
    KT_TRY(kt_errors_need(j->probs, "--probs FILE", err));
    KT_TRY(kt_columns_read(j->labels, j->cli->arena, &labels, err));
    kt_rc rc = kt_columns_read(j->probs, j->cli->arena, &probs, err);
    if (rc == 0) {
        rc = score(&w, &labels, &probs, err);
        kt_columns_done(&probs);
    }
    kt_columns_done(&labels);
    kt_names_done(&w.image);
    kt_names_done(&w.label);
    return rc;
}

const kt_error_task kt_errors_boxes = {
    .name = "boxes", .help = "boxes (image, label, x1, y1, x2, y2) against predictions with a score (ObjectLab)", .files = "--labels L --probs P", .run = run, .draws = true,
    .formula = "similarity = 0.9 IoU + 0.1 e^(-0.1 distance of centres); overlooked: a sure prediction near no box of its class; badloc: a box far from the\n"
               "sure predictions of its class; swap: a box near a sure prediction of another class. Image: geometric mean of the three soft minima\n"
               "Σ s × softmax(-s / 0.1)",
};
