#include "algo/denoise/lf_codes.h"

#include <string.h>

kt_lf_codes kt_lf_codes_of(uint32_t n_functions, uint32_t n_labels, size_t most)
{
    kt_lf_codes c = { n_functions, n_labels, 1, 0, n_labels + 1 };
    for (; c.n_codes * (n_labels + 1) <= most && c.per_group < n_functions; c.n_codes *= n_labels + 1)
        c.per_group++;
    c.n_groups = (n_functions + c.per_group - 1) / c.per_group;
    return c;
}

void kt_lf_codes_block(const kt_lf_codes *c, const kt_lf_columns *v, uint32_t g, size_t first, size_t n, uint32_t *ret)
{
    uint32_t from = g * c->per_group, to = KT_MIN(from + c->per_group, c->n_functions), power = 1;
    memset(ret, 0, n * sizeof(*ret));
    for (uint32_t j = from; j < to; j++, power *= c->n_labels + 1) {
        const int16_t *vote = v->vote[j] + first * v->stride;
        for (size_t i = 0; i < n; i++)
            ret[i] += power * (uint32_t)(vote[i * v->stride] + 1);
    }
}

void kt_lf_codes_table(const kt_lf_codes *c, const double *log_likelihood, double *ret)
{
    uint32_t k = c->n_labels;
    memset(ret, 0, c->n_groups * c->n_codes * k * sizeof(*ret));
    for (uint32_t g = 0; g < c->n_groups; g++)
        for (size_t code = 0; code < c->n_codes; code++) {
            double *row = ret + (g * c->n_codes + code) * k;
            uint32_t last = KT_MIN((g + 1) * c->per_group, c->n_functions);
            for (size_t j = g * c->per_group, rest = code; j < last; j++, rest /= k + 1)
                for (uint32_t x = 0; x < k && rest % (k + 1) > 0; x++)
                    row[x] += log_likelihood[(j * k + rest % (k + 1) - 1) * k + x];
        }
}

/* e^x for x <= 0, to a few units in the last place: x = n ln 2 + r, a polynomial for e^r, n into the exponent. Without branches
   or a call, so that a loop over it becomes vector code, which the C library's cannot. */
static inline double exp_falling(double x)
{
    const double shift = 0x1.8p52; /* adding it rounds to a whole number, which then stands in the low bits */
    x = x < -700 ? -700 : x;
    double t = x * 0x1.71547652b82fep0 + shift, n = t - shift;
    double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    double p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1;
    p = p * r + 1;
    uint64_t bits;
    memcpy(&bits, &t, sizeof(bits));
    bits = (bits + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof(power));
    return p * power;
}

static inline __attribute__((always_inline)) void softmax(double *p, size_t n, uint32_t k)
{
    for (size_t i = 0; i < n; i++) {
        double *row = p + i * k, top = row[0];
        for (uint32_t c = 1; c < k; c++)
            top = row[c] > top ? row[c] : top;
        for (uint32_t c = 0; c < k; c++)
            row[c] -= top;
    }
    for (size_t x = 0; x < n * k; x++)
        p[x] = exp_falling(p[x]);
    for (size_t i = 0; i < n; i++) {
        double *row = p + i * k, sum = 0;
        for (uint32_t c = 0; c < k; c++)
            sum += row[c];
        sum = 1 / sum;
        for (uint32_t c = 0; c < k; c++)
            row[c] *= sum;
    }
}

void kt_lf_softmax(double *p, size_t n, uint32_t k)
{
    switch (k) {
    case 2: softmax(p, n, 2); break;
    case 3: softmax(p, n, 3); break;
    case 4: softmax(p, n, 4); break;
    case 5: softmax(p, n, 5); break;
    default: softmax(p, n, k);
    }
}
