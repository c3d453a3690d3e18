/* Skeletons of numbered points. Two are alike by object keypoint similarity (COCO: mean of exp(-d² / (2 s² k²)) over the points that
   both have, s² the area of their boxes, k twice sigma). A point's place is the mean weighed by the sources' precision, votes far off
   counting less (Student's t, 4 degrees of freedom); whether it is there, hidden or seen is a question of its own, merged by auto. */
#include "algo/merge/regions_int.h"

#include "base/mem.h"

#include <math.h>

#define ROUNDS 20
#define FREEDOM 4.0

static kt_rc check(const kt_region_answers *v, size_t r, kt_err *err)
{
    for (uint32_t x = 2; x < v->n_numbers; x += 3) {
        double seen = v->at[r * v->n_numbers + x];
        if (seen != 0 && seen != 1 && seen != 2) {
            kt_fail(err, KT_RANGE, "region %zu, point %u: %g says nothing about being seen", r, x / 3, seen);
            kt_hint(err, "0: the point is not there, 1: hidden, 2: seen");
            return KT_RANGE;
        }
    }
    return 0;
}

static double area_of(const double *at, uint32_t n)
{
    double box[4] = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (uint32_t x = 0; x < n; x += 3)
        for (int c = 0; c < 4 && at[x + 2] > 0; c++)
            box[c] = c < 2 ? KT_MIN(box[c], at[x + (uint32_t)c]) : KT_MAX(box[c], at[x + (uint32_t)c - 2]);
    return box[2] >= box[0] ? (box[2] - box[0]) * (box[3] - box[1]) : 0;
}

static double alike(const kt_region_merging *m, size_t x, size_t y)
{
    uint32_t d = m->v->n_numbers, both = 0;
    const double *a = m->v->at + x * d, *b = m->v->at + y * d;
    double area = KT_MAX(area_of(a, d), area_of(b, d)), k = 2 * m->o.sigma, sum = 0;
    for (uint32_t p = 0; p < d; p += 3) {
        if (a[p + 2] == 0 || b[p + 2] == 0)
            continue;
        double dx = a[p] - b[p], dy = a[p + 1] - b[p + 1], off = dx * dx + dy * dy;
        sum += area > 0 ? exp(-off / (2 * area * k * k)) : off == 0;
        both++;
    }
    return both ? sum / both : 0;
}

typedef struct points {
    const kt_region_merging *m;
    double *size;      /* of each group: root of the mean area */
    double *weight;    /* n × points: for being far off */
    double *total;     /* groups × points: Σ weight × precision */
    double *precision; /* n_sources */
    uint32_t n;
} points;

static void set_places(const points *w, kt_regions *r)
{
    const kt_region_answers *v = w->m->v;
    memset(r->at, 0, w->m->n_groups * v->n_numbers * sizeof(double));
    memset(w->total, 0, w->m->n_groups * w->n * sizeof(double));
    for (size_t x = 0; x < v->n; x++)
        for (uint32_t p = 0; p < w->n; p++) {
            const double *at = v->at + x * v->n_numbers + 3 * p;
            size_t g = w->m->group[x] * w->n + p;
            double weight = at[2] > 0 ? w->weight[x * w->n + p] * w->precision[kt_region_source(v, x)] : 0;
            w->total[g] += weight;
            r->at[3 * g] += weight * at[0];
            r->at[3 * g + 1] += weight * at[1];
        }
    for (size_t g = 0; g < w->m->n_groups * w->n; g++)
        for (int c = 0; c < 2; c++)
            r->at[3 * g + (size_t)c] = w->total[g] > 0 ? r->at[3 * g + (size_t)c] / w->total[g] : NAN;
}

/* New weights and precisions from the residuals. */
static void set_precisions(const points *w, kt_regions *r)
{
    const kt_region_answers *v = w->m->v;
    kt_region_residuals all = kt_region_residuals_make(v->n_sources);
    for (size_t x = 0; x < v->n; x++)
        for (uint32_t p = 0; p < w->n; p++) {
            const double *at = v->at + x * v->n_numbers + 3 * p;
            size_t g = w->m->group[x] * w->n + p;
            uint32_t s = kt_region_source(v, x);
            double *weight = &w->weight[x * w->n + p], share = *weight * w->precision[s] / KT_MAX(w->total[g], 1e-300);
            if (at[2] == 0 || share > 1 - 1e-9)
                continue;
            double dx = (at[0] - r->at[3 * g]) / w->size[w->m->group[x]], dy = (at[1] - r->at[3 * g + 1]) / w->size[w->m->group[x]], square = dx * dx + dy * dy;
            kt_region_residual(&all, s, *weight * square, 2, share);
            *weight = (FREEDOM + 2) / (FREEDOM + square * w->precision[s]);
        }
    kt_region_spreads(&all, 4, v->n_sources, r, w->precision);
    kt_region_residuals_done(&all);
}

/* Whether each point is there, hidden or seen, asked of those who drew the skeleton. */
static kt_rc ask_seen(const points *w, kt_regions *r, kt_err *err)
{
    const kt_region_answers *v = w->m->v;
    KT_AUTO(kt_arena) own = KT_ARENA_INIT;
    size_t n = v->n * w->n, groups = w->m->n_groups * w->n;
    uint32_t *item = kt_arena_array(&own, n, sizeof(*item)), *source = kt_arena_array(&own, n, sizeof(*source));
    int32_t *label = kt_arena_array(&own, n, sizeof(*label));
    kt_posterior p;
    if (groups > UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu keypoints are more than fit", groups);
    for (size_t x = 0; x < n; x++) {
        item[x] = (uint32_t)(w->m->group[x / w->n] * w->n + x % w->n);
        source[x] = kt_region_source(v, x / w->n);
        label[x] = (int32_t)v->at[3 * x + 2];
    }
    kt_votes votes = { n, (uint32_t)groups, v->n_sources, 3, item, source, label };
    KT_TRY(kt_aggregate_auto.fit(&votes, NULL, NULL, w->m->pool, &own, &p, err));
    if (groups)
        memcpy(r->seen, p.prob, groups * 3 * sizeof(double));
    for (size_t g = 0; g < groups; g++)
        r->at[3 * g + 2] = p.label[g];
    return 0;
}

static kt_rc place(const kt_region_merging *m, kt_arena *a, kt_regions *r, kt_err *err)
{
    const kt_region_answers *v = m->v;
    points w = { .m = m, .n = v->n_numbers / 3 };
    w.size = kt_zalloc_array(m->n_groups, sizeof(double));
    w.weight = kt_alloc_array(v->n * w.n, sizeof(double));
    w.total = kt_alloc_array(m->n_groups * w.n, sizeof(double));
    w.precision = kt_alloc_array(v->n_sources, sizeof(double));
    r->at = kt_arena_array(a, m->n_groups * v->n_numbers, sizeof(double));
    r->seen = kt_arena_array(a, m->n_groups * v->n_numbers, sizeof(double));
    for (size_t x = 0; x < v->n; x++)
        w.size[m->group[x]] += area_of(v->at + x * v->n_numbers, v->n_numbers) / r->n_for[m->group[x]];
    for (size_t g = 0; g < m->n_groups; g++)
        w.size[g] = KT_MAX(sqrt(w.size[g]), 1e-12);
    for (size_t x = 0; x < v->n * w.n; x++)
        w.weight[x] = 1;
    for (uint32_t s = 0; s < v->n_sources; s++)
        w.precision[s] = 1 / (KT_REGION_START_SD * KT_REGION_START_SD);
    for (int round = 0; round < ROUNDS; round++) {
        set_places(&w, r);
        set_precisions(&w, r);
    }
    set_places(&w, r);
    kt_rc rc = ask_seen(&w, r, err);
    kt_free(w.size);
    kt_free(w.weight);
    kt_free(w.total);
    kt_free(w.precision);
    return rc;
}

const kt_region_shape kt_region_keypoints = { .check = check, .alike = alike, .place = place };
