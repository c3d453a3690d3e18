/* Two looks at every pair of sources.

   1. Without a truth, since a ring that is large enough makes its own. Agreement beyond chance of sources that err independently is
      the product of two numbers, one of each (the one-coin model: (A - C) / (1 - C) = w_a w_b, C from how often each says each
      label). w_a is the median of (A - C) / (1 - C) / w_b
      over the others, again and again: whom a ring of a minority of the sources cannot move, however well it agrees (least absolute
      deviations it could: nothing fits as well as a ring). What a pair agrees beyond that, as a share of what it could, is its excess.
   2. With the merged truth, where confusions are known. On a share c of their common items the second repeats the first, else both
      answer by their confusions. With e the chance that a source says what it said given all others' votes on the item (Σ over truths t
      of P(t | others) P(said | t), which is 1 / Σ P(t | all) / P(said | t)), an item on which the two agree has the likelihood
      c + (1 - c) e, relative to e; one on which they do not, 1 - c. Agreeing on what others contradict (small e) speaks loudest. c is
      found on a grid, and held against that of the middle pair: hard items make every pair look a little like copying.

   Either must be above the usual, and surer than the number of pairs could do by chance. Where two repeat a third each a share k of the time, the pair
   copies k². Of a round's suspects only the worst are joined, and then the truth is sought again. Joined pairs are groups; on an item, a vote
   that says what another of its group says is left out with the chance that it is a copy, k / (k + (1 - k) e), so that who copies half of the time
   counts half. After Dong, Berti-Equille and Srivastava (2009), "Integrating conflicting data: the role of
   source dependence", where copying is found by shared errors too. */
#include "algo/merge/copying.h"
#include "algo/merge/held_out.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define PULL 4.0       /* pseudo-votes of a confusion towards that of all */
#define MOST_CELLS ((size_t)1 << 24)
#define MOST_PAIRS ((uint64_t)1 << 25)
#define ABOVE 0.25      /* c must be this far above the middle pair's */
#define EXCESS 0.25     /* so must the excess be above the middle pair's */
#define SURE 8.0       /* log likelihood ratio beyond log of the number of pairs */
#define FEWEST 5       /* sources: of fewer, two are no minority, and two good ones look like copies beside a poor one */
#define SEEN 10        /* pairs with fewer common items are not looked at without a truth */
#define HINT 0.15      /* excess without a truth that a pair found with one must have too */
#define RELATIVE 0.75 /* of the worst that is found in a round, what others must copy to be found in the same */
#define ROUNDS 6
#define SWEEPS 30
#define SETTLED 0.01 /* of worth in a sweep */
#define NOBODY UINT32_MAX
#define COPY_SEED 20

static const double share[] = { 0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97 };
#define GRID KT_LEN(share)

typedef struct meeting {
    double log_odds[GRID]; /* Σ log of the likelihood at share[g], relative to 0; */
    double product[GRID];  /* while it is gathered, of the last agreements a product */
    uint32_t shared, agreed;
} meeting;

typedef struct pair {
    uint32_t a, b;
    meeting m;
    size_t best; /* place on the grid */
    double chance, excess; /* of agreement */
} pair;

/* Of one pair, for fitting one of its sources. */
typedef struct ratio {
    double value, weight;
} ratio;

typedef struct finding {
    const kt_votes *v;
    kt_ballot b;            /* all votes */
    const double *prob;     /* n_items × labels: as the model has it, not as sure as it should be */
    double *own_prob;       /* where that is a copy */
    float *confusion;       /* sources × said × truth */
    float *expected;        /* of each vote of the ballot: e */
    const bool *dropped;    /* of each vote of the ballot: not among those prob is from; NULL: none */
    KT_VEC(pair) pairs;
    uint32_t *group;        /* of each source: union-find */
    uint32_t *votes;        /* of each source */
    float *copies;          /* of each source in a group: share of its votes that repeat the group's */
    float *alike;           /* and how often two that do not copy would say the same */
    double *worth;          /* of each source: w */
    float *habit;           /* sources × labels: how often each says each */
} finding;

static uint32_t root(uint32_t *group, uint32_t s)
{
    while (group[s] != s)
        s = group[s] = group[group[s]];
    return s;
}

static void learn(finding *f)
{
    const kt_ballot *b = &f->b;
    size_t k = b->n_labels;
    double *pooled = kt_zalloc_array(k * k, sizeof(*pooled));
    memset(f->confusion, 0, b->n_sources * k * k * sizeof(*f->confusion));
    for (uint32_t i = 0; i < b->n_items; i++)
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
            for (size_t t = 0; t < k; t++) {
                size_t cell = (size_t)b->label[q] * k + t;
                pooled[cell] += f->prob[i * k + t];
                f->confusion[b->source[q] * k * k + cell] += (float)f->prob[i * k + t];
            }
    for (size_t t = 0; t < k; t++) {
        double all = 0;
        for (size_t o = 0; o < k; o++)
            all += pooled[o * k + t] += 1.0 / (double)k;
        for (size_t o = 0; o < k; o++)
            pooled[o * k + t] /= all;
    }
    for (size_t s = 0; s < b->n_sources; s++)
        for (size_t t = 0; t < k; t++) {
            float *column = f->confusion + s * k * k + t;
            double all = PULL;
            for (size_t o = 0; o < k; o++)
                all += (double)column[o * k];
            for (size_t o = 0; o < k; o++)
                column[o * k] = (float)(((double)column[o * k] + PULL * pooled[o * k + t]) / all);
        }
    kt_free(pooled);
}

static void expect(finding *f)
{
    const kt_ballot *b = &f->b;
    size_t k = b->n_labels;
    for (uint32_t i = 0; i < b->n_items; i++)
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            const float *row = f->confusion + (b->source[q] * k + (size_t)b->label[q]) * k;
            double direct = 0, inverse = 0;
            for (size_t t = 0; t < k; t++) {
                double p = KT_MAX(f->prob[i * k + t], 1e-9), c = KT_MAX((double)row[t], 1e-4);
                direct += p * c;
                inverse += p / c;
            }
            f->expected[q] = (float)(f->dropped && f->dropped[q] ? direct : 1 / inverse);
        }
}

/* Items looked at: every nth, so that their pairs are not too many. */
static uint32_t stride_of(const kt_ballot *b)
{
    uint64_t pairs = 0;
    for (uint32_t i = 0; i < b->n_items; i++) {
        uint64_t m = b->start[i + 1] - b->start[i];
        pairs += m * m;
    }
    return (uint32_t)(pairs / MOST_PAIRS + 1);
}

static void take_product(meeting *m)
{
    for (size_t g = 1; g < GRID; g++) {
        m->log_odds[g] += log(m->product[g]);
        m->product[g] = 1;
    }
}

/* e 0: no truth to compare with. */
static void meet(meeting *m, bool agree, double e)
{
    if (m->shared++ == 0)
        for (size_t g = 0; g < GRID; g++)
            m->product[g] = 1;
    m->agreed += agree;
    if (!agree || e == 0)
        return;
    double odds = 1 / e - 1;
    for (size_t g = 1; g < GRID; g++)
        m->product[g] *= 1 + share[g] * odds;
    if (m->product[GRID - 1] > 1e250)
        take_product(m);
}

static void close_meeting(meeting *m, bool with_truth)
{
    take_product(m);
    for (size_t g = 1; with_truth && g < GRID; g++)
        m->log_odds[g] += (m->shared - m->agreed) * log1p(-share[g]);
}

/* Every source with each later one that it meets. */
static void collect(finding *f)
{
    const kt_ballot *b = &f->b;
    uint32_t stride = stride_of(b), n = 0;
    f->pairs.n = 0;
    uint32_t *first = kt_zalloc_array((size_t)b->n_sources + 2, sizeof(*first)), *item = kt_alloc_array(b->start[b->n_items], sizeof(*item));
    uint32_t *place = kt_alloc_array(b->start[b->n_items], sizeof(*place)), *met = kt_alloc_array(b->n_sources, sizeof(*met));
    meeting *with = kt_zalloc_array(b->n_sources, sizeof(*with));
    for (uint32_t i = 0; i < b->n_items; i += stride)
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++)
            first[b->source[q] + 2]++;
    for (size_t s = 2; s <= b->n_sources; s++)
        first[s] += first[s - 1];
    for (uint32_t i = 0; i < b->n_items; i += stride)
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            place[first[b->source[q] + 1]] = q;
            item[first[b->source[q] + 1]++] = i;
        }
    for (uint32_t s = 0; s < b->n_sources; s++) {
        n = 0;
        for (uint32_t x = first[s]; x < first[s + 1]; x++)
            for (uint32_t q = b->start[item[x]]; q < b->start[item[x] + 1]; q++) {
                uint32_t t = b->source[q];
                if (t <= s)
                    continue;
                if (with[t].shared == 0)
                    met[n++] = t;
                meet(&with[t], b->label[q] == b->label[place[x]], (double)KT_MAX(f->expected[q], f->expected[place[x]]));
            }
        for (uint32_t x = 0; x < n; x++) {
            close_meeting(&with[met[x]], f->prob != NULL);
            pair p = { .a = s, .b = met[x], .m = with[met[x]] };
            for (size_t g = 1; g < GRID; g++)
                p.best = p.m.log_odds[g] > p.m.log_odds[p.best] ? g : p.best;
            KT_PUSH(&f->pairs, p);
            memset(&with[met[x]], 0, sizeof(*with));
        }
    }
    kt_free(first);
    kt_free(item);
    kt_free(place);
    kt_free(met);
    kt_free(with);
}

static int by_value(const void *x, const void *y)
{
    const ratio *a = x, *b = y;
    return a->value != b->value ? (a->value > b->value) - (a->value < b->value) : (a->weight > b->weight) - (a->weight < b->weight);
}

static double weighted_median(ratio *x, size_t n)
{
    double all = 0, sum = 0;
    qsort(x, n, sizeof(*x), by_value);
    for (size_t i = 0; i < n; i++)
        all += x[i].weight;
    for (size_t i = 0; i < n; i++)
        if ((sum += x[i].weight) >= all / 2)
            return x[i].value;
    return 0;
}

/* Share of each label among a source's votes: sources × labels. */
static void set_habits(finding *f)
{
    const kt_ballot *b = &f->b;
    size_t k = b->n_labels;
    memset(f->habit, 0, b->n_sources * k * sizeof(*f->habit));
    for (uint32_t q = 0; q < b->start[b->n_items]; q++)
        f->habit[b->source[q] * k + (size_t)b->label[q]] += 1 / (float)f->votes[b->source[q]];
}

/* Agreement of two who do not look at the items: by how often each says each label. */
static double chance_of(const finding *f, const pair *p)
{
    size_t k = f->b.n_labels;
    double sum = 0;
    for (size_t c = 0; c < k; c++)
        sum += (double)f->habit[p->a * k + c] * (double)f->habit[p->b * k + c];
    return KT_MIN(sum, 0.98);
}

static double beyond_chance(const pair *p)
{
    return ((double)p->m.agreed / p->m.shared - p->chance) / (1 - p->chance);
}

/* w of every source, one at a time. of: pairs of each source, first[s] .. first[s + 1] - 1. */
static void fit_worth(finding *f, const size_t *first, const size_t *of)
{
    size_t most = 0;
    for (uint32_t s = 0; s < f->b.n_sources; s++) {
        f->worth[s] = 0.7;
        most = KT_MAX(most, first[s + 1] - first[s]);
    }
    ratio *x = kt_alloc_array(most, sizeof(*x));
    double moved = 1;
    for (int sweep = 0; sweep < SWEEPS && moved > SETTLED; sweep++) {
        moved = 0;
        for (uint32_t s = 0; s < f->b.n_sources; s++) {
            size_t n = first[s + 1] - first[s];
            for (size_t y = 0; y < n; y++) {
                const pair *p = &f->pairs.v[of[first[s] + y]];
                double w = f->worth[p->a == s ? p->b : p->a];
                x[y] = (ratio){ beyond_chance(p) / w, p->m.shared };
            }
            if (n > 2) {
                double w = KT_MIN(KT_MAX(weighted_median(x, n), 0.05), 1);
                moved = KT_MAX(moved, fabs(w - f->worth[s]));
                f->worth[s] = w;
            }
        }
    }
    kt_free(x);
}

static void set_worth(finding *f)
{
    size_t n = f->b.n_sources, *first = kt_zalloc_array(n + 2, sizeof(*first)), *of = kt_alloc_array(f->pairs.n, 2 * sizeof(*of));
    for (size_t x = 0; x < f->pairs.n; x++)
        if (f->pairs.v[x].m.shared >= SEEN) {
            first[f->pairs.v[x].a + 2]++;
            first[f->pairs.v[x].b + 2]++;
        }
    for (size_t s = 2; s <= n; s++)
        first[s] += first[s - 1];
    for (size_t x = 0; x < f->pairs.n; x++)
        if (f->pairs.v[x].m.shared >= SEEN) {
            of[first[f->pairs.v[x].a + 1]++] = x;
            of[first[f->pairs.v[x].b + 1]++] = x;
        }
    fit_worth(f, first, of);
    kt_free(first);
    kt_free(of);
}

/* Agreement the pair is expected to have, and what it has beyond as a share of what it could have. */
static double set_excess(const finding *f, pair *p)
{
    double expected = p->chance + (1 - p->chance) * KT_MIN(f->worth[p->a] * f->worth[p->b], 0.98);
    p->excess = ((double)p->m.agreed / p->m.shared - expected) / (1 - expected);
    return expected;
}

static void note(kt_copying *found, const pair *p, double copied, double usual)
{
    found->a = p->a;
    found->b = p->b;
    found->copied = copied;
    found->shared = p->m.shared;
    found->agreed = p->m.agreed;
    found->usual = usual;
}

/* Joins two sources' groups; says whether they were apart. copied: share of the pair's common items on which one just repeats the other, or both a
   third, each the square root of it. alike: how often they would agree otherwise. */
static bool unite(finding *f, uint32_t s, uint32_t t, double copied, double alike)
{
    uint32_t a = root(f->group, s), b = root(f->group, t), both[] = { s, t };
    for (int x = 0; x < 2; x++)
        if (sqrt(copied) > (double)f->copies[both[x]]) {
            f->copies[both[x]] = (float)sqrt(copied);
            f->alike[both[x]] = (float)alike;
        }
    f->group[KT_MAX(a, b)] = KT_MIN(a, b);
    return a != b;
}

/* A pair that agrees as no two independent sources would: how much is copied beyond the usual, and how sure that is. */
typedef struct suspect {
    const pair *p;
    double copied, sure, alike;
} suspect;

/* Joins the worst of the suspects, by what they copy. While a ring is in the truth, or in the measure of agreement, honest sources look a little like
   copies of each other; when it is gone they do not. */
static size_t join_worst(finding *f, const suspect *x, size_t n, double usual, kt_copying *found, double *surest)
{
    double worst = 0;
    size_t joined = 0;
    for (size_t i = 0; i < n; i++)
        worst = KT_MAX(worst, x[i].copied);
    for (size_t i = 0; i < n; i++) {
        if (x[i].copied < RELATIVE * worst)
            continue;
        if (x[i].sure > *surest) {
            *surest = x[i].sure;
            note(found, x[i].p, x[i].copied, usual);
        }
        joined += unite(f, x[i].p->a, x[i].p->b, x[i].copied, x[i].alike);
    }
    return joined;
}

/* The first look. Standard deviations are squared and halved, so that they compare with a log likelihood ratio. */
static size_t join_by_excess(finding *f, kt_copying *found, double *surest)
{
    size_t seen = 0, n = 0;
    ratio *all = kt_alloc_array(f->pairs.n, sizeof(*all));
    suspect *suspects = kt_alloc_array(f->pairs.n, sizeof(*suspects));
    set_habits(f);
    for (size_t x = 0; x < f->pairs.n; x++)
        f->pairs.v[x].chance = chance_of(f, &f->pairs.v[x]);
    set_worth(f);
    for (size_t x = 0; x < f->pairs.n; x++)
        if (f->pairs.v[x].m.shared >= SEEN) {
            set_excess(f, &f->pairs.v[x]);
            all[seen++] = (ratio){ f->pairs.v[x].excess, f->pairs.v[x].m.shared };
        }
    double usual = KT_MAX(weighted_median(all, seen), 0), least = log(KT_MAX((double)seen, 1)) + SURE;
    kt_free(all);
    for (size_t x = 0; x < f->pairs.n; x++) {
        pair *p = &f->pairs.v[x];
        if (p->m.shared < SEEN || p->excess < usual + EXCESS)
            continue;
        double e = set_excess(f, p);
        e += (1 - e) * usual;
        double z = ((double)p->m.agreed / p->m.shared - e) / sqrt(e * (1 - e) / p->m.shared);
        if (z * z / 2 >= least)
            suspects[n++] = (suspect){ p, p->excess, z * z / 2, e };
    }
    size_t joined = join_worst(f, suspects, n, usual, found, surest);
    kt_free(suspects);
    return joined;
}

/* Place on the grid of the middle pair, pairs counting by what they share. */
static size_t middle(const finding *f)
{
    double weight[GRID] = { 0 }, all = 0, sum = 0;
    for (size_t x = 0; x < f->pairs.n; x++) {
        weight[f->pairs.v[x].best] += f->pairs.v[x].m.shared;
        all += f->pairs.v[x].m.shared;
    }
    for (size_t g = 0; g < GRID; g++)
        if ((sum += weight[g]) >= all / 2)
            return g;
    return 0;
}

/* The second look. Returns how many joins were new. */
static size_t join_by_likelihood(finding *f, kt_copying *found, double *surest)
{
    size_t usual = middle(f), n = 0;
    double least = log(KT_MAX((double)f->pairs.n, 1)) + SURE;
    suspect *suspects = kt_alloc_array(f->pairs.n, sizeof(*suspects));
    for (size_t x = 0; x < f->pairs.n; x++) {
        pair *p = &f->pairs.v[x];
        double sure = p->m.log_odds[p->best] - p->m.log_odds[usual];
        p->chance = chance_of(f, p);
        double alike = set_excess(f, p);
        if (share[p->best] >= share[usual] + ABOVE && sure >= least && p->excess >= HINT)
            suspects[n++] = (suspect){ p, share[p->best], sure, alike };
    }
    size_t joined = join_worst(f, suspects, n, share[usual], found, surest);
    kt_free(suspects);
    return joined;
}

/* Whether vote q of item i is taken for a copy, where another of its group says the same: drawn with the chance that it is one, by a generator of its
   own, so that the number of votes that count is right on average and the same every time. */
static bool repeats(const finding *f, uint32_t i, uint32_t q)
{
    uint32_t s = f->b.source[q];
    double c = (double)f->copies[s], e = f->prob ? (double)f->expected[q] : (double)f->alike[s];
    kt_rng r = kt_rng_keyed(COPY_SEED, i, s);
    return c > 0 && kt_rng_unit(&r) * (c + (1 - c) * e) < c;
}

/* Marks the votes of the ballot that repeat what their group says; *ret has the others, item by item, in arrays of its own. */
static void collapse(finding *f, bool *dropped, kt_arena *a, kt_votes *ret)
{
    const kt_ballot *b = &f->b;
    size_t n = 0, all = b->start[b->n_items];
    uint32_t *item = kt_arena_alloc(a, all * sizeof(*item) + 1), *source = kt_arena_alloc(a, all * sizeof(*source) + 1);
    int32_t *label = kt_arena_alloc(a, all * sizeof(*label) + 1);
    for (uint32_t i = 0; i < b->n_items; i++)
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            uint32_t s = b->source[q];
            dropped[q] = false;
            for (uint32_t r = b->start[i]; r < b->start[i + 1] && !dropped[q] && repeats(f, i, q); r++) {
                uint32_t t = b->source[r];
                dropped[q] = t != s && b->label[r] == b->label[q] && root(f->group, s) == root(f->group, t) &&
                             (f->votes[t] > f->votes[s] || (f->votes[t] == f->votes[s] && t < s));
            }
            if (dropped[q])
                continue;
            item[n] = i;
            source[n] = s;
            label[n++] = b->label[q];
        }
    *ret = (kt_votes){ n, b->n_items, b->n_sources, b->n_labels, item, source, label };
}

/* Evidence, accuracies and confusions are those of all votes. */
static void restore(const finding *f, const kt_copying *found, kt_posterior *p)
{
    const kt_ballot *b = &f->b;
    size_t k = b->n_labels;
    double *right = kt_zalloc_array(b->n_sources, 2 * sizeof(*right)), *doubt = right + b->n_sources;
    for (uint32_t i = 0; i < b->n_items; i++) {
        p->n_votes[i] = b->start[i + 1] - b->start[i];
        p->n_for[i] = 0;
        for (uint32_t q = b->start[i]; q < b->start[i + 1]; q++) {
            double own = p->prob[i * k + (size_t)b->label[q]];
            p->n_for[i] += b->label[q] == p->label[i];
            right[b->source[q]] += own;
            doubt[b->source[q]] += own * (1 - own);
        }
    }
    for (size_t s = 0; s < b->n_sources; s++) {
        if (isnan(found->group[s]))
            continue;
        p->source_accuracy[s] = right[s] / f->votes[s];
        kt_doubtful_interval(p->source_accuracy[s], f->votes[s], doubt[s], p->source_ci + 2 * s);
        for (size_t x = 0; p->source_confusion && x < k * k; x++)
            p->source_confusion[s * k * k + x] = (double)f->confusion[s * k * k + x];
    }
    kt_free(right);
}

static kt_copying *name_groups(finding *f, kt_copying *found, kt_arena *a)
{
    uint32_t n = f->b.n_sources, *size = kt_zalloc_array(n, sizeof(*size)), *number = kt_alloc_array(n, sizeof(*number));
    found->group = kt_arena_array(a, n, sizeof(double));
    for (uint32_t s = 0; s < n; s++)
        size[root(f->group, s)]++;
    for (uint32_t s = 0; s < n; s++)
        number[s] = size[s] > 1 ? found->n_groups++ : NOBODY;
    for (uint32_t s = 0; s < n; s++) {
        uint32_t r = root(f->group, s);
        found->group[s] = size[r] > 1 ? number[r] : NAN;
        found->n_sources += size[r] > 1;
    }
    kt_free(size);
    kt_free(number);
    return found;
}

/* The look has its own measure of hard items; a posterior that is softened for them would make every agreement a surprise. */
static void take_prob(finding *f, const kt_posterior *p)
{
    size_t n = (size_t)p->n_items * p->n_labels;
    f->prob = p->prob;
    if (p->power == 0 || p->power == 1 || n == 0)
        return;
    if (!f->own_prob)
        f->own_prob = kt_alloc_array(n, sizeof(double));
    memcpy(f->own_prob, p->prob, n * sizeof(double));
    kt_sharpen(f->own_prob, p->n_items, p->n_labels, 1 / p->power, NULL);
    f->prob = f->own_prob;
}

static kt_rc look(finding *f, kt_copying_merge *merge, const void *opt, kt_pool *pool, kt_arena *a, kt_posterior *p, kt_err *err)
{
    kt_copying *found = kt_arena_zalloc(a, sizeof(*found));
    bool *dropped = kt_arena_alloc(a, f->b.start[f->b.n_items] + 1);
    double surest = 0;
    memset(f->expected, 0, f->b.start[f->b.n_items] * sizeof(*f->expected));
    collect(f);
    for (int round = 0; round < ROUNDS; round++) {
        if (round == 0 ? join_by_excess(f, found, &surest) : join_by_likelihood(f, found, &surest)) {
            kt_votes kept;
            collapse(f, dropped, a, &kept);
            f->dropped = dropped;
            KT_TRY(merge(&kept, opt, pool, a, p, err));
        } else if (round > 0) {
            break;
        }
        take_prob(f, p);
        learn(f);
        expect(f);
        collect(f);
    }
    if (!f->dropped)
        return 0;
    p->copying = name_groups(f, found, a);
    restore(f, found, p);
    return 0;
}

kt_rc kt_copying_fit(const kt_votes *v, kt_copying_merge *merge, const void *opt, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err)
{
    kt_posterior p;
    finding f = { .v = v };
    KT_TRY(merge(v, opt, pool, a, &p, err));
    size_t k = v->n_labels, s = v->n_sources;
    if (k > 1 && s >= FEWEST && s <= MOST_CELLS / (k * k)) {
        KT_TRY(kt_ballot_make(v, false, pool, a, &f.b, err));
        f.confusion = kt_alloc_array(s * k * k, sizeof(float));
        f.expected = kt_alloc_array(v->n, sizeof(float));
        f.group = kt_alloc_array(s, sizeof(uint32_t));
        f.votes = kt_zalloc_array(s, sizeof(uint32_t));
        f.copies = kt_zalloc_array(s, sizeof(float));
        f.alike = kt_zalloc_array(s, sizeof(float));
        f.worth = kt_alloc_array(s, sizeof(double));
        f.habit = kt_alloc_array(s * k, sizeof(float));
        for (uint32_t x = 0; x < s; x++)
            f.group[x] = x;
        for (uint32_t q = 0; q < f.b.start[f.b.n_items]; q++)
            f.votes[f.b.source[q]]++;
        kt_rc rc = look(&f, merge, opt, pool, a, &p, err);
        kt_free(f.confusion);
        kt_free(f.expected);
        kt_free(f.group);
        kt_free(f.votes);
        kt_free(f.copies);
        kt_free(f.alike);
        kt_free(f.worth);
        kt_free(f.habit);
        kt_free(f.own_prob);
        KT_VEC_DONE(&f.pairs);
        if (rc < 0)
            return rc;
    }
    *ret = p;
    return 0;
}
