/* Agreement metrics, over the whole table. Checked against: what every metric must obey (perfect agreement is 1, chance is
   about 0, order and names of votes do not matter), Gwet's AC1 and Scott's pi worked out by hand, and the share of simulated
   samples whose interval holds the metric of a much larger one. */
#include "algo/agree.h"
#include "base/mem.h"
#include "kt_test.h"

enum { N = 3000, S = 6, K = 4, PER_ITEM = 3 };

typedef struct crowd {
    uint32_t item[N * PER_ITEM], source[N * PER_ITEM];
    int32_t label[N * PER_ITEM];
} crowd;

/* n_items items, PER_ITEM of S sources each (two: always 0 and 1); a vote is the item's own label with chance right. */
static kt_votes draw(crowd *c, uint32_t n_items, uint32_t n_sources, double right, uint64_t seed)
{
    kt_rng r = kt_rng_keyed(seed, 7, 7);
    uint32_t per_item = KT_MIN(n_sources, PER_ITEM);
    size_t n = 0;
    for (uint32_t i = 0; i < n_items; i++) {
        int32_t truth = (int32_t)(kt_rng_unit(&r) * kt_rng_unit(&r) * K);
        uint64_t who[PER_ITEM];
        kt_rng_sample(&r, n_sources, per_item, who);
        for (uint32_t k = 0; k < per_item; k++, n++) {
            c->item[n] = i;
            c->source[n] = (uint32_t)who[k];
            c->label[n] = kt_rng_unit(&r) < right ? truth : (int32_t)kt_rng_below(&r, K);
        }
    }
    return (kt_votes){ n, n_items, n_sources, K, c->item, c->source, c->label };
}

static double value_of(const kt_agreement *m, const kt_votes *v, double ci95[2])
{
    double ret, unused[2];
    assert_int_equal(m->measure(v, NULL, NULL, &ret, ci95 ? ci95 : unused, NULL), 0);
    return ret;
}

static void perfect_and_chance(void **state)
{
    (void)state;
    crowd *c = kt_alloc(sizeof(*c));
    for (const kt_agreement *const *m = kt_agreements; *m; m++) {
        assert_true((*m)->name && (*m)->help);
        assert_ptr_equal(kt_agreement_find((kt_str){ (*m)->name, strlen((*m)->name) }), *m);
        kt_votes v = draw(c, N, 2, 1, 1);
        kt_assert_close(value_of(*m, &v, NULL), 1, 1e-12);
        v = draw(c, N, S, 1, 1);
        kt_assert_close(value_of(*m, &v, NULL), 1, 1e-12);
        v = draw(c, N, 2, 0, 2);
        double ci95[2], x = value_of(*m, &v, ci95), chance = *m == &kt_agree_percent ? 1.0 / K : 0;
        kt_assert_close(x, chance, 0.04);
        assert_true(ci95[0] < x && x < ci95[1] && ci95[1] - ci95[0] < 0.08);
    }
    kt_free(c);
}

static void order_and_names_do_not_matter(void **state)
{
    (void)state;
    crowd *c = kt_alloc(sizeof(*c)), *d = kt_alloc(sizeof(*d));
    kt_votes v = draw(c, N, S, 0.6, 3), w = v;
    kt_rng r = kt_rng_keyed(4, 4, 4);
    uint64_t *order = kt_alloc_array(v.n, sizeof(*order));
    kt_rng_sample(&r, v.n, v.n, order);
    for (size_t i = 0; i < v.n; i++) {
        d->item[i] = N - 1 - c->item[order[i]];
        d->source[i] = (c->source[order[i]] + 2) % S;
        d->label[i] = (c->label[order[i]] + 1) % K;
    }
    w.item = d->item;
    w.source = d->source;
    w.label = d->label;
    for (const kt_agreement *const *m = kt_agreements; *m; m++) {
        double a[2], b[2];
        kt_assert_close(value_of(*m, &v, a), value_of(*m, &w, b), 1e-10);
        if (!isnan(a[0]))
            kt_assert_close(a[0], b[0], 1e-9);
    }
    kt_free(order);
    kt_free(c);
    kt_free(d);
}

static void undefined_and_refused(void **state)
{
    (void)state;
    uint32_t item[] = { 0, 1, 1 }, source[] = { 0, 0, 1 };
    int32_t label[] = { 0, 1, KT_ABSTAIN };
    kt_votes v = { 3, 2, 2, 2, item, source, label }; /* no item has two votes */
    for (const kt_agreement *const *m = kt_agreements; *m; m++) {
        double ci95[2], x;
        assert_true(isnan(value_of(*m, &v, ci95)) && isnan(ci95[0]) && isnan(ci95[1]));
        label[0] = 2;
        kt_err err = { 0 };
        assert_int_equal((*m)->measure(&v, NULL, NULL, &x, NULL, &err), KT_RANGE);
        label[0] = 0;
    }
}

static void gwet_and_scott_by_hand(void **state)
{
    (void)state;
    /* two sources, 10 items: 8 yes/yes, 1 yes/no, 1 no/no. p_o = .9; share of yes = 17/20.
       AC1: p_e = 2 · .85 · .15 = .255, (.9 - .255) / .745; Scott: p_e = .85² + .15² = .745, (.9 - .745) / .255 */
    uint32_t item[20], source[20];
    int32_t label[20];
    for (uint32_t i = 0; i < 20; i++) {
        item[i] = i / 2;
        source[i] = i % 2;
        label[i] = i / 2 == 9 || i == 17;
    }
    kt_votes v = { 20, 10, 2, 2, item, source, label };
    kt_assert_close(value_of(&kt_agree_gwet_ac1, &v, NULL), 0.645 / 0.745, 1e-12);
    kt_assert_close(value_of(&kt_agree_scott_pi, &v, NULL), 0.155 / 0.255, 1e-12);
    kt_assert_close(value_of(&kt_agree_fleiss_kappa, &v, NULL), 0.155 / 0.255, 1e-12);
    kt_assert_close(value_of(&kt_agree_randolph_kappa, &v, NULL), 0.8, 1e-12);
    kt_assert_close(value_of(&kt_agree_percent, &v, NULL), 0.9, 1e-12);
}

/* Each metric, and each level of alpha, on 400 samples of 150 items: near 95 % of the intervals must hold the value of a
   sample of N items from the same crowd. */
static void intervals_cover(void **state)
{
    (void)state;
    enum { RUNS = 400, SMALL = 150 };
    crowd *c = kt_alloc(sizeof(*c));
    for (const kt_agreement *const *m = kt_agreements; *m; m++) {
        bool alpha = *m == &kt_agree_krippendorff_alpha;
        uint32_t n_sources = *m == &kt_agree_cohen_kappa ? 2 : S;
        for (int32_t level = 0; level < (alpha ? KT_LEVEL__COUNT : 1); level++) {
            kt_krippendorff_opts o = { .level = level };
            double truth = 0, x, ci95[2];
            for (uint64_t seed = 0; seed < 8; seed++) {
                kt_votes big = draw(c, N, n_sources, 0.6, 1000 + seed);
                assert_int_equal((*m)->measure(&big, alpha ? &o : NULL, NULL, &x, NULL, NULL), 0);
                truth += x / 8;
            }
            int covered = 0;
            for (uint64_t run = 0; run < RUNS; run++) {
                kt_votes v = draw(c, SMALL, n_sources, 0.6, run);
                assert_int_equal((*m)->measure(&v, alpha ? &o : NULL, NULL, &x, ci95, NULL), 0);
                covered += ci95[0] <= truth && truth <= ci95[1];
            }
            if (covered < 0.92 * RUNS || covered > 0.98 * RUNS)
                fail_msg("%s level %d: %d of %d intervals cover", (*m)->name, level, covered, RUNS);
        }
    }
    kt_free(c);
}

/* Ordinal alpha through mid-ranks equals the definition with its sums of n_g between two labels. */
static void ordinal_by_definition(void **state)
{
    (void)state;
    crowd *c = kt_alloc(sizeof(*c));
    kt_votes v = draw(c, 60, S, 0.5, 9);
    double count[K] = { 0 }, d[K][K], observed = 0, expected = 0, x;
    for (size_t i = 0; i < v.n; i++)
        count[v.label[i]]++;
    for (int a = 0; a < K; a++)
        for (int b = 0; b < K; b++) {
            double sum = -(count[a] + count[b]) / 2;
            for (int g = KT_MIN(a, b); g <= KT_MAX(a, b); g++)
                sum += count[g];
            d[a][b] = a == b ? 0 : sum * sum;
            expected += count[a] * count[b] * d[a][b];
        }
    for (size_t i = 0; i < v.n; i += PER_ITEM)
        for (size_t a = i; a < i + PER_ITEM; a++)
            for (size_t b = i; b < i + PER_ITEM; b++)
                observed += a == b ? 0 : d[v.label[a]][v.label[b]] / (PER_ITEM - 1);
    kt_krippendorff_opts o = { .level = KT_LEVEL_ORDINAL };
    assert_int_equal(kt_agree_krippendorff_alpha.measure(&v, &o, NULL, &x, NULL, NULL), 0);
    kt_assert_close(x, 1 - ((double)v.n - 1) * observed / expected, 1e-12);
    kt_free(c);
}

static void options(void **state)
{
    (void)state;
    kt_krippendorff_opts o = { 0 };
    kt_err err = { 0 };
    assert_int_equal(kt_agreement_options(&kt_agree_krippendorff_alpha, KT_S("level=interval"), &o, &err), 0);
    assert_int_equal(o.level, KT_LEVEL_INTERVAL);
    assert_int_equal(kt_agreement_options(&kt_agree_krippendorff_alpha, KT_S("level=loud"), &o, &err), KT_USAGE);
    assert_int_equal(kt_agreement_options(&kt_agree_krippendorff_alpha, KT_S("levle=ratio"), &o, &err), KT_USAGE);
    assert_non_null(strstr(err.hint, "level"));
    assert_int_equal(kt_agreement_options(&kt_agree_krippendorff_alpha, KT_S("level"), &o, &err), KT_USAGE);
    assert_int_equal(kt_agreement_options(&kt_agree_percent, KT_S("level=ratio"), &o, &err), KT_USAGE);
    assert_int_equal(o.level, KT_LEVEL_INTERVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perfect_and_chance), cmocka_unit_test(order_and_names_do_not_matter),
        cmocka_unit_test(undefined_and_refused), cmocka_unit_test(gwet_and_scott_by_hand), cmocka_unit_test(intervals_cover),
        cmocka_unit_test(ordinal_by_definition), cmocka_unit_test(options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
