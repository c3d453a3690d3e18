/* The label model by EM. Items go in blocks that stay in cache while one function after the other adds its votes; blocks
   are gathered into chunks fixed by size, whose sums are added in chunk order, so threads do not change the result.

   A vote of j for o carries the likelihood ratio P(vote | o) / P(vote | not o), which Bayes' rule ties to its accuracy
   a = P(o | vote) and the class balance p: ratio = a / (1 - a) · (1 - p_o) / p_o. The posterior of an item is
   ∝ p_c Π ratio over the votes for c; with a single vote it is a itself. */
#include "algo/denoise/denoise.h"

#include "base/mem.h"

#include <math.h>

#define BLOCK 512
#define CHUNK (8 * BLOCK)
#define LABEL_PULL 5.0 /* pseudo-votes that draw a label's accuracy towards its function's */
#define MOST_CODES 2048 /* rows of a table of several functions' votes */
#define MANY_CHUNKS 64
#define STILL 1e-5   /* stop when no accuracy moves more; */
#define ROUGHLY 1e-4 /* on a sixteenth of the items this will do */
#define LEAST 1e-4     /* an accuracy is at least this far from 0 and 1 */

static const kt_denoise_opts defaults = KT_DENOISE_OPTS_INIT;

struct em {
    const kt_lf_columns *v;
    const kt_denoise_opts *o;
    size_t stride;               /* every so many chunks are gone over */
    size_t cells, width, chunks; /* cells: functions × K; width: right, seen (cells each), share (K), voted (1) */
    double *partial;             /* chunks × width */
    double *weight;              /* cells: log ratios */
    double *log_prior, *prior, *accuracy;
    const double *vote_weight;   /* functions */
    bool start;                  /* measure against the others' votes instead of the posterior */
};

static inline int16_t vote_of(const kt_lf_columns *v, uint32_t j, size_t i)
{
    return v->vote[j][i * v->stride];
}

/* Scores of n items from first on into p (n × K), and the weight of the votes of each into m. */
static void score_block(const struct em *e, size_t first, size_t n, double *p, double *m)
{
    uint32_t k = e->v->n_labels;
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
            p[i * k + (size_t)said] += e->start ? e->vote_weight[j] : e->weight[(size_t)j * k + (size_t)said];
            m[i] += e->vote_weight[j];
        }
}

static inline __attribute__((always_inline)) void normalise_logs(double *p, uint32_t k)
{
    double top = p[0], sum = 0;
    for (uint32_t c = 1; c < k; c++)
        top = KT_MAX(top, p[c]);
    for (uint32_t c = 0; c < k; c++)
        sum += p[c] = exp(p[c] - top);
    for (uint32_t c = 0; c < k; c++)
        p[c] /= sum;
}

/* p: posteriors, or at the start counts of votes, of which each vote sees the others' only. A vote that stands alone says nothing
   about its function; it counts with what was believed beforehand. If it counted with what the others made of the function, a
   few disputed items would speak for all the undisputed ones, where rules are at their best. */
static void count_block(const struct em *e, size_t first, size_t n, const double *p, const double *m, double *right)
{
    uint32_t k = e->v->n_labels;
    double *seen = right + e->cells, belief = e->o->right / (e->o->right + e->o->wrong);
    for (uint32_t j = 0; j < e->v->n_functions; j++)
        for (size_t i = 0; i < n; i++) {
            int16_t said = vote_of(e->v, j, first + i);
            double own = e->vote_weight[j];
            bool alone = m[i] <= own * (1 + 1e-9);
            if (said < 0 || (e->start && alone))
                continue;
            size_t cell = (size_t)j * k + (size_t)said;
            double x = p[i * k + (size_t)said];
            right[cell] += e->start ? (x - own) / (m[i] - own) : alone ? belief : x;
            seen[cell]++;
        }
}

static void run_chunk(void *ctx, size_t part)
{
    struct em *e = ctx;
    uint32_t k = e->v->n_labels;
    double m[BLOCK], *p = kt_alloc_array((size_t)BLOCK * k, sizeof(*p)), *right = e->partial + part * e->width;
    double *share = right + 2 * e->cells, *voted = share + k;
    memset(right, 0, e->width * sizeof(double));
    size_t begin = part * e->stride * CHUNK, end = KT_MIN(begin + CHUNK, e->v->n_items);
    for (size_t first = begin; first < end; first += BLOCK) {
        size_t n = KT_MIN(BLOCK, end - first);
        score_block(e, first, n, p, m);
        for (size_t i = 0; i < n; i++) {
            if (!(m[i] > 0))
                continue;
            if (!e->start)
                normalise_logs(p + i * k, k);
            ++*voted;
            for (uint32_t c = 0; c < k; c++)
                share[c] += p[i * k + c] / (e->start ? m[i] : 1);
        }
        count_block(e, first, n, p, m, right);
    }
    kt_free(p);
}

/* Accuracies, balance and weights from the sums; returns the largest move of an accuracy. */
static double m_step(struct em *e, kt_lf_summary *s)
{
    uint32_t k = e->v->n_labels;
    double *sum = e->partial, moved = 0; /* the first chunk's sums take up the others' */
    for (size_t part = 1; part < e->chunks; part++)
        for (size_t x = 0; x < e->width; x++)
            sum[x] += e->partial[part * e->width + x];
    double *right = sum, *seen = sum + e->cells, *share = seen + e->cells, voted = share[k];
    double *seen_share = share; /* overwritten: the balance as the posteriors have it, which a given balance only starts from */
    for (uint32_t c = 0; c < k; c++) {
        seen_share[c] = (share[c] + 1) / (voted + k);
        e->prior[c] = e->o->class_balance ? KT_MAX(e->o->class_balance[c], 1e-9) : seen_share[c];
        e->log_prior[c] = log(e->prior[c]);
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
            e->weight[cell] = e->vote_weight[j] * (log(a) - log1p(-a) + log((1 - seen_share[c]) / seen_share[c]));
        }
    }
    return moved;
}

static void fit_em(const kt_lf_columns *v, const kt_denoise_opts *o, kt_pool *pool, kt_label_model *ret)
{
    uint32_t k = v->n_labels;
    struct em e = { .v = v, .o = o, .cells = (size_t)v->n_functions * k, .start = true, .prior = ret->prior, .vote_weight = ret->vote_weight };
    e.width = 2 * e.cells + k + 1;
    size_t all = KT_MAX((v->n_items + CHUNK - 1) / CHUNK, 1);
    e.partial = kt_zalloc_array(all * e.width, sizeof(double));
    e.weight = kt_zalloc_array(e.cells, sizeof(double));
    e.accuracy = kt_zalloc_array(e.cells, sizeof(double));
    e.log_prior = kt_zalloc_array(k, sizeof(double));
    /* Many items: first to rest on every sixteenth chunk, so that few rounds are left to do on all. */
    for (e.stride = all >= MANY_CHUNKS && o->n_iter > 0 ? 16 : 1; e.stride; e.stride = e.stride > 1 ? 1 : 0) {
        e.chunks = (all + e.stride - 1) / e.stride;
        for (int32_t round = 0; round <= o->n_iter; round++) {
            kt_pool_run(pool, e.chunks, run_chunk, &e);
            double moved = m_step(&e, ret->summary);
            e.start = false;
            if (moved < (e.stride > 1 ? ROUGHLY : STILL))
                break;
        }
    }
    for (size_t cell = 0; cell < e.cells; cell++)
        ret->log_likelihood[cell * k + cell % k] = e.weight[cell];
    kt_free(e.partial);
    kt_free(e.weight);
    kt_free(e.accuracy);
    kt_free(e.log_prior);
}

/* No model to fit; the functions are measured against the others' votes. */
static void fit_majority(const kt_lf_columns *v, const kt_denoise_opts *o, kt_pool *pool, kt_label_model *ret)
{
    kt_denoise_opts once = *o;
    once.n_iter = 0;
    once.right = once.wrong = 0.5;
    fit_em(v, &once, pool, ret);
    for (uint32_t c = 0; c < v->n_labels; c++)
        ret->prior[c] = 1.0 / v->n_labels;
}

kt_rc kt_denoise_fit(const kt_lf_columns *v, const kt_denoise_opts *o, kt_pool *pool, kt_arena *a, kt_label_model *ret, kt_err *err)
{
    o = o ? o : &defaults;
    if (v->n_labels < 2 || v->n_labels > INT16_MAX)
        return kt_fail(err, KT_RANGE, "a label model needs 2 to %d labels, not %u", INT16_MAX, v->n_labels);
    size_t k = v->n_labels;
    if (v->n_functions > ((size_t)1 << 27) / (k * k))
        return kt_fail(err, KT_LIMIT, "%u functions with %zu labels are more than fit", v->n_functions, k);
    kt_label_model m = { .method = o->method, .n_functions = v->n_functions, .n_labels = v->n_labels };
    m.prior = kt_arena_array(a, k, sizeof(double));
    m.log_likelihood = kt_arena_array(a, v->n_functions * k * k, sizeof(double));
    m.summary = kt_arena_array(a, v->n_functions, sizeof(kt_lf_summary));
    m.vote_weight = kt_arena_array(a, v->n_functions, sizeof(double));
    for (uint32_t j = 0; j < v->n_functions; j++)
        m.vote_weight[j] = 1;
    if (o->dependence && o->method != KT_DENOISE_MAJORITY)
        KT_TRY(kt_lf_dependence(v, pool, a, m.vote_weight, &m.pairs, &m.n_pairs, err));
    if (o->method == KT_DENOISE_MOMENTS) {
        KT_TRY(kt_denoise_moments(v, o, pool, a, &m, err));
    } else {
        KT_TRY(kt_lf_overlaps(v, pool, m.summary, NULL, err));
        (o->method == KT_DENOISE_MAJORITY ? fit_majority : fit_em)(v, o, pool, &m);
    }
    *ret = m;
    return 0;
}

static void majority_of(const kt_label_model *m, const int16_t *votes, double *p)
{
    double most = 0, ties = 0;
    for (uint32_t c = 0; c < m->n_labels; c++)
        p[c] = 0;
    for (uint32_t j = 0; j < m->n_functions; j++)
        if (votes[j] >= 0)
            p[votes[j]]++;
    for (uint32_t c = 0; c < m->n_labels; c++)
        most = KT_MAX(most, p[c]);
    for (uint32_t c = 0; c < m->n_labels; c++)
        ties += p[c] == most;
    for (uint32_t c = 0; c < m->n_labels; c++)
        p[c] = p[c] == most ? 1 / ties : 0;
}

void kt_denoise_posterior(const kt_label_model *m, const int16_t *votes_of_item, double *ret_prob)
{
    uint32_t k = m->n_labels;
    if (m->method == KT_DENOISE_MAJORITY) {
        majority_of(m, votes_of_item, ret_prob);
        return;
    }
    for (uint32_t c = 0; c < k; c++)
        ret_prob[c] = log(m->prior[c]);
    for (uint32_t j = 0; j < m->n_functions; j++)
        for (uint32_t c = 0; votes_of_item[j] >= 0 && c < k; c++)
            ret_prob[c] += m->log_likelihood[((size_t)j * k + (size_t)votes_of_item[j]) * k + c];
    normalise_logs(ret_prob, k);
}

/* All items: functions are taken some at a time, and what their votes together add to each class's log is looked up. */
struct all {
    const kt_label_model *m;
    const kt_lf_columns *v;
    float *prob;
    uint32_t per_group, n_groups;
    size_t codes;       /* (K + 1) to the power per_group, at most MOST_CODES */
    double *table;      /* n_groups × codes × K: Σ log likelihood */
};

static void make_tables(struct all *x)
{
    uint32_t k = x->m->n_labels, functions = x->m->n_functions;
    x->per_group = 1;
    for (x->codes = k + 1; x->codes * (k + 1) <= MOST_CODES && x->per_group < functions; x->codes *= k + 1)
        x->per_group++;
    x->n_groups = (functions + x->per_group - 1) / x->per_group;
    x->table = kt_zalloc_array(x->n_groups * x->codes, k * sizeof(double));
    for (uint32_t g = 0; g < x->n_groups; g++)
        for (size_t code = 0; code < x->codes; code++) {
            double *row = x->table + (g * x->codes + code) * k;
            uint32_t last = KT_MIN((g + 1) * x->per_group, functions);
            for (size_t j = g * x->per_group, rest = code; j < last; j++, rest /= k + 1)
                for (uint32_t c = 0; c < k && rest % (k + 1) > 0; c++)
                    row[c] += x->m->log_likelihood[(j * k + rest % (k + 1) - 1) * k + c];
        }
}

static inline __attribute__((always_inline)) void look_up(const struct all *x, size_t first, size_t n, uint32_t k, double *score, uint32_t *code)
{
    const double *prior = score + n * k;
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < k; c++)
            score[i * k + c] = prior[c];
    for (uint32_t g = 0; g < x->n_groups; g++) {
        uint32_t from = g * x->per_group, to = KT_MIN(from + x->per_group, x->m->n_functions), power = 1;
        memset(code, 0, n * sizeof(*code));
        for (uint32_t j = from; j < to; j++, power *= k + 1)
            for (size_t i = 0; i < n; i++)
                code[i] += power * (uint32_t)(vote_of(x->v, j, first + i) + 1);
        const double *table = x->table + g * x->codes * k;
        for (size_t i = 0; i < n; i++)
            for (uint32_t c = 0; c < k; c++)
                score[i * k + c] += table[code[i] * k + c];
    }
    for (size_t i = 0; i < n; i++) {
        double *p = score + i * k;
        float *ret = x->prob + (first + i) * k;
        normalise_logs(p, k);
        for (uint32_t c = 0; c < k; c++)
            ret[c] = (float)p[c];
    }
}

static void look_up_chunk(void *ctx, size_t part)
{
    const struct all *x = ctx;
    uint32_t k = x->m->n_labels, code[BLOCK];
    size_t first = part * BLOCK, n = KT_MIN(BLOCK, x->v->n_items - first);
    double *score = kt_alloc_array((BLOCK + 1) * (size_t)k, sizeof(*score));
    for (uint32_t c = 0; c < k; c++)
        score[n * k + c] = log(x->m->prior[c]);
    switch (k) {
    case 2: look_up(x, first, n, 2, score, code); break;
    case 3: look_up(x, first, n, 3, score, code); break;
    case 4: look_up(x, first, n, 4, score, code); break;
    case 5: look_up(x, first, n, 5, score, code); break;
    default: look_up(x, first, n, k, score, code);
    }
    kt_free(score);
}

static void majority_chunk(void *ctx, size_t part)
{
    const struct all *x = ctx;
    uint32_t k = x->m->n_labels;
    int16_t *votes = kt_alloc_array(x->m->n_functions, sizeof(*votes));
    double *p = kt_alloc_array(k, sizeof(*p));
    for (size_t i = part * BLOCK; i < KT_MIN((part + 1) * BLOCK, x->v->n_items); i++) {
        for (uint32_t j = 0; j < x->m->n_functions; j++)
            votes[j] = vote_of(x->v, j, i);
        majority_of(x->m, votes, p);
        for (uint32_t c = 0; c < k; c++)
            x->prob[i * k + c] = (float)p[c];
    }
    kt_free(votes);
    kt_free(p);
}

void kt_denoise_posteriors(const kt_label_model *m, const kt_lf_columns *v, kt_pool *pool, float *ret_prob)
{
    struct all x = { .m = m, .v = v, .prob = ret_prob };
    size_t blocks = (v->n_items + BLOCK - 1) / BLOCK;
    kt_mem_huge(ret_prob, v->n_items * m->n_labels * sizeof(float));
    if (m->method == KT_DENOISE_MAJORITY) {
        kt_pool_run(pool, blocks, majority_chunk, &x);
        return;
    }
    make_tables(&x);
    kt_pool_run(pool, blocks, look_up_chunk, &x);
    kt_free(x.table);
}

void kt_denoise_accuracy(const kt_lf_columns *v, const int32_t *gold, double *ret)
{
    for (uint32_t j = 0; j < v->n_functions; j++) {
        size_t n = 0, right = 0;
        for (size_t i = 0; i < v->n_items; i++) {
            int16_t said = vote_of(v, j, i);
            n += said >= 0 && gold[i] >= 0;
            right += said >= 0 && said == gold[i];
        }
        ret[j] = n ? (double)right / (double)n : NAN;
    }
}

kt_rc kt_denoise(const kt_lf_votes *v, kt_pool *pool, float *ret_prob, kt_lf_summary *ret_summary, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    const int16_t **column = kt_arena_array(&a, v->n_functions, sizeof(*column));
    for (uint32_t j = 0; j < v->n_functions; j++)
        column[j] = v->vote + j;
    kt_lf_columns columns = { v->n_items, v->n_functions, v->n_functions, v->n_labels, column };
    kt_label_model m;
    KT_TRY(kt_denoise_fit(&columns, NULL, pool, &a, &m, err));
    kt_denoise_posteriors(&m, &columns, pool, ret_prob);
    if (ret_summary && v->n_functions)
        memcpy(ret_summary, m.summary, v->n_functions * sizeof(*ret_summary));
    return 0;
}
