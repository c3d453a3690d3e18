#include "base/str.h"
#include "cli/agree/agree_cli.h"
#include "cli/plot.h"

#include <math.h>

enum { STEPS = 10 };

kt_rc kt_agree_plot_pairs(const kt_agree_job *g, const kt_agreement_pair *p, size_t n, kt_err *err)
{
    size_t s = g->file.votes.n_sources;
    char title[120];
    double *value = kt_arena_array(g->cli->arena, s * s + 1, sizeof(*value));
    for (size_t i = 0; i < s * s; i++)
        value[i] = NAN;
    for (size_t i = 0; i < n; i++)
        value[p[i].a * s + p[i].b] = value[p[i].b * s + p[i].a] = p[i].result.value;
    snprintf(title, sizeof(title), "%s of each pair of annotators", g->method->name);
    kt_plot_grid grid = { title, "annotator", "annotator", s, s, g->file.source, g->file.source, value, 0, 1, .percent = false };
    return kt_plot_matrix(g->plot, &grid, err);
}

/* Values and intervals of n results under their names. */
static kt_rc plot(const kt_agree_job *g, const char *title, const char *axis, const kt_str *name, const kt_agree_result *const *r, size_t n, kt_err *err)
{
    double *value = kt_arena_array(g->cli->arena, n + 1, sizeof(*value)), (*ci)[2] = kt_arena_array(g->cli->arena, n + 1, sizeof(*ci));
    for (size_t i = 0; i < n; i++) {
        value[i] = r[i]->value;
        ci[i][0] = r[i]->ci95[0];
        ci[i][1] = r[i]->ci95[1];
    }
    return kt_plot_values(g->plot, &(kt_plot_dots){ title, axis, n, name, value, (const double (*)[2])ci, .line = 0 }, err);
}

kt_rc kt_agree_plot_classes(const kt_agree_job *g, const kt_agreement_class *c, kt_err *err)
{
    char title[120];
    uint32_t k = g->file.votes.n_labels;
    const kt_agree_result **r = kt_arena_array(g->cli->arena, (size_t)k + 1, sizeof(*r));
    for (uint32_t i = 0; i < k; i++)
        r[i] = &c[i].result;
    snprintf(title, sizeof(title), "%s of each label against the rest", g->method->name);
    return plot(g, title, "0 is chance, 1 full agreement; bars are 95 % intervals", g->file.label, r, k, err);
}

kt_rc kt_agree_plot_metrics(const kt_agree_job *g, const kt_agreement *const *m, const kt_agree_result *r, size_t n, kt_err *err)
{
    const kt_agree_result **each = kt_arena_array(g->cli->arena, n + 1, sizeof(*each));
    kt_str *name = kt_arena_array(g->cli->arena, n + 1, sizeof(*name));
    for (size_t i = 0; i < n; i++) {
        each[i] = &r[i];
        name[i] = kt_str_of(m[i]->name);
    }
    return plot(g, "Agreement", "0 is chance (not for percent), 1 full agreement; bars are 95 % intervals", name, each, n, err);
}

kt_rc kt_agree_plot_items(const kt_agree_job *g, const kt_agreement_item *item, kt_err *err)
{
    kt_str name[STEPS + 1];
    double value[STEPS + 1] = { 0 };
    for (int s = 0; s <= STEPS; s++)
        name[s] = s == STEPS ? KT_S("all pairs agree") : kt_arena_printf(g->cli->arena, "%d to under %d %%", 100 * s / STEPS, 100 * (s + 1) / STEPS);
    for (uint32_t i = 0; i < g->file.votes.n_items; i++)
        if (!isnan(item[i].percent))
            value[(int)floor(item[i].percent * STEPS + 1e-9)]++;
    return kt_plot_values(g->plot, &(kt_plot_dots){ "Items by the share of their pairs of votes that agree", "items", STEPS + 1, name, value, NULL, .line = 0 }, err);
}
