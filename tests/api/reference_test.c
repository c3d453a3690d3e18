/* Every stored answer of KARAT_SHARED/reference whose method karat.h has, through the C library alone. Exits 77 when the folder
   is absent. */
#include "case.h"
#include "karat.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static karat_context *ctx;
static int bad; /* of the case at hand */

static void wrong(const char *what, double got, double want)
{
    if (bad++ < 5)
        printf("    %s: %.12g, expected %.12g\n", what, got, want);
}

/* null in the case is NaN, and so is what is undefined here. */
static void close_to(const char *what, double got, double want, double tolerance)
{
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= tolerance))
        wrong(what, got, want);
}

static void all_close(const char *what, const double *got, const json *want, double tolerance)
{
    size_t n;
    double *w = json_numbers(want, &n);
    for (size_t i = 0; i < n; i++)
        close_to(what, got[i], w[i], tolerance);
    free(w);
}

static double number(const json *j)
{
    return j && j->kind == J_NUMBER ? j->number : NAN;
}

static double tolerance_of(const json *c, const char *key)
{
    return number(json_at(c, "tolerance", key));
}

static void must(karat_rc rc, const karat_error *e)
{
    if (rc < 0) {
        printf("    error: %s\n", e->what);
        bad++;
    }
}

static int32_t *ints(const json *j, size_t *n)
{
    double *x = json_numbers(j, n);
    int32_t *ret = malloc((*n + 1) * sizeof(*ret));
    for (size_t i = 0; i < *n; i++)
        ret[i] = isnan(x[i]) ? -1 : (int32_t)x[i];
    free(x);
    return ret;
}

static void cohen_kappa(const json *c)
{
    static const char *const weights[] = { "none", "linear", "quadratic" };
    size_t n, m, k;
    double *a = json_numbers(json_at(c, "input", "a"), &n), *b = json_numbers(json_at(c, "input", "b"), &m);
    const json *labels = json_at(c, "input", "labels");
    double *domain = json_numbers(labels && labels->kind == J_ARRAY ? labels : NULL, &k), *both = malloc((2 * n + 1) * sizeof(double));
    memcpy(both, a, n * sizeof(double));
    memcpy(both + n, b, n * sizeof(double));
    for (int w = 0; w < 3; w++) {
        char text[40];
        snprintf(text, sizeof(text), "weights=%s", weights[w]);
        const char *set[] = { text };
        karat_agree_options o = KARAT_OPTIONS_INIT(karat_agree_options);
        karat_matrix ratings = { both, KARAT_F64, n, 2, sizeof(double), (ptrdiff_t)(n * sizeof(double)) };
        karat_agreement r = { 0 };
        karat_error e;
        o.set = set;
        o.n_set = 1;
        o.domain = k ? domain : NULL;
        o.n_domain = k;
        must(karat_agree_matrix(ctx, "cohen_kappa", &ratings, &o, &r, &e), &e);
        close_to(weights[w], r.value, number(json_at(c, "expected", weights[w])), tolerance_of(c, "abs"));
    }
    free(a);
    free(b);
    free(both);
    free(domain);
}

static void fleiss_kappa(const json *c)
{
    const json *counts = json_at(c, "input", "counts");
    size_t n, k = counts->child[0].n, total = 0;
    double *x = json_numbers(counts, &n);
    for (size_t i = 0; i < n; i++)
        total += (size_t)x[i];
    uint32_t *item = malloc((total + 1) * 4), *source = calloc(total + 1, 4);
    int32_t *label = malloc((total + 1) * 4);
    size_t v = 0;
    for (size_t unit = 0; unit < n / k; unit++) {
        uint32_t rater = 0;
        for (size_t l = 0; l < k; l++)
            for (size_t t = 0; t < (size_t)x[unit * k + l]; t++, v++) {
                item[v] = (uint32_t)unit;
                source[v] = rater++;
                label[v] = (int32_t)l;
            }
    }
    karat_votes votes = { v, (uint32_t)(n / k), (uint32_t)total, (uint32_t)k, item, source, label };
    static const char *const names[2][2] = { { "fleiss_kappa", "fleiss" }, { "randolph_kappa", "randolph" } };
    for (int i = 0; i < 2; i++) {
        karat_agreement r = { 0 };
        karat_error e;
        must(karat_agree(ctx, names[i][0], &votes, NULL, &r, &e), &e);
        close_to(names[i][1], r.value, number(json_at(c, "expected", names[i][1])), tolerance_of(c, "abs"));
    }
    free(x);
    free(item);
    free(source);
    free(label);
}

static void krippendorff_alpha(const json *c)
{
    const json *alpha = json_at(c, "expected", "alpha"), *given = json_at(c, "input", "value_domain");
    size_t n, k, raters = json_at(c, "input", "reliability")->n;
    double *x = json_numbers(json_at(c, "input", "reliability"), &n), *domain = json_numbers(given && given->kind == J_ARRAY ? given : NULL, &k);
    karat_matrix ratings = { x, KARAT_F64, n / raters, raters, sizeof(double), (ptrdiff_t)(n / raters * sizeof(double)) };
    for (size_t i = 0; i < alpha->n; i++) {
        char text[40];
        snprintf(text, sizeof(text), "level=%s", alpha->key[i]);
        const char *set[] = { text };
        karat_agree_options o = KARAT_OPTIONS_INIT(karat_agree_options);
        karat_agreement r = { 0 };
        karat_error e;
        o.set = set;
        o.n_set = 1;
        o.domain = k ? domain : NULL;
        o.n_domain = k;
        must(karat_agree_matrix(ctx, "krippendorff_alpha", &ratings, &o, &r, &e), &e);
        close_to(text, r.value, number(&alpha->child[i]), tolerance_of(c, "abs"));
    }
    free(x);
    free(domain);
}

/* ---- merging ---- */

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers of each third entry of the triples, ascending, and the names behind them. */
static uint32_t *numbered(const double *triples, size_t n, int which, double **ret_name, uint32_t *ret_n)
{
    double *name = malloc((n + 1) * sizeof(double));
    uint32_t *ret = malloc((n + 1) * sizeof(*ret)), k = 0;
    for (size_t i = 0; i < n; i++)
        name[i] = triples[3 * i + (size_t)which];
    qsort(name, n, sizeof(double), by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || name[i] != name[k - 1])
            name[k++] = name[i];
    for (size_t i = 0; i < n; i++)
        ret[i] = (uint32_t)((double *)bsearch(&triples[3 * i + (size_t)which], name, k, sizeof(double), by_number) - name);
    *ret_name = name;
    *ret_n = k;
    return ret;
}

static double named(const json *j, double name)
{
    char key[40];
    snprintf(key, sizeof(key), "%.0f", name);
    return number(json_get(j, key));
}

static void aggregate(const json *c)
{
    const char *method = json_get(c, "method")->text;
    const json *n_iter = json_at(c, "input", "n_iter"), *gold = json_at(c, "input", "gold"), *weight = json_at(c, "input", "worker_weight");
    const json *want = json_get(c, "expected");
    size_t n;
    double *triples = json_numbers(json_at(c, "input", "task_worker_label"), &n), *tasks, *workers, *labels;
    n /= 3;
    karat_votes v = { .n = n };
    uint32_t *item = numbered(triples, n, 0, &tasks, &v.n_items), *source = numbered(triples, n, 1, &workers, &v.n_sources);
    uint32_t *label = numbered(triples, n, 2, &labels, &v.n_labels);
    v.item = item;
    v.source = source;
    v.label = (const int32_t *)label;
    karat_aggregate_options o = KARAT_OPTIONS_INIT(karat_aggregate_options);
    char text[40];
    snprintf(text, sizeof(text), "n_iter=%.0f", number(n_iter));
    const char *set[] = { text };
    int32_t *known = malloc((v.n_items + 1) * sizeof(*known));
    double *weights = malloc((v.n_sources + 1) * sizeof(*weights)), t = tolerance_of(c, "abs");
    o.set = set;
    o.n_set = n_iter != NULL;
    for (uint32_t i = 0; i < v.n_items; i++) {
        double g = gold ? named(gold, tasks[i]) : NAN, *hit = isnan(g) ? NULL : bsearch(&g, labels, v.n_labels, sizeof(double), by_number);
        known[i] = hit ? (int32_t)(hit - labels) : -1;
    }
    for (uint32_t s = 0; weight && s < v.n_sources; s++)
        weights[s] = named(weight, workers[s]);
    o.gold = gold && gold->n ? known : NULL;
    o.source_weight = weight ? weights : NULL;
    int majority = strcmp(method, "majority_vote") == 0 || strcmp(method, "weighted_majority_vote") == 0;
    karat_posterior *p = NULL;
    karat_error e;
    must(karat_aggregate(ctx, majority ? "majority" : method, &v, &o, &p, &e), &e);
    if (p) {
        all_close("probas", karat_posterior_prob(p), json_get(want, "probas"), t);
        const json *accuracy = json_get(want, strcmp(method, "majority_vote") == 0 ? "worker_agreement" : "skills");
        for (uint32_t s = 0; accuracy && accuracy->kind == J_OBJECT && s < v.n_sources; s++)
            close_to("source", karat_posterior_source_accuracy(p)[s], named(accuracy, workers[s]), t);
        const json *priors = json_get(want, "priors");
        for (uint32_t k = 0; priors && k < v.n_labels; k++)
            close_to("prior", karat_posterior_prior(p)[k], named(priors, labels[k]), t);
        if (json_get(want, "confusion_worker_observed_true"))
            all_close("confusion", karat_posterior_source_confusion(p), json_get(want, "confusion_worker_observed_true"), t);
    }
    karat_posterior_free(p);
    void *all[] = { triples, tasks, workers, labels, item, source, label, known, weights };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

/* ---- errors ---- */

static void issue_list(const char *what, const uint8_t *issue, size_t n, const json *want)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (issue[i]) {
            if (k >= want->n || want->child[k].number != (double)i)
                wrong(what, (double)i, k < want->n ? want->child[k].number : NAN);
            k++;
        }
    if (k != want->n)
        wrong(what, (double)k, (double)want->n);
}

static void label_issues(const json *c)
{
    static const char *const filters[] = { "prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given",
                                           "low_self_confidence", "low_normalized_margin" };
    static const char *const qualities[] = { "self_confidence", "normalized_margin", "confidence_weighted_entropy" };
    const json *want = json_get(c, "expected");
    size_t n, m, off;
    int32_t *label = ints(json_at(c, "input", "labels"), &n);
    double *p = json_numbers(json_at(c, "input", "pred_probs"), &m);
    uint32_t k = (uint32_t)(m / n);
    karat_label_probs d = { n, k, label, p, KARAT_F64, k * sizeof(double) };
    uint8_t *issue = malloc(n + 1);
    double *score = malloc((n + 1) * sizeof(double)), *cells = malloc(((size_t)k * k + k + 1) * sizeof(double));
    int64_t *raw = malloc(2 * ((size_t)k * k + 1) * sizeof(*raw)), *joint = raw + (size_t)k * k;
    karat_error e;
    char key[60];
    for (size_t f = 0; f < 7; f++) {
        must(karat_label_issues(ctx, &d, filters[f], issue, NULL, &e), &e);
        snprintf(key, sizeof(key), "issues_%s", filters[f]);
        issue_list(filters[f], issue, n, json_get(want, key));
    }
    for (size_t q = 0; q < 3; q++) {
        must(karat_label_quality(ctx, &d, qualities[q], score, &e), &e);
        snprintf(key, sizeof(key), "quality_%s", qualities[q]);
        all_close(key, score, json_get(want, key), tolerance_of(c, "quality_abs"));
    }
    must(karat_confident_joint(ctx, &d, score, raw, joint, &off, &e), &e);
    all_close("thresholds", score, json_get(want, "thresholds"), tolerance_of(c, "thresholds_abs"));
    for (size_t i = 0; i < (size_t)k * k; i++)
        cells[i] = (double)raw[i];
    all_close("raw joint", cells, json_get(want, "confident_joint_raw"), 0);
    for (size_t i = 0; i < (size_t)k * k; i++)
        cells[i] = (double)joint[i];
    all_close("joint", cells, json_get(want, "confident_joint"), 0);
    close_to("off diagonal", (double)off, number(json_get(want, "num_issues_off_diagonal")), 0);
    free(label);
    free(p);
    free(issue);
    free(score);
    free(cells);
    free(raw);
}

static void token_label_issues(const json *c)
{
    const json *labels = json_at(c, "input", "labels"), *want = json_get(c, "expected");
    size_t n, m, found;
    int32_t *label = ints(labels, &n);
    double *p = json_numbers(json_at(c, "input", "pred_probs"), &m), *score = malloc((n + 1) * sizeof(double)), *of = malloc((labels->n + 1) * sizeof(double));
    size_t *start = calloc(labels->n + 1, sizeof(*start));
    uint8_t *issue = malloc(n + 1), *expected = calloc(n + 1, 1);
    karat_label_probs d = { n, (uint32_t)(m / n), label, p, KARAT_F64, m / n * sizeof(double) };
    karat_error e;
    for (size_t s = 0; s < labels->n; s++)
        start[s + 1] = start[s] + labels->child[s].n;
    must(karat_label_issues(ctx, &d, NULL, issue, &found, &e), &e);
    const json *pairs = json_get(want, "issues_sentence_token");
    for (size_t i = 0; i < pairs->n; i++)
        expected[start[(size_t)pairs->child[i].child[0].number] + (size_t)pairs->child[i].child[1].number] = 1;
    for (size_t i = 0; i < n; i++)
        if (issue[i] != expected[i])
            wrong("issue", issue[i], expected[i]);
    must(karat_label_quality(ctx, &d, NULL, score, &e), &e);
    all_close("tokens", score, json_get(want, "token_scores"), tolerance_of(c, "abs"));
    must(karat_group_quality(score, n, start, labels->n, 0, of, &e), &e);
    all_close("min", of, json_get(want, "sentence_score_min"), tolerance_of(c, "abs"));
    must(karat_group_quality(score, n, start, labels->n, 0.05, of, &e), &e);
    all_close("softmin", of, json_get(want, "sentence_score_softmin"), tolerance_of(c, "abs"));
    free(label);
    free(p);
    free(score);
    free(of);
    free(start);
    free(issue);
    free(expected);
}

static void object_label_quality(const json *c)
{
    const json *labels = json_at(c, "input", "labels"), *said = json_at(c, "input", "predictions_per_class_xyxy_score"), *want = json_get(c, "expected");
    size_t n = labels->n, cap = 10000, g = 0, p = 0;
    size_t *start[2] = { calloc(n + 1, sizeof(size_t)), calloc(n + 1, sizeof(size_t)) };
    double *box[2] = { malloc(cap * 4 * sizeof(double)), malloc(cap * 4 * sizeof(double)) }, *score = malloc(cap * sizeof(double)), *out = malloc(4 * cap * sizeof(double));
    int32_t *label[2] = { malloc(cap * 4), malloc(cap * 4) };
    for (size_t i = 0; i < n; i++) {
        const json *boxes = json_get(&labels->child[i], "bboxes_xyxy"), *of = json_get(&labels->child[i], "labels");
        for (size_t k = 0; k < boxes->n; k++, g++) {
            for (size_t j = 0; j < 4; j++)
                box[0][4 * g + j] = boxes->child[k].child[j].number;
            label[0][g] = (int32_t)of->child[k].number;
        }
        for (size_t l = 0; l < said->child[i].n; l++)
            for (size_t k = 0; k < said->child[i].child[l].n; k++, p++) {
                for (size_t j = 0; j < 4; j++)
                    box[1][4 * p + j] = said->child[i].child[l].child[k].child[j].number;
                score[p] = said->child[i].child[l].child[k].child[4].number;
                label[1][p] = (int32_t)l;
            }
        start[0][i + 1] = g;
        start[1][i + 1] = p;
    }
    karat_boxes given = { n, start[0], box[0], label[0], NULL }, predicted = { n, start[1], box[1], label[1], score };
    karat_error e;
    must(karat_box_quality(ctx, &given, &predicted, out, out + cap, out + 2 * cap, out + 3 * cap, &e), &e);
    all_close("overlooked", out, json_get(want, "overlooked"), tolerance_of(c, "abs"));
    all_close("badloc", out + cap, json_get(want, "badloc"), tolerance_of(c, "abs"));
    all_close("swap", out + 2 * cap, json_get(want, "swap"), tolerance_of(c, "abs"));
    all_close("image", out + 3 * cap, json_get(want, "image_score"), tolerance_of(c, "abs"));
    for (int s = 0; s < 2; s++) {
        free(start[s]);
        free(box[s]);
        free(label[s]);
    }
    free(score);
    free(out);
}

/* ---- scores ---- */

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
    must(karat_score_classes(ctx, y, NULL, p, n, k, &s, v, v + k, v + 2 * k, support, support + k, &e), &e);
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
    must(karat_score_boxes(ctx, &p, &t, (uint32_t)json_get(input, "image_ids")->n, k, &s, ap, ap + k, &e), &e);
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

static const struct method { const char *name; void (*check)(const json *c); } methods[] = {
    { "cohen_kappa", cohen_kappa }, { "fleiss_kappa", fleiss_kappa }, { "krippendorff_alpha", krippendorff_alpha }, { "majority_vote", aggregate },
    { "weighted_majority_vote", aggregate }, { "wawa", aggregate }, { "dawid_skene", aggregate }, { "one_coin_dawid_skene", aggregate },
    { "label_issues", label_issues }, { "token_label_issues", token_label_issues }, { "object_label_quality", object_label_quality },
    { "classification_metrics", classification_metrics }, { "span_f1", span_f1 }, { "box_iou", box_iou }, { "coco_map", coco_map },
    { "uncertainty", uncertainty },
};
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

int main(void)
{
    char folder[900], path[1400];
    struct dirent **names;
    int passed[METHODS] = { 0 }, failed = 0;
    snprintf(folder, sizeof(folder), "%s/reference", getenv("KARAT_SHARED") ? getenv("KARAT_SHARED") : "../shared");
    int n = scandir(folder, &names, NULL, alphasort);
    if (n < 0) {
        printf("skipped: reference (no folder %s)\n", folder);
        return 77;
    }
    ctx = karat_open(0);
    for (int i = 0; i < n; i++) {
        const char *cut = strstr(names[i]->d_name, "__");
        for (size_t m = 0; cut && m < METHODS; m++) {
            if (strlen(methods[m].name) != (size_t)(cut - names[i]->d_name) || strncmp(methods[m].name, names[i]->d_name, (size_t)(cut - names[i]->d_name)) != 0)
                continue;
            snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
            json *c = json_read(path);
            bad = 0;
            methods[m].check(c);
            json_free(c);
            if (bad)
                printf("%s: wrong\n", names[i]->d_name);
            failed += bad > 0;
            passed[m] += bad == 0;
        }
        free(names[i]);
    }
    free(names);
    for (size_t m = 0; m < METHODS; m++)
        printf("%s: %d cases agree\n", methods[m].name, passed[m]);
    karat_close(ctx);
    return failed > 0;
}
