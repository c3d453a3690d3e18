/* What a tagger looks at: the word, its affixes and shape, its neighbours, pairs of these, and whether the sentence is
   written with capitals. Every feature has a readable name, and its hash
   is the name's, so explanations need no dictionary. */
#include "algo/learn/crf_int.h"

#include "base/str.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { MAX_WORD = 48, MAX_SHAPE = 24, CHUNK_SENTENCES = 32 };

typedef struct word {
    char low[MAX_WORD], shape[MAX_SHAPE], raw[MAX_WORD];
    uint8_t n_low, n_shape, n_raw;
    uint8_t at[MAX_WORD + 1]; /* where its characters begin in low, and the end */
    uint8_t n_chars;
} word;

struct kt_crf_words {
    size_t n;
    const char *capitals; /* how the sentence is written; NULL where its letters have no case */
    word w[];
};

/* Class of a character: X capital, x small, d digit, c kana or Han, the sign itself, or o for other letters. */
static char shape_of(unsigned char c, size_t len)
{
    if (len >= 3 && c >= 0xe3 && c <= 0xe9)
        return 'c';
    if (len > 1)
        return 'o';
    return (char)(c >= 'A' && c <= 'Z' ? 'X' : c >= 'a' && c <= 'z' ? 'x' : c >= '0' && c <= '9' ? 'd' : c);
}

static size_t char_bytes(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
    return KT_MIN(len, n);
}

static void read_word(kt_str s, word *w)
{
    memset(w, 0, sizeof(*w));
    for (size_t i = 0, len; i < s.n; i += len) {
        len = char_bytes(s.p + i, s.n - i);
        char kind = shape_of((unsigned char)s.p[i], len);
        bool again = w->n_shape >= 2 && w->shape[w->n_shape - 1] == kind && w->shape[w->n_shape - 2] == kind;
        if (!again && w->n_shape < MAX_SHAPE) /* runs are cut to two: Xxx, dd */
            w->shape[w->n_shape++] = kind;
        if (w->n_low + len > MAX_WORD)
            continue;
        memcpy(w->raw + w->n_low, s.p + i, len);
        memcpy(w->low + w->n_low, s.p + i, len);
        if (kind == 'X')
            w->low[w->n_low] = (char)(s.p[i] + ('a' - 'A'));
        w->at[w->n_chars++] = w->n_low;
        w->n_low = (uint8_t)(w->n_low + len);
    }
    w->at[w->n_chars] = w->n_low;
    w->n_raw = w->n_low;
}

/* Where everything begins with a capital, or nothing does, a capital says little. */
static const char *capitals_of(const kt_crf_words *w)
{
    size_t large = 0, small = 0;
    for (size_t i = 0; i < w->n; i++) {
        large += w->w[i].n_shape && w->w[i].shape[0] == 'X';
        small += w->w[i].n_shape && w->w[i].shape[0] == 'x';
    }
    if (large + small == 0)
        return NULL;
    return large == 0 ? "none" : small == 0 ? "all" : large > small ? "most" : "some";
}

kt_crf_words *kt_crf_words_new(const kt_str *token, size_t n)
{
    kt_crf_words *w = kt_alloc(sizeof(*w) + n * sizeof(w->w[0]));
    w->n = n;
    for (size_t i = 0; i < n; i++)
        read_word(token[i], &w->w[i]);
    w->capitals = capitals_of(w);
    return w;
}

void kt_crf_words_free(kt_crf_words *w)
{
    kt_free(w);
}

typedef struct feature {
    char b[4 * MAX_WORD + 32];
    size_t n;
    void (*see)(void *ctx, uint64_t hash, kt_str name);
    void *ctx;
} feature;

static void put(feature *f, const char *s, size_t n)
{
    n = KT_MIN(n, sizeof(f->b) - f->n);
    memcpy(f->b + f->n, s, n);
    f->n += n;
}

static void begin(feature *f, const char *name)
{
    f->n = 0;
    put(f, name, strlen(name));
}

static void end(feature *f)
{
    f->see(f->ctx, XXH3_64bits(f->b, f->n), (kt_str){ f->b, f->n });
}

/* The word, or the edge of the sentence. */
static void put_word(feature *f, const kt_crf_words *w, size_t at, int off)
{
    size_t i = at + (size_t)(ptrdiff_t)off; /* wraps to something large before the start */
    if (i < w->n)
        put(f, w->w[i].low, w->w[i].n_low);
    else
        put(f, off < 0 ? "<s>" : "</s>", off < 0 ? 3 : 4);
}

static void put_shape(feature *f, const kt_crf_words *w, size_t at, int off)
{
    size_t i = at + (size_t)(ptrdiff_t)off;
    if (i < w->n)
        put(f, w->w[i].shape, w->w[i].n_shape);
    else
        put(f, off < 0 ? "<s>" : "</s>", off < 0 ? 3 : 4);
}

static void affixes(feature *f, const word *w)
{
    static const char *const front[] = { "prefix1=", "prefix2=", "prefix3=", "prefix4=" }, *const back[] = { "suffix1=", "suffix2=", "suffix3=", "suffix4=" };
    for (size_t n = 1; n <= 4 && n < w->n_chars; n++) {
        begin(f, front[n - 1]);
        put(f, w->low, w->at[n]);
        end(f);
        begin(f, back[n - 1]);
        put(f, w->low + w->at[w->n_chars - n], (size_t)w->n_low - w->at[w->n_chars - n]);
        end(f);
    }
}

/* The shape in what the rest of the sentence makes of it. */
static void put_capitals(feature *f, const kt_crf_words *w, size_t at)
{
    begin(f, at ? "shape, capitals=" : "first, shape, capitals=");
    put_shape(f, w, at, 0);
    put(f, " ", 1);
    put(f, w->capitals, strlen(w->capitals));
    end(f);
}

/* Windows of words and shapes. from and to: offsets of the first and last. */
static const struct window { const char *name; int from, to; bool shape; } windows[] = {
    { "word=", 0, 0, false },          { "word[-1]=", -1, -1, false },    { "word[-2]=", -2, -2, false },   { "word[+1]=", 1, 1, false },
    { "word[+2]=", 2, 2, false },      { "words[-1,0]=", -1, 0, false },  { "words[0,+1]=", 0, 1, false },  { "words[-2,-1]=", -2, -1, false },
    { "words[+1,+2]=", 1, 2, false },  { "words[-1,+1]=", -1, 1, false }, { "shape=", 0, 0, true },         { "shape[-1]=", -1, -1, true },
    { "shape[+1]=", 1, 1, true },      { "shapes[-1,0]=", -1, 0, true },  { "shapes[0,+1]=", 0, 1, true },  { "shapes[-1,+1]=", -1, 1, true },
};

void kt_crf_each(const kt_crf_words *w, size_t at, void (*see)(void *ctx, uint64_t hash, kt_str name), void *ctx)
{
    feature f = { .see = see, .ctx = ctx };
    const word *here = &w->w[at];
    for (size_t i = 0; i < KT_LEN(windows); i++) {
        begin(&f, windows[i].name);
        for (int off = windows[i].from; off <= windows[i].to; off++) {
            if (off > windows[i].from)
                put(&f, " ", 1);
            (windows[i].shape ? put_shape : put_word)(&f, w, at, off);
        }
        end(&f);
    }
    affixes(&f, here);
    begin(&f, "as written=");
    put(&f, here->raw, here->n_raw);
    end(&f);
    for (int off = -1; off <= 1; off += 2) {
        size_t i = at + (size_t)(ptrdiff_t)off;
        if (i >= w->n || w->w[i].n_chars < 3)
            continue;
        begin(&f, off < 0 ? "suffix3[-1]=" : "suffix3[+1]=");
        put(&f, w->w[i].low + w->w[i].at[w->w[i].n_chars - 3], (size_t)w->w[i].n_low - w->w[i].at[w->w[i].n_chars - 3]);
        end(&f);
    }
    if (w->capitals)
        put_capitals(&f, w, at);
    begin(&f, "length=");
    put(&f, &"0123456789+"[KT_MIN(here->n_chars, 10)], 1);
    end(&f);
    begin(&f, "any token");
    end(&f);
}

typedef struct rows_job {
    const kt_crf_text *x;
    uint32_t mask;
    kt_features *ret;
    struct part { KT_VEC(uint32_t) index; } *part;
} rows_job;

typedef struct row_sink {
    struct part *part;
    size_t from; /* of this token */
    uint32_t mask;
} row_sink;

static void add_feature(void *ctx, uint64_t hash, kt_str name)
{
    (void)name;
    row_sink *s = ctx;
    uint32_t index = (uint32_t)hash & s->mask;
    for (size_t i = s->from; i < s->part->index.n; i++)
        if (s->part->index.v[i] == index)
            return;
    KT_PUSH(&s->part->index, index);
}

/* What others say of the token and of those beside it. */
static void add_cues(const kt_crf_text *x, size_t from, size_t n, size_t at, row_sink *s)
{
    for (int off = -1; off <= 1; off++) {
        size_t i = at + (size_t)(ptrdiff_t)off;
        for (size_t c = i < n ? x->cue_start[from + i] : 0; i < n && c < x->cue_start[from + i + 1]; c++) {
            const uint64_t key[2] = { (uint64_t)(off + 1), x->cue[c] };
            add_feature(s, XXH3_64bits(key, sizeof(key)), (kt_str){ NULL, 0 });
        }
    }
}

static void rows_part(void *ctx, size_t p)
{
    rows_job *j = ctx;
    row_sink s = { &j->part[p], 0, j->mask };
    for (size_t q = p * CHUNK_SENTENCES; q < KT_MIN(j->x->n_sentences, (p + 1) * CHUNK_SENTENCES); q++) {
        size_t from = j->x->start[q], n = j->x->start[q + 1] - from;
        kt_crf_words *w = kt_crf_words_new(j->x->token + from, n);
        for (size_t t = 0; t < n; t++) {
            s.from = s.part->index.n;
            kt_crf_each(w, t, add_feature, &s);
            if (j->x->cue_start)
                add_cues(j->x, from, n, t, &s);
            j->ret->start[from + t + 1] = s.part->index.n - s.from; /* lengths until gathered */
        }
        kt_crf_words_free(w);
    }
}

void kt_crf_rows(const kt_crf_text *x, uint32_t bits, kt_pool *pool, kt_features *ret)
{
    size_t n = x->start[x->n_sentences], n_parts = (x->n_sentences + CHUNK_SENTENCES - 1) / CHUNK_SENTENCES, at = 0;
    kt_features f = { .n_rows = n, .start = kt_zalloc_array(n + 1, sizeof(*f.start)) };
    rows_job j = { x, (uint32_t)(((uint64_t)1 << bits) - 1), &f, kt_zalloc_array(n_parts + 1, sizeof(*j.part)) };
    kt_pool_run(pool, n_parts, rows_part, &j);
    for (size_t i = 0; i < n; i++)
        f.start[i + 1] += f.start[i];
    f.index = kt_alloc_array(f.start[n] + 1, sizeof(*f.index));
    f.value = kt_alloc_array(f.start[n] + 1, sizeof(*f.value));
    for (size_t p = 0; p < n_parts; p++) {
        if (j.part[p].index.n)
            memcpy(f.index + at, j.part[p].index.v, j.part[p].index.n * sizeof(*f.index));
        at += j.part[p].index.n;
        KT_VEC_DONE(&j.part[p].index);
    }
    for (size_t i = 0; i < at; i++)
        f.value[i] = 1;
    kt_free(j.part);
    *ret = f;
}

size_t kt_crf_tokens(kt_str text, kt_arena *a, kt_str **ret)
{
    KT_VEC(kt_str) v = { 0 };
    for (size_t i = 0, len; i < text.n; i += len) {
        len = char_bytes(text.p + i, text.n - i);
        char kind = shape_of((unsigned char)text.p[i], len), before = 0;
        if (len == 1 && (unsigned char)text.p[i] <= ' ')
            continue;
        bool joins = kind == 'X' || kind == 'x' || kind == 'd' || kind == 'o';
        if (v.n && v.v[v.n - 1].p + v.v[v.n - 1].n == text.p + i) {
            size_t first = char_bytes(v.v[v.n - 1].p, v.v[v.n - 1].n);
            before = shape_of((unsigned char)v.v[v.n - 1].p[0], first);
        }
        if (joins && (before == 'X' || before == 'x' || before == 'd' || before == 'o'))
            v.v[v.n - 1].n += len;
        else
            KT_PUSH(&v, (kt_str){ text.p + i, len });
    }
    *ret = kt_arena_array(a, v.n + 1, sizeof(kt_str));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(kt_str));
    size_t n = v.n;
    KT_VEC_DONE(&v);
    return n;
}
