/* Scores of single labels, low where a label is likely wrong: Kuan and Mueller (2022), "Model-agnostic label quality
   scoring to detect real-world label errors". */
#include "algo/errors/errors.h"
#include "algo/nth.h"

#include "base/mem.h"

#include <math.h>

#define EPS 1e-6
#define PART_ROWS 4096

const char *const kt_label_quality_names[] = { "self_confidence", "normalized_margin", "confidence_weighted_entropy", NULL };
_Static_assert(KT_LEN(kt_label_quality_names) == KT_QUALITY__COUNT + 1, "a name for every score");

struct scoring {
    const kt_label_probs *d;
    kt_label_quality q;
    double *ret;
};

static inline double at(const kt_label_probs *d, const char *row, uint32_t k)
{
    return d->floats ? (double)((const float *)(const void *)row)[k] : ((const double *)(const void *)row)[k];
}

static double margin(const kt_label_probs *d, const char *row, uint32_t label)
{
    double other = -INFINITY;
    for (uint32_t k = 0; k < d->n_labels; k++)
        if (k != label)
            other = KT_MAX(other, at(d, row, k));
    return isinf(other) ? 1 : (at(d, row, label) - other + 1) / 2;
}

static double weighted_entropy(const kt_label_probs *d, const char *row, uint32_t label)
{
    double h = 0;
    for (uint32_t k = 0; k < d->n_labels; k++) {
        double p = at(d, row, k);
        h -= p > 0 ? p * log(p) : 0;
    }
    if (d->n_labels < 2)
        return 1;
    double r = h / log(d->n_labels) / KT_MAX(at(d, row, label), EPS);
    return log1p(r) / KT_MAX(r, EPS); /* a row without any doubt scores 0, as in cleanlab */
}

static void score_part(void *ctx, size_t part)
{
    const struct scoring *w = ctx;
    for (size_t i = part * PART_ROWS; i < KT_MIN(w->d->n, (part + 1) * PART_ROWS); i++) {
        const char *row = (const char *)w->d->prob + i * w->d->row_stride;
        uint32_t l = (uint32_t)w->d->label[i];
        w->ret[i] = w->q == KT_QUALITY_SELF_CONFIDENCE     ? at(w->d, row, l)
                    : w->q == KT_QUALITY_NORMALIZED_MARGIN ? margin(w->d, row, l)
                                                           : weighted_entropy(w->d, row, l);
    }
}

void kt_label_quality_of(const kt_label_probs *d, kt_label_quality q, kt_pool *pool, double *ret)
{
    struct scoring w = { d, q, ret };
    kt_pool_run(pool, (d->n + PART_ROWS - 1) / PART_ROWS, score_part, &w);
}

void kt_group_quality(const double *score, const size_t *start, size_t n_groups, double temperature, double *ret)
{
    for (size_t g = 0; g < n_groups; g++) {
        double least = INFINITY, sum = 0, weight = 0;
        for (size_t i = start[g]; i < start[g + 1]; i++)
            least = KT_MIN(least, score[i]);
        for (size_t i = start[g]; temperature > 0 && i < start[g + 1]; i++) {
            double w = exp((least - score[i]) / temperature);
            sum += w * score[i];
            weight += w;
        }
        ret[g] = isinf(least) ? 1 : temperature > 0 ? sum / weight : least;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

kt_rc kt_multilabel_quality(const uint8_t *given, const double *p, size_t n, uint32_t n_labels, double *ret, kt_err *err)
{
    static const double alpha = 0.8;
    double *score = kt_alloc_array((size_t)n_labels + 1, sizeof(*score));
    kt_rc rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        for (uint32_t k = 0; k < n_labels && rc == 0; k++) {
            double x = p[i * n_labels + k];
            if (!(x >= 0 && x <= 1))
                rc = kt_fail(err, KT_RANGE, "item %zu: probability of label %u is %g; expected a number from 0 to 1", i, k, x);
            score[k] = given[i * n_labels + k] ? x : 1 - x;
        }
        qsort(score, n_labels, sizeof(*score), ascending);
        double mean = n_labels ? score[n_labels - 1] : 1; /* from the largest down, so the smallest counts most */
        for (uint32_t k = n_labels; k-- > 1;)
            mean = alpha * score[k - 1] + (1 - alpha) * mean;
        if (rc == 0)
            ret[i] = mean;
    }
    kt_free(score);
    return rc;
}

kt_rc kt_value_errors(const double *given, const double *predicted, size_t n, double *ret_z, kt_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(given[i]) || !isfinite(predicted[i]))
            return kt_fail(err, KT_RANGE, "item %zu: %s is no number", i, isfinite(given[i]) ? "the prediction" : "the label");
    if (n == 0)
        return 0;
    double *v = kt_alloc_array(n, sizeof(*v));
    for (size_t i = 0; i < n; i++)
        v[i] = given[i] - predicted[i];
    double middle = kt_nth_smallest(v, n, (n - 1) / 2);
    for (size_t i = 0; i < n; i++)
        v[i] = fabs(given[i] - predicted[i] - middle);
    double scale = 1.4826 * kt_nth_smallest(v, n, (n - 1) / 2); /* of a normal distribution: its standard deviation */
    for (size_t i = 0; i < n; i++) {
        double r = given[i] - predicted[i] - middle;
        ret_z[i] = scale > 0 ? r / scale : r == 0 ? 0 : copysign(INFINITY, r);
    }
    kt_free(v);
    return 0;
}

struct member {
    int64_t cluster;
    int32_t label;
    size_t item;
};

static int by_cluster(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->cluster != y->cluster)
        return x->cluster < y->cluster ? -1 : 1;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* Members from..to are one cluster, sorted by label: marks those whose label is not alone in having the most items. */
static size_t judge(const struct member *m, size_t from, size_t to, uint8_t *issue)
{
    size_t most = 0, winners = 0, found = 0;
    for (size_t i = from, next; i < to; i = next) {
        for (next = i + 1; next < to && m[next].label == m[i].label; next++)
            ;
        winners = next - i > most ? 1 : winners + (next - i == most);
        most = KT_MAX(most, next - i);
    }
    for (size_t i = from, next; i < to; i = next) {
        for (next = i + 1; next < to && m[next].label == m[i].label; next++)
            ;
        bool clear = next - i == most && winners == 1;
        for (size_t q = i; q < next && !clear; q++) {
            issue[m[q].item] = 1;
            found++;
        }
    }
    return found;
}

kt_rc kt_duplicate_errors(const int32_t *label, const int64_t *cluster, size_t n, uint8_t *ret_issue, size_t *ret_n, kt_err *err)
{
    struct member *m = kt_try_alloc((n + 1) * sizeof(*m), SIZE_MAX);
    if (!m)
        return kt_fail(err, KT_NOMEM, "%zu items do not fit in memory", n);
    size_t count = 0, found = 0;
    if (n)
        memset(ret_issue, 0, n);
    for (size_t i = 0; i < n; i++)
        if (label[i] >= 0 && cluster[i] >= 0)
            m[count++] = (struct member){ cluster[i], label[i], i };
    qsort(m, count, sizeof(*m), by_cluster);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && m[to].cluster == m[from].cluster; to++)
            ;
        found += judge(m, from, to, ret_issue);
    }
    *ret_n = found;
    kt_free(m);
    return 0;
}
