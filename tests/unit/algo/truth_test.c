/* Agreement and merging. Checked against: values worked out by hand from the papers' own examples (Fleiss 1971, table 1;
   Krippendorff 2011, nominal example), scipy's beta.ppf for intervals, and planted truth. */
#include "algo/agree/agree.h"
#include "algo/merge/aggregate.h"
#include "algo/denoise/denoise.h"
#include "algo/merkle.h"
#include "algo/stats.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

static double value_of(const kt_agreement *m, const kt_votes *v)
{
    kt_agree_result r = { 0 };
    assert_int_equal(kt_agreement_measure(m, v, NULL, NULL, &r, NULL), 0);
    assert_true(isnan(r.value) ? isnan(r.ci95[0]) : isnan(r.ci95[0]) || (r.ci95[0] <= r.value && r.value <= r.ci95[1]));
    return r.value;
}

static void intervals(void **state)
{
    (void)state;
    double ci[2];
    kt_clopper_pearson(5, 10, 0.95, ci); /* textbook: 0.1871, 0.8129 */
    kt_assert_close(ci[0], 0.18708603, 1e-7);
    kt_assert_close(ci[1], 0.81291397, 1e-7);
    kt_clopper_pearson(0, 100, 0.95, ci); /* 1 - 0.025^(1/100) */
    kt_assert_close(ci[1], 1 - pow(0.025, 0.01), 1e-12);
    kt_assert_close(kt_binom_upper(0, 149, 0.05), 1 - pow(0.05, 1.0 / 149), 1e-12);
}

static void fleiss_1971(void **state)
{
    (void)state;
    /* The 10 subjects × 5 categories, 14 raters of the often reprinted example: kappa = 0.210 */
    static const int table[10][5] = { { 0, 0, 0, 0, 14 }, { 0, 2, 6, 4, 2 }, { 0, 0, 3, 5, 6 }, { 0, 3, 9, 2, 0 }, { 2, 2, 8, 1, 1 },
                                      { 7, 7, 0, 0, 0 }, { 3, 2, 6, 3, 0 }, { 2, 5, 3, 2, 2 }, { 6, 5, 2, 1, 0 }, { 0, 2, 2, 3, 7 } };
    uint32_t item[140], source[140];
    int32_t label[140];
    size_t n = 0;
    for (uint32_t i = 0; i < 10; i++)
        for (int c = 0, s = 0; c < 5; c++)
            for (int k = 0; k < table[i][c]; k++, n++) {
                item[n] = i;
                source[n] = (uint32_t)s++;
                label[n] = c;
            }
    kt_votes v = { n, 10, 14, 5, item, source, label };
    kt_assert_close(value_of(&kt_agree_fleiss_kappa, &v), 0.20993, 1e-5);
}

static void krippendorff_2011(void **state)
{
    (void)state;
    /* 4 observers, 12 units, 5 values, missing data: nominal alpha = 0.743 */
    static const int data[4][12] = { { 1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0 }, { 1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3 },
                                     { 0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0 }, { 1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0 } };
    uint32_t item[48], source[48];
    int32_t label[48];
    size_t n = 0;
    for (uint32_t s = 0; s < 4; s++)
        for (uint32_t i = 0; i < 12; i++, n++) {
            item[n] = i;
            source[n] = s;
            label[n] = data[s][i] - 1; /* 0: missing, an abstention */
        }
    kt_votes v = { n, 12, 4, 5, item, source, label };
    kt_assert_close(value_of(&kt_agree_krippendorff_alpha, &v), 0.743421, 1e-6);
}

static void cohen_by_hand(void **state)
{
    (void)state;
    /* 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: p_o = 0.7, p_e = 0.5, kappa = 0.4 */
    static const int cells[2][2] = { { 20, 5 }, { 10, 15 } };
    uint32_t item[100], source[100], i = 0;
    int32_t label[100];
    size_t n = 0;
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++)
            for (int k = 0; k < cells[a][b]; k++, i++)
                for (int s = 0; s < 2; s++, n++) {
                    item[n] = i;
                    source[n] = (uint32_t)s;
                    label[n] = s ? b : a;
                }
    kt_votes v = { n, 50, 2, 2, item, source, label };
    kt_assert_close(value_of(&kt_agree_cohen_kappa, &v), 0.4, 1e-12);
    kt_assert_close(value_of(&kt_agree_percent, &v), 0.7, 1e-12);
    kt_votes none = { 0, 50, 2, 2, item, source, label };
    for (const kt_agreement *const *a = kt_agreements; *a; a++)
        assert_true(isnan(value_of(*a, &none)));
}

/* Planted truth: 10 sources of accuracy 0.55 to 0.95 on 4 labels, 3 votes an item. */
static void planted_crowd(void **state)
{
    (void)state;
    enum { N = 4000, S = 10, K = 4, V = 3 * N };
    uint32_t *item = kt_alloc_array(V, 4), *source = kt_alloc_array(V, 4);
    int32_t *label = kt_alloc_array(V, 4), *truth = kt_alloc_array(N, 4);
    kt_rng r = kt_rng_keyed(1, 2, 3);
    for (uint32_t i = 0; i < N; i++) {
        truth[i] = (int32_t)kt_rng_below(&r, K);
        uint64_t who[3];
        kt_rng_sample(&r, S, 3, who);
        for (uint32_t k = 0; k < 3; k++) {
            bool right = kt_rng_unit(&r) < 0.55 + 0.4 * (double)who[k] / (S - 1);
            item[3 * i + k] = i;
            source[3 * i + k] = (uint32_t)who[k];
            label[3 * i + k] = right ? truth[i] : (int32_t)((truth[i] + 1 + (int32_t)kt_rng_below(&r, K - 1)) % K);
        }
    }
    kt_votes v = { V, N, S, K, item, source, label };
    double right[2] = { 0 };
    KT_AUTO(kt_arena) arena = KT_ARENA_INIT;
    const kt_aggregator *both[2] = { &kt_aggregate_majority, &kt_aggregate_dawid_skene };
    for (int m = 0; m < 2; m++) {
        kt_posterior p;
        assert_int_equal(both[m]->fit(&v, NULL, NULL, NULL, &arena, &p, NULL), 0);
        for (size_t i = 0; i < N; i++) {
            double sum = 0;
            right[m] += p.label[i] == truth[i];
            for (int c = 0; c < K; c++)
                sum += p.prob[i * K + (size_t)c];
            kt_assert_close(sum, 1, 1e-9);
        }
        if (m == 1)
            for (int s = 0; s < S; s++)
                kt_assert_close(p.source_accuracy[s], 0.55 + 0.4 * s / (S - 1), 0.05);
    }
    assert_true(right[1] > right[0] + 0.01 * N); /* weighing the sources must pay here */
    kt_free(item);
    kt_free(source);
    kt_free(label);
    kt_free(truth);
}

static void planted_functions(void **state)
{
    (void)state;
    enum { N = 20000, M = 6, K = 3 };
    static const double accuracy[M] = { 0.95, 0.9, 0.85, 0.8, 0.7, 0.6 };
    int16_t *vote = kt_alloc_array(N * M, 2);
    int *truth = kt_alloc_array(N, sizeof(int));
    float *prob = kt_alloc_array(N * K, 4), *again = kt_alloc_array(N * K, 4);
    kt_rng r = kt_rng_keyed(5, 0, 0);
    for (size_t i = 0; i < N; i++) {
        truth[i] = (int)kt_rng_below(&r, K);
        for (size_t j = 0; j < M; j++)
            vote[i * M + j] = (int16_t)(kt_rng_unit(&r) < 0.5 ? KT_ABSTAIN : kt_rng_unit(&r) < accuracy[j] ? truth[i]
                                                                     : (truth[i] + 1 + (int)kt_rng_below(&r, 2)) % K);
    }
    kt_lf_votes v = { N, M, K, vote };
    kt_lf_summary s[M];
    kt_pool *pool = kt_pool_new(3);
    assert_int_equal(kt_denoise(&v, NULL, prob, s, NULL), 0);
    assert_int_equal(kt_denoise(&v, pool, again, NULL, NULL), 0);
    assert_memory_equal(prob, again, N * K * 4); /* whatever the number of threads */
    for (size_t j = 0; j < M; j++) {
        kt_assert_close(s[j].accuracy, accuracy[j], 0.03);
        kt_assert_close((double)s[j].votes / N, 0.5, 0.02);
    }
    kt_pool_free(pool);
    kt_free(vote);
    kt_free(truth);
    kt_free(prob);
    kt_free(again);
}

static kt_hash leaf_of(void *ctx, uint64_t i)
{
    return ((kt_hash *)ctx)[i];
}

/* Certificate Transparency's eight test leaves: roots as in its reference implementation. */
static void merkle(void **state)
{
    (void)state;
    static const struct { const char *p; size_t n; } in[8] = {
        { "", 0 }, { "\x00", 1 }, { "\x10", 1 }, { "\x20\x21", 2 }, { "\x30\x31", 2 }, { "\x40\x41\x42\x43", 4 },
        { "\x50\x51\x52\x53\x54\x55\x56\x57", 8 }, { "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16 },
    };
    static const unsigned char root1[4] = { 0x6e, 0x34, 0x0b, 0x9c }, root8[4] = { 0x5d, 0xc9, 0xda, 0x79 };
    kt_merkle t = { 0 };
    kt_hash leaves[130];
    for (int i = 0; i < 8; i++) {
        kt_merkle_push(&t, leaves[i] = kt_merkle_leaf((kt_str){ in[i].p, in[i].n }));
        kt_hash root = kt_merkle_root(&t);
        if (i == 0)
            assert_memory_equal(root.b, root1, 4);
        if (i == 7)
            assert_memory_equal(root.b, root8, 4);
    }
    for (int i = 8; i < 130; i++)
        leaves[i] = kt_merkle_leaf((kt_str){ (const char *)&i, sizeof(i) });
    t = (kt_merkle){ 0 };
    for (uint64_t n = 1; n <= 130; n++) {
        kt_merkle_push(&t, leaves[n - 1]);
        kt_hash root = kt_merkle_root(&t);
        for (uint64_t i = 0; i < n; i += 1 + n / 7) {
            kt_merkle_path path;
            kt_merkle_prove(i, n, leaf_of, leaves, &path);
            assert_true(kt_merkle_check(leaves[i], i, n, &path, root));
            assert_false(kt_merkle_check(leaves[(i + 1) % 130], i, n, &path, root));
            assert_false(n > 1 && kt_merkle_check(leaves[i], i ^ 1, n, &path, root));
            if (path.n) {
                path.node[0].b[5] ^= 1;
                assert_false(kt_merkle_check(leaves[i], i, n, &path, root));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals), cmocka_unit_test(fleiss_1971), cmocka_unit_test(krippendorff_2011),
        cmocka_unit_test(cohen_by_hand), cmocka_unit_test(planted_crowd),
        cmocka_unit_test(planted_functions), cmocka_unit_test(merkle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
