/* The public API: contexts, errors, checks. */
#include "api_int.h"

#include "base/mem.h"

#include <pthread.h>
#include <unistd.h>

struct karat_context {
    kt_pool *pool;
    pthread_mutex_t lock; /* held by the thread that uses pool */
    pid_t pid;            /* where pool's threads live */
};

const char *karat_version(void)
{
    return KT_VERSION;
}

karat_context *karat_open(int n_threads)
{
    karat_context *c = kt_zalloc(sizeof(*c));
    c->pool = kt_pool_new(n_threads);
    c->pid = getpid();
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void karat_close(karat_context *c)
{
    if (!c)
        return;
    if (c->pid == getpid()) {
        kt_pool_free(c->pool);
        pthread_mutex_destroy(&c->lock);
    }
    kt_free(c);
}

void karat_free(void *p)
{
    kt_free(p);
}

kt_pool *kt_api_take(karat_context *ctx)
{
    if (!ctx || ctx->pid != getpid() || pthread_mutex_trylock(&ctx->lock) != 0)
        return NULL;
    return ctx->pool;
}

void kt_api_give(karat_context *ctx, kt_pool *pool)
{
    if (pool)
        pthread_mutex_unlock(&ctx->lock);
}

karat_rc kt_api_end(kt_rc rc, const kt_err *err, karat_error *ret)
{
    if (ret && rc < 0) {
        ret->rc = rc;
        _Static_assert(sizeof(ret->what) == sizeof(err->what) && sizeof(ret->hint) == sizeof(err->hint), "one size inside and out");
        memcpy(ret->what, err->what, sizeof(ret->what));
        memcpy(ret->hint, err->hint, sizeof(ret->hint));
    }
    return rc < 0 ? rc : KARAT_OK;
}

kt_rc kt_api_fits(size_t n, size_t size, const char *what, kt_err *err)
{
    size_t bytes, pages = (size_t)sysconf(_SC_PHYS_PAGES), page = (size_t)sysconf(_SC_PAGESIZE);
    if (__builtin_mul_overflow(n, size, &bytes) || bytes / page >= pages)
        return kt_fail(err, KT_NOMEM, "%s: %zu of %zu bytes each are more than this machine's memory", what, n, size);
    return 0;
}

kt_rc kt_api_given(const void *p, size_t n, const char *what, kt_err *err)
{
    if (p || n == 0)
        return 0;
    return kt_fail(err, KT_RANGE, "%s is missing", what);
}

kt_rc kt_api_votes(const karat_votes *v, kt_votes *ret, kt_err *err)
{
    if (!v)
        return kt_fail(err, KT_RANGE, "there are no votes");
    if (!v->item || !v->source || !v->label)
        KT_TRY(kt_api_given(NULL, v->n, "item, source or label", err));
    KT_TRY(kt_api_fits(v->n, 8 * sizeof(size_t), "votes", err));
    KT_TRY(kt_api_fits(v->n_items, 8 * sizeof(size_t), "items", err));
    KT_TRY(kt_api_fits(v->n_sources, 16 * sizeof(size_t), "sources", err));
    KT_TRY(kt_api_fits(v->n_labels, 64 * sizeof(size_t), "labels", err));
    *ret = (kt_votes){ v->n, v->n_items, v->n_sources, v->n_labels, v->item, v->source, v->label };
    return 0;
}
