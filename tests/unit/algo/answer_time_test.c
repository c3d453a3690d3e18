/* Against planted lines: lognormal times around them, a part of the answers left lying for an hour. */
#include "kt_test.h"

#include "algo/learn/answer_time.h"
#include "base/rng.h"

#include <math.h>

enum { N = 2000 };

static float chars[N], seconds[N];

static void plant(uint64_t seed, double base, double per_char, double spread, double left_lying)
{
    kt_rng g = kt_rng_keyed(seed, 1, 2);
    for (int i = 0; i < N; i++) {
        chars[i] = (float)(20 + 1500 * kt_rng_unit(&g) * kt_rng_unit(&g));
        seconds[i] = (float)((base + per_char * (double)chars[i]) * exp(spread * kt_rng_normal(&g)));
        if (kt_rng_unit(&g) < left_lying)
            seconds[i] += 3600;
    }
}

static void finds_the_line(void **state)
{
    (void)state;
    const double lines[][2] = { { 2, 0.05 }, { 6, 0.01 }, { 1, 0.1 }, { 10, 0 } };
    for (size_t k = 0; k < KT_LEN(lines); k++) {
        plant(k, lines[k][0], lines[k][1], 0.3, 0.03);
        kt_answer_time t = kt_answer_time_fit(chars, seconds, N);
        for (double x = 20; x <= 1200; x *= 3) {
            double want = lines[k][0] + lines[k][1] * x, got = t.base + t.per_char * x;
            assert_true(fabs(got - want) < 0.15 * want);
        }
    }
}

static void few_answers_change_little(void **state)
{
    (void)state;
    kt_answer_time none = kt_answer_time_fit(NULL, NULL, 0), init = KT_ANSWER_TIME_INIT;
    assert_true(none.base == init.base && none.per_char == init.per_char);
    plant(9, 40, 0.4, 0.1, 0); /* ten times as slow */
    kt_answer_time two = kt_answer_time_fit(chars, seconds, 2), many = kt_answer_time_fit(chars, seconds, N);
    double slow = 40 + 0.4 * 300, usual = init.base + init.per_char * 300, got = two.base + two.per_char * 300;
    assert_true(got > usual && got < usual + 0.5 * (slow - usual));
    assert_true(many.base + many.per_char * 300 > 0.85 * slow);
}

static void odd_input(void **state)
{
    (void)state;
    const float zero[4] = { 0, 0, 0, 0 }, odd[4] = { 5, 0, -1, NAN };
    kt_answer_time t = kt_answer_time_fit(zero, odd, 4);
    assert_true(isfinite(t.base) && t.base >= 0.2 && t.per_char >= 0 && isfinite(t.per_char));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(finds_the_line), cmocka_unit_test(few_answers_change_little), cmocka_unit_test(odd_input) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
