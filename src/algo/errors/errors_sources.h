/* Sources that should not be trusted as they are: those that change over time, answer without looking, or copy. */
#ifndef KT_ALGO_ERRORS_SOURCES_H
#define KT_ALGO_ERRORS_SOURCES_H

#include "algo/votes.h"
#include "base/arena.h"
#include "base/pool.h"

/* ---- drift ---- */

typedef struct kt_change {
    size_t at;            /* first answer after the change */
    double before, after; /* share of right answers from the last change to this one, and from here to the next */
    double p_value;
} kt_change;

typedef struct kt_drift_opts {
    size_t least;          /* answers between changes */
    double level;          /* accept a change at this p-value or below */
    uint32_t permutations; /* the smallest p-value is 1 / (permutations + 1) */
    uint64_t seed;
} kt_drift_opts;
#define KT_DRIFT_OPTS_INIT { .least = 20, .level = 0.01, .permutations = 999, .seed = 1 }

/* Changes of the rate in n answers, right or not, in order of time: the split of largest likelihood ratio is held against
   those of the same answers shuffled; then the same on either side of it (binary segmentation, Vostrikova 1981). *ret in the
   arena, in order. KT_RANGE: least 0, level outside (0, 1), no permutations. */
kt_rc kt_drift(const uint8_t *right, size_t n, const kt_drift_opts *o, kt_arena *a, kt_change **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

/* ---- answering without looking ---- */

enum kt_pattern_flags {
    KT_PATTERN_CONSTANT = 1 << 0, /* nearly always one label, where others on the same items vary */
    KT_PATTERN_RANDOM = 1 << 1,   /* no better than chance: kappa with the others is below 0.2, all of its interval */
    KT_PATTERN_OPPOSED = 1 << 2,  /* worse than chance, all of the interval: reads the labels the wrong way round */
    KT_PATTERN_CYCLE = 1 << 3,    /* repeats its own labels at a fixed distance */
};

typedef struct kt_source_pattern {
    uint32_t votes, compared;     /* compared: on items where the others have a majority */
    double kappa, kappa_ci95[2];  /* Cohen's, with the majority of the others */
    int32_t top_label;            /* -1 without votes */
    double top_share, others_top_share; /* its most frequent label among its votes; among the others' on the same items */
    uint32_t cycle_lag;           /* distance at which its labels repeat most, 0: none */
    double cycle_share, cycle_z;  /* share of votes equal to the one lag before; in standard deviations above chance */
    int flags;
} kt_source_pattern;

/* ret: n_sources. The order of a source's votes is that of v. Fewer than 20 compared votes raise no flag but CYCLE. */
kt_rc kt_source_patterns(const kt_votes *v, kt_source_pattern *ret, kt_err *err) KT_MUST_USE;

/* ---- copying ---- */

typedef struct kt_collusion {
    uint32_t a, b;
    uint32_t shared, agreed;
    double expected;  /* agreements, if each answered by its own confusion alone */
    double z, q_value; /* q: Benjamini and Hochberg (1995), over all pairs tested */
} kt_collusion;

/* Pairs that agree more than their accuracy explains, likeliest first, those with q at most level. consensus: n_items, the
   likely truth or -1. Pairs that share fewer than least items are not tested. Hard items make all pairs agree more than
   expected, so z is taken against the middle and spread of all pairs' (Efron 2004, empirical null). *ret in the arena. */
kt_rc kt_find_collusion(const kt_votes *v, const int32_t *consensus, uint32_t least, double level, kt_arena *a, kt_collusion **ret,
                        size_t *ret_n, kt_err *err) KT_MUST_USE;

#endif
