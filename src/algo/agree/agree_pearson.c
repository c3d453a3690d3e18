/* Pearson's product-moment correlation of two sources' numbers; mean over pairs for more. Interval: the influence of an item
   on r, z_x z_y - r (z_x² + z_y²) / 2 with standardised numbers z, so that nothing need be normal. */
#include "algo/agree/correlation.h"

#include <math.h>

static void of_pair(const void *ctx, const int32_t *a, const int32_t *b, size_t n, uint32_t n_labels, kt_agree_result *ret)
{
    kt_correlation c;
    kt_correlation_make(&c, ((const kt_correlation_opts *)ctx)->value, false, a, b, n, n_labels);
    ret->value = c.r;
    kt_agree_term(ret, "S_xy", c.xy, "sum of products of the two sources' deviations from their means");
    kt_agree_term(ret, "S_xx", c.xx, "sum of squared deviations of the first");
    kt_agree_term(ret, "S_yy", c.yy, "of the second");
    kt_agree_term(ret, "items", (double)n, "items both answered");
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n && !ret->no_interval && !isnan(c.r); i++) {
        double x = c.x[a[i]], y = c.y[b[i]];
        double psi = x * y / sqrt(c.xx) / sqrt(c.yy) - c.r / 2 * (x * x / c.xx + y * y / c.yy);
        sum += psi;
        squares += psi * psi;
    }
    if (!ret->no_interval)
        kt_correlation_interval(c.r, sum, squares, (double)n, ret->ci95);
    kt_correlation_done(&c);
}

static kt_rc of_votes(const kt_votes *v, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    return kt_agree_over_pairs(v, &(kt_agree_pairwise){ opt, of_pair }, pool, ret, err);
}

const kt_agreement kt_agree_pearson = {
    .name = "pearson", .help = "linear correlation of two sources' numbers; mean over pairs for more", .formula = "S_xy / sqrt(S_xx S_yy)",
    .numeric = true, .defaults = &kt_correlation_defaults, .option_size = sizeof(kt_correlation_opts), .of_votes = of_votes,
};
