/* Outlines. Every outline is its field of signed distances; the merged one is where their weighed mean is 0, which is the mean border
   wherever borders run alongside each other, and needs no corners that correspond. Distances are cut at a share of the size, so that one
   outline far off moves little. What a source's borders are off by is measured near the merged border: fields
   of a group are read once into their products there, from which the residuals for any weights follow. */
#include "algo/merge/regions_int.h"

#include "algo/merge/outline.h"
#include "base/mem.h"

#include <math.h>

#define CELLS 64     /* of the longer side */
#define MARGIN 3     /* cells around */
#define CUT 0.25     /* distances are cut at this share of the size */
#define SLACK 0.15   /* cells: corners that stand out less are left out */
#define WORTH 4.0    /* independent places of one border */
#define ROUNDS 10

typedef struct drawn {
    const kt_region_merging *m;
    double **product; /* of each group: n × n mean products of the fields near the border, as shares of the size squared */
    const double *precision;
    double **outline;
    size_t *corners;
    kt_arena *arena; /* of each group */
} drawn;

static size_t corners_of(const kt_region_answers *v, size_t r)
{
    return (v->start[r + 1] - v->start[r]) / 2;
}

static kt_rc check(const kt_region_answers *v, size_t r, kt_err *err)
{
    size_t n = v->start[r + 1] - v->start[r];
    if (n % 2 || n < 6)
        return kt_fail(err, KT_RANGE, "region %zu: an outline has three corners or more, x and y in turn, not %zu numbers", r, n);
    return 0;
}

static double alike(const kt_region_merging *m, size_t x, size_t y)
{
    const kt_region_answers *v = m->v;
    return kt_outline_iou(v->at + v->start[x], corners_of(v, x), v->at + v->start[y], corners_of(v, y));
}

/* The grid over a group, and its size: the root of the mean area. */
static kt_grid grid_of(const kt_region_merging *m, size_t g, double *ret_size)
{
    const kt_region_answers *v = m->v;
    double all[4] = { INFINITY, INFINITY, -INFINITY, -INFINITY }, area = 0;
    for (size_t x = m->group_start[g]; x < m->group_start[g + 1]; x++) {
        size_t r = m->in_group[x];
        double own[4];
        kt_outline_bounds(v->at + v->start[r], corners_of(v, r), own);
        for (int c = 0; c < 4; c++)
            all[c] = c < 2 ? KT_MIN(all[c], own[c]) : KT_MAX(all[c], own[c]);
        area += fabs(kt_outline_area(v->at + v->start[r], corners_of(v, r)));
    }
    double longer = KT_MAX(KT_MAX(all[2] - all[0], all[3] - all[1]), 1e-12), step = longer / CELLS;
    *ret_size = KT_MAX(sqrt(area / (double)(m->group_start[g + 1] - m->group_start[g])), 1e-12);
    return (kt_grid){ all[0] - MARGIN * step, all[1] - MARGIN * step, step, (uint32_t)ceil((all[2] - all[0]) / step) + 2 * MARGIN + 1,
                      (uint32_t)ceil((all[3] - all[1]) / step) + 2 * MARGIN + 1 };
}

static double *fields(const kt_region_merging *m, size_t g, const kt_grid *grid, double size)
{
    const kt_region_answers *v = m->v;
    size_t n = m->group_start[g + 1] - m->group_start[g], points = (size_t)grid->w * grid->h;
    double *ret = kt_alloc_array(n, points * sizeof(*ret));
    for (size_t x = 0; x < n; x++) {
        size_t r = m->in_group[m->group_start[g] + x];
        kt_outline_distance(v->at + v->start[r], corners_of(v, r), grid, KT_MAX(CUT * size, 2 * grid->step), ret + x * points);
    }
    return ret;
}

static void mean_field(double *field, size_t n, size_t points, const double *weight, double *ret)
{
    double all = 0;
    memset(ret, 0, points * sizeof(*ret));
    for (size_t x = 0; x < n; x++) {
        all += weight[x];
        for (size_t p = 0; p < points; p++)
            ret[p] += weight[x] * field[x * points + p];
    }
    for (size_t p = 0; p < points; p++)
        ret[p] /= all;
}

static void compare(void *ctx, size_t g)
{
    const drawn *d = ctx;
    const kt_region_merging *m = d->m;
    size_t n = m->group_start[g + 1] - m->group_start[g], near = 0;
    double size;
    if (n < 2)
        return;
    kt_grid grid = grid_of(m, g, &size);
    size_t points = (size_t)grid.w * grid.h;
    double *field = fields(m, g, &grid, size), *mean = kt_alloc_array(points, sizeof(*mean)), *even = kt_alloc_array(n, sizeof(*even));
    for (size_t x = 0; x < n; x++)
        even[x] = 1;
    mean_field(field, n, points, even, mean);
    double *product = d->product[g] = kt_zalloc_array(n * n, sizeof(*product));
    for (size_t p = 0; p < points; p++) {
        if (fabs(mean[p]) > grid.step)
            continue;
        near++;
        for (size_t x = 0; x < n; x++)
            for (size_t y = 0; y < n; y++)
                product[x * n + y] += field[x * points + p] * field[y * points + p];
    }
    for (size_t x = 0; x < n * n && near; x++)
        product[x] /= (double)near * size * size;
    kt_free(field);
    kt_free(mean);
    kt_free(even);
}

/* Mean square of the field of x less the mean weighed by w, whose sum is all. */
static double residual(const double *product, size_t n, size_t x, const double *w, double all)
{
    double cross = 0, square = 0;
    for (size_t y = 0; y < n; y++) {
        cross += w[y] * product[x * n + y] / all;
        for (size_t z = 0; z < n; z++)
            square += w[y] * w[z] * product[y * n + z] / (all * all);
    }
    return KT_MAX(product[x * n + x] - 2 * cross + square, 0);
}

static void measure(const drawn *d, double *precision, kt_regions *r)
{
    const kt_region_merging *m = d->m;
    uint32_t n_sources = m->v->n_sources;
    kt_region_residuals all_sources = kt_region_residuals_make(n_sources);
    double *w = kt_alloc_array(m->v->n, sizeof(*w));
    for (size_t g = 0; g < m->n_groups; g++) {
        size_t n = m->group_start[g + 1] - m->group_start[g];
        double all = 0;
        for (size_t x = 0; x < n; x++)
            all += w[x] = precision[kt_region_source(m->v, m->in_group[m->group_start[g] + x])];
        for (size_t x = 0; x < n && d->product[g]; x++) {
            uint32_t s = kt_region_source(m->v, m->in_group[m->group_start[g] + x]);
            kt_region_residual(&all_sources, s, WORTH * residual(d->product[g], n, x, w, all), WORTH, w[x] / all);
        }
    }
    kt_region_spreads(&all_sources, WORTH, n_sources, r, precision);
    kt_region_residuals_done(&all_sources);
    kt_free(w);
}

static void draw(void *ctx, size_t g)
{
    const drawn *d = ctx;
    const kt_region_merging *m = d->m;
    const kt_region_answers *v = m->v;
    size_t n = m->group_start[g + 1] - m->group_start[g], r = m->in_group[m->group_start[g]];
    if (n > 1) {
        double size, *weight = kt_alloc_array(n, sizeof(*weight));
        kt_grid grid = grid_of(m, g, &size);
        size_t points = (size_t)grid.w * grid.h;
        double *field = fields(m, g, &grid, size), *mean = kt_alloc_array(points, sizeof(*mean));
        for (size_t x = 0; x < n; x++)
            weight[x] = d->precision[kt_region_source(v, m->in_group[m->group_start[g] + x])];
        mean_field(field, n, points, weight, mean);
        d->outline[g] = kt_outline_trace(mean, &grid, SLACK * grid.step, &d->arena[g], &d->corners[g]);
        kt_free(weight);
        kt_free(field);
        kt_free(mean);
    }
    if (d->corners[g] == 0) { /* nothing to merge, or nothing left of it: the first as it was drawn */
        d->corners[g] = corners_of(v, r);
        d->outline[g] = kt_arena_alloc(&d->arena[g], 2 * d->corners[g] * sizeof(double));
        memcpy(d->outline[g], v->at + v->start[r], 2 * d->corners[g] * sizeof(double));
    }
}

static kt_rc place(const kt_region_merging *m, kt_arena *a, kt_regions *r, kt_err *err)
{
    (void)err;
    double *precision = kt_alloc_array(m->v->n_sources, sizeof(*precision));
    drawn d = { m, kt_zalloc_array(m->n_groups, sizeof(double *)), precision, kt_zalloc_array(m->n_groups, sizeof(double *)),
                kt_zalloc_array(m->n_groups, sizeof(size_t)), kt_zalloc_array(m->n_groups, sizeof(kt_arena)) };
    for (uint32_t s = 0; s < m->v->n_sources; s++)
        precision[s] = 1;
    kt_pool_run(m->pool, m->n_groups, compare, &d);
    for (int round = 0; round < ROUNDS; round++)
        measure(&d, precision, r);
    kt_pool_run(m->pool, m->n_groups, draw, &d);
    r->start = kt_arena_array(a, m->n_groups + 1, sizeof(size_t));
    for (size_t g = 0; g < m->n_groups; g++)
        r->start[g + 1] = r->start[g] + 2 * d.corners[g];
    r->at = kt_arena_array(a, r->start[m->n_groups], sizeof(double));
    for (size_t g = 0; g < m->n_groups; g++) {
        memcpy(r->at + r->start[g], d.outline[g], 2 * d.corners[g] * sizeof(double));
        kt_arena_done(&d.arena[g]);
        kt_free(d.product[g]);
    }
    kt_free(d.product);
    kt_free(d.outline);
    kt_free(d.corners);
    kt_free(d.arena);
    kt_free(precision);
    return 0;
}

const kt_region_shape kt_region_polygons = { .check = check, .alike = alike, .place = place };
