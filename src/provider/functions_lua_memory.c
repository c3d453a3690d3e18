/* Memory of one Lua sandbox: what is held at once and what a call takes in all have limits. Blocks of up to 2 KB, which is nearly all of
   them, come out of one region by lists of equal sizes, so that texts that come and go cost a few instructions and no page is given back
   and asked for again; what finds no room there, and what is larger, comes from malloc. */
#include "provider/functions_lua_int.h"

#include "base/mem.h"

#define MAX_HELD ((size_t)96 << 20)
#define MAX_TAKEN ((size_t)512 << 20)
#define REGION ((size_t)4 << 20) /* not resident until it is touched */

static size_t class_of(size_t n)
{
    return (n + KT_LUA_GRAIN - 1) / KT_LUA_GRAIN;
}

static bool inside(const kt_lua_memory *m, const void *p)
{
    return (uintptr_t)p - (uintptr_t)m->region < REGION;
}

static void give_back(kt_lua_memory *m, void *p, size_t n)
{
    if (class_of(n) >= KT_LUA_CLASSES || !inside(m, p)) {
        kt_free(p);
        return;
    }
    memcpy(p, &m->unused[class_of(n)], sizeof(void *));
    m->unused[class_of(n)] = p;
}

static void *take(kt_lua_memory *m, size_t n)
{
    size_t k = class_of(n), size = k * KT_LUA_GRAIN;
    if (k >= KT_LUA_CLASSES)
        return kt_alloc(n);
    void *p = m->unused[k];
    if (p) {
        memcpy(&m->unused[k], p, sizeof(void *));
        return p;
    }
    if (REGION - m->n < size)
        return kt_alloc(n);
    p = m->region + m->n;
    m->n += size;
    return p;
}

/* Same place, or none: both sizes are of one class, or both are malloc's. */
static void *resize(kt_lua_memory *m, void *p, size_t osize, size_t nsize)
{
    if (inside(m, p) ? class_of(osize) == class_of(nsize) : class_of(nsize) >= KT_LUA_CLASSES)
        return inside(m, p) ? p : kt_realloc(p, nsize);
    void *to = take(m, nsize);
    memcpy(to, p, KT_MIN(osize, nsize));
    give_back(m, p, osize);
    return to;
}

void *kt_lua_memory_change(kt_lua_memory *m, void *p, size_t osize, size_t nsize)
{
    size_t more = nsize > osize ? nsize - osize : 0;
    if (more && (m->held + more > MAX_HELD || m->taken + more > MAX_TAKEN))
        return NULL;
    m->taken += more;
    m->held += nsize - osize;
    if (nsize == 0) {
        if (p)
            give_back(m, p, osize);
        return NULL;
    }
    return p ? resize(m, p, osize, nsize) : take(m, nsize);
}

void kt_lua_memory_init(kt_lua_memory *m)
{
    *m = (kt_lua_memory){ .region = kt_alloc(REGION) };
}

void kt_lua_memory_done(kt_lua_memory *m)
{
    m->region = kt_free(m->region);
}
