#include "algo/boxes.h"

#include <math.h>

double kt_xyxy_overlap(kt_xyxy a, kt_xyxy b)
{
    double w = KT_MIN(a.x2, b.x2) - KT_MAX(a.x1, b.x1), h = KT_MIN(a.y2, b.y2) - KT_MAX(a.y1, b.y1);
    return w > 0 && h > 0 ? w * h : 0;
}

double kt_xyxy_iou(kt_xyxy a, kt_xyxy b)
{
    double both = kt_xyxy_overlap(a, b);
    return both > 0 ? both / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both) : 0;
}

double kt_xywh_iou(kt_xywh a, kt_xywh b, bool crowd)
{
    double w = KT_MIN(a.x + a.w, b.x + b.w) - KT_MAX(a.x, b.x), h = KT_MIN(a.y + a.h, b.y + b.h) - KT_MAX(a.y, b.y);
    double both = w > 0 && h > 0 ? w * h : 0;
    return both > 0 ? both / (crowd ? a.w * a.h : a.w * a.h + b.w * b.h - both) : 0;
}

kt_rc kt_xyxy_check(kt_xyxy b, const char *what, size_t number, kt_err *err)
{
    if (!isfinite(b.x1) || !isfinite(b.y1) || !isfinite(b.x2) || !isfinite(b.y2))
        return kt_fail(err, KT_RANGE, "%s %zu: a coordinate is no number", what, number);
    if (b.x2 < b.x1 || b.y2 < b.y1) {
        kt_fail(err, KT_RANGE, "%s %zu: its far corner %g, %g lies before %g, %g", what, number, b.x2, b.y2, b.x1, b.y1);
        return kt_hint(err, "corners are expected: x1, y1, x2, y2");
    }
    return 0;
}

kt_rc kt_xywh_check(kt_xywh b, const char *what, size_t number, kt_err *err)
{
    if (!isfinite(b.x) || !isfinite(b.y) || !isfinite(b.w) || !isfinite(b.h))
        return kt_fail(err, KT_RANGE, "%s %zu: a coordinate is no number", what, number);
    if (b.w < 0 || b.h < 0)
        return kt_fail(err, KT_RANGE, "%s %zu: its size is %g by %g", what, number, b.w, b.h);
    return 0;
}
