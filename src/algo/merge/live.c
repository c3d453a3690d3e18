/* Every item keeps its posterior, and every source the sums of the posteriors behind its votes (count[said][truth]). To go over
   an item is: take its posterior out of the counts of its voters, compute it anew from what is left and the pseudo-votes, put it
   back. Each such step raises the penalised likelihood, and a fixed point of all of them is one of EM. */
#include "algo/merge/live.h"

#include "base/mem.h"
#include "base/rng.h"

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
    double *prior;         /* K: share with the pseudo-items */
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
        l->prior[c] = l->n_voted ? KT_MAX((l->share[c] + l->o.equal) / (l->n_voted + l->o.equal * l->k), 1e-10) : 1.0 / l->k;
}

double kt_live_confusion(const kt_live *l, uint32_t source, uint32_t said, uint32_t truth)
{
    double up = said == truth ? l->o.right : l->o.wrong / KT_MAX(l->k - 1.0, 1), down = l->o.right + (l->k > 1 ? l->o.wrong : 0);
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
        p[c] = log(l->prior[c]) + log(l->o.unnamed);
        for (size_t q = 0; q < it->votes.n; q++)
            p[c] += log(kt_live_confusion(l, it->votes.v[q].source, (uint32_t)it->votes.v[q].label, c));
        for (size_t q = 0; q < it->votes.n; q++)
            if (it->votes.v[q].label == (int32_t)c) {
                p[c] -= log(l->o.unnamed);
                break;
            }
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

/* n_rows rows of was numbers become rows of now numbers, zeros behind. */
static void widen(double *x, size_t n_rows, size_t was, size_t now)
{
    for (size_t r = n_rows; r-- > 0;) {
        memmove(x + r * now, x + r * was, was * sizeof(*x));
        memset(x + r * now + was, 0, (now - was) * sizeof(*x));
    }
}

void kt_live_grow(kt_live *l, uint32_t n_labels)
{
    size_t was = l->k, now = n_labels, s = l->n_sources;
    if (now <= was)
        return;
    KT_RESERVE(&l->prob, l->items.n * now);
    widen(l->prob.v, l->items.n, was, now);
    l->prob.n = l->items.n * now;
    KT_RESERVE(&l->total, s * now);
    widen(l->total.v, s, was, now);
    l->total.n = s * now;
    KT_RESERVE(&l->count, s * now * now);
    widen(l->count.v, s * was, was, now);       /* truths */
    widen(l->count.v, s, was * now, now * now); /* answers */
    l->count.n = s * now * now;
    l->share = kt_realloc(l->share, now * sizeof(double));
    l->prior = kt_realloc(l->prior, now * sizeof(double));
    l->fresh = kt_realloc(l->fresh, now * sizeof(double));
    widen(l->share, 1, was, now);
    l->k = n_labels;
    set_prior(l);
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

uint32_t kt_live_labels(const kt_live *l)
{
    return l->k;
}

uint32_t kt_live_sources(const kt_live *l)
{
    return l->n_sources;
}

uint32_t kt_live_items(const kt_live *l)
{
    return (uint32_t)l->items.n;
}

uint32_t kt_live_votes(const kt_live *l, uint32_t i)
{
    return i < l->items.n ? (uint32_t)l->items.v[i].votes.n : 0;
}

int32_t kt_live_said(const kt_live *l, uint32_t i, uint32_t source)
{
    int32_t ret = -1;
    for (uint32_t v = 0; v < kt_live_votes(l, i); v++)
        if (l->items.v[i].votes.v[v].source == source)
            ret = l->items.v[i].votes.v[v].label;
    return ret;
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

/* ---- whom to ask ---- */

enum { AHEAD = 3, STATES = 8 }; /* votes a plan looks ahead, labels it tells apart */

/* What a plan is made of: the likeliest labels of the item, and by candidate what it says of each (column STATES: anything else). */
typedef struct plan {
    const kt_live *l;
    uint32_t state[STATES], n_states;
    double start[STATES];
    uint32_t source[AHEAD];
    double says[AHEAD][STATES + 1][STATES];
} plan;

static void choose_states(plan *p, uint32_t i)
{
    const double *prob = kt_live_posterior(p->l, i);
    double sum = 0;
    p->n_states = 0;
    for (uint32_t c = 0; c < p->l->k; c++) {
        if (p->n_states == STATES && prob[c] <= prob[p->state[STATES - 1]])
            continue;
        uint32_t at = p->n_states < STATES ? p->n_states++ : STATES - 1;
        for (; at > 0 && prob[p->state[at - 1]] < prob[c]; at--)
            p->state[at] = p->state[at - 1];
        p->state[at] = c;
    }
    for (uint32_t x = 0; x < p->n_states; x++)
        sum += prob[p->state[x]];
    for (uint32_t x = 0; x < p->n_states; x++)
        p->start[x] = prob[p->state[x]] / sum;
}

static void listen_to(plan *p, uint32_t place, uint32_t source)
{
    p->source[place] = source;
    for (uint32_t x = 0; x < p->n_states; x++) {
        double rest = 1;
        for (uint32_t y = 0; y < p->n_states; y++)
            rest -= p->says[place][y][x] = kt_live_confusion(p->l, source, p->state[y], p->state[x]);
        p->says[place][p->n_states][x] = p->l->k > p->n_states ? KT_MAX(rest, 0) : 0;
    }
}

/* Σ over the answers of the sources from place up to last of the best label's joint chance. */
static double outlook(const plan *p, const double *joint, uint32_t place, uint32_t last)
{
    double sum = 0, then[STATES] = { 0 }, best = 0;
    if (place == last) {
        for (uint32_t x = 0; x < p->n_states; x++)
            best = KT_MAX(best, joint[x]);
        return best;
    }
    for (uint32_t y = 0; y <= p->n_states; y++) {
        for (uint32_t x = 0; x < p->n_states; x++)
            then[x] = joint[x] * p->says[place][y][x];
        sum += outlook(p, then, place + 1, last);
    }
    return sum;
}

/* Mutual information of the label and the answer of the source at place, nats: who tells most where no single answer decides. */
static double information(const plan *p, uint32_t place)
{
    double sum = 0;
    for (uint32_t y = 0; y <= p->n_states; y++) {
        double all = 0;
        for (uint32_t x = 0; x < p->n_states; x++)
            all += p->start[x] * p->says[place][y][x];
        for (uint32_t x = 0; x < p->n_states; x++) {
            double joint = p->start[x] * p->says[place][y][x];
            sum += joint > 0 ? joint * log(p->says[place][y][x] / all) : 0;
        }
    }
    return sum;
}

/* The AHEAD sources to ask first, by information for its price, and what they would charge; returns how many there are. */
static uint32_t line_up(plan *p, uint32_t i, const kt_live_question *q, double price[AHEAD])
{
    double rate[AHEAD];
    uint32_t who[AHEAD], n = 0;
    for (uint32_t x = 0; x < q->n_sources; x++) {
        if (kt_live_said(p->l, i, q->source[x]) >= 0)
            continue;
        listen_to(p, 0, q->source[x]);
        double r = information(p, 0) / (q->price[x] + 1e-9 * (1 + fabs(q->worth)));
        if (n == AHEAD && r <= rate[AHEAD - 1])
            continue;
        uint32_t at = n < AHEAD ? n++ : AHEAD - 1;
        for (; at > 0 && rate[at - 1] < r; at--) {
            rate[at] = rate[at - 1];
            who[at] = who[at - 1];
            price[at] = price[at - 1];
        }
        rate[at] = r;
        who[at] = q->source[x];
        price[at] = q->price[x];
    }
    for (uint32_t x = 0; x < n; x++)
        listen_to(p, x, who[x]);
    return n;
}

/* Best expected gain of a source right with chance a, whose mistakes are spread evenly. */
static double even_gain(const plan *p, uint32_t i, double a)
{
    const double *prob = kt_live_posterior(p->l, i);
    double then = 0, first = prob[p->state[0]], second = p->n_states > 1 ? prob[p->state[1]] : 0;
    for (uint32_t said = 0; said < p->l->k; said++)
        then += KT_MAX(prob[said] * a, (said == p->state[0] ? second : first) * (1 - a) / KT_MAX(p->l->k - 1.0, 1));
    return then - first;
}

/* Whom to ask, where accuracies are doubted: each is drawn from about as wide as it is known, so that no source is asked always or
   never on the strength of few votes (Thompson 1933). Most drawn gain × worth - price, or where none is positive the most drawn
   accuracy for its price. The draw is by item, source and votes: the same question has the same answer. */
static bool draw_source(const plan *p, uint32_t i, const kt_live_question *q, uint32_t *ret_source)
{
    const kt_live *l = p->l;
    double most = -INFINITY, most_rate = -INFINITY;
    for (uint32_t x = 0; x < q->n_sources; x++) {
        uint32_t s = q->source[x];
        if (kt_live_said(l, i, s) >= 0)
            continue;
        double votes = l->o.right + l->o.wrong, a = kt_live_accuracy(l, s);
        for (uint32_t c = 0; c < l->k && s < l->n_sources; c++)
            votes += l->total.v[(size_t)s * l->k + c];
        kt_rng r = kt_rng_keyed(i, s, kt_live_votes(l, i));
        a += kt_rng_normal(&r) * sqrt(KT_MAX(a * (1 - a), 0) / ((1 - q->doubt) * votes + 1));
        a = KT_MIN(KT_MAX(a, 1.0 / l->k), 0.999);
        double net = even_gain(p, i, a) * q->worth - q->price[x], rate = (a - 1.0 / l->k) / (q->price[x] + 1e-9 * q->worth);
        if (net <= 1e-12)
            net = 0;
        if (net > most || (net == most && rate > most_rate)) {
            most = net;
            most_rate = rate;
            *ret_source = s;
        }
    }
    return most >= 0;
}

kt_live_verdict kt_live_next(const kt_live *l, uint32_t i, const kt_live_question *q, uint32_t *ret_source, double *ret_gain)
{
    plan p = { .l = l };
    double most = 0, cost = 0, price[AHEAD];
    bool found = false;
    *ret_gain = 0;
    choose_states(&p, i);
    double top = kt_live_posterior(l, i)[p.state[0]];
    if (kt_live_votes(l, i) < q->least && draw_source(&p, i, q, ret_source)) {
        *ret_gain = kt_live_gain(l, i, *ret_source);
        return KT_LIVE_ASK;
    }
    if (kt_live_votes(l, i) && top >= q->target)
        return KT_LIVE_SURE;
    for (uint32_t x = 0; x < q->n_sources; x++) { /* one vote */
        if (kt_live_said(l, i, q->source[x]) >= 0)
            continue;
        double gain = kt_live_gain(l, i, q->source[x]), net = gain * q->worth - q->price[x];
        if (net > 1e-12 && (!found || net > most)) {
            found = true;
            most = net;
            *ret_source = q->source[x];
            *ret_gain = gain;
        }
    }
    uint32_t n = found ? 0 : line_up(&p, i, q, price);
    for (uint32_t last = 1; last <= n && !found; last++) { /* several, where one alone cannot turn it */
        cost += price[last - 1];
        double gain = outlook(&p, p.start, 0, last) - p.start[0];
        if (gain * q->worth - cost > 1e-12) {
            found = true;
            *ret_source = p.source[0];
            *ret_gain = gain / last;
        }
    }
    if (found && q->doubt > 0)
        draw_source(&p, i, q, ret_source);
    return found ? KT_LIVE_ASK : KT_LIVE_NOT_WORTH;
}
