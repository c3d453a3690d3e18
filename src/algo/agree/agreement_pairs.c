/* Metrics of two sources over many: the answers of each pair of sources are brought together, one source at a time, so that
   memory holds the votes of one source against all others and no table of sources × sources. */
#include "algo/agree/agreement_parts.h"

#include "algo/merge/vote_index.h"
#include "base/mem.h"

#include <math.h>

#define MOST_MEETINGS ((size_t)1 << 31) /* votes of one source against all others */

struct meeting {
    const kt_votes *v;
    kt_vote_index x;
    size_t *start;  /* n_sources + 1: where each other source's answers stand in a and b */
    int32_t *a, *b; /* what the source at hand and the other said */
    size_t cap;
};

static void group(struct meeting *w)
{
    kt_vote_index_make(w->v, &w->x);
    w->start = kt_zalloc_array((size_t)w->v->n_sources + 2, sizeof(size_t));
}

/* Walks the pairs of votes of source s and a later one; counts them into start[t + 1], or writes them where start says. */
static void walk(struct meeting *w, uint32_t s, bool write)
{
    const kt_votes *v = w->v;
    for (size_t q = w->x.source_start[s]; q < w->x.source_start[s + 1]; q++) {
        size_t mine = w->x.source_order[q];
        uint32_t item = v->item[mine];
        if (v->label[mine] < 0)
            continue;
        for (size_t o = w->x.item_start[item]; o < w->x.item_start[item + 1]; o++) {
            size_t other = w->x.item_order[o];
            uint32_t t = v->source[other];
            if (t <= s || v->label[other] < 0)
                continue;
            if (!write) {
                w->start[t + 1]++;
                continue;
            }
            w->a[w->start[t]] = v->label[mine];
            w->b[w->start[t]++] = v->label[other];
        }
    }
}

/* Brings source s together with the later ones: answers with t are a, b from start[t] to start[t + 1]. */
static kt_rc meet(struct meeting *w, uint32_t s, kt_err *err)
{
    uint32_t n = w->v->n_sources;
    memset(w->start, 0, ((size_t)n + 2) * sizeof(size_t));
    walk(w, s, false);
    for (uint32_t t = 0; t < n; t++)
        w->start[t + 1] += w->start[t];
    if (w->start[n] > MOST_MEETINGS)
        return kt_fail(err, KT_LIMIT, "one source shares %zu votes with others; up to %zu fit", w->start[n], MOST_MEETINGS);
    if (w->start[n] > w->cap) {
        w->cap = w->start[n];
        w->a = kt_realloc(w->a, w->cap * sizeof(int32_t));
        w->b = kt_realloc(w->b, w->cap * sizeof(int32_t));
    }
    walk(w, s, true); /* moves each start to the next one's place */
    for (uint32_t t = n; t > 0; t--)
        w->start[t] = w->start[t - 1];
    w->start[0] = 0;
    return 0;
}

/* With two sources that answer each item once: straight into two columns. False where one answers twice. */
static bool two_columns(struct meeting *w, size_t *ret_n)
{
    const kt_votes *v = w->v;
    w->a = kt_alloc_array((size_t)v->n_items + 1, sizeof(int32_t));
    w->b = kt_alloc_array((size_t)v->n_items + 1, sizeof(int32_t));
    memset(w->a, 0xff, v->n_items * sizeof(int32_t)); /* every bit set: KT_ABSTAIN */
    memset(w->b, 0xff, v->n_items * sizeof(int32_t));
    int32_t *column[2] = { w->a, w->b };
    bool once = true;
    for (size_t i = 0; i < v->n && once; i++) {
        int32_t *at = &column[v->source[i]][v->item[i]];
        once = *at < 0 || v->label[i] < 0;
        *at = v->label[i] < 0 ? *at : v->label[i];
    }
    size_t n = 0;
    for (size_t i = 0; i < v->n_items; i++) {
        w->a[n] = w->a[i];
        w->b[n] = w->b[i];
        n += (w->a[i] >= 0) & (w->b[i] >= 0);
    }
    *ret_n = n;
    w->cap = v->n_items;
    return once;
}

static void meeting_done(struct meeting *w)
{
    kt_vote_index_done(&w->x);
    kt_free(w->start);
    kt_free(w->a);
    kt_free(w->b);
}

struct share {
    const kt_agree_pairwise *p;
    struct meeting *w;
    uint32_t *other; /* sources that share items with the one at hand */
    double *value;
};

static void measure_pair(void *ctx, size_t k)
{
    struct share *x = ctx;
    size_t from = x->w->start[x->other[k]], n = x->w->start[x->other[k] + 1] - from;
    kt_agree_result r = { .no_interval = true };
    kt_agree_undefined(&r);
    x->p->of(x->p->ctx, x->w->a + from, x->w->b + from, n, x->w->v->n_labels, &r);
    x->value[k] = r.value;
}

static kt_rc over_many(struct share *x, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    struct meeting *w = x->w;
    uint32_t n_sources = w->v->n_sources;
    double sum = 0, weight = 0, pairs = 0;
    for (uint32_t s = 0; s < n_sources; s++) {
        size_t n = 0;
        KT_TRY(meet(w, s, err));
        for (uint32_t t = s + 1; t < n_sources; t++)
            if (w->start[t + 1] > w->start[t])
                x->other[n++] = t;
        kt_pool_run(pool, n, measure_pair, x);
        for (size_t k = 0; k < n; k++) {
            double shared = (double)(w->start[x->other[k] + 1] - w->start[x->other[k]]);
            if (isnan(x->value[k]))
                continue;
            sum += shared * x->value[k];
            weight += shared;
            pairs++;
        }
    }
    ret->value = weight > 0 ? sum / weight : NAN;
    kt_agree_term(ret, "pairs", pairs, "pairs of sources with a value; the mean weighs them by the items they share");
    return 0;
}

kt_rc kt_agree_over_pairs(const kt_votes *v, const kt_agree_pairwise *p, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    struct meeting w = { .v = v };
    size_t n = 0;
    KT_TRY(kt_votes_check(v, err));
    if (v->n_sources == 2 && two_columns(&w, &n)) {
        p->of(p->ctx, w.a, w.b, n, v->n_labels, ret);
        meeting_done(&w);
        return 0;
    }
    group(&w);
    struct share x = { .p = p, .w = &w, .other = kt_alloc_array((size_t)v->n_sources + 1, sizeof(uint32_t)),
                       .value = kt_alloc_array((size_t)v->n_sources + 1, sizeof(double)) };
    kt_rc rc = over_many(&x, pool, ret, err);
    kt_free(x.other);
    kt_free(x.value);
    meeting_done(&w);
    return rc;
}

struct detail {
    const kt_agreement *m;
    const void *opt;
    struct meeting *w;
    kt_agreement_pair *pair;
    kt_rc *rc;
    kt_err *err;
};

/* The two sources as votes of their own. */
static void detail_pair(void *ctx, size_t k)
{
    struct detail *x = ctx;
    kt_agreement_pair *p = &x->pair[k];
    size_t n = p->items;
    const int32_t *a = x->w->a + x->w->start[p->b], *b = x->w->b + x->w->start[p->b];
    uint32_t *item = kt_alloc_array(4 * n + 1, sizeof(*item)), *source = item + 2 * n;
    int32_t *label = kt_alloc_array(2 * n + 1, sizeof(*label));
    double same = 0;
    for (size_t i = 0; i < n; i++) {
        item[2 * i] = item[2 * i + 1] = (uint32_t)i;
        source[2 * i] = 0;
        source[2 * i + 1] = 1;
        label[2 * i] = a[i];
        label[2 * i + 1] = b[i];
        same += a[i] == b[i];
    }
    kt_votes v = { 2 * n, (uint32_t)n, 2, x->w->v->n_labels, item, source, label };
    p->percent = same / (double)n;
    x->rc[k] = kt_agreement_measure(x->m, &v, x->opt, NULL, &p->result, &x->err[k]);
    kt_free(item);
    kt_free(label);
}

static kt_rc by_pair(struct detail *x, kt_pool *pool, kt_arena *a, kt_agreement_pair **ret, size_t *ret_n, kt_err *err)
{
    struct meeting *w = x->w;
    KT_VEC(kt_agreement_pair) all = { 0 };
    kt_rc rc = 0;
    for (uint32_t s = 0; s < w->v->n_sources && rc == 0; s++) {
        size_t from = all.n;
        rc = meet(w, s, err);
        for (uint32_t t = s + 1; t < w->v->n_sources && rc == 0; t++)
            if (w->start[t + 1] > w->start[t])
                KT_PUSH(&all, (kt_agreement_pair){ .a = s, .b = t, .items = w->start[t + 1] - w->start[t] });
        x->pair = all.v + from;
        kt_pool_run(pool, rc == 0 ? all.n - from : 0, detail_pair, x);
        for (size_t k = 0; k < all.n - from && rc == 0; k++)
            if ((rc = x->rc[k]) < 0 && err)
                *err = x->err[k];
    }
    if (rc == 0) {
        *ret_n = all.n;
        *ret = kt_arena_array(a, all.n + 1, sizeof(**ret));
        if (all.n)
            memcpy(*ret, all.v, all.n * sizeof(**ret));
    }
    KT_VEC_DONE(&all);
    return rc;
}

kt_rc kt_agreement_by_pair(const kt_agreement *m, const kt_votes *v, const void *opt, kt_pool *pool, kt_arena *a,
                           kt_agreement_pair **ret, size_t *ret_n, kt_err *err)
{
    KT_TRY(kt_votes_check(v, err));
    struct meeting w = { .v = v };
    group(&w);
    struct detail x = { .m = m, .opt = opt, .w = &w, .rc = kt_zalloc_array((size_t)v->n_sources + 1, sizeof(kt_rc)),
                        .err = kt_zalloc_array((size_t)v->n_sources + 1, sizeof(kt_err)) };
    kt_rc rc = by_pair(&x, pool, a, ret, ret_n, err);
    kt_free(x.rc);
    kt_free(x.err);
    meeting_done(&w);
    return rc;
}
