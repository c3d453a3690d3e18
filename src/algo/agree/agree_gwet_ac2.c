/* Gwet (2014), "Handbook of inter-rater reliability", AC2: AC1 for ordered labels. A pair of labels k, l agrees by w_kl,

       linear 1 - |k - l| / (K - 1)      quadratic 1 - (k - l)² / (K - 1)²      radical 1 - √(|k - l| / (K - 1))
       ordinal 1 - C(|k - l| + 1, 2) / C(K, 2)

   for K allowed labels in their order; p_e = Σ_kl w_kl / (K (K - 1)) · Σ pi_k (1 - pi_k) with the shares of AC1. */
#include "algo/agree/agree.h"

#include <math.h>

struct scale {
    kt_gwet_weights weights;
    double span;  /* K - 1 */
    double total; /* Σ w / (K (K - 1)) */
};

static double apart(const struct scale *s, double steps)
{
    switch (s->weights) {
    case KT_GWET_LINEAR: return steps / s->span;
    case KT_GWET_QUADRATIC: return steps * steps / (s->span * s->span);
    case KT_GWET_RADICAL: return sqrt(steps / s->span);
    case KT_GWET_ORDINAL:
    case KT_GWET__COUNT: break;
    }
    return (steps + 1) * steps / ((s->span + 1) * s->span);
}

static double distance(const void *ctx, int32_t a, int32_t b)
{
    return apart(ctx, fabs((double)a - b));
}

static double chance(const void *ctx, const double *share, uint32_t k, double n, double *ret_grad)
{
    const struct scale *s = ctx;
    (void)n;
    double p_e = 0;
    for (uint32_t c = 0; c < k; c++) {
        p_e += s->total * share[c] * (1 - share[c]);
        ret_grad[c] = s->total * (1 - 2 * share[c]);
    }
    return k > 1 ? p_e : NAN;
}

static kt_rc of_groups(const kt_vote_groups *g, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err)
{
    const kt_gwet_opts *o = opt;
    double k = g->n_labels;
    struct scale s = { .weights = (kt_gwet_weights)o->weights, .span = k - 1 };
    (void)err;
    if (g->n_labels < 2)
        return 0;
    double sum = k; /* the diagonal, then 2 (K - d) pairs d apart */
    for (double d = 1; d < k; d++)
        sum += 2 * (k - d) * (1 - apart(&s, d));
    s.total = sum / (k * (k - 1));
    kt_label_distance d = { distance, &s };
    kt_agree_corrected(g, &(kt_agree_spec){ .weigh = KT_WEIGH_GWET, .distance = &d, .chance = chance, .ctx = &s }, pool, ret);
    return 0;
}

static const kt_gwet_opts defaults = { .weights = KT_GWET_QUADRATIC };
static const char *const weights[] = { "linear", "quadratic", "ordinal", "radical", NULL };
_Static_assert(KT_LEN(weights) == KT_GWET__COUNT + 1, "a name for all weights");
static const kt_setting options[] = {
    { .name = "weights", .help = "how agreement falls with the distance of labels in their order", .kind = KT_SET_CHOICE,
      .offset = offsetof(kt_gwet_opts, weights), .choice = weights },
    { .name = NULL },
};

const kt_agreement kt_agree_gwet_ac2 = {
    .name = "gwet_ac2", .help = "AC2: AC1 for ordered labels (Gwet 2014)", .formula = "(p_o - p_e) / (1 - p_e)",
    .options = options, .defaults = &defaults, .option_size = sizeof(defaults), .of_groups = of_groups,
};
