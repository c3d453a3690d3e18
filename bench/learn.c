/* learn MODE …: the learning algorithms alone, without a store, on files of lines "label TAB text". bench/models.py and bench/active.py
   build and drive it.

     learn fit TRAIN TEST BITS                    one JSON line: seconds of features and training, of processors in both; accuracy, texts
                                                  predicted a second, microseconds to learn one more label
     learn curve POOL TEST STRATEGY SEED N,N,…    active learning on the pool, from typical items (random ones for 'random'); for each N a
                                                  line: labels, accuracy on TEST, seconds of training
     learn select ITEMS LABELS STRATEGY           one JSON line: seconds to choose 1,000 among ITEMS rows of LABELS random probabilities */
#include "algo/learn/linear.h"
#include "algo/learn/select.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { PIECE = 4096 };

typedef struct texts {
    KT_VEC(kt_str) text;
    KT_VEC(int32_t) label;
} texts;

typedef KT_VEC(kt_str) names;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double processor(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int32_t name_of(names *k, kt_str s)
{
    for (size_t i = 0; i < k->n; i++)
        if (kt_str_eq(k->v[i], s))
            return (int32_t)i;
    KT_PUSH(k, s);
    return (int32_t)k->n - 1;
}

/* The file's bytes are kept for the life of the program. */
static texts read_texts(const char *path, names *k)
{
    texts t = { 0 };
    FILE *f = fopen(path, "rb");
    KT_ASSERT(f && fseek(f, 0, SEEK_END) == 0);
    size_t n = (size_t)ftell(f);
    char *bytes = kt_alloc(n + 1);
    rewind(f);
    KT_ASSERT(fread(bytes, 1, n, f) == n);
    fclose(f);
    for (char *p = bytes, *end = p + n; p < end;) {
        char *line = memchr(p, '\n', (size_t)(end - p)), *tab = memchr(p, '\t', (size_t)(end - p));
        line = line ? line : end;
        KT_ASSERT(tab && tab < line);
        KT_PUSH(&t.label, name_of(k, (kt_str){ p, (size_t)(tab - p) }));
        KT_PUSH(&t.text, (kt_str){ tab + 1, (size_t)(line - tab - 1) });
        p = line + 1;
    }
    return t;
}

/* Numbers of a comma list; returns how many. */
static size_t numbers(const char *s, size_t *ret)
{
    size_t n = 0;
    for (; *s; s += *s == ',')
        for (ret[n++] = 0; *s >= '0' && *s <= '9'; s++)
            ret[n - 1] = 10 * ret[n - 1] + (size_t)(*s - '0');
    return n;
}

static double share_right(const uint16_t *got, const texts *t)
{
    size_t right = 0;
    for (size_t i = 0; i < t->text.n; i++)
        right += got[i] == t->label.v[i];
    return (double)right / (double)t->text.n;
}

static kt_features features(const texts *t, const kt_features_options *o, const kt_idf *idf, kt_pool *pool)
{
    kt_features x;
    KT_ASSERT(kt_features_make(t->text.v, t->text.n, o, pool, &x, NULL) == 0);
    if (idf)
        kt_features_weigh(&x, idf, pool);
    return x;
}

/* Texts a second from bytes to label, on the test set over and over for half a second; and in a second of every processor, which does not
   depend on who else is there. */
static double predict_rate(const kt_linear *m, const texts *t, const kt_features_options *o, const kt_idf *idf, kt_pool *pool, uint16_t *got,
                           double *ret_alone)
{
    float *prob = kt_alloc_array(t->text.n, sizeof(*prob));
    double start = now(), begun = processor(), done = 0;
    kt_features y = { 0 };
    while (now() - start < 0.5)
        for (size_t at = 0; at < t->text.n; at += PIECE) { /* as kt_text_predict does */
            size_t some = KT_MIN(t->text.n - at, (size_t)PIECE);
            KT_ASSERT(kt_features_renew(t->text.v + at, some, o, pool, &y, NULL) == 0);
            kt_features_weigh(&y, idf, pool);
            kt_linear_top(m, &y, 1, pool, got + at, prob);
            done += (double)some;
        }
    kt_features_done(&y);
    kt_free(prob);
    *ret_alone = done / (processor() - begun) * kt_pool_size(pool);
    return done / (now() - start);
}

static double update_us(kt_linear *m, const texts *t, const kt_features_options *o, const kt_idf *idf)
{
    size_t n = KT_MIN(t->text.n, (size_t)1000);
    double start = now();
    for (size_t i = 0; i < n; i++) {
        kt_features y;
        KT_ASSERT(kt_features_make(&t->text.v[i], 1, o, NULL, &y, NULL) == 0);
        kt_features_weigh(&y, idf, NULL);
        kt_linear_update(m, &y, 0, (uint32_t)t->label.v[i]);
        kt_features_done(&y);
    }
    return (now() - start) / (double)n * 1e6;
}

static int fit(char **argv)
{
    names k = { 0 };
    texts a = read_texts(argv[2], &k), b = read_texts(argv[3], &k);
    size_t bits[4];
    numbers(argv[4], bits);
    kt_pool *pool = kt_pool_new(0);
    kt_features_options fo = { (uint32_t)bits[0], 2, 0, 0 };
    kt_idf idf;
    kt_linear m;
    uint16_t *got = kt_alloc_array(b.text.n, sizeof(*got));
    double t0 = now(), c0 = processor();
    kt_features x = features(&a, &fo, NULL, pool);
    kt_idf_init(&idf, fo.bits);
    kt_idf_add(&idf, &x);
    kt_features_weigh(&x, &idf, pool);
    double t1 = now();
    kt_linear_data d = { .x = &x, .n_labels = (uint32_t)k.n, .label = a.label.v };
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    o.bits = fo.bits;
    KT_ASSERT(kt_linear_fit(&d, &o, pool, &m, NULL) == 0);
    double c1 = processor(), t2 = now(), alone, rate = predict_rate(&m, &b, &fo, &idf, pool, got, &alone), right = share_right(got, &b);
    printf("{\"rows\":%zu,\"labels\":%zu,\"features_s\":%.4f,\"train_s\":%.4f,\"processor_s\":%.4f,\"accuracy\":%.4f,\"predict_per_s\":%.0f,"
           "\"predict_alone_per_s\":%.0f,\"update_us\":%.1f}\n",
           a.text.n, k.n, t1 - t0, t2 - t1, c1 - c0, right, rate, alone, update_us(&m, &b, &fo, &idf));
    return 0;
}

typedef struct curve_state {
    texts a, b;
    kt_features x, y;
    uint32_t k;
    int32_t *label;
    uint8_t *known;
    float *prob;
    kt_pool *pool;
} curve_state;

/* Labels `want` more items by the strategy. */
static void ask(curve_state *c, const char *strategy, uint64_t seed, size_t want)
{
    double *counts = kt_zalloc_array(c->k, sizeof(*counts));
    uint32_t *chosen = kt_alloc_array(want + 1, sizeof(*chosen));
    size_t n;
    for (size_t i = 0; i < c->a.text.n; i++)
        if (c->known[i])
            counts[c->label[i]]++;
    kt_select_data d = { .n_items = c->a.text.n, .n_labels = c->k, .prob = c->prob, .excluded = c->known, .x = &c->x, .known = c->known,
                         .n_of_label = counts };
    const kt_selector *s = kt_selector_find(kt_str_of(strategy));
    KT_ASSERT(s && kt_select(s, &d, seed, c->pool, want, chosen, &n, NULL) == 0);
    for (size_t i = 0; i < n; i++) {
        c->known[chosen[i]] = 1;
        c->label[chosen[i]] = c->a.label.v[chosen[i]];
    }
    kt_free(chosen);
    kt_free(counts);
}

static int curve(char **argv)
{
    names k = { 0 };
    size_t at[64], n_at = numbers(argv[6], at), seed[1], n = 0;
    curve_state c = { .a = read_texts(argv[2], &k), .b = read_texts(argv[3], &k), .pool = kt_pool_new(0), .k = (uint32_t)k.n };
    const char *first = strcmp(argv[4], "random") == 0 ? "random" : "cluster";
    kt_features_options fo = { 20, 2, 0, 0 };
    kt_idf idf;
    numbers(argv[5], seed);
    c.x = features(&c.a, &fo, NULL, c.pool);
    kt_idf_init(&idf, fo.bits);
    kt_idf_add(&idf, &c.x);
    kt_features_weigh(&c.x, &idf, c.pool);
    c.y = features(&c.b, &fo, &idf, c.pool);
    c.label = kt_alloc_array(c.a.text.n, sizeof(*c.label));
    c.known = kt_zalloc(c.a.text.n);
    c.prob = kt_zalloc_array(c.a.text.n, k.n * sizeof(*c.prob));
    memset(c.label, 0xff, c.a.text.n * sizeof(*c.label));
    uint16_t *got = kt_alloc_array(c.b.text.n, sizeof(*got));
    float *top = kt_alloc_array(c.b.text.n, sizeof(*top));
    for (size_t r = 0; r < n_at; n = at[r++]) {
        ask(&c, r ? argv[4] : first, seed[0] * 1000 + r, at[r] - n);
        kt_linear_data d = { .x = &c.x, .n_labels = c.k, .label = c.label, .unlabeled = &c.x };
        kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
        kt_linear m;
        o.bits = fo.bits;
        o.seed = seed[0];
        o.max_unlabeled = 0;
        double start = now();
        KT_ASSERT(kt_linear_fit(&d, &o, c.pool, &m, NULL) == 0);
        start = now() - start;
        kt_linear_predict(&m, &c.x, c.pool, c.prob);
        kt_linear_top(&m, &c.y, 1, c.pool, got, top);
        printf("%zu %.4f %.3f\n", at[r], share_right(got, &c.b), start);
        kt_linear_done(&m);
    }
    return 0;
}

static int select_speed(char **argv)
{
    size_t n[1], k[1], n_got;
    numbers(argv[2], n);
    numbers(argv[3], k);
    float *p = kt_alloc_array(*n, *k * sizeof(*p));
    uint32_t got[1000];
    kt_rng r = kt_rng_keyed(1, 1, 1);
    for (size_t i = 0; i < *n; i++) {
        float sum = 0;
        for (size_t c = 0; c < *k; c++)
            sum += p[i * *k + c] = -logf((float)kt_rng_unit(&r) + 1e-9f); /* uniform over the simplex, as Dirichlet(1, …) */
        for (size_t c = 0; c < *k; c++)
            p[i * *k + c] /= sum;
    }
    kt_select_data d = { .n_items = *n, .n_labels = (uint32_t)*k, .prob = p };
    kt_pool *pool = kt_pool_new(0);
    double start = now();
    KT_ASSERT(kt_select(kt_selector_find(kt_str_of(argv[4])), &d, 1, pool, 1000, got, &n_got, NULL) == 0);
    printf("{\"items\":%zu,\"seconds\":%.4f}\n", *n, now() - start);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "fit") == 0)
        return fit(argv);
    if (argc == 7 && strcmp(argv[1], "curve") == 0)
        return curve(argv);
    if (argc == 5 && strcmp(argv[1], "select") == 0)
        return select_speed(argv);
    fprintf(stderr, "usage: see the top of bench/learn.c\n");
    return 2;
}
