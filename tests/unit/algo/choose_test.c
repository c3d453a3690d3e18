/* Calibration. Checked against: monotonicity and planted calibration curves. */
#include "algo/learn/calibrate.h"
#include "base/mem.h"
#include "base/rng.h"
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
            assert_true((p >= last || m == KT_CALIBRATE_HISTOGRAM) && p >= 0 && p <= 1);
            last = p;
            off += fabs(p - i / 100.0 * i / 100.0) / 101;
        }
        if (m == KT_CALIBRATE_BETA || m == KT_CALIBRATE_ISOTONIC || m == KT_CALIBRATE_HISTOGRAM) /* the others' curves are of another shape */
            assert_true(off < 0.04);
    }
    assert_true(best.method != KT_CALIBRATE_NONE);
    s[3] = NAN;
    assert_int_equal(kt_calibrate_fit(KT_CALIBRATE_PLATT, s, right, N, &best, NULL), KT_RANGE);
    kt_free(s);
    kt_free(right);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(calibration) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
