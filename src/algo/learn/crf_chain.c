/* Inference on one chain. Potentials are shifted by the largest of a token before they are exponentiated, and every token's forward
   probabilities sum to 1, so no sentence is too long; a floor keeps what is merely unlikely above zero. */
#include "algo/learn/crf_int.h"

#include <math.h>

static const double FLOOR = 1e-100;
static const float NEVER = -1e30f;

void kt_chain_init(kt_chain *c, uint32_t k)
{
    *c = (kt_chain){ .k = k, .first = kt_alloc_array(k, sizeof(double)), .next = kt_alloc_array((size_t)k * k, sizeof(double)) };
}

void kt_chain_done(kt_chain *c)
{
    kt_free(c->psi);
    kt_free(c->alpha);
    kt_free(c->beta);
    kt_free(c->scale);
    kt_free(c->top);
    kt_free(c->first);
    kt_free(c->next);
}

static void reserve(kt_chain *c, size_t n)
{
    if (n <= c->room)
        return;
    c->room = KT_MAX(n, 2 * c->room);
    c->psi = kt_realloc(c->psi, c->room * c->k * sizeof(double));
    c->alpha = kt_realloc(c->alpha, c->room * c->k * sizeof(double));
    c->beta = kt_realloc(c->beta, c->room * c->k * sizeof(double));
    c->scale = kt_realloc(c->scale, c->room * sizeof(double));
    c->top = kt_realloc(c->top, c->room * sizeof(double));
}

void kt_chain_links(kt_chain *c, const float *first, const float *next)
{
    for (uint32_t a = 0; a < c->k; a++) {
        c->first[a] = kt_crf_may_follow(a, UINT32_MAX) ? exp((double)first[a]) : 0;
        for (uint32_t b = 0; b < c->k; b++)
            c->next[a * c->k + b] = kt_crf_may_follow(b, a) ? exp((double)next[a * c->k + b]) : 0;
    }
}

static void forward(kt_chain *c, size_t t)
{
    uint32_t k = c->k;
    double *to = c->alpha + t * k, sum = 0;
    const double *from = to - k, *psi = c->psi + t * k;
    for (uint32_t b = 0; b < k; b++)
        to[b] = t ? 0 : c->first[b];
    for (uint32_t a = 0; t && a < k; a++)
        for (uint32_t b = 0; b < k; b++)
            to[b] += from[a] * c->next[a * k + b];
    for (uint32_t b = 0; b < k; b++)
        sum += to[b] *= psi[b];
    c->scale[t] = sum;
    for (uint32_t b = 0; b < k; b++)
        to[b] /= sum;
}

static void backward(kt_chain *c, size_t t)
{
    uint32_t k = c->k;
    double *to = c->beta + t * k;
    const double *from = to + k, *psi = c->psi + (t + 1) * k;
    for (uint32_t a = 0; a < k; a++) {
        to[a] = t + 1 == c->n;
        for (uint32_t b = 0; t + 1 < c->n && b < k; b++)
            to[a] += c->next[a * k + b] * psi[b] * from[b] / c->scale[t + 1];
    }
}

double kt_chain_run(kt_chain *c, const float *z, size_t n)
{
    uint32_t k = c->k;
    double log_sum = 0;
    reserve(c, n);
    c->n = n;
    for (size_t t = 0; t < n; t++) {
        float top = z[t * k];
        for (uint32_t b = 1; b < k; b++)
            top = KT_MAX(top, z[t * k + b]);
        for (uint32_t b = 0; b < k; b++)
            c->psi[t * k + b] = KT_MAX(FLOOR, exp((double)z[t * k + b] - (double)top));
        forward(c, t);
        log_sum += log(c->scale[t]) + (double)top;
    }
    for (size_t t = n; t-- > 0;)
        backward(c, t);
    return log_sum;
}

double kt_chain_edge(const kt_chain *c, size_t at, uint32_t a, uint32_t b)
{
    uint32_t k = c->k;
    return c->alpha[(at - 1) * k + a] * c->next[a * k + b] * c->psi[at * k + b] * c->beta[at * k + b] / c->scale[at];
}

double kt_chain_span(const kt_chain *c, size_t first, size_t last, uint32_t type)
{
    uint32_t k = c->k, in = 2 + 2 * type, tag = in - 1;
    double p = c->alpha[first * k + tag], after = 0;
    for (size_t t = first + 1; t <= last; t++, tag = in)
        p *= c->next[tag * k + in] * c->psi[t * k + in] / c->scale[t];
    if (last + 1 == c->n)
        return p;
    for (uint32_t b = 0; b < k; b++)
        if (b != in)
            after += c->next[tag * k + b] * c->psi[(last + 1) * k + b] * c->beta[(last + 1) * k + b] / c->scale[last + 1];
    return p * after;
}

void kt_chain_best(const float *z, size_t n, uint32_t k, const float *first, const float *next, int32_t *ret)
{
    float *best = kt_alloc_array(2 * (size_t)k, sizeof(*best)), *was = best, *is = best + k;
    uint16_t *from = kt_alloc_array(n + 1, k * sizeof(*from));
    for (size_t t = 0; t < n; t++) {
        for (uint32_t b = 0; b < k; b++) {
            is[b] = t ? NEVER : kt_crf_may_follow(b, UINT32_MAX) ? first[b] : NEVER;
            for (uint32_t a = 0; t && a < k; a++)
                if (kt_crf_may_follow(b, a) && was[a] + next[a * k + b] > is[b]) {
                    is[b] = was[a] + next[a * k + b];
                    from[t * k + b] = (uint16_t)a;
                }
            is[b] += z[t * k + b];
        }
        float *s = was;
        was = is;
        is = s;
    }
    uint32_t at = 0;
    for (uint32_t b = 1; n && b < k; b++)
        if (was[b] > was[at])
            at = b;
    for (size_t t = n; t-- > 0;) {
        ret[t] = (int32_t)at;
        at = t ? from[t * k + at] : 0;
    }
    kt_free(best);
    kt_free(from);
}

double kt_chain_score(const float *z, size_t n, uint32_t k, const float *first, const float *next, const int32_t *tag)
{
    double s = 0;
    for (size_t t = 0; t < n; t++)
        s += (double)z[t * k + (size_t)tag[t]] + (double)(t ? next[(size_t)tag[t - 1] * k + (size_t)tag[t]] : first[tag[t]]);
    return s;
}
