#include "algo/merge/numeric.h"

#include "algo/merge/aggregate.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define Z95 1.959963984540054
#define CLEARLY 0.005 /* the simpler of two models with weights stays unless the other predicts this much better */
#define MOST_ANEW 64  /* votes on an item, up to which robust weights are found anew for every vote left out */
#define ROUNDS_ANEW 8
/* The plain mean stays unless weights predict this much better. Votes predict votes: what many have in common, as a habit of saying 0, is
   predicted well by those who have it most, and nearer to the votes is then not nearer to the truth. Where sources really differ, the
   gain is ten times this; where it is smaller, the mean cannot be far behind. */
#define MEAN_STAYS 0.05
#define STILL 1e-9 /* stop when no value moves more, as a share of the spread of all */

struct fitting {
    const kt_numbers *v;
    const kt_numeric_opts *o;
    kt_numeric *r;
    double *weight;              /* n: of each vote, 1 unless it is far off */
    double *precision;           /* n_sources */
    double *sum, *by;            /* room for n_items or n_sources */
    double *worth, *freedom;     /* n_sources: Σ (1 - h), Σ (1 - h)² over its votes; h: share of the vote in its item */
    double spread;               /* variance of an average source's errors */
};

static kt_rc check(const kt_numbers *v, kt_err *err)
{
    for (size_t i = 0; i < v->n; i++) {
        if (v->item[i] >= v->n_items)
            return kt_fail(err, KT_RANGE, "vote %zu: item %u of %u items", i, v->item[i], v->n_items);
        if (v->source[i] >= v->n_sources)
            return kt_fail(err, KT_RANGE, "vote %zu: source %u of %u sources", i, v->source[i], v->n_sources);
        if (!isfinite(v->value[i]))
            return kt_fail(err, KT_RANGE, "vote %zu is not a finite number", i);
    }
    return 0;
}

/* Weighed means of the items; returns the largest move. */
static double set_values(struct fitting *f)
{
    const kt_numbers *v = f->v;
    double moved = 0;
    memset(f->sum, 0, v->n_items * sizeof(double));
    memset(f->by, 0, v->n_items * sizeof(double));
    for (size_t i = 0; i < v->n; i++) {
        double w = f->weight[i] * f->precision[v->source[i]];
        f->sum[v->item[i]] += w * (v->value[i] - f->r->bias[v->source[i]]);
        f->by[v->item[i]] += w;
    }
    for (size_t i = 0; i < v->n_items; i++)
        if (f->by[i] > 0) {
            moved = KT_MAX(moved, fabs(f->sum[i] / f->by[i] - f->r->value[i]));
            f->r->value[i] = f->sum[i] / f->by[i];
        }
    return moved;
}

static void set_biases(struct fitting *f)
{
    const kt_numbers *v = f->v;
    double all = 0;
    memset(f->sum, 0, v->n_sources * sizeof(double));
    memset(f->by, 0, v->n_sources * sizeof(double));
    for (size_t i = 0; i < v->n; i++) {
        f->sum[v->source[i]] += f->weight[i] * (v->value[i] - f->r->value[v->item[i]]);
        f->by[v->source[i]] += f->weight[i];
    }
    for (size_t s = 0; s < v->n_sources; s++) {
        f->r->bias[s] = f->sum[s] / (f->by[s] + f->o->shrink);
        all += f->r->n_said[s] * f->r->bias[s];
    }
    for (size_t s = 0; s < v->n_sources; s++)
        f->r->bias[s] -= v->n ? all / (double)v->n : 0;
}

/* A source's residuals also hold the error of the merged value, to which it added itself: a vote that makes up the share h of its
   item's weight has the expected square (1 - h) of its variance, so that is what its square is divided by. */
static void set_precisions(struct fitting *f)
{
    const kt_numbers *v = f->v;
    double *in_item = kt_zalloc_array(v->n_items, sizeof(*in_item)), squares = 0, free_votes = 0;
    memset(f->sum, 0, v->n_sources * sizeof(double));
    memset(f->worth, 0, v->n_sources * sizeof(double));
    memset(f->freedom, 0, v->n_sources * sizeof(double));
    for (size_t i = 0; i < v->n; i++)
        in_item[v->item[i]] += f->weight[i] * f->precision[v->source[i]];
    for (size_t i = 0; i < v->n; i++) {
        uint32_t s = v->source[i];
        double h = f->weight[i] * f->precision[s] / in_item[v->item[i]], r = v->value[i] - f->r->bias[s] - f->r->value[v->item[i]];
        f->sum[s] += f->weight[i] * r * r;
        f->worth[s] += 1 - h;
        f->freedom[s] += (1 - h) * (1 - h);
        squares += f->weight[i] * r * r;
        free_votes += 1 - h;
    }
    f->spread = free_votes > 1e-9 && squares > 0 ? squares / free_votes : 1;
    for (size_t s = 0; s < v->n_sources; s++) {
        double variance = (f->sum[s] + f->o->shrink * f->spread) / (f->worth[s] + f->o->shrink);
        f->precision[s] = 1 / KT_MAX(variance, 1e-6 * f->spread);
        f->r->sd[s] = sqrt(f->worth[s] > 1e-9 ? f->sum[s] / f->worth[s] : f->spread); /* told as measured, used with the pseudo-votes */
    }
    kt_free(in_item);
}

/* Student's t: (d + 1) / (d + r²), r in spreads of its source. */
static void set_weights(struct fitting *f)
{
    const kt_numbers *v = f->v;
    double d = f->o->robust;
    for (size_t i = 0; i < v->n; i++) {
        double r = v->value[i] - f->r->bias[v->source[i]] - f->r->value[v->item[i]];
        f->weight[i] = (d + 1) / (d + r * r * f->precision[v->source[i]]);
    }
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Votes item by item: those of item i are order[start[i]] .. order[start[i + 1] - 1]. start: n_items + 2. */
static void by_item(const kt_numbers *v, size_t *start, size_t *order)
{
    memset(start, 0, ((size_t)v->n_items + 2) * sizeof(*start));
    for (size_t i = 0; i < v->n; i++)
        start[v->item[i] + 2]++;
    for (size_t i = 2; i <= v->n_items; i++)
        start[i] += start[i - 1];
    for (size_t i = 0; i < v->n; i++)
        order[start[v->item[i] + 1]++] = i;
}

static void set_medians(struct fitting *f)
{
    const kt_numbers *v = f->v;
    size_t *start = kt_alloc_array((size_t)v->n_items + 2, sizeof(*start)), *order = kt_alloc_array(v->n, sizeof(*order));
    double *value = kt_alloc_array(v->n, sizeof(*value));
    by_item(v, start, order);
    for (size_t i = 0; i < v->n; i++)
        value[i] = v->value[order[i]];
    for (size_t i = 0; i < v->n_items; i++) {
        size_t n = start[i + 1] - start[i];
        double *x = value + start[i];
        if (n) {
            qsort(x, n, sizeof(*x), by_size);
            f->r->value[i] = (x[(n - 1) / 2] + x[n / 2]) / 2;
        }
    }
    kt_free(start);
    kt_free(order);
    kt_free(value);
}

static void set_intervals(struct fitting *f)
{
    const kt_numbers *v = f->v;
    kt_numeric *r = f->r;
    double *weight = kt_zalloc_array(v->n_items, sizeof(*weight)), d = f->o->robust;
    for (size_t i = 0; i < v->n; i++)
        weight[v->item[i]] += f->precision[v->source[i]];
    /* the information of a t with d degrees of freedom about its place is (d + 1) / (d + 3) of a normal one's */
    double part = f->o->method == KT_NUMERIC_PRECISION && d > 0 ? (d + 1) / (d + 3) : f->o->method == KT_NUMERIC_MEDIAN ? 2 / M_PI : 1;
    for (size_t i = 0; i < v->n_items; i++) {
        double half = weight[i] > 0 ? Z95 / sqrt(part * weight[i]) : NAN;
        r->ci[2 * i] = r->value[i] - half;
        r->ci[2 * i + 1] = r->value[i] + half;
    }
    for (size_t s = 0; s < v->n_sources; s++) {
        double n = r->n_said[s], dof = KT_MAX(f->freedom[s] * f->freedom[s] / KT_MAX(f->worth[s], 1e-9), 1); /* less, as the others' spreads are not known either */
        r->sd[s] = n > 0 ? r->sd[s] : NAN;
        double half = n > 0 ? Z95 * r->sd[s] / sqrt(part * KT_MAX(f->freedom[s], 1e-9)) : NAN; /* a vote tells as much as it did not move its item; biases of others are not known */
        r->bias[s] = n > 0 ? r->bias[s] : NAN;
        r->bias_ci[2 * s] = r->bias[s] - half;
        r->bias_ci[2 * s + 1] = r->bias[s] + half;
        kt_sd_interval(r->sd[s], dof, r->sd_ci + 2 * s);
    }
    kt_free(weight);
}

/* The item's value from its votes vote[0] .. but the one left out; robust weights are found anew, since they would have seen it. */
static double without(const struct fitting *f, const size_t *vote, size_t n, size_t left_out)
{
    const kt_numbers *v = f->v;
    double d = f->o->method == KT_NUMERIC_PRECISION ? f->o->robust : 0, at = f->r->value[v->item[vote[0]]];
    for (int round = 0; round < (d > 0 && n <= MOST_ANEW ? ROUNDS_ANEW : 1); round++) {
        double sum = 0, by = 0;
        for (size_t y = 0; y < n; y++) {
            uint32_t s = v->source[vote[y]];
            double x = v->value[vote[y]] - f->r->bias[s], w = f->o->method == KT_NUMERIC_MEAN ? 1 : f->precision[s];
            if (vote[y] == left_out)
                continue;
            w *= d > 0 ? (d + 1) / (d + (x - at) * (x - at) * f->precision[s]) : 1;
            sum += w * x;
            by += w;
        }
        at = sum / by;
    }
    return at;
}

/* How well a vote, as it was given, is predicted by the others on its item: whatever error the vote itself has, its own bias
   among it, a better merge is nearer. */
static double held_out(const struct fitting *f)
{
    const kt_numbers *v = f->v;
    size_t *start = kt_alloc_array((size_t)v->n_items + 2, sizeof(*start)), *order = kt_alloc_array(v->n, sizeof(*order));
    double squares = 0, n = 0;
    by_item(v, start, order);
    for (size_t i = 0; i < v->n_items; i++) {
        size_t m = start[i + 1] - start[i];
        for (size_t x = start[i]; m > 1 && x < start[i + 1]; x++) {
            double miss = v->value[order[x]] - without(f, order + start[i], m, order[x]);
            squares += miss * miss;
            n++;
        }
    }
    kt_free(start);
    kt_free(order);
    return n > 0 ? squares / n : NAN;
}

static void make(const kt_numbers *v, kt_arena *a, kt_numeric *r)
{
    *r = (kt_numeric){ .n_items = v->n_items, .n_sources = v->n_sources };
    r->value = kt_arena_array(a, v->n_items, sizeof(double));
    r->ci = kt_arena_array(a, v->n_items, 2 * sizeof(double));
    r->n_votes = kt_arena_array(a, v->n_items, sizeof(uint32_t));
    r->bias = kt_arena_array(a, v->n_sources, sizeof(double));
    r->bias_ci = kt_arena_array(a, v->n_sources, 2 * sizeof(double));
    r->sd = kt_arena_array(a, v->n_sources, sizeof(double));
    r->sd_ci = kt_arena_array(a, v->n_sources, 2 * sizeof(double));
    r->n_said = kt_arena_array(a, v->n_sources, sizeof(uint32_t));
    r->precision = kt_arena_array(a, v->n_sources, sizeof(double));
    for (size_t i = 0; i < v->n; i++) {
        r->n_votes[v->item[i]]++;
        r->n_said[v->source[i]]++;
    }
}

/* One method, not auto. */
static void fit_one(const kt_numbers *v, const kt_numeric_opts *o, kt_arena *a, kt_numeric *r)
{
    size_t room = KT_MAX(v->n_items, v->n_sources);
    bool weighed = o->method == KT_NUMERIC_PRECISION;
    struct fitting f = { .v = v, .o = o, .r = r, .weight = kt_alloc_array(v->n, sizeof(double)),
                         .sum = kt_alloc_array(room, sizeof(double)), .by = kt_alloc_array(room, sizeof(double)),
                         .worth = kt_zalloc_array(v->n_sources, sizeof(double)), .freedom = kt_zalloc_array(v->n_sources, sizeof(double)) };
    make(v, a, r);
    f.precision = r->precision;
    for (size_t i = 0; i < v->n; i++)
        f.weight[i] = 1;
    for (size_t s = 0; s < v->n_sources; s++)
        f.precision[s] = 1;
    set_values(&f);
    if (o->method != KT_NUMERIC_MEAN)
        set_medians(&f); /* for precision: a start that outliers cannot pull away */
    for (int32_t round = 0; round < (weighed ? o->n_iter : 1); round++) {
        if (o->bias && weighed)
            set_biases(&f);
        set_precisions(&f);
        if (!weighed)
            break;
        if (o->robust > 0)
            set_weights(&f);
        if (set_values(&f) < STILL * sqrt(f.spread))
            break;
    }
    r->method = (kt_numeric_method)o->method;
    r->robust = weighed ? o->robust : 0;
    r->bias_out = weighed && o->bias;
    r->held_out = held_out(&f);
    for (size_t i = 0; i < v->n_items; i++)
        r->value[i] = r->n_votes[i] ? r->value[i] : NAN;
    if (!weighed && o->bias) { /* told, not taken out */
        set_biases(&f);
        set_precisions(&f);
    }
    set_intervals(&f);
    kt_free(f.weight);
    kt_free(f.sum);
    kt_free(f.by);
    kt_free(f.worth);
    kt_free(f.freedom);
}

kt_rc kt_numeric_fit(const kt_numbers *v, const kt_numeric_opts *o, kt_arena *a, kt_numeric *ret, kt_err *err)
{
    static const kt_numeric_opts defaults = KT_NUMERIC_OPTS_INIT;
    o = o ? o : &defaults;
    KT_TRY(check(v, err));
    if (o->method != KT_NUMERIC_AUTO) {
        fit_one(v, o, a, ret);
        return 0;
    }
    kt_numeric best = { 0 };
    for (int x = 0; x < 5; x++) {
        kt_numeric_opts own = *o;
        kt_numeric r;
        if (!o->bias && (x == 2 || x == 4))
            continue;
        own.method = x == 0 ? KT_NUMERIC_MEAN : KT_NUMERIC_PRECISION;
        own.robust = x == 3 || x == 4 ? (o->robust > 0 ? o->robust : 4) : 0;
        own.bias = x == 0 || x == 2 || x == 4; /* the mean tells biases, and takes none out */
        fit_one(v, &own, a, &r);
        double least = best.method == KT_NUMERIC_MEAN ? MEAN_STAYS : CLEARLY;
        if (x == 0 || r.held_out < (1 - least) * best.held_out)
            best = r;
    }
    *ret = best;
    return 0;
}

static const char *const methods[] = { "auto", "precision", "mean", "median", NULL }, *const no_yes[] = { "no", "yes", NULL };
const kt_setting kt_numeric_options[] = {
    { "method", "weighed by precision, plain, or what predicts votes best", KT_SET_CHOICE, offsetof(kt_numeric_opts, method), 0, 0, methods },
    { "bias", "whether annotators may be too high or too low throughout", KT_SET_CHOICE, offsetof(kt_numeric_opts, bias), 0, 0, no_yes },
    { "robust", "degrees of freedom of Student's t for errors; 0: normal", KT_SET_FLOAT, offsetof(kt_numeric_opts, robust), 0, 1e6, NULL },
    { "n_iter", "most rounds", KT_SET_INT, offsetof(kt_numeric_opts, n_iter), 1, 100000, NULL },
    { "shrink", "votes of average precision that every annotator starts with", KT_SET_FLOAT, offsetof(kt_numeric_opts, shrink), 0, 1e6, NULL },
    { .name = NULL },
};
