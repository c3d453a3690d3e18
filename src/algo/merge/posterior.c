/* What every aggregator's answer has: shares of votes, the likeliest label with its evidence, accuracies with intervals. */
#include "algo/merge/aggregate.h"

#include "algo/stats.h"
#include "base/mem.h"

#include <math.h>

#define Z95 1.959963984540054
#define UNTOLD 0.2 /* width of an interval that tells little */

void kt_posterior_make(const kt_ballot *b, kt_arena *a, kt_posterior *ret)
{
    size_t n = b->n_items, cells = n * b->n_labels;
    *ret = (kt_posterior){ .n_items = b->n_items, .n_labels = b->n_labels, .n_sources = b->n_sources };
    KT_ASSERT(n == 0 || cells / n == b->n_labels);
    ret->prob = kt_arena_alloc(a, cells * sizeof(double));
    kt_mem_huge(ret->prob, cells * sizeof(double));
    ret->label = kt_arena_alloc(a, n * sizeof(int32_t));
    ret->n_votes = kt_arena_alloc(a, n * sizeof(uint32_t));
    ret->n_for = kt_arena_alloc(a, n * sizeof(uint32_t));
    kt_mem_huge(ret->label, n * sizeof(int32_t));
    kt_mem_huge(ret->n_votes, n * sizeof(uint32_t));
    kt_mem_huge(ret->n_for, n * sizeof(uint32_t));
    ret->source_accuracy = kt_arena_array(a, b->n_sources, sizeof(double));
    ret->source_ci = kt_arena_array(a, b->n_sources, 2 * sizeof(double));
    ret->prior = kt_arena_array(a, b->n_labels, sizeof(double));
}

/* One pass over the items in parts; every part sums into its own row of width doubles. */
struct pass {
    const kt_ballot *b;
    const kt_cells *cells;
    const double *weight;
    kt_posterior *p;
    size_t parts, width;
    double *table;
    uint64_t *tally; /* parts × n_sources: of the majority */
    size_t tallies;  /* n_sources when there is a tally: parts must leave room for it */
    uint8_t *best;   /* n_items: the majority's label, for votes that stand as they came */
};

/* Runs fn and adds the rows up into the first. */
static void run_pass(struct pass *w, size_t width, void (*fn)(void *, size_t), kt_pool *pool)
{
    w->width = width;
    w->parts = kt_ballot_parts(w->b, width + w->tallies);
    w->table = kt_zalloc_array(w->parts * width, sizeof(double));
    kt_pool_run(pool, w->parts, fn, w);
    for (size_t part = 1; part < w->parts; part++)
        for (size_t x = 0; x < width; x++)
            w->table[x] += w->table[part * width + x];
}

/* Share of the votes on item i of each label into p; false without votes, then p is even. */
static inline __attribute__((always_inline)) bool share_item(const struct pass *w, size_t i, uint32_t k, double *p)
{
    const kt_ballot *b = w->b;
    uint32_t from = b->start[i], to = b->start[i + 1];
    double sum = 0;
    for (uint32_t c = 0; c < k; c++)
        p[c] = 0;
    for (uint32_t q = from; w->weight && q < to; q++)
        if (b->label[q] < (int32_t)k) {
            p[b->label[q]] += w->weight[b->source[q]];
            sum += w->weight[b->source[q]];
        }
    if (!(sum > 0)) {
        for (uint32_t q = from; q < to; q++)
            if (b->label[q] < (int32_t)k) {
                p[b->label[q]]++;
                sum++;
            }
    }
    for (uint32_t c = 0; c < k; c++)
        p[c] = sum > 0 ? p[c] / sum : 1.0 / k;
    return from < to;
}

/* Label and evidence of item i from its row p. */
static inline __attribute__((always_inline)) int32_t label_item(const struct pass *w, size_t i, uint32_t k, const double *p)
{
    const kt_ballot *b = w->b;
    uint32_t from = b->start[i], to = b->start[i + 1], n_for = 0;
    int32_t best = 0;
    for (int32_t c = 1; c < (int32_t)k; c++)
        if (p[c] > p[best] * (1 + 1e-12)) /* equal up to the order of addition is a tie */
            best = c;
    for (uint32_t q = from; q < to; q++)
        n_for += b->label[q] == best;
    w->p->n_votes[i] = to - from;
    w->p->n_for[i] = n_for;
    return w->p->label[i] = from < to ? best : -1;
}

static void shares_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    uint32_t k = w->b->n_labels, end = kt_ballot_part(w->b, part + 1, w->parts);
    double *share = w->table + part * w->width;
    for (size_t i = kt_ballot_part(w->b, part, w->parts); i < end; i++) {
        double *p = w->p->prob + i * k;
        bool voted = share_item(w, i, k, p);
        for (uint32_t c = 0; c < k && voted; c++)
            share[c] += p[c];
    }
}

static void set_prior(const struct pass *w)
{
    for (uint32_t c = 0; c < w->b->n_labels; c++)
        w->p->prior[c] = w->b->n_voted ? w->table[c] / w->b->n_voted : 1.0 / w->b->n_labels;
}

void kt_posterior_shares(const kt_ballot *b, const double *weight, kt_pool *pool, kt_posterior *ret)
{
    struct pass w = { .b = b, .weight = weight, .p = ret };
    run_pass(&w, b->n_labels, shares_part, pool);
    set_prior(&w);
    kt_free(w.table);
}

static void labels_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    uint32_t k = w->b->n_labels, end = kt_ballot_part(w->b, part + 1, w->parts);
    for (size_t i = kt_ballot_part(w->b, part, w->parts); i < end; i++)
        if (label_item(w, i, k, w->p->prob + i * k) < 0 && k)
            memcpy(w->p->prob + i * k, w->p->prior, k * sizeof(double));
}

void kt_posterior_labels(const kt_ballot *b, kt_pool *pool, kt_posterior *ret)
{
    struct pass w = { .b = b, .p = ret };
    run_pass(&w, 0, labels_part, pool);
    kt_free(w.table);
}

/* Up to eight labels and 255 votes an item: the counts of all labels fit one register. tally: of each source, votes below
   bit 32, those for the label above. counted: the counts are there; the tally is not made. */
static inline __attribute__((always_inline)) void majority_of(const struct pass *w, size_t part, uint32_t k, bool counted)
{
    const kt_ballot *b = w->b;
    uint32_t end = kt_ballot_part(b, part + 1, w->parts);
    double *share = w->table + part * w->width;
    uint64_t *tally = w->tally + part * b->n_sources;
    for (size_t i = kt_ballot_part(b, part, w->parts); i < end; i++) {
        double *p = w->p->prob + i * k;
        uint32_t from = counted ? 0 : b->start[i], to = counted ? 0 : b->start[i + 1], best = 0, top = 0, votes = 0;
        uint64_t counts = 0;
        for (uint32_t c = 0; c < k && counted; c++)
            counts |= (uint64_t)b->counts[i * k + c] << 8 * c;
        for (uint32_t q = from; q < to; q++)
            counts += (uint64_t)1 << 8 * b->label[q];
        for (uint32_t c = 0; c < k; c++) {
            uint32_t n = counts >> 8 * c & 255;
            best = n > top ? c : best;
            top = n > top ? n : top;
            votes += n;
        }
        double own[8], n_votes = votes;
        for (uint32_t c = 0; c < k; c++)
            own[c] = (double)(int32_t)(counts >> 8 * c & 255) / n_votes;
        for (uint32_t c = 0; c < k; c++)
            p[c] = votes ? own[c] : 1.0 / k;
        for (uint32_t c = 0; c < k && votes; c++)
            share[c] += own[c];
        w->p->n_votes[i] = votes;
        w->p->n_for[i] = top;
        w->p->label[i] = votes ? (int32_t)best : -1;
        if (counted)
            w->best[i] = (uint8_t)best;
        for (uint32_t q = from; q < to; q++)
            tally[b->source[q]] += 1 + ((uint64_t)(b->label[q] == (int32_t)best) << 32);
    }
}

static inline __attribute__((always_inline)) void majority_items(const struct pass *w, size_t part, uint32_t k)
{
    if (w->b->counts)
        majority_of(w, part, k, true);
    else
        majority_of(w, part, k, false);
}

/* The tally of votes that stand as they came. */
static void tally_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    const kt_votes *v = w->b->counted;
    uint64_t *tally = w->tally + part * w->b->n_sources;
    for (size_t i = v->n * part / w->parts, to = v->n * (part + 1) / w->parts; i < to; i++)
        if (v->label[i] >= 0)
            tally[v->source[i]] += 1 + ((uint64_t)(v->label[i] == w->best[v->item[i]]) << 32);
}

static void majority_any(const struct pass *w, size_t part)
{
    uint32_t k = w->b->n_labels, end = kt_ballot_part(w->b, part + 1, w->parts);
    double *share = w->table + part * w->width;
    uint64_t *tally = w->tally + part * w->b->n_sources;
    for (size_t i = kt_ballot_part(w->b, part, w->parts); i < end; i++) {
        double *p = w->p->prob + i * k;
        bool voted = share_item(w, i, k, p);
        for (uint32_t c = 0; c < k && voted; c++)
            share[c] += p[c];
        int32_t label = label_item(w, i, k, p);
        for (uint32_t q = w->b->start[i]; q < w->b->start[i + 1]; q++)
            tally[w->b->source[q]] += 1 + ((uint64_t)(w->b->label[q] == label) << 32);
    }
}

/* The usual small K become constants, and the loops over labels straight code. */
static void majority_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    bool small = !w->weight && w->b->most <= 255 && w->b->n_said == w->b->n_labels;
    switch (small ? w->b->n_labels : 0) {
    case 2: majority_items(w, part, 2); break;
    case 3: majority_items(w, part, 3); break;
    case 4: majority_items(w, part, 4); break;
    case 5: majority_items(w, part, 5); break;
    case 6: majority_items(w, part, 6); break;
    case 7: majority_items(w, part, 7); break;
    case 8: majority_items(w, part, 8); break;
    default: majority_any(w, part);
    }
}

uint32_t kt_posterior_untold(const kt_posterior *p, uint32_t *ret_judged)
{
    uint32_t judged = 0, untold = 0;
    double guess = 1.0 / KT_MAX(p->n_labels, 1);
    for (size_t s = 0; s < p->n_sources; s++) {
        const double *ci = p->source_ci + 2 * s;
        judged += !isnan(ci[0]);
        untold += ci[1] - ci[0] > UNTOLD && ci[0] <= guess && guess <= ci[1];
    }
    *ret_judged = judged;
    return untold;
}

void kt_wilson(double share, double n, double ret[2])
{
    double z2 = Z95 * Z95, mid = (share * n + z2 / 2) / (n + z2);
    double half = Z95 / (n + z2) * sqrt(n * share * (1 - share) + z2 / 4);
    ret[0] = KT_MAX(mid - half, 0);
    ret[1] = KT_MIN(mid + half, 1);
}

void kt_shares_interval(double sum, double squares, double n, double ret[2])
{
    double mean = sum / n, variance = n > 1 ? KT_MAX(squares - n * mean * mean, 0) / (n - 1) : 0.25;
    ret[0] = ret[1] = NAN;
    if (!(n > 0))
        return;
    double stretch = n > 1 ? kt_t_two_sided(0.95, n - 1) / Z95 : 1, spread = KT_MAX(mean * (1 - mean), 0.01);
    variance = KT_MAX(variance, 0.01 / n) * stretch * stretch;
    kt_wilson(mean, n * spread / variance, ret);
}

void kt_doubtful_interval(double accuracy, double n, double doubt, double ret[2])
{
    ret[0] = ret[1] = NAN;
    if (!(n > 0) || isnan(accuracy))
        return;
    double spread = KT_MAX(accuracy * (1 - accuracy), 0.25 / (n + 1));
    kt_wilson(accuracy, KT_MAX(n - doubt / spread, KT_MIN(n, 1)), ret);
}

void kt_sd_interval(double sd, double dof, double ret[2])
{
    double d = 2 / (9 * KT_MAX(dof, 1)), up = 1 - d + Z95 * sqrt(d), down = KT_MAX(1 - d - Z95 * sqrt(d), 0.05);
    ret[0] = sd / sqrt(up * up * up);
    ret[1] = sd / sqrt(down * down * down);
}

void kt_posterior_majority(const kt_ballot *b, const double *weight, kt_pool *pool, kt_posterior *ret)
{
    struct pass w = { .b = b, .weight = weight, .p = ret };
    size_t parts = kt_ballot_parts(b, b->n_labels + (size_t)b->n_sources);
    w.tally = kt_zalloc_array(parts * b->n_sources, sizeof(*w.tally));
    w.tallies = b->n_sources;
    w.best = b->counts ? kt_alloc_array(b->n_items, sizeof(*w.best)) : NULL;
    run_pass(&w, b->n_labels, majority_part, pool);
    if (b->counts)
        kt_pool_run(pool, w.parts, tally_part, &w);
    for (size_t part = 1; part < w.parts; part++)
        for (size_t s = 0; s < b->n_sources; s++)
            w.tally[s] += w.tally[part * b->n_sources + s];
    set_prior(&w);
    for (size_t s = 0; s < b->n_sources; s++) {
        double n = (double)(w.tally[s] & UINT32_MAX), a = (double)(w.tally[s] >> 32) / n;
        ret->source_accuracy[s] = n > 0 ? a : NAN;
        ret->source_ci[2 * s] = ret->source_ci[2 * s + 1] = NAN;
        if (n > 0)
            kt_wilson(a, n, ret->source_ci + 2 * s);
    }
    for (size_t i = 0; i < b->n_items && b->n_voted < b->n_items; i++)
        if (ret->label[i] < 0 && b->n_labels)
            memcpy(ret->prob + i * b->n_labels, ret->prior, b->n_labels * sizeof(double));
    kt_free(w.table);
    kt_free(w.tally);
    kt_free(w.best);
}
