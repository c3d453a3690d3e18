#include "cli/route/route_cli.h"

#include <math.h>

static void print_rows(const kt_outlook *x, kt_buf *b)
{
    kt_buf_printf(b, "%llu items to route, %u trusted answers, %u of them wrong\n", (unsigned long long)x->n_pool, x->n_trusted, x->n_wrong);
    kt_buf_printf(b, "calibration: %s", kt_calibrate_name(x->calibration.method));
    for (int m = 0; m < KT_CALIBRATE__COUNT && x->loss[0] > 0; m++)
        kt_buf_printf(b, "%s%s %.4f", m ? ", " : " (log loss in cross-validation: ", kt_calibrate_name((kt_calibrate_method)m), x->loss[m]);
    kt_buf_printf(b, "%s\n\n", x->loss[0] > 0 ? ")" : ": too few trusted answers to choose");
    kt_buf_printf(b, "What would be approved, %g %% sure that no more than the budget is wrong (each budget alone)\n", 100 * (1 - x->delta));
    kt_buf_puts(b, "    budget   approved    score   trusted (wrong)     bound   conformal, on average\n");
    for (size_t i = 0; i < x->n_rows; i++) {
        const kt_outlook_row *r = &x->row[i];
        kt_buf_printf(b, "%s%6.2f %%", r->asked ? "  > " : "    ", 100 * r->budget);
        if (r->found)
            kt_buf_printf(b, "   %6.1f %%   %.4f   %6u (%u)   %10.2f %%", 100 * r->coverage, r->score, r->n_trusted, r->n_wrong, 100 * r->upper);
        else
            kt_buf_printf(b, "    nothing: %llu more trusted answers at least%*s", (unsigned long long)r->n_more, 4, "");
        kt_buf_printf(b, "   %6.1f %%\n", 100 * r->conformal_coverage);
    }
}

static void print_worth(const kt_outlook *x, kt_buf *b)
{
    kt_buf_printf(b, "\nWhat more trusted answers would buy at %g %% (a forecast from these scores, %d draws; no bound)\n", 100 * x->budget,
                  KT_OUTLOOK_DRAWS);
    for (size_t i = 0; i < x->n_worth; i++) {
        const kt_worth *w = &x->worth[i];
        kt_buf_printf(b, "  %5zu more   %5.1f %% approved on average, mostly %.1f %% to %.1f %%; anything at all in %.0f %%", w->n_more,
                      100 * w->coverage,
                      100 * w->low, 100 * w->high, 100 * w->found);
        if (isnan(w->upper))
            kt_buf_puts(b, "\n");
        else
            kt_buf_printf(b, "; bound %.2f %%\n", 100 * w->upper);
    }
    if (!x->n_worth)
        kt_buf_puts(b, "  there are not ten more items to ask about\n");
}

static void print_plan(const kt_outlook *x, kt_buf *b)
{
    const kt_plan *p = &x->plan;
    kt_buf_printf(b, "\nThe cheapest plan for all of it within %g %%\n", 100 * x->budget);
    if (!x->n_human) {
        kt_buf_puts(b,
                    "  nobody's accuracy is known; say prices.annotator_accuracy and prices.expert_accuracy (or --annotator, --expert PRICE:ACCURACY)\n");
        return;
    }
    for (size_t i = 0; i < x->n_human; i++)
        kt_buf_printf(b, "  %-14s price %-8.4g error %6.2f %%\n", x->human[i].name, x->human[i].price, 100 * x->human[i].error);
    if (!p->possible) {
        kt_buf_printf(b, "  none of these keeps the budget; the nearest is wrong on %.2f %%\n", 100 * p->error);
        return;
    }
    kt_buf_printf(b, "  machine %.1f %% of the items", 100 * p->machine);
    if (p->machine > 0)
        kt_buf_printf(b, " (at most %.2f %% wrong, proved for all budgets at once)", 100 * p->machine_error);
    for (size_t i = 0; i < x->n_human; i++)
        if (p->share[i] > 0)
            kt_buf_printf(b, ", %s %.1f %%", x->human[i].name, 100 * p->share[i]);
    kt_buf_printf(b, "\n  price %.4g an item, %.6g in all; wrong at most %.2f %%, if people are as good as said", p->price,
                  p->price * (double)x->n_pool, 100 * p->error);
    if (x->without.possible)
        kt_buf_printf(b, "\n  by people alone: %.4g an item", x->without.price);
    kt_buf_puts(b, "\n");
}

static void json_rows(const kt_outlook *x, kt_out *o)
{
    kt_out_open(o, "budgets", '[');
    for (size_t i = 0; i < x->n_rows; i++) {
        const kt_outlook_row *r = &x->row[i];
        kt_out_open(o, NULL, '{');
        kt_out_f64(o, "budget", r->budget);
        kt_out_f64(o, "approved", r->found ? r->coverage : 0);
        kt_out_f64(o, "score", r->found ? r->score : NAN);
        kt_out_f64(o, "bound", r->found ? r->upper : NAN);
        kt_out_u64(o, "trusted", r->n_trusted);
        kt_out_u64(o, "wrong", r->n_wrong);
        kt_out_u64(o, "more_needed", r->n_more);
        kt_out_f64(o, "conformal_approved", r->conformal_coverage);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    kt_out_open(o, "more_trusted", '[');
    for (size_t i = 0; i < x->n_worth; i++) {
        const kt_worth *w = &x->worth[i];
        kt_out_open(o, NULL, '{');
        kt_out_u64(o, "more", w->n_more);
        kt_out_f64(o, "approved", w->coverage);
        kt_out_interval(o, "middle80", (double[]){ w->low, w->high });
        kt_out_f64(o, "any", w->found);
        kt_out_f64(o, "bound", w->upper);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
}

static void json_plan(const kt_outlook *x, kt_out *o)
{
    kt_out_open(o, "plan", '{');
    kt_buf_printf(&o->b, "\"possible\":%s", x->plan.possible ? "true" : "false");
    o->comma = true;
    kt_out_f64(o, "machine", x->plan.machine);
    kt_out_f64(o, "machine_error", x->plan.machine_error);
    kt_out_open(o, "people", '[');
    for (size_t i = 0; i < x->n_human; i++) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "source", kt_str_of(x->human[i].name));
        kt_out_f64(o, "price", x->human[i].price);
        kt_out_f64(o, "error", x->human[i].error);
        kt_out_f64(o, "share", x->plan.share[i]);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    kt_out_f64(o, "error", x->plan.error);
    kt_out_f64(o, "price", x->plan.price);
    kt_out_f64(o, "price_by_people_alone", x->without.possible ? x->without.price : NAN);
    kt_out_close(o, '}');
}

void kt_route_print(const kt_outlook *x, kt_out *o)
{
    if (o->look != KT_LOOK_JSON) {
        print_rows(x, &o->b);
        print_worth(x, &o->b);
        print_plan(x, &o->b);
        return;
    }
    kt_out_u64(o, "items", x->n_pool);
    kt_out_u64(o, "trusted", x->n_trusted);
    kt_out_u64(o, "wrong", x->n_wrong);
    kt_out_f64(o, "budget", x->budget);
    kt_out_f64(o, "confidence", 1 - x->delta);
    kt_out_str(o, "calibration", kt_str_of(kt_calibrate_name(x->calibration.method)));
    kt_out_open(o, "calibration_log_loss", '{');
    for (int m = 0; m < KT_CALIBRATE__COUNT; m++)
        kt_out_f64(o, kt_calibrate_name((kt_calibrate_method)m), x->loss[0] > 0 ? x->loss[m] : NAN);
    kt_out_close(o, '}');
    json_rows(x, o);
    json_plan(x, o);
}

void kt_route_print_cells(const kt_cell *cell, const kt_str *name, uint32_t n, kt_out *o)
{
    if (o->look == KT_LOOK_JSON)
        kt_out_open(o, "cells", '[');
    else if (n > 1)
        kt_buf_puts(&o->b, "\n    budget       items    approved    score   trusted (wrong)   class or slice\n");
    for (uint32_t c = 0; c < n; c++) {
        const kt_cell *v = &cell[c];
        if (o->look == KT_LOOK_JSON) {
            kt_out_open(o, NULL, '{');
            kt_out_str(o, "name", name[c]);
            kt_out_f64(o, "budget", v->budget);
            kt_out_u64(o, "items", v->n_pool);
            kt_out_u64(o, "approved", v->n_approved);
            kt_out_f64(o, "score", v->found ? v->score : NAN);
            kt_out_f64(o, "bound", v->found ? v->upper : NAN);
            kt_out_u64(o, "trusted", v->n_cell_trusted);
            kt_out_u64(o, "more_needed", v->n_more);
            kt_out_close(o, '}');
        } else if (n > 1 && v->found) {
            kt_buf_printf(&o->b, "  %6.2f %%  %10llu  %10llu   %.4f   %6u (%u)         %.*s\n", 100 * v->budget, (unsigned long long)v->n_pool,
                          (unsigned long long)v->n_approved, v->score, v->n_trusted, v->n_wrong, KT_F(name[c]));
        } else if (n > 1) {
            kt_buf_printf(&o->b, "  %6.2f %%  %10llu     nothing            %6u              %.*s: %llu more trusted answers at least\n",
                          100 * v->budget,
                          (unsigned long long)v->n_pool, v->n_cell_trusted, KT_F(name[c]), (unsigned long long)v->n_more);
        }
    }
    if (o->look == KT_LOOK_JSON)
        kt_out_close(o, ']');
}
