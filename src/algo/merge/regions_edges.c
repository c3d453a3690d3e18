/* Intervals and boxes: every edge is a number, merged like numbers: the mean weighed by the precision of the sources. */
#include "algo/merge/regions_int.h"

#include "base/mem.h"

#include <math.h>

#define ROUNDS 10 /* of precisions and places */

static double side(const double *x, uint32_t n, uint32_t axis)
{
    return x[axis + n / 2] - x[axis];
}

double kt_region_iou(const double *x, const double *y, uint32_t n)
{
    double both = 1, one = 1, other = 1;
    for (uint32_t axis = 0; axis < n / 2; axis++) {
        both *= KT_MAX(KT_MIN(x[axis + n / 2], y[axis + n / 2]) - KT_MAX(x[axis], y[axis]), 0);
        one *= side(x, n, axis);
        other *= side(y, n, axis);
    }
    double either = one + other - both;
    return either > 0 ? both / either : 0;
}

static kt_rc check(const kt_region_answers *v, size_t r, kt_err *err)
{
    const double *at = v->at + r * v->n_numbers;
    for (uint32_t axis = 0; axis < v->n_numbers / 2; axis++)
        if (side(at, v->n_numbers, axis) < 0)
            return kt_fail(err, KT_RANGE, "region %zu ends at %g, before its start at %g", r, at[axis + v->n_numbers / 2], at[axis]);
    return 0;
}

static double alike(const kt_region_merging *m, size_t x, size_t y)
{
    const kt_region_answers *v = m->v;
    return kt_region_iou(v->at + x * v->n_numbers, v->at + y * v->n_numbers, v->n_numbers);
}

/* Means of the places, weighed by precision. */
static void set_places(const kt_region_merging *m, const double *precision, double *weight, kt_regions *r)
{
    const kt_region_answers *v = m->v;
    uint32_t d = v->n_numbers;
    memset(r->at, 0, m->n_groups * d * sizeof(double));
    memset(weight, 0, m->n_groups * sizeof(double));
    for (size_t x = 0; x < v->n; x++) {
        double w = precision[kt_region_source(v, x)];
        weight[m->group[x]] += w;
        for (uint32_t c = 0; c < d; c++)
            r->at[m->group[x] * d + c] += w * v->at[x * d + c];
    }
    for (size_t g = 0; g < m->n_groups; g++)
        for (uint32_t c = 0; c < d; c++)
            r->at[g * d + c] /= weight[g];
}

/* Spread of each source's edges around the places, as a share of the size; regions that nobody else drew say nothing. A region
   that makes up the share h of its place's weight has moved the place: its square is (1 - h) of its variance. */
static void set_precisions(const kt_region_merging *m, double *precision, const double *weight, kt_regions *r)
{
    const kt_region_answers *v = m->v;
    uint32_t d = v->n_numbers;
    kt_region_residuals all = kt_region_residuals_make(v->n_sources);
    for (size_t x = 0; x < v->n; x++) {
        size_t g = m->group[x];
        uint32_t s = kt_region_source(v, x);
        if (r->n_for[g] < 2)
            continue;
        for (uint32_t c = 0; c < d; c++) {
            double size = KT_MAX(side(r->at + g * d, d, c % (d / 2)), 1e-12), off = (v->at[x * d + c] - r->at[g * d + c]) / size;
            kt_region_residual(&all, s, off * off, 1, precision[s] / weight[g]);
        }
    }
    kt_region_spreads(&all, 2 * d, v->n_sources, r, precision);
    kt_region_residuals_done(&all);
}

static kt_rc place(const kt_region_merging *m, kt_arena *a, kt_regions *r, kt_err *err)
{
    (void)err;
    double *weight = kt_alloc_array(m->n_groups, sizeof(*weight)), *precision = kt_alloc_array(m->v->n_sources, sizeof(*precision));
    r->at = kt_arena_array(a, m->n_groups * m->v->n_numbers, sizeof(double));
    for (uint32_t s = 0; s < m->v->n_sources; s++)
        precision[s] = 1;
    for (int round = 0; round < ROUNDS; round++) {
        set_places(m, precision, weight, r);
        set_precisions(m, precision, weight, r);
    }
    set_places(m, precision, weight, r);
    kt_free(weight);
    kt_free(precision);
    return 0;
}

const kt_region_shape kt_region_edges = { .check = check, .alike = alike, .place = place };
