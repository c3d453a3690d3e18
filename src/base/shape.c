#include "base/shape.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>
#include <string.h>

static void *at(const kt_field *f, const void *value)
{
    return (char *)(uintptr_t)value + f->offset;
}

/* ---- decoding ---- */

static kt_rc wrong(kt_err *err, kt_rc rc, const kt_field *f, const char *what)
{
    char pointer[64];
    snprintf(pointer, sizeof(pointer), "/%s", f->name);
    kt_fail(err, rc, "%s: %s", f->name, what);
    kt_at(err, NULL, 0, pointer);
    return kt_hint(err, "%s", f->help), rc;
}

static bool bounded(const kt_field *f)
{
    return f->lo != 0 || f->hi != 0;
}

static kt_rc check_text(const kt_field *f, kt_str s, kt_err *err)
{
    char what[120];
    if (!kt_utf8_valid(s, NULL))
        return wrong(err, KT_PARSE, f, "not valid UTF-8");
    if (bounded(f) && ((double)s.n < f->lo || (double)s.n > f->hi)) {
        snprintf(what, sizeof(what), "has %zu bytes; %.0f to %.0f are allowed", s.n, f->lo, f->hi);
        return wrong(err, KT_RANGE, f, what);
    }
    if (!f->one_of)
        return 0;
    for (const char *const *v = f->one_of; *v; v++)
        if (kt_str_eq(s, kt_str_of(*v)))
            return 0;
    size_t n = (size_t)snprintf(what, sizeof(what), "must be one of");
    for (const char *const *v = f->one_of; *v && n < sizeof(what); v++)
        n += (size_t)snprintf(what + n, sizeof(what) - n, " %s", *v);
    return wrong(err, KT_RANGE, f, what);
}

static kt_rc read_number(kt_json *j, const kt_field *f, void *ret, kt_err *err)
{
    double v;
    char what[120];
    if (kt_json_peek(j) != KT_JSON_NUMBER || !kt_json_number(j, &v))
        return wrong(err, KT_PARSE, f, "expected a number");
    if (f->kind == KT_FIELD_I64 && (v != floor(v) || fabs(v) > 9007199254740991.0))
        return wrong(err, KT_RANGE, f, "expected a whole number");
    if (bounded(f) && (v < f->lo || v > f->hi)) {
        snprintf(what, sizeof(what), "%.17g is outside %.17g to %.17g", v, f->lo, f->hi);
        return wrong(err, KT_RANGE, f, what);
    }
    if (f->kind == KT_FIELD_I64)
        *(int64_t *)ret = (int64_t)v;
    else
        *(double *)ret = v;
    return 0;
}

static kt_rc read_text(kt_json *j, const kt_field *f, kt_arena *a, kt_str *ret, kt_err *err)
{
    kt_str s;
    if (kt_json_peek(j) != KT_JSON_STRING || !kt_json_string(j, a, &s))
        return wrong(err, KT_PARSE, f, j->wrong ? j->wrong : "expected a string");
    KT_TRY(check_text(f, s, err));
    *ret = s;
    return 0;
}

static kt_rc decode(const kt_shape *shape, kt_json *j, kt_arena *a, void *ret, kt_err *err);

/* What is wrong with one of a list: its pointer begins with the list's (kt_at keeps what is there). */
static kt_rc wrong_in(kt_err *err, kt_rc rc, const kt_field *f, size_t i)
{
    char below[sizeof(err->field)] = "";
    if (!err)
        return rc;
    if (f->kind == KT_FIELD_LIST)
        memcpy(below, err->field, sizeof(below));
    snprintf(err->field, sizeof(err->field), "/%.20s/%zu%.20s", f->name, i, below);
    return rc;
}

static kt_rc read_one(kt_json *j, const kt_field *f, size_t i, kt_arena *a, void *ret, kt_err *err)
{
    if (f->kind == KT_FIELD_LIST && kt_json_peek(j) != KT_JSON_OBJECT)
        return wrong(err, KT_PARSE, f, "expected objects in the list");
    kt_rc rc = f->kind == KT_FIELD_LIST ? decode(f->of, j, a, ret, err) : read_text(j, f, a, ret, err);
    return rc < 0 ? wrong_in(err, rc, f, i) : 0;
}

static kt_rc read_list(kt_json *j, const kt_field *f, kt_arena *a, kt_list *ret, kt_err *err)
{
    size_t size = f->kind == KT_FIELD_TEXTS ? sizeof(kt_str) : f->of->size, cap = 0;
    char *v = NULL;
    bool first = true;
    kt_rc rc = 0;
    *ret = (kt_list){ 0 };
    if (kt_json_peek(j) != KT_JSON_ARRAY || !kt_json_enter(j, '['))
        return wrong(err, KT_PARSE, f, "expected a list");
    while (rc == 0 && kt_json_element(j, &first)) {
        if (ret->n == cap) {
            cap = cap ? 2 * cap : 16;
            v = kt_realloc(v, cap * size);
        }
        memset(v + ret->n * size, 0, size);
        rc = read_one(j, f, ret->n, a, v + ret->n * size, err);
        ret->n++;
    }
    if (rc == 0 && j->wrong)
        rc = wrong(err, KT_PARSE, f, j->wrong);
    ret->v = kt_arena_array(a, ret->n + 1, size); /* never NULL: an empty list is not null */
    if (v)
        memcpy(ret->v, v, ret->n * size);
    kt_free(v);
    return rc;
}

static kt_rc read_value(kt_json *j, const kt_field *f, kt_arena *a, void *ret, kt_err *err)
{
    int kind = kt_json_peek(j);
    if (kind == KT_JSON_NULL) {
        if (f->flags & KT_REQUIRED || !kt_json_skip(j, NULL))
            return wrong(err, KT_PARSE, f, "may not be null");
        if (f->kind == KT_FIELD_F64)
            *(double *)ret = NAN;
        return 0;
    }
    switch (f->kind) {
    case KT_FIELD_BOOL:
        if ((kind != KT_JSON_TRUE && kind != KT_JSON_FALSE) || !kt_json_skip(j, NULL))
            return wrong(err, KT_PARSE, f, "expected true or false");
        *(bool *)ret = kind == KT_JSON_TRUE;
        return 0;
    case KT_FIELD_I64:
    case KT_FIELD_F64: return read_number(j, f, ret, err);
    case KT_FIELD_TEXT: return read_text(j, f, a, ret, err);
    case KT_FIELD_TEXTS:
    case KT_FIELD_LIST: return read_list(j, f, a, ret, err);
    case KT_FIELD_JSON: break;
    }
    return wrong(err, KT_PARSE, f, "is not read"); /* no body that comes in has any JSON */
}

static const kt_field *find(const kt_shape *shape, kt_str name, size_t *ret_i)
{
    for (size_t i = 0; i < shape->n; i++)
        if (kt_str_eq(name, kt_str_of(shape->field[i].name)))
            return *ret_i = i, &shape->field[i];
    return NULL;
}

static kt_rc unknown(const kt_shape *shape, kt_str name, kt_err *err)
{
    const char *names[64];
    size_t n = KT_MIN(shape->n, KT_LEN(names));
    char pointer[64];
    for (size_t i = 0; i < n; i++)
        names[i] = shape->field[i].name;
    const char *near = kt_nearest(name, names, n);
    kt_fail(err, KT_PARSE, "there is no field %.*s here", (int)KT_MIN(name.n, 40), name.p);
    if (near)
        kt_hint(err, "did you mean %s?", near);
    snprintf(pointer, sizeof(pointer), "/%.*s", (int)KT_MIN(name.n, 40), name.p);
    return kt_at(err, NULL, 0, pointer), KT_PARSE;
}

/* Of the whole body; inside a list the caller says where. */
static kt_rc malformed(const kt_json *j, kt_err *err)
{
    kt_fail(err, KT_PARSE, "the body is not a JSON object: %s at byte %zu", j->wrong ? j->wrong : "unexpected text", j->at);
    return KT_PARSE;
}

static kt_rc missing(const kt_shape *shape, uint64_t seen, kt_err *err)
{
    for (size_t i = 0; i < shape->n; i++)
        if (shape->field[i].flags & KT_REQUIRED && !(seen >> i & 1))
            return wrong(err, KT_PARSE, &shape->field[i], "is missing");
    return 0;
}

/* One object, from where j stands. */
static kt_rc decode(const kt_shape *shape, kt_json *j, kt_arena *a, void *ret, kt_err *err)
{
    bool first = true;
    kt_str name;
    uint64_t seen = 0;
    KT_ASSERT(shape->n <= 64);
    if (!kt_json_enter(j, '{'))
        return malformed(j, err);
    while (kt_json_field(j, &first, a, &name)) {
        size_t i = 0;
        const kt_field *f = find(shape, name, &i);
        if (!f)
            return unknown(shape, name, err);
        if (seen >> i & 1)
            return wrong(err, KT_PARSE, f, "is there twice");
        seen |= 1ull << i;
        KT_TRY(read_value(j, f, a, at(f, ret), err));
    }
    return j->wrong ? malformed(j, err) : missing(shape, seen, err);
}

kt_rc kt_shape_decode(const kt_shape *shape, kt_str text, kt_arena *a, void *ret, kt_err *err)
{
    kt_json j = { .s = text };
    KT_TRY(decode(shape, &j, a, ret, err));
    return kt_json_end(&j) ? 0 : malformed(&j, err);
}

/* ---- encoding ---- */

static void put_value(const kt_field *f, const void *v, kt_buf *b)
{
    const kt_str *s = v;
    const kt_list *l = v;
    switch (f->kind) {
    case KT_FIELD_BOOL: kt_buf_puts(b, *(const bool *)v ? "true" : "false"); return;
    case KT_FIELD_I64: kt_buf_printf(b, "%lld", (long long)*(const int64_t *)v); return;
    case KT_FIELD_F64: kt_buf_f64(b, *(const double *)v); return;
    case KT_FIELD_TEXT:
        if (s->p || !(f->flags & KT_NULLABLE))
            kt_buf_json(b, s->p ? *s : KT_S(""));
        else
            kt_buf_puts(b, "null");
        return;
    case KT_FIELD_JSON: kt_buf_str(b, s->n ? *s : KT_S("null")); return;
    case KT_FIELD_TEXTS:
    case KT_FIELD_LIST:
        if (!l->v && f->flags & KT_NULLABLE) {
            kt_buf_puts(b, "null");
            return;
        }
        kt_buf_char(b, '[');
        for (size_t i = 0; i < l->n; i++) {
            if (i)
                kt_buf_char(b, ',');
            if (f->kind == KT_FIELD_TEXTS)
                kt_buf_json(b, ((const kt_str *)l->v)[i]);
            else
                kt_shape_encode(f->of, (const char *)l->v + i * f->of->size, b);
        }
        kt_buf_char(b, ']');
        return;
    }
}

void kt_shape_encode(const kt_shape *shape, const void *value, kt_buf *ret)
{
    kt_buf_char(ret, '{');
    for (size_t i = 0; i < shape->n; i++) {
        if (i)
            kt_buf_char(ret, ',');
        kt_buf_json(ret, kt_str_of(shape->field[i].name));
        kt_buf_char(ret, ':');
        put_value(&shape->field[i], at(&shape->field[i], value), ret);
    }
    kt_buf_char(ret, '}');
}

/* ---- schema ---- */

static void put_type(const char *type, bool nullable, kt_buf *b)
{
    kt_buf_printf(b, nullable ? "\"type\":[\"%s\",\"null\"]" : "\"type\":\"%s\"", type);
}

static void put_bounds(const kt_field *f, const char *lo, const char *hi, kt_buf *b)
{
    if (!bounded(f))
        return;
    kt_buf_printf(b, ",\"%s\":", lo);
    kt_buf_f64(b, f->lo);
    kt_buf_printf(b, ",\"%s\":", hi);
    kt_buf_f64(b, f->hi);
}

static void put_schema(const kt_field *f, kt_buf *b)
{
    bool nullable = f->flags & KT_NULLABLE;
    kt_buf_char(b, '{');
    switch (f->kind) {
    case KT_FIELD_BOOL: put_type("boolean", nullable, b); break;
    case KT_FIELD_I64: put_type("integer", nullable, b); put_bounds(f, "minimum", "maximum", b); break;
    case KT_FIELD_F64: put_type("number", nullable, b); put_bounds(f, "minimum", "maximum", b); break;
    case KT_FIELD_TEXT: put_type("string", nullable, b); put_bounds(f, "minLength", "maxLength", b); break;
    case KT_FIELD_JSON: kt_buf_puts(b, "\"type\":[\"object\",\"null\"]"); break;
    case KT_FIELD_TEXTS:
        put_type("array", nullable, b);
        kt_buf_puts(b, ",\"items\":{\"type\":\"string\"");
        put_bounds(f, "minLength", "maxLength", b);
        kt_buf_char(b, '}');
        break;
    case KT_FIELD_LIST:
        put_type("array", nullable, b);
        kt_buf_printf(b, ",\"items\":{\"$ref\":\"#/components/schemas/%s\"}", f->of->name);
        break;
    }
    for (const char *const *v = f->one_of; v && *v; v++)
        kt_buf_printf(b, "%s\"%s\"%s", v == f->one_of ? ",\"enum\":[" : ",", *v, v[1] ? "" : "]");
    kt_buf_puts(b, ",\"description\":");
    kt_buf_json(b, kt_str_of(f->help));
    kt_buf_char(b, '}');
}

void kt_shape_schema(const kt_shape *shape, kt_buf *ret)
{
    bool any = false;
    kt_buf_puts(ret, "{\"type\":\"object\",\"description\":");
    kt_buf_json(ret, kt_str_of(shape->help));
    kt_buf_puts(ret, ",\"additionalProperties\":false,\"properties\":{");
    for (size_t i = 0; i < shape->n; i++) {
        if (i)
            kt_buf_char(ret, ',');
        kt_buf_json(ret, kt_str_of(shape->field[i].name));
        kt_buf_char(ret, ':');
        put_schema(&shape->field[i], ret);
    }
    kt_buf_char(ret, '}');
    for (size_t i = 0; i < shape->n; i++)
        if (shape->field[i].flags & KT_REQUIRED) {
            kt_buf_printf(ret, "%s\"%s\"", any ? "," : ",\"required\":[", shape->field[i].name);
            any = true;
        }
    kt_buf_puts(ret, any ? "]}" : "}");
}
