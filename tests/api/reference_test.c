/* Every stored answer of KARAT_SHARED/reference whose method karat.h has, through the C library alone. Exits 77 when the folder
   is absent. */
#include "reference.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

karat_context *reference_ctx;
static int bad; /* of the case at hand */

void wrong(const char *what, double got, double want)
{
    if (bad++ < 5)
        printf("    %s: %.12g, expected %.12g\n", what, got, want);
}

void close_to(const char *what, double got, double want, double tolerance)
{
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= tolerance))
        wrong(what, got, want);
}

void all_close(const char *what, const double *got, const json *want, double tolerance)
{
    size_t n;
    double *w = json_numbers(want, &n);
    for (size_t i = 0; i < n; i++)
        close_to(what, got[i], w[i], tolerance);
    free(w);
}

double number(const json *j)
{
    return j && j->kind == J_NUMBER ? j->number : NAN;
}

double tolerance_of(const json *c, const char *key)
{
    return number(json_at(c, "tolerance", key));
}

void must(karat_rc rc, const karat_error *e)
{
    if (rc < 0) {
        printf("    error: %s\n", e->what);
        bad++;
    }
}

int32_t *ints(const json *j, size_t *n)
{
    double *x = json_numbers(j, n);
    int32_t *ret = malloc((*n + 1) * sizeof(*ret));
    for (size_t i = 0; i < *n; i++)
        ret[i] = isnan(x[i]) ? -1 : (int32_t)x[i];
    free(x);
    return ret;
}

double named(const json *j, double name)
{
    char key[40];
    snprintf(key, sizeof(key), "%.0f", name);
    return number(json_get(j, key));
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
        must(karat_agree_matrix(reference_ctx, "cohen_kappa", &ratings, &o, &r, &e), &e);
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
        must(karat_agree(reference_ctx, names[i][0], &votes, NULL, &r, &e), &e);
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
        must(karat_agree_matrix(reference_ctx, "krippendorff_alpha", &ratings, &o, &r, &e), &e);
        close_to(text, r.value, number(&alpha->child[i]), tolerance_of(c, "abs"));
    }
    free(x);
    free(domain);
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
        must(karat_label_issues(reference_ctx, &d, filters[f], issue, NULL, &e), &e);
        snprintf(key, sizeof(key), "issues_%s", filters[f]);
        issue_list(filters[f], issue, n, json_get(want, key));
    }
    for (size_t q = 0; q < 3; q++) {
        must(karat_label_quality(reference_ctx, &d, qualities[q], score, &e), &e);
        snprintf(key, sizeof(key), "quality_%s", qualities[q]);
        all_close(key, score, json_get(want, key), tolerance_of(c, "quality_abs"));
    }
    must(karat_confident_joint(reference_ctx, &d, score, raw, joint, &off, &e), &e);
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
    must(karat_label_issues(reference_ctx, &d, NULL, issue, &found, &e), &e);
    const json *pairs = json_get(want, "issues_sentence_token");
    for (size_t i = 0; i < pairs->n; i++)
        expected[start[(size_t)pairs->child[i].child[0].number] + (size_t)pairs->child[i].child[1].number] = 1;
    for (size_t i = 0; i < n; i++)
        if (issue[i] != expected[i])
            wrong("issue", issue[i], expected[i]);
    must(karat_label_quality(reference_ctx, &d, NULL, score, &e), &e);
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
    must(karat_box_quality(reference_ctx, &given, &predicted, out, out + cap, out + 2 * cap, out + 3 * cap, &e), &e);
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

static const check own_checks[] = {
    { "cohen_kappa", cohen_kappa }, { "fleiss_kappa", fleiss_kappa }, { "krippendorff_alpha", krippendorff_alpha }, { "label_issues", label_issues },
    { "token_label_issues", token_label_issues }, { "object_label_quality", object_label_quality }, { NULL, NULL },
};

/* The check of a case's method, or NULL. */
static const check *find(const char *name, size_t n)
{
    const check *const tables[] = { own_checks, merge_checks, score_checks };
    for (int t = 0; t < 3; t++)
        for (const check *k = tables[t]; k->method; k++)
            if (strlen(k->method) == n && strncmp(k->method, name, n) == 0)
                return k;
    return NULL;
}

int main(void)
{
    char folder[900], path[1400], method[100] = "";
    struct dirent **names;
    int passed = 0, failed = 0, absent = 0;
    snprintf(folder, sizeof(folder), "%s/reference", getenv("KARAT_SHARED") ? getenv("KARAT_SHARED") : "../shared");
    int n = scandir(folder, &names, NULL, alphasort);
    if (n < 0) {
        printf("skipped: reference (no folder %s)\n", folder);
        return 77;
    }
    reference_ctx = karat_open(0);
    for (int i = 0; i < n; i++) {
        const char *cut = strstr(names[i]->d_name, "__");
        const check *k = cut ? find(names[i]->d_name, (size_t)(cut - names[i]->d_name)) : NULL;
        if (cut && strncmp(method, names[i]->d_name, (size_t)(cut - names[i]->d_name) + 1) != 0) { /* the next method */
            if (passed + absent)
                printf(absent ? "not covered here: %.*s (%d cases)\n" : "%.*s: %d cases agree\n", (int)strlen(method) - 1, method, passed + absent);
            snprintf(method, sizeof(method), "%.*s", (int)(cut - names[i]->d_name) + 1, names[i]->d_name);
            passed = absent = 0;
        }
        if (k) {
            snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
            json *c = json_read(path);
            bad = 0;
            k->run(c);
            json_free(c);
            if (bad)
                printf("%s: wrong\n", names[i]->d_name);
            failed += bad > 0;
            passed += bad == 0;
        }
        absent += cut && !k;
        free(names[i]);
    }
    if (passed + absent)
        printf(absent ? "not covered here: %.*s (%d cases)\n" : "%.*s: %d cases agree\n", (int)strlen(method) - 1, method, passed + absent);
    free(names);
    karat_close(reference_ctx);
    return failed > 0;
}
