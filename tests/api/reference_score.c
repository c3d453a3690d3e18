/* Scores of predictions, and likeness of texts, through karat.h. */
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void classification_metrics(const json *c)
{
    const json *want = json_get(c, "expected");
    size_t n, m;
    int32_t *y = ints(json_at(c, "input", "y"), &n);
    double *p = json_numbers(json_at(c, "input", "probs"), &m), t = tolerance_of(c, "abs");
    uint32_t k = (uint32_t)(m / n);
    double *v = malloc((3 * k + 2 * ((size_t)k * k + k) + 1) * sizeof(double));
    uint64_t *support = malloc((k + (size_t)k * k + 1) * sizeof(*support));
    karat_class_scores s = { 0 };
    karat_error e;
    must(karat_score_classes(reference_ctx, y, NULL, p, n, k, &s, v, v + k, v + 2 * k, support, support + k, &e), &e);
    const struct { const char *key; double got; } single[] = {
        { "accuracy", s.accuracy }, { "balanced_accuracy", s.balanced_accuracy }, { "f1_macro", s.f1_macro }, { "f1_weighted", s.f1_weighted },
        { "f1_micro", s.f1_micro }, { "mcc", s.mcc }, { "log_loss", s.log_loss }, { "brier", s.brier }, { "ece15", s.ece }, { "mce15", s.mce },
    };
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        close_to(single[i].key, single[i].got, number(json_get(want, single[i].key)), t);
    all_close("precision", v, json_get(want, "precision"), t);
    all_close("recall", v + k, json_get(want, "recall"), t);
    all_close("f1", v + 2 * k, json_get(want, "f1"), t);
    for (size_t i = 0; i < k + (size_t)k * k; i++)
        v[3 * k + i] = (double)support[i];
    all_close("support", v + 3 * k, json_get(want, "support"), 0);
    all_close("confusion", v + 4 * k, json_get(want, "confusion"), 0);
    free(y);
    free(p);
    free(v);
    free(support);
}

static const char **tags_of(const json *sentences, size_t *start)
{
    size_t n = 0;
    for (size_t s = 0; s < sentences->n; s++)
        start[s + 1] = n += sentences->child[s].n;
    const char **tag = malloc((n + 1) * sizeof(*tag));
    for (size_t s = 0, i = 0; s < sentences->n; s++)
        for (size_t k = 0; k < sentences->child[s].n; k++)
            tag[i++] = sentences->child[s].child[k].text;
    return tag;
}

static void span_f1(const json *c)
{
    const json *want = json_get(c, "expected"), *truth = json_at(c, "input", "true"), *said = json_at(c, "input", "pred");
    size_t *start = calloc(truth->n + 1, sizeof(*start));
    const char **a = tags_of(said, start), **b = tags_of(truth, start);
    for (size_t q = 0; q < want->n; q++) {
        const char *scheme = strncmp(want->key[q], "strict_", 7) == 0 ? want->key[q] + 7 : want->key[q];
        karat_span_scores *s = NULL;
        karat_error e;
        if (strncmp(want->key[q], "entities", 8) == 0)
            continue;
        must(karat_score_spans(a, b, start, truth->n, scheme, 0, &s, &e), &e);
        size_t seen = 0;
        for (size_t i = 0; s && i < karat_span_scores_types(s) + 3; i++) {
            karat_prf r;
            const char *name = karat_span_scores_get(s, i, &r);
            const json *row = json_get(&want->child[q], name);
            if (!row && (r.support || r.predicted))
                wrong(name, (double)r.predicted, 0);
            if (!row)
                continue;
            seen++;
            close_to("precision", r.precision, number(json_get(row, "precision")), tolerance_of(c, "abs"));
            close_to("recall", r.recall, number(json_get(row, "recall")), tolerance_of(c, "abs"));
            close_to("f1", r.f1, number(json_get(row, "f1")), tolerance_of(c, "abs"));
            close_to("support", (double)r.support, number(json_get(row, "support")), 0);
        }
        if (seen != want->child[q].n)
            wrong(scheme, (double)seen, (double)want->child[q].n);
        karat_span_scores_free(s);
    }
    free(start);
    free(a);
    free(b);
}

static void box_iou(const json *c)
{
    size_t n, m, k;
    double *a = json_numbers(json_at(c, "input", "dt_xywh"), &n), *b = json_numbers(json_at(c, "input", "gt_xywh"), &m);
    double *crowd = json_numbers(json_at(c, "input", "iscrowd"), &k), *out = malloc((n * m / 16 + 1) * sizeof(double));
    uint8_t *flag = malloc(k + 1);
    karat_error e;
    for (size_t i = 0; i < k; i++)
        flag[i] = crowd[i] != 0;
    must(karat_box_iou(a, n / 4, b, m / 4, flag, out, &e), &e);
    all_close("iou", out, json_at(c, "expected", "iou"), tolerance_of(c, "abs"));
    free(a);
    free(b);
    free(crowd);
    free(out);
    free(flag);
}

static uint32_t place(const json *list, double x)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->child[i].number == x)
            return (uint32_t)i;
    return UINT32_MAX;
}

static karat_detections detections(const json *rows, const json *input)
{
    size_t n = rows->n;
    uint32_t *image = malloc((n + 1) * 4), *category = malloc((n + 1) * 4);
    double *box = malloc((4 * n + 1) * sizeof(double)), *score = malloc((n + 1) * sizeof(double));
    uint8_t *crowd = calloc(n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        const json *r = &rows->child[i];
        image[i] = place(json_get(input, "image_ids"), number(json_get(r, "image")));
        category[i] = place(json_get(input, "category_ids"), number(json_get(r, "category")));
        for (size_t k = 0; k < 4; k++)
            box[4 * i + k] = json_get(r, "bbox")->child[k].number;
        score[i] = number(json_get(r, "score"));
        crowd[i] = number(json_get(r, "iscrowd")) > 0;
    }
    return (karat_detections){ n, image, category, box, score, crowd };
}

static void detections_free(karat_detections *d)
{
    free((void *)(uintptr_t)d->image);
    free((void *)(uintptr_t)d->category);
    free((void *)(uintptr_t)d->xywh);
    free((void *)(uintptr_t)d->score);
    free((void *)(uintptr_t)d->crowd);
}

static double slice(const json *j)
{
    return number(j) == -1 ? NAN : number(j);
}

static void coco_map(const json *c)
{
    const json *input = json_get(c, "input"), *want = json_get(c, "expected");
    karat_detections p = detections(json_get(input, "dt"), input), t = detections(json_get(input, "gt"), input);
    uint32_t k = (uint32_t)json_get(input, "category_ids")->n;
    double *ap = malloc((2 * k + 1) * sizeof(double));
    karat_map_scores s = { 0 };
    karat_error e;
    must(karat_score_boxes(reference_ctx, &p, &t, (uint32_t)json_get(input, "image_ids")->n, k, &s, ap, ap + k, &e), &e);
    const struct { const char *key; double got; } single[] = {
        { "AP", s.ap }, { "AP50", s.ap50 }, { "AP75", s.ap75 }, { "APs", s.ap_small }, { "APm", s.ap_medium }, { "APl", s.ap_large },
        { "AR1", s.ar1 }, { "AR10", s.ar10 }, { "AR100", s.ar100 }, { "ARs", s.ar_small }, { "ARm", s.ar_medium }, { "ARl", s.ar_large },
    };
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        close_to(single[i].key, single[i].got, slice(json_get(want, single[i].key)), tolerance_of(c, "abs"));
    for (uint32_t i = 0; i < k; i++) {
        close_to("AP of category", ap[i], slice(&json_get(want, "AP_per_category")->child[i]), tolerance_of(c, "abs"));
        close_to("AP50 of category", ap[k + i], slice(&json_get(want, "AP50_per_category")->child[i]), tolerance_of(c, "abs"));
    }
    detections_free(&p);
    detections_free(&t);
    free(ap);
}

static void uncertainty(const json *c)
{
    static const char *const keys[] = { "entropy", "margin", "least_confidence" };
    size_t n, rows = json_at(c, "input", "probs")->n;
    double *p = json_numbers(json_at(c, "input", "probs"), &n), *out = malloc((3 * rows + 1) * sizeof(double));
    karat_error e;
    must(karat_uncertainty(p, rows, (uint32_t)(n / rows), out, out + rows, out + 2 * rows, &e), &e);
    for (size_t k = 0; k < 3; k++)
        all_close(keys[k], out + k * rows, json_at(c, "expected", keys[k]), tolerance_of(c, "abs"));
    free(p);
    free(out);
}

static void permutations(const json *want)
{
    uint64_t a[128], b[128];
    char text[24];
    karat_error e;
    must(karat_minhash_permutations(NULL, a, b, &e), &e);
    for (size_t i = 0; i < 128; i++)
        for (int k = 0; k < 2; k++) {
            snprintf(text, sizeof(text), "%llu", (unsigned long long)(k ? b : a)[i]);
            close_to("permutation", strcmp(text, json_get(want, k ? "b" : "a")->child[i].text), 0, 0);
        }
}

static void bands(const json *asked, const json *want)
{
    for (size_t i = 0; i < asked->n; i++) {
        const json *a = &asked->child[i], *w = &want->child[i];
        uint32_t b = 0, r = 0;
        karat_error e;
        must(karat_minhash_bands(number(&a->child[0]), (uint32_t)number(&a->child[1]), &b, &r, &e), &e);
        close_to("bands", b, number(&w->child[0]), 0);
        close_to("rows", r, number(&w->child[1]), 0);
    }
}

static void minhash(const json *c)
{
    const json *in = json_get(c, "input"), *want = json_get(c, "expected"), *pairs = json_get(in, "pairs");
    karat_near_options o = KARAT_OPTIONS_INIT(karat_near_options);
    karat_error e;
    if (json_get(want, "a"))
        permutations(want);
    if (json_get(want, "bands_rows"))
        bands(json_get(in, "threshold_numperm"), json_get(want, "bands_rows"));
    for (size_t i = 0; pairs && i < pairs->n; i++) {
        const char *text[2] = { pairs->child[i].child[0].text, pairs->child[i].child[1].text };
        const json *w = &json_get(want, "pairs")->child[i];
        uint32_t slots[2][128];
        size_t n[2], equal = 0;
        double exact = NAN;
        o.shingle = json_get(in, "shingle")->text;
        must(karat_minhash(reference_ctx, text, NULL, 2, &o, slots[0], n, &e), &e);
        must(karat_jaccard(text[0], strlen(text[0]), text[1], strlen(text[1]), &o, &exact, NULL, NULL, &e), &e);
        for (size_t k = 0; k < 128; k++)
            equal += slots[0][k] == slots[1][k];
        close_to("shingles", (double)n[0], number(json_get(w, "shingles_a")), 0);
        close_to("shingles", (double)n[1], number(json_get(w, "shingles_b")), 0);
        close_to("jaccard", exact, number(json_get(w, "jaccard")), tolerance_of(c, "jaccard_abs"));
        close_to("estimate", (double)equal / 128, number(json_get(w, "estimate")), tolerance_of(c, "estimate_abs_same_hash"));
    }
}

const check score_checks[] = {
    { "classification_metrics", classification_metrics }, { "span_f1", span_f1 }, { "box_iou", box_iou }, { "coco_map", coco_map },
    { "uncertainty", uncertainty }, { "minhash", minhash }, { NULL, NULL },
};
