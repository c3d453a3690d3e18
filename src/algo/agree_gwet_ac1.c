/* Gwet (2008), "Computing inter-rater reliability and its variance in the presence of high agreement": p_o as Fleiss;
   pi_k = mean over items of the share of label k (items with one vote included),
   p_e = Σ pi_k (1 - pi_k) / (K - 1) for K allowed labels. */
#include "algo/agree.h"

#include <math.h>

static double chance(const double *share, uint32_t k, double n, double *ret_grad)
{
    (void)n;
    double p_e = 0;
    for (uint32_t c = 0; c < k && k > 1; c++) {
        p_e += share[c] * (1 - share[c]) / (k - 1);
        ret_grad[c] = (1 - 2 * share[c]) / (k - 1);
    }
    return k > 1 ? p_e : NAN;
}

static kt_rc measure(const kt_votes *v, const void *opt, kt_rng *rng, double *ret_value, double ret_ci95[2], kt_err *err)
{
    (void)opt;
    (void)rng;
    return kt_agree_corrected(v, KT_WEIGH_GWET, chance, ret_value, ret_ci95, err);
}

const kt_agreement kt_agree_gwet_ac1 = {
    .name = "gwet_ac1", .help = "AC1, steady when one label dominates (Gwet 2008)", .nominal = true, .measure = measure,
};
