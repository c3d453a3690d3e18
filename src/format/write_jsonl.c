/* JSON Lines: one object a line; absent fields are left out. */
#include "format/row.h"

static kt_rc jsonl_edge(kt_buf *out, kt_err *err)
{
    return kt_row_done(out, err);
}

static kt_rc jsonl_put(kt_buf *out, const kt_export_row *row, kt_err *err)
{
    char open = '{';
    for (size_t c = 0; c < kt_n_row_columns; c++) {
        const kt_row_column *col = &kt_row_columns[c];
        bool number = col->at == KT_ROW_POSTERIOR || col->at == KT_ROW_EVENT;
        if (col->at == offsetof(kt_export_row, label) && row->answer.n) {
            kt_buf_char(out, open);
            kt_buf_str(out, row->answer);
            open = ',';
            continue;
        }
        kt_str s = number ? (kt_str){ NULL, 0 } : *(const kt_str *)(const void *)((const char *)row + col->at);
        if (number ? !(col->at == KT_ROW_EVENT ? row->event != 0 : row->has_posterior) : s.n == 0)
            continue;
        kt_buf_char(out, open);
        kt_buf_json(out, (kt_str){ col->name, strlen(col->name) });
        kt_buf_char(out, ':');
        if (col->at == KT_ROW_POSTERIOR)
            kt_buf_f64(out, row->posterior);
        else if (col->at == KT_ROW_EVENT)
            kt_buf_u64(out, row->event);
        else if (col->object)
            kt_buf_str(out, s);
        else
            kt_buf_json(out, s);
        open = ',';
    }
    kt_buf_puts(out, open == '{' ? "{}\n" : "}\n");
    return kt_row_done(out, err);
}

const kt_writer kt_writer_jsonl = {
    .name = "jsonl", .help = "JSON Lines: one object a line", .suffix = ".jsonl", .reader = "jsonl",
    .begin = jsonl_edge, .put = jsonl_put, .end = jsonl_edge,
};
