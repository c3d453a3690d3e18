/* The label model by EM.

   A vote of j for o carries the likelihood ratio P(vote | o) / P(vote | not o), which Bayes' rule ties to its accuracy
   a = P(o | vote) and the class balance p: ratio = a / (1 - a) · (1 - p_o) / p_o. The posterior of an item is
   ∝ p_c Π ratio over the votes for c; with a single vote it is a itself.

   Items go in blocks that stay in cache and chunks fixed by size, whose sums are added in chunk order, so threads do not change the
   result. With few labels, the votes of several functions are one code (lf_codes.h): scores are looked up by it and posteriors added
   up by it, and only the sums are taken apart into votes. */
#include "algo/denoise/denoise_int.h"
#include "algo/denoise/lf_codes.h"
#include "base/mem.h"

#include <math.h>

#define BLOCK 512
#define CHUNK ((size_t)16 * BLOCK)
#define LABEL_PULL 5.0 /* pseudo-votes that draw a label's accuracy towards its function's */
#define MOST_CODES 256 /* of a group: the sums by code of all groups stay in cache */
#define MANY_CHUNKS 32
#define STILL 1e-5   /* stop when no accuracy will move more; */
#define ROUGHLY 1e-4 /* on a sixteenth of the items this will do */
#define LEAST 1e-4     /* an accuracy is at least this far from 0 and 1 */

struct em {
    const kt_lf_columns *v;
    const kt_denoise_opts *o;
    kt_label_model *model;
    size_t stride;               /* every so many chunks are gone over */
    size_t cells, width, chunks; /* cells: functions × K; width: right, seen (cells each), share (K), voted (1) */
    double *partial;             /* chunks × width */
    double *weight;              /* cells: log ratios */
    double *log_prior, *accuracy;
    kt_lf_codes codes;
    double *table;               /* NULL: one vote at a time */
    bool start;                  /* measure against the others' votes instead of the posterior */
};

static inline int16_t vote_of(const kt_lf_columns *v, uint32_t j, size_t i)
{
    return v->vote[j][i * v->stride];
}

/* ---- one vote at a time ---- */

/* Scores of n items from first on into p (n × K), and the weight of the votes of each into m. */
static void score_votes(const struct em *e, size_t first, size_t n, double *p, double *m)
{
    uint32_t k = e->v->n_labels;
    const double *own = e->model->vote_weight;
    for (size_t i = 0; i < n; i++) {
        m[i] = 0;
        for (uint32_t c = 0; c < k; c++)
            p[i * k + c] = e->start ? 0 : e->log_prior[c];
    }
    for (uint32_t j = 0; j < e->v->n_functions; j++)
        for (size_t i = 0; i < n; i++) {
            int16_t said = vote_of(e->v, j, first + i);
            if (said < 0)
                continue;
            p[i * k + (size_t)said] += e->start ? own[j] : e->weight[(size_t)j * k + (size_t)said];
            m[i] += own[j];
        }
}

/* p: posteriors, or at the start counts of votes, of which each vote sees the others' only. A vote that stands alone says nothing
   about its function; it counts with what was believed beforehand. If it counted with what the others made of the function, a
   few disputed items would speak for all the undisputed ones, where rules are at their best. */
static void count_votes(const struct em *e, size_t first, size_t n, const double *p, const double *m, double *right)
{
    uint32_t k = e->v->n_labels;
    double *seen = right + e->cells, belief = e->o->right / (e->o->right + e->o->wrong);
    for (uint32_t j = 0; j < e->v->n_functions; j++)
        for (size_t i = 0; i < n; i++) {
            int16_t said = vote_of(e->v, j, first + i);
            double own = e->model->vote_weight[j];
            bool alone = m[i] <= own * (1 + 1e-9);
            if (said < 0 || (e->start && alone))
                continue;
            size_t cell = (size_t)j * k + (size_t)said;
            double x = p[i * k + (size_t)said];
            right[cell] += e->start ? (x - own) / (m[i] - own) : alone ? belief : x;
            seen[cell]++;
        }
}

static void chunk_by_votes(struct em *e, size_t begin, size_t end, double *right)
{
    uint32_t k = e->v->n_labels;
    double m[BLOCK], *p = kt_alloc_array((size_t)BLOCK * k, sizeof(*p)), *share = right + 2 * e->cells, *voted = share + k;
    for (size_t first = begin; first < end; first += BLOCK) {
        size_t n = KT_MIN(BLOCK, end - first);
        score_votes(e, first, n, p, m);
        if (!e->start)
            kt_lf_softmax(p, n, k);
        for (size_t i = 0; i < n; i++) {
            if (!(m[i] > 0))
                continue;
            ++*voted;
            for (uint32_t c = 0; c < k; c++)
                share[c] += p[i * k + c] / (e->start ? m[i] : 1);
        }
        count_votes(e, first, n, p, m, right);
    }
    kt_free(p);
}

/* ---- by codes ---- */

struct scratch {
    uint32_t *code; /* n_groups × BLOCK */
    double *p;      /* BLOCK × K */
    double *sum;    /* n_groups × n_codes × (K + 1): posteriors, items */
    uint8_t votes[BLOCK]; /* 0, 1, or 2 for more */
};

/* Codes of a block, and how many votes each item has. A group's code is a single vote when it is a multiple of the power of
   K + 1 that it is less than K + 1 times of. */
static void read_block(const struct em *e, size_t first, size_t n, const uint8_t *votes_of_code, struct scratch *x)
{
    memset(x->votes, 0, n);
    for (uint32_t g = 0; g < e->codes.n_groups; g++) {
        uint32_t *code = x->code + (size_t)g * BLOCK;
        kt_lf_codes_block(&e->codes, e->v, g, first, n, code);
        for (size_t i = 0; i < n; i++)
            x->votes[i] = (uint8_t)KT_MIN(x->votes[i] + votes_of_code[code[i]], 2);
    }
}

static inline __attribute__((always_inline)) void block_by_codes(const struct em *e, size_t n, uint32_t k, struct scratch *x, double *share,
                                                                 double *voted)
{
    double belief = e->o->right / (e->o->right + e->o->wrong), *p = x->p;
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < k; c++)
            p[i * k + c] = e->log_prior[c];
    for (uint32_t g = 0; g < e->codes.n_groups; g++)
        kt_lf_codes_add(&e->codes, e->table, g, x->code + (size_t)g * BLOCK, n, k, p);
    kt_lf_softmax(p, n, k);
    for (size_t i = 0; i < n; i++) {
        double counts = x->votes[i] > 0;
        *voted += counts;
        for (uint32_t c = 0; c < k; c++)
            share[c] += counts * p[i * k + c];
        for (uint32_t c = 0; x->votes[i] == 1 && c < k; c++)
            p[i * k + c] = belief; /* what a vote that stands alone counts with */
    }
    for (uint32_t g = 0; g < e->codes.n_groups; g++) {
        double *sum = x->sum + g * e->codes.n_codes * (k + 1);
        const uint32_t *code = x->code + (size_t)g * BLOCK;
        for (size_t i = 0; i < n; i++) {
            double *row = sum + code[i] * (k + 1);
            for (uint32_t c = 0; c < k; c++)
                row[c] += p[i * k + c];
            row[k]++;
        }
    }
}

/* The sums by code, taken apart into votes. */
static void take_apart(const struct em *e, const double *sum, double *right)
{
    uint32_t k = e->v->n_labels;
    double *seen = right + e->cells;
    for (uint32_t g = 0; g < e->codes.n_groups; g++)
        for (size_t code = 0; code < e->codes.n_codes; code++) {
            const double *row = sum + (g * e->codes.n_codes + code) * (k + 1);
            size_t j = (size_t)g * e->codes.per_group;
            for (size_t rest = code; row[k] > 0 && rest; rest /= k + 1, j++)
                if (rest % (k + 1)) {
                    right[j * k + rest % (k + 1) - 1] += row[rest % (k + 1) - 1];
                    seen[j * k + rest % (k + 1) - 1] += row[k];
                }
        }
}

static void chunk_by_codes(struct em *e, size_t begin, size_t end, double *right)
{
    uint32_t k = e->v->n_labels;
    size_t sums = e->codes.n_groups * e->codes.n_codes * (k + 1);
    struct scratch x = { .code = kt_alloc_array((size_t)e->codes.n_groups * BLOCK, sizeof(*x.code)),
                         .p = kt_alloc_array((size_t)BLOCK * k, sizeof(*x.p)), .sum = kt_zalloc_array(sums, sizeof(*x.sum)) };
    uint8_t votes_of_code[MOST_CODES];
    double *share = right + 2 * e->cells, *voted = share + k;
    for (size_t code = 0; code < e->codes.n_codes; code++) {
        votes_of_code[code] = 0;
        for (size_t rest = code; rest; rest /= k + 1)
            votes_of_code[code] = (uint8_t)(votes_of_code[code] + (rest % (k + 1) > 0));
    }
    for (size_t first = begin; first < end; first += BLOCK) {
        size_t n = KT_MIN(BLOCK, end - first);
        read_block(e, first, n, votes_of_code, &x);
        switch (k) {
        case 2: block_by_codes(e, n, 2, &x, share, voted); break;
        case 3: block_by_codes(e, n, 3, &x, share, voted); break;
        case 4: block_by_codes(e, n, 4, &x, share, voted); break;
        case 5: block_by_codes(e, n, 5, &x, share, voted); break;
        default: block_by_codes(e, n, k, &x, share, voted);
        }
    }
    take_apart(e, x.sum, right);
    kt_free(x.code);
    kt_free(x.p);
    kt_free(x.sum);
}

/* ---- rounds ---- */

static void run_chunk(void *ctx, size_t part)
{
    struct em *e = ctx;
    double *right = e->partial + part * e->width;
    memset(right, 0, e->width * sizeof(double));
    size_t begin = part * e->stride * CHUNK, end = KT_MIN(begin + CHUNK, e->v->n_items);
    (e->start || !e->table ? chunk_by_votes : chunk_by_codes)(e, begin, end, right);
}

/* Accuracies, balance and weights from the sums; returns the largest move of an accuracy. */
static double m_step(struct em *e)
{
    uint32_t k = e->v->n_labels;
    kt_lf_summary *s = e->model->summary;
    double *sum = e->partial, moved = 0; /* the first chunk's sums take up the others' */
    for (size_t part = 1; part < e->chunks; part++)
        for (size_t x = 0; x < e->width; x++)
            sum[x] += e->partial[part * e->width + x];
    double *right = sum, *seen = sum + e->cells, *share = seen + e->cells, voted = share[k];
    double *seen_share = share; /* overwritten: the balance as the posteriors have it, which a given balance only starts from */
    for (uint32_t c = 0; c < k; c++) {
        seen_share[c] = (share[c] + 1) / (voted + k);
        e->model->prior[c] = e->o->class_balance ? KT_MAX(e->o->class_balance[c], 1e-9) : seen_share[c];
        e->log_prior[c] = log(e->model->prior[c]);
    }
    for (uint32_t j = 0; j < e->v->n_functions; j++) {
        double all = e->o->right, n = e->o->right + e->o->wrong;
        for (uint32_t c = 0; c < k; c++) {
            all += right[(size_t)j * k + c];
            n += seen[(size_t)j * k + c];
        }
        s[j].accuracy = all / n;
        for (uint32_t c = 0; c < k; c++) {
            size_t cell = (size_t)j * k + c;
            double a = (right[cell] + LABEL_PULL * s[j].accuracy) / (seen[cell] + LABEL_PULL);
            a = KT_MIN(KT_MAX(a, LEAST), 1 - LEAST);
            moved = KT_MAX(moved, fabs(a - e->accuracy[cell]));
            e->accuracy[cell] = a;
            e->weight[cell] = e->model->vote_weight[j] * (log(a) - log1p(-a) + log((1 - seen_share[c]) / seen_share[c]));
            e->model->log_likelihood[cell * k + c] = e->weight[cell];
        }
    }
    if (e->table)
        kt_lf_codes_table(&e->codes, e->model->log_likelihood, e->table);
    return moved;
}

/* Rounds until what is left to move is less than still: moves shrink by a steady factor, so what is left is guessed from two. */
static void rounds(struct em *e, double still, kt_pool *pool)
{
    double before = 0;
    for (int32_t round = 0; round <= e->o->n_iter; round++) {
        bool start = e->start;
        kt_pool_run(pool, e->chunks, run_chunk, e);
        double moved = m_step(e), left = moved < before ? moved * moved / (before - moved) : moved;
        e->start = false;
        if (moved < still || left < still)
            break;
        before = start ? 0 : moved;
    }
}

void kt_denoise_em(const kt_lf_columns *v, const kt_denoise_opts *o, kt_pool *pool, kt_label_model *ret)
{
    uint32_t k = v->n_labels;
    struct em e = { .v = v, .o = o, .model = ret, .cells = (size_t)v->n_functions * k, .start = true };
    size_t all = KT_MAX((v->n_items + CHUNK - 1) / CHUNK, 1);
    e.width = 2 * e.cells + k + 1;
    e.partial = kt_zalloc_array(all * e.width, sizeof(double));
    e.weight = kt_zalloc_array(e.cells, sizeof(double));
    e.accuracy = kt_zalloc_array(e.cells, sizeof(double));
    e.log_prior = kt_zalloc_array(k, sizeof(double));
    e.codes = kt_lf_codes_of(v->n_functions, k, MOST_CODES);
    if (e.codes.per_group > 1)
        e.table = kt_zalloc_array(e.codes.n_groups * e.codes.n_codes, k * sizeof(double));
    /* Many items: first to rest on every sixteenth chunk, so that few rounds are left to do on all. */
    for (e.stride = all >= MANY_CHUNKS && o->n_iter > 0 ? 16 : 1; e.stride; e.stride = e.stride > 1 ? 1 : 0) {
        e.chunks = (all + e.stride - 1) / e.stride;
        rounds(&e, e.stride > 1 ? ROUGHLY : STILL, pool);
    }
    kt_free(e.partial);
    kt_free(e.weight);
    kt_free(e.accuracy);
    kt_free(e.log_prior);
    kt_free(e.table);
}
