/* The live consensus. Checked against a refit by the aggregator dawid_skene with the same pseudo-votes, and on planted crowds:
   asking by expected gain must reach the same accuracy with fewer votes than asking the same number for every item. */
#include "algo/merge/aggregate.h"
#include "algo/merge/live.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

enum { N = 800, S = 15, K = 3, PER = 4, V = N * PER };

typedef struct crowd {
    uint32_t item[V], source[V];
    int32_t label[V], truth[N];
} crowd;

static int32_t answer(kt_rng *r, int32_t truth, uint32_t source)
{
    return kt_rng_unit(r) < 0.5 + 0.45 * source / S ? truth : (truth + 1 + (int32_t)kt_rng_below(r, K - 1)) % K;
}

static kt_votes draw(crowd *c, uint64_t seed)
{
    kt_rng r = kt_rng_keyed(seed, 0, 0);
    for (uint32_t i = 0, q = 0; i < N; i++) {
        uint64_t who[PER];
        c->truth[i] = (int32_t)kt_rng_below(&r, K);
        kt_rng_sample(&r, S, PER, who);
        for (int x = 0; x < PER; x++, q++) {
            c->item[q] = i;
            c->source[q] = (uint32_t)who[x];
            c->label[q] = answer(&r, c->truth[i], c->source[q]);
        }
    }
    return (kt_votes){ V, N, S, K, c->item, c->source, c->label };
}

static double furthest(const kt_live *l, const kt_votes *v, kt_arena *a, double *ret_mean)
{
    const kt_live_opts o = KT_LIVE_OPTS_INIT;
    kt_posterior p;
    double most = 0;
    *ret_mean = 0;
    kt_dawid_skene_opts same = { .n_iter = 3000, .uniform = o.wrong / (K - 1), .right = o.right - o.wrong / (K - 1), .equal = o.equal, .unnamed = o.unnamed };
    assert_int_equal(kt_aggregate_dawid_skene.fit(v, &same, NULL, NULL, a, &p, NULL), 0);
    for (uint32_t i = 0; i < v->n_items; i++)
        for (uint32_t c = 0; c < K; c++) {
            double off = fabs(kt_live_posterior(l, i)[c] - p.prob[i * K + c]);
            most = KT_MAX(most, off);
            *ret_mean += off / (v->n_items * K);
        }
    return most;
}

static void equals_refit(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    crowd *c = kt_alloc(sizeof(*c));
    kt_votes v = draw(c, 1);
    kt_live *l = kt_live_new(K, NULL);
    double mean, most;
    for (size_t q = 0; q < V; q++)
        assert_int_equal(kt_live_add(l, c->item[q], c->source[q], c->label[q], NULL), 0);
    most = furthest(l, &v, &a, &mean);
    print_message("as votes came: mean distance %.5f, largest %.4f\n", mean, most);
    assert_true(mean < 0.01 && most < 0.25);
    kt_live_settle(l, 1000, 1e-9);
    most = furthest(l, &v, &a, &mean);
    print_message("settled: largest %.6f\n", most);
    assert_true(most < 1e-3);
    /* from rest, one vote less: at once near the refit */
    kt_votes more = v;
    more.n = V - 1;
    assert_int_equal(kt_live_withdraw(l, c->item[V - 1], c->source[V - 1], c->label[V - 1], NULL), 0);
    most = furthest(l, &more, &a, &mean);
    print_message("one vote withdrawn: mean %.6f, largest %.5f\n", mean, most);
    assert_true(mean < 1e-3 && most < 0.02);
    kt_live_settle(l, 1000, 1e-9);
    most = furthest(l, &more, &a, &mean);
    print_message("settled again: largest %.6f\n", most);
    assert_true(most < 1e-3);
    assert_int_equal(kt_live_withdraw(l, c->item[V - 1], c->source[V - 1], c->label[V - 1], NULL), KT_NOTFOUND);
    assert_int_equal(kt_live_add(l, 0, 0, K, NULL), KT_RANGE);
    kt_live_free(l);
    kt_free(c);
}

/* The cost of a vote is the same in a set of ten times the size. */
static void cost_is_flat(void **state)
{
    (void)state;
    uint64_t cost[2];
    for (int x = 0; x < 2; x++) {
        kt_live *l = kt_live_new(K, NULL);
        kt_rng r = kt_rng_keyed(2, 2, 2);
        uint32_t n = x ? 20000 : 2000;
        for (uint32_t q = 0; q < 3 * n; q++)
            assert_int_equal(kt_live_add(l, q / 3, (uint32_t)kt_rng_below(&r, S), (int32_t)kt_rng_below(&r, K), NULL), 0);
        uint64_t before = kt_live_work(l);
        for (uint32_t q = 0; q < 500; q++)
            assert_int_equal(kt_live_add(l, (uint32_t)kt_rng_below(&r, n), (uint32_t)kt_rng_below(&r, S), (int32_t)kt_rng_below(&r, K), NULL), 0);
        cost[x] = kt_live_work(l) - before;
        kt_live_free(l);
    }
    print_message("votes gone over by 500 updates: %llu of 6,000 votes, %llu of 60,000\n", (unsigned long long)cost[0], (unsigned long long)cost[1]);
    assert_true(cost[1] < 1.3 * (double)cost[0]);
}

static void gain_by_hand(void **state)
{
    (void)state;
    kt_live_opts o = { .right = 7, .wrong = 1, .unnamed = 1, .refresh = 0 }; /* two labels, nobody known: right 7/8 of the time */
    kt_live *l = kt_live_new(2, &o);
    kt_assert_close(kt_live_gain(l, 0, 3), 7.0 / 8 - 0.5, 1e-12); /* from a half to 7/8 whatever it says */
    kt_assert_close(kt_live_confusion(l, 3, 0, 0), 7.0 / 8, 1e-12);
    uint32_t who[2] = { 3, 4 }, chosen = 99;
    double price[2] = { 1, 0.5 }, gain;
    kt_live_question q = { .target = 2, .worth = 10, .n_sources = 2, .source = who, .price = price };
    assert_int_equal(kt_live_next(l, 0, &q, &chosen, &gain), KT_LIVE_ASK);
    assert_int_equal(chosen, 4); /* the same gain for half the price */
    q.worth = 1;
    assert_int_equal(kt_live_next(l, 0, &q, &chosen, &gain), KT_LIVE_NOT_WORTH);
    q.worth = 10;
    assert_int_equal(kt_live_add(l, 0, 4, 1, NULL), 0);
    assert_int_equal(kt_live_next(l, 0, &q, &chosen, &gain), KT_LIVE_NOT_WORTH); /* one more vote alone could not turn it */
    q.target = 0.5;
    assert_int_equal(kt_live_next(l, 0, &q, &chosen, &gain), KT_LIVE_SURE);
    q.least = 2; /* one vote alone is never enough then */
    assert_int_equal(kt_live_next(l, 0, &q, &chosen, &gain), KT_LIVE_ASK);
    assert_int_equal(chosen, 3);
    kt_live_free(l);
}

/* No single further vote can turn this label, two that disagree with it can: they turn it rightly with chance (1 - p) a² and wrongly
   with p (1 - a)². */
static void two_ahead(void **state)
{
    (void)state;
    kt_live_opts o = { .right = 7, .wrong = 1, .unnamed = 1, .refresh = 0 };
    kt_live *l = kt_live_new(2, &o);
    uint32_t who[2] = { 3, 4 }, chosen = 99;
    double price[2] = { 0.2, 0.2 }, gain, a = kt_live_accuracy(l, 3);
    kt_live_question q = { .target = 0.999, .worth = 10, .n_sources = 2, .source = who, .price = price };
    for (uint32_t x = 0; x < 120; x++) /* others, who agree that labels are equally frequent */
        assert_int_equal(kt_live_add(l, 100 + x / 3, 50 + x % 3, x / 3 % 2, NULL), 0);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(kt_live_add(l, 100 + i, 9, (int32_t)i, NULL), 0);
    assert_int_equal(kt_live_add(l, 1, 9, 1, NULL), 0);
    double p = kt_live_posterior(l, 1)[1], turned = (1 - p) * a * a, kept = p * (1 - a) * (1 - a); /* both say the other, rightly or not */
    kt_assert_close(kt_live_gain(l, 1, 3), 0, 1e-12);
    assert_int_equal(kt_live_next(l, 1, &q, &chosen, &gain), KT_LIVE_ASK);
    assert_int_equal(chosen, 3);
    kt_assert_close(2 * gain, turned - kept, 1e-9);
    assert_true(turned - kept > 0.04 && turned - kept < 0.09);
    price[0] = price[1] = 0.6; /* 1.2 for what is worth less */
    assert_int_equal(kt_live_next(l, 1, &q, &chosen, &gain), KT_LIVE_NOT_WORTH);
    q.n_sources = 1;
    price[0] = 0; /* nobody else could join in */
    assert_int_equal(kt_live_next(l, 1, &q, &chosen, &gain), KT_LIVE_NOT_WORTH);
    kt_live_free(l);
}

/* Labels that turn up late leave the same consensus as labels named at first. */
static void labels_grow(void **state)
{
    (void)state;
    crowd *c = kt_alloc(sizeof(*c));
    draw(c, 5);
    kt_live *l = kt_live_new(1, NULL), *whole = kt_live_new(K, NULL);
    for (size_t q = 0; q < V; q++) {
        kt_live_grow(l, (uint32_t)c->label[q] + 1);
        assert_int_equal(kt_live_add(l, c->item[q], c->source[q], c->label[q], NULL), 0);
        assert_int_equal(kt_live_add(whole, c->item[q], c->source[q], c->label[q], NULL), 0);
    }
    assert_int_equal(kt_live_labels(l), K);
    kt_live_settle(l, 2000, 1e-10);
    kt_live_settle(whole, 2000, 1e-10);
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t x = 0; x < K; x++)
            kt_assert_close(kt_live_posterior(l, i)[x], kt_live_posterior(whole, i)[x], 1e-6);
    kt_live_free(l);
    kt_live_free(whole);
    kt_free(c);
}

/* Five votes for everybody, against: best source first, until 97 % sure, at most nine. */
static void stopping_saves_votes(void **state)
{
    (void)state;
    enum { ITEMS = 1500 };
    double right[2] = { 0 };
    uint32_t votes[2] = { 0 };
    for (int way = 0; way < 2; way++) {
        kt_live *l = kt_live_new(K, NULL);
        kt_rng r = kt_rng_keyed(7, 7, 7);
        int32_t truth[ITEMS];
        for (uint32_t i = 0; i < ITEMS; i++)
            truth[i] = (int32_t)kt_rng_below(&r, K);
        for (uint32_t i = 0; i < ITEMS; i++) {
            uint64_t order[S];
            uint32_t who[S];
            double price[S];
            kt_rng_sample(&r, S, S, order);
            for (uint32_t s = 0; s < S; s++) {
                who[s] = (uint32_t)order[s];
                price[s] = 0;
            }
            kt_live_question q = { .target = 0.97, .worth = 1, .n_sources = S, .source = who, .price = price };
            for (uint32_t n = 0; n < (way ? 9 : 5); n++) {
                uint32_t source = who[n];
                double gain;
                bool warm = i >= 150 && n > 0; /* the first items teach who is who */
                if (way && warm && kt_live_next(l, i, &q, &source, &gain) == KT_LIVE_SURE)
                    break;
                if (way && !warm && n >= 5)
                    break;
                assert_int_equal(kt_live_add(l, i, source, answer(&r, truth[i], source), NULL), 0);
                votes[way]++;
            }
        }
        for (uint32_t i = 0; i < ITEMS; i++) {
            const double *p = kt_live_posterior(l, i);
            uint32_t best = 0;
            for (uint32_t c = 1; c < K; c++)
                best = p[c] > p[best] ? c : best;
            right[way] += best == (uint32_t)truth[i];
        }
        kt_live_free(l);
    }
    print_message("five each: %u votes, %.4f right; asked: %u votes, %.4f right\n", votes[0], right[0] / ITEMS, votes[1], right[1] / ITEMS);
    assert_true(votes[1] < 0.75 * votes[0] && right[1] >= right[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_refit), cmocka_unit_test(cost_is_flat), cmocka_unit_test(gain_by_hand), cmocka_unit_test(two_ahead), cmocka_unit_test(labels_grow),
        cmocka_unit_test(stopping_saves_votes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
