/* Item chunks. A chunk's blob:

     "KTI1" | u32 n_frames | n_frames × (u32 items, u32 bytes) | frame | frame | …

   A frame is zstd of: per item five varint lengths (ext_id, text, group, meta) and the line number, then the bytes, item
   after item. At most FRAME_ITEMS items and about FRAME_BYTES of text per frame. Numbers are little-endian. */
#include "store/item.h"

#include "base/json.h"
#include "base/str.h"
#include "store/audit.h"
#include "store/column.h"

#include <stdatomic.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#define FRAME_ITEMS 256
#define FRAME_BYTES ((size_t)128 << 10)
#define CACHE_FRAMES 64
#define MAX_FRAME_RAW ((size_t)256 << 20)
#define KEEP_RAW ((size_t)1 << 20)
#define KEEP_MAPPED ((size_t)1 << 20) /* a scan lets go of what it has read after so many bytes */

void kt_frames_reset(kt_frames *f)
{
    f->data.max = (size_t)1 << 32;
    kt_buf_reset(&f->data);
    f->n_items.n = f->size.n = 0;
}

void kt_frames_done(kt_frames *f)
{
    kt_buf_done(&f->data);
    KT_VEC_DONE(&f->n_items);
    KT_VEC_DONE(&f->size);
    ZSTD_freeCCtx(f->zstd);
    f->zstd = NULL;
}

/* Level 1 with a table that stays in the first cache and matches of seven bytes or more: for a frame of texts a fifth faster
   than level 1 as it comes, and within a few hundredths of its size. */
static ZSTD_CCtx *compressor(void)
{
    ZSTD_CCtx *zc = ZSTD_createCCtx();
    KT_ASSERT(zc);
    ZSTD_CCtx_setParameter(zc, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(zc, ZSTD_c_hashLog, 13);
    ZSTD_CCtx_setParameter(zc, ZSTD_c_minMatch, 7);
    return zc;
}

static void close_frame(kt_frames *f, kt_buf *raw, uint32_t n_items)
{
    size_t room = ZSTD_compressBound(raw->n);
    KT_ASSERT(kt_buf_reserve(&f->data, room));
    size_t n = ZSTD_compress2(f->zstd, f->data.p + f->data.n, room, raw->p, raw->n);
    KT_ASSERT(!ZSTD_isError(n));
    f->data.n += n;
    KT_PUSH(&f->n_items, n_items);
    KT_PUSH(&f->size, (uint32_t)n);
    kt_buf_reset(raw);
}

void kt_frames_pack(kt_frames *f, const kt_raw *const *raw, size_t n)
{
    if (!f->zstd)
        f->zstd = compressor();
    KT_AUTO(kt_buf) b = KT_BUF_INIT(MAX_FRAME_RAW);
    uint32_t in_frame = 0;
    for (size_t i = 0; i < n; i++) {
        const kt_str part[] = { raw[i]->ext_id, raw[i]->text, raw[i]->group, raw[i]->meta };
        for (size_t k = 0; k < KT_LEN(part); k++)
            kt_buf_varint(&b, part[k].n);
        kt_buf_varint(&b, raw[i]->line);
        for (size_t k = 0; k < KT_LEN(part); k++)
            kt_buf_str(&b, part[k]);
        KT_ASSERT(!b.failed);
        if (++in_frame == FRAME_ITEMS || b.n >= FRAME_BYTES) {
            close_frame(f, &b, in_frame);
            in_frame = 0;
        }
    }
    if (in_frame)
        close_frame(f, &b, in_frame);
}

static void put_u32(kt_buf *b, uint32_t v)
{
    kt_buf_add(b, &v, sizeof(v)); /* little-endian hosts only: x86-64 and arm64 */
}

static uint32_t get_u32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

kt_rc kt_items_put(kt_store *s, int64_t project, uint32_t first, const kt_frames *parts, size_t n, kt_err *err)
{
    KT_AUTO(kt_buf) head = KT_BUF_INIT((size_t)64 << 20);
    kt_str *bytes = kt_alloc_array(n + 1, sizeof(*bytes));
    uint32_t n_items = 0, n_frames = 0;
    for (size_t i = 0; i < n; i++)
        n_frames += (uint32_t)parts[i].size.n;
    kt_buf_puts(&head, "KTI1");
    put_u32(&head, n_frames);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < parts[i].size.n; k++) {
            put_u32(&head, parts[i].n_items.v[k]);
            put_u32(&head, parts[i].size.v[k]);
            n_items += parts[i].n_items.v[k];
        }
        bytes[i + 1] = KT_BUF_STR(&parts[i].data);
    }
    KT_ASSERT(!head.failed);
    bytes[0] = KT_BUF_STR(&head);
    kt_digest d;
    kt_rc rc = kt_blob_put_parts(kt_store_blobs(s), bytes, n + 1, &d, err);
    kt_free(bytes);
    KT_TRY(rc);
    KT_AUTO(kt_buf) data = KT_BUF_INIT(4096);
    kt_buf_printf(&data, "{\"first\":%u,\"n\":%u,\"blobs\":[\"", first, n_items);
    kt_buf_hex(&data, d.b, sizeof(d.b));
    kt_buf_puts(&data, "\"]}");
    const kt_event e = { KT_S("karat"), KT_S("items.add"), project, -1, KT_BUF_STR(&data) };
    uint64_t seq;
    KT_TRY(kt_audit_append(s, &e, &seq, err));
    KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO item_chunk VALUES($1,$2,$3,$4,$5)", "iiibi", project, (int64_t)first,
                     (int64_t)n_items, (kt_str){ (char *)d.b, sizeof(d.b) }, (int64_t)seq));
    return kt_db_run(kt_store_db(s), err, "UPDATE project SET n_items=$1 WHERE id=$2", "ii", (int64_t)first + n_items, project);
}

/* ---- reading ---- */

struct frame {
    uint32_t first, n; /* items */
    uint32_t chunk;
    size_t offset, size; /* in the chunk's blob */
};

struct chunk {
    kt_digest digest;
    kt_blob blob; /* mapped when first needed */
};

struct cached {
    uint32_t frame; /* number + 1; 0: empty */
    uint64_t used;
    char *raw;
    size_t n_raw;
    kt_item *items;
};

/* What one part of a scan works in; kept from one scan to the next. */
struct scratch {
    ZSTD_DCtx *zstd;
    kt_buf raw;
    kt_item items[FRAME_ITEMS];
    size_t chunk, from, to; /* bytes of a chunk that have been read and are still mapped in */
};

struct kt_item_reader {
    kt_store *s;
    KT_VEC(struct chunk) chunks;
    KT_VEC(struct frame) frames;
    struct cached cache[CACHE_FRAMES];
    uint64_t tick;
    ZSTD_DCtx *zstd; /* of the cache */
    struct scratch *slot[KT_SCAN_SLOTS];
};

/* Adds the frames of the last chunk, whose items begin at first; *ret_n: how many items they hold. */
static kt_rc index_chunk(kt_item_reader *r, uint32_t first, uint64_t *ret_n, kt_err *err)
{
    kt_str data = r->chunks.v[r->chunks.n - 1].blob.data;
    uint32_t n_frames = data.n >= 8 && memcmp(data.p, "KTI1", 4) == 0 ? get_u32(data.p + 4) : 0;
    size_t at = 8 + 8 * (size_t)n_frames;
    *ret_n = 0;
    for (uint32_t i = 0; i < n_frames && at <= data.n; i++) {
        struct frame f = { .first = first + (uint32_t)*ret_n, .n = get_u32(data.p + 8 + 8 * (size_t)i),
                           .chunk = (uint32_t)r->chunks.n - 1, .offset = at, .size = get_u32(data.p + 12 + 8 * (size_t)i) };
        if (f.n > FRAME_ITEMS)
            return kt_fail(err, KT_CORRUPT, "an item frame is too large");
        at += f.size;
        *ret_n += f.n;
        KT_PUSH(&r->frames, f);
    }
    return at == data.n ? 0 : kt_fail(err, KT_CORRUPT, "the item chunk at %u is damaged", first);
}

static kt_rc add_chunk(kt_item_reader *r, kt_stmt *row, kt_err *err)
{
    struct chunk c = { 0 };
    uint32_t first = (uint32_t)kt_stmt_i64(row, 0), n = (uint32_t)kt_stmt_i64(row, 1);
    uint64_t found;
    kt_str digest = kt_stmt_str(row, 2);
    if (digest.n != sizeof(c.digest.b))
        return kt_fail(err, KT_CORRUPT, "an item chunk's row is damaged");
    memcpy(c.digest.b, digest.p, sizeof(c.digest.b));
    KT_TRY(kt_blob_map(kt_store_blobs(r->s), &c.digest, false, &c.blob, err));
    KT_PUSH(&r->chunks, c);
    KT_TRY(index_chunk(r, first, &found, err));
    return found == n ? 0 : kt_fail(err, KT_CORRUPT, "the item chunk at %u holds %llu items, not %u", first, (unsigned long long)found, n);
}

kt_rc kt_item_reader_new(kt_store *s, int64_t project, kt_item_reader **ret, kt_err *err)
{
    kt_item_reader *r = kt_zalloc(sizeof(*r));
    r->s = s;
    kt_stmt *st;
    kt_rc rc = kt_db_query(kt_store_db(s), &st, err, "SELECT first,n,digest FROM item_chunk WHERE project=$1 ORDER BY first", "i", project);
    if (rc == 0) {
        while ((rc = kt_stmt_step(st, err)) == 0)
            if ((rc = add_chunk(r, st, err)) < 0)
                break;
        kt_stmt_done(st);
    }
    if (rc < 0) {
        kt_item_reader_free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

kt_item_reader *kt_item_reader_free(kt_item_reader *r)
{
    if (!r)
        return NULL;
    for (size_t i = 0; i < r->chunks.n; i++)
        kt_blob_unmap(&r->chunks.v[i].blob);
    for (size_t i = 0; i < CACHE_FRAMES; i++) {
        kt_free(r->cache[i].raw);
        kt_free(r->cache[i].items);
    }
    ZSTD_freeDCtx(r->zstd);
    for (size_t i = 0; i < KT_SCAN_SLOTS; i++)
        if (r->slot[i]) {
            ZSTD_freeDCtx(r->slot[i]->zstd);
            kt_buf_done(&r->slot[i]->raw);
            kt_free(r->slot[i]);
        }
    KT_VEC_DONE(&r->chunks);
    KT_VEC_DONE(&r->frames);
    return kt_free(r);
}

/* Cuts the frame's bytes into items; false when they do not add up. */
static bool parse_frame(const struct frame *f, kt_str raw, kt_item *ret)
{
    size_t at = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        uint64_t len[4], line;
        for (int k = 0; k < 4; k++)
            if (!kt_varint_read(raw, &at, &len[k]))
                return false;
        if (!kt_varint_read(raw, &at, &line))
            return false;
        kt_str part[4];
        for (int k = 0; k < 4; k++) {
            if (len[k] > raw.n - at)
                return false;
            part[k] = (kt_str){ raw.p + at, (size_t)len[k] };
            at += (size_t)len[k];
        }
        ret[i] = (kt_item){ f->first + i, part[0], part[1], part[2], part[3], line };
    }
    return at == raw.n;
}

/* Unpacks a frame into *raw (grown as needed) and items[f->n]; *zstd is made when there is none. */
static kt_rc unpack(const kt_item_reader *r, const struct frame *f, ZSTD_DCtx **zstd, kt_buf *raw, kt_item *items, kt_err *err)
{
    const char *p = r->chunks.v[f->chunk].blob.data.p + f->offset;
    unsigned long long n = ZSTD_getFrameContentSize(p, f->size);
    kt_buf_reset(raw);
    if (!*zstd)
        *zstd = ZSTD_createDCtx();
    KT_ASSERT(*zstd);
    if (n > MAX_FRAME_RAW || !kt_buf_reserve(raw, (size_t)n) || ZSTD_decompressDCtx(*zstd, raw->p, (size_t)n, p, f->size) != n)
        return kt_fail(err, KT_CORRUPT, "the items from %u on do not unpack", f->first);
    raw->n = (size_t)n;
    if (!parse_frame(f, KT_BUF_STR(raw), items))
        return kt_fail(err, KT_CORRUPT, "the items from %u on are damaged", f->first);
    return 0;
}

/* Number of the frame that holds item, or frames.n. */
static size_t frame_of(const kt_item_reader *r, uint32_t item)
{
    size_t lo = 0, hi = r->frames.n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (r->frames.v[mid].first + r->frames.v[mid].n <= item)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

kt_rc kt_item_get(kt_item_reader *r, uint32_t item, kt_item *ret, kt_err *err)
{
    size_t k = frame_of(r, item);
    if (k == r->frames.n || r->frames.v[k].first > item)
        return kt_fail(err, KT_NOTFOUND, "there is no item %u", item);
    struct cached *c = &r->cache[0];
    for (size_t i = 0; i < CACHE_FRAMES; i++) {
        if (r->cache[i].frame == k + 1) {
            c = &r->cache[i];
            break;
        }
        if (r->cache[i].used < c->used)
            c = &r->cache[i];
    }
    const struct frame *f = &r->frames.v[k];
    if (c->frame != k + 1) {
        kt_buf raw = KT_BUF_INIT(MAX_FRAME_RAW);
        c->frame = 0;
        c->items = kt_realloc(c->items, f->n * sizeof(kt_item));
        kt_free(c->raw);
        c->raw = NULL;
        kt_rc rc = unpack(r, f, &r->zstd, &raw, c->items, err);
        c->raw = raw.p;
        KT_TRY(rc);
        c->frame = (uint32_t)k + 1;
    }
    c->used = ++r->tick;
    *ret = c->items[item - f->first];
    return 0;
}

/* ---- scanning ---- */

struct scan {
    kt_item_reader *r;
    size_t from, to;      /* frames, or places in the list */
    uint32_t first, end;  /* items wanted */
    const uint32_t *list; /* NULL: all of them */
    kt_scan_fn fn;
    void *ctx;
    size_t n_parts;
    atomic_int failed;
    kt_rc rc;
    kt_err *err;
};

static void forget(const struct scan *sc, struct scratch *x)
{
    if (x->to > x->from)
        kt_blob_forget(&sc->r->chunks.v[x->chunk].blob, x->from, x->to);
    x->from = x->to;
}

static kt_rc scan_unpack(const struct scan *sc, size_t frame, struct scratch *x, kt_err *err)
{
    const struct frame *f = &sc->r->frames.v[frame];
    if (f->chunk != x->chunk || x->to - x->from > KEEP_MAPPED) {
        forget(sc, x);
        x->chunk = f->chunk;
        x->from = f->offset;
    }
    x->to = f->offset + f->size;
    return unpack(sc->r, f, &x->zstd, &x->raw, x->items, err);
}

static kt_rc scan_range(struct scan *sc, size_t part, struct scratch *x, kt_err *err)
{
    size_t n = sc->to - sc->from, from = sc->from + n * part / sc->n_parts, to = sc->from + n * (part + 1) / sc->n_parts;
    for (size_t k = from; k < to && !atomic_load(&sc->failed); k++) {
        const struct frame *f = &sc->r->frames.v[k];
        KT_TRY(scan_unpack(sc, k, x, err));
        uint32_t a = KT_MAX(f->first, sc->first), b = KT_MIN(f->first + f->n, sc->end);
        if (a < b)
            KT_TRY(sc->fn(sc->ctx, (int)part, x->items + (a - f->first), b - a, err));
    }
    return 0;
}

static kt_rc scan_list(struct scan *sc, size_t part, struct scratch *x, kt_err *err)
{
    size_t i = sc->to * part / sc->n_parts, to = sc->to * (part + 1) / sc->n_parts;
    while (i < to && !atomic_load(&sc->failed)) {
        size_t k = frame_of(sc->r, sc->list[i]), n = 0;
        if (k == sc->r->frames.n || sc->r->frames.v[k].first > sc->list[i])
            return kt_fail(err, KT_NOTFOUND, "there is no item %u", sc->list[i]);
        KT_TRY(scan_unpack(sc, k, x, err));
        for (const struct frame *f = &sc->r->frames.v[k]; i < to && sc->list[i] - f->first < f->n; i++)
            x->items[n++] = x->items[sc->list[i] - f->first]; /* ascending, so what is overwritten has been passed */
        KT_TRY(sc->fn(sc->ctx, (int)part, x->items, n, err));
    }
    return 0;
}

static void scan_run(void *ctx, size_t part)
{
    struct scan *sc = ctx;
    kt_err err = { 0 };
    if (!sc->r->slot[part]) {
        sc->r->slot[part] = kt_zalloc(sizeof(struct scratch));
        sc->r->slot[part]->raw.max = MAX_FRAME_RAW;
    }
    struct scratch *x = sc->r->slot[part];
    kt_rc rc = sc->list ? scan_list(sc, part, x, &err) : scan_range(sc, part, x, &err);
    forget(sc, x);
    if (x->raw.cap > KEEP_RAW) /* one huge item would hold its memory for ever */
        kt_buf_done(&x->raw);
    if (rc < 0 && atomic_exchange(&sc->failed, 1) == 0) {
        sc->rc = rc;
        if (sc->err)
            *sc->err = err;
    }
}

kt_rc kt_item_scan(kt_item_reader *r, uint32_t first, uint32_t n, kt_pool *pool, kt_scan_fn fn, void *ctx, kt_err *err)
{
    if (n == 0)
        return 0;
    struct scan sc = { .r = r, .from = frame_of(r, first), .first = first, .end = first + n, .fn = fn, .ctx = ctx, .err = err };
    sc.to = KT_MIN(frame_of(r, first + n - 1) + 1, r->frames.n);
    sc.n_parts = KT_MIN(sc.to - sc.from, (size_t)KT_SCAN_SLOTS);
    kt_pool_run(pool, sc.n_parts, scan_run, &sc);
    return sc.rc;
}

kt_rc kt_item_scan_list(kt_item_reader *r, const uint32_t *item, size_t n, kt_pool *pool, kt_scan_fn fn, void *ctx, kt_err *err)
{
    if (n == 0)
        return 0;
    struct scan sc = { .r = r, .to = n, .list = item, .fn = fn, .ctx = ctx, .err = err, .n_parts = KT_MIN(n, (size_t)KT_SCAN_SLOTS) };
    kt_pool_run(pool, sc.n_parts, scan_run, &sc);
    return sc.rc;
}

uint64_t kt_id_hash(kt_str ext_id)
{
    return XXH3_64bits(ext_id.p, ext_id.n);
}

kt_rc kt_item_find(kt_store *s, int64_t project, kt_str ext_id, uint32_t *ret, kt_err *err)
{
    int64_t n = 0;
    KT_TRY(kt_db_i64(kt_store_db(s), &n, err, "SELECT n_items FROM project WHERE id=$1", "i", project));
    uint64_t want = kt_id_hash(ext_id), *part = kt_alloc_array(KT_COLUMN_CHUNK, sizeof(*part));
    kt_rc rc = KT_DONE;
    for (uint32_t at = 0; at < n && rc == KT_DONE; at += KT_COLUMN_CHUNK) {
        kt_column_part p = { KT_S("id_hash"), at, (uint32_t)KT_MIN((int64_t)KT_COLUMN_CHUNK, n - at), sizeof(*part) };
        kt_rc got = kt_column_get(s, project, &p, 0, part, err);
        if (got < 0)
            rc = got;
        for (uint32_t i = 0; i < p.n && rc == KT_DONE; i++)
            if (part[i] == want) {
                *ret = at + i;
                rc = 0;
            }
    }
    kt_free(part);
    return rc == KT_DONE ? kt_fail(err, KT_NOTFOUND, "there is no item %.*s", KT_F(ext_id)) : rc;
}

kt_str kt_item_value(const kt_item *it, kt_str field, kt_arena *a)
{
    kt_json j = { .s = it->meta };
    bool first = true;
    kt_str name, value;
    if (!it->meta.n || !kt_json_enter(&j, '{'))
        return KT_S("");
    while (kt_json_field(&j, &first, a, &name)) {
        bool text = kt_json_peek(&j) == KT_JSON_STRING;
        if (!(text ? kt_json_string(&j, a, &value) : kt_json_skip(&j, &value)))
            break;
        if (kt_str_eq(name, field))
            return value;
    }
    return KT_S("");
}
