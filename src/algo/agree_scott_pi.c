/* Scott (1955), "Reliability of content analysis": like Cohen's kappa with one distribution of labels pooled over the
   sources. For more than two sources both sides run over all pairs of votes on the same item, so an item weighs
   m (m - 1); with two votes per item that is Scott's own formula. */
#include "algo/agree.h"

static double chance(const double *share, uint32_t k, double n, double *ret_grad)
{
    (void)n;
    double p_e = 0;
    for (uint32_t c = 0; c < k; c++) {
        p_e += share[c] * share[c];
        ret_grad[c] = 2 * share[c];
    }
    return p_e;
}

static kt_rc measure(const kt_votes *v, const void *opt, kt_rng *rng, double *ret_value, double ret_ci95[2], kt_err *err)
{
    (void)opt;
    (void)rng;
    return kt_agree_corrected(v, KT_WEIGH_PAIRS, chance, ret_value, ret_ci95, err);
}

const kt_agreement kt_agree_scott_pi = {
    .name = "scott_pi", .help = "two sources, pooled label shares; all pairs for more (Scott 1955)", .nominal = true, .measure = measure,
};
