/* Scott (1955), "Reliability of content analysis": like Cohen's kappa with one distribution of labels pooled over the
   sources. For more than two sources both sides run over all pairs of votes on the same item, so an item weighs
   m (m - 1); with two votes per item that is Scott's own formula. */
#include "algo/agree/agree.h"

static kt_rc of_groups(const kt_vote_groups *g, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    (void)opt;
    (void)err;
    kt_agree_corrected(g, &(kt_agree_spec){ .weigh = KT_WEIGH_PAIRS, .chance = kt_agree_chance_squares }, pool, ret);
    return 0;
}

const kt_agreement kt_agree_scott_pi = {
    .name = "scott_pi", .help = "two sources, pooled label shares; all pairs for more (Scott 1955)",
    .formula = "(p_o - p_e) / (1 - p_e)", .nominal = true, .of_groups = of_groups,
};
