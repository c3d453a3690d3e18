/* What the metrics share: votes grouped by item, and the engine of the chance-corrected ones.

   A chance-corrected metric is a smooth function f(T) of sums T = Σ_i t_i over items. Its variance follows from the
   influence of each item, psi_i = f'(T) · (t_i - its mean): Var = n / (n - 1) Σ psi_i² (delta method, also called the
   infinitesimal jackknife). That needs two passes over the votes and no resampling, so it costs the same per vote at any
   size. */
#include "algo/agree.h"

#include "algo/stats.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

const kt_agreement *const kt_agreements[] = {
#define KT_AGREEMENT(name) &kt_agree_##name,
#include "algo/agreements.def"
#undef KT_AGREEMENT
    NULL,
};

const kt_agreement *kt_agreement_find(kt_str name)
{
    for (const kt_agreement *const *a = kt_agreements; *a; a++)
        if (kt_str_eq(name, kt_str_of((*a)->name)))
            return *a;
    return NULL;
}

kt_rc kt_agreement_options(const kt_agreement *m, kt_str text, void *opt, kt_err *err)
{
    kt_rc rc = kt_settings_set(m->options, text, opt, err);
    return rc < 0 ? kt_context(err, "%s", m->name) : 0;
}

/* True when the votes come item by item; then every label stands where the grouped array would have it. */
static bool grouped(const kt_votes *v)
{
    uint32_t back = 0;
    int32_t abstains = 0;
    for (size_t i = 1; i < v->n; i++)
        back |= v->item[i] < v->item[i - 1];
    for (size_t i = 0; i < v->n; i++)
        abstains |= v->label[i];
    return !back && abstains >= 0;
}

static void scatter(const kt_votes *v, kt_agree_items *ret)
{
    /* start[i + 1] holds the place of the next vote of item i while filling, and so ends as the start of item i + 1 */
    uint32_t *at = ret->start + 1, sum = 0;
    for (size_t i = 0; i < v->n_items; i++) {
        uint32_t n = at[i];
        at[i] = sum;
        sum += n;
    }
    ret->own = kt_alloc_array((size_t)sum + 1, sizeof(*ret->own));
    ret->label = ret->own;
    for (size_t i = 0; i < v->n; i++)
        if (v->label[i] >= 0)
            ret->own[at[v->item[i]]++] = v->label[i];
}

kt_rc kt_agree_group(const kt_votes *v, kt_agree_items *ret, kt_err *err)
{
    if (v->n >= UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu votes; agreement takes up to %u", v->n, UINT32_MAX - 1);
    KT_TRY(kt_votes_check(v, err));
    *ret = (kt_agree_items){ .label = v->label, .n_items = v->n_items };
    ret->start = kt_zalloc_array((size_t)v->n_items + 1, sizeof(*ret->start));
    bool in_order = grouped(v);
    for (size_t i = 0; i < v->n; i++)
        ret->start[v->item[i] + 1] += v->label[i] >= 0;
    if (!in_order) {
        scatter(v, ret);
        return 0;
    }
    for (size_t i = 0; i < v->n_items; i++)
        ret->start[i + 1] += ret->start[i];
    return 0;
}

void kt_agree_items_done(kt_agree_items *g)
{
    g->start = kt_free(g->start);
    g->own = kt_free(g->own);
    g->label = NULL;
}

void kt_agree_interval(double value, double sum_squares, double n, double ret_ci95[2])
{
    ret_ci95[0] = ret_ci95[1] = NAN;
    if (isnan(value) || n < 2)
        return;
    double half = kt_t_two_sided(0.95, n - 1) * sqrt(sum_squares * n / (n - 1));
    ret_ci95[0] = KT_MAX(value - half, -1);
    ret_ci95[1] = KT_MIN(value + half, 1);
}

/* Ordered pairs of equal labels among m. count: zeros, left zeros. */
static double same_pairs(const int32_t *label, uint32_t m, uint32_t *count)
{
    uint64_t same = 0;
    if (m <= 8) {
        for (uint32_t i = 1; i < m; i++)
            for (uint32_t k = 0; k < i; k++)
                same += label[i] == label[k];
    } else {
        for (uint32_t i = 0; i < m; i++)
            same += count[label[i]]++;
        for (uint32_t i = 0; i < m; i++)
            count[label[i]] = 0;
    }
    return 2.0 * (double)same;
}

/* What an item of m votes adds: per ordered agreeing pair to the numerator of p_o, to its denominator, per vote to the
   shares. */
struct weights {
    double pair, item, vote;
};

static struct weights weights_of(kt_agree_weigh weigh, uint32_t m)
{
    double n = m;
    switch (weigh) {
    case KT_WEIGH_PAIRS: return (struct weights){ 1, n * (n - 1), n - 1 };
    case KT_WEIGH_VOTES: return (struct weights){ 1 / (n - 1), n, 1 };
    case KT_WEIGH_GWET: return m < 2 ? (struct weights){ 0, 0, 1 / n } : (struct weights){ 1 / (n * (n - 1)), 1, 1 / n };
    case KT_WEIGH_ITEMS: break;
    }
    return (struct weights){ 1 / (n * (n - 1)), 1, 1 };
}

struct totals {
    double agree, weight, votes, items;
    double *share, *grad;
    uint32_t *count;
    struct weights table[64]; /* of small m, computed once */
};

static inline struct weights weigh_item(const struct totals *t, kt_agree_weigh weigh, uint32_t m)
{
    return m < KT_LEN(t->table) ? t->table[m] : weights_of(weigh, m);
}

static void add_up(const kt_agree_items *g, kt_agree_weigh weigh, uint32_t least, struct totals *t)
{
    for (size_t i = 0; i < g->n_items; i++) {
        uint32_t m = g->start[i + 1] - g->start[i];
        const int32_t *label = g->label + g->start[i];
        if (m < least)
            continue;
        struct weights w = weigh_item(t, weigh, m);
        t->items++;
        t->agree += w.pair * same_pairs(label, m, t->count);
        t->weight += w.item;
        t->votes += w.vote * m;
        for (uint32_t k = 0; k < m; k++)
            t->share[label[k]] += w.vote;
    }
}

/* Σ psi_i² with psi_i = slope_o (a_i - p_o b_i) / B + slope_e Σ_k grad_k (s_ik - p_k s_i) / S. */
static double influence(const kt_agree_items *g, kt_agree_weigh weigh, uint32_t least, struct totals *t, double p_o,
                        double slope_e)
{
    double slope_o = -1, sum = 0; /* the caller divides both slopes by what they have in common */
    for (size_t i = 0; i < g->n_items; i++) {
        uint32_t m = g->start[i + 1] - g->start[i];
        const int32_t *label = g->label + g->start[i];
        if (m < least)
            continue;
        struct weights w = weigh_item(t, weigh, m);
        double grad = 0;
        for (uint32_t k = 0; k < m; k++)
            grad += t->grad[label[k]];
        double psi = slope_o * (w.pair * same_pairs(label, m, t->count) - p_o * w.item) / t->weight +
                     slope_e * w.vote * grad / t->votes;
        sum += psi * psi;
    }
    return sum;
}

/* value = 1 - (1 - p_o) / (1 - p_e): d value / d p_o = 1 / (1 - p_e), d value / d p_e = -(1 - p_o) / (1 - p_e)². */
static void evaluate(const kt_agree_items *g, uint32_t n_labels, kt_agree_weigh weigh, kt_chance *chance, struct totals *t,
                     double *ret_value, double *ret_ci95)
{
    uint32_t least = weigh == KT_WEIGH_GWET ? 1 : 2;
    for (uint32_t m = least; m < KT_LEN(t->table); m++)
        t->table[m] = weights_of(weigh, m);
    add_up(g, weigh, least, t);
    *ret_value = NAN;
    if (ret_ci95)
        ret_ci95[0] = ret_ci95[1] = NAN;
    if (!(t->weight > 0))
        return;
    for (uint32_t k = 0; k < n_labels; k++)
        t->share[k] /= t->votes;
    double p_o = t->agree / t->weight, p_e = chance(t->share, n_labels, t->votes, t->grad), rest = 1 - p_e;
    if (!(rest > 1e-15))
        return;
    *ret_value = 1 - (1 - p_o) / rest;
    if (!ret_ci95)
        return;
    double mean = 0; /* centres the gradient, so that psi_i needs no p_k s_i */
    for (uint32_t k = 0; k < n_labels; k++)
        mean += t->grad[k] * t->share[k];
    for (uint32_t k = 0; k < n_labels; k++)
        t->grad[k] -= mean;
    double sum = influence(g, weigh, least, t, p_o, (1 - p_o) / rest);
    kt_agree_interval(*ret_value, sum / (rest * rest), t->items, ret_ci95);
}

kt_rc kt_agree_corrected(const kt_votes *v, kt_agree_weigh weigh, kt_chance *chance, double *ret_value, double ret_ci95[2],
                         kt_err *err)
{
    kt_agree_items g;
    KT_TRY(kt_agree_group(v, &g, err));
    struct totals t = { .share = kt_zalloc_array(v->n_labels, sizeof(double)),
                        .grad = kt_zalloc_array(v->n_labels, sizeof(double)),
                        .count = kt_zalloc_array(v->n_labels, sizeof(uint32_t)) };
    evaluate(&g, v->n_labels, weigh, chance, &t, ret_value, ret_ci95);
    kt_free(t.share);
    kt_free(t.grad);
    kt_free(t.count);
    kt_agree_items_done(&g);
    return 0;
}
