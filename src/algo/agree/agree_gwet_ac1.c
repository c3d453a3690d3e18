/* Gwet (2008), "Computing inter-rater reliability and its variance in the presence of high agreement": p_o as Fleiss;
   pi_k = mean over items of the share of label k (items with one vote included),
   p_e = Σ pi_k (1 - pi_k) / (K - 1) for K allowed labels. */
#include "algo/agree/agree.h"

#include <math.h>

static double chance(const void *ctx, const double *share, uint32_t k, double n, double *ret_grad)
{
    (void)ctx;
    (void)n;
    double p_e = 0;
    for (uint32_t c = 0; c < k && k > 1; c++) {
        p_e += share[c] * (1 - share[c]) / (k - 1);
        ret_grad[c] = (1 - 2 * share[c]) / (k - 1);
    }
    return k > 1 ? p_e : NAN;
}

static kt_rc of_groups(const kt_vote_groups *g, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    (void)opt;
    (void)err;
    kt_agree_corrected(g, &(kt_agree_spec){ .weigh = KT_WEIGH_GWET, .chance = chance }, pool, ret);
    return 0;
}

const kt_agreement kt_agree_gwet_ac1 = {
    .name = "gwet_ac1", .help = "AC1, steady when one label dominates (Gwet 2008)", .formula = "(p_o - p_e) / (1 - p_e)",
    .nominal = true, .of_groups = of_groups,
};
