/* Spearman (1904): Pearson's correlation of the mid-ranks; mean over pairs of sources for more than two.

   Interval: influence of an item on r. Besides its own product an item with label g lifts the ranks of all labels above by 1
   and its own by 1/2; with D_c = dS/dr_c that adds Σ_{c>g} D_c + D_g / 2 to dS, for S each of the three sums. */
#include "algo/agree/correlation.h"

#include "base/mem.h"

#include <math.h>

/* What the lifted ranks of one side add to d S_xy and to its own d S, by label. */
struct lift {
    double *xy, *own;
    uint32_t *rank;
};

static void lift_make(struct lift *l, const double *x, const double *count, const double *product, const uint32_t *rank, uint32_t n_ranks,
                      uint32_t k)
{
    double *room = kt_zalloc_array(4 * ((size_t)k + 1), sizeof(double)), above[2] = { 0, 0 };
    double *at_xy = room + 2 * ((size_t)k + 1), *at_own = at_xy + k + 1;
    *l = (struct lift){ .xy = room, .own = room + k + 1 };
    for (uint32_t c = 0; c < k; c++) {
        at_xy[rank[c]] += product[c];
        at_own[rank[c]] += 2 * count[c] * x[c];
    }
    for (uint32_t r = n_ranks; r-- > 0;) { /* from the top: each place becomes its sum above plus half of its own */
        double xy = at_xy[r], own = at_own[r];
        at_xy[r] = above[0] + xy / 2;
        at_own[r] = above[1] + own / 2;
        above[0] += xy;
        above[1] += own;
    }
    for (uint32_t c = 0; c < k; c++) {
        l->xy[c] = at_xy[rank[c]];
        l->own[c] = at_own[rank[c]];
    }
}

static void interval(const kt_correlation *c, const double *value, double ret_ci95[2])
{
    uint32_t n_ranks, *rank = kt_alloc_array((size_t)c->k + 1, sizeof(*rank));
    double *product = kt_zalloc_array(2 * ((size_t)c->k + 1), sizeof(*product)), *of_y = product + c->k + 1, sum = 0, squares = 0;
    kt_value_places(value, c->k, rank, &n_ranks);
    for (size_t i = 0; i < c->n; i++) {
        product[c->a[i]] += c->y[c->b[i]];
        of_y[c->b[i]] += c->x[c->a[i]];
    }
    struct lift x, y;
    lift_make(&x, c->x, c->x_count, product, rank, n_ranks, c->k);
    lift_make(&y, c->y, c->y_count, of_y, rank, n_ranks, c->k);
    for (size_t i = 0; i < c->n; i++) {
        int32_t a = c->a[i], b = c->b[i];
        double xy = c->x[a] * c->y[b] + x.xy[a] + y.xy[b], xx = c->x[a] * c->x[a] + x.own[a], yy = c->y[b] * c->y[b] + y.own[b];
        double psi = xy / sqrt(c->xx) / sqrt(c->yy) - c->r / 2 * (xx / c->xx + yy / c->yy);
        sum += psi;
        squares += psi * psi;
    }
    kt_correlation_interval(c->r, sum, squares, (double)c->n, ret_ci95);
    kt_free(x.xy);
    kt_free(y.xy);
    kt_free(product);
    kt_free(rank);
}

static void of_pair(const void *ctx, const int32_t *a, const int32_t *b, size_t n, uint32_t n_labels, kt_agree_result *ret)
{
    const double *value = ((const kt_correlation_opts *)ctx)->value;
    kt_correlation c;
    kt_correlation_make(&c, value, true, a, b, n, n_labels);
    ret->value = c.r;
    kt_agree_term(ret, "S_xy", c.xy, "sum of products of the two sources' mid-ranks less their mean");
    kt_agree_term(ret, "S_xx", c.xx, "sum of squares of the first's");
    kt_agree_term(ret, "S_yy", c.yy, "of the second's");
    kt_agree_term(ret, "items", (double)n, "items both answered");
    if (!ret->no_interval && !isnan(c.r))
        interval(&c, value, ret->ci95);
    kt_correlation_done(&c);
}

static kt_rc of_votes(const kt_votes *v, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    return kt_agree_over_pairs(v, &(kt_agree_pairwise){ opt, of_pair }, pool, ret, err);
}

const kt_agreement kt_agree_spearman = {
    .name = "spearman", .help = "rank correlation of two sources; mean over pairs for more (Spearman 1904)",
    .formula = "S_xy / sqrt(S_xx S_yy)", .numeric = true, .defaults = &kt_correlation_defaults,
    .option_size = sizeof(kt_correlation_opts), .of_votes = of_votes,
};
