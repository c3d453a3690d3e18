/* kt_buf: git-style loops append without checks; whoever finishes the buffer looks at failed. */
#include "base/buf.h"

#include "base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kt_buf_reserve(kt_buf *b, size_t more)
{
    if (b->failed || more > b->max || b->n > b->max - more) {
        b->failed = 1;
        return false;
    }
    size_t want = b->n + more + 1;
    if (want > b->cap) {
        size_t cap = KT_MAX(want, b->cap + b->cap / 2);
        cap = KT_MAX(cap, 64);
        b->p = kt_realloc(b->p, cap);
        b->cap = cap;
    }
    return true;
}

void kt_buf_add(kt_buf *b, const void *p, size_t n)
{
    if (n == 0 || !kt_buf_reserve(b, n))
        return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = 0;
}

void kt_buf_str(kt_buf *b, kt_str s)
{
    kt_buf_add(b, s.p, s.n);
}

void kt_buf_puts(kt_buf *b, const char *s)
{
    kt_buf_add(b, s, strlen(s));
}

void kt_buf_char(kt_buf *b, char c)
{
    kt_buf_add(b, &c, 1);
}

void kt_buf_printf(kt_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !kt_buf_reserve(b, (size_t)n))
        return;
    va_start(ap, fmt);
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}

void kt_buf_u64(kt_buf *b, uint64_t v)
{
    char tmp[20];
    size_t i = sizeof(tmp);
    do
        tmp[--i] = (char)('0' + v % 10);
    while (v /= 10);
    kt_buf_add(b, tmp + i, sizeof(tmp) - i);
}

void kt_buf_f64(kt_buf *b, double v)
{
    if (!isfinite(v)) {
        kt_buf_puts(b, "null");
        return;
    }
    char tmp[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(tmp, sizeof(tmp), "%.*g", digits, v);
        if (strtod(tmp, NULL) == v)
            break;
    }
    kt_buf_puts(b, tmp);
}

void kt_buf_json(kt_buf *b, kt_str s)
{
    static const char hex[] = "0123456789abcdef";
    kt_buf_char(b, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        kt_buf_add(b, s.p + from, i - from);
        from = i + 1;
        char esc[6] = { '\\', (char)c };
        size_t n = 2;
        switch (c) {
        case '\n': esc[1] = 'n'; break;
        case '\r': esc[1] = 'r'; break;
        case '\t': esc[1] = 't'; break;
        case '"':
        case '\\': break;
        default:
            memcpy(esc, "\\u00", 4);
            esc[4] = hex[c >> 4];
            esc[5] = hex[c & 15];
            n = 6;
        }
        kt_buf_add(b, esc, n);
    }
    if (from < s.n) /* s may be empty without bytes */
        kt_buf_add(b, s.p + from, s.n - from);
    kt_buf_char(b, '"');
}

void kt_buf_csv(kt_buf *b, kt_str s, char sep)
{
    bool quote = s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' ');
    for (size_t i = 0; i < s.n && !quote; i++)
        quote = s.p[i] == sep || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quote) {
        kt_buf_str(b, s);
        return;
    }
    kt_buf_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            kt_buf_char(b, '"');
        kt_buf_char(b, s.p[i]);
    }
    kt_buf_char(b, '"');
}

void kt_buf_html(kt_buf *b, kt_str s)
{
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '&': kt_buf_puts(b, "&amp;"); break;
        case '<': kt_buf_puts(b, "&lt;"); break;
        case '>': kt_buf_puts(b, "&gt;"); break;
        case '"': kt_buf_puts(b, "&quot;"); break;
        case '\t': case '\n': case '\r': kt_buf_char(b, s.p[i]); break;
        default:
            if ((unsigned char)s.p[i] < 0x20)
                kt_buf_puts(b, "\xef\xbf\xbd"); /* XML has no way to write it */
            else
                kt_buf_char(b, s.p[i]);
        }
}

void kt_buf_hex(kt_buf *b, const void *p, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *u = p;
    for (size_t i = 0; i < n; i++) {
        kt_buf_char(b, hex[u[i] >> 4]);
        kt_buf_char(b, hex[u[i] & 15]);
    }
}

void kt_buf_varint(kt_buf *b, uint64_t v)
{
    char tmp[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        tmp[n++] = (char)(v | 0x80);
    tmp[n++] = (char)v;
    kt_buf_add(b, tmp, n);
}

bool kt_varint_read(kt_str s, size_t *at, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && *at < s.n; shift += 7) {
        uint64_t c = (unsigned char)s.p[(*at)++];
        v |= (c & 0x7f) << shift;
        if (c < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

void kt_buf_reset(kt_buf *b)
{
    b->n = 0;
    b->failed = 0;
}

void kt_buf_done(kt_buf *b)
{
    b->p = kt_free(b->p);
    b->n = b->cap = 0;
}
