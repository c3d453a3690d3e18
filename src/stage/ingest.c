/* A wave is up to 32 MB of input: cut into blocks at record ends, parsed and hashed in parallel, numbered in order (ids that
   are there already drop out), packed in parallel, and committed with its columns and its event in one transaction. */
#include "stage/ingest.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/str.h"
#include "store/audit.h"
#include "store/column.h"
#include "store/intake.h"
#include "store/item.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define BLOCK ((size_t)2 << 20)
#define BLOCKS 16
#define WAVE (BLOCK * BLOCKS)


struct hashes {
    uint64_t id, low, high; /* of the external id; of the normalised text, 128 bits */
};

struct block {
    kt_str data;
    uint64_t first_line;
    kt_batch batch;
    kt_rejects rejects;
    struct hashes *hash;
    const kt_raw **keep; /* the new items, in order */
    size_t n_keep;
    kt_frames frames;
    kt_rc rc;
    kt_err err;
};

struct ingest {
    kt_store *s;
    kt_project *p;
    const kt_source_config *src;
    const kt_reader *reader;
    kt_layout layout;
    const char *name; /* last part of the path */
    int fd;
    char *window;
    size_t n, cap, at; /* bytes read, room, bytes done with */
    bool eof;
    bool skip; /* inside a line that is too long and has been rejected: on to its end */
    uint64_t line, offset; /* of window + at */
    struct block block[BLOCKS];
    size_t n_blocks;
    kt_map ids, contents;
    KT_VEC(uint64_t) high;      /* per item: second half of the content hash */
    KT_VEC(uint32_t) canonical; /* per item: first item with the same content */
    KT_VEC(struct hashes) fresh;
    KT_VEC(int16_t) truth, gold;
    KT_VEC(uint64_t) group;
    kt_buf digests; /* of the wave's columns, as a JSON list's inside */
    kt_ingested *ret;
    kt_err *err;
};

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
    struct block *b = &g->block[part];
    kt_batch_reset(&b->batch);
    b->rejects.n = 0;
    b->rc = g->reader->parse(&g->layout, b->data, b->first_line, &b->batch, &b->rejects, &b->err);
    b->hash = kt_realloc(b->hash, (b->batch.n + 1) * sizeof(*b->hash));
    KT_AUTO(kt_buf) tmp = KT_BUF_INIT(KT_MAX_TEXT_BYTES + 16);
    for (size_t i = 0; i < b->batch.n; i++) {
        kt_raw *r = &b->batch.v[i];
        if (!r->ext_id.n)
            r->ext_id = kt_arena_printf(&b->batch.arena, "%s:%llu", g->name, (unsigned long long)r->line);
        XXH128_hash_t h = content_hash(r->text, &tmp);
        b->hash[i] = (struct hashes){ kt_id_hash(r->ext_id), h.low64, h.high64 };
    }
}

static void pack_block(void *ctx, size_t part)
{
    struct block *b = &((struct ingest *)ctx)->block[part];
    kt_frames_done(&b->frames);
    kt_frames_init(&b->frames);
    kt_frames_pack(&b->frames, b->keep, b->n_keep);
}

/* Label number of a held-back or gold name; false (and a reject) when it is not in the label set. */
static bool label_of(struct ingest *g, struct block *b, const kt_raw *r, kt_str name, const char *field, int16_t *ret)
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
static void take(struct ingest *g, struct block *b, size_t i)
{
    const kt_raw *r = &b->batch.v[i];
    const struct hashes *h = &b->hash[i];
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
    KT_PUSH(&g->canonical, canonical);
    KT_PUSH(&g->fresh, *h);
    KT_PUSH(&g->truth, truth);
    KT_PUSH(&g->gold, gold);
    KT_PUSH(&g->group, r->group.n ? XXH3_64bits(r->group.p, r->group.n) | 1 : 0);
    b->keep[b->n_keep++] = r;
}

/* Writes a column's part and adds its digests to the event being made. */
static kt_rc put_column(struct ingest *g, const char *name, uint32_t first, size_t n, uint32_t width, const void *v)
{
    kt_digest d;
    for (size_t at = 0; at < n; at += KT_COLUMN_CHUNK) {
        kt_column_part part = { kt_str_of(name), first + (uint32_t)at, (uint32_t)KT_MIN(n - at, (size_t)KT_COLUMN_CHUNK), width };
        KT_TRY(kt_column_put(g->s, g->p->id, &part, (const char *)v + at * width, &d, g->err));
        kt_buf_puts(&g->digests, g->digests.n ? ",\"" : "\"");
        kt_buf_hex(&g->digests, d.b, sizeof(d.b));
        kt_buf_char(&g->digests, '"');
    }
    return 0;
}

static kt_rc put_columns(struct ingest *g, uint32_t first)
{
    size_t n = g->fresh.n;
    uint64_t *ids = kt_alloc_array(n, 8), *low = kt_alloc_array(n, 8);
    for (size_t i = 0; i < n; i++) {
        ids[i] = g->fresh.v[i].id;
        low[i] = g->fresh.v[i].low;
    }
    kt_rc rc = put_column(g, "id_hash", first, n, 8, ids);
    if (rc == 0)
        rc = put_column(g, "content_low", first, n, 8, low);
    if (rc == 0)
        rc = put_column(g, "content_high", first, n, 8, g->high.v + first);
    if (rc == 0)
        rc = put_column(g, "exact", first, n, 4, g->canonical.v + first);
    if (rc == 0)
        rc = put_column(g, "truth", first, n, 2, g->truth.v);
    if (rc == 0)
        rc = put_column(g, "gold", first, n, 2, g->gold.v);
    if (rc == 0)
        rc = put_column(g, "group", first, n, 8, g->group.v);
    kt_free(ids);
    kt_free(low);
    return rc;
}

static kt_rc log_columns(struct ingest *g, uint32_t first)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
    kt_buf_printf(&b, "{\"first\":%u,\"n\":%zu,\"blobs\":[", first, g->fresh.n);
    kt_buf_str(&b, KT_BUF_STR(&g->digests));
    kt_buf_puts(&b, "]}");
    const kt_event e = { KT_S("karat"), KT_S("items.columns"), g->p->id, -1, KT_BUF_STR(&b) };
    return kt_audit_append(g->s, &e, NULL, g->err);
}

static kt_rc put_rejects(struct ingest *g)
{
    for (size_t b = 0; b < g->n_blocks; b++)
        KT_TRY(kt_rejects_put(g->s, g->p->id, kt_str_of(g->src->path), g->block[b].rejects.v, g->block[b].rejects.n, &g->ret->n_rejected, g->err));
    return 0;
}

static int64_t mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static kt_rc put_place(struct ingest *g, bool done)
{
    struct stat st = { 0 };
    kt_ignore(fstat(g->fd, &st), "a pipe has no size");
    const kt_place at = { st.st_size, mtime_ns(&st), (int64_t)g->offset, (int64_t)g->line,
                          done ? KT_PLACE_DONE : g->skip ? KT_PLACE_SKIP : KT_PLACE_NEXT };
    return kt_place_put(g->s, g->p->id, kt_str_of(g->src->path), &at, g->err);
}

/* Stores the wave that has been parsed. Its transaction is open. */
static kt_rc put_wave(struct ingest *g, kt_pool *pool)
{
    uint32_t first = (uint32_t)g->high.n;
    g->fresh.n = g->truth.n = g->gold.n = g->group.n = 0;
    for (size_t b = 0; b < g->n_blocks; b++) {
        struct block *k = &g->block[b];
        if (k->rc < 0)
            return *g->err = k->err, k->rc;
        k->keep = kt_realloc(k->keep, (k->batch.n + 1) * sizeof(*k->keep));
        k->n_keep = 0;
        for (size_t i = 0; i < k->batch.n; i++)
            take(g, k, i);
    }
    KT_TRY(put_rejects(g));
    size_t n = g->fresh.n;
    if (n) {
        if (first + n >= KT_MAX_ITEMS)
            return kt_fail(g->err, KT_LIMIT, "a project holds at most %u items", KT_MAX_ITEMS);
        kt_pool_run(pool, g->n_blocks, pack_block, g);
        kt_frames parts[BLOCKS];
        for (size_t b = 0; b < g->n_blocks; b++)
            parts[b] = g->block[b].frames;
        KT_TRY(kt_items_put(g->s, g->p->id, first, parts, g->n_blocks, g->err));
        kt_buf_reset(&g->digests);
        KT_TRY(put_columns(g, first));
        KT_TRY(log_columns(g, first));
        g->p->n_items = first + (uint32_t)n;
        g->ret->n_added += n;
    }
    return put_place(g, g->eof && g->at == g->n);
}

/* Fills the window as far as it goes. */
static kt_rc fill(struct ingest *g)
{
    if (g->at) {
        memmove(g->window, g->window + g->at, g->n - g->at);
        g->n -= g->at;
        g->at = 0;
    }
    while (!g->eof && g->n < g->cap) {
        ssize_t k = read(g->fd, g->window + g->n, g->cap - g->n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return kt_at(g->err, g->src->path, 0, NULL), kt_fail_errno(g->err, "cannot read %s", g->src->path);
        if (k == 0)
            g->eof = true;
        g->n += (size_t)k;
    }
    return 0;
}

/* Steps over the rest of a line that is too long, as far as it is here. */
static void skip_line(struct ingest *g)
{
    const char *from = g->window + g->at, *end = memchr(from, '\n', g->n - g->at);
    size_t n = end ? (size_t)(end - from) + 1 : g->n - g->at;
    g->at += n;
    g->offset += n;
    g->line += end != NULL;
    g->skip = end == NULL;
}

/* Cuts the window into blocks of whole records. A line longer than any record may be comes cut by force: its front is a
   block, which the reader rejects, and its rest is skipped. */
static void cut(struct ingest *g)
{
    g->n_blocks = 0;
    if (g->skip)
        skip_line(g);
    while (g->at < g->n && g->n_blocks < BLOCKS) {
        size_t want = BLOCK, got = 0;
        uint64_t lines = 0;
        for (;; want *= 2) { /* a record longer than a block */
            size_t n = KT_MIN(want, g->n - g->at);
            got = g->reader->split(&g->layout, (kt_str){ g->window + g->at, n }, g->eof && n == g->n - g->at, &lines);
            if (got || n == g->n - g->at)
                break;
        }
        if (!got)
            return; /* needs more bytes than are here */
        struct block *b = &g->block[g->n_blocks++];
        b->data = (kt_str){ g->window + g->at, got };
        b->first_line = g->line;
        g->at += got;
        g->offset += got;
        g->line += lines;
        g->skip = g->window[g->at - 1] != '\n' && !(g->eof && g->at == g->n);
        if (g->skip)
            skip_line(g);
    }
}

static kt_rc load_u64(struct ingest *g, const char *name, uint64_t *ret)
{
    kt_column_part part = { kt_str_of(name), 0, g->p->n_items, 8 };
    return kt_column_get(g->s, g->p->id, &part, 0, ret, g->err);
}

static kt_rc load_known(struct ingest *g)
{
    uint32_t n = g->p->n_items;
    KT_RESERVE(&g->high, (size_t)n + 1);
    KT_RESERVE(&g->canonical, (size_t)n + 1);
    g->high.n = g->canonical.n = n;
    kt_column_part exact = { KT_S("exact"), 0, n, 4 };
    KT_TRY(kt_column_get(g->s, g->p->id, &exact, 0, g->canonical.v, g->err));
    KT_TRY(load_u64(g, "content_high", g->high.v));
    uint64_t *tmp = kt_alloc_array((size_t)n + 1, 8);
    kt_rc rc = load_u64(g, "id_hash", tmp);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        kt_map_put(&g->ids, tmp[i], i);
    if (rc == 0)
        rc = load_u64(g, "content_low", tmp);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        kt_map_put(&g->contents, tmp[i], i);
    kt_free(tmp);
    return rc;
}

/* Where this source was left: KT_DONE when nothing is to do. */
static kt_rc resume(struct ingest *g, const struct stat *st)
{
    kt_place old = { 0 };
    kt_rc rc = kt_place_get(g->s, g->p->id, kt_str_of(g->src->path), &old, g->err);
    KT_TRY(rc);
    bool same = rc == 0 && old.size == st->st_size && old.mtime_ns == mtime_ns(st) && S_ISREG(st->st_mode);
    if (!same)
        old = (kt_place){ 0 };
    g->skip = old.state == KT_PLACE_SKIP;
    g->offset = (uint64_t)old.at_byte;
    g->line = old.at_line ? (uint64_t)old.at_line : 1;
    return old.state == KT_PLACE_DONE ? KT_DONE : 0;
}

static kt_rc open_source(struct ingest *g)
{
    const char *path = g->src->path;
    struct stat st;
    bool std = strcmp(path, "-") == 0;
    g->name = strrchr(path, '/') ? strrchr(path, '/') + 1 : std ? "stdin" : path;
    g->fd = std ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
    if (g->fd < 0 || fstat(g->fd, &st))
        return kt_fail_errno(g->err, "cannot open source %s", path);
    kt_rc rc = resume(g, &st);
    if (rc != 0)
        return rc;
    g->cap = WAVE + KT_MAX_LINE_BYTES + 1;
    if (S_ISDIR(st.st_mode)) {
        kt_buf list = KT_BUF_INIT((size_t)1 << 30);
        rc = kt_dir_listing(path, KT_S(""), &list, g->err);
        g->window = list.p ? list.p : kt_alloc(1);
        g->n = list.n;
        g->cap = list.cap;
        g->eof = true;
        return rc;
    }
    g->window = kt_alloc(g->cap);
    return fill(g);
}

/* Chooses the reader and steps over the header (a byte-order mark, column names). */
static kt_rc read_head(struct ingest *g)
{
    kt_str head = { g->window, g->n };
    KT_AUTO(kt_buf) name = KT_BUF_INIT(8192);
    struct stat st;
    kt_buf_puts(&name, g->src->path);
    if (fstat(g->fd, &st) == 0 && S_ISDIR(st.st_mode))
        kt_buf_char(&name, '/');
    g->reader = g->src->format.n ? kt_reader_find(g->src->format) : kt_reader_sniff(head, KT_BUF_STR(&name));
    if (!g->reader) {
        kt_fail(g->err, g->src->format.n ? KT_USAGE : KT_PARSE, "cannot tell what kind of file this is");
        kt_hint(g->err, "say so with format: ('karat list readers' shows the formats)");
        return kt_at(g->err, g->src->path, 0, NULL), g->err->rc;
    }
    kt_field_map map = g->src->fields;
    map.root = kt_str_of(g->src->path);
    size_t used = 0;
    uint64_t lines = 0;
    kt_rc rc = g->reader->head(&map, head, &g->layout, &used, &lines, g->err);
    if (rc < 0)
        return kt_at(g->err, g->src->path, 0, NULL), rc;
    if (g->offset > used) { /* go on where the last wave ended */
        if (lseek(g->fd, (off_t)g->offset, SEEK_SET) < 0)
            return kt_fail_errno(g->err, "cannot go on in %s", g->src->path);
        g->n = g->at = 0;
        g->eof = false;
        return fill(g);
    }
    g->at = used;
    g->offset = used;
    g->line = 1 + lines;
    return 0;
}

static kt_rc run_waves(struct ingest *g, kt_pool *pool, kt_progress *progress)
{
    while (g->at < g->n || !g->eof) {
        cut(g);
        if (!g->n_blocks && g->eof)
            break;
        if (!g->n_blocks) { /* a long way to the end of a line */
            KT_TRY(kt_progress_step(progress, g->ret->n_added, g->err));
            KT_TRY(fill(g));
            continue;
        }
        kt_pool_run(pool, g->n_blocks, parse_block, g);
        KT_TRY(kt_store_begin(g->s, g->err));
        KT_TRY(kt_store_finish(g->s, put_wave(g, pool), g->err));
        KT_TRY(kt_progress_step(progress, g->ret->n_added, g->err));
        KT_TRY(fill(g));
    }
    KT_TRY(kt_store_begin(g->s, g->err));
    return kt_store_finish(g->s, put_place(g, true), g->err);
}

kt_rc kt_ingest(kt_store *s, kt_project *p, const kt_source_config *src, kt_pool *pool, kt_progress *progress, kt_ingested *ret, kt_err *err)
{
    struct ingest *g = kt_zalloc(sizeof(*g));
    *g = (struct ingest){ .s = s, .p = p, .src = src, .fd = -1, .ret = ret, .err = err, .layout = KT_LAYOUT_INIT, .digests = KT_BUF_INIT((size_t)1 << 20) };
    kt_progress_begin(progress, "ingest", 0);
    kt_rc rc = open_source(g);
    if (rc == 0 && g->n == 0 && g->eof) {
        rc = kt_fail(err, KT_PARSE, "the source is empty");
        kt_at(err, src->path, 0, NULL);
    }
    if (rc == 0)
        rc = read_head(g);
    if (rc == 0)
        rc = load_known(g);
    if (rc == 0)
        rc = run_waves(g, pool, progress);
    kt_progress_end(progress);
    for (size_t i = 0; i < BLOCKS; i++) {
        kt_batch_done(&g->block[i].batch);
        kt_rejects_done(&g->block[i].rejects);
        kt_frames_done(&g->block[i].frames);
        kt_free(g->block[i].hash);
        kt_free(g->block[i].keep);
    }
    if (g->fd >= 0)
        close(g->fd);
    kt_layout_done(&g->layout);
    kt_buf_done(&g->digests);
    kt_free(g->window);
    kt_map_done(&g->ids);
    kt_map_done(&g->contents);
    KT_VEC_DONE(&g->high);
    KT_VEC_DONE(&g->canonical);
    KT_VEC_DONE(&g->fresh);
    KT_VEC_DONE(&g->truth);
    KT_VEC_DONE(&g->gold);
    KT_VEC_DONE(&g->group);
    kt_free(g);
    return rc == KT_DONE ? 0 : rc;
}
