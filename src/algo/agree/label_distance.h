/* Distances between labels that are not classes, for Krippendorff's alpha: texts, boxes, spans. */
#ifndef KT_ALGO_LABEL_DISTANCE_H
#define KT_ALGO_LABEL_DISTANCE_H

#include "algo/agree/agree.h"
#include "base/arena.h"

typedef enum kt_distance_kind {
    KT_DISTANCE_EDIT,  /* edits over the longer length, by code points */
    KT_DISTANCE_BOXES, /* "x,y,width,height; …": 1 - the IoUs of the best pairing over the larger number of boxes */
    KT_DISTANCE_SPANS, /* "first-last:type; …", both ends in, the type may be missing: 1 - 2 shared / (one + other), in places */
    KT_DISTANCE__COUNT
} kt_distance_kind;
extern const char *const kt_distance_names[KT_DISTANCE__COUNT + 1]; /* NULL at the end */

/* The distance of n labels, given as texts; "none" is an answer without a box or span. All distances are 0 to 1. What it points
   to lives in the arena, and borrows the texts. KT_PARSE: a label that is not of the kind. */
kt_rc kt_label_distance_make(kt_distance_kind kind, const kt_str *label, uint32_t n, kt_arena *a, kt_label_distance *ret, kt_err *err) KT_MUST_USE;

#endif
