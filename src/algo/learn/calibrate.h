/* Calibration: from a model's confidence to the chance that it is right. */
#ifndef KT_ALGO_CALIBRATE_H
#define KT_ALGO_CALIBRATE_H

#include "base/err.h"
#include "base/pool.h"

typedef enum kt_calibrate_method {
    KT_CALIBRATE_NONE,        /* score as it is */
    KT_CALIBRATE_TEMPERATURE, /* logistic in logit(score) through (0.5, 0.5): Guo, Pleiss, Sun, Weinberger (2017), of the first label */
    KT_CALIBRATE_PLATT,       /* logistic in logit(score): Platt (1999), with his smoothed targets */
    KT_CALIBRATE_BETA,        /* logistic in log s and log(1 - s): Kull, Silva Filho, Flach (2017) */
    KT_CALIBRATE_ISOTONIC,    /* pool adjacent violators: Zadrozny, Elkan (2002), linear between block centres */
    KT_CALIBRATE_HISTOGRAM,   /* share of right ones in bins of equal numbers: Zadrozny, Elkan (2001); may fall where the others cannot */
    KT_CALIBRATE__COUNT,
} kt_calibrate_method;

enum { KT_CALIBRATE_KNOTS = 64 };

/* A fitted curve; owns nothing, copy freely. */
typedef struct kt_calibration {
    kt_calibrate_method method;
    double a, b, c;   /* TEMPERATURE: a·logit(s), a = 1 / T; PLATT: a·logit(s) + c; BETA: a·log s - b·log(1 - s) + c */
    uint32_t n_knots; /* ISOTONIC: points (x, y), both ascending; HISTOGRAM: bins (x[i - 1], x[i]] with share y[i] */
    double x[KT_CALIBRATE_KNOTS], y[KT_CALIBRATE_KNOTS];
} kt_calibration;

const char *kt_calibrate_name(kt_calibrate_method m);

/* Fits on n pairs: score in [0, 1] (confidence of the first label) and whether it was right. KT_RANGE when n is 0, a
   score is no number, or out of bounds. */
kt_rc kt_calibrate_fit(kt_calibrate_method m, const float *score, const uint8_t *correct, size_t n,
                       kt_calibration *ret, kt_err *err) KT_MUST_USE;
/* The method of least log loss in five-fold cross-validation (folds by a seeded shuffle), fitted on all n pairs; the earlier one
   wins ties. ret_loss (may be NULL) has room for KT_CALIBRATE__COUNT mean losses, all 0 with fewer than 10 pairs: then NONE. */
kt_rc kt_calibrate_choose(const float *score, const uint8_t *correct, size_t n, uint64_t seed, kt_calibration *ret,
                          double *ret_loss, kt_err *err) KT_MUST_USE;
/* In [0, 1]; never falls as score grows, but for HISTOGRAM (BETA and PLATT are fitted with slopes >= 0). */
double kt_calibrate_apply(const kt_calibration *c, double score);
/* Of n scores, in parallel. */
void kt_calibrate_apply_all(const kt_calibration *c, const float *score, size_t n, kt_pool *pool, float *ret);

/* One bar of a reliability diagram: scores in (low, high], the first bin also 0. */
typedef struct kt_reliability_bin {
    double low, high, mean_score, accuracy; /* 0 where n is 0 */
    size_t n;
} kt_reliability_bin;

typedef struct kt_reliability {
    double ece, mce;  /* mean (weighted by bin share) and largest |accuracy - mean score|: Naeini et al. (2015) */
    double brier;     /* mean (score - correct)^2 */
    double log_loss;  /* scores clipped to [1e-15, 1 - 1e-15] */
} kt_reliability;

/* n_bins equal bins; ret_bin may be NULL. */
void kt_reliability_of(const float *score, const uint8_t *correct, size_t n, uint32_t n_bins, kt_reliability_bin *ret_bin,
                       kt_reliability *ret);

#endif
