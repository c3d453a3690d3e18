/* Several labels an item. Checked against: planted words, each of which brings its label whatever else is there; calibration on held-out
   texts; threads. */
#include "algo/learn/linear_multi.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "kt_test.h"

#include <math.h>

enum { N = 800, K = 5 };

/* Each label is there with chance 0.3; its word is then in the text with chance 0.9, and without it with chance 0.03. */
static kt_features planted(uint64_t seed, float *has)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str *text = kt_arena_array(&a, N, sizeof(*text));
    kt_features_options o = { 18, 1, 0, 0 };
    kt_features x;
    kt_rng g = kt_rng_keyed(seed, 0, 0);
    for (size_t i = 0; i < N; i++) {
        KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
        for (int w = 0; w < 6; w++)
            kt_buf_printf(&b, "all%d ", (int)kt_rng_below(&g, 40));
        for (int c = 0; c < K; c++) {
            has[i * K + (size_t)c] = kt_rng_unit(&g) < 0.3;
            if (kt_rng_unit(&g) < (has[i * K + (size_t)c] > 0 ? 0.9 : 0.03))
                kt_buf_printf(&b, "word%d ", c);
        }
        text[i] = kt_arena_str(&a, KT_BUF_STR(&b));
    }
    assert_int_equal(kt_features_make(text, N, &o, NULL, &x, NULL), 0);
    kt_features_weigh(&x, NULL, NULL);
    return x;
}

static void labels_come_one_by_one(void **state)
{
    (void)state;
    float *has = kt_alloc_array(N * K, sizeof(float)), *truth = kt_alloc_array(N * K, sizeof(float)), *p[2];
    kt_features x = planted(1, has), y = planted(2, truth);
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    for (int t = 0; t < 2; t++) {
        kt_pool *pool = kt_pool_new(t ? 3 : 1);
        kt_linear m;
        assert_int_equal(kt_linear_multi_fit(&x, K, has, NULL, &o, pool, &m, NULL), 0);
        p[t] = kt_alloc_array(N * K, sizeof(float));
        kt_linear_multi_predict(&m, &y, pool, p[t]);
        kt_linear_done(&m);
        kt_pool_free(pool);
    }
    assert_memory_equal(p[0], p[1], N * K * sizeof(float));
    double right = 0, said = 0, are = 0;
    for (size_t i = 0; i < N * K; i++) {
        right += (p[0][i] > 0.5f) == (truth[i] > 0.5f);
        said += (double)p[0][i];
        are += (double)truth[i];
    }
    assert_true(right / (N * K) > 0.93); /* the best possible is 1 - 0.3 x 0.1 - 0.7 x 0.03 = 0.949 */
    kt_assert_close(said / are, 1, 0.1);
    has[7] = 1.5f;
    kt_linear m;
    assert_int_equal(kt_linear_multi_fit(&x, K, has, NULL, &o, NULL, &m, NULL), KT_RANGE);
    assert_int_equal(kt_linear_multi_fit(&x, 0, has, NULL, &o, NULL, &m, NULL), KT_RANGE);
    kt_features_done(&x);
    kt_features_done(&y);
    kt_free(has);
    kt_free(truth);
    kt_free(p[0]);
    kt_free(p[1]);
}

/* Half of the rows lie about every label: of weight 0 they are as if they were not there; light and unjudged they harm far less than as equals. */
static void rows_count_as_they_are_weighed(void **state)
{
    (void)state;
    float *has = kt_alloc_array(N * K, sizeof(float)), *truth = kt_alloc_array(N * K, sizeof(float)), *p = kt_alloc_array(N * K, sizeof(float)), w[N];
    uint8_t judged[N];
    double loss[3] = { 0 };
    const float light[] = { 0, 0.1f, 1 };
    kt_features x = planted(1, has), y = planted(2, truth);
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    for (size_t i = 0; i < N / 2 * K; i++)
        has[i] = 1 - has[i];
    for (int t = 0; t < 3; t++) {
        kt_linear m;
        for (size_t i = 0; i < N; i++) {
            w[i] = i < N / 2 ? light[t] : 1;
            judged[i] = t == 2 || i >= N / 2;
        }
        const kt_linear_data d = { .x = &x, .n_labels = K, .soft = has, .row_weight = w, .judged = judged };
        assert_int_equal(kt_linear_multi_fit_rows(&d, &o, NULL, &m, NULL), 0);
        kt_linear_multi_predict(&m, &y, NULL, p);
        kt_linear_done(&m);
        for (size_t i = 0; i < N * K; i++)
            loss[t] -= log((double)(truth[i] > 0.5f ? p[i] : 1 - p[i]) + 1e-9) / (N * K);
    }
    print_message("log loss %.4f without them, %.4f light, %.4f as equals\n", loss[0], loss[1], loss[2]);
    assert_true(loss[0] < loss[2] - 0.1 && loss[1] < loss[2] - 0.1);
    const kt_linear_data d = { .x = &x, .n_labels = K, .soft = has, .row_weight = w, .judged = judged };
    memset(p, 0xff, N * K * sizeof(*p));
    w[0] = 0;
    assert_int_equal(kt_linear_multi_cross_rows(&d, &o, 4, NULL, p, NULL), 0);
    assert_true(isnan(p[0]) && p[N * K - 1] >= 0 && p[N * K - 1] <= 1);
    memset(w, 0, sizeof(w));
    kt_linear m;
    assert_int_equal(kt_linear_multi_fit_rows(&d, &o, NULL, &m, NULL), KT_RANGE);
    kt_features_done(&x);
    kt_features_done(&y);
    kt_free(has);
    kt_free(truth);
    kt_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(labels_come_one_by_one), cmocka_unit_test(rows_count_as_they_are_weighed) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
