#include "cli/plot.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

#define MAX_SVG_BYTES ((size_t)64 << 20)
#define MOST_CELLS 200
#define MOST_LINES 500
#define DOTS_WIDE 460
#define DOTS_LINE 20
#define WRITTEN_CELLS 24 /* up to this many columns have their numbers in them */

static void begin(kt_buf *b, double width, double height, const char *title)
{
    kt_buf_printf(b, "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' viewBox='0 0 %.0f %.0f' role='img' aria-label=\"", width, height, width, height);
    kt_buf_html(b, kt_str_of(title));
    kt_buf_puts(b, "\" font-family='system-ui, sans-serif' font-size='12'><rect width='100%' height='100%' fill='#fff'/><text x='12' y='22' font-size='15' font-weight='600' fill='#1c2733'>");
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

/* An element <svg> that save ends; returns its width. */
static double draw_matrix(kt_buf *b, const kt_plot_grid *g)
{
    double size = g->n_columns > WRITTEN_CELLS ? 14 : 44, left = 40 + 7 * (double)longest(g->row, g->n_rows, 24), top = 66 + 5 * (double)longest(g->column, g->n_columns, 16);
    double width = left + size * (double)g->n_columns + 24;
    width = KT_MAX(width, 520);
    begin(b, width, top + size * (double)g->n_rows + 24, g->title);
    kt_buf_printf(b, "<text x='12' y='42' fill='#5a6672'>rows: %s, columns: %s</text>", g->row_title, g->column_title);
    for (size_t c = 0; c < g->n_columns; c++) {
        double x = left + size * ((double)c + 0.5);
        kt_buf_printf(b, "<text transform='translate(%.1f %.1f) rotate(-45)' fill='#1c2733' font-size='11'>", x, top - 6);
        label(b, g->column[c], 16);
        kt_buf_puts(b, "</text>");
    }
    for (size_t r = 0; r < g->n_rows; r++) {
        double y = top + size * (double)r;
        kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='end' fill='#1c2733' font-size='11'>", left - 8, y + size / 2 + 4);
        label(b, g->row[r], 24);
        kt_buf_puts(b, "</text>");
        for (size_t c = 0; c < g->n_columns; c++)
            cell(b, g, r, c, left + size * (double)c, y, size);
    }
    return width;
}

kt_rc kt_plot_matrix(const char *path, const kt_plot_grid *g, kt_err *err)
{
    if (g->n_rows > MOST_CELLS || g->n_columns > MOST_CELLS)
        return kt_fail(err, KT_LIMIT, "a plot of %zu × %zu cells could not be read; up to %d each way", g->n_rows, g->n_columns, MOST_CELLS);
    kt_buf b = KT_BUF_INIT(MAX_SVG_BYTES);
    draw_matrix(&b, g);
    return save(path, &b, err);
}

/* ---- dots ---- */

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

static double tick_of(double range)
{
    double step = pow(10, floor(log10(range / 3)));
    return range / step > 12 ? 5 * step : range / step > 6 ? 2 * step : step;
}

static void vertical(kt_buf *b, double x, double top, double bottom, const char *style)
{
    kt_buf_printf(b, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' %s/>", x, x, top, bottom, style);
}

/* Row i at height y; unit: pixels of 1. */
static void dot(kt_buf *b, const kt_plot_dots *d, size_t i, double left, double low, double unit, double y)
{
    double x = left + (d->value[i] - low) * unit;
    kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='end' fill='#1c2733' font-size='11'>", left - 8, y + 4);
    label(b, d->name[i], 28);
    kt_buf_puts(b, "</text>");
    if (isnan(d->value[i])) {
        kt_buf_printf(b, "<text x='%.1f' y='%.1f' fill='#5a6672' font-size='11'>undefined</text>", left + 4, y + 4);
        return;
    }
    if (d->ci && !isnan(d->ci[i][0]))
        kt_buf_printf(b, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#7a9cc0' stroke-width='3'/>", left + (d->ci[i][0] - low) * unit,
                      left + (d->ci[i][1] - low) * unit, y, y);
    kt_buf_printf(b, "<circle cx='%.1f' cy='%.1f' r='4' fill='#0c447c'><title>", x, y);
    kt_buf_html(b, d->name[i]);
    kt_buf_printf(b, ": %.6g</title></circle>", d->value[i]);
    if (d->count)
        kt_buf_printf(b, "<text x='%.1f' y='%.1f' fill='#5a6672' font-size='11'>%.3f (%.0f)</text>", left + DOTS_WIDE + 10, y + 4, d->value[i], d->count[i]);
}

static double draw_values(kt_buf *b, const kt_plot_dots *d)
{
    double left = 40 + 7 * (double)KT_MAX(longest(d->name, d->n, 28), d->left_out ? 12 : 1), low, high, top = 44;
    range_of(d, &low, &high);
    size_t rows = d->n + (d->left_out > 0);
    double unit = DOTS_WIDE / (high - low), step = tick_of(high - low), bottom = top + DOTS_LINE * (double)rows, width = left + DOTS_WIDE + (d->count ? 100 : 30);
    begin(b, width, bottom + 50, d->title);
    for (double v = ceil(low / step) * step; v <= high; v += step) {
        double x = left + (v - low) * unit;
        vertical(b, x, top, bottom, "stroke='#e3e8ee'");
        kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='#5a6672' font-size='11'>%.4g</text>", x, bottom + 16, fabs(v) < step / 1e6 ? 0 : v);
    }
    if (!isnan(d->line))
        vertical(b, left + (d->line - low) * unit, top, bottom, "stroke='#b3541e' stroke-dasharray='5 4'");
    for (size_t i = 0, row = 0; i < d->n; i++, row++) {
        if (d->left_out && i == d->n / 2)
            kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='end' fill='#5a6672' font-size='11'>… %zu more</text>", left - 8,
                          top + DOTS_LINE * ((double)row++ + 0.5) + 4, d->left_out);
        dot(b, d, i, left, low, unit, top + DOTS_LINE * ((double)row + 0.5));
    }
    kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='#5a6672'>%s</text>", left + DOTS_WIDE / 2.0, bottom + 38, d->axis);
    return width;
}

kt_rc kt_plot_values(const char *path, const kt_plot_dots *d, kt_err *err)
{
    if (d->n > MOST_LINES)
        return kt_fail(err, KT_LIMIT, "a plot of %zu lines could not be read; up to %d", d->n, MOST_LINES);
    kt_buf b = KT_BUF_INIT(MAX_SVG_BYTES);
    draw_values(&b, d);
    return save(path, &b, err);
}

/* ---- bars ---- */

enum { BAR_BINS = 40, BARS_WIDE = 480, BARS_HIGH = 240, EDGE = 64, TOP = 60 };

/* Counts up the left side, on a square-root scale, so that few suspects are seen beside many others. */
static void count_axis(kt_buf *b, double most, double high, double wide)
{
    for (double v = 0, next = 1; v <= most; v = next, next *= 10) {
        double y = TOP + high * (1 - sqrt(v / most));
        if (v > 0 && v < most / 400)
            continue; /* too close to 0 */
        kt_buf_printf(b, "<line x1='%d' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#e3e8ee'/><text x='%d' y='%.1f' text-anchor='end' fill='#5a6672' font-size='11'>%.0f</text>",
                      EDGE, EDGE + wide, y, y, EDGE - 6, y + 4, v);
    }
}

static void bar(kt_buf *b, double x, double wide, double share, double base, double high, const char *colour)
{
    kt_buf_printf(b, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='%s'/>", x + 0.5, base - share * high, wide - 1, share * high, colour);
}

static double draw_bars(kt_buf *b, const kt_plot_bars *h)
{
    double all[BAR_BINS] = { 0 }, marked[BAR_BINS] = { 0 }, most = 1, width = EDGE + BARS_WIDE + 24, range = h->to > h->from ? h->to - h->from : 1, base = TOP + BARS_HIGH;
    for (size_t i = 0; i < h->n; i++) {
        double x = (h->value[i] - h->from) / range * BAR_BINS;
        int bin = x >= BAR_BINS ? BAR_BINS - 1 : x > 0 ? (int)x : 0;
        if (isnan(h->value[i]))
            continue;
        all[bin]++;
        marked[bin] += h->marked && h->marked[i];
        most = KT_MAX(most, all[bin]);
    }
    begin(b, width, base + 56, h->title);
    kt_buf_puts(b, h->marked ? "<rect x='12' y='34' width='10' height='10' fill='#7a9cc0'/><text x='26' y='43' fill='#5a6672'>all</text>"
                               "<rect x='56' y='34' width='10' height='10' fill='#b3541e'/><text x='70' y='43' fill='#5a6672'>"
                             : "<text x='12' y='43' fill='#5a6672'>");
    if (h->marked)
        kt_buf_html(b, kt_str_of(h->marked_name));
    kt_buf_puts(b, h->marked ? " (how many, on a square-root scale)" : "how many, on a square-root scale");
    kt_buf_puts(b, "</text>");
    count_axis(b, most, BARS_HIGH, BARS_WIDE);
    for (int x = 0; x < BAR_BINS; x++) {
        double at = EDGE + (double)BARS_WIDE * x / BAR_BINS, wide = (double)BARS_WIDE / BAR_BINS;
        bar(b, at, wide, sqrt(all[x] / most), base, BARS_HIGH, "#7a9cc0");
        bar(b, at, wide, sqrt(marked[x] / most), base, BARS_HIGH, "#b3541e");
    }
    for (double v = ceil(h->from / tick_of(range)) * tick_of(range); v <= h->to + 1e-9; v += tick_of(range))
        kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='#5a6672' font-size='11'>%.4g</text>", EDGE + (v - h->from) / range * BARS_WIDE,
                      base + 16, fabs(v) < 1e-12 ? 0 : v);
    if (!isnan(h->line))
        kt_buf_printf(b, "<line x1='%.1f' x2='%.1f' y1='%d' y2='%.1f' stroke='#b3541e' stroke-dasharray='5 4'/>", EDGE + (h->line - h->from) / range * BARS_WIDE,
                      EDGE + (h->line - h->from) / range * BARS_WIDE, TOP, base);
    kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='#5a6672'>%s</text>", EDGE + BARS_WIDE / 2.0, base + 40, h->axis);
    return width;
}

kt_rc kt_plot_histogram(const char *path, const kt_plot_bars *h, kt_err *err)
{
    kt_buf b = KT_BUF_INIT(MAX_SVG_BYTES);
    draw_bars(&b, h);
    return save(path, &b, err);
}

/* ---- reliability ---- */

static double draw_reliability(kt_buf *b, const kt_plot_bins *r)
{
    enum { SIDE = 340, COUNTS = 70 };
    double width = EDGE + SIDE + 24, base = TOP + SIDE, most = 1, foot = base + 40 + COUNTS;
    begin(b, width, foot + 50, "Reliability of the probabilities");
    kt_buf_printf(b, "<text x='12' y='42' fill='#5a6672'>expected calibration error %.4f; bars are 95 %% intervals</text>", r->ece);
    for (int t = 0; t <= 5; t++) {
        double x = EDGE + SIDE * t / 5.0, y = base - SIDE * t / 5.0;
        kt_buf_printf(b, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' stroke='#e3e8ee'/><text x='%d' y='%.1f' text-anchor='end' fill='#5a6672' font-size='11'>%d%%</text>", EDGE,
                      EDGE + SIDE, y, y, EDGE - 6, y + 4, 20 * t);
        kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='#5a6672' font-size='11'>%d%%</text>", x, foot + 16, 20 * t);
    }
    kt_buf_printf(b, "<line x1='%d' x2='%d' y1='%.1f' y2='%d' stroke='#b3541e' stroke-dasharray='5 4'/>", EDGE, EDGE + SIDE, base, TOP);
    for (size_t i = 0; i < r->n; i++)
        most = KT_MAX(most, r->count[i]);
    for (size_t i = 0; i < r->n; i++) {
        double x = EDGE + SIDE * r->mean[i], y = base - SIDE * r->right[i];
        bar(b, EDGE + (double)SIDE * (double)i / (double)r->n, (double)SIDE / (double)r->n, r->count[i] / most, foot, COUNTS, "#7a9cc0");
        if (!(r->count[i] > 0))
            continue;
        kt_buf_printf(b, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#7a9cc0' stroke-width='3'/>", x, x, base - SIDE * r->ci[i][0], base - SIDE * r->ci[i][1]);
        kt_buf_printf(b, "<circle cx='%.1f' cy='%.1f' r='4' fill='#0c447c'><title>%.4f sure, %.4f right, of %.0f</title></circle>", x, y, r->mean[i], r->right[i], r->count[i]);
    }
    kt_buf_printf(b, "<text transform='translate(16 %.1f) rotate(-90)' text-anchor='middle' fill='#5a6672'>right</text>", base - SIDE / 2.0);
    kt_buf_printf(b, "<text transform='translate(16 %.1f) rotate(-90)' text-anchor='middle' fill='#5a6672'>items</text><text x='%d' y='%.1f' text-anchor='end' fill='#5a6672' font-size='11'>%.0f</text>",
                  foot - COUNTS / 2.0, EDGE - 6, foot - COUNTS + 8, most);
    kt_buf_printf(b, "<text x='%.1f' y='%.1f' text-anchor='middle' fill='#5a6672'>probability of the label given</text>", EDGE + SIDE / 2.0, foot + 38);
    return width;
}

/* ---- several in one ---- */

/* Width and height as begin wrote them. */
static void size_of(const kt_buf *b, double *width, double *height)
{
    static const char *const name[] = { "width='", "height='" };
    double *ret[] = { width, height };
    for (int k = 0; k < 2; k++) {
        const char *p = strstr(b->p, name[k]) + strlen(name[k]);
        kt_parse_f64((kt_str){ p, (size_t)(strchr(p, '\'') - p) }, ret[k]);
    }
}

static void draw(kt_buf *b, const kt_plot_panel *p)
{
    if (p->grid && p->grid->n_rows <= MOST_CELLS && p->grid->n_columns <= MOST_CELLS)
        draw_matrix(b, p->grid);
    if (p->dots)
        draw_values(b, p->dots);
    if (p->bars)
        draw_bars(b, p->bars);
    if (p->bins)
        draw_reliability(b, p->bins);
}

kt_rc kt_plot_panels(const char *path, const kt_plot_panel *panel, size_t n, kt_err *err)
{
    kt_buf all = KT_BUF_INIT(MAX_SVG_BYTES), b = KT_BUF_INIT(MAX_SVG_BYTES);
    double wide = 0, high = 0;
    for (size_t k = 0; k < n; k++) {
        KT_AUTO(kt_buf) part = KT_BUF_INIT(MAX_SVG_BYTES);
        double width, height;
        draw(&part, &panel[k]);
        if (part.n == 0)
            continue; /* too large a matrix */
        size_of(&part, &width, &height);
        kt_buf_printf(&all, "<g transform='translate(%.0f 0)'>", wide);
        kt_buf_str(&all, KT_BUF_STR(&part));
        kt_buf_puts(&all, "</svg></g>");
        all.failed |= part.failed;
        wide += width;
        high = KT_MAX(high, height);
    }
    kt_buf_printf(&b, "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' viewBox='0 0 %.0f %.0f'><rect width='100%%' height='100%%' fill='#fff'/>", wide, high, wide, high);
    kt_buf_str(&b, KT_BUF_STR(&all));
    b.failed |= all.failed;
    kt_buf_done(&all);
    return save(path, &b, err);
}
