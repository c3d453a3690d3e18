#include "cli/plot.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"

#include <math.h>

#define MAX_SVG_BYTES ((size_t)64 << 20)
#define MOST_CELLS 200
#define MOST_LINES 500
#define WRITTEN_CELLS 24 /* up to this many columns have their numbers in them */

static void begin(kt_buf *b, double width, double height, const char *title)
{
    kt_buf_printf(b, "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' viewBox='0 0 %.0f %.0f' role='img' aria-label='", width, height, width, height);
    kt_buf_html(b, kt_str_of(title));
    kt_buf_puts(b, "' font-family='system-ui, sans-serif' font-size='12'><rect width='100%' height='100%' fill='#fff'/><text x='12' y='22' font-size='15' font-weight='600' fill='#1c2733'>");
    kt_buf_html(b, kt_str_of(title));
    kt_buf_puts(b, "</text>");
}

static kt_rc save(const char *path, kt_buf *b, kt_err *err)
{
    kt_buf_puts(b, "</svg>\n");
    kt_rc rc = b->failed ? kt_fail(err, KT_LIMIT, "the plot is larger than %zu bytes", MAX_SVG_BYTES) : kt_file_write(path, KT_BUF_STR(b), err);
    kt_buf_done(b);
    return rc;
}

/* At most n code points of s, an ellipsis after a cut. */
static void label(kt_buf *b, kt_str s, size_t n)
{
    size_t at = 0, k = 0;
    while (at < s.n && k < n) {
        kt_utf8_next(s, &at);
        k++;
    }
    kt_buf_html(b, (kt_str){ s.p, at });
    kt_buf_puts(b, at < s.n ? "…" : "");
}

static size_t longest(const kt_str *name, size_t n, size_t most)
{
    size_t ret = 1;
    for (size_t i = 0; i < n; i++)
        ret = KT_MAX(ret, KT_MIN(name[i].n, most));
    return ret;
}

/* From nearly white to a deep blue; *ret_dark where white text is read better. */
static unsigned shade(double share, bool *ret_dark)
{
    static const double from[3] = { 244, 247, 251 }, to[3] = { 12, 68, 124 };
    unsigned rgb = 0;
    double x = KT_MIN(KT_MAX(share, 0), 1);
    for (int c = 0; c < 3; c++)
        rgb = rgb << 8 | (unsigned)(from[c] + x * (to[c] - from[c]));
    *ret_dark = x > 0.5;
    return rgb;
}

static void cell(kt_buf *b, const kt_plot_grid *g, size_t r, size_t c, double x, double y, double size)
{
    double v = g->value[r * g->n_columns + c];
    bool dark = false;
    if (isnan(v)) {
        kt_buf_printf(b, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='#f0f0f0'/>", x, y, size - 1, size - 1);
        return;
    }
    unsigned rgb = shade((v - g->low) / (g->high > g->low ? g->high - g->low : 1), &dark);
    kt_buf_printf(b, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='#%06x'><title>", x, y, size - 1, size - 1, rgb);
    kt_buf_html(b, g->row[r]);
    kt_buf_puts(b, ", ");
    kt_buf_html(b, g->column[c]);
    kt_buf_printf(b, g->percent ? ": %.2f %%</title></rect>" : ": %.6g</title></rect>", g->percent ? 100 * v : v);
    if (g->n_columns > WRITTEN_CELLS)
        return;
    kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='middle' font-size='11' fill='%s'>", x + size / 2, y + size / 2 + 4, dark ? "#fff" : "#1c2733");
    kt_buf_printf(b, g->percent ? "%.0f%%" : g->whole ? "%.0f" : "%.2f", g->percent ? 100 * v : v);
    kt_buf_puts(b, "</text>");
}

kt_rc kt_plot_matrix(const char *path, const kt_plot_grid *g, kt_err *err)
{
    if (g->n_rows > MOST_CELLS || g->n_columns > MOST_CELLS)
        return kt_fail(err, KT_LIMIT, "a plot of %zu × %zu cells could not be read; up to %d each way", g->n_rows, g->n_columns, MOST_CELLS);
    kt_buf b = KT_BUF_INIT(MAX_SVG_BYTES);
    double size = g->n_columns > WRITTEN_CELLS ? 14 : 44, left = 40 + 7 * (double)longest(g->row, g->n_rows, 24), top = 60 + 5 * (double)longest(g->column, g->n_columns, 16);
    double width = left + size * (double)g->n_columns + 24;
    begin(&b, KT_MAX(width, 520), top + size * (double)g->n_rows + 24, g->title);
    kt_buf_printf(&b, "<text x='12' y='42' fill='#5a6672'>rows: %s, columns: %s</text>", g->row_title, g->column_title);
    for (size_t c = 0; c < g->n_columns; c++) {
        double x = left + size * ((double)c + 0.5);
        kt_buf_printf(&b, "<text transform='translate(%.1f %.1f) rotate(-45)' fill='#1c2733' font-size='11'>", x, top - 6);
        label(&b, g->column[c], 16);
        kt_buf_puts(&b, "</text>");
    }
    for (size_t r = 0; r < g->n_rows; r++) {
        double y = top + size * (double)r;
        kt_buf_printf(&b, "<text x='%.1f' y='%.1f' text-anchor='end' fill='#1c2733' font-size='11'>", left - 8, y + size / 2 + 4);
        label(&b, g->row[r], 24);
        kt_buf_puts(&b, "</text>");
        for (size_t c = 0; c < g->n_columns; c++)
            cell(&b, g, r, c, left + size * (double)c, y, size);
    }
    return save(path, &b, err);
}

/* Range of all values and intervals, with a little room. */
static void range_of(const kt_plot_dots *d, double *low, double *high)
{
    *low = isnan(d->line) ? INFINITY : d->line;
    *high = isnan(d->line) ? -INFINITY : d->line;
    for (size_t i = 0; i < d->n; i++) {
        double a = d->ci && !isnan(d->ci[i][0]) ? d->ci[i][0] : d->value[i], z = d->ci && !isnan(d->ci[i][1]) ? d->ci[i][1] : d->value[i];
        if (isnan(d->value[i]))
            continue;
        *low = KT_MIN(*low, a);
        *high = KT_MAX(*high, z);
    }
    if (!(*low <= *high)) {
        *low = 0;
        *high = 1;
    }
    double room = KT_MAX((*high - *low) * 0.04, 1e-9);
    *low -= room;
    *high += room;
}

kt_rc kt_plot_values(const char *path, const kt_plot_dots *d, kt_err *err)
{
    enum { WIDE = 460, LINE = 20 };
    if (d->n > MOST_LINES)
        return kt_fail(err, KT_LIMIT, "a plot of %zu lines could not be read; up to %d", d->n, MOST_LINES);
    kt_buf b = KT_BUF_INIT(MAX_SVG_BYTES);
    double left = 40 + 7 * (double)longest(d->name, d->n, 28), low, high, top = 44;
    range_of(d, &low, &high);
    double unit = WIDE / (high - low), step = pow(10, floor(log10((high - low) / 3)));
    step = (high - low) / step > 12 ? 5 * step : (high - low) / step > 6 ? 2 * step : step;
    begin(&b, left + WIDE + 30, top + LINE * (double)d->n + 50, d->title);
    for (double v = ceil(low / step) * step; v <= high; v += step) {
        double x = left + (v - low) * unit;
        kt_buf_printf(&b, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#e3e8ee'/>", x, x, top, top + LINE * (double)d->n);
        kt_buf_printf(&b, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='#5a6672' font-size='11'>%.4g</text>", x, top + LINE * (double)d->n + 16,
                      fabs(v) < 1e-12 ? 0 : v);
    }
    if (!isnan(d->line))
        kt_buf_printf(&b, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#b3541e' stroke-dasharray='5 4'/>", left + (d->line - low) * unit,
                      left + (d->line - low) * unit, top, top + LINE * (double)d->n);
    for (size_t i = 0; i < d->n; i++) {
        double y = top + LINE * ((double)i + 0.5), x = left + (d->value[i] - low) * unit;
        kt_buf_printf(&b, "<text x='%.1f' y='%.1f' text-anchor='end' fill='#1c2733' font-size='11'>", left - 8, y + 4);
        label(&b, d->name[i], 28);
        kt_buf_puts(&b, "</text>");
        if (isnan(d->value[i])) {
            kt_buf_printf(&b, "<text x='%.1f' y='%.1f' fill='#5a6672' font-size='11'>undefined</text>", left + 4, y + 4);
            continue;
        }
        if (d->ci && !isnan(d->ci[i][0]))
            kt_buf_printf(&b, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#7a9cc0' stroke-width='3'/>", left + (d->ci[i][0] - low) * unit,
                          left + (d->ci[i][1] - low) * unit, y, y);
        kt_buf_printf(&b, "<circle cx='%.1f' cy='%.1f' r='4' fill='#0c447c'><title>", x, y);
        kt_buf_html(&b, d->name[i]);
        kt_buf_printf(&b, ": %.6g</title></circle>", d->value[i]);
    }
    kt_buf_printf(&b, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='#5a6672'>%s</text>", left + WIDE / 2, top + LINE * (double)d->n + 38, d->axis);
    return save(path, &b, err);
}
