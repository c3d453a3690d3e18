/* Near-duplicates by locality-sensitive hashing. An item's shingles are 32-bit hashes; MinHash value j is the least of
   a mixed (h ^ key_j); a band key hashes `rows` of them. Two items of Jaccard index J share a given band with chance
   J^rows, so some band with 1 - (1 - J^rows)^bands. Whoever shares a band is compared exactly, so precision is that of
   the definition; recall is what the bands give.
   Invariant: cluster numbers depend on the order of items only, never on threads. */
#include "algo/near.h"

#include "algo/learn/text_features.h"
#include "base/mem.h"
#include "base/rng.h"

#define XXH_INLINE_ALL
#include <math.h>
#include <xxhash.h>

enum {
    CHUNK_ROWS = 1024,
    MAX_TOKEN = 64,
    MAX_SLOTS = 512, /* bands × rows */
    KEEP = 4,        /* representatives of a bucket that newcomers are compared with */
    PART_ITEMS = 4096,
};

void kt_shingles_done(kt_shingles *s)
{
    s->v = kt_free(s->v);
    s->n = s->cap = 0;
}

kt_rc kt_near_resolve(kt_near_options *o, kt_err *err)
{
    if (!(o->threshold > 0 && o->threshold <= 1))
        return kt_fail(err, KT_RANGE, "near threshold %g is outside (0, 1]", o->threshold);
    if (o->words > 8 || (!o->words && (o->chars < 3 || o->chars > 16)))
        return kt_fail(err, KT_RANGE, "no such shingles: words %u (1..8), characters %u (3..16)", o->words, o->chars);
    double j = KT_MIN(1.0, o->threshold + 0.05);
    bool free_bands = !o->bands;
    o->bands = free_bands ? 10 : o->bands;
    for (uint32_t r = 8; !o->rows; r--) {
        if (r == 2 && free_bands && o->bands == 10) { /* bands of so few rows are shared by many who are not alike */
            o->bands = 40;
            r = 8;
        }
        if (r == 1 || pow(1 - pow(j, r), o->bands) < 0.005)
            o->rows = r;
    }
    if (o->bands > KT_NEAR_MAX_BANDS || o->bands * o->rows > MAX_SLOTS)
        return kt_fail(err, KT_RANGE, "%u bands of %u rows; at most %d bands and %d values", o->bands, o->rows,
                       KT_NEAR_MAX_BANDS, MAX_SLOTS);
    return KT_OK;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Sorts n values: insertion for a few, else two passes of 11-bit counting on the top bits and insertion of the rest;
   hashes are evenly spread, so the last pass has next to nothing to do. */
static void sort_hashes(uint32_t *v, size_t n)
{
    if (n > 4096) {
        qsort(v, n, sizeof(*v), by_value);
        return;
    }
    if (n > 24) {
        uint32_t from[4096];
        uint16_t at[257] = { 0 };
        memcpy(from, v, n * sizeof(*v));
        for (size_t i = 0; i < n; i++)
            at[(v[i] >> 24) + 1]++;
        for (int b = 0; b < 256; b++)
            at[b + 1] = (uint16_t)(at[b + 1] + at[b]);
        for (size_t i = 0; i < n; i++)
            v[at[from[i] >> 24]++] = from[i];
    }
    for (size_t i = 1; i < n; i++) {
        uint32_t x = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

static void word_shingles(kt_str text, uint32_t words, kt_shingles *s)
{
    char tok[MAX_TOKEN];
    uint64_t window[8], h;
    size_t at = 0, n = 0;
    for (size_t len; (len = kt_token_next(text, &at, tok, sizeof(tok))) > 0;) {
        window[n++ % words] = XXH3_64bits(tok, len);
        if (n < words)
            continue;
        h = 0;
        for (size_t i = n - words; i < n; i++)
            h = (h ^ window[i % words]) * 0x9fb21c651e98df25u, h ^= h >> 32;
        KT_PUSH(s, (uint32_t)(h >> 16));
    }
    if (n == 0 || n >= words)
        return;
    h = n; /* a short text is one shingle of all its tokens */
    for (size_t i = 0; i < n; i++)
        h = (h ^ window[i]) * 0x9fb21c651e98df25u, h ^= h >> 32;
    KT_PUSH(s, (uint32_t)(h >> 16));
}

static void char_shingles(kt_str text, uint32_t chars, kt_shingles *s)
{
    char window[MAX_TOKEN + 32];
    size_t at = 0, n = 0, seen = 0;
    for (size_t len; (len = kt_token_next(text, &at, window + n + (n > 0), MAX_TOKEN)) > 0;) {
        if (n)
            window[n++] = ' ';
        n += len;
        for (; seen + chars <= n; seen++)
            KT_PUSH(s, (uint32_t)XXH3_64bits(window + seen, chars));
        if (seen) { /* keep what the next shingles begin with */
            memmove(window, window + seen, n - seen);
            n -= seen;
            seen = 0;
        }
    }
    if (n && !s->n)
        KT_PUSH(s, (uint32_t)XXH3_64bits(window, n));
}

void kt_near_shingles(kt_str text, const kt_near_options *o, kt_shingles *ret)
{
    ret->n = 0;
    if (o->words)
        word_shingles(text, o->words, ret);
    else
        char_shingles(text, o->chars, ret);
    sort_hashes(ret->v, ret->n);
    size_t n = 0;
    for (size_t i = 0; i < ret->n; i++)
        if (n == 0 || ret->v[i] != ret->v[n - 1])
            ret->v[n++] = ret->v[i];
    ret->n = n;
}

void kt_near_bands(const uint32_t *shingle, size_t n_shingles, const kt_near_options *o, uint64_t *ret_key)
{
    KT_ASSERT(n_shingles > 0 && o->bands && o->rows && o->bands * o->rows <= MAX_SLOTS);
    uint32_t slot[MAX_SLOTS], key[MAX_SLOTS];
    uint32_t n = o->bands * o->rows;
    for (uint32_t j = 0; j < n; j++) {
        key[j] = (uint32_t)kt_mix64(o->seed + j);
        slot[j] = UINT32_MAX;
    }
    for (size_t i = 0; i < n_shingles; i++)
        for (uint32_t j = 0; j < n; j++) { /* the compiler makes this loop four or eight wide */
            uint32_t x = (shingle[i] ^ key[j]) * 0x9e3779b1u;
            x = (x ^ x >> 15) * 0x85ebca77u;
            slot[j] = KT_MIN(slot[j], x);
        }
    for (uint32_t b = 0; b < o->bands; b++) {
        uint64_t h = XXH3_64bits_withSeed(slot + (size_t)b * o->rows, o->rows * sizeof(*slot), b);
        ret_key[b] = h ? h : 1; /* 0 is kept for items without content */
    }
}

double kt_near_jaccard(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b)
{
    size_t i = 0, j = 0, both = 0;
    while (i < n_a && j < n_b) {
        uint32_t x = a[i], y = b[j];
        both += x == y;
        i += x <= y;
        j += y <= x;
    }
    return n_a + n_b ? (double)both / (double)(n_a + n_b - both) : 0;
}

bool kt_near_same(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, double threshold)
{
    double less = (double)KT_MIN(n_a, n_b), more = (double)KT_MAX(n_a, n_b);
    if (less < threshold * more) /* not even if one held the other */
        return false;
    return kt_near_jaccard(a, n_a, b, n_b) >= threshold;
}

static uint32_t root_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

void kt_near_start(uint32_t *parent, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        parent[i] = i;
}

void kt_near_finish(uint32_t *parent, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        parent[i] = root_of(parent, i);
}

void kt_near_buckets_done(kt_near_buckets *b)
{
    KT_VEC_DONE(&b->item);
    KT_VEC_DONE(&b->end);
}

/* A band's keys and their items, gathered by the top bits of the key into parts small enough for a table in cache. */
struct parts {
    uint64_t *key;
    uint32_t *item, *end; /* end: where each part ends */
    uint32_t n;
    int shift;
};

static void gather(const uint64_t *key, uint32_t n, struct parts *p)
{
    int bits = 0;
    while (n >> bits > PART_ITEMS)
        bits++;
    p->n = (uint32_t)1 << bits;
    p->shift = 64 - bits;
    p->end = kt_zalloc_array(p->n + 1, sizeof(*p->end));
    p->key = kt_alloc_array((size_t)n + 1, sizeof(*p->key));
    p->item = kt_alloc_array((size_t)n + 1, sizeof(*p->item));
#define PART_OF(k) (p->n == 1 ? 0 : (size_t)((k) >> p->shift))
    for (uint32_t i = 0; i < n; i++)
        if (key[i])
            p->end[PART_OF(key[i]) + 1]++;
    for (uint32_t q = 0; q < p->n; q++)
        p->end[q + 1] += p->end[q];
    for (uint32_t i = 0; i < n; i++)
        if (key[i]) {
            uint32_t at = p->end[PART_OF(key[i])]++; /* each end moves from its part's begin to its end */
            p->key[at] = key[i];
            p->item[at] = i;
        }
#undef PART_OF
}

#define NO_HEAD UINT32_MAX

/* Buckets of one part: an open table from key to the first of its entries, from each entry to the next, and from the first
   to the last. */
struct chains {
    uint32_t *first, *next, *last; /* places in the part + 1; 0: none. first: a power of two, over twice the entries */
    size_t cap, mask;
};

static void chains_size(struct chains *c, uint32_t n)
{
    if (n > c->cap || !c->first) {
        c->cap = KT_MAX((size_t)n, 2 * c->cap);
        for (c->mask = 64; c->mask < 2 * c->cap;)
            c->mask *= 2;
        c->first = kt_realloc(c->first, c->mask * sizeof(*c->first));
        c->next = kt_realloc(c->next, c->cap * sizeof(*c->next));
        c->last = kt_realloc(c->last, c->cap * sizeof(*c->last));
        c->mask--;
    }
    memset(c->first, 0, (c->mask + 1) * sizeof(*c->first));
    memset(c->next, 0, n * sizeof(*c->next));
}

static void chain_up(struct chains *c, const uint64_t *key, uint32_t n)
{
    chains_size(c, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t s = (size_t)key[i] & c->mask; /* low bits: the top ones are alike within a part */
        while (c->first[s] && key[c->first[s] - 1] != key[i])
            s = (s + 1) & c->mask;
        if (c->first[s]) {
            uint32_t head = c->first[s] - 1;
            c->next[c->last[head]] = i + 1;
            c->last[head] = i;
            c->last[i] = NO_HEAD;
        } else {
            c->first[s] = i + 1;
            c->last[i] = i;
        }
    }
}

/* The bucket that begins at entry i, when there is one and something is left to find out about it. */
static void add_bucket(kt_near_buckets *b, const struct chains *c, const uint32_t *item, uint32_t i, uint32_t *parent)
{
    uint32_t root = root_of(parent, item[i]);
    bool open = false;
    for (uint32_t at = c->next[i]; at; at = c->next[at - 1])
        open |= root_of(parent, item[at - 1]) != root;
    if (!open)
        return;
    for (uint32_t at = i + 1; at; at = c->next[at - 1])
        KT_PUSH(&b->item, item[at - 1]);
    KT_PUSH(&b->end, b->item.n);
}

void kt_near_buckets_add(kt_near_buckets *b, const uint64_t *key, uint32_t n, uint32_t *parent)
{
    struct parts p;
    struct chains c = { 0 };
    gather(key, n, &p);
    for (uint32_t q = 0, from = 0; q < p.n; from = p.end[q++]) {
        uint32_t size = p.end[q] - from;
        chain_up(&c, p.key + from, size);
        for (uint32_t i = 0; i < size; i++)
            if (c.last[i] != NO_HEAD && c.last[i] != i)
                add_bucket(b, &c, p.item + from, i, parent);
    }
    kt_free(c.first);
    kt_free(c.next);
    kt_free(c.last);
    kt_free(p.key);
    kt_free(p.item);
    kt_free(p.end);
}

/* Whether item i joined a representative of its bucket. rep: n of them. */
static bool join_one(const uint32_t *rep, size_t n, uint32_t i, bool (*same)(void *ctx, uint32_t a, uint32_t b), void *ctx, uint32_t *parent)
{
    for (size_t r = 0; r < n; r++) {
        uint32_t x = root_of(parent, rep[r]), y = root_of(parent, i);
        if (x == y)
            return true;
        if (same(ctx, rep[r], i)) {
            parent[KT_MAX(x, y)] = KT_MIN(x, y);
            return true;
        }
    }
    return false;
}

void kt_near_join(const kt_near_buckets *b, size_t from, size_t to, bool (*same)(void *ctx, uint32_t a, uint32_t b), void *ctx,
                  uint32_t *parent)
{
    for (size_t k = from; k < to; k++) {
        uint32_t rep[KEEP];
        size_t n = 0;
        for (size_t i = k ? b->end.v[k - 1] : 0; i < b->end.v[k]; i++)
            if (!join_one(rep, n, b->item.v[i], same, ctx, parent) && n < KEEP)
                rep[n++] = b->item.v[i];
    }
}

struct kt_near_set {
    kt_near_options o;
    uint32_t n;
    KT_VEC(uint64_t) key; /* n × bands */
    KT_VEC(struct near_chunk {
        uint32_t *v;     /* shingles of all its items, one after another */
        size_t end[CHUNK_ROWS];
    }) chunk;
    const kt_str *text; /* being added: items first .. n - 1 */
    uint32_t first;
};

kt_rc kt_near_set_new(const kt_near_options *o, kt_near_set **ret, kt_err *err)
{
    kt_near_options opt = *o;
    KT_TRY(kt_near_resolve(&opt, err));
    *ret = kt_zalloc(sizeof(**ret));
    (*ret)->o = opt;
    return 0;
}

kt_near_set *kt_near_set_free(kt_near_set *s)
{
    if (!s)
        return NULL;
    for (size_t c = 0; c < s->chunk.n; c++)
        kt_free(s->chunk.v[c].v);
    KT_VEC_DONE(&s->chunk);
    KT_VEC_DONE(&s->key);
    return kt_free(s);
}

static void near_part(void *ctx, size_t part)
{
    kt_near_set *set = ctx;
    size_t first = set->first + part * CHUNK_ROWS, last = KT_MIN(set->n, first + CHUNK_ROWS);
    struct near_chunk *c = &set->chunk.v[first / CHUNK_ROWS];
    kt_shingles s = { 0 };
    size_t n = 0, cap = 0;
    for (size_t i = first; i < last; i++) {
        kt_near_shingles(set->text[i - set->first], &set->o, &s);
        if (n + s.n > cap) {
            cap = KT_MAX(2 * cap, n + s.n + 16 * CHUNK_ROWS);
            c->v = kt_realloc(c->v, cap * sizeof(*c->v));
        }
        if (s.n) {
            memcpy(c->v + n, s.v, s.n * sizeof(*s.v));
            kt_near_bands(s.v, s.n, &set->o, set->key.v + i * set->o.bands);
        }
        n += s.n;
        c->end[i % CHUNK_ROWS] = n;
    }
    if (n)
        c->v = kt_realloc(c->v, n * sizeof(*c->v));
    kt_shingles_done(&s);
}

void kt_near_set_add(kt_near_set *s, const kt_str *text, uint32_t n, kt_pool *pool)
{
    size_t bands = s->o.bands, chunks = ((size_t)n + CHUNK_ROWS - 1) / CHUNK_ROWS;
    KT_ASSERT(s->n % CHUNK_ROWS == 0);
    KT_RESERVE(&s->key, ((size_t)s->n + n) * bands);
    KT_RESERVE(&s->chunk, s->chunk.n + chunks);
    memset(s->key.v + s->key.n, 0, (size_t)n * bands * sizeof(*s->key.v));
    memset(s->chunk.v + s->chunk.n, 0, chunks * sizeof(*s->chunk.v));
    s->first = s->n;
    s->text = text;
    s->n += n;
    s->key.n += (size_t)n * bands;
    s->chunk.n += chunks;
    kt_pool_run(pool, chunks, near_part, s);
}

static const uint32_t *shingles_of(const kt_near_set *s, uint32_t i, size_t *ret_n)
{
    const struct near_chunk *c = &s->chunk.v[i / CHUNK_ROWS];
    size_t k = i % CHUNK_ROWS, from = k ? c->end[k - 1] : 0;
    *ret_n = c->end[k] - from;
    return c->v + from;
}

static bool near_same(void *ctx, uint32_t a, uint32_t b)
{
    const kt_near_set *s = ctx;
    size_t n_a, n_b;
    const uint32_t *x = shingles_of(s, a, &n_a), *y = shingles_of(s, b, &n_b);
    return kt_near_same(x, n_a, y, n_b, s->o.threshold);
}

double kt_near_set_jaccard(const kt_near_set *s, uint32_t a, uint32_t b)
{
    size_t n_a, n_b;
    const uint32_t *x = shingles_of(s, a, &n_a), *y = shingles_of(s, b, &n_b);
    return kt_near_jaccard(x, n_a, y, n_b);
}

void kt_near_set_clusters(kt_near_set *s, uint32_t *ret_canonical)
{
    uint64_t *band = kt_alloc_array((size_t)s->n + 1, sizeof(*band));
    kt_near_start(ret_canonical, s->n);
    for (uint32_t b = 0; b < s->o.bands; b++) {
        kt_near_buckets bucket = { 0 };
        for (size_t i = 0; i < s->n; i++)
            band[i] = s->key.v[i * s->o.bands + b];
        kt_near_buckets_add(&bucket, band, s->n, ret_canonical);
        kt_near_join(&bucket, 0, bucket.end.n, near_same, s, ret_canonical);
        kt_near_buckets_done(&bucket);
    }
    kt_near_finish(ret_canonical, s->n);
    kt_free(band);
}

kt_rc kt_near_clusters(const kt_str *text, uint32_t n, const kt_near_options *o, kt_pool *pool, uint32_t *ret_canonical,
                       kt_err *err)
{
    kt_near_set *s;
    KT_TRY(kt_near_set_new(o, &s, err));
    kt_near_set_add(s, text, n, pool);
    kt_near_set_clusters(s, ret_canonical);
    kt_near_set_free(s);
    return KT_OK;
}
