/* Sends what others are to be told while the server runs: one thread looks every second for notices that are due, posts them, and has the
   committer write down how it went. Nobody waits for it. */
#include "server/server_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "stage/notify.h"

#include <unistd.h>

#define LOOK_US 1000000
enum { AT_ONCE = 20 };

struct kt_hooks {
    kt_server *s;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards done */
    pthread_cond_t wake;
    bool done;
};

struct outcome {
    kt_hooks *h;
    int64_t id, tries;
    kt_str error;
};

static kt_rc write_down(kt_store *s, void *ctx, kt_err *err)
{
    struct outcome *o = ctx;
    int64_t now = kt_now_us();
    return kt_notice_tried(s, o->id, now, o->error, kt_notify_again(o->tries, now), err);
}

static void written(kt_act *act)
{
    struct outcome *o = act->ctx;
    pthread_mutex_lock(&o->h->lock);
    o->h->done = true;
    pthread_cond_signal(&o->h->wake);
    pthread_mutex_unlock(&o->h->lock);
}

/* The configuration of the notice's project; the store is given back before anything is sent. */
static bool config_of(kt_hooks *h, const kt_notice *n, kt_arena *a, kt_config *ret)
{
    kt_reader_slot *slot;
    kt_project p;
    kt_err err = { 0 };
    kt_rc rc = kt_server_take(h->s, &slot, &err);
    if (rc == 0) {
        rc = kt_project_by_id(slot->s, n->project, a, &p, &err);
        if (rc == 0)
            rc = kt_config_of(slot->s, &p, a, ret, &err);
        kt_server_give(h->s, slot);
    }
    if (rc < 0)
        kt_log(KT_LOG_ERROR, "notify", "%s", err.what);
    return rc == 0;
}

static void send_one(kt_hooks *h, const kt_notice *n)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    KT_AUTO(kt_buf) error = KT_BUF_INIT(2000);
    kt_config c;
    if (!config_of(h, n, &a, &c))
        return;
    kt_notify_try(&c, n, &error);
    if (error.n)
        kt_log(KT_LOG_WARN, "notify", "%.*s was not told of %.*s: %.*s", KT_F(c.notify_url), KT_F(n->kind), KT_F(KT_BUF_STR(&error)));
    struct outcome o = { h, n->id, n->tries + 1, error.n ? KT_BUF_STR(&error) : KT_S("") };
    kt_act act = { .run = write_down, .done = written, .ctx = &o };
    pthread_mutex_lock(&h->lock);
    h->done = false;
    pthread_mutex_unlock(&h->lock);
    if (!kt_committer_post(h->s->writer, &act))
        return; /* it ends, or is overrun: the notice is sent again */
    pthread_mutex_lock(&h->lock);
    while (!h->done)
        pthread_cond_wait(&h->wake, &h->lock);
    pthread_mutex_unlock(&h->lock);
}

static void look(kt_hooks *h)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_reader_slot *slot;
    kt_notice *v = NULL;
    size_t n = 0;
    kt_err err = { 0 };
    if (kt_server_take(h->s, &slot, &err) < 0)
        return;
    if (kt_notice_due(slot->s, 0, kt_now_us(), AT_ONCE, &a, &v, &n, &err) < 0)
        kt_log(KT_LOG_ERROR, "notify", "%s", err.what);
    kt_server_give(h->s, slot);
    for (size_t i = 0; i < n && !atomic_load(&h->stop); i++)
        send_one(h, &v[i]);
}

static void *hooks_thread(void *arg)
{
    kt_hooks *h = arg;
    while (!atomic_load(&h->stop)) {
        look(h);
        for (int k = 0; k < 10 && !atomic_load(&h->stop); k++)
            usleep(LOOK_US / 10);
    }
    return NULL;
}

kt_hooks *kt_hooks_start(kt_server *s)
{
    kt_hooks *h = kt_zalloc(sizeof(*h));
    h->s = s;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);
    KT_ASSERT(pthread_create(&h->thread, NULL, hooks_thread, h) == 0);
    return h;
}

kt_hooks *kt_hooks_stop(kt_hooks *h)
{
    if (!h)
        return NULL;
    atomic_store(&h->stop, true);
    pthread_join(h->thread, NULL);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->wake);
    return kt_free(h);
}
