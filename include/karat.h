/* libkarat: what labels are worth. Agreement between annotators, merging of votes, errors in labels, scores of predictions, models: pure
   functions over arrays, the same ones the karat program runs.

   Conventions. Functions that can fail return KARAT_OK or a negative code, and then say in *err (may be NULL) what was wrong;
   outputs are written on success only. No input ends the process. Arrays are borrowed for the call, never changed or kept
   unless a parameter is named inout_. Undefined numbers are NaN. Labels, items and sources are numbered from 0; label -1 is a
   missing vote. Results are the same for any number of threads. A context may be shared by threads: one of them works with all
   its threads, the others meanwhile alone. NULL as context: one thread.

   Structures called …_options begin with their size, so that fields can be added: write
       karat_agree_options o = KARAT_OPTIONS_INIT(karat_agree_options);
   NULL stands for all defaults. */
#ifndef KARAT_H
#define KARAT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define KARAT_API
#else
#define KARAT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
}
template <class T> inline T karat_options_init()
{
    T o = T();
    o.size = sizeof(T);
    return o;
}
extern "C" {
#define KARAT_OPTIONS_INIT(type) karat_options_init<type>()
#else
#define KARAT_OPTIONS_INIT(type) { .size = sizeof(type) }
#endif

/* ---- results, errors, threads ---- */

typedef int karat_rc;
enum {
    KARAT_OK = 0,
    KARAT_USAGE = -1,  /* no such method or option */
    KARAT_PARSE = -2,  /* malformed text */
    KARAT_RANGE = -3,  /* an id, number or shape that cannot be */
    KARAT_LIMIT = -10, /* larger than Karat takes */
    KARAT_NOMEM = -17, /* larger than this machine's memory */
    KARAT_CORRUPT = -18 /* a model's bytes that were cut or changed */
};

typedef struct karat_error {
    karat_rc rc;
    char what[240]; /* "item 3: its probabilities sum to 0.7, not to 1" */
    char hint[200]; /* what to do about it; may be empty */
} karat_error;

KARAT_API const char *karat_version(void);

typedef struct karat_context karat_context;
/* n_threads 0: one per processor. Never NULL. After a fork the child works with one thread. */
KARAT_API karat_context *karat_open(int n_threads);
KARAT_API void karat_close(karat_context *ctx); /* NULL allowed */

typedef enum karat_type {
    KARAT_I8, KARAT_U8, KARAT_I16, KARAT_U16, KARAT_I32, KARAT_U32, KARAT_I64, KARAT_U64, KARAT_F32, KARAT_F64
} karat_type;

/* n votes in any order. */
typedef struct karat_votes {
    size_t n;
    uint32_t n_items, n_sources, n_labels;
    const uint32_t *item, *source; /* n each */
    const int32_t *label;          /* n; -1: missing */
} karat_votes;

/* Numbers of any type: rows × columns, element (r, c) at data + r · row_stride + c · column_stride bytes, aligned. */
typedef struct karat_matrix {
    const void *data;
    karat_type type;
    size_t n_rows, n_columns;
    ptrdiff_t row_stride, column_stride;
} karat_matrix;

/* ---- agreement ---- */

/* Name, help and formula of metric number i; NULL past the last. */
KARAT_API const char *karat_agree_name(size_t i);
KARAT_API const char *karat_agree_help(const char *method);
KARAT_API const char *karat_agree_formula(const char *method);

typedef struct karat_agree_options {
    size_t size;
    const char *const *set;  /* n_set settings "NAME=VALUE", as in "level=ordinal" */
    size_t n_set;
    const double *value;     /* karat_agree: n_labels numbers behind the labels; NULL: their ids */
    const double *domain;    /* karat_agree_matrix: the allowed values in their order; NULL: those that occur */
    size_t n_domain;
    int has_missing;         /* karat_agree_matrix, whole numbers: `missing` means no rating (NaN always does) */
    int64_t missing;
    uint32_t n_bootstrap;    /* 0: analytic interval; else percentile interval of so many samples. karat_agree only */
    uint64_t seed;
    int no_interval;         /* skip its work */
    /* krippendorff_alpha of any distance: symmetric, 0 of a label to itself; called from several threads at once unless the
       context is NULL. */
    double (*distance)(const void *user, int32_t a, int32_t b);
    const void *user;
} karat_agree_options;

typedef struct karat_agreement {
    double value;
    double low, high; /* 95 % interval */
    uint32_t n_terms; /* of the formula */
    struct {
        const char *name, *help;
        double value;
    } term[8];
} karat_agreement;

KARAT_API karat_rc karat_agree(karat_context *ctx, const char *method, const karat_votes *votes, const karat_agree_options *options,
                               karat_agreement *ret, karat_error *err);
/* Ratings as a table: a row an item, a column a source. */
KARAT_API karat_rc karat_agree_matrix(karat_context *ctx, const char *method, const karat_matrix *ratings, const karat_agree_options *options,
                                      karat_agreement *ret, karat_error *err);

/* Every pair of sources that share items. */
typedef struct karat_pair {
    uint32_t a, b;
    size_t items;
    double percent, value, low, high;
} karat_pair;
/* *ret_pairs: *ret_n of them, to be freed with karat_free. */
KARAT_API karat_rc karat_agree_pairs(karat_context *ctx, const char *method, const karat_votes *votes, const karat_agree_options *options,
                                     karat_pair **ret_pairs, size_t *ret_n, karat_error *err);
/* Each label against the rest; arrays of n_labels, any of them NULL. specific: chance that another vote on the item says the
   label, given that one did. */
KARAT_API karat_rc karat_agree_classes(karat_context *ctx, const char *method, const karat_votes *votes, const karat_agree_options *options,
                                       double *ret_value, double *ret_low, double *ret_high, double *ret_specific, karat_error *err);
/* Share of agreeing pairs of votes of each item; n_items. */
KARAT_API karat_rc karat_agree_items(const karat_votes *votes, double *ret_percent, karat_error *err);
KARAT_API void karat_free(void *p);

/* ---- merging ---- */

KARAT_API const char *karat_aggregate_name(size_t i);
KARAT_API const char *karat_aggregate_help(const char *method);

typedef struct karat_aggregate_options {
    size_t size;
    const char *const *set;      /* "n_iter=20" */
    size_t n_set;
    /* What some methods take beside the votes; a method that does not is an error. */
    const int32_t *gold;         /* n_items, -1 unknown: auto, dawid_skene, fast_dawid_skene */
    const double *source_weight; /* n_sources: weighted_majority, majority */
    const double *probs;         /* n_items × n_labels, a model's probabilities: auto, crowdlab */
    const double *init_spamming; /* n_sources × 2, and */
    const double *init_strategy; /* n_sources × n_labels, where mace starts from: both or none */
    uint64_t seed;
} karat_aggregate_options;

typedef struct karat_posterior karat_posterior;
KARAT_API karat_rc karat_aggregate(karat_context *ctx, const char *method, const karat_votes *votes, const karat_aggregate_options *options,
                                   karat_posterior **ret, karat_error *err);
KARAT_API void karat_posterior_free(karat_posterior *p); /* NULL allowed */
/* What was found, by name; arrays live as long as p. NULL where the method has no such thing; ret_n (its numbers) may be NULL.
       prob              n_items × n_labels, rows sum to 1
       prior             n_labels
       source_accuracy   n_sources; NaN without votes. Of majority, weighted_majority and wawa: agreement with the majority
       source_ci         n_sources × (low, high), 95 %
       source_confusion  n_sources × said × truth
       source_weight     n_sources (crowdlab, wawa, weighted majority)
       source_ability    n_sources (glad)        item_ease        n_items: log ease (glad)
       source_spamming   n_sources × 2 (mace)    source_strategy  n_sources × n_labels (mace)
       source_group      n_sources: sources with one number depend on each other, NaN: none (auto and correlated Dawid-Skene,
                         where they found some: what a group agrees on counted once) */
KARAT_API const double *karat_posterior_get(const karat_posterior *p, const char *name, size_t *ret_n);
KARAT_API const int32_t *karat_posterior_label(const karat_posterior *p); /* n_items: likeliest, -1 without votes */

/* Labeling functions: vote (n_items × n_functions) is a label or -1. */
typedef struct karat_denoise_options {
    size_t size;
    const char *method;          /* em (NULL), moments, majority */
    const double *class_balance; /* n_labels; NULL: estimated, or uniform */
    int32_t n_iter, n_epochs;    /* 0: the method's own */
    double lr, prec_init, init_scale;
    int dependence;              /* functions that copy each other count together as one */
    int ignore_abstentions;      /* em: that a function does not vote says nothing of an item */
} karat_denoise_options;
/* ret_prob: n_items × n_labels. The others, n_functions each, may be NULL: learned accuracy, and items voted on, voted on by
   another too, and with another label. */
KARAT_API karat_rc karat_denoise(karat_context *ctx, const int16_t *vote, size_t n_items, uint32_t n_functions, uint32_t n_labels,
                                 const karat_denoise_options *options, float *ret_prob, double *ret_accuracy, uint64_t *ret_votes,
                                 uint64_t *ret_overlaps, uint64_t *ret_conflicts, karat_error *err);
/* How sure each label is already (CROWDLAB), low first to ask again: of the items of the votes, and of others with probabilities
   only. */
KARAT_API karat_rc karat_crowdlab_active(karat_context *ctx, const karat_votes *votes, const double *probs, const double *unlabelled,
                                         size_t n_unlabelled, double *ret_labelled, double *ret_unlabelled, double *ret_temperature, karat_error *err);
/* Strengths (sum 1) from n rankings, best first: ranking r is thing[start[r]] .. thing[start[r + 1] - 1]; a comparison is a
   ranking of two. ret_ci (n_things × 2) may be NULL. */
KARAT_API karat_rc karat_rank(const size_t *start, const uint32_t *thing, size_t n, uint32_t n_things, double *ret_strength, double *ret_ci,
                              karat_error *err);
/* One text from n (NUL-terminated UTF-8), word by word (ROVER). *ret_text is to be freed with karat_free. */
KARAT_API karat_rc karat_merge_texts(const char *const *text, size_t n, char **ret_text, karat_error *err);
/* One mask from n masks of n_pixels bytes, one after the other: by majority (n_iter 0), or EM with one quality a source. ret_prob
   (n_pixels) may be NULL. */
KARAT_API karat_rc karat_merge_masks(const uint8_t *masks, size_t n, size_t n_pixels, int32_t n_iter, uint8_t *ret, double *ret_prob, karat_error *err);

/* ---- merging answers that are not labels out of a few ---- */

/* What such a merge found: arrays by name, as long as m lives; NULL where there is no such thing. Everything is a double, ids and counts
   too; undefined is NaN. ret_n (its numbers) may be NULL. */
typedef struct karat_merged karat_merged;
KARAT_API const double *karat_merged_get(const karat_merged *m, const char *name, size_t *ret_n);
KARAT_API void karat_merged_free(karat_merged *m); /* NULL allowed */

typedef struct karat_merge_options {
    size_t size;
    const char *const *set; /* n_set settings "NAME=VALUE" as 'karat list aggregators' shows them */
    size_t n_set;
} karat_merge_options;

/* Numbers (method numeric). value, value_ci (n_items × 2), votes (n_items), bias, bias_ci, sd, sd_ci, source_votes (n_sources, × 2),
   held_out (1), robust (1: degrees of freedom used, 0 normal), method (1: 1 precision, 2 mean, 3 median). */
KARAT_API karat_rc karat_merge_numbers(const uint32_t *item, const uint32_t *source, const double *value, size_t n, uint32_t n_items,
                                       uint32_t n_sources, const karat_merge_options *options, karat_merged **ret, karat_error *err);

/* Sets of labels: answer a names label[start[a]] .. label[start[a + 1] - 1]; none is an answer too. */
typedef struct karat_label_sets {
    size_t n;
    uint32_t n_items, n_sources, n_labels;
    const uint32_t *item, *source; /* n */
    const size_t *start;           /* n + 1 */
    const uint32_t *label;
} karat_label_sets;
/* method: an aggregator (NULL: auto), run once for every label. prob, votes_for (n_items × n_labels), votes (n_items), share (n_labels),
   source_accuracy, source_ci (n_sources, × 2). */
KARAT_API karat_rc karat_merge_sets(karat_context *ctx, const karat_label_sets *sets, const char *method, karat_merged **ret, karat_error *err);

/* Regions. An answer says that a source looked at an item, and stands there also when it saw nothing. */
typedef struct karat_regions {
    size_t n_answers;
    uint32_t n_items, n_sources, n_labels;
    const uint32_t *item, *source; /* n_answers; each pair once */
    size_t n;
    const size_t *answer;          /* n */
    const int32_t *label;          /* n */
    const size_t *start;           /* n + 1: the numbers of region r are at[start[r]] .. at[start[r + 1] - 1] */
    const double *at;
} karat_regions;
/* kind: spans (start, end), boxes (x1, y1, x2, y2), polygons (x1, y1, x2, y2, …), keypoints (x, y, seen of each point; 0 not there, 1
   hidden, 2 seen). item, label, there, label_posterior, votes_for, looked, kept (one each), start (regions + 1), at, seen (keypoints:
   3 a point), source_accuracy, source_ci, source_sd, source_sd_ci (n_sources, × 2). */
KARAT_API karat_rc karat_merge_regions(karat_context *ctx, const char *kind, const karat_regions *regions, const karat_merge_options *options,
                                       karat_merged **ret, karat_error *err);

/* Labels that are nodes of a tree: votes' labels are nodes, parent (n_labels) the node above each, -1 for a root. Sources may answer at any
   depth. Settings target, pull, n_iter. label (n_items: deepest node whose posterior reaches the target, -1 none), posterior, deepest
   (likeliest all the way down), votes, votes_for, votes_above (n_items); start (n_items + 1), node, node_posterior: the nodes that votes
   on an item name or pass; share (n_nodes); source_accuracy, source_ci (n_sources, × 2); level_accuracy, level_ci, level_votes
   (n_sources × levels, × 2). */
KARAT_API karat_rc karat_merge_taxonomy(karat_context *ctx, const karat_votes *votes, const int32_t *parent, const karat_merge_options *options,
                                        karat_merged **ret, karat_error *err);

/* Tagged sequences of n_types types of spans: tag 0 is O, 1 + 2 k B-k, 2 + 2 k I-k. Answer a has length[sequence[a]] tags, tag[at[a]] .. */
typedef struct karat_sequences {
    uint32_t n_sequences, n_sources, n_types;
    const size_t *length;              /* n_sequences */
    size_t n;
    const uint32_t *sequence, *source; /* n */
    const size_t *at;                  /* n */
    const int32_t *tag;                /* n_tags in all */
    size_t n_tags;
} karat_sequences;
/* Settings n_iter, pull. start (n_sequences + 1), tag (tokens, valid BIO, -1 without answers), prob (tokens × (1 + 2 n_types)); one of each
   span: span_sequence, span_type, span_from, span_to, span_posterior, span_votes_for, span_looked; source_accuracy (of tokens on which its
   tag or the truth is not O), source_ci (n_sources, × 2). */
KARAT_API karat_rc karat_merge_sequences(karat_context *ctx, const karat_sequences *sequences, const karat_merge_options *options, karat_merged **ret,
                                         karat_error *err);

/* Texts: method "rover" (NULL; word by word, Fiscus 1997) or "medoid" (the one nearest to the others); text: n, NUL-terminated UTF-8. agreement,
   votes (n_items); rover: start (n_items + 1), word_share: share of the sources behind each word; source_accuracy (mean share of the true text that it
   is expected to have, or 1 - mean distance to the others), source_ci, source_votes (n_sources, × 2). The texts: karat_merged_text. */
KARAT_API karat_rc karat_merge_answer_texts(const uint32_t *item, const uint32_t *source, const char *const *text, size_t n, uint32_t n_items,
                                            uint32_t n_sources, const char *method, karat_merged **ret, karat_error *err);
/* The merged text of an item, as long as m lives; NULL where there is none. */
KARAT_API const char *karat_merged_text(const karat_merged *m, size_t item);

/* Masks of n_pixels bytes, one after the other: by majority (n_iter 0) or EM with one quality a source. mask, prob (n_items × n_pixels), agreement
   (mean intersection over union with the merged one), votes (n_items), source_accuracy (mean of the same with the
   truth, as it is expected), source_ci, source_votes. */
KARAT_API karat_rc karat_merge_answer_masks(const uint32_t *item, const uint32_t *source, const uint8_t *masks, size_t n, size_t n_pixels,
                                            uint32_t n_items, uint32_t n_sources, int32_t n_iter, karat_merged **ret, karat_error *err);

/* Rankings as karat_rank takes them, number r made by source[r]. Setting prior. strength, strength_ci, won, compared (n_things, × 2), comparable (1: all
   stand above and below others), source_accuracy (share of the neighbours in its rankings that stand in the order of the strengths),
   source_ci, source_votes (n_sources, × 2). */
KARAT_API karat_rc karat_merge_rankings(const size_t *start, const uint32_t *thing, const uint32_t *source, size_t n, uint32_t n_things,
                                        uint32_t n_sources, const karat_merge_options *options, karat_merged **ret, karat_error *err);

/* ---- errors in labels ---- */

/* One label an item, and the probabilities of a model that did not see it: rows of n_labels numbers one after the other. */
typedef struct karat_label_probs {
    size_t n;
    uint32_t n_labels;
    const int32_t *label;
    const void *prob;
    karat_type type; /* KARAT_F32 or KARAT_F64 */
    size_t row_stride; /* bytes */
} karat_label_probs;

/* Confident learning. filter: prune_by_noise_rate (NULL), prune_by_class, both, confident_learning, predicted_neq_given,
   low_normalized_margin, low_self_confidence. ret_issue: n, 1 = suspect; ret_n may be NULL. */
KARAT_API karat_rc karat_label_issues(karat_context *ctx, const karat_label_probs *data, const char *filter, uint8_t *ret_issue, size_t *ret_n,
                                      karat_error *err);
/* quality: self_confidence (NULL), normalized_margin, confidence_weighted_entropy. ret: n, low = likely wrong. */
KARAT_API karat_rc karat_label_quality(karat_context *ctx, const karat_label_probs *data, const char *quality, double *ret, karat_error *err);
/* Any output may be NULL. threshold: n_labels; raw, joint: n_labels², given × likely true, items. */
KARAT_API karat_rc karat_confident_joint(karat_context *ctx, const karat_label_probs *data, double *ret_threshold, int64_t *ret_raw,
                                         int64_t *ret_joint, size_t *ret_off_diagonal, karat_error *err);
/* Groups (sentences of tokens, images of pixels, whose labels and rows are those of the functions above): group g is start[g] .. start[g + 1] - 1 of the n scores. temperature 0: the
   smallest score, else its soft minimum. */
KARAT_API karat_rc karat_group_quality(const double *score, size_t n, const size_t *start, size_t n_groups, double temperature, double *ret,
                                       karat_error *err);
/* Several labels an item: given and prob are n × n_labels. */
KARAT_API karat_rc karat_multilabel_quality(const uint8_t *given, const double *prob, size_t n, uint32_t n_labels, double *ret, karat_error *err);
/* Numbers: robust z of each residual. */
KARAT_API karat_rc karat_value_errors(const double *given, const double *predicted, size_t n, double *ret_z, karat_error *err);
/* Near-duplicates (same cluster, -1 none) with different labels. */
KARAT_API karat_rc karat_duplicate_errors(const int32_t *label, const int64_t *cluster, size_t n, uint8_t *ret_issue, size_t *ret_n, karat_error *err);
/* Items far from all others in a space of d numbers each (embeddings): the mean distance to the nearest of them. */
typedef struct karat_outlier_options {
    size_t size;
    uint32_t neighbours; /* 0: 10; at most 64 */
    const char *metric;  /* "cosine" (NULL) or "euclidean" */
    size_t sample;       /* compared with so many drawn from all; 0: 20,000; n or more: with all. Time n · sample · d */
    uint64_t seed;
} karat_outlier_options;
/* x: n × d. ret_distance: n, NaN where there is no other item. ret_nearest: n, the nearest item (SIZE_MAX: none), or NULL. ret_z: n,
   robust z of the logarithm of the distance, above 3.5 an outlier, or NULL. */
KARAT_API karat_rc karat_outliers(karat_context *ctx, const float *x, size_t n, size_t d, const karat_outlier_options *options, double *ret_distance,
                                  size_t *ret_nearest, double *ret_z, karat_error *err);

/* Boxes x1, y1, x2, y2 of n images: image i has start[i] .. start[i + 1] - 1. score: of predictions, else NULL. */
typedef struct karat_boxes {
    size_t n;
    const size_t *start;
    const double *xyxy; /* 4 a box */
    const int32_t *label;
    const double *score;
} karat_boxes;
/* Scores 0 (wrong) to 1; NaN: accuses nobody. ret_image: n; the others, a box or prediction each, may be NULL. */
KARAT_API karat_rc karat_box_quality(karat_context *ctx, const karat_boxes *given, const karat_boxes *predicted, double *ret_overlooked,
                                     double *ret_badloc, double *ret_swap, double *ret_image, karat_error *err);

typedef struct karat_rate {
    double rate, low, high; /* 95 % */
    double effective_n;
} karat_rate;
/* Error rate from n checked items. stratum with stratum_items (n_strata), or chance of being drawn, or neither (uniform). */
KARAT_API karat_rc karat_error_rate(const uint8_t *wrong, size_t n, const uint32_t *stratum, const uint64_t *stratum_items, uint32_t n_strata,
                                    const double *chance, karat_rate *ret, karat_error *err);

typedef struct karat_change {
    size_t at;
    double before, after, p_value;
} karat_change;
/* Changes of a source's accuracy in n answers in order of time. Free *ret_changes with karat_free. */
KARAT_API karat_rc karat_drift(const uint8_t *right, size_t n, size_t least, double level, uint32_t permutations, uint64_t seed,
                               karat_change **ret_changes, size_t *ret_n, karat_error *err);

enum { KARAT_CONSTANT = 1, KARAT_RANDOM = 2, KARAT_OPPOSED = 4, KARAT_CYCLE = 8 };
typedef struct karat_pattern {
    uint32_t votes, compared;
    double kappa, low, high; /* with the majority of the others */
    int32_t top_label;
    double top_share, others_top_share;
    uint32_t cycle_lag;
    double cycle_share, cycle_z;
    int flags;
} karat_pattern;
KARAT_API karat_rc karat_source_patterns(const karat_votes *votes, karat_pattern *ret, karat_error *err); /* n_sources */

typedef struct karat_collusion {
    uint32_t a, b, shared, agreed;
    double expected, z, q_value;
} karat_collusion;
/* Pairs that agree more than their accuracy explains. consensus: n_items, -1 unknown. Free *ret_pairs with karat_free. */
KARAT_API karat_rc karat_find_collusion(const karat_votes *votes, const int32_t *consensus, uint32_t least, double level,
                                        karat_collusion **ret_pairs, size_t *ret_n, karat_error *err);

/* ---- scores of predictions ---- */

typedef struct karat_class_scores {
    double accuracy, accuracy_low, accuracy_high, balanced_accuracy, mcc, f1_macro, f1_weighted, f1_micro;
    double log_loss, brier, ece, mce; /* NaN without probabilities */
} karat_class_scores;
/* predicted and prob (n × n_labels): one of them at least. The arrays of n_labels, and the confusion (truth × predicted), may be
   NULL. */
KARAT_API karat_rc karat_score_classes(karat_context *ctx, const int32_t *truth, const int32_t *predicted, const double *prob, size_t n,
                                       uint32_t n_labels, karat_class_scores *ret, double *ret_precision, double *ret_recall, double *ret_f1,
                                       uint64_t *ret_support, uint64_t *ret_confusion, karat_error *err);
/* Entropy (nats), margin and least confidence of n rows; any output may be NULL. */
KARAT_API karat_rc karat_uncertainty(const double *prob, size_t n, uint32_t n_labels, double *ret_entropy, double *ret_margin,
                                     double *ret_least_confidence, karat_error *err);

typedef struct karat_prf {
    double precision, recall, f1;
    uint64_t support, predicted, hits;
} karat_prf;
/* Spans of tagged tokens. Tags are NUL-terminated; sentence s holds tokens start[s] .. start[s + 1] - 1. scheme: default (NULL),
   IOB2, IOBES, IOE2; overlap: spans that share a token count. Types are asked for by number. */
typedef struct karat_span_scores karat_span_scores;
KARAT_API karat_rc karat_score_spans(const char *const *predicted, const char *const *truth, const size_t *start, size_t n_sentences,
                                     const char *scheme, int overlap, karat_span_scores **ret, karat_error *err);
KARAT_API void karat_span_scores_free(karat_span_scores *s);
KARAT_API size_t karat_span_scores_types(const karat_span_scores *s);
/* i below the number of types; then micro, macro and weighted averages. The name lives as long as s. */
KARAT_API const char *karat_span_scores_get(const karat_span_scores *s, size_t i, karat_prf *ret);

/* IoU of n boxes with m boxes x, y, width, height (4 numbers each) into ret (n × m); crowd: m, or NULL. */
KARAT_API karat_rc karat_box_iou(const double *a, size_t n, const double *b, size_t m, const uint8_t *crowd, double *ret, karat_error *err);

typedef struct karat_detections {
    size_t n;
    const uint32_t *image, *category;
    const double *xywh;   /* 4 a box */
    const double *score;  /* predictions only */
    const uint8_t *crowd; /* truth only; may be NULL */
} karat_detections;
typedef struct karat_map_scores {
    double ap, ap50, ap75, ap_small, ap_medium, ap_large, ar1, ar10, ar100, ar_small, ar_medium, ar_large, matched_iou;
} karat_map_scores;
/* COCO detection protocol. ret_ap, ret_ap50: n_categories, may be NULL. NaN: no truth in that slice. */
KARAT_API karat_rc karat_score_boxes(karat_context *ctx, const karat_detections *predicted, const karat_detections *truth, uint32_t n_images,
                                     uint32_t n_categories, karat_map_scores *ret, double *ret_ap, double *ret_ap50, karat_error *err);

typedef struct karat_edits {
    uint64_t length, substituted, deleted, inserted;
} karat_edits;
/* Adds the edits from truth to predicted (UTF-8, of so many bytes) to *inout: words, or code points when chars. */
KARAT_API karat_rc karat_count_edits(const char *predicted, size_t predicted_bytes, const char *truth, size_t truth_bytes, int chars,
                                     karat_edits *inout, karat_error *err);

/* Label maps of n pixels; labels outside 0..n_labels-1 in the truth are not looked at. Arrays of n_labels may be NULL. */
KARAT_API karat_rc karat_score_masks(const int32_t *predicted, const int32_t *truth, size_t n, uint32_t n_labels, double *ret_iou, double *ret_dice,
                                     double *ret_pixel_accuracy, karat_error *err);
typedef struct karat_boundary_scores {
    double precision, recall, f1, mean_px, max_px;
} karat_boundary_scores;
KARAT_API karat_rc karat_score_boundary(const uint8_t *predicted, const uint8_t *truth, uint32_t width, uint32_t height, double tolerance_px,
                                        karat_boundary_scores *ret, karat_error *err);

/* Segments in time: item, label, start and end in seconds. f1: at IoU .1, .25, .5. */
typedef struct karat_segments {
    size_t n;
    const uint32_t *item;
    const int32_t *label;
    const double *start_s, *end_s;
} karat_segments;
KARAT_API karat_rc karat_score_segments(const karat_segments *predicted, const karat_segments *truth, double *ret_iou, double ret_f1[3], karat_error *err);

typedef struct karat_tracks {
    size_t n;
    const uint32_t *frame, *track;
    const double *xywh;
} karat_tracks;
typedef struct karat_track_scores {
    uint64_t misses, false_positives, switches;
    double mota, motp, idf1, id_precision, id_recall, hota, det_a, ass_a;
} karat_track_scores;
KARAT_API karat_rc karat_score_tracks(const karat_tracks *predicted, const karat_tracks *truth, karat_track_scores *ret, karat_error *err);

/* ---- models ---- */

/* Kinds: "linear" (texts), "crf" (spans of tokens), "knn", "prototypes", "dense" (rows of numbers). Name number i; NULL past the last. */
KARAT_API const char *karat_model_name(size_t i);
KARAT_API const char *karat_model_help(const char *kind);

typedef struct karat_model karat_model;

/* What a model learns from, or is asked about; fields its kind does not need are not looked at. */
typedef struct karat_model_data {
    size_t n;                 /* items */
    const char *bytes;        /* linear: the texts, crf: the tokens, UTF-8, number i at start[i] .. start[i + 1] - 1 */
    const size_t *start;      /* n + 1; crf: tokens + 1 */
    const size_t *token;      /* crf: item i has tokens token[i] .. token[i + 1] - 1 */
    const float *x;           /* rows of numbers: n × d */
    size_t d;
    uint32_t n_labels;        /* crf: types of spans */
    const int32_t *label;     /* n, -1: none. crf: per token, 0 outside, 1 + 2 t begins type t, 2 + 2 t goes on with it */
    const float *has;         /* linear with task=multi: n × n_labels, 0..1, instead of label */
    const int32_t *parent;    /* linear with task=tree: n_labels, -1 at the top */
    const uint64_t *group;    /* n: items of one number, but 0, are held back together; or NULL */
} karat_model_data;

typedef struct karat_model_options {
    size_t size;
    const char *const *set;   /* n_set settings "NAME=VALUE" of the kind ('karat list model_kinds') */
    size_t n_set;
    uint32_t folds;           /* karat_model_cross: 2..100; 0: 5. knn and prototypes leave single rows (or groups) out instead */
    uint64_t seed;
} karat_model_options;

/* *ret: to be freed by karat_model_free. A model may be read by several threads at once, and updated by one alone. */
KARAT_API karat_rc karat_model_fit(karat_context *ctx, const char *kind, const karat_model_data *data, const karat_model_options *options,
                                   karat_model **ret, karat_error *err);
KARAT_API void karat_model_free(karat_model *model);
/* Probabilities by models that did not see the item: n × n_labels, zeros without a label; crf: tokens × tags. */
KARAT_API karat_rc karat_model_cross(karat_context *ctx, const char *kind, const karat_model_data *data, const karat_model_options *options,
                                     float *ret_prob, karat_error *err);
/* ret_prob: as above. ret_label: likeliest label of each item (crf: tag of each token, in a valid order), or NULL. */
KARAT_API karat_rc karat_model_predict(karat_context *ctx, const karat_model *model, const karat_model_data *data, float *ret_prob, int32_t *ret_label,
                                       karat_error *err);
/* Learns data's labels on top, at once. */
KARAT_API karat_rc karat_model_update(karat_model *model, const karat_model_data *data, karat_error *err);

/* Probability that tokens first .. last (of all tokens) of an item are a span of the type, no more and no less. */
typedef struct karat_span {
    size_t item, first, last;
    uint32_t type;
    float prob;
} karat_span;
/* The spans of the likeliest tags; *ret_spans to be freed with karat_free. crf only. */
KARAT_API karat_rc karat_model_spans(karat_context *ctx, const karat_model *model, const karat_model_data *data, karat_span **ret_spans, size_t *ret_n,
                                     karat_error *err);

typedef struct karat_reason {
    char feature[120]; /* an n-gram, a named feature of a token, "column 7", "labelled row 12 (label 3)" */
    float adds;        /* for the label (above 0) or against it, in log odds; of neighbours: their vote */
} karat_reason;
/* Why item (crf: token) number `item` of data has the label (crf: tag): at most max reasons, strongest first; *ret_n of them. */
KARAT_API karat_rc karat_model_explain(const karat_model *model, const karat_model_data *data, size_t item, uint32_t label, size_t max, karat_reason *ret,
                                       size_t *ret_n, karat_error *err);

/* The model as the karat program keeps it. names: of the labels, or NULL: their numbers. *ret_bytes to be freed with karat_free. */
KARAT_API karat_rc karat_model_bytes(const karat_model *model, const char *const *names, void **ret_bytes, size_t *ret_n, karat_error *err);
KARAT_API karat_rc karat_model_open(const void *bytes, size_t n, karat_model **ret, karat_error *err);
KARAT_API const char *karat_model_kind(const karat_model *model);
KARAT_API uint32_t karat_model_n_labels(const karat_model *model);
/* Of a model that was opened; NULL: not known. */
KARAT_API const char *karat_model_label(const karat_model *model, uint32_t label);
/* "single", "multi" or "tree". */
KARAT_API const char *karat_model_shape(const karat_model *model);
/* ---- a consensus kept up to date, and whom to ask next ---- */

/* Dawid and Skene's model with pseudo-votes, vote by vote: a vote costs what its item and a few others cost, whatever the size of
   the set. One thread at a time. Items and sources appear when first named. */
typedef struct karat_live karat_live;
typedef struct karat_live_options {
    size_t size;
    double right, wrong, equal; /* pseudo-votes of every source on the right label and on all others together, and pseudo-items of every
                                   label: dawid_skene's uniform is wrong / (n_labels - 1), its right the rest; all 0: 2.8, 1.2, 1 and unnamed 0.2 */
    double unnamed;             /* what a label that no vote on the item names keeps of its chance; 0: all */
    int32_t refresh;            /* other items gone over again with every vote; 0: 8, -1: none */
} karat_live_options;
KARAT_API karat_rc karat_live_open(uint32_t n_labels, const karat_live_options *options, karat_live **ret, karat_error *err);
KARAT_API void karat_live_close(karat_live *live); /* NULL allowed */
KARAT_API karat_rc karat_live_grow(karat_live *live, uint32_t n_labels, karat_error *err); /* more labels from here on */
/* At once near what a refit would say; after karat_live_settle (at most rounds times over all items, until none moves by more
   than tol; returns the rounds) within 0.001 of it anywhere. A source may vote several times on an item; the last is withdrawn
   first. KARAT_RANGE: no such label, no vote to withdraw. */
KARAT_API karat_rc karat_live_add(karat_live *live, uint32_t item, uint32_t source, int32_t label, karat_error *err);
KARAT_API karat_rc karat_live_add_votes(karat_live *live, const karat_votes *votes, karat_error *err); /* all or none */
KARAT_API karat_rc karat_live_withdraw(karat_live *live, uint32_t item, uint32_t source, karat_error *err);
KARAT_API uint32_t karat_live_settle(karat_live *live, uint32_t rounds, double tol);
KARAT_API int32_t karat_live_said(const karat_live *live, uint32_t item, uint32_t source); /* -1: no vote */
/* ret_prob: as many numbers as labels. Returns the item's votes; without any, the shares of the labels. */
KARAT_API uint32_t karat_live_posterior(const karat_live *live, uint32_t item, double *ret_prob);
KARAT_API double karat_live_accuracy(const karat_live *live, uint32_t source); /* chance that its vote is right */

enum { KARAT_LIVE_ASK = 0, KARAT_LIVE_SURE = 1, KARAT_LIVE_NOT_WORTH = 2 };
typedef struct karat_live_question {
    size_t size;
    double target;          /* enough: the chance of the likeliest label */
    uint32_t least;         /* votes to take in any case: one alone is never sure of who gave it; 2 is a good start */
    double doubt;           /* share of a source's votes not believed when choosing whom, so that few of them make nobody the one to
                               ask always or never; 0.7 is a good start, 0 takes accuracies for true */
    double worth;           /* of one more right label, in the unit of the prices */
    uint32_t n_sources;     /* who may be asked; those who voted on the item are passed over */
    const uint32_t *source;
    const double *price;    /* n_sources; NULL: nobody charges */
} karat_live_question;
/* Whether another vote on the item is worth its price, whose, and what it is expected to add to the chance of a right label;
   *ret_source is UINT32_MAX unless the verdict is KARAT_LIVE_ASK. */
KARAT_API karat_rc karat_live_next(const karat_live *live, uint32_t item, const karat_live_question *question, int *ret_verdict,
                                   uint32_t *ret_source, double *ret_gain, karat_error *err);

/* ---- near-duplicate texts ---- */

typedef struct karat_near_options {
    size_t size;
    double threshold;    /* of the Jaccard index of two texts' sets of shingles, (0, 1]; 0: 0.8 */
    const char *shingle; /* "w3": three words (NULL), "c5": five bytes of the folded text; for clusters w1..w8, c3..c16, else up to 64 */
    uint32_t n_slots;    /* of a signature; 0: 128, up to 1,024 */
    uint32_t seed;       /* of the permutations; 0: 1 */
} karat_near_options;
/* Texts are UTF-8, n_bytes of each (NULL: they end with a zero byte); case, punctuation and white space do not count, a text of
   fewer words than a shingle is one shingle. KARAT_PARSE where one is not UTF-8.

   MinHash signatures as the Python package datasketch makes them from the same shingles: ret_slots n × n_slots, ret_shingles n
   (different shingles) or NULL. The share of equal slots of two estimates the Jaccard index, sd sqrt(J (1 - J) / n_slots). */
KARAT_API karat_rc karat_minhash(karat_context *ctx, const char *const *text, const size_t *n_bytes, size_t n, const karat_near_options *options,
                                 uint32_t *ret_slots, size_t *ret_shingles, karat_error *err);
/* slot i is the least ((a[i] h + b[i]) mod 2^64) mod (2^61 - 1), its low 32 bits, over the shingles' hashes h. n_slots each. */
KARAT_API karat_rc karat_minhash_permutations(const karat_near_options *options, uint64_t *ret_a, uint64_t *ret_b, karat_error *err);
/* bands × rows <= n_slots that err least about pairs on both sides of the threshold, between 0 and 1. */
KARAT_API karat_rc karat_minhash_bands(double threshold, uint32_t n_slots, uint32_t *ret_bands, uint32_t *ret_rows, karat_error *err);
/* Exact Jaccard index of two texts, and how many shingles each has (may be NULL). */
KARAT_API karat_rc karat_jaccard(const char *a, size_t a_bytes, const char *b, size_t b_bytes, const karat_near_options *options, double *ret,
                                 size_t *ret_a_shingles, size_t *ret_b_shingles, karat_error *err);
/* Clusters of near-duplicates: found by MinHash bands (a pair 0.05 above the threshold is missed less than once in 200), each pair
   verified exactly. ret_canonical: n, the first text of each one's cluster; a text without words is in none but its own. */
KARAT_API karat_rc karat_near_clusters(karat_context *ctx, const char *const *text, const size_t *n_bytes, size_t n, const karat_near_options *options,
                                       uint32_t *ret_canonical, karat_error *err);

/* ---- what a machine may decide alone ---- */

/* Scores (higher: surer) of n items to be decided, and of trusted ones of which it is known whether the machine is right (1) or wrong (0): a
   uniform random sample of the same items, drawn after the scores were made. */
typedef struct karat_scores {
    size_t n;
    const float *score;
    size_t n_trusted;
    const float *trusted_score;
    const uint8_t *trusted_right;
} karat_scores;

typedef struct karat_approval {
    int found;                   /* 0: nothing can be approved */
    double score;                /* approve items with at least this score */
    double budget, confidence;   /* confidence: what this part was tested at; 1 where it could not pass at all, NaN: it holds on average */
    uint64_t n_items, n_approved, n_trusted_items;
    uint32_t n_trusted, n_wrong; /* of the trusted items, at or above score */
    double error, upper;         /* there; upper: bound at the level of the tests, at most the budget */
    uint64_t n_more;             /* not found: at least so many more trusted items, all right, are needed */
} karat_approval;

/* With chance at least confidence over the draw of the trusted sample, of the approved items of no part more than its budget are wrong. Parts do not
   overlap, so the same holds for any union of them and its largest budget. budget, ret: n_parts; part (n), trusted_part (n_trusted):
   below n_parts; NULL with one part. */
KARAT_API karat_rc karat_threshold(const karat_scores *d, const uint32_t *part, const uint32_t *trusted_part, const double *budget, uint32_t n_parts,
                                   double confidence, karat_approval *ret, karat_error *err);
/* The same for one part when trusted item i was taken with known chance p_i: trusted_weight[i] = 1 / p_i up to a common factor, most_weight: the
   largest any of the n items could have had. Holds for independent draws whose chances may depend on all earlier answers, and for
   every item being taken or not by its own toss. */
KARAT_API karat_rc karat_threshold_weighted(const karat_scores *d, const double *trusted_weight, double most_weight, double budget, double confidence,
                                            karat_approval *ret, karat_error *err);
/* Conformal selection with Benjamini and Hochberg's procedure: on average over draws at most budget of the selected are wrong. ret_p
   (n, may be NULL): conformal p-values. */
KARAT_API karat_rc karat_conformal_select(const karat_scores *d, double budget, karat_approval *ret, double *ret_p, karat_error *err);
/* After each of n answers about a batch of size items (0: without end), drawn uniformly without replacement: an interval of the share of wrong
   ones in the batch that holds after all of them at once. ret_low, ret_high: n, may be NULL. */
KARAT_API karat_rc karat_confidence_sequence(const uint8_t *wrong, size_t n, uint64_t size, double confidence, double *ret_low, double *ret_high,
                                             karat_error *err);
/* The chance that a label of each score is right, into ret (n). method: none, temperature, platt, beta, isotonic, histogram; NULL: the one
   of least log loss in cross-validation, which *ret_method (may be NULL) names. Scores within 0 and 1. */
KARAT_API karat_rc karat_calibrate(karat_context *ctx, const float *trusted_score, const uint8_t *trusted_right, size_t n_trusted, const char *method,
                                   uint64_t seed, const float *score, size_t n, float *ret, const char **ret_method, karat_error *err);

#ifdef __cplusplus
}
#endif

#endif
