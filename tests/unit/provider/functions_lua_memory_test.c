/* The sandbox's memory under random making, resizing and freeing: every block keeps its bytes and its neighbours', what is held adds up,
   and the limits hold. */
#include "provider/functions_lua_memory.c"

#include "base/rng.h"
#include "kt_test.h"

#define BLOCKS 20000

struct block {
    unsigned char *p;
    size_t n;
    unsigned char with;
};

static void check(const struct block *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->p[i] != b->with)
            fail_msg("byte %zu of %zu changed", i, b->n);
}

static void blocks(void **state)
{
    (void)state;
    kt_rng rng = kt_rng_keyed(5, 0, 0);
    static struct block b[BLOCKS];
    kt_lua_memory m;
    kt_lua_memory_init(&m);
    size_t held = 0;
    memset(b, 0, sizeof(b));
    for (int round = 0; round < 100000; round++) {
        struct block *x = &b[kt_rng_below(&rng, BLOCKS)];
        size_t n = kt_rng_below(&rng, 4) ? kt_rng_below(&rng, 600) : kt_rng_below(&rng, 9000), keep = KT_MIN(n, x->n);
        check(x);
        if (!x->p && n == 0)
            continue;
        x->p = kt_lua_memory_change(&m, x->p, x->n, n);
        assert_true((n == 0) == (x->p == NULL));
        held += n - x->n;
        x->n = keep;
        check(x); /* what was there moved along */
        x->n = n;
        x->with = (unsigned char)round;
        if (n)
            memset(x->p, x->with, n);
        assert_int_equal(m.held, held);
    }
    assert_true(m.n > REGION - 4096); /* the region was used up, so both ways were gone */
    for (int i = 0; i < BLOCKS; i++) {
        check(&b[i]);
        if (b[i].p)
            kt_lua_memory_change(&m, b[i].p, b[i].n, 0);
    }
    assert_int_equal(m.held, 0);
    kt_lua_memory_done(&m);
}

static void limits(void **state)
{
    (void)state;
    kt_lua_memory m;
    kt_lua_memory_init(&m);
    void *p = kt_lua_memory_change(&m, NULL, 0, MAX_HELD);
    assert_non_null(p);
    assert_null(kt_lua_memory_change(&m, NULL, 0, 1));
    assert_null(kt_lua_memory_change(&m, p, MAX_HELD, MAX_HELD + 1));
    kt_lua_memory_change(&m, p, MAX_HELD, 0);
    for (m.taken = 0; (p = kt_lua_memory_change(&m, NULL, 0, 1 << 20)) != NULL;) /* given back each time, and still an end to it */
        kt_lua_memory_change(&m, p, 1 << 20, 0);
    assert_true(m.taken <= MAX_TAKEN && m.taken > MAX_TAKEN - (2 << 20));
    assert_int_equal(m.held, 0);
    kt_lua_memory_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(blocks), cmocka_unit_test(limits) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
