/* One hash map: uint64_t keys (already hashed, e.g. by XXH3) to uint32_t values, open addressing, no deletion. */
#ifndef KT_BASE_MAP_H
#define KT_BASE_MAP_H

#include "base/types.h"

typedef struct kt_map {
    uint64_t *key;
    uint32_t *val; /* value + 1; 0 marks a free slot */
    size_t n, cap;
} kt_map;

/* Value of key, or -1. */
int64_t kt_map_get(const kt_map *m, uint64_t key);
/* Puts key unless present; returns the value now there (the old one when it was present). val < UINT32_MAX. */
uint32_t kt_map_put(kt_map *m, uint64_t key, uint32_t val);
/* Asks memory for where key stands or would stand, for a get or put soon. */
void kt_map_prefetch(const kt_map *m, uint64_t key);
void kt_map_reserve(kt_map *m, size_t n);
void kt_map_done(kt_map *m);

#endif
