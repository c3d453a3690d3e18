/* Training of the span tagger: AdaGrad, a sentence a step. The penalty of a weight is spread over the tokens its feature occurs on, so a step
   touches only what the sentence holds, and over an epoch the penalty comes to its whole. A feature's weights and their sums of squared
   gradients lie side by side. */
#include "algo/learn/crf_int.h"

#include "algo/learn/folds.h"
#include "base/rng.h"

#include <math.h>

typedef struct trainer {
    const kt_features *rows;
    const kt_crf_text *x;
    const int32_t *tag;
    uint32_t k;
    double penalty;
    float rate;
    kt_crf *m;          /* state.row_of, first, next */
    float *cell;        /* n_seen x 2 x k: weights, sums of squares */
    float *seen;        /* n_seen: tokens the feature occurs on */
    float *first_sq, *next_sq;
    float *z, *g;       /* scratch of the longest sentence: scores, then gradients */
    int32_t *own;       /* and its tags */
    kt_chain chain;
    size_t n_used;      /* sentences */
} trainer;

/* The sentence's tags with an I that cannot be taken for a B; false where a token has none. */
static bool valid_tags(const int32_t *tag, size_t n, int32_t *ret)
{
    for (size_t t = 0; t < n; t++) {
        if (tag[t] < 0)
            return false;
        ret[t] = tag[t];
        if (!kt_crf_may_follow((uint32_t)tag[t], t ? (uint32_t)ret[t - 1] : UINT32_MAX))
            ret[t] = tag[t] - 1;
    }
    return n > 0;
}

static void scores(const trainer *r, size_t from, size_t n, float *z)
{
    uint32_t k = r->k;
    memset(z, 0, n * k * sizeof(*z));
    for (size_t t = 0; t < n; t++)
        for (size_t e = r->rows->start[from + t]; e < r->rows->start[from + t + 1]; e++) {
            uint32_t f = r->m->state.row_of[r->rows->index[e]];
            const float *w = r->cell + (size_t)(f - 1) * 2 * k;
            for (uint32_t c = 0; f && c < k; c++)
                z[t * k + c] += w[c];
        }
}

static void step(float *w, float *sq, float g, float rate)
{
    *sq += g * g;
    *w -= rate * g / sqrtf(*sq + 1e-8f);
}

static void step_links(trainer *r, const int32_t *tag, size_t n)
{
    uint32_t k = r->k;
    float share = (float)(2 * r->penalty / (double)r->n_used);
    double *sum = kt_zalloc_array((size_t)k * k, sizeof(*sum));
    for (size_t t = 1; t < n; t++) {
        for (uint32_t a = 0; a < k; a++)
            for (uint32_t b = 0; b < k; b++)
                sum[a * k + b] += r->chain.next[a * k + b] > 0 ? kt_chain_edge(&r->chain, t, a, b) : 0;
        sum[(size_t)tag[t - 1] * k + (size_t)tag[t]] -= 1;
    }
    for (uint32_t i = 0; i < k * k; i++)
        if (r->chain.next[i] > 0)
            step(&r->m->next[i], &r->next_sq[i], (float)sum[i] + share * r->m->next[i], r->rate);
    for (uint32_t b = 0; b < k; b++)
        if (r->chain.first[b] > 0)
            step(&r->m->first[b], &r->first_sq[b], (float)(r->chain.alpha[b] * r->chain.beta[b]) - (tag[0] == (int32_t)b) + share * r->m->first[b], r->rate);
    kt_free(sum);
}

static void step_states(trainer *r, size_t from, size_t n)
{
    uint32_t k = r->k;
    for (size_t t = 0; t < n; t++) {
        const float *g = r->g + t * k;
        for (size_t e = r->rows->start[from + t]; e < r->rows->start[from + t + 1]; e++) {
            size_t f = r->m->state.row_of[r->rows->index[e]];
            if (!f--)
                continue;
            float *w = r->cell + f * 2 * k, *sq = w + k, share = (float)(2 * r->penalty) / r->seen[f];
            for (uint32_t c = 0; c < k; c++) {
                float d = g[c] + share * w[c];
                sq[c] += d * d;
                w[c] -= r->rate * d / sqrtf(sq[c] + 1e-8f);
            }
        }
    }
}

static void learn_sentence(trainer *r, size_t sentence)
{
    size_t from = r->x->start[sentence], n = r->x->start[sentence + 1] - from;
    uint32_t k = r->k;
    if (!valid_tags(r->tag + from, n, r->own))
        return;
    scores(r, from, n, r->z);
    kt_chain_links(&r->chain, r->m->first, r->m->next);
    kt_chain_run(&r->chain, r->z, n);
    for (size_t t = 0; t < n; t++)
        for (uint32_t c = 0; c < k; c++)
            r->g[t * k + c] = (float)(r->chain.alpha[t * k + c] * r->chain.beta[t * k + c]) - (r->own[t] == (int32_t)c);
    step_states(r, from, n);
    step_links(r, r->own, n);
}

/* Tokens a feature must be on. What is seen once is mostly a name: weights for it explain the name away, so that affixes and neighbours
   learn nothing from it that would find the next name. */
static uint32_t least_of(const kt_crf_options *o, size_t n_sentences)
{
    return o->least ? o->least : n_sentences < 100 ? 1 : n_sentences < 1000 ? 2 : 3;
}

/* Numbers the features that are on enough tokens of the sentences to learn from, and counts those tokens. Returns how many sentences there
   are. */
static size_t number_features(const kt_features *rows, const kt_crf_text *x, const int32_t *tag, const uint8_t *skip, const kt_crf_options *o,
                              int32_t *own, kt_linear *m, float **ret_seen)
{
    size_t used = 0, cells = (size_t)1 << m->bits;
    KT_VEC(float) seen = { 0 };
    for (size_t s = 0; s < x->n_sentences; s++) {
        size_t from = x->start[s], to = x->start[s + 1];
        if ((skip && skip[s]) || !valid_tags(tag + from, to - from, own))
            continue;
        used++;
        for (size_t e = rows->start[from]; e < rows->start[to]; e++)
            m->row_of[rows->index[e]]++;
    }
    for (size_t i = 0, least = least_of(o, used); i < cells; i++) {
        uint32_t n = m->row_of[i];
        m->row_of[i] = n && n >= least ? ++m->n_seen : 0;
        if (m->row_of[i])
            KT_PUSH(&seen, (float)n);
    }
    KT_PUSH(&seen, 0);
    *ret_seen = seen.v;
    return used;
}

/* One pass over the sentences of order for each epoch; order is shuffled on the way. */
static void run(trainer *r, const kt_crf_options *o, uint32_t *order, size_t n)
{
    for (uint32_t round = 0; round < o->epochs; round++) {
        kt_rng g = kt_rng_keyed(o->seed, 0x637266, round);
        for (size_t i = n; i > 1; i--) {
            size_t at = (size_t)kt_rng_below(&g, i);
            uint32_t t = order[i - 1];
            order[i - 1] = order[at];
            order[at] = t;
        }
        for (size_t i = 0; i < n; i++)
            learn_sentence(r, order[i]);
    }
}

static size_t longest(const kt_crf_text *x)
{
    size_t most = 1;
    for (size_t s = 0; s < x->n_sentences; s++)
        most = KT_MAX(most, x->start[s + 1] - x->start[s]);
    return most;
}

/* skip: sentences left out, or NULL. */
static kt_rc fit(const kt_features *rows, const kt_crf_text *x, const int32_t *tag, const uint8_t *skip, uint32_t n_types, const kt_crf_options *o,
                 kt_crf *ret, kt_err *err)
{
    uint32_t k = 1 + 2 * n_types;
    size_t most = longest(x), n = 0;
    kt_crf m = { .n_types = n_types, .state = { .n_labels = k, .bits = o->bits, .row_of = kt_zalloc_array((size_t)1 << o->bits, 4) } };
    trainer r = { .rows = rows, .x = x, .tag = tag, .k = k, .penalty = o->penalty, .rate = (float)o->rate, .m = &m };
    r.own = kt_alloc_array(most, sizeof(*r.own));
    r.n_used = number_features(rows, x, tag, skip, o, r.own, &m.state, &r.seen);
    m.first = kt_zalloc_array(k, sizeof(float));
    m.next = kt_zalloc_array((size_t)k * k, sizeof(float));
    m.state.bias = kt_zalloc_array(k, sizeof(float));
    m.state.room = m.state.n_seen;
    m.state.weight = kt_alloc_array((size_t)m.state.n_seen + 1, k * sizeof(float));
    r.cell = kt_zalloc_array((size_t)m.state.n_seen + 1, 2 * k * sizeof(float));
    r.first_sq = kt_zalloc_array(k, sizeof(float));
    r.next_sq = kt_zalloc_array((size_t)k * k, sizeof(float));
    r.z = kt_alloc_array(most, k * sizeof(float));
    r.g = kt_alloc_array(most, k * sizeof(float));
    uint32_t *order = kt_alloc_array(x->n_sentences + 1, sizeof(*order));
    for (size_t s = 0; s < x->n_sentences; s++)
        if (!skip || !skip[s])
            order[n++] = (uint32_t)s;
    kt_chain_init(&r.chain, k);
    if (r.n_used)
        run(&r, o, order, n);
    for (size_t f = 0; f < m.state.n_seen; f++)
        memcpy(m.state.weight + f * k, r.cell + f * 2 * k, k * sizeof(float));
    kt_linear_round(&m.state);
    kt_chain_done(&r.chain);
    void *const scratch[] = { r.own, r.seen, r.cell, r.first_sq, r.next_sq, r.z, r.g, order };
    for (size_t i = 0; i < KT_LEN(scratch); i++)
        kt_free(scratch[i]);
    if (!r.n_used) {
        kt_crf_done(&m);
        return kt_fail(err, KT_RANGE, "no sentence has tags to learn from");
    }
    *ret = m;
    return KT_OK;
}

static kt_rc check(const kt_crf_text *x, const int32_t *tag, uint32_t n_types, const kt_crf_options *o, kt_err *err)
{
    if (o->bits < 8 || o->bits > 24)
        return kt_fail(err, KT_RANGE, "feature bits %u are outside 8..24", o->bits);
    if (!n_types || n_types > KT_CRF_MAX_TYPES)
        return kt_fail(err, KT_RANGE, "%u types of spans; 1..%d are taken", n_types, KT_CRF_MAX_TYPES);
    if (!(o->penalty >= 0) || isinf(o->penalty) || !(o->rate > 0) || isinf(o->rate) || !o->epochs)
        return kt_fail(err, KT_RANGE, "penalty %g, rate %g and epochs %u cannot be", o->penalty, o->rate, o->epochs);
    for (size_t i = 0; i < x->start[x->n_sentences]; i++)
        if (tag[i] >= (int32_t)(1 + 2 * n_types))
            return kt_fail(err, KT_RANGE, "token %zu has tag %d of %u", i, (int)tag[i], 1 + 2 * n_types);
    return KT_OK;
}

kt_rc kt_crf_fit(const kt_crf_text *x, const int32_t *tag, uint32_t n_types, const kt_crf_options *o, kt_crf *ret, kt_err *err)
{
    kt_features rows;
    KT_TRY(check(x, tag, n_types, o, err));
    kt_crf_rows(x, o->bits, NULL, &rows);
    kt_rc rc = fit(&rows, x, tag, NULL, n_types, o, ret, err);
    kt_features_done(&rows);
    return rc;
}

typedef struct cross_job {
    const kt_features *rows;
    const kt_crf_text *x;
    const int32_t *tag;
    uint32_t n_types;
    const kt_crf_options *o;
    const uint8_t *fold; /* per sentence */
    float *ret;
    kt_rc rc[101];
    kt_err err[101];
} cross_job;

/* Probabilities of the sentences of a fold. */
static void judge(const cross_job *j, const kt_crf *m, size_t fold)
{
    uint32_t k = 1 + 2 * j->n_types;
    kt_chain c;
    float *z = kt_alloc_array(longest(j->x), k * sizeof(*z));
    kt_chain_init(&c, k);
    kt_chain_links(&c, m->first, m->next);
    for (size_t s = 0; s < j->x->n_sentences; s++) {
        size_t from = j->x->start[s], n = j->x->start[s + 1] - from;
        bool tagged = n > 0;
        for (size_t t = 0; t < n; t++)
            tagged = tagged && j->tag[from + t] >= 0;
        if (j->fold[s] != fold || !tagged)
            continue;
        memset(z, 0, n * k * sizeof(*z));
        for (size_t t = 0; t < n; t++)
            kt_linear_scores(&m->state, j->rows, from + t, z + t * k);
        kt_chain_run(&c, z, n);
        for (size_t i = 0; i < n * k; i++)
            j->ret[from * k + i] = (float)(c.alpha[i] * c.beta[i]);
    }
    kt_chain_done(&c);
    kt_free(z);
}

static void one_fold(void *ctx, size_t fold)
{
    cross_job *j = ctx;
    kt_crf m;
    uint8_t *skip = kt_alloc(j->x->n_sentences + 1);
    for (size_t s = 0; s < j->x->n_sentences; s++)
        skip[s] = j->fold[s] == fold;
    j->rc[fold] = fit(j->rows, j->x, j->tag, skip, j->n_types, j->o, &m, &j->err[fold]);
    kt_free(skip);
    if (j->rc[fold] == 0) {
        judge(j, &m, fold);
        kt_crf_done(&m);
    }
}

kt_rc kt_crf_cross(const kt_crf_text *x, const int32_t *tag, uint32_t n_types, const uint64_t *group, const kt_crf_options *o, uint32_t folds,
                   kt_pool *pool, float *ret_prob, kt_err *err)
{
    KT_TRY(check(x, tag, n_types, o, err));
    uint8_t *fold = kt_alloc(x->n_sentences + 1);
    kt_features rows = { 0 };
    cross_job *j = kt_zalloc(sizeof(*j));
    *j = (cross_job){ &rows, x, tag, n_types, o, fold, ret_prob, { 0 }, { { 0 } } };
    kt_rc rc = kt_folds_draw(x->n_sentences, group, folds, o->seed, fold, err);
    if (rc == 0) {
        kt_crf_rows(x, o->bits, pool, &rows);
        memset(ret_prob, 0, x->start[x->n_sentences] * (1 + 2 * (size_t)n_types) * sizeof(*ret_prob));
        kt_pool_run(pool, folds, one_fold, j);
        for (uint32_t f = 0; f < folds && rc == 0; f++)
            if ((rc = j->rc[f]) < 0 && err)
                *err = j->err[f];
    }
    kt_features_done(&rows);
    kt_free(fold);
    kt_free(j);
    return rc;
}
