/* Tables of items. Checked against: what kt_buf_csv writes (RFC 4180), read back whole and in blocks of every small size; and the quotes of the
   standard's own rules, by hand. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "format/reader.h"
#include "kt_test.h"

#include <stdlib.h>

extern const kt_reader kt_reader_csv, kt_reader_tsv;

enum { ROWS = 300 };

typedef struct table {
    kt_batch batch;
    kt_rejects rejects;
} table;

static void read_table(const kt_reader *reader, kt_str data, size_t step, table *ret)
{
    const kt_field_map map = { .id = KT_S("id"), .text = KT_S("text"), .root = KT_S("/nowhere"), .keep_meta = true };
    kt_layout l = KT_LAYOUT_INIT;
    kt_err err = { 0 };
    size_t at;
    uint64_t line = 0, lines;
    *ret = (table){ 0 };
    assert_int_equal(reader->head(&map, data, &l, &at, &line, &err), 0);
    line++;
    for (size_t want = step; at < data.n;) {
        size_t n = KT_MIN(want, data.n - at), got = reader->split(&l, (kt_str){ data.p + at, n }, n == data.n - at, &lines);
        if (!got) {
            want *= 2;
            continue;
        }
        assert_int_equal(reader->parse(&l, (kt_str){ data.p + at, got }, line, &ret->batch, &ret->rejects, &err), 0);
        at += got;
        line += lines;
        want = step;
    }
    kt_layout_done(&l);
}

static void table_done(table *t)
{
    kt_batch_done(&t->batch);
    kt_rejects_done(&t->rejects);
}

/* Fields made of what quoting is about: quotes alone and in a row, separators, line ends, letters of one to four bytes. */
static kt_str draw_field(kt_rng *g, kt_arena *a)
{
    static const char *const part[] = { "\"", "\"\"", ",", "\n", "\r\n", " ", "a", "é", "語", "😀" };
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1000);
    kt_buf_puts(&b, "x"); /* a text that is only white space is no text */
    for (uint64_t n = kt_rng_below(g, 9); n > 0; n--)
        kt_buf_puts(&b, part[kt_rng_below(g, KT_LEN(part))]);
    if (kt_rng_below(g, 2))
        kt_buf_puts(&b, "\"");
    return kt_arena_str(a, KT_BUF_STR(&b));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    KT_AUTO(kt_buf) file = KT_BUF_INIT((size_t)1 << 20);
    kt_str id[ROWS], text[ROWS];
    kt_rng g = kt_rng_keyed(4, 1, 8);
    kt_buf_puts(&file, "id,text\n");
    for (int i = 0; i < ROWS; i++) {
        id[i] = draw_field(&g, &a);
        text[i] = draw_field(&g, &a);
        kt_buf_csv(&file, id[i], ',');
        kt_buf_char(&file, ',');
        kt_buf_csv(&file, text[i], ',');
        kt_buf_char(&file, '\n');
    }
    for (size_t step = 1; step < 100000; step = step * 3 + 1) {
        table t;
        read_table(&kt_reader_csv, KT_BUF_STR(&file), step, &t);
        assert_int_equal(t.rejects.n, 0);
        assert_int_equal(t.batch.n, ROWS);
        for (int i = 0; i < ROWS; i++)
            assert_true(kt_str_eq(t.batch.v[i].ext_id, id[i]) && kt_str_eq(t.batch.v[i].text, text[i]));
        table_done(&t);
    }
}

static void quotes_by_hand(void **state)
{
    (void)state;
    static const struct { const char *line, *text; } row[] = { /* text NULL: refused */
        { "1,\"He said \"\"hi\"\"\"\n", "He said \"hi\"" }, { "1,\"\"\"b\"\"\"\n", "\"b\"" }, { "1,\"a\"\"\"\n", "a\"" }, { "1,\"\"\"\"\"\"\n", "\"\"" },
        { "1,a\"b\n", "a\"b" }, { "1,\"\"\"\"\"\"x\n", NULL }, { "1,\"a\" b\n", NULL }, { "1,\"a\n", NULL },
    };
    for (size_t i = 0; i < KT_LEN(row); i++) {
        KT_AUTO(kt_buf) file = KT_BUF_INIT(1000);
        table t;
        kt_buf_puts(&file, "id,text\n");
        kt_buf_puts(&file, row[i].line);
        read_table(&kt_reader_csv, KT_BUF_STR(&file), 1000, &t);
        assert_int_equal(t.batch.n, row[i].text != NULL);
        assert_int_equal(t.rejects.n, row[i].text == NULL);
        if (row[i].text)
            assert_true(kt_str_eq(t.batch.v[0].text, kt_str_of(row[i].text)));
        table_done(&t);
    }
}

/* In a TSV quotes that do not close the field are part of it. */
static void tabs_take_quotes_as_they_are(void **state)
{
    (void)state;
    table t;
    read_table(&kt_reader_tsv, KT_S("id\ttext\n1\t\"quoted \"\"twice\"\"\"\n2\t\"open\n3\t\"a\" b\n"), 1000, &t);
    assert_int_equal(t.rejects.n, 0);
    assert_int_equal(t.batch.n, 3);
    assert_true(kt_str_eq(t.batch.v[0].text, KT_S("quoted \"twice\"")));
    assert_true(kt_str_eq(t.batch.v[1].text, KT_S("\"open")));
    assert_true(kt_str_eq(t.batch.v[2].text, KT_S("\"a\" b")));
    table_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_written_is_read), cmocka_unit_test(quotes_by_hand), cmocka_unit_test(tabs_take_quotes_as_they_are) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
