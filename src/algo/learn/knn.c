/* Nearest neighbours as a classifier. How many count, how fast their vote fades with distance, and how far the labels' shares are mixed in
   are chosen together by the log loss of rows that do not see themselves. */
#include "algo/learn/knn.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>

enum { MOST_K = 40, FEWEST_JUDGED = 2000, MOST_JUDGED = 20000 };

static const uint32_t KS[] = { 1, 2, 3, 5, 8, 12, 20, 40 };
static const double WIDTHS[] = { 0.1, 0.3, 1, 3, INFINITY }; /* times the mean distance to the nearest */
static const double SMOOTHS[] = { 0.05, 0.15, 0.5, 1 };

const kt_setting kt_knn_settings[] = {
    { .name = "metric", .help = "what near means", .kind = KT_SET_CHOICE, .offset = offsetof(kt_knn_options, metric), .choice = kt_metric_names },
    { .name = "k", .help = "neighbours; 0: chosen by leaving one out", .kind = KT_SET_INT, .offset = offsetof(kt_knn_options, k), .min = 0,
      .max = KT_VECTORS_MAX_NEAREST },
    { .name = NULL },
};

static void vote(const kt_neighbour *near, uint32_t k, const int32_t *label, uint32_t n_labels, double width, double smooth, const double *share,
                 double *p)
{
    double sum = smooth;
    for (uint32_t c = 0; c < n_labels; c++)
        p[c] = smooth * share[c];
    for (uint32_t i = 0; i < k && near[i].row != UINT32_MAX; i++) {
        double w = isinf(width) ? 1 : exp(-((double)near[i].distance - (double)near[0].distance) / width);
        p[label[near[i].row]] += w;
        sum += w;
    }
    for (uint32_t c = 0; c < n_labels; c++)
        p[c] /= sum;
}

double kt_knn_weight(const kt_knn *m, const kt_neighbour *near, uint32_t i)
{
    return isinf(m->width) ? 1 : exp(-((double)near[i].distance - (double)near[0].distance) / m->width);
}

static void count_shares(kt_knn *m)
{
    for (uint32_t c = 0; c < m->n_labels; c++)
        m->share[c] = 1.0 / (double)(m->v.n + m->n_labels);
    for (size_t i = 0; i < m->v.n; i++)
        m->share[m->label[i]] += 1.0 / (double)(m->v.n + m->n_labels);
}

/* near: n_judged × MOST_K of the rows of. */
static void choose(kt_knn *m, const uint32_t *of, size_t n, const kt_neighbour *near)
{
    double *p = kt_alloc_array(m->n_labels, sizeof(*p)), least = INFINITY, unit = 0;
    for (size_t i = 0; i < n; i++)
        unit += near[i * MOST_K].row == UINT32_MAX ? 0 : (double)near[i * MOST_K].distance / (double)n;
    unit = KT_MAX(unit, 1e-12);
    for (size_t a = 0; a < KT_LEN(KS); a++)
        for (size_t b = 0; b < KT_LEN(WIDTHS); b++)
            for (size_t c = 0; c < KT_LEN(SMOOTHS); c++) {
                double loss = 0, width = WIDTHS[b] * unit;
                for (size_t i = 0; i < n; i++) {
                    vote(near + i * MOST_K, KS[a], m->label, m->n_labels, width, SMOOTHS[c], m->share, p);
                    loss -= log(p[m->label[of[i]]]);
                }
                if (loss < least) {
                    least = loss;
                    m->k = KS[a];
                    m->width = width;
                    m->smooth = SMOOTHS[c];
                }
            }
    kt_free(p);
}

static void judge(kt_knn *m, const uint64_t *group, uint64_t seed, kt_pool *pool)
{
    size_t n = m->v.n, most = KT_MIN((size_t)MOST_JUDGED, KT_MAX((size_t)FEWEST_JUDGED, ((size_t)1 << 32) / (n + 1))), some = KT_MIN(n, most);
    uint32_t *of = kt_alloc_array(some + 1, sizeof(*of));
    uint64_t *at = kt_alloc_array(some + 1, sizeof(*at));
    kt_neighbour *near = kt_alloc_array(some + 1, MOST_K * sizeof(*near));
    kt_rng g = kt_rng_keyed(seed, 0x6b6e6e, 0);
    kt_rng_sample(&g, n, some, at);
    for (size_t i = 0; i < some; i++)
        of[i] = (uint32_t)at[i];
    kt_vectors_nearest_others(&m->v, of, some, group, MOST_K, pool, near);
    choose(m, of, some, near);
    kt_free(of);
    kt_free(at);
    kt_free(near);
}

/* The labelled rows alone, packed. ret_group: theirs. */
static kt_rc pack(const float *x, size_t n, uint32_t d, const int32_t *label, uint32_t n_labels, const uint64_t *group, float *ret_x, kt_knn *m,
                  uint64_t *ret_group, size_t *ret_n, kt_err *err)
{
    size_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        if (label[i] >= (int32_t)n_labels)
            return kt_fail(err, KT_RANGE, "row %zu: label %d of %u labels", i, (int)label[i], n_labels);
        if (label[i] < 0)
            continue;
        memcpy(ret_x + rows * d, x + i * d, d * sizeof(*x));
        m->label[rows] = label[i];
        ret_group[rows++] = group ? group[i] : 0;
    }
    *ret_n = rows;
    return rows ? KT_OK : kt_fail(err, KT_RANGE, "no row has a label to learn from");
}

kt_rc kt_knn_fit(const float *x, size_t n, uint32_t d, const int32_t *label, uint32_t n_labels, const uint64_t *group, const kt_knn_options *o,
                 kt_pool *pool, kt_knn *ret, kt_err *err)
{
    if (!n_labels || o->k > KT_VECTORS_MAX_NEAREST)
        return kt_fail(err, KT_RANGE, "%u labels and %u neighbours; at least a label, at most %d neighbours", n_labels, o->k, KT_VECTORS_MAX_NEAREST);
    kt_knn m = { .n_labels = n_labels, .k = o->k, .width = INFINITY, .smooth = 0.5, .label = kt_alloc_array(n + 1, sizeof(*m.label)),
                 .share = kt_alloc_array(n_labels, sizeof(*m.share)) };
    float *own = kt_alloc_array(n * d + 1, sizeof(*own));
    uint64_t *packed = kt_alloc_array(n + 1, sizeof(*packed));
    size_t rows = 0;
    kt_rc rc = pack(x, n, d, label, n_labels, group, own, &m, packed, &rows, err);
    if (rc == 0)
        rc = kt_vectors_init(&m.v, own, rows, d, o->metric, err);
    kt_free(own);
    if (rc == 0) {
        m.label = kt_realloc(m.label, (m.v.room + 1) * sizeof(*m.label));
        count_shares(&m);
        if (!m.k)
            judge(&m, group ? packed : NULL, o->seed, pool);
        *ret = m;
    } else {
        kt_knn_done(&m);
    }
    kt_free(packed);
    return rc;
}

void kt_knn_done(kt_knn *m)
{
    kt_vectors_done(&m->v);
    m->label = kt_free(m->label);
    m->share = kt_free(m->share);
}

static void votes_of(const kt_knn *m, const kt_neighbour *near, size_t n, float *ret_prob)
{
    double *p = kt_alloc_array(m->n_labels, sizeof(*p));
    for (size_t i = 0; i < n; i++) {
        vote(near + i * m->k, m->k, m->label, m->n_labels, m->width, m->smooth, m->share, p);
        for (uint32_t c = 0; c < m->n_labels; c++)
            ret_prob[i * m->n_labels + c] = (float)p[c];
    }
    kt_free(p);
}

kt_rc kt_knn_predict(const kt_knn *m, const float *x, size_t n, kt_pool *pool, float *ret_prob, kt_neighbour *ret_near, kt_err *err)
{
    kt_neighbour *near = ret_near ? ret_near : kt_alloc_array(n + 1, m->k * sizeof(*near));
    kt_rc rc = kt_vectors_nearest(&m->v, x, n, m->k, pool, near, err);
    if (rc == 0)
        votes_of(m, near, n, ret_prob);
    if (!ret_near)
        kt_free(near);
    return rc;
}

void kt_knn_cross(const kt_knn *m, size_t n, const int32_t *label, const uint64_t *group, kt_pool *pool, float *ret_prob)
{
    size_t k = m->n_labels, at = 0;
    kt_neighbour *near = kt_alloc_array(m->v.n + 1, m->k * sizeof(*near));
    uint64_t *own = kt_zalloc_array(m->v.n + 1, sizeof(*own));
    for (size_t i = 0; i < n; i++)
        if (label[i] >= 0)
            own[at++] = group ? group[i] : 0;
    kt_vectors_nearest_others(&m->v, NULL, 0, own, m->k, pool, near);
    memset(ret_prob, 0, n * k * sizeof(*ret_prob));
    for (size_t i = at = 0; i < n; i++)
        if (label[i] >= 0)
            votes_of(m, near + at++ * m->k, 1, ret_prob + i * k);
    kt_free(near);
    kt_free(own);
}

kt_rc kt_knn_update(kt_knn *m, const float *x, uint32_t label, kt_err *err)
{
    if (label >= m->n_labels)
        return kt_fail(err, KT_RANGE, "label %u of %u labels", label, m->n_labels);
    size_t room = m->v.room;
    KT_TRY(kt_vectors_add(&m->v, x, err));
    if (m->v.room != room)
        m->label = kt_realloc(m->label, (m->v.room + 1) * sizeof(*m->label));
    double n = (double)(m->v.n - 1 + m->n_labels);
    m->label[m->v.n - 1] = (int32_t)label;
    for (uint32_t c = 0; c < m->n_labels; c++)
        m->share[c] = (m->share[c] * n + (c == label)) / (n + 1);
    return KT_OK;
}

/* "KTK1", metric, n_labels, k, columns, rows; width and smooth; labels; rows as floats. */
void kt_knn_bytes(const kt_knn *m, kt_buf *ret)
{
    const uint64_t head[] = { m->v.metric, m->n_labels, m->k, m->v.d, m->v.n };
    kt_buf_add(ret, "KTK1", 4);
    for (size_t i = 0; i < KT_LEN(head); i++)
        kt_buf_varint(ret, head[i]);
    kt_buf_add(ret, &m->width, sizeof(m->width));
    kt_buf_add(ret, &m->smooth, sizeof(m->smooth));
    kt_buf_add(ret, m->label, m->v.n * sizeof(*m->label));
    kt_buf_add(ret, m->v.row, m->v.n * m->v.d * sizeof(float));
}

static kt_rc read_rows(kt_str b, size_t at, const uint64_t *head, kt_knn *m, kt_err *err)
{
    size_t n = head[4], d = head[3];
    float *x = kt_alloc_array(n * d + 1, sizeof(*x));
    memcpy(&m->width, b.p + at, sizeof(double));
    memcpy(&m->smooth, b.p + at + sizeof(double), sizeof(double));
    memcpy(x, b.p + at + 2 * sizeof(double) + n * sizeof(int32_t), n * d * sizeof(*x));
    kt_rc rc = kt_vectors_init(&m->v, x, n, (uint32_t)d, (kt_metric)head[0], err);
    kt_free(x);
    KT_TRY(rc);
    m->label = kt_alloc_array(m->v.room + 1, sizeof(*m->label));
    memcpy(m->label, b.p + at + 2 * sizeof(double), n * sizeof(*m->label));
    bool good = m->width > 0 && m->smooth > 0 && isfinite(m->smooth);
    for (size_t i = 0; i < n; i++)
        good = good && m->label[i] >= 0 && m->label[i] < (int32_t)m->n_labels;
    return good ? KT_OK : kt_fail(err, KT_CORRUPT, "a label of the neighbours' model is none it has");
}

kt_rc kt_knn_from_bytes(kt_str b, kt_knn *ret, kt_err *err)
{
    uint64_t head[5] = { 0 };
    size_t at = 4;
    bool good = b.n >= 4 && memcmp(b.p, "KTK1", 4) == 0;
    for (size_t i = 0; good && i < KT_LEN(head); i++)
        good = kt_varint_read(b, &at, &head[i]);
    good = good && head[0] < KT_METRIC__COUNT && head[1] >= 1 && head[1] <= UINT16_MAX && head[2] >= 1 && head[2] <= KT_VECTORS_MAX_NEAREST &&
           head[3] >= 1 && head[3] <= 1 << 24 && head[4] >= 1 && b.n - at >= 2 * sizeof(double);
    if (!good || (b.n - at - 2 * sizeof(double)) / (4 + 4 * head[3]) != head[4] || (b.n - at - 2 * sizeof(double)) % (4 + 4 * head[3]) != 0)
        return kt_fail(err, KT_CORRUPT, "these bytes are no model of neighbours");
    kt_knn m = { .n_labels = (uint32_t)head[1], .k = (uint32_t)head[2], .share = kt_alloc_array(head[1], sizeof(*m.share)) };
    kt_rc rc = read_rows(b, at, head, &m, err);
    if (rc < 0) {
        kt_knn_done(&m);
        return kt_fail(err, KT_CORRUPT, "the rows of the neighbours' model are not what they should be");
    }
    count_shares(&m);
    *ret = m;
    return KT_OK;
}
