/* What it says of an item that a function does not vote on it. A rule that finds most items of a label speaks against that label where it is silent; one
   that finds few, or as many of every label, says next to nothing. P(j votes | c) is its rate among all items, weighed by the posteriors of the fitted
   model, those without a vote at the class balance: where little is covered the rates of all labels are nearly alike, and silence counts little by
   itself. Functions that depend on each other count as they do when they vote.

   EM has found how right a vote is on the items where it stands, with the silence that is usual there, but has also believed beforehand, which knows
   nothing of silence; so a vote loses half of what silence adds to its label on average (on three real sets of rules all of it, half and nothing
   were tried; half was best or second on each). A look at SAMPLE items is enough: rates are known to a percent of themselves. */
#include "algo/denoise/denoise_int.h"
#include "base/mem.h"

#include <math.h>

enum { SAMPLE = 16384, RUN = 64 };
#define USUAL 0.5 /* part of the average silence that votes lose */
#define MOST 0.98 /* a rate is at most this: nobody votes on every item there will be */

struct look {
    const kt_lf_columns *v;
    uint32_t k, m;
    size_t n;
    int16_t *said;  /* n × m, of the items looked at */
    double *p;      /* n × k, their posteriors as EM left them */
};

/* Place of the i-th item looked at: runs of neighbours, evenly spread. */
static size_t place_of(size_t i, size_t n_items)
{
    if (n_items <= SAMPLE)
        return i;
    return (size_t)((double)(i / RUN) / (SAMPLE / RUN) * (double)(n_items - RUN)) + i % RUN;
}

static void read_sample(struct look *x, const kt_label_model *model)
{
    for (size_t i = 0; i < x->n; i++) {
        size_t at = place_of(i, x->v->n_items);
        for (uint32_t j = 0; j < x->m; j++)
            x->said[i * x->m + j] = x->v->vote[j][at * x->v->stride];
        kt_denoise_posterior(model, x->said + i * x->m, x->p + i * x->k);
    }
}

/* ret: m × k, log P(abstains | truth). Rates that differ by no more than chance lets them (chi-square against its degrees of freedom) are drawn to their
   mean, as James and Stein (1961) draw. */
static void measure(const struct look *x, const double *weight, double *ret)
{
    double *all = kt_zalloc_array(x->k, sizeof(*all)), *votes = kt_zalloc_array((size_t)x->m + 1, sizeof(*votes));
    for (size_t i = 0; i < x->n; i++) {
        const double *p = x->p + i * x->k;
        for (uint32_t c = 0; c < x->k; c++)
            all[c] += p[c];
        for (uint32_t j = 0; j < x->m; j++) {
            if (x->said[i * x->m + j] < 0)
                continue;
            votes[j]++;
            for (uint32_t c = 0; c < x->k; c++)
                ret[(size_t)j * x->k + c] += p[c];
        }
    }
    for (uint32_t j = 0; j < x->m; j++) {
        double *rate = ret + (size_t)j * x->k, usual = x->n ? votes[j] / (double)x->n : 0, differ = 0;
        for (uint32_t c = 0; c < x->k; c++) {
            rate[c] = (rate[c] + usual) / (all[c] + 1);
            differ += usual > 0 && usual < 1 ? all[c] * (rate[c] - usual) * (rate[c] - usual) / (usual * (1 - usual)) : 0;
        }
        double keep = differ > x->k - 1 ? 1 - (x->k - 1) / differ : 0;
        for (uint32_t c = 0; c < x->k; c++)
            rate[c] = weight[j] * log1p(-KT_MIN(usual + keep * (rate[c] - usual), MOST));
    }
    kt_free(all);
    kt_free(votes);
}

/* What silence adds to the log odds of label c, to first order. */
static double shift_of(const double *silent, const double *p, uint32_t k, uint32_t c)
{
    double others = 0, rest = 0;
    for (uint32_t d = 0; d < k; d++)
        if (d != c) {
            others += p[d] * silent[d];
            rest += p[d];
        }
    return silent[c] - (rest > 0 ? others / rest : 0);
}

/* Votes lose what the usual silence around them adds. */
static void settle(const struct look *x, kt_label_model *model)
{
    size_t cells = (size_t)x->m * x->k;
    double *sum = kt_zalloc_array(cells + 1, sizeof(*sum)), *n = kt_zalloc_array(cells + 1, sizeof(*n)), *silent = kt_alloc_array(x->k, sizeof(*silent));
    for (size_t i = 0; i < x->n; i++) {
        const int16_t *said = x->said + i * x->m;
        for (uint32_t c = 0; c < x->k; c++)
            silent[c] = 0;
        for (uint32_t j = 0; j < x->m; j++)
            for (uint32_t c = 0; said[j] < 0 && c < x->k; c++)
                silent[c] += model->silence[(size_t)j * x->k + c];
        for (uint32_t j = 0; j < x->m; j++)
            if (said[j] >= 0) {
                size_t cell = (size_t)j * x->k + (size_t)said[j];
                sum[cell] += shift_of(silent, x->p + i * x->k, x->k, (uint32_t)said[j]);
                n[cell]++;
            }
    }
    for (size_t cell = 0; cell < cells; cell++)
        model->log_likelihood[cell * x->k + cell % x->k] -= n[cell] > 0 ? USUAL * model->vote_weight[cell / x->k] * sum[cell] / n[cell] : 0;
    kt_free(sum);
    kt_free(n);
    kt_free(silent);
}

void kt_denoise_silence(const kt_lf_columns *v, kt_arena *a, kt_label_model *ret)
{
    struct look x = { v, v->n_labels, v->n_functions, KT_MIN(v->n_items, (size_t)SAMPLE), NULL, NULL };
    x.said = kt_alloc_array(x.n * x.m + 1, sizeof(*x.said));
    x.p = kt_alloc_array(x.n * x.k + 1, sizeof(*x.p));
    read_sample(&x, ret);
    double *silence = kt_arena_array(a, (size_t)x.m * x.k + 1, sizeof(*silence));
    measure(&x, ret->vote_weight, silence);
    ret->silence = silence;
    settle(&x, ret);
    kt_free(x.said);
    kt_free(x.p);
}
