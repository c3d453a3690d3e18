#define XXH_INLINE_ALL
#include "base/texts.h"

#include "base/mem.h"
#include "base/str.h"

#include <xxhash.h>

void kt_texts_add(kt_texts *t, kt_str s)
{
    size_t at = t->n ? t->end[t->n - 1] : 0;
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 256;
        t->end = kt_realloc(t->end, t->cap * sizeof(*t->end));
    }
    if (t->room - at < s.n) {
        t->room = KT_MAX(2 * t->room, at + s.n + 4096);
        t->bytes = kt_realloc(t->bytes, t->room);
    }
    if (s.n)
        memcpy(t->bytes + at, s.p, s.n);
    t->end[t->n++] = at + s.n;
}

kt_str kt_texts_at(const kt_texts *t, size_t i)
{
    size_t from = i ? t->end[i - 1] : 0;
    return (kt_str){ t->bytes + from, t->end[i] - from };
}

/* The slot of s: where it stands, or the free one where it would. */
static size_t slot_of(const kt_texts *t, kt_str s)
{
    size_t at = XXH3_64bits(s.p, s.n) & (t->n_slots - 1);
    while (t->slot[at] && !kt_str_eq(kt_texts_at(t, t->slot[at] - 1), s))
        at = (at + 1) & (t->n_slots - 1);
    return at;
}

size_t kt_texts_index(kt_texts *t)
{
    size_t twice = SIZE_MAX;
    for (t->n_slots = 16; t->n_slots < t->n + t->n / 2;)
        t->n_slots *= 2;
    kt_free(t->slot);
    t->slot = kt_zalloc_array(t->n_slots, sizeof(*t->slot));
    for (size_t i = 0; i < t->n; i++) {
        size_t at = slot_of(t, kt_texts_at(t, i));
        if (t->slot[at] == 0)
            t->slot[at] = (uint32_t)i + 1;
        else if (twice == SIZE_MAX)
            twice = i;
    }
    return twice;
}

int64_t kt_texts_find(const kt_texts *t, kt_str s)
{
    return t->slot ? (int64_t)t->slot[slot_of(t, s)] - 1 : -1;
}

void kt_texts_done(kt_texts *t)
{
    kt_free(t->bytes);
    kt_free(t->end);
    kt_free(t->slot);
    *t = (kt_texts){ 0 };
}
