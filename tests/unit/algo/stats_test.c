/* Intervals and special functions. Checked against: closed forms, values printed in the common statistical tables, and
   coverage counted exactly from the binomial distribution. */
#include "algo/stats.h"
#include "kt_test.h"

static void known_values(void **state)
{
    (void)state;
    kt_assert_close(kt_normal_quantile(0.975), 1.959963984540054, 1e-13);
    kt_assert_close(kt_normal_quantile(0.5), 0, 1e-15);
    kt_assert_close(kt_normal_quantile(1e-10), -6.361340902404056, 1e-11);
    kt_assert_close(kt_normal_quantile(0.01), -2.3263478740408408, 1e-13);
    assert_true(isinf(kt_normal_quantile(0)) && isinf(kt_normal_quantile(1)));
    kt_assert_close(kt_t_two_sided(0.95, 1), 12.706204736432095, 1e-9);
    kt_assert_close(kt_t_two_sided(0.95, 10), 2.2281388519649385, 1e-10);
    kt_assert_close(kt_t_two_sided(0.95, 1e7), 1.95996398, 1e-5);
    kt_assert_close(kt_digamma(1), -0.5772156649015329, 1e-13); /* minus Euler's constant */
    kt_assert_close(kt_digamma(0.5), -1.9635100260214235, 1e-13);
    kt_assert_close(kt_digamma(10.5) - kt_digamma(9.5), 1 / 9.5, 1e-13);
    kt_assert_close(kt_beta_cdf(0.3, 1, 1), 0.3, 1e-14);
    kt_assert_close(kt_beta_cdf(0.3, 2, 1), 0.09, 1e-14);
    kt_assert_close(kt_beta_cdf(0.4, 3, 5) + kt_beta_cdf(0.6, 5, 3), 1, 1e-13);
}

static void quantile_inverts_cdf(void **state)
{
    (void)state;
    static const double shape[] = { 0.3, 1, 2.5, 40, 5000 };
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++)
            for (double p = 0.01; p < 1; p += 0.07)
                kt_assert_close(kt_beta_cdf(kt_beta_quantile(p, shape[i], shape[k]), shape[i], shape[k]), p, 1e-8); /* the steepest case leaves a few 1e-9 between neighbouring doubles */
}

/* Exact coverage: Σ over k of P(k) where the interval holds the true rate is at least the confidence, for every rate. */
static void coverage(void **state)
{
    (void)state;
    enum { N = 30 };
    double ci[N + 1][2];
    for (uint64_t k = 0; k <= N; k++) {
        kt_clopper_pearson(k, N, 0.9, ci[k]);
        assert_true(ci[k][0] <= (double)k / N && (double)k / N <= ci[k][1]);
        assert_true(k == 0 || (ci[k][0] > ci[k - 1][0] && ci[k][1] > ci[k - 1][1]));
        assert_true(kt_binom_upper(k, N, 0.05) >= ci[k][1] - 1e-12);
    }
    for (double rate = 0.005; rate < 1; rate += 0.005) {
        double covered = 0, under = 0, choose = 1;
        for (int k = 0; k <= N; k++) {
            double p = choose * pow(rate, k) * pow(1 - rate, N - k);
            covered += ci[k][0] <= rate && rate <= ci[k][1] ? p : 0;
            under += rate <= kt_binom_upper((uint64_t)k, N, 0.1) ? p : 0;
            choose *= (double)(N - k) / (k + 1);
        }
        assert_true(covered >= 0.9 - 1e-9);
        assert_true(under >= 0.9 - 1e-9);
    }
}

static void edges(void **state)
{
    (void)state;
    double ci[2];
    kt_clopper_pearson(0, 0, 0.95, ci);
    assert_true(ci[0] == 0 && ci[1] == 1);
    assert_true(kt_binom_upper(0, 0, 0.05) == 1);
    kt_assert_close(kt_binom_upper(0, 1000000, 0.05), 1 - pow(0.05, 1e-6), 1e-12);
    kt_clopper_pearson(7, 7, 0.95, ci);
    assert_true(ci[1] == 1);
    kt_assert_close(ci[0], pow(0.025, 1.0 / 7), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values), cmocka_unit_test(quantile_inverts_cdf), cmocka_unit_test(coverage), cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
