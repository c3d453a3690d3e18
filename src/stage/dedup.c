/* Exact duplicates were found by hash at ingest; near ones are found here among the exact canonicals. One pass over the texts
   gives band keys, which go to a file without a name: a band at a time is in memory. Items that share a key are compared on
   their shingles, which a second pass makes for just these items, so many at a time as SHINGLES allows.
   Invariant: the clusters follow from the items and the threshold only, never from threads. */
#include "algo/near.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/machine.h"
#include "store/column.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define MEMBERS ((size_t)4 << 20)   /* of buckets that wait for comparison: then they are compared */
#define SHINGLES ((size_t)16 << 20) /* in memory while buckets are compared */

struct near {
    kt_near_options o;
    uint32_t n;
    const uint32_t *exact;
    uint32_t *parent;
    kt_item_reader *reader;
    kt_pool *pool;
    kt_progress *progress;
    int fd; /* band keys, band after band */
    kt_shingles scratch[KT_SCAN_SLOTS];
    atomic_ullong n_shingles, n_hashed; /* of the items hashed */
    kt_near_buckets bucket;
    /* the items being compared */
    uint32_t *place, *item; /* place: by item, its place among them + 1 */
    size_t n_items, max_items;
    kt_shingles *set; /* n_items, views into arena */
    kt_arena arena[KT_SCAN_SLOTS];
    kt_err *err;
};

static kt_rc write_at(const struct near *w, const void *p, size_t bytes, uint64_t at, kt_err *err)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t k = pwrite(w->fd, (const char *)p + done, bytes - done, (off_t)(at + done));
        if (k < 0)
            return kt_fail_errno(err, "cannot write the band keys of near-duplicates");
        done += (size_t)k;
    }
    return 0;
}

static kt_rc read_at(const struct near *w, void *p, size_t bytes, uint64_t at)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t k = pread(w->fd, (char *)p + done, bytes - done, (off_t)(at + done));
        if (k <= 0)
            return kt_fail_errno(w->err, "cannot read the band keys of near-duplicates");
        done += (size_t)k;
    }
    return 0;
}

static kt_rc bands(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    struct near *w = ctx;
    kt_shingles *s = &w->scratch[slot];
    uint64_t own[KT_NEAR_MAX_BANDS], *key = kt_zalloc_array(n * w->o.bands, sizeof(*key));
    unsigned long long shingles = 0, hashed = 0;
    for (size_t i = 0; i < n; i++) {
        if (w->exact[items[i].number] != items[i].number)
            continue;
        kt_near_shingles(items[i].text, &w->o, s);
        if (!s->n)
            continue;
        kt_near_bands(s->v, s->n, &w->o, own);
        for (uint32_t b = 0; b < w->o.bands; b++)
            key[b * n + i] = own[b];
        shingles += s->n;
        hashed++;
    }
    atomic_fetch_add(&w->n_shingles, shingles);
    atomic_fetch_add(&w->n_hashed, hashed);
    kt_rc rc = 0;
    for (uint32_t b = 0; b < w->o.bands && rc == 0; b++)
        rc = write_at(w, key + b * n, n * sizeof(*key), ((uint64_t)b * w->n + items[0].number) * sizeof(*key), err);
    kt_free(key);
    return rc;
}

static kt_rc keep_shingles(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)err;
    struct near *w = ctx;
    kt_shingles *s = &w->scratch[slot];
    for (size_t i = 0; i < n; i++) {
        kt_near_shingles(items[i].text, &w->o, s);
        kt_shingles *to = &w->set[w->place[items[i].number] - 1];
        *to = (kt_shingles){ kt_arena_alloc(&w->arena[slot], s->n * sizeof(*s->v)), s->n, 0 };
        if (s->n)
            memcpy(to->v, s->v, s->n * sizeof(*s->v));
    }
    return 0;
}

static bool same(void *ctx, uint32_t a, uint32_t b)
{
    struct near *w = ctx;
    const kt_shingles *x = &w->set[w->place[a] - 1], *y = &w->set[w->place[b] - 1];
    return kt_near_same(x->v, x->n, y->v, y->n, w->o.threshold);
}

/* Marks the items of buckets from `from` on until there are enough of them; returns the bucket to go on with. */
static size_t choose(struct near *w, size_t from)
{
    const kt_near_buckets *b = &w->bucket;
    memset(w->place, 0, (size_t)w->n * sizeof(*w->place));
    w->n_items = 0;
    for (; from < b->end.n && w->n_items < w->max_items; from++)
        for (size_t i = from ? b->end.v[from - 1] : 0; i < b->end.v[from]; i++) {
            w->n_items += !w->place[b->item.v[i]];
            w->place[b->item.v[i]] = 1;
        }
    w->item = kt_realloc(w->item, w->n_items * sizeof(*w->item));
    w->set = kt_realloc(w->set, w->n_items * sizeof(*w->set));
    for (uint32_t i = 0, k = 0; i < w->n; i++)
        if (w->place[i]) {
            w->item[k] = i;
            w->place[i] = ++k;
        }
    return from;
}

/* Compares what waits. */
static kt_rc compare(struct near *w)
{
    kt_rc rc = 0;
    for (size_t from = 0, to; from < w->bucket.end.n && rc == 0; from = to) {
        to = choose(w, from);
        rc = kt_item_scan_list(w->reader, w->item, w->n_items, w->pool, keep_shingles, w, w->err);
        if (rc == 0)
            kt_near_join(&w->bucket, from, to, same, w, w->parent);
        for (int i = 0; i < KT_SCAN_SLOTS; i++)
            kt_arena_reset(&w->arena[i]);
    }
    w->bucket.item.n = w->bucket.end.n = 0;
    return rc;
}

static kt_rc all_bands(struct near *w)
{
    uint64_t *key = kt_alloc_array((size_t)w->n + 1, sizeof(*key));
    kt_rc rc = 0;
    for (uint32_t b = 0; b < w->o.bands && rc == 0; b++) {
        rc = read_at(w, key, (size_t)w->n * sizeof(*key), (uint64_t)b * w->n * sizeof(*key));
        if (rc == 0)
            kt_near_buckets_add(&w->bucket, key, w->n, w->parent);
        if (rc == 0 && (w->bucket.item.n >= MEMBERS || b + 1 == w->o.bands))
            rc = compare(w);
        if (rc == 0)
            rc = kt_progress_step(w->progress, w->n, w->err);
    }
    kt_free(key);
    return rc;
}

/* A file of the workspace that is gone when it is closed, however that comes. */
static kt_rc open_spill(const kt_store *s, struct near *w)
{
    char path[PATH_MAX];
    KT_TRY(kt_path_join(path, sizeof(path), kt_store_dir(s), "near.tmp", w->err));
    w->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (w->fd < 0 || unlink(path))
        return kt_fail_errno(w->err, "cannot write %s", path);
    return 0;
}

static kt_rc hash_all(kt_store *s, const kt_project *p, struct near *w)
{
    KT_TRY(kt_near_resolve(&w->o, w->err));
    KT_TRY(open_spill(s, w));
    KT_TRY(kt_item_reader_new(s, p->id, &w->reader, w->err));
    for (uint32_t at = 0; at < w->n; at += KT_COLUMN_CHUNK) {
        KT_TRY(kt_item_scan(w->reader, at, KT_MIN(KT_COLUMN_CHUNK, w->n - at), w->pool, bands, w, w->err));
        KT_TRY(kt_progress_step(w->progress, at, w->err));
    }
    unsigned long long mean = 1 + atomic_load(&w->n_shingles) / KT_MAX(atomic_load(&w->n_hashed), 1ull);
    w->max_items = KT_MAX(SHINGLES / mean, (size_t)1);
    return 0;
}

static kt_rc find_near(struct near *w)
{
    w->place = kt_alloc_array((size_t)w->n + 1, sizeof(*w->place));
    kt_near_start(w->parent, w->n);
    KT_TRY(all_bands(w));
    kt_near_finish(w->parent, w->n);
    return 0;
}

static void near_done(struct near *w)
{
    for (size_t i = 0; i < KT_SCAN_SLOTS; i++) {
        kt_shingles_done(&w->scratch[i]);
        kt_arena_done(&w->arena[i]);
    }
    if (w->fd >= 0)
        close(w->fd);
    kt_near_buckets_done(&w->bucket);
    kt_free(w->place);
    kt_free(w->item);
    kt_free(w->set);
    kt_item_reader_free(w->reader);
}

/* Writes what was found, with the mark that it was. */
static kt_rc put_clusters(kt_store *s, const kt_project *p, const uint32_t *cluster, kt_str done_key, kt_err *err)
{
    int64_t n_duplicates = 0;
    for (uint32_t i = 0; i < p->n_items; i++)
        n_duplicates += cluster[i] != i;
    kt_column_part part = { KT_S("cluster"), 0, p->n_items, 4 };
    KT_TRY(kt_column_write(s, p->id, &part, cluster, "dedup.clusters", err));
    KT_TRY(kt_counter_set(s, p->id, KT_S("duplicates"), n_duplicates, err));
    return kt_doc_put(s, p->id, KT_S("dedup.done"), done_key, err);
}

kt_rc kt_dedup_run(kt_store *s, const kt_project *p, const kt_config *c, kt_pool *pool, kt_progress *progress, kt_str done_key, kt_err *err)
{
    uint32_t n = p->n_items, *cluster = kt_alloc_array((size_t)n + 1, 4), *exact = kt_alloc_array((size_t)n + 1, 4);
    kt_column_part part = { KT_S("exact"), 0, n, 4 };
    kt_rc rc = kt_column_get(s, p->id, &part, 0, exact, err);
    struct near w = { .o = KT_NEAR_OPTIONS_INIT, .n = n, .exact = exact, .parent = cluster, .pool = pool, .progress = progress,
                      .fd = -1, .err = err };
    w.o.threshold = c->near_threshold;
    for (uint32_t i = 0; i < n; i++)
        cluster[i] = i;
    kt_progress_begin(progress, "dedup", n);
    if (rc == 0 && c->near_on && n)
        rc = hash_all(s, p, &w);
    if (rc == 0 && c->near_on && n)
        rc = find_near(&w);
    near_done(&w);
    kt_progress_end(progress);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        cluster[i] = cluster[exact[i]];
    if (rc == 0)
        rc = kt_store_begin(s, err);
    if (rc == 0)
        rc = kt_store_finish(s, put_clusters(s, p, cluster, done_key, err), err);
    kt_free(exact);
    kt_free(cluster);
    return rc;
}
