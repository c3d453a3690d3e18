/* From the YAML list to rules and patterns, with the dictionaries it names, and the digest of each definition. */
#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/str.h"
#include "provider/functions_int.h"

#include <sys/stat.h>
#include <xxhash.h>

#define VERSION "2" /* another one when the same definition votes differently than before: everything runs again */
#define MAX_PROGRAM_BYTES ((size_t)16 << 20)

struct reading {
    kt_functions *f;
    kt_rule *r;
    uint32_t i;
    const kt_yaml *y;
    kt_buf files; /* contents of the files named so far, for the digest */
    kt_err *err;
};

#define FILE_OF(x) ((x)->f->o.file)

static uint32_t slot_of(kt_functions *f, kt_str field)
{
    for (uint32_t i = 0; i < f->fields.n; i++)
        if (kt_str_eq(f->fields.v[i], field))
            return i;
    KT_PUSH(&f->fields, kt_arena_str(&f->arena, field));
    return (uint32_t)f->fields.n - 1;
}

/* Patterns are sorted by slot when all slots are known; until then the rule says which. */
static void add_pattern(struct reading *x, kt_clause clause, uint64_t line, kt_str text)
{
    kt_pattern p = { x->i, clause, line, text };
    KT_PUSH(&x->f->patterns[0], p);
}

/* A list of texts, or one text alone. */
static kt_rc texts(struct reading *x, const char *key, const char *example, const kt_yaml **ret, size_t *ret_n)
{
    const kt_yaml *y = kt_yaml_get(x->y, key);
    *ret_n = 0;
    if (!y)
        return 0;
    *ret = y->kind == KT_YAML_LIST ? y->val : y;
    *ret_n = y->kind == KT_YAML_LIST ? y->n : 1;
    if (*ret_n == 0)
        return kt_yaml_fail(y, FILE_OF(x), x->err, "%s is empty; it wants %s", key, example);
    for (size_t k = 0; k < *ret_n; k++)
        if ((*ret)[k].kind != KT_YAML_SCALAR || kt_str_trim((*ret)[k].text).n == 0)
            return kt_yaml_fail(&(*ret)[k], FILE_OF(x), x->err, "%s wants %s", key, example);
    return 0;
}

static kt_rc words(struct reading *x, const char *key, kt_clause clause)
{
    const kt_yaml *w = NULL;
    size_t n;
    KT_TRY(texts(x, key, "a list of words or phrases, such as [refund, money back]", &w, &n));
    for (size_t k = 0; k < n; k++)
        add_pattern(x, clause, w[k].line, kt_str_trim(w[k].text));
    x->r->has_any |= clause == KT_CLAUSE_ANY && n;
    x->r->n_all += clause == KT_CLAUSE_ALL ? (uint32_t)n : 0;
    return 0;
}

static kt_rc regexes(struct reading *x)
{
    const kt_yaml *re = NULL;
    size_t n;
    KT_TRY(texts(x, "regex", "a regular expression, or a list of them", &re, &n));
    for (size_t k = 0; k < n; k++) {
        kt_pattern p = { x->i, KT_CLAUSE_REGEX, re[k].line, re[k].text };
        KT_TRY(kt_regex_check(&p, FILE_OF(x), x->err));
        add_pattern(x, KT_CLAUSE_REGEX, re[k].line, re[k].text);
    }
    x->r->has_regex = n > 0;
    return 0;
}

static const char *beside(kt_functions *f, kt_str path)
{
    if (path.n && path.p[0] == '/')
        return kt_arena_cstr(&f->arena, path);
    return kt_arena_printf(&f->arena, "%s/%.*s", f->dir, KT_F(path)).p;
}

static kt_rc no_files(struct reading *x, const char *key)
{
    const kt_yaml *at = kt_yaml_get(x->y, key);
    if (!x->f->o.foreign)
        return 0;
    kt_fail(x->err, KT_DENIED, "%s reads or runs files of the server, which a rule tried in a page may not", key);
    kt_hint(x->err, "put the function into the pipeline file");
    return kt_at(x->err, FILE_OF(x), at->line, at->path), KT_DENIED;
}

static kt_rc dictionary(struct reading *x)
{
    kt_str path = { 0 }, all, line;
    KT_TRY(kt_yaml_text(x->y, "dictionary", FILE_OF(x), &path, x->err));
    if (!path.n)
        return 0;
    KT_TRY(no_files(x, "dictionary"));
    const kt_yaml *at = kt_yaml_get(x->y, "dictionary");
    size_t from = x->files.n, n = 0;
    kt_rc rc = kt_file_read(beside(x->f, path), &x->files, x->err);
    if (rc < 0)
        return kt_context(x->err, "function %.*s, dictionary", KT_F(x->r->name)), rc;
    all = kt_arena_str(&x->f->arena, (kt_str){ x->files.p + from, x->files.n - from });
    size_t bad;
    if (!kt_utf8_valid(all, &bad))
        return kt_yaml_fail(at, FILE_OF(x), x->err, "%.*s is not UTF-8 (byte %zu)", KT_F(path), bad);
    while (kt_str_cut(&all, '\n', &line)) {
        line = kt_str_trim(line);
        if (!line.n || line.p[0] == '#')
            continue;
        if (++n > KT_MAX_DICTIONARY)
            return kt_yaml_fail(at, FILE_OF(x), x->err, "%.*s has more than %d entries", KT_F(path), KT_MAX_DICTIONARY);
        add_pattern(x, KT_CLAUSE_DICTIONARY, at->line, line);
    }
    if (n == 0)
        return kt_yaml_fail(at, FILE_OF(x), x->err, "%.*s holds no word", KT_F(path));
    x->r->has_dictionary = true;
    return 0;
}

static kt_rc comparison(struct reading *x, const kt_yaml *field, const kt_yaml *op, const kt_yaml *value)
{
    static const struct { const char *name; kt_compare op; } ops[] = {
        { "==", KT_CMP_EQ }, { "!=", KT_CMP_NE }, { "<", KT_CMP_LT }, { "<=", KT_CMP_LE }, { ">", KT_CMP_GT }, { ">=", KT_CMP_GE },
        { "in", KT_CMP_IN }, { "contains", KT_CMP_CONTAINS },
    };
    kt_where *w = &x->r->where[x->r->n_where++];
    *w = (kt_where){ .slot = slot_of(x->f, field->text), .op = value->kind == KT_YAML_LIST ? KT_CMP_IN : KT_CMP_EQ };
    bool known = !op;
    for (size_t k = 0; op && k < KT_LEN(ops); k++)
        if (kt_str_eq(op->text, kt_str_of(ops[k].name))) {
            w->op = ops[k].op;
            known = true;
        }
    if (!known)
        return kt_yaml_fail(op, FILE_OF(x), x->err, "there is no comparison %.*s; there are ==, !=, <, <=, >, >=, in and contains", KT_F(op->text));
    bool list = value->kind == KT_YAML_LIST;
    w->n_values = list ? (uint32_t)value->n : 1;
    kt_str *v = kt_arena_array(&x->f->arena, w->n_values + 1, sizeof(*v));
    if (value->kind == KT_YAML_MAP || list != (w->op == KT_CMP_IN) || w->n_values == 0)
        return kt_yaml_fail(value, FILE_OF(x), x->err, "%s", w->op == KT_CMP_IN ? "'in' wants a list of values" : "expected one value");
    for (uint32_t k = 0; k < w->n_values; k++) {
        const kt_yaml *one = list ? &value->val[k] : value;
        if (one->kind != KT_YAML_SCALAR)
            return kt_yaml_fail(one, FILE_OF(x), x->err, "expected a text or a number");
        v[k] = one->text;
    }
    w->value = v;
    return 0;
}

static kt_rc wheres(struct reading *x)
{
    const kt_yaml *y = kt_yaml_get(x->y, "where");
    if (!y)
        return 0;
    size_t n = 0;
    for (size_t i = 0; y->kind == KT_YAML_MAP && i < y->n; i++)
        n += y->val[i].kind == KT_YAML_MAP ? y->val[i].n : 1;
    if (n == 0)
        return kt_yaml_fail(y, FILE_OF(x), x->err, "where wants fields with comparisons, such as {price: {\">\": 10}, lang: {in: [en, de]}}");
    x->r->where = kt_arena_array(&x->f->arena, n, sizeof(kt_where));
    for (size_t i = 0; i < y->n; i++) {
        const kt_yaml *v = &y->val[i];
        if (v->kind != KT_YAML_MAP)
            KT_TRY(comparison(x, &y->key[i], NULL, v));
        for (size_t k = 0; v->kind == KT_YAML_MAP && k < v->n; k++)
            KT_TRY(comparison(x, &y->key[i], &v->key[k], &v->val[k]));
    }
    return 0;
}

/* Only functions above, so there is an order in which all can be answered. */
static kt_rc agreement(struct reading *x)
{
    const kt_yaml *w = NULL;
    size_t n;
    int64_t least;
    KT_TRY(texts(x, "agree", "names of functions above, such as [is_refund, says_money]", &w, &n));
    x->r->agree = kt_arena_array(&x->f->arena, n + 1, sizeof(uint32_t));
    for (size_t k = 0; k < n; k++) {
        uint32_t j = 0;
        while (j < x->i && !kt_str_eq(x->f->rule[j].name, w[k].text))
            j++;
        if (j == x->i)
            return kt_yaml_fail(&w[k], FILE_OF(x), x->err, "there is no function %.*s above this one", KT_F(w[k].text));
        x->r->agree[x->r->n_agree++] = j;
    }
    least = (int64_t)n;
    KT_TRY(kt_yaml_i64(x->y, "at_least", FILE_OF(x), (int64_t[]){ n ? 1 : 0, (int64_t)n }, &least, x->err));
    x->r->at_least = (uint32_t)least;
    x->f->any_agree |= n > 0;
    return 0;
}

/* Functions with the same program and bounds share their processes. */
static uint32_t command_for(struct reading *x, const kt_yaml *argv, size_t n, const kt_command *like)
{
    kt_functions *f = x->f;
    for (uint32_t i = 0; i < f->commands.n; i++) {
        const kt_command *c = f->commands.v[i];
        size_t k = 0;
        while (k < n && c->argv[k] && kt_str_eq(kt_str_of(c->argv[k]), argv[k].text))
            k++;
        if (k == n && !c->argv[k] && c->timeout_us == like->timeout_us && c->memory_mb == like->memory_mb)
            return i;
    }
    kt_command *c = kt_zalloc(sizeof(*c));
    c->argv = kt_arena_array(&f->arena, n + 1, sizeof(char *));
    for (size_t k = 0; k < n; k++)
        c->argv[k] = kt_arena_cstr(&f->arena, argv[k].text);
    c->dir = f->dir;
    c->timeout_us = like->timeout_us;
    c->memory_mb = like->memory_mb;
    pthread_mutex_init(&c->lock, NULL);
    KT_PUSH(&f->commands, c);
    return (uint32_t)f->commands.n - 1;
}

/* A program's files are part of its definition: those of its arguments that name one. */
static kt_rc add_program_files(struct reading *x, const kt_yaml *argv, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        struct stat st;
        const char *path = beside(x->f, argv[k].text);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= MAX_PROGRAM_BYTES)
            KT_TRY(kt_file_read(path, &x->files, x->err));
    }
    return 0;
}

static kt_rc command(struct reading *x)
{
    const kt_yaml *argv = NULL;
    size_t n;
    kt_command like = { .timeout_us = 10000000, .memory_mb = 2048 };
    KT_TRY(no_files(x, "command"));
    KT_TRY(texts(x, "command", "a program with its arguments, such as [python3, functions.py]", &argv, &n));
    KT_TRY(kt_yaml_duration_us(x->y, "timeout", FILE_OF(x), &like.timeout_us, x->err));
    KT_TRY(kt_yaml_i64(x->y, "memory_mb", FILE_OF(x), (int64_t[]){ 16, 1 << 20 }, &like.memory_mb, x->err));
    if (like.timeout_us < 10000 || like.timeout_us > INT64_C(3600000000))
        return kt_yaml_fail(kt_yaml_get(x->y, "timeout"), FILE_OF(x), x->err, "a timeout is 10ms to 1h");
    x->r->in_command = x->r->name;
    KT_TRY(kt_yaml_text(x->y, "function", FILE_OF(x), &x->r->in_command, x->err));
    KT_TRY(add_program_files(x, argv, n));
    x->r->command = command_for(x, argv, n, &like);
    KT_PUSH(&x->f->commands.v[x->r->command]->rules, x->i);
    return 0;
}

/* What the other project says now is part of the definition: when it says something else, the function runs again. */
static kt_rc project(struct reading *x)
{
    const kt_functions_opts *o = &x->f->o;
    const kt_yaml *at = kt_yaml_get(x->y, "project");
    kt_str other = { 0 };
    bool predictions = false;
    KT_TRY(kt_yaml_text(x->y, "project", FILE_OF(x), &other, x->err));
    KT_TRY(kt_yaml_bool(x->y, "predictions", FILE_OF(x), &predictions, x->err));
    if (o->foreign || !o->other) {
        kt_fail(x->err, KT_DENIED, "project reads another project, which a rule tried or suggested may not");
        return kt_hint(x->err, "put the function into the pipeline file"), KT_DENIED;
    }
    if (o->task != KT_TASK_CLASSES)
        return kt_yaml_fail(at, FILE_OF(x), x->err, "project is not there for task %s yet", kt_task_names[o->task]);
    if (o->other(o->other_ctx, other, predictions, o->labels, o->n_labels, &x->f->arena, &x->r->other, x->err) < 0)
        return kt_at(x->err, FILE_OF(x), at->line, at->path), KT_RANGE;
    kt_buf_add(&x->files, x->r->other.id_hash, x->r->other.n * sizeof(*x->r->other.id_hash));
    kt_buf_add(&x->files, x->r->other.label, x->r->other.n * sizeof(*x->r->other.label));
    return 0;
}

static kt_rc label(struct reading *x)
{
    const kt_functions_opts *o = &x->f->o;
    kt_str name = { 0 };
    KT_TRY(kt_yaml_text(x->y, "label", o->file, &name, x->err));
    x->r->label = name.n ? kt_function_label_of(x->f, name) : -1;
    bool may = o->task == KT_TASK_SPANS; /* what is marked without a label */
    if (x->r->kind != KT_FUNCTION_RULE && !(may && name.n))
        return name.n ? kt_yaml_fail(kt_yaml_get(x->y, "label"), o->file, x->err, "this kind of function names its labels itself") : 0;
    if (!name.n)
        return kt_yaml_fail(x->y, o->file, x->err, "a function needs a label (or lua, command, from_field or project)");
    if (x->r->label >= 0)
        return 0;
    kt_yaml_fail(kt_yaml_get(x->y, "label"), o->file, x->err, "label %.*s is not one of the project's", KT_F(name));
    const char *all[256];
    size_t n = KT_MIN((size_t)o->n_labels, KT_LEN(all));
    for (size_t i = 0; i < n; i++)
        all[i] = kt_arena_cstr(&x->f->arena, o->labels[i]);
    const char *near = kt_nearest(name, all, n);
    return near ? (kt_hint(x->err, "did you mean %s?", near), KT_RANGE) : KT_RANGE;
}

static kt_rc conditions(struct reading *x)
{
    kt_rule *r = x->r;
    r->max_chars = INT64_MAX;
    KT_TRY(kt_yaml_i64(x->y, "min_chars", FILE_OF(x), (int64_t[]){ 0, INT64_MAX }, &r->min_chars, x->err));
    KT_TRY(kt_yaml_i64(x->y, "max_chars", FILE_OF(x), (int64_t[]){ 0, INT64_MAX }, &r->max_chars, x->err));
    r->measured = r->min_chars > 0 || r->max_chars < INT64_MAX;
    KT_TRY(words(x, "any", KT_CLAUSE_ANY));
    KT_TRY(words(x, "all", KT_CLAUSE_ALL));
    KT_TRY(words(x, "phrase", KT_CLAUSE_ALL));
    KT_TRY(words(x, "none", KT_CLAUSE_NONE));
    KT_TRY(dictionary(x));
    KT_TRY(regexes(x));
    KT_TRY(wheres(x));
    KT_TRY(agreement(x));
    if (x->f->o.task == KT_TASK_SPANS) {
        if (!r->has_any && !r->n_all && !r->has_dictionary && !r->has_regex)
            return kt_yaml_fail(x->y, FILE_OF(x), x->err, "function %.*s marks no region: for spans a rule needs any, all, phrase, dictionary or regex", KT_F(r->name));
        if (kt_yaml_get(x->y, "field") || r->n_agree)
            return kt_yaml_fail(x->y, FILE_OF(x), x->err, "function %.*s: %s says nothing about regions of the text", KT_F(r->name), r->n_agree ? "agree" : "field");
    }
    if (!r->has_any && !r->n_all && !r->has_dictionary && !r->has_regex && !r->measured && !r->n_where && !r->n_agree)
        return kt_yaml_fail(x->y, FILE_OF(x), x->err, "function %.*s has no condition: any, all, phrase, dictionary, regex, where, agree, min_chars or "
                            "max_chars", KT_F(r->name));
    return 0;
}

/* Keys and values, in order; not where they stand, and not the name. */
static void put_definition(const kt_yaml *y, int depth, kt_buf *b)
{
    if (y->kind == KT_YAML_SCALAR)
        kt_buf_json(b, y->text);
    kt_buf_char(b, "sl{"[y->kind]);
    for (size_t i = 0; y->kind != KT_YAML_SCALAR && i < y->n; i++) {
        if (y->kind == KT_YAML_MAP && depth == 0 && kt_str_eq(y->key[i].text, KT_S("name")))
            continue;
        if (y->kind == KT_YAML_MAP)
            kt_buf_json(b, y->key[i].text);
        put_definition(&y->val[i], depth + 1, b);
    }
    kt_buf_char(b, ';');
}

static void take_digest(struct reading *x)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 30);
    kt_buf_puts(&b, VERSION " ");
    if (x->f->o.task != KT_TASK_CLASSES)
        kt_buf_puts(&b, kt_task_names[x->f->o.task]);
    put_definition(x->y, 0, &b);
    kt_buf_json(&b, x->r->in_command);
    for (uint32_t c = 0; x->r->label < 0 && c < x->f->o.n_labels; c++)
        kt_buf_json(&b, x->f->o.labels[c]);
    for (uint32_t k = 0; k < x->r->n_agree; k++)
        kt_buf_add(&b, x->f->rule[x->r->agree[k]].digest, sizeof(x->r->digest));
    kt_buf_str(&b, KT_BUF_STR(&x->files));
    XXH128_canonical_t d;
    XXH128_canonicalFromHash(&d, XXH3_128bits(b.p, b.n));
    memcpy(x->r->digest, d.digest, sizeof(x->r->digest));
}

static kt_rc name(struct reading *x)
{
    KT_TRY(kt_yaml_text(x->y, "name", FILE_OF(x), &x->r->name, x->err));
    if (!x->r->name.n)
        return kt_yaml_fail(x->y, FILE_OF(x), x->err, "a function needs a name");
    for (uint32_t k = 0; k < x->i; k++)
        if (kt_str_eq(x->f->rule[k].name, x->r->name))
            return kt_yaml_fail(x->y, FILE_OF(x), x->err, "function %.*s is given twice", KT_F(x->r->name));
    return 0;
}

static kt_rc read_one(struct reading *x)
{
    static const char *const rule[] = { "name", "label", "any", "all", "none", "phrase", "dictionary", "regex", "field", "min_chars", "max_chars",
                                        "where", "agree", "at_least", "lua", "command", "from_field" };
    static const char *const own[][6] = { [KT_FUNCTION_LUA] = { "name", "label", "lua" }, [KT_FUNCTION_FIELD] = { "name", "label", "from_field" },
                                          [KT_FUNCTION_PROJECT] = { "name", "label", "project", "predictions" },
                                          [KT_FUNCTION_COMMAND] = { "name", "label", "command", "function", "timeout", "memory_mb" } };
    static const uint8_t n_own[] = { [KT_FUNCTION_LUA] = 3, [KT_FUNCTION_FIELD] = 3, [KT_FUNCTION_COMMAND] = 6, [KT_FUNCTION_PROJECT] = 4 };
    kt_rule *r = x->r;
    kt_str field = { 0 };
    KT_TRY(name(x));
    r->kind = kt_yaml_get(x->y, "lua") ? KT_FUNCTION_LUA : kt_yaml_get(x->y, "command") ? KT_FUNCTION_COMMAND
            : kt_yaml_get(x->y, "from_field") ? KT_FUNCTION_FIELD : kt_yaml_get(x->y, "project") ? KT_FUNCTION_PROJECT : KT_FUNCTION_RULE;
    if (r->kind == KT_FUNCTION_RULE)
        KT_TRY(kt_yaml_known(x->y, rule, KT_LEN(rule), FILE_OF(x), x->err));
    else
        KT_TRY(kt_yaml_known(x->y, own[r->kind], n_own[r->kind], FILE_OF(x), x->err));
    KT_TRY(label(x));
    KT_TRY(kt_yaml_text(x->y, "lua", FILE_OF(x), &r->lua, x->err));
    KT_TRY(kt_yaml_text(x->y, r->kind == KT_FUNCTION_FIELD ? "from_field" : "field", FILE_OF(x), &field, x->err));
    r->slot = field.n ? slot_of(x->f, field) : KT_FUNCTION_TEXT;
    x->f->any_lua |= r->kind == KT_FUNCTION_LUA;
    if (r->kind == KT_FUNCTION_RULE)
        KT_TRY(conditions(x));
    else if (r->kind == KT_FUNCTION_COMMAND)
        KT_TRY(command(x));
    else if (r->kind == KT_FUNCTION_PROJECT)
        KT_TRY(project(x));
    else if (r->kind == KT_FUNCTION_FIELD && r->slot == KT_FUNCTION_TEXT)
        return kt_yaml_fail(x->y, FILE_OF(x), x->err, "from_field wants the name of a field");
    take_digest(x);
    return 0;
}

/* Patterns to the slot their rule looks at: place 0 is the text. */
static void sort_patterns(kt_functions *f)
{
    kt_patterns all = f->patterns[0];
    f->patterns = kt_arena_array(&f->arena, f->fields.n + 1, sizeof(*f->patterns));
    for (size_t i = 0; i < all.n; i++) {
        uint32_t slot = f->rule[all.v[i].rule].slot;
        KT_PUSH(&f->patterns[slot == KT_FUNCTION_TEXT ? 0 : slot + 1], all.v[i]);
    }
    KT_VEC_DONE(&all);
}

static const char *folder_of(kt_functions *f)
{
    const char *slash = f->o.file ? strrchr(f->o.file, '/') : NULL;
    return slash ? kt_arena_cstr(&f->arena, (kt_str){ f->o.file, KT_MAX((size_t)(slash - f->o.file), 1) }) : ".";
}

kt_rc kt_functions_read(const kt_yaml *list, const kt_functions_opts *o, kt_functions **ret, kt_err *err)
{
    if (list && (list->kind != KT_YAML_LIST || list->n > KT_MAX_FUNCTIONS))
        return kt_yaml_fail(list, o->file, err, "expected a list of at most %d functions", KT_MAX_FUNCTIONS);
    kt_functions *f = kt_zalloc(sizeof(*f));
    f->n = list ? (uint32_t)list->n : 0;
    f->o = *o;
    f->dir = folder_of(f);
    f->rule = kt_arena_array(&f->arena, (size_t)f->n + 1, sizeof(*f->rule));
    f->patterns = kt_arena_array(&f->arena, 1, sizeof(*f->patterns));
    f->limits = kt_arena_array(&f->arena, (size_t)f->n + 1, sizeof(*f->limits));
    f->off = kt_arena_array(&f->arena, (size_t)f->n + 1, sizeof(*f->off));
    kt_rc rc = 0;
    for (uint32_t i = 0; i < f->n && rc == 0; i++) {
        struct reading x = { .f = f, .r = &f->rule[i], .i = i, .y = &list->val[i], .files = KT_BUF_INIT((size_t)64 << 20), .err = err };
        rc = read_one(&x);
        kt_buf_done(&x.files);
    }
    sort_patterns(f);
    if (rc < 0) {
        kt_functions_free(f);
        return rc;
    }
    *ret = f;
    return 0;
}

void kt_functions_digest(const kt_functions *f, uint32_t i, unsigned char ret[16])
{
    memcpy(ret, f->rule[i].digest, sizeof(f->rule[i].digest));
}
