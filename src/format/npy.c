/* The header of a .npy file is a Python dictionary of three entries; a reader of just that grammar reads it, nothing is
   evaluated. Sizes come from the file, so each is checked against what is there before anything is allocated. */
#include "format/npy.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <zlib.h>

#define MAX_ARRAY_BYTES ((size_t)1 << 36)

/* ---- header ---- */

struct header {
    kt_str descr;
    bool fortran, has[3];
    uint32_t n_dims;
    size_t shape[KT_NPY_MAX_DIMS];
};

struct scan {
    const char *p, *end;
};

static void blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t'))
        s->p++;
}

static bool take(struct scan *s, char c)
{
    blanks(s);
    if (s->p >= s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool quoted(struct scan *s, kt_str *ret)
{
    blanks(s);
    if (s->p >= s->end || (*s->p != '\'' && *s->p != '"'))
        return false;
    const char quote = *s->p++, *from = s->p;
    while (s->p < s->end && *s->p != quote && *s->p != '\\')
        s->p++;
    if (s->p >= s->end || *s->p != quote)
        return false;
    *ret = (kt_str){ from, (size_t)(s->p++ - from) };
    return true;
}

static bool word(struct scan *s, const char *want)
{
    size_t n = strlen(want);
    blanks(s);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, want, n) != 0)
        return false;
    s->p += n;
    return true;
}

static bool number(struct scan *s, size_t *ret)
{
    blanks(s);
    const char *from = s->p;
    size_t x = 0;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++)
        if (__builtin_mul_overflow(x, 10, &x) || __builtin_add_overflow(x, (size_t)(*s->p - '0'), &x))
            return false;
    if (s->p < s->end && *s->p == 'L') /* Python 2 wrote its long integers so */
        s->p++;
    *ret = x;
    return s->p > from;
}

static bool shape(struct scan *s, struct header *h)
{
    if (!take(s, '('))
        return false;
    while (!take(s, ')')) {
        if (h->n_dims == KT_NPY_MAX_DIMS || !number(s, &h->shape[h->n_dims]))
            return false;
        h->n_dims++;
        if (!take(s, ',')) {
            if (!take(s, ')'))
                return false;
            break;
        }
    }
    return true;
}

static bool entry(struct scan *s, kt_str key, struct header *h)
{
    if (kt_str_eq(key, KT_S("descr"))) {
        h->has[0] = true;
        return quoted(s, &h->descr);
    }
    if (kt_str_eq(key, KT_S("fortran_order"))) {
        h->has[1] = true;
        h->fortran = word(s, "True");
        return h->fortran || word(s, "False");
    }
    bool first = !h->has[2];
    h->has[2] = true;
    return first && kt_str_eq(key, KT_S("shape")) && shape(s, h);
}

static bool dictionary(struct scan *s, struct header *h)
{
    if (!take(s, '{'))
        return false;
    while (!take(s, '}')) {
        kt_str key;
        if (!quoted(s, &key) || !take(s, ':') || !entry(s, key, h))
            return false;
        if (!take(s, ',')) {
            if (!take(s, '}'))
                return false;
            break;
        }
    }
    blanks(s);
    return s->p == s->end && h->has[0] && h->has[1] && h->has[2];
}

/* ---- types ---- */

struct source {
    kt_npy_kind kind;
    kt_dtype type;
    size_t bytes;     /* of an entry in the file */
    bool swapped, wide; /* wide: UTF-32, else bytes */
};

static bool number_type(char c, size_t bytes, kt_dtype *ret)
{
    static const struct { char c; uint8_t bytes; kt_dtype type; } types[] = {
        { 'b', 1, KT_U8 }, { 'i', 1, KT_I8 }, { 'i', 2, KT_I16 }, { 'i', 4, KT_I32 }, { 'i', 8, KT_I64 }, { 'u', 1, KT_U8 },
        { 'u', 2, KT_U16 }, { 'u', 4, KT_U32 }, { 'u', 8, KT_U64 }, { 'f', 4, KT_F32 }, { 'f', 8, KT_F64 },
    };
    for (size_t i = 0; i < KT_LEN(types); i++)
        if (types[i].c == c && types[i].bytes == bytes) {
            *ret = types[i].type;
            return true;
        }
    return false;
}

static kt_rc type_of(kt_str descr, struct source *ret, kt_err *err)
{
    struct scan s = { descr.p, descr.p + descr.n };
    char order = descr.n && memchr("<>|=", descr.p[0], 4) ? *s.p++ : '=', c = s.p < s.end ? *s.p++ : 0;
    size_t bytes = 0;
    bool sized = number(&s, &bytes) && s.p == s.end;
    *ret = (struct source){ .swapped = order == '>', .bytes = bytes };
    if (sized && number_type(c, bytes, &ret->type))
        return 0;
    if (sized && (c == 'U' || c == 'S') && bytes > 0 && bytes < (1u << 20)) {
        ret->kind = KT_NPY_TEXT;
        ret->wide = c == 'U';
        ret->bytes = c == 'U' ? 4 * bytes : bytes;
        return 0;
    }
    kt_fail(err, KT_PARSE, "arrays of type '%.*s' are not read", KT_F(descr));
    kt_hint(err, c == 'O' ? "Python objects are never loaded; convert with astype(str) or astype(float)" : "integers, float32, float64, booleans and strings are");
    return KT_PARSE;
}

/* ---- data ---- */

static uint64_t load(const char *p, size_t bytes, bool swapped)
{
    uint64_t x = 0;
    for (size_t i = 0; i < bytes; i++)
        x |= (uint64_t)(unsigned char)p[swapped ? bytes - 1 - i : i] << 8 * i;
    return x;
}

/* Text of one entry as UTF-8 into dst, NUL-padded to width; KT_PARSE: a number that is no character. */
static bool put_text(const char *p, const struct source *s, char *dst, size_t width)
{
    size_t n = 0;
    memset(dst, 0, width);
    for (size_t i = 0; i < s->bytes; i += s->wide ? 4 : 1) {
        uint32_t c = (uint32_t)load(p + i, s->wide ? 4 : 1, s->swapped);
        if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || (!s->wide && c > 127))
            return false;
        char utf8[4];
        size_t k = kt_utf8_put(c, utf8);
        memcpy(dst + n, utf8, k);
        n += k;
    }
    return true;
}

/* Position in the file of entry i of C order. */
static size_t place(const kt_npy *x, bool fortran, size_t i)
{
    size_t at = 0, stride = x->n;
    for (uint32_t d = x->n_dims; fortran && d-- > 0;) {
        stride /= x->shape[d];
        at += i % x->shape[d] * stride;
        i /= x->shape[d];
    }
    return fortran ? at : i;
}

static kt_rc convert(const char *from, const struct source *s, bool fortran, kt_arena *a, kt_npy *x, kt_err *err)
{
    size_t width = s->kind == KT_NPY_TEXT ? s->bytes : kt_dtype_size(x->type);
    bool plain = s->kind == KT_NPY_NUMBER && (!s->swapped || s->bytes == 1) && (!fortran || x->n_dims < 2);
    if (plain && (uintptr_t)from % s->bytes == 0) {
        x->data = from;
        return 0;
    }
    char *dst = kt_arena_alloc(a, x->n * width + 1);
    x->data = dst;
    x->text_bytes = s->kind == KT_NPY_TEXT ? width : 0;
    if (plain) {
        memcpy(dst, from, x->n * width);
        return 0;
    }
    for (size_t i = 0; i < x->n; i++, dst += width) {
        const char *p = from + place(x, fortran, i) * s->bytes;
        uint64_t bits = s->kind == KT_NPY_NUMBER ? load(p, s->bytes, s->swapped) : 0;
        if (s->kind == KT_NPY_NUMBER)
            memcpy(dst, &bits, width); /* little-endian, as every machine Karat runs on */
        else if (!put_text(p, s, dst, width))
            return kt_fail(err, KT_PARSE, "entry %zu: bytes that are no text", i);
    }
    return 0;
}

bool kt_npy_is(kt_str bytes)
{
    return bytes.n >= 6 && memcmp(bytes.p, "\x93NUMPY", 6) == 0;
}

bool kt_npz_is(kt_str bytes)
{
    return bytes.n >= 4 && (memcmp(bytes.p, "PK\x03\x04", 4) == 0 || memcmp(bytes.p, "PK\x05\x06", 4) == 0);
}

static kt_rc read_header(kt_str bytes, struct header *h, size_t *ret_from, kt_err *err)
{
    if (!kt_npy_is(bytes) || bytes.n < 12)
        return kt_fail(err, KT_PARSE, "not a .npy file");
    unsigned version = (unsigned char)bytes.p[6];
    size_t wide = version == 1 ? 2 : 4, from = 8 + wide, n = (size_t)load(bytes.p + 8, wide, false);
    if (version < 1 || version > 3)
        return kt_fail(err, KT_PARSE, ".npy format version %u; 1 to 3 are read", version);
    if (n > bytes.n - from)
        return kt_fail(err, KT_PARSE, "the .npy header should have %zu bytes and the file ends after %zu", n, bytes.n - from);
    struct scan s = { bytes.p + from, bytes.p + from + n };
    if (!dictionary(&s, h))
        return kt_fail(err, KT_PARSE, "the .npy header is malformed near byte %zu", (size_t)(s.p - bytes.p));
    *ret_from = from + n;
    return 0;
}

kt_rc kt_npy_parse(kt_str bytes, kt_arena *a, kt_npy *ret, kt_err *err)
{
    struct header h = { 0 };
    struct source s;
    size_t from = 0, total;
    KT_TRY(read_header(bytes, &h, &from, err));
    KT_TRY(type_of(h.descr, &s, err));
    kt_npy x = { .kind = s.kind, .type = s.type, .n_dims = h.n_dims, .n = 1 };
    bool over = false, none = false;
    for (uint32_t d = 0; d < h.n_dims; d++) {
        x.shape[d] = h.shape[d];
        none |= h.shape[d] == 0;
        over |= __builtin_mul_overflow(x.n, KT_MAX(h.shape[d], 1), &x.n);
    }
    over |= __builtin_mul_overflow(x.n, s.bytes, &total) || total > MAX_ARRAY_BYTES;
    if (!over && none)
        total = x.n = 0;
    if (over || total > bytes.n - from) {
        kt_fail(err, KT_PARSE, "the header announces %s%zu bytes of data and the file has %zu", over ? "more than " : "", over ? MAX_ARRAY_BYTES : total, bytes.n - from);
        kt_hint(err, "the file was cut short, or is no array");
        return KT_PARSE;
    }
    KT_TRY(convert(bytes.p + from, &s, h.fortran, a, &x, err));
    *ret = x;
    return 0;
}

double kt_npy_number(const kt_npy *x, size_t i)
{
    switch (x->type) {
    case KT_I8: return ((const int8_t *)x->data)[i];
    case KT_U8: return ((const uint8_t *)x->data)[i];
    case KT_I16: return ((const int16_t *)x->data)[i];
    case KT_U16: return ((const uint16_t *)x->data)[i];
    case KT_I32: return ((const int32_t *)x->data)[i];
    case KT_U32: return ((const uint32_t *)x->data)[i];
    case KT_I64: return (double)((const int64_t *)x->data)[i];
    case KT_U64: return (double)((const uint64_t *)x->data)[i];
    case KT_F32: return (double)((const float *)x->data)[i];
    case KT_F64: return ((const double *)x->data)[i];
    case KT_DTYPE__COUNT: break;
    }
    return 0;
}

kt_str kt_npy_text(const kt_npy *x, size_t i, kt_arena *a)
{
    if (x->kind == KT_NPY_TEXT) {
        const char *p = (const char *)x->data + i * x->text_bytes;
        return (kt_str){ p, strnlen(p, x->text_bytes) };
    }
    if (x->type == KT_I64)
        return kt_arena_printf(a, "%lld", (long long)((const int64_t *)x->data)[i]);
    if (x->type == KT_U64)
        return kt_arena_printf(a, "%llu", (unsigned long long)((const uint64_t *)x->data)[i]);
    kt_buf b = KT_BUF_INIT(64);
    kt_buf_f64(&b, kt_npy_number(x, i));
    kt_str ret = kt_arena_str(a, KT_BUF_STR(&b));
    kt_buf_done(&b);
    return ret;
}

/* ---- archives ---- */

struct zip_entry {
    kt_str name;
    size_t packed, plain, at; /* at: of its local header */
    unsigned method, crc;
};

/* The three 64-bit sizes of the extra field, where the 32-bit ones are full. */
static bool zip64(kt_str extra, struct zip_entry *e)
{
    size_t *want[3] = { &e->plain, &e->packed, &e->at };
    for (size_t at = 0; at + 4 <= extra.n;) {
        size_t tag = (size_t)load(extra.p + at, 2, false), n = (size_t)load(extra.p + at + 2, 2, false);
        at += 4;
        if (n > extra.n - at)
            return false;
        size_t from = at;
        for (int i = 0; tag == 1 && i < 3; i++)
            if (*want[i] == UINT32_MAX) {
                if (from + 8 > at + n)
                    return false;
                *want[i] = (size_t)load(extra.p + from, 8, false);
                from += 8;
            }
        at += n;
    }
    return true;
}

/* The entry of the central directory at *at, which moves on. */
static bool next_entry(kt_str z, size_t *at, struct zip_entry *e)
{
    const char *p = z.p + *at;
    if (*at > z.n || z.n - *at < 46 || memcmp(p, "PK\x01\x02", 4) != 0)
        return false;
    size_t name = (size_t)load(p + 28, 2, false), extra = (size_t)load(p + 30, 2, false), comment = (size_t)load(p + 32, 2, false);
    if (name + extra + comment > z.n - *at - 46)
        return false;
    *e = (struct zip_entry){ .name = { p + 46, name }, .method = (unsigned)load(p + 10, 2, false), .crc = (unsigned)load(p + 16, 4, false),
                             .packed = (size_t)load(p + 20, 4, false), .plain = (size_t)load(p + 24, 4, false), .at = (size_t)load(p + 42, 4, false) };
    *at += 46 + name + extra + comment;
    return zip64((kt_str){ p + 46 + name, extra }, e);
}

static bool inflate_all(kt_str packed, char *dst, size_t n)
{
    z_stream s = { .next_in = (Bytef *)(uintptr_t)packed.p, .next_out = (Bytef *)dst };
    if (inflateInit2(&s, -15) != Z_OK)
        return false;
    int rc = Z_OK;
    size_t in = packed.n, out = n;
    while (rc == Z_OK) {
        s.avail_in = (uInt)KT_MIN(in, (size_t)1 << 30);
        s.avail_out = (uInt)KT_MIN(out, (size_t)1 << 30);
        size_t had_in = s.avail_in, had_out = s.avail_out;
        rc = inflate(&s, Z_NO_FLUSH);
        in -= had_in - s.avail_in;
        out -= had_out - s.avail_out;
        if (rc == Z_BUF_ERROR || (had_in == s.avail_in && had_out == s.avail_out))
            break;
    }
    inflateEnd(&s);
    return rc == Z_STREAM_END && out == 0;
}

static kt_rc unpack(kt_str z, const struct zip_entry *e, kt_arena *a, kt_str *ret, kt_err *err)
{
    if (e->at > z.n || z.n - e->at < 30 || memcmp(z.p + e->at, "PK\x03\x04", 4) != 0)
        return kt_fail(err, KT_PARSE, "%.*s: its place in the archive is wrong", KT_F(e->name));
    size_t from = e->at + 30 + (size_t)load(z.p + e->at + 26, 2, false) + (size_t)load(z.p + e->at + 28, 2, false);
    if (from > z.n || e->packed > z.n - from)
        return kt_fail(err, KT_PARSE, "%.*s: the archive was cut short", KT_F(e->name));
    kt_str packed = { z.p + from, e->packed };
    if (e->plain > MAX_ARRAY_BYTES || e->plain / 2000 > e->packed) /* deflate packs no tighter than about 1:1032 */
        return kt_fail(err, KT_LIMIT, "%.*s claims to hold %zu bytes in %zu", KT_F(e->name), e->plain, e->packed);
    if (e->method == 0 && e->plain == e->packed) {
        *ret = packed;
    } else if (e->method == 8) {
        char *dst = kt_arena_alloc(a, e->plain + 1);
        if (!inflate_all(packed, dst, e->plain))
            return kt_fail(err, KT_PARSE, "%.*s: its compressed data are damaged", KT_F(e->name));
        *ret = (kt_str){ dst, e->plain };
    } else {
        return kt_fail(err, KT_PARSE, "%.*s: compression method %u is not read", KT_F(e->name), e->method);
    }
    if (crc32_z(crc32(0, NULL, 0), (const Bytef *)ret->p, ret->n) != e->crc)
        return kt_fail(err, KT_PARSE, "%.*s: its checksum does not match", KT_F(e->name));
    return 0;
}

kt_rc kt_npz_parse(kt_str z, kt_arena *a, kt_npz_member **ret, size_t *ret_n, kt_err *err)
{
    size_t end = SIZE_MAX, n = 0;
    for (size_t back = 22; back <= z.n && back < 22 + 65536 && end == SIZE_MAX; back++)
        if (memcmp(z.p + z.n - back, "PK\x05\x06", 4) == 0)
            end = z.n - back;
    if (end == SIZE_MAX)
        return kt_fail(err, KT_PARSE, "not a .npz file, or one that was cut short: its directory is missing");
    size_t count = (size_t)load(z.p + end + 10, 2, false), at = (size_t)load(z.p + end + 16, 4, false), total = 0;
    kt_npz_member *m = kt_arena_array(a, count + 1, sizeof(*m));
    for (size_t i = 0; i < count; i++) {
        struct zip_entry e;
        kt_str data;
        if (!next_entry(z, &at, &e))
            return kt_fail(err, KT_PARSE, "entry %zu of the archive's directory is malformed", i);
        if (!kt_str_ends(e.name, KT_S(".npy")))
            continue;
        total += KT_MIN(e.plain, MAX_ARRAY_BYTES);
        if (total > MAX_ARRAY_BYTES)
            return kt_fail(err, KT_LIMIT, "the archive holds more than %zu bytes", MAX_ARRAY_BYTES);
        KT_TRY(unpack(z, &e, a, &data, err));
        m[n].name = (kt_str){ e.name.p, e.name.n - 4 };
        if (kt_npy_parse(data, a, &m[n].array, err) < 0)
            return kt_context(err, "%.*s", KT_F(e.name));
        n++;
    }
    *ret = m;
    *ret_n = n;
    return 0;
}
