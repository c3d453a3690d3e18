/* Fleiss (1971), "Measuring nominal scale agreement among many raters": P_i = Σ n_ij (n_ij - 1) / (m_i (m_i - 1)),
   p_j the share of label j among all votes, kappa = (mean P_i - Σ p_j²) / (1 - Σ p_j²). Fleiss has the same number of
   votes on every item; here it may vary, and items with fewer than two votes are left out. */
#include "algo/agree/agree.h"

static kt_rc of_groups(const kt_vote_groups *g, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    (void)opt;
    (void)err;
    kt_agree_corrected(g, &(kt_agree_spec){ .weigh = KT_WEIGH_ITEMS, .chance = kt_agree_chance_squares }, pool, ret);
    return 0;
}

const kt_agreement kt_agree_fleiss_kappa = {
    .name = "fleiss_kappa", .help = "chance-corrected agreement of many sources (Fleiss 1971)",
    .formula = "(p_o - p_e) / (1 - p_e)", .nominal = true, .of_groups = of_groups,
};
