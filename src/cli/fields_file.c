#include "cli/fields_file.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "cli/columns_file.h"
#include "format/array_file.h"

#include <math.h>
#include <stdio.h>

#define MOST_ROWS ((size_t)UINT32_MAX - 1)

typedef struct reading {
    kt_field *field;
    size_t n_fields;
    size_t *column; /* n_fields; SIZE_MAX: not there */
    kt_arena *a;
    kt_fields_file *f;
} reading;

kt_rc kt_fields_fail(const kt_fields_file *f, size_t row, const char *column, kt_err *err, kt_rc rc)
{
    kt_at(err, f->path, kt_row_places_line(&f->places, row), column);
    return rc;
}

/* Which column each field is, of columns by name. */
static kt_rc find_columns(reading *r, const kt_str *name, size_t n, kt_err *err)
{
    char have[120] = "";
    for (size_t k = 0, at = 0; k < n && at < sizeof(have); k++)
        at += (size_t)snprintf(have + at, sizeof(have) - at, "%s%.*s", k ? ", " : "", KT_F(name[k]));
    r->column = kt_arena_array(r->a, r->n_fields, sizeof(size_t));
    size_t taken = 0, free_one = SIZE_MAX;
    for (size_t x = 0; x < r->n_fields; x++) {
        r->column[x] = SIZE_MAX;
        for (const char *const *p = r->field[x].names; *p && r->column[x] == SIZE_MAX; p++)
            for (size_t k = 0; k < n && r->column[x] == SIZE_MAX; k++)
                if (kt_str_ieq(name[k], kt_str_of(*p)))
                    r->column[x] = k;
        taken += r->column[x] != SIZE_MAX;
    }
    for (size_t k = 0; k < n; k++) {
        bool is_free = true;
        for (size_t x = 0; x < r->n_fields; x++)
            is_free &= r->column[x] != k;
        free_one = is_free ? k : free_one;
    }
    for (size_t x = 0; x < r->n_fields; x++) {
        kt_field *d = &r->field[x];
        if (r->column[x] == SIZE_MAX && d->alone && n == taken + 1)
            r->column[x] = free_one;
        d->there = r->column[x] != SIZE_MAX;
        if (d->there || !d->needed)
            continue;
        kt_fail(err, KT_PARSE, "no column '%s'; there are: %s", d->names[0], have);
        kt_at(err, r->f->path, 1, d->names[0]);
        return KT_PARSE;
    }
    return 0;
}

static kt_rc number_of(kt_str s, double *ret, kt_err *err)
{
    s = kt_str_trim(s);
    *ret = NAN;
    if (s.n && !kt_parse_f64(s, ret))
        return kt_fail(err, KT_RANGE, "'%.*s' is no number", KT_F(s));
    return 0;
}

static kt_rc put(reading *r, kt_field *d, kt_str s, kt_err *err)
{
    double x;
    if (s.n == 0 && d->filled)
        return kt_fail(err, KT_PARSE, "the %s is empty", d->names[0]);
    switch (d->kind) {
    case KT_FIELD_CLASS: KT_PUSH(&d->id, kt_names_copy(&d->class, s, r->a)); return 0;
    case KT_FIELD_NAME: kt_texts_add(&d->text, s); return 0;
    case KT_FIELD_NUMBER:
        KT_TRY(number_of(s, &x, err));
        KT_PUSH(&d->number, x);
        return 0;
    }
    return 0;
}

static kt_rc read_rows(reading *r, kt_row_stream *s, kt_err *err)
{
    kt_rc rc;
    KT_TRY(kt_row_stream_header(s, err));
    KT_TRY(find_columns(r, s->rows.column, s->rows.n_columns, err));
    while ((rc = kt_row_stream_next(s, err)) == 0) {
        for (size_t x = 0; x < r->n_fields; x++)
            if (r->field[x].there && put(r, &r->field[x], s->rows.field[r->column[x]], err) < 0)
                return kt_rows_at(&s->rows, r->field[x].names[0], err);
        kt_row_places_add(&r->f->places, s->rows.line);
        if (++r->f->n > MOST_ROWS)
            return kt_fail(err, KT_LIMIT, "more than %zu rows", MOST_ROWS);
    }
    return rc < 0 ? rc : 0;
}

/* ---- arrays ---- */

/* A column of an array: entries at, at + step, … */
typedef struct slice {
    const kt_npy *x;
    size_t at, step;
} slice;

/* Classes that are numbers are told apart by their bits, and printed once each. */
static void put_classes(reading *r, kt_field *d, slice c)
{
    kt_map seen = { 0 };
    KT_VEC(uint32_t) id = { 0 };
    for (size_t i = 0; i < r->f->n; i++) {
        double v = kt_npy_number(c.x, c.at + i * c.step) + 0.0; /* -0 is 0 */
        uint64_t bits;
        memcpy(&bits, &v, sizeof(bits));
        uint32_t at = kt_map_put(&seen, kt_mix64(bits), (uint32_t)id.n);
        if (at == id.n)
            KT_PUSH(&id, kt_names_copy(&d->class, isnan(v) ? KT_S("") : kt_npy_text(c.x, c.at + i * c.step, r->a), r->a));
        KT_PUSH(&d->id, id.v[at]);
    }
    kt_map_done(&seen);
    KT_VEC_DONE(&id);
}

static kt_rc put_column(reading *r, kt_field *d, slice c, kt_err *err)
{
    bool numbers = c.x->kind == KT_NPY_NUMBER;
    if (numbers && d->kind == KT_FIELD_CLASS)
        put_classes(r, d, c);
    for (size_t i = 0; i < r->f->n && !(numbers && d->kind == KT_FIELD_CLASS); i++) {
        KT_AUTO(kt_arena) own = KT_ARENA_INIT;
        size_t at = c.at + i * c.step;
        double v = numbers ? kt_npy_number(c.x, at) : 0;
        if (numbers && d->kind == KT_FIELD_NUMBER)
            KT_PUSH(&d->number, v);
        else if (put(r, d, numbers && isnan(v) ? KT_S("") : kt_npy_text(c.x, at, &own), err) < 0)
            return kt_at(err, r->f->path, 0, d->names[0]);
    }
    for (size_t i = 0; i < r->f->n && d->filled && numbers; i++)
        if (d->kind == KT_FIELD_CLASS ? d->class.name[d->id.v[i]].n == 0 : d->kind == KT_FIELD_NUMBER && isnan(d->number.v[i])) {
            kt_fail(err, KT_PARSE, "the %s of row %zu is missing", d->names[0], i);
            return kt_at(err, r->f->path, 0, d->names[0]);
        }
    return 0;
}

static kt_rc read_arrays(reading *r, const kt_array_file *f, kt_err *err)
{
    size_t n = 0;
    for (size_t m = 0; m < f->n; m++) {
        const kt_npy *x = &f->array[m].array;
        if (x->n_dims < 1 || x->n_dims > 2)
            return kt_fail(err, KT_PARSE, "array %.*s has %u dimensions; one or two make columns", KT_F(f->array[m].name), x->n_dims);
        if (m && x->shape[0] != f->array[0].array.shape[0])
            return kt_fail(err, KT_PARSE, "array %.*s has %zu rows, array %.*s has %zu", KT_F(f->array[m].name), x->shape[0], KT_F(f->array[0].name),
                           f->array[0].array.shape[0]);
        n += x->n_dims == 2 ? x->shape[1] : 1;
        if (n > 65536)
            return kt_fail(err, KT_LIMIT, "%zu columns", n);
    }
    kt_str *name = kt_arena_array(r->a, n, sizeof(*name));
    slice *column = kt_arena_array(r->a, n, sizeof(*column));
    size_t at = 0;
    for (size_t m = 0; m < f->n; m++) {
        const kt_npy *x = &f->array[m].array;
        size_t width = x->n_dims == 2 ? x->shape[1] : 1;
        for (size_t k = 0; k < width; k++, at++) {
            name[at] = x->n_dims == 2 ? kt_arena_printf(r->a, "%zu", k) : f->array[m].name;
            column[at] = (slice){ x, k, width };
        }
    }
    KT_TRY(find_columns(r, name, n, err));
    r->f->n = f->n ? f->array[0].array.shape[0] : 0;
    if (r->f->n > MOST_ROWS)
        return kt_fail(err, KT_LIMIT, "more than %zu rows", MOST_ROWS);
    for (size_t x = 0; x < r->n_fields; x++)
        if (r->field[x].there)
            KT_TRY(put_column(r, &r->field[x], column[r->column[x]], err));
    return 0;
}

kt_rc kt_fields_read(const char *path, kt_field *field, size_t n_fields, kt_arena *a, kt_fields_file *ret, kt_err *err)
{
    kt_row_stream s;
    *ret = (kt_fields_file){ .path = path };
    reading r = { field, n_fields, NULL, a, ret };
    kt_rc rc = kt_row_stream_open(&s, path, a, err);
    if (rc == 0 && kt_array_file_is(&s)) {
        kt_array_file f;
        rc = kt_array_file_read(&s, "label", a, &f, err);
        if (rc == 0 && (rc = read_arrays(&r, &f, err)) < 0)
            kt_at(err, path, 0, NULL);
        kt_array_file_done(&f);
    } else if (rc == 0) {
        rc = read_rows(&r, &s, err);
    }
    kt_row_stream_done(&s);
    return rc;
}

kt_rc kt_fields_match(const kt_fields_file *f, const kt_field *of, kt_texts *in, size_t n_in, const char *what, size_t **ret, kt_err *err)
{
    bool moved = false;
    *ret = NULL;
    if (!of->there || !in) {
        if (f->n == n_in)
            return 0;
        kt_fail(err, KT_RANGE, "%zu rows, where the other file has %zu, each a %s", f->n, n_in, what);
        return kt_at(err, f->path, 0, NULL);
    }
    size_t twice = kt_texts_index(in), *row = kt_alloc_array(f->n, sizeof(*row));
    kt_rc rc = twice == SIZE_MAX ? 0 : kt_fail(err, KT_RANGE, "item %.*s has more than one %s", KT_F(kt_texts_at(in, twice)), what);
    for (size_t i = 0; i < f->n && rc == 0; i++) {
        kt_str name = kt_texts_at(&of->text, i);
        int64_t at = i < in->n && kt_str_eq(kt_texts_at(in, i), name) ? (int64_t)i : kt_texts_find(in, name); /* mostly in one order */
        row[i] = (size_t)at;
        moved |= row[i] != i;
        if (at < 0) {
            kt_fail(err, KT_RANGE, "item %.*s has no %s", KT_F(name), what);
            rc = kt_fields_fail(f, i, "item", err, KT_RANGE);
        }
    }
    *ret = rc == 0 && moved ? row : kt_free(row);
    return rc;
}

void kt_fields_done(kt_field *field, size_t n_fields, kt_fields_file *f)
{
    for (size_t x = 0; x < n_fields; x++) {
        kt_names_done(&field[x].class);
        KT_VEC_DONE(&field[x].id);
        kt_texts_done(&field[x].text);
        KT_VEC_DONE(&field[x].number);
    }
    kt_row_places_done(&f->places);
}
