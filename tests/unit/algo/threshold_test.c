/* The guarantee of automatic approval on planted populations, and the binomial tail against direct sums. */
#include "kt_test.h"

#include "algo/threshold.c"
#include "base/rng.h"

enum { POOL = 4000, TRUSTED = 800, REPLAYS = 1000 };

/* Chance that an item of this score is wrong: rises as the score falls. */
static double wrong_chance(double score)
{
    return 0.5 * pow(1 - score, 2.5);
}

/* Error rate at or above a threshold of the infinite population with uniform scores. */
static double true_error(double at)
{
    return 0.5 * pow(1 - at, 3.5) / 3.5 / (1 - at);
}

static void binomial_tail_is_the_sum_of_its_terms(void **state)
{
    (void)state;
    int n[] = { 1, 7, 50, 400 };
    double p[] = { 1e-4, 0.02, 0.3, 0.9 };
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < n[i]; k++) {
                sum += exp(lgamma(n[i] + 1) - lgamma(k + 1) - lgamma(n[i] - k + 1) + k * log(p[j]) + (n[i] - k) * log1p(-p[j]));
                kt_assert_close(binom_cdf((uint64_t)k, (uint64_t)n[i], p[j]), sum, 1e-10);
            }
        }
    kt_assert_close(binom_upper(0, 149, 0.05), 1 - pow(0.05, 1.0 / 149), 1e-12);
    assert_int_equal(least_n(0, 0.02, 0.05), 149);
}

static void bound_holds_and_coverage_is_near_the_best(void **state)
{
    (void)state;
    static float pool[POOL], score[TRUSTED];
    static uint8_t right[TRUSTED];
    kt_threshold_options o = KT_THRESHOLD_OPTIONS_INIT;
    double best = 1, coverage = 0;
    while (true_error(1 - best) > o.budget)
        best -= 0.001;
    int broken = 0, found = 0;
    static kt_threshold t;
    for (uint64_t replay = 0; replay < REPLAYS; replay++) {
        kt_rng r = kt_rng_keyed(11, replay, 0);
        for (int i = 0; i < POOL; i++)
            pool[i] = (float)kt_rng_unit(&r);
        for (int i = 0; i < TRUSTED; i++) {
            score[i] = (float)kt_rng_unit(&r);
            right[i] = kt_rng_unit(&r) >= wrong_chance((double)score[i]);
        }
        kt_threshold_data d = { POOL, pool, TRUSTED, score, right };
        kt_err err = { 0 };
        assert_int_equal(kt_threshold_find(&d, &o, &t, &err), KT_OK);
        found += t.found;
        coverage += t.coverage;
        broken += t.found && true_error(t.score) > o.budget;
        assert_true(!t.found || t.upper <= o.budget + 1e-9);
    }
    print_message("broken %d of %d, found %d, mean coverage %.3f, best %.3f\n", broken, REPLAYS, found,
                  coverage / REPLAYS, best);
    assert_true(broken <= o.delta * REPLAYS + 3 * sqrt(o.delta * (1 - o.delta) * REPLAYS));
    assert_true(found > 0.25 * REPLAYS); /* 800 trusted labels at 2 percent: a hard case */
    assert_true(coverage / REPLAYS > 0.15 * best);
}

/* Every threshold is just over the budget: the worst case for the guarantee. */
static void bound_holds_when_no_threshold_is_good(void **state)
{
    (void)state;
    static float pool[POOL], score[TRUSTED];
    static uint8_t right[TRUSTED];
    static kt_threshold t;
    kt_threshold_options o = KT_THRESHOLD_OPTIONS_INIT;
    int broken = 0;
    for (uint64_t replay = 0; replay < REPLAYS; replay++) {
        kt_rng r = kt_rng_keyed(12, replay, 0);
        for (int i = 0; i < POOL; i++)
            pool[i] = (float)kt_rng_unit(&r);
        for (int i = 0; i < TRUSTED; i++) {
            score[i] = (float)kt_rng_unit(&r);
            right[i] = kt_rng_unit(&r) >= o.budget + 1e-4;
        }
        kt_threshold_data d = { POOL, pool, TRUSTED, score, right };
        kt_err err = { 0 };
        assert_int_equal(kt_threshold_find(&d, &o, &t, &err), KT_OK);
        broken += t.found;
    }
    print_message("broken %d of %d\n", broken, REPLAYS);
    assert_true(broken <= o.delta * REPLAYS + 3 * sqrt(o.delta * (1 - o.delta) * REPLAYS));
}

static void says_how_many_more_are_needed(void **state)
{
    (void)state;
    float pool[10] = { 1, 1, 1, 1, 1, 0, 0, 0, 0, 0 }, score[200];
    uint8_t right[200];
    for (int i = 0; i < 200; i++) {
        score[i] = (float)(i & 1);
        right[i] = 1;
    }
    static kt_threshold t;
    kt_err err = { 0 };
    kt_threshold_options o = KT_THRESHOLD_OPTIONS_INIT;
    kt_threshold_data d = { 10, pool, 100, score, right };
    assert_int_equal(kt_threshold_find(&d, &o, &t, &err), KT_OK);
    assert_false(t.found);
    assert_int_equal(t.n_more, 49); /* 149 right ones approve everything */
    assert_int_equal(t.n_points, 2); /* two distinct scores */
    d.n_trusted = 149;
    assert_int_equal(kt_threshold_find(&d, &o, &t, &err), KT_OK);
    assert_true(t.found && t.coverage == 1 && t.score == 0);
    d.n_trusted = 0;
    assert_int_equal(kt_threshold_find(&d, &o, &t, &err), KT_OK);
    assert_true(!t.found && t.n_more == 149);
    d.n_pool = 0;
    assert_int_equal(kt_threshold_find(&d, &o, &t, &err), KT_RANGE);
    pool[3] = NAN;
    d.n_pool = 10;
    assert_int_equal(kt_threshold_find(&d, &o, &t, &err), KT_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binomial_tail_is_the_sum_of_its_terms),
        cmocka_unit_test(bound_holds_and_coverage_is_near_the_best),
        cmocka_unit_test(bound_holds_when_no_threshold_is_good),
        cmocka_unit_test(says_how_many_more_are_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
