#include "algo/merge/regions.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define ROUNDS 10    /* of precisions and places */
#define LEAST_SD 1e-3
#define START_SD 0.05 /* share of the size; two regions of it stand behind every source's own */

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

static kt_rc check(const kt_region_answers *v, kt_err *err)
{
    if (v->n_numbers != 2 && v->n_numbers != 4)
        return kt_fail(err, KT_RANGE, "a region has 2 or 4 numbers, not %u", v->n_numbers);
    for (size_t q = 0; q < v->n_answers; q++)
        if (v->item[q] >= v->n_items || v->source[q] >= v->n_sources)
            return kt_fail(err, KT_RANGE, "answer %zu: item %u of %u, source %u of %u", q, v->item[q], v->n_items, v->source[q], v->n_sources);
    for (size_t r = 0; r < v->n; r++) {
        const double *at = v->at + r * v->n_numbers;
        if (v->answer[r] >= v->n_answers || v->label[r] < 0 || v->label[r] >= (int32_t)v->n_labels)
            return kt_fail(err, KT_RANGE, "region %zu: answer %zu of %zu, label %d of %u", r, v->answer[r], v->n_answers, v->label[r], v->n_labels);
        for (uint32_t x = 0; x < v->n_numbers; x++)
            if (!isfinite(at[x]))
                return kt_fail(err, KT_RANGE, "region %zu: %g is no place", r, at[x]);
        for (uint32_t axis = 0; axis < v->n_numbers / 2; axis++)
            if (side(at, v->n_numbers, axis) < 0)
                return kt_fail(err, KT_RANGE, "region %zu ends at %g, before its start at %g", r, at[axis + v->n_numbers / 2], at[axis]);
    }
    return 0;
}

/* Answers and regions, item by item. */
struct sorted {
    size_t *answer_start, *answers; /* n_items + 1; n_answers */
    size_t *region_start, *regions; /* n_items + 1; n */
};

static void by_item(const uint32_t *item, const size_t *of, size_t n, uint32_t n_items, size_t *start, size_t *order)
{
    memset(start, 0, ((size_t)n_items + 2) * sizeof(*start));
    for (size_t x = 0; x < n; x++)
        start[item[of ? of[x] : x] + 2]++;
    for (size_t i = 2; i <= n_items; i++)
        start[i] += start[i - 1];
    for (size_t x = 0; x < n; x++)
        order[start[item[of ? of[x] : x] + 1]++] = x;
}

struct pair {
    double overlap;
    uint32_t x, y; /* places within the item */
};

static int by_overlap(const void *a, const void *b)
{
    const struct pair *p = a, *q = b;
    if (p->overlap != q->overlap)
        return p->overlap < q->overlap ? 1 : -1;
    return p->x != q->x ? (p->x < q->x ? -1 : 1) : p->y < q->y ? -1 : p->y > q->y;
}

/* Joins the m regions of one item: group[x] is the first region of x's group. */
static void join(const kt_region_answers *v, const size_t *region, uint32_t m, double least, uint32_t *group)
{
    KT_VEC(struct pair) pairs = { 0 };
    for (uint32_t x = 0; x < m; x++) {
        group[x] = x;
        for (uint32_t y = x + 1; y < m; y++) {
            double overlap = kt_region_iou(v->at + region[x] * v->n_numbers, v->at + region[y] * v->n_numbers, v->n_numbers);
            if (overlap >= least && v->answer[region[x]] != v->answer[region[y]])
                KT_PUSH(&pairs, (struct pair){ overlap, x, y });
        }
    }
    if (pairs.n)
        qsort(pairs.v, pairs.n, sizeof(*pairs.v), by_overlap);
    for (size_t p = 0; p < pairs.n; p++) {
        uint32_t a = group[pairs.v[p].x], b = group[pairs.v[p].y];
        bool apart = a != b;
        for (uint32_t x = 0; x < m && apart; x++)
            for (uint32_t y = 0; y < m && apart && group[x] == a; y++)
                apart = group[y] != b || v->answer[region[x]] != v->answer[region[y]];
        for (uint32_t x = 0; x < m && apart; x++)
            if (group[x] == KT_MAX(a, b))
                group[x] = KT_MIN(a, b);
    }
    KT_VEC_DONE(&pairs);
}

struct merging {
    const kt_region_answers *v;
    struct sorted s;
    size_t *group;   /* of each region */
    size_t n_groups;
    uint32_t *item;  /* of each group */
    double *precision; /* n_sources */
};

static void make_groups(struct merging *m, const kt_region_opts *o)
{
    const kt_region_answers *v = m->v;
    uint32_t *first = kt_alloc_array(v->n, sizeof(*first));
    size_t *number = kt_alloc_array(v->n, sizeof(*number));
    for (uint32_t i = 0; i < v->n_items; i++) {
        const size_t *region = m->s.regions + m->s.region_start[i];
        uint32_t n = (uint32_t)(m->s.region_start[i + 1] - m->s.region_start[i]);
        join(v, region, n, o->overlap, first);
        for (uint32_t x = 0; x < n; x++) {
            if (first[x] == x) {
                number[x] = m->n_groups;
                m->item[m->n_groups++] = i;
            }
            m->group[region[x]] = number[first[x]];
        }
    }
    kt_free(first);
    kt_free(number);
}

/* Whether they are there and as what: a question for each group, put to all who looked; its last label is 'nothing there'. */
static kt_rc ask(const struct merging *m, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_region_answers *v = m->v;
    int32_t *said = kt_alloc_array(v->n_answers, sizeof(*said));
    KT_VEC(uint32_t) item = { 0 };
    KT_VEC(uint32_t) source = { 0 };
    KT_VEC(int32_t) label = { 0 };
    size_t *start = kt_alloc_array(m->n_groups + 2, sizeof(*start)), *order = kt_alloc_array(v->n, sizeof(*order));
    memset(start, 0, (m->n_groups + 2) * sizeof(*start));
    for (size_t r = 0; r < v->n; r++)
        start[m->group[r] + 2]++;
    for (size_t g = 2; g <= m->n_groups; g++)
        start[g] += start[g - 1];
    for (size_t r = 0; r < v->n; r++)
        order[start[m->group[r] + 1]++] = r;
    for (size_t g = 0; g < m->n_groups; g++) {
        uint32_t i = m->item[g];
        for (size_t x = m->s.answer_start[i]; x < m->s.answer_start[i + 1]; x++)
            said[m->s.answers[x]] = (int32_t)v->n_labels;
        for (size_t x = start[g]; x < start[g + 1]; x++)
            said[v->answer[order[x]]] = v->label[order[x]];
        for (size_t x = m->s.answer_start[i]; x < m->s.answer_start[i + 1]; x++) {
            KT_PUSH(&item, (uint32_t)g);
            KT_PUSH(&source, v->source[m->s.answers[x]]);
            KT_PUSH(&label, said[m->s.answers[x]]);
        }
    }
    kt_votes votes = { item.n, (uint32_t)m->n_groups, v->n_sources, v->n_labels + 1, item.v, source.v, label.v };
    kt_rc rc = kt_aggregate_auto.fit(&votes, NULL, NULL, pool, a, ret, err);
    kt_free(said);
    kt_free(start);
    kt_free(order);
    KT_VEC_DONE(&item);
    KT_VEC_DONE(&source);
    KT_VEC_DONE(&label);
    return rc;
}

static void take_answers(const struct merging *m, const kt_posterior *p, kt_regions *r)
{
    uint32_t k = m->v->n_labels;
    for (size_t g = 0; g < m->n_groups; g++) {
        const double *prob = p->prob + g * (k + 1);
        uint32_t best = 0;
        for (uint32_t c = 1; c < k; c++)
            best = prob[c] > prob[best] ? c : best;
        r->label[g] = (int32_t)best;
        r->prob[g] = 1 - prob[k];
        r->label_prob[g] = r->prob[g] > 0 ? KT_MIN(prob[best] / r->prob[g], 1) : 0;
        r->n_looked[g] = p->n_votes[g];
        r->kept[g] = r->prob[g] >= 0.5;
    }
    for (size_t x = 0; x < m->v->n; x++)
        r->n_for[m->group[x]]++;
}

/* Means of the places, weighed by precision. */
static void set_places(const struct merging *m, double *weight, kt_regions *r)
{
    const kt_region_answers *v = m->v;
    uint32_t d = v->n_numbers;
    memset(r->at, 0, m->n_groups * d * sizeof(double));
    memset(weight, 0, m->n_groups * sizeof(double));
    for (size_t x = 0; x < v->n; x++) {
        double w = m->precision[v->source[v->answer[x]]];
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
static void set_precisions(struct merging *m, const double *weight, kt_regions *r)
{
    const kt_region_answers *v = m->v;
    uint32_t d = v->n_numbers;
    double *sum = kt_zalloc_array(v->n_sources, sizeof(*sum)), *n = kt_zalloc_array(v->n_sources, sizeof(*n));
    for (size_t x = 0; x < v->n; x++) {
        size_t g = m->group[x];
        uint32_t s = v->source[v->answer[x]];
        if (r->n_for[g] < 2)
            continue;
        for (uint32_t c = 0; c < d; c++) {
            double size = KT_MAX(side(r->at + g * d, d, c % (d / 2)), 1e-12), off = (v->at[x * d + c] - r->at[g * d + c]) / size;
            sum[s] += off * off;
            n[s] += 1 - m->precision[s] / weight[g];
        }
    }
    for (uint32_t s = 0; s < v->n_sources; s++) {
        double variance = (sum[s] + 2 * d * START_SD * START_SD) / (n[s] + 2 * d);
        r->source_sd[s] = n[s] > 0 ? sqrt(variance) : NAN;
        m->precision[s] = 1 / KT_MAX(variance, LEAST_SD * LEAST_SD);
    }
    kt_free(sum);
    kt_free(n);
}

static void make(const kt_region_answers *v, kt_arena *a, kt_regions *r, size_t n)
{
    *r = (kt_regions){ .n = n };
    r->item = kt_arena_array(a, n, sizeof(uint32_t));
    r->label = kt_arena_array(a, n, sizeof(int32_t));
    r->at = kt_arena_array(a, n * v->n_numbers, sizeof(double));
    r->prob = kt_arena_array(a, n, sizeof(double));
    r->label_prob = kt_arena_array(a, n, sizeof(double));
    r->n_for = kt_arena_array(a, n, sizeof(uint32_t));
    r->n_looked = kt_arena_array(a, n, sizeof(uint32_t));
    r->kept = kt_arena_array(a, n, sizeof(bool));
    r->source_sd = kt_arena_array(a, v->n_sources, sizeof(double));
}

kt_rc kt_regions_merge(const kt_region_answers *v, const kt_region_opts *o, kt_pool *pool, kt_arena *a, kt_regions *ret, kt_err *err)
{
    static const kt_region_opts defaults = KT_REGION_OPTS_INIT;
    KT_TRY(check(v, err));
    KT_AUTO(kt_arena) own = KT_ARENA_INIT;
    struct merging m = { .v = v };
    m.s.answer_start = kt_arena_array(&own, (size_t)v->n_items + 2, sizeof(size_t));
    m.s.answers = kt_arena_array(&own, v->n_answers, sizeof(size_t));
    m.s.region_start = kt_arena_array(&own, (size_t)v->n_items + 2, sizeof(size_t));
    m.s.regions = kt_arena_array(&own, v->n, sizeof(size_t));
    m.group = kt_arena_array(&own, v->n, sizeof(size_t));
    m.item = kt_arena_array(&own, v->n, sizeof(uint32_t));
    m.precision = kt_arena_array(&own, v->n_sources, sizeof(double));
    by_item(v->item, NULL, v->n_answers, v->n_items, m.s.answer_start, m.s.answers);
    by_item(v->item, v->answer, v->n, v->n_items, m.s.region_start, m.s.regions);
    make_groups(&m, o ? o : &defaults);
    kt_regions r;
    kt_posterior p;
    KT_TRY(ask(&m, pool, a, &p, err));
    make(v, a, &r, m.n_groups);
    if (m.n_groups)
        memcpy(r.item, m.item, m.n_groups * sizeof(*r.item));
    take_answers(&m, &p, &r);
    r.source_accuracy = p.source_accuracy;
    r.source_ci = p.source_ci;
    double *weight = kt_arena_array(&own, m.n_groups, sizeof(double));
    for (uint32_t s = 0; s < v->n_sources; s++)
        m.precision[s] = 1;
    for (int round = 0; round < ROUNDS; round++) {
        set_places(&m, weight, &r);
        set_precisions(&m, weight, &r);
    }
    set_places(&m, weight, &r);
    *ret = r;
    return 0;
}
