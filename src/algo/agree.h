/* Agreement between sources: the family of metrics (agreements.def, one file agree_NAME.c each). Abstentions are missing
   values, not votes. NaN where a metric is undefined (nothing to compare, or no variation to correct for). */
#ifndef KT_ALGO_AGREE_H
#define KT_ALGO_AGREE_H

#include "algo/stats_options.h"
#include "algo/votes.h"
#include "base/rng.h"

typedef struct kt_agreement {
    const char *name, *help;
    bool nominal;              /* needs no order or values of the labels */
    const kt_setting *options; /* ends with a row without a name; NULL: none */
    const void *defaults;      /* option_size bytes */
    size_t option_size;        /* at most KT_AGREE_OPTION_BYTES */
    /* ret_value: the metric. ret_ci95: 95 % interval over items drawn from the same source of items (delta method,
       Student's t), NaN where undefined; NULL skips its work. opt NULL: defaults. rng is for metrics that resample; NULL
       allowed where none does. KT_RANGE for ids out of bounds, KT_LIMIT where the work would not fit in memory. */
    kt_rc (*measure)(const kt_votes *v, const void *opt, kt_rng *rng, double *ret_value, double ret_ci95[2], kt_err *err);
} kt_agreement;

#define KT_AGREE_OPTION_BYTES 64

#define KT_AGREEMENT(name) extern const kt_agreement kt_agree_##name;
#include "algo/agreements.def"
#undef KT_AGREEMENT

extern const kt_agreement *const kt_agreements[]; /* NULL at the end */
const kt_agreement *kt_agreement_find(kt_str name);
/* Sets one option of m from "NAME=VALUE"; opt: m->option_size bytes that began as m->defaults. KT_USAGE. */
kt_rc kt_agreement_options(const kt_agreement *m, kt_str text, void *opt, kt_err *err) KT_MUST_USE;

typedef enum kt_cohen_weights { KT_COHEN_NONE, KT_COHEN_LINEAR, KT_COHEN_QUADRATIC } kt_cohen_weights;
typedef struct kt_cohen_opts {
    int32_t weights; /* kt_cohen_weights; distance of labels = distance of their ids */
} kt_cohen_opts;

typedef enum kt_agree_level { KT_LEVEL_NOMINAL, KT_LEVEL_ORDINAL, KT_LEVEL_INTERVAL, KT_LEVEL_RATIO, KT_LEVEL__COUNT } kt_agree_level;
typedef struct kt_krippendorff_opts {
    int32_t level;       /* kt_agree_level */
    const double *value; /* n_labels numbers behind the labels, for interval and ratio; NULL: the ids themselves */
} kt_krippendorff_opts;

/* For members. The labels that were given, grouped by item, abstentions left out: those of item i are
   label[start[i] .. start[i + 1] - 1]. Borrows from v where v is grouped already. */
typedef struct kt_agree_items {
    const int32_t *label;
    uint32_t *start; /* n_items + 1 */
    size_t n_items;
    int32_t *own;    /* label when it had to be built */
} kt_agree_items;

kt_rc kt_agree_group(const kt_votes *v, kt_agree_items *ret, kt_err *err) KT_MUST_USE; /* KT_RANGE, KT_LIMIT */
void kt_agree_items_done(kt_agree_items *g);

/* The metrics of the form (p_o - p_e) / (1 - p_e), where p_o averages agreeing pairs over items and p_e depends only on
   the shares of the labels. weigh says what each item of m votes counts, in p_o and in the shares alike. */
typedef enum kt_agree_weigh {
    KT_WEIGH_ITEMS, /* p_o: every item alike; shares: by votes (Fleiss) */
    KT_WEIGH_PAIRS, /* by its m (m - 1) pairs */
    KT_WEIGH_VOTES, /* by its m votes (Krippendorff) */
    KT_WEIGH_GWET,  /* every item alike in both; items with a single vote count in the shares only */
} kt_agree_weigh;

/* p_e from k shares; n = total weight of the shares. ret_grad: its k derivatives. NaN: undefined. */
typedef double kt_chance(const double *share, uint32_t k, double n, double *ret_grad);

kt_rc kt_agree_corrected(const kt_votes *v, kt_agree_weigh weigh, kt_chance *chance, double *ret_value, double ret_ci95[2],
                         kt_err *err) KT_MUST_USE;
/* value ± t · standard error from the sum of squared influences of n items (their sum is 0), cut at -1 and 1. */
void kt_agree_interval(double value, double sum_squares, double n, double ret_ci95[2]);

#endif
