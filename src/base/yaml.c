/* libyaml's events into arena nodes. Anchors are refused: a configuration that expands is a configuration nobody reads. */
#include "base/yaml.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct ctx {
    yaml_parser_t p;
    const char *file;
    kt_arena *a;
    kt_err *err;
    int depth;
};

static kt_rc next_event(struct ctx *c, yaml_event_t *ev)
{
    if (yaml_parser_parse(&c->p, ev))
        return 0;
    kt_fail(c->err, KT_PARSE, "%s%s%s", c->p.problem ? c->p.problem : "malformed YAML", c->p.context ? ", " : "",
            c->p.context ? c->p.context : "");
    kt_at(c->err, c->file, c->p.problem_mark.line + 1, NULL);
    return KT_PARSE;
}

static kt_rc parse_node(struct ctx *c, const yaml_event_t *ev, const char *path, kt_yaml *ret);

static kt_rc parse_map(struct ctx *c, const char *path, kt_yaml *ret)
{
    KT_VEC(kt_yaml) keys = { 0 }, vals = { 0 };
    kt_rc rc = 0;
    for (;;) {
        yaml_event_t k, v;
        if ((rc = next_event(c, &k)) < 0)
            break;
        if (k.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&k);
            break;
        }
        kt_yaml key, val;
        rc = parse_node(c, &k, path, &key);
        yaml_event_delete(&k);
        if (rc == 0 && key.kind != KT_YAML_SCALAR)
            rc = kt_yaml_fail(&key, c->file, c->err, "a key must be plain text");
        for (size_t i = 0; rc == 0 && i < keys.n; i++)
            if (kt_str_eq(keys.v[i].text, key.text))
                rc = kt_yaml_fail(&key, c->file, c->err, "%.*s is given twice", KT_F(key.text));
        if (rc < 0 || (rc = next_event(c, &v)) < 0)
            break;
        kt_str sub = kt_arena_printf(c->a, "%s%s%.*s", path, *path ? "." : "", KT_F(key.text));
        rc = parse_node(c, &v, sub.p, &val);
        yaml_event_delete(&v);
        if (rc < 0)
            break;
        KT_PUSH(&keys, key);
        KT_PUSH(&vals, val);
    }
    ret->n = keys.n;
    ret->key = kt_arena_array(c->a, keys.n, sizeof(kt_yaml));
    ret->val = kt_arena_array(c->a, keys.n, sizeof(kt_yaml));
    if (keys.n) {
        memcpy(ret->key, keys.v, keys.n * sizeof(kt_yaml));
        memcpy(ret->val, vals.v, vals.n * sizeof(kt_yaml));
    }
    KT_VEC_DONE(&keys);
    KT_VEC_DONE(&vals);
    return rc;
}

static kt_rc parse_list(struct ctx *c, const char *path, kt_yaml *ret)
{
    KT_VEC(kt_yaml) vals = { 0 };
    kt_rc rc = 0;
    for (;;) {
        yaml_event_t v;
        kt_yaml val;
        if ((rc = next_event(c, &v)) < 0)
            break;
        if (v.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&v);
            break;
        }
        rc = parse_node(c, &v, kt_arena_printf(c->a, "%s[%zu]", path, vals.n).p, &val);
        yaml_event_delete(&v);
        if (rc < 0)
            break;
        KT_PUSH(&vals, val);
    }
    ret->n = vals.n;
    ret->val = kt_arena_array(c->a, vals.n, sizeof(kt_yaml));
    if (vals.n)
        memcpy(ret->val, vals.v, vals.n * sizeof(kt_yaml));
    KT_VEC_DONE(&vals);
    return rc;
}

static kt_rc parse_node(struct ctx *c, const yaml_event_t *ev, const char *path, kt_yaml *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->line = ev->start_mark.line + 1;
    ret->path = path;
    if (++c->depth > KT_MAX_JSON_DEPTH)
        return kt_yaml_fail(ret, c->file, c->err, "nested too deeply");
    kt_rc rc = 0;
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        ret->kind = KT_YAML_SCALAR;
        ret->text = kt_arena_str(c->a, (kt_str){ (const char *)ev->data.scalar.value, ev->data.scalar.length });
        ret->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        break;
    case YAML_MAPPING_START_EVENT:
        ret->kind = KT_YAML_MAP;
        rc = parse_map(c, path, ret);
        break;
    case YAML_SEQUENCE_START_EVENT:
        ret->kind = KT_YAML_LIST;
        rc = parse_list(c, path, ret);
        break;
    case YAML_ALIAS_EVENT: rc = kt_yaml_fail(ret, c->file, c->err, "aliases (*name) are not used here; write it out"); break;
    default: rc = kt_yaml_fail(ret, c->file, c->err, "expected a value");
    }
    c->depth--;
    return rc;
}

static kt_rc parse_document(struct ctx *c, kt_yaml **ret)
{
    yaml_event_t ev;
    for (;;) { /* stream start, document start, then the root */
        KT_TRY(next_event(c, &ev));
        if (ev.type != YAML_STREAM_START_EVENT && ev.type != YAML_DOCUMENT_START_EVENT)
            break;
        yaml_event_delete(&ev);
    }
    if (ev.type == YAML_STREAM_END_EVENT) {
        yaml_event_delete(&ev);
        kt_fail(c->err, KT_PARSE, "the file is empty");
        return kt_at(c->err, c->file, 0, NULL), KT_PARSE;
    }
    kt_yaml *root = kt_arena_zalloc(c->a, sizeof(*root));
    kt_rc rc = parse_node(c, &ev, "", root);
    yaml_event_delete(&ev);
    KT_TRY(rc);
    for (;;) {
        KT_TRY(next_event(c, &ev));
        yaml_event_type_t type = ev.type;
        yaml_event_delete(&ev);
        if (type == YAML_DOCUMENT_START_EVENT)
            return kt_yaml_fail(root, c->file, c->err, "one document per file, please");
        if (type == YAML_STREAM_END_EVENT)
            break;
    }
    *ret = root;
    return 0;
}

kt_rc kt_yaml_parse(kt_str text, const char *file, kt_arena *a, kt_yaml **ret, kt_err *err)
{
    size_t bad;
    if (!kt_utf8_valid(text, &bad)) {
        kt_fail(err, KT_PARSE, "byte %zu is not UTF-8", bad);
        return kt_at(err, file, 0, NULL), KT_PARSE;
    }
    struct ctx c = { .file = file, .a = a, .err = err };
    if (!yaml_parser_initialize(&c.p))
        return kt_fail(err, KT_NOMEM, "no memory for the YAML parser");
    yaml_parser_set_input_string(&c.p, (const unsigned char *)text.p, text.n);
    kt_rc rc = parse_document(&c, ret);
    yaml_parser_delete(&c.p);
    return rc;
}

const kt_yaml *kt_yaml_get(const kt_yaml *y, const char *key)
{
    if (y && y->kind == KT_YAML_MAP)
        for (size_t i = 0; i < y->n; i++)
            if (kt_str_eq(y->key[i].text, kt_str_of(key)))
                return &y->val[i];
    return NULL;
}

kt_rc kt_yaml_fail(const kt_yaml *y, const char *file, kt_err *err, const char *fmt, ...)
{
    char text[220];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    kt_fail(err, KT_RANGE, "%s", text);
    kt_at(err, file, y->line, y->path);
    return KT_RANGE;
}

kt_rc kt_yaml_known(const kt_yaml *y, const char *const *names, size_t n, const char *file, kt_err *err)
{
    if (!y)
        return 0;
    if (y->kind != KT_YAML_MAP)
        return kt_yaml_fail(y, file, err, "expected keys and values here");
    for (size_t i = 0; i < y->n; i++) {
        size_t k = 0;
        while (k < n && !kt_str_eq(y->key[i].text, kt_str_of(names[k])))
            k++;
        if (k < n)
            continue;
        const char *near = kt_nearest(y->key[i].text, names, n);
        kt_yaml_fail(&y->val[i], file, err, "unknown key %.*s", KT_F(y->key[i].text));
        return near ? (kt_hint(err, "did you mean %s?", near), KT_RANGE) : KT_RANGE;
    }
    return 0;
}

static kt_rc scalar(const kt_yaml *y, const char *key, const char *file, const kt_yaml **ret, kt_err *err)
{
    *ret = kt_yaml_get(y, key);
    if (*ret && (*ret)->kind != KT_YAML_SCALAR)
        return kt_yaml_fail(*ret, file, err, "expected a single value");
    return 0;
}

kt_rc kt_yaml_text(const kt_yaml *y, const char *key, const char *file, kt_str *ret, kt_err *err)
{
    const kt_yaml *v;
    KT_TRY(scalar(y, key, file, &v, err));
    if (v)
        *ret = v->text;
    return 0;
}

kt_rc kt_yaml_i64(const kt_yaml *y, const char *key, const char *file, int64_t range[2], int64_t *ret, kt_err *err)
{
    const kt_yaml *v;
    KT_TRY(scalar(y, key, file, &v, err));
    if (v && !kt_parse_i64(v->text, range[0], range[1], ret))
        return kt_yaml_fail(v, file, err, "expected a whole number from %lld to %lld, not %.*s", (long long)range[0],
                            (long long)range[1], KT_F(v->text));
    return 0;
}

kt_rc kt_yaml_f64(const kt_yaml *y, const char *key, const char *file, double range[2], double *ret, kt_err *err)
{
    const kt_yaml *v;
    KT_TRY(scalar(y, key, file, &v, err));
    double d;
    if (!v)
        return 0;
    if (!kt_parse_f64(v->text, &d) || d < range[0] || d > range[1])
        return kt_yaml_fail(v, file, err, "expected a number from %g to %g, not %.*s", range[0], range[1], KT_F(v->text));
    *ret = d;
    return 0;
}

kt_rc kt_yaml_bool(const kt_yaml *y, const char *key, const char *file, bool *ret, kt_err *err)
{
    const kt_yaml *v;
    KT_TRY(scalar(y, key, file, &v, err));
    if (!v)
        return 0;
    if (kt_str_eq(v->text, KT_S("true")))
        *ret = true;
    else if (kt_str_eq(v->text, KT_S("false")))
        *ret = false;
    else
        return kt_yaml_fail(v, file, err, "expected true or false, not %.*s", KT_F(v->text));
    return 0;
}

kt_rc kt_yaml_duration_us(const kt_yaml *y, const char *key, const char *file, int64_t *ret, kt_err *err)
{
    const kt_yaml *v;
    KT_TRY(scalar(y, key, file, &v, err));
    if (v && !kt_parse_duration_us(v->text, ret))
        return kt_yaml_fail(v, file, err, "expected a duration such as 30s, 10m or 2h, not %.*s", KT_F(v->text));
    return 0;
}
