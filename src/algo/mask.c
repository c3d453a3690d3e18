/* Most of a picture is nobody's: pixels that no mask sets stay unset and do not count as right answers, or all sources would
   look perfect. */
#include "algo/mask.h"

#include "base/mem.h"

#include <math.h>

#define LEAST 1e-10
#define SEEN_RIGHT 4.0 /* pseudo-pixels on which a source is right, */
#define SEEN_WRONG 1.0 /* and wrong */
#define SOFT_ROUNDS 30

void kt_mask_majority(const uint8_t *const *mask, size_t n, size_t n_pixels, uint8_t *ret)
{
    for (size_t x = 0; x < n_pixels; x++) {
        size_t set = 0;
        for (size_t i = 0; i < n; i++)
            set += mask[i][x];
        ret[x] = n && 2 * set >= n;
    }
}

/* Mean chance that a source is right, over the pixels that some mask sets (share > 0). */
static double quality_of(const uint8_t *mask, const double *prob, const double *share, size_t n_pixels)
{
    double right = 0, n = 0;
    for (size_t x = 0; x < n_pixels; x++)
        if (share[x] > 0) {
            right += mask[x] ? prob[x] : 1 - prob[x];
            n++;
        }
    return n > 0 ? KT_MIN(KT_MAX(right / n, LEAST), 1 - LEAST) : 0.5;
}

void kt_mask_em(const uint8_t *const *mask, size_t n, size_t n_pixels, int32_t n_iter, uint8_t *ret, double *ret_prob, double *ret_quality)
{
    double *share = kt_alloc_array(n_pixels, sizeof(*share)), *prior = kt_alloc_array(n_pixels, sizeof(*prior)), *prob = kt_alloc_array(n_pixels, sizeof(*prob));
    double *quality = kt_alloc_array(n, sizeof(*quality));
    for (size_t x = 0; x < n_pixels; x++) {
        double set = 0;
        for (size_t i = 0; i < n; i++)
            set += mask[i][x];
        prior[x] = share[x] = n ? set / (double)n : 0;
        prob[x] = nearbyint(share[x]); /* the majority; half rounds to even, that is down */
    }
    for (size_t i = 0; i < n; i++)
        quality[i] = quality_of(mask[i], prob, share, n_pixels);
    for (int32_t round = 0; round < n_iter; round++) {
        for (size_t x = 0; x < n_pixels; x++) {
            if (share[x] <= 0)
                continue;
            double odds = log(KT_MAX(prior[x], LEAST)) - log(KT_MAX(1 - prior[x], LEAST));
            for (size_t i = 0; i < n; i++)
                odds += (mask[i][x] ? 1 : -1) * (log(quality[i]) - log1p(-quality[i]));
            prob[x] = 1 / (1 + exp(-odds));
        }
        memcpy(prior, prob, n_pixels * sizeof(*prior));
        for (size_t i = 0; i < n; i++)
            quality[i] = quality_of(mask[i], prob, share, n_pixels);
    }
    for (size_t x = 0; x < n_pixels; x++)
        ret[x] = prob[x] > 0.5;
    if (ret_prob && n_pixels)
        memcpy(ret_prob, prob, n_pixels * sizeof(*prob));
    if (ret_quality && n)
        memcpy(ret_quality, quality, n * sizeof(*quality));
    kt_free(share);
    kt_free(prior);
    kt_free(prob);
    kt_free(quality);
}

/* Posterior of every pixel that some mask sets into prob; quality and *set are moved by a round of EM. */
static void weigh(const uint8_t *const *mask, size_t n, size_t n_pixels, double *quality, double *set, double *prob)
{
    double all = 0, sum = 0, odds[2] = { 0, log(*set) - log1p(-*set) };
    for (size_t x = 0; x < n_pixels; x++) {
        if (prob[x] < 0)
            continue;
        odds[0] = odds[1];
        for (size_t i = 0; i < n; i++)
            odds[0] += (mask[i][x] ? 1 : -1) * (log(quality[i]) - log1p(-quality[i]));
        prob[x] = 1 / (1 + exp(-odds[0]));
        sum += prob[x];
        all++;
    }
    for (size_t i = 0; i < n; i++) {
        double right = SEEN_RIGHT;
        for (size_t x = 0; x < n_pixels; x++)
            right += prob[x] < 0 ? 0 : mask[i][x] ? prob[x] : 1 - prob[x];
        quality[i] = right / (all + SEEN_RIGHT + SEEN_WRONG);
    }
    *set = (sum + 1) / (all + 2);
}

void kt_mask_overlaps(const uint8_t *const *mask, size_t n, size_t n_pixels, double *ret)
{
    double *prob = kt_alloc_array(n_pixels + 1, sizeof(*prob)), *quality = kt_alloc_array(n + 1, sizeof(*quality)), set = 0.5;
    for (size_t x = 0; x < n_pixels; x++) {
        size_t given = 0;
        for (size_t i = 0; i < n; i++)
            given += mask[i][x];
        prob[x] = n > 2 ? (given ? 0 : -1) : 2 * given >= n && n; /* -1: nobody's */
    }
    for (size_t i = 0; i < n; i++)
        quality[i] = SEEN_RIGHT / (SEEN_RIGHT + SEEN_WRONG);
    for (int round = 0; n > 2 && round < SOFT_ROUNDS; round++)
        weigh(mask, n, n_pixels, quality, &set, prob);
    for (size_t i = 0; i < n; i++) {
        double both = 0, either = 0;
        for (size_t x = 0; x < n_pixels; x++) {
            double p = KT_MAX(prob[x], 0);
            both += mask[i][x] ? p : 0;
            either += mask[i][x] ? 1 : p;
        }
        ret[i] = either > 0 ? both / either : 1;
    }
    kt_free(prob);
    kt_free(quality);
}

double kt_mask_iou(const uint8_t *a, const uint8_t *b, size_t n_pixels)
{
    size_t both = 0, either = 0;
    for (size_t x = 0; x < n_pixels; x++) {
        both += a[x] & b[x];
        either += a[x] | b[x];
    }
    return either ? (double)both / (double)either : 1;
}
