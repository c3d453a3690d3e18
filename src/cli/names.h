/* Names as dense numbers, in the order of their first appearance. */
#ifndef KT_CLI_NAMES_H
#define KT_CLI_NAMES_H

#include "base/map.h"
#include "base/mem.h"

typedef struct kt_names {
    kt_map map;
    KT_VEC(kt_str) name; /* views as they were given */
} kt_names;

uint32_t kt_names_id(kt_names *d, kt_str s);
void kt_names_done(kt_names *d);

#endif
