/* The model: training put together from the two learners (linear_descend.c, linear_bayes.c), prediction, and one more label online.
   With few labels the words of an unlabelled pool help: naive Bayes and EM give it posteriors, and it joins the training as soft rows.
   Invariant: weights are rows of n_labels floats, only for features seen in training, so memory follows the words that occur and not the
   hashed space. */
#include "algo/learn/linear_int.h"

#include "algo/learn/folds.h"

#include <math.h>

enum { CHUNK_ROWS = 256, AHEAD = 64, MOST_LINES = 8, PACK_BYTES = 4 << 20 };

void kt_linear_softmax(float *z, uint32_t k)
{
    float top = z[0], sum = 0;
    for (uint32_t c = 1; c < k; c++)
        top = KT_MAX(top, z[c]);
    for (uint32_t c = 0; c < k; c++)
        sum += z[c] = expf(z[c] - top);
    for (uint32_t c = 0; c < k; c++)
        z[c] /= sum;
}

enum { LINE = 64, BLOCK = 8 };

/* Rows of the weights lie anywhere in much memory: they are asked for a few entries ahead of their use. Those of entries from *e on: their
   places and values; returns how many. Without a branch on row_of, which is not in a cache either: guessing it wrong would wait for each. */
static inline __attribute__((always_inline)) int look_ahead(const kt_linear *m, const kt_features *x, size_t *e, size_t end, const void *rows,
                                                            size_t row_bytes, const void **at, float *value)
{
    int n = 0;
    for (; *e < end && n < AHEAD; (*e)++) {
        uint32_t r = m->row_of[x->index[*e]];
        const char *from = (const char *)rows + (size_t)(r - (r != 0)) * row_bytes;
        at[n] = from;
        value[n] = x->value[*e];
        n += r != 0;
        for (size_t line = 0; line < row_bytes && line < MOST_LINES * LINE; line += LINE)
            __builtin_prefetch(from + line);
    }
    return n;
}

static inline __attribute__((always_inline)) void add_scores(const kt_linear *m, const kt_features *x, size_t row, float *z)
{
    uint32_t k = m->n_labels;
    const void *at[AHEAD];
    float value[AHEAD];
    for (size_t e = x->start[row], end = x->start[row + 1]; e < end;) {
        int n = look_ahead(m, x, &e, end, m->weight, k * sizeof(float), at, value);
        for (int i = 0; i < n; i++) {
            const float *w = at[i];
            for (uint32_t c = 0; c < k; c++)
                z[c] += value[i] * w[c];
        }
    }
}

typedef float floats __attribute__((vector_size(BLOCK * sizeof(float))));
typedef int16_t shorts __attribute__((vector_size(BLOCK * sizeof(int16_t))));

/* Eight labels of the n rows at a time, whose sums stay in a register. */
static inline __attribute__((always_inline)) void add_block(const void *const *at, const float *value, int n, size_t first, size_t n_labels, float *z)
{
    floats sum = { 0 };
    memcpy(&sum, z + first, n_labels * sizeof(*z));
    for (int i = 0; i < n; i++) {
        shorts w;
        memcpy(&w, (const int16_t *)at[i] + first, sizeof(w));
        sum += value[i] * __builtin_convertvector(w, floats);
    }
    memcpy(z + first, &sum, n_labels * sizeof(*z));
}

static inline __attribute__((always_inline)) void add_packed(const kt_linear *m, const kt_features *x, size_t row, float *z)
{
    uint32_t k = m->n_labels;
    const void *at[AHEAD];
    float value[AHEAD];
    for (size_t e = x->start[row + 1]; row + 1 < x->n_rows && e < x->start[row + 2]; e++)
        __builtin_prefetch(&m->row_of[x->index[e]]); /* the row after this one is likely to be asked for next */
    for (uint32_t c = 0; c < k; c++)
        z[c] /= m->unit[c];
    for (size_t e = x->start[row], end = x->start[row + 1]; e < end;) {
        int n = look_ahead(m, x, &e, end, m->packed, m->packed_bytes, at, value);
        size_t c = 0;
        for (; c + BLOCK <= k; c += BLOCK)
            add_block(at, value, n, c, BLOCK, z);
        if (c < k)
            add_block(at, value, n, c, k - c, z);
    }
    for (uint32_t c = 0; c < k; c++)
        z[c] *= m->unit[c];
}

#ifdef __x86_64__
/* Without fused multiplication, so the result is the same as on a machine that has no AVX2. */
__attribute__((target("avx2"))) static void add_scores_avx2(const kt_linear *m, const kt_features *x, size_t row, float *z)
{
    if (m->packed)
        add_packed(m, x, row, z);
    else
        add_scores(m, x, row, z);
}
#else
#define add_scores_avx2(m, x, row, z) (void)0
#define __builtin_cpu_supports(what) 0
#endif

void kt_linear_scores(const kt_linear *m, const kt_features *x, size_t row, float *z)
{
    if (__builtin_cpu_supports("avx2"))
        add_scores_avx2(m, x, row, z);
    else if (m->packed)
        add_packed(m, x, row, z);
    else
        add_scores(m, x, row, z);
}

void kt_train_rows_init(const kt_example *e, size_t n, uint32_t n_labels, uint32_t *row_of, uint32_t *n_features, kt_train_rows *ret)
{
    kt_train_rows r = { .of = e, .n = n, .start = kt_zalloc_array(n + 1, sizeof(*r.start)), .n_labels = n_labels };
    for (size_t i = 0; i < n; i++)
        r.start[i + 1] = r.start[i] + e[i].x->start[e[i].row + 1] - e[i].x->start[e[i].row];
    r.feature = kt_alloc_array(r.start[n] + 1, sizeof(*r.feature));
    r.value = kt_alloc_array(r.start[n] + 1, sizeof(*r.value));
    for (size_t i = 0; i < n; i++) {
        size_t from = e[i].x->start[e[i].row];
        for (size_t k = 0; k < r.start[i + 1] - r.start[i]; k++) {
            uint32_t *number = &row_of[e[i].x->index[from + k]];
            if (!*number)
                *number = ++*n_features;
            r.feature[r.start[i] + k] = *number - 1;
            r.value[r.start[i] + k] = e[i].x->value[from + k];
        }
    }
    r.n_features = *n_features;
    *ret = r;
}

void kt_train_rows_done(kt_train_rows *r)
{
    kt_free(r->start);
    kt_free(r->feature);
    kt_free(r->value);
}

void kt_train_rows_scores(const kt_train_rows *r, size_t i, const float *weight, float sharp, float *z)
{
    uint32_t k = r->n_labels;
    for (size_t e = r->start[i]; e < r->start[i + 1]; e++) {
        const float *w = weight + (size_t)r->feature[e] * k;
        float v = sharp * r->value[e];
        for (uint32_t c = 0; c < k; c++)
            z[c] += v * w[c];
    }
}

/* The rows with a label, checked. */
static kt_rc gather(const kt_linear_data *d, kt_examples *ret, kt_err *err)
{
    for (size_t i = 0; i < d->x->n_rows; i++) {
        float w = d->row_weight ? d->row_weight[i] : 1, sum = 0;
        if (!(w >= 0) || isinf(w))
            return kt_fail(err, KT_RANGE, "row %zu: weight %g is not a number >= 0", i, (double)w);
        kt_example e = { d->x, i, NULL, -1, w, !d->judged || d->judged[i], d->group ? d->group[i] : 0 };
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

/* Both learners on all rows, added up; soft: of the rows from n_labeled on. */
static void train(kt_linear *m, const kt_train_rows *r, size_t n_labeled, kt_example *own, float *soft, const kt_linear_options *o, kt_pool *pool)
{
    uint32_t k = m->n_labels;
    size_t n = (size_t)m->n_seen * k, n_pool = r->n - n_labeled;
    kt_linear_blend blend = kt_linear_blend_choose(r, n_labeled, o->prior_weight, o, pool);
    float *bayes = kt_zalloc_array(n + 1, sizeof(*bayes)), *bias = kt_zalloc_array(k, sizeof(*bias));
    uint8_t *skip = kt_zalloc(r->n + 1);
    double sum = 0;
    for (size_t i = 0; i < n_labeled; i++)
        sum += (double)own[i].weight;
    if (n_pool && blend.share > 0)
        kt_linear_spread(r, n_labeled, NULL, pool, bayes, bias, soft);
    memset(skip + n_labeled, blend.share <= 0, n_pool);
    for (size_t i = n_labeled; i < r->n; i++)
        own[i].weight = (float)((double)blend.share * sum / (double)n_pool);
    kt_linear_descend(r, skip, o->cost > 0 ? o->cost : 1, o->epochs ? o->epochs : 8, o->seed, pool, m->weight, m->bias);
    if (o->machine_only)
        blend.bayes = 0;
    else
        kt_linear_bayes(r, skip, bayes, bias);
    for (size_t w = 0; w < n; w++)
        m->weight[w] = blend.machine * m->weight[w] + blend.bayes * bayes[w];
    for (uint32_t c = 0; c < k; c++)
        m->bias[c] = blend.machine * m->bias[c] + blend.bayes * bias[c];
    kt_free(bayes);
    kt_free(bias);
    kt_free(skip);
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

void kt_linear_round(kt_linear *m)
{
    float *unit = kt_alloc_array(m->n_labels, sizeof(*unit));
    label_units(m, unit);
    for (size_t f = 0; f < m->n_seen; f++)
        for (uint32_t c = 0; c < m->n_labels; c++) {
            float *w = &m->weight[f * m->n_labels + c];
            *w = from_fraction(to_fraction(*w, unit[c]), unit[c]);
        }
    kt_free(unit);
}

/* Bytes from one row to the next: so many that none lies in more lines of the cache than it must. */
static size_t packed_bytes(uint32_t n_labels)
{
    size_t need = n_labels * sizeof(int16_t), n = BLOCK * sizeof(int16_t);
    while (n < need && n < LINE)
        n *= 2;
    return n < need ? (need + LINE - 1) / LINE * LINE : n;
}

void kt_linear_pack(kt_linear *m)
{
    if ((size_t)m->n_seen * m->n_labels * sizeof(*m->weight) < PACK_BYTES)
        return;
    m->packed_bytes = packed_bytes(m->n_labels);
    size_t bytes = (size_t)m->n_seen * m->packed_bytes;
    m->packed_memory = kt_alloc(bytes + LINE);
    kt_mem_huge(m->packed_memory, bytes + LINE);
    m->packed = (int16_t *)(((uintptr_t)m->packed_memory + LINE - 1) / LINE * LINE);
    m->unit = kt_alloc_array(m->n_labels, sizeof(*m->unit));
    label_units(m, m->unit);
    for (size_t f = 0; f < m->n_seen; f++) {
        int16_t *to = m->packed + f * m->packed_bytes / sizeof(*to);
        for (uint32_t c = 0; c < m->n_labels; c++)
            to[c] = to_fraction(m->weight[f * m->n_labels + c], m->unit[c]);
        memset(to + m->n_labels, 0, m->packed_bytes - m->n_labels * sizeof(*to)); /* read and not used */
    }
    for (uint32_t c = 0; c < m->n_labels; c++)
        m->unit[c] /= 32767;
}

void kt_linear_unpack(kt_linear *m)
{
    m->packed_memory = kt_free(m->packed_memory);
    m->packed = NULL;
    m->unit = kt_free(m->unit);
}

static bool labeled(const kt_linear_data *d, size_t row)
{
    float sum = 0;
    for (uint32_t c = 0; d->soft && c < d->n_labels; c++)
        sum += d->soft[row * d->n_labels + c];
    return (!d->row_weight || d->row_weight[row] > 0) && (d->soft ? sum > 0 : d->label[row] >= 0);
}

/* The rows of the pool behind the labelled ones. Returns the memory of their posteriors. */
static float *join_pool(const kt_linear_data *d, size_t most, uint32_t k, kt_examples *x)
{
    size_t n = d->unlabeled->n_rows, n_labeled = x->n, n_free = d->unlabeled == d->x ? n - KT_MIN(n, n_labeled) : n, at = 0;
    most = most ? KT_MIN(most, n_free) : n_free;
    float *soft = kt_zalloc_array(most + 1, k * sizeof(*soft));
    for (size_t i = 0; i < n; i++) {
        if (d->unlabeled == d->x && labeled(d, i))
            continue;
        size_t taken = x->n - n_labeled;
        if (taken < most && at * most / n_free >= taken) /* evenly, whatever the pool is sorted by */
            KT_PUSH(x, (kt_example){ d->unlabeled, i, soft + taken * k, -1, 1, false, 0 });
        at++;
    }
    return soft;
}

static void fit(const kt_linear_data *d, const kt_linear_options *o, kt_pool *pool, kt_examples *x, kt_linear *m)
{
    size_t n_labeled = x->n;
    float *soft = NULL;
    if (d->unlabeled && o->prior_weight != 0 && !o->machine_only)
        soft = join_pool(d, o->max_unlabeled, m->n_labels, x);
    kt_train_rows r;
    kt_train_rows_init(x->v, x->n, m->n_labels, m->row_of, &m->n_seen, &r);
    m->room = m->n_seen;
    m->weight = kt_alloc_array((size_t)m->n_seen + 1, m->n_labels * sizeof(*m->weight));
    kt_mem_huge(m->weight, (size_t)m->n_seen * m->n_labels * sizeof(*m->weight));
    m->bias = kt_zalloc_array(m->n_labels, sizeof(*m->bias));
    train(m, &r, n_labeled, x->v, soft, o, pool);
    kt_train_rows_done(&r);
    kt_free(soft);
    kt_linear_round(m);
    kt_linear_pack(m);
}

kt_rc kt_linear_fit(const kt_linear_data *d, const kt_linear_options *o, kt_pool *pool, kt_linear *ret, kt_err *err)
{
    if (o->bits < 8 || o->bits > 24)
        return kt_fail(err, KT_RANGE, "feature bits %u are outside 8..24", o->bits);
    if (d->n_labels < 2 || d->n_labels > 65535)
        return kt_fail(err, KT_RANGE, "%u labels; a classifier needs 2..65535", d->n_labels);
    kt_examples x = { 0 };
    kt_rc rc = gather(d, &x, err);
    if (rc == 0) {
        *ret = (kt_linear){ .n_labels = d->n_labels, .bits = o->bits, .row_of = kt_zalloc_array((size_t)1 << o->bits, 4) };
        fit(d, o, pool, &x, ret);
    }
    KT_VEC_DONE(&x);
    return rc;
}

void kt_linear_done(kt_linear *m)
{
    m->row_of = kt_free(m->row_of);
    m->weight = kt_free(m->weight);
    m->bias = kt_free(m->bias);
    kt_linear_unpack(m);
    m->n_seen = m->n_labels = 0;
}

typedef struct predict_job {
    const kt_linear *m;
    const kt_features *x;
    float *ret;
} predict_job;

static void predict_part(void *ctx, size_t part)
{
    const predict_job *j = ctx;
    uint32_t k = j->m->n_labels;
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(j->x->n_rows, (part + 1) * CHUNK_ROWS); i++) {
        float *z = j->ret + i * k;
        memcpy(z, j->m->bias, k * sizeof(*z));
        kt_linear_scores(j->m, j->x, i, z);
        kt_linear_softmax(z, k);
    }
}

void kt_linear_predict(const kt_linear *m, const kt_features *x, kt_pool *pool, float *ret_prob)
{
    predict_job j = { m, x, ret_prob };
    kt_pool_run(pool, (x->n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS, predict_part, &j);
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
        kt_linear_scores(j->m, j->x, i, z);
        kt_linear_softmax(z, n);
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

static kt_rc fit_flat(const kt_linear_data *d, const void *ctx, const kt_linear_options *o, kt_pool *pool, kt_linear *ret, kt_err *err)
{
    (void)ctx;
    return kt_linear_fit(d, o, pool, ret, err);
}

kt_rc kt_linear_cross(const kt_linear_data *d, const kt_linear_options *o, uint32_t folds, kt_pool *pool, float *ret_prob, kt_err *err)
{
    return kt_linear_cross_by(d, fit_flat, NULL, o, folds, pool, ret_prob, err);
}

kt_rc kt_linear_cross_by(const kt_linear_data *d, kt_linear_fit_fn *fit_fn, const void *ctx, const kt_linear_options *o, uint32_t folds,
                         kt_pool *pool, float *ret_prob, kt_err *err)
{
    size_t n = d->x->n_rows;
    uint32_t k = d->n_labels;
    uint8_t *fold = kt_alloc(n + 1);
    float *weight = kt_alloc_array(n + 1, sizeof(*weight)), *prob = kt_alloc_array(n + 1, k * sizeof(*prob));
    kt_rc rc = kt_folds_draw(n, d->group, folds, o->seed, fold, err);
    if (rc == 0)
        memset(ret_prob, 0, n * k * sizeof(*ret_prob));
    for (uint32_t f = 0; f < folds && rc == 0; f++) {
        kt_linear_data part = *d;
        kt_linear m;
        part.row_weight = weight;
        for (size_t i = 0; i < n; i++)
            weight[i] = fold[i] == f ? 0 : d->row_weight ? d->row_weight[i] : 1;
        if ((rc = fit_fn(&part, ctx, o, pool, &m, err)) != 0)
            break;
        kt_linear_predict(&m, d->x, pool, prob);
        for (size_t i = 0; i < n; i++)
            if (fold[i] == f && labeled(d, i))
                memcpy(ret_prob + i * k, prob + i * k, k * sizeof(*prob));
        kt_linear_done(&m);
    }
    kt_free(weight);
    kt_free(prob);
    kt_free(fold);
    return rc;
}

uint32_t kt_linear_feature(kt_linear *m, uint32_t index)
{
    kt_linear_unpack(m); /* the caller is about to change weights */
    if (m->row_of[index])
        return m->row_of[index];
    if (m->n_seen == m->room) {
        m->room += m->room / 8 + 1024;
        m->weight = kt_realloc(m->weight, (size_t)m->room * m->n_labels * sizeof(*m->weight));
    }
    memset(m->weight + (size_t)m->n_seen * m->n_labels, 0, m->n_labels * sizeof(*m->weight));
    return m->row_of[index] = ++m->n_seen;
}

void kt_linear_update(kt_linear *m, const kt_features *x, size_t row, uint32_t label)
{
    KT_ASSERT(label < m->n_labels);
    uint32_t k = m->n_labels, rival = label == 0;
    float *z = kt_alloc_array(k, sizeof(*z)), norm2 = 1;
    memcpy(z, m->bias, k * sizeof(*z));
    kt_linear_scores(m, x, row, z);
    for (uint32_t c = 0; c < k; c++)
        if (c != label && z[c] > z[rival])
            rival = c;
    for (size_t e = x->start[row]; e < x->start[row + 1]; e++)
        norm2 += x->value[e] * x->value[e];
    float lack = 1 + z[rival] - z[label], step = lack / (2 * norm2 + 0.5f); /* aggressiveness 1 */
    kt_free(z);
    if (lack <= 0)
        return;
    m->bias[label] += step;
    m->bias[rival] -= step;
    for (size_t e = x->start[row]; e < x->start[row + 1]; e++) {
        size_t f = kt_linear_feature(m, x->index[e]) - 1; /* may move the weights */
        float *w = m->weight + f * k;
        w[label] += step * x->value[e];
        w[rival] -= step * x->value[e];
    }
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
        !kt_varint_read(b, &at, &n_seen) || bits < 8 || bits > 24 || k < 1 || k > 65535 || n_seen > (uint64_t)1 << bits ||
        b.n - at < 8 * k || (b.n - at - 8 * k) / (2 * k + 1) < n_seen)
        return kt_fail(err, KT_CORRUPT, "these bytes are no linear model");
    float *unit = kt_alloc_array(k, sizeof(*unit));
    kt_linear m = { .n_labels = (uint32_t)k, .bits = (uint32_t)bits, .n_seen = (uint32_t)n_seen, .room = (uint32_t)n_seen };
    m.row_of = kt_zalloc_array((size_t)1 << bits, sizeof(*m.row_of));
    m.weight = kt_alloc_array(n_seen + 1, k * sizeof(*m.weight));
    kt_mem_huge(m.weight, n_seen * k * sizeof(*m.weight));
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
    kt_linear_pack(&m);
    *ret = m;
    return KT_OK;
}
