/* Krippendorff's alpha, nominal (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"): coincidences
   o_ck = Σ_u n_uc n_uk / (m_u - 1); alpha = 1 - (n - 1) Σ_{c≠k} o_ck / Σ_{c≠k} n_c n_k. Missing votes are allowed. */
#include "algo/agree.h"

#include "base/mem.h"

#include <math.h>

struct sums {
    double differ, n, *label;
    uint32_t n_labels;
};

static void add(void *ctx, const uint32_t *count, uint32_t n)
{
    struct sums *s = ctx;
    if (n < 2)
        return;
    double same = 0;
    for (uint32_t c = 0; c < s->n_labels; c++) {
        same += (double)count[c] * count[c];
        s->label[c] += count[c];
    }
    s->differ += ((double)n * n - same) / (n - 1.0);
    s->n += n;
}

static double measure(const kt_votes *v)
{
    struct sums s = { .n_labels = v->n_labels, .label = kt_zalloc_array(v->n_labels, sizeof(double)) };
    kt_agree_counts(v, add, &s);
    double expected = s.n * s.n;
    for (uint32_t c = 0; c < v->n_labels; c++)
        expected -= s.label[c] * s.label[c];
    kt_free(s.label);
    return expected > 0 ? 1 - (s.n - 1) * s.differ / expected : NAN;
}

const kt_agreement kt_agree_krippendorff_alpha = { "krippendorff_alpha", "nominal alpha, missing votes allowed (Krippendorff 2011)", measure };
