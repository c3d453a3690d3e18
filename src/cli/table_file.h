/* A delimited file as it is: names of columns and rows of text. For answers that are not labels out of a few. */
#ifndef KT_CLI_TABLE_FILE_H
#define KT_CLI_TABLE_FILE_H

#include "base/buf.h"
#include "cli/cli.h"

typedef struct kt_table_file {
    const char *path;
    kt_str *column;
    size_t n_columns, n_rows;
    kt_str *cell;   /* n_rows × n_columns, views into text or the arena */
    uint64_t *line; /* n_rows: where each begins */
    kt_buf text;
} kt_table_file;

/* Reads path ("-": standard input): UTF-8; tab, comma or semicolon as the first line shows; RFC 4180 quotes. KT_PARSE with file
   and line for a row of another length. */
kt_rc kt_table_file_read(const char *path, kt_arena *a, kt_table_file *ret, kt_err *err) KT_MUST_USE;
void kt_table_file_done(kt_table_file *t);
/* The first column that has one of the names (NULL at the end), KT_PARSE that lists what is there. */
kt_rc kt_table_file_column(const kt_table_file *t, const char *const *names, size_t *ret, kt_err *err) KT_MUST_USE;

#endif
