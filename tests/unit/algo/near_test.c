/* Near-duplicates against planted copies of known Jaccard index and against the definition of a shingle. */
#include "kt_test.h"

#include "algo/near.h"
#include "base/mem.h"
#include "base/rng.h"

enum { WORDS = 60, BASES = 3000, LEN = 512 };

static kt_str text_of(char *dst, const uint32_t *word, int n)
{
    size_t at = 0;
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(dst + at, LEN - at, "w%u ", word[i]);
    return (kt_str){ dst, at };
}

/* Odd items are copies of the even one before with a few words changed. */
static void plant(char (*buf)[LEN], kt_str *text)
{
    kt_rng r = kt_rng_keyed(7, 0, 0);
    for (int i = 0; i < BASES; i++) {
        uint32_t word[WORDS];
        for (int w = 0; w < WORDS; w++)
            word[w] = (uint32_t)kt_rng_below(&r, 20000);
        text[2 * i] = text_of(buf[2 * i], word, WORDS);
        for (int e = 0; e < i % 6; e++)
            word[kt_rng_below(&r, WORDS)] = (uint32_t)kt_rng_below(&r, 20000);
        text[2 * i + 1] = text_of(buf[2 * i + 1], word, WORDS);
    }
}

static void finds_planted_copies_and_nothing_else(void **state)
{
    (void)state;
    enum { N = 2 * BASES };
    char (*buf)[LEN] = kt_alloc_array(N, sizeof(*buf));
    kt_str *text = kt_alloc_array(N, sizeof(*text));
    uint32_t *one = kt_alloc_array(N, sizeof(*one)), *many = kt_alloc_array(N, sizeof(*many));
    plant(buf, text);
    kt_near_options o = KT_NEAR_OPTIONS_INIT;
    o.threshold = 0.7;
    kt_err err = { 0 };
    kt_pool *pool = kt_pool_new(7);
    assert_int_equal(kt_near_clusters(text, N, &o, NULL, one, &err), KT_OK);
    assert_int_equal(kt_near_clusters(text, N, &o, pool, many, &err), KT_OK);
    assert_memory_equal(one, many, N * sizeof(*one));
    kt_pool_free(pool);
    int clear = 0, found = 0;
    kt_shingles a = { 0 }, b = { 0 };
    for (uint32_t i = 0; i < N; i += 2) {
        assert_int_equal(one[i], i);
        kt_near_shingles(text[i], &o, &a);
        kt_near_shingles(text[i + 1], &o, &b);
        double j = kt_near_jaccard(a.v, a.n, b.v, b.n);
        bool same = one[i + 1] == i;
        assert_true(same || one[i + 1] == i + 1);
        assert_true(!same || j >= o.threshold);
        clear += j >= o.threshold + 0.1;
        found += same && j >= o.threshold + 0.1;
    }
    assert_true(clear > 500);
    assert_true(found >= 0.98 * clear);
    kt_shingles_done(&a);
    kt_shingles_done(&b);
    kt_free(buf);
    kt_free(text);
    kt_free(one);
    kt_free(many);
}

static void case_and_punctuation_do_not_count(void **state)
{
    (void)state;
    kt_str text[] = { KT_S("Hello, World!  One two three."), KT_S("hello world one TWO three"), KT_S(""), KT_S(" ... "),
                      KT_S("x"), KT_S("X!"), KT_S("\xc3\x89T\xc3\x89"), KT_S("\xc3\xa9t\xc3\xa9") };
    uint32_t got[8], want[8] = { 0, 0, 2, 3, 4, 4, 6, 6 };
    kt_near_options o = KT_NEAR_OPTIONS_INIT;
    kt_err err = { 0 };
    assert_int_equal(kt_near_clusters(text, 8, &o, NULL, got, &err), KT_OK);
    assert_memory_equal(got, want, sizeof(want));
    o.words = 0;
    o.chars = 5;
    assert_int_equal(kt_near_clusters(text, 8, &o, NULL, got, &err), KT_OK);
    assert_memory_equal(got, want, sizeof(want));
}

static void one_giant_bucket_stays_cheap(void **state)
{
    (void)state;
    enum { N = 20000 };
    kt_str *text = kt_alloc_array(N, sizeof(*text));
    uint32_t *got = kt_alloc_array(N, sizeof(*got));
    for (int i = 0; i < N; i++)
        text[i] = KT_S("the very same words again and again");
    kt_near_options o = KT_NEAR_OPTIONS_INIT;
    kt_err err = { 0 };
    assert_int_equal(kt_near_clusters(text, N, &o, NULL, got, &err), KT_OK);
    for (int i = 0; i < N; i++)
        assert_int_equal(got[i], 0);
    kt_free(text);
    kt_free(got);
}

static void refuses_impossible_options(void **state)
{
    (void)state;
    kt_err err = { 0 };
    kt_near_options o = KT_NEAR_OPTIONS_INIT;
    o.threshold = 0;
    assert_int_equal(kt_near_resolve(&o, &err), KT_RANGE);
    o = (kt_near_options){ 0.8, 0, 2, 0, 0, 1 };
    assert_int_equal(kt_near_resolve(&o, &err), KT_RANGE);
    o = (kt_near_options){ 0.8, 3, 0, 65, 1, 1 };
    assert_int_equal(kt_near_resolve(&o, &err), KT_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_planted_copies_and_nothing_else),
        cmocka_unit_test(case_and_punctuation_do_not_count),
        cmocka_unit_test(one_giant_bucket_stays_cheap),
        cmocka_unit_test(refuses_impossible_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
