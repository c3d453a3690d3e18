/* Fleiss (1971), "Measuring nominal scale agreement among many raters": P_i = Σ n_ij (n_ij - 1) / (m_i (m_i - 1)),
   p_j the share of label j among all votes, kappa = (mean P_i - Σ p_j²) / (1 - Σ p_j²). Fleiss has the same number of
   votes on every item; here it may vary, and items with fewer than two votes are left out. */
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
    return kt_agree_corrected(v, KT_WEIGH_ITEMS, chance, ret_value, ret_ci95, err);
}

const kt_agreement kt_agree_fleiss_kappa = {
    .name = "fleiss_kappa", .help = "chance-corrected agreement of many sources (Fleiss 1971)", .nominal = true, .measure = measure,
};
