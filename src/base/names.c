/* A hash of 64 bits finds a name; where two share one, the second is stepped on, so that it costs a step and not a mix-up. */
#define XXH_INLINE_ALL
#include "base/names.h"

#include "base/mem.h"
#include "base/str.h"

#include <xxhash.h>

static uint64_t hash_of(kt_str s)
{
    return XXH3_64bits(s.p, s.n);
}

static uint64_t step(uint64_t h)
{
    return h * 6364136223846793005u + 1;
}

uint32_t kt_names_add(kt_names *d, kt_str name)
{
    for (uint64_t h = hash_of(name);; h = step(h)) {
        uint32_t id = kt_map_put(&d->map, h, (uint32_t)d->n);
        if (id < d->n) {
            if (kt_str_eq(d->name[id], name))
                return id;
            continue;
        }
        if (d->n == d->cap) {
            d->cap = d->cap ? 2 * d->cap : 64;
            d->name = kt_realloc(d->name, d->cap * sizeof(*d->name));
        }
        d->name[d->n++] = name;
        return id;
    }
}

uint32_t kt_names_copy(kt_names *d, kt_str name, kt_arena *a)
{
    size_t before = d->n;
    uint32_t id = kt_names_add(d, name);
    if (d->n == before)
        return id;
    if ((size_t)(d->end - d->at) < name.n) {
        size_t size = KT_MAX(name.n, (size_t)1 << 16);
        d->at = kt_arena_alloc(a, size);
        d->end = d->at + size;
    }
    if (name.n)
        memcpy(d->at, name.p, name.n);
    d->name[id].p = d->at;
    d->at += name.n;
    return id;
}

int64_t kt_names_get(const kt_names *d, kt_str name)
{
    for (uint64_t h = hash_of(name);; h = step(h)) {
        int64_t id = kt_map_get(&d->map, h);
        if (id < 0 || kt_str_eq(d->name[id], name))
            return id;
    }
}

void kt_names_done(kt_names *d)
{
    kt_map_done(&d->map);
    d->name = kt_free(d->name);
    d->n = d->cap = 0;
}
