#include "algo/route/outlook.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>

static const double usual[KT_OUTLOOK_BUDGETS - 1] = { 0.005, 0.01, 0.02, 0.05, 0.1 };
static const int overlaps[] = { 1, 3, 5, 7, 9 };

static void look_at(const kt_threshold_data *d, const kt_threshold_options *o, kt_threshold *t, kt_outlook_row *row)
{
    kt_err none = { 0 };
    kt_conformal c = { 0 };
    kt_threshold_options at = { row->budget, o->delta, 0 };
    if (kt_threshold_find(d, &at, t, &none) == 0) {
        row->found = t->found;
        row->score = t->score;
        row->coverage = t->coverage;
        row->upper = t->upper;
        row->n_trusted = t->n_trusted;
        row->n_wrong = t->n_wrong;
        row->n_more = t->n_more;
    }
    if (kt_conformal_find(d, row->budget, &c, NULL, &none) == 0)
        row->conformal_coverage = (double)c.n_selected / (double)d->n_pool;
}

/* The given budget in its place among the usual ones. */
static void lay_rows(const kt_threshold_options *o, kt_outlook *ret)
{
    bool put = false;
    for (size_t i = 0; i < KT_LEN(usual); i++) {
        if (!put && o->budget <= usual[i] + 1e-12) {
            ret->row[ret->n_rows++] = (kt_outlook_row){ .budget = o->budget, .asked = true };
            put = true;
        }
        if (fabs(usual[i] - o->budget) > 1e-12)
            ret->row[ret->n_rows++] = (kt_outlook_row){ .budget = usual[i] };
    }
    if (!put)
        ret->row[ret->n_rows++] = (kt_outlook_row){ .budget = o->budget, .asked = true };
}

static void add_source(kt_outlook *o, const char *name, double price, double error)
{
    snprintf(o->human_name[o->n_human], sizeof(o->human_name[0]), "%s", name);
    o->human[o->n_human] = (kt_plan_source){ o->human_name[o->n_human], price, error };
    o->n_human++;
}

static void plan(const kt_threshold_data *d, const kt_threshold_options *o, const kt_outlook_people *p, kt_threshold *t, kt_outlook *ret)
{
    double error[KT_OUTLOOK_BUDGETS];
    for (size_t i = 0; i < KT_LEN(overlaps) && !isnan(p->annotator_error); i++) {
        char name[24];
        snprintf(name, sizeof(name), overlaps[i] == 1 ? "%d annotator" : "%d annotators", overlaps[i]);
        add_source(ret, name, overlaps[i] * p->annotator_price, kt_majority_error(overlaps[i], p->annotator_error));
    }
    if (!isnan(p->expert_error))
        add_source(ret, "expert", p->expert_price, p->expert_error);
    for (size_t i = 0; i < ret->n_rows; i++) {
        kt_err none = { 0 };
        kt_threshold_options at = { ret->row[i].budget, o->delta / (double)ret->n_rows, 0 };
        ret->plan_coverage[i] = kt_threshold_find(d, &at, t, &none) == 0 && t->found ? t->coverage : 0;
        error[i] = ret->row[i].budget;
    }
    ret->plan = kt_plan_cheapest(ret->plan_coverage, error, ret->n_rows, p->machine_price, ret->human, ret->n_human, o->budget);
    ret->without = kt_plan_cheapest(NULL, NULL, 0, 0, ret->human, ret->n_human, o->budget);
}

static kt_rc forecast(const kt_threshold_data *d, const kt_threshold_options *o, uint64_t seed, kt_pool *pool, kt_outlook *ret, kt_err *err)
{
    static const size_t more[KT_OUTLOOK_MORE] = { 10, 100, 1000 };
    while (ret->n_worth < KT_OUTLOOK_MORE && more[ret->n_worth] + d->n_trusted <= d->n_pool)
        ret->n_worth++;
    return kt_worth_of(d, o, more, ret->n_worth, KT_OUTLOOK_DRAWS, seed, pool, ret->worth, err);
}

kt_rc kt_outlook_of(const kt_threshold_data *d, const kt_threshold_options *o, const kt_outlook_people *people, uint64_t seed, kt_pool *pool,
                    kt_outlook *ret, kt_err *err)
{
    *ret = (kt_outlook){ .budget = o->budget, .delta = o->delta, .n_pool = d->n_pool, .n_trusted = (uint32_t)d->n_trusted };
    kt_threshold *t = kt_alloc(sizeof(*t));
    kt_rc rc = kt_threshold_find(d, o, t, err); /* refuses what cannot be */
    if (rc == 0 && d->n_trusted)
        rc = kt_calibrate_choose(d->trusted_score, d->trusted_right, d->n_trusted, seed, &ret->calibration, ret->loss, err);
    for (size_t i = 0; i < d->n_trusted; i++)
        ret->n_wrong += !d->trusted_right[i];
    lay_rows(o, ret);
    for (size_t i = 0; i < ret->n_rows && rc == 0; i++)
        look_at(d, o, t, &ret->row[i]);
    if (rc == 0)
        plan(d, o, people, t, ret);
    if (rc == 0)
        rc = forecast(d, o, seed, pool, ret, err);
    kt_free(t);
    return rc;
}
