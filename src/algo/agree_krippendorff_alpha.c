/* Krippendorff (2011), "Computing Krippendorff's alpha-reliability". Items with fewer than two votes are left out; with
   n_c votes of label c and n in all,

       alpha = 1 - (n - 1) D_o / D_e,   D_o = Σ_i Σ_{u≠v in i} d(u, v) / (m_i - 1),   D_e = Σ_ck n_c n_k d(c, k).

   Nominal d goes through the engine of agree.c. Interval d is the squared difference of the values. Ordinal d,
   (Σ_{g=c..k} n_g - (n_c + n_k) / 2)², is the interval distance of the mid-ranks r_c = Σ_{g<c} n_g + n_c / 2: so neither
   needs the table of coincidences, and both are O(votes + labels). Ratio, ((c - k) / (c + k))², is O(votes per item²). */
#include "algo/agree.h"

#include "base/mem.h"

#include <math.h>

#define MAX_RATIO_LABELS 20000 /* its expected disagreement takes labels² steps */

static double nominal_chance(const double *share, uint32_t k, double n, double *ret_grad)
{
    double squares = 0;
    for (uint32_t c = 0; c < k; c++) {
        squares += share[c] * share[c];
        ret_grad[c] = 2 * share[c] * n / (n - 1);
    }
    return (n * squares - 1) / (n - 1);
}

struct alpha {
    kt_agree_items g;
    uint32_t k;
    bool ratio, ordinal;
    double n, items, *count; /* count: votes of each label, pairable items only */
    double *r;               /* the number behind each label: value or mid-rank; centred unless ratio */
    double observed, expected;
    double *slope;           /* d D_e / d n_c, then what one vote of label c adds to the influence */
};

static double ratio_distance(double a, double b)
{
    double d = a + b > 0 ? (a - b) / (a + b) : 0;
    return d * d;
}

/* Σ_{u≠v} d(u, v) / (m - 1) of one item. */
static double disagreement(const struct alpha *a, const int32_t *label, uint32_t m)
{
    double sum = 0, mean = 0;
    if (a->ratio) {
        for (uint32_t i = 1; i < m; i++)
            for (uint32_t k = 0; k < i; k++)
                sum += 2 * ratio_distance(a->r[label[i]], a->r[label[k]]);
        return sum / (m - 1);
    }
    for (uint32_t i = 0; i < m; i++)
        mean += a->r[label[i]] / m;
    for (uint32_t i = 0; i < m; i++)
        sum += (a->r[label[i]] - mean) * (a->r[label[i]] - mean);
    return 2 * m * sum / (m - 1);
}

static void count_labels(struct alpha *a)
{
    for (size_t i = 0; i < a->g.n_items; i++) {
        uint32_t m = a->g.start[i + 1] - a->g.start[i];
        const int32_t *label = a->g.label + a->g.start[i];
        for (uint32_t k = 0; m > 1 && k < m; k++)
            a->count[label[k]]++;
        a->n += m > 1 ? m : 0;
        a->items += m > 1;
    }
}

static void place_labels(struct alpha *a, const double *value)
{
    double before = 0, mean = 0;
    for (uint32_t c = 0; c < a->k; c++) {
        a->r[c] = a->ordinal ? before + a->count[c] / 2 : value ? value[c] : c;
        before += a->count[c];
        mean += a->r[c] * a->count[c] / a->n;
    }
    for (uint32_t c = 0; !a->ratio && c < a->k; c++)
        a->r[c] -= mean; /* differences of large numbers keep their digits */
}

static void expect(struct alpha *a)
{
    double squares = 0;
    for (uint32_t c = 0; c < a->k; c++)
        squares += a->count[c] * a->r[c] * a->r[c];
    for (uint32_t c = 0; c < a->k; c++) {
        double sum = 0;
        for (uint32_t k = 0; a->ratio && k < a->k; k++)
            sum += a->count[k] * ratio_distance(a->r[c], a->r[k]);
        a->slope[c] = 2 * (a->ratio ? sum : squares + a->n * a->r[c] * a->r[c]);
        a->expected += a->count[c] * a->slope[c] / 2;
    }
}

/* Ordinal only: a vote of label g lifts the mid-ranks of all labels above it by 1 and its own by 1/2, and so moves D_o
   and D_e once more: adds Σ_{c>g} x_c + x_g / 2 for x_c = dD/dr_c to both slopes. */
static void lift_ranks(struct alpha *a, double *observed_slope)
{
    double *by_rank = kt_zalloc_array(a->k, sizeof(*by_rank)), above[2] = { 0, 0 };
    for (size_t i = 0; i < a->g.n_items; i++) {
        uint32_t m = a->g.start[i + 1] - a->g.start[i];
        const int32_t *label = a->g.label + a->g.start[i];
        double mean = 0;
        for (uint32_t k = 0; k < m; k++)
            mean += a->r[label[k]] / m;
        for (uint32_t k = 0; m > 1 && k < m; k++)
            by_rank[label[k]] += 4.0 * m * (a->r[label[k]] - mean) / (m - 1);
    }
    for (uint32_t c = a->k; c-- > 0;) {
        double of_expected = 4 * a->n * a->count[c] * a->r[c];
        observed_slope[c] = above[0] + by_rank[c] / 2;
        a->slope[c] += above[1] + of_expected / 2;
        above[0] += by_rank[c];
        above[1] += of_expected;
    }
    kt_free(by_rank);
}

static void interval(struct alpha *a, double value, double ret_ci95[2])
{
    double *observed_slope = kt_zalloc_array(a->k, sizeof(*observed_slope));
    if (a->ordinal)
        lift_ranks(a, observed_slope);
    double u = (a->n - 1) / a->expected, ratio = a->observed / a->expected, sum = 0, squares = 0;
    for (uint32_t c = 0; c < a->k; c++)
        a->slope[c] = u * (ratio * a->slope[c] - observed_slope[c]) - ratio;
    for (size_t i = 0; i < a->g.n_items; i++) {
        uint32_t m = a->g.start[i + 1] - a->g.start[i];
        const int32_t *label = a->g.label + a->g.start[i];
        if (m < 2)
            continue;
        double psi = -u * disagreement(a, label, m);
        for (uint32_t k = 0; k < m; k++)
            psi += a->slope[label[k]];
        sum += psi;
        squares += psi * psi;
    }
    kt_agree_interval(value, KT_MAX(squares - sum * sum / a->items, 0), a->items, ret_ci95);
    kt_free(observed_slope);
}

static void evaluate(struct alpha *a, const double *value, double *ret_value, double *ret_ci95)
{
    *ret_value = NAN;
    if (ret_ci95)
        ret_ci95[0] = ret_ci95[1] = NAN;
    count_labels(a);
    if (a->items == 0)
        return;
    place_labels(a, value);
    for (size_t i = 0; i < a->g.n_items; i++) {
        uint32_t m = a->g.start[i + 1] - a->g.start[i];
        if (m > 1)
            a->observed += disagreement(a, a->g.label + a->g.start[i], m);
    }
    expect(a);
    if (!(a->expected > 0))
        return;
    *ret_value = 1 - (a->n - 1) * a->observed / a->expected;
    if (ret_ci95)
        interval(a, *ret_value, ret_ci95);
}

static kt_rc check_ratio(const kt_votes *v, const double *value, kt_err *err)
{
    if (v->n_labels > MAX_RATIO_LABELS)
        return kt_fail(err, KT_LIMIT, "%u different values; level ratio takes up to %d", v->n_labels, MAX_RATIO_LABELS);
    for (uint32_t c = 0; value && c < v->n_labels; c++)
        if (value[c] < 0) {
            kt_fail(err, KT_RANGE, "level ratio is not defined for the negative value %g", value[c]);
            return kt_hint(err, "use level interval");
        }
    return 0;
}

static const kt_krippendorff_opts defaults = { .level = KT_LEVEL_NOMINAL };

static kt_rc measure(const kt_votes *v, const void *opt, kt_rng *rng, double *ret_value, double ret_ci95[2], kt_err *err)
{
    const kt_krippendorff_opts *o = opt ? opt : &defaults;
    (void)rng;
    if (o->level == KT_LEVEL_NOMINAL)
        return kt_agree_corrected(v, KT_WEIGH_VOTES, nominal_chance, ret_value, ret_ci95, err);
    if (o->level == KT_LEVEL_RATIO)
        KT_TRY(check_ratio(v, o->value, err));
    struct alpha a = { .k = v->n_labels, .ratio = o->level == KT_LEVEL_RATIO, .ordinal = o->level == KT_LEVEL_ORDINAL };
    KT_TRY(kt_agree_group(v, &a.g, err));
    a.count = kt_zalloc_array(a.k, sizeof(double));
    a.r = kt_zalloc_array(a.k, sizeof(double));
    a.slope = kt_zalloc_array(a.k, sizeof(double));
    evaluate(&a, o->value, ret_value, ret_ci95);
    kt_free(a.count);
    kt_free(a.r);
    kt_free(a.slope);
    kt_agree_items_done(&a.g);
    return 0;
}

static const char *const levels[] = { "nominal", "ordinal", "interval", "ratio", NULL };
_Static_assert(KT_LEN(levels) == KT_LEVEL__COUNT + 1, "a name for every level");
static const kt_setting options[] = {
    { .name = "level", .help = "how labels differ: not at all ordered, by rank, by value, by share of their sum", .kind = KT_SET_CHOICE,
      .offset = offsetof(kt_krippendorff_opts, level), .choice = levels },
    { .name = NULL },
};

const kt_agreement kt_agree_krippendorff_alpha = {
    .name = "krippendorff_alpha", .help = "alpha: any number of sources, missing votes, four levels (Krippendorff 2011)",
    .nominal = true, .options = options, .defaults = &defaults, .option_size = sizeof(defaults), .measure = measure,
};
