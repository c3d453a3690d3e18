/* Models on rows of numbers. Checked against: nearest neighbours, votes and means computed one by one in double precision; planted clouds of
   points; what must hold for any data: threads, byte forms cut anywhere, explanations that add up. */
#include "algo/learn/dense_model.h"
#include "algo/learn/knn.h"
#include "algo/learn/prototypes.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

enum { N = 500, D = 19, K = 4, M = 130 };

/* Clouds around K random centres; group: pairs. */
static void clouds(uint64_t seed, size_t n, double spread, float *x, int32_t *label)
{
    kt_rng centre = kt_rng_keyed(7, 7, 7), g = kt_rng_keyed(seed, 1, 1);
    float at[K * D];
    for (int i = 0; i < K * D; i++)
        at[i] = (float)kt_rng_normal(&centre);
    for (size_t i = 0; i < n; i++) {
        label[i] = (int32_t)kt_rng_below(&g, K);
        for (size_t c = 0; c < D; c++)
            x[i * D + c] = at[(size_t)label[i] * D + c] + (float)(spread * kt_rng_normal(&g));
    }
}

static double distance(const float *a, const float *b, kt_metric metric)
{
    double ab = 0, aa = 0, bb = 0, off = 0;
    for (int c = 0; c < D; c++) {
        ab += (double)a[c] * (double)b[c];
        aa += (double)a[c] * (double)a[c];
        bb += (double)b[c] * (double)b[c];
        off += ((double)a[c] - (double)b[c]) * ((double)a[c] - (double)b[c]);
    }
    return metric == KT_METRIC_COSINE ? 1 - ab / sqrt(aa * bb) : sqrt(off);
}

static void nearest_are_those_of_a_plain_search(void **state)
{
    (void)state;
    static float x[N * D], q[M * D];
    static int32_t label[N];
    enum { NEAR = 7 };
    for (int metric = 0; metric < 2; metric++)
        for (size_t n = 1; n <= N; n += n < 20 ? 1 : 96) {
            kt_vectors v;
            kt_neighbour near[M * NEAR], again[M * NEAR];
            clouds(3, n, 1, x, label);
            clouds(4, M, 1, q, label);
            if (n > 40)
                memcpy(x + 33 * D, x + 5 * D, D * sizeof(float)); /* a tie */
            assert_int_equal(kt_vectors_init(&v, x, n, D, (kt_metric)metric, NULL), 0);
            kt_pool *pool = kt_pool_new(3);
            assert_int_equal(kt_vectors_nearest(&v, q, M, NEAR, NULL, near, NULL), 0);
            assert_int_equal(kt_vectors_nearest(&v, q, M, NEAR, pool, again, NULL), 0);
            assert_memory_equal(near, again, sizeof(near));
            for (size_t i = 0; i < M; i++) {
                for (size_t k = 0; k < NEAR; k++) {
                    kt_neighbour got = near[i * NEAR + k];
                    assert_int_equal(got.row == UINT32_MAX, k >= n);
                    if (k >= n)
                        continue;
                    kt_assert_close((double)got.distance, distance(q + i * D, x + got.row * D, (kt_metric)metric), 1e-5);
                    size_t closer = 0;
                    for (size_t r = 0; r < n; r++)
                        closer += distance(q + i * D, x + r * D, (kt_metric)metric) < (double)got.distance - 1e-5;
                    assert_true(closer <= k);
                    assert_true(k == 0 || near[i * NEAR + k - 1].distance <= got.distance);
                    assert_true(k == 0 || near[i * NEAR + k - 1].row != got.row);
                }
            }
            kt_pool_free(pool);
            kt_vectors_done(&v);
        }
}

static void others_are_without_the_group(void **state)
{
    (void)state;
    static float x[N * D];
    static int32_t label[N];
    static uint64_t group[N];
    kt_vectors v;
    kt_neighbour near[N];
    clouds(5, N, 1, x, label);
    for (size_t i = 0; i < N; i += 2) {
        memcpy(x + (i + 1) * D, x + i * D, D * sizeof(float));
        group[i] = group[i + 1] = 1 + i;
    }
    assert_int_equal(kt_vectors_init(&v, x, N, D, KT_METRIC_EUCLIDEAN, NULL), 0);
    kt_vectors_nearest_others(&v, NULL, 0, NULL, 1, NULL, near);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(near[i].row, i ^ 1);
    kt_vectors_nearest_others(&v, NULL, 0, group, 1, NULL, near);
    for (uint32_t i = 0; i < N; i++)
        assert_true(near[i].row / 2 != i / 2 && near[i].distance > 0.1f);
    kt_vectors_done(&v);
    x[D] = NAN;
    assert_int_equal(kt_vectors_init(&v, x, N, D, KT_METRIC_EUCLIDEAN, NULL), KT_RANGE);
    memset(x, 0, D * sizeof(float));
    x[D] = 1;
    assert_int_equal(kt_vectors_init(&v, x, 2, D, KT_METRIC_COSINE, NULL), KT_RANGE);
    assert_int_equal(kt_vectors_init(&v, x, 2, 0, KT_METRIC_COSINE, NULL), KT_RANGE);
}

static double right(const float *p, const int32_t *label, size_t n, double *ret_loss)
{
    double hits = 0;
    *ret_loss = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t best = 0;
        double sum = 0;
        for (uint32_t c = 0; c < K; c++) {
            best = p[i * K + c] > p[i * K + best] ? c : best;
            sum += (double)p[i * K + c];
        }
        kt_assert_close(sum, 1, 1e-5);
        hits += best == (uint32_t)label[i];
        *ret_loss -= log(KT_MAX((double)p[i * K + (size_t)label[i]], 1e-9)) / (double)n;
    }
    return hits / (double)n;
}

static void neighbours_vote(void **state)
{
    (void)state;
    static float x[N * D], y[N * D], p[N * K], q[N * K];
    static int32_t label[N], truth[N];
    clouds(1, N, 1.1, x, label);
    clouds(2, N, 1.1, y, truth);
    kt_knn m, back;
    kt_knn_options o = KT_KNN_OPTIONS_INIT;
    o.metric = KT_METRIC_EUCLIDEAN;
    assert_int_equal(kt_knn_fit(x, N, D, label, K, NULL, &o, NULL, &m, NULL), 0);
    static kt_neighbour near[N * KT_VECTORS_MAX_NEAREST];
    assert_int_equal(kt_knn_predict(&m, y, N, NULL, p, near, NULL), 0);
    double loss, cross_loss, one_loss;
    double share = right(p, truth, N, &loss);
    for (size_t i = 0; i < 20; i++) { /* the vote, by hand */
        double want[K] = { 0 }, sum = m.smooth;
        for (uint32_t c = 0; c < K; c++)
            want[c] = m.smooth * m.share[c];
        for (uint32_t k = 0; k < m.k; k++) {
            double w = kt_knn_weight(&m, near + i * m.k, k);
            want[label[near[i * m.k + k].row]] += w;
            sum += w;
        }
        for (uint32_t c = 0; c < K; c++)
            kt_assert_close((double)p[i * K + c], want[c] / sum, 1e-6);
    }
    kt_knn_cross(&m, N, label, NULL, NULL, q);
    double cross = right(q, label, N, &cross_loss);
    o.k = 1;
    kt_knn one;
    assert_int_equal(kt_knn_fit(x, N, D, label, K, NULL, &o, NULL, &one, NULL), 0);
    assert_int_equal(kt_knn_predict(&one, y, N, NULL, q, NULL, NULL), 0);
    right(q, truth, N, &one_loss);
    print_message("neighbours: k %u, %.3f right, log loss %.3f (left out: %.3f right, %.3f; k = 1: %.3f)\n", m.k, share, loss, cross, cross_loss, one_loss);
    assert_true(share > 0.8 && loss < one_loss && m.k > 1);
    kt_assert_close(cross_loss, loss, 0.08); /* leaving one out foretells the loss on new rows */
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 26);
    kt_knn_bytes(&m, &b);
    assert_int_equal(kt_knn_from_bytes(KT_BUF_STR(&b), &back, NULL), 0);
    assert_int_equal(kt_knn_predict(&back, y, N, NULL, q, NULL, NULL), 0);
    for (size_t i = 0; i < N * K; i++)
        kt_assert_close((double)p[i], (double)q[i], 1e-5);
    kt_knn_done(&back);
    for (size_t cut = 0; cut < b.n; cut += cut < 100 ? 1 : 501)
        assert_int_equal(kt_knn_from_bytes((kt_str){ b.p, cut }, &back, NULL), KT_CORRUPT);
    float far[D];
    for (int c = 0; c < D; c++)
        far[c] = 30;
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(kt_knn_update(&m, far, 3, NULL), 0);
    assert_int_equal(kt_knn_predict(&m, far, 1, NULL, p, NULL, NULL), 0);
    assert_true(p[3] > 0.7f);
    assert_int_equal(kt_knn_update(&m, far, K, NULL), KT_RANGE);
    kt_knn_done(&m);
    kt_knn_done(&one);
}

/* Means and their scores, one row at a time, from a copy of the data without the row. */
static void prototypes_leave_out(void **state)
{
    (void)state;
    static float x[N * D], p[N * K], y[N * D], one[K];
    static int32_t label[N], truth[N];
    for (int metric = 0; metric < 2; metric++) {
        kt_prototypes m, less;
        clouds(1, N, 1.1, x, label);
        clouds(2, N, 1.1, y, truth);
        assert_int_equal(kt_prototypes_fit(x, N, D, label, K, NULL, &(kt_prototypes_options){ (kt_metric)metric }, &m, NULL), 0);
        kt_prototypes_cross(&m, x, N, label, NULL, p);
        for (size_t i = 0; i < 25; i++) {
            int32_t was = label[i];
            label[i] = -1;
            assert_int_equal(kt_prototypes_fit(x, N, D, label, K, NULL, &(kt_prototypes_options){ (kt_metric)metric }, &less, NULL), 0);
            less.temperature = m.temperature;
            assert_int_equal(kt_prototypes_predict(&less, x + i * D, 1, NULL, one, NULL), 0);
            for (int c = 0; c < K; c++)
                kt_assert_close((double)p[i * K + (size_t)c], (double)one[c], 1e-5);
            label[i] = was;
            kt_prototypes_done(&less);
        }
        double cross_loss, loss, cross = right(p, label, N, &cross_loss);
        kt_pool *pool = kt_pool_new(3);
        assert_int_equal(kt_prototypes_predict(&m, y, N, pool, p, NULL), 0);
        double share = right(p, truth, N, &loss);
        print_message("prototypes: %.3f right, log loss %.3f (left out %.3f, %.3f)\n", share, loss, cross, cross_loss);
        assert_true(share > 0.85);
        kt_assert_close(loss, cross_loss, 0.08);
        float adds[2][D];
        for (uint32_t c = 0; c < 2; c++)
            assert_int_equal(kt_prototypes_explain(&m, y, c, adds[c], NULL), 0);
        double off = 0;
        for (int c = 0; c < D; c++)
            off += (double)adds[0][c] - (double)adds[1][c];
        kt_assert_close(off, log((double)p[0]) - log((double)p[1]), 1e-3 * (1 + fabs(off)));
        KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
        kt_prototypes_bytes(&m, &b);
        assert_int_equal(kt_prototypes_from_bytes(KT_BUF_STR(&b), &less, NULL), 0);
        assert_memory_equal(less.sum, m.sum, K * D * sizeof(double));
        kt_prototypes_done(&less);
        for (size_t cut = 0; cut < b.n; cut++)
            assert_int_equal(kt_prototypes_from_bytes((kt_str){ b.p, cut }, &less, NULL), KT_CORRUPT);
        kt_pool_free(pool);
        kt_prototypes_done(&m);
    }
}

/* Pairs of equal rows with a label by coin: a pair's own rows must not speak for it. */
static void prototypes_leave_out_groups(void **state)
{
    (void)state;
    static float x[N * D];
    static int32_t label[N];
    static uint64_t group[N];
    kt_prototypes m;
    kt_rng g = kt_rng_keyed(1, 2, 3);
    clouds(8, N, 1, x, label);
    for (size_t i = 0; i < N; i++) {
        group[i] = i < N - 100 ? 0 : i - i % 2;
        if (i >= N - 100)
            label[i] = K; /* a label of their own, all of it in groups of two equal rows far from all others */
    }
    for (size_t i = N - 100; i < N; i += 2)
        for (size_t c = 0; c < D; c++)
            x[i * D + c] = x[(i + 1) * D + c] = (float)(20 * kt_rng_normal(&g));
    static float q[N * (K + 1)];
    assert_int_equal(kt_prototypes_fit(x, N, D, label, K + 1, group, &(kt_prototypes_options){ KT_METRIC_COSINE }, &m, NULL), 0);
    kt_prototypes_cross(&m, x, N, label, group, q);
    double own = 0, alone = 0;
    for (size_t i = N - 100; i < N; i++)
        own += (double)q[i * (K + 1) + K] / 100;
    kt_prototypes_cross(&m, x, N, label, NULL, q);
    for (size_t i = N - 100; i < N; i++)
        alone += (double)q[i * (K + 1) + K] / 100;
    assert_true(own < alone);
    kt_prototypes_done(&m);
}

static void a_line_between_clouds(void **state)
{
    (void)state;
    static float x[N * D], y[N * D], p[N * K], q[N * K];
    static int32_t label[N], truth[N];
    clouds(1, N, 1.1, x, label);
    clouds(2, N, 1.1, y, truth);
    for (size_t i = 0; i < N; i++) { /* scales and offsets that must not matter */
        x[i * D + 3] = 1000 * x[i * D + 3] + 5e4f;
        y[i * D + 3] = 1000 * y[i * D + 3] + 5e4f;
        x[i * D + 4] = y[i * D + 4] = 7;
    }
    kt_dense_data d = { x, N, D, K, label, NULL };
    kt_dense_options o = KT_DENSE_OPTIONS_INIT;
    kt_dense_model m, back;
    kt_pool *pool = kt_pool_new(3);
    assert_int_equal(kt_dense_fit(&d, &o, pool, &m, NULL), 0);
    assert_int_equal(kt_dense_predict(&m, y, N, pool, p, NULL), 0);
    double loss, cross_loss, share = right(p, truth, N, &loss);
    assert_int_equal(kt_dense_cross(&d, &o, 5, NULL, q, NULL), 0);
    double cross = right(q, label, N, &cross_loss);
    print_message("linear: %.3f right, log loss %.3f (out of fold %.3f, %.3f)\n", share, loss, cross, cross_loss);
    assert_true(share > 0.85 && cross > 0.85);
    kt_assert_close(loss, cross_loss, 0.1);
    float adds[2][D];
    double off = (double)m.linear.bias[0] - (double)m.linear.bias[1];
    for (uint32_t c = 0; c < 2; c++)
        assert_int_equal(kt_dense_explain(&m, y, c, adds[c], NULL), 0);
    for (int c = 0; c < D; c++)
        off += (double)adds[0][c] - (double)adds[1][c];
    kt_assert_close(off, log((double)p[0]) - log((double)p[1]), 1e-3 * (1 + fabs(off)));
    assert_true(adds[0][4] == 0);
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
    kt_dense_bytes(&m, &b);
    assert_int_equal(kt_dense_from_bytes(KT_BUF_STR(&b), &back, NULL), 0);
    assert_int_equal(kt_dense_predict(&back, y, N, NULL, q, NULL), 0);
    assert_memory_equal(p, q, N * K * sizeof(float));
    kt_dense_model_done(&back);
    for (size_t cut = 0; cut < b.n; cut++)
        assert_int_equal(kt_dense_from_bytes((kt_str){ b.p, cut }, &back, NULL), KT_CORRUPT);
    assert_int_equal(kt_dense_update(&m, y, K, NULL), KT_RANGE);
    uint32_t other = truth[0] == 0;
    for (int i = 0; i < 30; i++)
        assert_int_equal(kt_dense_update(&m, y, other, NULL), 0);
    assert_int_equal(kt_dense_predict(&m, y, 1, NULL, q, NULL), 0);
    assert_true(q[other] > 0.5f);
    y[2] = INFINITY;
    assert_int_equal(kt_dense_predict(&m, y, 1, NULL, q, NULL), KT_RANGE);
    kt_dense_model_done(&m);
    kt_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_are_those_of_a_plain_search), cmocka_unit_test(others_are_without_the_group), cmocka_unit_test(neighbours_vote),
        cmocka_unit_test(prototypes_leave_out), cmocka_unit_test(prototypes_leave_out_groups), cmocka_unit_test(a_line_between_clouds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
