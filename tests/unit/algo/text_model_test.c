/* Texts to labels as one model. Checked against: planted trees (what is shared by labels of one parent can only be learned above them),
   sums that must hold for any data, texts that occur twice (which folds by group must keep together), byte forms cut anywhere, threads. */
#include "algo/learn/folds.h"
#include "algo/learn/text_model.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

enum { PARENTS = 4, CHILDREN = 5, K = PARENTS + PARENTS * CHILDREN };

/* Labels 0..3 are parents, the others their children. A text has words of its parent (30 kinds) and seldom one of the child's own. */
static void planted(uint64_t seed, size_t n, kt_arena *a, kt_str *text, int32_t *label, int32_t *parent)
{
    kt_rng g = kt_rng_keyed(seed, 2, 2);
    for (int32_t c = 0; c < K; c++)
        parent[c] = c < PARENTS ? -1 : (c - PARENTS) / CHILDREN;
    for (size_t i = 0; i < n; i++) {
        KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
        label[i] = PARENTS + (int32_t)kt_rng_below(&g, K - PARENTS);
        for (int w = 0; w < 8; w++) {
            uint64_t kind = kt_rng_below(&g, 10);
            if (kind < 2)
                kt_buf_printf(&b, "up%dx%d ", (int)parent[label[i]], (int)kt_rng_below(&g, 30));
            else if (kind < 3)
                kt_buf_printf(&b, "own%dx%d ", (int)label[i], (int)kt_rng_below(&g, 3));
            else
                kt_buf_printf(&b, "all%d ", (int)kt_rng_below(&g, 60));
        }
        text[i] = kt_arena_str(a, KT_BUF_STR(&b));
    }
}

static double loss_of(const float *p, const int32_t *label, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum -= log(KT_MAX((double)p[i * K + (size_t)label[i]], 1e-9));
    return sum / (double)n;
}

static void a_tree_learns_what_labels_share(void **state)
{
    (void)state;
    enum { N = 300, M = 1500 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    static kt_str text[N], more[M];
    static int32_t label[N], truth[M], parent[K];
    double loss[2] = { 0, 0 };
    float *p = kt_alloc_array(M, K * sizeof(*p)), *q = kt_alloc_array(M, K * sizeof(*q));
    for (uint64_t seed = 1; seed <= 5; seed++) {
        planted(seed, N, &a, text, label, parent);
        planted(seed + 100, M, &a, more, truth, parent);
        for (int tree = 0; tree < 2; tree++) {
            kt_text_data d = { .text = text, .n = N, .n_labels = K, .label = label, .parent = parent };
            kt_text_options o = KT_TEXT_OPTIONS_INIT;
            o.task = tree ? KT_TEXT_TREE : KT_TEXT_SINGLE;
            o.features.words = 1;
            kt_text_model m;
            kt_pool *pool = kt_pool_new(tree ? 3 : 1);
            assert_int_equal(kt_text_fit(&d, &o, pool, &m, NULL), 0);
            kt_text_predict(&m, more, M, pool, p);
            loss[tree] += loss_of(p, truth, M) / 5;
            if (tree) {
                kt_text_model alone;
                assert_int_equal(kt_text_fit(&d, &o, NULL, &alone, NULL), 0);
                kt_text_predict(&alone, more, M, NULL, q);
                assert_memory_equal(p, q, M * K * sizeof(float));
                kt_text_model_done(&alone);
                for (size_t i = 0; i < M; i++) {
                    double top = 0;
                    for (uint32_t c = 0; c < PARENTS; c++) {
                        double below = 0;
                        for (uint32_t k = 0; k < CHILDREN; k++)
                            below += (double)p[i * K + PARENTS + c * CHILDREN + k];
                        kt_assert_close((double)p[i * K + c], below, 1e-5);
                        top += (double)p[i * K + c];
                    }
                    kt_assert_close(top, 1, 1e-5);
                }
            }
            kt_text_model_done(&m);
            kt_pool_free(pool);
        }
    }
    print_message("log loss on unseen texts: flat %.3f, tree %.3f\n", loss[0], loss[1]);
    assert_true(loss[1] < 0.98 * loss[0]);
    kt_free(p);
    kt_free(q);
}

/* Shares that are all 0 or 1 are labels; paths name the same tree as parents do. */
static void shares_and_paths(void **state)
{
    (void)state;
    enum { N = 300 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    static kt_str text[N];
    static int32_t label[N], parent[K];
    static float soft[N * K], p[N * K], q[N * K], few[N * (K - PARENTS)];
    planted(11, N, &a, text, label, parent);
    kt_features x;
    kt_features_options f = { 14, 1, 0, 0 };
    assert_int_equal(kt_features_make(text, N, &f, NULL, &x, NULL), 0);
    kt_features_weigh(&x, NULL, NULL);
    for (size_t i = 0; i < N; i++)
        soft[i * K + (size_t)label[i]] = 1;
    kt_linear_data hard = { .x = &x, .n_labels = K, .label = label }, shares = { .x = &x, .n_labels = K, .soft = soft };
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    kt_linear m;
    o.bits = f.bits;
    for (int s = 0; s < 2; s++) {
        assert_int_equal(kt_linear_tree_fit(s ? &shares : &hard, parent, &o, NULL, &m, NULL), 0);
        kt_linear_predict(&m, &x, NULL, s ? q : p);
        if (!s)
            kt_linear_done(&m);
    }
    for (size_t i = 0; i < N * K; i++)
        kt_assert_close((double)p[i], (double)q[i], 1e-3);
    kt_str path[] = { KT_S("a/b/c"), KT_S("a/d"), KT_S("e") };
    int32_t *up;
    uint32_t n;
    kt_tree_of_paths(path, 3, &up, &n);
    assert_int_equal(n, 5); /* and a/b, a */
    assert_true(up[0] == 3 && up[1] == 4 && up[2] == -1 && up[3] == 4 && up[4] == -1);
    kt_free(up);
    float bias = m.bias[0];
    kt_linear_keep_labels(&m, K - PARENTS);
    kt_linear_predict(&m, &x, NULL, few);
    assert_true(m.n_labels == K - PARENTS && m.bias[0] >= bias && m.bias[0] <= bias);
    for (size_t i = 0; i < N; i++) /* odds of the labels that stay are what they were */
        kt_assert_close(log((double)few[i * (K - PARENTS) + 5] / (double)few[i * (K - PARENTS) + 6]), log((double)q[i * K + 5] / (double)q[i * K + 6]), 1e-3);
    kt_linear_done(&m);
    kt_features_done(&x);
}

static void trees_that_are_none_are_refused(void **state)
{
    (void)state;
    int32_t circle[] = { 1, 2, 0 }, outside[] = { -1, 3, -1 }, good[] = { -1, 0, 1 };
    assert_int_equal(kt_tree_check(circle, 3, NULL), KT_RANGE);
    assert_int_equal(kt_tree_check(outside, 3, NULL), KT_RANGE);
    assert_int_equal(kt_tree_check(good, 3, NULL), 0);
    float p[] = { 0.5f, 0.3f, 0.2f };
    kt_tree_sums(good, 3, 1, p);
    kt_assert_close((double)p[0], 1, 1e-6);
    kt_assert_close((double)p[1], 0.5, 1e-6);
    kt_assert_close((double)p[2], 0.2, 1e-6);
}

/* Every text twice, its label a coin: who sees the twin knows the label, and nobody else can. */
static void folds_keep_groups_together(void **state)
{
    (void)state;
    enum { N = 400 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_rng g = kt_rng_keyed(5, 5, 5);
    static kt_str text[N];
    static int32_t label[N];
    static uint64_t group[N];
    for (size_t i = 0; i < N; i += 2) {
        text[i] = text[i + 1] = kt_arena_printf(&a, "a%d b%d c%d", (int)i, (int)i, (int)i);
        label[i] = label[i + 1] = (int32_t)kt_rng_below(&g, 2);
        group[i] = group[i + 1] = i + 1;
    }
    uint8_t fold[N];
    assert_int_equal(kt_folds_draw(N, group, 5, 9, fold, NULL), 0);
    for (size_t i = 0; i < N; i += 2)
        assert_int_equal(fold[i], fold[i + 1]);
    assert_int_equal(kt_folds_draw(N, group, 1, 9, fold, NULL), KT_RANGE);
    static float p[N * 2];
    double mean[2] = { 0, 0 };
    for (int grouped = 0; grouped < 2; grouped++) {
        kt_text_data d = { .text = text, .n = N, .n_labels = 2, .label = label, .group = grouped ? group : NULL };
        kt_text_options o = KT_TEXT_OPTIONS_INIT;
        assert_int_equal(kt_text_cross(&d, &o, 5, NULL, p, NULL), 0);
        for (size_t i = 0; i < N; i++)
            mean[grouped] += (double)p[i * 2 + (size_t)label[i]] / N;
    }
    assert_true(mean[0] > 0.8);
    kt_assert_close(mean[1], 0.5, 0.03);
}

/* Wrong labels are what models out of fold find unlikely. */
static void out_of_fold_finds_wrong_labels(void **state)
{
    (void)state;
    enum { N = 600 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    static kt_str text[N];
    static int32_t label[N], parent[K];
    static float p[N * K];
    planted(3, N, &a, text, label, parent);
    for (size_t i = 0; i < N; i++)
        label[i] = parent[label[i]];
    for (size_t i = 0; i < N; i += 20)
        label[i] = (label[i] + 1) % PARENTS;
    kt_text_data d = { .text = text, .n = N, .n_labels = PARENTS, .label = label };
    kt_text_options o = KT_TEXT_OPTIONS_INIT;
    assert_int_equal(kt_text_cross(&d, &o, 5, NULL, p, NULL), 0);
    double wrong = 0, good = 0;
    for (size_t i = 0; i < N; i++)
        *(i % 20 ? &good : &wrong) += (double)p[i * PARENTS + (size_t)label[i]] / (i % 20 ? N * 19 / 20 : N / 20);
    assert_true(good > 2 * wrong);
}

static void learns_one_more(void **state)
{
    (void)state;
    kt_str text[] = { KT_S("red apple"), KT_S("green leaf"), KT_S("red cherry"), KT_S("green grass") };
    int32_t label[] = { 0, 1, 0, 1 };
    float has[] = { 1, 0, 0, 1, 1, 0, 0, 1 }, p[4];
    for (int multi = 0; multi < 2; multi++) {
        kt_text_data d = { .text = text, .n = 4, .n_labels = 2, .label = multi ? NULL : label, .has = multi ? has : NULL };
        kt_text_options o = KT_TEXT_OPTIONS_INIT;
        kt_text_model m;
        o.task = multi ? KT_TEXT_MULTI : KT_TEXT_SINGLE;
        assert_int_equal(kt_text_fit(&d, &o, NULL, &m, NULL), 0);
        kt_str one = KT_S("purple plum");
        kt_text_predict(&m, &one, 1, NULL, p);
        kt_text_update(&m, one, 0, (const float[]){ 1, 1 });
        kt_text_predict(&m, &one, 1, NULL, p + 2);
        assert_true(p[2] > p[0] && p[2] > 0.6f);
        assert_true(multi ? p[3] > 0.6f : p[3] < 0.4f);
        kt_reason why[4];
        size_t n;
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        assert_int_equal(kt_text_explain(&m, one, 0, 4, &a, why, &n, NULL), 0);
        assert_true(n == 3 && why[0].adds > 0);
        kt_text_model_done(&m);
    }
}

static void bytes_are_the_model(void **state)
{
    (void)state;
    enum { N = 200 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    static kt_str text[N];
    static int32_t label[N], parent[K];
    static float p[N * K], q[N * K];
    planted(7, N, &a, text, label, parent);
    kt_text_data d = { .text = text, .n = N, .n_labels = K, .label = label, .parent = parent };
    kt_text_options o = KT_TEXT_OPTIONS_INIT;
    o.task = KT_TEXT_TREE;
    o.features = (kt_features_options){ 12, 1, 0, 0 };
    kt_text_model m, back;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 26);
    assert_int_equal(kt_text_fit(&d, &o, NULL, &m, NULL), 0);
    kt_text_bytes(&m, &b);
    assert_int_equal(kt_text_from_bytes(KT_BUF_STR(&b), &back, NULL), 0);
    kt_text_predict(&m, text, N, NULL, p);
    kt_text_predict(&back, text, N, NULL, q);
    assert_memory_equal(p, q, sizeof(p));
    for (int i = 0; i < 40; i++) /* words it never saw: there must be room for them */
        kt_text_update(&back, kt_arena_printf(&a, "new%d newer%d", i, i), 5, NULL);
    kt_text_predict(&back, &(kt_str){ "new1 newer1", 11 }, 1, NULL, q);
    for (size_t c = PARENTS; c < K; c++)
        assert_true(c == 5 || q[c] < q[5]);
    kt_text_model_done(&back);
    for (size_t n = 0; n < b.n; n += n < 300 ? 1 : 997)
        assert_int_equal(kt_text_from_bytes((kt_str){ b.p, n }, &back, NULL), KT_CORRUPT);
    kt_text_model_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_learns_what_labels_share), cmocka_unit_test(trees_that_are_none_are_refused), cmocka_unit_test(shares_and_paths),
        cmocka_unit_test(folds_keep_groups_together), cmocka_unit_test(out_of_fold_finds_wrong_labels),
        cmocka_unit_test(learns_one_more), cmocka_unit_test(bytes_are_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
