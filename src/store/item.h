/* Items: packed, compressed chunks of many, each chunk one blob and one row. Dense numbers within a project.
   A chunk is a sequence of zstd frames of at most 256 items, so that one item costs one small frame. */
#ifndef KT_STORE_ITEM_H
#define KT_STORE_ITEM_H

#include "base/buf.h"
#include "base/mem.h"
#include "base/pool.h"
#include "store/batch.h"
#include "store/store.h"

typedef struct kt_item {
    uint32_t number;
    kt_str ext_id, text, group, meta; /* meta: JSON object text, may be empty */
    uint64_t line;
} kt_item;

/* Frames of a chunk being built: packing is pure and may run in any thread. Zeroed, then reset before each use. */
typedef struct kt_frames {
    kt_buf data;
    KT_VEC(uint32_t) n_items, size; /* per frame: items in it, compressed bytes */
    void *zstd;                     /* the compressor, kept from one use to the next */
} kt_frames;

void kt_frames_reset(kt_frames *f);
void kt_frames_pack(kt_frames *f, const kt_raw *const *raw, size_t n);
void kt_frames_done(kt_frames *f);

/* Appends parts[0..n) in order as one chunk that starts at item first. Part of the current transaction. */
kt_rc kt_items_put(kt_store *s, int64_t project, uint32_t first, const kt_frames *parts, size_t n, kt_err *err) KT_MUST_USE;

/* Random access with a cache of decompressed frames; one thread. Views live until the next 64 gets. */
typedef struct kt_item_reader kt_item_reader;
kt_rc kt_item_reader_new(kt_store *s, int64_t project, kt_item_reader **ret, kt_err *err) KT_MUST_USE;
kt_item_reader *kt_item_reader_free(kt_item_reader *r);
kt_rc kt_item_get(kt_item_reader *r, uint32_t item, kt_item *ret, kt_err *err) KT_MUST_USE; /* KT_NOTFOUND past the end */

/* All items of [first, first + n) through fn, frames in parallel: fn runs in any thread, at most KT_SCAN_SLOTS at once,
   slot names its scratch space. Views live during the call. fn's first error ends the scan. */
#define KT_SCAN_SLOTS 16
typedef kt_rc (*kt_scan_fn)(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err);
kt_rc kt_item_scan(kt_item_reader *r, uint32_t first, uint32_t n, kt_pool *pool, kt_scan_fn fn, void *ctx, kt_err *err) KT_MUST_USE;
/* The items of a list (n, ascending), each frame that holds any unpacked about once; otherwise as kt_item_scan. */
kt_rc kt_item_scan_list(kt_item_reader *r, const uint32_t *item, size_t n, kt_pool *pool, kt_scan_fn fn, void *ctx, kt_err *err) KT_MUST_USE;

/* Item number of an external id: KT_NOTFOUND when there is none. Reads the id column: for people and proofs, not for bulk. */
kt_rc kt_item_find(kt_store *s, int64_t project, kt_str ext_id, uint32_t *ret, kt_err *err) KT_MUST_USE;
uint64_t kt_id_hash(kt_str ext_id);
/* What the item's record has in a field, as text; empty where there is none. In the item or in a. */
kt_str kt_item_value(const kt_item *it, kt_str field, kt_arena *a);

#endif
