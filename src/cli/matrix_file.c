#include "cli/matrix_file.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/columns_file.h"
#include "format/npy.h"
#include "format/rows.h"

#include <math.h>

#define MAX_FILE_BYTES ((size_t)1 << 36)

/* The first line is a row of numbers, not a header. 0,1,2,… up to the last column is the header that pandas writes. */
static bool all_numbers(kt_str text)
{
    kt_str line, field;
    double x;
    size_t n = 0, counted = 0;
    if (text.n == 0 || !kt_str_cut(&text, '\n', &line))
        return false;
    char sep = memchr(line.p, '\t', line.n) ? '\t' : !memchr(line.p, ',', line.n) && memchr(line.p, ';', line.n) ? ';' : ',';
    for (; kt_str_cut(&line, sep, &field); n++) {
        field = kt_str_trim(field);
        if (!kt_parse_f64(field, &x))
            return false;
        counted += x == (double)n && !memchr(field.p, '.', field.n);
    }
    return n < 2 || counted < n;
}

static bool parse(kt_str s, double *ret)
{
    if (kt_parse_f64(s, ret))
        return true;
    *ret = kt_str_ieq(s, KT_S("nan")) ? NAN : kt_str_ieq(s, KT_S("inf")) ? INFINITY : kt_str_ieq(s, KT_S("-inf")) ? -INFINITY : 0;
    return *ret != 0;
}

static kt_rc read_rows(const char *path, kt_arena *a, kt_matrix_file *m, kt_err *err)
{
    kt_rows r;
    kt_rc rc;
    KT_VEC(double) x = { 0 };
    KT_VEC(kt_str) names = { 0 };
    bool header = !all_numbers(KT_BUF_STR(&m->text)), named = false;
    KT_TRY(kt_rows_open(&r, path, KT_BUF_STR(&m->text), !header, a, err));
    for (const char *const *n = kt_item_names; *n && header && r.n_columns; n++)
        named |= kt_str_ieq(r.column[0], kt_str_of(*n));
    while ((rc = kt_rows_next(&r, err)) == 0) {
        if (named)
            KT_PUSH(&names, r.field[0]);
        for (size_t k = named; k < r.n_columns && rc == 0; k++) {
            double v = NAN;
            if (r.field[k].n && !parse(kt_str_trim(r.field[k]), &v)) {
                char name[64];
                snprintf(name, sizeof(name), "%.*s", KT_F(r.column[k]));
                kt_fail(err, KT_RANGE, "'%.*s' is no number", KT_F(r.field[k]));
                kt_rows_at(&r, name, err);
                rc = KT_RANGE;
            }
            KT_PUSH(&x, v);
        }
        if (rc)
            break;
        m->n_rows++;
    }
    if (rc >= 0) {
        m->n_columns = r.n_columns - named;
        m->x = m->own = x.v ? x.v : kt_alloc(sizeof(double));
        m->column = header ? r.column + named : NULL;
        m->row = named ? kt_arena_array(a, names.n + 1, sizeof(kt_str)) : NULL;
        if (names.n)
            memcpy(m->row, names.v, names.n * sizeof(kt_str));
    } else {
        KT_VEC_DONE(&x);
    }
    KT_VEC_DONE(&names);
    return rc < 0 ? rc : 0;
}

static kt_rc use_array(const kt_npy *x, kt_matrix_file *m, kt_err *err)
{
    if (x->kind != KT_NPY_NUMBER || x->n_dims != 2)
        return kt_fail(err, KT_PARSE, "expected an array of numbers with two dimensions (items × classes); it has %u", x->n_dims);
    m->n_rows = x->shape[0];
    m->n_columns = x->shape[1];
    m->x = x->data;
    m->floats = x->type == KT_F32;
    if (x->type == KT_F32 || x->type == KT_F64)
        return 0;
    m->x = m->own = kt_alloc_array(x->n + 1, sizeof(double));
    for (size_t i = 0; i < x->n; i++)
        m->own[i] = kt_npy_number(x, i);
    return 0;
}

static kt_rc read_arrays(const char *name, kt_arena *a, kt_matrix_file *m, kt_err *err)
{
    kt_str bytes = KT_BUF_STR(&m->text);
    kt_npy one;
    if (kt_npy_is(bytes)) {
        KT_TRY(kt_npy_parse(bytes, a, &one, err));
        return use_array(&one, m, err);
    }
    kt_npz_member *v;
    size_t n, hit = SIZE_MAX, found = 0;
    KT_TRY(kt_npz_parse(bytes, a, &v, &n, err));
    for (size_t i = 0; i < n; i++)
        if (v[i].array.n_dims == 2 && hit == SIZE_MAX) {
            hit = i;
            found++;
        } else {
            found += v[i].array.n_dims == 2;
        }
    for (size_t i = 0; i < n; i++)
        if (kt_str_eq(v[i].name, kt_str_of(name))) {
            hit = i;
            found = 1;
        }
    if (found != 1)
        return kt_fail(err, KT_PARSE, "%zu arrays of two dimensions, none of them called %s", found, name);
    return use_array(&v[hit].array, m, err);
}

kt_rc kt_matrix_file_read(const char *path, const char *name, kt_arena *a, kt_matrix_file *ret, kt_err *err)
{
    *ret = (kt_matrix_file){ .text = KT_BUF_INIT(MAX_FILE_BYTES) };
    kt_rc rc = kt_file_read(path, &ret->text, err);
    if (rc == 0) {
        kt_str bytes = KT_BUF_STR(&ret->text);
        bool numpy = kt_npy_is(bytes) || kt_npz_is(bytes);
        rc = numpy ? read_arrays(name, a, ret, err) : read_rows(path, a, ret, err);
        if (rc < 0 && numpy)
            kt_at(err, path, 0, NULL);
    }
    if (rc < 0)
        kt_matrix_file_done(ret);
    return rc;
}

void kt_matrix_file_done(kt_matrix_file *m)
{
    kt_buf_done(&m->text);
    m->own = kt_free(m->own);
}

double kt_matrix_at(const kt_matrix_file *m, size_t row, size_t column)
{
    size_t at = row * m->n_columns + column;
    return m->floats ? (double)((const float *)m->x)[at] : ((const double *)m->x)[at];
}
