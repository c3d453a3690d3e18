/* The label model: fitting by any of its methods, and what the model then says of an item. */
#include "algo/denoise/denoise_int.h"
#include "algo/denoise/lf_codes.h"
#include "base/mem.h"

#include <math.h>

#define BLOCK 512
#define MOST_CODES 2048 /* of a group: what its votes add is looked up */

static const kt_denoise_opts defaults = KT_DENOISE_OPTS_INIT;

/* No model to fit; the functions are measured against the others' votes. */
static void fit_majority(const kt_lf_columns *v, const kt_denoise_opts *o, kt_pool *pool, kt_label_model *ret)
{
    kt_denoise_opts once = *o;
    once.n_iter = 0;
    once.right = once.wrong = 0.5;
    kt_denoise_em(v, &once, pool, ret);
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
        (o->method == KT_DENOISE_MAJORITY ? fit_majority : kt_denoise_em)(v, o, pool, &m);
        if (o->method == KT_DENOISE_EM && o->abstain)
            kt_denoise_silence(v, a, &m);
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

/* Scores of an item on which all functions abstain. */
static void start_of(const kt_label_model *m, double *ret)
{
    for (uint32_t c = 0; c < m->n_labels; c++)
        ret[c] = log(m->prior[c]);
    for (size_t x = 0; m->silence && x < (size_t)m->n_functions * m->n_labels; x++)
        ret[x % m->n_labels] += m->silence[x];
}

/* What a vote moves them by: n_functions × said × truth. */
static void moves_of(const kt_label_model *m, double *ret)
{
    size_t k = m->n_labels;
    for (size_t x = 0; x < m->n_functions * k * k; x++)
        ret[x] = m->log_likelihood[x] - (m->silence ? m->silence[x / (k * k) * k + x % k] : 0);
}

void kt_denoise_posterior(const kt_label_model *m, const int16_t *votes_of_item, double *ret_prob)
{
    uint32_t k = m->n_labels;
    if (m->method == KT_DENOISE_MAJORITY) {
        majority_of(m, votes_of_item, ret_prob);
        return;
    }
    start_of(m, ret_prob);
    for (uint32_t j = 0; j < m->n_functions; j++)
        for (uint32_t c = 0; votes_of_item[j] >= 0 && c < k; c++)
            ret_prob[c] += m->log_likelihood[((size_t)j * k + (size_t)votes_of_item[j]) * k + c] - (m->silence ? m->silence[(size_t)j * k + c] : 0);
    kt_lf_softmax(ret_prob, 1, k);
}

/* ---- all items ---- */

struct all {
    const kt_label_model *m;
    const kt_lf_columns *v;
    float *prob;
    kt_lf_codes codes;
    double *table;
};

static inline __attribute__((always_inline)) void look_up(const struct all *x, size_t first, size_t n, uint32_t k, double *score, uint32_t *code)
{
    const double *prior = score + n * k;
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < k; c++)
            score[i * k + c] = prior[c];
    for (uint32_t g = 0; g < x->codes.n_groups; g++) {
        kt_lf_codes_block(&x->codes, x->v, g, first, n, code);
        kt_lf_codes_add(&x->codes, x->table, g, code, n, k, score);
    }
    kt_lf_softmax(score, n, k);
    for (size_t i = 0; i < n * k; i++)
        x->prob[first * k + i] = (float)score[i];
}

static void look_up_chunk(void *ctx, size_t part)
{
    const struct all *x = ctx;
    uint32_t k = x->m->n_labels, code[BLOCK];
    size_t first = part * BLOCK, n = KT_MIN(BLOCK, x->v->n_items - first);
    double *score = kt_alloc_array((BLOCK + 1) * (size_t)k, sizeof(*score));
    start_of(x->m, score + n * k);
    switch (k) {
    case 2: look_up(x, first, n, 2, score, code); break;
    case 3: look_up(x, first, n, 3, score, code); break;
    case 4: look_up(x, first, n, 4, score, code); break;
    case 5: look_up(x, first, n, 5, score, code); break;
    default: look_up(x, first, n, k, score, code);
    }
    kt_free(score);
}

static inline int16_t vote_of(const kt_lf_columns *v, uint32_t j, size_t i)
{
    return v->vote[j][i * v->stride];
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
    x.codes = kt_lf_codes_of(m->n_functions, m->n_labels, MOST_CODES);
    x.table = kt_alloc_array(x.codes.n_groups * x.codes.n_codes, m->n_labels * sizeof(double));
    double *moves = kt_alloc_array((size_t)m->n_functions * m->n_labels + 1, m->n_labels * sizeof(*moves));
    moves_of(m, moves);
    kt_lf_codes_table(&x.codes, moves, x.table);
    kt_free(moves);
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
