/* Columns of an exported row, in order: what both writers use. */
#ifndef KT_FORMAT_ROW_H
#define KT_FORMAT_ROW_H

#include "format/writer.h"

typedef struct kt_row_column {
    const char *name;
    size_t at;   /* offset of its kt_str in kt_export_row; SIZE_MAX: posterior, SIZE_MAX - 1: event */
    bool object; /* JSON object's text, not a string */
} kt_row_column;

#define KT_ROW_POSTERIOR SIZE_MAX
#define KT_ROW_EVENT (SIZE_MAX - 1)

extern const kt_row_column kt_row_columns[];
extern const size_t kt_n_row_columns;

/* KT_LIMIT when out's maximum was passed, else 0. */
kt_rc kt_row_done(const kt_buf *out, kt_err *err);

#endif
