/* Names numbered as they come. */
#ifndef KT_BASE_NAMES_H
#define KT_BASE_NAMES_H

#include "base/arena.h"
#include "base/map.h"

/* Start from zeros. Names are views: their bytes must outlive it. */
typedef struct kt_names {
    kt_map map;
    kt_str *name; /* n */
    size_t n, cap;
    char *at, *end; /* room for copies */
} kt_names;

uint32_t kt_names_add(kt_names *d, kt_str name);      /* its number, old or new */
/* The same for bytes that go away: a new name is copied into a, close together with the others. */
uint32_t kt_names_copy(kt_names *d, kt_str name, kt_arena *a);
int64_t kt_names_get(const kt_names *d, kt_str name); /* -1: not there */
void kt_names_done(kt_names *d);

#endif
