/* Rows of named columns, as the filters read them: CSV and TSV with a header line, JSON lines (or one array of objects).
   One pass over bytes in memory; fields are views into them, copied only where something was escaped. */
#ifndef KT_FORMAT_ROWS_H
#define KT_FORMAT_ROWS_H

#include "base/arena.h"
#include "base/err.h"

typedef struct kt_rows {
    const char *path; /* for messages */
    kt_str text;
    size_t at;
    uint64_t line;    /* of the row last read; 1-based */
    uint64_t next_line;
    char sep;         /* ',', '\t' or ';'; 0: JSON */
    kt_arena *a;
    kt_str *column;   /* n_columns names: of the header, or the first object's keys */
    size_t n_columns;
    kt_str *field;    /* n_columns, of the row last read. JSON: strings without their quotes, other values as they are
                         written; null and absent keys are empty */
} kt_rows;

/* Reads the header. text must outlive r; no_header (delimited only): columns are named 1, 2, … and the first line is a row.
   KT_PARSE: empty, not UTF-8, a column twice; KT_LIMIT: more than 65,536 columns. Errors name file, line and column. */
kt_rc kt_rows_open(kt_rows *r, const char *path, kt_str text, bool no_header, kt_arena *a, kt_err *err) KT_MUST_USE;
/* The next row that is not blank into r->field; KT_DONE at the end. KT_PARSE: another number of fields, no object. */
kt_rc kt_rows_next(kt_rows *r, kt_err *err) KT_MUST_USE;
/* Column by name, ASCII letters without case; SIZE_MAX: none. */
size_t kt_rows_column(const kt_rows *r, kt_str name);
/* Says where: r->path, r->line, field (may be NULL). Returns err's code. */
kt_rc kt_rows_at(const kt_rows *r, const char *field, kt_err *err);
/* "a, b, c" of the columns into dst, cut where it does not fit. */
void kt_rows_columns(const kt_rows *r, char *dst, size_t size);

#endif
