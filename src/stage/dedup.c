/* Exact duplicates were found by hash at ingest; near ones are found here among the exact canonicals: band keys in one pass
   over the texts, candidates verified on the shingles of both. */
#include "algo/near.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/machine.h"
#include "store/column.h"

#define KEEP 4096 /* shingle sets kept at hand while candidates are verified */

struct near {
    kt_near_options o;
    uint64_t *key;
    const uint32_t *exact;
    kt_shingles scratch[KT_SCAN_SLOTS];
    kt_item_reader *reader;
    struct { uint32_t item; kt_shingles set; } *kept; /* item + 1; 0: empty */
    kt_rc rc;
    kt_err *err;
};

static kt_rc bands(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)err;
    struct near *w = ctx;
    for (size_t i = 0; i < n; i++) {
        if (w->exact[items[i].number] != items[i].number)
            continue;
        kt_near_shingles(items[i].text, &w->o, &w->scratch[slot]);
        if (w->scratch[slot].n)
            kt_near_bands(w->scratch[slot].v, w->scratch[slot].n, &w->o, w->key + (size_t)items[i].number * w->o.bands);
    }
    return 0;
}

static const kt_shingles *shingles_of(struct near *w, uint32_t item)
{
    size_t at = item % KEEP;
    if (w->kept[at].item != item + 1) {
        kt_item it;
        w->kept[at].item = 0;
        if (w->rc == 0)
            w->rc = kt_item_get(w->reader, item, &it, w->err);
        if (w->rc < 0)
            return NULL;
        kt_near_shingles(it.text, &w->o, &w->kept[at].set);
        w->kept[at].item = item + 1;
    }
    return &w->kept[at].set;
}

static bool same(void *ctx, uint32_t a, uint32_t b)
{
    struct near *w = ctx;
    const kt_shingles *x = shingles_of(w, a);
    KT_AUTO(kt_shingles) copy = { NULL, 0, 0 };
    if (x && a % KEEP == b % KEEP) { /* both live in one place: keep the first aside */
        KT_RESERVE(&copy, x->n);
        memcpy(copy.v, x->v, x->n * sizeof(*x->v));
        copy.n = x->n;
        x = &copy;
    }
    const kt_shingles *y = x ? shingles_of(w, b) : NULL;
    return x && y && kt_near_same(x->v, x->n, y->v, y->n, w->o.threshold);
}

static kt_rc find_near(kt_store *s, const kt_project *p, struct near *w, kt_pool *pool, uint32_t *canonical)
{
    KT_TRY(kt_near_resolve(&w->o, w->err));
    KT_TRY(kt_item_reader_new(s, p->id, &w->reader, w->err));
    w->key = kt_zalloc_array((size_t)p->n_items * w->o.bands + 1, sizeof(uint64_t));
    w->kept = kt_zalloc_array(KEEP, sizeof(*w->kept));
    kt_rc rc = kt_item_scan(w->reader, 0, p->n_items, pool, bands, w, w->err);
    if (rc == 0) {
        kt_near_candidates(w->key, p->n_items, w->o.bands, same, w, canonical);
        rc = w->rc;
    }
    for (size_t i = 0; i < KEEP; i++)
        kt_shingles_done(&w->kept[i].set);
    for (size_t i = 0; i < KT_SCAN_SLOTS; i++)
        kt_shingles_done(&w->scratch[i]);
    kt_free(w->kept);
    kt_free(w->key);
    kt_item_reader_free(w->reader);
    return rc;
}

kt_rc kt_dedup_run(kt_store *s, const kt_project *p, const kt_config *c, kt_pool *pool, kt_str done_key, kt_err *err)
{
    uint32_t n = p->n_items, *cluster = kt_alloc_array((size_t)n + 1, 4), *exact = kt_alloc_array((size_t)n + 1, 4);
    kt_column_part part = { KT_S("exact"), 0, n, 4 };
    kt_rc rc = kt_column_get(s, p->id, &part, 0, exact, err);
    struct near w = { .o = KT_NEAR_OPTIONS_INIT, .exact = exact, .err = err };
    w.o.threshold = c->near_threshold;
    for (uint32_t i = 0; i < n; i++)
        cluster[i] = i;
    if (rc == 0 && c->near_on && n)
        rc = find_near(s, p, &w, pool, cluster);
    int64_t n_duplicates = 0;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        cluster[i] = cluster[exact[i]];
        n_duplicates += cluster[i] != i;
    }
    part.name = KT_S("cluster");
    if (rc == 0)
        rc = kt_store_begin(s, err);
    if (rc == 0) {
        rc = kt_column_write(s, p->id, &part, cluster, "dedup.clusters", err);
        if (rc == 0)
            rc = kt_counter_set(s, p->id, KT_S("duplicates"), n_duplicates, err);
        if (rc == 0)
            rc = kt_doc_put(s, p->id, KT_S("dedup.done"), done_key, err);
        rc = kt_store_finish(s, rc, err);
    }
    kt_free(exact);
    kt_free(cluster);
    return rc;
}
