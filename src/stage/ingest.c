/* Three things go on side by side, on all processors: the parcel of the wave before last is stored, the last wave is packed,
   and the next one is read. Then the next is parsed and hashed, and its items are numbered in order (ids that are there already
   drop out), which is the only step that has to wait for the one before. */
#include "base/limits.h"
#include "base/str.h"
#include "stage/ingest_int.h"
#include "store/column.h"

#include <string.h>
#include <xxhash.h>

struct ingest {
    kt_store *s;
    kt_project *p;
    struct kt_source src;
    struct kt_wave wave[2];     /* the one being packed, the next */
    struct kt_parcel parcel[2]; /* the one being packed, the one being stored */
    size_t turn;                /* number of the wave being packed */
    kt_map ids, contents;
    KT_VEC(uint64_t) high;      /* per item: second half of the content hash */
    kt_ingested *ret;
};

static struct kt_wave *wave(struct ingest *g, size_t turn)
{
    return &g->wave[turn % KT_LEN(g->wave)];
}

static struct kt_parcel *parcel(struct ingest *g, size_t turn)
{
    return &g->parcel[turn % KT_LEN(g->parcel)];
}

/* Lower case (ASCII) into dst; true when white space is single spaces inside the text, as it mostly is. Written so that the
   compiler makes vector code of both loops. */
static bool fold(kt_str t, char *dst)
{
    unsigned odd = t.n == 0 || t.p[0] == ' ' || t.p[t.n - 1] == ' ';
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        odd |= c < ' ';
        dst[i] = (char)(c + ((unsigned char)(c - 'A') < 26 ? 32 : 0));
    }
    for (size_t i = 1; i < t.n; i++)
        odd |= (t.p[i - 1] == ' ') & (t.p[i] == ' ');
    return !odd;
}

/* Text without case, runs of white space being one space: what "the same content" means. */
static XXH128_hash_t content_hash(kt_str t, kt_buf *tmp)
{
    kt_buf_reset(tmp);
    kt_buf_reserve(tmp, t.n + 1);
    if (fold(t, tmp->p))
        return XXH3_128bits(tmp->p, t.n);
    size_t n = 0;
    bool gap = false;
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)tmp->p[i];
        if (c <= ' ') {
            gap = n > 0;
            continue;
        }
        if (gap)
            tmp->p[n++] = ' '; /* n is behind i here */
        gap = false;
        tmp->p[n++] = (char)c;
    }
    return XXH3_128bits(tmp->p, n);
}

static void parse_block(void *ctx, size_t part)
{
    struct ingest *g = ctx;
    struct kt_block *b = &wave(g, g->turn)->block[part];
    kt_batch_reset(&b->batch);
    b->rejects.n = 0;
    b->rc = g->src.reader->parse(&g->src.layout, b->data, b->first_line, &b->batch, &b->rejects, &b->err);
    b->hash = kt_realloc(b->hash, (b->batch.n + 1) * sizeof(*b->hash));
    KT_AUTO(kt_buf) tmp = KT_BUF_INIT(KT_MAX_TEXT_BYTES + 16);
    for (size_t i = 0; i < b->batch.n; i++) {
        kt_raw *r = &b->batch.v[i];
        if (!r->ext_id.n)
            r->ext_id = kt_arena_printf(&b->batch.arena, "%s:%llu", g->src.name, (unsigned long long)r->line);
        XXH128_hash_t h = content_hash(r->text, &tmp);
        b->hash[i] = (struct kt_hashes){ kt_id_hash(r->ext_id), h.low64, h.high64 };
    }
}

/* Label number of a held-back or gold name; false (and a reject) when it is not in the label set. */
static bool label_of(struct ingest *g, struct kt_block *b, const kt_raw *r, kt_str name, const char *field, int16_t *ret)
{
    *ret = -1;
    if (!name.n)
        return true;
    *ret = (int16_t)kt_project_label(g->p, name);
    if (*ret < 0)
        kt_reject_add(&b->rejects, r->line, field, name, "label '%.*s' is not in the project's label set", (int)KT_MIN(name.n, 60), name.p);
    return *ret >= 0;
}

/* Numbers one item, or finds that it is there. */
static void take(struct ingest *g, struct kt_block *b, size_t i, struct kt_parcel *x)
{
    const kt_raw *r = &b->batch.v[i];
    const struct kt_hashes *h = &b->hash[i];
    int16_t truth, gold;
    uint32_t number = (uint32_t)g->high.n;
    int64_t there = kt_map_get(&g->ids, h->id);
    if (there >= 0) {
        if (g->high.v[there] == h->high)
            g->ret->n_there++;
        else
            kt_reject_add(&b->rejects, r->line, "id", r->ext_id, "this id is item %lld's already, with another text", (long long)there);
        return;
    }
    if (!label_of(g, b, r, r->truth, "truth", &truth) || !label_of(g, b, r, r->gold, "gold", &gold))
        return;
    kt_map_put(&g->ids, h->id, number);
    uint32_t canonical = kt_map_put(&g->contents, h->low, number);
    if (canonical != number && g->high.v[canonical] != h->high)
        canonical = number; /* 64 bits agree, 128 do not */
    g->ret->n_exact += canonical != number;
    KT_PUSH(&g->high, h->high);
    KT_PUSH(&x->id, h->id);
    KT_PUSH(&x->low, h->low);
    KT_PUSH(&x->high, h->high);
    KT_PUSH(&x->canonical, canonical);
    KT_PUSH(&x->truth, truth);
    KT_PUSH(&x->gold, gold);
    KT_PUSH(&x->group, r->group.n ? XXH3_64bits(r->group.p, r->group.n) | 1 : 0);
    b->keep[b->n_keep++] = r;
}

static void take_block(struct ingest *g, struct kt_block *b, struct kt_parcel *x)
{
    enum { AHEAD = 8 }; /* both maps are far larger than a cache */
    b->keep = kt_realloc(b->keep, (b->batch.n + 1) * sizeof(*b->keep));
    b->n_keep = 0;
    kt_map_reserve(&g->ids, g->ids.n + b->batch.n);
    kt_map_reserve(&g->contents, g->contents.n + b->batch.n);
    for (size_t i = 0; i < b->batch.n; i++) {
        const struct kt_hashes *far = &b->hash[KT_MIN(i + AHEAD, b->batch.n - 1)];
        kt_map_prefetch(&g->ids, far->id);
        kt_map_prefetch(&g->contents, far->low);
        take(g, b, i, x);
    }
}

/* Numbers the items of the wave that has been parsed. */
static kt_rc take_wave(struct ingest *g, kt_err *err)
{
    struct kt_wave *w = wave(g, g->turn);
    struct kt_parcel *x = parcel(g, g->turn);
    x->first = (uint32_t)g->high.n;
    x->id.n = x->low.n = x->high.n = x->canonical.n = x->truth.n = x->gold.n = x->group.n = 0;
    for (size_t i = 0; i < w->n_blocks; i++) {
        struct kt_block *b = &w->block[i];
        if (b->rc < 0)
            return *err = b->err, b->rc;
        take_block(g, b, x);
        kt_rejects swap = b->rejects; /* the block goes on with the vector that has been stored */
        b->rejects = x->rejects[i];
        x->rejects[i] = swap;
    }
    if (g->high.n >= KT_MAX_ITEMS)
        return kt_fail(err, KT_LIMIT, "a project holds at most %u items", KT_MAX_ITEMS);
    x->n = g->high.n - x->first;
    x->n_blocks = w->n_blocks;
    x->after = w->after;
    x->ready = true;
    return 0;
}

static void store_parcel(struct ingest *g, struct kt_parcel *x)
{
    x->rc = x->ready ? kt_parcel_store(g->s, g->p, g->src.config, x, g->ret, &x->err) : 0;
    x->ready = false;
}

/* The three things that go on side by side. */
static void step_part(void *ctx, size_t part)
{
    struct ingest *g = ctx;
    struct kt_wave *w = wave(g, g->turn), *next = wave(g, g->turn + 1);
    if (part == 0) {
        store_parcel(g, parcel(g, g->turn + 1)); /* of the wave before, whose turn comes round again */
    } else if (part == 1) {
        next->rc = w->after.state == KT_PLACE_DONE ? KT_DONE : kt_source_next(&g->src, w, next, &next->err);
    } else {
        kt_frames *f = &parcel(g, g->turn)->frames[part - 2];
        const struct kt_block *b = &w->block[part - 2];
        kt_frames_reset(f);
        kt_frames_pack(f, b->keep, b->n_keep);
    }
}

static kt_rc run_waves(struct ingest *g, kt_pool *pool, kt_progress *progress, kt_err *err)
{
    for (kt_rc rc = 0;; g->turn++) {
        struct kt_wave *w = wave(g, g->turn), *next = wave(g, g->turn + 1);
        struct kt_parcel *x = parcel(g, g->turn), *before = parcel(g, g->turn + 1);
        kt_pool_run(pool, w->n_blocks, parse_block, g);
        rc = take_wave(g, err);
        kt_pool_run(pool, rc < 0 ? 1 : 2 + w->n_blocks, step_part, g);
        KT_TRY(rc);
        if (before->rc < 0)
            return *err = before->err, before->rc;
        KT_TRY(kt_progress_step(progress, g->ret->n_added, err));
        if (next->rc != 0) { /* the end, or the source cannot be read on */
            store_parcel(g, x);
            if (x->rc < 0 || next->rc < 0)
                *err = x->rc < 0 ? x->err : next->err;
            return x->rc < 0 ? x->rc : next->rc;
        }
    }
}

static kt_rc load_u64(struct ingest *g, const char *name, uint64_t *ret, kt_err *err)
{
    kt_column_part part = { kt_str_of(name), 0, g->p->n_items, 8 };
    return kt_column_get(g->s, g->p->id, &part, 0, ret, err);
}

static kt_rc load_known(struct ingest *g, kt_err *err)
{
    uint32_t n = g->p->n_items;
    KT_RESERVE(&g->high, (size_t)n + 1);
    g->high.n = n;
    KT_TRY(load_u64(g, "content_high", g->high.v, err));
    uint64_t *tmp = kt_alloc_array((size_t)n + 1, 8);
    kt_rc rc = load_u64(g, "id_hash", tmp, err);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        kt_map_put(&g->ids, tmp[i], i);
    if (rc == 0)
        rc = load_u64(g, "content_low", tmp, err);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        kt_map_put(&g->contents, tmp[i], i);
    kt_free(tmp);
    return rc;
}

static void done(struct ingest *g)
{
    for (size_t k = 0; k < KT_LEN(g->wave); k++) {
        for (size_t i = 0; i < KT_WAVE_BLOCKS; i++) {
            struct kt_block *b = &g->wave[k].block[i];
            kt_batch_done(&b->batch);
            kt_rejects_done(&b->rejects);
            kt_free(b->hash);
            kt_free(b->keep);
        }
        kt_free(g->wave[k].window);
        kt_parcel_done(&g->parcel[k]);
    }
    kt_source_close(&g->src);
    kt_map_done(&g->ids);
    kt_map_done(&g->contents);
    KT_VEC_DONE(&g->high);
}

kt_rc kt_ingest(kt_store *s, kt_project *p, const kt_source_config *src, kt_pool *pool, kt_progress *progress, kt_ingested *ret, kt_err *err)
{
    struct ingest *g = kt_zalloc(sizeof(*g));
    *g = (struct ingest){ .s = s, .p = p, .ret = ret };
    kt_progress_begin(progress, "ingest", 0);
    kt_rc rc = kt_source_open(s, p->id, src, &g->src, &g->wave[0], err);
    if (rc == 0)
        rc = load_known(g, err);
    if (rc == 0)
        rc = run_waves(g, pool, progress, err);
    kt_progress_end(progress);
    done(g);
    kt_free(g);
    return rc == KT_DONE ? 0 : rc;
}
