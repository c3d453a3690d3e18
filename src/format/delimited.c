/* RFC 4180 and what the world writes instead: LF or CRLF, a quote counts only at the front of a field, quotes inside are
   doubled, line ends may stand inside quotes. A quote that never closes (by the end of the source, or within
   KT_MAX_LINE_BYTES) costs its first line only: that line is rejected and reading goes on behind it.

   TSV differs in one thing: a record is a line. A field is unquoted when the quotes close at its end, else it is taken
   as it stands, because many tab-separated files (corpora, database dumps) know no quoting. */
#include "format/delimited.h"

#include "base/limits.h"
#include "base/str.h"

#include <string.h>

#define MAX_COLUMNS 10000 /* more is not a table of items */

typedef struct cell {
    kt_str s;       /* between the quotes, or the bare field */
    bool doubled;   /* holds "" to be undone */
    bool unclosed, trailing; /* broken quoting */
} cell;

/* Length of the record at the front of s, its line end included; 0 when more bytes are needed (never when last).
   *ret_lines: physical lines in it. */
static size_t record_len(kt_str s, char sep, bool last, uint64_t *ret_lines)
{
    const char *lf = memchr(s.p, '\n', s.n);
    size_t line = lf ? (size_t)(lf - s.p) + 1 : s.n, n = KT_MIN(s.n, KT_MAX_LINE_BYTES), i = 0;
    *ret_lines = 1;
    if (sep == '\t' || !memchr(s.p, '"', line))
        return lf || last || s.n > KT_MAX_LINE_BYTES ? line : 0;
    for (;; i++) {
        if (i < n && s.p[i] == '"') {
            do {
                const char *q = i + 1 < n ? memchr(s.p + i + 1, '"', n - i - 1) : NULL;
                i = q ? (size_t)(q - s.p) + 1 : n + 1;
            } while (i < n && s.p[i] == '"');
            if (i > n || (i == n && !last))
                break; /* open, or the last byte may be the first half of a doubled quote */
        }
        while (i < n && s.p[i] != sep && s.p[i] != '\n')
            i++;
        if (i == n)
            break;
        if (s.p[i] == '\n') {
            if (i >= line)
                *ret_lines = kt_count_lines((kt_str){ s.p, i + 1 });
            return i + 1;
        }
    }
    if (s.n > KT_MAX_LINE_BYTES || (last && i > n))
        return line;
    if (!last)
        return 0;
    *ret_lines = kt_count_lines(s) + 1;
    return s.n;
}

/* The field at *at of the record; *at moves behind its separator, or past s.n after the last one. */
static cell next_cell(kt_str s, char sep, size_t *at)
{
    size_t i = *at;
    cell c = { .s = { s.p + i, 0 } };
    if (i < s.n && s.p[i] == '"') {
        size_t from = i + 1;
        for (;;) { /* i: the quote that opens, or the second of two */
            const char *q = i + 1 < s.n ? memchr(s.p + i + 1, '"', s.n - i - 1) : NULL;
            if (!q) {
                c.unclosed = true;
                break;
            }
            i = (size_t)(q - s.p) + 1;
            if (i >= s.n || s.p[i] != '"')
                break;
            c.doubled = true;
        }
        c.trailing = !c.unclosed && i < s.n && s.p[i] != sep;
        if (!c.unclosed && !c.trailing) {
            c.s = (kt_str){ s.p + from, i - 1 - from };
            *at = i + 1;
            return c;
        }
        i = *at;
        if (sep == '\t')
            c = (cell){ .s = { s.p + i, 0 } };
    }
    const char *end = i < s.n ? memchr(s.p + i, sep, s.n - i) : NULL;
    c.s.n = end ? (size_t)(end - s.p) - i : s.n - i;
    *at = i + c.s.n + 1;
    return c;
}

static kt_str undouble(kt_str s, kt_arena *a)
{
    char *out = kt_arena_alloc(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        out[n++] = s.p[i];
        i += s.p[i] == '"';
    }
    return (kt_str){ out, n };
}

static kt_str without_end(kt_str s)
{
    s.n -= s.n && s.p[s.n - 1] == '\n';
    s.n -= s.n && s.p[s.n - 1] == '\r';
    return s;
}

static char find_sep(kt_str header)
{
    static const char seps[] = ",;|";
    size_t count[3] = { 0 };
    bool quoted = false;
    for (size_t i = 0; i < header.n; i++) {
        quoted ^= header.p[i] == '"';
        for (int k = 0; k < 3; k++)
            count[k] += !quoted && header.p[i] == seps[k];
    }
    return count[0] ? ',' : count[1] ? ';' : count[2] ? '|' : ',';
}

static kt_rc read_header(kt_str header, kt_layout *ret, kt_err *err)
{
    KT_VEC(kt_str) names = { 0 };
    size_t bad = 0;
    kt_rc rc = 0;
    if (!kt_utf8_valid(header, &bad))
        return kt_fail(err, KT_PARSE, "the header line is not valid UTF-8 at byte %zu", bad);
    for (size_t at = 0; at <= header.n && rc == 0;) {
        cell c = next_cell(header, ret->sep, &at);
        kt_str name = c.doubled ? undouble(c.s, &ret->arena) : c.s;
        name = kt_str_trim(name);
        if (c.unclosed || c.trailing)
            rc = kt_fail(err, KT_PARSE, "the header line has a quote that does not close its field (column %zu)", names.n + 1);
        else if (names.n == MAX_COLUMNS)
            rc = kt_fail(err, KT_LIMIT, "more than %d columns", MAX_COLUMNS);
        if (rc == 0) {
            name = name.n ? kt_arena_str(&ret->arena, name) : kt_arena_printf(&ret->arena, "column_%zu", names.n + 1);
            KT_PUSH(&names, name);
        }
    }
    if (rc == 0) {
        ret->n_columns = names.n;
        ret->column = kt_arena_array(&ret->arena, names.n, sizeof(kt_str));
        memcpy(ret->column, names.v, names.n * sizeof(kt_str)); /* n > 0: even "" is one field */
    }
    KT_VEC_DONE(&names);
    return rc;
}

kt_rc kt_delimited_head(const kt_field_map *map, kt_str data, kt_layout *ret, size_t *ret_used, uint64_t *ret_lines, kt_err *err)
{
    size_t at;
    uint64_t lines = 0, n_lines;
    KT_TRY(kt_front(data, &at, err));
    kt_layout_map(ret, map);
    kt_str header = { NULL, 0 };
    while (header.n == 0 && at < data.n) {
        kt_str rest = { data.p + at, data.n - at };
        size_t len = record_len(rest, ret->sep ? ret->sep : ',', true, &n_lines);
        header = kt_str_trim((kt_str){ rest.p, len }).n ? without_end((kt_str){ rest.p, len }) : (kt_str){ NULL, 0 };
        at += len;
        lines += n_lines;
    }
    if (header.n == 0) {
        kt_fail(err, KT_PARSE, "empty: there is no header line");
        return kt_hint(err, "the first line must name the columns"), KT_PARSE;
    }
    if (header.n > KT_MAX_LINE_BYTES)
        return kt_fail(err, KT_LIMIT, "the header line is longer than 16 MiB");
    if (!ret->sep)
        ret->sep = find_sep(header);
    KT_TRY(read_header(header, ret, err));
    KT_TRY(kt_layout_columns(ret, err));
    *ret_used = at;
    *ret_lines = lines;
    return 0;
}

size_t kt_delimited_split(const kt_layout *l, kt_str data, bool eof, uint64_t *ret_lines)
{
    size_t at = 0;
    uint64_t lines = 0, n;
    if (l->sep == '\t')
        return kt_split_lines(l, data, eof, ret_lines);
    while (at < data.n) {
        size_t len = record_len((kt_str){ data.p + at, data.n - at }, l->sep, eof, &n);
        if (len == 0)
            break;
        at += len;
        lines += n - (!eof && data.p[at - 1] != '\n'); /* cut by force, its line goes on */
    }
    *ret_lines = lines;
    return at;
}

/* Reads one record; false after a reject. */
static bool one_record(const kt_layout *l, kt_record *r, kt_buf *meta, kt_arena *a, kt_rejects *rej)
{
    size_t c = 0;
    kt_buf_reset(meta);
    for (size_t at = 0; at <= r->raw.n; c++) {
        cell x = next_cell(r->raw, l->sep, &at);
        if (c >= l->n_columns)
            continue; /* counted, and refused below */
        if (x.unclosed || x.trailing) {
            char field[64];
            snprintf(field, sizeof(field), "%.*s", (int)KT_MIN(l->column[c].n, sizeof(field) - 1), l->column[c].p);
            kt_reject_add(rej, r->line, field, r->raw,
                          x.unclosed ? "the quote that opens this field is never closed" : "text after the closing quote of this field");
            return false;
        }
        kt_str s = x.doubled ? undouble(x.s, a) : x.s;
        if (l->role[c] >= 0) {
            r->value[l->role[c]] = s;
        } else if (l->keep_meta) {
            kt_buf_char(meta, meta->n ? ',' : '{');
            kt_buf_json(meta, l->column[c]);
            kt_buf_char(meta, ':');
            kt_buf_json(meta, s);
        }
    }
    if (c != l->n_columns) {
        kt_reject_add(rej, r->line, NULL, r->raw, "%zu columns, expected %zu as in the header", c, l->n_columns);
        return false;
    }
    if (meta->n) {
        kt_buf_char(meta, '}');
        r->meta = kt_arena_str(a, KT_BUF_STR(meta));
    }
    return true;
}

kt_rc kt_delimited_parse(const kt_layout *l, kt_str block, uint64_t first_line, kt_batch *ret, kt_rejects *rej, kt_err *err)
{
    (void)err;
    bool valid = kt_utf8_valid(block, NULL);
    KT_AUTO(kt_buf) meta = KT_BUF_INIT(8 * KT_MAX_LINE_BYTES);
    uint64_t line = first_line, n_lines;
    for (size_t at = 0, len; at < block.n; at += len, line += n_lines) {
        len = record_len((kt_str){ block.p + at, block.n - at }, l->sep, true, &n_lines);
        kt_record r = { .raw = without_end((kt_str){ block.p + at, len }), .line = line };
        if (r.raw.n > KT_MAX_LINE_BYTES) {
            kt_reject_add(rej, line, NULL, r.raw, "the record is longer than the 16 MiB accepted here");
            continue;
        }
        if (r.raw.n == 0 || (!valid && !kt_record_utf8(r.raw, line, rej)))
            continue;
        if (one_record(l, &r, &meta, &ret->arena, rej))
            kt_record_put(l, &r, ret, rej);
    }
    return 0;
}

int kt_delimited_sniff(kt_str head, char sep)
{
    size_t fields = 0, same = 0, at = 0;
    uint64_t n;
    for (size_t len; at < head.n && same < 20; at += len) {
        kt_str rest = { head.p + at, head.n - at };
        len = record_len(rest, sep, false, &n);
        if (len == 0) { /* cut short: it counts only when it is all there is */
            if (same)
                break;
            len = rest.n;
        }
        kt_str rec = without_end((kt_str){ rest.p, len });
        size_t k = 0;
        for (size_t i = 0; i <= rec.n; k++) {
            cell c = next_cell(rec, sep, &i);
            if (c.trailing)
                return 0;
        }
        if (k < 2 || (same && k != fields))
            return same > 1 ? 20 : 0;
        fields = k;
        same++;
    }
    return same > 1 ? 60 : same ? 10 : 0;
}
