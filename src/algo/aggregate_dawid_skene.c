/* Dawid and Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM algorithm": each source has a
   confusion matrix P(said | truth). Start: shares of votes. Then n_iter rounds of

       E: posterior[i][c] ∝ prior[c] Π over votes conf[source][said][c]
       M: prior = mean posterior; conf = expected counts, each (source, truth) column divided by its sum.

   With pull > 0 every column first gets that many votes spread like those of all sources together, so that a source with
   few votes borrows from the rest.

   Only the (source, said) pairs that occur, called cells, have a row of K numbers: memory is O(votes) at worst. Counts are
   floored at 1e-10, so an item of up to 16 votes multiplies plain numbers without leaving the range of double; longer
   items add logarithms. E and M are one pass: an item's posterior is added to its cells while both are in cache. */
#include "algo/aggregate.h"

#include "base/mem.h"

#include <math.h>

#define TINY 1e-10
#define SHORT_ITEM 16
#define MAX_PAIRS ((size_t)1 << 30)      /* sources × labels, the index of cells */
#define MAX_CONFUSION ((size_t)1 << 24)  /* numbers given back; more are left out */
#define SOURCES_AT_ONCE 64

static const kt_dawid_skene_opts defaults = { .n_iter = 50 };

struct em {
    const kt_ballot *b;
    const int32_t *gold;
    uint32_t *cell;        /* of each vote */
    uint32_t *first_cell;  /* n_sources + 1: cells of one source stand together */
    int32_t *said;         /* of each cell */
    size_t n_cells, parts, width;
    double *conf;          /* n_cells × K */
    double *log_conf;      /* the same, or NULL: no long item */
    double pull, *pooled;  /* K said × K truth: pull times the confusion of all sources together; NULL when pull is 0 */
    double *prior;         /* floored; then K logarithms */
    double *table;         /* parts × width: cells × K counts, K label counts */
    double *prob;
    bool start, keep;      /* start: prob as it stands; keep: write prob */
};

static void long_item(const struct em *e, uint32_t from, uint32_t to, double *p)
{
    uint32_t k = e->b->n_labels;
    double top = -INFINITY;
    for (uint32_t c = 0; c < k; c++)
        p[c] = e->prior[k + c];
    for (uint32_t q = from; q < to; q++)
        for (uint32_t c = 0; c < k; c++)
            p[c] += e->log_conf[(size_t)e->cell[q] * k + c];
    for (uint32_t c = 0; c < k; c++)
        top = KT_MAX(top, p[c]);
    for (uint32_t c = 0; c < k; c++)
        p[c] = exp(p[c] - top);
}

/* Always inlined, so that the usual small K become constants and the loops over labels straight code. */
static inline __attribute__((always_inline)) void pass(const struct em *e, size_t part, uint32_t k, double *scratch)
{
    const kt_ballot *b = e->b;
    double *table = e->table + part * e->width, *share = table + e->n_cells * k;
    uint32_t end = kt_ballot_part(b, part + 1, e->parts);
    for (uint32_t i = kt_ballot_part(b, part, e->parts); i < end; i++) {
        uint32_t from = b->start[i], to = b->start[i + 1];
        double *row = e->prob + (size_t)i * k, *p = scratch, sum = 0;
        if (from == to)
            continue;
        if (e->gold && e->gold[i] >= 0) {
            for (uint32_t c = 0; c < k; c++)
                p[c] = (int32_t)c == e->gold[i];
        } else if (e->start) {
            for (uint32_t c = 0; c < k; c++)
                p[c] = row[c];
        } else if (to - from <= SHORT_ITEM) {
            for (uint32_t c = 0; c < k; c++)
                p[c] = e->prior[c];
            for (uint32_t q = from; q < to; q++)
                for (uint32_t c = 0; c < k; c++)
                    p[c] *= e->conf[(size_t)e->cell[q] * k + c];
        } else {
            long_item(e, from, to, p);
        }
        for (uint32_t c = 0; c < k; c++)
            sum += p[c];
        sum = 1 / sum;
        for (uint32_t c = 0; c < k; c++) {
            p[c] *= sum;
            share[c] += p[c];
        }
        for (uint32_t q = from; q < to; q++)
            for (uint32_t c = 0; c < k; c++)
                table[(size_t)e->cell[q] * k + c] += p[c];
        if (e->keep)
            for (uint32_t c = 0; c < k; c++)
                row[c] = p[c];
    }
}

static void run_part(void *ctx, size_t part)
{
    const struct em *e = ctx;
    double few[8], *many;
    memset(e->table + part * e->width, 0, e->width * sizeof(double));
    switch (e->b->n_labels) {
    case 2: pass(e, part, 2, few); break;
    case 3: pass(e, part, 3, few); break;
    case 4: pass(e, part, 4, few); break;
    case 5: pass(e, part, 5, few); break;
    case 6: pass(e, part, 6, few); break;
    case 8: pass(e, part, 8, few); break;
    default:
        many = kt_alloc_array(e->b->n_labels, sizeof(*many));
        pass(e, part, e->b->n_labels, many);
        kt_free(many);
    }
}

/* Adds up the parts' counts of some sources and divides the columns. */
static void normalise(void *ctx, size_t block)
{
    struct em *e = ctx;
    uint32_t k = e->b->n_labels;
    size_t last = KT_MIN((block + 1) * SOURCES_AT_ONCE, e->b->n_sources);
    for (size_t s = block * SOURCES_AT_ONCE; s < last; s++) {
        size_t from = (size_t)e->first_cell[s] * k, to = (size_t)e->first_cell[s + 1] * k;
        for (size_t x = from; x < to; x++) {
            double sum = 0;
            for (size_t part = 0; part < e->parts; part++)
                sum += e->table[part * e->width + x];
            e->conf[x] = KT_MAX(sum, TINY);
        }
        for (uint32_t c = 0; c < k; c++) {
            double sum = e->pull;
            for (size_t x = from + c; x < to; x += k) {
                sum += e->conf[x];
                if (e->pooled)
                    e->conf[x] += e->pooled[(size_t)e->said[x / k] * k + c];
            }
            for (size_t x = from + c; x < to; x += k)
                e->conf[x] /= sum;
        }
        for (size_t x = from; e->log_conf && x < to; x++)
            e->log_conf[x] = log(e->conf[x]);
    }
}

static void pool_sources(struct em *e)
{
    uint32_t k = e->b->n_labels;
    memset(e->pooled, 0, (size_t)k * k * sizeof(double));
    for (size_t part = 0; part < e->parts; part++)
        for (size_t x = 0; x < e->n_cells * k; x++)
            e->pooled[(size_t)e->said[x / k] * k + x % k] += e->table[part * e->width + x];
    for (uint32_t c = 0; c < k; c++) {
        double sum = 0;
        e->pooled[(size_t)c * k + c] += 1; /* the benefit of the doubt for labels nobody uses */
        for (uint32_t o = 0; o < k; o++)
            sum += e->pooled[(size_t)o * k + c];
        for (uint32_t o = 0; o < k; o++)
            e->pooled[(size_t)o * k + c] *= e->pull / sum;
    }
}

static void round_of(struct em *e, kt_pool *pool, kt_posterior *ret)
{
    uint32_t k = e->b->n_labels;
    kt_pool_run(pool, e->parts, run_part, e);
    if (e->pooled)
        pool_sources(e);
    kt_pool_run(pool, (e->b->n_sources + SOURCES_AT_ONCE - 1) / SOURCES_AT_ONCE, normalise, e);
    for (uint32_t c = 0; c < k && e->b->n_voted; c++) {
        double sum = 0;
        for (size_t part = 0; part < e->parts; part++)
            sum += e->table[part * e->width + e->n_cells * k + c];
        ret->prior[c] = sum / e->b->n_voted;
        e->prior[c] = KT_MAX(ret->prior[c], TINY);
        e->prior[k + c] = log(e->prior[c]);
    }
}

/* Numbers the (source, said) pairs that occur, source by source. */
static void find_cells(struct em *e, kt_arena *a)
{
    const kt_ballot *b = e->b;
    size_t k = b->n_labels, n = b->start[b->n_items];
    uint32_t *index = kt_zalloc_array(b->n_sources * k, sizeof(*index));
    for (size_t q = 0; q < n; q++)
        index[b->source[q] * k + (size_t)b->label[q]] = 1;
    e->first_cell = kt_arena_array(a, (size_t)b->n_sources + 1, sizeof(uint32_t));
    for (size_t s = 0; s < b->n_sources; s++) {
        e->first_cell[s] = (uint32_t)e->n_cells;
        for (size_t x = s * k; x < (s + 1) * k; x++)
            if (index[x])
                index[x] = (uint32_t)e->n_cells++;
    }
    e->first_cell[b->n_sources] = (uint32_t)e->n_cells;
    e->cell = kt_arena_alloc(a, (n + 1) * sizeof(uint32_t));
    e->said = kt_arena_array(a, e->n_cells, sizeof(int32_t));
    for (size_t q = 0; q < n; q++) {
        e->cell[q] = index[b->source[q] * k + (size_t)b->label[q]];
        e->said[e->cell[q]] = b->label[q];
    }
    kt_free(index);
}

/* Labels a source never used have no cell; with pull they share what its columns lack to 1. */
static void fill_unused(const struct em *e, double *confusion)
{
    uint32_t k = e->b->n_labels;
    for (uint32_t c = 0; c < k; c++) {
        double left = 1, unused = 0;
        for (uint32_t o = 0; o < k; o++) {
            left -= confusion[(size_t)o * k + c];
            unused += confusion[(size_t)o * k + c] > 0 ? 0 : e->pooled[(size_t)o * k + c];
        }
        for (uint32_t o = 0; o < k; o++)
            if (!(confusion[(size_t)o * k + c] > 0) && unused > 0)
                confusion[(size_t)o * k + c] = KT_MAX(left, 0) * e->pooled[(size_t)o * k + c] / unused;
    }
}

static void give_back_sources(const struct em *e, kt_arena *a, kt_posterior *ret)
{
    size_t k = e->b->n_labels, s = e->b->n_sources;
    if (k && s <= MAX_CONFUSION / (k * k))
        ret->source_confusion = kt_arena_array(a, s * k * k, sizeof(double));
    for (size_t i = 0; i < s; i++) {
        double right = 0;
        for (uint32_t x = e->first_cell[i]; x < e->first_cell[i + 1]; x++) {
            size_t said = (size_t)e->said[x];
            right += ret->prior[said] * e->conf[x * k + said];
            if (ret->source_confusion)
                memcpy(ret->source_confusion + (i * k + said) * k, e->conf + x * k, k * sizeof(double));
        }
        if (ret->source_confusion && e->pooled)
            fill_unused(e, ret->source_confusion + i * k * k);
        ret->source_accuracy[i] = e->first_cell[i] < e->first_cell[i + 1] ? right : NAN;
    }
}

static kt_rc fit(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    const kt_dawid_skene_opts *o = opt ? opt : &defaults;
    kt_ballot b;
    size_t k = v->n_labels;
    (void)rng;
    if (k && v->n_sources > MAX_PAIRS / k) {
        kt_fail(err, KT_LIMIT, "%u sources with %u labels are more than fit", v->n_sources, v->n_labels);
        return kt_hint(err, "one_coin_dawid_skene keeps one number per source");
    }
    KT_TRY(kt_ballot_make(v, a, &b, err));
    for (size_t i = 0; o->gold && i < b.n_items; i++)
        if (o->gold[i] >= (int32_t)k)
            return kt_fail(err, KT_RANGE, "gold of item %zu is label %d of %zu", i, o->gold[i], k);
    kt_posterior_make(&b, a, ret);
    kt_posterior_shares(&b, NULL, ret);
    struct em e = { .b = &b, .gold = o->gold, .prob = ret->prob, .start = true, .keep = o->n_iter == 0 };
    find_cells(&e, a);
    e.width = e.n_cells * k + k;
    e.parts = kt_ballot_parts(&b, e.width);
    e.table = kt_alloc_array(e.parts * e.width, sizeof(double));
    e.conf = kt_alloc_array(e.n_cells * k, sizeof(double));
    e.log_conf = b.most > SHORT_ITEM ? kt_alloc_array(e.n_cells * k, sizeof(double)) : NULL;
    e.prior = kt_alloc_array(2 * k, sizeof(double));
    e.pull = o->pull;
    e.pooled = o->pull > 0 ? kt_alloc_array(k * k, sizeof(double)) : NULL;
    round_of(&e, pool, ret);
    e.start = false;
    for (int32_t round = 0; round < o->n_iter; round++) {
        e.keep = round + 1 == o->n_iter;
        round_of(&e, pool, ret);
    }
    give_back_sources(&e, a, ret);
    kt_posterior_labels(&b, ret);
    kt_free(e.table);
    kt_free(e.conf);
    kt_free(e.log_conf);
    kt_free(e.prior);
    kt_free(e.pooled);
    return 0;
}

static const kt_setting options[] = {
    { .name = "n_iter", .help = "rounds of EM", .kind = KT_SET_INT, .offset = offsetof(kt_dawid_skene_opts, n_iter), .max = 1000000 },
    { .name = "pull", .help = "pseudo-votes towards the confusion of all annotators together", .kind = KT_SET_FLOAT,
      .offset = offsetof(kt_dawid_skene_opts, pull), .max = 1e6 },
    { .name = NULL },
};

const kt_aggregator kt_aggregate_dawid_skene = {
    .name = "dawid_skene", .help = "a confusion matrix per source, EM (Dawid and Skene 1979)", .options = options,
    .defaults = &defaults, .option_size = sizeof(defaults), .fit = fit,
};
