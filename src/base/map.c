#include "base/map.h"

#include "base/err.h"
#include "base/mem.h"

static size_t home(const kt_map *m, uint64_t key)
{
    return (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (m->cap - 1);
}

static size_t slot(const kt_map *m, uint64_t key)
{
    size_t i = home(m, key);
    while (m->val[i] && m->key[i] != key)
        i = (i + 1) & (m->cap - 1);
    return i;
}

int64_t kt_map_get(const kt_map *m, uint64_t key)
{
    if (m->cap == 0)
        return -1;
    return (int64_t)m->val[slot(m, key)] - 1;
}

void kt_map_prefetch(const kt_map *m, uint64_t key)
{
    if (m->cap == 0)
        return;
    size_t i = home(m, key);
    __builtin_prefetch(&m->key[i], 1);
    __builtin_prefetch(&m->val[i], 1);
}

void kt_map_reserve(kt_map *m, size_t n)
{
    size_t cap = m->cap ? m->cap : 64;
    while (cap / 4 * 3 < n)
        cap *= 2;
    if (cap == m->cap)
        return;
    kt_map old = *m;
    m->cap = cap;
    m->key = kt_alloc_array(cap, sizeof(*m->key));
    m->val = kt_zalloc_array(cap, sizeof(*m->val));
    for (size_t i = 0; i < old.cap; i++)
        if (old.val[i]) {
            size_t k = slot(m, old.key[i]);
            m->key[k] = old.key[i];
            m->val[k] = old.val[i];
        }
    kt_free(old.key);
    kt_free(old.val);
}

uint32_t kt_map_put(kt_map *m, uint64_t key, uint32_t val)
{
    KT_ASSERT(val < UINT32_MAX);
    kt_map_reserve(m, m->n + 1);
    size_t i = slot(m, key);
    if (!m->val[i]) {
        m->key[i] = key;
        m->val[i] = val + 1;
        m->n++;
    }
    return m->val[i] - 1;
}

void kt_map_done(kt_map *m)
{
    m->key = kt_free(m->key);
    m->val = kt_free(m->val);
    m->n = m->cap = 0;
}
