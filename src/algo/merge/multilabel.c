#include "algo/merge/multilabel.h"

#include "base/mem.h"

#include <math.h>

static kt_rc check(const kt_label_sets *v, kt_err *err)
{
    for (size_t a = 0; a < v->n; a++)
        for (size_t x = v->start[a]; x < v->start[a + 1]; x++)
            if (v->label[x] >= v->n_labels)
                return kt_fail(err, KT_RANGE, "answer %zu: label %u of %u", a, v->label[x], v->n_labels);
    return 0;
}

/* Answers that name each label, grouped by label: those of label l are named[from[l]] .. named[from[l + 1] - 1]. */
static void invert(const kt_label_sets *v, size_t *from, size_t *named)
{
    for (size_t x = 0; x < v->start[v->n]; x++)
        from[v->label[x] + 2]++;
    for (size_t l = 2; l <= v->n_labels; l++)
        from[l] += from[l - 1];
    for (size_t a = 0; a < v->n; a++)
        for (size_t x = v->start[a]; x < v->start[a + 1]; x++)
            named[from[v->label[x] + 1]++] = a;
}

/* One label's answer into ret. Labels that are nearly always or never there say little about the sources and weigh little. */
static void take(const kt_posterior *p, uint32_t l, kt_multilabel *ret, double *weight)
{
    double uncertain = p->prior[1] * (1 - p->prior[1]) + 1e-9;
    ret->share[l] = p->prior[1];
    for (size_t i = 0; i < p->n_items; i++) {
        ret->prob[i * ret->n_labels + l] = p->label[i] < 0 ? NAN : (float)p->prob[2 * i + 1];
        ret->n_votes[i] = p->n_votes[i];
    }
    for (size_t s = 0; s < p->n_sources; s++) {
        if (isnan(p->source_accuracy[s]))
            continue;
        ret->source_accuracy[s] += uncertain * p->source_accuracy[s];
        weight[s] += uncertain;
    }
}

/* An answer is right on so much of what is uncertain. Answers are what is independent (a careless one errs on several labels at once):
   the variance of a source's mean is that between its answers, more where the truth is not known. */
static void set_intervals(const kt_label_sets *v, kt_multilabel *r)
{
    double all = 0, *sums = kt_zalloc_array(v->n_sources, 4 * sizeof(*sums)), *weight = kt_alloc_array(v->n_labels, sizeof(*weight));
    uint8_t *named = kt_zalloc_array(v->n_labels, 1);
    for (uint32_t l = 0; l < v->n_labels; l++)
        all += weight[l] = r->share[l] * (1 - r->share[l]) + 1e-9;
    for (size_t a = 0; a < v->n; a++) {
        const float *prob = r->prob + (size_t)v->item[a] * v->n_labels;
        double score = 0, doubt = 0, *s = sums + 4 * (size_t)v->source[a];
        for (size_t x = v->start[a]; x < v->start[a + 1]; x++)
            named[v->label[x]] = 1;
        for (uint32_t l = 0; l < v->n_labels; l++) {
            double p = (double)prob[l], w = weight[l] / all;
            score += w * (named[l] ? p : 1 - p);
            doubt += w * w * p * (1 - p);
            named[l] = 0;
        }
        s[0]++;
        s[1] += score;
        s[2] += score * score;
        s[3] += doubt;
    }
    for (uint32_t q = 0; q < v->n_sources; q++) {
        double *s = sums + 4 * (size_t)q, n = s[0], mean = s[1] / n, a = r->source_accuracy[q];
        double between = KT_MAX(s[2] - n * mean * mean, 1e-9) * n / KT_MAX(n - 1, 1), whole = between + s[3];
        double variance = whole * whole / between / (n * n); /* Louis 1982: information is lost in the share s[3] / whole */
        r->source_ci[2 * q] = r->source_ci[2 * q + 1] = NAN;
        if (n > 0 && !isnan(a))
            kt_wilson(a, KT_MIN(KT_MAX(a * (1 - a), 1e-3) / KT_MAX(variance, 1e-12), n * v->n_labels), r->source_ci + 2 * q);
    }
    kt_free(sums);
    kt_free(weight);
    kt_free(named);
}

kt_rc kt_multilabel_fit(const kt_label_sets *v, const kt_aggregator *m, kt_pool *pool, kt_arena *a, kt_multilabel *ret, kt_err *err)
{
    kt_multilabel r = { .n_items = v->n_items, .n_sources = v->n_sources, .n_labels = v->n_labels };
    KT_TRY(check(v, err));
    r.prob = kt_arena_array(a, (size_t)v->n_items * v->n_labels, sizeof(float));
    r.n_for = kt_arena_array(a, (size_t)v->n_items * v->n_labels, sizeof(uint32_t));
    r.n_votes = kt_arena_array(a, v->n_items, sizeof(uint32_t));
    r.source_accuracy = kt_arena_array(a, v->n_sources, sizeof(double));
    r.source_ci = kt_arena_array(a, v->n_sources, 2 * sizeof(double));
    r.share = kt_arena_array(a, v->n_labels, sizeof(double));
    size_t *from = kt_zalloc_array((size_t)v->n_labels + 2, sizeof(*from)), *named = kt_alloc_array(v->start[v->n], sizeof(*named));
    int32_t *yes = kt_zalloc_array(v->n, sizeof(*yes));
    double *weight = kt_zalloc_array(v->n_sources, sizeof(*weight));
    kt_rc rc = 0;
    invert(v, from, named);
    for (uint32_t l = 0; l < v->n_labels && rc == 0; l++) {
        KT_AUTO(kt_arena) own = KT_ARENA_INIT;
        kt_votes votes = { v->n, v->n_items, v->n_sources, 2, v->item, v->source, yes };
        kt_posterior p;
        for (size_t x = from[l]; x < from[l + 1]; x++)
            yes[named[x]] = 1;
        rc = m->fit(&votes, NULL, NULL, pool, &own, &p, err);
        if (rc == 0)
            take(&p, l, &r, weight);
        for (size_t x = from[l]; x < from[l + 1]; x++) {
            yes[named[x]] = 0;
            r.n_for[(size_t)v->item[named[x]] * v->n_labels + l]++;
        }
    }
    for (size_t s = 0; s < v->n_sources; s++) {
        r.source_accuracy[s] = weight[s] > 0 ? r.source_accuracy[s] / weight[s] : NAN;
    }
    if (rc == 0)
        set_intervals(v, &r);
    kt_free(from);
    kt_free(named);
    kt_free(yes);
    kt_free(weight);
    if (rc == 0)
        *ret = r;
    return rc;
}
