#include "cli/matrix_file.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/columns_file.h"

#include <math.h>

/* The first line is a row of numbers, not a header. 0,1,2,… up to the last column is the header that pandas writes. */
static bool all_numbers(kt_str line)
{
    kt_str field;
    double x;
    size_t n = 0, counted = 0;
    if (line.n == 0)
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

static kt_rc read_row(const kt_rows *r, size_t from, double **x, size_t *n, size_t *cap, kt_err *err)
{
    if (*n + r->n_columns > *cap) {
        *cap = KT_MAX(2 * *cap, *n + r->n_columns);
        *x = kt_realloc(*x, *cap * sizeof(**x));
    }
    for (size_t k = from; k < r->n_columns; k++) {
        double v = NAN;
        if (r->field[k].n && !parse(kt_str_trim(r->field[k]), &v)) {
            char name[64];
            snprintf(name, sizeof(name), "%.*s", KT_F(r->column[k]));
            kt_fail(err, KT_RANGE, "'%.*s' is no number", KT_F(r->field[k]));
            return kt_rows_at(r, name, err);
        }
        (*x)[(*n)++] = v;
    }
    return 0;
}

static kt_rc read_rows(kt_row_stream *s, kt_matrix_file *m, kt_err *err)
{
    const kt_rows *r = &s->rows;
    kt_str line;
    kt_rc rc;
    size_t n = 0, cap = 1;
    KT_TRY(kt_row_stream_first_line(s, &line, err));
    s->no_header = all_numbers(line);
    KT_TRY(kt_row_stream_header(s, err));
    for (const char *const *name = kt_item_names; *name && !s->no_header && r->n_columns; name++)
        m->named |= kt_str_ieq(r->column[0], kt_str_of(*name));
    m->own = kt_alloc(cap * sizeof(double));
    while ((rc = kt_row_stream_next(s, err)) == 0) {
        if (m->named)
            kt_texts_add(&m->row, r->field[0]);
        KT_TRY(read_row(r, m->named, &m->own, &n, &cap, err));
        m->n_rows++;
    }
    m->n_columns = r->n_columns - m->named;
    m->x = m->own;
    m->column = s->no_header ? NULL : r->column + m->named;
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

static kt_rc choose_array(const char *name, kt_matrix_file *m, kt_err *err)
{
    const kt_npz_member *v = m->arrays.array;
    size_t hit = SIZE_MAX, found = 0;
    for (size_t i = 0; i < m->arrays.n; i++)
        if (v[i].array.n_dims == 2) {
            hit = hit == SIZE_MAX ? i : hit;
            found++;
        }
    for (size_t i = 0; i < m->arrays.n; i++)
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
    kt_row_stream s;
    *ret = (kt_matrix_file){ 0 };
    kt_rc rc = kt_row_stream_open(&s, path, a, err);
    if (rc == 0 && kt_array_file_is(&s)) {
        rc = kt_array_file_read(&s, name, a, &ret->arrays, err);
        if (rc == 0 && (rc = choose_array(name, ret, err)) < 0)
            kt_at(err, path, 0, NULL);
    } else if (rc == 0) {
        rc = read_rows(&s, ret, err);
    }
    kt_row_stream_done(&s);
    if (rc < 0)
        kt_matrix_file_done(ret);
    return rc;
}

void kt_matrix_file_done(kt_matrix_file *m)
{
    kt_texts_done(&m->row);
    kt_array_file_done(&m->arrays);
    m->own = kt_free(m->own);
}

kt_str kt_matrix_row(const kt_matrix_file *m, size_t row, kt_arena *a)
{
    return m->named ? kt_texts_at(&m->row, row) : kt_arena_printf(a, "%zu", row);
}

double kt_matrix_at(const kt_matrix_file *m, size_t row, size_t column)
{
    size_t at = row * m->n_columns + column;
    return m->floats ? (double)((const float *)m->x)[at] : ((const double *)m->x)[at];
}
