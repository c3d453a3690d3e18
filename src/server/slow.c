/* Two threads for slow work of one kind: the hashing of a sign-in; or what lasts, an export, a rule being tried. And the count of sign-in attempts. */
#include "server/server_int.h"

#include "base/mem.h"
#include "base/str.h"

#include <xxhash.h>

#define SLOW_THREADS 2
#define SLOW_WAITING 64
#define TRY_SLOTS 1024     /* names counted at a time; names that share a slot share its tries */
#define TRY_MAX 10         /* attempts … */
#define TRY_US 60000000    /* … in a minute */

struct job {
    void (*run)(void *ctx);
    void *ctx;
};

struct kt_slow {
    pthread_t thread[SLOW_THREADS];
    pthread_mutex_t lock; /* guards the ring and stop */
    pthread_cond_t wake;
    struct job ring[SLOW_WAITING];
    size_t first, n;
    bool stop;
};

static void *slow_thread(void *arg)
{
    kt_slow *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->n && !w->stop)
            pthread_cond_wait(&w->wake, &w->lock);
        if (!w->n)
            break;
        struct job j = w->ring[w->first];
        w->first = (w->first + 1) % SLOW_WAITING;
        w->n--;
        pthread_mutex_unlock(&w->lock);
        j.run(j.ctx);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

kt_slow *kt_slow_new(void)
{
    kt_slow *w = kt_zalloc(sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    for (int i = 0; i < SLOW_THREADS; i++)
        KT_ASSERT(pthread_create(&w->thread[i], NULL, slow_thread, w) == 0);
    return w;
}

kt_slow *kt_slow_free(kt_slow *w)
{
    if (!w)
        return NULL;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < SLOW_THREADS; i++)
        pthread_join(w->thread[i], NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    return kt_free(w);
}

bool kt_slow_post(kt_slow *w, void (*run)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&w->lock);
    bool ok = !w->stop && w->n < SLOW_WAITING;
    if (ok) {
        w->ring[(w->first + w->n++) % SLOW_WAITING] = (struct job){ run, ctx };
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return ok;
}

struct kt_tries {
    pthread_mutex_t lock; /* guards slot */
    struct { int64_t began_us; int n; } slot[TRY_SLOTS];
};

kt_tries *kt_tries_new(void)
{
    kt_tries *t = kt_zalloc(sizeof(*t));
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

kt_tries *kt_tries_free(kt_tries *t)
{
    if (!t)
        return NULL;
    pthread_mutex_destroy(&t->lock);
    return kt_free(t);
}

bool kt_tries_allow(kt_tries *t, kt_str name, int64_t now_us)
{
    size_t i = XXH3_64bits(name.p, name.n) % TRY_SLOTS;
    pthread_mutex_lock(&t->lock);
    if (now_us - t->slot[i].began_us > TRY_US) {
        t->slot[i].began_us = now_us;
        t->slot[i].n = 0;
    }
    bool ok = ++t->slot[i].n <= TRY_MAX;
    pthread_mutex_unlock(&t->lock);
    return ok;
}

void kt_tries_forget(kt_tries *t, kt_str name)
{
    size_t i = XXH3_64bits(name.p, name.n) % TRY_SLOTS;
    pthread_mutex_lock(&t->lock);
    t->slot[i].n = 0;
    pthread_mutex_unlock(&t->lock);
}
