/* CSV with a header line (RFC 4180), the writer to copy.

   Fields are written exactly as they are. A text that begins with = + - or @ is a formula to a spreadsheet program;
   we do not alter it, because a training file must hold the bytes that were labeled: import such a file as text. */
#include "format/row.h"

static kt_rc csv_begin(kt_buf *out, kt_err *err)
{
    for (size_t c = 0; c < kt_n_row_columns; c++) {
        kt_buf_puts(out, c ? "," : "");
        kt_buf_puts(out, kt_row_columns[c].name);
    }
    kt_buf_puts(out, "\n");
    return kt_row_done(out, err);
}

static kt_rc csv_put(kt_buf *out, const kt_export_row *row, kt_err *err)
{
    for (size_t c = 0; c < kt_n_row_columns; c++) {
        size_t at = kt_row_columns[c].at;
        kt_buf_puts(out, c ? "," : "");
        if (at == KT_ROW_POSTERIOR) {
            if (row->has_posterior)
                kt_buf_f64(out, row->posterior);
        } else if (at == KT_ROW_EVENT) {
            if (row->event)
                kt_buf_u64(out, row->event);
        } else {
            kt_buf_csv(out, *(const kt_str *)(const void *)((const char *)row + at), ',');
        }
    }
    kt_buf_puts(out, "\n");
    return kt_row_done(out, err);
}

static kt_rc csv_end(kt_buf *out, kt_err *err)
{
    return kt_row_done(out, err);
}

const kt_writer kt_writer_csv = {
    .name = "csv", .help = "comma-separated values with a header line", .suffix = ".csv", .reader = "csv", .one_line = true,
    .begin = csv_begin, .put = csv_put, .end = csv_end,
};
