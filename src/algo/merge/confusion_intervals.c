/* A source among few is judged by the others' confusions, which are as uncertain as its own. Parameters are the logarithms of shares and of
   confusions, of which every distribution has one too many (a little ridge holds it). Given the truth c of an item its score is

       1_c - shares   for the shares,   1_said - confusion[s][c]   for column c of each source that voted,

   so what is missing (Louis 1982) is the covariance of that over the posterior of c, and what is there is Σ of posterior × (diag(p) - p p') for each of
   these distributions p. An accuracy is Σ shares × diagonal of the confusions; its variance is by the delta method. */
#include "algo/merge/confusion_intervals.h"

#include "algo/cholesky.h"
#include "base/mem.h"

#include <math.h>

#define MOST 256             /* parameters */
#define WORK ((size_t)1 << 26)
#define RIDGE 1.0            /* votes on every column, so that what never happened has an end */
#define GAUGE 1e-6

struct info {
    const kt_fitted_confusions *f;
    size_t k, n, stride;     /* labels, parameters */
    uint32_t *source;        /* of each cell */
    double *confusion;       /* sources × truth × said */
    double *total;           /* sources × truth: votes */
    double *m;               /* n × n, lower half */
    double *score, *mean;    /* K × n, n */
};

static size_t place(const struct info *x, size_t source, size_t truth)
{
    return x->k + (source * x->k + truth) * x->k;
}

static void prepare(struct info *x, const kt_posterior *p)
{
    const kt_ballot *b = x->f->b;
    const kt_cells *cells = x->f->cells;
    for (uint32_t s = 0; s < b->n_sources; s++)
        for (uint32_t y = cells->first[s]; y < cells->first[s + 1]; y++) {
            x->source[y] = s;
            for (size_t c = 0; c < x->k; c++)
                x->confusion[(s * x->k + c) * x->k + cells->said[y]] = x->f->like[y * x->k + c];
        }
    for (size_t i = 0; i < b->n_items; i++)
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
            for (size_t c = 0; c < x->k; c++)
                x->total[x->source[cells->of[q]] * x->k + c] += p->prob[i * x->k + c];
}

/* votes × (diag(p) - p p') at one place. */
static void add_known(struct info *x, size_t at, const double *p, double votes)
{
    for (size_t o = 0; o < x->k; o++)
        for (size_t r = 0; r <= o; r++)
            x->m[(at + o) * x->n + at + r] += votes * ((o == r ? p[o] : 0) - p[o] * p[r]);
}

/* Scores of item i under each truth, and their mean. */
static void set_scores(struct info *x, size_t i, const double *post)
{
    const kt_ballot *b = x->f->b;
    size_t k = x->k;
    memset(x->score, 0, k * x->n * sizeof(double));
    memset(x->mean, 0, x->n * sizeof(double));
    for (size_t c = 0; c < k; c++) {
        double *score = x->score + c * x->n;
        for (size_t o = 0; o < k; o++)
            score[o] = (o == c) - x->f->prior[o];
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            size_t s = x->source[x->f->cells->of[q]], at = place(x, s, c);
            for (size_t o = 0; o < k; o++)
                score[at + o] += (o == (size_t)b->label[q]) - x->confusion[(s * k + c) * k + o];
        }
        for (size_t y = 0; y < x->n; y++)
            x->mean[y] += post[c] * score[y];
    }
}

static void take_missing(struct info *x, const kt_posterior *p)
{
    const kt_ballot *b = x->f->b;
    size_t k = x->k, n = x->n;
    for (size_t i = 0; i < b->n_items; i += x->stride) {
        const double *post = p->prob + i * k;
        if (b->start[i] == b->start[i + 1])
            continue;
        set_scores(x, i, post);
        for (size_t c = 0; c < k; c++) {
            double w = (double)x->stride * post[c];
            if (w < 1e-9)
                continue;
            for (size_t y = 0; y < n; y++) {
                double d = x->score[c * n + y] - x->mean[y];
                for (size_t z = 0; z <= y && d != 0; z++)
                    x->m[y * n + z] -= w * d * (x->score[c * n + z] - x->mean[z]);
            }
        }
    }
}

/* Slope of the accuracy of source s. */
static void set_slope(const struct info *x, size_t s, double accuracy, double *ret)
{
    memset(ret, 0, x->n * sizeof(double));
    for (size_t c = 0; c < x->k; c++) {
        const double *p = x->confusion + (s * x->k + c) * x->k;
        double weight = x->f->prior[c] * p[c];
        ret[c] = x->f->prior[c] * (p[c] - accuracy);
        for (size_t o = 0; o < x->k; o++)
            ret[place(x, s, c) + o] = weight * ((o == c) - p[o]);
    }
}

static bool set_all(struct info *x, kt_posterior *p)
{
    const kt_ballot *b = x->f->b;
    double *slope = x->mean;
    prepare(x, p);
    add_known(x, 0, x->f->prior, b->n_voted);
    for (size_t s = 0; s < b->n_sources; s++)
        for (size_t c = 0; c < x->k; c++)
            add_known(x, place(x, s, c), x->confusion + (s * x->k + c) * x->k, x->total[s * x->k + c] + RIDGE + x->f->pseudo);
    take_missing(x, p);
    for (size_t y = 0; y < x->n; y++)
        x->m[y * x->n + y] += GAUGE * b->n_voted;
    if (!kt_cholesky(x->m, x->n))
        return false;
    for (size_t s = 0; s < b->n_sources; s++) {
        double a = p->source_accuracy[s], votes = 0;
        p->source_ci[2 * s] = p->source_ci[2 * s + 1] = NAN;
        for (size_t c = 0; c < x->k; c++)
            votes += x->total[s * x->k + c];
        if (isnan(a))
            continue;
        set_slope(x, s, a, slope);
        double variance = kt_cholesky_norm(x->m, x->n, slope), spread = KT_MAX(a * (1 - a), 0.25 / (votes + 1));
        kt_wilson(a, KT_MIN(KT_MAX(spread / variance, KT_MIN(votes, 1)), votes), p->source_ci + 2 * s);
    }
    return true;
}

bool kt_confusion_intervals(const kt_fitted_confusions *f, kt_posterior *ret)
{
    size_t k = f->b->n_labels, n = k + f->b->n_sources * k * k;
    if (k < 2 || f->b->n_said > k || n > MOST || f->b->n_voted == 0)
        return false;
    struct info x = { .f = f, .k = k, .n = n, .stride = (size_t)f->b->n_items * n * n / WORK + 1 };
    x.source = kt_alloc_array(f->cells->n + 1, sizeof(*x.source));
    x.confusion = kt_zalloc_array(n, sizeof(double));
    x.total = kt_zalloc_array(f->b->n_sources * k, sizeof(double));
    x.m = kt_zalloc_array(n * n, sizeof(double));
    x.score = kt_alloc_array(k * n, sizeof(double));
    x.mean = kt_alloc_array(n, sizeof(double));
    bool done = set_all(&x, ret);
    kt_free(x.source);
    kt_free(x.confusion);
    kt_free(x.total);
    kt_free(x.m);
    kt_free(x.score);
    kt_free(x.mean);
    return done;
}
