/* The label model by matrix completion: Ratner, Hancock, Dunnmon, Sala, Pandey, Ré (2019), "Training complex models with
   multi-task weak supervision". One-hot votes X (n × m K), O = XᵀX / n, balance P = diag(p); the sought mu has
   mu[jv][c] = P(j votes v | c). Votes of different functions are independent given the class, so that off the blocks of one
   function O ≈ mu P muᵀ, and on the diagonal O ≈ mu p. Loss: both squared errors; gradient descent with momentum 0.9. */
#include "algo/denoise/denoise_int.h"

#include "base/mem.h"

#include <math.h>

#define MAX_PERMUTED 8

struct moments {
    size_t d, k; /* d = functions × K */
    double *o;   /* d × d */
    double *mu, *momentum, *grad, *scaled; /* K × d */
    double *rest; /* d */
    const double *p;
};

/* grad = -4 (M ∘ (O - mu P muᵀ)) mu P + 2 (mu p - diag O) pᵀ, M = 1 between different functions. The residual is symmetric, so
   its row a is added to the gradient as a column: all loops run along contiguous numbers and none of them sums up. mu, scaled
   and grad are K × d here. */
static inline __attribute__((always_inline)) void gradient_rows(struct moments *m)
{
    size_t d = m->d, k = m->k;
    double *restrict rest = m->rest, *restrict grad = m->grad;
    for (size_t x = 0; x < d * k; x++) {
        m->scaled[x] = m->mu[x] * m->p[x / d];
        grad[x] = 0;
    }
    for (size_t a = 0; a < d; a++) {
        for (size_t b = 0; b < d; b++)
            rest[b] = m->o[a * d + b];
        for (size_t c = 0; c < k; c++)
            for (size_t b = 0; b < d; b++)
                rest[b] -= m->mu[c * d + a] * m->scaled[c * d + b];
        for (size_t b = a / k * k; b < (a / k + 1) * k; b++)
            rest[b] = 0;
        for (size_t c = 0; c < k; c++)
            for (size_t b = 0; b < d; b++)
                grad[c * d + b] -= 4 * m->scaled[c * d + a] * rest[b];
    }
    for (size_t b = 0; b < d; b++) {
        double sum = -m->o[b * d + b];
        for (size_t c = 0; c < k; c++)
            sum += m->scaled[c * d + b];
        for (size_t c = 0; c < k; c++)
            grad[c * d + b] += 2 * sum * m->p[c];
    }
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void gradient_avx2(struct moments *m)
{
    gradient_rows(m);
}
#endif

static void gradient(struct moments *m)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        gradient_avx2(m);
        return;
    }
#endif
    gradient_rows(m);
}

static double diagonal(const struct moments *m, const size_t *column)
{
    double sum = 0;
    for (size_t x = 0; x < m->d; x++)
        sum += m->mu[column[x % m->k] * m->d + x] * m->p[x % m->k];
    return sum;
}

/* All exchanges of columns from c on among classes of equal balance; best keeps the one with the largest diagonal. */
static void search(const struct moments *m, size_t c, size_t *column, size_t *best, double *top)
{
    if (c == m->k) {
        double sum = diagonal(m, column);
        if (sum > *top) {
            *top = sum;
            memcpy(best, column, m->k * sizeof(*best));
        }
        return;
    }
    for (size_t other = c; other < m->k; other++) {
        if (other > c && fabs(round(m->p[column[other]] * 1000) - round(m->p[column[c]] * 1000)) > 0)
            continue;
        size_t kept = column[c];
        column[c] = column[other];
        column[other] = kept;
        search(m, c + 1, column, best, top);
        column[other] = column[c];
        column[c] = kept;
    }
}

/* The loss does not know which column is which class; functions are taken to be mostly right. */
static void name_columns(struct moments *m)
{
    size_t column[MAX_PERMUTED], best[MAX_PERMUTED];
    double top = -INFINITY;
    if (m->k > MAX_PERMUTED)
        return;
    for (size_t c = 0; c < m->k; c++)
        column[c] = c;
    search(m, 0, column, best, &top);
    for (size_t x = 0; x < m->d; x++) {
        double row[MAX_PERMUTED];
        for (size_t c = 0; c < m->k; c++)
            row[c] = m->mu[best[c] * m->d + x];
        for (size_t c = 0; c < m->k; c++)
            m->mu[c * m->d + x] = row[c];
    }
}

static void descend(struct moments *m, const kt_denoise_opts *o, size_t n_items)
{
    size_t d = m->d, k = m->k;
    for (size_t x = 0; x < d; x++) {
        double start = m->o[x * d + x] * o->prec_init / m->p[x % k];
        m->mu[x % k * d + x] = KT_MIN(KT_MAX(start, 0), 1) * o->init_scale;
    }
    for (int32_t epoch = 0; epoch < o->n_epochs; epoch++) {
        gradient(m);
        for (size_t x = 0; x < d * k; x++) {
            m->momentum[x] = 0.9 * m->momentum[x] + m->grad[x];
            m->mu[x] -= o->lr * m->momentum[x];
        }
    }
    double edge = KT_MIN(0.01, pow(10, -ceil(log10((double)KT_MAX(n_items, 1)))));
    for (size_t x = 0; x < d * k; x++)
        m->mu[x] = KT_MIN(KT_MAX(m->mu[x], edge), 1 - edge);
    name_columns(m);
}

kt_rc kt_denoise_moments(const kt_lf_columns *v, const kt_denoise_opts *o, kt_pool *pool, kt_arena *a, kt_label_model *ret, kt_err *err)
{
    struct moments m = { .d = (size_t)v->n_functions * v->n_labels, .k = v->n_labels, .p = ret->prior };
    if (m.d > KT_LF_MOST_CELLS) {
        kt_fail(err, KT_LIMIT, "%u functions with %u labels are more than the method moments takes", v->n_functions, v->n_labels);
        return kt_hint(err, "use method em");
    }
    for (size_t c = 0; c < m.k; c++)
        ret->prior[c] = o->class_balance ? KT_MAX(o->class_balance[c], 1e-9) : 1.0 / (double)m.k;
    ret->mu = kt_arena_array(a, m.d * m.k, sizeof(double));
    m.mu = kt_zalloc_array(m.d * m.k, sizeof(double));
    m.o = kt_zalloc_array(m.d * m.d, sizeof(double));
    m.momentum = kt_zalloc_array(m.d * m.k, sizeof(double));
    m.grad = kt_alloc_array(m.d * m.k, sizeof(double));
    m.scaled = kt_alloc_array(m.d * m.k, sizeof(double));
    m.rest = kt_alloc_array(m.d, sizeof(double));
    kt_rc rc = kt_lf_overlaps(v, pool, ret->summary, m.o, err);
    for (size_t x = 0; x < m.d * m.d; x++)
        m.o[x] /= (double)KT_MAX(v->n_items, 1);
    if (rc == 0)
        descend(&m, o, v->n_items);
    for (size_t x = 0; x < m.d * m.k && rc == 0; x++) {
        ret->mu[x] = m.mu[x % m.k * m.d + x / m.k];
        ret->log_likelihood[x] = ret->vote_weight[x / (m.k * m.k)] * log(ret->mu[x]);
    }
    for (uint32_t j = 0; j < v->n_functions; j++) {
        double right = 0, coverage = (double)ret->summary[j].votes / (double)KT_MAX(v->n_items, 1);
        for (size_t c = 0; c < m.k; c++)
            right += ret->mu[(j * m.k + c) * m.k + c] * ret->prior[c];
        ret->summary[j].accuracy = coverage > 0 ? KT_MIN(KT_MAX(right / coverage, 1e-6), 1) : NAN;
    }
    kt_free(m.mu);
    kt_free(m.o);
    kt_free(m.rest);
    kt_free(m.momentum);
    kt_free(m.grad);
    kt_free(m.scaled);
    return rc;
}
