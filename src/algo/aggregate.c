/* What the aggregators share: the table of the family, votes grouped by item, the parts of a pass, and the EM of methods
   whose votes speak only for their own label.

   A pass over the items is cut into parts by sizes alone; each part sums into its own table, and the tables are added in
   the order of the parts. So the threads that happen to run them cannot change a bit of the result. */
#include "algo/aggregate.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>

#define MOST_PARTS 32
#define PART_VOTES 8192
#define PARTS_DOUBLES ((size_t)8 << 20) /* all parts' tables together */
#define SHORT_ITEM 16                   /* votes whose product cannot leave the range of double */

const kt_aggregator *const kt_aggregators[] = {
#define KT_AGGREGATOR(name) &kt_aggregate_##name,
#include "algo/aggregators.def"
#undef KT_AGGREGATOR
    NULL,
};

const kt_aggregator *kt_aggregator_find(kt_str name)
{
    for (const kt_aggregator *const *a = kt_aggregators; *a; a++)
        if (kt_str_eq(name, kt_str_of((*a)->name)))
            return *a;
    return NULL;
}

kt_rc kt_aggregate_options(const kt_aggregator *m, kt_str text, void *opt, kt_err *err)
{
    kt_rc rc = kt_settings_set(m->options, text, opt, err);
    return rc < 0 ? kt_context(err, "%s", m->name) : 0;
}

kt_rc kt_ballot_make(const kt_votes *v, kt_arena *a, kt_ballot *ret, kt_err *err)
{
    KT_TRY(kt_votes_check(v, err));
    if (v->n >= UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu votes; a merge takes up to %u", v->n, UINT32_MAX - 1);
    kt_ballot b = { .n_items = v->n_items, .n_labels = v->n_labels, .n_sources = v->n_sources };
    b.start = kt_arena_array(a, (size_t)v->n_items + 2, sizeof(*b.start));
    uint32_t *at = b.start + 1; /* at[i]: votes of item i, then the place of its next vote, in the end start[i + 1] */
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        at[v->item[i]] += v->label[i] >= 0;
        n += v->label[i] >= 0;
    }
    uint32_t sum = 0;
    for (size_t i = 0; i < v->n_items; i++) {
        uint32_t m = at[i];
        b.most = KT_MAX(b.most, m);
        b.n_voted += m > 0;
        at[i] = sum;
        sum += m;
    }
    b.source = kt_arena_alloc(a, (n + 1) * sizeof(*b.source));
    b.label = kt_arena_alloc(a, (n + 1) * sizeof(*b.label));
    for (size_t i = 0; i < v->n; i++)
        if (v->label[i] >= 0) {
            uint32_t to = at[v->item[i]]++;
            b.source[to] = v->source[i];
            b.label[to] = v->label[i];
        }
    *ret = b;
    return 0;
}

size_t kt_ballot_parts(const kt_ballot *b, size_t table)
{
    size_t n = b->start[b->n_items] / PART_VOTES + 1;
    n = KT_MIN(n, PARTS_DOUBLES / (table + 1));
    n = KT_MIN(n, MOST_PARTS);
    return KT_MAX(n, 1);
}

uint32_t kt_ballot_part(const kt_ballot *b, size_t part, size_t parts)
{
    return (uint32_t)((uint64_t)b->n_items * part / parts);
}

void kt_posterior_make(const kt_ballot *b, kt_arena *a, kt_posterior *ret)
{
    *ret = (kt_posterior){ .n_items = b->n_items, .n_labels = b->n_labels, .n_sources = b->n_sources };
    ret->prob = kt_arena_array(a, (size_t)b->n_items * b->n_labels, sizeof(double));
    ret->label = kt_arena_array(a, b->n_items, sizeof(int32_t));
    ret->source_accuracy = kt_arena_array(a, b->n_sources, sizeof(double));
    ret->prior = kt_arena_array(a, b->n_labels, sizeof(double));
}

void kt_posterior_shares(const kt_ballot *b, const double *weight, kt_posterior *ret)
{
    uint32_t k = b->n_labels;
    memset(ret->prob, 0, (size_t)b->n_items * k * sizeof(double));
    memset(ret->prior, 0, k * sizeof(double));
    for (size_t i = 0; i < b->n_items; i++) {
        double *p = ret->prob + i * k, sum = 0;
        for (uint32_t q = b->start[i]; weight && q < b->start[i + 1]; q++) {
            p[b->label[q]] += weight[b->source[q]];
            sum += weight[b->source[q]];
        }
        if (!(sum > 0)) {
            sum = b->start[i + 1] - b->start[i];
            for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
                p[b->label[q]]++;
        }
        for (uint32_t c = 0; c < k; c++) {
            p[c] = sum > 0 ? p[c] / sum : 1.0 / k;
            ret->prior[c] += sum > 0 ? p[c] / b->n_voted : 0;
        }
    }
    for (uint32_t c = 0; b->n_voted == 0 && c < k; c++)
        ret->prior[c] = 1.0 / k;
}

void kt_posterior_labels(const kt_ballot *b, kt_posterior *ret)
{
    uint32_t k = b->n_labels;
    for (size_t i = 0; i < b->n_items; i++) {
        double *p = ret->prob + i * k;
        if (b->start[i] == b->start[i + 1]) {
            ret->label[i] = -1;
            if (k)
                memcpy(p, ret->prior, k * sizeof(double));
            continue;
        }
        uint32_t best = 0;
        for (uint32_t c = 1; c < k; c++)
            if (p[c] > p[best] * (1 + 1e-12)) /* equal up to the order of addition is a tie */
                best = c;
        ret->label[i] = (int32_t)best;
    }
}

void kt_posterior_agreement(const kt_ballot *b, kt_posterior *ret)
{
    uint32_t *n = kt_zalloc_array(b->n_sources, sizeof(*n));
    for (size_t s = 0; s < b->n_sources; s++)
        ret->source_accuracy[s] = 0;
    for (size_t i = 0; i < b->n_items; i++)
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            n[b->source[q]]++;
            ret->source_accuracy[b->source[q]] += b->label[q] == ret->label[i];
        }
    for (size_t s = 0; s < b->n_sources; s++)
        ret->source_accuracy[s] = n[s] ? ret->source_accuracy[s] / n[s] : NAN;
    kt_free(n);
}

struct own_pass {
    kt_own_em *e;
    const double *log_ratio, *log_prior; /* used where products might leave the range of double; log_ratio NULL: nowhere */
    bool always_log, count_only;
    size_t parts, width;
    double *table; /* parts × width: right, share */
};

static void own_posterior(const struct own_pass *w, uint32_t from, uint32_t to, double *p)
{
    const kt_own_em *e = w->e;
    uint32_t k = e->b->n_labels;
    double sum = 0;
    if (!w->always_log && to - from <= SHORT_ITEM) {
        for (uint32_t c = 0; c < k; c++)
            p[c] = e->prior[c];
        for (uint32_t q = from; q < to; q++)
            p[e->b->label[q]] *= e->ratio[e->cell[q]];
    } else {
        double top = -INFINITY;
        for (uint32_t c = 0; c < k; c++)
            p[c] = w->log_prior[c];
        for (uint32_t q = from; q < to; q++)
            p[e->b->label[q]] += w->log_ratio[e->cell[q]];
        for (uint32_t c = 0; c < k; c++)
            top = KT_MAX(top, p[c]);
        for (uint32_t c = 0; c < k; c++)
            p[c] = exp(p[c] - top);
    }
    for (uint32_t c = 0; c < k; c++)
        sum += p[c];
    for (uint32_t c = 0; c < k; c++)
        p[c] /= sum;
}

static void own_part(void *ctx, size_t part)
{
    const struct own_pass *w = ctx;
    const kt_ballot *b = w->e->b;
    uint32_t k = b->n_labels;
    double *right = w->table + part * w->width, *share = right + w->e->n_cells;
    memset(right, 0, w->width * sizeof(double));
    for (uint32_t i = kt_ballot_part(b, part, w->parts); i < kt_ballot_part(b, part + 1, w->parts); i++) {
        uint32_t from = b->start[i], to = b->start[i + 1];
        double *p = w->e->prob + (size_t)i * k;
        if (from == to)
            continue;
        if (!w->count_only)
            own_posterior(w, from, to, p);
        for (uint32_t q = from; q < to; q++)
            right[w->e->cell[q]] += p[b->label[q]];
        for (uint32_t c = 0; c < k; c++)
            share[c] += p[c];
    }
}

static void own_run(struct own_pass *w, kt_pool *pool)
{
    kt_own_em *e = w->e;
    w->width = e->n_cells + e->b->n_labels;
    w->parts = kt_ballot_parts(e->b, w->width);
    w->table = kt_alloc_array(w->parts * w->width, sizeof(double));
    kt_pool_run(pool, w->parts, own_part, w);
    memset(e->right, 0, e->n_cells * sizeof(double));
    memset(e->share, 0, e->b->n_labels * sizeof(double));
    for (size_t part = 0; part < w->parts; part++) {
        const double *t = w->table + part * w->width;
        for (size_t c = 0; c < e->n_cells; c++)
            e->right[c] += t[c];
        for (uint32_t c = 0; c < e->b->n_labels; c++)
            e->share[c] += t[e->n_cells + c];
    }
    kt_free(w->table);
}

void kt_own_em_count(kt_own_em *e, kt_pool *pool)
{
    struct own_pass w = { .e = e, .count_only = true };
    own_run(&w, pool);
}

void kt_own_em_round(kt_own_em *e, kt_pool *pool)
{
    double least = 1, most = 1;
    for (size_t c = 0; c < e->n_cells; c++) {
        least = KT_MIN(least, e->ratio[c]);
        most = KT_MAX(most, e->ratio[c]);
    }
    struct own_pass w = { .e = e, .always_log = least < 1e-15 || most > 1e15 };
    double *logs = NULL;
    if (w.always_log || e->b->most > SHORT_ITEM) {
        logs = kt_alloc_array(e->n_cells + e->b->n_labels, sizeof(double));
        for (size_t c = 0; c < e->n_cells; c++)
            logs[c] = log(e->ratio[c]);
        for (uint32_t c = 0; c < e->b->n_labels; c++)
            logs[e->n_cells + c] = log(e->prior[c]);
        w.log_ratio = logs;
        w.log_prior = logs + e->n_cells;
    }
    own_run(&w, pool);
    kt_free(logs);
}
