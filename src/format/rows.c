#include "format/rows.h"

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAX_COLUMNS 65536

kt_rc kt_rows_at(const kt_rows *r, const char *field, kt_err *err)
{
    return kt_at(err, r->path, r->line, field);
}

void kt_rows_columns(const kt_rows *r, char *dst, size_t size)
{
    size_t n = 0;
    dst[0] = 0;
    for (size_t c = 0; c < r->n_columns && n < size; c++)
        n += (size_t)snprintf(dst + n, size - n, "%s%.*s", c ? ", " : "", KT_F(r->column[c]));
}

size_t kt_rows_column(const kt_rows *r, kt_str name)
{
    for (size_t c = 0; c < r->n_columns; c++)
        if (kt_str_ieq(r->column[c], name))
            return c;
    return SIZE_MAX;
}

/* ---- delimited ---- */

/* A quoted field at r->at; steps behind the closing quote. */
static kt_rc quoted(kt_rows *r, kt_str *ret, kt_err *err)
{
    size_t from = ++r->at, doubled = 0;
    for (;; r->at++) {
        if (r->at >= r->text.n) {
            kt_fail(err, KT_PARSE, "a quoted field does not end");
            kt_rows_at(r, NULL, err);
            return KT_PARSE;
        }
        char c = r->text.p[r->at];
        r->next_line += c == '\n';
        if (c != '"')
            continue;
        if (r->at + 1 >= r->text.n || r->text.p[r->at + 1] != '"')
            break;
        doubled++;
        r->at++;
    }
    *ret = (kt_str){ r->text.p + from, r->at++ - from };
    if (doubled) {
        char *copy = kt_arena_alloc(r->a, ret->n);
        size_t n = 0;
        for (size_t i = 0; i < ret->n; i++) {
            copy[n++] = ret->p[i];
            i += ret->p[i] == '"';
        }
        *ret = (kt_str){ copy, n };
    }
    return 0;
}

/* The field at r->at into *ret; r->at then stands on the separator, the line's end or the end of the text. */
static inline kt_rc read_field(kt_rows *r, kt_str *ret, kt_err *err)
{
    const char *p = r->text.p + r->at, *end = r->text.p + r->text.n, *from = p;
    if (p < end && *p == '"') {
        KT_TRY(quoted(r, ret, err));
        if (r->at < r->text.n && r->text.p[r->at] != r->sep && r->text.p[r->at] != '\n' && r->text.p[r->at] != '\r') {
            kt_fail(err, KT_PARSE, "text after a closing quote");
            kt_rows_at(r, NULL, err);
            return KT_PARSE;
        }
        if (r->at < r->text.n && r->text.p[r->at] == '\r')
            r->at++;
        return 0;
    }
    while (p < end && *p != r->sep && *p != '\n')
        p++;
    r->at = (size_t)(p - r->text.p);
    size_t n = (size_t)(p - from);
    if (n && from[n - 1] == '\r' && (p == end || *p == '\n'))
        n--;
    *ret = (kt_str){ from, n };
    return 0;
}

static kt_rc next_line(kt_rows *r, kt_err *err)
{
    for (;;) {
        if (r->at >= r->text.n)
            return KT_DONE;
        size_t n = 0;
        r->line = r->next_line;
        for (;;) {
            kt_str f;
            KT_TRY(read_field(r, &f, err));
            if (n < r->n_columns)
                r->field[n] = f;
            n++;
            if (r->at >= r->text.n || r->text.p[r->at] != r->sep)
                break;
            r->at++;
        }
        if (r->at < r->text.n) {
            r->at++;
            r->next_line++;
        }
        if (n == 1 && r->field[0].n == 0 && r->n_columns > 1)
            continue;
        if (n == r->n_columns)
            return 0;
        kt_fail(err, KT_PARSE, "%zu fields; the header has %zu", n, r->n_columns);
        kt_rows_at(r, NULL, err);
        return KT_PARSE;
    }
}

static kt_rc keep_columns(kt_rows *r, const kt_str *name, size_t n, kt_err *err)
{
    kt_map seen = { 0 };
    r->n_columns = n;
    r->column = kt_arena_array(r->a, n + 1, sizeof(kt_str));
    r->field = kt_arena_array(r->a, n + 1, sizeof(kt_str));
    kt_rc rc = 0;
    for (size_t c = 0; c < n && rc == 0; c++) {
        r->column[c] = name[c];
        if (kt_map_put(&seen, XXH3_64bits(name[c].p, name[c].n), (uint32_t)c) != c) {
            kt_fail(err, KT_PARSE, "column %.*s occurs twice", KT_F(name[c]));
            kt_at(err, r->path, 1, NULL);
            rc = KT_PARSE;
        }
    }
    kt_map_done(&seen);
    return rc;
}

static kt_rc delimited_header(kt_rows *r, bool no_header, kt_err *err)
{
    const char *head = r->text.p + r->at, *nl = r->text.n > r->at ? memchr(head, '\n', r->text.n - r->at) : NULL;
    size_t n = nl ? (size_t)(nl - head) : r->text.n - r->at, from = r->at;
    if (n == 0) {
        kt_fail(err, KT_PARSE, r->text.n ? "the first line is empty" : "the file is empty");
        kt_rows_at(r, NULL, err);
        return KT_PARSE;
    }
    r->sep = memchr(head, '\t', n) ? '\t' : !memchr(head, ',', n) && memchr(head, ';', n) ? ';' : ',';
    KT_VEC(kt_str) v = { 0 };
    kt_rc rc = 0;
    while (rc == 0) {
        kt_str f;
        if ((rc = read_field(r, &f, err)) < 0)
            break;
        f = no_header ? kt_arena_printf(r->a, "%zu", v.n + 1) : kt_str_trim(f);
        KT_PUSH(&v, f);
        if (v.n > MAX_COLUMNS)
            rc = kt_fail(err, KT_LIMIT, "more than %d columns", MAX_COLUMNS);
        if (r->at >= r->text.n || r->text.p[r->at++] != r->sep)
            break;
    }
    r->next_line++;
    if (no_header) {
        r->at = from;
        r->next_line = 1;
    }
    if (rc == 0)
        rc = keep_columns(r, v.v, v.n, err);
    KT_VEC_DONE(&v);
    return rc;
}

/* ---- JSON ---- */

static kt_rc bad_json(kt_rows *r, const char *what, kt_err *err)
{
    kt_fail(err, KT_PARSE, "%s", what ? what : "expected a JSON object");
    kt_rows_at(r, NULL, err);
    return KT_PARSE;
}

/* Steps over white space, and over what stands between the objects of an array. */
static void between(kt_rows *r)
{
    for (; r->at < r->text.n; r->at++) {
        char c = r->text.p[r->at];
        r->next_line += c == '\n';
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t' && c != ',' && c != '[' && c != ']')
            break;
    }
}

static bool value(kt_json *j, kt_arena *a, kt_str *ret)
{
    int kind = kt_json_peek(j);
    if (kind == KT_JSON_STRING)
        return kt_json_string(j, a, ret);
    if (!kt_json_skip(j, ret))
        return false;
    if (kind == KT_JSON_NULL)
        *ret = (kt_str){ NULL, 0 };
    return true;
}

/* Reads the object at r->at: its keys into *ret_keys (then no fields are kept), or its fields. */
static kt_rc object(kt_rows *r, kt_str **ret_keys, size_t *ret_n, kt_err *err)
{
    kt_json j = { .s = r->text, .at = r->at };
    KT_VEC(kt_str) keys = { 0 };
    bool first = true;
    size_t guess = 0;
    kt_str key, v;
    r->line = r->next_line;
    if (!kt_json_enter(&j, '{'))
        return bad_json(r, j.wrong, err);
    while (kt_json_field(&j, &first, r->a, &key) && value(&j, r->a, &v)) {
        if (ret_keys) {
            KT_PUSH(&keys, key);
            continue;
        }
        if (guess >= r->n_columns || !kt_str_eq(r->column[guess], key)) /* keys nearly always come in the same order */
            for (guess = 0; guess < r->n_columns && !kt_str_eq(r->column[guess], key); guess++)
                ;
        if (guess < r->n_columns)
            r->field[guess++] = v;
    }
    for (size_t i = r->at; i < j.at; i++)
        r->next_line += r->text.p[i] == '\n';
    r->at = j.at;
    if (ret_keys) {
        *ret_n = keys.n;
        *ret_keys = keys.v;
    }
    return j.wrong ? bad_json(r, j.wrong, err) : 0;
}

static kt_rc next_object(kt_rows *r, kt_err *err)
{
    between(r);
    if (r->at >= r->text.n)
        return KT_DONE;
    memset(r->field, 0, r->n_columns * sizeof(*r->field));
    return object(r, NULL, NULL, err);
}

static kt_rc json_header(kt_rows *r, kt_err *err)
{
    kt_str *keys = NULL;
    size_t n = 0;
    between(r);
    size_t from = r->at;
    uint64_t line = r->next_line;
    kt_rc rc = r->at < r->text.n ? object(r, &keys, &n, err) : 0;
    if (rc == 0)
        rc = keep_columns(r, keys, n, err);
    kt_free(keys);
    r->at = from;
    r->next_line = line;
    return rc;
}

/* ---- both ---- */

kt_rc kt_rows_open(kt_rows *r, const char *path, kt_str text, bool no_header, kt_arena *a, kt_err *err)
{
    size_t bad;
    *r = (kt_rows){ .path = path, .text = text, .line = 1, .next_line = 1, .a = a };
    if (!kt_utf8_valid(text, &bad)) {
        for (size_t i = 0; i < bad; i++)
            r->line += text.p[i] == '\n';
        kt_fail(err, KT_PARSE, "not UTF-8 (byte 0x%02x)", (unsigned char)text.p[bad]);
        kt_rows_at(r, NULL, err);
        return KT_PARSE;
    }
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        r->at = 3;
    size_t front = r->at;
    while (front < text.n && (text.p[front] == ' ' || text.p[front] == '\n' || text.p[front] == '\r' || text.p[front] == '\t'))
        front++;
    if (front < text.n && (text.p[front] == '{' || text.p[front] == '['))
        return json_header(r, err);
    return delimited_header(r, no_header, err);
}

kt_rc kt_rows_next(kt_rows *r, kt_err *err)
{
    return r->sep ? next_line(r, err) : next_object(r, err);
}
