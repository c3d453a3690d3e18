/* The linear classifier. Checked against: planted words (every answer is known), a dense solver of the same objective (gradient descent on
   the primal), and what must hold for any data: threads, byte form, explanations that add up. */
#include "algo/learn/linear_int.h"
#include "base/rng.h"
#include "base/str.h"
#include "kt_test.h"

enum { N = 600, K = 3, WORDS = 12 };

/* Texts of WORDS words; a third of them from the label's own 20 words, the rest from 60 that all labels share. */
static void planted(uint64_t seed, size_t n, kt_arena *a, kt_str *text, int32_t *label)
{
    kt_rng g = kt_rng_keyed(seed, 1, 1);
    for (size_t i = 0; i < n; i++) {
        KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
        label[i] = (int32_t)(i % K);
        for (int w = 0; w < WORDS; w++)
            if (kt_rng_below(&g, 3) == 0)
                kt_buf_printf(&b, "own%dx%d ", (int)label[i], (int)kt_rng_below(&g, 20));
            else
                kt_buf_printf(&b, "all%d ", (int)kt_rng_below(&g, 60));
        text[i] = kt_arena_str(a, KT_BUF_STR(&b));
    }
}

static const kt_features_options words = { 18, 2, 0, 0 };

static kt_features rows_of(const kt_str *text, size_t n, const kt_idf *idf)
{
    kt_features x;
    assert_int_equal(kt_features_make(text, n, &words, NULL, &x, NULL), 0);
    if (idf)
        kt_features_weigh(&x, idf, NULL);
    return x;
}

struct set {
    kt_arena a;
    kt_str *text;
    int32_t *label;
    kt_features x;
    kt_idf idf;
};

static struct set make_set(uint64_t seed, size_t n)
{
    struct set s = { .a = KT_ARENA_INIT, .text = kt_zalloc_array(n, sizeof(kt_str)), .label = kt_alloc_array(n, sizeof(int32_t)) };
    planted(seed, n, &s.a, s.text, s.label);
    s.x = rows_of(s.text, n, NULL);
    kt_idf_init(&s.idf, words.bits);
    kt_idf_add(&s.idf, &s.x);
    kt_features_weigh(&s.x, &s.idf, NULL);
    return s;
}

static void set_done(struct set *s)
{
    kt_features_done(&s->x);
    kt_idf_done(&s->idf);
    kt_free(s->text);
    kt_free(s->label);
    kt_arena_done(&s->a);
}

static double right(const float *p, const int32_t *label, size_t n)
{
    size_t r = 0;
    for (size_t i = 0; i < n; i++) {
        int best = 0;
        for (int c = 1; c < K; c++)
            best = p[i * K + (size_t)c] > p[i * K + (size_t)best] ? c : best;
        r += best == label[i];
    }
    return (double)r / (double)n;
}

static void learns_and_repeats(void **state)
{
    (void)state;
    struct set train = make_set(1, N), test = make_set(2, N);
    kt_features y = rows_of(test.text, N, &train.idf);
    kt_linear_data d = { .x = &train.x, .n_labels = K, .label = train.label };
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    float *p[3], sum = 0;
    kt_buf bytes[3] = { KT_BUF_INIT(1 << 24), KT_BUF_INIT(1 << 24), KT_BUF_INIT(1 << 24) };
    int threads[3] = { 1, 2, 7 };
    for (int t = 0; t < 3; t++) {
        kt_linear m, again;
        kt_pool *pool = kt_pool_new(threads[t]);
        p[t] = kt_alloc_array(N * K, sizeof(float));
        assert_int_equal(kt_linear_fit(&d, &o, pool, &m, NULL), 0);
        kt_linear_bytes(&m, &bytes[t]);
        assert_int_equal(kt_linear_from_bytes(KT_BUF_STR(&bytes[t]), &again, NULL), 0);
        kt_linear_predict(&again, &y, pool, p[t]);
        kt_linear_done(&again);
        again = m;
        float *q = kt_alloc_array(N * K, sizeof(float));
        kt_linear_predict(&again, &y, pool, q);
        assert_memory_equal(q, p[t], N * K * sizeof(float)); /* what was read back predicts the same */
        kt_free(q);
        kt_linear_done(&m);
        kt_pool_free(pool);
        assert_true(bytes[t].n == bytes[0].n && memcmp(bytes[t].p, bytes[0].p, bytes[0].n) == 0);
    }
    for (int c = 0; c < K; c++)
        sum += p[0][c];
    kt_assert_close((double)sum, 1, 1e-5);
    assert_true(right(p[0], test.label, N) > 0.93); /* an item without a word of its own happens in (2/3)^12 = 0.8 % */
    for (int t = 0; t < 3; t++) {
        kt_free(p[t]);
        kt_buf_done(&bytes[t]);
    }
    kt_features_done(&y);
    set_done(&train);
    set_done(&test);
}

/* The objective of linear_int.h for label c. */
static double objective(const kt_train_rows *r, const float *w, const float *bias, uint32_t c, double cost)
{
    double sum = (double)bias[c] * (double)bias[c] / 2;
    for (uint32_t f = 0; f < r->n_features; f++)
        sum += (double)w[f * r->n_labels + c] * (double)w[f * r->n_labels + c] / 2;
    for (size_t i = 0; i < r->n; i++) {
        double z = (double)bias[c], p = r->of[i].soft ? (double)r->of[i].soft[c] : r->of[i].label == (int32_t)c;
        for (size_t e = r->start[i]; e < r->start[i + 1]; e++)
            z += (double)r->value[e] * (double)w[r->feature[e] * r->n_labels + c];
        double up = fmax(0, 1 - z), down = fmax(0, 1 + z);
        sum += cost * (double)r->of[i].weight * (p * up * up + (1 - p) * down * down);
    }
    return sum;
}

/* No coordinate can be improved by a step either way: the answer is the minimum of a convex function. Hard, soft and weighted rows. */
static void descends_to_the_minimum(void **state)
{
    (void)state;
    struct set s = make_set(3, 90);
    kt_example e[90];
    float soft[90 * K];
    for (size_t i = 0; i < 90; i++) {
        float a = 0.1f + 0.2f * (float)(i % 4);
        for (int c = 0; c < K; c++)
            soft[i * K + (size_t)c] = c == s.label[i] ? 1 - a : a / (K - 1);
        e[i] = (kt_example){ &s.x, i, i % 2 ? soft + i * K : NULL, s.label[i], i % 5 ? 1 : 0.3f, true, 0 };
    }
    uint32_t *row_of = kt_zalloc_array(1 << 18, sizeof(*row_of)), n_features = 0;
    kt_train_rows r;
    kt_train_rows_init(e, 90, K, row_of, &n_features, &r);
    float *w = kt_alloc_array(n_features * K, sizeof(*w)), bias[K];
    kt_linear_descend(&r, NULL, 2, 400, 1, NULL, w, bias);
    for (uint32_t c = 0; c < K; c++) {
        double best = objective(&r, w, bias, c, 2);
        for (uint32_t f = 0; f < n_features; f += 17)
            for (float by = -0.03f; by < 0.04f; by += 0.06f) {
                w[f * K + c] += by;
                assert_true(objective(&r, w, bias, c, 2) > best);
                w[f * K + c] -= by;
            }
    }
    kt_train_rows_done(&r);
    kt_free(row_of);
    kt_free(w);
    set_done(&s);
}

/* Naive Bayes against its formula, written out. */
static void bayes_formula(void **state)
{
    (void)state;
    kt_str text[3] = { KT_S("sun sun rain"), KT_S("rain"), KT_S("snow") };
    kt_features_options one = { 18, 1, 0, 0 };
    kt_features x;
    assert_int_equal(kt_features_make(text, 3, &one, NULL, &x, NULL), 0);
    kt_example e[3] = { { &x, 0, NULL, 0, 1, true, 0 }, { &x, 1, NULL, 1, 1, true, 0 }, { &x, 2, NULL, 1, 6, true, 0 } };
    uint32_t *row_of = kt_zalloc_array(1 << 18, sizeof(*row_of)), n = 0;
    kt_train_rows r;
    kt_train_rows_init(e, 3, 2, row_of, &n, &r);
    float w[6], bias[2];
    assert_int_equal(n, 3);
    kt_linear_bayes(&r, NULL, w, bias);
    double even = 3 / (2 * 9.0 / 4), a = (double)KT_LINEAR_ALPHA, sun = 1 + log(2), total0 = sun + 1 + 3 * a, total1 = 1 + 6 + 3 * a;
    double share[3][2] = { { (sun + a) / total0, a / total1 }, { (1 + a) / total0, (1 + a) / total1 }, { a / total0, (6 + a) / total1 } };
    for (int f = 0; f < 3; f++)
        kt_assert_close((double)(w[f * 2] - w[f * 2 + 1]), log(share[f][0] / share[f][1]), 1e-5);
    kt_assert_close((double)(bias[1] - bias[0]), log((7 - 3 * even + 1) / (1 + 3 * even + 1)), 1e-5);
    kt_train_rows_done(&r);
    kt_free(row_of);
    kt_features_done(&x);
}

/* Wrong labels planted in a tenth of the rows: out of fold they look unlikely, in training they would not. */
static void out_of_fold(void **state)
{
    (void)state;
    struct set s = make_set(4, N);
    int32_t given[N];
    for (int i = 0; i < N; i++)
        given[i] = i % 10 == 7 ? (s.label[i] + 1) % K : i % 10 == 3 ? -1 : s.label[i];
    kt_linear_data d = { .x = &s.x, .n_labels = K, .label = given };
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    float *p = kt_alloc_array(N * K, sizeof(float));
    assert_int_equal(kt_linear_cross(&d, &o, 5, NULL, p, NULL), 0);
    double wrong = 0, good = 0;
    for (size_t i = 0; i < N; i++) {
        if (i % 10 == 3)
            assert_true(p[i * K] == 0 && p[i * K + 1] == 0);
        else
            *(i % 10 == 7 ? &wrong : &good) += (double)p[i * K + (size_t)given[i]];
    }
    assert_true(wrong / (N / 10) < 0.2);
    assert_true(good / (N * 8 / 10) > 0.7);
    assert_int_equal(kt_linear_cross(&d, &o, 1, NULL, p, NULL), KT_RANGE);
    kt_free(p);
    set_done(&s);
}

static void online(void **state)
{
    (void)state;
    struct set s = make_set(5, 60);
    kt_linear_data d = { .x = &s.x, .n_labels = K, .label = s.label };
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    kt_linear m;
    assert_int_equal(kt_linear_fit(&d, &o, NULL, &m, NULL), 0);
    kt_str text = KT_S("brandnew words entirely");
    kt_features y = rows_of(&text, 1, &s.idf);
    float before[K], after[K];
    uint32_t seen = m.n_seen;
    kt_linear_predict(&m, &y, NULL, before);
    for (int i = 0; i < 10; i++)
        kt_linear_update(&m, &y, 0, 2);
    kt_linear_predict(&m, &y, NULL, after);
    assert_true(after[2] > before[2] && after[2] > 0.5f);
    assert_int_equal(m.n_seen, seen + y.start[1]); /* words and pairs not seen before have weights now */
    kt_features_done(&y);
    kt_linear_done(&m);
    set_done(&s);
}

/* Contributions and biases make up the difference of log probabilities, and the words that decide come first. */
static void reasons(void **state)
{
    (void)state;
    struct set s = make_set(6, N);
    kt_linear_data d = { .x = &s.x, .n_labels = K, .label = s.label };
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    kt_linear m;
    assert_int_equal(kt_linear_fit(&d, &o, NULL, &m, NULL), 0);
    kt_str text = KT_S("All1, own1x3! all2");
    kt_features y = rows_of(&text, 1, &s.idf);
    float p[K], z[K];
    kt_linear_predict(&m, &y, NULL, p);
    for (uint32_t c = 0; c < K; c++) {
        kt_reason why[8];
        size_t n;
        assert_int_equal(kt_linear_explain(&m, text, &words, &s.idf, c, 8, true, &s.a, why, &n, NULL), 0);
        assert_int_equal(n, 5); /* three words, two pairs */
        z[c] = m.bias[c];
        for (size_t i = 0; i < n; i++) {
            z[c] += why[i].adds;
            assert_true(i == 0 || fabsf(why[i].adds) <= fabsf(why[i - 1].adds));
        }
        if (c == 1)
            assert_true(kt_str_eq(why[0].gram, KT_S("own1x3")) && why[0].adds > 0);
    }
    kt_assert_close((double)(z[1] - z[0]), log((double)p[1] / (double)p[0]), 1e-3);
    kt_reason one;
    size_t n;
    assert_int_equal(kt_linear_explain(&m, text, &words, &s.idf, K, 1, true, &s.a, &one, &n, NULL), KT_RANGE);
    kt_features_done(&y);
    kt_linear_done(&m);
    set_done(&s);
}

/* Two labels a class and a pool: the pool's words carry what the labels cannot. */
static void pool_helps(void **state)
{
    (void)state;
    struct set s = make_set(7, 900);
    int32_t few[900];
    for (int i = 0; i < 900; i++)
        few[i] = i < 12 ? s.label[i] : -1;
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    float *p = kt_alloc_array(900 * K, sizeof(float));
    double share[2];
    for (int with = 0; with < 2; with++) {
        kt_linear_data d = { .x = &s.x, .n_labels = K, .label = few, .unlabeled = with ? &s.x : NULL };
        kt_linear m;
        assert_int_equal(kt_linear_fit(&d, &o, NULL, &m, NULL), 0);
        kt_linear_predict(&m, &s.x, NULL, p);
        share[with] = right(p, s.label, 900);
        kt_linear_done(&m);
    }
    assert_true(share[1] > share[0] + 0.1);
    kt_free(p);
    set_done(&s);
}

/* A model large enough to be read in 16 bits says what its weights say, in any number of labels, and once more after learning online. */
static void packed_weights_say_the_same(void **state)
{
    (void)state;
    for (uint32_t k = 50; k <= 64; k += 7) {
        enum { ROWS = 3000 };
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_rng g = kt_rng_keyed(k, 4, 4);
        kt_str text[ROWS];
        int32_t label[ROWS];
        for (size_t i = 0; i < ROWS; i++) {
            KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
            label[i] = (int32_t)(i % k);
            for (int w = 0; w < WORDS; w++)
                kt_buf_printf(&b, "own%dx%d all%d ", (int)label[i], (int)kt_rng_below(&g, 200), (int)kt_rng_below(&g, 9000));
            text[i] = kt_arena_str(&a, KT_BUF_STR(&b));
        }
        kt_features x = rows_of(text, ROWS, NULL);
        kt_features_weigh(&x, NULL, NULL);
        kt_linear_data d = { .x = &x, .n_labels = k, .label = label };
        kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
        kt_linear m;
        assert_int_equal(kt_linear_fit(&d, &o, NULL, &m, NULL), 0);
        assert_non_null(m.packed);
        float *fast = kt_alloc_array(ROWS, k * sizeof(*fast)), *plain = kt_alloc_array(ROWS, k * sizeof(*plain));
        kt_linear_predict(&m, &x, NULL, fast);
        kt_linear_update(&m, &x, 0, (uint32_t)label[1]); /* to the wrong label, so it changes something */
        assert_null(m.packed);
        kt_linear_predict(&m, &x, NULL, plain);
        double other = 0;
        for (size_t c = 0; c < k; c++)
            other += fabs((double)fast[c] - (double)plain[c]);
        assert_true(other > 1e-3);
        kt_linear_done(&m);
        assert_int_equal(kt_linear_fit(&d, &o, NULL, &m, NULL), 0);
        kt_linear_unpack(&m);
        kt_linear_predict(&m, &x, NULL, plain);
        for (size_t i = 0; i < ROWS * (size_t)k; i++)
            kt_assert_close((double)fast[i], (double)plain[i], 1e-5);
        kt_linear_done(&m);
        kt_free(fast);
        kt_free(plain);
        kt_features_done(&x);
    }
}

/* Rows in memory that held others before, more and fewer, longer and shorter. */
static void renewed_rows_are_new(void **state)
{
    (void)state;
    struct set s = make_set(3, N);
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1 << 20);
    for (int i = 0; i < 3000; i++)
        kt_buf_printf(&b, "long%d ", i); /* more than the table of a text begins with */
    const kt_str *const piece[] = { s.text, s.text + 7, s.text, &(kt_str){ b.p, b.n }, s.text + 100, s.text };
    const size_t n[] = { 10, N - 7, 0, 1, 3, N };
    kt_features x = { 0 };
    for (size_t p = 0; p < KT_LEN(n); p++) {
        assert_int_equal(kt_features_renew(piece[p], n[p], &words, NULL, &x, NULL), 0);
        kt_features y = rows_of(piece[p], n[p], NULL);
        assert_int_equal(x.n_rows, n[p]);
        assert_memory_equal(x.start, y.start, (n[p] + 1) * sizeof(*x.start));
        for (size_t e = 0; e < y.start[n[p]]; e++)
            assert_true(x.index[e] == y.index[e] && memcmp(&x.value[e], &y.value[e], sizeof(float)) == 0);
        assert_true(p != 3 || y.start[1] > 5900);
        kt_features_done(&y);
    }
    kt_features_done(&x);
    set_done(&s);
}

static void refuses(void **state)
{
    (void)state;
    struct set s = make_set(8, 30);
    kt_linear m;
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    kt_linear_data d = { .x = &s.x, .n_labels = 2, .label = s.label };
    assert_int_equal(kt_linear_fit(&d, &o, NULL, &m, NULL), KT_RANGE); /* label 2 of 2 */
    for (int i = 0; i < 30; i++)
        s.label[i] = -1;
    assert_int_equal(kt_linear_fit(&d, &o, NULL, &m, NULL), KT_RANGE); /* nothing to learn from */
    assert_int_equal(kt_linear_from_bytes(KT_S("KTL1\x12\x03"), &m, NULL), KT_CORRUPT);
    set_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_and_repeats), cmocka_unit_test(descends_to_the_minimum), cmocka_unit_test(bayes_formula),
        cmocka_unit_test(out_of_fold),        cmocka_unit_test(online),                  cmocka_unit_test(reasons),
        cmocka_unit_test(pool_helps),         cmocka_unit_test(refuses),
        cmocka_unit_test(packed_weights_say_the_same), cmocka_unit_test(renewed_rows_are_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
