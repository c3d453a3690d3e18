/* Fits of one to three parameters by damped Newton steps; isotonic by pooling adjacent violators; bins of equal numbers. */
#include "algo/learn/calibrate.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>

static const char *const names[] = { "none", "temperature", "platt", "beta", "isotonic", "histogram" };
_Static_assert(KT_LEN(names) == KT_CALIBRATE__COUNT, "one name per method");

const char *kt_calibrate_name(kt_calibrate_method m)
{
    return names[m];
}

static double clip(double s)
{
    return KT_MIN(1 - 1e-9, KT_MAX(1e-9, s));
}

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

/* The inputs of the logistic methods: BETA uses two, the others one. */
static void inputs(kt_calibrate_method m, double s, double x[2])
{
    s = clip(s);
    x[0] = m == KT_CALIBRATE_BETA ? log(s) : log(s / (1 - s));
    x[1] = m == KT_CALIBRATE_BETA ? -log1p(-s) : 0;
}

/* Which of slope, second slope and offset a method fits. */
static bool fits(kt_calibrate_method m, int which)
{
    return which == 0 || m == KT_CALIBRATE_BETA || (which == 2 && m == KT_CALIBRATE_PLATT);
}

/* Logistic regression of right on up to two inputs by Newton steps of one parameter after the other; slopes are kept >= 0. */
static void fit_logistic(kt_calibrate_method m, const float *score, const uint8_t *right, size_t n, kt_calibration *ret)
{
    double pos = 0, w[3] = { 1, m == KT_CALIBRATE_BETA ? 1 : 0, 0 };
    for (size_t i = 0; i < n; i++)
        pos += right[i];
    double hi = (pos + 1) / (pos + 2), lo = 1 / ((double)n - pos + 2); /* Platt's targets */
    for (int round = 0; round < 100; round++) {
        double g[3] = { 0 }, h[3][3] = { { 1e-6, 0, 0 }, { 0, 1e-6, 0 }, { 0, 0, 1e-6 } };
        for (size_t i = 0; i < n; i++) {
            double x[3] = { 0, 0, 1 };
            inputs(m, (double)score[i], x);
            double p = sigmoid(w[0] * x[0] + w[1] * x[1] + w[2]), d = p - (right[i] ? hi : lo), v = p * (1 - p);
            for (int a = 0; a < 3; a++) {
                g[a] += d * x[a];
                for (int b = 0; b < 3; b++)
                    h[a][b] += v * x[a] * x[b];
            }
        }
        double moved = 0;
        for (int a = 0; a < 3; a++) { /* coordinate Newton steps, damped: the problem is convex */
            double step = 0.5 * g[a] / (h[a][a] + 1e-9);
            if (!fits(m, a))
                continue;
            double next = w[a] - step;
            if (a < 2 && next < 0)
                next = 0;
            moved = KT_MAX(moved, fabs(next - w[a]));
            w[a] = next;
        }
        if (moved < 1e-7)
            break;
    }
    *ret = (kt_calibration){ .method = m, .a = w[0], .b = w[1], .c = w[2] };
}

struct pair {
    float s;
    uint8_t right;
};

static int by_score(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->s != y->s ? (x->s > y->s) - (x->s < y->s) : (int)x->right - (int)y->right;
}

static void fit_isotonic(const float *score, const uint8_t *right, size_t n, kt_calibration *ret)
{
    struct pair *v = kt_alloc_array(n, sizeof(*v));
    struct block { double sum, n, s; } *b = kt_alloc_array(n, sizeof(*b));
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        v[i] = (struct pair){ score[i], right[i] };
    qsort(v, n, sizeof(*v), by_score);
    for (size_t i = 0; i < n; i++) {
        b[k++] = (struct block){ v[i].right, 1, (double)v[i].s };
        while (k > 1 && (b[k - 2].sum * b[k - 1].n >= b[k - 1].sum * b[k - 2].n || b[k - 2].s >= b[k - 1].s)) {
            b[k - 2] = (struct block){ b[k - 2].sum + b[k - 1].sum, b[k - 2].n + b[k - 1].n,
                                       (b[k - 2].s * b[k - 2].n + b[k - 1].s * b[k - 1].n) / (b[k - 2].n + b[k - 1].n) };
            k--;
        }
    }
    *ret = (kt_calibration){ .method = KT_CALIBRATE_ISOTONIC };
    size_t keep = KT_MIN(k, (size_t)KT_CALIBRATE_KNOTS);
    for (size_t i = 0; i < keep; i++) { /* evenly spaced blocks when there are more than knots */
        struct block *at = &b[keep > 1 ? i * (k - 1) / (keep - 1) : 0];
        ret->x[i] = at->s;
        ret->y[i] = (at->sum + 0.5) / (at->n + 1); /* never a certain 0 or 1 */
        if (i && ret->y[i] < ret->y[i - 1])
            ret->y[i] = ret->y[i - 1];
    }
    ret->n_knots = (uint32_t)keep;
    kt_free(v);
    kt_free(b);
}

/* As many bins as hold ten pairs each, 20 at most; equal scores are never parted. */
static void fit_histogram(const float *score, const uint8_t *right, size_t n, kt_calibration *ret)
{
    size_t bins = KT_MIN(KT_MAX(n / 10, (size_t)1), (size_t)20);
    struct pair *v = kt_alloc_array(n, sizeof(*v));
    for (size_t i = 0; i < n; i++)
        v[i] = (struct pair){ score[i], right[i] };
    qsort(v, n, sizeof(*v), by_score);
    *ret = (kt_calibration){ .method = KT_CALIBRATE_HISTOGRAM };
    size_t in = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        in++;
        sum += v[i].right;
        bool last = i + 1 == n;
        if (!last && (v[i + 1].s <= v[i].s || i + 1 < n * (ret->n_knots + 1) / bins))
            continue;
        ret->x[ret->n_knots] = last ? 1 : ((double)v[i].s + (double)v[i + 1].s) / 2;
        ret->y[ret->n_knots++] = ((double)sum + 0.5) / ((double)in + 1);
        in = sum = 0;
    }
    kt_free(v);
}

kt_rc kt_calibrate_fit(kt_calibrate_method m, const float *score, const uint8_t *correct, size_t n, kt_calibration *ret, kt_err *err)
{
    if (n == 0)
        return kt_fail(err, KT_RANGE, "nothing to calibrate on");
    for (size_t i = 0; i < n; i++)
        if (!(score[i] >= 0 && score[i] <= 1))
            return kt_fail(err, KT_RANGE, "score %zu is %g, not within 0 and 1", i, (double)score[i]);
    if (m == KT_CALIBRATE_ISOTONIC)
        fit_isotonic(score, correct, n, ret);
    else if (m == KT_CALIBRATE_HISTOGRAM)
        fit_histogram(score, correct, n, ret);
    else if (m == KT_CALIBRATE_NONE)
        *ret = (kt_calibration){ .method = m };
    else
        fit_logistic(m, score, correct, n, ret);
    return 0;
}

/* The first knot at or above score; n_knots: none. */
static uint32_t knot_at(const kt_calibration *c, double score)
{
    uint32_t low = 0;
    for (uint32_t high = c->n_knots; low < high;) {
        uint32_t mid = (low + high) / 2;
        if (c->x[mid] < score)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

double kt_calibrate_apply(const kt_calibration *c, double score)
{
    double x[2];
    uint32_t i;
    switch (c->method) {
    case KT_CALIBRATE_TEMPERATURE:
    case KT_CALIBRATE_PLATT:
    case KT_CALIBRATE_BETA: inputs(c->method, score, x); return sigmoid(c->a * x[0] + c->b * x[1] + c->c);
    case KT_CALIBRATE_ISOTONIC:
        i = knot_at(c, score);
        if (i == 0 || i == c->n_knots)
            return c->y[i ? i - 1 : 0];
        return c->y[i - 1] + (c->y[i] - c->y[i - 1]) * (score - c->x[i - 1]) / (c->x[i] - c->x[i - 1]);
    case KT_CALIBRATE_HISTOGRAM: return c->y[KT_MIN(knot_at(c, score), c->n_knots - 1)];
    default: return score;
    }
}

struct apply {
    const kt_calibration *c;
    const float *score;
    size_t n;
    float *ret;
};

enum { APPLY_PART = 65536 };

static void apply_part(void *ctx, size_t part)
{
    struct apply *x = ctx;
    size_t end = KT_MIN(x->n, (part + 1) * APPLY_PART);
    for (size_t i = part * APPLY_PART; i < end; i++)
        x->ret[i] = (float)kt_calibrate_apply(x->c, (double)x->score[i]);
}

void kt_calibrate_apply_all(const kt_calibration *c, const float *score, size_t n, kt_pool *pool, float *ret)
{
    struct apply x = { c, score, n, ret };
    kt_pool_run(pool, (n + APPLY_PART - 1) / APPLY_PART, apply_part, &x);
}

kt_rc kt_calibrate_choose(const float *score, const uint8_t *correct, size_t n, uint64_t seed, kt_calibration *ret, double *ret_loss,
                          kt_err *err)
{
    enum { FOLDS = 5 };
    kt_calibrate_method best = KT_CALIBRATE_NONE;
    double loss[KT_CALIBRATE__COUNT] = { 0 };
    uint64_t *order = kt_alloc_array(n + 1, 8);
    float *s = kt_alloc_array(n + 1, sizeof(float));
    uint8_t *y = kt_alloc(n + 1);
    kt_rng g = kt_rng_keyed(seed, 0x63616c, 0);
    kt_rng_sample(&g, n, n, order);
    kt_rc rc = 0;
    for (int m = 0; m < KT_CALIBRATE__COUNT && n >= 10 && rc == 0; m++) {
        for (size_t f = 0; f < FOLDS && rc == 0; f++) {
            size_t k = 0;
            kt_calibration c;
            for (size_t i = 0; i < n; i++)
                if (i % FOLDS != f) {
                    s[k] = score[order[i]];
                    y[k++] = correct[order[i]];
                }
            rc = kt_calibrate_fit((kt_calibrate_method)m, s, y, k, &c, err);
            for (size_t i = f; i < n && rc == 0; i += FOLDS) {
                double p = clip(kt_calibrate_apply(&c, (double)score[order[i]]));
                loss[m] -= (correct[order[i]] ? log(p) : log1p(-p)) / (double)n;
            }
        }
        if (loss[m] < loss[best])
            best = (kt_calibrate_method)m;
    }
    kt_free(order);
    kt_free(s);
    kt_free(y);
    if (ret_loss)
        memcpy(ret_loss, loss, sizeof(loss));
    return rc < 0 ? rc : kt_calibrate_fit(best, score, correct, n, ret, err);
}

void kt_reliability_of(const float *score, const uint8_t *correct, size_t n, uint32_t n_bins, kt_reliability_bin *ret_bin, kt_reliability *ret)
{
    kt_reliability_bin *b = kt_zalloc_array(n_bins, sizeof(*b));
    *ret = (kt_reliability){ 0 };
    for (uint32_t k = 0; k < n_bins; k++) {
        b[k].low = (double)k / n_bins;
        b[k].high = (double)(k + 1) / n_bins;
    }
    for (size_t i = 0; i < n; i++) {
        double s = (double)score[i], d = s - correct[i], p = KT_MIN(1 - 1e-15, KT_MAX(1e-15, s));
        uint32_t k = s <= 0 ? 0 : KT_MIN(n_bins - 1, (uint32_t)(ceil(s * n_bins) - 1));
        b[k].n++;
        b[k].mean_score += s;
        b[k].accuracy += correct[i];
        ret->brier += d * d / (double)n;
        ret->log_loss -= (correct[i] ? log(p) : log1p(-p)) / (double)n;
    }
    for (uint32_t k = 0; k < n_bins; k++) {
        if (!b[k].n)
            continue;
        b[k].mean_score /= (double)b[k].n;
        b[k].accuracy /= (double)b[k].n;
        double gap = fabs(b[k].accuracy - b[k].mean_score);
        ret->ece += gap * (double)b[k].n / (double)n;
        ret->mce = KT_MAX(ret->mce, gap);
    }
    if (ret_bin)
        memcpy(ret_bin, b, n_bins * sizeof(*b));
    kt_free(b);
}
