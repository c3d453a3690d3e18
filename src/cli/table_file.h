/* A table as rows of text, for answers that are not labels out of a few: columns_file.h row by row. */
#ifndef KT_CLI_TABLE_FILE_H
#define KT_CLI_TABLE_FILE_H

#include "cli/columns_file.h"

typedef struct kt_table_file {
    const char *path;
    kt_str *column;
    size_t n_columns, n_rows;
    kt_str *cell;   /* n_rows × n_columns, as long as columns */
    uint64_t *line; /* n_rows: where each begins */
    kt_columns columns;
} kt_table_file;

/* Errors are those of kt_columns_read. */
kt_rc kt_table_file_read(const char *path, kt_arena *a, kt_table_file *ret, kt_err *err) KT_MUST_USE;
void kt_table_file_done(kt_table_file *t);
/* The first column that has one of the names (NULL at the end), KT_PARSE that lists what is there. */
kt_rc kt_table_file_column(const kt_table_file *t, const char *const *names, size_t *ret, kt_err *err) KT_MUST_USE;

#endif
