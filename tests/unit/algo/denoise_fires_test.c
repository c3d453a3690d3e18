/* kt_denoise_fires on planted data: functions of known precision and recall fire on units whose truth is drawn; checked against that truth, and
   against counting votes. */
#include "algo/denoise/denoise_fires.h"

#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

#include <math.h>

enum { M = 6, UNITS = 40000 };

struct planted {
    size_t start[(1 << M) + 1], n;
    uint16_t function[M << M];
    double count[1 << M], truth[1 << M], silent, silent_yes; /* truth: yes among count */
};

/* share of yes 5 %; function j fires on a[j] of them and b[j] of the others, on its own. */
static void plant(struct planted *p, const double *a, const double *b, uint32_t m, uint64_t seed)
{
    double count[1 << M] = { 0 }, yes[1 << M] = { 0 };
    kt_rng g = kt_rng_keyed(seed, 0, 0);
    for (int i = 0; i < UNITS; i++) {
        bool is = kt_rng_unit(&g) < 0.05;
        uint32_t bits = 0;
        for (uint32_t j = 0; j < m; j++)
            bits |= (uint32_t)(kt_rng_unit(&g) < (is ? a[j] : b[j])) << j;
        count[bits]++;
        yes[bits] += is;
    }
    *p = (struct planted){ .silent = count[0], .silent_yes = yes[0] };
    size_t k = 0;
    for (uint32_t bits = 1; bits < 1u << m; bits++) {
        if (count[bits] == 0)
            continue;
        p->start[p->n] = k;
        p->count[p->n] = count[bits];
        p->truth[p->n++] = yes[bits];
        for (uint32_t j = 0; j < m; j++)
            if (bits >> j & 1)
                p->function[k++] = (uint16_t)j;
    }
    p->start[p->n] = k;
}

static kt_fires data_of(const struct planted *p, uint32_t m)
{
    return (kt_fires){ m, p->n, p->start, p->function, p->count, p->silent, true, NULL };
}

/* F1 of "yes" where chance[p] > 0.5. */
static double f1(const struct planted *p, const double *chance)
{
    double tp = 0, said = 0, all = p->silent_yes;
    for (size_t i = 0; i < p->n; i++) {
        all += p->truth[i];
        if (chance[i] > 0.5) {
            said += p->count[i];
            tp += p->truth[i];
        }
    }
    return 2 * tp / (said + all);
}

static void test_precision_and_recall_are_found(void **state)
{
    (void)state;
    const double a[M] = { 0.8, 0.7, 0.6, 0.5, 0.4, 0.5 }, b[M] = { 0.002, 0.004, 0.01, 0.04, 0.001, 0.08 };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct planted *p = kt_alloc(sizeof(*p));
        double yes[1 << M], precision[M], recall[M], any[1 << M], two[1 << M];
        plant(p, a, b, M, seed);
        kt_fires d = data_of(p, M);
        assert_int_equal(kt_denoise_fires(&d, yes, precision, recall, NULL), 0);
        for (uint32_t j = 0; j < M; j++) {
            double right = 0.05 * a[j], fires = right + 0.95 * b[j];
            assert_true(fabs(precision[j] - right / fires) < 0.05);
            assert_true(fabs(recall[j] - a[j]) < 0.05);
        }
        for (size_t i = 0; i < p->n; i++) {
            any[i] = 1;
            two[i] = p->start[i + 1] - p->start[i] >= 2;
        }
        assert_true(f1(p, yes) > f1(p, any) + 0.1);
        assert_true(f1(p, yes) > f1(p, two));
        double expected = 0, real = 0; /* chances are chances */
        for (size_t i = 0; i < p->n; i++) {
            expected += p->count[i] * yes[i];
            real += p->truth[i];
        }
        assert_true(fabs(expected - real) < 0.05 * real);
        kt_free(p);
    }
}

/* Three good functions that overlap, and one that alone knows of other yes units: what only it says is believed where silence is no answer, and
   not where it is one. */
static void test_silence_as_no_answer(void **state)
{
    (void)state;
    const size_t start[] = { 0, 3, 5, 7, 8 };
    const uint16_t function[] = { 0, 1, 2, 0, 1, 1, 2, 3 };
    const double count[] = { 200, 60, 60, 150 };
    double yes[4], precision[4], recall[4];
    kt_fires d = { 4, 4, start, function, count, 9530, false, NULL };
    assert_int_equal(kt_denoise_fires(&d, yes, precision, recall, NULL), 0);
    kt_assert_close(yes[0], 0.992, 1e-12);
    kt_assert_close(yes[3], 0.8, 1e-12);
    d.guess = (const double[]){ 0.9, 0.5, 0.5, 0.3 }; /* trusted labels have told */
    assert_int_equal(kt_denoise_fires(&d, yes, precision, recall, NULL), 0);
    kt_assert_close(yes[1], 0.95, 1e-12);
    kt_assert_close(yes[3], 0.3, 1e-12);
    d.guess = NULL;
    d.silence_speaks = true;
    assert_int_equal(kt_denoise_fires(&d, yes, precision, recall, NULL), 0);
    assert_true(yes[0] > 0.99 && yes[3] < 0.5);
}

static void test_one_or_two_functions_keep_the_guess(void **state)
{
    (void)state;
    const size_t start[] = { 0, 1, 2, 4 };
    const uint16_t function[] = { 0, 1, 0, 1 };
    const double count[] = { 50, 30, 20 };
    double yes[3], precision[2], recall[2];
    kt_fires d = { 2, 3, start, function, count, 900, true, NULL };
    assert_int_equal(kt_denoise_fires(&d, yes, precision, recall, NULL), 0);
    kt_assert_close(yes[0], 0.8, 1e-12);
    kt_assert_close(yes[1], 0.8, 1e-12);
    kt_assert_close(yes[2], 0.96, 1e-12);
}

static void test_edges(void **state)
{
    (void)state;
    const size_t none[] = { 0 }, one[] = { 0, 1 };
    const uint16_t bad[] = { 7 };
    const double count[] = { 1 };
    double yes[1], precision[4], recall[4];
    kt_fires d = { 4, 0, none, NULL, NULL, 100, true, NULL };
    assert_int_equal(kt_denoise_fires(&d, yes, precision, recall, NULL), 0);
    assert_true(isnan(precision[0]) && isnan(recall[3]));
    kt_err err = { 0 };
    d = (kt_fires){ 4, 1, one, bad, count, 0, true, NULL };
    assert_int_equal(kt_denoise_fires(&d, yes, precision, recall, &err), KT_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precision_and_recall_are_found),
        cmocka_unit_test(test_silence_as_no_answer),
        cmocka_unit_test(test_one_or_two_functions_keep_the_guess),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
