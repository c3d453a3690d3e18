/* Several labels an item. The machines of linear_descend.c are one-vs-rest as they are; only the way from margins to probabilities differs. */
#include "algo/learn/linear_multi.h"

#include "algo/learn/linear_int.h"
#include "algo/learn/folds.h"

#include <math.h>

enum { FOLDS = 3, CHUNK_ROWS = 256, NEWTON = 30 };

static double cost_of(const kt_linear_options *o)
{
    return o->cost > 0 ? o->cost : 1;
}

static uint32_t epochs_of(const kt_linear_options *o)
{
    return o->epochs ? o->epochs : 8;
}

/* Margins of every row by machines trained without its fold: n × n_labels. weight, bias: working space. */
static void held_back(const kt_train_rows *r, const uint8_t *fold, uint32_t folds, const kt_linear_options *o, kt_pool *pool, float *weight,
                      float *bias, float *ret)
{
    uint32_t k = r->n_labels;
    uint8_t *skip = kt_alloc(r->n + 1);
    for (uint8_t f = 0; f < folds; f++) {
        for (size_t i = 0; i < r->n; i++)
            skip[i] = fold[i] == f;
        kt_linear_descend(r, skip, cost_of(o), epochs_of(o), o->seed, pool, weight, bias);
        for (size_t i = 0; i < r->n; i++)
            if (fold[i] == f) {
                memcpy(ret + i * k, bias, k * sizeof(*bias));
                kt_train_rows_scores(r, i, weight, 1, ret + i * k);
            }
    }
    kt_free(skip);
}

/* Scale and shift of the logistic curve, by Newton's method with a weak ridge; of the judged rows. margin: n × k. */
static void fit_curve(const float *margin, const kt_example *e, size_t n, uint32_t k, double *ret_scale, double *ret_shift)
{
    double a = 2, b = 0;
    for (int step = 0; step < NEWTON; step++) {
        double ga = 1e-3 * (a - 2), gb = 1e-3 * b, haa = 1e-3, hab = 0, hbb = 1e-3;
        for (size_t i = 0; i < n * k; i++) {
            if (!e[i / k].judged)
                continue;
            double z = (double)margin[i], p = 1 / (1 + exp(-(a * z + b))), off = p - (double)e[i / k].soft[i % k], v = p * (1 - p);
            ga += off * z;
            gb += off;
            haa += v * z * z;
            hab += v * z;
            hbb += v;
        }
        double det = haa * hbb - hab * hab, by_a = (hbb * ga - hab * gb) / det, by_b = (haa * gb - hab * ga) / det;
        double most = KT_MAX(fabs(by_a), fabs(by_b)), damp = most > 2 ? 2 / most : 1;
        a = KT_MAX(0.1, a - damp * by_a);
        b -= damp * by_b;
        if (most < 1e-4)
            break;
    }
    *ret_scale = a;
    *ret_shift = b;
}

static kt_rc check(const kt_features *x, uint32_t n_labels, const float *has, const kt_linear_options *o, kt_err *err)
{
    if (o->bits < 8 || o->bits > 24)
        return kt_fail(err, KT_RANGE, "feature bits %u are outside 8..24", o->bits);
    if (!n_labels || n_labels > 65535 || !x->n_rows)
        return kt_fail(err, KT_RANGE, "%zu rows and %u labels; both are needed, and at most 65535 labels", x->n_rows, n_labels);
    for (size_t i = 0; i < x->n_rows * n_labels; i++)
        if (!(has[i] >= 0 && has[i] <= 1))
            return kt_fail(err, KT_RANGE, "row %zu, label %zu: share %g is outside 0..1", i / n_labels, i % n_labels, (double)has[i]);
    return KT_OK;
}

/* The rows, the space of a model, and margins out of fold with the curve that suits them. */
typedef struct multi_fit {
    kt_example *e;
    kt_train_rows r;
    kt_linear m;
    float *margin;
    double scale, shift;
} multi_fit;

static kt_rc begin(multi_fit *f, const kt_linear_data *d, uint32_t folds, const kt_linear_options *o, kt_pool *pool, kt_err *err)
{
    const kt_features *x = d->x;
    uint32_t k = d->n_labels;
    *f = (multi_fit){ 0 };
    KT_TRY(check(x, k, d->soft, o, err));
    uint8_t *fold = kt_alloc(x->n_rows);
    size_t n = 0;
    f->e = kt_alloc_array(x->n_rows, sizeof(*f->e));
    kt_rc rc = kt_folds_draw(x->n_rows, d->group, folds, o->seed, fold, err);
    for (size_t i = 0; i < x->n_rows && rc == 0; i++) {
        float w = d->row_weight ? d->row_weight[i] : 1;
        if (w <= 0)
            continue;
        fold[n] = fold[i];
        f->e[n++] = (kt_example){ x, i, d->soft + i * k, -1, w, !d->judged || d->judged[i], 0 };
    }
    if (rc == 0 && !n)
        rc = kt_fail(err, KT_RANGE, "no row has a label to learn from");
    if (rc < 0) {
        kt_free(fold);
        f->e = kt_free(f->e);
        return rc;
    }
    f->m = (kt_linear){ .n_labels = k, .bits = o->bits, .row_of = kt_zalloc_array((size_t)1 << o->bits, sizeof(*f->m.row_of)) };
    kt_train_rows_init(f->e, n, k, f->m.row_of, &f->m.n_seen, &f->r);
    f->m.room = f->m.n_seen;
    f->m.weight = kt_alloc_array((size_t)f->m.n_seen + 1, k * sizeof(*f->m.weight));
    f->m.bias = kt_zalloc_array(k, sizeof(*f->m.bias));
    f->margin = kt_zalloc_array(n, k * sizeof(*f->margin));
    held_back(&f->r, fold, folds, o, pool, f->m.weight, f->m.bias, f->margin);
    kt_free(fold);
    fit_curve(f->margin, f->e, n, k, &f->scale, &f->shift);
    return KT_OK;
}

static void end(multi_fit *f)
{
    kt_train_rows_done(&f->r);
    kt_free(f->margin);
    kt_free(f->e);
}

kt_rc kt_linear_multi_fit_rows(const kt_linear_data *d, const kt_linear_options *o, kt_pool *pool, kt_linear *ret, kt_err *err)
{
    multi_fit f;
    uint32_t k = d->n_labels;
    KT_TRY(begin(&f, d, FOLDS, o, pool, err));
    kt_linear_descend(&f.r, NULL, cost_of(o), epochs_of(o), o->seed, pool, f.m.weight, f.m.bias);
    for (size_t w = 0; w < (size_t)f.m.n_seen * k; w++)
        f.m.weight[w] *= (float)f.scale;
    for (uint32_t c = 0; c < k; c++)
        f.m.bias[c] = (float)(f.scale * (double)f.m.bias[c] + f.shift);
    end(&f);
    kt_linear_round(&f.m);
    kt_linear_pack(&f.m);
    *ret = f.m;
    return KT_OK;
}

kt_rc kt_linear_multi_cross_rows(const kt_linear_data *d, const kt_linear_options *o, uint32_t folds, kt_pool *pool, float *ret_prob, kt_err *err)
{
    multi_fit f;
    uint32_t k = d->n_labels;
    KT_TRY(begin(&f, d, folds, o, pool, err));
    for (size_t i = 0; i < f.r.n * k; i++)
        ret_prob[f.e[i / k].row * k + i % k] = (float)(1 / (1 + exp(-(f.scale * (double)f.margin[i] + f.shift))));
    end(&f);
    kt_linear_done(&f.m);
    return KT_OK;
}

kt_rc kt_linear_multi_fit(const kt_features *x, uint32_t n_labels, const float *has, const uint64_t *group, const kt_linear_options *o,
                          kt_pool *pool, kt_linear *ret, kt_err *err)
{
    const kt_linear_data d = { .x = x, .n_labels = n_labels, .soft = has, .group = group };
    return kt_linear_multi_fit_rows(&d, o, pool, ret, err);
}

kt_rc kt_linear_multi_cross(const kt_features *x, uint32_t n_labels, const float *has, const uint64_t *group, const kt_linear_options *o,
                            uint32_t folds, kt_pool *pool, float *ret_prob, kt_err *err)
{
    const kt_linear_data d = { .x = x, .n_labels = n_labels, .soft = has, .group = group };
    return kt_linear_multi_cross_rows(&d, o, folds, pool, ret_prob, err);
}

void kt_linear_multi_update(kt_linear *m, const kt_features *x, size_t row, const float *has)
{
    uint32_t k = m->n_labels;
    float *step = kt_alloc_array(k, sizeof(*step)), norm2 = 1;
    memcpy(step, m->bias, k * sizeof(*step));
    kt_linear_scores(m, x, row, step);
    for (size_t e = x->start[row]; e < x->start[row + 1]; e++)
        norm2 += x->value[e] * x->value[e];
    for (uint32_t c = 0; c < k; c++) {
        float y = has[c] > 0.5f ? 1 : -1, lack = 1 - y * step[c];
        step[c] = lack > 0 ? y * lack / (norm2 + 0.5f) : 0;
        m->bias[c] += step[c];
    }
    for (size_t e = x->start[row]; e < x->start[row + 1]; e++) {
        size_t f = kt_linear_feature(m, x->index[e]) - 1;
        for (uint32_t c = 0; c < k; c++)
            m->weight[f * k + c] += step[c] * x->value[e];
    }
    kt_free(step);
}

typedef struct multi_job {
    const kt_linear *m;
    const kt_features *x;
    float *ret;
} multi_job;

static void multi_part(void *ctx, size_t part)
{
    const multi_job *j = ctx;
    uint32_t k = j->m->n_labels;
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(j->x->n_rows, (part + 1) * CHUNK_ROWS); i++) {
        float *z = j->ret + i * k;
        memcpy(z, j->m->bias, k * sizeof(*z));
        kt_linear_scores(j->m, j->x, i, z);
        for (uint32_t c = 0; c < k; c++)
            z[c] = 1 / (1 + expf(-z[c]));
    }
}

void kt_linear_multi_predict(const kt_linear *m, const kt_features *x, kt_pool *pool, float *ret_prob)
{
    multi_job j = { m, x, ret_prob };
    kt_pool_run(pool, (x->n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS, multi_part, &j);
}
