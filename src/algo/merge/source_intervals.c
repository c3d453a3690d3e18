/* 95 % intervals of sources' accuracies where the truth of their votes is known by chances only. The observed information of all accuracies
   together is (Louis 1982)

       H = diag(n_s / v_s) - C,   C_st = Σ over items of Cov(right_s, right_t | votes) / (v_s v_t),   v_s = a_s (1 - a_s)

   what the votes would tell if the truth were known, less what is missing; a source's variance is that of the inverse. Where sources are few
   each is judged mostly by the same few others, and all of H counts. Where they are many, C is its diagonal and one more thing, that
   all are uncertain together: a rank of one, w w' / Σ w with the rows' sums w, whose inverse is at hand (Sherman and Morrison). With the votes
   of a crowd that is close to chance, or two an item, that is most of it. */
#include "algo/merge/aggregate.h"

#include "algo/cholesky.h"
#include "base/mem.h"

#include <math.h>

enum { FEW = 8 };

struct sums {
    const kt_ballot *b;
    const kt_posterior *p;
    const uint32_t *of;      /* of each vote its source, or its cell, */
    const uint32_t *source;  /* of which this is the source; NULL: it is one */
    size_t parts;
    double *n, *per;         /* of each source: votes, 1 / v */
    double *table;           /* parts × 2 × sources: Σ p (1 - p); row of C, times v */
};

static inline uint32_t source_of(const struct sums *w, uint32_t q)
{
    return w->source ? w->source[w->of[q]] : w->of[q];
}

static void sum_part(void *ctx, size_t part)
{
    const struct sums *w = ctx;
    const kt_ballot *b = w->b;
    size_t k = b->n_labels;
    double *doubt = w->table + part * 2 * b->n_sources, *row = doubt + b->n_sources, *per = kt_zalloc_array(k + 1, sizeof(*per));
    uint32_t end = kt_ballot_part(b, part + 1, w->parts);
    for (size_t i = kt_ballot_part(b, part, w->parts); i < end; i++) {
        const double *p = w->p->prob + i * k;
        double all = 0;
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
            if (b->label[q] < (int32_t)k) {
                double u = w->per[source_of(w, q)];
                per[b->label[q]] += u;
                all += u * p[b->label[q]];
            }
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
            if (b->label[q] < (int32_t)k) {
                uint32_t s = source_of(w, q);
                double own = p[b->label[q]];
                doubt[s] += own * (1 - own);
                row[s] += own * (per[b->label[q]] - all);
            }
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
            per[b->label[q]] = 0;
    }
    kt_free(per);
}

/* Effective votes of every source into ret; where the rest is known that is missing to all, else each by itself. */
static void alone_and_together(const struct sums *w, double *ret)
{
    size_t n = w->b->n_sources;
    const double *doubt = w->table, *row = w->table + n;
    double all = 0, left = 0;
    for (size_t s = 0; s < n; s++)
        all += row[s] * w->per[s];
    bool together = all > 0;
    for (size_t s = 0; s < n && together; s++) {
        double r = row[s] * w->per[s], own = w->n[s] * w->per[s] - doubt[s] * w->per[s] * w->per[s] + r * r / all;
        together = w->n[s] == 0 || own > 0;
        left += w->n[s] > 0 ? r * r / own : 0;
    }
    together = together && left < all;
    for (size_t s = 0; s < n; s++) {
        double r = row[s] * w->per[s], own = w->n[s] * w->per[s] - doubt[s] * w->per[s] * w->per[s];
        ret[s] = own / w->per[s];
        if (together && w->n[s] > 0) {
            own += r * r / all;
            ret[s] = 1 / (w->per[s] * (1 / own + r / own * r / own / (all - left)));
        }
    }
}

/* Few sources: Cov of every two. */
static void missing(const struct sums *w, double cov[FEW][FEW])
{
    const kt_ballot *b = w->b;
    size_t k = b->n_labels;
    for (size_t i = 0; i < b->n_items; i++)
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            if (b->label[q] >= (int32_t)k)
                continue;
            double own = w->p->prob[i * k + (size_t)b->label[q]];
            for (uint32_t r = b->start[i]; r < b->start[i + 1]; r++)
                if (b->label[r] < (int32_t)k)
                    cov[source_of(w, q)][source_of(w, r)] += (b->label[q] == b->label[r] ? own : 0) - own * w->p->prob[i * k + (size_t)b->label[r]];
        }
}

static bool all_of_it(const struct sums *w, double *ret)
{
    size_t n = w->b->n_sources;
    double cov[FEW][FEW] = { { 0 } }, m[FEW * FEW];
    missing(w, cov);
    for (size_t s = 0; s < n; s++) {
        if (w->n[s] == 0)
            return false;
        for (size_t t = 0; t < n; t++)
            m[s * n + t] = (s == t ? w->n[s] * w->per[s] : 0) - cov[s][t] * w->per[s] * w->per[t];
    }
    if (!kt_cholesky(m, n))
        return false;
    for (size_t s = 0; s < n; s++) {
        double unit[FEW] = { 0 };
        unit[s] = 1;
        ret[s] = 1 / (w->per[s] * kt_cholesky_norm(m, n, unit));
    }
    return true;
}

static void count(struct sums *w, const kt_cells *cells, uint32_t *source)
{
    const kt_ballot *b = w->b;
    for (uint32_t s = 0; cells && s < b->n_sources; s++)
        for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++) {
            source[x] = s;
            w->n[s] += cells->said[x] < b->n_labels ? cells->votes[x] : 0;
        }
    for (uint32_t q = 0; !cells && q < b->start[b->n_items]; q++)
        w->n[b->source[q]] += b->label[q] < (int32_t)b->n_labels;
    for (size_t s = 0; s < b->n_sources; s++) {
        double a = w->p->source_accuracy[s];
        w->n[s] = isnan(a) ? 0 : w->n[s];
        w->per[s] = w->n[s] > 0 ? 1 / KT_MAX(a * (1 - a), 0.25 / (w->n[s] + 1)) : 0;
    }
}

void kt_posterior_intervals(const kt_ballot *b, const kt_cells *cells, kt_pool *pool, kt_posterior *ret)
{
    size_t n = b->n_sources;
    uint32_t *source = kt_alloc_array((cells ? cells->n : 0) + 1, sizeof(*source));
    struct sums w = { .b = b, .p = ret, .of = cells ? cells->of : b->source, .source = cells ? source : NULL, .parts = kt_ballot_parts(b, 2 * n) };
    double *votes = kt_alloc_array(n + 1, sizeof(*votes));
    w.n = kt_zalloc_array(n + 1, sizeof(double));
    w.per = kt_zalloc_array(n + 1, sizeof(double));
    count(&w, cells, source);
    if (n > FEW || !all_of_it(&w, votes)) {
        w.table = kt_zalloc_array(w.parts * 2 * n, sizeof(double));
        kt_pool_run(pool, w.parts, sum_part, &w);
        for (size_t part = 1; part < w.parts; part++)
            for (size_t x = 0; x < 2 * n; x++)
                w.table[x] += w.table[part * 2 * n + x];
        alone_and_together(&w, votes);
        kt_free(w.table);
    }
    for (size_t s = 0; s < n; s++) {
        ret->source_ci[2 * s] = ret->source_ci[2 * s + 1] = NAN;
        if (w.n[s] > 0)
            kt_wilson(ret->source_accuracy[s], KT_MAX(votes[s], KT_MIN(w.n[s], 1)), ret->source_ci + 2 * s);
    }
    kt_free(source);
    kt_free(votes);
    kt_free(w.n);
    kt_free(w.per);
}
