/* The items' posteriors are sums over leaves, but all leaves below a node that no vote touches are alike, so the walk stops there:
   below(w) = Σ over children x of share(x) Π over votes that pass w of P(step | x) · below(x), with below = 1 where no vote passes; then
   down again, P(x) = P(w) share(x) Π … below(x) / below(w). The virtual node above all roots is number n_nodes. */
#include "algo/merge/taxonomy.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define STILL 1e-5
#define MOST_CONFUSED 64 /* children whose confusions are learned; more are taken as even */
#define EVEN 10.0        /* pseudo-votes spread evenly over the siblings of what a child is taken for */
#define SHARE 5.0        /* pseudo-items of every child: shares of few items would make posteriors too sure */
#define LEAST 0.01

typedef struct tree {
    uint32_t n, n_levels;
    const int32_t *parent;
    uint32_t *level;      /* n */
    uint32_t *child_start, *child; /* n + 2; n: children of each node, of the virtual one last */
    uint32_t *place;      /* n: among its siblings */
    size_t *confused;     /* n + 1: where its children's table begins; SIZE_MAX: none */
    size_t n_confused;
} tree;

typedef struct fitting {
    const kt_ballot *b;
    const kt_taxonomy_opts *o;
    tree t;
    double *accuracy;     /* n_sources × levels */
    double *share;        /* n: of a node among its siblings */
    double *confusion;    /* n_confused: P(said | true child, wrong), true child × said */
    size_t parts, width;
    double *table;        /* of each part: right, total, doubt (sources × levels each), confusions, shares, then said right and its doubt (sources) */
    kt_taxonomy_merge *r; /* of the last round; NULL before */
} fitting;

/* One part's room: what an item's votes touch. */
typedef struct walk {
    uint32_t *mark;       /* n + 1: 1 + place in touched, 0: not there */
    uint32_t *touched;    /* node; parents before children after sorting by level */
    double *below, *prob; /* log below; posterior */
    bool *passed;         /* a vote goes on from here */
    double *term;         /* children of one node */
    size_t n;
} walk;

static uint32_t above(const tree *t, uint32_t x)
{
    return t->parent[x] < 0 ? t->n : (uint32_t)t->parent[x];
}

static uint32_t n_children(const tree *t, uint32_t x)
{
    return t->child_start[x + 1] - t->child_start[x];
}

static kt_rc make_levels(tree *t, kt_err *err)
{
    for (uint32_t x = 0; x < t->n; x++)
        if (t->parent[x] < -1 || t->parent[x] >= (int32_t)t->n)
            return kt_fail(err, KT_RANGE, "node %u: parent %d of %u nodes", x, t->parent[x], t->n);
    for (uint32_t x = 0; x < t->n; x++) {
        uint32_t depth = 0;
        for (int32_t p = t->parent[x]; p >= 0; p = t->parent[p])
            if (++depth > t->n)
                return kt_fail(err, KT_RANGE, "node %u is below itself", x);
        t->level[x] = depth;
        t->n_levels = KT_MAX(t->n_levels, depth + 1);
    }
    return 0;
}

static kt_rc make_tree(const int32_t *parent, uint32_t n, kt_arena *a, tree *t, kt_err *err)
{
    *t = (tree){ .n = n, .parent = parent };
    t->level = kt_arena_array(a, n, sizeof(uint32_t));
    t->place = kt_arena_array(a, n, sizeof(uint32_t));
    t->child = kt_arena_array(a, n, sizeof(uint32_t));
    t->child_start = kt_arena_array(a, (size_t)n + 3, sizeof(uint32_t));
    t->confused = kt_arena_array(a, (size_t)n + 1, sizeof(size_t));
    KT_TRY(make_levels(t, err));
    for (uint32_t x = 0; x < n; x++)
        t->child_start[above(t, x) + 2]++;
    for (uint32_t x = 2; x <= n + 1; x++)
        t->child_start[x] += t->child_start[x - 1];
    for (uint32_t x = 0; x < n; x++)
        t->child[t->child_start[above(t, x) + 1]++] = x;
    for (uint32_t x = 0; x <= n; x++) {
        size_t c = n_children(t, x);
        for (uint32_t y = 0; y < c; y++)
            t->place[t->child[t->child_start[x] + y]] = y;
        t->confused[x] = c > 2 && c <= MOST_CONFUSED ? t->n_confused : SIZE_MAX; /* of two there is but one wrong one */
        t->n_confused += t->confused[x] == SIZE_MAX ? 0 : c * c;
    }
    return 0;
}

/* Log chance that the source steps from node to said when the way goes on to the child truth. */
static double step(const fitting *f, uint32_t source, uint32_t node, uint32_t said, uint32_t truth)
{
    const tree *t = &f->t;
    uint32_t c = n_children(t, node);
    double a = c > 1 ? f->accuracy[(size_t)source * t->n_levels + t->level[said]] : 1;
    if (said == truth)
        return log(a);
    double wrong = t->confused[node] == SIZE_MAX ? 1.0 / (c - 1) : f->confusion[t->confused[node] + (size_t)t->place[truth] * c + t->place[said]];
    return log(1 - a) + log(wrong);
}

/* Log chance of the steps from node down to said for one who is off the way. */
static double lost(const tree *t, uint32_t node, uint32_t said)
{
    double sum = 0;
    for (; said != node; said = above(t, said))
        sum -= log(n_children(t, above(t, said)));
    return sum;
}

/* The ancestor of x on a level at or above its own. */
static uint32_t climb(const tree *t, uint32_t x, uint32_t level)
{
    while (t->level[x] > level)
        x = above(t, x);
    return x;
}

static bool passes(const tree *t, uint32_t node, int32_t label, uint32_t *ret_next)
{
    uint32_t next_level = node == t->n ? 0 : t->level[node] + 1;
    if (label < 0 || t->level[label] < next_level)
        return false;
    *ret_next = climb(t, (uint32_t)label, next_level);
    return above(t, *ret_next) == node;
}

static void touch(const fitting *f, walk *w, uint32_t i)
{
    const kt_ballot *b = f->b;
    w->n = 0;
    w->touched[w->n++] = f->t.n;
    for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
        for (uint32_t x = (uint32_t)b->label[q]; x != f->t.n && !w->mark[x]; x = above(&f->t, x)) {
            w->mark[x] = 1;
            w->touched[w->n++] = x;
        }
    for (size_t x = 2; x < w->n; x++) /* parents first: levels rise; insertion, as there are few */
        for (size_t y = x; y > 1 && f->t.level[w->touched[y - 1]] > f->t.level[w->touched[y]]; y--) {
            uint32_t swap = w->touched[y];
            w->touched[y] = w->touched[y - 1];
            w->touched[y - 1] = swap;
        }
    for (uint32_t x = 0; x < w->n; x++) {
        w->mark[w->touched[x]] = x + 1;
        w->passed[x] = false;
    }
    for (size_t x = 1; x < w->n; x++)
        w->passed[w->mark[above(&f->t, w->touched[x])] - 1] = true;
}

/* Log terms of all children of touched node number x into w->term. */
static void weigh_children(const fitting *f, walk *w, uint32_t i, size_t x)
{
    const kt_ballot *b = f->b;
    uint32_t node = w->touched[x], c = n_children(&f->t, node);
    const uint32_t *child = f->t.child + f->t.child_start[node];
    for (uint32_t y = 0; y < c; y++)
        w->term[y] = log(f->share[child[y]]) + (w->mark[child[y]] && w->passed[w->mark[child[y]] - 1] ? w->below[w->mark[child[y]] - 1] : 0);
    for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
        uint32_t next;
        if (!passes(&f->t, node, b->label[q], &next))
            continue;
        double off = lost(&f->t, next, (uint32_t)b->label[q]);
        for (uint32_t y = 0; y < c; y++)
            w->term[y] += step(f, b->source[q], node, next, child[y]) + (child[y] == next ? 0 : off);
    }
}

static double log_sum(const double *x, uint32_t n)
{
    double top = -INFINITY, sum = 0;
    for (uint32_t y = 0; y < n; y++)
        top = KT_MAX(top, x[y]);
    for (uint32_t y = 0; y < n; y++)
        sum += exp(x[y] - top);
    return top + log(sum);
}

/* Posterior of the children of touched node number x, and what they count for. */
static void go_down(const fitting *f, walk *w, uint32_t i, size_t x, double *table)
{
    const kt_ballot *b = f->b;
    const tree *t = &f->t;
    uint32_t node = w->touched[x], c = n_children(t, node);
    const uint32_t *child = t->child + t->child_start[node];
    size_t cells = (size_t)b->n_sources * t->n_levels;
    double *confusion = table + 3 * cells, *share = confusion + t->n_confused;
    weigh_children(f, w, i, x);
    for (uint32_t y = 0; y < c; y++) {
        w->term[y] = w->prob[x] * exp(w->term[y] - w->below[x]);
        share[child[y]] += w->term[y];
        if (w->mark[child[y]])
            w->prob[w->mark[child[y]] - 1] = w->term[y];
    }
    for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
        uint32_t next;
        if (!passes(t, node, b->label[q], &next))
            continue;
        double right = w->term[t->place[next]];
        if (c > 1) {
            size_t cell = (size_t)b->source[q] * t->n_levels + t->level[next];
            table[cell] += right;
            table[cells + cell] += w->prob[x];
            table[2 * cells + cell] += w->prob[x] > 0 ? right * (1 - right / w->prob[x]) : 0;
        }
        for (uint32_t y = 0; y < c && t->confused[node] != SIZE_MAX; y++)
            confusion[t->confused[node] + (size_t)y * c + t->place[next]] += child[y] == next ? 0 : w->term[y];
    }
}

static void keep_item(const fitting *f, walk *w, uint32_t i, double *table)
{
    const kt_ballot *b = f->b;
    kt_taxonomy_merge *r = f->r;
    double *said = table + 3 * (size_t)b->n_sources * f->t.n_levels + f->t.n_confused + f->t.n;
    int32_t deepest = -1, label = -1;
    size_t at = r->start[i];
    for (size_t x = 1; x < w->n; x++) {
        uint32_t node = w->touched[x];
        r->node[at] = node;
        r->node_prob[at++] = w->prob[x];
        int32_t up = f->t.parent[node];
        if (up == deepest || (deepest >= 0 && f->t.parent[deepest] == up && w->prob[x] > w->prob[w->mark[deepest] - 1] * (1 + 1e-12)))
            deepest = (int32_t)node; /* levels rise: a child of the best so far, or a better sibling of it */
        if (w->prob[x] >= f->o->target && (up == label || (label >= 0 && f->t.parent[label] == up && w->prob[x] > w->prob[w->mark[label] - 1] * (1 + 1e-12))))
            label = (int32_t)node;
    }
    r->deepest[i] = deepest;
    r->label[i] = label;
    r->prob[i] = label < 0 ? 1 : w->prob[w->mark[label] - 1];
    for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
        uint32_t v = (uint32_t)b->label[q];
        double p = w->prob[w->mark[v] - 1];
        said[b->source[q]] += p;
        said[b->n_sources + b->source[q]] += p * (1 - p);
        r->n_for[i] += label < 0 || (f->t.level[v] >= f->t.level[label] && climb(&f->t, v, f->t.level[label]) == (uint32_t)label);
        r->n_above[i] += label >= 0 && f->t.level[v] < f->t.level[label] && climb(&f->t, (uint32_t)label, f->t.level[v]) == v;
    }
}

static void run_part(void *ctx, size_t part)
{
    const fitting *f = ctx;
    size_t n = (size_t)f->t.n + 1, most = KT_MIN(n, (size_t)f->b->most * f->t.n_levels + 1);
    walk w = { kt_zalloc_array(n, sizeof(uint32_t)), kt_alloc_array(most, sizeof(uint32_t)), kt_alloc_array(most, sizeof(double)),
               kt_alloc_array(most, sizeof(double)), kt_alloc_array(most, sizeof(bool)), kt_alloc_array(n, sizeof(double)), 0 };
    double *table = f->table + part * f->width;
    memset(table, 0, f->width * sizeof(double));
    for (uint32_t i = kt_ballot_part(f->b, part, f->parts); i < kt_ballot_part(f->b, part + 1, f->parts); i++) {
        if (f->b->start[i] == f->b->start[i + 1])
            continue;
        touch(f, &w, i);
        for (size_t x = w.n; x-- > 0;) {
            if (!w.passed[x])
                continue;
            weigh_children(f, &w, i, x);
            w.below[x] = log_sum(w.term, n_children(&f->t, w.touched[x]));
        }
        w.prob[0] = 1;
        for (size_t x = 0; x < w.n; x++)
            if (w.passed[x])
                go_down(f, &w, i, x, table);
        if (f->r)
            keep_item(f, &w, i, table);
        for (size_t x = 0; x < w.n; x++)
            w.mark[w.touched[x]] = 0;
    }
    kt_free(w.mark);
    kt_free(w.touched);
    kt_free(w.below);
    kt_free(w.prob);
    kt_free(w.passed);
    kt_free(w.term);
}

/* An E-step; all parts' tables are added up into the first. */
static void run(fitting *f, kt_pool *pool)
{
    kt_pool_run(pool, f->parts, run_part, f);
    for (size_t part = 1; part < f->parts; part++)
        for (size_t x = 0; x < f->width; x++)
            f->table[x] += f->table[part * f->width + x];
}

/* Accuracies: each level's of all sources, every source drawn towards it. Returns the largest move. */
static double set_accuracies(fitting *f)
{
    size_t levels = f->t.n_levels, cells = (size_t)f->b->n_sources * levels;
    double moved = 0;
    for (size_t d = 0; d < levels; d++) {
        double right = 1.4, n = 2;
        for (size_t x = d; x < cells; x += levels) { /* every source counts by what it says about itself */
            double weight = f->table[cells + x] > 0 ? 1 / (f->table[cells + x] + f->o->pull + 1e-9) : 0;
            right += weight * f->table[x];
            n += weight * f->table[cells + x];
        }
        for (size_t x = d; x < cells; x += levels) {
            double a = (f->table[x] + f->o->pull * right / n) / (f->table[cells + x] + f->o->pull + 1e-12);
            a = f->table[cells + x] + f->o->pull > 0 ? KT_MIN(KT_MAX(a, LEAST), 1 - 1e-4) : right / n;
            moved = KT_MAX(moved, fabs(a - f->accuracy[x]));
            f->accuracy[x] = a;
        }
    }
    return moved;
}

static void set_shares(fitting *f)
{
    const tree *t = &f->t;
    size_t cells = (size_t)f->b->n_sources * t->n_levels;
    const double *confusion = f->table + 3 * cells, *share = confusion + t->n_confused;
    for (uint32_t x = 0; x <= t->n; x++) {
        uint32_t c = n_children(t, x);
        const uint32_t *child = t->child + t->child_start[x];
        double all = 0;
        for (uint32_t y = 0; y < c; y++)
            all += share[child[y]] + SHARE;
        for (uint32_t y = 0; y < c; y++)
            f->share[child[y]] = (share[child[y]] + SHARE) / all;
        for (uint32_t y = 0; y < c && t->confused[x] != SIZE_MAX; y++) {
            const double *from = confusion + t->confused[x] + (size_t)y * c;
            double sum = EVEN;
            for (uint32_t z = 0; z < c; z++)
                sum += from[z];
            for (uint32_t z = 0; z < c; z++)
                f->confusion[t->confused[x] + (size_t)y * c + z] = (from[z] + EVEN / (c - 1)) / sum;
        }
    }
}

static void start_fit(fitting *f, kt_arena *a)
{
    size_t cells = (size_t)f->b->n_sources * f->t.n_levels;
    f->width = 3 * cells + f->t.n_confused + f->t.n + 2 * (size_t)f->b->n_sources;
    f->parts = kt_ballot_parts(f->b, f->width);
    f->table = kt_zalloc_array(f->parts * f->width, sizeof(double));
    f->accuracy = kt_arena_array(a, cells, sizeof(double));
    f->share = kt_arena_array(a, f->t.n, sizeof(double));
    f->confusion = kt_arena_array(a, f->t.n_confused, sizeof(double));
    for (size_t x = 0; x < cells; x++)
        f->accuracy[x] = 0.7;
    set_shares(f); /* of nothing: all even */
}

static void make_result(fitting *f, kt_arena *a, kt_taxonomy_merge *r)
{
    const kt_ballot *b = f->b;
    size_t cells = (size_t)b->n_sources * f->t.n_levels;
    walk w = { kt_zalloc_array((size_t)f->t.n + 1, sizeof(uint32_t)), kt_alloc_array((size_t)f->t.n + 1, sizeof(uint32_t)), NULL, NULL,
               kt_alloc_array((size_t)f->t.n + 1, sizeof(bool)), NULL, 0 };
    *r = (kt_taxonomy_merge){ .n_items = b->n_items, .n_sources = b->n_sources, .n_nodes = f->t.n, .n_levels = f->t.n_levels };
    r->label = kt_arena_array(a, b->n_items, sizeof(int32_t));
    r->deepest = kt_arena_array(a, b->n_items, sizeof(int32_t));
    r->prob = kt_arena_array(a, b->n_items, sizeof(double));
    r->n_votes = kt_arena_array(a, b->n_items, sizeof(uint32_t));
    r->n_for = kt_arena_array(a, b->n_items, sizeof(uint32_t));
    r->n_above = kt_arena_array(a, b->n_items, sizeof(uint32_t));
    r->start = kt_arena_array(a, (size_t)b->n_items + 1, sizeof(size_t));
    for (uint32_t i = 0; i < b->n_items; i++) {
        r->label[i] = r->deepest[i] = -1;
        r->prob[i] = NAN;
        r->n_votes[i] = b->start[i + 1] - b->start[i];
        touch(f, &w, i);
        r->start[i + 1] = r->start[i] + w.n - 1;
        for (size_t x = 0; x < w.n; x++)
            w.mark[w.touched[x]] = 0;
    }
    r->node = kt_arena_array(a, r->start[b->n_items], sizeof(uint32_t));
    r->node_prob = kt_arena_array(a, r->start[b->n_items], sizeof(double));
    r->share = kt_arena_array(a, f->t.n, sizeof(double));
    r->source_accuracy = kt_arena_array(a, b->n_sources, sizeof(double));
    r->source_ci = kt_arena_array(a, b->n_sources, 2 * sizeof(double));
    r->level_accuracy = kt_arena_array(a, cells, sizeof(double));
    r->level_ci = kt_arena_array(a, cells, 2 * sizeof(double));
    r->level_votes = kt_arena_array(a, cells, sizeof(double));
    kt_free(w.mark);
    kt_free(w.touched);
    kt_free(w.passed);
}

static void give_sources(const fitting *f, kt_taxonomy_merge *r)
{
    const kt_ballot *b = f->b;
    size_t cells = (size_t)b->n_sources * f->t.n_levels;
    const double *said = f->table + 3 * cells + f->t.n_confused + f->t.n;
    uint32_t *votes = kt_zalloc_array(b->n_sources, sizeof(*votes));
    for (uint32_t q = 0; q < b->start[b->n_items]; q++)
        votes[b->source[q]]++;
    for (size_t x = 0; x < cells; x++) {
        double n = r->level_votes[x] = f->table[cells + x];
        r->level_accuracy[x] = n > 1e-9 ? KT_MIN(f->table[x] / n, 1) : NAN;
        kt_doubtful_interval(r->level_accuracy[x], n, f->table[2 * cells + x], r->level_ci + 2 * x);
    }
    for (size_t s = 0; s < b->n_sources; s++) {
        r->source_accuracy[s] = votes[s] ? said[s] / votes[s] : NAN;
        kt_doubtful_interval(r->source_accuracy[s], votes[s], said[b->n_sources + s], r->source_ci + 2 * s);
    }
    for (uint32_t d = 0; d < f->t.n_levels; d++)
        for (uint32_t x = 0; x < f->t.n; x++)
            if (f->t.level[x] == d)
                r->share[x] = f->share[x] * (d ? r->share[f->t.parent[x]] : 1);
    kt_free(votes);
}

kt_rc kt_taxonomy_fit(const kt_votes *v, const int32_t *parent, const kt_taxonomy_opts *o, kt_pool *pool, kt_arena *a, kt_taxonomy_merge *ret, kt_err *err)
{
    static const kt_taxonomy_opts defaults = KT_TAXONOMY_OPTS_INIT;
    kt_ballot b;
    kt_taxonomy_merge r;
    fitting f = { .b = &b, .o = o ? o : &defaults };
    KT_TRY(make_tree(parent, v->n_labels, a, &f.t, err));
    KT_TRY(kt_ballot_make(v, false, pool, a, &b, err));
    start_fit(&f, a);
    for (int32_t round = 0; round < f.o->n_iter; round++) {
        run(&f, pool);
        set_shares(&f);
        if (set_accuracies(&f) < STILL)
            break;
    }
    make_result(&f, a, &r);
    f.r = &r;
    run(&f, pool);
    give_sources(&f, &r);
    kt_free(f.table);
    *ret = r;
    return 0;
}

const kt_setting kt_taxonomy_options[] = {
    { "target", "the answer is the deepest node whose posterior reaches this", KT_SET_FLOAT, offsetof(kt_taxonomy_opts, target), 0.5, 1, NULL },
    { "pull", "pseudo-votes of an annotator's accuracy towards that of all", KT_SET_FLOAT, offsetof(kt_taxonomy_opts, pull), 0, 1e6, NULL },
    { "n_iter", "most rounds", KT_SET_INT, offsetof(kt_taxonomy_opts, n_iter), 1, 100000, NULL },
    { .name = NULL },
};
