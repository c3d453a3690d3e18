/* Rules. Each keyword list and each regex is a pattern of one of two Vectorscan databases per field: the text's, or one of a
   named meta field. A match sets a bit; a rule votes when its any (one or more), all and regex bits are set and none of none's. */
#include "provider/functions.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "provider/functions_int.h"

#include <hs.h>
#include <stdio.h>

enum clause { ANY, ALL, NONE, REGEX };

struct pattern {
    uint32_t rule;
    enum clause clause;
    uint32_t line;
    char *expr;
};

struct rule {
    kt_str name, field, lua;
    int32_t label; /* -1: Lua */
    int64_t min_chars, max_chars;
    uint32_t n_all;
    bool has_any, has_regex;
    uint32_t db; /* which database looks at its field */
};

struct field_db {
    kt_str field; /* empty: the text */
    KT_VEC(struct pattern) patterns;
    hs_database_t *hs;
};

struct kt_functions {
    kt_arena arena;
    struct rule *rule;
    uint32_t n;
    KT_VEC(struct field_db) dbs;
    const kt_str *labels;
    uint32_t n_labels;
    kt_str *lua; /* n sources, .p NULL where a rule */
    bool any_lua;
};

struct kt_functions_scratch {
    const kt_functions *f;
    hs_scratch_t *hs;
    kt_lua *lua;
    unsigned char *seen; /* per pattern of the database at hand: matched already */
    struct { uint32_t all; bool any, none, regex; } *hit; /* per rule */
    kt_function_fault *fault;
    kt_arena arena;
};

/* A word or phrase as a regex: letters and digits must not continue at its ends; spaces match any white space. */
static char *keyword_regex(kt_arena *a, kt_str w)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 10);
    bool front = w.n && ((w.p[0] | 32) >= 'a' && (w.p[0] | 32) <= 'z'), back = false;
    if (w.n) {
        char c = w.p[w.n - 1];
        front |= w.p[0] >= '0' && w.p[0] <= '9';
        back = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9');
    }
    if (front)
        kt_buf_puts(&b, "\\b");
    for (size_t i = 0; i < w.n; i++) {
        unsigned char c = (unsigned char)w.p[i];
        if (c == ' ')
            kt_buf_puts(&b, "\\s+");
        else if (c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'))
            kt_buf_char(&b, (char)c);
        else
            kt_buf_printf(&b, "\\x%02x", c);
    }
    if (back)
        kt_buf_puts(&b, "\\b");
    return kt_arena_cstr(a, KT_BUF_STR(&b));
}

static uint32_t db_for(kt_functions *f, kt_str field)
{
    for (uint32_t i = 0; i < f->dbs.n; i++)
        if (kt_str_eq(f->dbs.v[i].field, field))
            return i;
    struct field_db d = { .field = field };
    KT_PUSH(&f->dbs, d);
    return (uint32_t)f->dbs.n - 1;
}

static void add_pattern(kt_functions *f, uint32_t rule, enum clause clause, const kt_yaml *at, char *expr)
{
    struct pattern p = { rule, clause, (uint32_t)at->line, expr };
    KT_PUSH(&f->dbs.v[f->rule[rule].db].patterns, p);
}

static kt_rc add_words(kt_functions *f, uint32_t i, const kt_yaml *y, const char *key, enum clause clause, const char *file, kt_err *err)
{
    const kt_yaml *list = kt_yaml_get(y, key);
    if (!list)
        return 0;
    if (list->kind != KT_YAML_LIST || list->n == 0)
        return kt_yaml_fail(list, file, err, "%s wants a list of words or phrases, such as [refund, money back]", key);
    for (size_t k = 0; k < list->n; k++) {
        const kt_yaml *w = &list->val[k];
        if (w->kind != KT_YAML_SCALAR || kt_str_trim(w->text).n == 0)
            return kt_yaml_fail(w, file, err, "expected a word or phrase");
        add_pattern(f, i, clause, w, keyword_regex(&f->arena, kt_str_trim(w->text)));
    }
    if (clause == ALL)
        f->rule[i].n_all = (uint32_t)list->n;
    if (clause == ANY)
        f->rule[i].has_any = true;
    return 0;
}

static kt_rc read_label(kt_functions *f, struct rule *r, const kt_yaml *y, const char *file, kt_err *err)
{
    kt_str name = { 0 };
    KT_TRY(kt_yaml_text(y, "label", file, &name, err));
    r->label = -1;
    for (uint32_t i = 0; i < f->n_labels; i++)
        if (name.n && kt_str_eq(name, f->labels[i]))
            r->label = (int32_t)i;
    if (r->lua.p && !name.n)
        return 0;
    if (!name.n)
        return kt_yaml_fail(y, file, err, "a function needs a label (or lua)");
    if (r->label >= 0)
        return 0;
    kt_yaml_fail(kt_yaml_get(y, "label"), file, err, "label %.*s is not one of the project's", KT_F(name));
    const char *all[256];
    size_t n = KT_MIN((size_t)f->n_labels, KT_LEN(all));
    for (size_t i = 0; i < n; i++)
        all[i] = f->labels[i].p;
    const char *near = kt_nearest(name, all, n);
    return near ? (kt_hint(err, "did you mean %s?", near), KT_RANGE) : KT_RANGE;
}

static kt_rc read_rule(kt_functions *f, uint32_t i, const kt_yaml *y, const char *file, kt_err *err)
{
    static const char *const keys[] = { "name", "label", "any", "all", "none", "regex", "field", "min_chars", "max_chars", "lua" };
    struct rule *r = &f->rule[i];
    KT_TRY(kt_yaml_known(y, keys, KT_LEN(keys), file, err));
    KT_TRY(kt_yaml_text(y, "name", file, &r->name, err));
    if (!r->name.n)
        return kt_yaml_fail(y, file, err, "a function needs a name");
    for (uint32_t k = 0; k < i; k++)
        if (kt_str_eq(f->rule[k].name, r->name))
            return kt_yaml_fail(y, file, err, "function %.*s is given twice", KT_F(r->name));
    KT_TRY(kt_yaml_text(y, "lua", file, &r->lua, err));
    KT_TRY(kt_yaml_text(y, "field", file, &r->field, err));
    KT_TRY(read_label(f, r, y, file, err));
    r->max_chars = INT64_MAX;
    KT_TRY(kt_yaml_i64(y, "min_chars", file, (int64_t[]){ 0, INT64_MAX }, &r->min_chars, err));
    KT_TRY(kt_yaml_i64(y, "max_chars", file, (int64_t[]){ 0, INT64_MAX }, &r->max_chars, err));
    if (r->lua.p) {
        f->lua[i] = r->lua;
        f->any_lua = true;
        return 0;
    }
    r->db = db_for(f, r->field);
    KT_TRY(add_words(f, i, y, "any", ANY, file, err));
    KT_TRY(add_words(f, i, y, "all", ALL, file, err));
    KT_TRY(add_words(f, i, y, "none", NONE, file, err));
    const kt_yaml *re = kt_yaml_get(y, "regex");
    kt_str expr = { 0 };
    KT_TRY(kt_yaml_text(y, "regex", file, &expr, err));
    if (re) {
        r->has_regex = true;
        add_pattern(f, i, REGEX, re, kt_arena_cstr(&f->arena, expr));
    }
    if (!r->has_any && !r->n_all && !r->has_regex && r->min_chars == 0 && r->max_chars == INT64_MAX)
        return kt_yaml_fail(y, file, err, "function %.*s has no condition: any, all, regex, min_chars, max_chars or lua", KT_F(r->name));
    return 0;
}

static kt_rc compile(struct field_db *d, const char *file, kt_err *err)
{
    size_t n = d->patterns.n;
    if (n == 0)
        return 0;
    const char **expr = kt_alloc_array(n, sizeof(*expr));
    unsigned *flags = kt_alloc_array(n, sizeof(*flags)), *ids = kt_alloc_array(n, sizeof(*ids));
    for (size_t i = 0; i < n; i++) {
        bool word = d->patterns.v[i].clause != REGEX;
        expr[i] = d->patterns.v[i].expr;
        flags[i] = HS_FLAG_SINGLEMATCH | HS_FLAG_DOTALL | HS_FLAG_UTF8 | HS_FLAG_ALLOWEMPTY | (word ? HS_FLAG_CASELESS : 0);
        ids[i] = (unsigned)i;
    }
    hs_compile_error_t *bad = NULL;
    kt_rc rc = 0;
    if (hs_compile_multi(expr, flags, ids, (unsigned)n, HS_MODE_BLOCK, NULL, &d->hs, &bad) != HS_SUCCESS) {
        const struct pattern *p = bad->expression >= 0 ? &d->patterns.v[bad->expression] : &d->patterns.v[0];
        rc = kt_fail(err, KT_RANGE, "regex %.80s: %.100s", p->expr, bad->message);
        kt_at(err, file, p->line, "functions");
        kt_hint(err, "back references and look-around are not taken: they can run for ever; write it in lua, or simpler");
        hs_free_compile_error(bad);
    }
    kt_free(expr);
    kt_free(flags);
    kt_free(ids);
    return rc;
}

kt_rc kt_functions_new(const kt_yaml *list, const char *file, const kt_str *labels, uint32_t n_labels, kt_functions **ret, kt_err *err)
{
    if (list && (list->kind != KT_YAML_LIST || list->n > KT_MAX_FUNCTIONS))
        return kt_yaml_fail(list, file, err, "expected a list of at most %d functions", KT_MAX_FUNCTIONS);
    kt_functions *f = kt_zalloc(sizeof(*f));
    f->n = list ? (uint32_t)list->n : 0;
    f->labels = labels;
    f->n_labels = n_labels;
    f->rule = kt_arena_array(&f->arena, f->n, sizeof(*f->rule));
    f->lua = kt_arena_array(&f->arena, f->n, sizeof(*f->lua));
    kt_rc rc = 0;
    for (uint32_t i = 0; i < f->n && rc == 0; i++)
        rc = read_rule(f, i, &list->val[i], file, err);
    for (size_t i = 0; i < f->dbs.n && rc == 0; i++)
        rc = compile(&f->dbs.v[i], file, err);
    for (uint32_t i = 0; i < f->n && rc == 0; i++) { /* each program alone, so that an error names its function */
        kt_lua *probe = NULL;
        if (f->lua[i].p && (rc = kt_lua_new(&f->lua[i], 1, &probe, err)) < 0) {
            kt_context(err, "function %.*s", KT_F(f->rule[i].name));
            kt_at(err, file, list->val[i].line, list->val[i].path);
        }
        kt_lua_free(probe);
    }
    if (rc < 0) {
        kt_functions_free(f);
        return rc;
    }
    *ret = f;
    return 0;
}

kt_functions *kt_functions_free(kt_functions *f)
{
    if (!f)
        return NULL;
    for (size_t i = 0; i < f->dbs.n; i++) {
        hs_free_database(f->dbs.v[i].hs);
        KT_VEC_DONE(&f->dbs.v[i].patterns);
    }
    KT_VEC_DONE(&f->dbs);
    kt_arena_done(&f->arena);
    return kt_free(f);
}

uint32_t kt_functions_count(const kt_functions *f)
{
    return f->n;
}

kt_str kt_functions_name(const kt_functions *f, uint32_t i)
{
    return f->rule[i].name;
}

int32_t kt_functions_label(const kt_functions *f, uint32_t i)
{
    return f->rule[i].label;
}

kt_rc kt_functions_scratch_new(const kt_functions *f, kt_functions_scratch **ret, kt_err *err)
{
    kt_functions_scratch *s = kt_zalloc(sizeof(*s));
    size_t most = 1;
    s->f = f;
    kt_rc rc = 0;
    for (size_t i = 0; i < f->dbs.n && rc == 0; i++) {
        most = KT_MAX(most, f->dbs.v[i].patterns.n);
        if (f->dbs.v[i].hs && hs_alloc_scratch(f->dbs.v[i].hs, &s->hs) != HS_SUCCESS)
            rc = kt_fail(err, KT_NOMEM, "no memory for pattern matching");
    }
    s->seen = kt_zalloc(most);
    s->hit = kt_zalloc_array((size_t)f->n + 1, sizeof(*s->hit));
    s->fault = kt_zalloc_array((size_t)f->n + 1, sizeof(*s->fault));
    if (rc == 0 && f->any_lua)
        rc = kt_lua_new(f->lua, f->n, &s->lua, err);
    if (rc < 0) {
        kt_functions_scratch_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

kt_functions_scratch *kt_functions_scratch_free(kt_functions_scratch *s)
{
    if (!s)
        return NULL;
    hs_free_scratch(s->hs);
    kt_lua_free(s->lua);
    kt_free(s->seen);
    kt_free(s->hit);
    kt_free(s->fault);
    kt_arena_done(&s->arena);
    return kt_free(s);
}

struct scan {
    kt_functions_scratch *s;
    const struct field_db *db;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
    (void)from, (void)to, (void)flags;
    struct scan *sc = ctx;
    const struct pattern *p = &sc->db->patterns.v[id];
    if (sc->s->seen[id]) /* SINGLEMATCH says once, but not across every engine */
        return 0;
    sc->s->seen[id] = 1;
    switch (p->clause) {
    case ANY: sc->s->hit[p->rule].any = true; break;
    case ALL: sc->s->hit[p->rule].all++; break;
    case NONE: sc->s->hit[p->rule].none = true; break;
    case REGEX: sc->s->hit[p->rule].regex = true; break;
    }
    return 0;
}

/* Value of a top-level field of meta as text; empty when absent. */
static kt_str meta_field(kt_functions_scratch *s, kt_str meta, kt_str field)
{
    kt_json j = { .s = meta };
    bool first = true;
    kt_str name, value = { "", 0 };
    if (meta.n && kt_json_enter(&j, '{'))
        while (kt_json_field(&j, &first, &s->arena, &name)) {
            bool text = kt_json_peek(&j) == KT_JSON_STRING;
            if (!(text ? kt_json_string(&j, &s->arena, &value) : kt_json_skip(&j, &value)))
                break;
            if (kt_str_eq(name, field))
                return value;
        }
    return (kt_str){ "", 0 };
}

static size_t count_chars(kt_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void note_fault(kt_functions_scratch *s, uint32_t i, const char *said)
{
    if (s->fault[i].n++ == 0)
        snprintf(s->fault[i].first, sizeof(s->fault[i].first), "%.159s", said);
}

static int16_t lua_vote(kt_functions_scratch *s, uint32_t i)
{
    kt_err err = { 0 };
    kt_str name;
    if (kt_lua_call(s->lua, i, &name, &err) < 0) {
        note_fault(s, i, err.what);
        return KT_ABSTAIN;
    }
    if (!name.p)
        return KT_ABSTAIN;
    for (uint32_t c = 0; c < s->f->n_labels; c++)
        if (kt_str_eq(name, s->f->labels[c]))
            return (int16_t)c;
    char said[160];
    snprintf(said, sizeof(said), "returned '%.*s', which is no label of the project", (int)KT_MIN(name.n, 64), name.p);
    note_fault(s, i, said);
    return KT_ABSTAIN;
}

void kt_functions_apply(kt_functions_scratch *s, kt_str text, kt_str meta, int16_t *ret_vote)
{
    const kt_functions *f = s->f;
    kt_arena_reset(&s->arena);
    memset(s->hit, 0, f->n * sizeof(*s->hit));
    kt_str value[8] = { { "", 0 } };
    for (size_t i = 0; i < f->dbs.n; i++) {
        const struct field_db *d = &f->dbs.v[i];
        kt_str v = d->field.n ? meta_field(s, meta, d->field) : text;
        if (i < KT_LEN(value))
            value[i] = v;
        if (!d->hs)
            continue;
        struct scan sc = { s, d };
        memset(s->seen, 0, d->patterns.n);
        kt_ignore(hs_scan(d->hs, v.p, (unsigned)KT_MIN(v.n, UINT32_MAX), 0, s->hs, on_match, &sc), "block mode fails only on misuse");
    }
    if (s->lua)
        kt_lua_item(s->lua, text, meta);
    for (uint32_t i = 0; i < f->n; i++) {
        const struct rule *r = &f->rule[i];
        if (r->lua.p) {
            ret_vote[i] = lua_vote(s, i);
            continue;
        }
        bool yes = !s->hit[i].none && (!r->has_any || s->hit[i].any) && (!r->has_regex || s->hit[i].regex) && s->hit[i].all == r->n_all;
        if (yes && (r->min_chars > 0 || r->max_chars < INT64_MAX)) {
            kt_str v = !r->field.n ? text : r->db < KT_LEN(value) ? value[r->db] : meta_field(s, meta, r->field);
            int64_t n = (int64_t)count_chars(v);
            yes = n >= r->min_chars && n <= r->max_chars;
        }
        ret_vote[i] = yes ? (int16_t)r->label : KT_ABSTAIN;
    }
}

const kt_function_fault *kt_functions_faults(const kt_functions_scratch *s)
{
    return s->fault;
}
