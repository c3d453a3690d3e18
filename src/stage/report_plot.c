/* SVG plots. One frame, axes in plain numbers, and lines, points or bars inside it. */
#include "stage/report_int.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>

/* A plot area in a 520 × 300 picture. */
struct frame {
    kt_buf *b;
    double x0, x1, y0, y1; /* data ranges */
};

enum { LEFT = 52, RIGHT = 508, TOP = 12, BOTTOM = 258 };

static double px(const struct frame *f, double x)
{
    return LEFT + (x - f->x0) / (f->x1 - f->x0) * (RIGHT - LEFT);
}

static double py(const struct frame *f, double y)
{
    return BOTTOM - (KT_MIN(KT_MAX(y, f->y0), f->y1) - f->y0) / (f->y1 - f->y0) * (BOTTOM - TOP);
}

static double tick_step(double range)
{
    double step = pow(10, floor(log10(range / 4)));
    return range / step > 20 ? 5 * step : range / step > 8 ? 2 * step : step;
}

static void tick(kt_buf *b, double v, bool percent)
{
    if (percent)
        kt_buf_printf(b, "%.3g%%", 100 * v);
    else
        kt_buf_printf(b, "%.4g", v);
}

static void open_plot(struct frame *f, const char *title, const char *x_name, bool x_percent, bool y_percent)
{
    kt_buf *b = f->b;
    if (!(f->x1 > f->x0))
        f->x1 = f->x0 + 1;
    if (!(f->y1 > f->y0))
        f->y1 = f->y0 + 1;
    kt_buf_printf(b, "<figure><h2>%s</h2><svg viewBox='0 0 520 300' role=img aria-label='%s'>", title, title);
    double step = tick_step(f->y1 - f->y0);
    for (double v = ceil(f->y0 / step) * step; v <= f->y1 + 1e-9; v += step) {
        kt_buf_printf(b, "<line x1=%d x2=%d y1=%.1f y2=%.1f stroke='var(--line)'/><text class=dim x=%d y=%.1f text-anchor=end>", LEFT, RIGHT,
                      py(f, v), py(f, v), LEFT - 6, py(f, v) + 4);
        tick(b, fabs(v) < 1e-12 ? 0 : v, y_percent);
        kt_buf_puts(b, "</text>");
    }
    step = tick_step(f->x1 - f->x0);
    for (double v = ceil(f->x0 / step) * step; v <= f->x1 + 1e-9; v += step) {
        kt_buf_printf(b, "<text class=dim x=%.1f y=%d text-anchor=middle>", px(f, v), BOTTOM + 16);
        tick(b, fabs(v) < 1e-12 ? 0 : v, x_percent);
        kt_buf_puts(b, "</text>");
    }
    kt_buf_printf(b, "<text class=dim x=%d y=%d text-anchor=middle>%s</text>", (LEFT + RIGHT) / 2, BOTTOM + 34, x_name);
}

static void close_plot(kt_buf *b, const char *caption)
{
    kt_buf_printf(b, "</svg><figcaption>%s</figcaption></figure>", caption);
}

/* which: 0 y, 1 hi, 2 lo. */
static void line(const struct frame *f, const kt_curve_point *v, size_t n, int which, const char *look)
{
    bool pen = false;
    kt_buf_puts(f->b, "<path fill=none d='");
    for (size_t i = 0; i < n; i++) {
        double y = which == 0 ? v[i].y : which == 1 ? v[i].hi : v[i].lo;
        if (isnan(y)) {
            pen = false;
            continue;
        }
        kt_buf_printf(f->b, "%c%.1f %.1f", pen ? 'L' : 'M', px(f, v[i].x), py(f, y));
        pen = true;
    }
    kt_buf_printf(f->b, "' %s />", look);
}

/* On the right, for lines that come down from the upper left. */
static void legend_right(const struct frame *f, int at, const char *colour, const char *text)
{
    kt_buf_printf(f->b, "<rect x=%d y=%d width=12 height=3 fill='%s'/><text x=%d y=%d text-anchor=end>%s</text>", RIGHT - 24, TOP + 8 + 15 * at, colour,
                  RIGHT - 30, TOP + 13 + 15 * at, text);
}

static void legend(const struct frame *f, int at, const char *colour, const char *text)
{
    kt_buf_printf(f->b, "<rect x=%d y=%d width=12 height=3 fill='%s'/><text x=%d y=%d>%s</text>", LEFT + 12, TOP + 8 + 15 * at, colour, LEFT + 30,
                  TOP + 13 + 15 * at, text);
}

void kt_plot_flow(kt_buf *b, const kt_report *r)
{
    const struct { const char *name; uint64_t n; const char *colour; } rows[] = {
        { "records read", r->n_raw, "var(--dim)" },          { "items", r->n_items, "var(--dim)" },
        { "to label (no duplicates)", r->n_canonical, "var(--a)" }, { "voted on by functions", r->n_voted_by_functions, "var(--a)" },
        { "auto-approved", r->n_auto, "var(--c)" },          { "to annotators", r->n_human, "var(--b)" },
        { "to experts", r->n_expert, "var(--b)" },           { "training labels", r->n_train, "var(--b)" },
        { "trusted sample", r->n_trusted, "var(--b)" },      { "disputes, adjudicated", r->n_disputes, "var(--b)" },
        { "suspected errors, asked again", r->n_suspects, "var(--b)" }, { "… labels changed by that", r->n_suspects_changed, "var(--b)" },
        { "final labels", r->n_final, "var(--c)" },
    };
    double most = KT_MAX((double)r->n_raw, 1.0);
    kt_buf_printf(b, "<section><h2>The flow</h2><svg viewBox='0 0 1080 %d' role=img aria-label='Items at each stage'>", (int)KT_LEN(rows) * 24 + 6);
    for (size_t i = 0; i < KT_LEN(rows); i++) {
        double w = 700 * (double)rows[i].n / most;
        kt_buf_printf(b, "<text x=190 y=%d text-anchor=end>%s</text><rect x=200 y=%d width=%.1f height=18 rx=3 fill='%s'/><text x=%.1f y=%d>",
                      (int)i * 24 + 17, rows[i].name, (int)i * 24 + 4, KT_MAX(w, rows[i].n ? 1.0 : 0.0), rows[i].colour, 208 + w, (int)i * 24 + 17);
        kt_html_count(b, rows[i].n);
        kt_buf_puts(b, "</text>");
    }
    kt_buf_puts(b, "</svg></section>");
}

void kt_plot_coverage(kt_buf *b, const kt_report *r)
{
    struct frame f = { b, 0, 1, 0, 2 * r->budget };
    for (size_t i = 0; i < r->n_coverage_true; i++)
        f.y1 = KT_MAX(f.y1, KT_MIN(1.2 * r->coverage_true[i].y, 1.0));
    open_plot(&f, "Error against coverage", "share of the items approved by the machine", true, true);
    kt_buf_printf(b, "<line x1=%d x2=%d y1=%.1f y2=%.1f stroke='var(--warn)' stroke-dasharray='5 4'/>", LEFT, RIGHT, py(&f, r->budget), py(&f, r->budget));
    line(&f, r->coverage, r->n_coverage, 1, "stroke='var(--b)' stroke-width=2");
    line(&f, r->coverage, r->n_coverage, 0, "stroke='var(--b)' stroke-width=1 stroke-dasharray='2 3'");
    line(&f, r->coverage_true, r->n_coverage_true, 0, "stroke='var(--a)' stroke-width=2");
    uint64_t routed = r->n_auto + r->n_human + r->n_expert;
    if (r->n_auto && routed) {
        double x = px(&f, (double)r->n_auto / (double)routed);
        kt_buf_printf(b, "<line x1=%.1f x2=%.1f y1=%d y2=%d stroke='var(--c)' stroke-width=2 /><text x=%.1f y=%d>chosen</text>", x, x, TOP, BOTTOM, x + 5, BOTTOM - 8);
    }
    legend(&f, 0, "var(--b)", "upper bound from the trusted sample (dotted: its own error)");
    legend(&f, 1, "var(--a)", "measured against held-back truth");
    legend(&f, 2, "var(--warn)", "error budget");
    close_plot(b, "The threshold is the largest coverage whose bound, corrected for looking at many, stays under the budget. It assumes that the "
                  "trusted items are a uniform random sample of what was routed; Karat drew that sample itself.");
}

void kt_plot_checks(kt_buf *b, const kt_report *r)
{
    if (!r->n_check)
        return;
    const kt_curve_point *last = &r->check[r->n_check - 1];
    struct frame f = { b, 0, (double)r->n_check, 0, KT_MIN(1.0, KT_MAX(4 * r->check_budget, KT_MAX(1.5 * last->lo, 1.2 * last->y))) };
    open_plot(&f, "Checks of what the machine approved", "answers", false, true);
    kt_buf_printf(b, "<line x1=%d x2=%d y1=%.1f y2=%.1f stroke='var(--warn)' stroke-dasharray='5 4'/>", LEFT, RIGHT, py(&f, r->check_budget), py(&f, r->check_budget));
    line(&f, r->check, r->n_check, 1, "stroke='var(--b)' stroke-width=2");
    line(&f, r->check, r->n_check, 2, "stroke='var(--b)' stroke-width=2");
    line(&f, r->check, r->n_check, 0, "stroke='var(--a)' stroke-width=1.5");
    legend_right(&f, 0, "var(--b)", "between these lies the error of the batch, at every moment");
    legend_right(&f, 1, "var(--a)", "share of wrong ones so far");
    legend_right(&f, 2, "var(--warn)", "error budget");
    kt_buf_puts(b, "</svg><figcaption>Batch ");
    kt_buf_html(b, r->check_name);
    kt_buf_puts(b, ", ");
    kt_html_count(b, r->check_size);
    kt_buf_printf(b, " items: %s. The interval holds for all answers at once with a chance of at least ", r->check_reopened ? "proved to be over its budget and opened again" : "it stands");
    kt_html_percent(b, 1 - r->check_delta, 1);
    kt_buf_puts(b, ", if the order of the answers does not depend on whether the machine was right; the checks are a random sample that "
                   "Karat drew. In all batches ");
    kt_html_count(b, r->n_checked_wrong);
    kt_buf_puts(b, " of ");
    kt_html_count(b, r->n_checked);
    kt_buf_puts(b, " checks found the machine wrong.</figcaption></figure>");
}

static void bins(const struct frame *f, const kt_bin *v, size_t n, const char *colour)
{
    kt_curve_point pts[64];
    size_t k = 0;
    uint64_t most = 1;
    for (size_t i = 0; i < n; i++)
        most = KT_MAX(most, v[i].n);
    for (size_t i = 0; i < n && k < KT_LEN(pts); i++)
        if (v[i].n) {
            pts[k++] = (kt_curve_point){ v[i].mean_score, v[i].accuracy, NAN, NAN };
            kt_buf_printf(f->b, "<circle cx=%.1f cy=%.1f r=%.1f fill='%s'/>", px(f, v[i].mean_score), py(f, v[i].accuracy),
                          2.5 + 5 * sqrt((double)v[i].n / (double)most), colour);
        }
    kt_buf_printf(f->b, "<g stroke='%s' stroke-width=1.5>", colour);
    line(f, pts, k, 0, "");
    kt_buf_puts(f->b, "</g>");
}

void kt_plot_reliability(kt_buf *b, const kt_report *r)
{
    struct frame f = { b, 0, 1, 0, 1 };
    open_plot(&f, "Reliability", "confidence", true, true);
    kt_buf_printf(b, "<line x1=%d y1=%d x2=%d y2=%d stroke='var(--dim)' stroke-dasharray='4 4'/>", LEFT, BOTTOM, RIGHT, TOP);
    bins(&f, r->before, r->n_before, "var(--b)");
    bins(&f, r->after, r->n_after, "var(--a)");
    legend(&f, 0, "var(--b)", "as the model says");
    legend(&f, 1, "var(--a)", "calibrated");
    kt_buf_puts(b, "</svg><figcaption>How often a label of that confidence is right; on the dashed line the confidence is true. Calibration: ");
    kt_buf_html(b, r->calibration);
    if (r->calibration_why.n) {
        kt_buf_puts(b, ", the least log loss in cross-validation on the trusted sample (");
        kt_buf_html(b, r->calibration_why);
        kt_buf_puts(b, ")");
    }
    kt_buf_puts(b, "; expected calibration error ");
    kt_html_percent(b, r->ece_before, 1);
    kt_buf_puts(b, " before, ");
    kt_html_percent(b, r->ece_after, 1);
    kt_buf_puts(b, " after.</figcaption></figure>");
}

void kt_plot_learning(kt_buf *b, const kt_report *r)
{
    struct frame f = { b, 0, 1, 1, 0 };
    for (int arm = 0; arm < 2; arm++)
        for (size_t i = 0; i < (arm ? r->n_random : r->n_active); i++) {
            const kt_curve_point *p = arm ? &r->random[i] : &r->active[i];
            f.x1 = KT_MAX(f.x1, p->x);
            f.y0 = KT_MIN(f.y0, p->y - 0.02);
            f.y1 = KT_MAX(f.y1, p->y + 0.02);
        }
    if (r->n_active == 0)
        return;
    open_plot(&f, "Learning curve", "labels bought from people", false, true);
    line(&f, r->random, r->n_random, 0, "stroke='var(--dim)' stroke-width=2");
    line(&f, r->active, r->n_active, 0, "stroke='var(--a)' stroke-width=2.5");
    kt_buf_printf(b, "<text x=%d y=%d text-anchor=end fill='var(--a)'>chosen by ", RIGHT - 4, BOTTOM - 26);
    kt_buf_html(b, r->active_strategy);
    kt_buf_printf(b, " (blue)</text><text class=dim x=%d y=%d text-anchor=end>random choice (grey)</text>", RIGHT - 4, BOTTOM - 10);
    KT_AUTO(kt_buf) said = KT_BUF_INIT(4096);
    kt_buf_puts(&said, "Accuracy on items outside the training set, against held-back truth. The random arm buys as many labels on random items; "
                       "its labels are simulated for this comparison only and used nowhere else.");
    if (r->outlook)
        kt_buf_printf(&said, " By what the model expects of itself, 100 more labels would add %.2f %% (95 %% interval %.2f to %.2f)%s.", 100 * r->next_gain,
                      100 * r->next_low, 100 * r->next_high, r->stopped ? ", which was not worth asking for" : "");
    close_plot(b, said.p);
}

/* One kind of round: its accuracy with intervals, as far as it was measured. */
static void rounds_of(const struct frame *f, const kt_report *r, bool trusted, const char *colour)
{
    for (size_t i = 0; i < r->n_rounds; i++) {
        const kt_round *v = &r->round[i];
        if (isnan(v->accuracy) || trusted == kt_str_eq(v->stage, KT_S("learn")))
            continue;
        double x = px(f, (double)v->number);
        kt_buf_printf(f->b, "<line x1=%.1f x2=%.1f y1=%.1f y2=%.1f stroke='%s' stroke-width=1.5 /><circle cx=%.1f cy=%.1f r=4 fill='%s'><title>round %lld: ", x, x,
                      py(f, v->lo), py(f, v->hi), colour, x, py(f, v->accuracy), colour, (long long)v->number);
        kt_html_percent(f->b, v->accuracy, 1);
        kt_buf_printf(f->b, " of %lld, log loss %.3f, %lld labels</title></circle>", (long long)v->n_measured, v->log_loss, (long long)v->n_labels);
    }
}

void kt_plot_rounds(kt_buf *b, const kt_report *r)
{
    struct frame f = { b, 0.5, (double)r->n_rounds + 0.5, 1, 1 };
    if (r->n_rounds == 0)
        return;
    kt_curve_point *taken = kt_alloc_array(r->n_rounds, sizeof(*taken));
    for (size_t i = 0; i < r->n_rounds; i++) {
        taken[i] = (kt_curve_point){ (double)r->round[i].number, r->round[i].automation, NAN, NAN };
        if (!isnan(r->round[i].lo))
            f.y0 = KT_MIN(f.y0, r->round[i].lo - 0.02);
        if (!isnan(taken[i].y))
            f.y0 = KT_MIN(f.y0, taken[i].y - 0.02);
    }
    f.y0 = KT_MAX(f.y0, 0.0);
    open_plot(&f, "Rounds of learning", "round", false, true);
    rounds_of(&f, r, false, "var(--a)");
    rounds_of(&f, r, true, "var(--b)");
    line(&f, taken, r->n_rounds, 0, "stroke='var(--c)' stroke-width=2");
    legend(&f, 0, "var(--a)", "accuracy on the answered items, out of fold");
    legend(&f, 1, "var(--b)", "accuracy on the trusted sample");
    legend(&f, 2, "var(--c)", "share of the items the machine takes");
    close_plot(b, "Each point is one training, with its 95 % interval; what it was trained on, its model's digest and its log loss are in the audit log "
                  "(event learn.round). Items chosen to be learned from are harder than most, so blue and orange are not of the same items.");
    kt_free(taken);
}

void kt_plot_throughput(kt_buf *b, const kt_report *r)
{
    struct frame f = { b, 0, 0, 0, 0 };
    for (size_t i = 0; i < r->n_throughput; i++) {
        f.x1 = KT_MAX(f.x1, r->throughput[i].x);
        f.y1 = KT_MAX(f.y1, 1.1 * r->throughput[i].y);
    }
    if (r->n_throughput == 0)
        return;
    open_plot(&f, "Answers per hour", r->simulated ? "hours since the first answer (simulated clock)" : "hours since the first answer", false, false);
    line(&f, r->throughput, r->n_throughput, 0, "stroke='var(--a)' stroke-width=2");
    close_plot(b, "All people together.");
}

void kt_plot_people(kt_buf *b, const kt_report *r)
{
    int height = (int)KT_MIN(r->n_people, (size_t)40) * 20 + 34;
    double low = 1;
    for (size_t i = 0; i < r->n_people; i++)
        if (!isnan(r->person[i].lo))
            low = KT_MIN(low, r->person[i].lo);
    low = KT_MAX(0.0, floor(low * 20 - 0.5) / 20);
    kt_buf_printf(b, "<figure><h2>People</h2><svg viewBox='0 0 520 %d' role=img aria-label='Accuracy of each person'>", height);
    for (int t = 0; t <= 4; t++) {
        double v = low + (1 - low) * t / 4, x = 190 + 250.0 * t / 4;
        kt_buf_printf(b, "<line x1=%.1f x2=%.1f y1=4 y2=%d stroke='var(--line)'/><text class=dim x=%.1f y=%d text-anchor=middle>%.0f%%</text>", x, x,
                      height - 24, x, height - 8, 100 * v);
    }
    for (size_t i = 0; i < r->n_people && i < 40; i++) {
        const kt_report_person *p = &r->person[i];
        int y = (int)i * 20 + 18;
        kt_buf_printf(b, "<text x=180 y=%d text-anchor=end>", y);
        kt_buf_html(b, p->name);
        kt_buf_puts(b, "</text>");
        if (!isnan(p->accuracy))
            kt_buf_printf(b, "<line x1=%.1f x2=%.1f y1=%d y2=%d stroke='var(--%s)' stroke-width=2 /><circle cx=%.1f cy=%d r=4 fill='var(--%s)'/>",
                          190 + 250 * (p->lo - low) / (1 - low), 190 + 250 * (p->hi - low) / (1 - low), y - 4, y - 4, p->expert ? "c" : "a",
                          190 + 250 * (p->accuracy - low) / (1 - low), y - 4, p->expert ? "c" : "a");
        kt_buf_printf(b, "<text class=dim x=515 y=%d text-anchor=end>", y);
        kt_html_count(b, p->n);
        kt_buf_puts(b, "</text>");
    }
    close_plot(b, r->simulated ? "Accuracy of each simulated person against held-back truth, 95 % Clopper-Pearson interval (blue: annotators, green: "
                                 "experts); answers on the right."
                               : "Accuracy of each person on gold items, 95 % Clopper-Pearson interval (blue: annotators, green: experts).");
}

void kt_plot_confusion(kt_buf *b, const kt_report *r)
{
    uint32_t k = r->n_labels;
    if (!r->confusion || k > 40)
        return;
    double cell = 380.0 / k;
    kt_buf_printf(b, "<figure><h2>Confusion of the final labels</h2><svg viewBox='0 0 520 %d' role=img aria-label='Confusion matrix'>", 410 + 90);
    for (uint32_t t = 0; t < k; t++) {
        double sum = 0;
        for (uint32_t g = 0; g < k; g++)
            sum += (double)r->confusion[t * k + g];
        kt_buf_printf(b, "<text x=126 y=%.1f text-anchor=end>", (t + 0.5) * cell + 4);
        kt_buf_html(b, r->label[t]);
        kt_buf_printf(b, "</text><text text-anchor=end transform='translate(%.1f %d) rotate(-55)'>", 132 + (t + 0.7) * cell, 394);
        kt_buf_html(b, r->label[t]);
        kt_buf_puts(b, "</text>");
        for (uint32_t g = 0; g < k; g++) {
            uint64_t n = r->confusion[t * k + g];
            double share = sum > 0 ? (double)n / sum : 0;
            kt_buf_printf(b, "<rect x=%.1f y=%.1f width=%.1f height=%.1f fill='var(--%s)' fill-opacity=%.3f stroke='var(--line)'><title>", 132 + g * cell,
                          t * cell, cell, cell, t == g ? "a" : "warn", n ? (t == g ? 0.08 + 0.6 * share : 0.12 + 0.88 * sqrt(share)) : 0.0);
            kt_buf_printf(b, "%llu</title></rect>", (unsigned long long)n);
            if (k <= 20 && n)
                kt_buf_printf(b, "<text x=%.1f y=%.1f text-anchor=middle style='font-size:%.1fpx'>%llu</text>", 132 + (g + 0.5) * cell,
                              (t + 0.5) * cell + 3, KT_MIN(11.0, cell / 3), (unsigned long long)n);
        }
    }
    close_plot(b, "Rows: held-back truth. Columns: final label. Mistakes in red.");
}
