/* The only file that calls malloc. Aborting on exhaustion is safe: every stage survives kill -9. */
#define KT_BASE_MEM_C
#include "base/mem.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static _Noreturn void out_of_memory(size_t n)
{
    fprintf(stderr, "karat: out of memory (%zu bytes more were needed); nothing committed is lost\n", n);
    exit(4);
}

void *kt_alloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p)
        out_of_memory(n);
    return p;
}

void *kt_zalloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        out_of_memory(n);
    return p;
}

void *kt_alloc_array(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        out_of_memory(SIZE_MAX);
    return kt_alloc(total);
}

void *kt_zalloc_array(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        out_of_memory(SIZE_MAX);
    return kt_zalloc(total);
}

void *kt_realloc(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);
    if (!q)
        out_of_memory(n);
    return q;
}

void *kt_try_alloc(size_t n, size_t limit)
{
    return n > limit ? NULL : malloc(n ? n : 1);
}

char *kt_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(kt_alloc(n), s, n);
}

void *kt_free(void *p)
{
    free(p);
    return NULL;
}

void kt_mem_huge(void *p, size_t n)
{
    uintptr_t page = 4096, from = ((uintptr_t)p + page - 1) & ~(page - 1), to = ((uintptr_t)p + n) & ~(page - 1);
    if (n >= (size_t)4 << 20)
        madvise((char *)p + (from - (uintptr_t)p), to - from, MADV_HUGEPAGE);
}
