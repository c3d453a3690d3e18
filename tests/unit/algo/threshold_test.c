/* The guarantee of automatic approval on planted populations, and the binomial tail against direct sums. */
#include "kt_test.h"

#include "algo/learn/threshold.c"
#include "base/rng.h"

enum { POOL = 4000, TRUSTED = 1000, REPLAYS = 1000 };

/* Populations with uniform scores: the chance that an item of a score is wrong. beside: what the fallback procedure with four
   starting points (Wiens and Dmitrienko 2005) approves of each on average, measured on 1000 draws. */
static double steep(double s)
{
    return 0.5 * pow(1 - s, 2.5);
}
static double steeper(double s)
{
    return 0.5 * pow(1 - s, 5);
}
static double cliff(double s)
{
    return s > 0.4 ? 0.005 : 0.4;
}
static double sure_and_wrong(double s) /* the highest scores are not the best ones */
{
    return s > 0.97 ? 0.08 : s > 0.45 ? 0.004 : 0.3;
}
static double clean(double s)
{
    (void)s;
    return 0.003;
}
static double just_bad(double s) /* every threshold is just over the budget: the worst case for the guarantee */
{
    (void)s;
    return 0.0201;
}
static double waves(double s) /* in and out of the budget again and again */
{
    return fmod(s * 8, 1) < 0.5 ? 0.045 : 0;
}

static double gradual(double s)
{
    return 0.48 * pow(1 - s, 3);
}
static double even(double s)
{
    (void)s;
    return 0.03;
}

static const struct shape {
    const char *name;
    double (*wrong)(double score);
    size_t n_trusted;
    double budget, beside;
    double least; /* of what the best single threshold would give to somebody who knew it */
} shapes[] = {
    { "steep", steep, 800, 0.02, 0.096, 0.8 }, { "steeper", steeper, 800, 0.02, 0.599, 0.95 }, { "cliff", cliff, 800, 0.02, 0.416, 0.9 },
    { "sure and wrong", sure_and_wrong, 800, 0.02, 0.162, 0.6 }, { "clean", clean, 800, 0.02, 0.973, 0.98 },
    { "gradual", gradual, 1000, 0.05, 0.662, 0.95 }, { "gradual, few", gradual, 300, 0.05, 0.419, 0.95 },
    { "even", even, 1000, 0.05, 0.454, 0.85 }, { "just bad", just_bad, 800, 0.02, 0, 0 }, { "waves", waves, 800, 0.02, 0, 0 },
};

enum { CELLS = 20000 };

/* Error rate of the population at or above each of CELLS + 1 thresholds, from high to low. */
static void true_errors(double (*wrong)(double), double *ret)
{
    double sum = 0;
    ret[0] = 0;
    for (int i = 1; i <= CELLS; i++) {
        sum += wrong(1 - (i - 0.5) / CELLS);
        ret[i] = sum / i;
    }
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

/* The chance that a run of tosses passes somewhere, against simulated runs; and that the level keeps it under delta. */
static void chance_to_pass_is_what_happens(void **state)
{
    (void)state;
    const struct { size_t m; double budget, level; } cases[] = { { 800, 0.02, 0.0153 }, { 170, 0.08, 0.02 }, { 60, 0.3, 0.01 } };
    for (size_t c = 0; c < KT_LEN(cases); c++) {
        enum { RUNS = 40000 };
        int passed = 0;
        size_t allowed[801];
        for (size_t n = 0, k = 0; n <= cases[c].m; n++) { /* allowed: one more than may be wrong among n */
            while (k < n && binom_cdf(k, n, cases[c].budget) <= cases[c].level)
                k++;
            allowed[n] = k;
        }
        for (uint64_t i = 0; i < RUNS; i++) {
            kt_rng r = kt_rng_keyed(21, c, i);
            bool yes = false;
            for (size_t n = 1, wrong = 0; n <= cases[c].m && !yes; n++) {
                wrong += kt_rng_unit(&r) < cases[c].budget;
                yes = wrong < allowed[n];
            }
            passed += yes;
        }
        double got = chance_to_pass(cases[c].m, cases[c].budget, cases[c].level), p = passed / (double)RUNS;
        kt_assert_close(got, p, 4 * sqrt(p * (1 - p) / RUNS));
        kt_threshold_options o = { cases[c].budget, 0.05, 0 };
        double level = find_level(cases[c].m, &o);
        assert_true(level < 0.05 && chance_to_pass(cases[c].m, o.budget, level) <= 0.05);
        assert_true(chance_to_pass(cases[c].m, o.budget, level * 1.01) > 0.049);
    }
}

static void draw(const struct shape *shape, uint64_t replay, float *pool, float *score, uint8_t *right)
{
    kt_rng r = kt_rng_keyed(11, replay, 0);
    for (int i = 0; i < POOL; i++)
        pool[i] = (float)kt_rng_unit(&r);
    for (size_t i = 0; i < shape->n_trusted; i++) {
        score[i] = (float)kt_rng_unit(&r);
        right[i] = kt_rng_unit(&r) >= shape->wrong((double)score[i]);
    }
}

/* Over many draws of each population: the budget is broken no more often than promised, nor the tighter bound that is reported,
   and what is approved is near what the best single threshold, fixed in advance by somebody who knows the population and tested
   at the whole of delta, would approve. */
static void the_promise_is_kept_and_much_is_approved(void **state)
{
    (void)state;
    static float pool[POOL], score[TRUSTED];
    static uint8_t right[TRUSTED];
    static double error[CELLS + 1];
    static kt_threshold t;
    const double delta = 0.05, most = delta * REPLAYS + 3 * sqrt(delta * (1 - delta) * REPLAYS);
    for (size_t s = 0; s < KT_LEN(shapes); s++) {
        const kt_threshold_options o = { shapes[s].budget, delta, 0 };
        int broken = 0, over = 0, found = 0, single[KT_THRESHOLD_POINTS] = { 0 };
        double coverage = 0, oracle = 0;
        true_errors(shapes[s].wrong, error);
        for (uint64_t replay = 0; replay < REPLAYS; replay++) {
            draw(&shapes[s], replay, pool, score, right);
            kt_threshold_data d = { POOL, pool, shapes[s].n_trusted, score, right };
            kt_err err = { 0 };
            assert_int_equal(kt_threshold_find(&d, &o, &t, &err), KT_OK);
            double truth = t.found ? error[(int)lround((1 - t.score) * CELLS)] : 0;
            found += t.found;
            coverage += t.coverage / REPLAYS;
            broken += truth > o.budget;
            over += truth > t.upper;
            assert_true(!t.found || t.upper <= o.budget + 1e-9);
            assert_int_equal(t.n_points, KT_THRESHOLD_POINTS);
            for (uint32_t p = 0; p < t.n_points; p++)
                single[p] += binom_cdf(t.point[p].n_wrong, t.point[p].n_trusted, o.budget) <= o.delta;
        }
        for (int p = 0; p < KT_THRESHOLD_POINTS; p++)
            if (error[(p + 1) * CELLS / KT_THRESHOLD_POINTS] <= o.budget)
                oracle = KT_MAX(oracle, (p + 1.0) / KT_THRESHOLD_POINTS * single[p] / REPLAYS);
        print_message("%-15s found %4d, approved %.3f (fallback %.3f, one known threshold %.3f), broken %d, over the bound %d of %d\n",
                      shapes[s].name, found, coverage, shapes[s].beside, oracle, broken, over, REPLAYS);
        assert_true(broken <= most && over <= most);
        assert_true(coverage >= shapes[s].least * oracle && coverage >= 0.9 * shapes[s].beside);
    }
}

static void many_trusted_items_are_no_burden(void **state)
{
    (void)state;
    enum { N = 120000 };
    float pool[] = { 0, 1 }, *score = kt_alloc_array(N, sizeof(*score));
    uint8_t *right = kt_alloc(N);
    for (int i = 0; i < N; i++) {
        score[i] = (float)(i & 1);
        right[i] = i % 100 != 0;
    }
    static kt_threshold t;
    kt_err err = { 0 };
    kt_threshold_options o = KT_THRESHOLD_OPTIONS_INIT;
    kt_threshold_data d = { 2, pool, N, score, right };
    assert_int_equal(kt_threshold_find(&d, &o, &t, &err), KT_OK);
    assert_true(t.found && t.coverage == 1 && t.n_trusted == MOST_TRUSTED);
    kt_assert_close(t.error, 0.01, 0.002);
    kt_free(score);
    kt_free(right);
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
        cmocka_unit_test(chance_to_pass_is_what_happens),
        cmocka_unit_test(the_promise_is_kept_and_much_is_approved),
        cmocka_unit_test(many_trusted_items_are_no_burden),
        cmocka_unit_test(says_how_many_more_are_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
