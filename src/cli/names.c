#define XXH_INLINE_ALL
#include "cli/names.h"

#include "base/str.h"

#include <xxhash.h>

/* A collision of hashes costs a step, not a wrong number: the name is compared. */
uint32_t kt_names_id(kt_names *d, kt_str s)
{
    for (uint64_t h = XXH3_64bits(s.p, s.n);; h = h * 6364136223846793005u + 1) {
        uint32_t id = kt_map_put(&d->map, h, (uint32_t)d->name.n);
        if (id == d->name.n) {
            KT_PUSH(&d->name, s);
            return id;
        }
        if (kt_str_eq(d->name.v[id], s))
            return id;
    }
}

void kt_names_done(kt_names *d)
{
    kt_map_done(&d->map);
    KT_VEC_DONE(&d->name);
}
