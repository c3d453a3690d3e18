/* Softmax regression by stochastic gradient descent. The penalty is applied by scaling: w = scale × v, so that a step
   touches only the features of its row; the step size falls linearly to zero, which does what averaging does and costs
   nothing. With few labels the words of the unlabelled pool help: naive Bayes is fitted to the labelled rows, gives the
   pool posteriors, and is refitted with them (EM); the pool then joins the regression as soft rows.
   Invariant: weights are rows of n_labels floats, only for features seen in training, so memory follows the words that
   occur and not the hashed space. */
#include "algo/linear.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>

enum { CHUNK_ROWS = 256, EM_ROUNDS = 8 };

typedef struct example {
    const kt_features *x;
    size_t row;
    const float *soft; /* n_labels, or NULL: label */
    int32_t label;
    float weight;
} example;

typedef KT_VEC(example) examples;

static void softmax(float *z, uint32_t k)
{
    float top = z[0], sum = 0;
    for (uint32_t c = 1; c < k; c++)
        top = KT_MAX(top, z[c]);
    for (uint32_t c = 0; c < k; c++)
        sum += z[c] = expf(z[c] - top);
    for (uint32_t c = 0; c < k; c++)
        z[c] /= sum;
}

/* z += sharp × x · weight; features not seen in training add nothing. */
static void add_scores(const kt_linear *m, const kt_features *x, size_t row, float sharp, float *z)
{
    uint32_t k = m->n_labels;
    for (size_t e = x->start[row]; e < x->start[row + 1]; e++) {
        uint32_t r = m->row_of[x->index[e]];
        if (!r)
            continue;
        const float *w = m->weight + (size_t)(r - 1) * k;
        float v = sharp * x->value[e];
        for (uint32_t c = 0; c < k; c++)
            z[c] += v * w[c];
    }
}

static void note_features(kt_linear *m, const kt_features *x, size_t row)
{
    for (size_t e = x->start[row]; e < x->start[row + 1]; e++)
        if (!m->row_of[x->index[e]])
            m->row_of[x->index[e]] = ++m->n_seen;
}

/* The rows with a label, checked. */
static kt_rc gather(const kt_linear_data *d, examples *ret, kt_err *err)
{
    for (size_t i = 0; i < d->x->n_rows; i++) {
        float w = d->row_weight ? d->row_weight[i] : 1, sum = 0;
        if (!(w >= 0) || isinf(w))
            return kt_fail(err, KT_RANGE, "row %zu: weight %g is not a number >= 0", i, (double)w);
        example e = { d->x, i, NULL, -1, w };
        if (d->soft) {
            e.soft = d->soft + i * d->n_labels;
            for (uint32_t c = 0; c < d->n_labels; c++)
                sum += e.soft[c];
            if (!isfinite(sum))
                return kt_fail(err, KT_RANGE, "row %zu: a label probability is not a number", i);
        } else {
            e.label = d->label[i];
            if (e.label >= (int32_t)d->n_labels)
                return kt_fail(err, KT_RANGE, "row %zu: label %d of %u labels", i, (int)e.label, d->n_labels);
        }
        if (w > 0 && (d->soft ? sum > 0 : e.label >= 0))
            KT_PUSH(ret, e);
    }
    return ret->n ? KT_OK : kt_fail(err, KT_RANGE, "no row has a label to learn from");
}

/* Adds one row to the counts of naive Bayes. */
static void count_row(const kt_linear *m, const example *e, const float *soft, float weight, float *count)
{
    uint32_t k = m->n_labels;
    for (size_t q = e->x->start[e->row]; q < e->x->start[e->row + 1]; q++) {
        float v = weight * e->x->value[q];
        float *to = count + (size_t)(m->row_of[e->x->index[q]] - 1) * k;
        if (!soft) {
            to[e->label] += v;
            continue;
        }
        for (uint32_t c = 0; c < k; c++)
            to[c] += v * soft[c];
    }
}

typedef struct posterior_job {
    const kt_linear *m;
    const kt_features *x;
    float sharp, *ret;
} posterior_job;

static void posterior_part(void *ctx, size_t part)
{
    posterior_job *j = ctx;
    uint32_t k = j->m->n_labels;
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(j->x->n_rows, (part + 1) * CHUNK_ROWS); i++) {
        float *z = j->ret + i * k;
        memcpy(z, j->m->bias, k * sizeof(*z));
        add_scores(j->m, j->x, i, j->sharp, z);
        softmax(z, k);
    }
}

static void posteriors(const kt_linear *m, const kt_features *x, float sharp, kt_pool *pool, float *ret)
{
    posterior_job j = { m, x, sharp, ret };
    kt_pool_run(pool, (x->n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS, posterior_part, &j);
}

/* Counts in m->weight become log shares with the smoothing alpha, less the feature's mean over labels (which cancels
   in the softmax, and keeps single precision exact enough). */
static void log_shares(kt_linear *m, float alpha)
{
    uint32_t k = m->n_labels;
    double *total = kt_zalloc_array(k, sizeof(*total));
    for (size_t f = 0; f < m->n_seen; f++)
        for (uint32_t c = 0; c < k; c++)
            total[c] += m->weight[f * k + c] + alpha;
    for (uint32_t c = 0; c < k; c++)
        total[c] = log(total[c]);
    for (size_t f = 0; f < m->n_seen; f++) {
        float *w = m->weight + f * k, mean = 0;
        for (uint32_t c = 0; c < k; c++)
            mean += w[c] = logf(w[c] + alpha) - (float)total[c];
        mean /= (float)k;
        for (uint32_t c = 0; c < k; c++)
            w[c] -= mean;
    }
    kt_free(total);
}

/* Measured on AG News with 30 to 1000 labels and a pool of 5000: rows of norm 1 count as words repeated 0.6 times, the
   smoothing is a thirtieth of a word, and a row of the pool counts as much as a labelled one. */
static const float NB_SHARP = 0.6f, NB_ALPHA = 0.03f;

/* Posteriors of the unlabelled rows: ret is n_rows × n_labels. Uses m->weight as working space. */
static void spread(kt_linear *m, const examples *labeled, const kt_features *pool_x, kt_pool *pool, float *ret)
{
    uint32_t k = m->n_labels;
    for (int round = 0; round <= EM_ROUNDS; round++) {
        memset(m->weight, 0, (size_t)m->n_seen * k * sizeof(*m->weight));
        for (size_t i = 0; i < labeled->n; i++)
            count_row(m, &labeled->v[i], labeled->v[i].soft, labeled->v[i].weight, m->weight);
        for (size_t i = 0; round > 0 && i < pool_x->n_rows; i++)
            count_row(m, &(example){ pool_x, i, NULL, 0, 0 }, ret + i * k, 1, m->weight);
        log_shares(m, NB_ALPHA);
        posteriors(m, pool_x, NB_SHARP, pool, ret);
    }
}

/* One pass of gradient steps over the examples in the given order. */
typedef struct descent {
    kt_linear *m;
    float l2, step0, scale, *z;
    uint64_t done, total; /* steps */
} descent;

static void descend(descent *s, const example *e)
{
    kt_linear *m = s->m;
    uint32_t k = m->n_labels;
    float step = s->step0 * (1 - (float)s->done / (float)s->total), *z = s->z;
    s->done++;
    memset(z, 0, k * sizeof(*z));
    add_scores(m, e->x, e->row, s->scale, z);
    for (uint32_t c = 0; c < k; c++)
        z[c] += m->bias[c];
    softmax(z, k);
    if (e->soft)
        for (uint32_t c = 0; c < k; c++)
            z[c] -= e->soft[c];
    else
        z[e->label] -= 1;
    s->scale *= 1 - step * s->l2;
    float by = -step * e->weight;
    for (uint32_t c = 0; c < k; c++)
        m->bias[c] += 0.1f * by * z[c];
    by /= s->scale;
    for (size_t q = e->x->start[e->row]; q < e->x->start[e->row + 1]; q++) {
        float *w = m->weight + (size_t)(m->row_of[e->x->index[q]] - 1) * k, v = by * e->x->value[q];
        for (uint32_t c = 0; c < k; c++)
            w[c] += v * z[c];
    }
    if (s->scale < 1e-3f) {
        for (size_t w = 0; w < (size_t)m->n_seen * k; w++)
            m->weight[w] *= s->scale;
        s->scale = 1;
    }
}

static void train(kt_linear *m, const examples *x, const kt_linear_options *o)
{
    double rows = 0;
    for (size_t i = 0; i < x->n; i++)
        rows += x->v[i].weight;
    uint32_t epochs = o->epochs ? o->epochs : (uint32_t)KT_MIN(60, KT_MAX(5, 100000 / x->n));
    double l2 = o->l2 > 0 ? o->l2 : 0.1 / rows;
    float mean = (float)(rows / (double)x->n); /* weights are scaled to mean 1 */
    descent s = { m, (float)l2, 1.0f, 1, kt_alloc_array(m->n_labels, sizeof(float)), 0, (uint64_t)epochs * x->n };
    uint32_t *order = kt_alloc_array(x->n, sizeof(*order));
    for (size_t i = 0; i < x->n; i++)
        order[i] = (uint32_t)i;
    memset(m->weight, 0, (size_t)m->n_seen * m->n_labels * sizeof(*m->weight));
    for (uint32_t round = 0; round < epochs; round++) {
        kt_rng r = kt_rng_keyed(o->seed, 0x6c696e, round);
        for (size_t i = x->n - 1; i > 0; i--) {
            size_t j = kt_rng_below(&r, i + 1);
            uint32_t t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
        for (size_t i = 0; i < x->n; i++) {
            example e = x->v[order[i]];
            e.weight /= mean;
            descend(&s, &e);
        }
    }
    for (size_t w = 0; w < (size_t)m->n_seen * m->n_labels; w++)
        m->weight[w] *= s.scale;
    kt_free(order);
    kt_free(s.z);
}

/* Largest weight of each label, the unit of the 16-bit form; 1 where all are 0. ret: n_labels. */
static void label_units(const kt_linear *m, float *ret)
{
    for (uint32_t c = 0; c < m->n_labels; c++)
        ret[c] = 0;
    for (size_t f = 0; f < m->n_seen; f++)
        for (uint32_t c = 0; c < m->n_labels; c++)
            ret[c] = KT_MAX(ret[c], fabsf(m->weight[f * m->n_labels + c]));
    for (uint32_t c = 0; c < m->n_labels; c++)
        ret[c] = ret[c] > 0 ? ret[c] : 1;
}

static int16_t to_fraction(float w, float unit)
{
    return (int16_t)lrintf(w / unit * 32767);
}

static float from_fraction(int16_t q, float unit)
{
    return (float)q / 32767 * unit;
}

kt_rc kt_linear_fit(const kt_linear_data *d, const kt_linear_options *o, kt_pool *pool, kt_linear *ret, kt_err *err)
{
    if (o->bits < 8 || o->bits > 24)
        return kt_fail(err, KT_RANGE, "feature bits %u are outside 8..24", o->bits);
    if (d->n_labels < 2 || d->n_labels > 65535)
        return kt_fail(err, KT_RANGE, "%u labels; a classifier needs 2..65535", d->n_labels);
    examples x = { 0 };
    kt_rc rc = gather(d, &x, err);
    if (rc < 0) {
        KT_VEC_DONE(&x);
        return rc;
    }
    kt_linear m = { .n_labels = d->n_labels, .bits = o->bits, .row_of = kt_zalloc_array((size_t)1 << o->bits, 4) };
    for (size_t i = 0; i < x.n; i++)
        note_features(&m, x.v[i].x, x.v[i].row);
    size_t n_pool = d->unlabeled && o->prior_weight != 0 ? d->unlabeled->n_rows : 0, n_labeled = x.n;
    for (size_t i = 0; i < n_pool; i++)
        note_features(&m, d->unlabeled, i);
    m.weight = kt_alloc_array((size_t)m.n_seen + 1, m.n_labels * sizeof(*m.weight));
    m.bias = kt_zalloc_array(m.n_labels, sizeof(*m.bias));
    float *soft = NULL;
    if (n_pool) {
        soft = kt_alloc_array(n_pool * m.n_labels, sizeof(*soft));
        spread(&m, &x, d->unlabeled, pool, soft);
        double share = o->prior_weight > 0 ? o->prior_weight : 1.0, rows = 0;
        for (size_t i = 0; i < n_labeled; i++)
            rows += x.v[i].weight;
        for (size_t i = 0; i < n_pool; i++)
            KT_PUSH(&x, (example){ d->unlabeled, i, soft + i * m.n_labels, -1, (float)(share * rows / (double)n_pool) });
    }
    train(&m, &x, o);
    float *unit = kt_alloc_array(m.n_labels, sizeof(*unit));
    label_units(&m, unit);
    for (size_t f = 0; f < m.n_seen; f++)
        for (uint32_t c = 0; c < m.n_labels; c++) {
            float *w = &m.weight[f * m.n_labels + c];
            *w = from_fraction(to_fraction(*w, unit[c]), unit[c]);
        }
    kt_free(unit);
    kt_free(soft);
    KT_VEC_DONE(&x);
    *ret = m;
    return KT_OK;
}

void kt_linear_done(kt_linear *m)
{
    m->row_of = kt_free(m->row_of);
    m->weight = kt_free(m->weight);
    m->bias = kt_free(m->bias);
    m->n_seen = m->n_labels = 0;
}

void kt_linear_predict(const kt_linear *m, const kt_features *x, kt_pool *pool, float *ret_prob)
{
    posteriors(m, x, 1, pool, ret_prob);
}

typedef struct top_job {
    const kt_linear *m;
    const kt_features *x;
    uint32_t k;
    uint16_t *label;
    float *prob;
} top_job;

static void top_part(void *ctx, size_t part)
{
    top_job *j = ctx;
    uint32_t n = j->m->n_labels;
    float *z = kt_alloc_array(n, sizeof(*z));
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(j->x->n_rows, (part + 1) * CHUNK_ROWS); i++) {
        memcpy(z, j->m->bias, n * sizeof(*z));
        add_scores(j->m, j->x, i, 1, z);
        softmax(z, n);
        for (uint32_t r = 0; r < j->k; r++) {
            uint32_t best = 0;
            for (uint32_t c = 1; c < n; c++)
                if (z[c] > z[best])
                    best = c;
            j->label[i * j->k + r] = (uint16_t)best;
            j->prob[i * j->k + r] = z[best];
            z[best] = -1;
        }
    }
    kt_free(z);
}

void kt_linear_top(const kt_linear *m, const kt_features *x, uint32_t k, kt_pool *pool, uint16_t *ret_label,
                   float *ret_prob)
{
    KT_ASSERT(k <= m->n_labels);
    top_job j = { m, x, k, ret_label, ret_prob };
    kt_pool_run(pool, (x->n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS, top_part, &j);
}

/* "KTL1", bits, n_labels, n_seen; units and biases as floats; then each seen feature in order of its index: distance
   to the one before, and n_labels 16-bit fractions (little endian). */
void kt_linear_bytes(const kt_linear *m, kt_buf *ret)
{
    uint32_t k = m->n_labels;
    float *unit = kt_alloc_array(k, sizeof(*unit));
    int16_t *q = kt_alloc_array(k, sizeof(*q));
    label_units(m, unit);
    kt_buf_add(ret, "KTL1", 4);
    kt_buf_varint(ret, m->bits);
    kt_buf_varint(ret, k);
    kt_buf_varint(ret, m->n_seen);
    kt_buf_add(ret, unit, k * sizeof(*unit));
    kt_buf_add(ret, m->bias, k * sizeof(*m->bias));
    uint32_t last = 0;
    for (uint32_t f = 0; f < (uint32_t)1 << m->bits; f++) {
        if (!m->row_of[f])
            continue;
        kt_buf_varint(ret, f - last);
        last = f;
        const float *w = m->weight + (size_t)(m->row_of[f] - 1) * k;
        for (uint32_t c = 0; c < k; c++)
            q[c] = to_fraction(w[c], unit[c]);
        kt_buf_add(ret, q, k * sizeof(*q));
    }
    kt_free(unit);
    kt_free(q);
}

/* Feature rows of the byte form from *at on; m has its arrays. */
static bool read_rows(kt_str b, size_t at, const float *unit, kt_linear *m)
{
    uint64_t f = 0, step;
    uint32_t k = m->n_labels;
    for (uint32_t r = 0; r < m->n_seen; r++) {
        if (!kt_varint_read(b, &at, &step) || (f += step) >> m->bits || step >> m->bits || m->row_of[f] ||
            b.n - at < 2 * (size_t)k)
            return false;
        m->row_of[f] = r + 1;
        for (uint32_t c = 0; c < k; c++) {
            int16_t q;
            memcpy(&q, b.p + at + 2 * (size_t)c, 2);
            m->weight[(size_t)r * k + c] = from_fraction(q, unit[c]);
        }
        at += 2 * (size_t)k;
    }
    return at == b.n;
}

kt_rc kt_linear_from_bytes(kt_str b, kt_linear *ret, kt_err *err)
{
    size_t at = 4;
    uint64_t bits, k, n_seen;
    if (b.n < 4 || memcmp(b.p, "KTL1", 4) != 0 || !kt_varint_read(b, &at, &bits) || !kt_varint_read(b, &at, &k) ||
        !kt_varint_read(b, &at, &n_seen) || bits < 8 || bits > 24 || k < 2 || k > 65535 || n_seen > (uint64_t)1 << bits ||
        b.n - at < 8 * k || (b.n - at - 8 * k) / (2 * k + 1) < n_seen)
        return kt_fail(err, KT_CORRUPT, "these bytes are no linear model");
    float *unit = kt_alloc_array(k, sizeof(*unit));
    kt_linear m = { .n_labels = (uint32_t)k, .bits = (uint32_t)bits, .n_seen = (uint32_t)n_seen };
    m.row_of = kt_zalloc_array((size_t)1 << bits, sizeof(*m.row_of));
    m.weight = kt_alloc_array(n_seen + 1, k * sizeof(*m.weight));
    m.bias = kt_alloc_array(k, sizeof(*m.bias));
    memcpy(unit, b.p + at, k * sizeof(*unit));
    memcpy(m.bias, b.p + at + 4 * k, k * sizeof(*m.bias));
    bool good = read_rows(b, at + 8 * k, unit, &m);
    for (size_t c = 0; c < k; c++)
        good = good && isfinite(unit[c]) && isfinite(m.bias[c]);
    kt_free(unit);
    if (!good) {
        kt_linear_done(&m);
        return kt_fail(err, KT_CORRUPT, "the linear model's bytes end or repeat where they must not");
    }
    *ret = m;
    return KT_OK;
}
