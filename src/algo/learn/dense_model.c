/* Rows of numbers as rows of features: every column is a feature whose value is its deviation in standard deviations, over the root of their
   number, so that a row has about norm 1, which is what the machine's cost is made for. */
#include "algo/learn/dense_model.h"

#include "algo/learn/linear_int.h"

#include <math.h>

enum { PIECE = 4096 };

const kt_setting kt_dense_settings[] = {
    { .name = "epochs", .help = "visits to each row", .kind = KT_SET_INT, .offset = offsetof(kt_dense_options, epochs), .min = 1, .max = 1000 },
    { .name = "cost", .help = "of a row's loss against the weights' size", .kind = KT_SET_FLOAT, .offset = offsetof(kt_dense_options, cost),
      .min = 1e-6, .max = 1e6 },
    { .name = NULL },
};

static uint32_t bits_for(uint32_t d)
{
    uint32_t bits = 8;
    while ((uint32_t)1 << bits < d)
        bits++;
    return bits;
}

static kt_rc check(const kt_dense_data *d, kt_err *err)
{
    if (!d->d || d->d > KT_DENSE_MAX_COLUMNS)
        return kt_fail(err, KT_RANGE, "%u columns; 1..%d are taken", d->d, KT_DENSE_MAX_COLUMNS);
    for (size_t i = 0; i < d->n * d->d; i++)
        if (!isfinite(d->x[i]))
            return kt_fail(err, KT_RANGE, "row %zu, column %zu is no finite number", i / d->d, i % d->d);
    return KT_OK;
}

/* Mean and spread of every column; one that never changes is left out by a scale of 0. */
static void measure(const kt_dense_data *d, kt_dense_model *m)
{
    double *sum = kt_zalloc_array(d->d, 2 * sizeof(*sum)), *square = sum + d->d;
    for (size_t i = 0; i < d->n; i++)
        for (uint32_t c = 0; c < d->d; c++)
            sum[c] += (double)d->x[i * d->d + c];
    for (uint32_t c = 0; c < d->d; c++)
        m->mean[c] = (float)(sum[c] / (double)KT_MAX(d->n, (size_t)1));
    for (size_t i = 0; i < d->n; i++)
        for (uint32_t c = 0; c < d->d; c++) {
            double off = (double)d->x[i * d->d + c] - (double)m->mean[c];
            square[c] += off * off;
        }
    for (uint32_t c = 0; c < d->d; c++) {
        double sd = sqrt(square[c] / (double)KT_MAX(d->n, (size_t)1));
        m->scale[c] = sd > 1e-6 * (1 + fabs((double)m->mean[c])) ? (float)(1 / (sd * sqrt((double)d->d))) : 0;
    }
    kt_free(sum);
}

static kt_features rows_of(const kt_dense_model *m, const float *x, size_t n)
{
    uint32_t used = 0;
    for (uint32_t c = 0; c < m->d; c++)
        used += m->scale[c] > 0;
    kt_features f = { .n_rows = n, .start = kt_alloc_array(n + 1, sizeof(*f.start)), .index = kt_alloc_array(n * used + 1, sizeof(*f.index)),
                      .value = kt_alloc_array(n * used + 1, sizeof(*f.value)) };
    size_t at = 0;
    for (size_t i = 0; i <= n; i++)
        f.start[i] = i * used;
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < m->d; c++)
            if (m->scale[c] > 0) {
                f.index[at] = c;
                f.value[at++] = (x[i * m->d + c] - m->mean[c]) * m->scale[c];
            }
    return f;
}

static kt_linear_options options(const kt_dense_options *o, uint32_t d)
{
    kt_linear_options l = KT_LINEAR_OPTIONS_INIT;
    l.bits = bits_for(d);
    l.cost = o->cost;
    l.epochs = o->epochs;
    l.seed = o->seed;
    l.machine_only = true;
    return l;
}

static kt_dense_model blank(uint32_t d)
{
    return (kt_dense_model){ .d = d, .mean = kt_alloc_array(d, sizeof(float)), .scale = kt_alloc_array(d, sizeof(float)) };
}

kt_rc kt_dense_fit(const kt_dense_data *d, const kt_dense_options *o, kt_pool *pool, kt_dense_model *ret, kt_err *err)
{
    KT_TRY(check(d, err));
    kt_dense_model m = blank(d->d);
    measure(d, &m);
    kt_features x = rows_of(&m, d->x, d->n);
    kt_linear_data ld = { .x = &x, .n_labels = d->n_labels, .label = d->label, .group = d->group };
    kt_linear_options l = options(o, d->d);
    kt_rc rc = kt_linear_fit(&ld, &l, pool, &m.linear, err);
    kt_features_done(&x);
    if (rc == 0)
        *ret = m;
    else
        kt_dense_model_done(&m);
    return rc;
}

void kt_dense_model_done(kt_dense_model *m)
{
    m->mean = kt_free(m->mean);
    m->scale = kt_free(m->scale);
    kt_linear_done(&m->linear);
}

kt_rc kt_dense_cross(const kt_dense_data *d, const kt_dense_options *o, uint32_t folds, kt_pool *pool, float *ret_prob, kt_err *err)
{
    KT_TRY(check(d, err));
    kt_dense_model m = blank(d->d);
    measure(d, &m);
    kt_features x = rows_of(&m, d->x, d->n);
    kt_linear_data ld = { .x = &x, .n_labels = d->n_labels, .label = d->label, .group = d->group };
    kt_linear_options l = options(o, d->d);
    kt_rc rc = kt_linear_cross(&ld, &l, folds, pool, ret_prob, err);
    kt_features_done(&x);
    kt_dense_model_done(&m);
    return rc;
}

kt_rc kt_dense_predict(const kt_dense_model *m, const float *x, size_t n, kt_pool *pool, float *ret_prob, kt_err *err)
{
    kt_dense_data d = { .x = x, .n = n, .d = m->d };
    KT_TRY(check(&d, err));
    for (size_t at = 0; at < n; at += PIECE) {
        size_t some = KT_MIN(n - at, (size_t)PIECE);
        kt_features f = rows_of(m, x + at * m->d, some);
        kt_linear_predict(&m->linear, &f, pool, ret_prob + at * m->linear.n_labels);
        kt_features_done(&f);
    }
    return KT_OK;
}

kt_rc kt_dense_update(kt_dense_model *m, const float *x, uint32_t label, kt_err *err)
{
    kt_dense_data d = { .x = x, .n = 1, .d = m->d };
    KT_TRY(check(&d, err));
    if (label >= m->linear.n_labels)
        return kt_fail(err, KT_RANGE, "label %u of %u labels", label, m->linear.n_labels);
    kt_features f = rows_of(m, x, 1);
    kt_linear_update(&m->linear, &f, 0, label);
    kt_features_done(&f);
    return KT_OK;
}

kt_rc kt_dense_explain(const kt_dense_model *m, const float *x, uint32_t label, float *ret, kt_err *err)
{
    const kt_linear *l = &m->linear;
    kt_dense_data d = { .x = x, .n = 1, .d = m->d };
    KT_TRY(check(&d, err));
    if (label >= l->n_labels)
        return kt_fail(err, KT_RANGE, "label %u of %u labels", label, l->n_labels);
    for (uint32_t c = 0; c < m->d; c++) {
        const float *w = l->row_of[c] ? l->weight + (size_t)(l->row_of[c] - 1) * l->n_labels : NULL;
        float mean = 0;
        for (uint32_t k = 0; w && k < l->n_labels; k++)
            mean += w[k] / (float)l->n_labels;
        ret[c] = w ? (x[c] - m->mean[c]) * m->scale[c] * (w[label] - mean) : 0;
    }
    return KT_OK;
}

/* "KTD1", columns; means and scales as floats; then the linear model. */
void kt_dense_bytes(const kt_dense_model *m, kt_buf *ret)
{
    kt_buf_add(ret, "KTD1", 4);
    kt_buf_varint(ret, m->d);
    kt_buf_add(ret, m->mean, m->d * sizeof(float));
    kt_buf_add(ret, m->scale, m->d * sizeof(float));
    kt_linear_bytes(&m->linear, ret);
}

kt_rc kt_dense_from_bytes(kt_str b, kt_dense_model *ret, kt_err *err)
{
    size_t at = 4;
    uint64_t d;
    if (b.n < 4 || memcmp(b.p, "KTD1", 4) != 0 || !kt_varint_read(b, &at, &d) || !d || d > KT_DENSE_MAX_COLUMNS || (b.n - at) / 8 < d)
        return kt_fail(err, KT_CORRUPT, "these bytes are no linear model of numbers");
    kt_dense_model m = blank((uint32_t)d);
    memcpy(m.mean, b.p + at, d * sizeof(float));
    memcpy(m.scale, b.p + at + d * sizeof(float), d * sizeof(float));
    bool good = true;
    for (size_t c = 0; c < d; c++)
        good = good && isfinite(m.mean[c]) && m.scale[c] >= 0 && isfinite(m.scale[c]);
    at += 2 * d * sizeof(float);
    kt_rc rc = good ? kt_linear_from_bytes((kt_str){ b.p + at, b.n - at }, &m.linear, err)
                    : kt_fail(err, KT_CORRUPT, "a column's scale is no number it can have");
    if (rc == 0 && m.linear.bits != bits_for(m.d))
        rc = kt_fail(err, KT_CORRUPT, "the model's parts do not fit each other");
    if (rc == 0)
        *ret = m;
    else
        kt_dense_model_done(&m);
    return rc;
}
