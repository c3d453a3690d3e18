/* Label maps: a label for every pixel of one or more images, as .npy. */
#ifndef KT_CLI_LABEL_MAP_H
#define KT_CLI_LABEL_MAP_H

#include "base/buf.h"
#include "format/npy.h"

typedef struct kt_label_map {
    kt_buf text;
    kt_npy x;       /* (images ×) height × width */
    int32_t *label; /* x.n, 0..65535, -1: none; in the arena */
} kt_label_map;

/* *most: raised to the largest label. KT_PARSE, KT_RANGE. text is to be freed by kt_buf_done, also after an error. */
kt_rc kt_label_map_read(const char *path, kt_arena *a, kt_label_map *ret, int32_t *most, kt_err *err) KT_MUST_USE;

#endif
