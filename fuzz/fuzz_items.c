/* An item chunk's bytes. The first byte chooses: a whole chunk, of which every frame that its index names is unpacked; or the
   inside of one frame, with the number of items in the second byte. */
#include "store/item.c"

#include "fuzz.h"

static void whole_chunk(kt_str data)
{
    kt_item_reader r = { 0 };
    kt_err err = { 0 };
    struct chunk c = { .blob = { data, NULL } };
    KT_AUTO(kt_buf) raw = KT_BUF_INIT(MAX_FRAME_RAW);
    KT_PUSH(&r.chunks, c);
    uint64_t n_items = 0;
    kt_rc rc = index_chunk(&r, 0, &n_items, &err);
    KT_ASSERT(rc == 0 || rc == KT_CORRUPT);
    for (size_t k = 0; k < r.frames.n && rc == 0; k++) {
        kt_item *items = kt_alloc_array(FRAME_ITEMS, sizeof(*items));
        if (unpack(&r, &r.frames.v[k], &r.zstd, &raw, items, &err) == 0)
            for (uint32_t i = 0; i < r.frames.v[k].n; i++)
                KT_ASSERT(items[i].text.p >= raw.p && items[i].text.p + items[i].text.n <= raw.p + raw.n);
        kt_free(items);
    }
    KT_VEC_DONE(&r.chunks);
    KT_VEC_DONE(&r.frames);
    ZSTD_freeDCtx(r.zstd);
}

void fuzz_one(const uint8_t *data, size_t n)
{
    if (n < 2)
        return;
    kt_str rest = { (const char *)data + 2, n - 2 };
    if (data[0] & 1) {
        whole_chunk(rest);
        return;
    }
    struct frame f = { .n = data[1] };
    kt_item *items = kt_alloc_array(FRAME_ITEMS, sizeof(*items));
    if (parse_frame(&f, rest, items))
        for (uint32_t i = 0; i < f.n; i++)
            KT_ASSERT(items[i].meta.p + items[i].meta.n <= rest.p + rest.n);
    kt_free(items);
}
