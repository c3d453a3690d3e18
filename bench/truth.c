/* Times the merges of src/algo on made votes in memory: bench_truth [JOB]… Every job runs in a child process, so that its peak
   memory is its own; the time is the median of its runs. Prints rows of the table in bench/README.md. */
#include "algo/merge/aggregate.h"
#include "algo/denoise/denoise.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/str.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct crowd {
    uint32_t *item, *source;
    int32_t *label;
    double *probs;
    kt_votes v;
} crowd;

/* Accuracies from 0.55 to 0.95; wrong votes spread evenly. shuffled: in random order instead of item by item. */
static crowd make(uint32_t n_items, uint32_t per_item, uint32_t n_sources, uint32_t k, bool shuffled)
{
    size_t n = (size_t)n_items * per_item;
    crowd c = { kt_alloc_array(n, 4), kt_alloc_array(n, 4), kt_alloc_array(n, 4), NULL, { 0 } };
    kt_rng r = kt_rng_keyed(1, n_items, n_sources);
    for (size_t q = 0; q < n; q++) {
        uint32_t i = (uint32_t)(q / per_item), truth = (uint32_t)(kt_mix64(i) % k), slot = (uint32_t)(q % per_item);
        uint32_t step = n_sources / per_item, s = slot * step + (uint32_t)kt_rng_below(&r, step);
        bool right = kt_rng_unit(&r) < 0.55 + 0.4 * s / n_sources;
        c.item[q] = i;
        c.source[q] = s;
        c.label[q] = (int32_t)(right ? truth : (truth + 1 + kt_rng_below(&r, k - 1)) % k);
    }
    for (size_t q = n; shuffled && q > 1; q--) {
        size_t o = kt_rng_below(&r, q);
        uint32_t i = c.item[o], s = c.source[o];
        int32_t l = c.label[o];
        c.item[o] = c.item[q - 1];
        c.source[o] = c.source[q - 1];
        c.label[o] = c.label[q - 1];
        c.item[q - 1] = i;
        c.source[q - 1] = s;
        c.label[q - 1] = l;
    }
    c.v = (kt_votes){ n, n_items, n_sources, k, c.item, c.source, c.label };
    return c;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Processor time of all threads: what the work costs, whoever else uses the machine. */
static double spent(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

typedef struct job {
    const char *name, *what;
    void (*run)(const struct job *j, kt_pool *pool);
    uint32_t n_items, per_item, n_sources, k;
    bool shuffled;
    const char *method, *set; /* of an aggregator */
    double reference_s, aim_s;
} job;

static void report(const job *j, double *t, int runs, double processor_s, long before)
{
    for (int x = 1; x < runs; x++)
        for (int y = x; y > 0 && t[y] < t[y - 1]; y--) {
            double swap = t[y];
            t[y] = t[y - 1];
            t[y - 1] = swap;
        }
    double s = t[runs / 2];
    printf("| %s | %.3f s (fastest %.3f, processors %.3f), %ld MB beside the input | ", j->what, s, t[0], processor_s / runs, (peak_kb() - before) / 1024);
    if (j->reference_s > 0)
        printf("%.2f s | %.0f times; aim %.3f s%s |\n", j->reference_s, j->reference_s / s, j->aim_s, s <= j->aim_s ? "" : " MISSED");
    else
        printf(" | |\n");
    fflush(stdout);
}

static void merge(const job *j, kt_pool *pool)
{
    enum { RUNS = 9 };
    crowd c = make(j->n_items, j->per_item, j->n_sources, j->k, j->shuffled);
    const kt_aggregator *m = kt_aggregator_find(kt_str_of(j->method));
    union { double align; char b[KT_AGGREGATE_OPTION_BYTES]; } opt;
    kt_err err = { 0 };
    double t[RUNS];
    int runs = j->n_items > 2000000 ? 1 : RUNS;
    if (!m)
        return;
    if (m->defaults)
        memcpy(opt.b, m->defaults, m->option_size);
    for (kt_str set = kt_str_of(j->set ? j->set : ""), one; kt_str_cut(&set, ' ', &one);)
        if (one.n && kt_aggregate_options(m, one, &opt, &err) < 0)
            fprintf(stderr, "%s\n", err.what);
    if (m->needs == KT_NEEDS_PROBS) {
        size_t n = (size_t)j->n_items * j->k;
        double *probs = kt_alloc_array(n, sizeof(double));
        for (size_t x = 0; x < n; x++)
            probs[x] = kt_mix64(x / j->k) % j->k == x % j->k ? 0.7 : 0.3 / (j->k - 1);
        ((kt_crowdlab_opts *)(void *)&opt)->probs = probs;
    }
    long before = peak_kb();
    double began = spent();
    for (int x = 0; x < runs; x++) {
        kt_arena a = KT_ARENA_INIT;
        kt_posterior p;
        kt_rng rng = kt_rng_keyed(1, 0, 0);
        double start = now();
        if (m->fit(&c.v, m->defaults ? &opt : NULL, &rng, pool, &a, &p, &err) < 0)
            fprintf(stderr, "%s: %s\n", j->name, err.what);
        t[x] = now() - start;
        kt_arena_done(&a);
    }
    report(j, t, runs, spent() - began, before);
}

/* per_item: percent of the items that a function votes on. */
static void denoise(const job *j, kt_pool *pool)
{
    enum { RUNS = 5 };
    size_t n = j->n_items, m = j->n_sources;
    int16_t *rows = kt_alloc_array(n * m, 2);
    kt_rng r = kt_rng_keyed(2, n, m);
    for (size_t x = 0; x < n * m; x++) {
        uint32_t truth = (uint32_t)(kt_mix64(x / m) % j->k), f = (uint32_t)(x % m);
        bool votes = kt_rng_below(&r, 100) < j->per_item, right = kt_rng_unit(&r) < 0.6 + 0.3 * f / (double)m;
        rows[x] = (int16_t)(!votes ? KT_ABSTAIN : right ? (int)truth : (int)((truth + 1 + kt_rng_below(&r, j->k - 1)) % j->k));
    }
    const int16_t **column = kt_alloc_array(m, sizeof(*column));
    for (size_t f = 0; f < m; f++)
        column[f] = rows + f;
    kt_lf_columns v = { n, m, (uint32_t)m, j->k, column };
    kt_denoise_opts o = KT_DENOISE_OPTS_INIT;
    o.method = j->set ? KT_DENOISE_EM : KT_DENOISE_MOMENTS;
    double t[RUNS];
    long before = peak_kb();
    double began = spent();
    for (int x = 0; x < RUNS; x++) {
        kt_arena a = KT_ARENA_INIT;
        kt_label_model model;
        kt_err err = { 0 };
        double start = now();
        float *prob = kt_alloc_array(n * j->k, sizeof(*prob));
        if (kt_denoise_fit(&v, &o, pool, &a, &model, &err) < 0)
            fprintf(stderr, "%s: %s\n", j->name, err.what);
        kt_denoise_posteriors(&model, &v, pool, prob);
        t[x] = now() - start;
        kt_free(prob);
        kt_arena_done(&a);
    }
    report(j, t, RUNS, spent() - began, before);
}

static const job jobs[] = {
    { "majority", "majority vote, 1,000,000 items × 5 votes, 4 classes", merge, 1000000, 5, 200, 4, false, "majority_vote", NULL, 5.1, 5.1 / 200 },
    { "majority_shuffled", "the same votes in random order", merge, 1000000, 5, 200, 4, true, "majority_vote", NULL, 5.1, 5.1 / 200 },
    { "dawid_skene", "Dawid-Skene, the same, 200 annotators, 20 rounds", merge, 1000000, 5, 200, 4, false, "dawid_skene", "n_iter=20", 44.1, 44.1 / 150 },
    { "dawid_skene_shuffled", "the same votes in random order", merge, 1000000, 5, 200, 4, true, "dawid_skene", "n_iter=20", 44.1, 44.1 / 150 },
    { "one_coin", "one-coin Dawid-Skene, 100,000 items × 5, 20 rounds", merge, 100000, 5, 200, 4, false, "one_coin_dawid_skene", "n_iter=20", 4.3, 0.043 },
    { "mace", "MACE (vb), 100,000 items × 5, 10 restarts × 50 rounds", merge, 100000, 5, 200, 4, false, "mace", "n_restarts=10 n_iter=50", 110, 0.55 },
    { "mace_em", "MACE (em), the same", merge, 100000, 5, 200, 4, false, "mace", "n_restarts=10 n_iter=50 method=em", 110, 0.55 },
    { "glad", "GLAD, 1,000 items × 5 to the fixed point", merge, 1000, 5, 50, 4, false, "glad", NULL, 4.9, 4.9 / 200 },
    { "glad2", "GLAD, 1,000 items × 10, 2 classes", merge, 1000, 10, 50, 2, false, "glad", NULL, 7.7, 7.7 / 200 },
    { "crowdlab", "CROWDLAB, 100,000 items × 5 votes, 200 annotators", merge, 100000, 5, 200, 4, false, "crowdlab", NULL, 8.9, 8.9 / 200 },
    { "label_model", "label model (moments), 1,000,000 × 20 functions (half abstain), 5 classes: fit + posterior", denoise, 1000000, 50, 20, 5, false, NULL, NULL, 5.5, 0.11 },
    { "label_model_em", "label model (em), the same", denoise, 1000000, 50, 20, 5, false, NULL, "em", 5.5, 0.11 },
    { "auto", "auto, 100,000 items × 5, 200 annotators, 4 classes", merge, 100000, 5, 200, 4, false, "auto", NULL, 0, 0 },
    { "big", "Dawid-Skene, 10,000,000 items × 5, 20 rounds", merge, 10000000, 5, 200, 4, false, "dawid_skene", "n_iter=20", 0, 0 },
};

int main(int argc, char **argv)
{
    for (size_t x = 0; x < KT_LEN(jobs); x++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++)
            wanted |= kt_str_eq(kt_str_of(argv[a]), kt_str_of(jobs[x].name));
        if (!wanted)
            continue;
        pid_t pid = fork();
        if (pid == 0) {
            kt_pool *pool = kt_pool_new(0);
            jobs[x].run(&jobs[x], pool);
            kt_pool_free(pool);
            return 0;
        }
        int status;
        waitpid(pid, &status, 0);
    }
    return 0;
}
