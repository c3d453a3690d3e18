/* Names numbered as they come. */
#ifndef KT_BASE_NAMES_H
#define KT_BASE_NAMES_H

#include "base/map.h"

/* Start from zeros. Names are views: their bytes must outlive it. */
typedef struct kt_names {
    kt_map map;
    kt_str *name; /* n */
    size_t n, cap;
} kt_names;

uint32_t kt_names_add(kt_names *d, kt_str name);      /* its number, old or new */
int64_t kt_names_get(const kt_names *d, kt_str name); /* -1: not there */
void kt_names_done(kt_names *d);

#endif
