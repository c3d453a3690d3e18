/* Krippendorff (2011), "Computing Krippendorff's alpha-reliability". Items with fewer than two votes are left out; with
   n_c votes of label c and n in all,

       alpha = 1 - (n - 1) D_o / D_e,   D_o = Σ_i Σ_{u≠v in i} d(u, v) / (m_i - 1),   D_e = Σ_ck n_c n_k d(c, k).

   Nominal d goes through the engine of agree.c. Interval d is the squared difference of the values. Ordinal d,
   (Σ_{g=c..k} n_g - (n_c + n_k) / 2)², is the interval distance of the mid-ranks r_c = Σ_{g<c} n_g + n_c / 2: so neither
   needs the table of coincidences, and both are O(votes + labels). Ratio, ((c - k) / (c + k))², and any other distance are
   O(votes per item² + labels²). */
#include "algo/agree/agree.h"

#include "base/mem.h"

#include <math.h>

#define MAX_PAIR_LABELS 20000 /* the expected disagreement of any distance takes labels² steps */

static double nominal_chance(const void *ctx, const double *share, uint32_t k, double n, double *ret_grad)
{
    (void)ctx;
    double squares = 0;
    for (uint32_t c = 0; c < k; c++) {
        squares += share[c] * share[c];
        ret_grad[c] = 2 * share[c] * n / (n - 1);
    }
    return (n * squares - 1) / (n - 1);
}

struct alpha {
    const kt_vote_groups *g;
    uint32_t k;
    const kt_label_distance *distance; /* NULL: the squared difference of r */
    bool ordinal;
    size_t parts;
    double *table;           /* parts × k */
    double *sum, *sum2, *n_part; /* parts */
    uint32_t *scratch;       /* parts × k, only with distance */
    double n, items, *count; /* count: votes of each label, pairable items only */
    double *r;               /* the number behind each label: value or mid-rank, centred */
    double observed, expected;
    double *slope;           /* d D_e / d n_c, then what one vote of label c adds to the influence */
    double *of_observed;     /* d D_o / d n_c, ordinal only */
    double u;
};

/* The group's number of votes, 0 when it does not count; *ret_times: its items. */
static inline uint32_t votes_of(const struct alpha *a, size_t i, double *ret_times)
{
    uint32_t m = a->g->start[i + 1] - a->g->start[i];
    *ret_times = a->g->times ? a->g->times[i] : 1;
    return m > 1 && *ret_times > 0 ? m : 0;
}

/* Σ_{u≠v} d(u, v) / (m - 1) of one item. */
static double disagreement(const struct alpha *a, const int32_t *label, uint32_t m, size_t part)
{
    double sum = 0, mean = 0;
    if (a->distance)
        return kt_agree_distances(a->distance, label, m, a->scratch + part * a->k) / (m - 1);
    for (uint32_t i = 0; i < m; i++)
        mean += a->r[label[i]];
    mean /= m;
    for (uint32_t i = 0; i < m; i++)
        sum += (a->r[label[i]] - mean) * (a->r[label[i]] - mean);
    return 2 * m * sum / (m - 1);
}

static void count_part(void *ctx, size_t part)
{
    struct alpha *a = ctx;
    double *count = a->table + part * a->k, times, items = 0, n = 0;
    for (size_t i = kt_agree_part(a->g, part, a->parts); i < kt_agree_part(a->g, part + 1, a->parts); i++) {
        uint32_t m = votes_of(a, i, &times);
        const int32_t *label = a->g->label + a->g->start[i];
        for (uint32_t k = 0; k < m; k++)
            count[label[k]] += times;
        n += times * m;
        items += m ? times : 0;
    }
    a->sum[part] = items;
    a->n_part[part] = n;
}

static void observe_part(void *ctx, size_t part)
{
    struct alpha *a = ctx;
    double times, sum = 0;
    for (size_t i = kt_agree_part(a->g, part, a->parts); i < kt_agree_part(a->g, part + 1, a->parts); i++) {
        uint32_t m = votes_of(a, i, &times);
        if (m)
            sum += times * disagreement(a, a->g->label + a->g->start[i], m, part);
    }
    a->sum[part] = sum;
}

/* d D_o / d r_c, by label. */
static void lift_part(void *ctx, size_t part)
{
    struct alpha *a = ctx;
    double *by_rank = a->table + part * a->k, times;
    for (size_t i = kt_agree_part(a->g, part, a->parts); i < kt_agree_part(a->g, part + 1, a->parts); i++) {
        uint32_t m = votes_of(a, i, &times);
        const int32_t *label = a->g->label + a->g->start[i];
        double mean = 0;
        for (uint32_t k = 0; k < m; k++)
            mean += a->r[label[k]] / m;
        for (uint32_t k = 0; k < m; k++)
            by_rank[label[k]] += times * 4.0 * m * (a->r[label[k]] - mean) / (m - 1);
    }
}

static void influence_part(void *ctx, size_t part)
{
    struct alpha *a = ctx;
    double times, sum = 0, squares = 0;
    for (size_t i = kt_agree_part(a->g, part, a->parts); i < kt_agree_part(a->g, part + 1, a->parts); i++) {
        uint32_t m = votes_of(a, i, &times);
        const int32_t *label = a->g->label + a->g->start[i];
        if (!m)
            continue;
        double psi = -a->u * disagreement(a, label, m, part);
        for (uint32_t k = 0; k < m; k++)
            psi += a->slope[label[k]];
        sum += times * psi;
        squares += times * psi * psi;
    }
    a->sum[part] = sum;
    a->sum2[part] = squares;
}

static double total(const double *part, size_t parts)
{
    double sum = 0;
    for (size_t p = 0; p < parts; p++)
        sum += part[p];
    return sum;
}

/* Runs a pass that fills tables, and adds them into dst (k). */
static void tabulate(struct alpha *a, kt_pool *pool, void (*pass)(void *, size_t), double *dst)
{
    memset(a->table, 0, a->parts * a->k * sizeof(double));
    kt_pool_run(pool, a->parts, pass, a);
    for (size_t p = 0; p < a->parts; p++)
        for (uint32_t c = 0; c < a->k; c++)
            dst[c] += a->table[p * a->k + c];
}

static void place_labels(struct alpha *a, const double *value)
{
    double before = 0, mean = 0;
    for (uint32_t c = 0; c < a->k; c++) {
        a->r[c] = a->ordinal ? before + a->count[c] / 2 : value ? value[c] : c;
        before += a->count[c];
        mean += a->r[c] * a->count[c] / a->n;
    }
    for (uint32_t c = 0; c < a->k; c++)
        a->r[c] -= mean; /* differences of large numbers keep their digits */
}

static void expect_label(void *ctx, size_t c)
{
    struct alpha *a = ctx;
    double sum = 0;
    for (uint32_t k = 0; k < a->k; k++)
        if (a->count[k] > 0 && k != c)
            sum += a->count[k] * a->distance->of(a->distance->ctx, (int32_t)c, (int32_t)k);
    a->slope[c] = 2 * sum;
}

static void expect(struct alpha *a, kt_pool *pool)
{
    double squares = 0;
    for (uint32_t c = 0; c < a->k; c++)
        squares += a->count[c] * a->r[c] * a->r[c];
    if (a->distance)
        kt_pool_run(pool, a->k, expect_label, a);
    for (uint32_t c = 0; c < a->k; c++) {
        if (!a->distance)
            a->slope[c] = 2 * (squares + a->n * a->r[c] * a->r[c]);
        a->expected += a->count[c] * a->slope[c] / 2;
    }
}

/* Ordinal only: a vote of label g lifts the mid-ranks of all labels above it by 1 and its own by 1/2, and so moves D_o
   and D_e once more: adds Σ_{c>g} x_c + x_g / 2 for x_c = dD/dr_c to both slopes. */
static void lift_ranks(struct alpha *a, kt_pool *pool)
{
    double *by_rank = kt_zalloc_array(a->k, sizeof(*by_rank)), above[2] = { 0, 0 };
    tabulate(a, pool, lift_part, by_rank);
    for (uint32_t c = a->k; c-- > 0;) {
        double of_expected = 4 * a->n * a->count[c] * a->r[c];
        a->of_observed[c] = above[0] + by_rank[c] / 2;
        a->slope[c] += above[1] + of_expected / 2;
        above[0] += by_rank[c];
        above[1] += of_expected;
    }
    kt_free(by_rank);
}

static void interval(struct alpha *a, kt_pool *pool, double value, double ret_ci95[2])
{
    if (a->ordinal)
        lift_ranks(a, pool);
    double ratio = a->observed / a->expected;
    a->u = (a->n - 1) / a->expected;
    for (uint32_t c = 0; c < a->k; c++)
        a->slope[c] = a->u * (ratio * a->slope[c] - a->of_observed[c]) - ratio;
    kt_pool_run(pool, a->parts, influence_part, a);
    double sum = total(a->sum, a->parts), squares = total(a->sum2, a->parts);
    kt_agree_interval(value, KT_MAX(squares - sum * sum / a->items, 0), a->items, ret_ci95);
}

static void evaluate(struct alpha *a, const double *value, kt_pool *pool, kt_agree_result *ret)
{
    tabulate(a, pool, count_part, a->count);
    a->items = total(a->sum, a->parts);
    a->n = total(a->n_part, a->parts);
    if (a->items == 0)
        return;
    place_labels(a, value);
    kt_pool_run(pool, a->parts, observe_part, a);
    a->observed = total(a->sum, a->parts);
    expect(a, pool);
    kt_agree_term(ret, "D_o", a->observed / a->n, "observed disagreement of votes on the same item");
    kt_agree_term(ret, "D_e", a->expected / (a->n * (a->n - 1)), "disagreement expected by chance");
    kt_agree_term(ret, "votes", a->n, "votes on items with two or more");
    kt_agree_term(ret, "items", a->items, "items with two votes or more");
    if (!(a->expected > 0))
        return;
    ret->value = 1 - (a->n - 1) * a->observed / a->expected;
    if (!ret->no_interval)
        interval(a, pool, ret->value, ret->ci95);
}

static double ratio_distance(const void *ctx, int32_t a, int32_t b)
{
    const double *value = ctx;
    double x = value ? value[a] : a, y = value ? value[b] : b, sum = x + y, d = sum > 0 ? (x - y) / sum : 0;
    return d * d;
}

static kt_rc check(const kt_vote_groups *g, const kt_krippendorff_opts *o, bool any, kt_err *err)
{
    if (any && g->n_labels > MAX_PAIR_LABELS)
        return kt_fail(err, KT_LIMIT, "%u different values; this distance takes up to %d", g->n_labels, MAX_PAIR_LABELS);
    for (uint32_t c = 0; any && !o->distance && o->value && c < g->n_labels; c++)
        if (o->value[c] < 0) {
            kt_fail(err, KT_RANGE, "level ratio is not defined for the negative value %g", o->value[c]);
            return kt_hint(err, "use level interval");
        }
    return 0;
}

static kt_rc of_groups(const kt_vote_groups *g, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    const kt_krippendorff_opts *o = opt;
    if (o->level == KT_LEVEL_NOMINAL && !o->distance) {
        kt_agree_corrected(g, &(kt_agree_spec){ .weigh = KT_WEIGH_VOTES, .chance = nominal_chance }, pool, ret);
        for (uint32_t t = 0; t < ret->n_terms && t < 2; t++) /* agreement to disagreement, as the formula has it */
            ret->term[t] = (struct kt_agree_term){ t ? "D_e" : "D_o", t ? "disagreement expected by chance" : "observed disagreement of votes on the same item", 1 - ret->term[t].value };
        return 0;
    }
    kt_label_distance ratio = { ratio_distance, o->value };
    bool any = o->distance || o->level == KT_LEVEL_RATIO;
    KT_TRY(check(g, o, any, err));
    uint32_t k = g->n_labels;
    struct alpha a = { .g = g, .k = k, .distance = o->distance ? o->distance : any ? &ratio : NULL, .ordinal = !any && o->level == KT_LEVEL_ORDINAL };
    a.parts = kt_agree_parts(g, k);
    a.table = kt_alloc_array(a.parts * k + 1, sizeof(double));
    double *column = kt_zalloc_array(4 * (size_t)k + 3 * a.parts, sizeof(double));
    a.count = column;
    a.r = column + k;
    a.slope = column + 2 * (size_t)k;
    a.of_observed = column + 3 * (size_t)k;
    a.sum = column + 4 * (size_t)k;
    a.sum2 = a.sum + a.parts;
    a.n_part = a.sum2 + a.parts;
    a.scratch = any ? kt_zalloc_array(a.parts * k + 1, sizeof(uint32_t)) : NULL;
    evaluate(&a, o->value, pool, ret);
    kt_free(a.table);
    kt_free(column);
    kt_free(a.scratch);
    return 0;
}

static const kt_krippendorff_opts defaults = { .level = KT_LEVEL_NOMINAL };
static const char *const levels[] = { "nominal", "ordinal", "interval", "ratio", NULL };
_Static_assert(KT_LEN(levels) == KT_LEVEL__COUNT + 1, "a name for every level");
static const kt_setting options[] = {
    { .name = "level", .help = "how labels differ: not at all ordered, by rank, by value, by share of their sum", .kind = KT_SET_CHOICE,
      .offset = offsetof(kt_krippendorff_opts, level), .choice = levels },
    { .name = NULL },
};

const kt_agreement kt_agree_krippendorff_alpha = {
    .name = "krippendorff_alpha", .help = "alpha: any number of sources, missing votes, any distance of labels (Krippendorff 2011)",
    .formula = "1 - D_o / D_e", .nominal = true, .numeric = true, .options = options, .defaults = &defaults,
    .option_size = sizeof(defaults), .of_groups = of_groups,
};
