/* The majority of votes in any order is, bit for bit, that of the same votes item by item, whether they are counted where they stand (2 to 8
   labels, up to 255 votes an item) or have to be sorted; also with abstentions, items without votes, and one thread or several. */
#include "algo/merge/aggregate.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

#include <string.h>

typedef struct crowd {
    uint32_t *item, *source;
    int32_t *label;
    kt_votes v;
} crowd;

static crowd draw(kt_rng *r, size_t n, uint32_t n_items, uint32_t k, bool crowded)
{
    crowd c = { kt_alloc_array(n, 4), kt_alloc_array(n, 4), kt_alloc_array(n, 4), { 0 } };
    for (size_t i = 0; i < n; i++) {
        c.item[i] = (uint32_t)(crowded && i % 2 ? n_items / 2 : kt_rng_below(r, n_items - 1)); /* the last one has no vote */
        c.source[i] = (uint32_t)kt_rng_below(r, 7);
        c.label[i] = (int32_t)kt_rng_below(r, k + 1) - 1;
        if (crowded && i % 2)
            c.label[i] = i % 64 ? 0 : 1; /* one label of one item runs over */
    }
    c.v = (kt_votes){ n, n_items, 8, k, c.item, c.source, c.label };
    return c;
}

/* The same votes item by item, in their order within one. */
static crowd in_order(const crowd *c)
{
    crowd s = { kt_alloc_array(c->v.n, 4), kt_alloc_array(c->v.n, 4), kt_alloc_array(c->v.n, 4), c->v };
    size_t at = 0;
    for (uint32_t item = 0; item < c->v.n_items; item++)
        for (size_t i = 0; i < c->v.n; i++)
            if (c->item[i] == item && c->label[i] >= 0) { /* what abstains would send it the long way */
                s.item[at] = item;
                s.source[at] = c->source[i];
                s.label[at++] = c->label[i];
            }
    s.v.n = at;
    s.v.item = s.item;
    s.v.source = s.source;
    s.v.label = s.label;
    return s;
}

static void done(crowd *c)
{
    kt_free(c->item);
    kt_free(c->source);
    kt_free(c->label);
}

static void same(const crowd *c, const crowd *sorted, kt_pool *pool)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_posterior x, y;
    kt_err err = { 0 };
    size_t n = c->v.n_items;
    assert_int_equal(kt_aggregate_majority.fit(&c->v, NULL, NULL, pool, &a, &x, &err), 0);
    assert_int_equal(kt_aggregate_majority.fit(&sorted->v, NULL, NULL, NULL, &a, &y, &err), 0);
    assert_memory_equal(x.prob, y.prob, n * c->v.n_labels * sizeof(double));
    assert_memory_equal(x.label, y.label, n * sizeof(int32_t));
    assert_memory_equal(x.n_votes, y.n_votes, n * sizeof(uint32_t));
    assert_memory_equal(x.n_for, y.n_for, n * sizeof(uint32_t));
    assert_memory_equal(x.prior, y.prior, c->v.n_labels * sizeof(double));
    assert_memory_equal(x.source_accuracy, y.source_accuracy, 8 * sizeof(double));
    assert_memory_equal(x.source_ci, y.source_ci, 16 * sizeof(double));
}

static void test_any_order(void **state)
{
    (void)state;
    kt_rng r = kt_rng_keyed(9, 0, 0);
    kt_pool *pool = kt_pool_new(3);
    for (uint32_t k = 1; k <= 10; k++)
        for (int crowded = 0; crowded < 2; crowded++) {
            crowd c = draw(&r, 20000, 300, k, crowded && k > 1), s = in_order(&c);
            KT_AUTO(kt_arena) a = KT_ARENA_INIT;
            kt_ballot b;
            kt_err err = { 0 };
            assert_int_equal(kt_ballot_count(&c.v, pool, &a, &b, &err), 0);
            assert_int_equal(b.counts != NULL, k >= 2 && k <= 8 && !crowded);
            same(&c, &s, pool);
            same(&c, &s, NULL);
            done(&c);
            done(&s);
        }
    kt_pool_free(pool);
}

static void test_wrong_votes(void **state)
{
    (void)state;
    const uint32_t item[] = { 1, 0, 1 }, source[] = { 0, 0, 2 };
    const int32_t label[] = { 0, 1, 1 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_posterior p;
    kt_err err = { 0 };
    assert_int_equal(kt_aggregate_majority.fit(&(kt_votes){ 3, 2, 2, 2, item, source, label }, NULL, NULL, NULL, &a, &p, &err), KT_RANGE);
    assert_int_equal(kt_aggregate_majority.fit(&(kt_votes){ 3, 1, 3, 2, item, source, label }, NULL, NULL, NULL, &a, &p, &err), KT_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_order), cmocka_unit_test(test_wrong_votes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
