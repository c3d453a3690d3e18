/* The parts of report.html; for files of this folder only. Each writes one <figure> or <section>. */
#ifndef KT_STAGE_REPORT_INT_H
#define KT_STAGE_REPORT_INT_H

#include "stage/report.h"

void kt_html_percent(kt_buf *b, double v, int digits); /* "–" for NaN */
void kt_html_count(kt_buf *b, uint64_t n);             /* 12,345 */
void kt_plot_flow(kt_buf *b, const kt_report *r);
void kt_plot_coverage(kt_buf *b, const kt_report *r);
void kt_plot_checks(kt_buf *b, const kt_report *r); /* nothing without a check */
void kt_plot_reliability(kt_buf *b, const kt_report *r);
void kt_plot_learning(kt_buf *b, const kt_report *r);
void kt_plot_rounds(kt_buf *b, const kt_report *r);
void kt_plot_throughput(kt_buf *b, const kt_report *r);
void kt_plot_people(kt_buf *b, const kt_report *r);
void kt_plot_confusion(kt_buf *b, const kt_report *r);
/* Labels one by one, where an answer has several; nothing without r->of_label. report_labels.c. */
void kt_html_labels(kt_buf *b, const kt_report *r);
void kt_text_labels(kt_buf *b, const kt_report *r);
void kt_json_labels(kt_buf *b, const kt_report *r);
/* What the budget is of. */
#define KT_WHOLE_ANSWERS "an item's whole answer is right or wrong: of the approved items at most the budget differs from the expert in anything"


#endif
