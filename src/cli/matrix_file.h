/* A matrix of numbers: probabilities, one row an item and one column a class. */
#ifndef KT_CLI_MATRIX_FILE_H
#define KT_CLI_MATRIX_FILE_H

#include "base/arena.h"
#include "base/texts.h"
#include "format/array_file.h"

typedef struct kt_matrix_file {
    size_t n_rows, n_columns;
    const void *x;      /* n_rows × n_columns doubles, or floats */
    bool floats;
    bool named;         /* whether the file names the rows */
    kt_texts row;       /* their names */
    kt_str *column;     /* names, or NULL where the file gives none; in the arena */
    kt_array_file arrays;
    double *own;
} kt_matrix_file;

/* CSV, TSV or JSON lines whose columns are the classes, after a column of items (item, id, …) if there is one; a first line of
   numbers alone is a row, not a header. .npy: an array of two dimensions; .npz: the only one of two, or the one called name.
   Rows are read one by one, and only their numbers and names are kept; a .npy stays on disk, mapped.
   KT_PARSE, KT_RANGE: a cell that is no number; NaN and infinities are kept for the caller to refuse. */
kt_rc kt_matrix_file_read(const char *path, const char *name, kt_arena *a, kt_matrix_file *ret, kt_err *err) KT_MUST_USE;
void kt_matrix_file_done(kt_matrix_file *m);
/* The name of a row, or its number where the file has none: in the arena. */
kt_str kt_matrix_row(const kt_matrix_file *m, size_t row, kt_arena *a);
double kt_matrix_at(const kt_matrix_file *m, size_t row, size_t column);

#endif
