/* Memory: allocation that aborts with a message, the variant for sizes that come from input, and a typed vector. */
#ifndef KT_BASE_MEM_H
#define KT_BASE_MEM_H

#include "base/types.h"

#include <string.h>

void *kt_alloc(size_t n);                          /* never NULL; contents undefined */
void *kt_zalloc(size_t n);                         /* never NULL; zeroed */
void *kt_alloc_array(size_t n, size_t size);       /* never NULL; multiplication checked */
void *kt_zalloc_array(size_t n, size_t size);
void *kt_realloc(void *p, size_t n);               /* never NULL */
void *kt_try_alloc(size_t n, size_t limit);        /* NULL above limit or when memory is short; for sizes from input */
char *kt_strdup(const char *s);
void *kt_free(void *p);                            /* returns NULL: x = kt_free(x) */
void kt_mem_huge(void *p, size_t n);               /* asks for large pages there; a hint for arrays of megabytes, never an error */

/* KT_VEC(int) v = {0}; KT_PUSH(&v, 3); v.v[0]; KT_VEC_DONE(&v). */
#define KT_VEC(type)   \
    struct {           \
        type *v;       \
        size_t n, cap; \
    }
#define KT_RESERVE(vec, want)                                                                  \
    do {                                                                                       \
        size_t kt_want_ = (want);                                                              \
        if (kt_want_ > (vec)->cap) {                                                           \
            (vec)->cap = kt_want_ > 2 * (vec)->cap ? kt_want_ : 2 * (vec)->cap;                \
            if ((vec)->cap < 8)                                                                \
                (vec)->cap = 8;                                                                \
            (vec)->v = kt_realloc((vec)->v, (vec)->cap * sizeof(*(vec)->v));                   \
        }                                                                                      \
    } while (0)
#define KT_PUSH(vec, ...)                    \
    do {                                     \
        KT_RESERVE((vec), (vec)->n + 1);     \
        (vec)->v[(vec)->n++] = (__VA_ARGS__);\
    } while (0)
#define KT_VEC_DONE(vec) ((vec)->v = kt_free((vec)->v), (vec)->n = (vec)->cap = 0)

#endif
