#include "base/json.h"

#include "base/limits.h"
#include "base/str.h"

#include <string.h>

static bool fail(kt_json *j, const char *wrong)
{
    if (!j->wrong)
        j->wrong = wrong;
    return false;
}

static int next_char(kt_json *j)
{
    while (j->at < j->s.n) {
        char c = j->s.p[j->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return (unsigned char)c;
        j->at++;
    }
    return -1;
}

int kt_json_peek(kt_json *j)
{
    switch (next_char(j)) {
    case '{': return KT_JSON_OBJECT;
    case '[': return KT_JSON_ARRAY;
    case '"': return KT_JSON_STRING;
    case 't': return KT_JSON_TRUE;
    case 'f': return KT_JSON_FALSE;
    case 'n': return KT_JSON_NULL;
    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9': return KT_JSON_NUMBER;
    default: return -1;
    }
}

/* Offset of the closing quote of the string body at from, or n; *ret_plain false when it has escapes. */
static size_t string_end(kt_json *j, size_t from, bool *ret_plain)
{
    const char *p = j->s.p;
    size_t n = j->s.n, i = from;
    *ret_plain = true;
    while (i < n) {
        unsigned char c = (unsigned char)p[i];
        if (c == '"')
            return i;
        if (c == '\\') {
            *ret_plain = false;
            i += 2;
            continue;
        }
        if (c < 0x20) {
            j->at = i;
            fail(j, "a control character must be escaped inside a string");
            return n;
        }
        i++;
        /* eight bytes at a time while none of them is a quote, a backslash or a control character */
        for (uint64_t w; i + 8 <= n; i += 8) {
            memcpy(&w, p + i, 8);
            uint64_t q = w ^ 0x2222222222222222u, b = w ^ 0x5c5c5c5c5c5c5c5cu;
            uint64_t hit = ((q - 0x0101010101010101u) & ~q) | ((b - 0x0101010101010101u) & ~b) |
                           ((w - 0x2020202020202020u) & ~w);
            if (hit & 0x8080808080808080u)
                break;
        }
    }
    return n;
}

static int hex4(const char *p, size_t n)
{
    int v = 0;
    if (n < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* Code point of the \uXXXX at p (after the u), a surrogate pair being one; 0 bytes used on an error. */
static size_t escape_u(const char *p, size_t n, uint32_t *ret)
{
    int hi = hex4(p, n);
    if (hi < 0 || (hi >= 0xdc00 && hi < 0xe000))
        return 0;
    *ret = (uint32_t)hi;
    if (hi < 0xd800 || hi >= 0xe000)
        return 4;
    int lo = n >= 10 && p[4] == '\\' && p[5] == 'u' ? hex4(p + 6, n - 6) : -1;
    if (lo < 0xdc00 || lo >= 0xe000)
        return 0;
    *ret = 0x10000u + (((uint32_t)hi - 0xd800u) << 10) + ((uint32_t)lo - 0xdc00u);
    return 10;
}

static bool unescape(kt_json *j, size_t from, size_t end, kt_arena *a, kt_str *ret)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char *out = a ? kt_arena_alloc(a, end - from + 1) : NULL;
    size_t n = 0;
    for (size_t i = from; i < end;) {
        char tmp[4], c = j->s.p[i];
        size_t len = 1, used = 1;
        tmp[0] = c;
        if (c == '\\') {
            char e = i + 1 < end ? j->s.p[i + 1] : 0;
            const char *hit = e ? strchr(names, e) : NULL;
            uint32_t cp;
            j->at = i;
            if (hit) {
                tmp[0] = values[hit - names];
                used = 2;
            } else if (e == 'u' && (used = escape_u(j->s.p + i + 2, end - i - 2, &cp)) > 0) {
                len = kt_utf8_put(cp, tmp);
                used += 2;
            } else {
                return fail(j, "unknown or broken escape in a string");
            }
        }
        if (out)
            memcpy(out + n, tmp, len);
        n += len;
        i += used;
    }
    if (out)
        out[n] = 0;
    *ret = (kt_str){ out, n };
    return true;
}

bool kt_json_string(kt_json *j, kt_arena *a, kt_str *ret)
{
    if (next_char(j) != '"')
        return fail(j, "expected a string");
    bool plain;
    size_t from = j->at + 1, end = string_end(j, from, &plain);
    if (end >= j->s.n) {
        if (!j->wrong)
            j->at = j->s.n;
        return fail(j, "the string never ends");
    }
    if (plain)
        *ret = (kt_str){ j->s.p + from, end - from };
    else if (!unescape(j, from, end, a, ret))
        return false;
    j->at = end + 1;
    return true;
}

static size_t digits(kt_json *j)
{
    size_t n = 0;
    while (j->at < j->s.n && j->s.p[j->at] >= '0' && j->s.p[j->at] <= '9')
        j->at++, n++;
    return n;
}

static bool scan_number(kt_json *j)
{
    if (j->s.p[j->at] == '-')
        j->at++;
    bool zero = j->at < j->s.n && j->s.p[j->at] == '0';
    size_t n = digits(j);
    if (n == 0 || (zero && n > 1))
        return fail(j, "malformed number");
    if (j->at < j->s.n && j->s.p[j->at] == '.') {
        j->at++;
        if (digits(j) == 0)
            return fail(j, "malformed number");
    }
    if (j->at < j->s.n && (j->s.p[j->at] | 32) == 'e') {
        j->at++;
        if (j->at < j->s.n && (j->s.p[j->at] == '+' || j->s.p[j->at] == '-'))
            j->at++;
        if (digits(j) == 0)
            return fail(j, "malformed number");
    }
    return true;
}

bool kt_json_number(kt_json *j, double *ret)
{
    if (kt_json_peek(j) != KT_JSON_NUMBER)
        return fail(j, "expected a number");
    size_t from = j->at;
    if (!scan_number(j))
        return false;
    if (!kt_parse_f64((kt_str){ j->s.p + from, j->at - from }, ret))
        return fail(j, "number out of range");
    return true;
}

static bool word(kt_json *j, kt_str w)
{
    if (j->s.n - j->at < w.n || memcmp(j->s.p + j->at, w.p, w.n) != 0)
        return fail(j, "expected true, false or null");
    j->at += w.n;
    return true;
}

bool kt_json_enter(kt_json *j, char open)
{
    if (next_char(j) != open)
        return fail(j, open == '{' ? "expected an object" : "expected an array");
    if (j->depth >= KT_MAX_JSON_DEPTH)
        return fail(j, "nested too deeply");
    j->depth++;
    j->at++;
    return true;
}

/* True at another member; false at close (stepped over) or on an error. */
static bool more(kt_json *j, bool *first, char close)
{
    int c = next_char(j);
    if (c == close) {
        j->at++;
        j->depth--;
        return false;
    }
    if (*first) {
        *first = false;
        return c < 0 ? fail(j, "the value never ends") : true;
    }
    if (c != ',')
        return fail(j, c < 0 ? "the value never ends" : close == '}' ? "expected , or }" : "expected , or ]");
    j->at++;
    return true;
}

bool kt_json_field(kt_json *j, bool *first, kt_arena *a, kt_str *ret_name)
{
    if (!more(j, first, '}') || !kt_json_string(j, a, ret_name))
        return false;
    if (next_char(j) != ':')
        return fail(j, "expected : after a field's name");
    j->at++;
    return true;
}

bool kt_json_element(kt_json *j, bool *first)
{
    return more(j, first, ']');
}

bool kt_json_skip(kt_json *j, kt_str *ret_raw)
{
    int kind = kt_json_peek(j);
    size_t from = j->at;
    kt_str s;
    bool first = true, ok;
    switch (kind) {
    case KT_JSON_STRING: ok = kt_json_string(j, NULL, &s); break;
    case KT_JSON_NUMBER: ok = scan_number(j); break;
    case KT_JSON_TRUE: ok = word(j, KT_S("true")); break;
    case KT_JSON_FALSE: ok = word(j, KT_S("false")); break;
    case KT_JSON_NULL: ok = word(j, KT_S("null")); break;
    case KT_JSON_OBJECT:
        ok = kt_json_enter(j, '{');
        while (ok && kt_json_field(j, &first, NULL, &s))
            ok = kt_json_skip(j, NULL);
        ok = ok && !j->wrong;
        break;
    case KT_JSON_ARRAY:
        ok = kt_json_enter(j, '[');
        while (ok && kt_json_element(j, &first))
            ok = kt_json_skip(j, NULL);
        ok = ok && !j->wrong;
        break;
    default: return fail(j, "expected a value");
    }
    if (ok && ret_raw)
        *ret_raw = (kt_str){ j->s.p + from, j->at - from };
    return ok;
}

bool kt_json_end(kt_json *j)
{
    return next_char(j) < 0 ? true : fail(j, "unexpected text after the value");
}
