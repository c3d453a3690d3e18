/* Agreement metrics, over the whole table. Checked against: what every metric must obey (perfect agreement is 1, chance is
   about 0, order and names of votes do not matter), Gwet's AC1 and Scott's pi worked out by hand, correlations of scipy
   1.10.1, AC2 by its definition in numpy, the example of Shrout and Fleiss (1979), and the share of simulated samples whose
   interval holds the metric of a much larger one. */
#include "algo/agree/agreement_parts.h"
#include "algo/agree/label_distance.h"
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
    kt_agree_result r = { 0 };
    assert_int_equal(kt_agreement_measure(m, v, NULL, NULL, &r, NULL), 0);
    if (ci95)
        memcpy(ci95, r.ci95, sizeof(r.ci95));
    return r.value;
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
        assert_true(ci95[0] < x && x < ci95[1] && ci95[1] - ci95[0] < 0.1);
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
        if (!(*m)->nominal)
            continue; /* the labels change their places */
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
        double ci95[2];
        assert_true(isnan(value_of(*m, &v, ci95)) && isnan(ci95[0]) && isnan(ci95[1]));
        label[0] = 2;
        kt_err err = { 0 };
        kt_agree_result r = { 0 };
        assert_int_equal(kt_agreement_measure(*m, &v, NULL, NULL, &r, &err), KT_RANGE);
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
        uint32_t n_sources = (*m)->of_groups || *m == &kt_agree_icc ? S : 2; /* others have intervals for two only */
        for (int32_t level = 0; level < (alpha ? KT_LEVEL__COUNT : 1); level++) {
            kt_krippendorff_opts o = { .level = level };
            double truth = 0;
            kt_agree_result r = { 0 };
            for (uint64_t seed = 0; seed < 8; seed++) {
                kt_votes big = draw(c, N, n_sources, 0.6, 1000 + seed);
                assert_int_equal(kt_agreement_measure(*m, &big, alpha ? &o : NULL, NULL, &r, NULL), 0);
                truth += r.value / 8;
            }
            int covered = 0;
            for (uint64_t run = 0; run < RUNS; run++) {
                kt_votes v = draw(c, SMALL, n_sources, 0.6, run);
                assert_int_equal(kt_agreement_measure(*m, &v, alpha ? &o : NULL, NULL, &r, NULL), 0);
                covered += r.ci95[0] <= truth && truth <= r.ci95[1];
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
    double count[K] = { 0 }, d[K][K], observed = 0, expected = 0;
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
    kt_agree_result r = { 0 };
    assert_int_equal(kt_agreement_measure(&kt_agree_krippendorff_alpha, &v, &o, NULL, &r, NULL), 0);
    kt_assert_close(r.value, 1 - ((double)v.n - 1) * observed / expected, 1e-12);
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

static kt_agree_result measured(const kt_agreement *m, const kt_votes *v, const void *opt, kt_pool *pool)
{
    kt_agree_result r = { 0 };
    assert_int_equal(kt_agreement_measure(m, v, opt, pool, &r, NULL), 0);
    return r;
}

/* n_items × n_sources ratings, NAN missing, as a matrix. */
static kt_vote_matrix matrix_of(const double *x, size_t n_items, uint32_t n_sources)
{
    return (kt_vote_matrix){ .data = x, .type = KT_F64, .n_sources = n_sources, .n_items = n_items, .source_stride = sizeof(double),
                             .item_stride = (ptrdiff_t)(n_sources * sizeof(double)) };
}

static double of_matrix(const kt_agreement *m, const kt_vote_matrix *v, const void *opt, double ci95[2])
{
    kt_agree_result r = { 0 };
    assert_int_equal(kt_agreement_measure_matrix(m, v, opt, NULL, &r, NULL), 0);
    if (ci95)
        memcpy(ci95, r.ci95, sizeof(r.ci95));
    return r.value;
}

static void shrout_fleiss_1979(void **state)
{
    (void)state;
    static const double x[6 * 4] = { 9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7 };
    static const double want[3][2] = { { .17, .44 }, { .29, .62 }, { .71, .91 } }; /* their table 4 */
    static const double ci[3][2] = { { -.13, .72 }, { .02, .76 }, { .34, .95 } };  /* R's psych::ICC, as printed */
    kt_vote_matrix m = matrix_of(x, 6, 4);
    for (int32_t type = 0; type < KT_ICC__COUNT; type++)
        for (int32_t average = 0; average < 2; average++) {
            double ci95[2];
            kt_assert_close(of_matrix(&kt_agree_icc, &m, &(kt_icc_opts){ .type = type, .average = average }, ci95), want[type][average], 0.005);
            for (int side = 0; side < 2 && !average; side++)
                kt_assert_close(ci95[side], ci[type][side], 0.0051);
        }
}

static void correlations_of_scipy(void **state)
{
    (void)state;
    static const double x[12 * 2] = { 1, 2, 2, 1, 2, 2, 3, 3, 5, 4, 5, 5, 4, 5, 1, 1, 3, 2, 2, 3, 4, 3, 5, 4 };
    kt_vote_matrix m = matrix_of(x, 12, 2);
    double ci95[2];
    kt_assert_close(of_matrix(&kt_agree_pearson, &m, NULL, ci95), 0.835916749572599, 1e-12);
    assert_true(ci95[0] > 0.4 && ci95[0] < 0.83 && ci95[1] > 0.84 && ci95[1] < 1);
    kt_assert_close(of_matrix(&kt_agree_spearman, &m, NULL, NULL), 0.84, 1e-12);
    kt_assert_close(of_matrix(&kt_agree_kendall, &m, NULL, NULL), 0.719298245614035, 1e-12);
    static const double constant[3 * 2] = { 0.1, 1, 0.1, 2, 0.1, 3 };
    m = matrix_of(constant, 3, 2);
    assert_true(isnan(of_matrix(&kt_agree_pearson, &m, NULL, NULL)) && isnan(of_matrix(&kt_agree_spearman, &m, NULL, NULL)) &&
                isnan(of_matrix(&kt_agree_kendall, &m, NULL, NULL)));
}

static void gwet_ac2_by_numpy(void **state)
{
    (void)state;
    static const double x[8 * 3] = { 0, 0, 1, 2, 2, 2, 1, 2, 3, 3, 3, 3, 0, 1, 0, 2, 3, NAN, 1, NAN, NAN, 0, 0, 0 };
    static const double want[KT_GWET__COUNT] = { 0.5829795636291836, 0.7545964015337727, 0.6975484887269866, 0.47676837457954885 };
    kt_vote_matrix m = matrix_of(x, 8, 3);
    for (int32_t w = 0; w < KT_GWET__COUNT; w++)
        kt_assert_close(of_matrix(&kt_agree_gwet_ac2, &m, &(kt_gwet_opts){ w }, NULL), want[w], 1e-12);
    kt_assert_close(of_matrix(&kt_agree_gwet_ac1, &m, NULL, NULL), 0.36581337737407105, 1e-12);
}

/* The same votes as triples in and out of order, with labels so many that no table of codes holds them, and as matrices of
   several types: every metric says the same. Threads change no bit. */
static void every_way_in(void **state)
{
    (void)state;
    enum { ITEMS = 70000 };
    uint32_t *item = kt_alloc_array(ITEMS * 5, 4), *source = kt_alloc_array(ITEMS * 5, 4);
    int32_t *label = kt_alloc_array(ITEMS * 5, 4), *mixed = kt_alloc_array(ITEMS * 5, 4);
    double *x = kt_alloc_array(ITEMS * 5, sizeof(double));
    int8_t *small = kt_alloc_array(ITEMS * 5, 1);
    kt_pool *pools[2] = { kt_pool_new(2), kt_pool_new(7) };
    for (uint32_t k = 3; k <= 103; k += 100) { /* 4^5 codes, then 104^5 */
        kt_rng r = kt_rng_keyed(k, 1, 1);
        size_t n = 0;
        for (uint32_t i = 0; i < ITEMS; i++) {
            int32_t truth = (int32_t)kt_rng_below(&r, k);
            for (uint32_t s = 0; s < 5; s++) {
                int32_t l = kt_rng_unit(&r) < 0.6 ? truth : (int32_t)kt_rng_below(&r, k);
                bool missing = kt_rng_below(&r, 10) == 0;
                x[i * 5 + s] = missing ? NAN : l;
                small[i * 5 + s] = (int8_t)(missing ? -1 : l);
                item[n] = i;
                source[n] = s;
                label[n++] = missing ? KT_ABSTAIN : l;
            }
        }
        kt_votes v = { n, ITEMS, 5, k, item, source, label };
        kt_vote_matrix a = matrix_of(x, ITEMS, 5), b = a;
        b.data = small;
        b.type = KT_I8;
        b.has_missing = true;
        b.missing = -1;
        b.source_stride = 1;
        b.item_stride = 5;
        kt_krippendorff_opts o[2] = { { .level = KT_LEVEL_ORDINAL }, { .level = KT_LEVEL_RATIO } };
        const struct { const kt_agreement *m; const void *opt; } each[] = {
            { &kt_agree_percent, NULL }, { &kt_agree_fleiss_kappa, NULL }, { &kt_agree_gwet_ac2, NULL }, { &kt_agree_krippendorff_alpha, NULL },
            { &kt_agree_krippendorff_alpha, &o[0] }, { &kt_agree_krippendorff_alpha, &o[1] }, { &kt_agree_cohen_kappa, NULL },
            { &kt_agree_pearson, NULL }, { &kt_agree_spearman, NULL }, { &kt_agree_kendall, NULL }, { &kt_agree_icc, NULL },
        };
        for (size_t e = 0; e < KT_LEN(each); e++) {
            kt_agree_result one = measured(each[e].m, &v, each[e].opt, NULL), got;
            for (int p = 0; p < 2; p++) {
                got = measured(each[e].m, &v, each[e].opt, pools[p]);
                assert_memory_equal(&got.value, &one.value, sizeof(double));
                assert_memory_equal(got.ci95, one.ci95, sizeof(got.ci95));
                assert_int_equal(kt_agreement_measure_matrix(each[e].m, p ? &a : &b, each[e].opt, pools[p], &got, NULL), 0);
                kt_assert_close(got.value, one.value, 1e-12);
                if (!isnan(one.ci95[0]))
                    kt_assert_close(got.ci95[0], one.ci95[0], 1e-10);
            }
        }
        for (size_t i = n; i-- > 1;) { /* any order */
            size_t j = kt_rng_below(&r, i + 1);
            uint32_t t = item[i], u = source[i];
            int32_t l = label[i];
            item[i] = item[j], source[i] = source[j], label[i] = label[j];
            item[j] = t, source[j] = u, label[j] = l;
        }
        for (size_t i = 0; i < n; i++)
            mixed[i] = label[i];
        kt_votes w = { n, ITEMS, 5, k, item, source, mixed };
        for (size_t e = 0; e < KT_LEN(each); e++) {
            kt_agree_result got = measured(each[e].m, &w, each[e].opt, NULL);
            kt_assert_close(got.value, of_matrix(each[e].m, &a, each[e].opt, NULL), 1e-12);
        }
    }
    void *all[] = { item, source, label, mixed, x, small };
    for (size_t i = 0; i < KT_LEN(all); i++)
        kt_free(all[i]);
    kt_pool_free(pools[0]);
    kt_pool_free(pools[1]);
}

static double squared(const void *ctx, int32_t a, int32_t b)
{
    const double *value = ctx;
    return (value[a] - value[b]) * (value[a] - value[b]);
}

/* Alpha of any distance, given the squared difference, is alpha of level interval; so is its interval. */
static void any_distance(void **state)
{
    (void)state;
    static const double value[K] = { 1, 2.5, 3, 7 };
    crowd *c = kt_alloc(sizeof(*c));
    kt_votes v = draw(c, 300, S, 0.5, 11);
    kt_label_distance d = { squared, value };
    kt_agree_result any = measured(&kt_agree_krippendorff_alpha, &v, &(kt_krippendorff_opts){ .distance = &d }, NULL);
    kt_agree_result level = measured(&kt_agree_krippendorff_alpha, &v, &(kt_krippendorff_opts){ .value = value, .level = KT_LEVEL_INTERVAL }, NULL);
    kt_assert_close(any.value, level.value, 1e-12);
    kt_assert_close(any.ci95[0], level.ci95[0], 1e-10);
    kt_free(c);
}

/* Texts, boxes and spans by hand. */
static void shapes_as_labels(void **state)
{
    (void)state;
    kt_arena a = KT_ARENA_INIT;
    kt_label_distance d;
    kt_str text[3] = { KT_S("kitten"), KT_S("sitting"), KT_S("") };
    assert_int_equal(kt_label_distance_make(KT_DISTANCE_EDIT, text, 3, &a, &d, NULL), 0);
    kt_assert_close(d.of(d.ctx, 0, 1), 3.0 / 7, 1e-12);
    kt_assert_close(d.of(d.ctx, 0, 2), 1, 1e-12);
    kt_str box[4] = { KT_S("0,0,10,10; 20,20,10,10"), KT_S(" 20,20,10,10;0,0,10,5 "), KT_S("none"), KT_S("0,0,10,10") };
    assert_int_equal(kt_label_distance_make(KT_DISTANCE_BOXES, box, 4, &a, &d, NULL), 0);
    kt_assert_close(d.of(d.ctx, 0, 1), 1 - (1 + 0.5) / 2, 1e-12);
    kt_assert_close(d.of(d.ctx, 0, 3), 0.5, 1e-12);
    kt_assert_close(d.of(d.ctx, 1, 2), 1, 1e-12);
    kt_str span[3] = { KT_S("0-4:PER; 10-11:LOC"), KT_S("0-2:PER;10-11:ORG"), KT_S("none") };
    assert_int_equal(kt_label_distance_make(KT_DISTANCE_SPANS, span, 3, &a, &d, NULL), 0);
    kt_assert_close(d.of(d.ctx, 0, 1), 1 - 2.0 * 3 / (7 + 5), 1e-12);
    kt_assert_close(d.of(d.ctx, 0, 2), 1, 1e-12);
    kt_str bad[3] = { KT_S("1,2,3"), KT_S("0,0,-1,2"), KT_S("9-3") };
    kt_err err = { 0 };
    for (int i = 0; i < 3; i++)
        assert_true(kt_label_distance_make(i < 2 ? KT_DISTANCE_BOXES : KT_DISTANCE_SPANS, &bad[i], 1, &a, &d, &err) < 0);
    kt_arena_done(&a);
}

/* Bootstrap intervals hold the value of a much larger sample about as often as they say, and any pool gives the same one. */
static void bootstrap_covers(void **state)
{
    (void)state;
    enum { RUNS = 200, SMALL = 150 };
    crowd *c = kt_alloc(sizeof(*c));
    kt_pool *pool = kt_pool_new(3);
    const kt_agreement *each[] = { &kt_agree_fleiss_kappa, &kt_agree_cohen_kappa, &kt_agree_icc };
    for (size_t e = 0; e < KT_LEN(each); e++) {
        double truth = 0, ci95[2], again[2];
        int covered = 0;
        for (uint64_t seed = 0; seed < 8; seed++) {
            kt_votes big = draw(c, N, S, 0.6, 1000 + seed);
            truth += measured(each[e], &big, NULL, NULL).value / 8;
        }
        for (uint64_t run = 0; run < RUNS; run++) {
            kt_votes v = draw(c, SMALL, S, 0.6, run);
            assert_int_equal(kt_agreement_bootstrap(each[e], &v, NULL, 200, run, pool, ci95, NULL), 0);
            covered += ci95[0] <= truth && truth <= ci95[1];
            if (run == 0) {
                assert_int_equal(kt_agreement_bootstrap(each[e], &v, NULL, 200, run, NULL, again, NULL), 0);
                assert_memory_equal(ci95, again, sizeof(ci95));
            }
        }
        if (covered < 0.9 * RUNS || covered > 0.99 * RUNS)
            fail_msg("%s: %d of %d intervals cover", each[e]->name, covered, RUNS);
    }
    kt_pool_free(pool);
    kt_free(c);
}

/* Parts of the whole, checked against the whole: two sources are one pair; kappa over many is the weighted mean of its
   pairs; Fleiss' own kappa of a category is that of the label against the rest; the mean over items is the percentage. */
static void parts_make_the_whole(void **state)
{
    (void)state;
    crowd *c = kt_alloc(sizeof(*c));
    kt_arena arena = KT_ARENA_INIT;
    kt_votes v = draw(c, 400, S, 0.6, 21);
    kt_agreement_pair *pair;
    size_t n;
    double sum = 0, weight = 0;
    assert_int_equal(kt_agreement_by_pair(&kt_agree_cohen_kappa, &v, NULL, NULL, &arena, &pair, &n, NULL), 0);
    assert_int_equal(n, S * (S - 1) / 2);
    for (size_t i = 0; i < n; i++) {
        sum += (double)pair[i].items * pair[i].result.value;
        weight += (double)pair[i].items;
        assert_true(pair[i].a < pair[i].b && pair[i].percent > pair[i].result.value);
    }
    kt_assert_close(sum / weight, measured(&kt_agree_cohen_kappa, &v, NULL, NULL).value, 1e-12);
    kt_agreement_class class[K];
    kt_agreement_item *item = kt_alloc_array(400, sizeof(*item));
    assert_int_equal(kt_agreement_by_class(&kt_agree_fleiss_kappa, &v, NULL, NULL, class, NULL), 0);
    double above = 0, below = 0, percent = 0; /* kappa = Σ p_c q_c kappa_c / Σ p_c q_c (Fleiss 1971, eq. 20) */
    for (int k = 0; k < K; k++) {
        double p = (double)class[k].votes / (double)v.n, w = p * (1 - p);
        above += w * class[k].result.value;
        below += w;
        kt_assert_close(class[k].specific, p + (1 - p) * class[k].result.value, 1e-12);
    }
    kt_assert_close(above / below, measured(&kt_agree_fleiss_kappa, &v, NULL, NULL).value, 1e-12);
    assert_int_equal(kt_agreement_by_item(&v, NULL, item, NULL), 0);
    for (int i = 0; i < 400; i++)
        percent += item[i].percent / 400;
    kt_assert_close(percent, measured(&kt_agree_percent, &v, NULL, NULL).value, 1e-12);
    assert_int_equal(kt_agreement_by_class(&kt_agree_pearson, &v, NULL, NULL, class, NULL), KT_USAGE);
    kt_arena_done(&arena);
    kt_free(item);
    kt_free(c);
}

static void bad_matrices(void **state)
{
    (void)state;
    double x[4] = { 0, 1, INFINITY, 1 }, domain[2] = { 0, 0 };
    kt_agree_result r = { 0 };
    kt_vote_matrix m = matrix_of(x, 2, 2);
    assert_int_equal(kt_agreement_measure_matrix(&kt_agree_percent, &m, NULL, NULL, &r, NULL), KT_RANGE);
    x[2] = 0.5; /* no whole number, and not in the domain */
    m.domain = domain;
    m.n_domain = 2;
    assert_int_equal(kt_agreement_measure_matrix(&kt_agree_percent, &m, NULL, NULL, &r, NULL), KT_RANGE);
    domain[1] = 1;
    assert_int_equal(kt_agreement_measure_matrix(&kt_agree_percent, &m, NULL, NULL, &r, NULL), KT_RANGE);
    x[2] = 2; /* whole, and not in the domain */
    assert_int_equal(kt_agreement_measure_matrix(&kt_agree_percent, &m, NULL, NULL, &r, NULL), KT_RANGE);
    assert_int_equal(kt_agreement_measure_matrix(&kt_agree_cohen_kappa, &m, NULL, NULL, &r, NULL), KT_RANGE);
    for (int i = 0; i < 4; i++)
        x[i] = NAN;
    m.domain = NULL;
    for (const kt_agreement *const *a = kt_agreements; *a; a++) {
        assert_int_equal(kt_agreement_measure_matrix(*a, &m, NULL, NULL, &r, NULL), 0);
        assert_true(isnan(r.value));
    }
    m.n_items = (size_t)1 << 40;
    assert_int_equal(kt_agreement_measure_matrix(&kt_agree_percent, &m, NULL, NULL, &r, NULL), KT_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perfect_and_chance), cmocka_unit_test(order_and_names_do_not_matter),
        cmocka_unit_test(undefined_and_refused), cmocka_unit_test(gwet_and_scott_by_hand), cmocka_unit_test(intervals_cover),
        cmocka_unit_test(ordinal_by_definition), cmocka_unit_test(options), cmocka_unit_test(shrout_fleiss_1979),
        cmocka_unit_test(correlations_of_scipy), cmocka_unit_test(gwet_ac2_by_numpy), cmocka_unit_test(every_way_in),
        cmocka_unit_test(any_distance), cmocka_unit_test(shapes_as_labels), cmocka_unit_test(bootstrap_covers), cmocka_unit_test(parts_make_the_whole),
        cmocka_unit_test(bad_matrices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
