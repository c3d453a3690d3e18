/* What the metrics share: the table of the family, and the engine of the chance-corrected ones.

   A chance-corrected metric is a smooth function f(T) of sums T = Σ_i t_i over items. Its variance follows from the
   influence of each item, psi_i = f'(T) · (t_i - its mean): Var = n / (n - 1) Σ psi_i² (delta method, also called the
   infinitesimal jackknife). That needs two passes over the groups and no resampling, so it costs the same per vote at any
   size. A pass is cut into parts by sizes alone, and the sums of the parts are added in their order. */
#include "algo/agree/agree.h"

#include "algo/stats.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

#define MOST_PARTS 32
#define PART_GROUPS 16384
#define PARTS_DOUBLES ((size_t)1 << 22) /* all parts' tables together */
#define DIRECT_PAIRS 8                  /* votes of an item compared one with another; more are counted by label */

const kt_agreement *const kt_agreements[] = {
#define KT_AGREEMENT(name) &kt_agree_##name,
#include "algo/agree/agreements.def"
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

kt_rc kt_agreement_measure(const kt_agreement *m, const kt_votes *v, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    opt = opt ? opt : m->defaults;
    kt_agree_undefined(ret);
    if (!m->of_groups)
        return m->of_votes(v, opt, pool, ret, err);
    kt_vote_groups g;
    KT_TRY(kt_vote_groups_make(v, pool, &g, err));
    kt_rc rc = m->of_groups(&g, opt, pool, ret, err);
    kt_vote_groups_done(&g);
    return rc;
}

/* Options with the values put in, where the metric wants some. */
static const void *with_values(const kt_agreement *m, const void *opt, const double *value, void *room)
{
    opt = opt ? opt : m->defaults;
    if (!m->numeric)
        return opt;
    memcpy(room, opt, m->option_size);
    memcpy(room, &value, sizeof(value));
    return room;
}

static kt_rc measure_two(const kt_vote_matrix *v, const kt_cohen_opts *o, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    uint32_t *table, n_labels;
    double *value;
    KT_TRY(kt_vote_matrix_table(v, 0, 1, pool, &table, &value, &n_labels, err));
    kt_cohen_of_table(table, n_labels, (kt_cohen_weights)o->weights, ret);
    kt_free(table);
    kt_free(value);
    return 0;
}

kt_rc kt_agreement_measure_matrix(const kt_agreement *m, const kt_vote_matrix *v, const void *opt, kt_pool *pool, kt_agree_result *ret,
                                  kt_err *err)
{
    double room[KT_AGREE_OPTION_BYTES / sizeof(double)], *value;
    kt_agree_undefined(ret);
    if (m->of_groups) {
        kt_vote_groups g;
        KT_TRY(kt_vote_groups_of_matrix(v, pool, &g, &value, err));
        kt_rc rc = m->of_groups(&g, with_values(m, opt, value, room), pool, ret, err);
        kt_vote_groups_done(&g);
        kt_free(value);
        return rc;
    }
    if (m == &kt_agree_cohen_kappa && v->n_sources == 2) /* no need to write the votes down */
        return measure_two(v, opt ? opt : m->defaults, pool, ret, err);
    kt_matrix_votes votes;
    KT_TRY(kt_matrix_votes_make(v, pool, &votes, err));
    kt_rc rc = m->of_votes(&votes.votes, with_values(m, opt, votes.value, room), pool, ret, err);
    kt_matrix_votes_done(&votes);
    return rc;
}

void kt_agree_term(kt_agree_result *r, const char *name, double value, const char *help)
{
    KT_ASSERT(r->n_terms < KT_AGREE_TERMS);
    r->term[r->n_terms++] = (struct kt_agree_term){ name, help, value };
}

void kt_agree_undefined(kt_agree_result *r)
{
    r->value = r->ci95[0] = r->ci95[1] = NAN;
    r->n_terms = 0;
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

size_t kt_agree_parts(const kt_vote_groups *g, size_t table)
{
    size_t n = KT_MIN(g->n / PART_GROUPS + 1, MOST_PARTS);
    return KT_MAX(KT_MIN(n, PARTS_DOUBLES / (table + 1)), 1);
}

size_t kt_agree_part(const kt_vote_groups *g, size_t part, size_t parts)
{
    return g->n / parts * part + KT_MIN(part, g->n % parts);
}

double kt_agree_chance_squares(const void *ctx, const double *share, uint32_t k, double n, double *ret_grad)
{
    (void)ctx;
    (void)n;
    double p_e = 0;
    for (uint32_t c = 0; c < k; c++) {
        p_e += share[c] * share[c];
        ret_grad[c] = 2 * share[c];
    }
    return p_e;
}

double kt_agree_distances(const kt_label_distance *d, const int32_t *label, uint32_t m, uint32_t *scratch)
{
    double sum = 0;
    if (m <= DIRECT_PAIRS) {
        for (uint32_t i = 1; i < m; i++)
            for (uint32_t k = 0; k < i; k++)
                sum += label[i] == label[k] ? 0 : d->of(d->ctx, label[i], label[k]);
        return 2 * sum;
    }
    int32_t *different = kt_alloc_array(m, sizeof(*different));
    uint32_t n = 0;
    for (uint32_t i = 0; i < m; i++)
        if (scratch[label[i]]++ == 0)
            different[n++] = label[i];
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = 0; k < i; k++)
            sum += (double)scratch[different[i]] * scratch[different[k]] * d->of(d->ctx, different[i], different[k]);
    for (uint32_t i = 0; i < n; i++)
        scratch[different[i]] = 0;
    kt_free(different);
    return 2 * sum;
}

/* Ordered pairs of equal labels among m. */
static double same_pairs(const int32_t *label, uint32_t m, uint32_t *scratch)
{
    uint64_t same = 0;
    if (m <= DIRECT_PAIRS) {
        for (uint32_t i = 1; i < m; i++)
            for (uint32_t k = 0; k < i; k++)
                same += label[i] == label[k];
    } else {
        for (uint32_t i = 0; i < m; i++)
            same += scratch[label[i]]++;
        for (uint32_t i = 0; i < m; i++)
            scratch[label[i]] = 0;
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

/* Sums of one part, or of all. share: n_labels. */
struct sums {
    double agree, weight, votes, items, squares, *share;
};

struct pass {
    const kt_vote_groups *g;
    const kt_agree_spec *spec;
    size_t parts;
    uint32_t least; /* votes an item must have to count */
    struct weights table[64]; /* of small m, computed once */
    struct sums *part;
    uint32_t *scratch; /* parts × n_labels, where groups are large */
    double *grad, p_o, slope_e;
    const struct sums *all;
};

static inline struct weights weigh(const struct pass *w, uint32_t m)
{
    return m < KT_LEN(w->table) ? w->table[m] : weights_of(w->spec->weigh, m);
}

static inline double agreeing(const struct pass *w, const int32_t *label, uint32_t m, size_t part)
{
    uint32_t *scratch = w->scratch ? w->scratch + part * w->g->n_labels : NULL;
    if (!w->spec->distance)
        return same_pairs(label, m, scratch);
    return (double)m * (m - 1.0) - kt_agree_distances(w->spec->distance, label, m, scratch);
}

static void add_up(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_vote_groups *g = w->g;
    struct sums t = { .share = w->part[part].share };
    for (size_t i = kt_agree_part(g, part, w->parts); i < kt_agree_part(g, part + 1, w->parts); i++) {
        uint32_t m = g->start[i + 1] - g->start[i];
        const int32_t *label = g->label + g->start[i];
        double times = g->times ? g->times[i] : 1;
        if (m < w->least || !(times > 0))
            continue;
        struct weights x = weigh(w, m);
        t.items += times;
        if (m > 1)
            t.agree += times * x.pair * agreeing(w, label, m, part);
        t.weight += times * x.item;
        t.votes += times * x.vote * m;
        for (uint32_t k = 0; k < m; k++)
            t.share[label[k]] += times * x.vote;
    }
    w->part[part] = t;
}

/* Σ psi_i² with psi_i = slope_o (a_i - p_o b_i) / B + slope_e Σ_k grad_k (s_ik - p_k s_i) / S; grad is centred, and the
   slopes lack what the caller divides by. */
static void influence(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_vote_groups *g = w->g;
    double sum = 0;
    for (size_t i = kt_agree_part(g, part, w->parts); i < kt_agree_part(g, part + 1, w->parts); i++) {
        uint32_t m = g->start[i + 1] - g->start[i];
        const int32_t *label = g->label + g->start[i];
        if (m < w->least)
            continue;
        struct weights x = weigh(w, m);
        double grad = 0, agree = m > 1 ? x.pair * agreeing(w, label, m, part) : 0;
        for (uint32_t k = 0; k < m; k++)
            grad += w->grad[label[k]];
        double psi = -(agree - w->p_o * x.item) / w->all->weight + w->slope_e * x.vote * grad / w->all->votes;
        sum += (g->times ? g->times[i] : 1) * psi * psi;
    }
    w->part[part].squares = sum;
}

/* Adds the parts into *ret; ret->share becomes shares of 1. */
static void collect(const struct pass *w, struct sums *ret)
{
    for (size_t p = 0; p < w->parts; p++) {
        const struct sums *t = &w->part[p];
        ret->agree += t->agree;
        ret->weight += t->weight;
        ret->votes += t->votes;
        ret->items += t->items;
        for (uint32_t c = 0; c < w->g->n_labels; c++)
            ret->share[c] += t->share[c];
    }
    for (uint32_t c = 0; c < w->g->n_labels && ret->votes > 0; c++)
        ret->share[c] /= ret->votes;
}

/* value = 1 - (1 - p_o) / (1 - p_e): d value / d p_o = 1 / (1 - p_e), d value / d p_e = -(1 - p_o) / (1 - p_e)². */
static void evaluate(struct pass *w, struct sums *all, kt_pool *pool, kt_agree_result *ret)
{
    uint32_t k = w->g->n_labels;
    kt_pool_run(pool, w->parts, add_up, w);
    collect(w, all);
    if (!(all->weight > 0))
        return;
    double p_e = w->spec->chance(w->spec->ctx, all->share, k, all->votes, w->grad), rest = 1 - p_e;
    w->p_o = all->agree / all->weight;
    kt_agree_term(ret, "p_o", w->p_o, "observed agreement of votes on the same item");
    kt_agree_term(ret, "p_e", p_e, "agreement expected by chance");
    kt_agree_term(ret, "items", all->items, "items that count");
    if (!(rest > 1e-15))
        return;
    ret->value = 1 - (1 - w->p_o) / rest;
    if (ret->no_interval)
        return;
    double mean = 0, squares = 0; /* mean centres the gradient, so that psi_i needs no p_k s_i */
    for (uint32_t c = 0; c < k; c++)
        mean += w->grad[c] * all->share[c];
    for (uint32_t c = 0; c < k; c++)
        w->grad[c] -= mean;
    w->slope_e = (1 - w->p_o) / rest;
    w->all = all;
    kt_pool_run(pool, w->parts, influence, w);
    for (size_t p = 0; p < w->parts; p++)
        squares += w->part[p].squares;
    kt_agree_interval(ret->value, squares / (rest * rest), all->items, ret->ci95);
}

void kt_agree_corrected(const kt_vote_groups *g, const kt_agree_spec *spec, kt_pool *pool, kt_agree_result *ret)
{
    uint32_t k = g->n_labels;
    struct pass w = { .g = g, .spec = spec, .parts = kt_agree_parts(g, k), .least = spec->weigh == KT_WEIGH_GWET ? 1 : 2 };
    for (uint32_t m = w.least; m < KT_LEN(w.table); m++)
        w.table[m] = weights_of(spec->weigh, m);
    double *share = kt_zalloc_array(w.parts + 1, k * sizeof(double));
    w.part = kt_zalloc_array(w.parts, sizeof(*w.part));
    for (size_t p = 0; p < w.parts; p++)
        w.part[p].share = share + p * k;
    w.grad = kt_zalloc_array(k, sizeof(double));
    w.scratch = g->most > DIRECT_PAIRS ? kt_zalloc_array(w.parts, k * sizeof(uint32_t)) : NULL;
    evaluate(&w, &(struct sums){ .share = share + w.parts * k }, pool, ret);
    kt_free(share);
    kt_free(w.part);
    kt_free(w.grad);
    kt_free(w.scratch);
}
