/* Aggregators, over the whole table: whatever member is added has to obey this. Planted truth is drawn from the model each
   method assumes. */
#include "algo/merge/aggregate.h"
#include "base/mem.h"
#include "kt_test.h"

enum { N = 4000, S = 12, K = 4, PER_ITEM = 4, V = N * PER_ITEM };

typedef struct crowd {
    uint32_t item[V], source[V];
    int32_t label[V], truth[N];
    double accuracy[S];
} crowd;

static kt_votes draw(crowd *c, uint64_t seed)
{
    kt_rng r = kt_rng_keyed(seed, 1, 1);
    for (int s = 0; s < S; s++)
        c->accuracy[s] = 0.45 + 0.5 * s / (S - 1);
    for (uint32_t i = 0, n = 0; i < N; i++) {
        uint64_t who[PER_ITEM];
        c->truth[i] = (int32_t)kt_rng_below(&r, K);
        kt_rng_sample(&r, S, PER_ITEM, who);
        for (int k = 0; k < PER_ITEM; k++, n++) {
            bool right = kt_rng_unit(&r) < c->accuracy[who[k]];
            c->item[n] = i;
            c->source[n] = (uint32_t)who[k];
            c->label[n] = right ? c->truth[i] : (c->truth[i] + 1 + (int32_t)kt_rng_below(&r, K - 1)) % K;
        }
    }
    return (kt_votes){ V, N, S, K, c->item, c->source, c->label };
}

/* m's options with what it needs beside the votes: equal weights, a model that knows nothing. */
static const void *needs(const kt_aggregator *m, const kt_votes *v, kt_arena *a)
{
    if (m->needs == KT_NEEDS_NOTHING)
        return NULL;
    size_t n = m->needs == KT_NEEDS_WEIGHTS ? v->n_sources : (size_t)v->n_items * v->n_labels;
    double *x = kt_arena_array(a, n, sizeof(*x)), fill = m->needs == KT_NEEDS_WEIGHTS ? 1 : 1.0 / v->n_labels;
    for (size_t i = 0; i < n; i++)
        x[i] = fill;
    const double **opt = kt_arena_zalloc(a, m->option_size);
    *opt = x; /* the first member of either option struct */
    return opt;
}

static kt_posterior fit(const kt_aggregator *m, const kt_votes *v, kt_pool *pool, kt_arena *a)
{
    kt_posterior p;
    kt_rng rng = kt_rng_keyed(5, 0, 0);
    assert_int_equal(m->fit(v, needs(m, v, a), &rng, pool, a, &p, NULL), 0);
    assert_true(p.n_items == v->n_items && p.n_labels == v->n_labels && p.n_sources == v->n_sources);
    for (size_t i = 0; i < p.n_items; i++) {
        double sum = 0;
        for (uint32_t c = 0; c < p.n_labels; c++) {
            assert_true(p.prob[i * p.n_labels + c] >= 0);
            sum += p.prob[i * p.n_labels + c];
        }
        kt_assert_close(sum, p.n_labels ? 1 : 0, 1e-9);
    }
    return p;
}

static void names_and_help(void **state)
{
    (void)state;
    for (const kt_aggregator *const *m = kt_aggregators; *m; m++) {
        assert_true((*m)->name && (*m)->help && (*m)->fit);
        assert_true((*m)->option_size <= KT_AGGREGATE_OPTION_BYTES && !(*m)->option_size == !(*m)->defaults);
        assert_ptr_equal(kt_aggregator_find((kt_str){ (*m)->name, strlen((*m)->name) }), *m);
        for (const kt_setting *o = (*m)->options; o && o->name; o++)
            assert_non_null(o->help);
    }
    assert_null(kt_aggregator_find(KT_S("nobody")));
}

/* One vote of a source with a record wins, unanimity wins, no vote is said to be none, ids out of bounds are refused. (The
   lone vote of a source nobody can judge may drift under plain Dawid and Skene; pull is there for that.) */
static void small_crowds(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    enum { VOTES = 15 };
    uint32_t item[VOTES] = { 0, 1, 1, 1, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6 };
    uint32_t source[VOTES] = { 0, 0, 1, 2, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2 };
    int32_t label[VOTES] = { 2, 1, 1, 1, 0, KT_ABSTAIN, 0, 0, 0, 1, 1, 1, 2, 2, 2 }, none[VOTES];
    for (int i = 0; i < VOTES; i++)
        none[i] = KT_ABSTAIN;
    for (const kt_aggregator *const *m = kt_aggregators; *m; m++) {
        kt_votes v = { VOTES, 7, 4, 3, item, source, label };
        kt_posterior p = fit(*m, &v, NULL, &a);
        assert_int_equal(p.label[0], 2);
        assert_int_equal(p.label[1], 1);
        assert_int_equal(p.label[2], -1);
        assert_int_equal(p.label[3], 0);
        assert_true(isnan(p.source_accuracy[3]) && p.source_accuracy[0] >= 0 && p.source_accuracy[0] <= 1);
        v.label = none; /* all abstain */
        p = fit(*m, &v, NULL, &a);
        for (int i = 0; i < 7; i++) {
            assert_int_equal(p.label[i], -1);
            kt_assert_close(p.prob[i * 3], 1.0 / 3, 1e-12);
        }
        v = (kt_votes){ 0, 0, 0, 0, NULL, NULL, NULL };
        fit(*m, &v, NULL, &a);
        v = (kt_votes){ 1, 1, 1, 1, item, source, (int32_t[]){ 0 } }; /* a single label is certain */
        assert_int_equal(fit(*m, &v, NULL, &a).label[0], 0);
        v = (kt_votes){ VOTES, 7, 4, 3, item, source, label };
        kt_posterior untouched = { .n_items = 77 };
        kt_rng rng = kt_rng_keyed(1, 1, 1);
        label[0] = 3;
        assert_int_equal((*m)->fit(&v, needs(*m, &v, &a), &rng, NULL, &a, &untouched, NULL), KT_RANGE);
        assert_int_equal(untouched.n_items, 77);
        label[0] = 2;
    }
}

/* Any order of the votes, other numbers for items and sources: the same answer. */
static void permutation(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    crowd *c = kt_alloc(sizeof(*c)), *d = kt_alloc(sizeof(*d));
    kt_votes v = draw(c, 2), w = v;
    kt_rng r = kt_rng_keyed(3, 3, 3);
    uint64_t *order = kt_alloc_array(V, sizeof(*order));
    kt_rng_sample(&r, V, V, order);
    for (size_t i = 0; i < V; i++) {
        d->item[i] = N - 1 - c->item[order[i]];
        d->source[i] = c->source[order[i]];
        d->label[i] = c->label[order[i]];
    }
    w.item = d->item;
    w.source = d->source;
    w.label = d->label;
    for (const kt_aggregator *const *m = kt_aggregators; *m; m++) {
        kt_posterior p = fit(*m, &v, NULL, &a), q = fit(*m, &w, NULL, &a);
        for (size_t i = 0; i < N; i++)
            for (uint32_t k = 0; k < K; k++)
                kt_assert_close(p.prob[i * K + k], q.prob[(N - 1 - i) * K + k], 1e-7);
    }
    kt_free(order);
    kt_free(c);
    kt_free(d);
}

static void same_for_any_threads_and_again(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    crowd *c = kt_alloc(sizeof(*c));
    kt_votes v = draw(c, 4);
    for (const kt_aggregator *const *m = kt_aggregators; *m; m++) {
        kt_posterior p = fit(*m, &v, NULL, &a);
        for (int threads = 1; threads <= 7; threads += threads == 1 ? 1 : 5) {
            kt_pool *pool = kt_pool_new(threads);
            kt_posterior q = fit(*m, &v, pool, &a);
            assert_memory_equal(p.prob, q.prob, (size_t)N * K * sizeof(double));
            assert_memory_equal(p.source_accuracy, q.source_accuracy, S * sizeof(double));
            assert_memory_equal(p.source_ci, q.source_ci, 2 * S * sizeof(double));
            kt_pool_free(pool);
        }
    }
    kt_free(c);
}

/* Weighing sources must beat counting heads where they differ this much, and must find who is good. */
static void planted_truth(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    crowd *c = kt_alloc(sizeof(*c));
    kt_votes v = draw(c, 6);
    int majority = 0;
    kt_posterior heads = fit(&kt_aggregate_majority, &v, NULL, &a);
    for (size_t i = 0; i < N; i++)
        majority += heads.label[i] == c->truth[i];
    for (const kt_aggregator *const *m = kt_aggregators; *m; m++) {
        kt_posterior p = fit(*m, &v, NULL, &a);
        int right = 0;
        for (size_t i = 0; i < N; i++)
            right += p.label[i] == c->truth[i];
        if (*m == &kt_aggregate_majority)
            continue;
        if ((*m)->needs == KT_NEEDS_WEIGHTS)
            assert_int_equal(right, majority); /* the weights are equal here */
        else if (right < majority + N / 200)
            fail_msg("%s: %d right, majority %d", (*m)->name, right, majority);
        for (int s = 2; s < S; s++)
            assert_true(p.source_accuracy[s] > p.source_accuracy[s - 2] - 0.02);
        if (*m == &kt_aggregate_dawid_skene || *m == &kt_aggregate_one_coin_dawid_skene)
            for (int s = 0; s < S; s++)
                kt_assert_close(p.source_accuracy[s], c->accuracy[s], 0.05);
    }
    kt_free(c);
}

/* Other names for the labels: the same answer. */
static void labels_permuted(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    crowd *c = kt_alloc(sizeof(*c));
    kt_votes v = draw(c, 12), w = v;
    int32_t *other = kt_alloc_array(V, 4);
    for (size_t i = 0; i < V; i++)
        other[i] = (c->label[i] + 1) % K;
    w.label = other;
    for (const kt_aggregator *const *m = kt_aggregators; *m; m++) {
        kt_posterior p = fit(*m, &v, NULL, &a), q = fit(*m, &w, NULL, &a);
        /* Hard assignments give ties to the smaller label, and random starts differ; what they lead to differs little. */
        bool loose = *m == &kt_aggregate_mace || *m == &kt_aggregate_wawa || *m == &kt_aggregate_fast_dawid_skene || *m == &kt_aggregate_crowdlab;
        int differ = 0;
        for (size_t i = 0; i < N; i++) {
            differ += q.label[i] != (p.label[i] + 1) % K;
            for (uint32_t k = 0; k < K && !loose; k++)
                kt_assert_close(p.prob[i * K + k], q.prob[i * K + (k + 1) % K], 1e-6);
        }
        assert_true(!loose || differ < N / 10);
    }
    kt_free(other);
    kt_free(c);
}

/* Items with more than 16 votes take the logarithmic path: copying every vote leaves one coin's skills as they were. */
static void long_items(void **state)
{
    (void)state;
    enum { ITEMS = 200, MANY = 40 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    uint32_t *item = kt_alloc_array(ITEMS * MANY, 4), *source = kt_alloc_array(ITEMS * MANY, 4);
    int32_t *label = kt_alloc_array(ITEMS * MANY, 4);
    kt_rng r = kt_rng_keyed(8, 8, 8);
    for (uint32_t i = 0; i < ITEMS * MANY; i++) {
        item[i] = i / MANY;
        source[i] = i % MANY;
        label[i] = kt_rng_unit(&r) < 0.35 + 0.012 * (i % MANY) ? (int32_t)(i / MANY % 3) : (int32_t)kt_rng_below(&r, 3);
    }
    kt_votes v = { ITEMS * MANY, ITEMS, MANY, 3, item, source, label };
    for (const kt_aggregator *const *m = kt_aggregators; *m; m++) {
        kt_posterior p = fit(*m, &v, NULL, &a);
        int right = 0;
        for (int i = 0; i < ITEMS; i++)
            right += p.label[i] == i % 3;
        assert_true(right >= ITEMS - 2);
    }
    kt_free(item);
    kt_free(source);
    kt_free(label);
}

/* With pull, confusion columns still sum to 1 and a source with a single vote is taken for an average one. */
static void pull(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    crowd *c = kt_alloc(sizeof(*c));
    kt_votes v = draw(c, 10);
    v.n_sources = S + 1;
    c->source[0] = S;
    kt_dawid_skene_opts o = { .n_iter = 20, .pull = 4 };
    kt_posterior p;
    assert_int_equal(kt_aggregate_dawid_skene.fit(&v, &o, NULL, NULL, &a, &p, NULL), 0);
    for (size_t s = 0; s <= S; s++)
        for (size_t truth = 0; truth < K; truth++) {
            double sum = 0;
            for (size_t said = 0; said < K; said++)
                sum += p.source_confusion[(s * K + said) * K + truth];
            kt_assert_close(sum, 1, 1e-9);
        }
    assert_true(p.source_confusion[(S * K) * K] > 0.4 && p.source_confusion[(S * K) * K] < 0.95);
    kt_free(c);
}

static void options(void **state)
{
    (void)state;
    kt_dawid_skene_opts o = { .n_iter = 50 };
    kt_err err = { 0 };
    assert_int_equal(kt_aggregate_options(&kt_aggregate_dawid_skene, KT_S("n_iter=20"), &o, &err), 0);
    assert_int_equal(o.n_iter, 20);
    assert_int_equal(kt_aggregate_options(&kt_aggregate_dawid_skene, KT_S("n_iter=-1"), &o, &err), KT_USAGE);
    assert_int_equal(kt_aggregate_options(&kt_aggregate_dawid_skene, KT_S("n_iter=2.5"), &o, &err), KT_USAGE);
    assert_int_equal(kt_aggregate_options(&kt_aggregate_dawid_skene, KT_S("n_itre=2"), &o, &err), KT_USAGE);
    assert_int_equal(kt_aggregate_options(&kt_aggregate_majority, KT_S("n_iter=2"), &o, &err), KT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_help), cmocka_unit_test(small_crowds), cmocka_unit_test(permutation),
        cmocka_unit_test(same_for_any_threads_and_again), cmocka_unit_test(planted_truth), cmocka_unit_test(labels_permuted), cmocka_unit_test(long_items),
        cmocka_unit_test(pull), cmocka_unit_test(options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
