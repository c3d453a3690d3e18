/* libkarat: what labels are worth. Agreement between annotators, merging of votes, errors in labels, scores of predictions: pure
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
    KARAT_NOMEM = -17  /* larger than this machine's memory */
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
       source_accuracy   n_sources; NaN without votes
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

#ifdef __cplusplus
}
#endif

#endif
