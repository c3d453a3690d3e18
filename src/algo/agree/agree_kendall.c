/* Kendall (1945), tau-b: concordant less discordant pairs of items over the geometric mean of the pairs that either source
   tells apart. Each item's own balance c_i = Σ_j sign(x_i - x_j) sign(y_i - y_j) comes from two sweeps over the items in order
   of x with a tree of counts over y (Fenwick 1994), O(n log labels); T = Σ c_i / 2, and the influence of an item is
   c_i / √(U_x U_y) - tau / 2 ((n - t_x) / U_x + (n - t_y) / U_y) with t the items tied with it. */
#include "algo/agree/correlation.h"

#include "base/mem.h"

#include <math.h>

struct tree {
    uint32_t n;
    int64_t *sum;
};

static void tree_add(struct tree *t, uint32_t at)
{
    for (uint32_t i = at + 1; i <= t->n; i += i & -i)
        t->sum[i]++;
}

/* How many below at. */
static int64_t tree_below(const struct tree *t, uint32_t at)
{
    int64_t sum = 0;
    for (uint32_t i = at; i > 0; i -= i & -i)
        sum += t->sum[i];
    return sum;
}

struct kendall {
    size_t n;
    uint32_t places;
    const int32_t *a, *b;
    uint32_t *rank;         /* of labels, by value */
    size_t *start, *order;  /* items by place of x */
    int64_t *balance;       /* c_i */
    double *tied_x, *tied_y; /* items at each place */
};

static uint32_t y_of(const struct kendall *w, size_t q)
{
    return w->rank[w->b[w->order[q]]];
}

/* Adds what the items on one side of each have to say: below in x (sign 1) or above (-1). */
static void sweep(struct kendall *w, bool up)
{
    struct tree t = { w->places, kt_zalloc_array((size_t)w->places + 1, sizeof(int64_t)) };
    int64_t seen = 0, sign = up ? 1 : -1;
    for (uint32_t step = 0; step < w->places; step++) {
        uint32_t x = up ? step : w->places - 1 - step;
        for (size_t q = w->start[x]; q < w->start[x + 1]; q++) {
            uint32_t y = y_of(w, q);
            int64_t less = tree_below(&t, y), more = seen - tree_below(&t, y + 1);
            w->balance[w->order[q]] += sign * (less - more);
        }
        for (size_t q = w->start[x]; q < w->start[x + 1]; q++)
            tree_add(&t, y_of(w, q));
        seen += (int64_t)(w->start[x + 1] - w->start[x]);
    }
    kt_free(t.sum);
}

static void sort_by_x(struct kendall *w)
{
    for (size_t i = 0; i < w->n; i++) {
        w->start[w->rank[w->a[i]] + 1]++;
        w->tied_x[w->rank[w->a[i]]]++;
        w->tied_y[w->rank[w->b[i]]]++;
    }
    for (uint32_t x = 0; x < w->places; x++)
        w->start[x + 1] += w->start[x];
    size_t *at = kt_alloc_array((size_t)w->places + 1, sizeof(*at));
    memcpy(at, w->start, ((size_t)w->places + 1) * sizeof(*at));
    for (size_t i = 0; i < w->n; i++)
        w->order[at[w->rank[w->a[i]]]++] = i;
    kt_free(at);
}

static double told_apart(const double *tied, uint32_t places, double n)
{
    double pairs = n * (n - 1) / 2;
    for (uint32_t p = 0; p < places; p++)
        pairs -= tied[p] * (tied[p] - 1) / 2;
    return pairs;
}

static void answer(struct kendall *w, kt_agree_result *ret)
{
    double n = (double)w->n, u_x = told_apart(w->tied_x, w->places, n), u_y = told_apart(w->tied_y, w->places, n), t = 0;
    for (size_t i = 0; i < w->n; i++)
        t += (double)w->balance[i] / 2;
    kt_agree_term(ret, "T", t, "concordant less discordant pairs of items");
    kt_agree_term(ret, "U_x", u_x, "pairs the first source tells apart");
    kt_agree_term(ret, "U_y", u_y, "pairs the second source tells apart");
    kt_agree_term(ret, "items", n, "items both answered");
    if (!(u_x > 0 && u_y > 0))
        return;
    double root = sqrt(u_x) * sqrt(u_y), sum = 0, squares = 0;
    ret->value = KT_MAX(-1, KT_MIN(1, t / root));
    for (size_t i = 0; i < w->n && !ret->no_interval; i++) {
        double x = n - w->tied_x[w->rank[w->a[i]]], y = n - w->tied_y[w->rank[w->b[i]]];
        double psi = (double)w->balance[i] / root - ret->value / 2 * (x / u_x + y / u_y);
        sum += psi;
        squares += psi * psi;
    }
    if (!ret->no_interval)
        kt_correlation_interval(ret->value, sum, squares, n, ret->ci95);
}

static void of_pair(const void *ctx, const int32_t *a, const int32_t *b, size_t n, uint32_t n_labels, kt_agree_result *ret)
{
    struct kendall w = { .n = n, .a = a, .b = b, .rank = kt_alloc_array((size_t)n_labels + 1, sizeof(uint32_t)) };
    kt_value_places(((const kt_correlation_opts *)ctx)->value, n_labels, w.rank, &w.places);
    w.start = kt_zalloc_array((size_t)w.places + 2, sizeof(size_t));
    w.order = kt_alloc_array(n + 1, sizeof(size_t));
    w.balance = kt_zalloc_array(n + 1, sizeof(int64_t));
    w.tied_x = kt_zalloc_array(2 * ((size_t)w.places + 1), sizeof(double));
    w.tied_y = w.tied_x + w.places + 1;
    sort_by_x(&w);
    sweep(&w, true);
    sweep(&w, false);
    answer(&w, ret);
    void *all[] = { w.rank, w.start, w.order, w.balance, w.tied_x };
    for (size_t i = 0; i < KT_LEN(all); i++)
        kt_free(all[i]);
}

static kt_rc of_votes(const kt_votes *v, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    return kt_agree_over_pairs(v, &(kt_agree_pairwise){ opt, of_pair }, pool, ret, err);
}

const kt_agreement kt_agree_kendall = {
    .name = "kendall", .help = "tau-b, rank correlation of two sources; mean over pairs for more (Kendall 1945)",
    .formula = "T / sqrt(U_x U_y)", .numeric = true, .defaults = &kt_correlation_defaults, .option_size = sizeof(kt_correlation_opts),
    .of_votes = of_votes,
};
