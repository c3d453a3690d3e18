/* karat aggregate --method numeric: numbers, item,annotator,value. */
#include "algo/merge/numeric.h"
#include "base/str.h"
#include "cli/merge/merge_answers.h"
#include "cli/merge/merge_grouped.h"

#include <math.h>
#include <stdio.h>

struct numbers {
    const kt_grouped *x;
    const double *value; /* of each answer */
    const kt_numeric *r;
};

static const char *used(const kt_numeric *r)
{
    return r->method == KT_NUMERIC_MEAN ? "mean" : r->method == KT_NUMERIC_MEDIAN ? "median" : r->robust > 0 ? "precision, robust" : "precision";
}

static void put_pair(kt_buf *b, const char *name, double value, const double *ci)
{
    kt_buf_printf(b, ",\"%s\":", name);
    kt_buf_f64(b, value);
    kt_buf_printf(b, ",\"%s_ci95\":[", name);
    kt_buf_f64(b, ci[0]);
    kt_buf_char(b, ',');
    kt_buf_f64(b, ci[1]);
    kt_buf_char(b, ']');
}

static void print(const char *method, const struct numbers *w, bool json)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 30);
    const kt_numeric *r = w->r;
    if (json)
        kt_buf_printf(&b, "{\"method\":\"%s\",\"used\":\"%s\",\"items\":[", method, used(r));
    else
        kt_buf_puts(&b, "item,value,low,high\n");
    for (uint32_t i = 0; i < r->n_items; i++) {
        if (json) {
            kt_buf_puts(&b, i ? ",\n{\"item\":" : "\n{\"item\":");
            kt_buf_json(&b, w->x->item.name[i]);
            put_pair(&b, "value", r->value[i], r->ci + 2 * i);
            kt_buf_printf(&b, ",\"votes\":%u}", r->n_votes[i]);
        } else {
            kt_buf_csv(&b, w->x->item.name[i], ',');
            kt_buf_printf(&b, isnan(r->value[i]) ? ",,,\n" : ",%.9g,%.9g,%.9g\n", r->value[i], r->ci[2 * i], r->ci[2 * i + 1]);
        }
        kt_merge_flush(&b);
    }
    kt_buf_puts(&b, json ? "]" : "");
    kt_merge_flush(&b);
}

static kt_rc explain(const void *of, kt_str item, kt_err *err)
{
    const struct numbers *w = of;
    const kt_numeric *r = w->r;
    uint32_t i;
    KT_TRY(kt_merge_find(&w->x->item, item, &i, err));
    bool weighed = r->method == KT_NUMERIC_PRECISION;
    double d = r->robust, over = 0, under = 0;
    printf("used: %s%s\nitem %.*s, %u numbers:\n", used(r), weighed && r->bias_out ? ", biases taken out" : "", KT_F(item), r->n_votes[i]);
    for (size_t q = w->x->start[i]; q < w->x->start[i + 1]; q++) {
        uint32_t s = w->x->source_of[q];
        double x = w->value[q] - (r->bias_out ? r->bias[s] : 0), off = x - r->value[i], weight = weighed ? r->precision[s] : 1;
        weight *= weighed && d > 0 ? (d + 1) / (d + off * off * r->precision[s]) : 1;
        printf("  %.*s says %.6g   bias %.4g, sd %.4g (95 %%: %.4g to %.4g), %u numbers", KT_F(w->x->source.name[s]), w->value[q], r->bias[s], r->sd[s],
               r->sd_ci[2 * s], r->sd_ci[2 * s + 1], r->n_said[s]);
        if (r->method != KT_NUMERIC_MEDIAN)
            printf("   weight %.4g", weight);
        printf("\n");
        over += weight * x;
        under += weight;
    }
    if (r->method == KT_NUMERIC_MEDIAN)
        printf("value: the one in the middle, %.6g", r->value[i]);
    else
        printf("value: Σ weight x / Σ weight = %.6g / %.6g = %.6g", over, under, over / under);
    printf("   (95 %%: %.6g to %.6g)\n", r->ci[2 * i], r->ci[2 * i + 1]);
    return 0;
}

static kt_rc give(kt_cli *cli, const kt_answer_merge *m, const struct numbers *n, const kt_merge_wishes *w, kt_err *err)
{
    const kt_numeric *r = n->r;
    double *width = kt_arena_array(cli->arena, r->n_items, sizeof(*width)), widest = 0;
    for (size_t i = 0; i < r->n_items; i++) {
        width[i] = r->ci[2 * i + 1] - r->ci[2 * i];
        widest = KT_MAX(widest, isnan(width[i]) ? 0 : width[i]);
    }
    const kt_account account = {
        .method = m->name, .help = m->help, .formula = m->formula, .n_sources = r->n_sources, .source = n->x->source.name, .votes = n->x->said,
        .measure = { { "sd", "How far each annotator's numbers lie off (sd)", r->sd, r->sd_ci, true }, { "bias", "What each annotator's numbers are too high by", r->bias, r->bias_ci, false } },
        .n_measures = 2, .sure_title = "How exactly the values are known", .sure_axis = "width of the value's 95 % interval",
        .n = r->n_items, .sure = width, .to = widest > 0 ? widest : 1, .line = NAN, .explain = explain, .of = n,
    };
    return kt_merge_account(cli, &account, w, err);
}

/* Who gives no number abstains. */
static void leave_out_empty(kt_grouped *x)
{
    size_t n = 0;
    for (size_t i = 0, q = 0; i < x->item.n; i++) {
        size_t to = x->start[i + 1];
        for (x->start[i] = n; q < to; q++) {
            kt_str s = kt_str_trim(x->text[q]);
            if (s.n == 0) {
                x->said[x->source_of[q]]--;
                continue;
            }
            x->text[n] = s;
            x->source_of[n] = x->source_of[q];
            x->line[n++] = x->line[q];
        }
    }
    x->start[x->item.n] = n;
}

kt_rc kt_merge_numeric(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    static const char *const value_names[] = { "value", "label", "vote", "answer", "score", NULL };
    kt_grouped x;
    kt_numeric r;
    KT_TRY(kt_grouped_read(t, value_names, cli->arena, &x, err));
    double *value = kt_arena_array(cli->arena, t->n_rows, sizeof(*value));
    kt_rc rc = 0;
    leave_out_empty(&x);
    for (size_t q = 0; q < x.start[x.item.n] && rc == 0; q++)
        if (!kt_parse_f64(x.text[q], &value[q])) {
            rc = kt_fail(err, KT_PARSE, "'%.*s' is not a number", KT_F(x.text[q]));
            kt_at(err, t->path, x.line[q], "value");
        }
    kt_numbers v = { x.start[x.item.n], (uint32_t)x.item.n, (uint32_t)x.source.n, kt_grouped_items(&x, cli->arena), x.source_of, value };
    if (rc == 0)
        rc = kt_numeric_fit(&v, &o->numeric, cli->arena, &r, err);
    const struct numbers n = { &x, value, &r };
    if (rc == 0 && kt_merge_wants_answers(w))
        print(m->name, &n, w->json);
    if (rc == 0)
        rc = give(cli, m, &n, w, err);
    kt_grouped_done(&x);
    return rc;
}
