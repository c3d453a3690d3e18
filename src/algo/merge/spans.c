#include "algo/merge/spans.h"

#include "algo/merge/regions.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { OTHER_BORDERS = 4, ROUNDS = 20 };

static const double PRIOR_RIGHT = 8, PRIOR_WRONG = 2, ALIKE = 1.0 / 3;

/* Borders that somebody gave a merged span. */
typedef struct borders {
    double from, to, log_odds; /* against an unsaid pair */
    double prob;
} borders;

typedef struct work {
    const kt_span_answers *v;
    kt_regions r;
    size_t n_drawn;
    size_t *answer;   /* n_drawn: who drew it */
    double *at;       /* n_drawn × 2 */
    size_t *start;    /* r.n + 1: candidates of each merged span … */
    borders *cand;
    size_t *of;       /* … and the one each drawn span gave */
    double *exact;    /* n_sources */
} work;

static kt_rc merge_regions(work *w, kt_pool *pool, kt_arena *a, kt_err *err)
{
    const kt_span_answers *v = w->v;
    w->n_drawn = v->start[v->n];
    int32_t *label = kt_arena_array(a, w->n_drawn + 1, sizeof(*label));
    w->answer = kt_arena_array(a, w->n_drawn + 1, sizeof(*w->answer));
    w->at = kt_arena_array(a, 2 * w->n_drawn + 1, sizeof(*w->at));
    for (size_t i = 0; i < v->n; i++)
        for (size_t k = v->start[i]; k < v->start[i + 1]; k++) {
            if (v->span[k].end <= v->span[k].start)
                return kt_fail(err, KT_RANGE, "answer %zu: a span ends at %u and begins at %u", i, v->span[k].end, v->span[k].start);
            w->answer[k] = i;
            label[k] = v->span[k].label;
            w->at[2 * k] = v->span[k].start;
            w->at[2 * k + 1] = v->span[k].end;
        }
    const kt_region_answers in = { .n_answers = v->n, .n_items = v->n_items, .n_sources = v->n_sources, .n_labels = v->n_labels, .n_numbers = 2, .item = v->item,
                                   .source = v->source, .n = w->n_drawn, .answer = w->answer, .label = label, .at = w->at, .form = KT_REGION_EDGES };
    kt_region_opts o = KT_REGION_OPTS_INIT;
    o.overlap = ALIKE;
    return kt_regions_merge(&in, &o, pool, a, &w->r, err);
}

/* The different borders of each merged span. */
static void find_candidates(work *w, kt_arena *a)
{
    size_t *group = kt_zalloc_array(w->r.n + 2, sizeof(*group)), *drawn = kt_alloc_array(w->n_drawn + 1, sizeof(*drawn)), n = 0;
    for (size_t k = 0; k < w->n_drawn; k++)
        group[w->r.of[k] + 2]++;
    for (size_t g = 2; g <= w->r.n; g++)
        group[g] += group[g - 1];
    for (size_t k = 0; k < w->n_drawn; k++)
        drawn[group[w->r.of[k] + 1]++] = k;
    w->start = kt_arena_array(a, w->r.n + 1, sizeof(*w->start));
    w->cand = kt_arena_array(a, w->n_drawn + 1, sizeof(*w->cand));
    w->of = kt_arena_array(a, w->n_drawn + 1, sizeof(*w->of));
    for (size_t g = 0; g < w->r.n; g++) {
        w->start[g] = n;
        for (size_t x = group[g]; x < group[g + 1]; x++) {
            const double *at = w->at + 2 * drawn[x];
            size_t c = w->start[g];
            while (c < n && (w->cand[c].from != at[0] || w->cand[c].to != at[1]))
                c++;
            if (c == n)
                w->cand[n++] = (borders){ at[0], at[1], 0, 0 };
            w->of[drawn[x]] = c;
        }
    }
    w->start[w->r.n] = n;
    kt_free(group);
    kt_free(drawn);
}

/* Chances of the candidates, from how exact the sources are. */
static void weigh(work *w)
{
    for (size_t c = 0; c < w->start[w->r.n]; c++)
        w->cand[c].log_odds = 0;
    for (size_t k = 0; k < w->n_drawn; k++) {
        double e = w->exact[w->v->source[w->answer[k]]];
        w->cand[w->of[k]].log_odds += log(e * OTHER_BORDERS / (1 - e));
    }
    for (size_t g = 0; g < w->r.n; g++) {
        size_t n = w->start[g + 1] - w->start[g];
        double top = 0, sum;
        for (size_t c = w->start[g]; c < w->start[g + 1]; c++)
            top = KT_MAX(top, w->cand[c].log_odds);
        sum = exp(-top) * (n < OTHER_BORDERS + 1 ? (double)(OTHER_BORDERS + 1 - n) : 0);
        for (size_t c = w->start[g]; c < w->start[g + 1]; c++)
            sum += w->cand[c].prob = exp(w->cand[c].log_odds - top);
        for (size_t c = w->start[g]; c < w->start[g + 1]; c++)
            w->cand[c].prob /= sum;
    }
}

static void find_borders(work *w, kt_arena *a)
{
    uint32_t n = w->v->n_sources;
    double *right = kt_alloc_array(n + 1, sizeof(*right)), *all = kt_alloc_array(n + 1, sizeof(*all));
    w->exact = kt_arena_array(a, n, sizeof(*w->exact));
    for (uint32_t s = 0; s < n; s++)
        w->exact[s] = PRIOR_RIGHT / (PRIOR_RIGHT + PRIOR_WRONG);
    for (int round = 0; round < ROUNDS; round++) {
        weigh(w);
        for (uint32_t s = 0; s < n; s++) {
            right[s] = PRIOR_RIGHT;
            all[s] = PRIOR_RIGHT + PRIOR_WRONG;
        }
        for (size_t k = 0; k < w->n_drawn; k++) {
            uint32_t s = w->v->source[w->answer[k]];
            double there = w->r.prob[w->r.of[k]]; /* borders of what is not there tell nothing */
            right[s] += there * w->cand[w->of[k]].prob;
            all[s] += there;
        }
        for (uint32_t s = 0; s < n; s++)
            w->exact[s] = right[s] / all[s];
    }
    weigh(w);
    kt_free(right);
    kt_free(all);
}

static int by_place(const void *a, const void *b)
{
    const kt_span *x = a, *y = b;
    if (x->start != y->start)
        return (x->start > y->start) - (x->start < y->start);
    return x->end != y->end ? (x->end > y->end) - (x->end < y->end) : (x->label > y->label) - (x->label < y->label);
}

struct placed {
    kt_span span; /* first, for by_place */
    double prob;
};

/* The merged spans of an item, regions from .. to. Two that came out the same are one. */
static size_t gather(const work *w, size_t from, size_t to, struct placed *out, double *ret_whole)
{
    size_t n = 0, kept = 0;
    double whole = 1;
    for (size_t g = from; g < to; g++) {
        if (!w->r.kept[g]) {
            whole *= 1 - w->r.prob[g];
            continue;
        }
        size_t best = w->start[g];
        for (size_t c = best + 1; c < w->start[g + 1]; c++)
            if (w->cand[c].prob > w->cand[best].prob + 1e-12)
                best = c;
        const borders *b = &w->cand[best];
        double p = w->r.prob[g] * w->r.label_prob[g] * b->prob;
        out[n++] = (struct placed){ { (uint32_t)b->from, (uint32_t)b->to, w->r.label[g] }, p };
        whole *= p;
    }
    if (n)
        qsort(out, n, sizeof(*out), by_place);
    for (size_t i = 0; i < n; i++)
        if (!kept || by_place(&out[i], &out[kept - 1]) != 0)
            out[kept++] = out[i];
    *ret_whole = whole;
    return kept;
}

kt_rc kt_spans_merge(const kt_span_answers *v, kt_pool *pool, kt_arena *a, kt_merged_spans *ret, kt_err *err)
{
    KT_AUTO(kt_arena) own = KT_ARENA_INIT;
    work w = { .v = v };
    kt_merged_spans m = { .start = kt_arena_array(a, (size_t)v->n_items + 1, sizeof(*m.start)), .posterior = kt_arena_array(a, v->n_items, sizeof(double)),
                          .n_votes = kt_arena_zalloc(a, ((size_t)v->n_items + 1) * sizeof(uint32_t)), .source_accuracy = kt_arena_array(a, v->n_sources, sizeof(double)),
                          .source_exact = kt_arena_array(a, v->n_sources, sizeof(double)) };
    KT_TRY(merge_regions(&w, pool, &own, err));
    find_candidates(&w, &own);
    find_borders(&w, &own);
    m.span = kt_arena_array(a, w.r.n + 1, sizeof(*m.span));
    m.prob = kt_arena_array(a, w.r.n + 1, sizeof(*m.prob));
    struct placed *out = kt_arena_array(&own, w.r.n + 1, sizeof(*out));
    for (size_t i = 0; i < v->n; i++)
        m.n_votes[v->item[i]]++;
    size_t n = 0, g = 0;
    for (uint32_t i = 0; i < v->n_items; i++) { /* regions come item by item */
        size_t from = g;
        while (g < w.r.n && w.r.item[g] == i)
            g++;
        size_t k = gather(&w, from, g, out, &m.posterior[i]);
        m.start[i] = n;
        for (size_t x = 0; x < k; x++, n++) {
            m.span[n] = out[x].span;
            m.prob[n] = out[x].prob;
        }
        if (!m.n_votes[i])
            m.posterior[i] = NAN;
    }
    m.start[v->n_items] = n;
    for (uint32_t s = 0; s < v->n_sources; s++) {
        m.source_accuracy[s] = w.r.n ? w.r.source_accuracy[s] : NAN;
        m.source_exact[s] = w.exact[s];
    }
    *ret = m;
    return 0;
}
