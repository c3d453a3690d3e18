/* Every item's posterior is a weighted mean of the model's row and of one row per vote, which gives A to the label voted for and
   spreads 1 - A over the others; A is how often votes agree with the consensus. Weights measure how much better than always
   saying the commonest class a source is, in agreement with the others (sources) or with the consensus (the model). The
   consensus starts as the majority and is then the likeliest label; everything is computed once more with it. */
#include "algo/merge/crowdlab.h"

#include "algo/merge/aggregate.h"
#include "base/mem.h"

#include <math.h>

#define LEAST 1e-6

struct pass {
    kt_crowdlab *r;
    const double *probs;
    uint32_t *source_of; /* of each cell */
    const int32_t *label;      /* what a pass measures against */
    const double *class_share; /* votes of each class */
    const double *trust;       /* n_sources: agreement with untied majorities, NaN: none */
    double *post;
    size_t parts, width;
    double *table;
};

static void run_pass(struct pass *w, size_t width, void (*fn)(void *, size_t), kt_pool *pool)
{
    w->width = width;
    w->parts = kt_ballot_parts(&w->r->b, width);
    w->table = kt_zalloc_array(w->parts * width, sizeof(double));
    kt_pool_run(pool, w->parts, fn, w);
    for (size_t part = 1; part < w->parts; part++)
        for (size_t x = 0; x < width; x++)
            w->table[x] += w->table[part * width + x];
}

static void count_votes(const kt_ballot *b, size_t i, uint32_t *n, uint32_t *ret_top, uint32_t *ret_tied)
{
    uint32_t top = 0, tied = 0;
    memset(n, 0, b->n_labels * sizeof(*n));
    for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
        uint32_t m = ++n[b->label[q]];
        tied = m > top ? 1 : tied + (m == top);
        top = KT_MAX(top, m);
    }
    *ret_top = top;
    *ret_tied = tied;
}

/* Majorities without a tie, else -2. table: votes of each class. */
static void untied_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    const kt_ballot *b = &w->r->b;
    uint32_t few[64], *n = b->n_labels <= KT_LEN(few) ? few : kt_alloc_array(b->n_labels, sizeof(*n)), top, tied;
    for (size_t i = kt_ballot_part(b, part, w->parts); i < kt_ballot_part(b, part + 1, w->parts); i++) {
        count_votes(b, i, n, &top, &tied);
        w->r->majority[i] = top == 0 ? -1 : -2;
        for (uint32_t c = 0; c < b->n_labels; c++) {
            w->table[part * w->width + c] += n[c];
            if (tied == 1 && n[c] == top && top)
                w->r->majority[i] = (int32_t)c;
        }
    }
    if (n != few)
        kt_free(n);
}

/* table: of each cell, votes on items with a label >= 0 of at least `least` votes, and how many of them say it. */
static void agree_pass(struct pass *w, size_t part, uint32_t least)
{
    const kt_ballot *b = &w->r->b;
    double *n = w->table + part * w->width, *same = n + w->r->cells.n;
    for (size_t i = kt_ballot_part(b, part, w->parts); i < kt_ballot_part(b, part + 1, w->parts); i++) {
        if (w->label[i] < 0 || b->start[i + 1] - b->start[i] < least)
            continue;
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            n[w->r->cells.of[q]]++;
            same[w->r->cells.of[q]] += b->label[q] == w->label[i];
        }
    }
}

static void agree_part(void *ctx, size_t part)
{
    agree_pass(ctx, part, 1);
}

static void agree_several_part(void *ctx, size_t part)
{
    agree_pass(ctx, part, 2);
}

static void shares_of_sources(const struct pass *w, double *ret)
{
    const kt_cells *cells = &w->r->cells;
    for (size_t s = 0; s < w->r->b.n_sources; s++) {
        double n = 0, same = 0;
        for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++) {
            n += w->table[x];
            same += w->table[cells->n + x];
        }
        ret[s] = n > 0 ? same / n : NAN;
    }
}

/* Whether label c beats best, both with the most votes, on item i. */
static bool wins_tie(const struct pass *w, size_t i, uint32_t c, uint32_t best)
{
    const kt_ballot *b = &w->r->b;
    const double *p = w->probs + i * b->n_labels;
    double mean[2] = { 0, 0 };
    if (p[c] != p[best])
        return p[c] > p[best];
    if (w->class_share[c] != w->class_share[best])
        return w->class_share[c] < w->class_share[best];
    for (int side = 0; side < 2; side++) {
        double n = 0, sum = 0;
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            double t = w->trust[w->source_of[w->r->cells.of[q]]];
            if (b->label[q] == (int32_t)(side ? best : c) && !isnan(t)) {
                n++;
                sum += t;
            }
        }
        mean[side] = n > 0 ? sum / n : 0;
    }
    return mean[0] > mean[1];
}

static void tied_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    const kt_ballot *b = &w->r->b;
    uint32_t few[64], *n = b->n_labels <= KT_LEN(few) ? few : kt_alloc_array(b->n_labels, sizeof(*n)), top, tied;
    for (size_t i = kt_ballot_part(b, part, w->parts); i < kt_ballot_part(b, part + 1, w->parts); i++) {
        if (w->r->majority[i] != -2)
            continue;
        count_votes(b, i, n, &top, &tied);
        int32_t best = -1;
        for (uint32_t c = 0; c < b->n_labels; c++)
            if (n[c] == top && (best < 0 || wins_tie(w, i, c, (uint32_t)best)))
                best = (int32_t)c;
        w->r->majority[i] = best;
    }
    if (n != few)
        kt_free(n);
}

static void find_majority(struct pass *w, kt_pool *pool)
{
    const kt_ballot *b = &w->r->b;
    double *share = kt_alloc_array(b->n_labels, sizeof(*share)), *trust = kt_alloc_array(b->n_sources, sizeof(*trust));
    run_pass(w, b->n_labels, untied_part, pool);
    memcpy(share, w->table, b->n_labels * sizeof(*share));
    kt_free(w->table);
    w->label = w->r->majority;
    run_pass(w, 2 * (size_t)w->r->cells.n, agree_part, pool);
    shares_of_sources(w, trust);
    kt_free(w->table);
    w->class_share = share;
    w->trust = trust;
    run_pass(w, 0, tied_part, pool);
    kt_free(w->table);
    kt_free(share);
    kt_free(trust);
}

/* table: of each cell agreeing pairs and pairs of votes on the same item; then of the items with several votes: their number,
   Σ share of votes for the label, mistakes of the model, items of each class. */
static void weigh_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    const kt_ballot *b = &w->r->b;
    uint32_t k = b->n_labels, few[64], *n = k <= KT_LEN(few) ? few : kt_alloc_array(k, sizeof(*n)), top, tied;
    double *same = w->table + part * w->width, *pairs = same + w->r->cells.n, *sums = pairs + w->r->cells.n;
    for (size_t i = kt_ballot_part(b, part, w->parts); i < kt_ballot_part(b, part + 1, w->parts); i++) {
        uint32_t m = b->start[i + 1] - b->start[i], best = 0;
        if (m < 2)
            continue;
        count_votes(b, i, n, &top, &tied);
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            same[w->r->cells.of[q]] += n[b->label[q]] - 1;
            pairs[w->r->cells.of[q]] += m - 1;
        }
        for (uint32_t c = 1; c < k; c++)
            if (w->probs[i * k + c] > w->probs[i * k + best])
                best = c;
        sums[0]++;
        sums[1] += (double)n[w->label[i]] / m;
        sums[2] += (int32_t)best != w->label[i];
        sums[3 + w->label[i]]++;
    }
    if (n != few)
        kt_free(n);
}

static void set_weights(struct pass *w, kt_pool *pool)
{
    kt_crowdlab *r = w->r;
    size_t k = r->b.n_labels, cells = r->cells.n, with = 0;
    double mean = 0;
    run_pass(w, 2 * cells + 3 + k, weigh_part, pool);
    const double *sums = w->table + 2 * cells, *pairs = w->table + cells;
    double n = KT_MAX(sums[0], 1), most = 0, error;
    for (size_t c = 0; c < k; c++)
        most = KT_MAX(most, sums[3 + c]);
    r->vote_agreement = sums[0] > 0 ? sums[1] / n : 1;
    error = KT_MAX(1 - most / n, LEAST);
    r->model_weight = KT_MAX(1 - sums[2] / n / error, LEAST) * sqrt((double)r->b.start[r->b.n_items] / KT_MAX(r->b.n_voted, 1));
    for (size_t s = 0; s < r->b.n_sources; s++) {
        double agreed = 0, all = 0;
        for (uint32_t x = r->cells.first[s]; x < r->cells.first[s + 1]; x++) {
            agreed += w->table[x];
            all += pairs[x];
        }
        r->source_weight[s] = all > 0 ? agreed / all : NAN;
        mean += all > 0 ? agreed / all : 0;
        with += all > 0;
    }
    mean = with ? mean / (double)with : 1;
    for (size_t s = 0; s < r->b.n_sources; s++) {
        double agreement = isnan(r->source_weight[s]) ? mean : r->source_weight[s];
        r->source_weight[s] = KT_MAX(1 - (1 - agreement) / error, LEAST);
    }
    kt_free(w->table);
}

static void post_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    const kt_crowdlab *r = w->r;
    uint32_t k = r->b.n_labels;
    double other = k > 1 ? (1 - r->vote_agreement) / (k - 1) : 0, extra = r->vote_agreement - other;
    for (size_t i = kt_ballot_part(&r->b, part, w->parts); i < kt_ballot_part(&r->b, part + 1, w->parts); i++) {
        double *p = w->post + i * k, sum = 0;
        for (uint32_t c = 0; c < k; c++)
            p[c] = r->model_weight * w->probs[i * k + c];
        for (uint32_t q = r->b.start[i]; q < r->b.start[i + 1]; q++) {
            double weight = r->source_weight[w->source_of[r->cells.of[q]]];
            p[r->b.label[q]] += weight * extra;
            sum += weight;
        }
        double scale = 1 / (sum + r->model_weight);
        for (uint32_t c = 0; c < k; c++)
            p[c] = (p[c] + sum * other) * scale;
    }
}

/* Weights and posterior against w->label. */
static void combine(struct pass *w, kt_pool *pool)
{
    set_weights(w, pool);
    w->post = w->r->post;
    run_pass(w, 0, post_part, pool);
    kt_free(w->table);
}

static void choose_labels(kt_crowdlab *r)
{
    size_t k = r->b.n_labels;
    for (size_t i = 0; i < r->b.n_items; i++) {
        const double *p = r->post + i * k;
        size_t best = 0;
        for (size_t c = 1; c < k; c++)
            if (p[c] > p[best])
                best = c;
        r->label[i] = r->majority[i] < 0 ? -1 : p[r->majority[i]] == p[best] ? r->majority[i] : (int32_t)best;
    }
}

/* table: of each cell, votes that say the label, Σ posterior of the label of the item, Σ posterior of their own. */
static void quality_part(void *ctx, size_t part)
{
    const struct pass *w = ctx;
    const kt_crowdlab *r = w->r;
    size_t cells = r->cells.n, k = r->b.n_labels;
    double *same = w->table + part * w->width, *sure = same + cells, *own = sure + cells;
    for (size_t i = kt_ballot_part(&r->b, part, w->parts); i < kt_ballot_part(&r->b, part + 1, w->parts); i++) {
        uint32_t m = r->b.start[i + 1] - r->b.start[i], n = 0;
        for (uint32_t q = r->b.start[i]; q < r->b.start[i + 1]; q++) {
            uint32_t x = r->cells.of[q];
            same[x] += r->b.label[q] == r->label[i];
            sure[x] += r->post[i * k + (size_t)r->label[i]];
            own[x] += r->post[i * k + r->b.label[q]];
            n += r->b.label[q] == r->label[i];
        }
        r->agreement[i] = m ? (double)n / m : NAN;
    }
}

static void judge_sources(struct pass *w, kt_pool *pool)
{
    kt_crowdlab *r = w->r;
    const kt_cells *cells = &r->cells;
    double weights = 0, per_item = (double)r->b.start[r->b.n_items] / KT_MAX(r->b.n_voted, 1);
    for (size_t s = 0; s < r->b.n_sources; s++)
        weights += r->source_weight[s];
    double f = r->model_weight / (r->model_weight + weights * per_item / KT_MAX(r->b.n_sources, 1));
    w->label = r->majority;
    run_pass(w, 2 * (size_t)cells->n, agree_several_part, pool);
    shares_of_sources(w, r->source_majority_agreement);
    kt_free(w->table);
    w->label = r->label;
    run_pass(w, 2 * (size_t)cells->n, agree_several_part, pool);
    double *several = kt_alloc_array(r->b.n_sources, sizeof(*several)); /* agreement with the consensus where others voted too */
    shares_of_sources(w, several);
    kt_free(w->table);
    run_pass(w, 3 * (size_t)cells->n, quality_part, pool);
    const double *same = w->table, *sure = same + cells->n, *own = sure + cells->n;
    for (size_t s = 0; s < r->b.n_sources; s++) {
        double n = 0, mean = 0, agreed = 0, least = INFINITY, its_n = 0, its_sure = 0;
        r->worst_class[s] = -1;
        for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++) {
            double m = cells->votes[x], a = same[x] / m, q = sure[x] / m;
            n += m;
            agreed += same[x];
            mean += own[x];
            if (a < least || (a == least && (m > its_n || (m == its_n && q > its_sure)))) {
                least = a;
                its_n = m;
                its_sure = q;
                r->worst_class[s] = cells->said[x];
            }
        }
        r->source_votes[s] = (uint32_t)n;
        r->source_agreement[s] = n > 0 ? agreed / n : NAN;
        r->source_quality[s] = n > 0 ? f * mean / n + (1 - f) * several[s] : NAN;
    }
    kt_free(several);
    kt_free(w->table);
}

static kt_rc start(const kt_votes *v, const double *probs, kt_pool *pool, kt_arena *a, kt_crowdlab *r, struct pass *w, kt_err *err)
{
    size_t n = v->n_items, k = v->n_labels, s = v->n_sources;
    if (!probs) {
        kt_fail(err, KT_USAGE, "CROWDLAB needs a model's probabilities");
        return kt_hint(err, "--probs FILE with the columns item and one per label");
    }
    KT_TRY(kt_probs_check(probs, n, k, err));
    KT_TRY(kt_ballot_make(v, false, pool, a, &r->b, err));
    KT_TRY(kt_cells_make(&r->b, pool, a, &r->cells, err));
    r->majority = kt_arena_alloc(a, n * sizeof(int32_t));
    r->label = kt_arena_alloc(a, n * sizeof(int32_t));
    r->post = kt_arena_alloc(a, n * k * sizeof(double));
    r->agreement = kt_arena_alloc(a, n * sizeof(double));
    r->source_weight = kt_arena_array(a, s, sizeof(double));
    r->source_quality = kt_arena_array(a, s, sizeof(double));
    r->source_agreement = kt_arena_array(a, s, sizeof(double));
    r->source_majority_agreement = kt_arena_array(a, s, sizeof(double));
    r->source_votes = kt_arena_array(a, s, sizeof(uint32_t));
    r->worst_class = kt_arena_array(a, s, sizeof(int32_t));
    *w = (struct pass){ .r = r, .probs = probs, .source_of = kt_arena_array(a, r->cells.n, sizeof(uint32_t)) };
    for (uint32_t x = 0; x < s; x++)
        for (uint32_t c = r->cells.first[x]; c < r->cells.first[x + 1]; c++)
            w->source_of[c] = x;
    return 0;
}

kt_rc kt_crowdlab_fit(const kt_votes *v, const double *probs, kt_pool *pool, kt_arena *a, kt_crowdlab *ret, kt_err *err)
{
    kt_crowdlab r = { 0 };
    struct pass w;
    KT_TRY(start(v, probs, pool, a, &r, &w, err));
    find_majority(&w, pool);
    w.label = r.majority;
    combine(&w, pool);
    choose_labels(&r);
    w.label = r.label;
    combine(&w, pool);
    judge_sources(&w, pool);
    *ret = r;
    return 0;
}

/* Rows of p to the power 1 / temperature, normalised, into ret. */
static void temper(const double *p, size_t n, size_t k, double temperature, double *ret)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t c = 0; c < k; c++)
            sum += ret[i * k + c] = pow(KT_MAX(p[i * k + c], LEAST), 1 / temperature);
        for (size_t c = 0; c < k; c++)
            ret[i * k + c] /= sum;
    }
}

/* Mean cross entropy of the shares of votes under the tempered probabilities. */
static double misfit(const kt_ballot *b, const double *probs, double temperature, double *room)
{
    size_t k = b->n_labels;
    double sum = 0;
    temper(probs, b->n_items, k, temperature, room);
    for (size_t i = 0; i < b->n_items; i++)
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
            sum -= log(room[i * k + b->label[q]]) / (b->start[i + 1] - b->start[i]);
    return sum / KT_MAX(b->n_voted, 1);
}

static double find_temperature(const kt_ballot *b, const double *probs, double *room)
{
    static const double coarse[] = { 0.1, 0.2, 0.5, 0.8, 1, 2, 3, 5, 8 };
    size_t at = 0;
    double least = INFINITY, best = 1;
    for (size_t x = 0; x < KT_LEN(coarse); x++) {
        double m = misfit(b, probs, coarse[x], room);
        if (m < least) {
            least = m;
            best = coarse[at = x];
        }
    }
    least = INFINITY;
    for (int x = 0; x <= 8; x++) { /* four even steps from the neighbour below up to the best, and four from there on */
        bool below = x < 4;
        if (below ? at == 0 : at + 1 == KT_LEN(coarse))
            continue;
        double from = coarse[below ? at - 1 : at], to = coarse[below ? at : at + 1];
        double t = from + (to - from) * (below ? x : x - 4) / 4, m = misfit(b, probs, t, room);
        if (m < least) {
            least = m;
            best = t;
        }
    }
    return best;
}

kt_rc kt_crowdlab_active(const kt_votes *v, const double *probs, const double *unlabelled, size_t n_unlabelled, kt_pool *pool,
                         double *ret_labelled, double *ret_unlabelled, double *ret_temperature, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_crowdlab r;
    struct pass w;
    size_t n = v->n_items, k = v->n_labels;
    double mean = 0;
    r = (kt_crowdlab){ 0 };
    KT_TRY(start(v, probs, pool, &a, &r, &w, err));
    KT_TRY(kt_probs_check(unlabelled, n_unlabelled, k, err));
    double *room = kt_arena_alloc(&a, n * k * sizeof(double)), t = find_temperature(&r.b, probs, room);
    temper(probs, n, k, t, room);
    KT_TRY(kt_crowdlab_fit(v, room, pool, &a, &r, err));
    for (size_t s = 0; s < v->n_sources; s++)
        mean += r.source_weight[s] / v->n_sources;
    for (size_t i = 0; i < n; i++) {
        double weight = r.model_weight;
        for (uint32_t q = r.b.start[i]; q < r.b.start[i + 1]; q++)
            weight += r.source_weight[w.source_of[r.cells.of[q]]];
        double quality = r.label[i] < 0 ? NAN : r.post[i * k + (size_t)r.label[i]];
        ret_labelled[i] = (quality * weight + mean / (double)k) / (weight + mean);
    }
    double *row = kt_arena_alloc(&a, k * sizeof(double));
    for (size_t i = 0; i < n_unlabelled; i++) {
        double top = 0;
        temper(unlabelled + i * k, 1, k, t, row);
        for (size_t c = 0; c < k; c++)
            top = KT_MAX(top, row[c]);
        ret_unlabelled[i] = (top * r.model_weight + mean / (double)k) / (r.model_weight + mean);
    }
    *ret_temperature = t;
    return 0;
}
