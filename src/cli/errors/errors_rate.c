/* How many labels are wrong, from a sample that was checked. */
#include "algo/errors/errors_rate.h"
#include "base/names.h"
#include "base/str.h"
#include "cli/errors/errors_cli.h"
#include "cli/plot.h"

#include <math.h>

static const char *const wrong_names[] = { "wrong", "error", NULL };
static const char *const truth_names[] = { "truth", "gold", "checked", "true_label", NULL };
static const char *const stratum_names[] = { "stratum", NULL };
static const char *const chance_names[] = { "chance", "inclusion", "propensity", NULL };

/* wrong: the column, or label and truth that differ. */
static kt_rc read_wrong(const kt_columns *c, kt_arena *a, uint8_t **ret, kt_err *err)
{
    kt_str *wrong = kt_columns_find(c, wrong_names), *label = kt_columns_find(c, kt_label_names), *truth = kt_columns_find(c, truth_names);
    if (!wrong && !(label && truth))
        KT_TRY(kt_columns_need(c, wrong_names, &wrong, err));
    uint8_t *v = kt_arena_array(a, c->n_rows + 1, 1);
    for (size_t i = 0; i < c->n_rows; i++) {
        kt_str s = wrong ? wrong[i] : KT_S("");
        bool yes = kt_str_eq(s, KT_S("1")) || kt_str_ieq(s, KT_S("true")), no = kt_str_eq(s, KT_S("0")) || kt_str_ieq(s, KT_S("false"));
        if (wrong && !yes && !no) {
            kt_fail(err, KT_RANGE, "'%.*s'; expected 1 or true for a wrong label, 0 or false for a right one", KT_F(s));
            return kt_columns_fail(c, i, "wrong", err, KT_RANGE);
        }
        v[i] = wrong ? yes : !kt_str_eq(label[i], truth[i]);
    }
    *ret = v;
    return 0;
}

/* "A=1000,B=200" */
static kt_rc read_strata(kt_str text, kt_names *names, kt_arena *a, uint64_t **ret, kt_err *err)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == ',';
    uint64_t *size = kt_arena_array(a, n, sizeof(*size));
    kt_str part, name;
    while (kt_str_cut(&text, ',', &part)) {
        kt_str number = part;
        int64_t items;
        if (!kt_str_cut(&number, '=', &name) || !number.p || !kt_parse_i64(number, 0, INT64_MAX, &items))
            return kt_fail(err, KT_USAGE, "--strata is written NAME=ITEMS,…; not '%.*s'", KT_F(part));
        if (kt_names_add(names, kt_str_trim(name)) != names->n - 1)
            return kt_fail(err, KT_USAGE, "--strata names %.*s twice", KT_F(name));
        size[names->n - 1] = (uint64_t)items;
    }
    *ret = size;
    return 0;
}

static kt_rc stratified(kt_errors_job *j, const kt_columns *c, const uint8_t *wrong, const kt_str *cell, kt_names *names, kt_error_rate *r, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    uint64_t *size = NULL;
    uint32_t *stratum = kt_arena_array(a, c->n_rows + 1, sizeof(*stratum));
    if (!j->strata.n) {
        kt_fail(err, KT_USAGE, "the file has a column stratum; how many items each stratum has is not known");
        kt_hint(err, "--strata NAME=ITEMS,NAME=ITEMS");
        return KT_USAGE;
    }
    KT_TRY(read_strata(j->strata, names, a, &size, err));
    for (size_t i = 0; i < c->n_rows; i++) {
        int64_t at = kt_names_get(names, cell[i]);
        if (at < 0) {
            kt_fail(err, KT_RANGE, "stratum '%.*s' is not in --strata", KT_F(cell[i]));
            return kt_columns_fail(c, i, "stratum", err, KT_RANGE);
        }
        stratum[i] = (uint32_t)at;
    }
    return kt_error_rate_stratified(wrong, stratum, c->n_rows, size, (uint32_t)names->n, r, err);
}

static void print(kt_errors_job *j, const char *method, const kt_error_rate *r)
{
    kt_out *o = &j->out;
    if (o->look == KT_LOOK_JSON) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "method", kt_str_of(method));
        kt_out_f64(o, "rate", r->rate);
        kt_out_interval(o, "ci95", r->ci95);
        kt_out_u64(o, "checked", r->checked);
        kt_out_u64(o, "wrong", r->wrong);
        kt_out_f64(o, "effective_n", r->effective_n);
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
    } else if (o->look == KT_LOOK_CSV) {
        kt_buf_printf(&o->b, "method,rate,low,high,checked,wrong\n%s", method);
        kt_out_field_f64(o, r->rate);
        kt_out_field_f64(o, r->ci95[0]);
        kt_out_field_f64(o, r->ci95[1]);
        kt_buf_printf(&o->b, ",%llu,%llu\n", (unsigned long long)r->checked, (unsigned long long)r->wrong);
    } else if (isnan(r->rate)) {
        kt_buf_puts(&o->b, "undefined: nothing was checked\n");
    } else {
        kt_buf_printf(&o->b, "error rate %.4f   95 %% interval %.4f to %.4f (%s; %llu wrong of %llu checked)\n", r->rate, r->ci95[0], r->ci95[1], method,
                      (unsigned long long)r->wrong, (unsigned long long)r->checked);
    }
}

static kt_rc estimate(kt_errors_job *j, const kt_columns *c, kt_err *err)
{
    kt_str *stratum = kt_columns_find(c, stratum_names), *chance = kt_columns_find(c, chance_names);
    kt_error_rate r;
    uint8_t *wrong = NULL;
    const char *method = stratum ? "stratified" : chance ? "importance_weighted" : "clopper_pearson";
    KT_TRY(read_wrong(c, j->cli->arena, &wrong, err));
    if (stratum) {
        kt_names names = { 0 };
        kt_rc rc = stratified(j, c, wrong, stratum, &names, &r, err);
        kt_names_done(&names);
        KT_TRY(rc);
    } else if (chance) {
        double *x;
        KT_TRY(kt_columns_numbers(c, chance, "chance", j->cli->arena, &x, err));
        KT_TRY(kt_error_rate_weighted(wrong, x, c->n_rows, &r, err));
    } else {
        kt_error_rate_of(wrong, c->n_rows, &r);
    }
    if (j->explain)
        kt_buf_printf(&j->out.b, "%s: %llu wrong of %llu checked, rate %.4f, interval %.4f to %.4f\n\n", method, (unsigned long long)r.wrong, (unsigned long long)r.checked,
                      r.rate, r.ci95[0], r.ci95[1]);
    print(j, method, &r);
    if (!j->plot)
        return 0;
    kt_str name = kt_str_of(method);
    return kt_plot_values(j->plot, &(kt_plot_dots){ "Error rate of the labels", "share of wrong labels, 95 % interval", 1, &name, &r.rate, &(const double[2]){ r.ci95[0], r.ci95[1] }, .line = 0 }, err);
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    kt_columns c;
    KT_TRY(kt_errors_need(j->file, "a FILE with the column wrong, or label and truth", err));
    KT_TRY(kt_columns_read(j->file, j->cli->arena, &c, err));
    kt_rc rc = estimate(j, &c, err);
    kt_columns_done(&c);
    return rc;
}

const kt_error_task kt_errors_rate = {
    .name = "rate", .help = "error rate with its interval from an audit: wrong, or label and truth; stratum or chance where it was not uniform", .files = "FILE", .run = run, .draws = true,
    .formula = "uniform: wrong / checked; interval of Clopper and Pearson: the p for which x or more (x or fewer) wrong have chance 2.5 %\n"
               "strata: Σ (items of the stratum / all items) × its rate; chances: Σ wrong / chance over Σ 1 / chance",
};
