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

/* A round of EM (STAPLE: Warfield, Zou, Wells 2004): each source finds pixels of the truth with one chance and leaves the others alone with another. Most
   pixels nobody sets are out of everybody's reach and say nothing; those within it are as many as the model expects beside the pixels that some mask sets
   (the likelihood is of patterns with a set pixel alone), and at most as many as there are. */
struct soft {
    const uint8_t *const *mask;
    size_t n, n_pixels, n_seen; /* n_seen: some mask sets it */
    double n_nobody;            /* within reach */
    double *prob;             /* n_pixels; -1: nobody sets it */
    double *finds, *leaves;   /* n */
    double share, nobody;     /* of pixels set; chance that a pixel nobody sets is one */
};

static double odds_to_chance(double odds)
{
    return 1 / (1 + exp(-odds));
}

static void look_again(struct soft *f)
{
    double start = log(f->share) - log1p(-f->share), none[2] = { 1 - f->share, f->share };
    for (size_t i = 0; i < f->n; i++) {
        none[0] *= f->leaves[i];
        none[1] *= 1 - f->finds[i];
    }
    double all = none[0] + none[1];
    f->nobody = none[1] / all;
    f->n_nobody = KT_MIN((double)(f->n_pixels - f->n_seen), (double)f->n_seen * all / (1 - all));
    for (size_t x = 0; x < f->n_pixels; x++) {
        double odds = start;
        if (f->prob[x] < 0)
            continue;
        for (size_t i = 0; i < f->n; i++)
            odds += f->mask[i][x] ? log(f->finds[i]) - log1p(-f->leaves[i]) : log1p(-f->finds[i]) - log(f->leaves[i]);
        f->prob[x] = odds_to_chance(odds);
    }
}

static void learn_again(struct soft *f)
{
    double set = f->nobody * f->n_nobody, clear = (1 - f->nobody) * f->n_nobody;
    for (size_t x = 0; x < f->n_pixels; x++) {
        set += KT_MAX(f->prob[x], 0.0);
        clear += f->prob[x] < 0 ? 0 : 1 - f->prob[x];
    }
    for (size_t i = 0; i < f->n; i++) {
        double found = SEEN_RIGHT, left = SEEN_RIGHT + (1 - f->nobody) * f->n_nobody;
        for (size_t x = 0; x < f->n_pixels; x++) {
            found += f->prob[x] >= 0 && f->mask[i][x] ? f->prob[x] : 0;
            left += f->prob[x] >= 0 && !f->mask[i][x] ? 1 - f->prob[x] : 0;
        }
        f->finds[i] = found / (set + SEEN_RIGHT + SEEN_WRONG);
        f->leaves[i] = left / (clear + SEEN_RIGHT + SEEN_WRONG);
    }
    f->share = (set + 1) / (set + clear + 2);
}

void kt_mask_overlaps(const uint8_t *const *mask, size_t n, size_t n_pixels, double *ret)
{
    struct soft f = { .mask = mask, .n = n, .n_pixels = n_pixels, .prob = kt_alloc_array(n_pixels + 1, sizeof(double)),
                      .finds = kt_alloc_array(n + 1, sizeof(double)), .leaves = kt_alloc_array(n + 1, sizeof(double)) };
    for (size_t x = 0; x < n_pixels; x++) {
        size_t given = 0;
        for (size_t i = 0; i < n; i++)
            given += mask[i][x];
        f.n_seen += given > 0;
        f.prob[x] = given == 0 ? -1 : n > 2 ? (double)given / (double)n : 2 * given >= n;
    }
    for (int round = 0; n > 2 && round < SOFT_ROUNDS; round++) {
        learn_again(&f);
        look_again(&f);
    }
    for (size_t i = 0; i < n; i++) {
        double both = 0, either = f.nobody * f.n_nobody;
        for (size_t x = 0; x < n_pixels; x++) {
            double p = KT_MAX(f.prob[x], 0.0);
            both += mask[i][x] ? p : 0;
            either += mask[i][x] ? 1 : p;
        }
        ret[i] = either > 0 ? both / either : 1;
    }
    kt_free(f.prob);
    kt_free(f.finds);
    kt_free(f.leaves);
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
