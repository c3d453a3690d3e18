/* A first truth of spans. Borders are whole tokens: every source has a distribution of how far its borders are off (0, 1, 2 tokens or
   more, either way alike, which pins the truth to the middle), all sources' before its own; the posterior of a border's place is the
   product over those who drew it. EM, as often as it takes. */
#include "algo/merge/sequences_int.h"

#include "algo/merge/regions.h"
#include "base/mem.h"

#include <math.h>

#define ROUNDS 30
#define PULL 8.0
#define REACH 4 /* kinds of offsets: 0, 1, 2, more */

static const double ways[REACH] = { 1, 2, 2, 8 }; /* places that share a kind's chance */

typedef struct drawn {
    KT_VEC(size_t) answer;
    KT_VEC(int32_t) label;
    KT_VEC(double) at;
} drawn;

typedef struct borders {
    const kt_sequence_answers *v;
    const drawn *d;
    const kt_regions *r;
    size_t *first, *in;   /* drawn regions of each merged one */
    double *offset;       /* sources × REACH */
    double *count;        /* the same, expected */
    int64_t *place;       /* merged × 2 */
    kt_anchor_span *span; /* merged: what is known of it goes there */
    kt_arena *a;
} borders;

static void collect(const kt_sequence_answers *v, const int32_t *tag, const size_t *own, drawn *d)
{
    for (size_t a = 0; a < v->n; a++) {
        const int32_t *t = tag + own[a];
        size_t n = v->length[v->sequence[a]];
        for (size_t x = 0; x < n; x++) {
            size_t to = x + 1;
            if (t[x] % 2 == 0)
                continue;
            while (to < n && t[to] == t[x] + 1)
                to++;
            KT_PUSH(&d->answer, a);
            KT_PUSH(&d->label, (t[x] - 1) / 2);
            KT_PUSH(&d->at, (double)x);
            KT_PUSH(&d->at, (double)to);
        }
    }
}

static size_t kind_of(int64_t off)
{
    off = off < 0 ? -off : off;
    return off < REACH ? (size_t)off : REACH - 1;
}

/* The posterior of side (0 start, 1 end) of merged region g: its likeliest place, and the offsets that count. */
static void weigh(borders *b, size_t g, int side)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (size_t y = b->first[g]; y < b->first[g + 1]; y++) {
        int64_t x = (int64_t)b->d->at.v[2 * b->in[y] + (size_t)side];
        low = KT_MIN(low, x);
        high = KT_MAX(high, x);
    }
    size_t n = (size_t)(high - low) + 1;
    kt_anchor_border *ret = &b->span[g].side[side];
    if (!ret->prob)
        *ret = (kt_anchor_border){ low, n, kt_arena_array(b->a, n, sizeof(double)) };
    double *p = ret->prob, top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        p[i] = 0;
        for (size_t y = b->first[g]; y < b->first[g + 1]; y++) {
            size_t kind = kind_of((int64_t)b->d->at.v[2 * b->in[y] + (size_t)side] - low - (int64_t)i);
            p[i] += log(b->offset[b->v->source[b->d->answer.v[b->in[y]]] * REACH + kind] / ways[kind]);
        }
        if (p[i] > top + 1e-12) {
            top = p[i];
            b->place[2 * g + (size_t)side] = low + (int64_t)i;
        }
    }
    for (size_t i = 0; i < n; i++)
        sum += p[i] = exp(p[i] - top);
    for (size_t i = 0; i < n; i++)
        p[i] /= sum;
    for (size_t i = 0; i < n && b->first[g + 1] - b->first[g] > 1; i++)
        for (size_t y = b->first[g]; y < b->first[g + 1]; y++)
            b->count[b->v->source[b->d->answer.v[b->in[y]]] * REACH + kind_of((int64_t)b->d->at.v[2 * b->in[y] + (size_t)side] - low - (int64_t)i)] += p[i];
}

static void set_offsets(borders *b)
{
    double all[REACH] = { 6, 2, 1, 1 }, n = 10;
    for (size_t x = 0; x < b->v->n_sources * REACH; x++) {
        all[x % REACH] += b->count[x];
        n += b->count[x];
    }
    for (size_t s = 0; s < b->v->n_sources; s++) {
        double own = PULL;
        for (size_t k = 0; k < REACH; k++)
            own += b->count[s * REACH + k];
        for (size_t k = 0; k < REACH; k++)
            b->offset[s * REACH + k] = (b->count[s * REACH + k] + PULL * all[k] / n) / own;
    }
}

static void find_borders(borders *b)
{
    memset(b->count, 0, b->v->n_sources * REACH * sizeof(*b->count));
    set_offsets(b);
    for (int round = 0; round < ROUNDS; round++) {
        memset(b->count, 0, b->v->n_sources * REACH * sizeof(*b->count));
        for (size_t g = 0; g < b->r->n; g++)
            for (int side = 0; side < 2; side++)
                weigh(b, g, side);
        set_offsets(b);
    }
}

/* Likeliest regions first; what overlaps one that stands is left out. */
static void paint(const borders *b, const size_t *start, int32_t *ret)
{
    for (int step = 19; step >= 10; step--) /* by falling chance, in steps: a sort that keeps the order */
        for (size_t g = 0; g < b->r->n; g++) {
            double p = b->r->prob[g] * 20;
            int64_t from = b->place[2 * g], to = b->place[2 * g + 1];
            bool is_free = KT_MIN((int)p, 19) == step && to > from;
            int32_t *tag = ret + start[b->r->item[g]];
            for (int64_t x = from; x < to && is_free; x++)
                is_free = tag[x] == 0;
            if (is_free && tag[from] == 0)
                for (int64_t x = from; x < to; x++)
                    tag[x] = 1 + 2 * b->r->label[g] + (x > from);
        }
}

/* Spans that are there or not, sequence by sequence. */
static void give_spans(const kt_sequence_answers *v, const kt_regions *r, kt_arena *a, kt_anchor *ret)
{
    ret->span = kt_arena_array(a, r->n, sizeof(*ret->span));
    for (size_t g = 0; g < r->n; g++) {
        KT_ASSERT(g == 0 || r->item[g] >= r->item[g - 1]);
        ret->first[r->item[g] + 1]++;
        ret->span[g].type = (uint32_t)r->label[g];
        ret->span[g].prob = r->prob[g];
    }
    for (size_t i = 0; i < v->n_sequences; i++)
        ret->first[i + 1] += ret->first[i];
}

kt_rc kt_sequences_anchor(const kt_sequence_answers *v, const int32_t *tag, const size_t *own, const size_t *start, kt_pool *pool, kt_arena *arena, kt_anchor *ret,
                          kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    drawn d = { 0 };
    kt_regions r;
    *ret = (kt_anchor){ .first = kt_arena_array(arena, (size_t)v->n_sequences + 1, sizeof(size_t)),
                        .tag = kt_arena_array(arena, start[v->n_sequences], sizeof(int32_t)) };
    collect(v, tag, own, &d);
    kt_region_answers answers = { .n_answers = v->n, .n_items = v->n_sequences, .n_sources = v->n_sources, .n_labels = v->n_types, .n_numbers = 2, .item = v->sequence,
                                  .source = v->source, .n = d.answer.n, .answer = d.answer.v, .label = d.label.v, .at = d.at.v };
    kt_rc rc = kt_regions_merge(&answers, &(kt_region_opts){ .overlap = 0.3 }, pool, &a, &r, err);
    if (rc == 0) {
        give_spans(v, &r, arena, ret);
        borders b = { .v = v, .d = &d, .r = &r, .span = ret->span, .a = arena };
        b.first = kt_arena_array(&a, r.n + 2, sizeof(size_t));
        b.in = kt_arena_array(&a, d.answer.n, sizeof(size_t));
        b.offset = kt_arena_array(&a, (size_t)v->n_sources * REACH, sizeof(double));
        b.count = kt_arena_array(&a, (size_t)v->n_sources * REACH, sizeof(double));
        b.place = kt_arena_array(&a, r.n, 2 * sizeof(int64_t));
        for (size_t x = 0; x < d.answer.n; x++)
            b.first[r.of[x] + 2]++;
        for (size_t g = 2; g <= r.n; g++)
            b.first[g] += b.first[g - 1];
        for (size_t x = 0; x < d.answer.n; x++)
            b.in[b.first[r.of[x] + 1]++] = x;
        find_borders(&b);
        paint(&b, start, ret->tag);
    }
    KT_VEC_DONE(&d.answer);
    KT_VEC_DONE(&d.label);
    KT_VEC_DONE(&d.at);
    return rc;
}

static double at_border(const kt_anchor_border *b, size_t place)
{
    int64_t x = (int64_t)place - b->low;
    return x >= 0 && x < (int64_t)b->n ? b->prob[x] : 0;
}

double kt_anchor_span_prob(const kt_anchor *x, uint32_t i, uint32_t type, size_t from, size_t to)
{
    double p = 0;
    for (size_t g = x->first[i]; g < x->first[i + 1]; g++)
        if (x->span[g].type == type)
            p += x->span[g].prob * at_border(&x->span[g].side[0], from) * at_border(&x->span[g].side[1], to);
    return KT_MIN(p, 1);
}

double kt_anchor_whole_prob(const kt_anchor *x, uint32_t i, const kt_merged_span *span, size_t n)
{
    double p = 1;
    for (size_t k = 0; k < n; k++)
        p = kt_anchor_span_prob(x, i, span[k].type, span[k].from, span[k].to) > 0 ? p : 0;
    for (size_t g = x->first[i]; g < x->first[i + 1] && p > 0; g++) {
        const kt_anchor_span *s = &x->span[g];
        double here = 0;
        for (size_t k = 0; k < n; k++)
            if (span[k].type == s->type)
                here = KT_MAX(here, at_border(&s->side[0], span[k].from) * at_border(&s->side[1], span[k].to));
        p *= here > 0 ? s->prob * here : 1 - s->prob;
    }
    return p;
}

void kt_anchor_add(const kt_anchor *x, uint32_t i, size_t n, size_t n_tags, double share, double *prob)
{
    double *own = kt_zalloc_array(n + 1, n_tags * sizeof(*own));
    for (size_t g = x->first[i]; g < x->first[i + 1]; g++) {
        const kt_anchor_span *s = &x->span[g];
        double begun = 0, ended = 0; /* before the token, at or before it */
        for (size_t y = (size_t)KT_MAX(s->side[0].low, 0); y < n && ended < 1 - 1e-12; y++) {
            ended += at_border(&s->side[1], y);
            own[y * n_tags + 1 + 2 * s->type] += s->prob * at_border(&s->side[0], y);
            own[y * n_tags + 2 + 2 * s->type] += s->prob * begun * KT_MAX(1 - ended, 0);
            begun += at_border(&s->side[0], y);
        }
    }
    for (size_t y = 0; y < n; y++) {
        double in = 0;
        for (size_t t = 1; t < n_tags; t++)
            in += own[y * n_tags + t];
        own[y * n_tags] = KT_MAX(1 - in, 0);
        for (size_t t = 0; t < n_tags; t++)
            prob[y * n_tags + t] += share * own[y * n_tags + t] / KT_MAX(in, 1);
    }
    kt_free(own);
}
