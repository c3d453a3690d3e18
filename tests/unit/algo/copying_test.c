/* Sources that copy each other. Checked against planted crowds: a ring that copies one bad answerer is found and does little harm; where
   nobody copies nothing is found and nothing changes. */
#include "algo/merge/copying.h"
#include "base/mem.h"
#include "kt_test.h"

typedef struct plan {
    uint32_t n_items, n_sources, n_labels, per_item, ring; /* the last so many copy */
    double ring_accuracy, copies; /* share of items on which a member just repeats the ring's answer */
    double hard;                  /* share of items with a lure that half of all say */
} plan;

typedef struct crowd {
    kt_votes v;
    uint32_t *item, *source;
    int32_t *label, *truth;
} crowd;

static crowd draw(const plan *p, uint64_t seed)
{
    size_t n = (size_t)p->n_items * p->per_item;
    uint32_t k = p->n_labels;
    crowd c = { { 0 }, kt_alloc_array(n, 4), kt_alloc_array(n, 4), kt_alloc_array(n, 4), kt_alloc_array(p->n_items, 4) };
    kt_rng r = kt_rng_keyed(seed, 6, p->ring);
    uint64_t *who = kt_alloc_array(p->per_item, sizeof(*who));
    double *accuracy = kt_alloc_array(p->n_sources, sizeof(*accuracy));
    for (uint32_t s = 0; s < p->n_sources; s++)
        accuracy[s] = s >= p->n_sources - p->ring ? p->ring_accuracy : 0.55 + 0.35 * kt_rng_unit(&r);
    for (uint32_t i = 0; i < p->n_items; i++) {
        int32_t truth = c.truth[i] = (int32_t)kt_rng_below(&r, k), lure = (truth + 1) % (int32_t)k;
        int32_t copied = kt_rng_unit(&r) < p->ring_accuracy ? truth : (truth + 1 + (int32_t)kt_rng_below(&r, k - 1)) % (int32_t)k;
        bool hard = kt_rng_unit(&r) < p->hard;
        kt_rng_sample(&r, p->n_sources, p->per_item, who);
        for (uint32_t q = 0; q < p->per_item; q++) {
            size_t at = (size_t)i * p->per_item + q, s = who[q];
            c.item[at] = i;
            c.source[at] = (uint32_t)s;
            c.label[at] = kt_rng_unit(&r) < accuracy[s] ? truth : (truth + 1 + (int32_t)kt_rng_below(&r, k - 1)) % (int32_t)k;
            if (hard && kt_rng_unit(&r) < 0.5)
                c.label[at] = lure;
            if (s >= p->n_sources - p->ring && kt_rng_unit(&r) < p->copies)
                c.label[at] = copied;
        }
    }
    kt_free(who);
    kt_free(accuracy);
    c.v = (kt_votes){ n, p->n_items, p->n_sources, k, c.item, c.source, c.label };
    return c;
}

static void drop(crowd *c)
{
    kt_free(c->item);
    kt_free(c->source);
    kt_free(c->label);
    kt_free(c->truth);
}

static double right(const crowd *c, const kt_posterior *p)
{
    double n = 0;
    for (size_t i = 0; i < c->v.n_items; i++)
        n += p->label[i] == c->truth[i];
    return n / c->v.n_items;
}

static kt_posterior skene(const crowd *c, bool correlated, kt_pool *pool, kt_arena *a)
{
    kt_posterior p;
    kt_dawid_skene_opts o = { .n_iter = 50, .correlated = correlated };
    assert_int_equal(kt_aggregate_dawid_skene.fit(&c->v, &o, NULL, pool, a, &p, NULL), 0);
    return p;
}

/* The ring is found, whole and nearly alone; the merge is better than without looking, and so is the default. */
static void rings_are_found(void **state)
{
    (void)state;
    static const struct { plan p; double gain; } cases[] = {
        { { 1500, 24, 4, 8, 8, 0.3, 1, 0 }, 0.005 },   /* a ring so bad that it is seen to be */
        { { 1500, 24, 3, 10, 10, 0.4, 1, 0 }, 0.25 },  /* one that takes Dawid and Skene's truth over */
        { { 1500, 20, 2, 8, 9, 0.55, 1, 0 }, 0.15 },
        { { 600, 16, 3, 12, 7, 0.4, 0.85, 0 }, 0.15 }, /* not always */
        { { 1500, 24, 4, 8, 8, 0.3, 0.85, 0 }, 0.004 },
        { { 3000, 40, 2, 10, 12, 0.45, 1, 0 }, 0.15 },
        { { 1500, 24, 4, 8, 8, 0.3, 1, 0.2 }, 0.15 },  /* among hard items */
    };
    for (size_t x = 0; x < KT_LEN(cases); x++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        const plan *p = &cases[x].p;
        crowd c = draw(p, 3);
        kt_posterior plain = skene(&c, false, NULL, &a), looked = skene(&c, true, NULL, &a), best, heads;
        assert_int_equal(kt_aggregate_auto.fit(&c.v, NULL, NULL, NULL, &a, &best, NULL), 0);
        assert_int_equal(kt_aggregate_majority.fit(&c.v, NULL, NULL, NULL, &a, &heads, NULL), 0);
        print_message("case %zu: Dawid-Skene %.4f, correlated %.4f; majority %.4f, auto %.4f; %u found\n", x, right(&c, &plain), right(&c, &looked), right(&c, &heads),
                      right(&c, &best), looked.copying ? looked.copying->n_sources : 0);
        assert_true(looked.copying && best.copying && !plain.copying);
        assert_true(right(&c, &looked) >= right(&c, &plain) + cases[x].gain && right(&c, &best) >= right(&c, &heads) + cases[x].gain);
        uint32_t in = 0, wrong = 0;
        for (uint32_t s = 0; s < p->n_sources; s++) {
            bool ring = s >= p->n_sources - p->ring;
            in += ring && !isnan(looked.copying->group[s]);
            wrong += !ring && !isnan(looked.copying->group[s]);
            if (ring) {
                assert_true(looked.source_accuracy[s] < 0.65 && looked.source_ci[2 * s] <= looked.source_accuracy[s]);
                assert_true(looked.source_accuracy[s] <= looked.source_ci[2 * s + 1]);
            }
        }
        assert_true(in == p->ring && wrong <= 2);
        for (size_t i = 0; i < c.v.n_items; i++)
            assert_int_equal(looked.n_votes[i], p->per_item);
        kt_pool *pool = kt_pool_new(3);
        kt_posterior again = skene(&c, true, pool, &a);
        assert_memory_equal(again.prob, looked.prob, c.v.n_items * (size_t)p->n_labels * sizeof(double));
        kt_pool_free(pool);
        drop(&c);
    }
}

/* Rings that copy half to two thirds of the time are found too, nobody else is, and what they agree on is not all taken away: the labels are at least as
   good as without looking. With a model's probabilities beside the votes as well. */
static void half_copies(void **state)
{
    (void)state;
    static const struct { plan p; double found; } cases[] = {
        { { 1500, 24, 4, 8, 8, 0.3, 0.5, 0 }, 0.75 },  { { 1500, 24, 4, 8, 8, 0.3, 0.65, 0 }, 0.9 }, { { 1500, 24, 3, 10, 10, 0.4, 0.5, 0 }, 0.8 },
        { { 3000, 40, 2, 10, 12, 0.45, 0.65, 0 }, 0.9 }, { { 1500, 24, 4, 8, 8, 0.3, 0.6, 0.2 }, 0.8 },
    };
    for (size_t x = 0; x < KT_LEN(cases); x++) {
        const plan *p = &cases[x].p;
        double found[2] = { 0 }, n_right[3] = { 0 }, wrong = 0;
        for (uint64_t seed = 50; seed < 54; seed++) {
            KT_AUTO(kt_arena) a = KT_ARENA_INIT;
            crowd c = draw(p, seed);
            kt_rng r = kt_rng_keyed(seed, x, 3);
            double *probs = kt_alloc_array((size_t)p->n_items * p->n_labels, sizeof(*probs));
            for (uint32_t i = 0; i < p->n_items; i++) {
                uint32_t says = kt_rng_unit(&r) < 0.6 ? (uint32_t)c.truth[i] : (uint32_t)kt_rng_below(&r, p->n_labels);
                for (uint32_t l = 0; l < p->n_labels; l++)
                    probs[i * p->n_labels + l] = l == says ? 0.7 : 0.3 / (p->n_labels - 1);
            }
            kt_auto_opts o = KT_AUTO_OPTS_INIT;
            kt_posterior plain = skene(&c, false, NULL, &a), best[2];
            for (int with = 0; with < 2; with++) {
                o.probs = with ? probs : NULL;
                assert_int_equal(kt_aggregate_auto.fit(&c.v, &o, NULL, NULL, &a, &best[with], NULL), 0);
                for (uint32_t s = 0; s < p->n_sources && best[with].copying; s++) {
                    bool in = !isnan(best[with].copying->group[s]);
                    found[with] += in && s >= p->n_sources - p->ring ? 1.0 / p->ring / 4 : 0;
                    wrong += in && s < p->n_sources - p->ring;
                }
                n_right[1 + with] += right(&c, &best[with]) / 4;
            }
            n_right[0] += right(&c, &plain) / 4;
            kt_free(probs);
            drop(&c);
        }
        print_message("case %zu: found %.2f, with a model %.2f; Dawid-Skene %.4f, auto %.4f, with a model %.4f\n", x, found[0], found[1], n_right[0], n_right[1], n_right[2]);
        assert_true(found[0] >= cases[x].found && found[1] >= cases[x].found && wrong == 0);
        assert_true(n_right[1] >= n_right[0] && n_right[2] > n_right[1]);
    }
}

/* Where nobody copies, nothing is found, whatever else is wrong with the crowd, and the answer is the same to the bit. */
static void honest_crowds_stay(void **state)
{
    (void)state;
    static const plan plans[] = { { 1000, 20, 4, 5, 0, 0, 0, 0 }, { 1000, 20, 2, 5, 0, 0, 0, 0 }, { 400, 60, 3, 10, 0, 0, 0, 0.3 },
                                  { 2000, 15, 2, 9, 0, 0, 0, 0.15 }, { 300, 200, 5, 4, 0, 0, 0, 0 }, { 2000, 30, 4, 5, 0, 0, 0, 0.4 } };
    for (size_t x = 0; x < KT_LEN(plans); x++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            KT_AUTO(kt_arena) a = KT_ARENA_INIT;
            crowd c = draw(&plans[x], seed);
            kt_posterior plain = skene(&c, false, NULL, &a), looked = skene(&c, true, NULL, &a), best;
            assert_int_equal(kt_aggregate_auto.fit(&c.v, NULL, NULL, NULL, &a, &best, NULL), 0);
            if (looked.copying || best.copying)
                fail_msg("plan %zu, seed %d: copying was found", x, (int)seed);
            assert_memory_equal(plain.prob, looked.prob, c.v.n_items * (size_t)c.v.n_labels * sizeof(double));
            drop(&c);
        }
}

static void small_and_bad(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_posterior p;
    uint32_t item[] = { 0, 0, 1 }, source[] = { 0, 1, 0 };
    int32_t label[] = { 0, 0, 1 };
    kt_dawid_skene_opts o = { .n_iter = 5, .correlated = 1 };
    kt_votes v = { 3, 2, 2, 2, item, source, label };
    assert_int_equal(kt_aggregate_dawid_skene.fit(&v, &o, NULL, NULL, &a, &p, NULL), 0);
    assert_true(!p.copying && p.label[1] == 1);
    o.abstain = 1;
    assert_int_equal(kt_aggregate_dawid_skene.fit(&v, &o, NULL, NULL, &a, &p, NULL), KT_USAGE);
    o.abstain = 0;
    label[0] = 2;
    assert_int_equal(kt_aggregate_dawid_skene.fit(&v, &o, NULL, NULL, &a, &p, NULL), KT_RANGE);
    kt_votes none = { 0, 1, 2, 2, NULL, NULL, NULL };
    assert_int_equal(kt_aggregate_dawid_skene.fit(&none, &o, NULL, NULL, &a, &p, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rings_are_found), cmocka_unit_test(half_copies), cmocka_unit_test(honest_crowds_stay), cmocka_unit_test(small_and_bad) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
