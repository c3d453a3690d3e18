/* A level of the tree is an ordinary training with coarser labels. Features are numbered alike in each, because the rows are the same, so adding
   the models up is adding their weights. */
#include "algo/learn/linear_tree.h"

#include "algo/learn/folds.h"
#include "algo/learn/linear_int.h"
#include "base/names.h"

#include <math.h>

enum { FOLDS = 4, NEWTON = 30, UNUSED_BIAS = -30 };
#define NONE UINT32_MAX

static const double RIDGE = 1; /* of a squared distance to the flat model, in nats */

/* Labels above, the top one first. Returns how many, the label itself included. */
static uint32_t path_of(const int32_t *parent, uint32_t label, uint32_t *path)
{
    uint32_t n = 0;
    for (int64_t at = label; at >= 0 && n < KT_TREE_MAX_DEPTH; at = parent[at])
        path[n++] = (uint32_t)at;
    for (uint32_t i = 0; i < n / 2; i++) {
        uint32_t t = path[i];
        path[i] = path[n - 1 - i];
        path[n - 1 - i] = t;
    }
    return n;
}

kt_rc kt_tree_check(const int32_t *parent, uint32_t n_labels, kt_err *err)
{
    for (uint32_t c = 0; c < n_labels; c++) {
        uint32_t depth = 0;
        for (int64_t at = c; at >= 0; at = parent[at]) {
            if (parent[at] >= (int64_t)n_labels)
                return kt_fail(err, KT_RANGE, "label %u lies below label %d of %u", (unsigned)at, (int)parent[at], n_labels);
            if (++depth > KT_TREE_MAX_DEPTH)
                return kt_fail(err, KT_RANGE, "label %u lies below itself, or more than %d deep", c, KT_TREE_MAX_DEPTH);
        }
    }
    return KT_OK;
}

/* One level: number of each label's ancestor there among the level's labels. */
typedef struct level {
    uint32_t n_labels;
    uint32_t *of; /* n_labels of the tree: the level's; NONE in the last one where a label is only a name */
    kt_linear m;
} level;

typedef struct tree_fit {
    const kt_linear_data *d;
    const kt_linear_options *o;
    kt_pool *pool;
    uint32_t n_labels, n_levels; /* the last level is the flat one */
    level level[KT_TREE_MAX_DEPTH];
    bool *name;                  /* n_labels: only a name for the labels below, no row has it */
    int32_t *label;              /* n_rows, of the level in training; */
    float *soft;                 /* n_rows x its labels, where the data have shares */
    float *weight;               /* n_rows */
} tree_fit;

/* The label's share of a row of the data. */
static float share_of(const kt_linear_data *d, size_t row, uint32_t label)
{
    return d->soft ? d->soft[row * d->n_labels + label] : (float)(d->label[row] == (int32_t)label);
}

/* Which labels the flat model leaves out: it would learn that they never are, and their empty classes would stand in the way of the others'. */
static void find_names(tree_fit *t, const int32_t *parent)
{
    const kt_linear_data *d = t->d;
    uint32_t rest = t->n_labels;
    for (uint32_t c = 0; c < t->n_labels; c++)
        if (parent[c] >= 0)
            t->name[parent[c]] = true;
    for (size_t i = 0; i < d->x->n_rows; i++)
        for (uint32_t c = 0; c < t->n_labels; c++)
            if (t->name[c] && share_of(d, i, c) > 0)
                t->name[c] = false;
    for (uint32_t c = 0; c < t->n_labels; c++)
        rest -= t->name[c];
    if (rest < 2) /* a model needs two */
        memset(t->name, 0, t->n_labels * sizeof(*t->name));
}

/* Levels with two labels or more; the flat one is always there. */
static void make_levels(tree_fit *t, const int32_t *parent)
{
    uint32_t k = t->n_labels, depth = 1, path[KT_TREE_MAX_DEPTH], *number = kt_alloc_array(k, sizeof(*number));
    for (uint32_t c = 0; c < k; c++)
        depth = KT_MAX(depth, path_of(parent, c, path));
    for (uint32_t d = 0; d < depth; d++) {
        level *l = &t->level[t->n_levels];
        *l = (level){ 0, kt_alloc_array(k, sizeof(*l->of)), { 0 } };
        memset(number, 0xff, k * sizeof(*number));
        for (uint32_t c = 0; c < k; c++) {
            uint32_t n = path_of(parent, c, path), at = d + 1 == depth ? c : path[KT_MIN(d, n - 1)];
            if (number[at] == NONE && !(d + 1 == depth && t->name[c]))
                number[at] = l->n_labels++;
            l->of[c] = number[at];
        }
        if (l->n_labels >= 2 || d + 1 == depth)
            t->n_levels++;
        else
            kt_free(l->of);
    }
    kt_free(number);
}

/* The rows' labels, or shares, as the level has them. */
static void coarsen(tree_fit *t, const level *l)
{
    const kt_linear_data *d = t->d;
    for (size_t i = 0; !d->soft && i < d->x->n_rows; i++)
        t->label[i] = d->label[i] < 0 ? -1 : (int32_t)l->of[d->label[i]];
    if (!d->soft)
        return;
    memset(t->soft, 0, d->x->n_rows * l->n_labels * sizeof(*t->soft));
    for (size_t i = 0; i < d->x->n_rows; i++)
        for (uint32_t c = 0; c < t->n_labels; c++)
            if (l->of[c] != NONE)
                t->soft[i * l->n_labels + l->of[c]] += d->soft[i * t->n_labels + c];
}

static bool has_label(const kt_linear_data *d, size_t row)
{
    float sum = 0;
    for (uint32_t c = 0; d->soft && c < d->n_labels; c++)
        sum += d->soft[row * d->n_labels + c];
    return d->soft ? sum > 0 : d->label[row] >= 0;
}

/* Every level's model on the rows that weight leaves in. */
static kt_rc train_levels(tree_fit *t, kt_err *err)
{
    for (uint32_t v = 0; v < t->n_levels; v++) {
        level *l = &t->level[v];
        kt_linear_data d = *t->d;
        d.n_labels = l->n_labels;
        d.row_weight = t->weight;
        coarsen(t, l);
        d.label = t->label;
        d.soft = t->soft;
        kt_linear_done(&l->m);
        KT_TRY(kt_linear_fit(&d, t->o, t->pool, &l->m, err));
    }
    return KT_OK;
}

/* Held-back rows: logits of each level for each label of the tree, n_levels x n_labels a row. */
typedef struct judged {
    const kt_linear_data *d;
    size_t n;
    float *z;
    size_t *row;
    double *weight;
} judged;

static void judge(const tree_fit *t, const uint8_t *held, judged *ret)
{
    uint32_t k = t->n_labels;
    float *z = kt_alloc_array(k, sizeof(*z));
    for (size_t i = 0; i < t->d->x->n_rows; i++) {
        if (held[i] != 0 || !has_label(t->d, i))
            continue;
        for (uint32_t v = 0; v < t->n_levels; v++) {
            const level *l = &t->level[v];
            float *to = ret->z + (ret->n * t->n_levels + v) * k;
            memcpy(z, l->m.bias, l->n_labels * sizeof(*z));
            kt_linear_scores(&l->m, t->d->x, i, z);
            for (uint32_t c = 0; c < k; c++)
                to[c] = l->of[c] == NONE ? UNUSED_BIAS : z[l->of[c]];
        }
        ret->weight[ret->n] = t->d->row_weight ? (double)t->d->row_weight[i] : 1;
        ret->row[ret->n++] = i;
    }
    kt_free(z);
}

/* Gradient and Hessian of the log loss at coefficients a. p: scratch of n_labels. */
static void slopes(const judged *j, uint32_t n_levels, uint32_t k, const double *a, float *p, double *g, double (*h)[KT_TREE_MAX_DEPTH])
{
    for (size_t i = 0; i < j->n; i++) {
        const float *z = j->z + i * n_levels * k;
        double mean[KT_TREE_MAX_DEPTH] = { 0 }, w = j->weight[i];
        for (uint32_t c = 0; c < k; c++) {
            p[c] = 0;
            for (uint32_t v = 0; v < n_levels; v++)
                p[c] += (float)a[v] * z[v * k + c];
        }
        kt_linear_softmax(p, k);
        for (uint32_t v = 0; v < n_levels; v++)
            for (uint32_t c = 0; c < k; c++)
                mean[v] += (double)(p[c] * z[v * k + c]);
        for (uint32_t v = 0; v < n_levels; v++) {
            g[v] += w * mean[v];
            for (uint32_t c = 0; c < k; c++)
                g[v] -= w * (double)(share_of(j->d, j->row[i], c) * z[v * k + c]);
            for (uint32_t u = 0; u <= v; u++) {
                double both = 0;
                for (uint32_t c = 0; c < k; c++)
                    both += (double)(p[c] * z[v * k + c] * z[u * k + c]);
                h[v][u] += w * (both - mean[v] * mean[u]);
            }
        }
    }
}

/* x of h x = g by Cholesky; h: lower half, positive definite by the ridge. In place. */
static void solve(double (*h)[KT_TREE_MAX_DEPTH], double *g, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j <= i; j++) {
            double s = h[i][j];
            for (uint32_t q = 0; q < j; q++)
                s -= h[i][q] * h[j][q];
            h[i][j] = i == j ? sqrt(KT_MAX(s, 1e-9)) : s / h[j][j];
        }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t q = 0; q < i; q++)
            g[i] -= h[i][q] * g[q];
        g[i] /= h[i][i];
    }
    for (uint32_t i = n; i-- > 0;) {
        for (uint32_t q = i + 1; q < n; q++)
            g[i] -= h[q][i] * g[q];
        g[i] /= h[i][i];
    }
}

/* How much of each level. */
static void proportions(const judged *j, uint32_t n_levels, uint32_t k, double *a)
{
    float *p = kt_alloc_array(k, sizeof(*p));
    for (uint32_t v = 0; v < n_levels; v++)
        a[v] = v + 1 == n_levels;
    for (int step = 0; step < NEWTON; step++) {
        double g[KT_TREE_MAX_DEPTH] = { 0 }, h[KT_TREE_MAX_DEPTH][KT_TREE_MAX_DEPTH] = { { 0 } }, most = 0;
        for (uint32_t v = 0; v < n_levels; v++) {
            g[v] = RIDGE * (a[v] - (v + 1 == n_levels));
            h[v][v] = RIDGE;
        }
        slopes(j, n_levels, k, a, p, g, h);
        solve(h, g, n_levels);
        for (uint32_t v = 0; v < n_levels; v++) {
            double to = KT_MAX(v + 1 == n_levels ? 0.05 : 0, a[v] - g[v]);
            most = KT_MAX(most, fabs(to - a[v]));
            a[v] = to;
        }
        if (most < 1e-3)
            break;
    }
    kt_free(p);
}

/* Trained on all rows but one fold, the levels are judged on it. */
static kt_rc choose(tree_fit *t, double *a, kt_err *err)
{
    size_t n = t->d->x->n_rows, most = 0;
    uint8_t *fold = kt_alloc(n + 1);
    kt_rc rc = kt_folds_draw(n, t->d->group, FOLDS, t->o->seed ^ 0x747265, fold, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        fold[i] = t->d->judged && !t->d->judged[i] ? FOLDS : fold[i];
        t->weight[i] = fold[i] == 0 ? 0 : t->d->row_weight ? t->d->row_weight[i] : 1;
        most += fold[i] == 0;
    }
    if (rc == 0)
        rc = train_levels(t, err);
    if (rc == 0) {
        judged j = { t->d, 0, kt_alloc_array(most + 1, (size_t)t->n_levels * t->n_labels * sizeof(float)), kt_alloc_array(most + 1, sizeof(size_t)),
                     kt_alloc_array(most + 1, sizeof(double)) };
        judge(t, fold, &j);
        proportions(&j, t->n_levels, t->n_labels, a);
        kt_free(j.z);
        kt_free(j.row);
        kt_free(j.weight);
    }
    kt_free(fold);
    return rc;
}

/* Weight of feature f (n_seen: the bias) for a label of the tree, in the proportions a. */
static float sum_of(const tree_fit *t, const double *a, size_t f, uint32_t c)
{
    float sum = 0;
    for (uint32_t v = 0; v < t->n_levels; v++) {
        const level *l = &t->level[v];
        if (l->of[c] == NONE)
            return f < l->m.n_seen ? 0 : UNUSED_BIAS;
        sum += (float)a[v] * (f < l->m.n_seen ? l->m.weight[f * l->n_labels + l->of[c]] : l->m.bias[l->of[c]]);
    }
    return sum;
}

/* The flat model's weights plus those of the levels above, for all labels of the tree. */
static kt_linear add_up(tree_fit *t, const double *a)
{
    uint32_t k = t->n_labels;
    kt_linear *last = &t->level[t->n_levels - 1].m, m = { .n_labels = k, .bits = last->bits, .n_seen = last->n_seen, .room = last->n_seen };
    for (uint32_t v = 0; v < t->n_levels; v++)
        KT_ASSERT(t->level[v].m.n_seen == m.n_seen);
    m.weight = kt_alloc_array((size_t)m.n_seen + 1, k * sizeof(*m.weight));
    kt_mem_huge(m.weight, (size_t)m.n_seen * k * sizeof(*m.weight));
    m.bias = kt_alloc_array(k, sizeof(*m.bias));
    for (size_t f = 0; f <= m.n_seen; f++)
        for (uint32_t c = 0; c < k; c++)
            *(f < m.n_seen ? m.weight + f * k + c : m.bias + c) = sum_of(t, a, f, c);
    m.row_of = last->row_of;
    last->row_of = NULL;
    kt_linear_round(&m);
    kt_linear_pack(&m);
    return m;
}

kt_rc kt_linear_tree_fit(const kt_linear_data *d, const int32_t *parent, const kt_linear_options *o, kt_pool *pool, kt_linear *ret, kt_err *err)
{
    KT_TRY(kt_tree_check(parent, d->n_labels, err));
    for (size_t i = 0; !d->soft && i < d->x->n_rows; i++)
        if (d->label[i] >= (int32_t)d->n_labels)
            return kt_fail(err, KT_RANGE, "row %zu: label %d of %u labels", i, (int)d->label[i], d->n_labels);
    size_t n = d->x->n_rows;
    tree_fit t = { .d = d, .o = o, .pool = pool, .n_labels = d->n_labels, .label = kt_alloc_array(n + 1, sizeof(*t.label)),
                   .weight = kt_alloc_array(n + 1, sizeof(*t.weight)), .name = kt_zalloc_array(d->n_labels, sizeof(*t.name)),
                   .soft = d->soft ? kt_alloc_array(n + 1, d->n_labels * sizeof(*t.soft)) : NULL };
    double a[KT_TREE_MAX_DEPTH] = { 1 };
    find_names(&t, parent);
    make_levels(&t, parent);
    kt_rc rc = t.n_levels > 1 ? choose(&t, a, err) : KT_OK;
    for (size_t i = 0; i < n; i++)
        t.weight[i] = d->row_weight ? d->row_weight[i] : 1;
    if (rc == 0)
        rc = train_levels(&t, err);
    if (rc == 0)
        *ret = add_up(&t, a);
    for (uint32_t v = 0; v < t.n_levels; v++) {
        kt_linear_done(&t.level[v].m);
        kt_free(t.level[v].of);
    }
    kt_free(t.label);
    kt_free(t.soft);
    kt_free(t.weight);
    kt_free(t.name);
    return rc;
}

typedef struct tree_ctx {
    const int32_t *parent;
} tree_ctx;

static kt_rc fit_part(const kt_linear_data *d, const void *ctx, const kt_linear_options *o, kt_pool *pool, kt_linear *ret, kt_err *err)
{
    return kt_linear_tree_fit(d, ((const tree_ctx *)ctx)->parent, o, pool, ret, err);
}

kt_rc kt_linear_tree_cross(const kt_linear_data *d, const int32_t *parent, const kt_linear_options *o, uint32_t folds, kt_pool *pool,
                           float *ret_prob, kt_err *err)
{
    tree_ctx ctx = { parent };
    KT_TRY(kt_linear_cross_by(d, fit_part, &ctx, o, folds, pool, ret_prob, err));
    kt_tree_sums(parent, d->n_labels, d->x->n_rows, ret_prob);
    return KT_OK;
}

void kt_tree_of_paths(const kt_str *label, uint32_t n_labels, int32_t **ret, uint32_t *ret_n)
{
    kt_names names = { 0 };
    KT_VEC(int32_t) parent = { 0 };
    for (uint32_t c = 0; c < n_labels; c++)
        kt_names_add(&names, label[c]);
    for (size_t c = 0; c < names.n; c++) { /* names grow on the way */
        kt_str up = names.name[c];
        while (up.n && up.p[up.n - 1] != '/')
            up.n--;
        KT_PUSH(&parent, up.n > 1 ? (int32_t)kt_names_add(&names, (kt_str){ up.p, up.n - 1 }) : -1);
    }
    *ret = parent.v;
    *ret_n = (uint32_t)parent.n;
    kt_names_done(&names);
}

void kt_linear_keep_labels(kt_linear *m, uint32_t n_labels)
{
    KT_ASSERT(n_labels <= m->n_labels);
    kt_linear_unpack(m);
    for (size_t f = 0; f < m->n_seen; f++)
        memmove(m->weight + f * n_labels, m->weight + f * m->n_labels, n_labels * sizeof(*m->weight));
    m->n_labels = n_labels;
}

void kt_tree_sums(const int32_t *parent, uint32_t n_labels, size_t n_rows, float *prob)
{
    uint32_t path[KT_TREE_MAX_DEPTH];
    float *own = kt_alloc_array(n_labels, sizeof(*own));
    for (size_t i = 0; i < n_rows; i++) {
        float *p = prob + i * n_labels;
        memcpy(own, p, n_labels * sizeof(*own));
        for (uint32_t c = 0; c < n_labels; c++) {
            uint32_t n = path_of(parent, c, path);
            for (uint32_t d = 0; d + 1 < n; d++)
                p[path[d]] += own[c];
        }
    }
    kt_free(own);
}
