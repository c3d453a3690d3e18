/* Every item keeps its posterior, and every source the sums of the posteriors behind its votes (count[said][truth]). To go over
   an item is: take its posterior out of the counts of its voters, compute it anew from what is left and the pseudo-votes, put it
   back. Each such step raises the penalised likelihood, and a fixed point of all of them is one of EM. */
#include "algo/merge/live.h"

#include "base/mem.h"

#include <math.h>

typedef struct vote {
    uint32_t source;
    int32_t label;
} vote;

typedef struct item {
    KT_VEC(vote) votes;
} item;

struct kt_live {
    uint32_t k;
    kt_live_opts o;
    KT_VEC(item) items;
    KT_VEC(double) prob;   /* items × K; without votes zeros */
    KT_VEC(double) count;  /* sources × said × truth */
    KT_VEC(double) total;  /* sources × truth: Σ count over said */
    double *share;         /* K: Σ posteriors */
    double *prior;         /* K: share with a pseudo-item a label */
    double *fresh;         /* K: a posterior in the making */
    uint32_t n_voted, n_sources, turn;
    uint64_t work;
};

kt_live *kt_live_new(uint32_t n_labels, const kt_live_opts *o)
{
    kt_live *l = kt_zalloc(sizeof(*l));
    l->k = n_labels;
    l->o = o ? *o : (kt_live_opts)KT_LIVE_OPTS_INIT;
    l->share = kt_zalloc_array(n_labels, sizeof(double));
    l->prior = kt_alloc_array(n_labels, sizeof(double));
    l->fresh = kt_alloc_array(n_labels, sizeof(double));
    for (uint32_t c = 0; c < n_labels; c++)
        l->prior[c] = 1.0 / n_labels;
    return l;
}

kt_live *kt_live_free(kt_live *l)
{
    if (!l)
        return NULL;
    for (size_t i = 0; i < l->items.n; i++)
        KT_VEC_DONE(&l->items.v[i].votes);
    KT_VEC_DONE(&l->items);
    KT_VEC_DONE(&l->prob);
    KT_VEC_DONE(&l->count);
    KT_VEC_DONE(&l->total);
    kt_free(l->share);
    kt_free(l->prior);
    kt_free(l->fresh);
    return kt_free(l);
}

static void set_prior(kt_live *l)
{
    for (uint32_t c = 0; c < l->k; c++)
        l->prior[c] = l->n_voted ? KT_MAX(l->share[c] / l->n_voted, 1e-10) : 1.0 / l->k;
}

double kt_live_confusion(const kt_live *l, uint32_t source, uint32_t said, uint32_t truth)
{
    double up = l->o.uniform + (said == truth ? l->o.right : 0), down = l->o.uniform * l->k + l->o.right;
    if (source < l->n_sources) {
        up += KT_MAX(l->count.v[((size_t)source * l->k + said) * l->k + truth], 0);
        down += KT_MAX(l->total.v[(size_t)source * l->k + truth], 0);
    }
    return down > 0 ? KT_MAX(up / down, 1e-10) : 1.0 / l->k;
}

/* Adds sign times the posterior of the item to the counts of its voters and to the shares. */
static void weigh_in(kt_live *l, uint32_t i, double sign)
{
    const item *it = &l->items.v[i];
    const double *p = l->prob.v + (size_t)i * l->k;
    for (size_t q = 0; q < it->votes.n; q++) {
        size_t s = it->votes.v[q].source;
        double *count = l->count.v + (s * l->k + (uint32_t)it->votes.v[q].label) * l->k, *total = l->total.v + s * l->k;
        for (uint32_t c = 0; c < l->k; c++) {
            count[c] += sign * p[c];
            total[c] += sign * p[c];
        }
    }
    for (uint32_t c = 0; c < l->k; c++)
        l->share[c] += sign * p[c];
    l->work += it->votes.n;
}

/* Posterior from the votes as the counts stand. */
static void judge(kt_live *l, uint32_t i)
{
    const item *it = &l->items.v[i];
    double *p = l->prob.v + (size_t)i * l->k, top = -INFINITY, sum = 0;
    for (uint32_t c = 0; c < l->k; c++)
        p[c] = 0;
    if (it->votes.n == 0)
        return;
    for (uint32_t c = 0; c < l->k; c++) {
        p[c] = log(l->prior[c]);
        for (size_t q = 0; q < it->votes.n; q++)
            p[c] += log(kt_live_confusion(l, it->votes.v[q].source, (uint32_t)it->votes.v[q].label, c));
        top = KT_MAX(top, p[c]);
    }
    for (uint32_t c = 0; c < l->k; c++)
        sum += p[c] = exp(p[c] - top);
    for (uint32_t c = 0; c < l->k; c++)
        p[c] /= sum;
    l->work += it->votes.n;
}

/* EM's own step for one item: with the counts that hold the old posterior, as a refit would see them. Returns the move. */
static double go_over(kt_live *l, uint32_t i)
{
    double moved = 0, *p = l->prob.v + (size_t)i * l->k;
    if (l->items.v[i].votes.n == 0)
        return 0;
    set_prior(l);
    memcpy(l->fresh, p, l->k * sizeof(double));
    judge(l, i);
    for (uint32_t c = 0; c < l->k; c++) {
        double old = l->fresh[c];
        moved = KT_MAX(moved, fabs(p[c] - old));
        l->fresh[c] = p[c];
        p[c] = old;
    }
    weigh_in(l, i, -1);
    memcpy(p, l->fresh, l->k * sizeof(double));
    weigh_in(l, i, 1);
    return moved;
}

static void make_room(kt_live *l, uint32_t i, uint32_t source)
{
    size_t k = l->k;
    while (l->items.n <= i) {
        KT_PUSH(&l->items, (item){ { 0 } });
        for (size_t c = 0; c < k; c++)
            KT_PUSH(&l->prob, 0.0);
    }
    if (source < l->n_sources)
        return;
    size_t was = l->count.n, was_total = l->total.n;
    l->n_sources = source + 1;
    KT_RESERVE(&l->count, l->n_sources * k * k);
    KT_RESERVE(&l->total, l->n_sources * k);
    l->count.n = l->n_sources * k * k;
    l->total.n = l->n_sources * k;
    memset(l->count.v + was, 0, (l->count.n - was) * sizeof(double));
    memset(l->total.v + was_total, 0, (l->total.n - was_total) * sizeof(double));
}

/* The item whose votes changed, until it is at rest with its sources, then the items whose turn it is. */
static void settle_around(kt_live *l, uint32_t i)
{
    for (int round = 0; round < 10 && go_over(l, i) > 1e-9; round++)
        ;
    for (uint32_t n = 0; n < l->o.refresh && l->items.n; n++) {
        l->turn = l->turn + 1 < l->items.n ? l->turn + 1 : 0;
        go_over(l, l->turn);
    }
}

kt_rc kt_live_add(kt_live *l, uint32_t i, uint32_t source, int32_t label, kt_err *err)
{
    if (label < 0 || label >= (int32_t)l->k)
        return kt_fail(err, KT_RANGE, "label %d of %u labels", label, l->k);
    make_room(l, i, source);
    weigh_in(l, i, -1);
    l->n_voted += l->items.v[i].votes.n == 0;
    KT_PUSH(&l->items.v[i].votes, (vote){ source, label });
    set_prior(l);
    judge(l, i);
    weigh_in(l, i, 1);
    settle_around(l, i);
    return 0;
}

kt_rc kt_live_withdraw(kt_live *l, uint32_t i, uint32_t source, int32_t label, kt_err *err)
{
    size_t n = i < l->items.n ? l->items.v[i].votes.n : 0, at = 0;
    while (at < n && (l->items.v[i].votes.v[at].source != source || l->items.v[i].votes.v[at].label != label))
        at++;
    if (at == n)
        return kt_fail(err, KT_NOTFOUND, "source %u has not said %d of item %u", source, label, i);
    weigh_in(l, i, -1);
    for (; at + 1 < n; at++)
        l->items.v[i].votes.v[at] = l->items.v[i].votes.v[at + 1];
    l->items.v[i].votes.n--;
    l->n_voted -= l->items.v[i].votes.n == 0;
    set_prior(l);
    judge(l, i);
    weigh_in(l, i, 1);
    settle_around(l, i);
    return 0;
}

uint32_t kt_live_settle(kt_live *l, uint32_t rounds, double tol)
{
    for (uint32_t round = 0; round < rounds; round++) {
        double moved = 0;
        for (uint32_t i = 0; i < l->items.n; i++)
            moved = KT_MAX(moved, go_over(l, i));
        if (moved <= tol)
            return round + 1;
    }
    return rounds;
}

uint32_t kt_live_items(const kt_live *l)
{
    return (uint32_t)l->items.n;
}

uint32_t kt_live_votes(const kt_live *l, uint32_t i)
{
    return i < l->items.n ? (uint32_t)l->items.v[i].votes.n : 0;
}

const double *kt_live_posterior(const kt_live *l, uint32_t i)
{
    return kt_live_votes(l, i) ? l->prob.v + (size_t)i * l->k : l->prior;
}

double kt_live_accuracy(const kt_live *l, uint32_t source)
{
    double right = 0;
    for (uint32_t c = 0; c < l->k; c++)
        right += l->prior[c] * kt_live_confusion(l, source, c, c);
    return right;
}

uint64_t kt_live_work(const kt_live *l)
{
    return l->work;
}

double kt_live_gain(const kt_live *l, uint32_t i, uint32_t source)
{
    const double *p = kt_live_posterior(l, i);
    double now = 0, then = 0;
    for (uint32_t c = 0; c < l->k; c++)
        now = KT_MAX(now, p[c]);
    for (uint32_t said = 0; said < l->k; said++) { /* Σ over answers of P(answer) × the best posterior after it */
        double best = 0;
        for (uint32_t c = 0; c < l->k; c++)
            best = KT_MAX(best, p[c] * kt_live_confusion(l, source, said, c));
        then += best;
    }
    return KT_MAX(then - now, 0);
}

kt_live_verdict kt_live_next(const kt_live *l, uint32_t i, const kt_live_question *q, uint32_t *ret_source, double *ret_gain)
{
    const double *p = kt_live_posterior(l, i);
    double top = 0, most = 0;
    bool found = false;
    for (uint32_t c = 0; c < l->k; c++)
        top = KT_MAX(top, p[c]);
    *ret_gain = 0;
    if (kt_live_votes(l, i) && top >= q->target)
        return KT_LIVE_SURE;
    for (uint32_t x = 0; x < q->n_sources; x++) {
        bool voted = false;
        for (uint32_t v = 0; v < kt_live_votes(l, i) && !voted; v++)
            voted = l->items.v[i].votes.v[v].source == q->source[x];
        if (voted)
            continue;
        double gain = kt_live_gain(l, i, q->source[x]), net = gain * q->worth - q->price[x];
        if (net > 0 && (!found || net > most)) {
            found = true;
            most = net;
            *ret_source = q->source[x];
            *ret_gain = gain;
        }
    }
    return found ? KT_LIVE_ASK : KT_LIVE_NOT_WORTH;
}
