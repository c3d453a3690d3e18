/* --plot: accuracies of the sources, sorted, with their 95 % intervals, as SVG. */
#include "cli/merge/merge.h"

#include "base/file.h"
#include "base/mem.h"

#include <math.h>

enum { WIDTH = 720, LEFT = 180, RIGHT = 620, TOP = 46, ROW = 16, MOST = 60 };

struct row {
    uint32_t source;
    double accuracy;
};

static int by_accuracy(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    if (a->accuracy != b->accuracy)
        return a->accuracy < b->accuracy ? 1 : -1;
    return a->source < b->source ? -1 : 1;
}

static double at(double share)
{
    return LEFT + share * (RIGHT - LEFT);
}

/* Of more rows than fit: the best and the worst half, and how many were left out between. */
static void draw(kt_buf *b, const kt_merge *m, const struct row *row, size_t n)
{
    size_t shown = KT_MIN(n, MOST), height = TOP + (shown + (n > MOST)) * ROW + 40, y = TOP;
    kt_buf_printf(b, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%zu' font-family='sans-serif' font-size='11'>\n", WIDTH, height);
    kt_buf_printf(b, "<rect width='100%%' height='100%%' fill='white'/><text x='%d' y='20' font-size='14'>Accuracy of the annotators, 95 %% intervals (%s)</text>\n", 12, m->method->name);
    for (int t = 0; t <= 10; t += 2)
        kt_buf_printf(b, "<line x1='%.1f' x2='%.1f' y1='%d' y2='%zu' stroke='#ddd'/><text x='%.1f' y='%d' text-anchor='middle' fill='#555'>%d %%</text>\n", at(t / 10.0),
                      at(t / 10.0), TOP - 4, height - 30, at(t / 10.0), TOP - 8, t * 10);
    for (size_t i = 0; i < n; i++) {
        if (n > MOST && i >= MOST / 2 && i < n - MOST / 2) {
            if (i == MOST / 2) {
                kt_buf_printf(b, "<text x='%d' y='%zu' text-anchor='end' fill='#555'>… %zu more</text>\n", LEFT - 8, y + 12, n - MOST);
                y += ROW;
            }
            continue;
        }
        const double *ci = m->post.source_ci + 2 * row[i].source;
        kt_str name = m->file.source[row[i].source];
        kt_buf_printf(b, "<text x='%d' y='%zu' text-anchor='end'>", LEFT - 8, y + 12);
        kt_buf_html(b, (kt_str){ name.p, KT_MIN(name.n, 28) });
        kt_buf_printf(b, "</text><line x1='%.1f' x2='%.1f' y1='%zu' y2='%zu' stroke='#2a6fb0' stroke-width='2'/>", at(ci[0]), at(ci[1]), y + 8, y + 8);
        kt_buf_printf(b, "<circle cx='%.1f' cy='%zu' r='4' fill='#2a6fb0'/><text x='%d' y='%zu' fill='#555'>%.3f (%u)</text>\n", at(row[i].accuracy),
                      y + 8, RIGHT + 8, y + 12, row[i].accuracy, m->votes_of_source[row[i].source]);
        y += ROW;
    }
    kt_buf_printf(b, "<text x='12' y='%zu' fill='#555'>Number of votes in parentheses. As the method sees it: no gold was used to measure.</text>\n</svg>\n", height - 10);
}

kt_rc kt_merge_plot(const kt_merge *m, const char *path, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)16 << 20);
    struct row *row = kt_alloc_array(m->post.n_sources, sizeof(*row));
    size_t n = 0;
    for (uint32_t s = 0; s < m->post.n_sources; s++)
        if (!isnan(m->post.source_accuracy[s]))
            row[n++] = (struct row){ s, m->post.source_accuracy[s] };
    qsort(row, n, sizeof(*row), by_accuracy);
    draw(&b, m, row, n);
    kt_free(row);
    return kt_file_write(path, KT_BUF_STR(&b), err);
}
