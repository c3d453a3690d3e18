/* How good predictions are against a truth, one section a task. Where a number is undefined it is NaN, except where a
   section says that empty denominators give 0, as the libraries do whose figures people compare with. */
#ifndef KT_ALGO_SCORE_H
#define KT_ALGO_SCORE_H

#include "algo/boxes.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"

/* ---- classes ---- */

/* What was predicted for n items of which the truth is known. One of label and prob at least; label NULL: the likeliest of
   prob, the lowest on ties. */
typedef struct kt_class_predictions {
    size_t n;
    uint32_t n_labels;
    const int32_t *truth, *label;
    const double *prob; /* n × n_labels */
} kt_class_predictions;

typedef struct kt_class_score {
    double accuracy, accuracy_ci95[2]; /* Clopper and Pearson */
    double balanced_accuracy;          /* mean recall of the labels that occur */
    double mcc;                        /* Gorodkin (2004), multiclass; 0 where undefined */
    double f1_macro, f1_weighted, f1_micro;
    double *precision, *recall, *f1;   /* n_labels; empty denominators give 0 */
    uint64_t *support, *confusion;     /* n_labels; truth × predicted */
    double log_loss, brier, ece, mce;  /* NaN without prob. Clipped to [1e-15, 1 - 1e-15] and normalised; Σ_k (p - onehot)²;
                                          15 equal bins of the largest probability, open below */
} kt_class_score;

enum { KT_ECE_BINS = 15 };

/* *ret in the arena. KT_RANGE: a label out of bounds, a probability that is no number or outside [0, 1], a row of them that does not sum to 1 within 0.01; KT_LIMIT: more
   than 4096 labels. */
kt_rc kt_score_classes(const kt_class_predictions *p, kt_pool *pool, kt_arena *a, kt_class_score *ret, kt_err *err) KT_MUST_USE;

/* ---- spans of tagged tokens ---- */

typedef struct kt_token_span {
    uint32_t sentence, type, first, last; /* tokens, both ends in */
} kt_token_span;

typedef enum kt_tag_scheme {
    KT_TAGS_DEFAULT, /* conlleval: a span starts at B or S, at I or E after O, E or S, and where the type changes; it ends
                        before B, S or O, after E or S, and where the type changes */
    KT_TAGS_IOB2,    /* only B I* */
    KT_TAGS_IOBES,   /* only S, or B I* E (BILOU's L and U are read as E and S) */
    KT_TAGS_IOE2,    /* only I* E */
    KT_TAGS__COUNT
} kt_tag_scheme;
extern const char *const kt_tag_scheme_names[KT_TAGS__COUNT + 1];

/* Names of span types, numbered as they come. */
typedef struct kt_span_types {
    kt_str *name;
    uint32_t n, cap;
} kt_span_types;
void kt_span_types_done(kt_span_types *t);

/* Spans of n_tags tags "O", "B-TYPE", "I-TYPE", … of one sentence, appended to *ret (grown; freed by the caller), types to t;
   names keep pointing into the tags. KT_PARSE: a tag that is none. */
typedef struct kt_token_spans {
    kt_token_span *v;
    size_t n, cap;
} kt_token_spans;
kt_rc kt_spans_of_tags(const kt_str *tag, size_t n_tags, uint32_t sentence, kt_tag_scheme scheme, kt_span_types *t, kt_token_spans *ret,
                       kt_err *err) KT_MUST_USE;

typedef struct kt_prf {
    double precision, recall, f1; /* empty denominators give 0 */
    uint64_t support, predicted, hits;
} kt_prf;

typedef struct kt_span_score {
    kt_prf *type;                 /* n_types */
    kt_prf micro, macro, weighted; /* averages over types that occur on either side */
} kt_span_score;

/* Exact: type and both ends match. overlap: a span counts when one of its type on the other side shares a token with it.
   The spans are sorted in place. */
kt_rc kt_score_spans(kt_token_spans *predicted, kt_token_spans *truth, uint32_t n_types, bool overlap, kt_arena *a, kt_span_score *ret, kt_err *err) KT_MUST_USE;

/* ---- boxes: the COCO detection protocol ---- */

typedef struct kt_detections {
    size_t n;
    const uint32_t *image, *category; /* dense ids */
    const kt_xywh *box;
    const double *score;              /* predictions only */
    const uint8_t *crowd;             /* truth only; NULL: none */
} kt_detections;

/* NaN: no truth in that slice. */
typedef struct kt_map_score {
    double ap, ap50, ap75, ap_small, ap_medium, ap_large;
    double ar1, ar10, ar100, ar_small, ar_medium, ar_large;
    double *ap_of, *ap50_of; /* n_categories */
    double matched_iou;      /* mean IoU of the pairs matched at IoU .5, any score */
} kt_map_score;

/* IoU .50:.05:.95, 101 recall points, at most 100 detections an image and category, areas cut at 32² and 96² px². Equal
   scores keep their order: by image, then as given. KT_RANGE: ids out of bounds, what is no number. */
kt_rc kt_score_boxes(const kt_detections *predicted, const kt_detections *truth, uint32_t n_images, uint32_t n_categories, kt_pool *pool,
                     kt_arena *a, kt_map_score *ret, kt_err *err) KT_MUST_USE;

/* ---- text ---- */

typedef struct kt_edit_counts {
    uint64_t length; /* units of the truth */
    uint64_t substituted, deleted, inserted;
} kt_edit_counts;

typedef enum kt_text_unit { KT_UNIT_WORD, KT_UNIT_CHAR } kt_text_unit; /* words: between white space; chars: code points */

/* Adds the fewest edits from truth to predicted (both UTF-8) to *ret; of equal alignments the one with most substitutions.
   KT_PARSE: not UTF-8. O(length²). */
kt_rc kt_score_text(kt_str predicted, kt_str truth, kt_text_unit unit, kt_edit_counts *ret, kt_err *err) KT_MUST_USE;
/* (substituted + deleted + inserted) / length: WER or CER; NaN without truth. */
double kt_edit_rate(const kt_edit_counts *c);
/* Edits over the longer length, 0 to 1, of code points; 0 for two empty texts. */
double kt_text_distance(kt_str a, kt_str b);

/* ---- label maps: images of one label a pixel ---- */

typedef struct kt_mask_score {
    uint64_t *truth, *predicted, *both; /* n_labels, pixels */
    double *iou, *dice;                 /* n_labels; NaN where neither has the label */
    double mean_iou, mean_dice;         /* over labels that occur on either side */
    double pixel_accuracy;
} kt_mask_score;

/* Sums over images: call with each, the first time with *ret zeroed; kt_mask_score_finish works the ratios out. Labels
   outside 0..n_labels-1 in the truth are not looked at ("void"), in the prediction they count as wrong. */
void kt_score_masks(const int32_t *predicted, const int32_t *truth, size_t n_pixels, uint32_t n_labels, kt_arena *a, kt_mask_score *ret);
void kt_mask_score_finish(kt_mask_score *s, uint32_t n_labels);

typedef struct kt_boundary_score {
    double precision, recall, f1; /* boundary pixels within the tolerance of the other's boundary */
    double mean_px, max_px;       /* distance between the boundaries: mean of both directions, Hausdorff */
} kt_boundary_score;

/* Boundaries of two binary masks (width × height, row-major): pixels set with a 4-neighbour that is not, edges of the image
   included. NaN where a boundary is missing. Exact Euclidean distances (Felzenszwalb and Huttenlocher 2012), O(pixels). */
void kt_score_boundary(const uint8_t *predicted, const uint8_t *truth, uint32_t width, uint32_t height, double tolerance_px, kt_boundary_score *ret);

/* ---- segments in time ---- */

typedef struct kt_segment {
    uint32_t item; /* recording */
    int32_t label;
    double start_s, end_s;
} kt_segment;

typedef struct kt_segment_score {
    double iou;        /* time both say the same label over time either says one */
    kt_prf f1_at[3];   /* segments matched one to one at IoU 0.1, 0.25, 0.5 */
} kt_segment_score;

/* Both are sorted in place. Segments of one item and label should not overlap; where they do, time counts once. KT_RANGE:
   no number, end before start. */
kt_rc kt_score_segments(kt_segment *predicted, size_t n_predicted, kt_segment *truth, size_t n_truth, kt_segment_score *ret, kt_err *err) KT_MUST_USE;

/* ---- tracks ---- */

typedef struct kt_track_boxes {
    size_t n;
    const uint32_t *frame, *track; /* a track is at most once in a frame */
    const kt_xywh *box;
} kt_track_boxes;

typedef struct kt_track_score {
    uint64_t n_truth, n_predicted, hits, misses, false_positives, switches;
    double mota, motp;         /* CLEAR MOT (Bernardin and Stiefelhagen 2008), IoU at least .5; motp: mean IoU of hits */
    double idf1, id_precision, id_recall; /* Ristani et al. 2016 */
    double hota, det_a, ass_a; /* Luiten et al. 2021, mean over IoU .05:.05:.95 */
} kt_track_score;

/* KT_RANGE: a track twice in a frame, what is no number; KT_LIMIT: more than 2^26 pairs of tracks. */
kt_rc kt_score_tracks(const kt_track_boxes *predicted, const kt_track_boxes *truth, kt_track_score *ret, kt_err *err) KT_MUST_USE;

#endif
