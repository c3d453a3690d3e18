/* Grouping votes by item, by as many threads as there are, with a result that does not depend on their number.

   A first pass checks the ids and sees whether the votes already stand item by item, which files and databases usually give;
   it notes where the item changes, and that is all there is to do: nothing is copied. Otherwise they are sorted, and the order
   within an item stays that of the input. */
#include "algo/merge/ballot.h"

#include "base/mem.h"

#define MOST_PARTS 32
#define PART_VOTES 8192
#define PARTS_DOUBLES ((size_t)8 << 20) /* all parts' tables together */
#define CHUNK_VOTES ((size_t)1 << 16)
#define MAX_PAIRS ((size_t)1 << 30)     /* sources × labels */

struct grouping {
    const kt_votes *v;
    kt_ballot *b;
    size_t chunks;
    int32_t least; /* a vote is kept from this label on: KT_ABSTAIN or 0 */
    bool *bad;     /* of each chunk: a vote is out of bounds */
    bool *unready; /* of each chunk: not in the order of items, or an abstention */
};

static bool bad_vote(const kt_votes *v, size_t i)
{
    return (v->item[i] >= v->n_items) | (v->source[i] >= v->n_sources) | (v->label[i] < KT_ABSTAIN) | (v->label[i] >= (int32_t)v->n_labels);
}

/* Looks at a chunk; where it can stay as it is, start gets the places of the items that begin in it. */
static void check_chunk(void *ctx, size_t chunk)
{
    const struct grouping *g = ctx;
    const kt_votes *v = g->v;
    size_t from = chunk * CHUNK_VOTES, to = KT_MIN(from + CHUNK_VOTES, v->n);
    uint32_t last = from ? v->item[from - 1] : 0;
    bool wrong = from && last >= v->n_items, unready = false;
    for (size_t i = from; i < to; i++) {
        wrong |= bad_vote(v, i);
        unready |= (v->item[i] < last) | (v->label[i] < 0);
        last = v->item[i];
    }
    g->unready[chunk] = unready;
    g->bad[chunk] = wrong;
    if (wrong || unready)
        return;
    uint32_t next = from ? v->item[from - 1] + 1 : 0;
    for (size_t i = from; i < to; i++)
        for (; next <= v->item[i]; next++)
            g->b->start[next] = (uint32_t)i;
}

/* ---- a stable sort by item ---- */

#define BUCKETS 512      /* as many as it takes at least: streams that a core can write side by side */
#define MOST_LOW 16      /* bits of an item's number within its bucket */
#define PARTS_A_THREAD 2

/* A vote on its way: item within the bucket, what was said, by whom. */
struct slip {
    uint16_t low, said;
    uint32_t source;
};

struct sorting {
    const kt_votes *v;
    kt_ballot *b;
    int32_t least;
    uint32_t shift;       /* bits of an item's number that tell items of a bucket apart */
    size_t buckets, parts;
    uint32_t *place;      /* parts × buckets: votes, then where the next one goes */
    struct slip *slip;
    uint32_t *source;
    int32_t *label;
};

static size_t part_of(const struct sorting *s, size_t part)
{
    return s->v->n * part / s->parts; /* fewer than 2^32 votes, hundreds of parts */
}

static void count_part(void *ctx, size_t part)
{
    const struct sorting *s = ctx;
    uint32_t *votes = s->place + part * s->buckets;
    for (size_t i = part_of(s, part); i < part_of(s, part + 1); i++)
        votes[s->v->item[i] >> s->shift] += s->v->label[i] >= s->least;
}

static void scatter_part(void *ctx, size_t part)
{
    const struct sorting *s = ctx;
    const kt_votes *v = s->v;
    uint32_t *place = s->place + part * s->buckets, low = (1u << s->shift) - 1;
    for (size_t i = part_of(s, part); i < part_of(s, part + 1); i++) {
        int32_t label = v->label[i];
        if (label < s->least)
            continue;
        s->slip[place[v->item[i] >> s->shift]++] =
            (struct slip){ (uint16_t)(v->item[i] & low), (uint16_t)(label < 0 ? (int32_t)v->n_labels : label), v->source[i] };
    }
}

/* Sorts a bucket into its place; start of its items. After scatter_part the last part's places are the buckets' ends. */
static void sort_bucket(void *ctx, size_t bucket)
{
    const struct sorting *s = ctx;
    const uint32_t *end = s->place + (s->parts - 1) * s->buckets;
    uint32_t from = bucket ? end[bucket - 1] : 0, to = end[bucket], at = from;
    uint64_t first = (uint64_t)bucket << s->shift, items = KT_MIN((uint64_t)1 << s->shift, s->b->n_items - first);
    uint32_t *start = s->b->start + first, *next = kt_zalloc_array(items, sizeof(*next));
    for (uint32_t i = from; i < to; i++)
        next[s->slip[i].low]++;
    for (size_t i = 0; i < items; i++) {
        uint32_t votes = next[i];
        start[i] = next[i] = at;
        at += votes;
    }
    for (uint32_t i = from; i < to; i++) {
        struct slip x = s->slip[i];
        uint32_t place = next[x.low]++;
        s->source[place] = x.source;
        s->label[place] = x.said;
    }
    kt_free(next);
}

/* Two passes whose writes stay near each other: into buckets of neighbouring items, then within each. */
static void sort_votes(const struct grouping *g, kt_pool *pool, kt_arena *a)
{
    kt_ballot *b = g->b;
    struct sorting s = { .v = g->v, .b = b, .least = g->least, .parts = PARTS_A_THREAD * (size_t)kt_pool_size(pool) };
    while (s.shift < MOST_LOW && (b->n_items >> s.shift) >= BUCKETS)
        s.shift++;
    s.buckets = (((size_t)b->n_items - 1) >> s.shift) + 1; /* there are votes, so there are items */
    b->source = b->own_source = s.source = kt_arena_alloc(a, (g->v->n + 1) * sizeof(*s.source));
    b->label = s.label = kt_arena_alloc(a, (g->v->n + 1) * sizeof(*s.label));
    s.slip = kt_alloc_array(g->v->n, sizeof(*s.slip));
    kt_mem_huge(s.source, g->v->n * sizeof(*s.source));
    kt_mem_huge(s.label, g->v->n * sizeof(*s.label));
    kt_mem_huge(s.slip, g->v->n * sizeof(*s.slip));
    s.place = kt_zalloc_array(s.parts * s.buckets, sizeof(*s.place));
    kt_pool_run(pool, s.parts, count_part, &s);
    uint32_t sum = 0;
    for (size_t k = 0; k < s.buckets; k++)
        for (size_t part = 0; part < s.parts; part++) {
            uint32_t votes = s.place[part * s.buckets + k];
            s.place[part * s.buckets + k] = sum;
            sum += votes;
        }
    kt_pool_run(pool, s.parts, scatter_part, &s);
    kt_pool_run(pool, s.buckets, sort_bucket, &s);
    b->start[b->n_items] = sum;
    kt_free(s.slip);
    kt_free(s.place);
}

/* ---- counting alone ---- */

#define MOST_TABLES 8

struct counted {
    uint64_t votes; /* by a part of the votes: how many there are; by a chunk of the items: how many the counts say there are */
    uint32_t most, n_voted;
};

struct counting {
    const kt_votes *v;
    size_t parts;
    uint8_t *table; /* parts × n_items × n_labels: as kt_ballot.counts */
    struct counted *sum;
};

static void count_votes(void *ctx, size_t part)
{
    const struct counting *c = ctx;
    const kt_votes *v = c->v;
    size_t k = v->n_labels, size = v->n_items * k;
    uint8_t *counts = c->table + part * size;
    uint64_t votes = 0;
    memset(counts, 0, size);
    for (size_t i = v->n * part / c->parts, to = v->n * (part + 1) / c->parts; i < to; i++) {
        uint8_t one = v->label[i] >= 0; /* an abstention adds nothing */
        counts[v->item[i] * k + (size_t)(one ? v->label[i] : 0)] += one;
        votes += one;
    }
    c->sum[part].votes = votes;
}

static void add_tables(void *ctx, size_t chunk)
{
    const struct counting *c = ctx;
    size_t k = c->v->n_labels, n = c->v->n_items, from = chunk * CHUNK_VOTES, to = KT_MIN(from + CHUNK_VOTES, n);
    struct counted sum = { 0 };
    for (size_t part = 1; part < c->parts; part++)
        for (size_t x = from * k; x < to * k; x++)
            c->table[x] += c->table[part * n * k + x];
    for (size_t i = from; i < to; i++) {
        uint32_t m = 0;
        for (size_t x = 0; x < k; x++)
            m += c->table[i * k + x];
        sum.votes += m;
        sum.most = KT_MAX(sum.most, m);
        sum.n_voted += m > 0;
    }
    c->sum[chunk] = sum;
}

/* False where an item has more votes than fit into a byte, of which each that ran over is missing 256 in the sum of all. */
static bool count_all(const kt_votes *v, kt_pool *pool, kt_arena *a, kt_ballot *b)
{
    size_t chunks = (v->n_items + CHUNK_VOTES - 1) / CHUNK_VOTES;
    struct counting c = { .v = v, .parts = KT_MIN((size_t)kt_pool_size(pool), MOST_TABLES) };
    uint64_t votes = 0, found = 0;
    c.sum = kt_zalloc_array(KT_MAX(chunks, c.parts), sizeof(*c.sum));
    size_t size = c.parts * v->n_items * v->n_labels;
    c.table = kt_arena_alloc(a, size);
    kt_mem_huge(c.table, size);
    kt_pool_run(pool, c.parts, count_votes, &c);
    for (size_t part = 0; part < c.parts; part++)
        votes += c.sum[part].votes;
    kt_pool_run(pool, chunks, add_tables, &c);
    for (size_t x = 0; x < chunks; x++) {
        found += c.sum[x].votes;
        b->most = KT_MAX(b->most, c.sum[x].most);
        b->n_voted += c.sum[x].n_voted;
    }
    kt_free(c.sum);
    if (found != votes || b->most > 255)
        return false;
    b->counts = c.table;
    b->counted = v;
    b->start[v->n_items] = (uint32_t)votes;
    return true;
}

static void look_at_items(kt_ballot *b)
{
    b->most = b->n_voted = 0;
    for (size_t i = 0; i < b->n_items; i++) {
        uint32_t m = b->start[i + 1] - b->start[i];
        b->most = KT_MAX(b->most, m);
        b->n_voted += m > 0;
    }
}

static kt_rc make(const kt_votes *v, bool abstain_speaks, bool counts_do, kt_pool *pool, kt_arena *a, kt_ballot *ret, kt_err *err)
{
    if (v->n >= UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu votes; a merge takes up to %u", v->n, UINT32_MAX - 1);
    if (v->n_labels >= KT_BALLOT_LABELS)
        return kt_fail(err, KT_LIMIT, "%u labels; a merge takes up to %d", v->n_labels, KT_BALLOT_LABELS - 1);
    kt_ballot b = { .n_items = v->n_items, .n_labels = v->n_labels, .n_sources = v->n_sources, .n_said = v->n_labels + abstain_speaks };
    struct grouping g = { .v = v, .b = &b, .least = abstain_speaks ? KT_ABSTAIN : 0, .chunks = (v->n + CHUNK_VOTES - 1) / CHUNK_VOTES };
    g.bad = kt_alloc_array(g.chunks, sizeof(*g.bad));
    g.unready = kt_alloc_array(g.chunks, sizeof(*g.unready));
    b.start = kt_arena_alloc(a, ((size_t)v->n_items + 2) * sizeof(*b.start));
    kt_mem_huge(b.start, ((size_t)v->n_items + 2) * sizeof(*b.start));
    kt_pool_run(pool, g.chunks, check_chunk, &g);
    bool ready = true, fine = true;
    for (size_t c = 0; c < g.chunks; c++) {
        ready &= !g.unready[c];
        fine &= !g.bad[c];
    }
    kt_free(g.bad);
    kt_free(g.unready);
    if (!fine)
        return kt_votes_check(v, err);
    if (ready) {
        for (size_t i = v->n ? (size_t)v->item[v->n - 1] + 1 : 0; i <= v->n_items; i++)
            b.start[i] = (uint32_t)v->n;
        b.source = v->source;
        b.label = v->label;
    } else if (counts_do && v->n_labels >= 2 && v->n_labels <= KT_COUNTED_LABELS && count_all(v, pool, a, &b)) {
        *ret = b;
        return 0;
    } else {
        sort_votes(&g, pool, a);
    }
    look_at_items(&b);
    *ret = b;
    return 0;
}

kt_rc kt_ballot_make(const kt_votes *v, bool abstain_speaks, kt_pool *pool, kt_arena *a, kt_ballot *ret, kt_err *err)
{
    return make(v, abstain_speaks, false, pool, a, ret, err);
}

kt_rc kt_ballot_count(const kt_votes *v, kt_pool *pool, kt_arena *a, kt_ballot *ret, kt_err *err)
{
    return make(v, false, true, pool, a, ret, err);
}

size_t kt_ballot_parts(const kt_ballot *b, size_t table)
{
    size_t n = b->start[b->n_items] / PART_VOTES + 1;
    n = KT_MIN(n, PARTS_DOUBLES / (table + 1));
    n = KT_MIN(n, MOST_PARTS);
    return KT_MAX(n, 1);
}

uint32_t kt_ballot_part(const kt_ballot *b, size_t part, size_t parts)
{
    return (uint32_t)((uint64_t)b->n_items * part / parts);
}

struct numbering {
    const kt_ballot *b;
    uint32_t *cell; /* n_sources × K: votes, then the cell's number */
    uint32_t *of;
    size_t n, parts;
};

static void number_part(void *ctx, size_t part)
{
    const struct numbering *m = ctx;
    size_t k = m->b->n_said;
    for (size_t q = m->n * part / m->parts; q < m->n * (part + 1) / m->parts; q++)
        m->of[q] = m->cell[m->b->source[q] * k + (size_t)m->b->label[q]];
}

kt_rc kt_cells_make(kt_ballot *b, kt_pool *pool, kt_arena *a, kt_cells *ret, kt_err *err)
{
    size_t k = b->n_said, n = b->start[b->n_items];
    if (k && b->n_sources > MAX_PAIRS / k) {
        kt_fail(err, KT_LIMIT, "%u sources with %u labels are more than fit", b->n_sources, b->n_labels);
        return kt_hint(err, "one_coin_dawid_skene keeps one number per source");
    }
    struct numbering m = { .b = b, .n = n, .parts = n / CHUNK_VOTES + 1 };
    m.cell = kt_zalloc_array(b->n_sources * k, sizeof(*m.cell));
    for (size_t q = 0; q < n; q++)
        m.cell[b->source[q] * k + (size_t)b->label[q]]++;
    kt_cells c = { .first = kt_arena_alloc(a, ((size_t)b->n_sources + 1) * sizeof(*c.first)), .of = b->own_source };
    if (!c.of) {
        c.of = kt_arena_alloc(a, n * sizeof(*c.of));
        kt_mem_huge(c.of, n * sizeof(*c.of));
    }
    m.of = c.of;
    for (size_t x = 0; x < b->n_sources * k; x++)
        c.n += m.cell[x] > 0;
    c.said = kt_arena_alloc(a, c.n * sizeof(*c.said));
    c.votes = kt_arena_alloc(a, c.n * sizeof(*c.votes));
    uint32_t next = 0;
    for (size_t s = 0; s < b->n_sources; s++) {
        c.first[s] = next;
        for (size_t l = 0; l < k; l++)
            if (m.cell[s * k + l]) {
                c.said[next] = (uint16_t)l;
                c.votes[next] = m.cell[s * k + l];
                m.cell[s * k + l] = next++;
            }
    }
    c.first[b->n_sources] = next;
    kt_pool_run(pool, m.parts, number_part, &m);
    kt_free(m.cell);
    b->source = b->own_source = NULL;
    *ret = c;
    return 0;
}
