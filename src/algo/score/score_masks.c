/* Label maps pixel by pixel, and boundaries of masks by exact distance. */
#include "algo/score/score.h"

#include "base/mem.h"

#include <math.h>

void kt_score_masks(const int32_t *predicted, const int32_t *truth, size_t n_pixels, uint32_t n_labels, kt_arena *a, kt_mask_score *ret)
{
    if (!ret->truth) {
        ret->truth = kt_arena_array(a, n_labels + 1, sizeof(uint64_t));
        ret->predicted = kt_arena_array(a, n_labels + 1, sizeof(uint64_t));
        ret->both = kt_arena_array(a, n_labels + 1, sizeof(uint64_t));
        ret->iou = kt_arena_array(a, n_labels + 1, sizeof(double));
        ret->dice = kt_arena_array(a, n_labels + 1, sizeof(double));
    }
    for (size_t i = 0; i < n_pixels; i++) {
        uint32_t t = (uint32_t)truth[i], p = (uint32_t)predicted[i];
        if (t >= n_labels)
            continue;
        ret->truth[t]++;
        if (p < n_labels)
            ret->predicted[p]++;
        ret->both[t] += t == p;
    }
}

void kt_mask_score_finish(kt_mask_score *s, uint32_t n_labels)
{
    double occur = 0, pixels = 0, right = 0;
    s->mean_iou = s->mean_dice = 0;
    for (uint32_t c = 0; c < n_labels; c++) {
        double sum = (double)s->truth[c] + (double)s->predicted[c], both = (double)s->both[c];
        s->iou[c] = sum > 0 ? both / (sum - both) : NAN;
        s->dice[c] = sum > 0 ? 2 * both / sum : NAN;
        occur += sum > 0;
        s->mean_iou += sum > 0 ? s->iou[c] : 0;
        s->mean_dice += sum > 0 ? s->dice[c] : 0;
        pixels += (double)s->truth[c];
        right += both;
    }
    s->mean_iou = occur > 0 ? s->mean_iou / occur : NAN;
    s->mean_dice = occur > 0 ? s->mean_dice / occur : NAN;
    s->pixel_accuracy = pixels > 0 ? right / pixels : NAN;
}

static bool on_boundary(const uint8_t *m, uint32_t w, uint32_t h, uint32_t x, uint32_t y)
{
    const uint8_t *p = m + (size_t)y * w + x;
    return *p && (x == 0 || y == 0 || x + 1 == w || y + 1 == h || !p[-1] || !p[1] || !p[-(ptrdiff_t)w] || !p[w]);
}

/* Squared distance along a line to the nearest source: the lower envelope of parabolas f[q] + (x - q)², in place. */
static void envelope(double *f, size_t n, size_t stride, double *d, size_t *v, double *z)
{
    size_t k = 0;
    bool any = false;
    for (size_t q = 0; q < n; q++) {
        double fq = f[q * stride];
        if (isinf(fq))
            continue;
        double s = -INFINITY;
        while (any) {
            double r = (double)v[k];
            s = ((fq + (double)q * (double)q) - (f[v[k] * stride] + r * r)) / (2 * ((double)q - r));
            if (s > z[k])
                break;
            if (k == 0) {
                any = false;
                s = -INFINITY;
            } else {
                k--;
            }
        }
        k = any ? k + 1 : 0;
        v[k] = q;
        z[k] = s;
        any = true;
    }
    for (size_t x = 0, at = 0; x < n; x++) {
        while (any && at < k && z[at + 1] < (double)x)
            at++;
        double r = any ? (double)x - (double)v[at] : 0;
        d[x] = any ? r * r + f[v[at] * stride] : INFINITY;
    }
    for (size_t x = 0; x < n; x++)
        f[x * stride] = d[x];
}

/* Squared distance of every pixel to the boundary of m; *ret_n: its pixels. */
static double *distances(const uint8_t *m, uint32_t w, uint32_t h, size_t *ret_n)
{
    size_t n = KT_MAX(w, h);
    double *f = kt_alloc_array((size_t)w * h + 1, sizeof(*f)), *d = kt_alloc_array(n + 1, sizeof(*d)), *z = kt_alloc_array(n + 1, sizeof(*z));
    size_t *v = kt_alloc_array(n + 1, sizeof(*v));
    *ret_n = 0;
    for (uint32_t y = 0; y < h; y++)
        for (uint32_t x = 0; x < w; x++) {
            bool edge = on_boundary(m, w, h, x, y);
            f[(size_t)y * w + x] = edge ? 0 : INFINITY;
            *ret_n += edge;
        }
    for (uint32_t x = 0; x < w; x++)
        envelope(f + x, h, w, d, v, z);
    for (uint32_t y = 0; y < h; y++)
        envelope(f + (size_t)y * w, w, 1, d, v, z);
    kt_free(d);
    kt_free(z);
    kt_free(v);
    return f;
}

struct reach {
    double sum, most, near; /* px over the boundary's pixels; pixels within the tolerance */
};

static struct reach reach_of(const uint8_t *m, uint32_t w, uint32_t h, const double *other, double tolerance_px)
{
    struct reach r = { 0, 0, 0 };
    for (uint32_t y = 0; y < h; y++)
        for (uint32_t x = 0; x < w; x++)
            if (on_boundary(m, w, h, x, y)) {
                double d = sqrt(other[(size_t)y * w + x]);
                r.sum += d;
                r.most = KT_MAX(r.most, d);
                r.near += d <= tolerance_px;
            }
    return r;
}

void kt_score_boundary(const uint8_t *predicted, const uint8_t *truth, uint32_t width, uint32_t height, double tolerance_px, kt_boundary_score *ret)
{
    size_t n_p, n_t;
    double *to_p = distances(predicted, width, height, &n_p), *to_t = distances(truth, width, height, &n_t);
    *ret = (kt_boundary_score){ NAN, NAN, NAN, NAN, NAN };
    if (n_p && n_t) {
        struct reach p = reach_of(predicted, width, height, to_t, tolerance_px), t = reach_of(truth, width, height, to_p, tolerance_px);
        ret->precision = p.near / (double)n_p;
        ret->recall = t.near / (double)n_t;
        ret->f1 = ret->precision + ret->recall > 0 ? 2 * ret->precision * ret->recall / (ret->precision + ret->recall) : 0;
        ret->mean_px = (p.sum + t.sum) / (double)(n_p + n_t);
        ret->max_px = KT_MAX(p.most, t.most);
    }
    kt_free(to_p);
    kt_free(to_t);
}
