#include "stage/functions_kept.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "provider/functions.h"
#include "stage/config.h"
#include "store/audit.h"

#define DOC KT_S("functions.kept")
#define TYPED "rule" /* what messages call the text */

/* ---- the document: [{"name":…,"text":…,"by":…,"at_us":…}, …] ---- */

static bool read_one(kt_json *j, kt_arena *a, kt_kept *ret)
{
    bool first = true;
    kt_str name;
    double at = 0;
    if (!kt_json_enter(j, '{'))
        return false;
    while (kt_json_field(j, &first, a, &name)) {
        kt_str *to = kt_str_eq(name, KT_S("name")) ? &ret->name : kt_str_eq(name, KT_S("text")) ? &ret->text : kt_str_eq(name, KT_S("by")) ? &ret->by : NULL;
        if (!(to ? kt_json_string(j, a, to) : kt_json_number(j, &at)))
            return false;
    }
    ret->at_us = (int64_t)at;
    return !j->wrong;
}

kt_rc kt_kept_list(kt_store *s, int64_t project, kt_arena *a, kt_kept **ret, size_t *ret_n, kt_err *err)
{
    kt_json j = { .s = { "", 0 } };
    bool first = true;
    KT_VEC(kt_kept) v = { 0 };
    kt_rc rc = kt_doc_get(s, project, DOC, a, &j.s, err);
    KT_TRY(rc);
    if (rc == 0 && kt_json_enter(&j, '['))
        while (kt_json_element(&j, &first)) {
            kt_kept k = { 0 };
            if (!read_one(&j, a, &k))
                break;
            KT_PUSH(&v, k);
        }
    *ret_n = v.n;
    *ret = kt_arena_array(a, v.n + 1, sizeof(**ret));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(**ret));
    KT_VEC_DONE(&v);
    return j.wrong ? kt_fail(err, KT_CORRUPT, "the rules kept for project %lld are damaged: %s", (long long)project, j.wrong) : 0;
}

static kt_rc put_list(kt_store *s, int64_t project, const kt_kept *v, size_t n, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    kt_buf_char(&b, '[');
    for (size_t i = 0; i < n; i++) {
        kt_buf_puts(&b, i ? ",{\"name\":" : "{\"name\":");
        kt_buf_json(&b, v[i].name);
        kt_buf_puts(&b, ",\"text\":");
        kt_buf_json(&b, v[i].text);
        kt_buf_puts(&b, ",\"by\":");
        kt_buf_json(&b, v[i].by);
        kt_buf_printf(&b, ",\"at_us\":%lld}", (long long)v[i].at_us);
    }
    kt_buf_char(&b, ']');
    return kt_doc_put(s, project, DOC, KT_BUF_STR(&b), err);
}

/* ---- from text to function ---- */

kt_rc kt_function_map(const kt_yaml *y, kt_str name, kt_arena *a, kt_yaml *ret, kt_err *err)
{
    const kt_yaml *map = y->kind == KT_YAML_LIST && y->n == 1 ? &y->val[0] : y;
    if (map->kind != KT_YAML_MAP) {
        kt_fail(err, KT_RANGE, "expected one function");
        return kt_hint(err, "such as {label: spam, any: [word, two words]}"), KT_RANGE;
    }
    *ret = *map;
    if (kt_yaml_get(map, "name"))
        return 0;
    ret->n = map->n + 1;
    ret->key = kt_arena_array(a, ret->n, sizeof(*ret->key));
    ret->val = kt_arena_array(a, ret->n, sizeof(*ret->val));
    ret->key[0] = (kt_yaml){ .kind = KT_YAML_SCALAR, .line = map->line, .path = "", .text = KT_S("name") };
    ret->val[0] = (kt_yaml){ .kind = KT_YAML_SCALAR, .line = map->line, .path = "name", .text = name, .quoted = true };
    memcpy(ret->key + 1, map->key, map->n * sizeof(*ret->key));
    memcpy(ret->val + 1, map->val, map->n * sizeof(*ret->val));
    return 0;
}

static kt_rc function_of(const kt_kept *k, kt_arena *a, kt_yaml *ret, kt_err *err)
{
    kt_yaml *y;
    KT_TRY(kt_yaml_parse(k->text, TYPED, a, &y, err));
    return kt_function_map(y, k->name, a, ret, err);
}

static bool has_function(const kt_yaml *list, kt_str name)
{
    for (size_t i = 0; list && list->kind == KT_YAML_LIST && i < list->n; i++) {
        const kt_yaml *own = kt_yaml_get(&list->val[i], "name");
        if (own && kt_str_eq(own->text, name))
            return true;
    }
    return false;
}

kt_rc kt_project_functions(kt_store *s, const kt_project *p, const kt_yaml *of_file, kt_arena *a, const kt_yaml **ret, kt_err *err)
{
    kt_kept *k;
    size_t n;
    *ret = of_file;
    KT_TRY(kt_kept_list(s, p->id, a, &k, &n, err));
    if (n == 0 || (of_file && of_file->kind != KT_YAML_LIST)) /* what is no list is refused when it is read */
        return 0;
    kt_yaml *all = kt_arena_array(a, 1, sizeof(*all));
    size_t n_file = of_file ? of_file->n : 0;
    *all = (kt_yaml){ .kind = KT_YAML_LIST, .path = "functions", .n = n_file };
    all->val = kt_arena_array(a, n_file + n, sizeof(*all->val));
    if (n_file)
        memcpy(all->val, of_file->val, n_file * sizeof(*all->val));
    for (size_t i = 0; i < n; i++) {
        if (has_function(of_file, k[i].name))
            continue;
        if (function_of(&k[i], a, &all->val[all->n], err) < 0)
            return kt_context(err, "kept rule %.*s", KT_F(k[i].name));
        all->n++;
    }
    *ret = all;
    return 0;
}

static kt_rc check_name(const kt_kept *k, kt_err *err)
{
    bool fine = k->name.n > 0 && k->name.n <= KT_KEPT_MAX_NAME;
    for (size_t i = 0; i < k->name.n; i++)
        fine &= (unsigned char)k->name.p[i] >= ' ';
    if (fine && kt_str_trim(k->name).n == k->name.n)
        return 0;
    kt_fail(err, KT_RANGE, "name: a rule's name has 1 to %d bytes, no line breaks, and no space around it", KT_KEPT_MAX_NAME);
    return kt_at(err, NULL, 0, "/name"), KT_RANGE;
}

kt_rc kt_kept_check(kt_store *s, const kt_project *p, const kt_kept *k, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_config c;
    kt_kept *others;
    size_t n;
    kt_functions *f;
    kt_yaml *y, one, list = { .kind = KT_YAML_LIST, .path = "", .val = &one, .n = 1 };
    KT_TRY(check_name(k, err));
    if (k->text.n > KT_KEPT_MAX_TEXT)
        return kt_fail(err, KT_LIMIT, "rule: has more than %d bytes", KT_KEPT_MAX_TEXT);
    KT_TRY(kt_config_of(s, p, &a, &c, err));
    KT_TRY(kt_kept_list(s, p->id, &a, &others, &n, err));
    if (has_function(c.functions, k->name)) {
        kt_fail(err, KT_EXISTS, "the pipeline file has a function %.*s", KT_F(k->name));
        return kt_hint(err, "take another name, or change it there"), KT_EXISTS;
    }
    if (n + (c.functions ? c.functions->n : 0) >= KT_MAX_FUNCTIONS)
        return kt_fail(err, KT_LIMIT, "a project has at most %d functions", KT_MAX_FUNCTIONS);
    KT_TRY(kt_yaml_parse(k->text, TYPED, &a, &y, err));
    KT_TRY(kt_function_map(y, k->name, &a, &one, err));
    const kt_yaml *own = kt_yaml_get(&one, "name");
    if (!kt_str_eq(own->text, k->name))
        return kt_fail(err, KT_RANGE, "rule: calls itself %.*s, and is to be kept as %.*s; leave its name out", KT_F(own->text), KT_F(k->name));
    const kt_functions_opts o = { .file = TYPED, .labels = p->label, .n_labels = p->n_labels, .task = c.task, .foreign = true };
    KT_TRY(kt_functions_read(&list, &o, &f, err));
    kt_rc rc = kt_functions_compile(f, NULL, err);
    kt_functions_free(f);
    return rc;
}

static kt_rc log_change(kt_store *s, const kt_project *p, const char *kind, const kt_kept *k, kt_str actor, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
    kt_buf_puts(&b, "{\"name\":");
    kt_buf_json(&b, k->name);
    if (k->text.n) {
        kt_buf_puts(&b, ",\"rule\":");
        kt_buf_json(&b, k->text);
    }
    kt_buf_char(&b, '}');
    const kt_event e = { actor, kt_str_of(kind), p->id, -1, KT_BUF_STR(&b) };
    return kt_audit_append(s, &e, NULL, err);
}

kt_rc kt_kept_put(kt_store *s, const kt_project *p, const kt_kept *k, kt_str actor, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_kept *old;
    size_t n, at = 0;
    KT_TRY(kt_kept_list(s, p->id, &a, &old, &n, err));
    while (at < n && !kt_str_eq(old[at].name, k->name))
        at++;
    old[at] = *k; /* the list has room for one more */
    KT_TRY(put_list(s, p->id, old, KT_MAX(n, at + 1), err));
    return log_change(s, p, "functions.keep", k, actor, err);
}

kt_rc kt_kept_drop(kt_store *s, const kt_project *p, kt_str name, kt_str actor, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_kept *old;
    size_t n, left = 0;
    KT_TRY(kt_kept_list(s, p->id, &a, &old, &n, err));
    for (size_t i = 0; i < n; i++)
        if (!kt_str_eq(old[i].name, name))
            old[left++] = old[i];
    if (left == n)
        return kt_fail(err, KT_NOTFOUND, "no rule %.*s was kept in a page; those of the pipeline file are changed there", KT_F(name));
    KT_TRY(put_list(s, p->id, old, left, err));
    return log_change(s, p, "functions.drop", &(kt_kept){ .name = name }, actor, err);
}
