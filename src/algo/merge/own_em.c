/* EM of methods whose votes speak only for their own label: a vote multiplies one number of its item. A pass over the items is
   cut into parts by sizes alone; each part sums into its own table, and the tables are added in the order of the parts, so the
   threads that happen to run them cannot change a bit of the result.

   Items of up to 16 votes multiply plain numbers, which cannot leave the range of double where the ratios lie within 1e±15;
   others add logarithms. */
#include "algo/merge/aggregate.h"

#include "base/mem.h"

#include <math.h>

#define SHORT_ITEM 16

struct own_pass {
    kt_own_em *e;
    const double *log_ratio, *log_prior; /* where products might leave the range of double; NULL: nowhere */
    bool always_log, count_only;
    size_t parts, width;
    double *table; /* parts × width: right, share, log likelihood */
};

/* p: K × L, in: anything, out: posterior; norm: L, Σ of the products. */
static inline __attribute__((always_inline)) void posterior(const struct own_pass *w, uint32_t from, uint32_t to, int L, double *p,
                                                            double *norm)
{
    const kt_own_em *e = w->e;
    const int32_t *label = e->b->label;
    uint32_t k = e->b->n_labels;
    double shift[KT_OWN_LANES] = { 0 };
    if (!w->always_log && to - from <= SHORT_ITEM) {
        for (uint32_t x = 0; x < k * (uint32_t)L; x++)
            p[x] = e->prior[x];
        for (uint32_t q = from; q < to; q++)
            for (int l = 0; l < L; l++)
                p[(size_t)label[q] * L + l] *= e->ratio[(size_t)e->index[q] * L + l];
    } else {
        for (int l = 0; l < L; l++)
            shift[l] = -INFINITY;
        for (uint32_t x = 0; x < k * (uint32_t)L; x++)
            p[x] = w->log_prior[x];
        for (uint32_t q = from; q < to; q++)
            for (int l = 0; l < L; l++)
                p[(size_t)label[q] * L + l] += w->log_ratio[(size_t)e->index[q] * L + l];
        for (uint32_t c = 0; c < k; c++)
            for (int l = 0; l < L; l++)
                shift[l] = KT_MAX(shift[l], p[c * L + l]);
        for (uint32_t c = 0; c < k; c++)
            for (int l = 0; l < L; l++)
                p[c * L + l] = exp(p[c * L + l] - shift[l]);
    }
    for (int l = 0; l < L; l++)
        norm[l] = 0;
    for (uint32_t c = 0; c < k; c++)
        for (int l = 0; l < L; l++)
            norm[l] += p[c * L + l];
    double scale[KT_OWN_LANES];
    for (int l = 0; l < L; l++)
        scale[l] = 1 / norm[l];
    for (uint32_t c = 0; c < k; c++)
        for (int l = 0; l < L; l++)
            p[c * L + l] *= scale[l];
    for (int l = 0; l < L; l++)
        norm[l] = e->log_lik ? log(norm[l]) + shift[l] : 0;
}

static inline __attribute__((always_inline)) void own_pass(const struct own_pass *w, size_t part, int L, double *p)
{
    const kt_own_em *e = w->e;
    const kt_ballot *b = e->b;
    uint32_t k = b->n_labels, end = kt_ballot_part(b, part + 1, w->parts);
    double *right = w->table + part * w->width, *share = right + e->n_index * (size_t)L, *lik = share + (size_t)k * L;
    for (uint32_t i = kt_ballot_part(b, part, w->parts); i < end; i++) {
        uint32_t from = b->start[i], to = b->start[i + 1];
        double norm[KT_OWN_LANES], *row = e->prob ? e->prob + (size_t)i * k : NULL;
        if (from == to)
            continue;
        if (w->count_only) {
            memcpy(p, row, k * sizeof(double));
        } else {
            posterior(w, from, to, L, p, norm);
            for (int l = 0; l < L; l++)
                lik[l] += norm[l];
            for (uint32_t c = 0; row && c < k; c++)
                row[c] = p[c];
        }
        for (uint32_t q = from; q < to; q++)
            for (int l = 0; l < L; l++)
                right[(size_t)e->index[q] * L + l] += p[(size_t)b->label[q] * L + l];
        for (uint32_t x = 0; x < k * (uint32_t)L; x++)
            share[x] += p[x];
    }
}

static void run_lanes(const struct own_pass *w, size_t part, double *p)
{
    if (w->e->lanes == 1)
        own_pass(w, part, 1, p);
    else
        own_pass(w, part, KT_OWN_LANES, p);
}

#ifdef __x86_64__
/* The same numbers, four at a time: no fused operations, so the bits are those of the plain code. */
__attribute__((target("avx2"))) static void run_lanes_avx2(const struct own_pass *w, size_t part, double *p)
{
    if (w->e->lanes == 1)
        own_pass(w, part, 1, p);
    else
        own_pass(w, part, KT_OWN_LANES, p);
}
#endif

static void own_part(void *ctx, size_t part)
{
    const struct own_pass *w = ctx;
    size_t room = (size_t)w->e->b->n_labels * KT_OWN_LANES;
    double few[16 * KT_OWN_LANES], *p = room <= KT_LEN(few) ? few : kt_alloc_array(room, sizeof(*p));
    memset(w->table + part * w->width, 0, w->width * sizeof(double));
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        run_lanes_avx2(w, part, p);
    else
#endif
        run_lanes(w, part, p);
    if (p != few)
        kt_free(p);
}

static void own_run(struct own_pass *w, kt_pool *pool)
{
    kt_own_em *e = w->e;
    size_t lanes = (size_t)e->lanes, n_right = e->n_index * lanes, n_share = e->b->n_labels * lanes;
    w->width = n_right + n_share + lanes;
    w->parts = kt_ballot_parts(e->b, w->width);
    w->table = kt_alloc_array(w->parts * w->width, sizeof(double));
    kt_pool_run(pool, w->parts, own_part, w);
    for (size_t part = 1; part < w->parts; part++)
        for (size_t x = 0; x < w->width; x++)
            w->table[x] += w->table[part * w->width + x];
    memcpy(e->right, w->table, n_right * sizeof(double));
    memcpy(e->share, w->table + n_right, n_share * sizeof(double));
    if (e->log_lik)
        memcpy(e->log_lik, w->table + n_right + n_share, lanes * sizeof(double));
    kt_free(w->table);
}

void kt_own_em_count(kt_own_em *e, kt_pool *pool)
{
    struct own_pass w = { .e = e, .count_only = true };
    own_run(&w, pool);
}

void kt_own_em_round(kt_own_em *e, kt_pool *pool)
{
    size_t lanes = (size_t)e->lanes, n_ratio = e->n_index * lanes, n_prior = e->b->n_labels * lanes;
    double least = 1, most = 1, *logs = NULL;
    for (size_t x = 0; x < n_ratio; x++) {
        least = KT_MIN(least, e->ratio[x]);
        most = KT_MAX(most, e->ratio[x]);
    }
    struct own_pass w = { .e = e, .always_log = least < 1e-15 || most > 1e15 };
    if (w.always_log || e->b->most > SHORT_ITEM) {
        logs = kt_alloc_array(n_ratio + n_prior, sizeof(double));
        for (size_t x = 0; x < n_ratio; x++)
            logs[x] = log(e->ratio[x]);
        for (size_t x = 0; x < n_prior; x++)
            logs[n_ratio + x] = log(e->prior[x]);
        w.log_ratio = logs;
        w.log_prior = logs + n_ratio;
    }
    own_run(&w, pool);
    kt_free(logs);
}
