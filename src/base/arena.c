/* Bump allocation in doubling blocks. Under KT_ARENA_DEBUG each allocation is its own block, so ASan sees overruns. */
#include "base/arena.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_BLOCK ((size_t)4096)
#define LARGEST_STEP ((size_t)1 << 20)

struct kt_arena_block {
    kt_arena_block *next;
    size_t size;
    _Alignas(16) char data[];
};

static void add_block(kt_arena *a, size_t n)
{
    size_t size = a->head ? KT_MIN(a->head->size * 2, LARGEST_STEP) : FIRST_BLOCK;
#ifdef KT_ARENA_DEBUG
    size = 0;
#endif
    size = KT_MAX(size, n);
    kt_arena_block *b = kt_alloc(sizeof(*b) + size);
    b->next = a->head;
    b->size = size;
    a->head = b;
    a->at = b->data;
    a->end = b->data + size;
    a->total += size;
}

void *kt_arena_alloc(kt_arena *a, size_t n)
{
    KT_ASSERT(n < SIZE_MAX / 2);
    n = (n + 15) & ~(size_t)15;
    if (n == 0)
        n = 16;
    if ((size_t)(a->end - a->at) < n)
        add_block(a, n);
    void *p = a->at;
    a->at += n;
    return p;
}

void *kt_arena_zalloc(kt_arena *a, size_t n)
{
    return memset(kt_arena_alloc(a, n), 0, n);
}

void *kt_arena_array(kt_arena *a, size_t n, size_t size)
{
    size_t total;
    KT_ASSERT(!__builtin_mul_overflow(n, size, &total));
    return kt_arena_zalloc(a, total);
}

kt_str kt_arena_str(kt_arena *a, kt_str s)
{
    return (kt_str){ kt_arena_cstr(a, s), s.n };
}

char *kt_arena_cstr(kt_arena *a, kt_str s)
{
    char *p = kt_arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

kt_str kt_arena_printf(kt_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    KT_ASSERT(n >= 0);
    char *p = kt_arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return (kt_str){ p, (size_t)n };
}

void kt_arena_reset(kt_arena *a)
{
    kt_arena_block *keep = a->head;
    if (!keep)
        return;
    for (kt_arena_block *b = keep->next; b;) {
        kt_arena_block *next = b->next;
        kt_free(b);
        b = next;
    }
    keep->next = NULL;
    a->at = keep->data;
    a->end = keep->data + keep->size;
    a->total = keep->size;
#ifdef KT_ARENA_DEBUG
    kt_arena_done(a);
#endif
}

void kt_arena_done(kt_arena *a)
{
    for (kt_arena_block *b = a->head; b;) {
        kt_arena_block *next = b->next;
        kt_free(b);
        b = next;
    }
    *a = (kt_arena)KT_ARENA_INIT;
}
