/* E and M in one pass: an item's posterior is added to its cells while both are in cache. A pass is cut into parts by sizes
   alone; each sums into its own table, and the tables are added in their order, so threads cannot change a bit.

   Likelihoods are floored at 1e-10, so an item of up to 16 votes multiplies plain numbers without leaving the range of double;
   longer items add logarithms. The pass is compiled once for each of the usual numbers of states, so that the loops over states
   are straight code, and once more for AVX2: the same operations in the same order, hence the same bits. */
#include "algo/merge/latent_em.h"

#include "base/err.h"
#include "base/mem.h"

#include <math.h>

#define SHORT_ITEM 16
#define CELLS_AT_ONCE 256

struct pass {
    kt_latent_em *e;
    kt_latent_step step;
};

static void long_item(const kt_latent_em *e, uint32_t from, uint32_t to, uint32_t s, double *p)
{
    double top = -INFINITY;
    for (uint32_t x = 0; x < s; x++)
        p[x] = e->log_prior[x];
    for (uint32_t q = from; q < to; q++)
        for (uint32_t x = 0; x < s; x++)
            p[x] += e->log_like[(size_t)e->cells->of[q] * s + x];
    for (uint32_t x = 0; x < s; x++)
        top = KT_MAX(top, p[x]);
    for (uint32_t x = 0; x < s; x++)
        p[x] = exp(p[x] - top);
}

/* Keeps only the states of label c; they take all if they had nothing. */
static void only_label(const kt_latent_em *e, uint32_t c, double *p)
{
    uint32_t k = e->b->n_labels, d = e->levels;
    double sum = 0;
    for (uint32_t x = 0; x < k * d; x++) {
        p[x] = x / d == c ? p[x] : 0;
        sum += p[x];
    }
    if (!(sum > 0))
        p[c * d] = 1;
}

static uint32_t likeliest(const kt_latent_em *e, const double *p)
{
    uint32_t best = 0;
    double top = -1;
    for (uint32_t c = 0; c < e->b->n_labels; c++) {
        double sum = 0;
        for (uint32_t x = c * e->levels; x < (c + 1) * e->levels; x++)
            sum += p[x];
        if (sum > top * (1 + 1e-12)) {
            top = sum;
            best = c;
        }
    }
    return best;
}

/* What is rare: labels nobody named, gold, hard assignment. */
static void bend(const kt_latent_em *e, uint32_t i, double *p)
{
    const kt_ballot *b = e->b;
    uint32_t s = b->n_labels * e->levels;
    double *factor = p + s;
    if (e->unsupported < 1) {
        for (uint32_t c = 0; c < b->n_labels; c++)
            factor[c] = e->unsupported;
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
            if (b->label[q] < (int32_t)b->n_labels)
                factor[b->label[q]] = 1;
        for (uint32_t x = 0; x < s; x++)
            p[x] *= factor[x / e->levels];
    }
    if (e->gold && e->gold[i] >= 0)
        only_label(e, (uint32_t)e->gold[i], p);
    else if (e->hard)
        only_label(e, likeliest(e, p), p);
}

/* s constant and small: own is a variable that the compiler keeps in registers, four numbers to one of them. Else it is memory.
   room: states, and labels behind them, for what is seldom. */
static inline __attribute__((always_inline)) void pass_states(const struct pass *w, size_t part, uint32_t s, double *own, double *restrict room)
{
    const kt_latent_em *e = w->e;
    const kt_ballot *b = e->b;
    const uint32_t *of = e->cells->of;
    const double *like = e->like, *prior = e->prior;
    uint32_t k = b->n_labels, d = e->levels, end = kt_ballot_part(b, part + 1, e->parts);
    bool bent = e->unsupported < 1 || e->gold || e->hard, start = w->step == KT_LATENT_START, keep = w->step == KT_LATENT_KEEP;
    double *table = e->table + part * e->width, *share = table + (size_t)e->cells->n * s;
    for (uint32_t i = kt_ballot_part(b, part, e->parts); i < end; i++) {
        uint32_t from = b->start[i], to = b->start[i + 1];
        double *row = e->prob + (size_t)i * k, sum = 0;
        if (from == to)
            continue;
        if (start) {
            for (uint32_t x = 0; x < s; x++)
                own[x] = x % d ? 0 : row[x / d];
        } else if (to - from <= SHORT_ITEM) {
            for (uint32_t x = 0; x < s; x++)
                own[x] = prior[x];
            for (uint32_t q = from; q < to; q++)
                for (uint32_t x = 0; x < s; x++)
                    own[x] *= like[(size_t)of[q] * s + x];
        } else {
            long_item(e, from, to, s, room);
            for (uint32_t x = 0; x < s; x++)
                own[x] = room[x];
        }
        if (bent) {
            for (uint32_t x = 0; x < s; x++)
                room[x] = own[x];
            bend(e, i, room);
            for (uint32_t x = 0; x < s; x++)
                own[x] = room[x];
        }
        for (uint32_t x = 0; x < s; x++)
            sum += own[x];
        sum = 1 / sum;
        for (uint32_t x = 0; x < s; x++)
            own[x] *= sum;
        for (uint32_t x = 0; x < s; x++)
            share[x] += own[x];
        for (uint32_t q = from; q < to; q++) {
            double *count = table + (size_t)of[q] * s;
            for (uint32_t x = 0; x < s; x++)
                count[x] += own[x];
        }
        for (uint32_t c = 0; keep && c < k; c++) {
            double all = 0;
            for (uint32_t x = c * d; x < (c + 1) * d; x++)
                all += own[x];
            row[c] = all;
        }
    }
}

static inline __attribute__((always_inline)) void pass_any(const struct pass *w, size_t part, double *p)
{
    uint32_t s = w->e->b->n_labels * w->e->levels;
    double own[12];
    switch (s) {
    case 2: pass_states(w, part, 2, own, p); break;
    case 3: pass_states(w, part, 3, own, p); break;
    case 4: pass_states(w, part, 4, own, p); break;
    case 5: pass_states(w, part, 5, own, p); break;
    case 6: pass_states(w, part, 6, own, p); break;
    case 8: pass_states(w, part, 8, own, p); break;
    case 9: pass_states(w, part, 9, own, p); break;
    case 12: pass_states(w, part, 12, own, p); break;
    default: pass_states(w, part, s, p + s + w->e->b->n_labels, p);
    }
}

static void pass_plain(const struct pass *w, size_t part, double *p)
{
    pass_any(w, part, p);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void pass_avx2(const struct pass *w, size_t part, double *p)
{
    pass_any(w, part, p);
}
#endif

static void run_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    size_t room = (size_t)w->e->b->n_labels * (2 * w->e->levels + 1);
    double few[64], *p = room <= KT_LEN(few) ? few : kt_alloc_array(room, sizeof(*p));
    memset(w->e->table + part * w->e->width, 0, w->e->width * sizeof(double));
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        pass_avx2(w, part, p);
    else
#endif
        pass_plain(w, part, p);
    if (p != few)
        kt_free(p);
}

/* Adds up the parts' counts of some cells. */
static void add_up(void *ctx, size_t block)
{
    kt_latent_em *e = ctx;
    size_t s = (size_t)e->b->n_labels * e->levels, all = e->cells->n * s;
    size_t from = block * CELLS_AT_ONCE * s, to = KT_MIN(from + CELLS_AT_ONCE * s, all);
    for (size_t x = from; x < to; x++) {
        double sum = 0;
        for (size_t part = 0; part < e->parts; part++)
            sum += e->table[part * e->width + x];
        e->count[x] = sum;
    }
}

void kt_latent_em_init(kt_latent_em *e)
{
    size_t s = (size_t)e->b->n_labels * e->levels, n = e->cells->n * s;
    KT_ASSERT(e->levels >= 1);
    e->width = n + s;
    e->parts = kt_ballot_parts(e->b, e->width);
    e->table = kt_alloc_array(e->parts * e->width, sizeof(double));
    kt_mem_huge(e->table, e->parts * e->width * sizeof(double));
    e->like = kt_alloc_array(n, sizeof(double));
    e->count = kt_alloc_array(n, sizeof(double));
    e->prior = kt_alloc_array(s, sizeof(double));
    e->share = kt_alloc_array(s, sizeof(double));
    e->log_like = e->b->most > SHORT_ITEM ? kt_alloc_array(n, sizeof(double)) : NULL;
    e->log_prior = kt_alloc_array(s, sizeof(double));
}

void kt_latent_em_done(kt_latent_em *e)
{
    kt_free(e->table);
    kt_free(e->like);
    kt_free(e->count);
    kt_free(e->prior);
    kt_free(e->share);
    kt_free(e->log_like);
    kt_free(e->log_prior);
}

void kt_latent_em_run(kt_latent_em *e, kt_latent_step step, kt_pool *pool)
{
    size_t s = (size_t)e->b->n_labels * e->levels;
    if (e->log_like && step != KT_LATENT_START) {
        for (size_t x = 0; x < e->cells->n * s; x++)
            e->log_like[x] = log(e->like[x]);
        for (size_t x = 0; x < s; x++)
            e->log_prior[x] = log(e->prior[x]);
    }
    kt_pool_run(pool, e->parts, run_part, &(struct pass){ e, step });
    kt_pool_run(pool, (e->cells->n + CELLS_AT_ONCE - 1) / CELLS_AT_ONCE, add_up, e);
    for (size_t x = 0; x < s; x++) {
        e->share[x] = 0;
        for (size_t part = 0; part < e->parts; part++)
            e->share[x] += e->table[part * e->width + (size_t)e->cells->n * s + x];
    }
}
