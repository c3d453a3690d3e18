#include "cli/columns_file.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "format/npy.h"
#include "format/rows.h"

#include <math.h>

#define MAX_FILE_BYTES ((size_t)1 << 34)

const char *const kt_item_names[] = { "item", "item_id", "id", "index", "task", "unit", NULL };
const char *const kt_label_names[] = { "label", "class", "category", "type", "tag", NULL };
const char *const kt_score_names[] = { "score", "confidence", "prob", "probability", NULL };

static kt_rc read_rows(const char *path, kt_arena *a, kt_columns *c, kt_err *err)
{
    kt_rows r;
    kt_rc rc;
    KT_VEC(kt_str) cells = { 0 };
    KT_VEC(uint64_t) lines = { 0 };
    KT_TRY(kt_rows_open(&r, path, KT_BUF_STR(&c->text), false, a, err));
    while ((rc = kt_rows_next(&r, err)) == 0) {
        for (size_t k = 0; k < r.n_columns; k++)
            KT_PUSH(&cells, r.field[k]);
        KT_PUSH(&lines, r.line);
    }
    c->n_columns = r.n_columns;
    c->n_rows = lines.n;
    c->name = r.column;
    c->cell = kt_arena_array(a, r.n_columns + 1, sizeof(kt_str *));
    c->line = kt_arena_array(a, lines.n + 1, sizeof(uint64_t));
    if (lines.n)
        memcpy(c->line, lines.v, lines.n * sizeof(uint64_t));
    for (size_t k = 0; k < r.n_columns && rc >= 0; k++) {
        c->cell[k] = kt_arena_alloc(a, (lines.n + 1) * sizeof(kt_str));
        for (size_t i = 0; i < lines.n; i++)
            c->cell[k][i] = cells.v[i * r.n_columns + k];
    }
    KT_VEC_DONE(&cells);
    KT_VEC_DONE(&lines);
    return rc < 0 ? rc : 0;
}

/* Column k of an array of one or two dimensions; NaN is missing. */
static kt_str *array_column(const kt_npy *x, size_t k, kt_arena *a)
{
    size_t rows = x->shape[0], width = x->n_dims == 2 ? x->shape[1] : 1;
    kt_str *ret = kt_arena_array(a, rows + 1, sizeof(kt_str));
    for (size_t i = 0; i < rows; i++)
        if (x->kind == KT_NPY_TEXT || !isnan(kt_npy_number(x, i * width + k)))
            ret[i] = kt_npy_text(x, i * width + k, a);
    return ret;
}

static kt_rc read_arrays(kt_arena *a, kt_columns *c, kt_err *err)
{
    kt_str bytes = KT_BUF_STR(&c->text);
    kt_npz_member one = { .name = KT_S("label") }, *m = &one;
    size_t n = 1, columns = 0;
    KT_TRY(kt_npy_is(bytes) ? kt_npy_parse(bytes, a, &one.array, err) : kt_npz_parse(bytes, a, &m, &n, err));
    for (size_t i = 0; i < n; i++) {
        const kt_npy *x = &m[i].array;
        if (x->n_dims < 1 || x->n_dims > 2)
            return kt_fail(err, KT_PARSE, "array %.*s has %u dimensions; one or two make columns", KT_F(m[i].name), x->n_dims);
        if (i && x->shape[0] != m[0].array.shape[0])
            return kt_fail(err, KT_PARSE, "array %.*s has %zu rows, array %.*s has %zu", KT_F(m[i].name), x->shape[0], KT_F(m[0].name), m[0].array.shape[0]);
        columns += x->n_dims == 2 ? x->shape[1] : 1;
    }
    if (columns > 65536)
        return kt_fail(err, KT_LIMIT, "%zu columns", columns);
    c->n_rows = n ? m[0].array.shape[0] : 0;
    c->name = kt_arena_array(a, columns + 1, sizeof(kt_str));
    c->cell = kt_arena_array(a, columns + 1, sizeof(kt_str *));
    c->line = kt_arena_array(a, c->n_rows + 1, sizeof(uint64_t));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < (m[i].array.n_dims == 2 ? m[i].array.shape[1] : 1); k++) {
            c->name[c->n_columns] = m[i].array.n_dims == 2 ? kt_arena_printf(a, "%zu", k) : m[i].name;
            c->cell[c->n_columns++] = array_column(&m[i].array, k, a);
        }
    return 0;
}

kt_rc kt_columns_read(const char *path, kt_arena *a, kt_columns *ret, kt_err *err)
{
    *ret = (kt_columns){ .path = path, .text = KT_BUF_INIT(MAX_FILE_BYTES) };
    kt_rc rc = kt_file_read(path, &ret->text, err);
    if (rc == 0) {
        kt_str bytes = KT_BUF_STR(&ret->text);
        bool numpy = kt_npy_is(bytes) || kt_npz_is(bytes);
        rc = numpy ? read_arrays(a, ret, err) : read_rows(path, a, ret, err);
        if (rc < 0 && numpy)
            kt_at(err, path, 0, NULL);
    }
    if (rc < 0)
        kt_columns_done(ret);
    return rc;
}

void kt_columns_done(kt_columns *c)
{
    kt_buf_done(&c->text);
    c->n_rows = c->n_columns = 0;
}

kt_str *kt_columns_find(const kt_columns *c, const char *const *names)
{
    for (; *names; names++)
        for (size_t k = 0; k < c->n_columns; k++)
            if (kt_str_ieq(c->name[k], kt_str_of(*names)))
                return c->cell[k];
    return NULL;
}

kt_rc kt_columns_need(const kt_columns *c, const char *const *names, kt_str **ret, kt_err *err)
{
    char have[120];
    size_t n = 0;
    if ((*ret = kt_columns_find(c, names)))
        return 0;
    have[0] = 0;
    for (size_t k = 0; k < c->n_columns && n < sizeof(have); k++)
        n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%.*s", k ? ", " : "", KT_F(c->name[k]));
    kt_fail(err, KT_PARSE, "no column '%s'; there are: %s", names[0], have);
    kt_at(err, c->path, 1, names[0]);
    return KT_PARSE;
}

kt_rc kt_columns_fail(const kt_columns *c, size_t row, const char *name, kt_err *err, kt_rc rc)
{
    kt_at(err, c->path, c->line[row], name);
    return rc;
}

kt_rc kt_columns_numbers(const kt_columns *c, const kt_str *cell, const char *name, kt_arena *a, double **ret, kt_err *err)
{
    double *x = kt_arena_alloc(a, (c->n_rows + 1) * sizeof(*x));
    for (size_t i = 0; i < c->n_rows; i++) {
        kt_str s = kt_str_trim(cell[i]);
        x[i] = NAN;
        if (s.n && !kt_parse_f64(s, &x[i])) {
            kt_fail(err, KT_RANGE, "'%.*s' is no number", KT_F(s));
            return kt_columns_fail(c, i, name, err, KT_RANGE);
        }
    }
    *ret = x;
    return 0;
}

kt_rc kt_columns_filled(const kt_columns *c, const kt_str *cell, const char *name, kt_err *err)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (cell[i].n == 0) {
            kt_fail(err, KT_PARSE, "the %s is empty", name);
            return kt_columns_fail(c, i, name, err, KT_PARSE);
        }
    return 0;
}
