/* Randolph (2005), free-marginal multirater kappa: as Fleiss, with p_e = 1 / K for K allowed labels, whether they occur
   or not. */
#include "algo/agree/agree.h"

static double chance(const void *ctx, const double *share, uint32_t k, double n, double *ret_grad)
{
    (void)ctx;
    (void)share;
    (void)n;
    (void)ret_grad;
    return 1.0 / k;
}

static kt_rc of_groups(const kt_vote_groups *g, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    (void)opt;
    (void)err;
    kt_agree_corrected(g, &(kt_agree_spec){ .weigh = KT_WEIGH_ITEMS, .chance = chance }, pool, ret);
    return 0;
}

const kt_agreement kt_agree_randolph_kappa = {
    .name = "randolph_kappa", .help = "free-marginal kappa: chance is 1 / number of labels (Randolph 2005)",
    .formula = "(p_o - p_e) / (1 - p_e)", .nominal = true, .of_groups = of_groups,
};
