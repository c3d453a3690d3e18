/* Where a span begins and ends is where people err, and they err there in a way of their own: a token before a span is called B far more
   often than one amid O. So the hidden states are finer than tags: of each type a lone token, the first, inner and last of a span;
   and O by the type of the span right before it and of the one right behind it (0: none). A source's confusions are by where a token
   is in this sense and by what the source said before, types being only the own one or another: 120 numbers, drawn towards all sources'.

   Left to itself, EM moves borders until the model likes them (it fits better, and finds fewer spans: bench/README.md); so it starts from
   a first truth that cannot (sequences_anchor.c), takes few rounds, and the first truth, as unsure of borders as it is, keeps half of the
   posterior: two models that err differently are better than either. Anchoring the counts of more rounds gains nothing over one round. */
#include "algo/merge/sequences_int.h"

#include "algo/merge/aggregate.h"
#include "base/mem.h"

#include <math.h>

#define STILL 1e-4
#define ANCHOR 0.5 /* share of the first truth in the posterior */
#define WORTH 0.35 /* chance from which naming a span is better for F1 than not */
#define MOST_TYPES 64
#define MOST_PARTS 16
#define PART_TOKENS 4096
#define MOST_TABLE ((size_t)1 << 26)

typedef struct fitting {
    const kt_sequence_answers *v;
    const kt_sequence_opts *o;
    size_t t, h;            /* tags, states */
    uint32_t *own_type;     /* of each state: type + 1 of its span; of O: of the span behind or before it, 0: none */
    uint8_t *place;         /* of each state: in its span, or of O next to some */
    double log_others[2];   /* log of the number of types that another one may be: of a state without a type, with one */
    int32_t *tag_of;        /* of each state */
    uint32_t *edge_start, *edge; /* states that may follow each: edge[edge_start[s]] .. */
    size_t n_edges;
    size_t *answer_start, *answers; /* by sequence */
    int32_t *tag;           /* as v's, made valid */
    size_t *own;            /* of each answer: where its tags are in tag */
    double *first, *next;   /* h; n_edges */
    double *said, *log_said; /* sources × N_CELLS: cell_of */
    size_t parts, width;
    double *table;          /* of each part: first, next, said as counts, then the sums of every source */
    kt_sequences *r;
    kt_anchor anchor;       /* the first truth */
    size_t longest;         /* tokens of a span of an answer */
    bool start;             /* what is counted is the first truth */
    double moved;
} fitting;

/* Of one sequence. */
typedef struct chain {
    size_t n;
    double *emission, *forward, *backward, *scale; /* tokens × states; scale: tokens */
} chain;

enum { RIGHT, WEIGHT, RIGHT2, CROSS, WEIGHT2, DOUBT, N_SUMS };
enum { LONE, FIRST, INNER, LAST, ALONE, BEHIND, BEFORE, BETWEEN, N_PLACES }; /* in a span; O */
enum { OTHER_B = 3, N_SAID = 5, N_CELLS = 3 * N_PLACES * N_SAID }; /* O; B, I of the own type; B, I of another */

static bool follows(int32_t before, int32_t after)
{
    return after == 0 || after % 2 == 1 || before == after || before == after - 1;
}

/* ---- states ---- */

static uint32_t state_o(const fitting *f, uint32_t behind, uint32_t before)
{
    return behind * (f->v->n_types + 1) + before;
}

static uint32_t state_in(const fitting *f, uint32_t type, uint32_t part)
{
    return (f->v->n_types + 1) * (f->v->n_types + 1) + 4 * type + part;
}

/* State of token x of n valid tags. */
static uint32_t state_of(const fitting *f, const int32_t *tag, size_t x, size_t n)
{
    int32_t before = x ? tag[x - 1] : 0, after = x + 1 < n ? tag[x + 1] : 0;
    if (tag[x] == 0)
        return state_o(f, (uint32_t)(before + 1) / 2, after % 2 ? (uint32_t)(after + 1) / 2 : 0);
    uint32_t type = (uint32_t)(tag[x] - 1) / 2;
    bool goes_on = after && after % 2 == 0;
    return state_in(f, type, tag[x] % 2 ? (goes_on ? FIRST : LONE) : goes_on ? INNER : LAST);
}

/* Types (1 up, 0: O or the end) that a state wants right before and behind it, and is itself. */
typedef struct sides {
    bool o;
    uint32_t type, behind, before; /* O: as in its name */
    bool begins, ends;
} sides;

static sides sides_of(const fitting *f, uint32_t state)
{
    uint32_t k = f->v->n_types + 1;
    if (state < k * k)
        return (sides){ .o = true, .behind = state / k, .before = state % k };
    uint32_t part = (state - k * k) % 4;
    return (sides){ .type = (state - k * k) / 4 + 1, .begins = part == LONE || part == FIRST, .ends = part == LONE || part == LAST };
}

static bool state_follows(const fitting *f, uint32_t s, uint32_t t)
{
    sides a = sides_of(f, s), b = sides_of(f, t);
    if (a.o)
        return b.o ? a.before == 0 && b.behind == 0 : b.begins && a.before == b.type;
    if (b.o)
        return a.ends && b.behind == a.type;
    return a.ends ? b.begins : !b.begins && a.type == b.type;
}

static bool may_begin(const fitting *f, uint32_t s)
{
    sides x = sides_of(f, s);
    return x.o ? x.behind == 0 : x.begins;
}

static bool may_end(const fitting *f, uint32_t s)
{
    sides x = sides_of(f, s);
    return x.o ? x.before == 0 : x.ends;
}

static void make_states(fitting *f, kt_arena *a)
{
    uint32_t k = f->v->n_types + 1, h = k * k + 4 * f->v->n_types;
    f->h = h;
    f->own_type = kt_arena_array(a, h, sizeof(uint32_t));
    f->place = kt_arena_array(a, h, 1);
    f->log_others[0] = log(KT_MAX(f->v->n_types, 1));
    f->log_others[1] = log(KT_MAX(f->v->n_types, 2) - 1);
    f->tag_of = kt_arena_array(a, h, sizeof(int32_t));
    f->edge_start = kt_arena_array(a, (size_t)h + 1, sizeof(uint32_t));
    for (uint32_t s = k * k; s < h; s++)
        f->tag_of[s] = 1 + 2 * (int32_t)((s - k * k) / 4) + ((s - k * k) % 4 >= INNER);
    for (uint32_t s = 0; s < h; s++) {
        sides x = sides_of(f, s);
        f->own_type[s] = !x.o ? x.type : x.before ? x.before : x.behind;
        f->place[s] = (uint8_t)(!x.o ? (s - k * k) % 4 : (uint32_t)ALONE + (x.behind > 0) + 2u * (x.before > 0));
        f->edge_start[s + 1] = f->edge_start[s];
        for (uint32_t t = 0; t < h; t++)
            f->edge_start[s + 1] += state_follows(f, s, t);
    }
    f->n_edges = f->edge_start[h];
    f->edge = kt_arena_array(a, f->n_edges, sizeof(uint32_t));
    for (uint32_t s = 0, e = 0; s < h; s++)
        for (uint32_t t = 0; t < h; t++)
            if (state_follows(f, s, t))
                f->edge[e++] = t;
}

static uint32_t edge_of(const fitting *f, uint32_t s, uint32_t t)
{
    uint32_t e = f->edge_start[s];
    while (f->edge[e] != t)
        e++;
    return e;
}

/* ---- answers ---- */

static kt_rc check(const kt_sequence_answers *v, kt_err *err)
{
    size_t t = 1 + 2 * (size_t)v->n_types;
    if (v->n_types > MOST_TYPES || (v->n_sources && v->n_sources > MOST_TABLE / N_CELLS))
        return kt_fail(err, KT_LIMIT, "%u sources with %u types of spans: their confusions would not fit", v->n_sources, v->n_types);
    for (size_t a = 0; a < v->n; a++) {
        if (v->sequence[a] >= v->n_sequences || v->source[a] >= v->n_sources)
            return kt_fail(err, KT_RANGE, "answer %zu: sequence %u of %u, source %u of %u", a, v->sequence[a], v->n_sequences, v->source[a], v->n_sources);
        for (size_t x = 0; x < v->length[v->sequence[a]]; x++)
            if (v->tag[v->at[a] + x] < 0 || v->tag[v->at[a] + x] >= (int32_t)t)
                return kt_fail(err, KT_RANGE, "answer %zu, token %zu: tag %d of %zu", a, x, v->tag[v->at[a] + x], t);
    }
    return 0;
}

static void sort_answers(fitting *f, kt_arena *a)
{
    const kt_sequence_answers *v = f->v;
    size_t all = 0;
    f->answer_start = kt_arena_array(a, (size_t)v->n_sequences + 2, sizeof(size_t));
    f->answers = kt_arena_array(a, v->n, sizeof(size_t));
    f->own = kt_arena_array(a, v->n, sizeof(size_t));
    for (size_t x = 0; x < v->n; x++) {
        f->answer_start[v->sequence[x] + 2]++;
        f->own[x] = all;
        all += v->length[v->sequence[x]];
    }
    for (size_t i = 2; i <= v->n_sequences; i++)
        f->answer_start[i] += f->answer_start[i - 1];
    for (size_t x = 0; x < v->n; x++)
        f->answers[f->answer_start[v->sequence[x] + 1]++] = x;
    f->tag = kt_arena_array(a, all, sizeof(int32_t));
    for (size_t x = 0; x < v->n; x++)
        for (size_t y = 0; y < v->length[v->sequence[x]]; y++) {
            int32_t said = v->tag[v->at[x] + y], before = y ? f->tag[f->own[x] + y - 1] : 0;
            f->tag[f->own[x] + y] = follows(before, said) ? said : said - 1;
        }
}

/* Cell of a source's table: what is said in a state, as the state sees it: types are the state's own (of O: of the span it is next
   to) or another. An I can only go on with what was said before. */
static size_t cell_of(const fitting *f, uint32_t state, uint32_t type_before, int32_t said)
{
    uint32_t own = f->own_type[state], type = (uint32_t)(said + 1) / 2;
    size_t before = type_before == 0 ? 0 : type_before == own ? 1 : 2, what = said == 0 ? 0 : (type == own ? 1 : 3) + (said % 2 == 0);
    return (before * N_PLACES + f->place[state]) * N_SAID + what;
}

/* Type + 1 that an answer is in before token x, 0: O. */
static uint32_t type_before(const int32_t *tag, size_t x)
{
    return x ? (uint32_t)(tag[x - 1] + 1) / 2 : 0;
}

static double log_chance(const fitting *f, uint32_t source, uint32_t state, uint32_t before, int32_t said)
{
    size_t cell = cell_of(f, state, before, said);
    return f->log_said[source * N_CELLS + cell] - (cell % N_SAID == OTHER_B ? f->log_others[f->own_type[state] > 0] : 0);
}

/* ---- forward and backward ---- */

static void set_emissions(const fitting *f, uint32_t i, chain *c)
{
    for (size_t x = 0; x < c->n; x++) {
        double *e = c->emission + x * f->h, top = -INFINITY;
        memset(e, 0, f->h * sizeof(*e));
        for (size_t q = f->answer_start[i]; q < f->answer_start[i + 1]; q++) {
            const int32_t *tag = f->tag + f->own[f->answers[q]];
            for (uint32_t s = 0; s < f->h; s++)
                e[s] += log_chance(f, f->v->source[f->answers[q]], s, type_before(tag, x), tag[x]);
        }
        for (size_t s = 0; s < f->h; s++)
            top = KT_MAX(top, e[s]);
        for (size_t s = 0; s < f->h; s++)
            e[s] = x + 1 == c->n && !may_end(f, (uint32_t)s) ? 0 : exp(e[s] - top);
    }
}

static void go_forward(const fitting *f, chain *c)
{
    for (size_t x = 0; x < c->n; x++) {
        double *to = c->forward + x * f->h, *from = x ? to - f->h : NULL, sum = 0;
        for (size_t s = 0; s < f->h; s++)
            to[s] = x ? 0 : f->first[s];
        for (uint32_t s = 0; x && s < f->h; s++)
            for (uint32_t e = f->edge_start[s]; e < f->edge_start[s + 1]; e++)
                to[f->edge[e]] += from[s] * f->next[e];
        for (size_t s = 0; s < f->h; s++)
            sum += to[s] *= c->emission[x * f->h + s];
        c->scale[x] = sum = KT_MAX(sum, 1e-300);
        for (size_t s = 0; s < f->h; s++)
            to[s] /= sum;
    }
}

static void go_backward(const fitting *f, chain *c)
{
    for (size_t x = c->n; x-- > 0;) {
        double *to = c->backward + x * f->h;
        const double *from = to + f->h, *em = c->emission + (x + 1) * f->h;
        for (uint32_t s = 0; s < f->h; s++) {
            to[s] = x + 1 == c->n;
            for (uint32_t e = f->edge_start[s]; x + 1 < c->n && e < f->edge_start[s + 1]; e++)
                to[s] += f->next[e] * em[f->edge[e]] * from[f->edge[e]] / c->scale[x + 1];
        }
    }
}

/* ---- counts ---- */

/* Everybody's tags against the first truth. */
static void count_anchor(const fitting *f, uint32_t i, size_t n, double *table)
{
    double *first = table, *next = first + f->h, *said = next + f->n_edges;
    const int32_t *truth = f->anchor.tag + f->r->start[i];
    for (size_t x = 0; x < n; x++) {
        uint32_t s = state_of(f, truth, x, n);
        if (x)
            next[edge_of(f, state_of(f, truth, x - 1, n), s)]++;
        else
            first[s]++;
        for (size_t q = f->answer_start[i]; q < f->answer_start[i + 1]; q++) {
            const int32_t *tag = f->tag + f->own[f->answers[q]];
            said[f->v->source[f->answers[q]] * N_CELLS + cell_of(f, s, type_before(tag, x), tag[x])]++;
        }
    }
}

/* Expected numbers of beginnings, steps and of what sources say; the posterior of tags into prob. */
static void count(const fitting *f, uint32_t i, const chain *c, double *prob, double *table)
{
    double *first = table, *next = first + f->h, *said = next + f->n_edges;
    for (size_t x = 0; x < c->n; x++) {
        double *p = prob + x * f->t, *alpha = c->forward + x * f->h, sum = 0;
        const double *beta = c->backward + x * f->h, *em = c->emission + x * f->h;
        for (uint32_t s = 0; x && s < f->h; s++)
            for (uint32_t e = f->edge_start[s]; e < f->edge_start[s + 1]; e++)
                next[e] += c->forward[(x - 1) * f->h + s] * f->next[e] * em[f->edge[e]] * beta[f->edge[e]] / c->scale[x];
        memset(p, 0, f->t * sizeof(*p));
        for (size_t s = 0; s < f->h; s++)
            sum += alpha[s] * beta[s];
        for (size_t s = 0; s < f->h; s++)
            p[f->tag_of[s]] += alpha[s] * beta[s] / sum;
        for (size_t s = 0; x == 0 && s < f->h; s++)
            first[s] += alpha[s] * beta[s] / sum;
        for (size_t q = f->answer_start[i]; q < f->answer_start[i + 1]; q++) {
            const int32_t *tag = f->tag + f->own[f->answers[q]];
            double *own = said + f->v->source[f->answers[q]] * N_CELLS;
            for (uint32_t s = 0; s < f->h; s++)
                own[cell_of(f, s, type_before(tag, x), tag[x])] += alpha[s] * beta[s] / sum;
        }
    }
}

static double *sums_of(const fitting *f, double *table)
{
    return table + f->h + f->n_edges + (size_t)f->v->n_sources * N_CELLS;
}

/* What an answer says of its source: tokens on which it or the truth is not O, and those that are right. */
static void judge(const fitting *f, uint32_t i, size_t n, const double *prob, double *table)
{
    double *sums = sums_of(f, table);
    for (size_t q = f->answer_start[i]; q < f->answer_start[i + 1]; q++) {
        const int32_t *tag = f->tag + f->own[f->answers[q]];
        double *s = sums + (size_t)f->v->source[f->answers[q]] * N_SUMS, right = 0, weight = 0;
        for (size_t x = 0; x < n; x++) {
            double p = prob[x * f->t + (size_t)tag[x]];
            right += tag[x] ? p : 0;
            weight += tag[x] ? 1 : 1 - p;
            s[DOUBT] += p * (1 - p);
        }
        s[RIGHT] += right;
        s[WEIGHT] += weight;
        s[RIGHT2] += right * right;
        s[CROSS] += right * weight;
        s[WEIGHT2] += weight * weight;
    }
}

static uint32_t part_start(const fitting *f, size_t part)
{
    return (uint32_t)((uint64_t)f->v->n_sequences * part / f->parts);
}

static void walk(const fitting *f, uint32_t i, chain *c)
{
    size_t n = c->n = f->v->length[i];
    c->emission = kt_realloc(c->emission, (n * (3 * f->h + 1) + 1) * sizeof(double));
    c->forward = c->emission + n * f->h;
    c->backward = c->forward + n * f->h;
    c->scale = c->backward + n * f->h;
    set_emissions(f, i, c);
    go_forward(f, c);
    go_backward(f, c);
}

static void run_part(void *ctx, size_t part)
{
    const fitting *f = ctx;
    chain c = { 0 };
    double *table = f->table + part * f->width;
    memset(table, 0, f->width * sizeof(*table));
    for (uint32_t i = part_start(f, part); i < part_start(f, part + 1); i++) {
        double *prob = f->r->prob + f->r->start[i] * f->t;
        if (f->answer_start[i] == f->answer_start[i + 1])
            continue;
        if (f->start) {
            count_anchor(f, i, f->v->length[i], table);
            continue;
        }
        walk(f, i, &c);
        count(f, i, &c, prob, table);
        judge(f, i, c.n, prob, table);
    }
    kt_free(c.emission);
}

static void run(fitting *f, kt_pool *pool)
{
    kt_pool_run(pool, f->parts, run_part, f);
    for (size_t part = 1; part < f->parts; part++)
        for (size_t x = 0; x < f->width; x++)
            f->table[x] += f->table[part * f->width + x];
}

/* ---- the model from the counts ---- */

/* Row of n numbers that sum to 1: counts and pull times like (NULL: 1 each). inout_moved: the largest move so far. */
static void set_row(double *row, const double *counts, size_t n, const double *like, double pull, double *inout_moved)
{
    double sum = 0;
    for (size_t x = 0; x < n; x++)
        sum += counts[x] + (like ? pull * like[x] : 1);
    for (size_t x = 0; x < n; x++) {
        double p = (counts[x] + (like ? pull * like[x] : 1)) / sum;
        *inout_moved = KT_MAX(*inout_moved, fabs(p - row[x]));
        row[x] = p;
    }
}

static void set_first(fitting *f)
{
    double sum = 0;
    for (uint32_t s = 0; s < f->h; s++)
        sum += f->first[s] = may_begin(f, s) ? f->table[s] + 1 : 0;
    for (uint32_t s = 0; s < f->h; s++)
        f->first[s] /= sum;
}

/* P(said | place, before) of all sources together, with pseudo-tokens mostly for what is right. */
static void pool_sources(const fitting *f, const double *said, double *pooled)
{
    memset(pooled, 0, N_CELLS * sizeof(*pooled));
    for (size_t x = 0; x < f->v->n_sources * N_CELLS; x++)
        pooled[x % N_CELLS] += said[x];
    for (size_t row = 0; row < N_CELLS / N_SAID; row++) {
        size_t place = row % N_PLACES, before = row / N_PLACES, right = place >= ALONE ? 0 : place == LONE || place == FIRST ? 1 : before == 1 ? 2 : 0;
        double *p = pooled + row * N_SAID, sum = 0;
        for (size_t x = 0; x < N_SAID; x++)
            sum += p[x] += (x == 2 && before != 1) || (x == 4 && before != 2) ? 0 : x == right ? 1 : 0.1;
        for (size_t x = 0; x < N_SAID; x++)
            p[x] = KT_MAX(p[x] / sum, 1e-9);
    }
}

static void maximise(fitting *f)
{
    const double *next = f->table + f->h, *said = next + f->n_edges;
    double pooled[N_CELLS];
    f->moved = 0;
    set_first(f);
    for (size_t s = 0; s < f->h; s++)
        set_row(f->next + f->edge_start[s], next + f->edge_start[s], f->edge_start[s + 1] - f->edge_start[s], NULL, 0, &f->moved);
    pool_sources(f, said, pooled);
    for (size_t x = 0; x < (size_t)f->v->n_sources * N_CELLS; x += N_SAID)
        set_row(f->said + x, said + x, N_SAID, pooled + x % N_CELLS, f->o->pull, &f->moved);
    for (size_t x = 0; x < (size_t)f->v->n_sources * N_CELLS; x++)
        f->log_said[x] = log(f->said[x]);
}

/* ---- the answer ---- */

/* The first truth takes its share of the posterior. */
static void blend(const fitting *f, uint32_t i)
{
    double *p = f->r->prob + f->r->start[i] * f->t;
    for (size_t x = 0; x < f->v->length[i] * f->t; x++)
        p[x] *= 1 - ANCHOR;
    kt_anchor_add(&f->anchor, i, f->v->length[i], f->t, ANCHOR, p);
}

/* Chance of the one way through the states that is this span: what is before and behind is open. */
static double span_prob(const fitting *f, const chain *c, const kt_merged_span *s)
{
    uint32_t state = state_in(f, s->type, s->to - s->from > 1 ? FIRST : LONE);
    double p = c->forward[s->from * f->h + state];
    for (size_t x = s->from + 1; x < s->to; x++) {
        uint32_t to = state_in(f, s->type, x + 1 == s->to ? LAST : INNER);
        p *= f->next[edge_of(f, state, to)] * c->emission[x * f->h + to] / c->scale[x];
        state = to;
    }
    return p * c->backward[(s->to - 1) * f->h + state];
}

/* The same of all tags: they are one way through the states, too. */
static double whole_prob(const fitting *f, const chain *c, const int32_t *tag)
{
    if (!c->n)
        return 1;
    uint32_t state = state_of(f, tag, 0, c->n);
    double p = c->forward[state];
    for (size_t x = 1; x < c->n; x++) {
        uint32_t to = state_of(f, tag, x, c->n);
        p *= f->next[edge_of(f, state, to)] * c->emission[x * f->h + to] / c->scale[x];
        state = to;
    }
    return p * c->backward[(c->n - 1) * f->h + state];
}

static double both_prob(const fitting *f, uint32_t i, const chain *c, const kt_merged_span *s)
{
    return (1 - ANCHOR) * KT_MIN(span_prob(f, c, s), 1) + ANCHOR * kt_anchor_span_prob(&f->anchor, i, s->type, s->from, s->to);
}

/* The spans that do not overlap and have most chance beyond WORTH, in all: what is best for F1 is to name what is likelier than half of the F1 that
   will come out, or a little less. A span is never likelier than that its first token is one. */
static void decode(const fitting *f, uint32_t i, const chain *c)
{
    size_t n = c->n;
    const double *prob = f->r->prob + f->r->start[i] * f->t;
    double *best = kt_zalloc_array(n + 1, sizeof(*best));
    kt_merged_span *last = kt_zalloc_array(n + 1, sizeof(*last)); /* that ends there; to 0: none */
    int32_t *tag = f->r->tag + f->r->start[i];
    for (size_t from = 0; from < n; from++) {
        if (from && best[from - 1] > best[from]) {
            best[from] = best[from - 1];
            last[from].to = 0;
        }
        for (uint32_t k = 0; k < f->v->n_types; k++)
            for (size_t to = from + 1; to <= KT_MIN(n, from + f->longest) && prob[from * f->t + 1 + 2 * k] > WORTH; to++) {
                kt_merged_span s = { .sequence = i, .type = k, .from = from, .to = to };
                double all = best[from] + both_prob(f, i, c, &s) - WORTH;
                if (all > best[to] + 1e-12) {
                    best[to] = all;
                    last[to] = s;
                }
            }
    }
    if (n && best[n - 1] > best[n])
        last[n].to = 0;
    memset(tag, 0, n * sizeof(*tag));
    for (size_t to = n; to > 0;) {
        size_t from = last[to].to ? last[to].from : to - 1;
        for (size_t x = from; x < to && last[to].to; x++)
            tag[x] = 1 + 2 * (int32_t)last[to].type + (x > from);
        to = from;
    }
    kt_free(best);
    kt_free(last);
}

static bool has_span(const int32_t *tag, size_t n, const kt_merged_span *s)
{
    int32_t b = 1 + 2 * (int32_t)s->type;
    bool same = tag[s->from] == b && (s->to == n || tag[s->to] != b + 1);
    for (size_t x = s->from + 1; x < s->to && same; x++)
        same = tag[x] == b + 1;
    return same;
}

typedef KT_VEC(kt_merged_span) spans;

static void take_spans(const fitting *f, uint32_t i, chain *c, spans *all)
{
    const int32_t *tag = f->r->tag + f->r->start[i];
    for (size_t x = 0; x < c->n; x++) {
        if (tag[x] % 2 == 0)
            continue;
        kt_merged_span s = { .sequence = i, .type = (uint32_t)(tag[x] - 1) / 2, .from = x, .to = x + 1 };
        while (s.to < c->n && tag[s.to] == tag[x] + 1)
            s.to++;
        s.prob = both_prob(f, i, c, &s);
        s.n_looked = (uint32_t)(f->answer_start[i + 1] - f->answer_start[i]);
        for (size_t q = f->answer_start[i]; q < f->answer_start[i + 1]; q++)
            s.n_for += has_span(f->tag + f->own[f->answers[q]], c->n, &s);
        KT_PUSH(all, s);
    }
}

static void give_sequences(const fitting *f, kt_arena *a)
{
    chain c = { 0 };
    spans all = { 0 };
    for (uint32_t i = 0; i < f->v->n_sequences; i++) {
        if (f->answer_start[i] == f->answer_start[i + 1]) {
            for (size_t x = f->r->start[i]; x < f->r->start[i + 1]; x++)
                f->r->tag[x] = -1;
            for (size_t x = f->r->start[i] * f->t; x < f->r->start[i + 1] * f->t; x++)
                f->r->prob[x] = NAN;
            f->r->whole[i] = NAN;
            continue;
        }
        walk(f, i, &c);
        blend(f, i);
        decode(f, i, &c);
        size_t before = all.n;
        take_spans(f, i, &c, &all);
        f->r->whole[i] = (1 - ANCHOR) * KT_MIN(whole_prob(f, &c, f->r->tag + f->r->start[i]), 1) +
                         ANCHOR * kt_anchor_whole_prob(&f->anchor, i, all.v + before, all.n - before);
    }
    kt_free(c.emission);
    f->r->n_spans = all.n;
    f->r->span = kt_arena_array(a, all.n, sizeof(*all.v));
    if (all.n)
        memcpy(f->r->span, all.v, all.n * sizeof(*all.v));
    KT_VEC_DONE(&all);
}

/* Ratios of sums over sequences (delta method); information is lost where the truth is not known (Louis 1982). */
static void give_sources(const fitting *f)
{
    const double *sums = sums_of(f, f->table);
    for (uint32_t s = 0; s < f->v->n_sources; s++) {
        const double *x = sums + (size_t)s * N_SUMS;
        double a = x[WEIGHT] > 1e-9 ? x[RIGHT] / x[WEIGHT] : NAN, *ci = f->r->source_ci + 2 * (size_t)s;
        double between = KT_MAX(x[RIGHT2] - 2 * a * x[CROSS] + a * a * x[WEIGHT2], 1e-9), whole = between + x[DOUBT];
        double variance = whole * whole / between / (x[WEIGHT] * x[WEIGHT]);
        f->r->source_accuracy[s] = a;
        ci[0] = ci[1] = NAN;
        if (!isnan(a))
            kt_wilson(a, KT_MIN(KT_MAX(a * (1 - a), 1e-3) / KT_MAX(variance, 1e-12), x[WEIGHT]), ci);
    }
}

static void make(fitting *f, kt_arena *own, kt_arena *a, kt_sequences *r)
{
    const kt_sequence_answers *v = f->v;
    *r = (kt_sequences){ .n_sequences = v->n_sequences, .n_sources = v->n_sources, .n_tags = (uint32_t)f->t };
    r->start = kt_arena_array(a, (size_t)v->n_sequences + 1, sizeof(size_t));
    for (uint32_t i = 0; i < v->n_sequences; i++)
        r->start[i + 1] = r->start[i] + v->length[i];
    r->tag = kt_arena_array(a, r->start[v->n_sequences], sizeof(int32_t));
    r->prob = kt_arena_array(a, r->start[v->n_sequences], f->t * sizeof(double));
    r->whole = kt_arena_array(a, v->n_sequences, sizeof(double));
    r->source_accuracy = kt_arena_array(a, v->n_sources, sizeof(double));
    r->source_ci = kt_arena_array(a, v->n_sources, 2 * sizeof(double));
    f->next = kt_arena_array(own, f->n_edges, sizeof(double));
    f->first = kt_arena_array(own, f->h, sizeof(double));
    f->said = kt_arena_array(own, (size_t)v->n_sources * N_CELLS, sizeof(double));
    f->log_said = kt_arena_array(own, (size_t)v->n_sources * N_CELLS, sizeof(double));
    f->r = r;
    f->width = f->h + f->n_edges + (size_t)v->n_sources * (N_CELLS + N_SUMS);
    f->parts = KT_MAX(KT_MIN(KT_MIN(r->start[v->n_sequences] / PART_TOKENS + 1, MOST_PARTS), MOST_TABLE / f->width), 1);
    f->table = kt_arena_alloc(own, f->parts * f->width * sizeof(double));
}

static size_t longest_of(const fitting *f)
{
    size_t longest = 1;
    for (size_t a = 0; a < f->v->n; a++)
        for (size_t x = 0, in = 0; x < f->v->length[f->v->sequence[a]]; x++) {
            int32_t tag = f->tag[f->own[a] + x];
            in = tag == 0 ? 0 : tag % 2 ? 1 : in + 1;
            longest = KT_MAX(longest, in);
        }
    return longest;
}

kt_rc kt_sequences_fit(const kt_sequence_answers *v, const kt_sequence_opts *o, kt_pool *pool, kt_arena *a, kt_sequences *ret, kt_err *err)
{
    static const kt_sequence_opts defaults = KT_SEQUENCE_OPTS_INIT;
    KT_AUTO(kt_arena) own = KT_ARENA_INIT;
    kt_sequences r;
    fitting f = { .v = v, .o = o ? o : &defaults, .t = 1 + 2 * (size_t)v->n_types };
    KT_TRY(check(v, err));
    make_states(&f, &own);
    sort_answers(&f, &own);
    make(&f, &own, a, &r);
    KT_TRY(kt_sequences_anchor(v, f.tag, f.own, r.start, pool, &own, &f.anchor, err));
    f.longest = longest_of(&f);
    f.start = true;
    run(&f, pool);
    maximise(&f);
    f.start = false;
    for (int32_t round = 0; round < f.o->n_iter; round++) {
        run(&f, pool);
        maximise(&f);
        if (f.moved < STILL)
            break;
    }
    run(&f, pool);
    give_sequences(&f, a);
    give_sources(&f);
    *ret = r;
    return 0;
}

const kt_setting kt_sequence_options[] = {
    { "n_iter", "most rounds of EM", KT_SET_INT, offsetof(kt_sequence_opts, n_iter), 0, 100000, NULL },
    { "pull", "pseudo-tokens of an annotator's confusions towards those of all", KT_SET_FLOAT, offsetof(kt_sequence_opts, pull), 1e-3, 1e6, NULL },
    { .name = NULL },
};
