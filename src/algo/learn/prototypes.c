/* Class means. Leaving a group out is taking its sums off, so out-of-fold scores cost no more than ordinary ones. */
#include "algo/learn/prototypes.h"

#include "base/map.h"
#include "base/mem.h"

#include <math.h>

enum { CHUNK_ROWS = 64, STEPS = 60 };

const kt_setting kt_prototypes_settings[] = {
    { .name = "metric", .help = "what near means", .kind = KT_SET_CHOICE, .offset = offsetof(kt_prototypes_options, metric), .choice = kt_metric_names },
    { .name = NULL },
};

/* A row as it enters the sums. */
static kt_rc prepare(const kt_prototypes *m, const float *x, size_t i, double *ret, kt_err *err)
{
    double sum = 0;
    for (uint32_t c = 0; c < m->d; c++)
        sum += (double)x[c] * (double)x[c];
    if (isnan(sum) || isinf(sum))
        return kt_fail(err, KT_RANGE, "row %zu has a number that is not finite", i);
    if (m->metric == KT_METRIC_COSINE && sum == 0)
        return kt_fail(err, KT_RANGE, "row %zu is zeros alone and points nowhere; the cosine needs a direction", i);
    for (uint32_t c = 0; c < m->d; c++)
        ret[c] = (double)x[c] / (m->metric == KT_METRIC_COSINE ? sqrt(sum) : 1);
    return KT_OK;
}

/* Score of a row (prepared) for the mean sum / count: the cosine, or minus half the squared distance. */
static double score(const kt_prototypes *m, const double *x, const double *sum, double count)
{
    double product = 0, norm2 = 0, distance = 0;
    if (m->metric == KT_METRIC_COSINE) {
        for (uint32_t c = 0; c < m->d; c++) {
            product += x[c] * sum[c];
            norm2 += sum[c] * sum[c];
        }
        return product / sqrt(KT_MAX(norm2, 1e-30));
    }
    for (uint32_t c = 0; c < m->d; c++) {
        double off = x[c] - sum[c] / count;
        distance += off * off;
    }
    return -distance / 2;
}

static void softmax(const double *score, uint32_t k, double temperature, double *p)
{
    double top = -INFINITY, sum = 0;
    for (uint32_t c = 0; c < k; c++)
        top = KT_MAX(top, score[c]);
    for (uint32_t c = 0; c < k; c++)
        sum += p[c] = isinf(score[c]) ? 0 : exp((score[c] - top) / temperature);
    for (uint32_t c = 0; c < k; c++)
        p[c] /= sum;
}

/* Sums of every (group, label) that occurs, for groups of more than one row. */
typedef struct outs {
    kt_map place;
    KT_VEC(double) sum;   /* d each */
    KT_VEC(double) count;
} outs;

static uint64_t key_of(uint64_t group, uint32_t label)
{
    return (group * 0x9e3779b97f4a7c15u) ^ ((uint64_t)label * 0xc2b2ae3d27d4eb4fu) ^ (uint64_t)label << 1;
}

static void add_out(outs *o, uint64_t group, uint32_t label, const double *x, uint32_t d)
{
    uint32_t at = kt_map_put(&o->place, key_of(group, label), (uint32_t)o->count.n);
    if (at == o->count.n) {
        KT_PUSH(&o->count, 0);
        KT_RESERVE(&o->sum, o->sum.n + d);
        memset(o->sum.v + o->sum.n, 0, d * sizeof(double));
        o->sum.n += d;
    }
    o->count.v[at]++;
    for (uint32_t c = 0; c < d; c++)
        o->sum.v[(size_t)at * d + c] += x[c];
}

/* Scores of a row for every label's mean without its own group (or itself, where it has none). */
static void scores_without(const kt_prototypes *m, const outs *o, const double *x, int32_t own, uint64_t group, double *scratch, double *ret)
{
    for (uint32_t c = 0; c < m->n_labels; c++) {
        const double *sum = m->sum + (size_t)c * m->d, *less = NULL;
        double count = m->count[c], n_less = 0;
        if (!group && own == (int32_t)c) {
            less = x;
            n_less = 1;
        } else if (group) {
            int64_t at = kt_map_get(&o->place, key_of(group, c));
            less = at >= 0 ? o->sum.v + (size_t)at * m->d : NULL;
            n_less = at >= 0 ? o->count.v[at] : 0;
        }
        for (uint32_t q = 0; less && q < m->d; q++)
            scratch[q] = sum[q] - less[q];
        ret[c] = count - n_less < 0.5 ? -INFINITY : score(m, x, less ? scratch : sum, count - n_less);
    }
}

/* Scores out of group of all labelled rows: n × n_labels. The label of a row that is alone of it has no score (-inf everywhere is a row of
   zeros at the end). */
static void cross_scores(const kt_prototypes *m, const float *x, size_t n, const int32_t *label, const uint64_t *group, double *ret)
{
    outs o = { 0 };
    double *row = kt_alloc_array(m->d, 2 * sizeof(*row));
    for (size_t i = 0; group && i < n; i++)
        if (group[i] && label[i] >= 0) {
            kt_ignore(prepare(m, x + i * m->d, i, row, NULL), "checked before");
            add_out(&o, group[i], (uint32_t)label[i], row, m->d);
        }
    for (size_t i = 0; i < n; i++) {
        if (label[i] < 0)
            continue;
        kt_ignore(prepare(m, x + i * m->d, i, row, NULL), "checked before");
        scores_without(m, &o, row, label[i], group ? group[i] : 0, row + m->d, ret + i * m->n_labels);
    }
    kt_map_done(&o.place);
    KT_VEC_DONE(&o.sum);
    KT_VEC_DONE(&o.count);
    kt_free(row);
}

static double loss_at(const kt_prototypes *m, const double *s, const int32_t *label, size_t n, double temperature, double *p)
{
    double loss = 0;
    for (size_t i = 0; i < n; i++)
        if (label[i] >= 0 && isfinite(s[i * m->n_labels + (size_t)label[i]])) {
            softmax(s + i * m->n_labels, m->n_labels, temperature, p);
            loss -= log(KT_MAX(p[label[i]], 1e-12));
        }
    return loss;
}

/* Golden section over the logarithm of the temperature, around the scores' spread; the loss is convex in its inverse. */
static void choose_temperature(kt_prototypes *m, const double *s, const int32_t *label, size_t n)
{
    double *p = kt_alloc_array(m->n_labels, sizeof(*p)), lo = log(1e-4), hi = log(1e4), unit = 0, used = 0;
    const double golden = 0.6180339887498949;
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = 0; label[i] >= 0 && c < m->n_labels; c++)
            if (isfinite(s[i * m->n_labels + c]) && isfinite(s[i * m->n_labels + (size_t)label[i]])) {
                unit += fabs(s[i * m->n_labels + c] - s[i * m->n_labels + (size_t)label[i]]);
                used++;
            }
    unit = used > 0 && unit > 0 ? unit / used : 1;
    double a = hi - golden * (hi - lo), b = lo + golden * (hi - lo);
    double fa = loss_at(m, s, label, n, unit * exp(a), p), fb = loss_at(m, s, label, n, unit * exp(b), p);
    for (int i = 0; i < STEPS && hi - lo > 1e-3; i++)
        if (fa < fb) {
            hi = b;
            b = a;
            fb = fa;
            a = hi - golden * (hi - lo);
            fa = loss_at(m, s, label, n, unit * exp(a), p);
        } else {
            lo = a;
            a = b;
            fa = fb;
            b = lo + golden * (hi - lo);
            fb = loss_at(m, s, label, n, unit * exp(b), p);
        }
    m->temperature = unit * exp((lo + hi) / 2);
    kt_free(p);
}

kt_rc kt_prototypes_fit(const float *x, size_t n, uint32_t d, const int32_t *label, uint32_t n_labels, const uint64_t *group, const kt_prototypes_options *o,
                        kt_prototypes *ret, kt_err *err)
{
    if (!d || !n_labels)
        return kt_fail(err, KT_RANGE, "%u columns and %u labels; both are needed", d, n_labels);
    kt_prototypes m = { n_labels, d, o->metric, 1, kt_zalloc_array((size_t)n_labels * d, sizeof(*m.sum)), kt_zalloc_array(n_labels, sizeof(*m.count)) };
    double *row = kt_alloc_array(d, sizeof(*row)), *s = NULL, total = 0;
    kt_rc rc = KT_OK;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (label[i] < 0)
            continue;
        rc = label[i] < (int32_t)n_labels ? prepare(&m, x + i * d, i, row, err)
                                           : kt_fail(err, KT_RANGE, "row %zu: label %d of %u labels", i, (int)label[i], n_labels);
        for (uint32_t c = 0; c < d && rc == 0; c++)
            m.sum[(size_t)label[i] * d + c] += row[c];
        if (rc == 0)
            m.count[label[i]]++;
        total++;
    }
    if (rc == 0 && total == 0)
        rc = kt_fail(err, KT_RANGE, "no row has a label to learn from");
    if (rc == 0) {
        s = kt_alloc_array(n + 1, n_labels * sizeof(*s));
        cross_scores(&m, x, n, label, group, s);
        choose_temperature(&m, s, label, n);
        *ret = m;
    } else {
        kt_prototypes_done(&m);
    }
    kt_free(row);
    kt_free(s);
    return rc;
}

void kt_prototypes_done(kt_prototypes *m)
{
    m->sum = kt_free(m->sum);
    m->count = kt_free(m->count);
}

typedef struct predict_job {
    const kt_prototypes *m;
    const float *x;
    size_t n;
    float *ret;
    kt_rc *rc;
} predict_job;

static void predict_part(void *ctx, size_t part)
{
    const predict_job *j = ctx;
    const kt_prototypes *m = j->m;
    double *row = kt_alloc_array((size_t)m->d + 2 * m->n_labels, sizeof(*row)), *s = row + m->d, *p = s + m->n_labels;
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(j->n, (part + 1) * CHUNK_ROWS); i++) {
        if ((j->rc[part] = prepare(m, j->x + i * m->d, i, row, NULL)) < 0)
            break;
        for (uint32_t c = 0; c < m->n_labels; c++)
            s[c] = m->count[c] > 0 ? score(m, row, m->sum + (size_t)c * m->d, m->count[c]) : -INFINITY;
        softmax(s, m->n_labels, m->temperature, p);
        for (uint32_t c = 0; c < m->n_labels; c++)
            j->ret[i * m->n_labels + c] = (float)p[c];
    }
    kt_free(row);
}

kt_rc kt_prototypes_predict(const kt_prototypes *m, const float *x, size_t n, kt_pool *pool, float *ret_prob, kt_err *err)
{
    size_t parts = (n + CHUNK_ROWS - 1) / CHUNK_ROWS;
    predict_job j = { m, x, n, ret_prob, kt_zalloc_array(parts + 1, sizeof(*j.rc)) };
    kt_pool_run(pool, parts, predict_part, &j);
    kt_rc rc = KT_OK;
    double *row = kt_alloc_array(m->d, sizeof(*row));
    for (size_t p = 0; p < parts && rc == 0; p++)
        for (size_t i = p * CHUNK_ROWS; j.rc[p] < 0 && i < n && rc == 0; i++)
            rc = prepare(m, x + i * m->d, i, row, err); /* once more, for the message */
    kt_free(row);
    kt_free(j.rc);
    return rc;
}

void kt_prototypes_cross(const kt_prototypes *m, const float *x, size_t n, const int32_t *label, const uint64_t *group, float *ret_prob)
{
    uint32_t k = m->n_labels;
    double *s = kt_alloc_array(n + 1, k * sizeof(*s)), *p = kt_alloc_array(k, sizeof(*p));
    cross_scores(m, x, n, label, group, s);
    for (size_t i = 0; i < n; i++) {
        bool any = false;
        for (uint32_t c = 0; label[i] >= 0 && c < k; c++)
            any = any || isfinite(s[i * k + c]);
        if (any)
            softmax(s + i * k, k, m->temperature, p);
        for (uint32_t c = 0; c < k; c++)
            ret_prob[i * k + c] = any ? (float)p[c] : 0;
    }
    kt_free(s);
    kt_free(p);
}

kt_rc kt_prototypes_update(kt_prototypes *m, const float *x, uint32_t label, kt_err *err)
{
    if (label >= m->n_labels)
        return kt_fail(err, KT_RANGE, "label %u of %u labels", label, m->n_labels);
    double *row = kt_alloc_array(m->d, sizeof(*row));
    kt_rc rc = prepare(m, x, 0, row, err);
    for (uint32_t c = 0; c < m->d && rc == 0; c++)
        m->sum[(size_t)label * m->d + c] += row[c];
    if (rc == 0)
        m->count[label]++;
    kt_free(row);
    return rc;
}

kt_rc kt_prototypes_explain(const kt_prototypes *m, const float *x, uint32_t label, float *ret, kt_err *err)
{
    if (label >= m->n_labels || !(m->count[label] > 0))
        return kt_fail(err, KT_RANGE, "label %u of %u labels has no mean", label, m->n_labels);
    double *row = kt_alloc_array(m->d, 2 * sizeof(*row)), *mean = row + m->d, used = 0;
    kt_rc rc = prepare(m, x, 0, row, err);
    memset(mean, 0, m->d * sizeof(*mean));
    for (uint32_t c = 0; c < m->n_labels; c++) {
        double norm2 = 0, by = m->count[c];
        for (uint32_t q = 0; q < m->d; q++)
            norm2 += m->sum[(size_t)c * m->d + q] * m->sum[(size_t)c * m->d + q];
        if (!(m->count[c] > 0))
            continue;
        used++;
        if (m->metric == KT_METRIC_COSINE)
            by = sqrt(KT_MAX(norm2, 1e-30));
        for (uint32_t q = 0; q < m->d; q++) {
            double at = m->sum[(size_t)c * m->d + q] / by, off = row[q] - at;
            double adds = m->metric == KT_METRIC_COSINE ? row[q] * at : -off * off / 2;
            mean[q] += adds;
            if (c == label)
                ret[q] = (float)(adds / m->temperature);
        }
    }
    for (uint32_t q = 0; q < m->d && rc == 0; q++)
        ret[q] -= (float)(mean[q] / used / m->temperature);
    kt_free(row);
    return rc;
}

/* "KTP1", metric, n_labels, columns; temperature, counts and sums as doubles. */
void kt_prototypes_bytes(const kt_prototypes *m, kt_buf *ret)
{
    const uint64_t head[] = { m->metric, m->n_labels, m->d };
    kt_buf_add(ret, "KTP1", 4);
    for (size_t i = 0; i < KT_LEN(head); i++)
        kt_buf_varint(ret, head[i]);
    kt_buf_add(ret, &m->temperature, sizeof(double));
    kt_buf_add(ret, m->count, m->n_labels * sizeof(double));
    kt_buf_add(ret, m->sum, (size_t)m->n_labels * m->d * sizeof(double));
}

kt_rc kt_prototypes_from_bytes(kt_str b, kt_prototypes *ret, kt_err *err)
{
    uint64_t head[3] = { 0 };
    size_t at = 4;
    bool good = b.n >= 4 && memcmp(b.p, "KTP1", 4) == 0;
    for (size_t i = 0; good && i < KT_LEN(head); i++)
        good = kt_varint_read(b, &at, &head[i]);
    good = good && head[0] < KT_METRIC__COUNT && head[1] >= 1 && head[1] <= UINT16_MAX && head[2] >= 1 && head[2] <= 1 << 24;
    if (!good || (b.n - at) / sizeof(double) != 1 + head[1] + head[1] * head[2] || (b.n - at) % sizeof(double) != 0)
        return kt_fail(err, KT_CORRUPT, "these bytes are no prototypes");
    size_t n = head[1] * head[2];
    kt_prototypes m = { (uint32_t)head[1], (uint32_t)head[2], (kt_metric)head[0], 0, kt_alloc_array(n, sizeof(double)),
                        kt_alloc_array(head[1], sizeof(double)) };
    memcpy(&m.temperature, b.p + at, sizeof(double));
    memcpy(m.count, b.p + at + sizeof(double), head[1] * sizeof(double));
    memcpy(m.sum, b.p + at + sizeof(double) * (1 + head[1]), n * sizeof(double));
    good = m.temperature > 0 && isfinite(m.temperature);
    for (size_t i = 0; i < n; i++)
        good = good && isfinite(m.sum[i]) && m.count[i / head[2]] >= 0;
    if (!good) {
        kt_prototypes_done(&m);
        return kt_fail(err, KT_CORRUPT, "the prototypes hold what is no number they can have");
    }
    *ret = m;
    return KT_OK;
}
