/* Merging through karat.h. */
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The votes of a case, numbered. */
struct ballot {
    karat_votes v;
    double *triples, *tasks, *workers, *labels;
    uint32_t *item, *source, *label;
};

static struct ballot ballot_of(const json *c)
{
    struct ballot b = { 0 };
    b.triples = json_numbers(json_at(c, "input", "task_worker_label"), &b.v.n);
    b.v.n /= 3;
    b.item = numbered(b.triples, b.v.n, 0, &b.tasks, &b.v.n_items);
    b.source = numbered(b.triples, b.v.n, 1, &b.workers, &b.v.n_sources);
    b.label = numbered(b.triples, b.v.n, 2, &b.labels, &b.v.n_labels);
    b.v.item = b.item;
    b.v.source = b.source;
    b.v.label = (const int32_t *)b.label;
    return b;
}

static void ballot_free(struct ballot *b)
{
    void *all[] = { b->triples, b->tasks, b->workers, b->labels, b->item, b->source, b->label };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static const double *get(const karat_posterior *p, const char *name)
{
    static const double none[1] = { NAN };
    const double *v = karat_posterior_get(p, name, NULL);
    if (!v)
        wrong(name, NAN, 0);
    return v ? v : none;
}

/* majority, weighted majority, wawa, Dawid-Skene, one coin. */
static void aggregate(const json *c)
{
    const char *method = json_get(c, "method")->text;
    const json *n_iter = json_at(c, "input", "n_iter"), *gold = json_at(c, "input", "gold"), *weight = json_at(c, "input", "worker_weight");
    const json *want = json_get(c, "expected");
    struct ballot b = ballot_of(c);
    karat_aggregate_options o = KARAT_OPTIONS_INIT(karat_aggregate_options);
    char text[40];
    snprintf(text, sizeof(text), "n_iter=%.0f", number(n_iter));
    const char *set[] = { text };
    int32_t *known = malloc((b.v.n_items + 1) * sizeof(*known));
    double *weights = malloc((b.v.n_sources + 1) * sizeof(*weights)), t = tolerance_of(c, "abs");
    o.set = set;
    o.n_set = n_iter != NULL;
    for (uint32_t i = 0; i < b.v.n_items; i++) {
        double g = gold ? named(gold, b.tasks[i]) : NAN, *hit = isnan(g) ? NULL : bsearch(&g, b.labels, b.v.n_labels, sizeof(double), by_number);
        known[i] = hit ? (int32_t)(hit - b.labels) : -1;
    }
    for (uint32_t s = 0; weight && s < b.v.n_sources; s++)
        weights[s] = named(weight, b.workers[s]);
    o.gold = gold && gold->n ? known : NULL;
    o.source_weight = weight ? weights : NULL;
    const char *name = strcmp(method, "majority_vote") == 0 ? "majority" : strcmp(method, "weighted_majority_vote") == 0 ? "weighted_majority" : method;
    karat_posterior *p = NULL;
    karat_error e;
    must(karat_aggregate(reference_ctx, name, &b.v, &o, &p, &e), &e);
    if (p) {
        all_close("probas", get(p, "prob"), json_get(want, "probas"), t);
        const json *accuracy = json_get(want, strcmp(method, "majority_vote") == 0 ? "worker_agreement" : "skills"), *priors = json_get(want, "priors");
        for (uint32_t s = 0; accuracy && accuracy->kind == J_OBJECT && s < b.v.n_sources; s++)
            close_to("source", get(p, "source_accuracy")[s], named(accuracy, b.workers[s]), t);
        for (uint32_t k = 0; priors && k < b.v.n_labels; k++)
            close_to("prior", get(p, "prior")[k], named(priors, b.labels[k]), t);
        if (json_get(want, "confusion_worker_observed_true"))
            all_close("confusion", get(p, "source_confusion"), json_get(want, "confusion_worker_observed_true"), t);
    }
    karat_posterior_free(p);
    free(known);
    free(weights);
    ballot_free(&b);
}

static void mace(const json *c)
{
    static const char *const options[] = { "alpha", "beta", "strategy_prior", "smoothing" };
    const json *input = json_get(c, "input"), *want = json_get(c, "expected");
    struct ballot b = ballot_of(c);
    size_t n;
    double *spamming = json_numbers(json_get(input, "init_spamming"), &n), *strategy = json_numbers(json_get(input, "init_strategy"), &n);
    char text[6][60];
    const char *set[6];
    karat_aggregate_options o = KARAT_OPTIONS_INIT(karat_aggregate_options);
    snprintf(text[0], sizeof(text[0]), "method=%s", json_get(input, "method")->text);
    snprintf(text[1], sizeof(text[1]), "n_iter=%.0f", number(json_get(input, "n_iter")));
    o.n_set = 2;
    for (size_t k = 0; k < 4; k++)
        if (json_get(input, options[k]))
            snprintf(text[o.n_set++], sizeof(text[0]), "%s=%.17g", options[k], number(json_get(input, options[k])));
    for (size_t k = 0; k < o.n_set; k++)
        set[k] = text[k];
    o.set = set;
    o.init_spamming = spamming; /* workers and labels of the cases are in ascending order */
    o.init_strategy = strategy;
    karat_posterior *p = NULL;
    karat_error e;
    must(karat_aggregate(reference_ctx, "mace", &b.v, &o, &p, &e), &e);
    if (p) {
        all_close("probas", get(p, "prob"), json_get(want, "probas"), tolerance_of(c, "abs"));
        all_close("spamming", get(p, "source_spamming"), json_get(want, "spamming"), tolerance_of(c, "abs"));
        all_close("strategy", get(p, "source_strategy"), json_get(want, "strategy"), tolerance_of(c, "abs"));
    }
    karat_posterior_free(p);
    free(spamming);
    free(strategy);
    ballot_free(&b);
}

static void glad(const json *c)
{
    const json *want = json_get(c, "expected");
    struct ballot b = ballot_of(c);
    karat_posterior *p = NULL;
    karat_error e;
    must(karat_aggregate(reference_ctx, "glad", &b.v, NULL, &p, &e), &e);
    if (p) {
        all_close("probas", get(p, "prob"), json_get(want, "probas"), tolerance_of(c, "probas_abs"));
        for (uint32_t s = 0; s < b.v.n_sources; s++)
            close_to("ability", get(p, "source_ability")[s], named(json_get(want, "alphas"), b.workers[s]), tolerance_of(c, "alphas_abs"));
        for (uint32_t i = 0; i < b.v.n_items; i++)
            close_to("ease", get(p, "item_ease")[i], named(json_get(want, "log_betas"), b.tasks[i]), tolerance_of(c, "log_betas_abs"));
    }
    karat_posterior_free(p);
    ballot_free(&b);
}

static void crowdlab(const json *c)
{
    const json *input = json_get(c, "input"), *want = json_get(c, "expected"), *free_ = json_get(input, "pred_probs_unlabeled");
    size_t n, m, left, cells, items = json_get(input, "labels")->n;
    int32_t *label = ints(json_get(input, "labels"), &cells), *kept = malloc((cells + 1) * 4);
    double *probs = json_numbers(json_get(input, "pred_probs"), &m), *others = json_numbers(free_, &left), t = tolerance_of(c, "abs");
    uint32_t *item = malloc((cells + 1) * 4), *source = malloc((cells + 1) * 4), sources = (uint32_t)(cells / items), k = (uint32_t)(m / items);
    double *labelled = malloc((items + 1) * sizeof(double)), *unlabelled = malloc((left + 1) * sizeof(double)), temperature;
    n = 0;
    for (size_t i = 0; i < cells; i++)
        if (label[i] >= 0) {
            item[n] = (uint32_t)(i / sources);
            source[n] = (uint32_t)(i % sources);
            kept[n++] = label[i];
        }
    karat_votes v = { n, (uint32_t)items, sources, k, item, source, kept };
    karat_aggregate_options o = KARAT_OPTIONS_INIT(karat_aggregate_options);
    karat_posterior *p = NULL;
    karat_error e;
    o.probs = probs;
    must(karat_aggregate(reference_ctx, "crowdlab", &v, &o, &p, &e), &e);
    for (size_t i = 0; p && i < items; i++) {
        int32_t got = karat_posterior_label(p)[i];
        const json *quality = &json_get(want, "label_quality_per_annotator")->child[i];
        close_to("consensus", got, number(&json_get(want, "consensus_label")->child[i]), 0);
        close_to("quality", get(p, "prob")[i * k + (size_t)got], number(&json_get(want, "consensus_quality")->child[i]), t);
        for (uint32_t s = 0; s < sources; s++)
            if (label[i * sources + s] >= 0)
                close_to("quality of a vote", get(p, "prob")[i * k + (size_t)label[i * sources + s]], number(&quality->child[s]), t);
    }
    if (p) {
        all_close("annotator quality", get(p, "source_accuracy"), json_get(want, "annotator_quality"), t);
        all_close("annotator weight", get(p, "source_weight"), json_get(want, "annotator_weight"), t);
    }
    must(karat_crowdlab_active(reference_ctx, &v, probs, others, left / k, labelled, unlabelled, &temperature, &e), &e);
    all_close("active, labelled", labelled, json_get(want, "active_learning_labeled"), t);
    all_close("active, unlabelled", unlabelled, json_get(want, "active_learning_unlabeled"), t);
    karat_posterior_free(p);
    void *all[] = { label, kept, probs, others, item, source, labelled, unlabelled };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static void label_model(const json *c)
{
    const json *input = json_get(c, "input"), *want = json_get(c, "expected"), *hyper = json_get(input, "hyper");
    size_t cells, n, b, items = json_get(input, "L")->n;
    int32_t *L = ints(json_get(input, "L"), &cells);
    uint32_t m = (uint32_t)(cells / items), k = (uint32_t)number(json_get(input, "cardinality"));
    int16_t *vote = malloc((cells + 1) * sizeof(*vote));
    float *prob = malloc((items * k + 1) * sizeof(*prob));
    double *balance = json_numbers(json_get(hyper, "class_balance"), &b), *rows = json_numbers(json_get(want, "probas_rows"), &n), *accuracy = malloc((m + 1) * sizeof(double));
    uint64_t *count = malloc((3 * m + 1) * sizeof(*count));
    karat_denoise_options o = KARAT_OPTIONS_INIT(karat_denoise_options);
    karat_error e;
    for (size_t i = 0; i < cells; i++)
        vote[i] = (int16_t)L[i];
    o.method = "moments";
    o.class_balance = balance;
    o.n_epochs = (int32_t)number(json_get(hyper, "n_epochs"));
    o.lr = number(json_get(hyper, "lr"));
    o.prec_init = number(json_get(hyper, "prec_init"));
    o.init_scale = number(json_get(input, "init_scale"));
    must(karat_denoise(reference_ctx, vote, items, m, k, &o, prob, accuracy, count, count + m, count + 2 * m, &e), &e);
    for (size_t r = 0; r < n; r++)
        for (uint32_t l = 0; l < k; l++)
            close_to("probas", (double)prob[(size_t)rows[r] * k + l], number(&json_get(want, "probas")->child[r].child[l]), tolerance_of(c, "probas_abs"));
    all_close("lf weights", accuracy, json_get(want, "lf_weights"), tolerance_of(c, "lf_weights_abs"));
    static const char *const stats[] = { "lf_coverage", "lf_overlap", "lf_conflict" };
    for (size_t s = 0; s < 3; s++)
        for (uint32_t j = 0; j < m; j++)
            close_to(stats[s], (double)count[s * m + j] / (double)items, number(&json_get(want, stats[s])->child[j]), tolerance_of(c, "lf_stats_abs"));
    o = (karat_denoise_options){ .size = sizeof(o), .method = "majority" };
    must(karat_denoise(reference_ctx, vote, items, m, k, &o, prob, NULL, NULL, NULL, NULL, &e), &e);
    for (size_t r = 0; r < n; r++)
        for (uint32_t l = 0; l < k; l++)
            close_to("majority", (double)prob[(size_t)rows[r] * k + l], number(&json_get(want, "majority_probas")->child[r].child[l]), 1e-7);
    void *all[] = { L, vote, prob, balance, rows, accuracy, count };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static void bradley_terry(const json *c)
{
    const json *rows = json_at(c, "input", "left_right_winner"), *want = json_at(c, "expected", "scores");
    size_t n = rows->n, *start = calloc(n + 1, sizeof(*start));
    uint32_t *thing = malloc((2 * n + 1) * 4);
    double *strength = calloc(want->n + 1, sizeof(double));
    karat_error e;
    for (size_t r = 0; r < n; r++) { /* things are numbered from 0 */
        uint32_t a = (uint32_t)rows->child[r].child[0].number, b = (uint32_t)rows->child[r].child[1].number, w = (uint32_t)rows->child[r].child[2].number;
        thing[2 * r] = w;
        thing[2 * r + 1] = w == a ? b : a;
        start[r + 1] = 2 * (r + 1);
    }
    must(karat_rank(start, thing, n, (uint32_t)want->n, strength, NULL, &e), &e);
    for (size_t i = 0; i < want->n; i++)
        close_to("strength", strength[i], named(want, (double)i), tolerance_of(c, "abs"));
    free(start);
    free(thing);
    free(strength);
}

static void rover(const json *c)
{
    const json *rows = json_at(c, "input", "task_worker_text"), *want = json_at(c, "expected", "text");
    for (size_t t = 0; t < want->n; t++) {
        const char **text = malloc((rows->n + 1) * sizeof(*text));
        char task[40], *got = NULL;
        size_t n = 0;
        karat_error e;
        for (size_t r = 0; r < rows->n; r++) {
            snprintf(task, sizeof(task), "%.0f", rows->child[r].child[0].number);
            if (strcmp(task, want->key[t]) == 0)
                text[n++] = rows->child[r].child[2].text;
        }
        must(karat_merge_texts(text, n, &got, &e), &e);
        if (!got || strcmp(got, want->child[t].text) != 0)
            wrong(want->key[t], NAN, 0);
        karat_free(got);
        free(text);
    }
}

static size_t pixels_of(const json *mask, uint8_t *ret)
{
    size_t n = 0;
    for (size_t r = 0; r < mask->n; r++)
        for (const char *p = mask->child[r].text; *p; p++)
            ret[n++] = *p == '1';
    return n;
}

static void segmentation(const json *c)
{
    static const char *const keys[] = { "majority", "em10" };
    const json *rows = json_at(c, "input", "task_worker_mask");
    for (int m = 0; m < 2; m++) {
        const json *want = json_at(c, "expected", keys[m]);
        double most = m ? tolerance_of(c, "em10_max_pixel_differences") : 0;
        for (size_t t = 0; t < want->n; t++) {
            uint8_t *masks = malloc(rows->n * 65536), *got = malloc(65536), *expected = malloc(65536);
            size_t n = 0, pixels = pixels_of(&want->child[t], expected), differ = 0;
            char task[40];
            karat_error e;
            for (size_t r = 0; r < rows->n; r++) {
                snprintf(task, sizeof(task), "%.0f", rows->child[r].child[0].number);
                if (strcmp(task, want->key[t]) == 0)
                    pixels_of(&rows->child[r].child[2], masks + n++ * pixels);
            }
            must(karat_merge_masks(masks, n, pixels, m ? 10 : 0, got, NULL, &e), &e);
            for (size_t p = 0; p < pixels; p++)
                differ += got[p] != expected[p];
            if ((double)differ > most)
                wrong(keys[m], (double)differ, most);
            free(masks);
            free(got);
            free(expected);
        }
    }
}

const check merge_checks[] = {
    { "majority_vote", aggregate }, { "weighted_majority_vote", aggregate }, { "wawa", aggregate }, { "dawid_skene", aggregate },
    { "one_coin_dawid_skene", aggregate }, { "mace", mace }, { "glad", glad }, { "crowdlab", crowdlab }, { "label_model", label_model },
    { "bradley_terry", bradley_terry }, { "rover", rover }, { "segmentation", segmentation }, { NULL, NULL },
};
