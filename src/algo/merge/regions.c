/* What merging regions has in common: who drew the same one (greedy, most alike first, as ClusterVote and weighted box fusion do it),
   and whether it is there and as what: a question to everybody who looked, merged as labels are. Places are the form's business. */
#include "algo/merge/regions_int.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

static const kt_region_shape *const shapes[] = {
    [KT_REGION_EDGES] = &kt_region_edges, [KT_REGION_POLYGONS] = &kt_region_polygons, [KT_REGION_KEYPOINTS] = &kt_region_keypoints,
};

static kt_rc check(const kt_region_answers *v, kt_err *err)
{
    if (v->form == KT_REGION_EDGES && v->n_numbers != 2 && v->n_numbers != 4)
        return kt_fail(err, KT_RANGE, "a region has 2 or 4 numbers, not %u", v->n_numbers);
    if (v->form == KT_REGION_KEYPOINTS && (v->n_numbers == 0 || v->n_numbers % 3))
        return kt_fail(err, KT_RANGE, "keypoints have three numbers each, not %u in all", v->n_numbers);
    for (size_t q = 0; q < v->n_answers; q++)
        if (v->item[q] >= v->n_items || v->source[q] >= v->n_sources)
            return kt_fail(err, KT_RANGE, "answer %zu: item %u of %u, source %u of %u", q, v->item[q], v->n_items, v->source[q], v->n_sources);
    for (size_t r = 0; r < v->n; r++) {
        size_t from = v->start ? v->start[r] : r * v->n_numbers, to = v->start ? v->start[r + 1] : (r + 1) * v->n_numbers;
        if (v->answer[r] >= v->n_answers || v->label[r] < 0 || v->label[r] >= (int32_t)v->n_labels)
            return kt_fail(err, KT_RANGE, "region %zu: answer %zu of %zu, label %d of %u", r, v->answer[r], v->n_answers, v->label[r], v->n_labels);
        if (from > to)
            return kt_fail(err, KT_RANGE, "region %zu ends before it starts", r);
        for (size_t x = from; x < to; x++)
            if (!isfinite(v->at[x]))
                return kt_fail(err, KT_RANGE, "region %zu: %g is no place", r, v->at[x]);
        KT_TRY(shapes[v->form]->check(v, r, err));
    }
    return 0;
}

/* Numbers 0 .. n - 1 in the order of key[x], or key[of[x]]; start: n_keys + 2. */
static void sort_by(const uint32_t *key, const size_t *of, size_t n, size_t n_keys, size_t *start, size_t *order)
{
    memset(start, 0, (n_keys + 2) * sizeof(*start));
    for (size_t x = 0; x < n; x++)
        start[key[of ? of[x] : x] + 2]++;
    for (size_t i = 2; i <= n_keys; i++)
        start[i] += start[i - 1];
    for (size_t x = 0; x < n; x++)
        order[start[key[of ? of[x] : x] + 1]++] = x;
}

struct pair {
    double alike;
    uint32_t x, y; /* places within the item */
};

static int by_likeness(const void *a, const void *b)
{
    const struct pair *p = a, *q = b;
    if (p->alike != q->alike)
        return p->alike < q->alike ? 1 : -1;
    return p->x != q->x ? (p->x < q->x ? -1 : 1) : p->y < q->y ? -1 : p->y > q->y;
}

/* Joins the m regions of one item: group[x] is the first region of x's group. */
static void join(const kt_region_merging *w, const size_t *region, uint32_t m, uint32_t *group)
{
    const kt_region_answers *v = w->v;
    KT_VEC(struct pair) pairs = { 0 };
    for (uint32_t x = 0; x < m; x++) {
        group[x] = x;
        for (uint32_t y = x + 1; y < m; y++) {
            if (v->answer[region[x]] == v->answer[region[y]])
                continue;
            double alike = shapes[v->form]->alike(w, region[x], region[y]);
            if (alike >= w->o.overlap)
                KT_PUSH(&pairs, (struct pair){ alike, x, y });
        }
    }
    if (pairs.n)
        qsort(pairs.v, pairs.n, sizeof(*pairs.v), by_likeness);
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

static void make_groups(kt_region_merging *m, kt_arena *a)
{
    const kt_region_answers *v = m->v;
    uint32_t *first = kt_alloc_array(v->n, sizeof(*first));
    size_t *number = kt_alloc_array(v->n, sizeof(*number));
    for (uint32_t i = 0; i < v->n_items; i++) {
        const size_t *region = m->regions + m->region_start[i];
        uint32_t n = (uint32_t)(m->region_start[i + 1] - m->region_start[i]);
        join(m, region, n, first);
        for (uint32_t x = 0; x < n; x++) {
            if (first[x] == x) {
                number[x] = m->n_groups;
                m->item[m->n_groups++] = i;
            }
            m->group[region[x]] = number[first[x]];
        }
    }
    m->group_start = kt_arena_array(a, m->n_groups + 2, sizeof(size_t));
    for (size_t r = 0; r < v->n; r++)
        m->group_start[m->group[r] + 2]++;
    for (size_t g = 2; g <= m->n_groups; g++)
        m->group_start[g] += m->group_start[g - 1];
    for (size_t r = 0; r < v->n; r++)
        m->in_group[m->group_start[m->group[r] + 1]++] = r;
    kt_free(first);
    kt_free(number);
}

/* Whether they are there and as what: a question for each group, put to all who looked; its last label is 'nothing there'. */
static kt_rc ask(const kt_region_merging *m, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_region_answers *v = m->v;
    int32_t *said = kt_alloc_array(v->n_answers, sizeof(*said));
    KT_VEC(uint32_t) item = { 0 };
    KT_VEC(uint32_t) source = { 0 };
    KT_VEC(int32_t) label = { 0 };
    for (size_t g = 0; g < m->n_groups; g++) {
        uint32_t i = m->item[g];
        for (size_t x = m->answer_start[i]; x < m->answer_start[i + 1]; x++)
            said[m->answers[x]] = (int32_t)v->n_labels;
        for (size_t x = m->group_start[g]; x < m->group_start[g + 1]; x++)
            said[v->answer[m->in_group[x]]] = v->label[m->in_group[x]];
        for (size_t x = m->answer_start[i]; x < m->answer_start[i + 1]; x++) {
            KT_PUSH(&item, (uint32_t)g);
            KT_PUSH(&source, v->source[m->answers[x]]);
            KT_PUSH(&label, said[m->answers[x]]);
        }
    }
    kt_votes votes = { item.n, (uint32_t)m->n_groups, v->n_sources, v->n_labels + 1, item.v, source.v, label.v };
    kt_rc rc = kt_aggregate_auto.fit(&votes, NULL, NULL, m->pool, a, ret, err);
    kt_free(said);
    KT_VEC_DONE(&item);
    KT_VEC_DONE(&source);
    KT_VEC_DONE(&label);
    return rc;
}

static void take_answers(const kt_region_merging *m, const kt_posterior *p, kt_regions *r)
{
    uint32_t k = m->v->n_labels;
    for (size_t g = 0; g < m->n_groups; g++) {
        const double *prob = p->prob + g * (k + 1);
        uint32_t best = 0;
        for (uint32_t c = 1; c < k; c++)
            best = prob[c] > prob[best] ? c : best;
        r->item[g] = m->item[g];
        r->label[g] = (int32_t)best;
        r->prob[g] = 1 - prob[k];
        r->label_prob[g] = r->prob[g] > 0 ? KT_MIN(prob[best] / r->prob[g], 1) : 0;
        r->n_looked[g] = p->n_votes[g];
        r->n_for[g] = (uint32_t)(m->group_start[g + 1] - m->group_start[g]);
        r->kept[g] = r->prob[g] >= 0.5;
    }
    r->source_accuracy = p->source_accuracy;
    r->source_ci = p->source_ci;
}

kt_region_residuals kt_region_residuals_make(uint32_t n_sources)
{
    double *all = kt_zalloc_array(n_sources, 3 * sizeof(*all));
    return (kt_region_residuals){ all, all + n_sources, all + 2 * (size_t)n_sources };
}

void kt_region_residuals_done(kt_region_residuals *r)
{
    kt_free(r->squares);
}

void kt_region_residual(kt_region_residuals *r, uint32_t source, double square, double dimensions, double share)
{
    r->squares[source] += square;
    r->worth[source] += dimensions * (1 - share);
    r->freedom[source] += dimensions * (1 - share) * (1 - share);
}

void kt_region_spreads(const kt_region_residuals *x, double prior, uint32_t n_sources, kt_regions *r, double *ret_precision)
{
    for (uint32_t s = 0; s < n_sources; s++) {
        double variance = (x->squares[s] + prior * KT_REGION_START_SD * KT_REGION_START_SD) / (x->worth[s] + prior);
        r->source_sd[s] = x->worth[s] > 1e-9 ? sqrt(x->squares[s] / x->worth[s]) : NAN;
        kt_sd_interval(r->source_sd[s], x->freedom[s], r->source_sd_ci + 2 * s);
        r->source_precision[s] = ret_precision[s] = 1 / KT_MAX(variance, KT_REGION_LEAST_SD * KT_REGION_LEAST_SD);
    }
}

static void make(const kt_region_answers *v, kt_arena *a, kt_regions *r, size_t n)
{
    *r = (kt_regions){ .n = n };
    r->item = kt_arena_array(a, n, sizeof(uint32_t));
    r->label = kt_arena_array(a, n, sizeof(int32_t));
    r->prob = kt_arena_array(a, n, sizeof(double));
    r->label_prob = kt_arena_array(a, n, sizeof(double));
    r->n_for = kt_arena_array(a, n, sizeof(uint32_t));
    r->n_looked = kt_arena_array(a, n, sizeof(uint32_t));
    r->kept = kt_arena_array(a, n, sizeof(bool));
    r->source_sd = kt_arena_array(a, v->n_sources, sizeof(double));
    r->source_sd_ci = kt_arena_array(a, v->n_sources, 2 * sizeof(double));
    r->source_precision = kt_arena_array(a, v->n_sources, sizeof(double));
}

kt_rc kt_regions_merge(const kt_region_answers *v, const kt_region_opts *o, kt_pool *pool, kt_arena *a, kt_regions *ret, kt_err *err)
{
    static const kt_region_opts defaults = KT_REGION_OPTS_INIT;
    KT_TRY(check(v, err));
    KT_AUTO(kt_arena) own = KT_ARENA_INIT;
    kt_region_merging m = { .v = v, .o = o ? *o : defaults, .pool = pool };
    m.answer_start = kt_arena_array(&own, (size_t)v->n_items + 2, sizeof(size_t));
    m.answers = kt_arena_array(&own, v->n_answers, sizeof(size_t));
    m.region_start = kt_arena_array(&own, (size_t)v->n_items + 2, sizeof(size_t));
    m.regions = kt_arena_array(&own, v->n, sizeof(size_t));
    m.group = kt_arena_array(a, v->n, sizeof(size_t));
    m.in_group = kt_arena_array(&own, v->n, sizeof(size_t));
    m.item = kt_arena_array(&own, v->n, sizeof(uint32_t));
    sort_by(v->item, NULL, v->n_answers, v->n_items, m.answer_start, m.answers);
    sort_by(v->item, v->answer, v->n, v->n_items, m.region_start, m.regions);
    make_groups(&m, &own);
    kt_regions r;
    kt_posterior p;
    KT_TRY(ask(&m, a, &p, err));
    make(v, a, &r, m.n_groups);
    take_answers(&m, &p, &r);
    r.of = m.group;
    KT_TRY(shapes[v->form]->place(&m, a, &r, err));
    *ret = r;
    return 0;
}

const kt_setting kt_region_options[] = {
    { "overlap", "least intersection over union of regions that are the same one", KT_SET_FLOAT, offsetof(kt_region_opts, overlap), 0.01, 1, NULL },
    { .name = NULL },
};
const kt_setting kt_keypoint_options[] = {
    { "overlap", "least object keypoint similarity of skeletons that are the same one", KT_SET_FLOAT, offsetof(kt_region_opts, overlap), 0.01, 1, NULL },
    { "sigma", "how far apart two good points are, as a share of the object's size", KT_SET_FLOAT, offsetof(kt_region_opts, sigma), 1e-4, 10, NULL },
    { .name = NULL },
};
