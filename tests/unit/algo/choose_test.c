/* Calibration and selection. Checked against: monotonicity and planted calibration curves; a plain sort. */
#include "algo/calibrate.h"
#include "algo/select.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "kt_test.h"

/* Planted: a label of confidence s is right with chance s². */
static void calibration(void **state)
{
    (void)state;
    enum { N = 5000 };
    float *s = kt_alloc_array(N, sizeof(float));
    uint8_t *right = kt_alloc(N);
    kt_rng r = kt_rng_keyed(1, 1, 1);
    for (int i = 0; i < N; i++) {
        s[i] = (float)kt_rng_unit(&r);
        right[i] = kt_rng_unit(&r) < (double)s[i] * (double)s[i];
    }
    kt_calibration best;
    double loss[KT_CALIBRATE__COUNT];
    assert_int_equal(kt_calibrate_choose(s, right, N, 7, &best, loss, NULL), 0);
    for (int m = 0; m < KT_CALIBRATE__COUNT; m++) {
        kt_calibration c;
        double last = -1, off = 0;
        assert_int_equal(kt_calibrate_fit((kt_calibrate_method)m, s, right, N, &c, NULL), 0);
        assert_true(loss[best.method] <= loss[m]);
        for (int i = 0; i <= 100; i++) {
            double p = kt_calibrate_apply(&c, i / 100.0);
            assert_true(p >= last && p >= 0 && p <= 1);
            last = p;
            off += fabs(p - i / 100.0 * i / 100.0) / 101;
        }
        if (m == KT_CALIBRATE_BETA || m == KT_CALIBRATE_ISOTONIC) /* Platt's curve is of another shape */
            assert_true(off < 0.04);
    }
    assert_true(best.method != KT_CALIBRATE_NONE);
    s[3] = NAN;
    assert_int_equal(kt_calibrate_fit(KT_CALIBRATE_PLATT, s, right, N, &best, NULL), KT_RANGE);
    kt_free(s);
    kt_free(right);
}

static void selection(void **state)
{
    (void)state;
    enum { N = 1000, K = 4, WANT = 37 };
    float *p = kt_alloc_array(N * K, sizeof(float));
    uint8_t out[N] = { 0 };
    kt_rng r = kt_rng_keyed(2, 2, 2);
    for (int i = 0; i < N; i++) {
        float sum = 0;
        for (int c = 0; c < K; c++)
            sum += p[i * K + c] = (float)(0.01 + kt_rng_unit(&r));
        for (int c = 0; c < K; c++)
            p[i * K + c] /= sum;
        out[i] = i % 3 == 0;
    }
    size_t n_table;
    const kt_selector *const *table = kt_selectors(&n_table);
    for (size_t t = 0; t < n_table; t++) {
        kt_select_data d = { N, K, p, out, NULL };
        uint32_t got[WANT];
        size_t n;
        assert_int_equal(kt_select(table[t], &d, 5, NULL, WANT, got, &n, NULL), 0);
        assert_int_equal(n, WANT);
        double worst = 1e9;
        bool chosen[N] = { false };
        for (size_t i = 0; i < n; i++) { /* best first, none excluded, none twice */
            double q[K];
            for (int c = 0; c < K; c++)
                q[c] = (double)p[got[i] * K + c];
            double s = table[t]->score(q, K, kt_mix64(kt_mix64(5) ^ got[i]));
            assert_true(s <= worst + 1e-9 && !out[got[i]] && !chosen[got[i]]);
            worst = s;
            chosen[got[i]] = true;
        }
        for (int i = 0; i < N; i++) { /* nothing better was left */
            double q[K];
            for (int c = 0; c < K; c++)
                q[c] = (double)p[i * K + c];
            assert_true(out[i] || chosen[i] || table[t]->score(q, K, kt_mix64(kt_mix64(5) ^ (uint64_t)i)) <= worst + 1e-9);
        }
    }
    assert_null(kt_selector_find(KT_S("nothing")));
    kt_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(calibration), cmocka_unit_test(selection) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
