/* report.html: numbers first, then plots as inline SVG; no script, nothing fetched. Colours follow the reader's light or dark
   setting through CSS variables; every plot has a title for screen readers and a caption that says what it assumes. */
#include "stage/report.h"

#include "stage/report_int.h"

#include <math.h>
#include <stdio.h>

static const char style[] =
    ":root{--bg:#fbfbfa;--card:#fff;--ink:#1d2329;--dim:#66707a;--line:#e3e6e8;--a:#2563a8;--b:#c2571a;--c:#2e7d4f;--warn:#b3261e}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1c2024;--ink:#e8eaec;--dim:#98a2ab;--line:#31373d;--a:#6ea8e5;--b:#eb9257;--c:#6cc08f;--warn:#f2847c}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}"
    "main{max-width:1120px;margin:0 auto;padding:32px 20px 64px}h1{font-size:26px;margin:0}h2{font-size:17px;margin:0 0 4px}"
    ".sub,figcaption,td.dim{color:var(--dim)}.note{border-left:4px solid var(--b);padding:6px 12px;margin:16px 0;background:var(--card)}"
    ".big{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin:20px 0}"
    ".big div,figure,section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin:0}"
    ".big b{display:block;font-size:25px;font-variant-numeric:tabular-nums}.big span{color:var(--dim);font-size:13px}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(440px,1fr));gap:14px;margin:14px 0}figcaption{font-size:13px}"
    "section{margin:14px 0;overflow-x:auto}svg{width:100%;height:auto;display:block}svg text{fill:var(--ink);font:11px system-ui,sans-serif}"
    "svg .dim{fill:var(--dim)}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
    "td,th{padding:4px 8px;text-align:right;border-bottom:1px solid var(--line)}td:first-child,th:first-child{text-align:left}"
    "code{font-size:12px;overflow-wrap:anywhere}@media print{body{background:#fff}figure,section{break-inside:avoid}}";

void kt_html_percent(kt_buf *b, double v, int digits)
{
    if (isnan(v))
        kt_buf_puts(b, "–");
    else
        kt_buf_printf(b, "%.*f %%", digits, 100 * v);
}

void kt_html_count(kt_buf *b, uint64_t n)
{
    char tmp[32];
    int len = snprintf(tmp, sizeof(tmp), "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            kt_buf_char(b, ',');
        kt_buf_char(b, tmp[i]);
    }
}

static void headline(kt_buf *b, const kt_report *r)
{
    kt_buf_puts(b, "<div class=big><div><b>");
    kt_html_count(b, r->n_final);
    kt_buf_puts(b, "</b><span>final labels of ");
    kt_html_count(b, r->n_canonical);
    kt_buf_puts(b, " items</span></div><div><b>");
    kt_html_percent(b, r->n_canonical ? (double)r->n_auto / (double)r->n_canonical : NAN, 1);
    kt_buf_puts(b, "</b><span>approved by the machine</span></div><div><b>");
    kt_html_percent(b, r->bound, 2);
    kt_buf_printf(b, "</b><span>promised: at most so many of those wrong (%.3g %% sure)</span></div><div><b>", 100 * r->confidence);
    kt_html_percent(b, r->measured_error, 2);
    kt_buf_puts(b, "</b><span>measured wrong, against held-back truth</span></div><div><b>");
    kt_html_count(b, r->n_answers);
    kt_buf_printf(b, "</b><span>answers by %speople</span></div><div><b>", r->simulated ? "simulated " : "");
    kt_html_percent(b, r->final_error, 2);
    kt_buf_puts(b, "</b><span>of all final labels wrong</span></div></div>");
}

static void people_table(kt_buf *b, const kt_report *r)
{
    kt_buf_puts(b, "<section><h2>Labeling functions</h2><table><tr><th>function<th>label<th>votes<th>overlaps<th>conflicts<th>accuracy, learned<th>accuracy, true<th>failed");
    for (size_t i = 0; i < r->n_functions; i++) {
        const kt_report_function *f = &r->function[i];
        kt_buf_puts(b, "<tr><td>");
        kt_buf_html(b, f->name);
        kt_buf_puts(b, "<td>");
        kt_buf_html(b, f->label);
        kt_buf_puts(b, "<td>");
        kt_html_count(b, f->votes);
        kt_buf_puts(b, "<td>");
        kt_html_count(b, f->overlaps);
        kt_buf_puts(b, "<td>");
        kt_html_count(b, f->conflicts);
        kt_buf_puts(b, "<td>");
        kt_html_percent(b, f->learned_accuracy, 1);
        kt_buf_puts(b, "<td>");
        kt_html_percent(b, f->true_accuracy, 1);
        kt_buf_puts(b, "<td>");
        kt_html_count(b, f->failed);
        kt_buf_puts(b, f->failed ? " (" : "");
        kt_buf_html(b, f->failure);
        kt_buf_puts(b, f->failed ? ")" : "");
    }
    kt_buf_puts(b, "</table></section>");
}

static void proof(kt_buf *b, const kt_report *r)
{
    kt_buf_puts(b, "<section><h2>The proof</h2><p>");
    kt_html_count(b, r->audit_events);
    kt_buf_printf(b, " events, each in a Merkle tree whose root is <code>%s</code>. The log was %s. Check it again with "
                     "<code>karat audit verify DIR</code>; prove one label to anybody with <code>karat audit proof DIR --item ID</code>.</p><table>"
                     "<tr><th>stage<th>seconds<th>items per second",
                  r->audit_root, r->audit_ok ? "verified when this page was made" : "<b style='color:var(--warn)'>NOT as it was written</b>");
    for (size_t i = 0; i < r->n_times; i++) {
        kt_buf_puts(b, "<tr><td>");
        kt_buf_html(b, r->times[i].stage);
        kt_buf_printf(b, "<td>%.2f<td>", r->times[i].seconds);
        if (r->times[i].seconds > 0.0005)
            kt_html_count(b, (uint64_t)((double)r->times[i].items / r->times[i].seconds));
    }
    kt_buf_puts(b, "</table></section>");
}

void kt_report_html(const kt_report *r, kt_buf *ret)
{
    kt_buf_puts(ret, "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'><title>");
    kt_buf_html(ret, r->project);
    kt_buf_printf(ret, " – Karat report</title><style>%s</style></head><body><main><h1>", style);
    kt_buf_html(ret, r->project);
    kt_buf_puts(ret, "</h1><div class=sub>Karat ");
    kt_buf_html(ret, r->version);
    kt_buf_puts(ret, " · ");
    kt_buf_html(ret, (kt_str){ r->created.p, KT_MIN(r->created.n, 16) });
    kt_buf_puts(ret, " UTC</div>");
    if (r->simulated)
        kt_buf_puts(ret, "<p class=note>The annotators and experts of this run are <b>simulated</b>: they answer from the held-back truth with "
                         "mistakes, through the same queue and leases people use. Times are of a simulated clock.</p>");
    headline(ret, r);
    if (r->whole)
        kt_buf_puts(ret, "<p class=note>" KT_WHOLE_ANSWERS ".</p>");
    kt_plot_flow(ret, r);
    kt_buf_puts(ret, "<div class=grid>");
    kt_plot_coverage(ret, r);
    kt_plot_checks(ret, r);
    kt_plot_reliability(ret, r);
    kt_plot_learning(ret, r);
    kt_plot_rounds(ret, r);
    kt_plot_throughput(ret, r);
    kt_plot_people(ret, r);
    kt_plot_confusion(ret, r);
    kt_buf_puts(ret, "</div>");
    kt_html_labels(ret, r);
    people_table(ret, r);
    proof(ret, r);
    kt_buf_puts(ret, "</main></body></html>\n");
}
