/* kt_str helpers. The UTF-8 check eats eight ASCII bytes at a time, which is most of what it ever sees. */
#define KT_BASE_STR_C
#include "base/str.h"

#include "base/err.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

bool kt_str_eq(kt_str a, kt_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int kt_str_cmp(kt_str a, kt_str b)
{
    size_t n = KT_MIN(a.n, b.n);
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool kt_str_starts(kt_str s, kt_str front)
{
    return s.n >= front.n && memcmp(s.p, front.p, front.n) == 0;
}

bool kt_str_ends(kt_str s, kt_str back)
{
    return s.n >= back.n && memcmp(s.p + s.n - back.n, back.p, back.n) == 0;
}

#ifdef __SSE2__
/* Sixteen places at a time: only where both the first and the last byte of part fit is all of it compared. When that happens so often
   that it would not be linear any more, *ret_from says where somebody else goes on. */
static const char *find_by_ends(kt_str s, kt_str part, size_t *ret_from)
{
    const __m128i front = _mm_set1_epi8(part.p[0]), back = _mm_set1_epi8(part.p[part.n - 1]);
    size_t from = 0, last = s.n - part.n, spent = 0;
    for (; from + 16 <= last + 1 && spent <= 16 * from + 4096; from += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(s.p + from));
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(s.p + from + part.n - 1));
        unsigned fits = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, front), _mm_cmpeq_epi8(b, back)));
        for (; fits; fits &= fits - 1) {
            const char *at = s.p + from + __builtin_ctz(fits);
            if (memcmp(at, part.p, part.n) == 0)
                return at;
            spent += part.n;
        }
    }
    *ret_from = from;
    return NULL;
}
#else
static const char *find_by_ends(kt_str s, kt_str part, size_t *ret_from)
{
    (void)s, (void)part;
    *ret_from = 0;
    return NULL;
}
#endif

const char *kt_str_find(kt_str s, kt_str part)
{
    size_t from = 0;
    if (part.n == 0 || part.n > s.n)
        return part.n ? NULL : s.p;
    const char *at = find_by_ends(s, part, &from);
    return at ? at : memmem(s.p + from, s.n - from, part.p, part.n);
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

bool kt_str_ieq(kt_str a, kt_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

static bool space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

kt_str kt_str_trim(kt_str s)
{
    while (s.n && space(s.p[0]))
        s.p++, s.n--;
    while (s.n && space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool kt_str_cut(kt_str *rest, char sep, kt_str *ret)
{
    if (!rest->p)
        return false;
    const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
    if (!at) {
        *ret = *rest;
        *rest = (kt_str){ NULL, 0 };
        return true;
    }
    size_t n = (size_t)(at - rest->p);
    *ret = (kt_str){ rest->p, n };
    *rest = (kt_str){ at + 1, rest->n - n - 1 };
    return true;
}

bool kt_parse_i64(kt_str s, int64_t min, int64_t max, int64_t *ret)
{
    bool neg = s.n && s.p[0] == '-';
    size_t i = neg || (s.n && s.p[0] == '+');
    if (i == s.n)
        return false;
    int64_t v = 0;
    for (; i < s.n; i++) {
        int d = s.p[i] - '0';
        if (d < 0 || d > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, d, &v))
            return false;
    }
    if (!neg && __builtin_sub_overflow(0, v, &v))
        return false;
    if (v < min || v > max)
        return false;
    *ret = v;
    return true;
}

/* Plain decimals of up to 15 digits: the digits and the power of ten are both exact, so one step rounds once (Clinger 1990). */
static bool short_decimal(kt_str s, double *ret)
{
    static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    uint64_t digits = 0;
    size_t i = s.n && s.p[0] == '-', n = 0, places = 0;
    bool point = false;
    for (; i < s.n; i++) {
        if (s.p[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9' || ++n > 15)
            return false;
        digits = 10 * digits + (uint64_t)(s.p[i] - '0');
        places += point;
    }
    if (n == 0)
        return false;
    double v = (double)digits / power[places];
    *ret = s.p[0] == '-' ? -v : v;
    return true;
}

bool kt_parse_f64(kt_str s, double *ret)
{
    char tmp[64];
    if (short_decimal(s, ret))
        return true;
    if (s.n == 0 || s.n >= sizeof(tmp))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'))
            return false;
        tmp[i] = c;
    }
    tmp[s.n] = 0;
    char *end;
    double v = strtod(tmp, &end); /* the process never calls setlocale: "." is the point */
    if (*end || end == tmp || !isfinite(v))
        return false;
    *ret = v;
    return true;
}

bool kt_parse_duration_us(kt_str s, int64_t *ret)
{
    static const struct { const char *unit; int64_t us; } units[] = {
        { "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "m", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 },
    };
    size_t k = s.n;
    while (k && !(s.p[k - 1] >= '0' && s.p[k - 1] <= '9'))
        k--;
    double v;
    if (!kt_parse_f64((kt_str){ s.p, k }, &v) || v < 0)
        return false;
    for (size_t i = 0; i < KT_LEN(units); i++)
        if (kt_str_eq((kt_str){ s.p + k, s.n - k }, kt_str_of(units[i].unit)) && v * (double)units[i].us < 9e18) {
            *ret = (int64_t)(v * (double)units[i].us);
            return true;
        }
    return false;
}

/* Length of the well-formed sequence at p (n bytes left), 0 when malformed. Unicode 15, table 3-7. */
static size_t sequence(const unsigned char *p, size_t n)
{
    unsigned c = p[0];
    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (n < len)
        return 0;
    unsigned lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool kt_utf8_valid(kt_str s, size_t *ret_bad)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0;
    while (i < s.n) {
        uint64_t w[2];
        while (i + 16 <= s.n && (memcpy(w, p + i, 16), ((w[0] | w[1]) & 0x8080808080808080u) == 0))
            i += 16;
        if (i == s.n)
            break;
        size_t k = sequence(p + i, s.n - i);
        if (k == 0) {
            if (ret_bad)
                *ret_bad = i;
            return false;
        }
        i += k;
    }
    return true;
}

size_t kt_utf8_length(kt_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

uint32_t kt_utf8_next(kt_str s, size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    uint32_t c = p[0];
    if (c < 0x80) {
        *at += 1;
        return c;
    }
    size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (*at + len > s.n) { /* only on text that was never validated */
        *at = s.n;
        return 0xfffd;
    }
    c &= 0xffu >> (len + 1);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (p[i] & 0x3f);
    *at += len;
    return c;
}

size_t kt_utf8_put(uint32_t cp, char dst[4])
{
    if (cp < 0x80) {
        dst[0] = (char)cp;
        return 1;
    }
    size_t len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, cp >>= 6)
        dst[i] = (char)(0x80 | (cp & 0x3f));
    static const unsigned char mark[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    dst[0] = (char)(mark[len] | cp);
    return len;
}

static size_t distance(kt_str a, kt_str b)
{
    size_t row[65];
    if (b.n > 64 || a.n > 64)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 0; i < a.n; i++) {
        size_t diag = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.n; j++) {
            size_t up = row[j + 1], cost = diag + (lower(a.p[i]) != lower(b.p[j]));
            row[j + 1] = KT_MIN(cost, KT_MIN(up, row[j]) + 1);
            diag = up;
        }
    }
    return row[b.n];
}

const char *kt_nearest(kt_str s, const char *const *names, size_t n)
{
    size_t best = 1 + s.n / 3;
    const char *ret = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(s, kt_str_of(names[i]));
        if (d <= best) {
            best = d;
            ret = names[i];
            if (d == 0)
                break;
            best = d - (d > 0);
        }
    }
    return ret;
}
