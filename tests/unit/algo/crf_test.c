/* The span tagger. Checked against: every sequence of short chains, enumerated; finite differences of the loss; a planted grammar; the optimum of
   the objective by full gradient descent; and what must hold for any data: valid tags, threads, byte form. */
#include "algo/learn/crf_int.h"
#include "base/rng.h"
#include "base/str.h"
#include "kt_test.h"

enum { TYPES = 2, K = 1 + 2 * TYPES };

static void random_links(uint64_t seed, float *z, size_t n, float *first, float *next)
{
    kt_rng g = kt_rng_keyed(seed, 7, 7);
    for (size_t i = 0; i < n * K; i++)
        z[i] = (float)(2 * kt_rng_normal(&g));
    for (size_t i = 0; i < K * K; i++) {
        next[i] = (float)kt_rng_normal(&g);
        first[i % K] = (float)kt_rng_normal(&g);
    }
}

static bool is_valid(const int32_t *tag, size_t n)
{
    for (size_t t = 0; t < n; t++)
        if (!kt_crf_may_follow((uint32_t)tag[t], t ? (uint32_t)tag[t - 1] : UINT32_MAX))
            return false;
    return true;
}

static void a_chain_is_the_sum_of_its_sequences(void **state)
{
    (void)state;
    enum { N = 5 };
    for (uint64_t seed = 0; seed < 20; seed++) {
        float z[N * K], first[K], next[K * K];
        double total = 0, node[N * K] = { 0 }, edge[K * K] = { 0 }, span = 0, most = -INFINITY;
        int32_t best[N], got[N];
        random_links(seed, z, N, first, next);
        for (int code = 0; code < 3125; code++) { /* 5 tags, 5 tokens */
            int32_t tag[N];
            for (int t = 0, c = code; t < N; t++, c /= K)
                tag[t] = c % K;
            if (!is_valid(tag, N))
                continue;
            double s = kt_chain_score(z, N, K, first, next, tag), w = exp(s);
            total += w;
            for (int t = 0; t < N; t++)
                node[t * K + tag[t]] += w;
            edge[tag[2] * K + tag[3]] += w;
            span += tag[1] == 3 && tag[2] == 4 && tag[3] != 4 ? w : 0;
            if (s > most) {
                most = s;
                memcpy(best, tag, sizeof(best));
            }
        }
        kt_chain c;
        kt_chain_init(&c, K);
        kt_chain_links(&c, first, next);
        kt_assert_close(kt_chain_run(&c, z, N), log(total), 1e-9);
        for (int i = 0; i < N * K; i++)
            kt_assert_close(c.alpha[i] * c.beta[i], node[i] / total, 1e-9);
        for (uint32_t i = 0; i < K * K; i++)
            kt_assert_close(kt_chain_edge(&c, 3, i / K, i % K), edge[i] / total, 1e-9);
        kt_assert_close(kt_chain_span(&c, 1, 2, 1), span / total, 1e-9);
        kt_chain_best(z, N, K, first, next, got);
        assert_memory_equal(got, best, sizeof(best));
        kt_chain_done(&c);
    }
}

/* Sentences of a grammar: "mr|dr NAME [NAME]" is a person (type 0), "in NAME [NAME]" a place (type 1), names are the same words; between them
   words without meaning. Only the word before tells. */
struct corpus {
    kt_arena a;
    kt_crf_text x;
    KT_VEC(kt_str) token;
    KT_VEC(int32_t) tag;
    KT_VEC(size_t) start;
};

static void word(struct corpus *c, kt_str s, int32_t tag)
{
    KT_PUSH(&c->token, s);
    KT_PUSH(&c->tag, tag);
}

static void make_corpus(struct corpus *c, uint64_t seed, size_t n)
{
    kt_rng g = kt_rng_keyed(seed, 3, 3);
    *c = (struct corpus){ .a = KT_ARENA_INIT };
    KT_PUSH(&c->start, 0);
    for (size_t s = 0; s < n; s++) {
        for (int w = 0, len = 3 + (int)kt_rng_below(&g, 8); w < len; w++) {
            int32_t type = (int32_t)kt_rng_below(&g, 6);
            if (type > 1) {
                word(c, kt_arena_printf(&c->a, "w%d", (int)kt_rng_below(&g, 50)), 0);
                continue;
            }
            word(c, type ? KT_S("in") : kt_rng_below(&g, 2) ? KT_S("Mr") : KT_S("Dr"), 0);
            for (int k = 0, many = 1 + (int)kt_rng_below(&g, 2); k < many; k++)
                word(c, kt_arena_printf(&c->a, "Name%d", (int)kt_rng_below(&g, 40)), 1 + 2 * type + (k > 0));
            word(c, KT_S(","), 0);
        }
        KT_PUSH(&c->start, c->token.n);
    }
    c->x = (kt_crf_text){ .n_sentences = n, .start = c->start.v, .token = c->token.v };
}

static void drop_corpus(struct corpus *c)
{
    kt_arena_done(&c->a);
    KT_VEC_DONE(&c->token);
    KT_VEC_DONE(&c->tag);
    KT_VEC_DONE(&c->start);
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    struct corpus c;
    kt_features rows;
    kt_crf m;
    kt_crf_options o = KT_CRF_OPTIONS_INIT;
    make_corpus(&c, 5, 6);
    o.bits = 12;
    o.epochs = 2; /* somewhere between nothing and the optimum */
    assert_int_equal(kt_crf_fit(&c.x, c.tag.v, TYPES, &o, &m, NULL), 0);
    kt_crf_rows(&c.x, o.bits, NULL, &rows);
    size_t n = (size_t)m.state.n_seen * K;
    double *g = kt_zalloc_array(n, sizeof(*g)), first[K] = { 0 }, next[K * K] = { 0 };
    kt_crf_loss(&m, &rows, &c.x, c.tag.v, 0.3, g, first, next);
    struct { float *w; double *g; size_t n, by; } part[] = { { m.state.weight, g, n, 37 }, { m.first, first, K, 1 }, { m.next, next, K * K, 1 } };
    for (size_t p = 0; p < 3; p++)
        for (size_t i = 0; i < part[p].n; i += part[p].by) {
            if (p == 2 && !kt_crf_may_follow((uint32_t)(i % K), (uint32_t)(i / K)))
                continue;
            float was = part[p].w[i], step = 1.0f / 256;
            part[p].w[i] = was + step;
            double up = kt_crf_loss(&m, &rows, &c.x, c.tag.v, 0.3, NULL, NULL, NULL), wide = (double)(part[p].w[i]);
            part[p].w[i] = was - step;
            double down = kt_crf_loss(&m, &rows, &c.x, c.tag.v, 0.3, NULL, NULL, NULL);
            wide -= (double)part[p].w[i];
            part[p].w[i] = was;
            if (p != 1 || kt_crf_may_follow((uint32_t)i, UINT32_MAX))
                kt_assert_close((up - down) / wide, part[p].g[i], 1e-3 + 1e-3 * fabs(part[p].g[i]));
        }
    kt_free(g);
    kt_features_done(&rows);
    kt_crf_done(&m);
    drop_corpus(&c);
}

/* The objective AdaGrad reaches, beside full gradient descent with a line search from there on. */
static void training_reaches_the_optimum(void **state)
{
    (void)state;
    struct corpus c;
    kt_features rows;
    kt_crf m;
    kt_crf_options o = KT_CRF_OPTIONS_INIT;
    make_corpus(&c, 6, 40);
    o.bits = 12;
    o.penalty = 0.2;
    o.epochs = 60;
    assert_int_equal(kt_crf_fit(&c.x, c.tag.v, TYPES, &o, &m, NULL), 0);
    kt_crf_rows(&c.x, o.bits, NULL, &rows);
    size_t n = (size_t)m.state.n_seen * K;
    double *g = kt_alloc_array(n, sizeof(*g)), first[K], next[K * K], by = 0.02;
    double reached = kt_crf_loss(&m, &rows, &c.x, c.tag.v, o.penalty, NULL, NULL, NULL), best = reached;
    for (int i = 0; i < 300; i++) {
        memset(g, 0, n * sizeof(*g));
        memset(first, 0, sizeof(first));
        memset(next, 0, sizeof(next));
        best = kt_crf_loss(&m, &rows, &c.x, c.tag.v, o.penalty, g, first, next);
        for (int tries = 0; tries < 20; tries++, by /= 2) {
            for (size_t w = 0; w < n; w++)
                m.state.weight[w] -= (float)(by * g[w]);
            for (size_t w = 0; w < K * K; w++)
                m.next[w] -= (float)(by * next[w]);
            for (size_t w = 0; w < K; w++)
                m.first[w] -= (float)(by * first[w]);
            if (kt_crf_loss(&m, &rows, &c.x, c.tag.v, o.penalty, NULL, NULL, NULL) < best)
                break;
            for (size_t w = 0; w < n; w++)
                m.state.weight[w] += (float)(by * g[w]);
            for (size_t w = 0; w < K * K; w++)
                m.next[w] += (float)(by * next[w]);
            for (size_t w = 0; w < K; w++)
                m.first[w] += (float)(by * first[w]);
        }
        by *= 2;
    }
    print_message("objective: AdaGrad %.3f, gradient descent from there %.3f\n", reached, best);
    assert_true(reached < 1.02 * best);
    kt_free(g);
    kt_features_done(&rows);
    kt_crf_done(&m);
    drop_corpus(&c);
}

static void a_grammar_is_learned(void **state)
{
    (void)state;
    struct corpus train, test;
    make_corpus(&train, 1, 200);
    make_corpus(&test, 2, 200);
    size_t n = test.token.n;
    kt_crf m, again, back;
    kt_crf_options o = KT_CRF_OPTIONS_INIT;
    assert_int_equal(kt_crf_fit(&train.x, train.tag.v, TYPES, &o, &m, NULL), 0);
    assert_int_equal(kt_crf_fit(&train.x, train.tag.v, TYPES, &o, &again, NULL), 0);
    int32_t *tag = kt_alloc_array(n, sizeof(*tag)), *tag2 = kt_alloc_array(n, sizeof(*tag));
    float *p = kt_alloc_array(n, K * sizeof(*p)), *q = kt_alloc_array(n, K * sizeof(*q));
    kt_pool *pool = kt_pool_new(3);
    kt_crf_predict(&m, &test.x, pool, tag, p);
    kt_crf_predict(&again, &test.x, NULL, tag2, q);
    assert_memory_equal(p, q, n * K * sizeof(*p));
    assert_memory_equal(tag, tag2, n * sizeof(*tag));
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 26);
    kt_crf_bytes(&m, &b);
    assert_int_equal(kt_crf_from_bytes(KT_BUF_STR(&b), &back, NULL), 0);
    kt_crf_predict(&back, &test.x, NULL, NULL, q);
    assert_memory_equal(p, q, n * K * sizeof(*p));
    kt_crf_done(&back);
    for (size_t cut = 0; cut < b.n; cut += cut < 200 ? 1 : 4999)
        assert_int_equal(kt_crf_from_bytes((kt_str){ b.p, cut }, &back, NULL), KT_CORRUPT);
    size_t right = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < K; k++)
            sum += (double)p[i * K + k];
        kt_assert_close(sum, 1, 1e-5);
        right += tag[i] == test.tag.v[i];
    }
    assert_true((double)right / (double)n > 0.995);
    for (size_t s = 0; s < test.x.n_sentences; s++)
        assert_true(is_valid(tag + test.start.v[s], test.start.v[s + 1] - test.start.v[s]));
    kt_crf_span *span = kt_alloc_array(n, sizeof(*span));
    size_t n_spans = kt_crf_spans(&m, &test.x, pool, span), begins = 0;
    for (size_t i = 0; i < n; i++)
        begins += tag[i] % 2 == 1;
    assert_int_equal(n_spans, begins);
    for (size_t i = 0; i < n_spans; i++)
        assert_true(tag[span[i].first] == (int32_t)(1 + 2 * span[i].type) && span[i].prob > 0.3f && span[i].prob <= p[span[i].first * K + 1 + 2 * span[i].type] + 1e-5f);
    kt_free(span);
    kt_free(tag);
    kt_free(tag2);
    kt_free(p);
    kt_free(q);
    kt_pool_free(pool);
    kt_crf_done(&m);
    kt_crf_done(&again);
    drop_corpus(&train);
    drop_corpus(&test);
}

static void tells_why_and_learns_one_more(void **state)
{
    (void)state;
    struct corpus c;
    kt_crf m;
    kt_crf_options o = KT_CRF_OPTIONS_INIT;
    make_corpus(&c, 1, 200);
    assert_int_equal(kt_crf_fit(&c.x, c.tag.v, TYPES, &o, &m, NULL), 0);
    kt_str s[] = { KT_S("w1"), KT_S("in"), KT_S("Name99"), KT_S(",") };
    size_t start[] = { 0, 4 };
    kt_crf_text x = { .n_sentences = 1, .start = start, .token = s };
    int32_t tag[4];
    kt_crf_predict(&m, &x, NULL, tag, NULL);
    assert_int_equal(tag[2], 3);
    kt_reason why[5];
    size_t n;
    kt_arena a = KT_ARENA_INIT;
    kt_crf_explain(&m, s, 4, 2, 3, 5, &a, why, &n);
    bool by_in = false;
    for (size_t i = 0; i < n; i++)
        by_in = by_in || (kt_str_eq(why[i].gram, KT_S("word[-1]=in")) && why[i].adds > 0);
    assert_true(by_in);
    kt_str new[] = { KT_S("captain"), KT_S("Name3"), KT_S("sails") };
    size_t start3[] = { 0, 3 };
    kt_crf_text y = { .n_sentences = 1, .start = start3, .token = new };
    const int32_t want[] = { 0, 1, 0 };
    kt_crf_update(&m, new, 3, want);
    kt_crf_predict(&m, &y, NULL, tag, NULL);
    assert_memory_equal(tag, want, sizeof(want));
    kt_crf_predict(&m, &x, NULL, tag, NULL);
    assert_int_equal(tag[2], 3);
    kt_arena_done(&a);
    kt_crf_done(&m);
    drop_corpus(&c);
}

static void folds_did_not_see_the_sentence(void **state)
{
    (void)state;
    struct corpus c;
    make_corpus(&c, 9, 120);
    size_t n = c.token.n;
    for (size_t i = c.start.v[50]; i < c.start.v[51]; i++)
        c.tag.v[i] = 3 - (i > c.start.v[50]) * 3; /* nonsense, which only a model that saw it would repeat */
    float *p = kt_alloc_array(n, K * sizeof(*p)), *q = kt_alloc_array(n, K * sizeof(*q));
    kt_crf_options o = KT_CRF_OPTIONS_INIT;
    kt_pool *pool = kt_pool_new(3);
    assert_int_equal(kt_crf_cross(&c.x, c.tag.v, TYPES, NULL, &o, 5, pool, p, NULL), 0);
    assert_int_equal(kt_crf_cross(&c.x, c.tag.v, TYPES, NULL, &o, 5, NULL, q, NULL), 0);
    assert_memory_equal(p, q, n * K * sizeof(*p));
    double good = 0;
    for (size_t i = 0; i < n; i++)
        good += (double)p[i * K + (size_t)c.tag.v[i]] / (double)n;
    assert_true(good > 0.95 && p[c.start.v[50] * K + 3] < 0.3f);
    kt_err e = { 0 };
    assert_int_equal(kt_crf_cross(&c.x, c.tag.v, TYPES, NULL, &o, 1, NULL, q, &e), KT_RANGE);
    c.tag.v[0] = K;
    assert_int_equal(kt_crf_cross(&c.x, c.tag.v, TYPES, NULL, &o, 5, NULL, q, &e), KT_RANGE);
    kt_free(p);
    kt_free(q);
    kt_pool_free(pool);
    drop_corpus(&c);
}

/* The chance of the whole, against the product of a chain's own: a sentence's tags, and what a cue adds. */
static void knows_how_sure_the_whole_is(void **state)
{
    (void)state;
    struct corpus c;
    kt_crf m;
    kt_crf_options o = KT_CRF_OPTIONS_INIT;
    make_corpus(&c, 15, 300);
    o.bits = 16;
    o.epochs = 3;
    assert_int_equal(kt_crf_fit(&c.x, c.tag.v, TYPES, &o, &m, NULL), 0);
    int32_t *tag = kt_alloc_array(c.token.n, sizeof(*tag)), *best = kt_alloc_array(c.token.n, sizeof(*best));
    double *log_prob = kt_alloc_array(c.x.n_sentences, sizeof(*log_prob)), right = 0, claimed = 0;
    float *span = kt_alloc_array(c.token.n, sizeof(*span));
    kt_crf_span *spans = kt_alloc_array(c.token.n, sizeof(*spans));
    kt_pool *pool = kt_pool_new(3);
    kt_crf_whole(&m, &c.x, pool, tag, log_prob, span);
    kt_crf_predict(&m, &c.x, NULL, best, NULL);
    assert_memory_equal(tag, best, c.token.n * sizeof(*tag));
    size_t n_spans = kt_crf_spans(&m, &c.x, NULL, spans);
    double all = 0, same = 0;
    for (size_t i = 0; i < n_spans; i++)
        same += (double)fabsf(span[spans[i].first] - spans[i].prob);
    for (size_t t = 0; t < c.token.n; t++)
        all += (double)span[t];
    for (size_t i = 0; i < n_spans; i++)
        all -= (double)spans[i].prob;
    assert_true(n_spans > 100 && same < 1e-3 && fabs(all) < 1e-3);
    for (size_t s = 0; s < c.x.n_sentences; s++) { /* -log p of one sentence is its loss */
        size_t start[2] = { 0, c.start.v[s + 1] - c.start.v[s] };
        kt_crf_text one = { .n_sentences = 1, .start = start, .token = c.token.v + c.start.v[s] };
        kt_features mine;
        kt_crf_rows(&one, o.bits, NULL, &mine);
        if (s < 20)
            kt_assert_close(kt_crf_loss(&m, &mine, &one, tag + c.start.v[s], 0, NULL, NULL, NULL), -log_prob[s], 1e-4);
        kt_features_done(&mine);
        right += memcmp(tag + c.start.v[s], c.tag.v + c.start.v[s], start[1] * sizeof(*tag)) == 0;
        claimed += exp(log_prob[s]);
    }
    assert_true(claimed <= right + 0.05 * 300 && claimed > 0.5 * right);
    kt_pool_free(pool);
    kt_free(span);
    kt_free(spans);
    kt_free(tag);
    kt_free(best);
    kt_free(log_prob);
    kt_crf_done(&m);
    drop_corpus(&c);
}

/* Tags that follow from nothing but what somebody else says of the token before. */
static void takes_cues(void **state)
{
    (void)state;
    enum { N = 200, LEN = 6 };
    kt_rng g = kt_rng_keyed(1, 2, 3);
    kt_str token[N * LEN];
    int32_t tag[N * LEN], got[N * LEN];
    size_t start[N + 1] = { 0 }, cue_start[N * LEN + 1] = { 0 }, right[2] = { 0 };
    uint32_t cue[N * LEN];
    double log_prob[N];
    for (size_t i = 0; i < N * LEN; i++) {
        token[i] = KT_S("x");
        bool said = i % LEN < LEN - 1 && kt_rng_below(&g, 3) == 0;
        cue_start[i + 1] = cue_start[i] + said;
        if (said)
            cue[cue_start[i]] = 7;
        tag[i] = i % LEN && cue_start[i] > cue_start[i - 1];
    }
    for (size_t s = 0; s < N; s++)
        start[s + 1] = (s + 1) * LEN;
    for (int with = 0; with < 2; with++) {
        kt_crf_text x = { .n_sentences = N, .start = start, .token = token, .cue_start = with ? cue_start : NULL, .cue = cue };
        kt_crf_options o = KT_CRF_OPTIONS_INIT;
        kt_crf m;
        assert_int_equal(kt_crf_fit(&x, tag, 1, &o, &m, NULL), 0);
        kt_crf_whole(&m, &x, NULL, got, log_prob, NULL);
        for (size_t i = 0; i < N * LEN; i++)
            right[with] += got[i] == tag[i];
        kt_crf_done(&m);
    }
    assert_true(right[1] == N * LEN && right[0] < N * LEN * 8 / 10);
}

static void texts_are_cut_into_tokens(void **state)
{
    (void)state;
    kt_arena a = KT_ARENA_INIT;
    kt_str *t;
    size_t n = kt_crf_tokens(KT_S("Dr. O'Neil\t(42b) \xe6\x9d\xb1\xe4\xba\xac caf\xc3\xa9"), &a, &t);
    const char *want[] = { "Dr", ".", "O", "'", "Neil", "(", "42b", ")", "\xe6\x9d\xb1", "\xe4\xba\xac", "caf\xc3\xa9" };
    assert_int_equal(n, KT_LEN(want));
    for (size_t i = 0; i < n; i++)
        assert_true(kt_str_eq(t[i], kt_str_of(want[i])));
    assert_int_equal(kt_crf_tokens(KT_S(" \n"), &a, &t), 0);
    kt_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_the_sum_of_its_sequences), cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(training_reaches_the_optimum), cmocka_unit_test(a_grammar_is_learned),
        cmocka_unit_test(tells_why_and_learns_one_more), cmocka_unit_test(folds_did_not_see_the_sentence),
        cmocka_unit_test(knows_how_sure_the_whole_is), cmocka_unit_test(takes_cues),
        cmocka_unit_test(texts_are_cut_into_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
