/* The outlook of a learning curve. Checked against: planted power laws, whose next gain is known (how often the interval holds it, and whether
   the expectation is right on average), and curves that have nothing more to give. */
#include "algo/learn/stopping.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

static void outlooks_hold_what_comes(void **state)
{
    (void)state;
    enum { CURVES = 400, POINTS = 6 };
    size_t held = 0, held_left = 0;
    double expected = 0, came = 0;
    kt_rng g = kt_rng_keyed(1, 1, 1);
    for (int t = 0; t < CURVES; t++) {
        double a = 0.8 + 0.15 * kt_rng_unit(&g), c = 0.4 + 0.8 * kt_rng_unit(&g), b = (0.2 + 0.2 * kt_rng_unit(&g)) * pow(100, c), se = 0.005;
        kt_learning_point p[POINTS];
        for (int i = 0; i < POINTS; i++) {
            double n = 100 * (i + 1), y = a - b * pow(n, -c) + se * kt_rng_normal(&g);
            p[i] = (kt_learning_point){ n, KT_MIN(1, KT_MAX(0, y)), se };
        }
        kt_learning_gain o;
        assert_int_equal(kt_learning_outlook(p, POINTS, 100, &o, NULL), 0);
        double gain = b * (pow(600, -c) - pow(700, -c)), left = b * pow(600, -c);
        assert_true(o.low <= o.gain + 1e-9 && o.gain <= o.high + 1e-9 && o.gain <= o.left && o.left <= o.left_high + 1e-9);
        held += gain >= o.low && gain <= o.high;
        held_left += left >= o.left_low && left <= o.left_high;
        expected += o.gain / CURVES;
        came += gain / CURVES;
    }
    print_message("gain of the next 100: expected %.4f, was %.4f, in the interval %.3f of the time; all that was left %.3f\n", expected, came,
                  (double)held / CURVES, (double)held_left / CURVES);
    assert_true(held > 0.92 * CURVES && held_left > 0.9 * CURVES);
    kt_assert_close(expected, came, 0.25 * came);
}

static void flat_curves_have_nothing_left(void **state)
{
    (void)state;
    kt_learning_point flat[] = { { 100, 0.9, 0.002 }, { 200, 0.901, 0.002 }, { 300, 0.9, 0.002 }, { 400, 0.9, 0.002 }, { 500, 0.901, 0.002 } };
    kt_learning_point steep[] = { { 100, 0.5, 0.002 }, { 200, 0.6, 0.002 }, { 300, 0.66, 0.002 }, { 400, 0.7, 0.002 }, { 500, 0.73, 0.002 } };
    kt_learning_point falling[] = { { 100, 0.9, 0.002 }, { 200, 0.89, 0.002 }, { 300, 0.88, 0.002 } };
    kt_learning_gain f, s, d;
    assert_int_equal(kt_learning_outlook(flat, 5, 100, &f, NULL), 0);
    assert_int_equal(kt_learning_outlook(steep, 5, 100, &s, NULL), 0);
    assert_int_equal(kt_learning_outlook(falling, 3, 100, &d, NULL), 0);
    assert_true(f.gain < 0.001 && f.high < 0.002);
    assert_true(s.gain > 0.01 && s.low > 0.005 && s.left > 0.05);
    assert_true(d.gain >= 0 && d.gain < 0.002);
    kt_assert_close(f.now, 0.9, 0.003);
}

static void refuses(void **state)
{
    (void)state;
    kt_learning_point p[] = { { 100, 0.5, 0.01 }, { 200, 0.6, 0.01 }, { 300, 0.7, 0.01 } };
    kt_learning_gain o;
    assert_int_equal(kt_learning_outlook(p, 2, 100, &o, NULL), KT_RANGE);
    assert_int_equal(kt_learning_outlook(p, 3, 0, &o, NULL), KT_RANGE);
    p[2].labels = 150;
    assert_int_equal(kt_learning_outlook(p, 3, 100, &o, NULL), KT_RANGE);
    p[2].labels = 300;
    p[1].accuracy = 1.2;
    assert_int_equal(kt_learning_outlook(p, 3, 100, &o, NULL), KT_RANGE);
    p[1].accuracy = 0.6;
    p[0].se = 0;
    assert_int_equal(kt_learning_outlook(p, 3, 100, &o, NULL), KT_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outlooks_hold_what_comes), cmocka_unit_test(flat_curves_have_nothing_left), cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
