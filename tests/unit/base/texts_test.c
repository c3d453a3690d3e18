/* Texts kept one behind the other against an array of the same texts: each at its place, found where it first stands, and the first that
   stands there twice. */
#include "base/texts.h"

#include "base/rng.h"
#include "base/str.h"
#include "kt_test.h"

enum { N = 20000 };

static void name_of(kt_rng *rng, uint32_t i, bool again, char *dst, size_t size)
{
    snprintf(dst, size, "%s%u", i % 7 ? "item" : "", again ? (uint32_t)kt_rng_below(rng, i) : i);
}

static void test_places(void **state)
{
    (void)state;
    kt_texts t = { 0 };
    char name[32];
    assert_int_equal(kt_texts_find(&t, KT_S("a")), -1);
    for (uint32_t i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "%s%u", i % 3 ? "" : "long name of ", i);
        kt_texts_add(&t, i == 5 ? KT_S("") : kt_str_of(name));
    }
    assert_int_equal(kt_texts_index(&t), SIZE_MAX);
    for (uint32_t i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "%s%u", i % 3 ? "" : "long name of ", i);
        kt_str want = i == 5 ? KT_S("") : kt_str_of(name);
        assert_true(kt_str_eq(kt_texts_at(&t, i), want));
        assert_int_equal(kt_texts_find(&t, want), i);
    }
    assert_int_equal(kt_texts_find(&t, KT_S("5")), -1);
    kt_texts_done(&t);
}

static void test_twice(void **state)
{
    (void)state;
    kt_rng rng = kt_rng_keyed(1, 2, 3);
    for (int run = 0; run < 50; run++) {
        kt_texts t = { 0 };
        char name[32];
        size_t first = SIZE_MAX;
        for (uint32_t i = 0; i < 200; i++) {
            name_of(&rng, i, run && i && kt_rng_below(&rng, 100) == 0, name, sizeof(name));
            for (size_t x = 0; x < t.n && first == SIZE_MAX; x++)
                if (kt_str_eq(kt_texts_at(&t, x), kt_str_of(name)))
                    first = i;
            kt_texts_add(&t, kt_str_of(name));
        }
        assert_int_equal(kt_texts_index(&t), first);
        assert_int_equal(kt_texts_index(&t), first); /* again, the same */
        kt_texts_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_places), cmocka_unit_test(test_twice) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
