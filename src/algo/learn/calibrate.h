/* Calibration: from a model's confidence to the chance that it is right. */
#ifndef KT_ALGO_CALIBRATE_H
#define KT_ALGO_CALIBRATE_H

#include "base/err.h"

typedef enum kt_calibrate_method {
    KT_CALIBRATE_NONE,     /* score as it is */
    KT_CALIBRATE_PLATT,    /* logistic in logit(score): Platt (1999), with his smoothed targets */
    KT_CALIBRATE_BETA,     /* logistic in log s and log(1 - s): Kull, Silva Filho, Flach (2017) */
    KT_CALIBRATE_ISOTONIC, /* pool adjacent violators: Zadrozny, Elkan (2002), linear between block centres */
    KT_CALIBRATE__COUNT,
} kt_calibrate_method;

enum { KT_CALIBRATE_KNOTS = 64 };

/* A fitted curve; owns nothing, copy freely. */
typedef struct kt_calibration {
    kt_calibrate_method method;
    double a, b, c;   /* PLATT: a·logit(s) + c; BETA: a·log s - b·log(1 - s) + c */
    uint32_t n_knots; /* ISOTONIC: points (x, y), both ascending */
    double x[KT_CALIBRATE_KNOTS], y[KT_CALIBRATE_KNOTS];
} kt_calibration;

const char *kt_calibrate_name(kt_calibrate_method m);

/* Fits on n pairs: score in [0, 1] (confidence of the first label) and whether it was right. KT_RANGE when n is 0, a
   score is no number, or out of bounds. */
kt_rc kt_calibrate_fit(kt_calibrate_method m, const float *score, const uint8_t *correct, size_t n,
                       kt_calibration *ret, kt_err *err) KT_MUST_USE;
/* The method of least log loss in k-fold cross-validation (folds by a seeded shuffle), fitted on all n pairs; NONE wins
   ties. ret_loss (may be NULL) has room for KT_CALIBRATE__COUNT mean losses. Fewer than 10 pairs: NONE. */
kt_rc kt_calibrate_choose(const float *score, const uint8_t *correct, size_t n, uint64_t seed, kt_calibration *ret,
                          double *ret_loss, kt_err *err) KT_MUST_USE;
/* Never falls as score grows (BETA and PLATT are fitted with slopes >= 0); in [0, 1]. */
double kt_calibrate_apply(const kt_calibration *c, double score);

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
