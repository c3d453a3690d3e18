/* The rows of columns_file.h, row by row. */
#include "cli/table_file.h"

#include "base/str.h"

#include <stdio.h>

kt_rc kt_table_file_read(const char *path, kt_arena *a, kt_table_file *ret, kt_err *err)
{
    kt_columns c;
    KT_TRY(kt_columns_read(path, a, &c, err));
    *ret = (kt_table_file){ .path = path, .columns = c, .column = c.name, .n_columns = c.n_columns, .n_rows = c.n_rows, .line = c.line };
    ret->cell = kt_arena_array(a, c.n_rows * c.n_columns + 1, sizeof(kt_str));
    for (size_t r = 0; r < c.n_rows; r++)
        for (size_t k = 0; k < c.n_columns; k++)
            ret->cell[r * c.n_columns + k] = c.cell[k][r];
    return 0;
}

void kt_table_file_done(kt_table_file *t)
{
    kt_columns_done(&t->columns);
}

kt_rc kt_table_file_column(const kt_table_file *t, const char *const *names, size_t *ret, kt_err *err)
{
    char have[120] = "";
    size_t n = 0;
    for (size_t c = 0; c < t->n_columns; c++)
        for (const char *const *name = names; *name; name++)
            if (kt_str_ieq(t->column[c], kt_str_of(*name))) {
                *ret = c;
                return 0;
            }
    for (size_t c = 0; c < t->n_columns && n < sizeof(have); c++)
        n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%.*s", c ? ", " : "", KT_F(t->column[c]));
    kt_fail(err, KT_PARSE, "no column '%s'; the first line names: %s", names[0], have);
    kt_at(err, t->path, 1, names[0]);
    return KT_PARSE;
}
