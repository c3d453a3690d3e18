/* Functions that copy each other, from pairwise agreement alone. With skill s = (K a - 1) / (K - 1) of a function of accuracy a, two
   functions that err independently agree, where both vote, so that (K agreement - 1) / (K - 1) = s_i s_j. Skills come from medians
   over the partners of each function, which a group of copies cannot move while it is less than half of them; a pair that agrees
   more than its skills explain, by more than chance allows, is dependent to the degree

       rho = (agreement beyond s_i s_j) / (1 - s_i s_j)        0: independent, 1: a copy

   A function then votes with the weight 1 / (1 + Σ rho): m copies count as one. Functions that only ever say one label are left
   out: from agreement alone nothing can be known of them. */
#include "algo/denoise/denoise.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define ROUNDS 100
#define LEAST_TOGETHER 20 /* items, to say anything about a pair */
#define SURE 4.0          /* standard errors */
#define LEAST_RHO 0.1

struct dependence {
    uint32_t m;
    double k;
    double *agree; /* m × m: (K agreement - 1) / (K - 1), NaN where too few items are shared */
    double *error; /* m × m: its standard error */
    double *skill;
};

/* Functions that vote for one label only always agree with their like, which says nothing: 5 % of the votes must be for others. */
static bool says_several(const double *both, size_t cells, size_t k, size_t j)
{
    double all = 0, most = 0;
    for (size_t c = j * k; c < (j + 1) * k; c++) {
        all += both[c * cells + c];
        most = KT_MAX(most, both[c * cells + c]);
    }
    return most < 0.95 * all;
}

static void measure(struct dependence *d, const double *both, uint32_t n_labels)
{
    size_t k = n_labels, cells = d->m * k;
    bool *several = kt_alloc_array(d->m, sizeof(*several));
    for (size_t j = 0; j < d->m; j++)
        several[j] = says_several(both, cells, k, j);
    for (size_t i = 0; i < d->m; i++)
        for (size_t j = 0; j < d->m; j++) {
            double same = 0, all = 0, share;
            for (size_t a = 0; a < k; a++)
                for (size_t b = 0; b < k; b++) {
                    all += both[(i * k + a) * cells + j * k + b];
                    same += a == b ? both[(i * k + a) * cells + j * k + b] : 0;
                }
            share = same / all;
            bool enough = i != j && all >= LEAST_TOGETHER && several[i] && several[j];
            d->agree[i * d->m + j] = enough ? (d->k * share - 1) / (d->k - 1) : NAN;
            share = (same + 1) / (all + 2); /* no error of 0 where all agree */
            d->error[i * d->m + j] = enough ? d->k / (d->k - 1) * sqrt(share * (1 - share) / all) : NAN;
        }
    kt_free(several);
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void find_skills(struct dependence *d)
{
    double *ratio = kt_alloc_array(d->m, sizeof(*ratio)), *next = kt_alloc_array(d->m, sizeof(*next));
    for (size_t i = 0; i < d->m; i++)
        d->skill[i] = 0.6;
    for (int round = 0; round < ROUNDS; round++) {
        double moved = 0;
        for (size_t i = 0; i < d->m; i++) {
            size_t n = 0;
            for (size_t j = 0; j < d->m; j++)
                if (!isnan(d->agree[i * d->m + j]) && d->skill[j] > 0.05)
                    ratio[n++] = d->agree[i * d->m + j] / d->skill[j];
            next[i] = d->skill[i];
            if (n == 0)
                continue;
            qsort(ratio, n, sizeof(*ratio), by_size);
            next[i] = KT_MIN(KT_MAX((ratio[(n - 1) / 2] + ratio[n / 2]) / 2, 0.01), 1);
        }
        for (size_t i = 0; i < d->m; i++) {
            double to = (d->skill[i] + next[i]) / 2; /* damped: all at once would swing */
            moved = KT_MAX(moved, fabs(to - d->skill[i]));
            d->skill[i] = to;
        }
        if (moved < 1e-9)
            break;
    }
    kt_free(ratio);
    kt_free(next);
}

kt_rc kt_lf_dependence(const kt_lf_columns *v, kt_pool *pool, kt_arena *a, double *ret_weight, kt_lf_pair **ret_pairs, size_t *ret_n, kt_err *err)
{
    struct dependence d = { .m = v->n_functions, .k = v->n_labels };
    size_t cells = (size_t)v->n_functions * v->n_labels, m = v->n_functions;
    if (cells > KT_LF_MOST_CELLS)
        return kt_fail(err, KT_LIMIT, "%u functions with %u labels are more than dependence is looked for in", v->n_functions, v->n_labels);
    kt_lf_summary *ignored = kt_zalloc_array(m, sizeof(*ignored));
    double *both = kt_zalloc_array(cells * cells, sizeof(*both));
    d.agree = kt_alloc_array(m * m, sizeof(double));
    d.error = kt_alloc_array(m * m, sizeof(double));
    d.skill = kt_alloc_array(m, sizeof(double));
    kt_rc rc = kt_lf_overlaps(v, pool, ignored, both, err);
    *ret_n = 0;
    *ret_pairs = kt_arena_array(a, rc == 0 ? m * (m + 1) / 2 : 0, sizeof(**ret_pairs));
    if (rc == 0) {
        measure(&d, both, v->n_labels);
        find_skills(&d);
    }
    for (size_t i = 0; i < m && rc == 0; i++) {
        double sum = 1;
        for (size_t j = 0; j < m; j++) {
            double alone = d.skill[i] * d.skill[j], beyond = d.agree[i * m + j] - alone, rho = beyond / KT_MAX(1 - alone, 1e-6);
            if (isnan(beyond) || beyond < SURE * d.error[i * m + j] || rho < LEAST_RHO)
                continue;
            rho = KT_MIN(rho, 1);
            sum += rho;
            if (j > i)
                (*ret_pairs)[(*ret_n)++] = (kt_lf_pair){ (uint32_t)i, (uint32_t)j, rho };
        }
        ret_weight[i] = 1 / sum;
    }
    kt_free(ignored);
    kt_free(both);
    kt_free(d.agree);
    kt_free(d.error);
    kt_free(d.skill);
    return rc;
}
