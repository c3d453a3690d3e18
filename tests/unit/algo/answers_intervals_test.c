/* 95 % intervals of what merges of numbers, sets and masks tell of sources and items: over many planted crowds they hold the planted
   value 93 to 97 % of the time. */
#include "algo/mask.h"
#include "algo/merge/multilabel.h"
#include "algo/merge/numeric.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

typedef struct held {
    const char *what;
    int in, all;
} held;

static void hold(held *h, const double *ci, double truth)
{
    h->all++;
    h->in += ci[0] <= truth && truth <= ci[1];
}

static void judge(const held *h)
{
    print_message("%s: %.3f of %d intervals\n", h->what, (double)h->in / h->all, h->all);
    assert_true(h->in >= 0.93 * h->all && h->in <= 0.97 * h->all);
}

static void numbers_cover(void **state)
{
    (void)state;
    enum { N = 250, S = 10, PER = 4, V = N * PER };
    held value = { "values", 0, 0 }, bias = { "biases", 0, 0 }, sd = { "spreads", 0, 0 };
    for (uint64_t seed = 0; seed < 40; seed++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_rng r = kt_rng_keyed(seed, 1, 9);
        uint32_t item[V], source[V], said[S] = { 0 };
        double x[V], truth[N], b[S], spread[S], all = 0;
        for (int s = 0; s < S; s++) {
            b[s] = 2 * kt_rng_normal(&r);
            spread[s] = 0.5 + 2.5 * kt_rng_unit(&r);
        }
        for (uint32_t i = 0, q = 0; i < N; i++) {
            uint64_t who[PER];
            truth[i] = 100 * kt_rng_unit(&r);
            kt_rng_sample(&r, S, PER, who);
            for (int y = 0; y < PER; y++, q++) {
                item[q] = i;
                source[q] = (uint32_t)who[y];
                said[who[y]]++;
                x[q] = truth[i] + b[who[y]] + spread[who[y]] * kt_rng_normal(&r);
                all += b[who[y]] / V;
            }
        }
        kt_numeric_opts o = KT_NUMERIC_OPTS_INIT;
        kt_numeric m;
        o.method = KT_NUMERIC_PRECISION;
        o.robust = 0;
        assert_int_equal(kt_numeric_fit(&(kt_numbers){ V, N, S, item, source, x }, &o, &a, &m, NULL), 0);
        for (int i = 0; i < N; i++)
            hold(&value, m.ci + 2 * i, truth[i] + all); /* only differences of biases can be seen */
        for (int s = 0; s < S; s++) {
            hold(&bias, m.bias_ci + 2 * s, b[s] - all);
            hold(&sd, m.sd_ci + 2 * s, spread[s]);
        }
    }
    judge(&value);
    judge(&bias);
    judge(&sd);
}

static void sets_cover(void **state)
{
    (void)state;
    enum { N = 400, S = 12, PER = 5, LABELS = 5, V = N * PER };
    held accuracy = { "accuracies of sets", 0, 0 };
    for (uint64_t seed = 0; seed < 40; seed++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_rng r = kt_rng_keyed(seed, 4, 2);
        uint32_t item[V], source[V], *label = kt_arena_array(&a, V * LABELS, 4);
        size_t start[V + 1] = { 0 }, n = 0;
        double right[S], share[LABELS];
        for (int s = 0; s < S; s++)
            right[s] = 0.7 + 0.25 * kt_rng_unit(&r);
        for (int l = 0; l < LABELS; l++)
            share[l] = 0.2 + 0.1 * l;
        for (uint32_t i = 0, q = 0; i < N; i++) {
            uint64_t who[PER];
            bool truth[LABELS];
            kt_rng_sample(&r, S, PER, who);
            for (int l = 0; l < LABELS; l++)
                truth[l] = kt_rng_unit(&r) < share[l];
            for (int y = 0; y < PER; y++, q++) {
                item[q] = i;
                source[q] = (uint32_t)who[y];
                for (uint32_t l = 0; l < LABELS; l++)
                    if ((kt_rng_unit(&r) < right[who[y]]) == truth[l])
                        label[n++] = l;
                start[q + 1] = n;
            }
        }
        kt_multilabel m;
        assert_int_equal(kt_multilabel_fit(&(kt_label_sets){ V, N, S, LABELS, item, source, start, label }, &kt_aggregate_auto, NULL, &a, &m, NULL), 0);
        for (int s = 0; s < S; s++)
            hold(&accuracy, m.source_ci + 2 * s, right[s]);
    }
    judge(&accuracy);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(numbers_cover), cmocka_unit_test(sets_cover) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
