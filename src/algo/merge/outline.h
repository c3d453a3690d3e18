/* Outlines: polygons in the plane, inside by the even-odd rule. Corners are x1, y1, x2, y2, …, the last joined to the first. */
#ifndef KT_ALGO_OUTLINE_H
#define KT_ALGO_OUTLINE_H

#include "base/arena.h"

/* Area with its sign: positive where corners go counter-clockwise (y upwards). n corners. */
double kt_outline_area(const double *p, size_t n);
/* Least and largest x and y: x1, y1, x2, y2. n >= 1. */
void kt_outline_bounds(const double *p, size_t n, double ret[4]);
/* Intersection over union by 256 lines, exact along each: of smooth outlines within 1e-4. 0 where both are empty. O((n + m) · 256). */
double kt_outline_iou(const double *a, size_t n, const double *b, size_t m);
/* No two edges that are not neighbours touch, and there are three corners or more. O(n²). */
bool kt_outline_simple(const double *p, size_t n);

/* Points of a grid: (x0 + i step, y0 + j step), i < w, j < h; numbers of a field stand row by row, j · w + i. */
typedef struct kt_grid {
    double x0, y0, step;
    uint32_t w, h;
} kt_grid;

/* Signed distance of every grid point to the outline, positive inside, cut at ± most. */
void kt_outline_distance(const double *p, size_t n, const kt_grid *g, double most, double *ret);
/* The largest outline along which the field, linear between its points, is 0 (marching squares; border points count as outside),
   without corners that stand out less than slack; always simple. *ret_n corners, 0: the field is nowhere positive. In the arena. */
double *kt_outline_trace(const double *field, const kt_grid *g, double slack, kt_arena *a, size_t *ret_n);

#endif
