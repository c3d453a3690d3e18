/* How right the machine is label by label, where an answer is a set of labels or regions. */
#include "stage/report_int.h"

#include <math.h>

static kt_report_label sum_of(const kt_report *r)
{
    kt_report_label all = { .name = { "all", 3 } };
    for (uint32_t i = 0; i < r->n_labels; i++) {
        all.truth += r->of_label[i].truth;
        all.said += r->of_label[i].said;
        all.right += r->of_label[i].right;
    }
    return all;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

static double f1_of(const kt_report_label *l)
{
    return l->said + l->truth ? 2 * (double)l->right / (double)(l->said + l->truth) : NAN;
}

static void html_row(kt_buf *b, const kt_report_label *l)
{
    const double v[] = { share(l->right, l->said), share(l->right, l->truth), f1_of(l) };
    kt_buf_puts(b, "<tr><td>");
    kt_buf_html(b, l->name);
    kt_buf_puts(b, "<td>");
    kt_html_count(b, l->truth);
    kt_buf_puts(b, "<td>");
    kt_html_count(b, l->said);
    for (size_t i = 0; i < KT_LEN(v); i++) {
        kt_buf_puts(b, "<td>");
        kt_html_percent(b, v[i], 1);
    }
}

void kt_html_labels(kt_buf *b, const kt_report *r)
{
    if (!r->of_label)
        return;
    kt_report_label all = sum_of(r);
    kt_buf_puts(b, "<section><h2>The machine's answers, label by label</h2><figcaption>On items it did not learn from, against the held-back truth; a region counts when "
                   "its borders and its label are right.</figcaption><table><tr><th>label<th>in truth<th>said<th>precision<th>recall<th>F1");
    for (uint32_t i = 0; i < r->n_labels; i++)
        html_row(b, &r->of_label[i]);
    html_row(b, &all);
    kt_buf_puts(b, "</table></section>");
}

static void percent(kt_buf *b, double v)
{
    if (isnan(v))
        kt_buf_puts(b, "        –");
    else
        kt_buf_printf(b, "  %5.1f %%", 100 * v);
}

static void text_row(kt_buf *b, const kt_report_label *l)
{
    kt_buf_printf(b, "    %-24.*s %8llu %8llu", KT_F(l->name), (unsigned long long)l->truth, (unsigned long long)l->said);
    percent(b, share(l->right, l->said));
    percent(b, share(l->right, l->truth));
    percent(b, f1_of(l));
    kt_buf_char(b, '\n');
}

void kt_text_labels(kt_buf *b, const kt_report *r)
{
    if (!r->of_label)
        return;
    kt_report_label all = sum_of(r);
    kt_buf_puts(b, "\n  the machine's answers on items it did not learn from:\n    label                       truth     said precision  recall       F1\n");
    for (uint32_t i = 0; i < r->n_labels; i++)
        text_row(b, &r->of_label[i]);
    text_row(b, &all);
}

static void json_row(kt_buf *b, const kt_report_label *l)
{
    kt_buf_puts(b, "{\"label\":");
    kt_buf_json(b, l->name);
    kt_buf_printf(b, ",\"truth\":%llu,\"said\":%llu,\"right\":%llu,\"precision\":", (unsigned long long)l->truth, (unsigned long long)l->said, (unsigned long long)l->right);
    kt_buf_f64(b, share(l->right, l->said));
    kt_buf_puts(b, ",\"recall\":");
    kt_buf_f64(b, share(l->right, l->truth));
    kt_buf_puts(b, ",\"f1\":");
    kt_buf_f64(b, f1_of(l));
    kt_buf_char(b, '}');
}

void kt_json_labels(kt_buf *b, const kt_report *r)
{
    if (!r->of_label)
        return;
    kt_report_label all = sum_of(r);
    kt_buf_puts(b, ",\"labels\":[");
    for (uint32_t i = 0; i < r->n_labels; i++) {
        if (i)
            kt_buf_char(b, ',');
        json_row(b, &r->of_label[i]);
    }
    kt_buf_puts(b, "],\"f1\":");
    kt_buf_f64(b, f1_of(&all));
}
