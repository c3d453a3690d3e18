/* Confident learning (Northcutt, Jiang, Chuang 2021): rows of probabilities are read once for the thresholds (and to check
   them), once for the counts, and once for the answer; errors_prune.c has the filters that prune. */
#include "algo/errors/errors_int.h"
#include "algo/nth.h"

#include "base/limits.h"
#include "base/mem.h"

#include <math.h>

#define ROW_SUM_TOLERANCE 0.01
#define MOST_PARTS 64
#define PART_ROWS 4096

const char *const kt_error_filter_names[] = { "prune_by_noise_rate", "prune_by_class", "both", "confident_learning",
                                              "predicted_neq_given", "low_normalized_margin", "low_self_confidence", NULL };
_Static_assert(KT_LEN(kt_error_filter_names) == KT_FILTER__COUNT + 1, "a name for every filter");

struct pass {
    const kt_label_probs *d;
    size_t parts, width;
    double *sum;       /* parts × width */
    uint64_t *count;   /* parts × width, or parts × width² */
    size_t *bad;       /* parts: first wrong row + 1 */
    const double *threshold;
    kt_error_filter filter;
    uint8_t *issue;
    size_t *found;     /* parts */
};

static size_t cut_at(const struct pass *w, size_t part)
{
    return w->d->n / w->parts * part + KT_MIN(part, w->d->n % w->parts);
}

static void check_part(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_label_probs *d = w->d;
    double *buf = kt_alloc_array(d->n_labels, sizeof(*buf)), *sums = w->sum + part * w->width;
    uint64_t *count = w->count + part * w->width;
    for (size_t i = cut_at(w, part), to = cut_at(w, part + 1); i < to; i++) {
        const double *p = kt_probs_row(d, i, buf);
        uint32_t l = (uint32_t)d->label[i];
        double sum = 0;
        bool inside = l < d->n_labels;
        for (uint32_t k = 0; k < d->n_labels; k++) {
            sum += p[k];
            inside &= (p[k] >= 0) & (p[k] <= 1); /* false for NaN */
        }
        if (!inside || !(fabs(sum - 1) <= ROW_SUM_TOLERANCE)) {
            w->bad[part] = i + 1;
            break;
        }
        count[l]++;
        sums[l] += p[l];
    }
    kt_free(buf);
}

static kt_rc bad_row(const kt_label_probs *d, size_t i, kt_err *err)
{
    double sum = 0, *buf = kt_alloc_array(d->n_labels, sizeof(*buf));
    const double *p = kt_probs_row(d, i, buf);
    uint32_t k = 0;
    for (; k < d->n_labels && p[k] >= 0 && p[k] <= 1; k++)
        sum += p[k];
    if (d->label[i] < 0 || (uint32_t)d->label[i] >= d->n_labels) {
        kt_fail(err, KT_RANGE, "item %zu: label %d of %u labels", i, d->label[i], d->n_labels);
    } else if (k < d->n_labels) {
        kt_fail(err, KT_RANGE, "item %zu: probability of label %u is %g; expected a number from 0 to 1", i, k, p[k]);
    } else {
        kt_fail(err, KT_RANGE, "item %zu: its probabilities sum to %g, not to 1", i, sum);
        kt_hint(err, "divide each row by its sum; scores before a softmax are no probabilities");
    }
    kt_free(buf);
    return KT_RANGE;
}

static size_t parts_of(const kt_label_probs *d, size_t table)
{
    size_t n = KT_MIN(d->n / PART_ROWS + 1, MOST_PARTS);
    return KT_MAX(KT_MIN(n, ((size_t)1 << 23) / (table + 1)), 1);
}

/* Checks everything; sum and count by label in the first part's place. */
static kt_rc look(struct pass *w, kt_pool *pool, kt_err *err)
{
    const kt_label_probs *d = w->d;
    if (d->n_labels > KT_MAX_LABELS || d->n >= UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu items with %u labels; up to %u items with %d labels", d->n, d->n_labels, UINT32_MAX - 1, KT_MAX_LABELS);
    if (d->n_labels == 0 && d->n > 0)
        return kt_fail(err, KT_RANGE, "there are no labels");
    kt_pool_run(pool, w->parts, check_part, w);
    for (size_t p = 0; p < w->parts; p++) {
        if (w->bad[p])
            return bad_row(d, w->bad[p] - 1, err);
        for (uint32_t k = 0; p > 0 && k < d->n_labels; k++) {
            w->sum[k] += w->sum[p * w->width + k];
            w->count[k] += w->count[p * w->width + k];
        }
    }
    return 0;
}

static struct pass pass_make(const kt_label_probs *d, size_t width)
{
    struct pass w = { .d = d, .parts = parts_of(d, width), .width = width };
    w.sum = kt_zalloc_array(w.parts, width * sizeof(double) + 1);
    w.count = kt_zalloc_array(w.parts, width * sizeof(uint64_t) + 1);
    w.bad = kt_zalloc_array(w.parts, sizeof(size_t));
    w.found = kt_zalloc_array(w.parts, sizeof(size_t));
    return w;
}

static void pass_done(struct pass *w)
{
    kt_free(w->sum);
    kt_free(w->count);
    kt_free(w->bad);
    kt_free(w->found);
}

kt_rc kt_label_probs_check(const kt_label_probs *d, kt_pool *pool, kt_err *err)
{
    struct pass w = pass_make(d, KT_MIN(d->n_labels, KT_MAX_LABELS));
    kt_rc rc = look(&w, pool, err);
    pass_done(&w);
    return rc;
}

/* The label an item is confident of: the likeliest of those at or above their thresholds; -1: none. */
static inline int32_t confident_of(const double *p, const double *threshold, uint32_t k)
{
    int32_t best = -1;
    double most = -1;
    for (uint32_t c = 0; c < k; c++)
        if (p[c] >= threshold[c] - KT_PROB_EPS && p[c] > most) {
            most = p[c];
            best = (int32_t)c;
        }
    return best;
}

static void count_part(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_label_probs *d = w->d;
    uint32_t k = d->n_labels;
    double *buf = kt_alloc_array(k, sizeof(*buf));
    uint64_t *count = w->count + part * w->width;
    for (size_t i = cut_at(w, part), to = cut_at(w, part + 1); i < to; i++) {
        const double *p = kt_probs_row(d, i, buf);
        uint32_t l = (uint32_t)d->label[i];
        if (p[l] > KT_CLEARLY_LIKELIEST && p[l] >= w->threshold[l] - KT_PROB_EPS) {
            count[(size_t)l * k + l]++;
            continue;
        }
        int32_t guess = confident_of(p, w->threshold, k);
        if (guess < 0)
            continue;
        count[(size_t)d->label[i] * k + (size_t)guess]++;
        w->found[part] += guess != d->label[i] && !kt_probs_likeliest(p, (uint32_t)d->label[i], k);
    }
    kt_free(buf);
}

struct rounding {
    double error;
    size_t at;
};

static int by_error(const void *a, const void *b)
{
    const struct rounding *x = a, *y = b;
    return x->error != y->error ? (x->error > y->error) - (x->error < y->error) : (x->at > y->at) - (x->at < y->at);
}

/* A half that rounding moved off its place is a half. */
static double whole_or_half(double x)
{
    double near = nearbyint(2 * x) / 2;
    return fabs(x - near) < 1e-9 ? near : x;
}

void kt_round_keeping_sum(const double *x, size_t n, size_t stride, int64_t *ret)
{
    struct rounding *r = kt_alloc_array(n + 1, sizeof(*r));
    double sum = 0, whole = 0;
    for (size_t i = 0; i < n; i++) {
        double v = whole_or_half(x[i * stride]), near = nearbyint(v);
        sum += v;
        whole += near;
        ret[i * stride] = (int64_t)near;
        r[i] = (struct rounding){ v - near, i };
    }
    int64_t off = (int64_t)(nearbyint(sum) - whole);
    if (off && n)
        qsort(r, n, sizeof(*r), by_error);
    for (size_t i = 0; off > 0; i = (i + 1) % n, off--)
        ret[r[n - 1 - i].at * stride]++;
    for (size_t i = 0; off < 0; i = (i + 1) % n, off++)
        ret[r[i].at * stride]--;
    kt_free(r);
}

static void calibrate(const kt_confident *c, double n)
{
    uint32_t k = c->n_labels;
    double *x = kt_alloc_array((size_t)k * k + 1, sizeof(*x)), total = 0;
    for (uint32_t a = 0; a < k; a++) {
        double row = 0;
        for (uint32_t b = 0; b < k; b++)
            row += (double)c->raw[(size_t)a * k + b];
        for (uint32_t b = 0; b < k; b++) {
            x[(size_t)a * k + b] = (double)c->raw[(size_t)a * k + b] / row * (double)c->count[a];
            total += x[(size_t)a * k + b];
        }
    }
    for (size_t i = 0; i < (size_t)k * k && total > 0; i++)
        x[i] = x[i] / total * n;
    for (uint32_t a = 0; a < k; a++)
        kt_round_keeping_sum(x + (size_t)a * k, k, 1, c->joint + (size_t)a * k);
    kt_free(x);
}

kt_rc kt_confident_fit(const kt_label_probs *d, kt_pool *pool, kt_arena *a, kt_confident *ret, kt_err *err)
{
    uint32_t k = d->n_labels;
    struct pass first = pass_make(d, KT_MIN(k, KT_MAX_LABELS));
    kt_rc rc = look(&first, pool, err);
    if (rc < 0) {
        pass_done(&first);
        return rc;
    }
    size_t kk = (size_t)k * k;
    kt_confident c = { .n_labels = k, .count = kt_arena_array(a, k + 1, sizeof(uint64_t)), .threshold = kt_arena_array(a, k + 1, sizeof(double)),
                       .raw = kt_arena_array(a, kk + 1, sizeof(uint64_t)), .joint = kt_arena_array(a, kk + 1, sizeof(int64_t)) };
    for (uint32_t l = 0; l < k; l++) {
        c.count[l] = first.count[l];
        c.threshold[l] = c.count[l] ? KT_MAX(first.sum[l] / (double)c.count[l], 2 * KT_PROB_EPS) : 2;
    }
    pass_done(&first);
    struct pass second = pass_make(d, kk);
    second.threshold = c.threshold;
    kt_pool_run(pool, second.parts, count_part, &second);
    for (size_t p = 0; p < second.parts; p++) {
        c.off_diagonal += second.found[p];
        for (size_t i = 0; i < kk; i++)
            c.raw[i] += second.count[p * kk + i];
    }
    for (uint32_t l = 0; l < k; l++)
        c.raw[(size_t)l * k + l] = KT_MAX(c.raw[(size_t)l * k + l], 1);
    pass_done(&second);
    calibrate(&c, (double)d->n);
    *ret = c;
    return 0;
}

static void issue_part(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_label_probs *d = w->d;
    uint32_t k = d->n_labels;
    double *buf = kt_alloc_array(k, sizeof(*buf));
    for (size_t i = cut_at(w, part), to = cut_at(w, part + 1); i < to; i++) {
        const double *p = kt_probs_row(d, i, buf);
        uint32_t l = (uint32_t)d->label[i];
        bool bad = !kt_probs_likeliest(p, l, k);
        if (bad && w->filter == KT_FILTER_CONFIDENT_LEARNING) {
            int32_t guess = confident_of(p, w->threshold, k);
            bad = guess >= 0 && guess != (int32_t)l;
        }
        w->issue[i] = bad;
        w->found[part] += bad;
    }
    kt_free(buf);
}

/* The want items of lowest score, ties to the smaller index. */
static void lowest(const kt_label_probs *d, kt_label_quality q, size_t want, kt_pool *pool, uint8_t *ret_issue)
{
    double *score = kt_alloc_array(d->n + 1, sizeof(*score)), *v = kt_alloc_array(d->n + 1, sizeof(*v));
    kt_label_quality_of(d, q, pool, score);
    if (d->n)
        memset(ret_issue, 0, d->n);
    if (want > 0) {
        memcpy(v, score, d->n * sizeof(*v));
        double cut = kt_nth_smallest(v, d->n, want - 1);
        size_t left = want;
        for (size_t i = 0; i < d->n; i++)
            left -= ret_issue[i] = score[i] < cut;
        for (size_t i = 0; i < d->n && left; i++)
            if (score[i] == cut) {
                ret_issue[i] = 1;
                left--;
            }
    }
    kt_free(score);
    kt_free(v);
}

void kt_confident_issues(const kt_label_probs *d, const kt_confident *c, kt_error_filter f, kt_pool *pool, uint8_t *ret_issue, size_t *ret_n)
{
    if (f == KT_FILTER_LOW_NORMALIZED_MARGIN || f == KT_FILTER_LOW_SELF_CONFIDENCE) {
        lowest(d, f == KT_FILTER_LOW_SELF_CONFIDENCE ? KT_QUALITY_SELF_CONFIDENCE : KT_QUALITY_NORMALIZED_MARGIN, c->off_diagonal, pool, ret_issue);
        *ret_n = c->off_diagonal;
        return;
    }
    if (f == KT_FILTER_PRUNE_BY_NOISE_RATE || f == KT_FILTER_PRUNE_BY_CLASS || f == KT_FILTER_BOTH) {
        *ret_n = kt_confident_prune(d, c, f, pool, ret_issue);
        return;
    }
    struct pass w = pass_make(d, 0);
    w.filter = f;
    w.threshold = c->threshold;
    w.issue = ret_issue;
    kt_pool_run(pool, w.parts, issue_part, &w);
    *ret_n = 0;
    for (size_t p = 0; p < w.parts; p++)
        *ret_n += w.found[p];
    pass_done(&w);
}
