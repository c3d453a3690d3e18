#include "stage/report.h"

void kt_report_html(const kt_report *r, kt_buf *ret)
{
    kt_buf_puts(ret, "<!doctype html><meta charset=utf-8><title>Karat</title><pre>");
    kt_buf text = KT_BUF_INIT((size_t)1 << 20);
    kt_report_text(r, &text);
    kt_buf_html(ret, KT_BUF_STR(&text));
    kt_buf_done(&text);
}
