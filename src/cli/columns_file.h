/* A whole table in memory as text, for the filters whose rows are not votes: CSV, TSV, JSON lines, .npy, .npz. */
#ifndef KT_CLI_COLUMNS_FILE_H
#define KT_CLI_COLUMNS_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

typedef struct kt_columns {
    const char *path;
    size_t n_rows, n_columns;
    kt_str *name;   /* n_columns; of arrays: their names, of an unnamed one: label, or 0, 1, … */
    kt_str **cell;  /* n_columns × n_rows; an empty one is missing */
    uint64_t *line; /* n_rows, for messages; 0: unknown */
    kt_buf text;
} kt_columns;

/* KT_PARSE, KT_LIMIT; errors name file, line and field. */
kt_rc kt_columns_read(const char *path, kt_arena *a, kt_columns *ret, kt_err *err) KT_MUST_USE;
void kt_columns_done(kt_columns *c);

/* Column by the first of names (NULL at the end) that is there, or NULL. */
kt_str *kt_columns_find(const kt_columns *c, const char *const *names);
/* The same, KT_PARSE where none is; what: how messages call it. */
kt_rc kt_columns_need(const kt_columns *c, const char *const *names, kt_str **ret, kt_err *err) KT_MUST_USE;
/* Its numbers, NAN where missing. KT_RANGE: what is none. */
kt_rc kt_columns_numbers(const kt_columns *c, const kt_str *cell, const char *name, kt_arena *a, double **ret, kt_err *err) KT_MUST_USE;
/* No cell of it may be missing. */
kt_rc kt_columns_filled(const kt_columns *c, const kt_str *cell, const char *name, kt_err *err) KT_MUST_USE;
/* A message about row. */
kt_rc kt_columns_fail(const kt_columns *c, size_t row, const char *name, kt_err *err, kt_rc rc);

extern const char *const kt_item_names[], *const kt_label_names[], *const kt_score_names[];

#endif
