/* Times the measuring algorithms on vectors in memory: the rows of bench/README.md. Medians of 5 runs on all processors.

   The reference's figure beside each was measured with its own library on the same kind of machine (two cores); the ratio
   says how many times faster this is. */
#include "algo/agree/agree.h"
#include "algo/errors/errors.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

enum { RUNS = 5 };

static kt_pool *pool;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Processor time of all threads: what a busy machine cannot stretch. */
static double cpu_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void row(const char *job, void (*run)(void *), void *ctx, const char *library, double reference_ms, double aim)
{
    double t[RUNS];
    run(ctx); /* pages in */
    double cpu = cpu_ms();
    for (int r = 0; r < RUNS; r++) {
        double from = now_ms();
        run(ctx);
        t[r] = now_ms() - from;
    }
    qsort(t, RUNS, sizeof(double), ascending);
    double ms = t[RUNS / 2];
    printf("| %s | %.2f ms (processors: %.2f ms) | %s %.0f ms | %.0f times faster (aim %.0f) |\n", job, ms, (cpu_ms() - cpu) / RUNS, library,
           reference_ms, reference_ms / ms, aim);
    fflush(stdout);
}

static void must(kt_rc rc, const kt_err *err)
{
    if (rc >= 0)
        return;
    char text[500];
    kt_err_format(err, text, sizeof(text));
    fprintf(stderr, "measure: %s\n", text);
    exit(1);
}

struct agreement {
    const kt_agreement *m;
    const void *opt;
    const kt_votes *votes; /* NULL: matrix */
    const kt_vote_matrix *matrix;
};

static void agreement(void *ctx)
{
    const struct agreement *a = ctx;
    kt_agree_result r = { .no_interval = false };
    kt_err err = { 0 };
    must(a->votes ? kt_agreement_measure(a->m, a->votes, a->opt, pool, &r, &err) : kt_agreement_measure_matrix(a->m, a->matrix, a->opt, pool, &r, &err), &err);
}

/* n_items × n_sources ratings among k labels, two thirds of them right, and the same as votes. */
struct ratings {
    double *x;
    uint32_t *item, *source;
    int32_t *label;
    kt_votes votes;
    kt_vote_matrix matrix;
};

static struct ratings ratings_make(uint32_t n_items, uint32_t n_sources, uint32_t k)
{
    size_t n = (size_t)n_items * n_sources;
    struct ratings r = { kt_alloc_array(n, sizeof(double)), kt_alloc_array(n, 4), kt_alloc_array(n, 4), kt_alloc_array(n, 4), { 0 }, { 0 } };
    kt_rng rng = kt_rng_keyed(1, n_items, k);
    for (uint32_t i = 0; i < n_items; i++) {
        uint32_t truth = (uint32_t)kt_rng_below(&rng, k);
        for (uint32_t s = 0; s < n_sources; s++) {
            size_t at = (size_t)i * n_sources + s;
            uint32_t l = kt_rng_below(&rng, 3) ? truth : (uint32_t)kt_rng_below(&rng, k);
            r.item[at] = i;
            r.source[at] = s;
            r.label[at] = (int32_t)l;
            r.x[(size_t)s * n_items + i] = l;
        }
    }
    r.votes = (kt_votes){ n, n_items, n_sources, k, r.item, r.source, r.label };
    r.matrix = (kt_vote_matrix){ .data = r.x, .type = KT_F64, .n_sources = n_sources, .n_items = n_items,
                                 .source_stride = (ptrdiff_t)(n_items * sizeof(double)), .item_stride = sizeof(double) };
    return r;
}

static void ratings_free(struct ratings *r)
{
    kt_free(r->x);
    kt_free(r->item);
    kt_free(r->source);
    kt_free(r->label);
}

static void agreements(void)
{
    const kt_agreement *alpha = &kt_agree_krippendorff_alpha;
    kt_krippendorff_opts ordinal = { .level = KT_LEVEL_ORDINAL }, interval = { .level = KT_LEVEL_INTERVAL };
    struct ratings r = ratings_make(1000000, 5, 4);
    row("Krippendorff nominal, 1,000,000 × 5 matrix of doubles, with interval", agreement, &(struct agreement){ alpha, NULL, NULL, &r.matrix }, "fast-krippendorff", 490, 50);
    row("the same from vote triples", agreement, &(struct agreement){ alpha, NULL, &r.votes, NULL }, "fast-krippendorff", 490, 50);
    row("Krippendorff ordinal, the same matrix", agreement, &(struct agreement){ alpha, &ordinal, NULL, &r.matrix }, "fast-krippendorff", 900, 50);
    row("the same from vote triples", agreement, &(struct agreement){ alpha, &ordinal, &r.votes, NULL }, "fast-krippendorff", 900, 50);
    ratings_free(&r);
    r = ratings_make(100000, 5, 100);
    row("Krippendorff interval, 100,000 × 5, 100 values", agreement, &(struct agreement){ alpha, &interval, NULL, &r.matrix }, "fast-krippendorff", 17700, 1000);
    ratings_free(&r);
    r = ratings_make(1000000, 2, 4);
    row("Cohen's kappa, two vectors of 1,000,000 doubles", agreement, &(struct agreement){ &kt_agree_cohen_kappa, NULL, NULL, &r.matrix }, "scikit-learn", 300, 50);
    row("the same from vote triples", agreement, &(struct agreement){ &kt_agree_cohen_kappa, NULL, &r.votes, NULL }, "scikit-learn", 300, 50);
    ratings_free(&r);
}

struct issues {
    kt_label_probs d;
    uint8_t *issue;
};

static void both_methods(void *ctx)
{
    struct issues *w = ctx;
    static const kt_error_filter filters[] = { KT_FILTER_PRUNE_BY_NOISE_RATE, KT_FILTER_PRUNE_BY_CLASS };
    for (size_t i = 0; i < KT_LEN(filters); i++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_confident c;
        kt_err err = { 0 };
        size_t n;
        must(kt_confident_fit(&w->d, pool, &a, &c, &err), &err);
        kt_confident_issues(&w->d, &c, filters[i], pool, w->issue, &n);
    }
}

/* A tenth of the labels wrong, a model right nine times of ten. */
static void label_issues(void)
{
    enum { N = 1000000, K = 10 };
    double *p = kt_alloc_array((size_t)N * K, sizeof(*p));
    int32_t *label = kt_alloc_array(N, sizeof(*label));
    kt_rng r = kt_rng_keyed(2, 2, 2);
    for (size_t i = 0; i < N; i++) {
        uint32_t truth = (uint32_t)kt_rng_below(&r, K);
        double sum = 0;
        label[i] = (int32_t)(kt_rng_below(&r, 10) ? truth : kt_rng_below(&r, K));
        for (uint32_t k = 0; k < K; k++)
            sum += p[i * K + k] = exp(kt_rng_normal(&r) + (k == truth ? 4 : 0));
        for (uint32_t k = 0; k < K; k++)
            p[i * K + k] /= sum;
    }
    struct issues w = { { N, K, label, p, false, K * sizeof(double) }, kt_alloc(N) };
    row("label issues, prune_by_noise_rate and prune_by_class each from the start, 1,000,000 × 10", both_methods, &w, "cleanlab", 1190, 20);
    kt_free(p);
    kt_free(label);
    kt_free(w.issue);
}

struct images {
    kt_boxes given, predicted;
    double *score[4];
};

static void box_quality(void *ctx)
{
    struct images *w = ctx;
    kt_err err = { 0 };
    must(kt_box_quality(&w->given, &w->predicted, pool, w->score[0], w->score[1], w->score[2], w->score[3], &err), &err);
}

static kt_xyxy somewhere(kt_rng *r)
{
    double x = kt_rng_unit(r) * 500, y = kt_rng_unit(r) * 500;
    return (kt_xyxy){ x, y, x + 20 + kt_rng_unit(r) * 100, y + 20 + kt_rng_unit(r) * 100 };
}

/* Five boxes an image, each found by the detector with some error, and one more that is not there. */
static void box_labels(void)
{
    enum { N = 5000, EACH = 5, FOUND = 6 };
    static size_t starts[2][N + 1];
    kt_xyxy *g = kt_alloc_array(N * EACH, sizeof(*g)), *p = kt_alloc_array(N * FOUND, sizeof(*p));
    int32_t *label = kt_alloc_array(N * (EACH + FOUND), sizeof(*label)), *said = label + N * EACH;
    double *score = kt_alloc_array(N * (FOUND * 2 + EACH * 2 + 1), sizeof(*score));
    kt_rng r = kt_rng_keyed(3, 3, 3);
    for (size_t i = 0; i < N; i++) {
        starts[0][i + 1] = (i + 1) * EACH;
        starts[1][i + 1] = (i + 1) * FOUND;
        for (size_t k = 0; k < FOUND; k++) {
            kt_xyxy b = somewhere(&r);
            said[i * FOUND + k] = (int32_t)kt_rng_below(&r, 3);
            score[i * FOUND + k] = 0.3 + 0.7 * kt_rng_unit(&r);
            p[i * FOUND + k] = b;
            if (k == EACH)
                continue;
            label[i * EACH + k] = kt_rng_below(&r, 20) ? said[i * FOUND + k] : (int32_t)kt_rng_below(&r, 3);
            g[i * EACH + k] = (kt_xyxy){ b.x1 + 3, b.y1 - 2, b.x2 + 4, b.y2 + 1 };
        }
    }
    double *out = score + N * FOUND;
    struct images w = { { N, starts[0], g, label, NULL }, { N, starts[1], p, said, score }, { out, out + N * FOUND, out + N * (FOUND + EACH), out + N * (FOUND + 2 * EACH) } };
    row("box label quality, 5,000 images, 25,000 boxes, 30,000 predictions", box_quality, &w, "cleanlab", 4000, 100);
    kt_free(g);
    kt_free(p);
    kt_free(label);
    kt_free(score);
}

int main(void)
{
    pool = kt_pool_new(0);
    agreements();
    label_issues();
    box_labels();
    kt_pool_free(pool);
    return 0;
}
