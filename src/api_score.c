/* The public API: scores of predictions. */
#include "api_int.h"

#include "algo/score/score.h"
#include "algo/learn/select.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

_Static_assert(sizeof(kt_xywh) == 4 * sizeof(double), "four numbers a box");

static const kt_xywh *boxes_of(const double *xywh)
{
    return (const kt_xywh *)(const void *)xywh;
}

static void copy(void *to, const void *from, size_t n, size_t size)
{
    if (to && n)
        memcpy(to, from, n * size);
}

karat_rc karat_score_classes(karat_context *ctx, const int32_t *truth, const int32_t *predicted, const double *prob, size_t n, uint32_t n_labels,
                             karat_class_scores *ret, double *ret_precision, double *ret_recall, double *ret_f1, uint64_t *ret_support,
                             uint64_t *ret_confusion, karat_error *err)
{
    kt_err e = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_class_score s;
    kt_rc rc = kt_api_given(truth, n, "truth", &e);
    if (rc == 0 && !prob)
        rc = kt_api_given(predicted, n, "predicted or prob", &e);
    if (rc == 0) {
        kt_class_predictions p = { n, n_labels, truth, predicted, prob };
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_score_classes(&p, pool, &a, &s, &e);
        kt_api_give(ctx, pool);
    }
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    *ret = (karat_class_scores){ s.accuracy, s.accuracy_ci95[0], s.accuracy_ci95[1], s.balanced_accuracy, s.mcc, s.f1_macro, s.f1_weighted, s.f1_micro,
                                 s.log_loss, s.brier, s.ece, s.mce };
    copy(ret_precision, s.precision, n_labels, sizeof(double));
    copy(ret_recall, s.recall, n_labels, sizeof(double));
    copy(ret_f1, s.f1, n_labels, sizeof(double));
    copy(ret_support, s.support, n_labels, sizeof(uint64_t));
    copy(ret_confusion, s.confusion, (size_t)n_labels * n_labels, sizeof(uint64_t));
    return KARAT_OK;
}

karat_rc karat_uncertainty(const double *prob, size_t n, uint32_t n_labels, double *ret_entropy, double *ret_margin, double *ret_least_confidence,
                           karat_error *err)
{
    kt_err e = { 0 };
    kt_rc rc = kt_api_given(prob, n * (n_labels > 0), "prob", &e);
    for (size_t i = 0; i < n * n_labels && rc == 0; i++)
        if (!(prob[i] >= 0 && prob[i] <= 1))
            rc = kt_fail(&e, KT_RANGE, "row %zu, label %zu: %g is no probability", i / n_labels, i % n_labels, prob[i]);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const double *row = prob + i * n_labels;
        if (ret_entropy)
            ret_entropy[i] = kt_select_entropy.score(row, n_labels, 0);
        if (ret_margin)
            ret_margin[i] = 1 - kt_select_margin.score(row, n_labels, 0);
        if (ret_least_confidence)
            ret_least_confidence[i] = kt_select_least_confidence.score(row, n_labels, 0);
    }
    return kt_api_end(rc, &e, err);
}

/* ---- spans ---- */

struct karat_span_scores {
    kt_arena arena;
    kt_span_types types; /* names are copies in the arena */
    kt_span_score s;
};

static kt_rc tags_of(const char *const *tag, const size_t *start, size_t n_sentences, kt_tag_scheme scheme, kt_arena *a, kt_span_types *types,
                     kt_token_spans *ret, kt_err *err)
{
    for (size_t s = 0; s < n_sentences; s++) {
        if (start[s] > start[s + 1])
            return kt_fail(err, KT_RANGE, "sentence %zu ends before it starts", s);
        size_t n = start[s + 1] - start[s];
        kt_str *text = kt_alloc_array(n + 1, sizeof(*text));
        uint32_t known = types->n;
        for (size_t i = 0; i < n; i++)
            text[i] = kt_str_of(tag[start[s] + i]);
        kt_rc rc = kt_spans_of_tags(text, n, (uint32_t)s, scheme, types, ret, err);
        for (; known < types->n; known++)
            types->name[known] = kt_arena_str(a, types->name[known]);
        kt_free(text);
        if (rc < 0)
            return kt_context(err, "sentence %zu", s);
    }
    return 0;
}

static kt_rc score_spans(const char *const *predicted, const char *const *truth, const size_t *start, size_t n_sentences, const char *scheme,
                         int overlap, karat_span_scores *r, kt_err *err)
{
    kt_token_spans p = { 0 }, t = { 0 };
    int k = 0;
    while (scheme && kt_tag_scheme_names[k] && !kt_str_eq(kt_str_of(scheme), kt_str_of(kt_tag_scheme_names[k])))
        k++;
    if (!kt_tag_scheme_names[k])
        return kt_fail(err, KT_USAGE, "there is no scheme %.80s; there are default, IOB2, IOBES and IOE2", scheme);
    if (n_sentences >= UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu sentences", n_sentences);
    kt_rc rc = tags_of(predicted, start, n_sentences, (kt_tag_scheme)k, &r->arena, &r->types, &p, err);
    if (rc == 0)
        rc = tags_of(truth, start, n_sentences, (kt_tag_scheme)k, &r->arena, &r->types, &t, err);
    if (rc == 0)
        rc = kt_score_spans(&p, &t, r->types.n, overlap != 0, &r->arena, &r->s, err);
    kt_free(p.v);
    kt_free(t.v);
    return rc;
}

karat_rc karat_score_spans(const char *const *predicted, const char *const *truth, const size_t *start, size_t n_sentences, const char *scheme,
                           int overlap, karat_span_scores **ret, karat_error *err)
{
    kt_err e = { 0 };
    karat_span_scores *r = kt_zalloc(sizeof(*r));
    kt_rc rc = score_spans(predicted, truth, start, n_sentences, scheme, overlap, r, &e);
    if (rc == 0)
        *ret = r;
    else
        karat_span_scores_free(r);
    return kt_api_end(rc, &e, err);
}

void karat_span_scores_free(karat_span_scores *s)
{
    if (s) {
        kt_span_types_done(&s->types);
        kt_arena_done(&s->arena);
    }
    kt_free(s);
}

size_t karat_span_scores_types(const karat_span_scores *s)
{
    return s->types.n;
}

const char *karat_span_scores_get(const karat_span_scores *s, size_t i, karat_prf *ret)
{
    static const char *const averages[] = { "micro avg", "macro avg", "weighted avg" };
    const kt_prf *mean[] = { &s->s.micro, &s->s.macro, &s->s.weighted };
    if (i >= s->types.n + KT_LEN(mean))
        return NULL;
    const kt_prf *p = i < s->types.n ? &s->s.type[i] : mean[i - s->types.n];
    *ret = (karat_prf){ p->precision, p->recall, p->f1, p->support, p->predicted, p->hits };
    return i < s->types.n ? s->types.name[i].p : averages[i - s->types.n];
}

/* ---- boxes ---- */

karat_rc karat_box_iou(const double *a, size_t n, const double *b, size_t m, const uint8_t *crowd, double *ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_rc rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = kt_xywh_check(boxes_of(a)[i], "box", i, &e);
    for (size_t k = 0; k < m && rc == 0; k++)
        rc = kt_xywh_check(boxes_of(b)[k], "second box", k, &e);
    for (size_t i = 0; i < n && rc == 0; i++)
        for (size_t k = 0; k < m; k++)
            ret[i * m + k] = kt_xywh_iou(boxes_of(a)[i], boxes_of(b)[k], crowd && crowd[k]);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_score_boxes(karat_context *ctx, const karat_detections *predicted, const karat_detections *truth, uint32_t n_images,
                           uint32_t n_categories, karat_map_scores *ret, double *ret_ap, double *ret_ap50, karat_error *err)
{
    kt_err e = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_map_score s;
    kt_rc rc = kt_api_given(predicted->score, predicted->n, "the predictions' score", &e);
    if (rc == 0)
        rc = kt_api_fits(n_categories, 1024, "categories", &e);
    if (rc == 0) {
        kt_detections p = { predicted->n, predicted->image, predicted->category, boxes_of(predicted->xywh), predicted->score, NULL };
        kt_detections t = { truth->n, truth->image, truth->category, boxes_of(truth->xywh), NULL, truth->crowd };
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_score_boxes(&p, &t, n_images, n_categories, pool, &a, &s, &e);
        kt_api_give(ctx, pool);
    }
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    *ret = (karat_map_scores){ s.ap, s.ap50, s.ap75, s.ap_small, s.ap_medium, s.ap_large, s.ar1, s.ar10, s.ar100, s.ar_small, s.ar_medium, s.ar_large, s.matched_iou };
    copy(ret_ap, s.ap_of, n_categories, sizeof(double));
    copy(ret_ap50, s.ap50_of, n_categories, sizeof(double));
    return KARAT_OK;
}

/* ---- text, masks, segments, tracks ---- */

karat_rc karat_count_edits(const char *predicted, size_t predicted_bytes, const char *truth, size_t truth_bytes, int chars, karat_edits *inout,
                           karat_error *err)
{
    kt_err e = { 0 };
    kt_edit_counts c = { inout->length, inout->substituted, inout->deleted, inout->inserted };
    kt_rc rc = kt_score_text((kt_str){ predicted, predicted_bytes }, (kt_str){ truth, truth_bytes }, chars ? KT_UNIT_CHAR : KT_UNIT_WORD, &c, &e);
    if (rc == 0)
        *inout = (karat_edits){ c.length, c.substituted, c.deleted, c.inserted };
    return kt_api_end(rc, &e, err);
}

karat_rc karat_score_masks(const int32_t *predicted, const int32_t *truth, size_t n, uint32_t n_labels, double *ret_iou, double *ret_dice,
                           double *ret_pixel_accuracy, karat_error *err)
{
    kt_err e = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_mask_score s = { 0 };
    kt_rc rc = kt_api_fits(n_labels, 8 * sizeof(double), "labels", &e);
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    kt_score_masks(predicted, truth, n, n_labels, &a, &s);
    kt_mask_score_finish(&s, n_labels);
    copy(ret_iou, s.iou, n_labels, sizeof(double));
    copy(ret_dice, s.dice, n_labels, sizeof(double));
    if (ret_pixel_accuracy)
        *ret_pixel_accuracy = s.pixel_accuracy;
    return KARAT_OK;
}

karat_rc karat_score_boundary(const uint8_t *predicted, const uint8_t *truth, uint32_t width, uint32_t height, double tolerance_px,
                              karat_boundary_scores *ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_boundary_score s;
    kt_rc rc = kt_api_fits((size_t)width * height, 4 * sizeof(double), "pixels", &e);
    if (rc == 0 && !(tolerance_px >= 0))
        rc = kt_fail(&e, KT_RANGE, "the tolerance is %g pixels; expected 0 or more", tolerance_px);
    if (rc == 0) {
        kt_score_boundary(predicted, truth, width, height, tolerance_px, &s);
        *ret = (karat_boundary_scores){ s.precision, s.recall, s.f1, s.mean_px, s.max_px };
    }
    return kt_api_end(rc, &e, err);
}

static kt_segment *segments_of(const karat_segments *s)
{
    kt_segment *ret = kt_alloc_array(s->n + 1, sizeof(*ret));
    for (size_t i = 0; i < s->n; i++)
        ret[i] = (kt_segment){ s->item[i], s->label[i], s->start_s[i], s->end_s[i] };
    return ret;
}

karat_rc karat_score_segments(const karat_segments *predicted, const karat_segments *truth, double *ret_iou, double ret_f1[3], karat_error *err)
{
    kt_err e = { 0 };
    kt_segment_score s;
    kt_segment *p = segments_of(predicted), *t = segments_of(truth);
    kt_rc rc = kt_score_segments(p, predicted->n, t, truth->n, &s, &e);
    kt_free(p);
    kt_free(t);
    if (rc == 0 && ret_iou)
        *ret_iou = s.iou;
    for (int k = 0; k < 3 && rc == 0 && ret_f1; k++)
        ret_f1[k] = s.f1_at[k].f1;
    return kt_api_end(rc, &e, err);
}

karat_rc karat_score_tracks(const karat_tracks *predicted, const karat_tracks *truth, karat_track_scores *ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_track_score s;
    kt_track_boxes p = { predicted->n, predicted->frame, predicted->track, boxes_of(predicted->xywh) };
    kt_track_boxes t = { truth->n, truth->frame, truth->track, boxes_of(truth->xywh) };
    kt_rc rc = kt_score_tracks(&p, &t, &s, &e);
    if (rc == 0)
        *ret = (karat_track_scores){ s.misses, s.false_positives, s.switches, s.mota, s.motp, s.idf1, s.id_precision, s.id_recall, s.hota, s.det_a, s.ass_a };
    return kt_api_end(rc, &e, err);
}
