/* Cohen (1960, 1968): for two sources, with O the table of their labels, E the table expected from its margins and W the
   weights of disagreement, kappa = 1 - Σ W O / Σ W E; W is 0 on the diagonal and 1, |i - j| or (i - j)² off it.

   The margins suffice for E: Σ_k W_ak m_k is n - m_a, a difference of running sums, or a polynomial in a. So a pair of
   sources costs its items and the labels once, whatever the weights. More than two sources: agreement_pairs.c. */
#include "algo/agree/agree.h"

#include "base/mem.h"

#include <math.h>

#define MOST_PARTS 16
#define PART_VOTES 65536
#define MAX_COUNT_LABELS 256

static double apart(kt_cohen_weights w, double a, double b)
{
    double d = fabs(a - b);
    return w == KT_COHEN_NONE ? d > 0 : w == KT_COHEN_LINEAR ? d : d * d;
}

/* ret[a] = Σ_k W_ak margin[k] */
static void weigh_margin(kt_cohen_weights w, const double *margin, uint32_t k, double *ret)
{
    double n = 0, first = 0, second = 0, below = 0, below_first = 0;
    for (uint32_t c = 0; c < k; c++) {
        n += margin[c];
        first += margin[c] * c;
        second += margin[c] * c * c;
    }
    for (uint32_t a = 0; a < k; a++) {
        double x = a;
        below += margin[a];
        below_first += margin[a] * x;
        if (w == KT_COHEN_NONE)
            ret[a] = n - margin[a];
        else if (w == KT_COHEN_LINEAR)
            ret[a] = x * below - below_first + (first - below_first) - x * (n - below);
        else
            ret[a] = x * x * n - 2 * x * first + second;
    }
}

/* Margins of the two sources and what they lead one to expect. */
struct table {
    kt_cohen_weights weights;
    uint32_t k;
    double n, *row, *col, *by_row, *by_col; /* by_row[a] = Σ_k W_ak col_k / n: expected disagreement where the first says a */
    double seen, expected;
};

static void table_make(struct table *t, kt_cohen_weights weights, uint32_t k)
{
    double *room = kt_zalloc_array(4 * ((size_t)k + 1), sizeof(double));
    *t = (struct table){ .weights = weights, .k = k, .row = room, .col = room + k, .by_row = room + 2 * (size_t)k, .by_col = room + 3 * (size_t)k };
}

static void expect(struct table *t)
{
    weigh_margin(t->weights, t->col, t->k, t->by_row);
    weigh_margin(t->weights, t->row, t->k, t->by_col);
    for (uint32_t a = 0; a < t->k; a++) {
        t->by_row[a] /= t->n;
        t->by_col[a] /= t->n;
        t->expected += t->row[a] * t->by_row[a];
    }
}

/* Influence of an item answered a and b, up to its mean: (-W_ab + A / B (Σ_k W_ak col_k + Σ_k W_kb row_k) / n) / B with
   A = Σ W O, B = Σ W E. */
static double influence(const struct table *t, uint32_t a, uint32_t b)
{
    return (-apart(t->weights, a, b) + t->seen / t->expected * (t->by_row[a] + t->by_col[b])) / t->expected;
}

static void answer(const struct table *t, kt_agree_result *ret)
{
    if (!(t->n > 0))
        return;
    kt_agree_term(ret, "D_o", t->seen / t->n, t->weights == KT_COHEN_NONE ? "share of items the two disagree on" : "mean weighted disagreement");
    kt_agree_term(ret, "D_e", t->expected / t->n, "the same, expected from how often each uses each label");
    kt_agree_term(ret, "items", t->n, "items both answered");
    if (t->expected > 0)
        ret->value = 1 - t->seen / t->expected;
}

static void finish(const struct table *t, double sum, double squares, kt_agree_result *ret)
{
    kt_agree_interval(ret->value, KT_MAX(squares - sum * sum / t->n, 0), t->n, ret->ci95);
}

void kt_cohen_of_table(const uint32_t *table, uint32_t n_labels, kt_cohen_weights weights, kt_agree_result *ret)
{
    struct table t;
    double sum = 0, squares = 0;
    kt_agree_undefined(ret);
    table_make(&t, weights, n_labels);
    for (uint32_t a = 0; a < n_labels; a++)
        for (uint32_t b = 0; b < n_labels; b++) {
            double n = table[(size_t)a * n_labels + b];
            t.row[a] += n;
            t.col[b] += n;
            t.n += n;
            t.seen += n * apart(weights, a, b);
        }
    if (t.n > 0)
        expect(&t);
    answer(&t, ret);
    for (uint32_t a = 0; a < n_labels && !isnan(ret->value) && !ret->no_interval; a++)
        for (uint32_t b = 0; b < n_labels; b++) {
            double n = table[(size_t)a * n_labels + b], psi = n > 0 ? influence(&t, a, b) : 0;
            sum += n * psi;
            squares += n * psi * psi;
        }
    if (!ret->no_interval)
        finish(&t, sum, squares, ret);
    kt_free(t.row);
}

static void of_pair(const void *ctx, const int32_t *a, const int32_t *b, size_t n, uint32_t n_labels, kt_agree_result *ret)
{
    const kt_cohen_opts *o = ctx;
    struct table t;
    double sum = 0, squares = 0;
    table_make(&t, (kt_cohen_weights)o->weights, n_labels);
    t.n = (double)n;
    for (size_t i = 0; i < n; i++) {
        t.row[a[i]]++;
        t.col[b[i]]++;
        t.seen += apart(t.weights, a[i], b[i]);
    }
    if (n)
        expect(&t);
    answer(&t, ret);
    for (size_t i = 0; i < n && !isnan(ret->value) && !ret->no_interval; i++) {
        double psi = influence(&t, (uint32_t)a[i], (uint32_t)b[i]);
        sum += psi;
        squares += psi * psi;
    }
    if (!ret->no_interval)
        finish(&t, sum, squares, ret);
    kt_free(t.row);
}

/* Two sources whose votes come item by item are counted in one pass, whose parts begin at items. */
struct count {
    const kt_votes *v;
    size_t parts, width;
    uint32_t *table; /* parts × width */
    bool odd[MOST_PARTS]; /* an id out of bounds, an item out of order, a source twice on an item */
};

static size_t cut(const struct count *w, size_t part)
{
    size_t i = w->v->n / w->parts * part + KT_MIN(part, w->v->n % w->parts);
    while (i > 0 && i < w->v->n && w->v->item[i] == w->v->item[i - 1])
        i++;
    return i;
}

static void count_part(void *ctx, size_t part)
{
    struct count *w = ctx;
    const kt_votes *v = w->v;
    uint32_t *table = w->table + part * w->width, k = v->n_labels, odd = 0;
    size_t i = cut(w, part), to = cut(w, part + 1);
    memset(table, 0, w->width * sizeof(*table));
    odd |= i > 0 && i < to && v->item[i] < v->item[i - 1];
    while (i < to && !odd) {
        uint32_t item = v->item[i], s = v->source[i], a = (uint32_t)v->label[i] + 1;
        odd |= (item >= v->n_items) | (s > 1) | (a > k);
        if (++i == to || v->item[i] != item) {
            odd |= i < to && v->item[i] < item;
            continue;
        }
        uint32_t b = (uint32_t)v->label[i] + 1;
        odd |= (v->source[i] != 1 - s) | (b > k) | (i + 1 < to && v->item[i + 1] <= item);
        i++;
        if (odd || !a || !b)
            continue;
        table[(s ? b - 1 : a - 1) * k + (s ? a - 1 : b - 1)]++;
    }
    w->odd[part] = odd;
}

/* False where the votes are not so regular; nothing is said then. */
static bool count_two(const kt_votes *v, kt_cohen_weights weights, kt_pool *pool, kt_agree_result *ret)
{
    struct count w = { .v = v, .parts = KT_MIN(v->n / PART_VOTES + 1, MOST_PARTS), .width = (size_t)v->n_labels * v->n_labels };
    w.table = kt_alloc_array(w.parts, w.width * sizeof(uint32_t) + 1);
    kt_pool_run(pool, w.parts, count_part, &w);
    bool odd = w.odd[0];
    for (size_t p = 1; p < w.parts; p++) {
        odd |= w.odd[p];
        for (size_t c = 0; c < w.width; c++)
            w.table[c] += w.table[p * w.width + c];
    }
    if (!odd)
        kt_cohen_of_table(w.table, v->n_labels, weights, ret);
    kt_free(w.table);
    return !odd;
}

static kt_rc of_votes(const kt_votes *v, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    const kt_cohen_opts *o = opt;
    if (v->n_sources == 2 && v->n_labels <= MAX_COUNT_LABELS && count_two(v, (kt_cohen_weights)o->weights, pool, ret))
        return 0;
    return kt_agree_over_pairs(v, &(kt_agree_pairwise){ opt, of_pair }, pool, ret, err);
}

static const kt_cohen_opts defaults = { .weights = KT_COHEN_NONE };
static const char *const weights[] = { "none", "linear", "quadratic", NULL };
static const kt_setting options[] = {
    { .name = "weights", .help = "what a disagreement costs by distance in the order of labels", .kind = KT_SET_CHOICE,
      .offset = offsetof(kt_cohen_opts, weights), .choice = weights },
    { .name = NULL },
};

const kt_agreement kt_agree_cohen_kappa = {
    .name = "cohen_kappa", .help = "two sources; mean over pairs for more (Cohen 1960, 1968)", .formula = "1 - D_o / D_e", .nominal = true,
    .options = options, .defaults = &defaults, .option_size = sizeof(defaults), .of_votes = of_votes,
};
