/* Many short texts one behind the other: a byte of text costs a byte, and each text eight more. */
#ifndef KT_BASE_TEXTS_H
#define KT_BASE_TEXTS_H

#include "base/err.h"

/* Start from zeros. */
typedef struct kt_texts {
    char *bytes;
    uint64_t *end;      /* n: behind each text */
    size_t n, cap, room;
    uint32_t *slot;     /* by kt_texts_index: 1 + place of a text; 0: free */
    size_t n_slots;
} kt_texts;

void kt_texts_add(kt_texts *t, kt_str s);
kt_str kt_texts_at(const kt_texts *t, size_t i); /* valid until the next add */
/* Makes texts findable, for 4 to 16 bytes each. SIZE_MAX: all differ; else the place of the first that stands there already. */
size_t kt_texts_index(kt_texts *t);
int64_t kt_texts_find(const kt_texts *t, kt_str s); /* its place; -1: not there, or not indexed */
void kt_texts_done(kt_texts *t);

#endif
