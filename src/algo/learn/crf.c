/* The span tagger in use: tags, spans with probabilities, one more sentence, reasons, bytes. */
#include "algo/learn/crf_int.h"

#include <math.h>
#include <stdlib.h>

enum { CHUNK_SENTENCES = 32, UPDATE_STEPS = 8 };

static const float UPDATE_RATE = 0.1f;

#define AT(member) .offset = offsetof(kt_crf_options, member)
const kt_setting kt_crf_settings[] = {
    { .name = "bits", .help = "features are hashed into 2^bits", .kind = KT_SET_INT, AT(bits), .min = 8, .max = 24 },
    { .name = "epochs", .help = "visits to each sentence", .kind = KT_SET_INT, AT(epochs), .min = 1, .max = 1000 },
    { .name = "least", .help = "tokens a feature has to be on to get weights; 0: 1 below 100 sentences, 2 below 1,000, else 3", .kind = KT_SET_INT, AT(least), .min = 0, .max = 1000000 },
    { .name = "penalty", .help = "of the squared weights", .kind = KT_SET_FLOAT, AT(penalty), .min = 0, .max = 1e6 },
    { .name = "rate", .help = "of learning", .kind = KT_SET_FLOAT, AT(rate), .min = 1e-4, .max = 10 },
    { .name = NULL },
};
#undef AT

static uint32_t n_tags(const kt_crf *m)
{
    return m->state.n_labels;
}

void kt_crf_done(kt_crf *m)
{
    kt_linear_done(&m->state);
    m->first = kt_free(m->first);
    m->next = kt_free(m->next);
}

typedef struct predict_job {
    const kt_crf *m;
    const kt_crf_text *x;
    const kt_features *rows;
    int32_t *tag;
    float *prob;
    struct spans { KT_VEC(kt_crf_span) v; } *spans; /* per part, or NULL */
} predict_job;

void kt_crf_scores(const kt_crf *m, const kt_features *rows, size_t from, size_t n, float *z)
{
    uint32_t k = n_tags(m);
    for (size_t t = 0; t < n; t++) {
        memcpy(z + t * k, m->state.bias, k * sizeof(*z));
        kt_linear_scores(&m->state, rows, from + t, z + t * k);
    }
}

size_t kt_crf_longest(const kt_crf_text *x, size_t first, size_t last)
{
    size_t most = 1;
    for (size_t s = first; s < last; s++)
        most = KT_MAX(most, x->start[s + 1] - x->start[s]);
    return most;
}

size_t kt_crf_span_end(const int32_t *tag, size_t n, size_t t)
{
    while (t + 1 < n && tag[t + 1] && tag[t + 1] % 2 == 0)
        t++;
    return t;
}

static void span_probs(const predict_job *j, const kt_chain *c, size_t sentence, const int32_t *tag, struct spans *ret)
{
    size_t from = j->x->start[sentence];
    for (size_t t = 0, last; t < c->n; t = last + 1) {
        last = tag[t] ? kt_crf_span_end(tag, c->n, t) : t;
        if (!tag[t])
            continue;
        uint32_t type = (uint32_t)(tag[t] - 1) / 2;
        KT_PUSH(&ret->v, (kt_crf_span){ sentence, from + t, from + last, type, (float)kt_chain_span(c, t, last, type) });
    }
}

static void predict_part(void *ctx, size_t part)
{
    const predict_job *j = ctx;
    const kt_crf *m = j->m;
    uint32_t k = n_tags(m);
    size_t first = part * CHUNK_SENTENCES, last = KT_MIN(j->x->n_sentences, first + CHUNK_SENTENCES), most = kt_crf_longest(j->x, first, last);
    float *z = kt_alloc_array(most, k * sizeof(*z));
    int32_t *tag = kt_alloc_array(most, sizeof(*tag));
    kt_chain c;
    kt_chain_init(&c, k);
    kt_chain_links(&c, m->first, m->next);
    for (size_t s = first; s < last; s++) {
        size_t from = j->x->start[s], n = j->x->start[s + 1] - from;
        kt_crf_scores(m, j->rows, from, n, z);
        kt_chain_best(z, n, k, m->first, m->next, tag);
        if (j->tag && n)
            memcpy(j->tag + from, tag, n * sizeof(*tag));
        if (!j->prob && !j->spans)
            continue;
        kt_chain_run(&c, z, n);
        for (size_t i = 0; j->prob && i < n * k; i++)
            j->prob[from * k + i] = (float)(c.alpha[i] * c.beta[i]);
        if (j->spans)
            span_probs(j, &c, s, tag, &j->spans[part]);
    }
    kt_chain_done(&c);
    kt_free(z);
    kt_free(tag);
}

static size_t n_parts(const kt_crf_text *x)
{
    return (x->n_sentences + CHUNK_SENTENCES - 1) / CHUNK_SENTENCES;
}

void kt_crf_predict(const kt_crf *m, const kt_crf_text *x, kt_pool *pool, int32_t *ret_tag, float *ret_prob)
{
    kt_features rows;
    kt_crf_rows(x, m->state.bits, pool, &rows);
    predict_job j = { m, x, &rows, ret_tag, ret_prob, NULL };
    kt_pool_run(pool, n_parts(x), predict_part, &j);
    kt_features_done(&rows);
}

size_t kt_crf_spans(const kt_crf *m, const kt_crf_text *x, kt_pool *pool, kt_crf_span *ret)
{
    kt_features rows;
    size_t n = 0;
    kt_crf_rows(x, m->state.bits, pool, &rows);
    predict_job j = { m, x, &rows, NULL, NULL, kt_zalloc_array(n_parts(x) + 1, sizeof(struct spans)) };
    kt_pool_run(pool, n_parts(x), predict_part, &j);
    for (size_t p = 0; p < n_parts(x); p++) {
        for (size_t i = 0; i < j.spans[p].v.n; i++)
            ret[n++] = j.spans[p].v.v[i];
        KT_VEC_DONE(&j.spans[p].v);
    }
    kt_free(j.spans);
    kt_features_done(&rows);
    return n;
}

/* Adds the gradient of one sentence's log loss, of size `by`, to the model; false when its tags are the likeliest already. */
static bool nudge(kt_crf *m, const kt_features *rows, size_t n, const int32_t *tag, float by, float *z, int32_t *best, kt_chain *c)
{
    uint32_t k = n_tags(m);
    for (size_t t = 0; t < n; t++) {
        memcpy(z + t * k, m->state.bias, k * sizeof(*z));
        kt_linear_scores(&m->state, rows, t, z + t * k);
    }
    kt_chain_best(z, n, k, m->first, m->next, best);
    if (memcmp(best, tag, n * sizeof(*tag)) == 0)
        return false;
    kt_chain_links(c, m->first, m->next);
    kt_chain_run(c, z, n);
    for (size_t t = 0; t < n; t++)
        for (size_t e = rows->start[t]; e < rows->start[t + 1]; e++) {
            size_t f = kt_linear_feature(&m->state, rows->index[e]) - 1;
            for (uint32_t b = 0; b < k; b++)
                m->state.weight[f * k + b] -= by * ((float)(c->alpha[t * k + b] * c->beta[t * k + b]) - (tag[t] == (int32_t)b));
        }
    for (size_t t = 1; t < n; t++)
        for (uint32_t i = 0; i < k * k; i++)
            if (c->next[i] > 0)
                m->next[i] -= by * ((float)kt_chain_edge(c, t, i / k, i % k) - (tag[t - 1] == (int32_t)(i / k) && tag[t] == (int32_t)(i % k)));
    return true;
}

void kt_crf_update(kt_crf *m, const kt_str *token, size_t n, const int32_t *tag)
{
    size_t start[2] = { 0, n };
    kt_crf_text x = { .n_sentences = 1, .start = start, .token = token };
    kt_features rows;
    kt_chain c;
    if (!n)
        return;
    float *z = kt_alloc_array(n, n_tags(m) * sizeof(*z));
    int32_t *best = kt_alloc_array(n, 2 * sizeof(*best)), *own = best + n;
    for (size_t t = 0; t < n; t++)
        own[t] = kt_crf_may_follow((uint32_t)tag[t], t ? (uint32_t)own[t - 1] : UINT32_MAX) ? tag[t] : tag[t] - 1;
    kt_crf_rows(&x, m->state.bits, NULL, &rows);
    kt_chain_init(&c, n_tags(m));
    for (int i = 0; i < UPDATE_STEPS && nudge(m, &rows, n, own, UPDATE_RATE, z, best, &c); i++)
        continue;
    kt_chain_done(&c);
    kt_features_done(&rows);
    kt_free(z);
    kt_free(best);
}

typedef struct reasons {
    const kt_crf *m;
    uint32_t tag, mask;
    kt_arena *a;
    KT_VEC(kt_reason) v;
} reasons;

static void add_reason(void *ctx, uint64_t hash, kt_str name)
{
    reasons *r = ctx;
    uint32_t row = r->m->state.row_of[(uint32_t)hash & r->mask];
    if (!row)
        return;
    const float *w = r->m->state.weight + (size_t)(row - 1) * n_tags(r->m);
    KT_PUSH(&r->v, (kt_reason){ kt_arena_str(r->a, name), w[r->tag] - (r->tag ? w[0] : 0) });
}

static int strongest_first(const void *a, const void *b)
{
    float x = fabsf(((const kt_reason *)a)->adds), y = fabsf(((const kt_reason *)b)->adds);
    return (x < y) - (x > y);
}

void kt_crf_explain(const kt_crf *m, const kt_str *token, size_t n, size_t at, uint32_t tag, size_t max, kt_arena *a, kt_reason *ret, size_t *ret_n)
{
    KT_ASSERT(at < n && tag < n_tags(m));
    reasons r = { m, tag, (uint32_t)(((uint64_t)1 << m->state.bits) - 1), a, { 0 } };
    kt_crf_words *w = kt_crf_words_new(token, n);
    kt_crf_each(w, at, add_reason, &r);
    kt_crf_words_free(w);
    if (r.v.n)
        qsort(r.v.v, r.v.n, sizeof(*r.v.v), strongest_first);
    *ret_n = KT_MIN(r.v.n, max);
    if (*ret_n)
        memcpy(ret, r.v.v, *ret_n * sizeof(*ret));
    KT_VEC_DONE(&r.v);
}

/* "KTC1", n_types; first and next as floats; then the linear model of the states. */
void kt_crf_bytes(const kt_crf *m, kt_buf *ret)
{
    uint32_t k = n_tags(m);
    kt_buf_add(ret, "KTC1", 4);
    kt_buf_varint(ret, m->n_types);
    kt_buf_add(ret, m->first, k * sizeof(float));
    kt_buf_add(ret, m->next, (size_t)k * k * sizeof(float));
    kt_linear_bytes(&m->state, ret);
}

kt_rc kt_crf_from_bytes(kt_str b, kt_crf *ret, kt_err *err)
{
    size_t at = 4;
    uint64_t types;
    if (b.n < 4 || memcmp(b.p, "KTC1", 4) != 0 || !kt_varint_read(b, &at, &types) || !types || types > KT_CRF_MAX_TYPES)
        return kt_fail(err, KT_CORRUPT, "these bytes are no span tagger");
    size_t k = 1 + 2 * types, links = (k + k * k) * sizeof(float);
    if (b.n - at < links)
        return kt_fail(err, KT_CORRUPT, "the span tagger's bytes end within its links");
    kt_crf m = { .n_types = (uint32_t)types, .first = kt_alloc(k * sizeof(float)), .next = kt_alloc(k * k * sizeof(float)) };
    memcpy(m.first, b.p + at, k * sizeof(float));
    memcpy(m.next, b.p + at + k * sizeof(float), k * k * sizeof(float));
    bool good = true;
    for (size_t i = 0; i < k * k; i++)
        good = good && fabsf(m.next[i]) < 1e4f && fabsf(m.first[i % k]) < 1e4f;
    kt_rc rc = good ? kt_linear_from_bytes((kt_str){ b.p + at + links, b.n - at - links }, &m.state, err)
                    : kt_fail(err, KT_CORRUPT, "a link of the span tagger is no number it can have");
    if (rc == 0 && m.state.n_labels != k)
        rc = kt_fail(err, KT_CORRUPT, "the span tagger has %u tags for %u types", m.state.n_labels, m.n_types);
    if (rc == 0)
        *ret = m;
    else
        kt_crf_done(&m);
    return rc;
}

double kt_crf_loss(const kt_crf *m, const kt_features *rows, const kt_crf_text *x, const int32_t *tag, double penalty, double *g_weight,
                   double *g_first, double *g_next)
{
    uint32_t k = n_tags(m);
    double loss = 0;
    kt_chain c;
    kt_chain_init(&c, k);
    kt_chain_links(&c, m->first, m->next);
    for (size_t s = 0; s < x->n_sentences; s++) {
        size_t from = x->start[s], n = x->start[s + 1] - from;
        float *z = kt_zalloc_array(n + 1, k * sizeof(*z));
        for (size_t t = 0; t < n; t++)
            kt_linear_scores(&m->state, rows, from + t, z + t * k);
        loss += kt_chain_run(&c, z, n) - kt_chain_score(z, n, k, m->first, m->next, tag + from);
        for (size_t t = 0; g_weight && t < n; t++)
            for (uint32_t b = 0; b < k; b++) {
                double off = c.alpha[t * k + b] * c.beta[t * k + b] - (tag[from + t] == (int32_t)b);
                for (size_t e = rows->start[from + t]; e < rows->start[from + t + 1]; e++)
                    g_weight[(size_t)(m->state.row_of[rows->index[e]] - 1) * k + b] += off;
                if (t == 0)
                    g_first[b] += off;
                for (uint32_t a = 0; t && a < k; a++)
                    g_next[a * k + b] += kt_chain_edge(&c, t, a, b) - (tag[from + t - 1] == (int32_t)a && tag[from + t] == (int32_t)b);
            }
        kt_free(z);
    }
    const float *w[] = { m->state.weight, m->first, m->next };
    double *g[] = { g_weight, g_first, g_next };
    const size_t size[] = { (size_t)m->state.n_seen * k, k, (size_t)k * k };
    for (int i = 0; i < 3; i++)
        for (size_t q = 0; q < size[i]; q++) {
            loss += penalty * (double)w[i][q] * (double)w[i][q];
            if (g[i])
                g[i][q] += 2 * penalty * (double)w[i][q];
        }
    kt_chain_done(&c);
    return loss;
}
