#include "server/committer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/audit.h"
#include "store/queue.h"

#include <errno.h>
#include <pthread.h>

#define MAX_BATCH 64       /* acts in one transaction: bounds how long the first of them waits */
#define MAX_WAITING 4096   /* acts queued; more is refused as busy */
#define TICK_US 1000000    /* how often leases are looked at when nothing else happens */
#define SIGN_US 10000000   /* how often a grown log gets a signed head */
#define EXPIRE_MAX 500     /* leases given back per tick */

struct kt_committer {
    kt_store *s;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows, up to generation */
    pthread_cond_t wake;
    kt_act *first, **last;
    size_t n_waiting;
    bool stop;
    uint64_t log_size;
    unsigned char log_root[32];
    _Atomic uint64_t generation;
    int64_t ticked_us, signed_us; /* of the thread alone */
};

static kt_act *take(kt_committer *c, bool *ret_stop)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TICK_US / 1000000;
    pthread_mutex_lock(&c->lock);
    while (!c->first && !c->stop)
        if (pthread_cond_timedwait(&c->wake, &c->lock, &until) == ETIMEDOUT)
            break;
    kt_act *batch = c->first, *end = batch;
    for (int i = 1; end && end->next && i < MAX_BATCH; i++)
        end = end->next;
    for (kt_act *a = batch; a; a = a == end ? NULL : a->next)
        c->n_waiting--;
    if (end) {
        c->first = end->next;
        if (!c->first)
            c->last = &c->first;
        end->next = NULL;
    }
    *ret_stop = c->stop && !batch;
    pthread_mutex_unlock(&c->lock);
    return batch;
}

/* A failure of the database itself ends the batch: nothing in it may be called done. */
static kt_rc run_batch(kt_committer *c, kt_act *batch, kt_err *err)
{
    KT_TRY(kt_store_begin(c->s, err));
    for (kt_act *a = batch; a; a = a->next) {
        kt_rc rc = kt_store_mark(c->s, err);
        if (rc < 0)
            return kt_store_rollback(c->s), rc;
        a->rc = a->run(c->s, a->ctx, &a->err);
        if (a->rc < 0)
            kt_store_undo(c->s);
        else if ((rc = kt_store_keep(c->s, err)) < 0)
            return kt_store_rollback(c->s), rc;
    }
    return kt_store_commit(c->s, err);
}

static void publish(kt_committer *c)
{
    pthread_mutex_lock(&c->lock);
    kt_audit_root(c->s, &c->log_size, c->log_root);
    pthread_mutex_unlock(&c->lock);
    atomic_fetch_add(&c->generation, 1);
}

static void commit_batch(kt_committer *c, kt_act *batch)
{
    kt_err err = { 0 };
    kt_rc rc = run_batch(c, batch, &err);
    if (rc < 0)
        kt_log(KT_LOG_ERROR, "commit", "%s", err.what);
    else
        publish(c);
    for (kt_act *a = batch, *next; a; a = next) {
        next = a->next; /* done may free the act */
        if (rc < 0) {
            a->rc = rc;
            a->err = err;
        }
        a->done(a);
    }
}

static kt_rc keep_house(kt_committer *c, bool sign, kt_err *err)
{
    int n;
    KT_TRY(kt_queue_expire(c->s, kt_store_now(c->s), EXPIRE_MAX, &n, err));
    return sign ? kt_audit_sign(c->s, err) : 0;
}

static void tick(kt_committer *c, bool last)
{
    int64_t now = kt_mono_us();
    if (!last && now - c->ticked_us < TICK_US)
        return;
    bool sign = last || now - c->signed_us >= SIGN_US;
    kt_err err = { 0 };
    c->ticked_us = now;
    kt_rc rc = kt_store_begin(c->s, &err);
    if (rc == 0)
        rc = kt_store_finish(c->s, keep_house(c, sign, &err), &err);
    if (rc < 0)
        kt_log(KT_LOG_ERROR, "commit", "%s", err.what);
    else if (sign)
        c->signed_us = now;
}

static void *committer_thread(void *arg)
{
    kt_committer *c = arg;
    for (bool stop = false; !stop;) {
        kt_act *batch = take(c, &stop);
        if (batch)
            commit_batch(c, batch);
        tick(c, stop);
    }
    return NULL;
}

kt_committer *kt_committer_new(kt_store *s)
{
    kt_committer *c = kt_zalloc(sizeof(*c));
    c->s = s;
    c->last = &c->first;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, NULL);
    kt_audit_root(s, &c->log_size, c->log_root);
    KT_ASSERT(pthread_create(&c->thread, NULL, committer_thread, c) == 0);
    return c;
}

kt_committer *kt_committer_free(kt_committer *c)
{
    if (!c)
        return NULL;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->wake);
    return kt_free(c);
}

bool kt_committer_post(kt_committer *c, kt_act *act)
{
    act->next = NULL;
    pthread_mutex_lock(&c->lock);
    bool ok = !c->stop && c->n_waiting < MAX_WAITING;
    if (ok) {
        *c->last = act;
        c->last = &act->next;
        c->n_waiting++;
        pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->lock);
    return ok;
}

uint64_t kt_committer_generation(const kt_committer *c)
{
    return atomic_load(&c->generation);
}

void kt_committer_touch(kt_committer *c)
{
    atomic_fetch_add(&c->generation, 1);
}

void kt_committer_log_head(kt_committer *c, uint64_t *ret_size, unsigned char ret_root[32])
{
    pthread_mutex_lock(&c->lock);
    *ret_size = c->log_size;
    memcpy(ret_root, c->log_root, 32);
    pthread_mutex_unlock(&c->lock);
}
