/* Times the measuring algorithms on vectors in memory: the rows of bench/README.md. Medians of 5 runs on all processors.

   The reference's figure beside each was measured with its own library on the same kind of machine (two cores); the ratio
   says how many times faster this is. */
#include "algo/agree.h"
#include "base/mem.h"

#include <stdio.h>
#include <time.h>

enum { RUNS = 5 };

static kt_pool *pool;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
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
    for (int r = 0; r < RUNS; r++) {
        double from = now_ms();
        run(ctx);
        t[r] = now_ms() - from;
    }
    qsort(t, RUNS, sizeof(double), ascending);
    double ms = t[RUNS / 2];
    printf("| %s | %.2f ms | %s %.0f ms | %.0f times faster (aim %.0f) |\n", job, ms, library, reference_ms, reference_ms / ms, aim);
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

int main(void)
{
    pool = kt_pool_new(0);
    agreements();
    kt_pool_free(pool);
    return 0;
}
