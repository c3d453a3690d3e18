/* A row is parsed from what is there; where that ends in the middle of it, the row is forgotten, more is read, and it is parsed
   again. The piece grows only while one row does not fit. */
#include "format/row_stream.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)1 << 20)
#define NEAR_END 16 /* an escape or word of JSON that is cut is found wrong at most so far before the end */

/* Up to most bytes more; *ret_n 0 at the end. */
static kt_rc read_some(kt_row_stream *s, size_t most, size_t *ret_n, kt_err *err)
{
    if (!kt_buf_reserve(&s->text, most))
        return kt_fail(err, KT_LIMIT, "%s is larger than the %zu bytes accepted here", s->rows.path, s->text.max);
    for (;;) {
        ssize_t n = read(s->fd, s->text.p + s->text.n, most);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return kt_fail_errno(err, "cannot read %s", s->rows.path);
        s->text.n += (size_t)n;
        s->ended = n == 0;
        *ret_n = (size_t)n;
        return 0;
    }
}

/* Moves s->valid over the characters that are whole; a cut one at the end waits for its rest. */
static kt_rc check_text(kt_row_stream *s, kt_err *err)
{
    size_t bad;
    kt_str fresh = { s->text.p + s->valid, s->text.n - s->valid };
    if (kt_utf8_valid(fresh, &bad)) {
        s->valid = s->text.n;
        return 0;
    }
    s->valid += bad;
    if (!s->ended && s->text.n - s->valid < 4)
        return 0;
    uint64_t line = KT_MAX(s->rows.next_line, 1);
    for (size_t i = s->rows.at; i < s->valid; i++)
        line += s->text.p[i] == '\n';
    kt_fail(err, KT_PARSE, "not UTF-8 (byte 0x%02x)", (unsigned char)s->text.p[s->valid]);
    kt_at(err, s->rows.path, line, NULL);
    return KT_PARSE;
}

/* Drops what was given out and reads another piece. */
static kt_rc refill(kt_row_stream *s, kt_err *err)
{
    size_t n, used = s->rows.at;
    if (used) {
        memmove(s->text.p, s->text.p + used, s->text.n - used);
        s->text.n -= used;
        s->valid -= used;
        s->rows.at = 0;
    }
    if (s->text.n > KT_MAX_LINE_BYTES) {
        kt_fail(err, KT_LIMIT, "a row is longer than %zu bytes", KT_MAX_LINE_BYTES);
        kt_at(err, s->rows.path, s->rows.next_line, NULL);
        return KT_LIMIT;
    }
    KT_TRY(read_some(s, KT_MAX(s->piece, s->text.n), &n, err));
    kt_rc rc = check_text(s, err);
    s->rows.text = (kt_str){ s->text.p, s->valid };
    return rc;
}

kt_rc kt_row_stream_from(kt_row_stream *s, int fd, size_t piece, const char *path, kt_arena *a, kt_err *err)
{
    *s = (kt_row_stream){ .rows = { .path = path }, .text = KT_BUF_INIT((size_t)1 << 36), .scratch = KT_ARENA_INIT, .a = a, .piece = piece, .fd = fd };
    for (size_t n = 1; n && s->text.n < 8;)
        KT_TRY(read_some(s, piece, &n, err));
    return 0;
}

kt_rc kt_row_stream_open(kt_row_stream *s, const char *path, kt_arena *a, kt_err *err)
{
    int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return kt_row_stream_from(s, fd, PIECE_BYTES, path, a, err);
    *s = (kt_row_stream){ .fd = -1 };
    return kt_fail_errno(err, "cannot open %s", path);
}

kt_rc kt_row_stream_all(kt_row_stream *s, size_t most, kt_err *err)
{
    s->text.max = most;
    for (size_t n = 1; n;)
        KT_TRY(read_some(s, KT_MIN(KT_MAX(s->piece, s->text.n / 4), KT_MAX(most - KT_MIN(s->text.n, most), 1)), &n, err));
    return 0;
}

/* Whether the row from `from` that was just read, or found wrong, may look different with what comes after s->text. */
static bool is_cut(const kt_row_stream *s, size_t from, kt_rc rc)
{
    const kt_rows *r = &s->rows;
    const char *p = r->text.p;
    size_t n = r->text.n, quotes = 0;
    if (s->ended)
        return false;
    if (rc == KT_DONE)
        return true;
    if (!r->sep)
        return rc < 0 && r->at + NEAR_END > n;
    if (r->at < n)
        return rc < 0 && r->at + NEAR_END > n;
    for (size_t i = from; rc < 0 && i < n; i++)
        quotes += p[i] == '"';
    return n == 0 || p[n - 1] != '\n' || quotes % 2;
}

kt_rc kt_row_stream_first_line(kt_row_stream *s, kt_str *ret, kt_err *err)
{
    KT_TRY(check_text(s, err));
    for (;;) {
        const char *end = s->valid ? memchr(s->text.p, '\n', s->valid) : NULL;
        if (end || s->ended) {
            *ret = (kt_str){ s->text.p, end ? (size_t)(end - s->text.p) : s->valid };
            return 0;
        }
        KT_TRY(refill(s, err));
    }
}

kt_rc kt_row_stream_header(kt_row_stream *s, kt_err *err)
{
    kt_rows r;
    kt_rc rc = check_text(s, err);
    while (rc == 0) {
        kt_err ignored = { 0 };
        bool line = s->ended || (s->valid && memchr(s->text.p, '\n', s->valid));
        kt_rc opened = line ? kt_rows_open(&r, s->rows.path, (kt_str){ s->text.p, s->valid }, s->no_header, s->a, &ignored) : KT_DONE;
        if (opened == 0)
            break;
        if (opened < 0 && (s->ended || r.sep || r.at + NEAR_END <= s->valid))
            return kt_rows_open(&r, s->rows.path, (kt_str){ s->text.p, s->valid }, s->no_header, s->a, err);
        rc = refill(s, err);
    }
    if (rc < 0)
        return rc;
    for (size_t c = 0; c < r.n_columns; c++)
        r.column[c] = kt_arena_str(s->a, r.column[c]);
    r.a = &s->scratch;
    s->rows = r;
    return 0;
}

kt_rc kt_row_stream_next(kt_row_stream *s, kt_err *err)
{
    kt_rows *r = &s->rows;
    if (s->scratch.total)
        kt_arena_reset(&s->scratch);
    for (;;) {
        size_t from = r->at;
        uint64_t next_line = r->next_line;
        kt_rc rc = kt_rows_next(r, &s->wrong);
        if (!is_cut(s, from, rc)) {
            if (rc < 0 && err)
                *err = s->wrong;
            return rc;
        }
        s->wrong = (kt_err){ 0 };
        r->at = from;
        r->next_line = next_line;
        KT_TRY(refill(s, err));
    }
}

void kt_row_stream_done(kt_row_stream *s)
{
    if (s->fd > 0)
        close(s->fd);
    s->fd = -1;
    kt_buf_done(&s->text);
    kt_arena_done(&s->scratch);
}
