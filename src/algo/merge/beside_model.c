/* Given the truth, annotators and model err independently; so votes tell how far to trust the model, and the other way round. The first part of
   that is EM's: with the model's likeliest label as one more vote, annotators are judged by it too. The second is the soft blend:
   calibration by the votes' likelihood needs no gold. */
#include "algo/merge/beside_model.h"

#include "base/mem.h"

#include <math.h>

static const double sharpness[] = { 0.25, 0.4, 0.6, 0.8, 1, 1.3 };
static const double share[] = { 0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995 };

kt_rc kt_beside_model_votes(const kt_votes *v, const double *probs, kt_arena *a, kt_votes *ret, kt_err *err)
{
    size_t n = v->n + v->n_items, k = v->n_labels;
    if (n >= UINT32_MAX || v->n_sources == UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu votes and %u items of the model are more than %u", v->n, v->n_items, UINT32_MAX - 1);
    uint32_t *item = kt_arena_alloc(a, (n + 1) * sizeof(*item)), *source = kt_arena_alloc(a, (n + 1) * sizeof(*source));
    int32_t *label = kt_arena_alloc(a, (n + 1) * sizeof(*label));
    if (v->n) {
        memcpy(item, v->item, v->n * sizeof(*item));
        memcpy(source, v->source, v->n * sizeof(*source));
        memcpy(label, v->label, v->n * sizeof(*label));
    }
    for (size_t i = 0; i < v->n_items; i++) {
        size_t best = 0;
        for (size_t c = 1; c < k; c++)
            best = probs[i * k + c] > probs[i * k + best] ? c : best;
        item[v->n + i] = (uint32_t)i;
        source[v->n + i] = v->n_sources;
        label[v->n + i] = k ? (int32_t)best : KT_ABSTAIN;
    }
    *ret = (kt_votes){ n, v->n_items, v->n_sources + 1, v->n_labels, item, source, label };
    return 0;
}

/* log of each probability, relative to the row's largest. */
static double *logs_of(const double *probs, size_t n, size_t k)
{
    double *ret = kt_alloc_array(n * k + 1, sizeof(*ret));
    for (size_t i = 0; i < n; i++) {
        double top = -INFINITY;
        for (size_t c = 0; c < k; c++)
            top = KT_MAX(top, ret[i * k + c] = log(KT_MAX(probs[i * k + c], 1e-9)));
        for (size_t c = 0; c < k; c++)
            ret[i * k + c] -= top;
    }
    return ret;
}

/* Softmax of a row at a sharpness, into dst. */
static void soften(const double *row, size_t k, double t, double *dst)
{
    double sum = 0;
    for (size_t c = 0; c < k; c++)
        sum += dst[c] = exp(t * row[c]);
    for (size_t c = 0; c < k; c++)
        dst[c] /= sum;
}

kt_model_trust kt_beside_model_blend(const double *probs, const uint32_t *n_votes, const double *prior, const int32_t *gold, size_t n, uint32_t n_labels,
                                     double *prob)
{
    size_t k = n_labels;
    double *row = logs_of(probs, n, k), *soft = kt_alloc_array(k + 1, sizeof(*soft)), most = -INFINITY;
    kt_model_trust best = { 0, 1 };
    for (size_t x = 0; x < KT_LEN(sharpness); x++) {
        double sum[KT_LEN(share)] = { 0 };
        for (size_t i = 0; i < n; i++) {
            double agree = 0; /* Σ posterior × soft / prior: likelihood at share 1; at share 0 it is 1 */
            if (n_votes[i] == 0)
                continue;
            soften(row + i * k, k, sharpness[x], soft);
            for (size_t c = 0; c < k; c++)
                agree += prob[i * k + c] * soft[c] / prior[c];
            for (size_t w = 0; w < KT_LEN(share); w++)
                sum[w] += log(KT_MAX(share[w] * agree + 1 - share[w], 1e-300));
        }
        for (size_t w = 0; w < KT_LEN(share); w++)
            if (sum[w] > most) {
                most = sum[w];
                best = (kt_model_trust){ share[w], sharpness[x] };
            }
    }
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        if (gold && gold[i] >= 0)
            continue;
        soften(row + i * k, k, best.sharpness, soft);
        for (size_t c = 0; c < k; c++)
            sum += prob[i * k + c] *= best.share * soft[c] / prior[c] + 1 - best.share;
        for (size_t c = 0; c < k; c++)
            prob[i * k + c] /= sum;
    }
    kt_free(row);
    kt_free(soft);
    return best;
}
