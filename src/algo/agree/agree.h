/* Agreement between sources: the family of metrics (agreements.def, one file agree_NAME.c each). Abstentions are missing
   values, not votes. NaN where a metric is undefined (nothing to compare, or no variation to correct for). */
#ifndef KT_ALGO_AGREE_H
#define KT_ALGO_AGREE_H

#include "algo/stats_options.h"
#include "algo/agree/vote_groups.h"
#include "algo/votes.h"
#include "base/rng.h"

enum { KT_AGREE_TERMS = 8 };

/* What a metric answers. */
typedef struct kt_agree_result {
    bool no_interval; /* in: skip the work of the interval */
    double value;
    double ci95[2];   /* 95 % interval over items drawn from the same source of items (where not said otherwise: delta
                         method, Student's t); NaN where undefined */
    uint32_t n_terms; /* the numbers that the metric's formula names, and what they are */
    struct kt_agree_term {
        const char *name, *help;
        double value;
    } term[KT_AGREE_TERMS];
} kt_agree_result;

typedef struct kt_agreement {
    const char *name, *help;
    const char *formula;       /* over the names of the terms, as in "(p_o - p_e) / (1 - p_e)" */
    bool nominal;              /* needs no order or values of the labels */
    bool numeric;              /* its option struct begins with const double *value: n_labels numbers behind the labels */
    const kt_setting *options; /* ends with a row without a name; NULL: none */
    const void *defaults;      /* option_size bytes; NULL: no option struct */
    size_t option_size;        /* at most KT_AGREE_OPTION_BYTES */
    /* One of the two; of_votes where it matters who said what. opt is never NULL where there are defaults. */
    kt_rc (*of_groups)(const kt_vote_groups *g, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err);
    kt_rc (*of_votes)(const kt_votes *v, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err);
} kt_agreement;

#define KT_AGREE_OPTION_BYTES 64

#define KT_AGREEMENT(name) extern const kt_agreement kt_agree_##name;
#include "algo/agree/agreements.def"
#undef KT_AGREEMENT

extern const kt_agreement *const kt_agreements[]; /* NULL at the end */
const kt_agreement *kt_agreement_find(kt_str name);
/* Sets one option of m from "NAME=VALUE"; opt: m->option_size bytes that began as m->defaults. KT_USAGE. */
kt_rc kt_agreement_options(const kt_agreement *m, kt_str text, void *opt, kt_err *err) KT_MUST_USE;
/* Measures. opt NULL: defaults. Same bits for any pool, NULL among them. KT_RANGE for ids out of bounds, KT_LIMIT where the
   work would not fit in memory. */
kt_rc kt_agreement_measure(const kt_agreement *m, const kt_votes *v, const void *opt, kt_pool *pool, kt_agree_result *ret, kt_err *err) KT_MUST_USE;
/* The same of a matrix of ratings; numeric metrics take the ratings as their values. */
kt_rc kt_agreement_measure_matrix(const kt_agreement *m, const kt_vote_matrix *v, const void *opt, kt_pool *pool, kt_agree_result *ret,
                                  kt_err *err) KT_MUST_USE;

/* How far two labels are apart: symmetric, 0 of a label to itself. */
typedef struct kt_label_distance {
    double (*of)(const void *ctx, int32_t a, int32_t b);
    const void *ctx;
} kt_label_distance;

typedef enum kt_cohen_weights { KT_COHEN_NONE, KT_COHEN_LINEAR, KT_COHEN_QUADRATIC } kt_cohen_weights;
typedef struct kt_cohen_opts {
    int32_t weights; /* kt_cohen_weights; distance of labels = distance of their ids */
} kt_cohen_opts;
/* Kappa of a table of two sources, n_labels × n_labels items. */
void kt_cohen_of_table(const uint32_t *table, uint32_t n_labels, kt_cohen_weights weights, kt_agree_result *ret);

typedef enum kt_agree_level {
    KT_LEVEL_NOMINAL, KT_LEVEL_ORDINAL, KT_LEVEL_INTERVAL, KT_LEVEL_RATIO, KT_LEVEL__COUNT,
} kt_agree_level;
typedef struct kt_krippendorff_opts {
    const double *value;               /* behind the labels, for interval and ratio; NULL: the ids themselves */
    int32_t level;                     /* kt_agree_level */
    const kt_label_distance *distance; /* any other; NULL: by level */
} kt_krippendorff_opts;

typedef enum kt_gwet_weights { KT_GWET_LINEAR, KT_GWET_QUADRATIC, KT_GWET_ORDINAL, KT_GWET_RADICAL, KT_GWET__COUNT } kt_gwet_weights;
typedef struct kt_gwet_opts {
    int32_t weights; /* kt_gwet_weights, by the places of the labels */
} kt_gwet_opts;

typedef enum kt_icc_type { KT_ICC1, KT_ICC2, KT_ICC3, KT_ICC__COUNT } kt_icc_type;
typedef struct kt_icc_opts {
    const double *value;
    int32_t type;    /* kt_icc_type */
    int32_t average; /* 0: of a single rating; 1: of the mean of the ratings of an item */
} kt_icc_opts;

/* pearson, spearman and kendall */
typedef struct kt_correlation_opts {
    const double *value;
} kt_correlation_opts;

/* ---- for members ---- */

void kt_agree_term(kt_agree_result *r, const char *name, double value, const char *help);
/* Nothing to say: NaN everywhere. */
void kt_agree_undefined(kt_agree_result *r);
/* The metrics of the form (p_o - p_e) / (1 - p_e), where p_o averages agreeing pairs over items and p_e depends only on
   the shares of the labels. weigh says what each item of m votes counts, in p_o and in the shares alike. */
typedef enum kt_agree_weigh {
    KT_WEIGH_ITEMS, /* p_o: every item alike; shares: by votes (Fleiss) */
    KT_WEIGH_PAIRS, /* by its m (m - 1) pairs */
    KT_WEIGH_VOTES, /* by its m votes (Krippendorff) */
    KT_WEIGH_GWET,  /* every item alike in both; items with a single vote count in the shares only */
} kt_agree_weigh;

typedef struct kt_agree_spec {
    kt_agree_weigh weigh;
    const kt_label_distance *distance; /* a pair agrees by 1 - distance; NULL: 1 when equal, else 0 */
    /* p_e from k shares; n = total weight of the shares. ret_grad: its k derivatives, 0 when called. NaN: undefined. */
    double (*chance)(const void *ctx, const double *share, uint32_t k, double n, double *ret_grad);
    const void *ctx;
} kt_agree_spec;

void kt_agree_corrected(const kt_vote_groups *g, const kt_agree_spec *spec, kt_pool *pool, kt_agree_result *ret);
/* Σ share², the chance of Fleiss and Scott. */
double kt_agree_chance_squares(const void *ctx, const double *share, uint32_t k, double n, double *ret_grad);
/* Σ over the ordered pairs of different votes of d(label, label). scratch: n_labels zeros, left zeros. O(m²) or, when
   labels repeat, O(different labels²). */
double kt_agree_distances(const kt_label_distance *d, const int32_t *label, uint32_t m, uint32_t *scratch);
/* value ± t · standard error from the sum of squared influences of n items (their sum is 0), cut at -1 and 1. */
void kt_agree_interval(double value, double sum_squares, double n, double ret_ci95[2]);
/* Part of parts of the groups that pass number `part` of n works on; the cut depends on sizes alone. */
size_t kt_agree_parts(const kt_vote_groups *g, size_t table);
size_t kt_agree_part(const kt_vote_groups *g, size_t part, size_t parts);

/* A statistic of two sources' paired answers, for metrics that average it over pairs of sources, each pair weighed by the
   items it shares; undefined pairs are left out. */
typedef struct kt_agree_pairwise {
    const void *ctx;
    /* a, b: n labels of the items both answered. ret comes with no_interval set and the rest undefined. */
    void (*of)(const void *ctx, const int32_t *a, const int32_t *b, size_t n, uint32_t n_labels, kt_agree_result *ret);
} kt_agree_pairwise;
/* Interval and terms are given for two sources only: pairs of more are not independent of each other. */
kt_rc kt_agree_over_pairs(const kt_votes *v, const kt_agree_pairwise *p, kt_pool *pool, kt_agree_result *ret, kt_err *err) KT_MUST_USE;

#endif
