/* Selection. Checked against: the reference vectors `uncertainty` (skipped by name when absent), a plain sort of the scores, planted clusters,
   and formulas written out for the members that look at more than one row. */
#include "algo/cluster.h"
#include "algo/learn/select.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "kt_test.h"

#include <stdlib.h>

enum { N = 1000, K = 4, WANT = 37, TOPICS = 5 };

struct world {
    float *p, *committee;
    uint8_t out[N];
    double counts[K];
    int32_t label[N];
    uint16_t answers[N];
    kt_features x;
    kt_select_data d;
};

/* Random probabilities; texts of TOPICS topics, item i of topic i % TOPICS; every third item excluded. */
static void world_init(struct world *w)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str *text = kt_arena_array(&a, N, sizeof(*text));
    kt_rng r = kt_rng_keyed(2, 2, 2);
    kt_features_options o = { 18, 1, 0, 0 };
    w->p = kt_alloc_array(3 * N * K, sizeof(float));
    w->committee = w->p + N * K;
    for (int i = 0; i < 3 * N; i++) {
        float sum = 0;
        for (int c = 0; c < K; c++)
            sum += w->p[i * K + c] = (float)(0.01 + kt_rng_unit(&r));
        for (int c = 0; c < K; c++)
            w->p[i * K + c] /= sum;
    }
    for (int i = 0; i < N; i++) {
        KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
        for (int k = 0; k < 10; k++)
            kt_buf_printf(&b, "topic%dword%d ", i % TOPICS, (int)kt_rng_below(&r, 12));
        text[i] = kt_arena_str(&a, KT_BUF_STR(&b));
        w->out[i] = i % 3 == 0;
        w->label[i] = i % 2 ? (int32_t)kt_rng_below(&r, K) : -1;
        w->answers[i] = i % 2 ? (uint16_t)(1 + kt_rng_below(&r, 4)) : 0;
    }
    for (int c = 0; c < K; c++)
        w->counts[c] = c * c;
    assert_int_equal(kt_features_make(text, N, &o, NULL, &w->x, NULL), 0);
    kt_features_weigh(&w->x, NULL, NULL);
    w->d = (kt_select_data){ .n_items = N, .n_labels = K, .prob = w->p, .excluded = w->out, .x = &w->x, .committee = w->committee, .n_members = 2,
                             .n_of_label = w->counts, .label = w->label, .n_answers = w->answers };
}

static void world_done(struct world *w)
{
    kt_features_done(&w->x);
    kt_free(w->p);
}

static double score_of(const kt_selector *s, const struct world *w, const double *scores, size_t i)
{
    double q[K];
    for (int c = 0; c < K; c++)
        q[c] = (double)w->p[i * K + (size_t)c];
    return s->scores ? scores[i] : s->score(q, K, kt_mix64(kt_mix64(5) ^ i));
}

static void like_a_plain_sort(const kt_selector *s, const struct world *w, const uint32_t *got)
{
    double *scores = kt_alloc_array(N, sizeof(*scores)), worst = INFINITY;
    bool chosen[N] = { false };
    if (s->scores)
        s->scores(&w->d, 5, NULL, scores);
    for (size_t i = 0; i < WANT; i++) {
        assert_true(score_of(s, w, scores, got[i]) <= worst + 1e-9);
        worst = score_of(s, w, scores, got[i]);
        chosen[got[i]] = true;
    }
    for (size_t i = 0; i < N; i++) /* nothing better was left */
        assert_true(w->out[i] || chosen[i] || score_of(s, w, scores, i) <= worst + 1e-9);
    kt_free(scores);
}

static void every_member(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    size_t n_table;
    const kt_selector *const *table = kt_selectors(&n_table);
    kt_pool *pool = kt_pool_new(7);
    for (size_t t = 0; t < n_table; t++) {
        const kt_selector *s = table[t];
        uint32_t got[WANT], again[WANT];
        size_t n, n_again;
        assert_int_equal(!!s->score + !!s->scores + !!s->choose, 1);
        assert_int_equal(kt_select(s, &w.d, 5, NULL, WANT, got, &n, NULL), 0);
        assert_int_equal(kt_select(s, &w.d, 5, pool, WANT, again, &n_again, NULL), 0);
        assert_int_equal(n, WANT);
        assert_memory_equal(got, again, sizeof(got)); /* any number of threads */
        bool seen[N] = { false };
        for (size_t i = 0; i < n; i++) {
            assert_true(!w.out[got[i]] && !seen[got[i]]);
            seen[got[i]] = true;
        }
        if (!s->choose)
            like_a_plain_sort(s, &w, got);
        kt_select_data bare = { .n_items = N, .n_labels = K, .prob = w.p };
        assert_int_equal(kt_select(s, &bare, 5, NULL, WANT, got, &n, NULL), s->needs ? KT_USAGE : 0);
        kt_select_data none = w.d;
        uint8_t all[N];
        memset(all, 1, N);
        none.excluded = all;
        assert_int_equal(kt_select(s, &none, 5, NULL, WANT, got, &n, NULL), 0);
        assert_int_equal(n, 0);
    }
    assert_null(kt_selector_find(KT_S("nothing")));
    kt_pool_free(pool);
    world_done(&w);
}

/* The bound may pass rows over, never one that is better than what was kept. */
static void bounds_hold(void **state)
{
    (void)state;
    kt_rng r = kt_rng_keyed(3, 3, 3);
    size_t n_table;
    const kt_selector *const *table = kt_selectors(&n_table);
    for (int i = 0; i < 20000; i++) {
        double p[6], sum = 0;
        float q[6];
        uint32_t k = 2 + (uint32_t)kt_rng_below(&r, 5);
        for (uint32_t c = 0; c < k; c++)
            sum += p[c] = pow(kt_rng_unit(&r), 1 + (double)(i % 9));
        for (uint32_t c = 0; c < k; c++)
            q[c] = (float)(p[c] /= sum);
        for (size_t t = 0; t < n_table; t++)
            if (table[t]->bound)
                assert_true((double)table[t]->bound(q, k) >= table[t]->score(p, k, 0));
    }
}

static void groups_and_costs(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    uint64_t group[N];
    float cost[N];
    uint32_t got[WANT];
    size_t n;
    for (int i = 0; i < N; i++) {
        group[i] = (uint64_t)(i / 10) + 1;
        cost[i] = i < N / 2 ? 1 : 100;
    }
    w.d.group = group;
    w.d.cost = cost;
    assert_int_equal(kt_select(&kt_select_margin, &w.d, 1, NULL, WANT, got, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(got[i] < N / 2); /* a hundred times dearer is never worth it here */
        for (size_t k = 0; k < i; k++)
            assert_true(group[got[i]] != group[got[k]]);
    }
    world_done(&w);
}

/* Three times as many clusters as topics: every topic is met, and no cluster holds two topics. k-centre meets them with five items. */
static void covers_topics(void **state)
{
    (void)state;
    enum { MANY = 3 * TOPICS };
    struct world w;
    world_init(&w);
    const kt_selector *s[] = { &kt_select_cluster, &kt_select_k_center };
    for (size_t t = 0; t < KT_LEN(s); t++) {
        uint32_t got[MANY];
        size_t n, want = t ? TOPICS : MANY;
        unsigned met = 0;
        assert_int_equal(kt_select(s[t], &w.d, 9, NULL, want, got, &n, NULL), 0);
        for (size_t i = 0; i < n; i++)
            met |= 1u << got[i] % TOPICS;
        assert_int_equal(met, (1u << TOPICS) - 1);
    }
    uint32_t row[N], topic_of[MANY];
    double size = 0;
    memset(topic_of, 0xff, sizeof(topic_of));
    for (uint32_t i = 0; i < N; i++)
        row[i] = i;
    kt_clusters c;
    kt_clusters_find(&w.x, row, N, NULL, MANY, 4, NULL, &c);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t *topic = &topic_of[c.of[i]];
        assert_true(*topic == UINT32_MAX || *topic == i % TOPICS);
        *topic = i % TOPICS;
    }
    for (int k = 0; k < MANY; k++)
        size += c.size[k];
    kt_assert_close(size, N, 1e-9);
    kt_clusters_done(&c);
    world_done(&w);
}

/* The linear sums against the double loop they stand for. */
static void near_is_the_mean_product(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    double *near = kt_alloc_array(N, sizeof(*near)), want = 0;
    kt_features_near(&w.x, NULL, near);
    for (size_t j = 0; j < N; j++)
        for (size_t e = w.x.start[7]; e < w.x.start[8]; e++)
            for (size_t f = w.x.start[j]; f < w.x.start[j + 1]; f++)
                want += w.x.index[e] == w.x.index[f] ? (double)w.x.value[e] * (double)w.x.value[f] / N : 0;
    kt_assert_close(near[7], want, 1e-9);
    kt_free(near);
    world_done(&w);
}

/* Two sure members of opposite minds disagree most (ln 2), two of one mind not at all; an answered item gets surer with every answer. */
static void disagreement_and_answers(void **state)
{
    (void)state;
    float two[] = { 1, 0, 0.5f, 0.5f, 1, 0, 0, 1, 0.5f, 0.5f, 1, 0 }, p[] = { 0.6f, 0.4f, 0.6f, 0.4f, 0.6f, 0.4f };
    int32_t label[] = { -1, 0, 1 };
    uint16_t answers[] = { 0, 3, 1 };
    double s[3];
    kt_select_data d = { .n_items = 3, .n_labels = 2, .prob = p, .committee = two, .n_members = 2, .label = label, .n_answers = answers };
    kt_select_committee.scores(&d, 0, NULL, s);
    kt_assert_close(s[0], log(2), 1e-9);
    kt_assert_close(s[1], 0, 1e-9);
    kt_assert_close(s[2], 0, 1e-9);
    kt_select_active_lab.scores(&d, 0, NULL, s);
    kt_assert_close(s[0], 1 - (0.6 + 0.5) / 2, 1e-6);
    kt_assert_close(s[1], 1 - (0.6 + 3 * 0.85 + 0.5) / 5, 1e-6);
    kt_assert_close(s[2], 1 - (0.4 + 0.85 + 0.5) / 3, 1e-6);
}

/* Numbers of an array, flat, into ret; returns how many. */
static size_t read_numbers(kt_json *j, double *ret)
{
    size_t n = 0;
    if (kt_json_peek(j) != KT_JSON_ARRAY) {
        assert_true(kt_json_number(j, ret));
        return 1;
    }
    assert_true(kt_json_enter(j, '['));
    for (bool first = true; kt_json_element(j, &first);)
        n += read_numbers(j, ret + n);
    return n;
}

/* The array under a name anywhere in the text (names are unique there). */
static size_t named(kt_str text, const char *name, double *ret)
{
    char key[96];
    snprintf(key, sizeof(key), "\"%s\":", name);
    const char *at = memmem(text.p, text.n, key, strlen(key));
    assert_non_null(at);
    at += strlen(key);
    kt_json j = { .s = { at, text.n - (size_t)(at - text.p) } };
    return read_numbers(&j, ret);
}

static void check_case(const char *path)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1 << 22);
    assert_int_equal(kt_file_read(path, &b, NULL), 0);
    kt_str text = KT_BUF_STR(&b);
    size_t room = b.n;
    double *prob = kt_alloc_array(room, 8), *want = kt_alloc_array(room, 8), *rank = kt_alloc_array(room, 8);
    size_t n_prob = named(text, "probs", prob), n = named(text, "margin", want);
    uint32_t k = (uint32_t)(n_prob / n);
    float *p = kt_alloc_array(n_prob, sizeof(*p));
    for (size_t i = 0; i < n_prob; i++)
        p[i] = (float)prob[i];
    const char *name[] = { "entropy", "margin", "least_confidence" };
    for (int m = 0; m < 3; m++) {
        char ranks[64];
        uint32_t *got = kt_alloc_array(n, sizeof(*got));
        size_t n_got;
        const kt_selector *s = kt_selector_find(kt_str_of(name[m]));
        snprintf(ranks, sizeof(ranks), "rank_%s", name[m]);
        assert_int_equal(named(text, name[m], want), n);
        assert_int_equal(named(text, ranks, rank), n);
        for (size_t i = 0; i < n; i++)
            kt_assert_close(m == 1 ? 1 - s->score(prob + i * k, k, 0) : s->score(prob + i * k, k, 0), want[i], 1e-9);
        kt_select_data d = { .n_items = n, .n_labels = k, .prob = p };
        assert_int_equal(kt_select(s, &d, 1, NULL, n, got, &n_got, NULL), 0);
        for (size_t i = 0; i < n; i++) /* single precision may swap what differs by less */
            if (got[i] != (uint32_t)rank[i])
                kt_assert_close(want[got[i]], want[(size_t)rank[i]], 1e-6);
        kt_free(got);
    }
    kt_free(p);
    kt_free(prob);
    kt_free(want);
    kt_free(rank);
}

static void reference(void **state)
{
    (void)state;
    const char *shared = getenv("KARAT_SHARED"), *name[] = { "k10", "k2", "k4", "ties", "uniform" };
    for (size_t i = 0; i < KT_LEN(name); i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/reference/uncertainty__%s.json", shared ? shared : "../shared", name[i]);
        if (kt_file_exists(path))
            check_case(path);
        else
            print_message("skipped: %s is not there\n", path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member),  cmocka_unit_test(bounds_hold),              cmocka_unit_test(groups_and_costs),
        cmocka_unit_test(covers_topics), cmocka_unit_test(near_is_the_mean_product), cmocka_unit_test(disagreement_and_answers),
        cmocka_unit_test(reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
