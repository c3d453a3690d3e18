/* Labels in time: the share of time that both sides agree on, and F1 of segments matched one to one (Lea et al. 2017): each
   predicted segment, in order of time, takes the free true one of its label that it overlaps most, if IoU suffices. */
#include "algo/score/score.h"

#include "base/mem.h"

#include <math.h>

static int by_place(const void *a, const void *b)
{
    const kt_segment *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    if (x->start_s != y->start_s)
        return x->start_s < y->start_s ? -1 : 1;
    return (x->end_s > y->end_s) - (x->end_s < y->end_s);
}

static int by_group(const kt_segment *a, const kt_segment *b)
{
    if (a->item != b->item)
        return a->item < b->item ? -1 : 1;
    return (a->label > b->label) - (a->label < b->label);
}

static kt_rc check(const kt_segment *s, size_t n, const char *what, kt_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(s[i].start_s) || !isfinite(s[i].end_s))
            return kt_fail(err, KT_RANGE, "%s segment %zu: a time is no number", what, i);
        if (s[i].end_s < s[i].start_s)
            return kt_fail(err, KT_RANGE, "%s segment %zu ends at %g s, before it starts at %g s", what, i, s[i].end_s, s[i].start_s);
    }
    return 0;
}

/* Time covered by sorted segments of one group. */
static double covered(const kt_segment *s, size_t n)
{
    double sum = 0, end = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        sum += KT_MAX(s[i].end_s - KT_MAX(s[i].start_s, end), 0);
        end = KT_MAX(end, s[i].end_s);
    }
    return sum;
}

/* Time covered by both: |a| + |b| - |a and b together|, by merging the two. */
static double shared(const kt_segment *a, size_t n, const kt_segment *b, size_t m)
{
    double sum = 0, end = -INFINITY;
    for (size_t i = 0, j = 0; i < n || j < m;) {
        const kt_segment *s = j >= m || (i < n && a[i].start_s <= b[j].start_s) ? &a[i++] : &b[j++];
        sum += KT_MAX(s->end_s - KT_MAX(s->start_s, end), 0);
        end = KT_MAX(end, s->end_s);
    }
    return covered(a, n) + covered(b, m) - sum;
}

static double iou(const kt_segment *a, const kt_segment *b)
{
    double both = KT_MIN(a->end_s, b->end_s) - KT_MAX(a->start_s, b->start_s);
    double either = KT_MAX(a->end_s, b->end_s) - KT_MIN(a->start_s, b->start_s);
    return both > 0 && either > 0 ? both / either : 0;
}

static uint64_t matched(const kt_segment *p, size_t n, const kt_segment *t, size_t m, double least, uint8_t *taken)
{
    uint64_t hits = 0;
    memset(taken, 0, m);
    for (size_t i = 0; i < n; i++) {
        size_t best = SIZE_MAX;
        double most = 0;
        for (size_t j = 0; j < m && t[j].start_s < p[i].end_s; j++)
            if (!taken[j] && iou(&p[i], &t[j]) > most) {
                most = iou(&p[i], &t[j]);
                best = j;
            }
        if (best != SIZE_MAX && most >= least) {
            taken[best] = 1;
            hits++;
        }
    }
    return hits;
}

kt_rc kt_score_segments(kt_segment *predicted, size_t n_predicted, kt_segment *truth, size_t n_truth, kt_segment_score *ret, kt_err *err)
{
    static const double least[3] = { 0.1, 0.25, 0.5 };
    KT_TRY(check(predicted, n_predicted, "predicted", err));
    KT_TRY(check(truth, n_truth, "true", err));
    if (n_predicted)
        qsort(predicted, n_predicted, sizeof(*predicted), by_place);
    if (n_truth)
        qsort(truth, n_truth, sizeof(*truth), by_place);
    uint8_t *taken = kt_alloc_array(n_truth + 1, 1);
    double both = 0, either = 0;
    kt_segment_score s = { .iou = NAN };
    for (size_t i = 0, j = 0; i < n_predicted || j < n_truth;) {
        int order = i == n_predicted ? 1 : j == n_truth ? -1 : by_group(&predicted[i], &truth[j]);
        size_t n = 0, m = 0;
        while (order <= 0 && i + n < n_predicted && by_group(&predicted[i], &predicted[i + n]) == 0)
            n++;
        while (order >= 0 && j + m < n_truth && by_group(&truth[j], &truth[j + m]) == 0)
            m++;
        double time = shared(predicted + i, n, truth + j, m);
        both += time;
        either += covered(predicted + i, n) + covered(truth + j, m) - time;
        for (int k = 0; k < 3; k++)
            s.f1_at[k].hits += matched(predicted + i, n, truth + j, m, least[k], taken);
        i += n;
        j += m;
    }
    for (int k = 0; k < 3; k++) {
        kt_prf *f = &s.f1_at[k];
        f->support = n_truth;
        f->predicted = n_predicted;
        f->precision = n_predicted ? (double)f->hits / (double)n_predicted : 0;
        f->recall = n_truth ? (double)f->hits / (double)n_truth : 0;
        f->f1 = f->precision + f->recall > 0 ? 2 * f->precision * f->recall / (f->precision + f->recall) : 0;
    }
    s.iou = either > 0 ? both / either : NAN;
    kt_free(taken);
    *ret = s;
    return 0;
}
