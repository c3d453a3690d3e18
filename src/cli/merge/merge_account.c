#include "cli/merge/merge_account.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/plot.h"

#include <math.h>
#include <stdio.h>

#define MOST_DRAWN 60 /* sources, things; of more the best and the worst half */

bool kt_merge_wants_answers(const kt_merge_wishes *w)
{
    return !w->explain.n && !kt_str_eq(w->sources, KT_S("-"));
}

kt_rc kt_merge_find(const kt_names *item, kt_str name, uint32_t *ret, kt_err *err)
{
    int64_t i = kt_names_get(item, name);
    if (i < 0) {
        kt_fail(err, KT_NOTFOUND, "there is no item %.*s", KT_F(name));
        return kt_hint(err, "--explain takes an item as the file names it");
    }
    *ret = (uint32_t)i;
    return 0;
}

/* ---- sources as tables ---- */

static bool plain(const kt_measure *m)
{
    return strcmp(m->name, "accuracy") == 0;
}

static void put_csv(kt_out *o, const kt_account *a)
{
    kt_buf_puts(&o->b, "annotator,votes");
    for (size_t k = 0; k < a->n_measures; k++) {
        const char *name = a->measure[k].name;
        kt_buf_printf(&o->b, plain(&a->measure[k]) ? ",%s,low,high" : ",%s,%s_low,%s_high", name, name, name);
    }
    for (uint32_t s = 0; s < a->n_sources; s++) {
        kt_buf_char(&o->b, '\n');
        kt_out_field(o, true, a->source[s]);
        kt_buf_printf(&o->b, ",%.0f", a->votes[s]);
        for (size_t k = 0; k < a->n_measures; k++) {
            double x[3] = { a->measure[k].value[s], a->measure[k].ci[2 * s], a->measure[k].ci[2 * s + 1] };
            for (int y = 0; y < 3; y++)
                kt_buf_printf(&o->b, isnan(x[0]) || isnan(x[y]) ? "," : ",%.6g", x[y]);
        }
    }
    kt_buf_char(&o->b, '\n');
}

static void put_json(kt_out *o, const kt_account *a)
{
    char interval[64];
    kt_out_open(o, "sources", '[');
    for (uint32_t s = 0; s < a->n_sources; s++) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "annotator", a->source[s]);
        for (size_t k = 0; k < a->n_measures; k++) {
            const kt_measure *m = &a->measure[k];
            snprintf(interval, sizeof(interval), plain(m) ? "ci95" : "%s_ci95", m->name);
            kt_out_f64(o, m->name, m->value[s]);
            kt_out_interval(o, interval, m->ci + 2 * s);
        }
        kt_out_u64(o, "votes", (uint64_t)a->votes[s]);
        if (a->source_more)
            a->source_more(o, a->of, s);
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
    }
    kt_out_close(o, ']');
}

static void put_sources(kt_out *o, const kt_account *a)
{
    if (o->look != KT_LOOK_JSON) {
        put_csv(o, a);
        return;
    }
    kt_out_open(o, NULL, '{');
    kt_out_str(o, "method", kt_str_of(a->method));
    put_json(o, a);
    kt_out_close(o, '}');
    kt_buf_char(&o->b, '\n');
}

/* To a file (JSON where its name says so), or to standard output. */
static kt_rc write_sources(kt_cli *cli, const kt_account *a, const kt_merge_wishes *w, kt_err *err)
{
    bool here = kt_str_eq(w->sources, KT_S("-"));
    if (a->anonymous)
        return kt_fail(err, KT_USAGE, "--sources: the table has no column that says who answered");
    KT_AUTO(kt_out) o = KT_OUT_INIT(kt_str_ends(w->sources, KT_S(".json")) || (here && w->json) ? KT_LOOK_JSON : KT_LOOK_CSV);
    o.hold = !here;
    put_sources(&o, a);
    kt_out_flush(&o, true);
    return here ? 0 : kt_file_write(kt_arena_cstr(cli->arena, w->sources), KT_BUF_STR(&o.b), err);
}

/* ---- the picture ---- */

struct row {
    size_t of;
    double value;
};

static int by_value(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    if (a->value != b->value)
        return a->value < b->value ? 1 : -1;
    return a->of < b->of ? -1 : 1;
}

typedef struct picked {
    size_t of[MOST_DRAWN], n, left_out;
} picked;

/* Which of n to draw, best first: all, or of too many both ends. Undefined ones are not drawn. */
static picked pick(const double *value, size_t n, bool less_is_better)
{
    struct row *row = kt_alloc_array(n, sizeof(*row));
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(value[i]))
            row[known++] = (struct row){ i, less_is_better ? -value[i] : value[i] };
    qsort(row, known, sizeof(*row), by_value);
    picked ret = { .n = KT_MIN(known, MOST_DRAWN) };
    for (size_t i = 0; i < ret.n; i++)
        ret.of[i] = row[i < ret.n / 2 ? i : known - ret.n + i].of;
    ret.left_out = known - ret.n;
    kt_free(row);
    return ret;
}

/* In arrays of the arena; count may be NULL. */
static kt_plot_dots dots(kt_arena *arena, const kt_measure *m, const char *axis, const kt_str *name, const double *count, const picked *p)
{
    kt_str *names = kt_arena_array(arena, MOST_DRAWN, sizeof(*names));
    double *values = kt_arena_array(arena, MOST_DRAWN, sizeof(*values)), *counts = kt_arena_array(arena, MOST_DRAWN, sizeof(*counts)), (*cis)[2] = kt_arena_array(arena, MOST_DRAWN, sizeof(*cis));
    for (size_t i = 0; i < p->n; i++) {
        size_t of = p->of[i];
        names[i] = name[of];
        values[i] = m->value[of];
        cis[i][0] = m->ci[2 * of];
        cis[i][1] = m->ci[2 * of + 1];
        counts[i] = count ? count[of] : 0;
    }
    return (kt_plot_dots){ m->title, axis, p->n, names, values, (const double (*)[2])cis, NAN, count ? counts : NULL, p->left_out };
}

static kt_rc draw(kt_cli *cli, const kt_account *a, const char *path, kt_err *err)
{
    kt_plot_dots of[2], things;
    kt_plot_bars bars = { a->sure_title, a->sure_axis, "dropped", a->from, a->to, a->line, a->n, a->sure, a->dropped };
    kt_plot_panel panel[3];
    size_t n = 0;
    picked p = a->n_sources ? pick(a->measure[0].value, a->n_sources, a->measure[0].less_is_better) : (picked){ .n = 0 };
    for (size_t k = 0; k < a->n_measures && a->n_sources; k++) { /* every measure in the order of the first */
        of[k] = dots(cli->arena, &a->measure[k], "bars are 95 % intervals, votes in brackets; no gold was used to measure", a->source, a->votes, &p);
        panel[n++] = (kt_plot_panel){ .dots = &of[k] };
    }
    if (a->thing) {
        p = pick(a->strength, a->n, false);
        things = dots(cli->arena, &(kt_measure){ .title = a->sure_title, .value = a->strength, .ci = a->strength_ci }, a->sure_axis, a->thing, NULL, &p);
        panel[n++] = (kt_plot_panel){ .dots = &things };
    } else {
        panel[n++] = (kt_plot_panel){ .bars = &bars };
    }
    return kt_plot_panels(path, panel, n, err);
}

kt_rc kt_merge_account(kt_cli *cli, const kt_account *a, const kt_merge_wishes *w, kt_err *err)
{
    if (w->json && kt_merge_wants_answers(w)) {
        KT_AUTO(kt_out) o = KT_OUT_INIT(KT_LOOK_JSON);
        o.comma = true;
        if (!a->anonymous)
            put_json(&o, a);
        kt_buf_puts(&o.b, "}\n");
        kt_out_flush(&o, true);
    }
    if (w->plot.n)
        KT_TRY(draw(cli, a, kt_arena_cstr(cli->arena, w->plot), err));
    if (w->sources.n)
        KT_TRY(write_sources(cli, a, w, err));
    if (!w->explain.n)
        return 0;
    printf("%s: %s\n\n%s\n\n", a->method, a->help, a->formula);
    return a->explain(a->of, w->explain, err);
}
