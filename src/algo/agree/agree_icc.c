/* Intraclass correlation of numbers (Shrout and Fleiss 1979; intervals: McGraw and Wong 1996). With mean squares between
   items R, within items W, between sources C and of the rest E, n items, k ratings each:

       icc1 = (R - W) / (R + (k - 1) W)                      every item by other sources; k may vary: k_0 = (N - Σ m² / N) / (n - 1)
       icc2 = (R - E) / (R + (k - 1) E + k (C - E) / n)      the same sources, drawn from many; their levels count
       icc3 = (R - E) / (R + (k - 1) E)                      these sources and no others; levels do not count

   average: of the mean of the k ratings instead of one. icc1 uses the items with two ratings or more; icc2 and icc3 those
   that every source rated. */
#include "algo/agree/agree.h"

#include "algo/stats.h"
#include "base/mem.h"

#include <math.h>

/* x with P(F <= x) = p, F with d1 and d2 degrees of freedom. */
static double f_quantile(double p, double d1, double d2)
{
    double b = kt_beta_quantile(p, d1 / 2, d2 / 2);
    return d2 * b / (d1 * (1 - b));
}

struct squares {
    double n, k, between, within, columns, rest; /* R, W, C, E */
};

static double single(const struct squares *s, kt_icc_type type)
{
    double r = s->between, k = s->k;
    if (type == KT_ICC1)
        return (r - s->within) / (r + (k - 1) * s->within);
    if (type == KT_ICC2)
        return (r - s->rest) / (r + (k - 1) * s->rest + k * (s->columns - s->rest) / s->n);
    return (r - s->rest) / (r + (k - 1) * s->rest);
}

/* Interval of a single rating. */
static void interval(const struct squares *s, kt_icc_type type, double icc, double total, double ret[2])
{
    double n = s->n, k = s->k, r = s->between, e = s->rest, c = s->columns;
    if (type == KT_ICC2) {
        double f = c / e, a = k * icc * f + n * (1 + (k - 1) * icc) - k * icc;
        double vn = (k - 1) * (n - 1) * a * a, b = n * (1 + (k - 1) * icc) - k * icc;
        double v = vn / ((n - 1) * k * k * icc * icc * f * f + b * b), rest = k * c + (k * n - k - n) * e;
        double low = f_quantile(0.975, n - 1, v), high = f_quantile(0.975, v, n - 1);
        ret[0] = n * (r - low * e) / (low * rest + n * r);
        ret[1] = n * (high * r - e) / (rest + n * high * r);
        return;
    }
    double noise = type == KT_ICC1 ? s->within : e, d2 = type == KT_ICC1 ? total - n : (n - 1) * (k - 1), f = r / noise;
    double low = f / f_quantile(0.975, n - 1, d2), high = f * f_quantile(0.975, d2, n - 1);
    ret[0] = (low - 1) / (low + k - 1);
    ret[1] = (high - 1) / (high + k - 1);
}

/* Reliability of the mean of k ratings from that of one (Spearman, Brown 1910). */
static double of_mean(double one, double k)
{
    return k * one / (1 + (k - 1) * one);
}

static void answer(const struct squares *s, const kt_icc_opts *o, double total, kt_agree_result *ret)
{
    double noise = o->type == KT_ICC1 ? s->within : s->rest;
    kt_agree_term(ret, "R", s->between, "mean square between items");
    if (o->type == KT_ICC1) {
        kt_agree_term(ret, "W", s->within, "mean square within items");
    } else {
        kt_agree_term(ret, "C", s->columns, "mean square between sources");
        kt_agree_term(ret, "E", s->rest, "mean square of the rest");
    }
    kt_agree_term(ret, "k", s->k, "ratings an item");
    kt_agree_term(ret, "n", s->n, "items");
    if (!(s->between + noise > 0))
        return;
    double icc = single(s, (kt_icc_type)o->type);
    if (noise > 0 && !ret->no_interval)
        interval(s, (kt_icc_type)o->type, icc, total, ret->ci95);
    ret->value = o->average ? of_mean(icc, s->k) : icc;
    for (int i = 0; i < 2 && o->average; i++)
        ret->ci95[i] = of_mean(ret->ci95[i], s->k);
}

static double number(const kt_icc_opts *o, int32_t label)
{
    return o->value ? o->value[label] : label;
}

/* Mean of all ratings that count, taken off first: the sums of squares keep their digits. */
static double centre_of(const kt_votes *v, const kt_icc_opts *o)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < v->n; i++)
        if (v->label[i] >= 0) {
            sum += number(o, v->label[i]);
            n++;
        }
    return n > 0 ? sum / n : 0;
}

static void one_way(const kt_votes *v, const size_t *start, const size_t *order, const kt_icc_opts *o, kt_agree_result *ret)
{
    struct squares s = { 0 };
    double total = 0, m2 = 0, grand = 0, between = 0, centre = centre_of(v, o);
    for (size_t i = 0; i < v->n_items; i++) {
        double m = 0, sum = 0, squares = 0;
        for (size_t q = start[i]; q < start[i + 1]; q++)
            if (v->label[order[q]] >= 0) {
                double x = number(o, v->label[order[q]]) - centre;
                m++;
                squares += (x - sum / KT_MAX(m - 1, 1)) * (x - sum / KT_MAX(m - 1, 1)) * (m - 1) / m; /* Welford's update */
                sum += x;
            }
        if (m < 2)
            continue;
        s.n++;
        s.within += squares;
        total += m;
        m2 += m * m;
        grand += sum;
        between += sum * sum / m;
    }
    if (s.n < 2)
        return;
    s.between = KT_MAX(between - grand * grand / total, 0) / (s.n - 1);
    s.within /= total - s.n;
    s.k = (total - m2 / total) / (s.n - 1);
    answer(&s, o, total, ret);
}

/* The votes of an item into x, one a source; false unless every source gave one. */
static bool complete(const kt_votes *v, const size_t *order, size_t from, size_t to, const kt_icc_opts *o, double centre, double *x)
{
    size_t n = 0;
    if (to - from < v->n_sources)
        return false;
    for (uint32_t s = 0; s < v->n_sources; s++)
        x[s] = NAN;
    for (size_t q = from; q < to; q++)
        if (v->label[order[q]] >= 0) {
            n += isnan(x[v->source[order[q]]]);
            x[v->source[order[q]]] = number(o, v->label[order[q]]) - centre;
        }
    return n == v->n_sources;
}

static void two_way(const kt_votes *v, const size_t *start, const size_t *order, const kt_icc_opts *o, kt_agree_result *ret)
{
    uint32_t k = v->n_sources;
    struct squares s = { .k = k };
    double *x = kt_alloc_array(2 * ((size_t)k + 1), sizeof(double)), *column = x + k + 1, grand = 0, all = 0, rows = 0, centre = centre_of(v, o);
    for (uint32_t c = 0; c < k; c++)
        column[c] = 0;
    for (size_t i = 0; i < v->n_items; i++) {
        double sum = 0;
        if (!complete(v, order, start[i], start[i + 1], o, centre, x))
            continue;
        for (uint32_t c = 0; c < k; c++) {
            sum += x[c];
            all += x[c] * x[c];
            column[c] += x[c];
        }
        s.n++;
        rows += sum * sum / k;
        grand += sum;
    }
    if (s.n >= 2 && k >= 2) {
        double correction = grand * grand / (s.n * k), columns = 0;
        for (uint32_t c = 0; c < k; c++)
            columns += column[c] * column[c] / s.n;
        double rest = KT_MAX(all - rows - columns + correction, 0);
        if (rest < 1e-12 * all) /* what is left of rounding */
            rest = 0;
        s.between = KT_MAX(rows - correction, 0) / (s.n - 1);
        s.columns = KT_MAX(columns - correction, 0) / (k - 1.0);
        s.rest = rest / ((s.n - 1) * (k - 1.0));
        answer(&s, o, s.n * k, ret);
    }
    kt_free(x);
}

static kt_rc of_votes(const kt_votes *v, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    const kt_icc_opts *o = opt;
    (void)pool;
    KT_TRY(kt_votes_check(v, err));
    size_t *start = kt_alloc_array((size_t)v->n_items + 1, sizeof(*start)), *order = kt_alloc_array(v->n + 1, sizeof(*order));
    kt_votes_by_item(v, start, order);
    if (o->type == KT_ICC1)
        one_way(v, start, order, o, ret);
    else
        two_way(v, start, order, o, ret);
    kt_free(start);
    kt_free(order);
    return 0;
}

static const kt_icc_opts defaults = { .type = KT_ICC1 };
static const char *const types[] = { "icc1", "icc2", "icc3", NULL };
_Static_assert(KT_LEN(types) == KT_ICC__COUNT + 1, "a name for every type");
static const kt_setting options[] = {
    { .name = "type", .help = "icc1: any sources; icc2: the same sources, levels count; icc3: the same, levels do not", .kind = KT_SET_CHOICE,
      .offset = offsetof(kt_icc_opts, type), .choice = types },
    { .name = "average", .help = "0: reliability of one rating, 1: of the mean of an item's ratings", .kind = KT_SET_INT,
      .offset = offsetof(kt_icc_opts, average), .min = 0, .max = 1 },
    { .name = NULL },
};

const kt_agreement kt_agree_icc = {
    .name = "icc", .help = "intraclass correlation of numbers (Shrout and Fleiss 1979)",
    .formula = "(R - noise) / (R + (k - 1) noise), noise W or E; icc2 adds k (C - E) / n below", .numeric = true, .options = options,
    .defaults = &defaults, .option_size = sizeof(defaults), .of_votes = of_votes,
};
