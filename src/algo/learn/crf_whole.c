/* How sure the span tagger is of all it says of a sentence at once. */
#include "algo/learn/crf_int.h"

#include <math.h>

enum { CHUNK_SENTENCES = 32 };

typedef struct whole_job {
    const kt_crf *m;
    const kt_crf_text *x;
    const kt_features *rows;
    int32_t *tag;
    double *log_prob;
    float *span;
} whole_job;

static void span_probs(const kt_chain *c, const int32_t *tag, float *ret)
{
    for (size_t t = 0, last; t < c->n; t = last + 1) {
        last = tag[t] ? kt_crf_span_end(tag, c->n, t) : t;
        memset(ret + t, 0, (last - t + 1) * sizeof(*ret));
        if (tag[t])
            ret[t] = (float)kt_chain_span(c, t, last, (uint32_t)(tag[t] - 1) / 2);
    }
}

static void whole_part(void *ctx, size_t part)
{
    const whole_job *j = ctx;
    const kt_crf *m = j->m;
    uint32_t k = m->state.n_labels;
    size_t first = part * CHUNK_SENTENCES, last = KT_MIN(j->x->n_sentences, first + CHUNK_SENTENCES), most = kt_crf_longest(j->x, first, last);
    float *z = kt_alloc_array(most, k * sizeof(*z));
    kt_chain c;
    kt_chain_init(&c, k);
    kt_chain_links(&c, m->first, m->next);
    for (size_t s = first; s < last; s++) {
        size_t from = j->x->start[s], n = j->x->start[s + 1] - from;
        kt_crf_scores(m, j->rows, from, n, z);
        j->log_prob[s] = 0;
        if (!n)
            continue;
        kt_chain_best(z, n, k, m->first, m->next, j->tag + from);
        double score = kt_chain_score(z, n, k, m->first, m->next, j->tag + from);
        j->log_prob[s] = KT_MIN(0.0, score - kt_chain_run(&c, z, n));
        if (j->span)
            span_probs(&c, j->tag + from, j->span + from);
    }
    kt_chain_done(&c);
    kt_free(z);
}

void kt_crf_whole(const kt_crf *m, const kt_crf_text *x, kt_pool *pool, int32_t *ret_tag, double *ret_log_prob, float *ret_span)
{
    kt_features rows;
    kt_crf_rows(x, m->state.bits, pool, &rows);
    whole_job j = { m, x, &rows, ret_tag, ret_log_prob, ret_span };
    kt_pool_run(pool, (x->n_sentences + CHUNK_SENTENCES - 1) / CHUNK_SENTENCES, whole_part, &j);
    kt_features_done(&rows);
}
