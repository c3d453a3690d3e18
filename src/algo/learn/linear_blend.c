/* How much of each learner, and of the unlabelled rows: margins on rows that were not trained on are the two inputs of a logistic regression
   with two coefficients (stacking, Wolpert 1992; Ting and Witten 1999), fitted by Newton's method. Its scale is at the same time the
   temperature that makes probabilities of margins. With few rows a ridge holds it near coefficients that suit texts in general.
   Unlabelled rows help where the words of a text tell its label, and mislead where they do not; so each fold spreads its labels over the
   pool anew, and the share of the pool in training is the one whose held-back labels come out likeliest. */
#include "algo/learn/linear_int.h"

#include "algo/learn/folds.h"
#include "base/rng.h"

#include <math.h>

enum { FOLDS = 4, NOT_JUDGED = FOLDS + 1, EPOCHS = 4, MANY = 2000, MOST = 12000, NEWTON = 20, SHARES = 3, NARROW = 32 };

static const kt_linear_blend START = { 3, 0.5f, 0 };
static const double RIDGE = 1; /* of a squared distance to START, in nats */
static const float SHARE[SHARES] = { 0, 1, 3 };

typedef struct blend_job {
    const kt_train_rows *r;
    const kt_linear_options *o;
    size_t n_labeled;
    const uint8_t *fold; /* n_labeled; FOLDS: left out altogether; NOT_JUDGED: trained on in every fold */
    kt_pool *inner;
    const float *share;
    size_t n_shares;
    float *margin;       /* n_shares x 2 (machine, bayes) x n_labeled x n_labels */
} blend_job;

static float *margins(const blend_job *j, size_t share, int learner)
{
    return j->margin + (2 * share + (size_t)learner) * j->n_labeled * j->r->n_labels;
}

/* Margins of the fold's rows. */
static void judge(const blend_job *j, const kt_train_rows *r, size_t fold, const float *w, const float *bias, float *ret)
{
    for (size_t i = 0; i < j->n_labeled; i++)
        if (j->fold[i] == fold) {
            memcpy(ret + i * r->n_labels, bias, r->n_labels * sizeof(*bias));
            kt_train_rows_scores(r, i, w, 1, ret + i * r->n_labels);
        }
}

/* Weight of each row of the pool when all together are as heavy as the labelled ones in training. */
static float even_weight(const kt_train_rows *r, size_t n_labeled, const uint8_t *skip)
{
    double sum = 0;
    for (size_t i = 0; i < n_labeled; i++)
        sum += skip[i] ? 0 : (double)r->of[i].weight;
    return r->n > n_labeled ? (float)(sum / (double)(r->n - n_labeled)) : 0;
}

/* Trains without one fold, once for each share of the pool, and leaves the margins of its rows. */
static void one_fold(void *ctx, size_t fold)
{
    const blend_job *j = ctx;
    kt_train_rows r = *j->r;
    uint32_t k = r.n_labels;
    size_t n_pool = r.n - j->n_labeled;
    float *w = kt_alloc_array((size_t)r.n_features + 1, k * sizeof(*w)), *bias = kt_zalloc_array(k, sizeof(*bias));
    float *soft = kt_alloc_array(n_pool + 1, k * sizeof(*soft));
    kt_example *own = kt_alloc_array(r.n + 1, sizeof(*own));
    uint8_t *skip = kt_alloc(r.n + 1);
    memcpy(own, r.of, r.n * sizeof(*own));
    r.of = own;
    for (size_t i = 0; i < j->n_labeled; i++)
        skip[i] = j->fold[i] == fold || j->fold[i] == FOLDS;
    for (size_t i = 0; i < n_pool; i++) {
        own[j->n_labeled + i].soft = soft + i * k;
        own[j->n_labeled + i].weight = 1;
    }
    if (n_pool)
        kt_linear_spread(&r, j->n_labeled, skip, j->inner, w, bias, soft);
    float even = even_weight(&r, j->n_labeled, skip);
    for (size_t s = 0; s < j->n_shares; s++) {
        memset(skip + j->n_labeled, j->share[s] == 0, n_pool);
        for (size_t i = j->n_labeled; i < r.n; i++)
            own[i].weight = j->share[s] * even;
        kt_linear_descend(&r, skip, j->o->cost > 0 ? j->o->cost : 1, EPOCHS, j->o->seed, j->inner, w, bias);
        judge(j, &r, fold, w, bias, margins(j, s, 0));
        if (j->o->machine_only)
            continue; /* its margins stay 0, and its coefficient at where it starts */
        kt_linear_bayes(&r, skip, w, bias);
        judge(j, &r, fold, w, bias, margins(j, s, 1));
    }
    kt_free(own);
    kt_free(soft);
    kt_free(skip);
    kt_free(w);
    kt_free(bias);
}

static float share_of(const kt_example *e, uint32_t c)
{
    return e->soft ? e->soft[c] : (float)((uint32_t)e->label == c);
}

/* Adds one row's gradient g[2], Hessian h[3] (aa, ab, bb) and loss. z: scratch. */
static void add_row(const kt_example *e, const float *s, const float *b, uint32_t k, kt_linear_blend x, float *z, double *g, double *h, double *loss)
{
    double ms = 0, mb = 0, ss = 0, sb = 0, bb = 0, w = (double)e->weight;
    for (uint32_t c = 0; c < k; c++)
        z[c] = x.machine * s[c] + x.bayes * b[c];
    kt_linear_softmax(z, k);
    for (uint32_t c = 0; c < k; c++) {
        double p = (double)z[c], y = (double)share_of(e, c), more = p - y, sc = (double)s[c], bc = (double)b[c];
        *loss -= y > 0 ? w * y * log(KT_MAX(p, 1e-9)) : 0;
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

/* The coefficients for one share of the pool; *ret_loss: the log loss they reach, with the ridge. */
static kt_linear_blend solve(const blend_job *j, size_t share, uint32_t n_folds, double *ret_loss)
{
    uint32_t k = j->r->n_labels;
    kt_linear_blend x = START;
    const float *s = margins(j, share, 0), *b = margins(j, share, 1);
    float *z = kt_alloc_array(k, sizeof(*z));
    for (int step = 0; step < NEWTON; step++) {
        double off[2] = { (double)(x.machine - START.machine), (double)(x.bayes - START.bayes) };
        double g[2] = { RIDGE * off[0], RIDGE * off[1] }, h[3] = { RIDGE, 0, RIDGE };
        *ret_loss = RIDGE / 2 * (off[0] * off[0] + off[1] * off[1]);
        for (size_t i = 0; i < j->n_labeled; i++)
            if (j->fold[i] < n_folds)
                add_row(&j->r->of[i], s + i * k, b + i * k, k, x, z, g, h, ret_loss);
        double det = h[0] * h[2] - h[1] * h[1], by_m = (h[2] * g[0] - h[1] * g[1]) / det, by_b = (h[0] * g[1] - h[1] * g[0]) / det;
        if (fabs(by_m) + fabs(by_b) < 1e-3)
            break;
        x.machine = (float)KT_MAX(0.1, (double)x.machine - by_m);
        x.bayes = (float)KT_MAX(0.0, (double)x.bayes - by_b);
    }
    kt_free(z);
    return x;
}

/* A fold for each labelled row that may be held back; of very many rows only a sample takes part. */
static uint8_t *draw_folds(const kt_train_rows *r, size_t n, uint64_t seed)
{
    uint8_t *fold = kt_alloc(n + 1);
    kt_rng g = kt_rng_keyed(seed, 0x626c6e, 0);
    for (size_t i = 0; i < n; i++) {
        fold[i] = (uint8_t)kt_rng_below(&g, FOLDS);
        if (r->of[i].group)
            fold[i] = (uint8_t)kt_fold_of(r->of[i].group, FOLDS, seed);
        if (!r->of[i].judged)
            fold[i] = NOT_JUDGED;
        else if (n > MOST && kt_rng_below(&g, n) >= MOST)
            fold[i] = FOLDS;
    }
    return fold;
}

kt_linear_blend kt_linear_blend_choose(const kt_train_rows *r, size_t n_labeled, double share, const kt_linear_options *o, kt_pool *pool)
{
    uint32_t n_folds = n_labeled > MANY ? 1 : FOLDS;
    float given = (float)share;
    bool one = share >= 0 || r->n == n_labeled, side_by_side = r->n_labels <= NARROW; /* then one training has hardly parts to share out */
    uint8_t *fold = draw_folds(r, n_labeled, o->seed);
    blend_job j = { r, o, n_labeled, fold, side_by_side ? NULL : pool, share >= 0 ? &given : SHARE, one ? 1 : SHARES, NULL };
    j.margin = kt_zalloc_array(j.n_shares * 2 * n_labeled + 1, r->n_labels * sizeof(float));
    if (side_by_side)
        kt_pool_run(pool, n_folds, one_fold, &j);
    for (uint32_t f = 0; f < n_folds && !side_by_side; f++)
        one_fold(&j, f);
    kt_linear_blend best = START;
    double least = INFINITY;
    for (size_t s = 0; s < j.n_shares; s++) {
        double loss = 0;
        kt_linear_blend x = solve(&j, s, n_folds, &loss);
        if (loss < least) {
            least = loss;
            best = (kt_linear_blend){ x.machine, x.bayes, j.share[s] };
        }
    }
    kt_free(fold);
    kt_free(j.margin);
    return best;
}
