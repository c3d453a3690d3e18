/* How much of each learner: their margins on rows they were not trained on are the two inputs of a logistic regression with two
   coefficients (stacking, Wolpert 1992; Ting and Witten 1999), fitted by Newton's method. Its scale is at the same time the temperature
   that makes probabilities of margins. With few rows a ridge holds it near coefficients that suit texts in general. */
#include "algo/linear_int.h"

#include "base/rng.h"

#include <math.h>

enum { FOLDS = 4, MANY = 6000, MOST = 12000, NEWTON = 20 };

static const kt_linear_blend START = { 3, 0.5f };
static const double RIDGE = 1; /* of a squared distance to START, in nats */

typedef struct blend_job {
    const kt_train_rows *r;
    const kt_linear_options *o;
    size_t n_judged;
    const uint8_t *fold; /* n: of a judged row; FOLDS: never trained on, never judged */
    kt_pool *inner;
    float *machine, *bayes; /* n_judged × n_labels */
} blend_job;

/* Trains without one fold, and leaves the margins of its rows. */
static void one_fold(void *ctx, size_t fold)
{
    const blend_job *j = ctx;
    const kt_train_rows *r = j->r;
    uint32_t k = r->n_labels;
    float *w = kt_alloc_array((size_t)r->n_features + 1, k * sizeof(*w)), *bias = kt_zalloc_array(k, sizeof(*bias));
    uint8_t *skip = kt_alloc(r->n + 1);
    for (size_t i = 0; i < r->n; i++)
        skip[i] = j->fold[i] == fold || j->fold[i] == FOLDS;
    kt_linear_descend(r, skip, j->o->cost > 0 ? j->o->cost : 1, 4, j->o->seed, j->inner, w, bias);
    for (size_t i = 0; i < j->n_judged; i++)
        if (j->fold[i] == fold) {
            memcpy(j->machine + i * k, bias, k * sizeof(*bias));
            kt_train_rows_scores(r, i, w, 1, j->machine + i * k);
        }
    kt_linear_bayes(r, skip, KT_LINEAR_ALPHA, w);
    for (size_t i = 0; i < j->n_judged; i++)
        if (j->fold[i] == fold)
            kt_train_rows_scores(r, i, w, 1, j->bayes + i * k);
    kt_free(skip);
    kt_free(w);
    kt_free(bias);
}

static float share_of(const kt_example *e, uint32_t c)
{
    return e->soft ? e->soft[c] : (float)((uint32_t)e->label == c);
}

/* Adds one row's gradient g[2] and Hessian h[3] (aa, ab, bb) of the log loss. z: scratch. */
static void add_row(const kt_example *e, const float *s, const float *b, uint32_t k, kt_linear_blend x, float *z, double *g, double *h)
{
    double ms = 0, mb = 0, ss = 0, sb = 0, bb = 0, w = (double)e->weight;
    for (uint32_t c = 0; c < k; c++)
        z[c] = x.machine * s[c] + x.bayes * b[c];
    kt_linear_softmax(z, k);
    for (uint32_t c = 0; c < k; c++) {
        double p = (double)z[c], more = p - (double)share_of(e, c), sc = (double)s[c], bc = (double)b[c];
        g[0] += w * more * sc;
        g[1] += w * more * bc;
        ms += p * sc;
        mb += p * bc;
        ss += p * sc * sc;
        sb += p * sc * bc;
        bb += p * bc * bc;
    }
    h[0] += w * (ss - ms * ms);
    h[1] += w * (sb - ms * mb);
    h[2] += w * (bb - mb * mb);
}

static kt_linear_blend solve(const blend_job *j, uint32_t n_folds)
{
    uint32_t k = j->r->n_labels;
    kt_linear_blend x = START;
    float *z = kt_alloc_array(k, sizeof(*z));
    for (int step = 0; step < NEWTON; step++) {
        double g[2] = { RIDGE * (double)(x.machine - START.machine), RIDGE * (double)(x.bayes - START.bayes) }, h[3] = { RIDGE, 0, RIDGE };
        for (size_t i = 0; i < j->n_judged; i++)
            if (j->fold[i] < n_folds)
                add_row(&j->r->of[i], j->machine + i * k, j->bayes + i * k, k, x, z, g, h);
        double det = h[0] * h[2] - h[1] * h[1], by_m = (h[2] * g[0] - h[1] * g[1]) / det, by_b = (h[0] * g[1] - h[1] * g[0]) / det;
        kt_linear_blend last = x;
        x.machine = (float)KT_MAX(0.1, (double)x.machine - by_m);
        x.bayes = (float)KT_MAX(0.0, (double)x.bayes - by_b);
        if (fabsf(x.machine - last.machine) + fabsf(x.bayes - last.bayes) < 1e-3f)
            break;
    }
    kt_free(z);
    return x;
}

kt_linear_blend kt_linear_blend_choose(const kt_train_rows *r, size_t n_judged, const kt_linear_options *o, kt_pool *pool)
{
    uint32_t k = r->n_labels, n_folds = n_judged > MANY ? 1 : FOLDS;
    uint8_t *fold = kt_alloc(r->n + 1);
    kt_rng g = kt_rng_keyed(o->seed, 0x626c6e, 0);
    for (size_t i = 0; i < r->n; i++) {
        fold[i] = i < n_judged ? (uint8_t)kt_rng_below(&g, FOLDS) : FOLDS + 1;
        if (i < n_judged && n_judged > MOST && kt_rng_below(&g, n_judged) >= MOST)
            fold[i] = FOLDS;
    }
    bool side_by_side = k <= 16; /* then one training is a single block of labels */
    blend_job j = { r, o, n_judged, fold, side_by_side ? NULL : pool, kt_zalloc_array(n_judged + 1, k * sizeof(float)),
                    kt_zalloc_array(n_judged + 1, k * sizeof(float)) };
    if (side_by_side)
        kt_pool_run(pool, n_folds, one_fold, &j);
    for (uint32_t f = 0; f < n_folds && !side_by_side; f++)
        one_fold(&j, f);
    kt_linear_blend x = solve(&j, n_folds);
    kt_free(fold);
    kt_free(j.machine);
    kt_free(j.bayes);
    return x;
}
