/* An arena belongs to one unit of work (a request, a chunk, a command); resetting it is the only free. */
#ifndef KT_BASE_ARENA_H
#define KT_BASE_ARENA_H

#include "base/types.h"

typedef struct kt_arena_block kt_arena_block;
typedef struct kt_arena {
    kt_arena_block *head;
    char *at, *end;
    size_t total; /* bytes held, for accounting */
} kt_arena;

#define KT_ARENA_INIT { NULL, NULL, NULL, 0 }

void *kt_arena_alloc(kt_arena *a, size_t n);  /* 16-byte aligned, undefined contents, never NULL */
void *kt_arena_zalloc(kt_arena *a, size_t n);
void *kt_arena_array(kt_arena *a, size_t n, size_t size); /* zeroed, multiplication checked */
kt_str kt_arena_str(kt_arena *a, kt_str s);   /* copy, NUL-terminated after its end */
char *kt_arena_cstr(kt_arena *a, kt_str s);
kt_str kt_arena_printf(kt_arena *a, const char *fmt, ...) KT_PRINTF(2, 3);
void kt_arena_reset(kt_arena *a);             /* keeps one block for reuse */
void kt_arena_done(kt_arena *a);

#endif
