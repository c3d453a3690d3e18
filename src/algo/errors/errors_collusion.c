#include "algo/errors/errors_sources.h"

#include "algo/nth.h"
#include "algo/merge/vote_index.h"
#include "base/mem.h"

#include <math.h>

#define LEAST_FOR_NULL 30 /* pairs from which the spread of z can be told */
#define PULL 4.0          /* pseudo-votes of a source's confusion towards that of all */
#define MAX_CELLS ((size_t)1 << 28)

struct finding {
    const kt_votes *v;
    const int32_t *consensus;
    uint32_t least;
    float *confusion; /* n_sources × truth × said */
    kt_vote_index x;
    double *agreed, *expected, *variance; /* by other source */
    uint32_t *shared;
    KT_VEC(kt_collusion) pair;
};

/* P(said | truth) of every source, drawn towards what all say. */
static void learn(struct finding *w)
{
    const kt_votes *v = w->v;
    size_t k = v->n_labels, kk = k * k;
    double *pooled = kt_zalloc_array(kk + 1, sizeof(*pooled));
    for (size_t i = 0; i < v->n; i++)
        if (v->label[i] >= 0 && w->consensus[v->item[i]] >= 0) {
            size_t cell = (size_t)w->consensus[v->item[i]] * k + (size_t)v->label[i];
            pooled[cell]++;
            w->confusion[v->source[i] * kk + cell]++;
        }
    for (size_t t = 0; t < k; t++) {
        double sum = 0;
        for (size_t c = 0; c < k; c++)
            sum += pooled[t * k + c] + 1.0 / (double)k;
        for (size_t c = 0; c < k; c++)
            pooled[t * k + c] = (pooled[t * k + c] + 1.0 / (double)k) / sum;
    }
    for (size_t s = 0; s < v->n_sources; s++)
        for (size_t t = 0; t < k; t++) {
            float *row = w->confusion + s * kk + t * k;
            double sum = PULL;
            for (size_t c = 0; c < k; c++)
                sum += (double)row[c];
            for (size_t c = 0; c < k; c++)
                row[c] = (float)(((double)row[c] + PULL * pooled[t * k + c]) / sum);
        }
    kt_free(pooled);
}

/* What source s shares with each later one. */
static void meet(struct finding *w, uint32_t s)
{
    const kt_votes *v = w->v;
    size_t k = v->n_labels, kk = k * k;
    for (size_t q = w->x.source_start[s]; q < w->x.source_start[s + 1]; q++) {
        size_t mine = w->x.source_order[q];
        uint32_t item = v->item[mine];
        int32_t truth = w->consensus[item];
        if (v->label[mine] < 0 || truth < 0)
            continue;
        const float *a = w->confusion + s * kk + (size_t)truth * k;
        for (size_t o = w->x.item_start[item]; o < w->x.item_start[item + 1]; o++) {
            size_t other = w->x.item_order[o];
            uint32_t t = v->source[other];
            if (t <= s || v->label[other] < 0)
                continue;
            const float *b = w->confusion + t * kk + (size_t)truth * k;
            double p = 0;
            for (size_t c = 0; c < k; c++)
                p += (double)a[c] * (double)b[c];
            w->shared[t]++;
            w->agreed[t] += v->label[mine] == v->label[other];
            w->expected[t] += p;
            w->variance[t] += p * (1 - p);
        }
    }
}

static void collect(struct finding *w, uint32_t s)
{
    for (uint32_t t = s + 1; t < w->v->n_sources; t++) {
        if (w->shared[t] >= w->least && w->variance[t] > 0)
            KT_PUSH(&w->pair, (kt_collusion){ .a = s, .b = t, .shared = w->shared[t], .agreed = (uint32_t)w->agreed[t], .expected = w->expected[t],
                                              .z = (w->agreed[t] - w->expected[t]) / sqrt(w->variance[t]) });
        w->shared[t] = 0;
        w->agreed[t] = w->expected[t] = w->variance[t] = 0;
    }
}

/* Takes the middle and spread of all z as those of innocent pairs. */
static void standardise(kt_collusion *p, size_t n)
{
    if (n < LEAST_FOR_NULL)
        return;
    double *z = kt_alloc_array(n, sizeof(*z));
    for (size_t i = 0; i < n; i++)
        z[i] = p[i].z;
    double middle = kt_nth_smallest(z, n, (n - 1) / 2);
    for (size_t i = 0; i < n; i++)
        z[i] = fabs(p[i].z - middle);
    double spread = 1.4826 * kt_nth_smallest(z, n, (n - 1) / 2);
    for (size_t i = 0; i < n; i++)
        p[i].z = (p[i].z - KT_MAX(middle, 0)) / KT_MAX(spread, 1);
    kt_free(z);
}

static int by_z(const void *a, const void *b)
{
    const kt_collusion *x = a, *y = b;
    if (x->z != y->z)
        return x->z > y->z ? -1 : 1;
    return x->a != y->a ? (x->a > y->a) - (x->a < y->a) : (x->b > y->b) - (x->b < y->b);
}

/* Sorted by falling z, so by rising p; returns how many have q at most level. */
static size_t adjust(kt_collusion *p, size_t n, double level)
{
    double least = 1;
    size_t kept = 0;
    for (size_t i = n; i-- > 0;) {
        least = KT_MIN(least, 0.5 * erfc(p[i].z * M_SQRT1_2) * (double)n / (double)(i + 1));
        p[i].q_value = least;
        if (least <= level && kept == 0)
            kept = i + 1;
    }
    return kept;
}

kt_rc kt_find_collusion(const kt_votes *v, const int32_t *consensus, uint32_t least, double level, kt_arena *a, kt_collusion **ret,
                        size_t *ret_n, kt_err *err)
{
    KT_TRY(kt_votes_check(v, err));
    size_t kk = (size_t)v->n_labels * v->n_labels, s = v->n_sources;
    if (kk && s > MAX_CELLS / kk)
        return kt_fail(err, KT_LIMIT, "%zu sources with %u labels: their tables would not fit in memory", s, v->n_labels);
    for (size_t i = 0; i < v->n_items; i++)
        if (consensus[i] < -1 || consensus[i] >= (int32_t)v->n_labels)
            return kt_fail(err, KT_RANGE, "item %zu: consensus %d of %u labels", i, consensus[i], v->n_labels);
    struct finding w = { .v = v, .consensus = consensus, .least = KT_MAX(least, 2), .confusion = kt_zalloc_array(s * kk + 1, sizeof(float)) };
    w.agreed = kt_zalloc_array(3 * (s + 1), sizeof(double));
    w.expected = w.agreed + s + 1;
    w.variance = w.expected + s + 1;
    w.shared = kt_zalloc_array(s + 1, sizeof(uint32_t));
    kt_vote_index_make(v, &w.x);
    learn(&w);
    for (uint32_t i = 0; i < v->n_sources; i++) {
        meet(&w, i);
        collect(&w, i);
    }
    standardise(w.pair.v, w.pair.n);
    if (w.pair.n)
        qsort(w.pair.v, w.pair.n, sizeof(kt_collusion), by_z);
    *ret_n = adjust(w.pair.v, w.pair.n, level);
    *ret = kt_arena_array(a, *ret_n + 1, sizeof(**ret));
    if (*ret_n)
        memcpy(*ret, w.pair.v, *ret_n * sizeof(**ret));
    KT_VEC_DONE(&w.pair);
    kt_vote_index_done(&w.x);
    kt_free(w.confusion);
    kt_free(w.agreed);
    kt_free(w.shared);
    return 0;
}
