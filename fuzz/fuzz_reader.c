/* Every reader of readers.def, one program each (KT_FUZZ_READER names it). Two bytes choose the field map and the size of
   blocks, the rest is the source. It is read whole and in small blocks; both must give the same, and only what a reader may
   give: valid UTF-8 without NUL, within the limits, rejects with a line and a reason. */
#include "fuzz.h"

#include "base/limits.h"
#include "base/str.h"
#include "format/reader.h"

extern const kt_reader KT_FUZZ_READER;

struct outcome {
    kt_rc rc;
    kt_batch batch;
    kt_rejects rejects;
    KT_VEC(char *) block; /* what the views point into */
};

static kt_field_map map_of(uint8_t flags)
{
    kt_field_map m = { .text = flags & 1 ? KT_S("text") : flags & 2 ? KT_S("data.text") : (kt_str){ NULL, 0 },
                       .root = KT_S("/nonexistent"), .keep_meta = flags & 4 };
    m.id = flags & 8 ? KT_S("id") : (kt_str){ NULL, 0 };
    m.group = flags & 16 ? KT_S("group") : (kt_str){ NULL, 0 };
    m.truth = flags & 32 ? KT_S("topic") : (kt_str){ NULL, 0 };
    m.gold = flags & 64 ? KT_S("data.gold") : (kt_str){ NULL, 0 };
    return m;
}

/* As stage/ingest.c cuts a window. */
static size_t next_block(const kt_layout *l, kt_str rest, size_t step, uint64_t *ret_lines)
{
    for (size_t want = step;; want *= 2) {
        size_t n = KT_MIN(want, rest.n), got = KT_FUZZ_READER.split(l, (kt_str){ rest.p, n }, n == rest.n, ret_lines);
        KT_ASSERT(got <= n);
        if (got || n == rest.n) {
            KT_ASSERT(got > 0);
            return got;
        }
    }
}

static void read_all(const kt_field_map *map, kt_str data, size_t step, struct outcome *ret)
{
    kt_layout l = KT_LAYOUT_INIT;
    kt_err err = { 0 };
    size_t at = 0;
    uint64_t line = 0, lines;
    *ret = (struct outcome){ 0 };
    ret->rc = KT_FUZZ_READER.head(map, data, &l, &at, &line, &err);
    KT_ASSERT(ret->rc <= 0 && at <= data.n && (ret->rc == 0 || err.what[0]));
    line++;
    while (ret->rc == 0 && at < data.n) {
        size_t got = next_block(&l, (kt_str){ data.p + at, data.n - at }, step, &lines);
        char *block = kt_alloc(got);
        memcpy(block, data.p + at, got);
        KT_PUSH(&ret->block, block);
        ret->rc = KT_FUZZ_READER.parse(&l, (kt_str){ block, got }, line, &ret->batch, &ret->rejects, &err);
        at += got;
        line += lines;
    }
    kt_layout_done(&l);
}

static void check(const struct outcome *o)
{
    for (size_t i = 0; i < o->batch.n; i++) {
        const kt_raw *r = &o->batch.v[i];
        KT_ASSERT(r->line > 0 && r->text.n > 0 && r->text.n <= KT_MAX_TEXT_BYTES && r->ext_id.n <= KT_MAX_ID_BYTES);
        KT_ASSERT(kt_utf8_valid(r->text, NULL) && kt_utf8_valid(r->ext_id, NULL) && kt_utf8_valid(r->meta, NULL));
        KT_ASSERT(!memchr(r->text.p, 0, r->text.n));
    }
    for (size_t i = 0; i < o->rejects.n; i++)
        KT_ASSERT(o->rejects.v[i].line > 0 && o->rejects.v[i].reason[0]);
}

static void compare(const struct outcome *a, const struct outcome *b)
{
    KT_ASSERT(a->rc == b->rc && a->batch.n == b->batch.n && a->rejects.n == b->rejects.n);
    for (size_t i = 0; i < a->batch.n; i++) {
        const kt_raw *x = &a->batch.v[i], *y = &b->batch.v[i];
        KT_ASSERT(x->line == y->line && kt_str_eq(x->text, y->text) && kt_str_eq(x->ext_id, y->ext_id) && kt_str_eq(x->meta, y->meta));
        KT_ASSERT(kt_str_eq(x->group, y->group) && kt_str_eq(x->truth, y->truth) && kt_str_eq(x->gold, y->gold));
    }
    for (size_t i = 0; i < a->rejects.n; i++)
        KT_ASSERT(a->rejects.v[i].line == b->rejects.v[i].line && strcmp(a->rejects.v[i].reason, b->rejects.v[i].reason) == 0);
}

static void done(struct outcome *o)
{
    kt_batch_done(&o->batch);
    kt_rejects_done(&o->rejects);
    for (size_t i = 0; i < o->block.n; i++)
        kt_free(o->block.v[i]);
    KT_VEC_DONE(&o->block);
}

void fuzz_one(const uint8_t *data, size_t n)
{
    struct outcome whole, cut;
    if (n < 2)
        return;
    kt_field_map map = map_of(data[0]);
    kt_str text = { (const char *)data + 2, n - 2 };
    KT_ASSERT(KT_FUZZ_READER.sniff(text, KT_S("a/b.txt")) <= 100);
    read_all(&map, text, SIZE_MAX / 2, &whole);
    read_all(&map, text, 1 + (size_t)data[1], &cut);
    check(&whole);
    compare(&whole, &cut);
    done(&whole);
    done(&cut);
}
