/* Multinomial naive Bayes on weighted, fractional counts: closed form, strong when labels are few, and able to learn from texts without a
   label by expectation and maximisation (Nigam, McCallum, Thrun, Mitchell 2000). */
#include "algo/learn/linear_int.h"

#include <math.h>

enum { EM_ROUNDS = 6, CHUNK_ROWS = 256 };

/* Measured on AG News with 30 to 1000 labels and a pool of 5000: smoothing is a thirtieth of a word, and rows of norm 1 count as words
   repeated 0.6 times. */
const float KT_LINEAR_ALPHA = 0.03f;
static const float SHARP = 0.6f;

static void count_row(const kt_train_rows *r, size_t i, float *count)
{
    uint32_t k = r->n_labels;
    const kt_example *e = &r->of[i];
    for (size_t q = r->start[i]; q < r->start[i + 1]; q++) {
        float v = e->weight * r->value[q];
        float *to = count + (size_t)r->feature[q] * k;
        if (!e->soft) {
            to[e->label] += v;
            continue;
        }
        for (uint32_t c = 0; c < k; c++)
            to[c] += v * e->soft[c];
    }
}

/* Log shares of the labels, pulled towards even ones by the positive-part rule of James and Stein (1961) as far as the counts could be
   even ones by chance: few labels make the shares of equal classes look different, and EM would follow them. */
static void label_shares(const kt_train_rows *r, const uint8_t *skip, float *bias)
{
    uint32_t k = r->n_labels;
    double *count = kt_zalloc_array(k, sizeof(*count)), mean = 0, n = 0, chi2 = 0;
    for (size_t i = 0; i < r->n; i++) {
        const kt_example *e = &r->of[i];
        if (skip && skip[i])
            continue;
        if (!e->soft)
            count[e->label] += (double)e->weight;
        for (uint32_t c = 0; e->soft && c < k; c++)
            count[c] += (double)(e->weight * e->soft[c]);
    }
    for (uint32_t c = 0; c < k; c++)
        n += count[c];
    for (uint32_t c = 0; c < k; c++)
        chi2 += (count[c] - n / k) * (count[c] - n / k) / (n / k);
    double even = KT_MIN(1.0, 3.0 * (k - 1) / KT_MAX(chi2, 1e-9)); /* 3: to be surer of it than not */
    for (uint32_t c = 0; c < k; c++) {
        count[c] = log((1 - even) * count[c] + even * n / k + 1);
        mean += count[c] / k;
    }
    for (uint32_t c = 0; c < k; c++)
        bias[c] = (float)(count[c] - mean);
    kt_free(count);
}

/* A label without a row would find every word likelier than a large label finds a rare one, by the smoothing alone, and win all odd texts: its
   words are as likely as the mean of the others'. */
void kt_linear_bayes(const kt_train_rows *r, const uint8_t *skip, float *weight, float *bias)
{
    uint32_t k = r->n_labels, n_met = 0;
    double *total = kt_zalloc_array(k, sizeof(*total));
    bool *met = kt_alloc_array(k, sizeof(*met));
    float none = logf(KT_LINEAR_ALPHA);
    memset(weight, 0, (size_t)r->n_features * k * sizeof(*weight));
    for (size_t i = 0; i < r->n; i++)
        if (!skip || !skip[i])
            count_row(r, i, weight);
    for (size_t f = 0; f < r->n_features; f++)
        for (uint32_t c = 0; c < k; c++)
            total[c] += (double)weight[f * k + c];
    for (uint32_t c = 0; c < k; c++) {
        met[c] = total[c] > 0;
        n_met += met[c];
        total[c] = log(total[c] + (double)KT_LINEAR_ALPHA * r->n_features);
    }
    for (size_t f = 0; f < r->n_features; f++) {
        float *w = weight + f * k, mean = 0;
        for (uint32_t c = 0; c < k; c++)
            mean += w[c] = met[c] ? (w[c] > 0 ? logf(w[c] + KT_LINEAR_ALPHA) : none) - (float)total[c] : 0;
        mean /= (float)KT_MAX(n_met, 1u);
        for (uint32_t c = 0; c < k; c++)
            w[c] = met[c] ? w[c] - mean : 0;
    }
    kt_free(total);
    kt_free(met);
    label_shares(r, skip, bias);
}

typedef struct spread_job {
    const kt_train_rows *r;
    size_t first; /* of the rows to judge */
    const float *weight, *bias;
    float *soft;
} spread_job;

static void spread_part(void *ctx, size_t part)
{
    const spread_job *j = ctx;
    uint32_t k = j->r->n_labels;
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(j->r->n - j->first, (part + 1) * CHUNK_ROWS); i++) {
        float *z = j->soft + i * k;
        memcpy(z, j->bias, k * sizeof(*z));
        kt_train_rows_scores(j->r, j->first + i, j->weight, SHARP, z);
        kt_linear_softmax(z, k);
    }
}

void kt_linear_spread(const kt_train_rows *r, size_t n_labeled, const uint8_t *skip, kt_pool *pool, float *weight, float *bias, float *soft)
{
    size_t n_pool = r->n - n_labeled;
    uint8_t *out = kt_zalloc(r->n + 1);
    float *share = kt_alloc_array(r->n_labels, sizeof(*share)); /* of the labelled rows: what EM finds may drift away from it */
    if (skip)
        memcpy(out, skip, n_labeled);
    memset(out + n_labeled, 1, n_pool);
    label_shares(r, out, share);
    for (int round = 0; round <= EM_ROUNDS; round++) {
        kt_linear_bayes(r, out, weight, bias);
        if (round == 0)
            memset(out + n_labeled, 0, n_pool);
        memcpy(bias, share, r->n_labels * sizeof(*bias));
        spread_job j = { r, n_labeled, weight, bias, soft };
        kt_pool_run(pool, (n_pool + CHUNK_ROWS - 1) / CHUNK_ROWS, spread_part, &j);
    }
    kt_free(out);
    kt_free(share);
}
