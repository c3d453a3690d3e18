/* Threads: one pool, sized once; a job is n independent parts. Results must not depend on who runs which part. */
#ifndef KT_BASE_POOL_H
#define KT_BASE_POOL_H

#include "base/types.h"

typedef struct kt_pool kt_pool;

kt_pool *kt_pool_new(int n_threads); /* 0: one per processor; the caller of kt_pool_run is one of them */
kt_pool *kt_pool_free(kt_pool *p);
int kt_pool_size(const kt_pool *p);  /* 1 for NULL */
/* Runs fn(ctx, 0), …, fn(ctx, n - 1) and waits for all. p NULL: in this thread. One job at a time per pool. */
void kt_pool_run(kt_pool *p, size_t n, void (*fn)(void *ctx, size_t part), void *ctx);

#endif
