/* Quality of box labels against a detector's predictions: Tkachenko, Thyagarajan, Mueller (2023), "ObjectLab: automated
   diagnosis of mislabeled images in object detection data". Boxes are compared by

       similarity = 0.9 IoU + 0.1 exp(-0.1 · distance of the centres in pixels).

   Three things can be wrong: an object was overlooked (a sure prediction where nothing was drawn), a box lies badly, two
   labels were swapped. An image's score of each kind is a soft minimum, its overall score their geometric mean. */
#include "algo/errors/errors.h"

#include "base/mem.h"

#include <math.h>

#define SURE 0.95     /* score of predictions that accuse */
#define LIKELY 0.5    /* score of predictions that a box is held against */
#define DOUBLED 0.95  /* IoU at which two given boxes are one object */
#define TEMPERATURE 0.1
#define PART_IMAGES 64

struct pass {
    const kt_boxes *given, *predicted;
    double *least; /* by part: smallest similarity above 0 */
    double smallest;
    double *overlooked, *badloc, *swap, *image;
};

static double similarity(kt_xyxy a, kt_xyxy b)
{
    double dx = (a.x1 + a.x2 - b.x1 - b.x2) / 2, dy = (a.y1 + a.y2 - b.y1 - b.y2) / 2;
    return 0.9 * kt_xyxy_iou(a, b) + 0.1 * exp(-0.1 * sqrt(dx * dx + dy * dy));
}

static void least_part(void *ctx, size_t part)
{
    struct pass *w = ctx;
    double least = INFINITY;
    for (size_t i = part * PART_IMAGES; i < KT_MIN(w->given->n, (part + 1) * PART_IMAGES); i++)
        for (size_t g = w->given->start[i]; g < w->given->start[i + 1]; g++)
            for (size_t p = w->predicted->start[i]; p < w->predicted->start[i + 1]; p++) {
                double s = similarity(w->given->box[g], w->predicted->box[p]);
                if (s > 0)
                    least = KT_MIN(least, s);
            }
    w->least[part] = least;
}

/* NaN: accuses nobody. */
static double overlooked(const struct pass *w, size_t image, size_t p)
{
    const kt_boxes *g = w->given, *d = w->predicted;
    double best = -1;
    if (d->score[p] < SURE)
        return NAN;
    for (size_t q = g->start[image]; q < g->start[image + 1]; q++) {
        if (kt_xyxy_overlap(g->box[q], d->box[p]) > 0)
            return NAN;
        if (g->label[q] == d->label[p])
            best = KT_MAX(best, similarity(g->box[q], d->box[p]));
    }
    return best >= 0 ? best : w->smallest * (1 - d->score[p]);
}

static double badloc(const struct pass *w, size_t image, size_t q)
{
    const kt_boxes *g = w->given, *d = w->predicted;
    double best = -1;
    for (size_t p = d->start[image]; p < d->start[image + 1]; p++)
        if (d->label[p] == g->label[q] && d->score[p] > LIKELY && kt_xyxy_overlap(g->box[q], d->box[p]) > 0)
            best = KT_MAX(best, similarity(g->box[q], d->box[p]));
    return best >= 0 ? best : 1;
}

static double swap(const struct pass *w, size_t image, size_t q)
{
    const kt_boxes *g = w->given, *d = w->predicted;
    double best = -1;
    for (size_t r = g->start[image]; r < g->start[image + 1]; r++)
        if (g->label[r] != g->label[q] && kt_xyxy_iou(g->box[r], g->box[q]) >= DOUBLED)
            return w->smallest;
    for (size_t p = d->start[image]; p < d->start[image + 1]; p++)
        if (d->label[p] != g->label[q] && d->score[p] > SURE)
            best = KT_MAX(best, similarity(g->box[q], d->box[p]));
    return best >= 0 ? KT_MAX(w->smallest, 1 - best) : 1;
}

/* Soft minimum, term by term: weights relative to the least score so far. */
struct soft {
    double least, sum, weight;
};

static void soft_add(struct soft *s, double x)
{
    if (isnan(x))
        return;
    if (x < s->least) {
        double shrink = exp((x - s->least) / TEMPERATURE); /* 0 for the first */
        s->sum *= shrink;
        s->weight *= shrink;
        s->least = x;
    }
    double w = exp((s->least - x) / TEMPERATURE);
    s->sum += w * x;
    s->weight += w;
}

static double soft_value(const struct soft *s)
{
    return s->weight > 0 ? s->sum / s->weight : 1;
}

static void score_part(void *ctx, size_t part)
{
    struct pass *w = ctx;
    for (size_t i = part * PART_IMAGES; i < KT_MIN(w->given->n, (part + 1) * PART_IMAGES); i++) {
        struct soft kind[3] = { { INFINITY, 0, 0 }, { INFINITY, 0, 0 }, { INFINITY, 0, 0 } };
        for (size_t p = w->predicted->start[i]; p < w->predicted->start[i + 1]; p++) {
            double s = overlooked(w, i, p);
            soft_add(&kind[0], s);
            if (w->overlooked)
                w->overlooked[p] = s;
        }
        for (size_t q = w->given->start[i]; q < w->given->start[i + 1]; q++) {
            double bad = badloc(w, i, q), swapped = swap(w, i, q);
            soft_add(&kind[1], bad);
            soft_add(&kind[2], swapped);
            if (w->badloc)
                w->badloc[q] = bad;
            if (w->swap)
                w->swap[q] = swapped;
        }
        double product = 0;
        for (int k = 0; k < 3; k++)
            product += log(soft_value(&kind[k]) + 1e-100);
        w->image[i] = exp(product / 3);
    }
}

static kt_rc check(const kt_boxes *b, const char *what, kt_err *err)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->start[i + 1] < b->start[i])
            return kt_fail(err, KT_RANGE, "image %zu: its boxes end before they start", i);
    for (size_t k = b->n ? b->start[0] : 0; b->n && k < b->start[b->n]; k++) {
        KT_TRY(kt_xyxy_check(b->box[k], what, k, err));
        if (b->score && !(b->score[k] >= 0 && b->score[k] <= 1))
            return kt_fail(err, KT_RANGE, "%s %zu: its score is %g; expected a number from 0 to 1", what, k, b->score[k]);
    }
    return 0;
}

kt_rc kt_box_quality(const kt_boxes *given, const kt_boxes *predicted, kt_pool *pool, double *ret_overlooked, double *ret_badloc,
                     double *ret_swap, double *ret_image, kt_err *err)
{
    if (given->n != predicted->n)
        return kt_fail(err, KT_RANGE, "%zu images with labels, %zu with predictions", given->n, predicted->n);
    KT_TRY(check(given, "box", err));
    KT_TRY(check(predicted, "prediction", err));
    size_t parts = (given->n + PART_IMAGES - 1) / PART_IMAGES;
    struct pass w = { .given = given, .predicted = predicted, .least = kt_alloc_array(parts + 1, sizeof(double)), .smallest = INFINITY,
                      .overlooked = ret_overlooked, .badloc = ret_badloc, .swap = ret_swap, .image = ret_image };
    kt_pool_run(pool, parts, least_part, &w);
    for (size_t p = 0; p < parts; p++)
        w.smallest = KT_MIN(w.smallest, w.least[p]);
    if (isinf(w.smallest))
        w.smallest = 1; /* no pair at all */
    kt_pool_run(pool, parts, score_part, &w);
    kt_free(w.least);
    return 0;
}
