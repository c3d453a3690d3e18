/* Share of pairs of votes on the same item that agree; the file to copy for a new metric. */
#include "algo/agree.h"

static double chance(const double *share, uint32_t k, double n, double *ret_grad)
{
    (void)n;
    for (uint32_t c = 0; c < k; c++)
        ret_grad[c] = 0;
    (void)share;
    return 0;
}

static kt_rc measure(const kt_votes *v, const void *opt, kt_rng *rng, double *ret_value, double ret_ci95[2], kt_err *err)
{
    (void)opt;
    (void)rng;
    KT_TRY(kt_agree_corrected(v, KT_WEIGH_PAIRS, chance, ret_value, ret_ci95, err));
    if (ret_ci95 && ret_ci95[0] < 0)
        ret_ci95[0] = 0;
    return 0;
}

const kt_agreement kt_agree_percent = {
    .name = "percent", .help = "share of pairs of votes on the same item that agree", .nominal = true, .measure = measure,
};
