/* One pass over the rows, of which only a piece is in memory: names become ids through a hash of 64 bits (checked against the name, so that a collision costs a
   step and not a wrong vote). Arrays of numpy become ids of the values themselves. */
#include "cli/votes_file.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/str.h"
#include "format/row_places.h"
#include "format/row_stream.h"

enum { ITEM, SOURCE, LABEL, N_ROLES };
static const char *const role_name[N_ROLES] = { "item", "annotator", "label" };
const char *const kt_vote_columns[N_ROLES][8] = {
    { "item", "item_id", "task", "id", "unit", NULL },
    { "annotator", "annotator_id", "worker", "source", "rater", "lf", NULL },
    { "label", "vote", "answer", NULL },
};

typedef struct table {
    kt_row_stream *s;
    kt_arena *a;
    int role[N_ROLES]; /* column of each; wide: only ITEM */
    bool wide, pairs;
} table;

static kt_rc fail_at(const table *t, const char *field, kt_err *err, kt_rc rc)
{
    kt_rows_at(&t->s->rows, field, err);
    return rc;
}

static bool is_role(kt_str name, int role)
{
    for (const char *const *a = kt_vote_columns[role]; *a; a++)
        if (kt_str_ieq(name, kt_str_of(*a)))
            return true;
    return false;
}

static kt_rc missing_column(const table *t, int role, kt_err *err)
{
    char have[120];
    kt_rows_columns(&t->s->rows, have, sizeof(have));
    kt_fail(err, KT_PARSE, "no column '%s'; the first line names: %s", role_name[role], have);
    kt_hint(err, "the first line should be %s", t->pairs ? "item,label" : "item,annotator,label");
    kt_at(err, t->s->rows.path, 1, role_name[role]);
    return KT_PARSE;
}

/* Finds which column is what. */
static kt_rc assign_roles(table *t, kt_err *err)
{
    for (int r = 0; r < N_ROLES; r++) {
        t->role[r] = -1;
        for (size_t c = t->s->rows.n_columns; c-- > 0;)
            if (is_role(t->s->rows.column[c], r))
                t->role[r] = (int)c;
    }
    if (t->pairs) {
        bool both = t->role[ITEM] >= 0 && t->role[LABEL] >= 0;
        t->role[SOURCE] = t->role[ITEM] = both ? t->role[ITEM] : 0; /* not looked at as a source */
        if (both || t->s->rows.n_columns == 2) {
            t->role[LABEL] = both ? t->role[LABEL] : 1;
            return 0;
        }
        return missing_column(t, LABEL, err);
    }
    t->wide = t->role[ITEM] == 0 && t->role[SOURCE] < 0 && t->role[LABEL] < 0 && t->s->rows.n_columns > 1;
    for (int r = 0; r < N_ROLES && !t->wide; r++)
        if (t->role[r] < 0)
            return missing_column(t, r, err);
    return 0;
}

static kt_rc read_header(table *t, kt_err *err)
{
    bool empty = t->s->text.n == 0;
    kt_rc rc = kt_row_stream_header(t->s, err);
    if (rc < 0 && empty)
        kt_hint(err, "expected a first line %s and then one a line", t->pairs ? "item,label" : "item,annotator,label");
    return rc < 0 ? rc : assign_roles(t, err);
}

typedef struct loading {
    table t;
    const kt_votes_file_opts *o;
    kt_names dict[N_ROLES];
    KT_VEC(uint32_t) item;
    KT_VEC(uint32_t) source;
    KT_VEC(int32_t) label;
    kt_row_places places; /* for messages */
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
    bool missing = label.n == 0 || (l->o->missing.n && kt_str_eq(label, l->o->missing));
    if (!missing && !(l->o->minus_one_abstains && label.n == 2 && label.p[0] == '-' && label.p[1] == '1')) {
        if (label.n > KT_MAX_ID_BYTES)
            return bad_name(&l->t, LABEL, label, err);
        id = (int32_t)kt_names_copy(&l->dict[LABEL], label, l->t.a);
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
    const kt_rows *r = &t->s->rows;
    kt_rc rc;
    uint32_t item_id = 0;
    for (size_t c = 1; t->wide && c < r->n_columns; c++)
        kt_names_add(&l->dict[SOURCE], r->column[c]);
    while ((rc = kt_row_stream_next(t->s, err)) == 0) {
        kt_str item = r->field[t->role[ITEM]];
        kt_row_places_add(&l->places, r->line);
        if (item.n == 0 || item.n > KT_MAX_ID_BYTES)
            return bad_name(t, ITEM, item, err);
        if (l->dict[ITEM].n == 0 || !kt_str_eq(item, l->dict[ITEM].name[item_id]))
            item_id = kt_names_copy(&l->dict[ITEM], item, t->a);
        if (t->wide) {
            for (size_t c = 1; c < r->n_columns; c++)
                KT_TRY(add_vote(l, item_id, (uint32_t)c - 1, r->field[c], err));
            continue;
        }
        kt_str source = t->pairs ? KT_S("-") : r->field[t->role[SOURCE]];
        if (source.n == 0 || source.n > KT_MAX_ID_BYTES)
            return bad_name(t, SOURCE, source, err);
        KT_TRY(add_vote(l, item_id, kt_names_copy(&l->dict[SOURCE], source, t->a), r->field[t->role[LABEL]], err));
        if (l->item.n >= UINT32_MAX - 1)
            return kt_fail(err, KT_LIMIT, "%s holds more than %u votes", r->path, UINT32_MAX - 2);
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
    size_t n = l->dict[LABEL].n;
    struct ordered *o = kt_arena_array(l->t.a, n + 1, sizeof(*o));
    int32_t *new_id = kt_arena_array(l->t.a, n + 1, sizeof(*new_id));
    bool numbers = n > 0;
    for (size_t i = 0; i < n; i++) {
        o[i] = (struct ordered){ .name = l->dict[LABEL].name[i], .old = (uint32_t)i };
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

/* Line of vote number k; 0: there are no lines. */
static uint64_t line_of(const loading *l, size_t k)
{
    return kt_row_places_line(&l->places, k / (l->t.wide ? l->t.s->rows.n_columns - 1 : 1));
}

/* Votes first and second are by the same source on the same item. */
static kt_rc duplicate(const loading *l, size_t first, size_t second, kt_err *err)
{
    kt_str item = l->dict[ITEM].name[l->item.v[first]], source = l->dict[SOURCE].name[l->source.v[first]];
    char earlier[40] = "";
    uint64_t line = line_of(l, first);
    if (line)
        snprintf(earlier, sizeof(earlier), ", first on line %llu", (unsigned long long)line);
    if (l->t.pairs) {
        kt_fail(err, KT_RANGE, "%.*s occurs twice%s", KT_F(item), earlier);
    } else {
        kt_fail(err, KT_RANGE, "%.*s votes twice on item %.*s%s", KT_F(source), KT_F(item), earlier);
        kt_hint(err, "--duplicates first or --duplicates last keeps one of them");
    }
    kt_at(err, l->t.s->rows.path, line_of(l, second), l->t.pairs ? "item" : "annotator");
    return KT_RANGE;
}

/* Votes of an item stand together and none is by a source that has voted on it: seen by one look at each, without sorting. */
static bool plainly_single(const loading *l)
{
    uint32_t *last = kt_zalloc_array(l->dict[SOURCE].n, sizeof(*last)); /* of each source: its last item + 1 */
    bool ret = true;
    for (size_t i = 0; i < l->item.n && ret; i++) {
        uint32_t *of = &last[l->source.v[i]];
        ret = (i == 0 || l->item.v[i] >= l->item.v[i - 1]) && *of != l->item.v[i] + 1;
        *of = l->item.v[i] + 1;
    }
    kt_free(last);
    return ret;
}

/* Keeps one vote per source and item, or refuses. seen: last vote of each source + 1, valid within one item. */
static kt_rc settle_duplicates(loading *l, kt_err *err)
{
    size_t n = l->item.n, n_items = l->dict[ITEM].n, kept = 0, worst = SIZE_MAX, its_first = 0;
    if (plainly_single(l))
        return 0;
    kt_votes v = { .n = n, .n_items = (uint32_t)n_items, .item = l->item.v };
    size_t *start = kt_alloc_array(n_items + 1, sizeof(size_t)), *order = kt_alloc_array(n, sizeof(size_t));
    size_t *seen = kt_zalloc_array(l->dict[SOURCE].n, sizeof(size_t));
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

static kt_str *keep_names(kt_names *d, kt_arena *a)
{
    kt_str *ret = kt_arena_array(a, d->n + 1, sizeof(kt_str));
    if (d->n)
        memcpy(ret, d->name, d->n * sizeof(kt_str));
    return ret;
}

static void keep_votes(loading *l, kt_votes_file *ret)
{
    ret->item_of = l->item.v;
    ret->source_of = l->source.v;
    ret->label_of = l->label.v;
    ret->votes = (kt_votes){ l->item.n, (uint32_t)l->dict[ITEM].n, (uint32_t)l->dict[SOURCE].n,
                             (uint32_t)l->dict[LABEL].n, l->item.v, l->source.v, l->label.v };
}

static kt_rc load(loading *l, kt_votes_file *ret, kt_err *err)
{
    for (size_t i = 0; i < l->o->labels.n; i++)
        if (kt_names_add(&l->dict[LABEL], l->o->labels.v[i]) != i)
            return kt_fail(err, KT_USAGE, "label %.*s is listed twice", KT_F(l->o->labels.v[i]));
    KT_TRY(read_header(&l->t, err));
    KT_TRY(read_rows(l, err));
    KT_TRY(settle_duplicates(l, err));
    order_labels(l, ret);
    ret->item = keep_names(&l->dict[ITEM], l->t.a);
    ret->source = keep_names(&l->dict[SOURCE], l->t.a);
    keep_votes(l, ret);
    return 0;
}

/* ---- arrays of numpy ---- */

static kt_str *numbered(kt_arena *a, size_t n)
{
    kt_str *ret = kt_arena_array(a, n + 1, sizeof(kt_str));
    for (size_t i = 0; i < n; i++)
        ret[i] = kt_arena_printf(a, "%zu", i);
    return ret;
}

static kt_str name_of(double value, kt_arena *a)
{
    char text[40];
    kt_buf b = KT_BUF_INIT(sizeof(text));
    kt_buf_f64(&b, value);
    kt_str ret = kt_arena_str(a, KT_BUF_STR(&b));
    kt_buf_done(&b);
    return ret;
}

/* The given labels as the values of a matrix, in their order. */
static kt_rc domain_of(const kt_strs *labels, kt_arena *a, kt_vote_matrix *m, kt_err *err)
{
    double *domain = kt_arena_array(a, labels->n + 1, sizeof(*domain));
    for (size_t i = 0; i < labels->n; i++)
        if (!kt_parse_f64(labels->v[i], &domain[i]))
            return kt_fail(err, KT_USAGE, "label %.*s is no number, and the file holds numbers", KT_F(labels->v[i]));
    m->domain = domain;
    m->n_domain = (uint32_t)labels->n;
    return 0;
}

static kt_rc number_matrix(const kt_npy *x, const kt_votes_file_opts *o, kt_arena *a, kt_votes_file *ret, kt_err *err)
{
    size_t size = kt_dtype_size(x->type);
    kt_matrix_votes v;
    kt_vote_matrix m = { .data = x->data, .type = x->type, .n_items = x->shape[0], .n_sources = (uint32_t)x->shape[1],
                         .source_stride = (ptrdiff_t)size, .item_stride = (ptrdiff_t)(x->shape[1] * size), .has_missing = true, .missing = -1 };
    if (x->shape[1] > UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu columns", x->shape[1]);
    if (o->missing.n && !kt_parse_i64(o->missing, INT64_MIN, INT64_MAX, &m.missing))
        return kt_fail(err, KT_USAGE, "--missing %.*s is no whole number, and the file holds numbers", KT_F(o->missing));
    if (o->labels.n)
        KT_TRY(domain_of(&o->labels, a, &m, err));
    KT_TRY(kt_matrix_votes_make(&m, NULL, &v, err));
    ret->votes = v.votes;
    ret->item_of = v.item;
    ret->source_of = v.source;
    ret->label_of = v.label;
    ret->value = ret->value_of = v.value;
    ret->item = numbered(a, x->shape[0]);
    ret->source = numbered(a, x->shape[1]);
    ret->label = kt_arena_array(a, v.votes.n_labels + 1, sizeof(kt_str));
    for (uint32_t c = 0; c < v.votes.n_labels; c++)
        ret->label[c] = o->labels.n ? o->labels.v[c] : name_of(v.value[c], a);
    return 0;
}

static kt_rc text_matrix(loading *l, const kt_npy *x, kt_err *err)
{
    kt_arena *a = l->t.a;
    kt_str *item = numbered(a, x->shape[0]), *source = numbered(a, x->shape[1]);
    for (size_t i = 0; i < x->shape[0]; i++)
        kt_names_add(&l->dict[ITEM], item[i]);
    for (size_t s = 0; s < x->shape[1]; s++)
        kt_names_add(&l->dict[SOURCE], source[s]);
    for (size_t i = 0; i < x->shape[0]; i++)
        for (size_t s = 0; s < x->shape[1]; s++)
            KT_TRY(add_vote(l, (uint32_t)i, (uint32_t)s, kt_npy_text(x, i * x->shape[1] + s, a), err));
    return 0;
}

/* Three arrays of one length. column[SOURCE] may be missing where pairs are read. */
static kt_rc triples(loading *l, const kt_npy *const column[N_ROLES], kt_err *err)
{
    kt_arena *a = l->t.a;
    for (int r = 0; r < N_ROLES; r++)
        if (column[r] && (column[r]->n_dims != 1 || column[r]->n != column[ITEM]->n))
            return kt_fail(err, KT_PARSE, "array %s should have one dimension of %zu, as item has", role_name[r], column[ITEM]->n);
    for (size_t i = 0; i < column[ITEM]->n; i++) {
        kt_str item = kt_npy_text(column[ITEM], i, a), source = column[SOURCE] ? kt_npy_text(column[SOURCE], i, a) : KT_S("-");
        kt_str label = kt_npy_text(column[LABEL], i, a);
        if (column[LABEL]->kind == KT_NPY_NUMBER && kt_str_eq(label, l->o->missing.n ? l->o->missing : KT_S("-1")))
            label.n = 0;
        if (kt_str_eq(label, KT_S("null"))) /* how a NaN is printed */
            label.n = 0;
        KT_TRY(add_vote(l, kt_names_add(&l->dict[ITEM], item), kt_names_add(&l->dict[SOURCE], source), label, err));
    }
    return 0;
}

static kt_rc load_arrays(loading *l, const kt_npz_member *m, size_t n, kt_votes_file *ret, kt_err *err)
{
    const kt_npy *column[N_ROLES] = { NULL }, *matrix = NULL;
    for (size_t i = 0; i < n; i++) {
        for (int r = 0; r < N_ROLES; r++)
            if (is_role(m[i].name, r))
                column[r] = &m[i].array;
        if (m[i].array.n_dims == 2)
            matrix = matrix ? matrix : &m[i].array;
    }
    bool have = column[ITEM] && column[LABEL] && (column[SOURCE] || l->t.pairs);
    if (!have && !(matrix && !l->t.pairs)) {
        kt_fail(err, KT_PARSE, "expected %s, and nothing of the kind is there", l->t.pairs ? "arrays item and label" : "an array of items × annotators, or arrays item, annotator and label");
        return KT_PARSE;
    }
    if (!have && matrix->kind == KT_NPY_NUMBER)
        return number_matrix(matrix, l->o, l->t.a, ret, err);
    for (size_t i = 0; i < l->o->labels.n; i++)
        kt_names_add(&l->dict[LABEL], l->o->labels.v[i]);
    KT_TRY(have ? triples(l, column, err) : text_matrix(l, matrix, err));
    KT_TRY(settle_duplicates(l, err));
    order_labels(l, ret);
    ret->item = keep_names(&l->dict[ITEM], l->t.a);
    ret->source = keep_names(&l->dict[SOURCE], l->t.a);
    keep_votes(l, ret);
    return 0;
}

kt_rc kt_votes_file_from(kt_row_stream *s, const kt_votes_file_opts *o, kt_arena *a, kt_votes_file *ret, kt_err *err)
{
    *ret = (kt_votes_file){ 0 };
    loading l = { .t = { .s = s, .pairs = o->pairs, .a = a }, .o = o };
    kt_rc rc;
    if (kt_array_file_is(s)) {
        rc = kt_array_file_read(s, "votes", a, &ret->arrays, err);
        if (rc == 0 && (rc = load_arrays(&l, ret->arrays.array, ret->arrays.n, ret, err)) < 0)
            kt_at(err, s->rows.path, 0, NULL);
    } else {
        rc = load(&l, ret, err);
    }
    for (int r = 0; r < N_ROLES; r++)
        kt_names_done(&l.dict[r]);
    kt_row_places_done(&l.places);
    if (rc < 0) {
        KT_VEC_DONE(&l.item);
        KT_VEC_DONE(&l.source);
        KT_VEC_DONE(&l.label);
        kt_array_file_done(&ret->arrays);
    }
    return rc;
}

kt_rc kt_votes_file_read(const char *path, const kt_votes_file_opts *o, kt_arena *a, kt_votes_file *ret, kt_err *err)
{
    kt_row_stream s;
    *ret = (kt_votes_file){ 0 };
    kt_rc rc = kt_row_stream_open(&s, path, a, err);
    if (rc == 0)
        rc = kt_votes_file_from(&s, o, a, ret, err);
    kt_row_stream_done(&s);
    return rc;
}

void kt_votes_file_done(kt_votes_file *f)
{
    f->item_of = kt_free(f->item_of);
    f->source_of = kt_free(f->source_of);
    f->label_of = kt_free(f->label_of);
    f->value_of = kt_free(f->value_of);
    kt_array_file_done(&f->arrays);
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
