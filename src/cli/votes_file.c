/* One pass over the bytes: fields are cut where they stand, names become ids through a hash of 64 bits (checked against
   the name, so that a collision costs a step and not a wrong vote). Nothing is copied except fields with quotes in them. */
#define XXH_INLINE_ALL
#include "cli/votes_file.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#include <xxhash.h>

#define MAX_FILE_BYTES ((size_t)1 << 36)
#define MAX_COLUMNS 4096

enum { ITEM, SOURCE, LABEL, N_ROLES };
static const char *const role_name[N_ROLES] = { "item", "annotator", "label" };
static const char *const aliases[N_ROLES][8] = {
    { "item", "item_id", "task", "id", "unit", NULL },
    { "annotator", "annotator_id", "worker", "source", "rater", "lf", NULL },
    { "label", "vote", "answer", NULL },
};

typedef struct names {
    kt_map map;
    KT_VEC(kt_str) name;
} names;

typedef struct table {
    const char *path;
    kt_str text;
    size_t at;
    uint64_t line; /* of the row last read */
    uint64_t next_line;
    char sep;
    kt_arena *a;
    kt_str *column; /* header */
    size_t n_columns;
    int role[N_ROLES]; /* column of each; wide: only ITEM */
    bool wide, pairs;
    kt_str *field; /* n_columns of the row last read */
} table;

static kt_rc fail_at(const table *t, const char *field, kt_err *err, kt_rc rc)
{
    kt_at(err, t->path, t->line, field);
    return rc;
}

/* A quoted field at t->at; steps behind the closing quote. */
static kt_rc quoted(table *t, kt_str *ret, kt_err *err)
{
    size_t from = ++t->at, doubled = 0;
    for (;; t->at++) {
        if (t->at >= t->text.n) {
            kt_fail(err, KT_PARSE, "a quoted field does not end");
            return fail_at(t, NULL, err, KT_PARSE);
        }
        char c = t->text.p[t->at];
        t->next_line += c == '\n';
        if (c != '"')
            continue;
        if (t->at + 1 >= t->text.n || t->text.p[t->at + 1] != '"')
            break;
        doubled++;
        t->at++;
    }
    *ret = (kt_str){ t->text.p + from, t->at++ - from };
    if (doubled) {
        char *copy = kt_arena_alloc(t->a, ret->n);
        size_t n = 0;
        for (size_t i = 0; i < ret->n; i++) {
            copy[n++] = ret->p[i];
            i += ret->p[i] == '"';
        }
        *ret = (kt_str){ copy, n };
    }
    return 0;
}

/* The field at t->at into *ret; t->at then stands on the separator, the line's end or the end of the text. */
static inline kt_rc read_field(table *t, kt_str *ret, kt_err *err)
{
    const char *p = t->text.p + t->at, *end = t->text.p + t->text.n, *from = p;
    if (p < end && *p == '"') {
        KT_TRY(quoted(t, ret, err));
        if (t->at < t->text.n && t->text.p[t->at] != t->sep && t->text.p[t->at] != '\n' && t->text.p[t->at] != '\r') {
            kt_fail(err, KT_PARSE, "text after a closing quote");
            return fail_at(t, NULL, err, KT_PARSE);
        }
        if (t->at < t->text.n && t->text.p[t->at] == '\r')
            t->at++;
        return 0;
    }
    while (p < end && *p != t->sep && *p != '\n')
        p++;
    t->at = (size_t)(p - t->text.p);
    size_t n = (size_t)(p - from);
    if (n && from[n - 1] == '\r' && (p == end || *p == '\n'))
        n--;
    *ret = (kt_str){ from, n };
    return 0;
}

/* The next row that is not blank into t->field; KT_DONE at the end. */
static kt_rc next_row(table *t, kt_err *err)
{
    for (;;) {
        if (t->at >= t->text.n)
            return KT_DONE;
        size_t n = 0;
        t->line = t->next_line;
        for (;;) {
            kt_str f;
            KT_TRY(read_field(t, &f, err));
            if (n < t->n_columns)
                t->field[n] = f;
            n++;
            if (t->at >= t->text.n || t->text.p[t->at] != t->sep)
                break;
            t->at++;
        }
        if (t->at < t->text.n) {
            t->at++;
            t->next_line++;
        }
        if (n == 1 && t->field[0].n == 0 && t->n_columns > 1)
            continue;
        if (n != t->n_columns) {
            kt_fail(err, KT_PARSE, "%zu fields; the header has %zu", n, t->n_columns);
            return fail_at(t, NULL, err, KT_PARSE);
        }
        return 0;
    }
}

static bool is_role(kt_str name, int role)
{
    for (const char *const *a = aliases[role]; *a; a++)
        if (kt_str_ieq(name, kt_str_of(*a)))
            return true;
    return false;
}

static kt_rc missing_column(const table *t, int role, kt_err *err)
{
    char have[120];
    size_t n = 0;
    have[0] = 0;
    for (size_t c = 0; c < t->n_columns && n < sizeof(have); c++)
        n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%.*s", c ? ", " : "", KT_F(t->column[c]));
    kt_fail(err, KT_PARSE, "no column '%s'; the first line names: %s", role_name[role], have);
    kt_hint(err, "the first line should be %s", t->pairs ? "item,label" : "item,annotator,label");
    kt_at(err, t->path, 1, role_name[role]);
    return KT_PARSE;
}

/* Finds which column is what. */
static kt_rc assign_roles(table *t, kt_err *err)
{
    for (int r = 0; r < N_ROLES; r++) {
        t->role[r] = -1;
        for (size_t c = t->n_columns; c-- > 0;)
            if (is_role(t->column[c], r))
                t->role[r] = (int)c;
    }
    if (t->pairs) {
        bool both = t->role[ITEM] >= 0 && t->role[LABEL] >= 0;
        t->role[SOURCE] = t->role[ITEM] = both ? t->role[ITEM] : 0; /* not looked at as a source */
        if (both || t->n_columns == 2) {
            t->role[LABEL] = both ? t->role[LABEL] : 1;
            return 0;
        }
        return missing_column(t, LABEL, err);
    }
    t->wide = t->role[ITEM] == 0 && t->role[SOURCE] < 0 && t->role[LABEL] < 0 && t->n_columns > 1;
    for (int r = 0; r < N_ROLES && !t->wide; r++)
        if (t->role[r] < 0)
            return missing_column(t, r, err);
    return 0;
}

static kt_rc read_header(table *t, kt_err *err)
{
    if (t->text.n >= 3 && memcmp(t->text.p, "\xef\xbb\xbf", 3) == 0)
        t->at = 3;
    t->next_line = t->line = 1;
    const char *head = t->text.p + t->at, *nl = t->text.n > t->at ? memchr(head, '\n', t->text.n - t->at) : NULL;
    size_t n = nl ? (size_t)(nl - head) : t->text.n - t->at;
    if (n == 0) {
        kt_fail(err, KT_PARSE, t->text.n ? "the first line is empty" : "the file is empty");
        kt_hint(err, "expected a first line %s and then one a line", t->pairs ? "item,label" : "item,annotator,label");
        return fail_at(t, NULL, err, KT_PARSE);
    }
    t->sep = memchr(head, '\t', n) ? '\t' : !memchr(head, ',', n) && memchr(head, ';', n) ? ';' : ',';
    KT_VEC(kt_str) v = { 0 };
    kt_rc rc = 0;
    while (rc == 0) {
        kt_str f;
        if ((rc = read_field(t, &f, err)) < 0)
            break;
        KT_PUSH(&v, kt_str_trim(f));
        if (v.n > MAX_COLUMNS)
            rc = kt_fail(err, KT_LIMIT, "more than %d columns", MAX_COLUMNS);
        if (t->at >= t->text.n || t->text.p[t->at++] != t->sep)
            break;
    }
    t->next_line++;
    t->n_columns = v.n;
    t->column = kt_arena_array(t->a, v.n + 1, sizeof(kt_str));
    t->field = kt_arena_array(t->a, v.n + 1, sizeof(kt_str));
    if (v.n)
        memcpy(t->column, v.v, v.n * sizeof(kt_str));
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : assign_roles(t, err);
}

static uint32_t intern(names *d, kt_str s)
{
    for (uint64_t h = XXH3_64bits(s.p, s.n);; h = h * 6364136223846793005u + 1) {
        uint32_t id = kt_map_put(&d->map, h, (uint32_t)d->name.n);
        if (id == d->name.n) {
            KT_PUSH(&d->name, s);
            return id;
        }
        if (kt_str_eq(d->name.v[id], s))
            return id;
    }
}

typedef struct loading {
    table t;
    const kt_votes_file_opts *o;
    names dict[N_ROLES];
    KT_VEC(uint32_t) item;
    KT_VEC(uint32_t) source;
    KT_VEC(int32_t) label;
} loading;

static kt_rc bad_name(const table *t, int role, kt_str s, kt_err *err)
{
    if (s.n == 0)
        kt_fail(err, KT_PARSE, "the %s is empty", role_name[role]);
    else
        kt_fail(err, KT_LIMIT, "the %s is longer than %zu bytes", role_name[role], KT_MAX_ID_BYTES);
    return fail_at(t, role_name[role], err, err ? err->rc : KT_PARSE);
}

static kt_rc add_vote(loading *l, uint32_t item, uint32_t source, kt_str label, kt_err *err)
{
    int32_t id = KT_ABSTAIN;
    if (label.n && !(l->o->minus_one_abstains && label.n == 2 && label.p[0] == '-' && label.p[1] == '1')) {
        if (label.n > KT_MAX_ID_BYTES)
            return bad_name(&l->t, LABEL, label, err);
        id = (int32_t)intern(&l->dict[LABEL], label);
        if (l->o->labels.n && (size_t)id >= l->o->labels.n) {
            kt_fail(err, KT_RANGE, "label %.*s is not one of the %zu given labels", KT_F(label), l->o->labels.n);
            return fail_at(&l->t, "label", err, KT_RANGE);
        }
    }
    KT_PUSH(&l->item, item);
    KT_PUSH(&l->source, source);
    KT_PUSH(&l->label, id);
    return 0;
}

static kt_rc read_rows(loading *l, kt_err *err)
{
    table *t = &l->t;
    kt_rc rc;
    kt_str last = { NULL, 0 };
    uint32_t last_id = 0;
    for (size_t c = 1; t->wide && c < t->n_columns; c++)
        if (intern(&l->dict[SOURCE], t->column[c]) != c - 1) {
            kt_fail(err, KT_PARSE, "column %.*s occurs twice", KT_F(t->column[c]));
            kt_at(err, t->path, 1, NULL);
            return KT_PARSE;
        }
    while ((rc = next_row(t, err)) == 0) {
        kt_str item = t->field[t->role[ITEM]];
        if (item.n == 0 || item.n > KT_MAX_ID_BYTES)
            return bad_name(t, ITEM, item, err);
        if (!last.p || !kt_str_eq(item, last)) {
            last = item;
            last_id = intern(&l->dict[ITEM], item);
        }
        if (t->wide) {
            for (size_t c = 1; c < t->n_columns; c++)
                KT_TRY(add_vote(l, last_id, (uint32_t)c - 1, t->field[c], err));
            continue;
        }
        kt_str source = t->pairs ? KT_S("-") : t->field[t->role[SOURCE]];
        if (source.n == 0 || source.n > KT_MAX_ID_BYTES)
            return bad_name(t, SOURCE, source, err);
        KT_TRY(add_vote(l, last_id, intern(&l->dict[SOURCE], source), t->field[t->role[LABEL]], err));
        if (l->item.n >= UINT32_MAX - 1)
            return kt_fail(err, KT_LIMIT, "%s holds more than %u votes", t->path, UINT32_MAX - 2);
    }
    return rc < 0 ? rc : 0;
}

/* Ends the reading of label names: gives them their order, as ids. */
struct ordered {
    kt_str name;
    double value;
    uint32_t old;
};

static int by_name(const void *x, const void *y)
{
    return kt_str_cmp(((const struct ordered *)x)->name, ((const struct ordered *)y)->name);
}

static int by_value(const void *x, const void *y)
{
    const struct ordered *a = x, *b = y;
    return a->value < b->value ? -1 : a->value > b->value ? 1 : by_name(x, y);
}

static void order_labels(loading *l, kt_votes_file *ret)
{
    size_t n = l->dict[LABEL].name.n;
    struct ordered *o = kt_arena_array(l->t.a, n + 1, sizeof(*o));
    int32_t *new_id = kt_arena_array(l->t.a, n + 1, sizeof(*new_id));
    bool numbers = n > 0;
    for (size_t i = 0; i < n; i++) {
        o[i] = (struct ordered){ .name = l->dict[LABEL].name.v[i], .old = (uint32_t)i };
        numbers &= kt_parse_f64(o[i].name, &o[i].value);
    }
    if (l->o->labels.n == 0 && n)
        qsort(o, n, sizeof(*o), numbers ? by_value : by_name);
    ret->label = kt_arena_array(l->t.a, n + 1, sizeof(kt_str));
    ret->value = numbers ? kt_arena_array(l->t.a, n, sizeof(double)) : NULL;
    for (size_t i = 0; i < n; i++) {
        ret->label[i] = o[i].name;
        new_id[o[i].old] = (int32_t)i;
        if (numbers)
            ret->value[i] = o[i].value;
    }
    for (size_t i = 0; i < l->label.n; i++)
        if (l->label.v[i] >= 0)
            l->label.v[i] = new_id[l->label.v[i]];
}

/* Line of vote number k: read again up to there, only for an error message. */
static uint64_t line_of(const loading *l, size_t k)
{
    table t = l->t;
    t.at = 0;
    kt_err ignored = { 0 };
    if (read_header(&t, &ignored) < 0)
        return 0;
    for (size_t row = 0, per_row = t.wide ? t.n_columns - 1 : 1; row <= k / per_row; row++)
        if (next_row(&t, &ignored) != 0)
            return 0;
    return t.line;
}

/* Votes k and later are by the same source on the same item. */
static kt_rc duplicate(loading *l, size_t first, size_t second, kt_err *err)
{
    kt_str item = l->dict[ITEM].name.v[l->item.v[first]], source = l->dict[SOURCE].name.v[l->source.v[first]];
    unsigned long long line = line_of(l, first);
    if (l->t.pairs) {
        kt_fail(err, KT_RANGE, "%.*s occurs twice, first on line %llu", KT_F(item), line);
    } else {
        kt_fail(err, KT_RANGE, "%.*s votes twice on item %.*s, first on line %llu", KT_F(source), KT_F(item), line);
        kt_hint(err, "--duplicates first or --duplicates last keeps one of them");
    }
    kt_at(err, l->t.path, line_of(l, second), l->t.pairs ? "item" : "annotator");
    return KT_RANGE;
}

/* Keeps one vote per source and item, or refuses. seen: last vote of each source + 1, valid within one item. */
static kt_rc settle_duplicates(loading *l, kt_err *err)
{
    size_t n = l->item.n, n_items = l->dict[ITEM].name.n, kept = 0, worst = SIZE_MAX, its_first = 0;
    kt_votes v = { .n = n, .n_items = (uint32_t)n_items, .item = l->item.v };
    size_t *start = kt_alloc_array(n_items + 1, sizeof(size_t)), *order = kt_alloc_array(n, sizeof(size_t));
    size_t *seen = kt_zalloc_array(l->dict[SOURCE].name.n, sizeof(size_t));
    uint8_t *drop = kt_zalloc_array(n, 1);
    kt_votes_by_item(&v, start, order);
    for (size_t i = 0; i < n_items; i++) {
        for (size_t q = start[i]; q < start[i + 1]; q++) {
            size_t vote = order[q], *before = &seen[l->source.v[vote]];
            if (*before) {
                drop[l->o->duplicates == KT_DUPLICATES_LAST ? *before - 1 : vote] = 1;
                if (vote < worst) {
                    worst = vote;
                    its_first = *before - 1;
                }
                if (l->o->duplicates != KT_DUPLICATES_LAST)
                    continue;
            }
            *before = vote + 1;
        }
        for (size_t q = start[i]; q < start[i + 1]; q++)
            seen[l->source.v[order[q]]] = 0;
    }
    bool refuse = worst != SIZE_MAX && l->o->duplicates == KT_DUPLICATES_ERROR;
    for (size_t i = 0; i < n && worst != SIZE_MAX && !refuse; i++)
        if (!drop[i]) {
            l->item.v[kept] = l->item.v[i];
            l->source.v[kept] = l->source.v[i];
            l->label.v[kept++] = l->label.v[i];
        }
    if (worst != SIZE_MAX && !refuse)
        l->item.n = l->source.n = l->label.n = kept;
    kt_free(start);
    kt_free(order);
    kt_free(seen);
    kt_free(drop);
    return refuse ? duplicate(l, its_first, worst, err) : 0;
}

static kt_str *keep_names(names *d, kt_arena *a)
{
    kt_str *ret = kt_arena_array(a, d->name.n + 1, sizeof(kt_str));
    if (d->name.n)
        memcpy(ret, d->name.v, d->name.n * sizeof(kt_str));
    return ret;
}

static kt_rc load(loading *l, kt_votes_file *ret, kt_err *err)
{
    size_t bad;
    if (!kt_utf8_valid(l->t.text, &bad)) {
        uint64_t line = 1;
        for (size_t i = 0; i < bad; i++)
            line += l->t.text.p[i] == '\n';
        kt_fail(err, KT_PARSE, "not UTF-8 (byte 0x%02x)", (unsigned char)l->t.text.p[bad]);
        kt_at(err, l->t.path, line, NULL);
        return KT_PARSE;
    }
    for (size_t i = 0; i < l->o->labels.n; i++)
        if (intern(&l->dict[LABEL], l->o->labels.v[i]) != i)
            return kt_fail(err, KT_USAGE, "label %.*s is listed twice", KT_F(l->o->labels.v[i]));
    KT_TRY(read_header(&l->t, err));
    KT_TRY(read_rows(l, err));
    KT_TRY(settle_duplicates(l, err));
    order_labels(l, ret);
    ret->item = keep_names(&l->dict[ITEM], l->t.a);
    ret->source = keep_names(&l->dict[SOURCE], l->t.a);
    ret->item_of = l->item.v;
    ret->source_of = l->source.v;
    ret->label_of = l->label.v;
    ret->votes = (kt_votes){ l->item.n, (uint32_t)l->dict[ITEM].name.n, (uint32_t)l->dict[SOURCE].name.n,
                             (uint32_t)l->dict[LABEL].name.n, l->item.v, l->source.v, l->label.v };
    return 0;
}

kt_rc kt_votes_file_read(const char *path, const kt_votes_file_opts *o, kt_arena *a, kt_votes_file *ret, kt_err *err)
{
    *ret = (kt_votes_file){ .text = KT_BUF_INIT(MAX_FILE_BYTES) };
    KT_TRY(kt_file_read(path, &ret->text, err));
    loading l = { .t = { .path = path, .text = KT_BUF_STR(&ret->text), .a = a, .pairs = o->pairs }, .o = o };
    kt_rc rc = load(&l, ret, err);
    for (int r = 0; r < N_ROLES; r++) {
        kt_map_done(&l.dict[r].map);
        KT_VEC_DONE(&l.dict[r].name);
    }
    if (rc < 0) {
        KT_VEC_DONE(&l.item);
        KT_VEC_DONE(&l.source);
        KT_VEC_DONE(&l.label);
        kt_buf_done(&ret->text);
    }
    return rc;
}

void kt_votes_file_done(kt_votes_file *f)
{
    f->item_of = kt_free(f->item_of);
    f->source_of = kt_free(f->source_of);
    f->label_of = kt_free(f->label_of);
    kt_buf_done(&f->text);
}

void kt_votes_file_labels(kt_str text, kt_arena *a, kt_strs *ret)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == ',';
    *ret = (kt_strs){ kt_arena_array(a, n, sizeof(kt_str)), 0 };
    for (kt_str name; kt_str_cut(&text, ',', &name);)
        ret->v[ret->n++] = kt_str_trim(name);
}

kt_rc kt_votes_file_duplicates(kt_str text, kt_duplicates *ret, kt_err *err)
{
    static const char *const name[] = { "error", "first", "last" };
    for (size_t i = 0; i < KT_LEN(name); i++)
        if (text.n == 0 || kt_str_eq(text, kt_str_of(name[i]))) {
            *ret = (kt_duplicates)i;
            return 0;
        }
    return kt_fail(err, KT_USAGE, "--duplicates is error, first or last, not %.*s", KT_F(text));
}
