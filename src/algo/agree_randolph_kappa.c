/* Randolph (2005), free-marginal multirater kappa: as Fleiss, with p_e = 1 / K for K allowed labels, whether they occur
   or not. */
#include "algo/agree.h"

static double chance(const double *share, uint32_t k, double n, double *ret_grad)
{
    (void)n;
    (void)share;
    for (uint32_t c = 0; c < k; c++)
        ret_grad[c] = 0;
    return 1.0 / k;
}

static kt_rc measure(const kt_votes *v, const void *opt, kt_rng *rng, double *ret_value, double ret_ci95[2], kt_err *err)
{
    (void)opt;
    (void)rng;
    return kt_agree_corrected(v, KT_WEIGH_ITEMS, chance, ret_value, ret_ci95, err);
}

const kt_agreement kt_agree_randolph_kappa = {
    .name = "randolph_kappa", .help = "free-marginal kappa: chance is 1 / number of labels (Randolph 2005)", .nominal = true, .measure = measure,
};
