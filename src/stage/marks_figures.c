/* What functions that mark do, in figures. */
#include "stage/marks.h"

#include "algo/stats.h"
#include "base/str.h"

#include <math.h>

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

static void percent(kt_buf *b, double v)
{
    if (isnan(v))
        kt_buf_printf(b, " %9s", "–");
    else
        kt_buf_printf(b, " %7.2f %%", 100 * v);
}

static double f1_of(const kt_marks_result *r)
{
    return r->n_gold && r->said + r->gold_marks ? 2 * (double)r->right / (double)(r->said + r->gold_marks) : NAN;
}

void kt_marks_text(const kt_marks_result *r, const kt_project *p, const kt_functions *f, const kt_function_fault *fault, kt_buf *ret)
{
    double ci[2];
    kt_buf_printf(ret, "project %.*s, task %s: %llu items, %llu without duplicates, functions speak about %llu; %llu labels by machine, none by people\n\n", KT_F(p->name),
                  kt_task_names[r->task], (unsigned long long)r->n_items, (unsigned long long)r->n_canonical, (unsigned long long)r->n_covered, (unsigned long long)r->n_labels);
    kt_buf_printf(ret, "%-24s %9s %9s %9s %9s %9s %9s %9s\n", "function", "marks", "coverage", "overlap", "conflict", "precision", "recall", "on gold");
    for (uint32_t j = 0; j < r->m; j++) {
        const kt_marks_figures *g = &r->function[j];
        kt_buf_printf(ret, "%-24.*s %9llu", KT_F(kt_functions_name(f, j)), (unsigned long long)g->marks);
        percent(ret, share(g->items, r->n_canonical));
        percent(ret, share(g->overlaps, r->n_canonical));
        percent(ret, share(g->conflicts, r->n_canonical));
        percent(ret, g->precision);
        percent(ret, g->recall);
        percent(ret, share(g->gold_right, g->gold_n));
        if (g->gold_n) {
            kt_clopper_pearson(g->gold_right, g->gold_n, 0.95, ci);
            kt_buf_printf(ret, " (%.1f to %.1f of %llu)", 100 * ci[0], 100 * ci[1], (unsigned long long)g->gold_n);
        }
        kt_buf_char(ret, '\n');
        if (fault[j].n)
            kt_buf_printf(ret, "  failed on %llu items%s, first on %s: %s\n", (unsigned long long)fault[j].n, fault[j].off ? " and was switched off" : "", fault[j].id, fault[j].said);
    }
    if (r->n_gold)
        kt_buf_printf(ret, "\nthe machine's labels on %llu items with trusted ones: precision %.2f %%, recall %.2f %%, F1 %.4f (whole %s alone count)\n", (unsigned long long)r->n_gold,
                      100 * share(r->right, r->said), 100 * share(r->right, r->gold_marks), f1_of(r), r->task == KT_TASK_SPANS ? "regions" : "labels");
}

static void number(kt_buf *b, const char *name, double v)
{
    kt_buf_printf(b, ",\"%s\":", name);
    kt_buf_f64(b, v);
}

static void function_json(const kt_marks_result *r, const kt_functions *f, const kt_function_fault *fault, uint32_t j, kt_buf *b)
{
    const kt_marks_figures *g = &r->function[j];
    double ci[2] = { NAN, NAN };
    if (g->gold_n)
        kt_clopper_pearson(g->gold_right, g->gold_n, 0.95, ci);
    kt_buf_puts(b, j ? ",{\"name\":" : "{\"name\":");
    kt_buf_json(b, kt_functions_name(f, j));
    kt_buf_printf(b, ",\"kind\":\"%s\",\"marks\":%llu", kt_functions_kind(f, j), (unsigned long long)g->marks);
    number(b, "coverage", share(g->items, r->n_canonical));
    number(b, "overlap", share(g->overlaps, r->n_canonical));
    number(b, "conflict", share(g->conflicts, r->n_canonical));
    number(b, "learned_precision", g->precision);
    number(b, "learned_recall", g->recall);
    kt_buf_printf(b, ",\"gold\":%llu,\"gold_right\":%llu", (unsigned long long)g->gold_n, (unsigned long long)g->gold_right);
    number(b, "gold_precision", share(g->gold_right, g->gold_n));
    number(b, "gold_lo", ci[0]);
    number(b, "gold_hi", ci[1]);
    kt_buf_printf(b, ",\"failed\":%llu,\"off\":%s,\"failed_item\":", (unsigned long long)fault[j].n, fault[j].off ? "true" : "false");
    kt_buf_json(b, kt_str_of(fault[j].id));
    kt_buf_puts(b, ",\"failure\":");
    kt_buf_json(b, kt_str_of(fault[j].said));
    kt_buf_char(b, '}');
}

void kt_marks_json(const kt_marks_result *r, const kt_project *p, const kt_functions *f, const kt_function_fault *fault, kt_buf *ret)
{
    const struct { const char *name; uint64_t v; } counts[] = {
        { "items", r->n_items }, { "canonical", r->n_canonical }, { "covered_by_functions", r->n_covered }, { "labels", r->n_labels }, { "gold_items", r->n_gold },
        { "gold_labels", r->gold_marks }, { "right", r->right }, { "said", r->said }, { "exported", r->n_rows }, { "left_out", r->n_left_out },
    };
    kt_buf_puts(ret, "{\"project\":");
    kt_buf_json(ret, p->name);
    kt_buf_printf(ret, ",\"task\":\"%s\"", kt_task_names[r->task]);
    for (size_t i = 0; i < KT_LEN(counts); i++)
        kt_buf_printf(ret, ",\"%s\":%llu", counts[i].name, (unsigned long long)counts[i].v);
    number(ret, "precision", r->n_gold ? share(r->right, r->said) : NAN);
    number(ret, "recall", r->n_gold ? share(r->right, r->gold_marks) : NAN);
    number(ret, "f1", f1_of(r));
    kt_buf_puts(ret, ",\"functions\":[");
    for (uint32_t j = 0; j < r->m; j++)
        function_json(r, f, fault, j, ret);
    kt_buf_puts(ret, "]}\n");
}
