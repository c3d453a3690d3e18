#include "algo/agree/correlation.h"

#include "algo/stats.h"
#include "base/mem.h"

#include <math.h>

const kt_correlation_opts kt_correlation_defaults = { .value = NULL };

struct placed {
    double value;
    uint32_t label;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct placed *)a)->value, y = ((const struct placed *)b)->value;
    return (x > y) - (x < y);
}

void kt_value_places(const double *value, uint32_t k, uint32_t *rank, uint32_t *ret_n)
{
    struct placed *p = kt_alloc_array((size_t)k + 1, sizeof(*p));
    bool sorted = true;
    for (uint32_t c = 0; c < k; c++) {
        p[c] = (struct placed){ value ? value[c] : c, c };
        sorted &= c == 0 || p[c].value > p[c - 1].value;
    }
    if (!sorted)
        qsort(p, k, sizeof(*p), by_value);
    uint32_t n = 0;
    for (uint32_t c = 0; c < k; c++) {
        n += c == 0 || p[c].value > p[c - 1].value;
        rank[p[c].label] = n - 1;
    }
    *ret_n = n;
    kt_free(p);
}

/* Numbers behind the labels: values, or mid-ranks r = Σ answers below + half of its own. */
static void numbers(const double *value, bool ranked, const double *count, uint32_t k, double *x)
{
    for (uint32_t c = 0; c < k; c++)
        x[c] = value ? value[c] : c;
    if (!ranked)
        return;
    uint32_t n, *rank = kt_alloc_array((size_t)k + 1, sizeof(*rank));
    double *at = kt_zalloc_array((size_t)k + 1, sizeof(*at)), before = 0;
    kt_value_places(value, k, rank, &n);
    for (uint32_t c = 0; c < k; c++)
        at[rank[c]] += count[c];
    for (uint32_t r = 0; r < n; r++) {
        double here = at[r];
        at[r] = before + here / 2;
        before += here;
    }
    for (uint32_t c = 0; c < k; c++)
        x[c] = at[rank[c]];
    kt_free(rank);
    kt_free(at);
}

static double centre(double *x, const double *count, uint32_t k, double n)
{
    double mean = 0, squares = 0;
    for (uint32_t c = 0; c < k; c++)
        mean += x[c] * count[c] / n;
    for (uint32_t c = 0; c < k; c++) {
        x[c] -= mean;
        squares += count[c] * x[c] * x[c];
    }
    return squares;
}

/* A source that always gives one label never varies, however the sum above was rounded. */
static bool varies(const double *x, const double *count, uint32_t k)
{
    bool any = false;
    double first = 0;
    for (uint32_t c = 0; c < k; c++)
        if (count[c] > 0) {
            if (any && x[c] != first)
                return true;
            first = x[c];
            any = true;
        }
    return false;
}

void kt_correlation_make(kt_correlation *c, const double *value, bool ranked, const int32_t *a, const int32_t *b, size_t n, uint32_t k)
{
    double *room = kt_zalloc_array(4 * ((size_t)k + 1), sizeof(double));
    *c = (kt_correlation){ .a = a, .b = b, .n = n, .k = k, .x = room, .y = room + k, .x_count = room + 2 * (size_t)k,
                           .y_count = room + 3 * (size_t)k, .r = NAN };
    for (size_t i = 0; i < n; i++) {
        c->x_count[a[i]]++;
        c->y_count[b[i]]++;
    }
    if (n == 0)
        return;
    numbers(value, ranked, c->x_count, k, c->x);
    numbers(value, ranked, c->y_count, k, c->y);
    bool both = varies(c->x, c->x_count, k) && varies(c->y, c->y_count, k);
    c->xx = centre(c->x, c->x_count, k, (double)n);
    c->yy = centre(c->y, c->y_count, k, (double)n);
    for (size_t i = 0; i < n; i++)
        c->xy += c->x[a[i]] * c->y[b[i]];
    if (both && c->xx > 0 && c->yy > 0)
        c->r = KT_MAX(-1, KT_MIN(1, c->xy / sqrt(c->xx) / sqrt(c->yy)));
}

void kt_correlation_done(kt_correlation *c)
{
    c->x = kt_free(c->x);
}

void kt_correlation_interval(double r, double sum, double squares, double n, double ret_ci95[2])
{
    ret_ci95[0] = ret_ci95[1] = NAN;
    if (isnan(r) || n < 4)
        return;
    double rest = 1 - r * r, var = KT_MAX(squares - sum * sum / n, 0) * n / (n - 1);
    double half = rest > 1e-15 ? kt_t_two_sided(0.95, n - 1) * sqrt(var) / rest : 0;
    ret_ci95[0] = rest > 1e-15 ? tanh(atanh(r) - half) : r;
    ret_ci95[1] = rest > 1e-15 ? tanh(atanh(r) + half) : r;
}
