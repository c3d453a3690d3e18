/* Axis-aligned boxes in pixels, by corners or by corner and size. */
#ifndef KT_ALGO_BOXES_H
#define KT_ALGO_BOXES_H

#include "base/err.h"

typedef struct kt_xyxy {
    double x1, y1, x2, y2;
} kt_xyxy;

typedef struct kt_xywh {
    double x, y, w, h;
} kt_xywh;

double kt_xyxy_overlap(kt_xyxy a, kt_xyxy b); /* area of the intersection, px² */
/* Intersection over union; 0 where they do not meet. */
double kt_xyxy_iou(kt_xyxy a, kt_xyxy b);
/* crowd: as in COCO, b is a region that swallows detections, so the denominator is the area of a alone. */
double kt_xywh_iou(kt_xywh a, kt_xywh b, bool crowd);
/* KT_RANGE: a coordinate that is no number, x2 < x1 or y2 < y1 (a width or height below 0). what and number name the box. */
kt_rc kt_xyxy_check(kt_xyxy b, const char *what, size_t number, kt_err *err) KT_MUST_USE;
kt_rc kt_xywh_check(kt_xywh b, const char *what, size_t number, kt_err *err) KT_MUST_USE;

#endif
