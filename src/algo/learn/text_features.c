/* Hashed n-grams. A text is cut into folded tokens; each token, pair (triple) of tokens and piece of a token is hashed
   by XXH3 into 2^bits slots. Counts are gathered in a small open-addressing table per text, reset by a generation
   number, so that the cost is proportional to the text and not to the hashed space.
   Invariant: a row lists its features in order of first appearance, whatever thread made it. */
#include "algo/learn/text_features.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>

#define XXH_INLINE_ALL /* tokens are short: the call would cost more than the hash, and libkarat needs only the C library */
#include <xxhash.h>

enum { CHUNK_ROWS = 512, MAX_TOKEN = 64 };

/* Folded byte of ASCII letters and digits, 0 for every other byte. */
static const unsigned char FOLD[256] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
    ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
    ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n',
    ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v',
    ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd',
    ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l',
    ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
    ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

/* One character outside ASCII at p (n bytes left): its length in bytes, and whether it joins words (1), stands
   alone (2: kana, Han) or separates (0). Malformed bytes count as one byte that joins. */
static size_t wide_char(const unsigned char *p, size_t n, int *ret_kind)
{
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 1;
    *ret_kind = 1;
    if (len > n)
        return 1;
    if (len == 2 && p[0] == 0xc2) /* U+0080-00BF: signs, apart from the ordinals and micro */
        *ret_kind = p[1] == 0xaa || p[1] == 0xb5 || p[1] == 0xba;
    else if (len == 3 && p[0] == 0xe2 && p[1] <= 0x81) /* U+2000-207F: quotes, dashes, spaces */
        *ret_kind = 0;
    else if (len == 3 && p[0] == 0xe3 && p[1] == 0x80) /* U+3000-303F: ideographic punctuation */
        *ret_kind = 0;
    else if (len == 3 && p[0] == 0xef && p[1] == 0xbc && p[2] <= 0x8f) /* U+FF00-FF0F: wide punctuation */
        *ret_kind = 0;
    else if (len == 3 && p[0] >= 0xe3 && p[0] <= 0xe9) /* U+3040-9FFF */
        *ret_kind = 2;
    return len;
}

size_t kt_token_next(kt_str text, size_t *at, char *dst, size_t cap)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t i = *at, n = text.n, len = 0;
    while (i < n) {
        unsigned char c = FOLD[p[i]];
        if (c) {
            if (len < cap)
                dst[len++] = (char)c;
            i++;
            continue;
        }
        if (p[i] < 0x80) {
            i++;
            if (len)
                break;
            continue;
        }
        int kind;
        size_t step = wide_char(p + i, n - i, &kind);
        if (kind != 1 && len)
            break; /* the character itself comes next time */
        for (size_t k = 0; kind && k < step && len + step - k <= cap; k++)
            dst[len++] = (char)p[i + k];
        if (kind && step == 2 && p[i] == 0xc3 && p[i + 1] >= 0x80 && p[i + 1] <= 0x9e && p[i + 1] != 0x97 && len)
            dst[len - 1] = (char)(p[i + 1] + 0x20); /* U+00C0-00DE: capital letters of Latin-1 */
        i += step;
        if (kind == 2)
            break;
    }
    *at = i;
    return len;
}

typedef struct row_table { /* one text's features and counts */
    uint64_t *key;      /* cap: the generation a slot belongs to, then the feature */
    uint32_t *slot;     /* cap: its entry */
    uint32_t *index;    /* where the entries go: room for cap / 2, the caller's */
    uint32_t *count;    /* n entries, room for cap / 2 */
    size_t n, cap;
    uint32_t generation, mask;
} row_table;

static void table_size(row_table *t, size_t cap)
{
    t->cap = cap;
    t->slot = kt_realloc(t->slot, cap * sizeof(*t->slot));
    t->key = kt_free(t->key);
    t->key = kt_zalloc_array(cap, sizeof(*t->key));
    t->count = kt_realloc(t->count, cap / 2 * sizeof(*t->count));
    t->generation = 1;
    for (size_t k = 0; k < t->n; k++) {
        size_t s = t->index[k] & (cap - 1);
        while (t->key[s])
            s = (s + 1) & (cap - 1);
        t->key[s] = (uint64_t)1 << 32 | t->index[k];
        t->slot[s] = (uint32_t)k;
    }
}

/* false: the table is full, and the feature is not in it. */
static inline bool table_add(row_table *t, uint32_t index)
{
    uint64_t key = (uint64_t)t->generation << 32 | index;
    size_t s = index & (t->cap - 1); /* hashes already */
    for (; t->key[s] >> 32 == t->generation; s = (s + 1) & (t->cap - 1))
        if (t->key[s] == key) {
            t->count[t->slot[s]]++;
            return true;
        }
    if (t->n == t->cap / 2)
        return false;
    t->key[s] = key;
    t->slot[s] = (uint32_t)t->n;
    t->index[t->n] = index;
    t->count[t->n++] = 1;
    return true;
}

/* Calls see for each n-gram; inlined, so that the hot caller pays nothing for the generality. */
static inline __attribute__((always_inline)) void each_gram(kt_str text, const kt_features_options *o,
                                                            void (*see)(void *ctx, uint64_t hash, kt_str gram), void *ctx)
{
    char tok[MAX_TOKEN + 2];
    uint64_t before[2] = { 0, 0 };
    size_t at = 0, from[3] = { 0, 0, 0 }, n_before = 0;
    tok[0] = '<'; /* word boundary, so that a prefix differs from a middle piece */
    for (size_t len; from[0] = at, (len = kt_token_next(text, &at, tok + 1, MAX_TOKEN)) > 0;) {
        uint64_t h = XXH3_64bits(tok + 1, len);
        if (o->words >= 1)
            see(ctx, h, (kt_str){ text.p + from[0], at - from[0] });
        if (o->words >= 2 && n_before >= 1)
            see(ctx, kt_mix64(before[0] ^ (h << 1 | h >> 63)), (kt_str){ text.p + from[1], at - from[1] });
        if (o->words >= 3 && n_before >= 2)
            see(ctx, kt_mix64(before[1] ^ kt_mix64(before[0] ^ (h << 1 | h >> 63))), (kt_str){ text.p + from[2], at - from[2] });
        before[1] = before[0];
        before[0] = h;
        from[2] = from[1];
        from[1] = from[0];
        n_before++;
        if (!o->char_min)
            continue;
        tok[len + 1] = '>';
        for (size_t w = o->char_min; w <= o->char_max; w++)
            for (size_t i = 0; i + w <= len + 2; i++)
                see(ctx, XXH3_64bits_withSeed(tok + i, w, 0x6368), (kt_str){ tok + i, w });
    }
}

typedef struct named_gram {
    void (*see)(void *ctx, uint32_t index, kt_str gram);
    void *ctx;
    uint32_t mask;
} named_gram;

/* ASCII that neither belongs to a word nor marks the end of one in a piece of a word. */
static bool separates(char c)
{
    return (unsigned char)c < 0x80 && !FOLD[(unsigned char)c] && c != '<' && c != '>';
}

static void name_gram(void *ctx, uint64_t hash, kt_str gram)
{
    const named_gram *n = ctx;
    while (gram.n && separates(gram.p[0]))
        gram.p++, gram.n--;
    while (gram.n && separates(gram.p[gram.n - 1]))
        gram.n--;
    n->see(n->ctx, (uint32_t)hash & n->mask, gram);
}

void kt_features_each(kt_str text, const kt_features_options *o, void (*see)(void *ctx, uint32_t index, kt_str gram), void *ctx)
{
    named_gram n = { see, ctx, (uint32_t)(((uint64_t)1 << o->bits) - 1) };
    each_gram(text, o, name_gram, &n);
}

/* Entries of CHUNK_ROWS rows, as one thread counts them. */
typedef struct make_chunk {
    uint32_t *index;
    float *value;
    size_t n, cap, at; /* at: where its entries go in the whole */
} make_chunk;

/* Memory kept from one use to the next. */
struct kt_features_room {
    make_chunk *chunk;
    size_t n_chunks, rows, entries; /* entries, rows: there is room for */
};

typedef struct make_job {
    const kt_str *text;
    size_t n;
    const kt_features_options *o;
    kt_features *ret;
    make_chunk *chunk;
} make_job;

static void chunk_reserve(make_chunk *c, size_t entries)
{
    if (entries <= c->cap)
        return;
    c->cap = KT_MAX(entries, 2 * c->cap);
    c->index = kt_realloc(c->index, c->cap * sizeof(*c->index));
    c->value = kt_realloc(c->value, c->cap * sizeof(*c->value));
}

typedef struct row_count {
    make_chunk *chunk;
    row_table table;
} row_count;

/* The row's entries go behind those of the rows before. */
static void row_room(row_count *r)
{
    chunk_reserve(r->chunk, r->chunk->n + r->table.cap / 2);
    r->table.index = r->chunk->index + r->chunk->n;
}

static void count_gram(void *ctx, uint64_t hash, kt_str gram)
{
    (void)gram;
    row_count *r = ctx;
    while (!table_add(&r->table, (uint32_t)hash & r->table.mask)) {
        table_size(&r->table, 2 * r->table.cap);
        row_room(r);
    }
}

static void make_part(void *ctx, size_t part)
{
    make_job *j = ctx;
    make_chunk *c = &j->chunk[part];
    row_count r = { c, { .mask = (uint32_t)(((uint64_t)1 << j->o->bits) - 1) } };
    row_table *t = &r.table;
    size_t first = part * CHUNK_ROWS, last = KT_MIN(j->n, first + CHUNK_ROWS);
    float log_of[16];
    for (int k = 1; k < 16; k++)
        log_of[k] = 1 + logf((float)k);
    c->n = 0;
    table_size(t, 1024);
    chunk_reserve(c, 64 * (last - first));
    for (size_t i = first; i < last; i++) {
        t->n = 0;
        t->generation++;
        row_room(&r);
        each_gram(j->text[i], j->o, count_gram, &r);
        for (size_t k = 0; k < t->n; k++)
            c->value[c->n + k] = t->count[k] < 16 ? log_of[t->count[k]] : 1 + logf((float)t->count[k]);
        c->n += t->n;
        j->ret->start[i + 1] = c->n; /* within the chunk until gathered */
    }
    kt_free(t->slot);
    kt_free(t->key);
    kt_free(t->count);
}

static void gather_part(void *ctx, size_t part)
{
    make_job *j = ctx;
    make_chunk *c = &j->chunk[part];
    size_t first = part * CHUNK_ROWS, base = c->at;
    if (c->n) {
        memcpy(j->ret->index + base, c->index, c->n * sizeof(*c->index));
        memcpy(j->ret->value + base, c->value, c->n * sizeof(*c->value));
    }
    for (size_t i = first; i < KT_MIN(j->n, first + CHUNK_ROWS); i++)
        j->ret->start[i + 1] += base;
}

kt_rc kt_features_options_check(const kt_features_options *o, kt_err *err)
{
    if (o->bits < 8 || o->bits > 24)
        return kt_fail(err, KT_RANGE, "feature bits %u are outside 8..24", o->bits);
    if (o->words > 3 || (o->char_min && (o->char_max < o->char_min || o->char_max > 8)) || (!o->words && !o->char_min))
        return kt_fail(err, KT_RANGE, "no such n-grams: words %u (0..3), characters %u..%u (1..8)", o->words,
                       o->char_min, o->char_max);
    return KT_OK;
}

static void room_reserve(kt_features *x, size_t rows, size_t n_chunks)
{
    if (!x->room)
        x->room = kt_zalloc(sizeof(*x->room));
    struct kt_features_room *m = x->room;
    if (!x->start || rows > m->rows) {
        kt_free(x->start);
        x->start = kt_alloc_array(rows + 1, sizeof(*x->start));
        m->rows = rows;
    }
    if (n_chunks > m->n_chunks) {
        m->chunk = kt_realloc(m->chunk, n_chunks * sizeof(*m->chunk));
        memset(m->chunk + m->n_chunks, 0, (n_chunks - m->n_chunks) * sizeof(*m->chunk));
        m->n_chunks = n_chunks;
    }
}

/* Together the chunks need this much. */
static void entries_reserve(kt_features *x, size_t entries)
{
    if (x->index && entries <= x->room->entries)
        return;
    kt_free(x->index);
    kt_free(x->value);
    x->index = kt_alloc_array(entries + 1, sizeof(*x->index));
    x->value = kt_alloc_array(entries + 1, sizeof(*x->value));
    x->room->entries = entries;
}

static void room_done(kt_features *x)
{
    for (size_t c = 0; x->room && c < x->room->n_chunks; c++) {
        kt_free(x->room->chunk[c].index);
        kt_free(x->room->chunk[c].value);
    }
    if (x->room)
        kt_free(x->room->chunk);
    x->room = kt_free(x->room);
}

kt_rc kt_features_renew(const kt_str *text, size_t n, const kt_features_options *o, kt_pool *pool, kt_features *x, kt_err *err)
{
    KT_TRY(kt_features_options_check(o, err));
    size_t n_chunks = (n + CHUNK_ROWS - 1) / CHUNK_ROWS, total = 0;
    room_reserve(x, n, n_chunks);
    x->n_rows = n;
    x->start[0] = 0;
    make_job j = { text, n, o, x, x->room->chunk };
    kt_pool_run(pool, n_chunks, make_part, &j);
    for (size_t c = 0; c < n_chunks; c++) {
        j.chunk[c].at = total;
        total += j.chunk[c].n;
    }
    entries_reserve(x, total);
    kt_pool_run(pool, n_chunks, gather_part, &j);
    return KT_OK;
}

kt_rc kt_features_make(const kt_str *text, size_t n, const kt_features_options *o, kt_pool *pool, kt_features *ret,
                       kt_err *err)
{
    kt_features x = { 0 };
    KT_TRY(kt_features_renew(text, n, o, pool, &x, err));
    room_done(&x);
    *ret = x;
    return KT_OK;
}

void kt_features_done(kt_features *f)
{
    room_done(f);
    f->start = kt_free(f->start);
    f->index = kt_free(f->index);
    f->value = kt_free(f->value);
    f->n_rows = 0;
}

void kt_idf_init(kt_idf *idf, uint32_t bits)
{
    KT_ASSERT(bits >= 8 && bits <= 24);
    *idf = (kt_idf){ bits, 0, kt_zalloc_array((size_t)1 << bits, sizeof(*idf->rows)) };
}

void kt_idf_add(kt_idf *idf, const kt_features *f)
{
    idf->n_rows += f->n_rows;
    for (size_t k = 0; k < f->start[f->n_rows]; k++)
        idf->rows[f->index[k]]++;
}

void kt_idf_done(kt_idf *idf)
{
    idf->rows = kt_free(idf->rows);
}

enum { LOGS = 1 << 16 };

typedef struct weigh_job {
    kt_features *f;
    const kt_idf *idf;
    const float *log_of; /* n_logs: weight of a feature by how many rows have it */
    size_t n_logs;
} weigh_job;

static float idf_weight(const kt_idf *idf, uint32_t rows)
{
    return (float)(1 + log((1.0 + (double)idf->n_rows) / (1.0 + rows)));
}

static void weigh_part(void *ctx, size_t part)
{
    const weigh_job *j = ctx;
    kt_features *f = j->f;
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(f->n_rows, (part + 1) * CHUNK_ROWS); i++) {
        double sum = 0;
        for (size_t k = f->start[i + 1]; j->idf && i + 1 < f->n_rows && k < f->start[i + 2]; k++)
            __builtin_prefetch(&j->idf->rows[f->index[k]]); /* the next row's, anywhere in megabytes */
        for (size_t k = f->start[i]; k < f->start[i + 1]; k++) {
            if (j->idf) {
                uint32_t rows = j->idf->rows[f->index[k]];
                f->value[k] *= rows < j->n_logs ? j->log_of[rows] : idf_weight(j->idf, rows);
            }
            sum += (double)f->value[k] * (double)f->value[k];
        }
        float scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
        for (size_t k = f->start[i]; k < f->start[i + 1]; k++)
            f->value[k] *= scale;
    }
}

void kt_features_weigh(kt_features *f, const kt_idf *idf, kt_pool *pool)
{
    weigh_job j = { .f = f, .idf = idf };
    if (idf)
        j.n_logs = (size_t)KT_MIN(KT_MIN((uint64_t)LOGS, idf->n_rows + 1), (uint64_t)f->start[f->n_rows]);
    float *log_of = kt_alloc_array(j.n_logs + 1, sizeof(*log_of));
    for (size_t k = 0; k < j.n_logs; k++)
        log_of[k] = idf_weight(idf, (uint32_t)k);
    j.log_of = log_of;
    kt_pool_run(pool, (f->n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS, weigh_part, &j);
    kt_free(log_of);
}

void kt_features_near(const kt_features *f, const double *weight, double *ret)
{
    uint32_t space = 0;
    for (size_t e = 0; e < f->start[f->n_rows]; e++)
        space = KT_MAX(space, f->index[e] + 1);
    double *sum = kt_zalloc_array(space + 1, sizeof(*sum));
    for (size_t i = 0; i < f->n_rows; i++)
        for (size_t e = f->start[i]; e < f->start[i + 1]; e++)
            sum[f->index[e]] += (double)f->value[e] * (weight ? weight[i] : 1) / (double)f->n_rows;
    for (size_t i = 0; i < f->n_rows; i++) {
        ret[i] = 0;
        for (size_t e = f->start[i]; e < f->start[i + 1]; e++)
            ret[i] += (double)f->value[e] * sum[f->index[e]];
    }
    kt_free(sum);
}
