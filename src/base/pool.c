/* Workers sleep on a condition; parts are handed out by an atomic counter. lock guards job and the generation. */
#include "base/pool.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct kt_pool {
    int n_threads;
    pthread_t *thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    unsigned generation; /* counts jobs; a worker runs each once */
    int busy;
    bool stop;
    void (*fn)(void *, size_t);
    void *ctx;
    size_t n;
    atomic_size_t next;
};

static void work(kt_pool *p)
{
    for (size_t i; (i = atomic_fetch_add(&p->next, 1)) < p->n;)
        p->fn(p->ctx, i);
}

static void *worker(void *arg)
{
    kt_pool *p = arg;
    unsigned seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->stop && p->generation == seen)
            pthread_cond_wait(&p->wake, &p->lock);
        if (p->stop)
            break;
        seen = p->generation;
        pthread_mutex_unlock(&p->lock);
        work(p);
        pthread_mutex_lock(&p->lock);
        if (--p->busy == 0)
            pthread_cond_signal(&p->idle);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

kt_pool *kt_pool_new(int n_threads)
{
    kt_pool *p = kt_zalloc(sizeof(*p));
    if (n_threads <= 0)
        n_threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    p->n_threads = n_threads < 1 ? 1 : n_threads > 256 ? 256 : n_threads;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->idle, NULL);
    p->thread = kt_alloc_array((size_t)p->n_threads, sizeof(*p->thread));
    for (int i = 1; i < p->n_threads; i++)
        if (pthread_create(&p->thread[i], NULL, worker, p) != 0) {
            p->n_threads = i; /* fewer threads do the same work */
            break;
        }
    return p;
}

kt_pool *kt_pool_free(kt_pool *p)
{
    if (!p)
        return NULL;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i < p->n_threads; i++)
        pthread_join(p->thread[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->idle);
    kt_free(p->thread);
    return kt_free(p);
}

int kt_pool_size(const kt_pool *p)
{
    return p ? p->n_threads : 1;
}

void kt_pool_run(kt_pool *p, size_t n, void (*fn)(void *ctx, size_t part), void *ctx)
{
    if (!p || p->n_threads == 1 || n < 2) {
        for (size_t i = 0; i < n; i++)
            fn(ctx, i);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->fn = fn;
    p->ctx = ctx;
    p->n = n;
    atomic_store(&p->next, 0);
    p->busy = p->n_threads - 1;
    p->generation++;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    work(p);
    pthread_mutex_lock(&p->lock);
    while (p->busy)
        pthread_cond_wait(&p->idle, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
