/* EM as described in the header. The prior is a handful of units each function has seen before: it keeps rates inside (0, 1), and yes from
   trading places with no. Everything is added up in the order of the patterns: the same bits everywhere. */
#include "algo/denoise/denoise_fires.h"

#include "base/mem.h"

#include <math.h>

#define ROUNDS 100
#define ENOUGH 1e-9      /* change of the chances after which it has come to rest */
#define FIRST_GUESS 0.8  /* precision */
#define PRIOR_FIRES 10.0 /* units the guess is worth */
#define PRIOR_UNITS 20.0 /* … among so many it stayed silent on */
#define FEWEST 3

struct em {
    const kt_fires *d;
    double *a, *b;       /* chance to fire on a yes, on a no */
    double *fires;       /* units each fires on */
    double *yes_fires;   /* expected yes among them */
    double pi;           /* share of yes */
    uint32_t n_active;
};

static double guess(const kt_fires *d, uint32_t j)
{
    return d->guess ? KT_MIN(KT_MAX(d->guess[j], 0.01), 0.99) : FIRST_GUESS;
}

static double total(const struct em *e)
{
    double sum = e->d->n_silent;
    for (size_t p = 0; p < e->d->n_patterns; p++)
        sum += e->d->count[p];
    return sum;
}

/* From chances to rates. */
static void maximize(struct em *e, const double *yes, double all)
{
    const kt_fires *d = e->d;
    double n_yes = 0;
    for (uint32_t j = 0; j < d->n_functions; j++)
        e->yes_fires[j] = 0;
    for (size_t p = 0; p < d->n_patterns; p++) {
        double w = d->count[p] * yes[p];
        n_yes += w;
        for (size_t k = d->start[p]; k < d->start[p + 1]; k++)
            e->yes_fires[d->function[k]] += w;
    }
    e->pi = (n_yes + 1) / (all + 2);
    for (uint32_t j = 0; j < d->n_functions; j++) {
        double right = PRIOR_FIRES * guess(d, j), wrong = PRIOR_FIRES - right, share = PRIOR_FIRES / (all + PRIOR_FIRES);
        e->a[j] = (e->yes_fires[j] + right) / (n_yes + right + PRIOR_UNITS);
        e->b[j] = (e->fires[j] - e->yes_fires[j] + wrong * share) / (all - n_yes + wrong * share + PRIOR_UNITS);
        e->a[j] = KT_MIN(KT_MAX(e->a[j], 1e-6), 1 - 1e-6);
        e->b[j] = KT_MIN(KT_MAX(e->b[j], 1e-9), 0.999 * e->a[j]); /* a function speaks for its label, never against it */
    }
}

/* From rates to chances; returns the largest change. */
static double expect(const struct em *e, double *yes)
{
    const kt_fires *d = e->d;
    double silent = log(e->pi) - log1p(-e->pi), most = 0;
    for (uint32_t j = 0; j < d->n_functions; j++)
        if (e->fires[j] > 0)
            silent += log1p(-e->a[j]) - log1p(-e->b[j]);
    for (size_t p = 0; p < d->n_patterns; p++) {
        double odds = silent;
        for (size_t k = d->start[p]; k < d->start[p + 1]; k++) {
            uint32_t j = d->function[k];
            odds += log(e->a[j]) - log(e->b[j]) - log1p(-e->a[j]) + log1p(-e->b[j]);
        }
        double now = 1 / (1 + exp(-odds));
        most = KT_MAX(most, fabs(now - yes[p]));
        yes[p] = now;
    }
    return most;
}

static kt_rc begin(struct em *e, double *yes, kt_err *err)
{
    const kt_fires *d = e->d;
    for (size_t p = 0; p < d->n_patterns; p++) {
        double wrong = 1; /* all that fire are */
        for (size_t k = d->start[p]; k < d->start[p + 1]; k++) {
            if (d->function[k] >= d->n_functions)
                return kt_fail(err, KT_RANGE, "function %u of %u", d->function[k], d->n_functions);
            e->fires[d->function[k]] += d->count[p];
            wrong *= 1 - guess(d, d->function[k]);
        }
        yes[p] = 1 - wrong;
    }
    for (uint32_t j = 0; j < d->n_functions; j++)
        e->n_active += e->fires[j] > 0;
    return 0;
}

kt_rc kt_denoise_fires(const kt_fires *d, double *ret_yes, double *ret_precision, double *ret_recall, kt_err *err)
{
    struct em e = { .d = d, .a = kt_zalloc_array((size_t)d->n_functions + 1, sizeof(double)), .b = kt_zalloc_array((size_t)d->n_functions + 1, sizeof(double)),
                    .fires = kt_zalloc_array((size_t)d->n_functions + 1, sizeof(double)), .yes_fires = kt_zalloc_array((size_t)d->n_functions + 1, sizeof(double)) };
    kt_rc rc = begin(&e, ret_yes, err);
    double all = total(&e);
    for (int i = 0; rc == 0 && d->silence_speaks && e.n_active >= FEWEST && i < ROUNDS; i++) {
        maximize(&e, ret_yes, all);
        if (expect(&e, ret_yes) < ENOUGH)
            break;
    }
    if (rc == 0)
        maximize(&e, ret_yes, all);
    for (uint32_t j = 0; j < d->n_functions && rc == 0; j++) {
        ret_precision[j] = e.fires[j] > 0 ? e.yes_fires[j] / e.fires[j] : NAN;
        ret_recall[j] = e.fires[j] > 0 ? e.yes_fires[j] / KT_MAX(e.pi * (all + 2) - 1, 1e-12) : NAN;
    }
    kt_free(e.a);
    kt_free(e.b);
    kt_free(e.fires);
    kt_free(e.yes_fires);
    return rc;
}
