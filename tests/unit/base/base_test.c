/* The words of base: strings, numbers, UTF-8, buffers, JSON, YAML, random numbers, the pool, the map. */
#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/yaml.h"
#include "kt_test.h"

static void numbers(void **state)
{
    (void)state;
    int64_t i;
    double d;
    assert_true(kt_parse_i64(KT_S("-9223372036854775808"), INT64_MIN, INT64_MAX, &i) && i == INT64_MIN);
    assert_false(kt_parse_i64(KT_S("9223372036854775808"), INT64_MIN, INT64_MAX, &i));
    assert_false(kt_parse_i64(KT_S("12x"), 0, 100, &i));
    assert_false(kt_parse_i64(KT_S(""), 0, 100, &i));
    assert_true(kt_parse_f64(KT_S("-1.5e3"), &d) && d == -1500);
    assert_false(kt_parse_f64(KT_S("nan"), &d));
    assert_false(kt_parse_f64(KT_S("1e999"), &d));
    assert_true(kt_parse_duration_us(KT_S("1.5s"), &i) && i == 1500000);
    assert_false(kt_parse_duration_us(KT_S("5 parsecs"), &i));
}

static void utf8(void **state)
{
    (void)state;
    size_t bad = 0;
    assert_true(kt_utf8_valid(KT_S("plain ascii that is longer than sixteen bytes, then \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), NULL));
    assert_false(kt_utf8_valid(KT_S("ok\xc0\x80"), &bad)); /* overlong */
    assert_int_equal(bad, 2);
    assert_false(kt_utf8_valid(KT_S("\xed\xa0\x80"), NULL)); /* surrogate */
    assert_false(kt_utf8_valid(KT_S("\xf4\x90\x80\x80"), NULL)); /* past U+10FFFF */
    assert_false(kt_utf8_valid(KT_S("0123456789abcde\xe2\x82"), NULL)); /* cut short */
    for (uint32_t cp = 1; cp < 0x110000; cp += 7) {
        char b[4];
        size_t at = 0;
        if (cp >= 0xd800 && cp < 0xe000)
            continue;
        kt_str s = { b, kt_utf8_put(cp, b) };
        assert_true(kt_utf8_valid(s, NULL));
        assert_int_equal(kt_utf8_next(s, &at), cp);
        assert_int_equal(at, s.n);
    }
}

/* Against comparing at every place, on texts of few letters, where parts nearly fit all the time. */
static void finding(void **state)
{
    (void)state;
    kt_rng rng = kt_rng_keyed(3, 0, 0);
    char text[400], part[40];
    for (int round = 0; round < 20000; round++) {
        kt_str s = { text, kt_rng_below(&rng, sizeof(text)) }, p = { part, kt_rng_below(&rng, round % 2 ? 3 : sizeof(part)) };
        for (size_t i = 0; i < s.n; i++)
            text[i] = (char)('a' + kt_rng_below(&rng, 8) / 7);
        for (size_t i = 0; i < p.n; i++)
            part[i] = (char)('a' + kt_rng_below(&rng, 8) / 7);
        const char *want = NULL;
        for (size_t i = 0; i + p.n <= s.n && !want; i++)
            want = memcmp(text + i, part, p.n) == 0 ? text + i : NULL;
        assert_ptr_equal(kt_str_find(s, p), want);
    }
    size_t n = (size_t)4 << 20; /* every place fits at both ends: this ends because it stays linear */
    char *same = kt_alloc(n + n / 2);
    memset(same, 'a', n + n / 2);
    same[n + n / 4] = 'b';
    assert_null(kt_str_find((kt_str){ same, n }, (kt_str){ same + n, n / 2 }));
    kt_free(same);
}

static void json(void **state)
{
    (void)state;
    static const char *const good[] = { "{}", " [1,2.5e-3,-0,\"a\\u00e9\\ud83d\\ude00\\n\"] ", "null", "{\"a\":{\"b\":[true,false]}}" };
    static const char *const bad[] = { "", "{", "{\"a\"}", "[1,]", "{\"a\":1,}", "01", "1.", "\"\\x\"", "\"\\ud800\"", "nul",
                                       "\"\x01\"", "{a:1}", "[1 2]", "\"abc", "{} {}", "\"abcdefgh\tijk\"" };
    for (size_t i = 0; i < KT_LEN(good); i++) {
        kt_json j = { .s = kt_str_of(good[i]) };
        assert_true(kt_json_skip(&j, NULL) && kt_json_end(&j));
    }
    for (size_t i = 0; i < KT_LEN(bad); i++) {
        kt_json j = { .s = kt_str_of(bad[i]) };
        assert_false(kt_json_skip(&j, NULL) && kt_json_end(&j));
        assert_non_null(j.wrong);
    }
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1000);
    kt_str raw = KT_S("quote \" back \\ nl \n tab \t nul-ish \x01 é"), back;
    kt_buf_json(&b, raw);
    kt_json j = { .s = KT_BUF_STR(&b) };
    assert_true(kt_json_string(&j, &a, &back) && kt_str_eq(raw, back));
    KT_AUTO(kt_buf) deep = KT_BUF_INIT(1000);
    for (int i = 0; i < 100; i++)
        kt_buf_char(&deep, '[');
    j = (kt_json){ .s = KT_BUF_STR(&deep) };
    assert_false(kt_json_skip(&j, NULL));
}

static void yaml(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_err err = { 0 };
    kt_yaml *y;
    assert_int_equal(kt_yaml_parse(KT_S("task: text\nlabels: [a, 'b']\nbudget:\n  error: 0.02\n"), "p.yaml", &a, &y, &err), 0);
    double d = 0;
    assert_int_equal(kt_yaml_f64(kt_yaml_get(y, "budget"), "error", "p.yaml", (double[]){ 0, 1 }, &d, &err), 0);
    kt_assert_close(d, 0.02, 0);
    assert_int_equal(kt_yaml_get(y, "labels")->n, 2);
    static const char *const known[] = { "task", "labels", "budgets" };
    assert_int_equal(kt_yaml_known(y, known, 3, "p.yaml", &err), KT_RANGE);
    assert_int_equal(err.line, 4);
    assert_non_null(strstr(err.hint, "budgets"));
    assert_true(kt_yaml_parse(KT_S("a: 1\na: 2\n"), "p", &a, &y, &err) < 0);
    assert_true(kt_yaml_parse(KT_S(""), "p", &a, &y, &err) < 0);
    assert_true(kt_yaml_parse(KT_S("a: [1, 2"), "p", &a, &y, &err) < 0);
    assert_true(kt_yaml_parse(KT_S("a: &x 1\nb: *x\n"), "p", &a, &y, &err) < 0);
}

static void buffers(void **state)
{
    (void)state;
    KT_AUTO(kt_buf) b = KT_BUF_INIT(10);
    kt_buf_puts(&b, "0123456789");
    assert_false(b.failed);
    kt_buf_char(&b, 'x');
    assert_true(b.failed);
    assert_int_equal(b.n, 10);
    KT_AUTO(kt_buf) v = KT_BUF_INIT(1000);
    for (int s = 0; s < 64; s++)
        kt_buf_varint(&v, (uint64_t)1 << s);
    size_t at = 0;
    uint64_t got;
    for (int s = 0; s < 64; s++)
        assert_true(kt_varint_read(KT_BUF_STR(&v), &at, &got) && got == (uint64_t)1 << s);
    assert_false(kt_varint_read(KT_BUF_STR(&v), &at, &got));
}

static void random_numbers(void **state)
{
    (void)state;
    kt_rng r = kt_rng_keyed(1, 2, 3), same = kt_rng_keyed(1, 2, 3), other = kt_rng_keyed(1, 2, 4);
    assert_true(kt_rng_u64(&r) == kt_rng_u64(&same) && kt_rng_u64(&r) != kt_rng_u64(&other));
    uint64_t got[500];
    kt_rng_sample(&r, 500, 500, got); /* a permutation */
    bool seen[500] = { false };
    for (int i = 0; i < 500; i++) {
        assert_false(seen[got[i]]);
        seen[got[i]] = true;
    }
    double sum = 0, sq = 0;
    for (int i = 0; i < 100000; i++) {
        double x = kt_rng_normal(&r);
        sum += x;
        sq += x * x;
    }
    kt_assert_close(sum / 1e5, 0, 0.02);
    kt_assert_close(sq / 1e5, 1, 0.03);
}

static void square(void *ctx, size_t i)
{
    ((uint64_t *)ctx)[i] += i * i;
}

static void threads_and_maps(void **state)
{
    (void)state;
    static uint64_t v[1000];
    kt_pool *p = kt_pool_new(3);
    for (int round = 1; round <= 20; round++)
        kt_pool_run(p, 1000, square, v);
    kt_pool_free(p);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(v[i], 20 * i * i);
    kt_map m = { 0 };
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(kt_map_put(&m, kt_mix64(i), i), i);
    assert_int_equal(kt_map_put(&m, kt_mix64(77), 5), 77);
    assert_int_equal(kt_map_get(&m, kt_mix64(9999)), 9999);
    assert_int_equal(kt_map_get(&m, kt_mix64(10000)), -1);
    kt_map_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(utf8), cmocka_unit_test(finding), cmocka_unit_test(json), cmocka_unit_test(yaml),
        cmocka_unit_test(buffers), cmocka_unit_test(random_numbers), cmocka_unit_test(threads_and_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
