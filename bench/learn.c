/* learn MODE …: the learning algorithms alone, without a store, on files of lines "label TAB text". bench/models.py and
   bench/active.py build and drive it.

     learn fit TRAIN TEST [THREADS]          times features, training, prediction; prints one JSON line
     learn curve POOL TEST STRATEGY SEED N…  active learning on the pool; accuracy on the test at each N labels
     learn select ITEMS LABELS STRATEGY      seconds to choose 1,000 of ITEMS rows of LABELS probabilities */
#include "algo/linear.h"
#include "algo/select.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

#include <stdio.h>
#include <time.h>

typedef struct texts {
    char *bytes;
    KT_VEC(kt_str) text;
    KT_VEC(int32_t) label;
} texts;

typedef KT_VEC(kt_str) names;

#include <stdlib.h>
static int atoi_(const char *s){return (int)strtoul(s,NULL,10);}
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
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

static texts read_texts(const char *path, names *k)
{
    texts t = { 0 };
    FILE *f = fopen(path, "rb");
    KT_ASSERT(f && fseek(f, 0, SEEK_END) == 0);
    size_t n = (size_t)ftell(f);
    rewind(f);
    t.bytes = kt_alloc(n + 1);
    KT_ASSERT(fread(t.bytes, 1, n, f) == n);
    fclose(f);
    for (char *p = t.bytes, *end = p + n; p < end;) {
        char *line = memchr(p, '\n', (size_t)(end - p)), *tab = memchr(p, '\t', (size_t)(end - p));
        line = line ? line : end;
        KT_ASSERT(tab && tab < line);
        KT_PUSH(&t.label, name_of(k, (kt_str){ p, (size_t)(tab - p) }));
        KT_PUSH(&t.text, (kt_str){ tab + 1, (size_t)(line - tab - 1) });
        p = line + 1;
    }
    return t;
}

static double share_right(const uint16_t *got, const texts *t)
{
    size_t right = 0;
    for (size_t i = 0; i < t->text.n; i++)
        right += got[i] == t->label.v[i];
    return (double)right / (double)t->text.n;
}

static int fit(int argc, char **argv)
{
    KT_ASSERT(argc >= 4);
    names k = { 0 };
    texts a = read_texts(argv[2], &k), b = read_texts(argv[3], &k);
    kt_pool *pool = kt_pool_new(argc > 4 ? argv[4][0] - '0' : 0);
    kt_features_options fo = KT_FEATURES_OPTIONS_INIT;
    if (getenv("BITS")) fo.bits = (uint32_t)(getenv("BITS")[0] - '0') * 10 + (uint32_t)(getenv("BITS")[1] - '0');
    kt_features x, y;
    kt_idf idf;
    kt_linear m;
    uint16_t *got = kt_alloc_array(b.text.n, sizeof(*got));
    float *prob = kt_alloc_array(b.text.n, sizeof(*prob));
    double t0 = now();
    KT_ASSERT(kt_features_make(a.text.v, a.text.n, &fo, pool, &x, NULL) == 0);
    kt_idf_init(&idf, fo.bits);
    kt_idf_add(&idf, &x);
    kt_features_weigh(&x, &idf, pool);
    double t1 = now();
    kt_linear_data d = { .x = &x, .n_labels = (uint32_t)k.n, .label = a.label.v };
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    o.bits = fo.bits;
    if (getenv("EPOCHS")) o.epochs = (uint32_t)atoi_(getenv("EPOCHS"));
    KT_ASSERT(kt_linear_fit(&d, &o, pool, &m, NULL) == 0);
    double t2 = now();
    KT_ASSERT(kt_features_make(b.text.v, b.text.n, &fo, pool, &y, NULL) == 0);
    kt_features_weigh(&y, &idf, pool);
    kt_linear_top(&m, &y, 1, pool, got, prob);
    double t3 = now();
    printf("{\"rows\":%zu,\"labels\":%zu,\"entries\":%zu,\"features_s\":%.4f,\"train_s\":%.4f,\"accuracy\":%.4f,\"predict_per_s\":%.0f}\n",
           a.text.n, k.n, x.start[x.n_rows], t1 - t0, t2 - t1, share_right(got, &b), (double)b.text.n / (t3 - t2));
    return 0;
}

/* Cuts a comma list of numbers. */
static size_t numbers(const char *s, size_t *ret)
{
    size_t n = 0;
    for (; *s; s += *s == ',')
        for (ret[n++] = 0; *s >= '0' && *s <= '9'; s++)
            ret[n - 1] = 10 * ret[n - 1] + (size_t)(*s - '0');
    return n;
}

static int curve(int argc, char **argv)
{
    KT_ASSERT(argc == 7);
    names k = { 0 };
    texts a = read_texts(argv[2], &k), b = read_texts(argv[3], &k);
    kt_pool *pool = kt_pool_new(1);
    size_t at[64], n_at = numbers(argv[6], at), seed[1];
    numbers(argv[5], seed);
    kt_features_options fo = { 20, 2, 0, 0 };
    kt_features x, y;
    kt_idf idf;
    KT_ASSERT(kt_features_make(a.text.v, a.text.n, &fo, pool, &x, NULL) == 0);
    KT_ASSERT(kt_features_make(b.text.v, b.text.n, &fo, pool, &y, NULL) == 0);
    kt_idf_init(&idf, fo.bits);
    kt_idf_add(&idf, &x);
    kt_features_weigh(&x, &idf, pool);
    kt_features_weigh(&y, &idf, pool);
    const kt_selector *s = kt_selector_find(kt_str_of(argv[4])), *first = kt_selector_find(kt_str_of(getenv("FIRST") ? getenv("FIRST") : "random"));
    int32_t *label = kt_alloc_array(a.text.n, 4);
    uint8_t *out = kt_zalloc(a.text.n);
    uint16_t *got = kt_alloc_array(b.text.n, sizeof(*got));
    float *prob = kt_alloc_array(b.text.n, sizeof(*prob)), *all = kt_zalloc_array(a.text.n * k.n, sizeof(*all));
    for (size_t i = 0; i < a.text.n; i++)
        label[i] = -1;
    double *counts = kt_alloc_array(k.n, sizeof(*counts));
    size_t n = 0;
    for (size_t r = 0; r < n_at; r++) {
        uint32_t *chosen = kt_alloc_array(at[r] + 1, 4);
        size_t m_chosen;
        kt_select_data sd = { .n_items = a.text.n, .n_labels = (uint32_t)k.n, .prob = all, .excluded = out, .x = &x, .known = out, .n_of_label = counts };
        for (size_t c = 0; c < k.n; c++)
            counts[c] = 0;
        for (size_t i = 0; i < a.text.n; i++)
            if (label[i] >= 0)
                counts[label[i]]++;
        KT_ASSERT(kt_select(r ? s : first, &sd, seed[0] * 1000 + r, pool, at[r] - n, chosen, &m_chosen, NULL) == 0);
        for (size_t i = 0; i < m_chosen; i++) {
            label[chosen[i]] = a.label.v[chosen[i]];
            out[chosen[i]] = 1;
        }
        n += m_chosen;
        kt_linear_data d = { .x = &x, .n_labels = (uint32_t)k.n, .label = label, .unlabeled = getenv("EM") ? &x : NULL };
        kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
        o.bits = fo.bits;
        o.seed = seed[0];
        if (getenv("EM") && getenv("EM")[0] != (char)45) o.prior_weight = (double)atoi_(getenv("EM"))/10;
        kt_linear m;
        double t = now();
        KT_ASSERT(kt_linear_fit(&d, &o, pool, &m, NULL) == 0);
        t = now() - t;
        kt_linear_predict(&m, &x, pool, all);
        kt_linear_top(&m, &y, 1, pool, got, prob);
        printf("%zu %.4f %.3f\n", n, share_right(got, &b), t);
        kt_linear_done(&m);
        kt_free(chosen);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "fit") == 0)
        return fit(argc, argv);
    if (argc > 1 && strcmp(argv[1], "curve") == 0)
        return curve(argc, argv);
    return 2;
}
