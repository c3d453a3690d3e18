#include "cli/table_file.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>

#define MAX_FILE_BYTES ((size_t)1 << 34)

struct reading {
    kt_str text;
    size_t at;
    uint64_t line;
    char sep;
    kt_arena *a;
};

/* The field at r->at, which then stands on its separator, its line's end or the end; false for a quote without end. */
static bool read_field(struct reading *r, kt_str *ret)
{
    const char *p = r->text.p;
    size_t n = r->text.n, from = r->at;
    if (from >= n || p[from] != '"') {
        while (r->at < n && p[r->at] != r->sep && p[r->at] != '\n')
            r->at++;
        size_t end = r->at > from && p[r->at - 1] == '\r' ? r->at - 1 : r->at;
        *ret = (kt_str){ p + from, end - from };
        return true;
    }
    char *copy = NULL;
    size_t m = 0;
    for (from = ++r->at; r->at < n; r->at++) {
        if (p[r->at] == '\n')
            r->line++;
        if (p[r->at] != '"')
            continue;
        if (r->at + 1 >= n || p[r->at + 1] != '"')
            break;
        r->at++;
    }
    if (r->at >= n)
        return false;
    copy = kt_arena_alloc(r->a, r->at - from + 1);
    for (size_t i = from; i < r->at; i++) {
        copy[m++] = p[i];
        i += p[i] == '"';
    }
    *ret = (kt_str){ copy, m };
    r->at++;
    if (r->at < n && p[r->at] == '\r')
        r->at++;
    return true;
}

typedef KT_VEC(kt_str) cells;

/* One line's fields onto v; KT_DONE at the end of the text. */
static kt_rc read_line(struct reading *r, const char *path, cells *v, kt_err *err)
{
    uint64_t line = r->line;
    if (r->at >= r->text.n)
        return KT_DONE;
    for (;;) {
        kt_str field;
        if (!read_field(r, &field)) {
            kt_fail(err, KT_PARSE, "a quoted field does not end");
            kt_at(err, path, line, NULL);
            return KT_PARSE;
        }
        KT_PUSH(v, field);
        if (r->at >= r->text.n || r->text.p[r->at] != r->sep)
            break;
        r->at++;
    }
    if (r->at < r->text.n && r->text.p[r->at] != '\n') {
        kt_fail(err, KT_PARSE, "text after a closing quote");
        kt_at(err, path, line, NULL);
        return KT_PARSE;
    }
    r->at += r->at < r->text.n;
    r->line++;
    return 0;
}

static kt_rc read_rows(struct reading *r, kt_table_file *t, cells *v, kt_err *err)
{
    KT_VEC(uint64_t) line = { 0 };
    kt_rc rc = 0;
    for (;;) {
        size_t before = v->n;
        uint64_t at = r->line;
        rc = read_line(r, t->path, v, err);
        if (rc)
            break;
        if (v->n - before == 1 && v->v[before].n == 0) {
            v->n = before; /* a blank line */
            continue;
        }
        if (v->n - before != t->n_columns) {
            rc = kt_fail(err, KT_PARSE, "%zu fields; the header has %zu", v->n - before, t->n_columns);
            kt_at(err, t->path, at, NULL);
            break;
        }
        KT_PUSH(&line, at);
    }
    t->n_rows = line.n;
    t->line = kt_arena_array(r->a, line.n + 1, sizeof(*t->line));
    if (line.n)
        memcpy(t->line, line.v, line.n * sizeof(*t->line));
    KT_VEC_DONE(&line);
    return rc < 0 ? rc : 0;
}

static kt_rc read_table(kt_table_file *t, kt_arena *a, kt_err *err)
{
    struct reading r = { .text = KT_BUF_STR(&t->text), .line = 1, .a = a };
    cells v = { 0 };
    size_t bad;
    if (!kt_utf8_valid(r.text, &bad)) {
        kt_fail(err, KT_PARSE, "not UTF-8");
        kt_at(err, t->path, 0, NULL);
        return KT_PARSE;
    }
    if (r.text.n >= 3 && memcmp(r.text.p, "\xef\xbb\xbf", 3) == 0)
        r.at = 3;
    const char *nl = r.text.n > r.at ? memchr(r.text.p + r.at, '\n', r.text.n - r.at) : NULL;
    size_t head = nl ? (size_t)(nl - r.text.p) - r.at : r.text.n - r.at;
    if (head == 0) {
        kt_fail(err, KT_PARSE, "the first line is empty; it should name the columns");
        kt_at(err, t->path, 1, NULL);
        return KT_PARSE;
    }
    r.sep = memchr(r.text.p + r.at, '\t', head) ? '\t' : !memchr(r.text.p + r.at, ',', head) && memchr(r.text.p + r.at, ';', head) ? ';' : ',';
    kt_rc rc = read_line(&r, t->path, &v, err);
    if (rc == 0) {
        t->n_columns = v.n;
        t->column = kt_arena_array(a, v.n, sizeof(kt_str));
        memcpy(t->column, v.v, v.n * sizeof(kt_str));
        v.n = 0;
        rc = read_rows(&r, t, &v, err);
    }
    t->cell = kt_arena_array(a, v.n + 1, sizeof(kt_str));
    if (v.n)
        memcpy(t->cell, v.v, v.n * sizeof(kt_str));
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}

kt_rc kt_table_file_read(const char *path, kt_arena *a, kt_table_file *ret, kt_err *err)
{
    *ret = (kt_table_file){ .path = path, .text = KT_BUF_INIT(MAX_FILE_BYTES) };
    kt_rc rc = kt_file_read(path, &ret->text, err);
    if (rc == 0)
        rc = read_table(ret, a, err);
    if (rc < 0)
        kt_table_file_done(ret);
    return rc;
}

void kt_table_file_done(kt_table_file *t)
{
    kt_buf_done(&t->text);
}

kt_rc kt_table_file_column(const kt_table_file *t, const char *const *names, size_t *ret, kt_err *err)
{
    char have[120] = "";
    size_t n = 0;
    for (size_t c = 0; c < t->n_columns; c++)
        for (const char *const *name = names; *name; name++)
            if (kt_str_ieq(t->column[c], kt_str_of(*name))) {
                *ret = c;
                return 0;
            }
    for (size_t c = 0; c < t->n_columns && n < sizeof(have); c++)
        n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%.*s", c ? ", " : "", KT_F(t->column[c]));
    kt_fail(err, KT_PARSE, "no column '%s'; the first line names: %s", names[0], have);
    kt_at(err, t->path, 1, names[0]);
    return KT_PARSE;
}
