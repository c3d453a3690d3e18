/* Votes on one item err together more than any model of independent sources knows, and confusions that were fitted to these very votes flatter
   themselves; so posteriors are too sure, and nothing in the likelihood of the labels says so. A vote that is predicted from the others does:
   how often it disagrees with what they are sure of is how wrong they are. One number, a power on all posteriors (a temperature), is
   enough for the calibration of what auto gives back, and changes no label. Guo et al. (2017) choose it by gold; here the votes are the gold.

   The vote is left out of everything it enters directly: its item's posterior, and the count of its source's confusion. What it did to
   the accuracies of the others through the item's posterior is of second order. */
#include "algo/merge/held_out.h"

#include "base/mem.h"

#include <math.h>

#define LEAST 0.2
#define MOST 1.0            /* where votes agree better than the model says, that is left as it is: to be less sure than one might is no harm */
#define GRID 24
#define SPREAD 0.5          /* of log power, before anything is seen */
#define WORK ((size_t)1 << 20)

struct look {
    const kt_held_out *h;
    size_t k, states;
    uint32_t *source;       /* of each cell */
    double *total;          /* sources × K: votes by truth */
    double *accuracy;       /* of each source, by the second model */
    double *sum, *log_q;    /* states + K: log posteriors of an item, all votes in; K: of a label, one vote out */
    double *say;            /* K: P(the vote | label) */
    uint32_t *named;        /* K: votes of the item for the label */
    double grid[GRID], log_lik[GRID];
    double wrong[GRID];     /* share of votes that are wrong at each power; then relative to power 1 */
};

/* Two others are the fewest that can be seen to be surer than they should. */
static bool looked_at(const kt_held_out *h, size_t i)
{
    return h->b->start[i + 1] - h->b->start[i] > 2 && (!h->gold || h->gold[i] < 0);
}

static double count_of(const struct look *l, size_t cell, size_t c)
{
    const double *count = l->h->em->count + cell * l->states + c * l->h->em->levels;
    double n = 0;
    for (uint32_t d = 0; d < l->h->em->levels; d++)
        n += count[d];
    return n;
}

static void prepare(struct look *l)
{
    const kt_cells *cells = l->h->cells;
    for (uint32_t s = 0; s < l->h->b->n_sources; s++)
        for (uint32_t x = cells->first[s]; x < cells->first[s + 1]; x++) {
            double odds = l->h->ratio[x] / KT_MAX((double)l->k - 1, 1);
            l->source[x] = s;
            l->accuracy[s] = odds / (1 + odds);
            for (size_t c = 0; c < l->k && l->h->em; c++)
                l->total[s * l->k + c] += count_of(l, x, c);
        }
    for (size_t g = 0; g < GRID; g++)
        l->grid[g] = LEAST * pow(MOST / LEAST, (double)g / (GRID - 1));
}

/* log posteriors of item i by both models, not normalised. */
static void add_votes(struct look *l, size_t i)
{
    const kt_held_out *h = l->h;
    double *coin = l->sum + l->states;
    for (size_t x = 0; h->em && x < l->states; x++)
        l->sum[x] = log(h->em->prior[x]);
    memset(coin, 0, l->k * sizeof(*coin));
    memset(l->named, 0, l->k * sizeof(*l->named));
    for (uint32_t q = h->b->start[i]; q < h->b->start[i + 1]; q++) {
        size_t cell = h->cells->of[q];
        for (size_t x = 0; h->em && x < l->states; x++)
            l->sum[x] += log(h->em->like[cell * l->states + x]);
        coin[h->b->label[q]] += log(h->ratio[cell]);
        l->named[h->b->label[q]]++;
    }
}

/* q(c) by the votes but q, into log_q as shares. */
static void leave_out(struct look *l, uint32_t q)
{
    const kt_held_out *h = l->h;
    size_t cell = h->cells->of[q], said = (size_t)h->b->label[q];
    double *coin = l->sum + l->states, top = -INFINITY, all = 0, share = h->em ? h->coin_share : 1;
    coin[said] -= log(h->ratio[cell]);
    for (size_t c = 0; c < l->k; c++)
        top = KT_MAX(top, coin[c]);
    for (size_t c = 0; c < l->k; c++)
        all += l->log_q[c] = exp(coin[c] - top);
    for (size_t c = 0; c < l->k; c++)
        l->log_q[c] *= share / all;
    coin[said] += log(h->ratio[cell]);
    if (!h->em)
        return;
    const double *like = h->em->like + cell * l->states;
    double *own = l->say; /* free until the vote is looked at */
    top = -INFINITY;
    all = 0;
    for (size_t x = 0; x < l->states; x++)
        top = KT_MAX(top, l->sum[x] - log(like[x]));
    for (size_t c = 0; c < l->k; c++) {
        own[c] = 0;
        for (size_t x = c * h->em->levels; x < (c + 1) * h->em->levels; x++)
            own[c] += exp(l->sum[x] - top) / like[x];
        own[c] *= l->named[c] > (c == said) ? 1 : h->em->unsupported;
        all += own[c];
    }
    for (size_t c = 0; c < l->k; c++)
        l->log_q[c] += (1 - share) * own[c] / all;
}

/* P(vote q | label) of its source, without the vote. */
static void set_say(struct look *l, size_t i, uint32_t q)
{
    const kt_held_out *h = l->h;
    size_t k = l->k, cell = h->cells->of[q], said = (size_t)h->b->label[q], s = l->source[cell];
    double n = h->coin_votes;
    for (uint32_t x = h->cells->first[s]; x < h->cells->first[s + 1]; x++)
        n += h->cells->votes[x];
    double right = KT_MIN(KT_MAX((l->accuracy[s] * n - h->coin[i * k + said]) / KT_MAX(n - 1, 1e-3), 0.01), 0.99);
    for (size_t c = 0; c < k; c++) {
        l->say[c] = c == said ? right : (1 - right) / (double)(k - 1);
        if (h->em) {
            double own = h->em->prob[i * k + c];
            l->say[c] = (KT_MAX(count_of(l, cell, c) - own, 0) + h->kappa * h->pull[said * k + c]) / (KT_MAX(l->total[s * k + c] - own, 0) + h->kappa);
        }
    }
}

static void predict(struct look *l, size_t said)
{
    for (size_t c = 0; c < l->k; c++)
        l->log_q[c] = log(KT_MAX(l->log_q[c], 1e-300));
    for (size_t g = 0; g < GRID; g++) {
        double all = 0, met = 0;
        for (size_t c = 0; c < l->k; c++) {
            double q = exp(l->grid[g] * l->log_q[c]);
            all += q;
            met += q * (c == said ? 1 - l->wrong[g] * (1 - l->say[c]) : l->wrong[g] * l->say[c]);
        }
        l->log_lik[g] += log(KT_MAX(met / all, 1e-12));
    }
}

/* What a power makes of the sources: their accuracies are means of posteriors, and a softer posterior makes all of them worse. */
static void set_wrong(struct look *l, size_t stride)
{
    const kt_held_out *h = l->h;
    double share = h->em ? h->coin_share : 1, plain = 1e-9, n = 0;
    for (size_t i = 0; i < h->b->n_items; i += stride) {
        double all[GRID] = { 0 }, own[GRID] = { 0 };
        if (!looked_at(h, i))
            continue;
        for (size_t c = 0; c < l->k; c++)
            l->named[c] = 0;
        for (uint32_t q = h->b->start[i]; q < h->b->start[i + 1]; q++, n++)
            l->named[h->b->label[q]]++;
        for (size_t c = 0; c < l->k; c++) {
            double p = share * h->coin[i * l->k + c] + (h->em ? (1 - share) * h->em->prob[i * l->k + c] : 0), log_p = log(KT_MAX(p, 1e-300));
            plain -= p * l->named[c];
            for (size_t g = 0; g < GRID; g++) {
                double q = exp(l->grid[g] * log_p);
                all[g] += q;
                own[g] += q * l->named[c];
            }
        }
        plain += h->b->start[i + 1] - h->b->start[i];
        for (size_t g = 0; g < GRID; g++)
            l->wrong[g] += h->b->start[i + 1] - h->b->start[i] - own[g] / all[g];
    }
    for (size_t g = 0; g < GRID; g++)
        l->wrong[g] /= plain;
}

/* Place of the largest, between the places of the grid by the parabola through it and its neighbours. */
static double best_power(const struct look *l)
{
    size_t best = 0;
    double f[GRID], step = log(l->grid[1] / l->grid[0]), move = 0;
    for (size_t g = 0; g < GRID; g++) {
        double z = log(l->grid[g]) / SPREAD;
        f[g] = l->log_lik[g] - z * z / 2;
        best = f[g] > f[best] ? g : best;
    }
    if (best > 0 && best + 1 < GRID) { /* the parabola */
        double bend = f[best - 1] - 2 * f[best] + f[best + 1];
        move = bend < 0 ? (f[best - 1] - f[best + 1]) / (2 * bend) : 0;
    }
    return l->grid[best] * exp(move * step);
}

double kt_held_out_power(const kt_held_out *h)
{
    const kt_ballot *b = h->b;
    size_t k = b->n_labels, seen = 0;
    struct look l = { .h = h, .k = k, .states = h->em ? k * h->em->levels : 0 };
    if (k < 2)
        return 1;
    l.source = kt_alloc_array(h->cells->n + 1, sizeof(*l.source));
    l.total = kt_zalloc_array(b->n_sources * k + 1, sizeof(*l.total));
    l.accuracy = kt_zalloc_array(b->n_sources + 1, sizeof(*l.accuracy));
    l.sum = kt_alloc_array(l.states + k, sizeof(*l.sum));
    l.log_q = kt_alloc_array(k, sizeof(*l.log_q));
    l.say = kt_alloc_array(k, sizeof(*l.say));
    l.named = kt_alloc_array(k, sizeof(*l.named));
    prepare(&l);
    size_t stride = (size_t)b->start[b->n_items] * (l.states + GRID / 4 * k) / WORK + 1;
    set_wrong(&l, stride);
    for (size_t i = 0; i < b->n_items; i += stride) {
        if (!looked_at(h, i))
            continue;
        add_votes(&l, i);
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++, seen++) {
            leave_out(&l, q);
            set_say(&l, i, q);
            predict(&l, (size_t)b->label[q]);
        }
    }
    double power = seen ? best_power(&l) : 1;
    kt_free(l.source);
    kt_free(l.total);
    kt_free(l.accuracy);
    kt_free(l.sum);
    kt_free(l.log_q);
    kt_free(l.say);
    kt_free(l.named);
    return power;
}

void kt_sharpen(double *prob, size_t n_items, uint32_t n_labels, double power, const int32_t *gold)
{
    for (size_t i = 0; i < n_items; i++) {
        double *p = prob + i * n_labels, all = 0;
        if (gold && gold[i] >= 0)
            continue;
        for (uint32_t c = 0; c < n_labels; c++)
            all += p[c] = pow(p[c], power);
        for (uint32_t c = 0; c < n_labels; c++)
            p[c] /= all;
    }
}
