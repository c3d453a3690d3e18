/* Resampling. A metric over groups gets the same groups with other counts: items are drawn by Walker's alias method (1977),
   one step a draw however many groups there are. A metric over votes gets the votes of the drawn items copied. Every
   replicate has its own generator, so it does not matter which thread makes it. */
#include "algo/agree/agreement_parts.h"

#include "base/mem.h"

#include <math.h>

/* Walker's table: group at stays with probability keep[at], else goes to other[at]. */
struct alias {
    size_t n;
    double *keep;
    uint32_t *other;
};

struct boot {
    const kt_agreement *m;
    const void *opt;
    uint32_t replicates;
    uint64_t seed;
    size_t parts;
    double *value; /* of each replicate */
    kt_rc *rc;     /* of each part */
    kt_err *err;   /* of each part */
    const kt_vote_groups *g;
    struct alias alias;
    uint64_t n_items; /* with votes */
    const kt_votes *v;
    size_t *start, *order; /* votes by item */
    uint32_t *voted;       /* n_items items with votes */
};

static struct alias alias_make(const double *weight, size_t n, double total)
{
    struct alias a = { n, kt_alloc_array(n + 1, sizeof(double)), kt_alloc_array(n + 1, sizeof(uint32_t)) };
    uint32_t *stack = kt_alloc_array(n + 1, sizeof(*stack));
    size_t small = 0, large = n;
    for (size_t i = 0; i < n; i++) {
        a.keep[i] = weight[i] * (double)n / total;
        a.other[i] = (uint32_t)i;
        if (a.keep[i] < 1)
            stack[small++] = (uint32_t)i;
        else
            stack[--large] = (uint32_t)i;
    }
    while (small > 0 && large < n) {
        uint32_t little = stack[--small], much = stack[large];
        a.other[little] = much;
        a.keep[much] -= 1 - a.keep[little];
        if (a.keep[much] < 1) {
            large++;
            stack[small++] = much;
        }
    }
    while (small > 0) /* left over by rounding */
        a.keep[stack[--small]] = 1;
    kt_free(stack);
    return a;
}

static void draw_groups(const struct boot *b, kt_rng *rng, uint32_t *times)
{
    memset(times, 0, b->g->n * sizeof(*times));
    for (uint64_t i = 0; i < b->n_items; i++) {
        uint64_t at = kt_rng_below(rng, b->alias.n);
        times[kt_rng_unit(rng) < b->alias.keep[at] ? at : b->alias.other[at]]++;
    }
}

static void groups_part(void *ctx, size_t part)
{
    struct boot *b = ctx;
    uint32_t *times = kt_alloc_array(b->g->n + 1, sizeof(*times));
    kt_vote_groups g = *b->g;
    g.times = times;
    for (uint32_t r = (uint32_t)part; r < b->replicates && b->rc[part] == 0; r += (uint32_t)b->parts) {
        kt_rng rng = kt_rng_keyed(b->seed, r, 0);
        kt_agree_result got = { .no_interval = true };
        kt_agree_undefined(&got);
        draw_groups(b, &rng, times);
        b->rc[part] = b->m->of_groups(&g, b->opt, NULL, &got, &b->err[part]);
        b->value[r] = got.value;
    }
    kt_free(times);
}

static void votes_part(void *ctx, size_t part)
{
    struct boot *b = ctx;
    const kt_votes *v = b->v;
    KT_VEC(uint32_t) item = { 0 };
    KT_VEC(uint32_t) source = { 0 };
    KT_VEC(int32_t) label = { 0 };
    for (uint32_t r = (uint32_t)part; r < b->replicates && b->rc[part] == 0; r += (uint32_t)b->parts) {
        kt_rng rng = kt_rng_keyed(b->seed, r, 0);
        kt_agree_result got = { .no_interval = true };
        item.n = source.n = label.n = 0;
        for (uint32_t i = 0; i < b->n_items; i++) {
            uint32_t drawn = b->voted[kt_rng_below(&rng, b->n_items)];
            for (size_t q = b->start[drawn]; q < b->start[drawn + 1]; q++) {
                KT_PUSH(&item, i);
                KT_PUSH(&source, v->source[b->order[q]]);
                KT_PUSH(&label, v->label[b->order[q]]);
            }
        }
        kt_votes w = { item.n, (uint32_t)b->n_items, v->n_sources, v->n_labels, item.v, source.v, label.v };
        b->rc[part] = kt_agreement_measure(b->m, &w, b->opt, NULL, &got, &b->err[part]);
        b->value[r] = got.value;
    }
    KT_VEC_DONE(&item);
    KT_VEC_DONE(&source);
    KT_VEC_DONE(&label);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t n, double p)
{
    double at = p * (double)(n - 1), below = floor(at);
    size_t i = (size_t)below;
    return i + 1 < n ? sorted[i] + (at - below) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static kt_rc settle(struct boot *b, double ret_ci95[2], kt_err *err)
{
    size_t n = 0;
    for (size_t p = 0; p < b->parts; p++)
        if (b->rc[p] < 0) {
            if (err)
                *err = b->err[p];
            return b->rc[p];
        }
    for (uint32_t r = 0; r < b->replicates; r++)
        if (!isnan(b->value[r]))
            b->value[n++] = b->value[r];
    if (2 * n <= b->replicates)
        return 0;
    qsort(b->value, n, sizeof(double), ascending);
    ret_ci95[0] = quantile(b->value, n, 0.025);
    ret_ci95[1] = quantile(b->value, n, 0.975);
    return 0;
}

static kt_rc run(struct boot *b, kt_pool *pool, void (*part)(void *, size_t), double ret_ci95[2], kt_err *err)
{
    b->parts = (size_t)kt_pool_size(pool);
    b->value = kt_zalloc_array((size_t)b->replicates + 1, sizeof(double));
    b->rc = kt_zalloc_array(b->parts, sizeof(kt_rc));
    b->err = kt_zalloc_array(b->parts, sizeof(kt_err));
    if (b->n_items > 0)
        kt_pool_run(pool, b->parts, part, b);
    else
        b->replicates = 0;
    kt_rc rc = settle(b, ret_ci95, err);
    kt_free(b->value);
    kt_free(b->rc);
    kt_free(b->err);
    return rc;
}

static kt_rc over_groups(struct boot *b, kt_pool *pool, double ret_ci95[2], kt_err *err)
{
    const kt_vote_groups *g = b->g;
    double *weight = kt_zalloc_array(g->n + 1, sizeof(*weight));
    for (size_t i = 0; i < g->n; i++)
        if (g->start[i + 1] > g->start[i]) {
            weight[i] = g->times ? g->times[i] : 1;
            b->n_items += g->times ? g->times[i] : 1;
        }
    b->alias = alias_make(weight, g->n, (double)b->n_items);
    kt_free(weight);
    kt_rc rc = run(b, pool, groups_part, ret_ci95, err);
    kt_free(b->alias.keep);
    kt_free(b->alias.other);
    return rc;
}

static kt_rc over_votes(struct boot *b, kt_pool *pool, double ret_ci95[2], kt_err *err)
{
    const kt_votes *v = b->v;
    KT_TRY(kt_votes_check(v, err));
    b->start = kt_alloc_array((size_t)v->n_items + 1, sizeof(size_t));
    b->order = kt_alloc_array(v->n + 1, sizeof(size_t));
    b->voted = kt_alloc_array((size_t)v->n_items + 1, sizeof(uint32_t));
    kt_votes_by_item(v, b->start, b->order);
    for (uint32_t i = 0; i < v->n_items; i++)
        if (b->start[i + 1] > b->start[i])
            b->voted[b->n_items++] = i;
    kt_rc rc = run(b, pool, votes_part, ret_ci95, err);
    kt_free(b->start);
    kt_free(b->order);
    kt_free(b->voted);
    return rc;
}

kt_rc kt_agreement_bootstrap(const kt_agreement *m, const kt_votes *v, const void *opt, uint32_t replicates, uint64_t seed, kt_pool *pool,
                             double ret_ci95[2], kt_err *err)
{
    struct boot b = { .m = m, .opt = opt ? opt : m->defaults, .replicates = replicates, .seed = seed, .v = v };
    ret_ci95[0] = ret_ci95[1] = NAN;
    if (!m->of_groups)
        return over_votes(&b, pool, ret_ci95, err);
    kt_vote_groups g;
    KT_TRY(kt_vote_groups_make(v, pool, &g, err));
    b.g = &g;
    kt_rc rc = over_groups(&b, pool, ret_ci95, err);
    kt_vote_groups_done(&g);
    return rc;
}
