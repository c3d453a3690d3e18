/* Share of pairs of votes on the same item that agree; the file to copy for a new metric. */
#include "algo/agree/agree.h"

static double chance(const void *ctx, const double *share, uint32_t k, double n, double *ret_grad)
{
    (void)ctx;
    (void)share;
    (void)k;
    (void)n;
    (void)ret_grad;
    return 0;
}

static kt_rc of_groups(const kt_vote_groups *g, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    (void)opt;
    (void)err;
    kt_agree_corrected(g, &(kt_agree_spec){ .weigh = KT_WEIGH_PAIRS, .chance = chance }, pool, ret);
    if (ret->ci95[0] < 0)
        ret->ci95[0] = 0;
    return 0;
}

const kt_agreement kt_agree_percent = {
    .name = "percent", .help = "share of pairs of votes on the same item that agree", .formula = "p_o", .nominal = true,
    .of_groups = of_groups,
};
