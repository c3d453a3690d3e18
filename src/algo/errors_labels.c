/* Confident learning (Northcutt, Jiang, Chuang 2021). Rows of probabilities are read three times: once for the thresholds
   (and to check them), once for the counts, once for the answer; between them the cuts are found label by label with
   kt_nth_smallest. Equal margins at a cut are all suspects, equal self-confidences at a cut are none, as in cleanlab. */
#include "algo/errors.h"
#include "algo/nth.h"

#include "base/limits.h"
#include "base/mem.h"

#include <math.h>

#define EPS 1e-6
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
    const double *cut; /* prune_by_noise_rate: n_labels², least margin of a suspect; prune_by_class: n_labels, least self-confidence of others */
    const double *class_cut;
    uint8_t *issue;
    size_t *found;     /* parts */
};

static size_t cut_at(const struct pass *w, size_t part)
{
    return w->d->n / w->parts * part + KT_MIN(part, w->d->n % w->parts);
}

/* Row i as doubles; buf holds n_labels where they have to be converted. */
static inline const double *row_of(const kt_label_probs *d, size_t i, double *buf)
{
    const void *row = (const char *)d->prob + i * d->row_stride;
    if (!d->floats)
        return row;
    for (uint32_t k = 0; k < d->n_labels; k++)
        buf[k] = (double)((const float *)row)[k];
    return buf;
}

static void check_part(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_label_probs *d = w->d;
    double *buf = kt_alloc_array(d->n_labels, sizeof(*buf)), *sums = w->sum + part * w->width;
    uint64_t *count = w->count + part * w->width;
    for (size_t i = cut_at(w, part), to = cut_at(w, part + 1); i < to; i++) {
        const double *p = row_of(d, i, buf);
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
    const double *p = row_of(d, i, buf);
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
        if (p[c] >= threshold[c] - EPS && p[c] > most) {
            most = p[c];
            best = (int32_t)c;
        }
    return best;
}

/* The label is the likeliest, or short of it by no more than rounding. */
static inline bool is_likeliest(const double *p, uint32_t label, uint32_t k)
{
    double mine = p[label] + EPS;
    bool best = true;
    for (uint32_t c = 0; c < k; c++) /* a tie goes to the lower label */
        best &= c == label || (c < label ? p[c] < mine : p[c] <= mine);
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
        const double *p = row_of(d, i, buf);
        int32_t guess = confident_of(p, w->threshold, k);
        if (guess < 0)
            continue;
        count[(size_t)d->label[i] * k + (size_t)guess]++;
        w->found[part] += guess != d->label[i] && !is_likeliest(p, (uint32_t)d->label[i], k);
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

/* Rounds n numbers, stride apart, half to even, then moves as few as it takes to keep their sum: those of largest error. */
static void round_keeping_sum(const double *x, size_t n, size_t stride, int64_t *ret)
{
    struct rounding *r = kt_alloc_array(n + 1, sizeof(*r));
    double sum = 0, whole = 0;
    for (size_t i = 0; i < n; i++) {
        double near = nearbyint(x[i * stride]);
        sum += x[i * stride];
        whole += near;
        ret[i * stride] = (int64_t)near;
        r[i] = (struct rounding){ x[i * stride] - near, i };
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
        round_keeping_sum(x + (size_t)a * k, k, 1, c->joint + (size_t)a * k);
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
        c.threshold[l] = c.count[l] ? KT_MAX(first.sum[l] / (double)c.count[l], 2 * EPS) : 2;
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

/* Numbers of items to prune, by (label, true label): the joint, where every label keeps one item at the cost of the others. */
static int64_t *prune_counts(const kt_confident *c)
{
    uint32_t k = c->n_labels;
    double *x = kt_alloc_array((size_t)k * k + 1, sizeof(*x));
    int64_t *ret = kt_alloc_array((size_t)k * k + 1, sizeof(*ret));
    for (uint32_t a = 0; a < k; a++) {
        const int64_t *row = c->joint + (size_t)a * k;
        double others = -1, raise = (double)KT_MAX(row[a], 1) - (double)row[a];
        for (uint32_t b = 0; b < k; b++)
            others += row[b] != 0;
        for (uint32_t b = 0; b < k; b++)
            x[(size_t)a * k + b] = KT_MAX((double)row[b] - raise / KT_MAX(others, 1), 0);
        x[(size_t)a * k + a] = (double)row[a] + raise;
    }
    for (uint32_t b = 0; b < k; b++) /* the true labels keep their totals */
        round_keeping_sum(x + b, k, k, ret + b);
    kt_free(x);
    return ret;
}

/* One (label, true label) of by_noise, or one label of by_class. */
struct cutting {
    const kt_label_probs *d;
    const kt_confident *c;
    const int64_t *prune;
    const size_t *start; /* n_labels + 1: items of each label in order */
    const uint32_t *order;
    double *cut, *class_cut;
};

static double cut_margin(const struct cutting *w, uint32_t label, uint32_t truth, size_t prune, double *v, double *buf)
{
    size_t n = w->start[label + 1] - w->start[label];
    for (size_t q = 0; q < n; q++) {
        const double *p = row_of(w->d, w->order[w->start[label] + q], buf);
        v[q] = p[truth] - p[label];
    }
    return kt_nth_smallest(v, n, n - prune);
}

static void cut_label(void *ctx, size_t at)
{
    struct cutting *w = ctx;
    uint32_t k = w->c->n_labels, label = (uint32_t)at;
    size_t n = w->start[label + 1] - w->start[label];
    double *v = kt_alloc_array(n + 1, sizeof(*v)), *buf = kt_alloc_array(k, sizeof(*buf));
    for (uint32_t truth = 0; w->cut && truth < k; truth++) {
        int64_t prune = w->prune[(size_t)label * k + truth];
        if (truth != label && prune > 0 && n > 0 && w->c->count[truth] > 1)
            w->cut[(size_t)label * k + truth] = cut_margin(w, label, truth, KT_MIN((size_t)prune, n), v, buf);
    }
    int64_t keep = w->prune[(size_t)label * k + label];
    if (w->class_cut && n > 1 && keep > 0 && (size_t)keep <= n) {
        for (size_t q = 0; q < n; q++)
            v[q] = row_of(w->d, w->order[w->start[label] + q], buf)[label];
        w->class_cut[label] = kt_nth_smallest(v, n, n - (size_t)keep);
    }
    kt_free(v);
    kt_free(buf);
}

static void find_cuts(const kt_label_probs *d, const kt_confident *c, double *cut, double *class_cut, kt_pool *pool)
{
    uint32_t k = c->n_labels;
    size_t *start = kt_zalloc_array((size_t)k + 2, sizeof(*start));
    uint32_t *order = kt_alloc_array(d->n + 1, sizeof(*order));
    for (uint32_t l = 0; l < k; l++)
        start[l + 2] = start[l + 1] + c->count[l];
    for (size_t i = 0; i < d->n; i++)
        order[start[d->label[i] + 1]++] = (uint32_t)i;
    for (size_t i = 0; cut && i < (size_t)k * k; i++)
        cut[i] = INFINITY;
    for (uint32_t l = 0; class_cut && l < k; l++)
        class_cut[l] = -INFINITY;
    int64_t *prune = prune_counts(c);
    struct cutting w = { .d = d, .c = c, .prune = prune, .start = start, .order = order, .cut = cut, .class_cut = class_cut };
    kt_pool_run(pool, k, cut_label, &w);
    kt_free(prune);
    kt_free(start);
    kt_free(order);
}

static inline bool suspect(const struct pass *w, const double *p, uint32_t l, uint32_t k)
{
    if (w->filter == KT_FILTER_CONFIDENT_LEARNING) {
        int32_t guess = confident_of(p, w->threshold, k);
        return guess >= 0 && guess != (int32_t)l;
    }
    bool by_class = !w->class_cut || p[l] < w->class_cut[l], by_noise = !w->cut;
    const double *cut = w->cut ? w->cut + (size_t)l * k : NULL;
    for (uint32_t j = 0; cut && j < k; j++)
        by_noise |= p[j] - p[l] >= cut[j];
    return by_class && by_noise;
}

static void issue_part(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_label_probs *d = w->d;
    uint32_t k = d->n_labels;
    double *buf = kt_alloc_array(k, sizeof(*buf));
    for (size_t i = cut_at(w, part), to = cut_at(w, part + 1); i < to; i++) {
        const double *p = row_of(d, i, buf);
        uint32_t l = (uint32_t)d->label[i];
        bool bad = !is_likeliest(p, l, k) && (w->filter == KT_FILTER_PREDICTED_NEQ_GIVEN || suspect(w, p, l, k));
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
    uint32_t k = c->n_labels;
    if (f == KT_FILTER_LOW_NORMALIZED_MARGIN || f == KT_FILTER_LOW_SELF_CONFIDENCE) {
        lowest(d, f == KT_FILTER_LOW_SELF_CONFIDENCE ? KT_QUALITY_SELF_CONFIDENCE : KT_QUALITY_NORMALIZED_MARGIN, c->off_diagonal, pool, ret_issue);
        *ret_n = c->off_diagonal;
        return;
    }
    bool noise = f == KT_FILTER_PRUNE_BY_NOISE_RATE || f == KT_FILTER_BOTH, class = f == KT_FILTER_PRUNE_BY_CLASS || f == KT_FILTER_BOTH;
    double *cut = noise ? kt_alloc_array((size_t)k * k + 1, sizeof(*cut)) : NULL, *class_cut = class ? kt_alloc_array(k + 1, sizeof(*class_cut)) : NULL;
    if (noise || class)
        find_cuts(d, c, cut, class_cut, pool);
    struct pass w = pass_make(d, 0);
    w.filter = f;
    w.threshold = c->threshold;
    w.cut = cut;
    w.class_cut = class_cut;
    w.issue = ret_issue;
    kt_pool_run(pool, w.parts, issue_part, &w);
    *ret_n = 0;
    for (size_t p = 0; p < w.parts; p++)
        *ret_n += w.found[p];
    pass_done(&w);
    kt_free(cut);
    kt_free(class_cut);
}
