/* Rows out of a pipe in pieces of 1, 2, 3, 7 and 4096 bytes are, field by field and line by line, those of the whole text read at
   once (rows.h), or fail with the same message at the same line; also texts drawn at random from the characters that matter. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "format/row_stream.h"
#include "kt_test.h"

#include <unistd.h>

static void show(kt_buf *b, const kt_rows *r)
{
    kt_buf_printf(b, "%llu", (unsigned long long)r->line);
    for (size_t c = 0; c < r->n_columns; c++) {
        kt_buf_char(b, '|');
        kt_buf_str(b, r->field[c]);
    }
    kt_buf_char(b, '\n');
}

static void end(kt_buf *b, kt_rc rc, const kt_err *err)
{
    kt_buf_printf(b, "%d", rc);
    if (rc < 0)
        kt_buf_printf(b, " line %llu: %s", (unsigned long long)err->line, err->what);
}

static void whole(kt_str text, kt_buf *b)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_rows r;
    kt_err err = { 0 };
    kt_rc rc = kt_rows_open(&r, "-", text, false, &a, &err);
    while (rc == 0 && (rc = kt_rows_next(&r, &err)) == 0)
        show(b, &r);
    end(b, rc, &err);
}

static void pieces(kt_str text, size_t piece, kt_buf *b)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_row_stream s;
    kt_err err = { 0 };
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(write(fd[1], text.p, text.n), text.n);
    close(fd[1]);
    kt_rc rc = kt_row_stream_from(&s, fd[0], piece, "-", &a, &err);
    if (rc == 0)
        rc = kt_row_stream_header(&s, &err);
    while (rc == 0 && (rc = kt_row_stream_next(&s, &err)) == 0)
        show(b, &s.rows);
    end(b, rc, &err);
    kt_row_stream_done(&s);
}

static void same(kt_str text)
{
    static const size_t sizes[] = { 1, 2, 3, 7, 4096 };
    KT_AUTO(kt_buf) want = KT_BUF_INIT(1 << 20);
    whole(text, &want);
    bool bytes = want.p && strstr(want.p, "not UTF-8"); /* seen before the first row in one, at its place in the other */
    for (size_t i = 0; i < KT_LEN(sizes); i++) {
        KT_AUTO(kt_buf) got = KT_BUF_INIT(1 << 20);
        pieces(text, sizes[i], &got);
        if (bytes ? !strstr(got.p, want.p) : strcmp(got.p, want.p) != 0)
            fail_msg("in pieces of %zu:\n%.*s\ngave\n%s\nnot\n%s", sizes[i], KT_F(text), got.p, want.p);
    }
}

static void given(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "\n", "a,b\n", "a,b", "a,b\n1,2\n3,4", "a,b\r\n1,2\r\n\r\n3,4\r\n", ("\xef\xbb\xbf" "a\tb\n1\t2\n"), "a;b\n\"x;\"\"y\";2\n", "a,b\n\"two\nlines\",2\n3,4\n",
        "a,b\n1\n", "a,b\n1,2,3\n", "a,b\n\"never ends,2\n3,4\n", "a,b\n\"x\"y,2\n", "a,a\n1,2\n", "a,b\n\"\",\"\"\n", "ä,ö\nü,€\n", "a,b\n1,\xff\n",
        "a,b\n1,\xe2\x82", "{\"a\":1,\"b\":\"x\\u00e4\"}\n{\"b\":null,\"a\":true}\n", "[\n {\"a\": 1,\n  \"b\": 2},\n {\"a\": 3}\n]\n", "{\"a\":1}\n{\"a\":}\n",
        "{\"a\":1}\n{\"a\":tru}\n", "{\"a\":1}\n{\"a\":1", "{\"a\":1}\nx\n", "{\"a\":\"\\u12\"}", "  {\"a\":-1.5e3}{\"a\":2}",
    };
    for (size_t i = 0; i < KT_LEN(texts); i++)
        same(kt_str_of(texts[i]));
}

static void drawn(void **state)
{
    (void)state;
    static const char *const bits[2][12] = { { "a", ",", "\n", "\"", "\"\"", "\r\n", "b", "€", ",", "\n", "x,y\n", "\"q\"" },
                                             { "{", "}", "\"a\"", ":", "1", ",", "\n", "\"b\":2", "null", "{\"a\":1}", "\\", "\"\\u00e9\"" } };
    kt_rng r = kt_rng_keyed(3, 0, 0);
    for (int n = 0; n < 4000; n++) {
        KT_AUTO(kt_buf) b = KT_BUF_INIT(1 << 16);
        kt_buf_puts(&b, n % 2 ? "{\"a\":0,\"b\":1}\n" : "x,y\n");
        for (uint64_t k = kt_rng_below(&r, 20); k > 0; k--)
            kt_buf_puts(&b, bits[n % 2][kt_rng_below(&r, 12)]);
        same(KT_BUF_STR(&b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(given), cmocka_unit_test(drawn) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
