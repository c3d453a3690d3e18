#include "server/watch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <unistd.h>

#define STEP_US 500000   /* how often the clock looks for changes: the shortest time between two events */
#define QUIET_STEPS 30   /* a comment after this many quiet steps keeps the connection alive */
#define MAX_WATCHERS 500

struct watcher {
    kt_watch *w;
    struct MHD_Connection *conn;
    kt_served *project;
    uint64_t seen; /* generation of the last event + 1; 0: none yet */
    int64_t reopened; /* batches opened again that it knows of; -1: it has only come */
    int quiet;     /* steps since something was sent */
    bool asleep;
    kt_buf out;
    size_t sent;
    struct watcher *next;
};

struct kt_watch {
    kt_server *s;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the list and every watcher's asleep and quiet */
    struct watcher *first;
    int n;
    bool end;
    atomic_bool stop;
};

static void wake_all(kt_watch *w, bool all)
{
    pthread_mutex_lock(&w->lock);
    uint64_t now = kt_committer_generation(w->s->writer);
    for (struct watcher *v = w->first; v; v = v->next)
        if (v->asleep && (all || v->seen != now + 1 || ++v->quiet >= QUIET_STEPS)) {
            v->asleep = false;
            MHD_resume_connection(v->conn);
        }
    pthread_mutex_unlock(&w->lock);
}

static void *watch_thread(void *arg)
{
    kt_watch *w = arg;
    while (!atomic_load(&w->stop)) {
        usleep(STEP_US / 5);
        static const int steps = 5;
        for (int i = 1; i < steps && !atomic_load(&w->stop); i++)
            usleep(STEP_US / 5);
        wake_all(w, false);
    }
    return NULL;
}

/* The next event, or a comment when nothing changed. */
static void compose(struct watcher *v)
{
    kt_watch *w = v->w;
    uint64_t now = kt_committer_generation(w->s->writer);
    kt_buf_reset(&v->out);
    v->sent = 0;
    if (v->seen == now + 1) {
        kt_buf_puts(&v->out, ": still here\n\n");
        return;
    }
    kt_err err = { 0 };
    kt_buf_puts(&v->out, "event: progress\ndata: ");
    if (kt_progress_json(w->s, v->project, &v->out, &err) < 0) {
        kt_buf_reset(&v->out);
        kt_buf_puts(&v->out, ": busy");
    } else {
        v->seen = now + 1;
    }
    kt_buf_puts(&v->out, "\n\n");
    kt_ignore(kt_reopened_events(w->s, v->project, &v->reopened, &v->out, &err), "it is told at the next change");
}

/* Nothing to send: sleep until the clock finds something. */
static bool sleep_now(struct watcher *v)
{
    pthread_mutex_lock(&v->w->lock);
    bool sleep = !v->w->end && v->seen && !v->asleep;
    if (sleep) {
        v->asleep = true;
        v->quiet = 0;
        MHD_suspend_connection(v->conn);
    }
    pthread_mutex_unlock(&v->w->lock);
    return sleep;
}

static ssize_t on_read(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct watcher *v = cls;
    (void)pos;
    if (v->sent == v->out.n) {
        bool woken = v->out.n && v->sent; /* something was sent before: this is either the call after it, or a waking */
        if (woken) {
            kt_buf_reset(&v->out);
            v->sent = 0;
            if (sleep_now(v))
                return 0;
        }
        pthread_mutex_lock(&v->w->lock);
        bool end = v->w->end;
        pthread_mutex_unlock(&v->w->lock);
        if (end)
            return MHD_CONTENT_READER_END_OF_STREAM;
        compose(v);
    }
    size_t n = KT_MIN(max, v->out.n - v->sent);
    memcpy(buf, v->out.p + v->sent, n);
    v->sent += n;
    return (ssize_t)n;
}

static void on_free(void *cls)
{
    struct watcher *v = cls;
    kt_watch *w = v->w;
    pthread_mutex_lock(&w->lock);
    for (struct watcher **p = &w->first; *p; p = &(*p)->next)
        if (*p == v) {
            *p = v->next;
            break;
        }
    w->n--;
    pthread_mutex_unlock(&w->lock);
    kt_buf_done(&v->out);
    kt_free(v);
}

struct MHD_Response *kt_watch_response(kt_watch *w, struct MHD_Connection *conn, kt_served *project)
{
    struct watcher *v = kt_zalloc(sizeof(*v));
    *v = (struct watcher){ .w = w, .conn = conn, .project = project, .reopened = -1, .out = KT_BUF_INIT((size_t)1 << 20) };
    pthread_mutex_lock(&w->lock);
    bool ok = !w->end && w->n < MAX_WATCHERS;
    if (ok) {
        v->next = w->first;
        w->first = v;
        w->n++;
    }
    pthread_mutex_unlock(&w->lock);
    if (!ok)
        return kt_free(v);
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, on_read, v, on_free);
}

kt_watch *kt_watch_new(kt_server *s)
{
    kt_watch *w = kt_zalloc(sizeof(*w));
    w->s = s;
    pthread_mutex_init(&w->lock, NULL);
    KT_ASSERT(pthread_create(&w->thread, NULL, watch_thread, w) == 0);
    return w;
}

void kt_watch_end(kt_watch *w)
{
    pthread_mutex_lock(&w->lock);
    w->end = true;
    pthread_mutex_unlock(&w->lock);
    wake_all(w, true);
}

kt_watch *kt_watch_free(kt_watch *w)
{
    atomic_store(&w->stop, true);
    pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    return kt_free(w);
}
