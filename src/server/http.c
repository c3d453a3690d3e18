/* HTTP/1.1 by libmicrohttpd: the only file that knows it. IO threads with epoll; a connection whose request waits for the
   committer or for slow work is suspended, and resumed when the answer is there. */
#include "server/server_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/assets.h"
#include "server/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_CONNECTIONS 2000
#define IDLE_SECONDS 75 /* an idle connection is closed; a watched one gets a line more often */
#define FILE_BLOCK 65536

struct kt_http {
    kt_server *s;
    struct MHD_Daemon *daemon;
    kt_watch *watch;
    _Atomic int under_way; /* requests handed to other threads */
};

/* A request with its connection. */
struct exchange {
    kt_http *h;
    struct MHD_Connection *conn;
    kt_req *rq;          /* NULL: a page or an asset */
    kt_act act;
    kt_rc rc;
    bool refused;        /* answered before the body */
    bool sent_off, back; /* handed to another thread; returned from there */
};

static kt_str header(struct MHD_Connection *c, const char *name)
{
    return kt_str_of(MHD_lookup_connection_value(c, MHD_HEADER_KIND, name));
}

/* ---- sending ---- */

static void secure_headers(struct MHD_Response *r)
{
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Referrer-Policy", "same-origin");
    MHD_add_response_header(r, "Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'");
}

static struct MHD_Response *response_of(struct exchange *x)
{
    kt_req *rq = x->rq;
    struct stat st;
    if (rq->watch)
        return kt_watch_response(x->h->watch, x->conn, rq->project);
    if (rq->fd >= 0 && fstat(rq->fd, &st) == 0) {
        struct MHD_Response *r = MHD_create_response_from_fd64((uint64_t)st.st_size, rq->fd);
        rq->fd = -1; /* the response closes it */
        return r;
    }
    return MHD_create_response_from_buffer(rq->reply.n, rq->reply.n ? rq->reply.p : (void *)(uintptr_t)"", MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result send_answer(struct exchange *x)
{
    kt_req *rq = x->rq;
    struct MHD_Response *r = response_of(x);
    char text[200];
    if (!r)
        return MHD_NO;
    secure_headers(r);
    MHD_add_response_header(r, "Cache-Control", "no-store");
    if (rq->type)
        MHD_add_response_header(r, "Content-Type", rq->watch ? "text/event-stream" : rq->type);
    else if (rq->watch)
        MHD_add_response_header(r, "Content-Type", "text/event-stream");
    if (rq->cookie[0])
        MHD_add_response_header(r, "Set-Cookie", rq->cookie);
    if (rq->status == 405)
        MHD_add_response_header(r, "Allow", rq->allow);
    if (rq->status == 401)
        MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
    if (rq->status == 503)
        MHD_add_response_header(r, "Retry-After", "1");
    if (rq->attachment && rq->status < 300) {
        snprintf(text, sizeof(text), "attachment; filename=\"%.120s\"", rq->attachment);
        MHD_add_response_header(r, "Content-Disposition", text);
    }
    enum MHD_Result ok = MHD_queue_response(x->conn, (unsigned)rq->status, r);
    MHD_destroy_response(r);
    kt_server_time(x->h->s, rq);
    if (rq->status >= 500)
        kt_log(KT_LOG_ERROR, "http", "%s: %s", rq->route ? rq->route->name : "?", rq->err.what);
    return ok;
}

/* A page's file; a path that is none of them is the app's own and gets its first page. */
static enum MHD_Result send_asset(struct MHD_Connection *c, const char *url)
{
    const kt_asset *a = NULL, *index = NULL;
    for (size_t i = 0; i < kt_n_assets; i++) {
        if (strcmp(kt_assets[i].path, url) == 0)
            a = &kt_assets[i];
        if (strcmp(kt_assets[i].path, "/index.html") == 0)
            index = &kt_assets[i];
    }
    if (!a)
        a = index;
    bool gzip = a && a->gzip && strstr(header(c, "Accept-Encoding").p ? header(c, "Accept-Encoding").p : "", "gzip");
    kt_str tag = header(c, "If-None-Match");
    bool same = a && tag.n && kt_str_eq(tag, kt_str_of(a->etag));
    static const char none[] = "this build has no pages; the API is under /api/v1\n";
    struct MHD_Response *r =
        same ? MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT)
        : a  ? MHD_create_response_from_buffer(gzip ? a->n_gzip : a->n, (void *)(uintptr_t)(gzip ? a->gzip : a->data), MHD_RESPMEM_PERSISTENT)
             : MHD_create_response_from_buffer(sizeof(none) - 1, (void *)(uintptr_t)none, MHD_RESPMEM_PERSISTENT);
    if (!r)
        return MHD_NO;
    secure_headers(r);
    MHD_add_response_header(r, "Content-Type", a ? a->type : "text/plain");
    MHD_add_response_header(r, "Cache-Control", "no-cache");
    MHD_add_response_header(r, "Vary", "Accept-Encoding");
    if (a)
        MHD_add_response_header(r, "ETag", a->etag);
    if (gzip && !same)
        MHD_add_response_header(r, "Content-Encoding", "gzip");
    enum MHD_Result ok = MHD_queue_response(c, same ? 304 : a ? 200 : 404, r);
    MHD_destroy_response(r);
    return ok;
}

/* ---- running ---- */

static void come_back(struct exchange *x)
{
    struct MHD_Connection *c = x->conn;
    kt_http *h = x->h;
    x->back = true;
    MHD_resume_connection(c);
    atomic_fetch_sub(&h->under_way, 1);
}

static kt_rc act_run(kt_store *s, void *ctx, kt_err *err)
{
    struct exchange *x = ctx;
    kt_rc rc = kt_req_run(x->rq, s, NULL);
    *err = x->rq->err;
    return rc;
}

static void act_done(kt_act *act)
{
    struct exchange *x = act->ctx;
    x->rc = act->rc;
    x->rq->err = act->err;
    come_back(x);
}

/* With a reading store, on this thread. */
static kt_rc run_reading(kt_req *rq)
{
    kt_reader_slot *slot;
    KT_TRY(kt_server_take(rq->server, &slot, &rq->err));
    kt_rc rc = kt_req_run(rq, slot->s, slot);
    kt_server_give(rq->server, slot);
    return rc;
}

static void slow_run(void *ctx)
{
    struct exchange *x = ctx;
    x->rc = run_reading(x->rq);
    come_back(x);
}

/* Suspends first: the other thread may be done before this one returns. */
static void send_off(struct exchange *x)
{
    kt_req *rq = x->rq;
    x->sent_off = true;
    x->act = (kt_act){ .run = act_run, .done = act_done, .ctx = x };
    atomic_fetch_add(&x->h->under_way, 1);
    MHD_suspend_connection(x->conn);
    bool ok = rq->route->flags & KT_WRITE ? kt_committer_post(x->h->s->writer, &x->act) : kt_slow_post(rq->route->flags & KT_LONG ? x->h->s->lasting : x->h->s->slow, slow_run, x);
    if (!ok) {
        x->rc = kt_fail(&rq->err, KT_BUSY, "too many requests wait; try again in a moment");
        come_back(x);
    }
}

static enum MHD_Result finish(struct exchange *x)
{
    kt_req *rq = x->rq;
    if (rq->route->flags & (KT_WRITE | KT_SLOW) && !x->sent_off) {
        send_off(x);
        return MHD_YES;
    }
    if (x->sent_off && !x->back)
        return MHD_YES;
    if (!x->sent_off)
        x->rc = run_reading(rq);
    kt_req_answer(rq, x->rc);
    return send_answer(x);
}

/* ---- receiving ---- */

static bool method_of(const char *name, kt_method *ret)
{
    if (strcmp(name, "HEAD") == 0)
        name = "GET";
    for (int m = 0; m < KT_METHOD__COUNT; m++)
        if (strcmp(name, kt_method_name((kt_method)m)) == 0)
            return *ret = (kt_method)m, true;
    return false;
}

static kt_str bearer(struct MHD_Connection *c)
{
    kt_str a = header(c, "Authorization");
    if (kt_str_starts(a, KT_S("Bearer ")))
        return kt_str_trim((kt_str){ a.p + 7, a.n - 7 });
    return kt_str_of(MHD_lookup_connection_value(c, MHD_COOKIE_KIND, KT_SESSION_COOKIE));
}

/* A browser tells where a request comes from; a program does not, and needs no protection from itself. */
static bool is_foreign(struct MHD_Connection *c)
{
    kt_str site = header(c, "Sec-Fetch-Site"), origin = header(c, "Origin"), host = header(c, "Host");
    if (site.n && !kt_str_eq(site, KT_S("same-origin")) && !kt_str_eq(site, KT_S("none")))
        return true;
    if (!origin.n)
        return false;
    const char *at = strstr(origin.p, "://");
    return !at || !kt_str_eq(kt_str_of(at + 3), host);
}

static kt_rc begin(struct exchange *x, const char *url, kt_method m)
{
    kt_req *rq = x->rq = kt_req_new(x->h->s, m, kt_str_of(url));
    int64_t length = -1;
    rq->token = kt_arena_str(&rq->arena, bearer(x->conn));
    rq->json = kt_str_starts(header(x->conn, "Content-Type"), KT_S("application/json"));
    rq->foreign = is_foreign(x->conn);
    rq->secure = kt_str_eq(header(x->conn, "X-Forwarded-Proto"), KT_S("https"));
    if (!kt_parse_i64(header(x->conn, "Content-Length"), 0, INT64_MAX, &length))
        length = -1;
    return kt_req_begin(rq, length);
}

static enum MHD_Result refuse_method(struct MHD_Connection *c)
{
    static const char text[] = "this method is not known here\n";
    struct MHD_Response *r = MHD_create_response_from_buffer(sizeof(text) - 1, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, "Allow", "GET, HEAD, POST, PUT, DELETE");
    enum MHD_Result ok = MHD_queue_response(c, 405, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
                                  const char *data, size_t *data_size, void **con_cls)
{
    struct exchange *x = *con_cls;
    kt_method m;
    (void)version;
    if (!x) { /* the head is there; the body is not */
        if (!method_of(method, &m))
            return refuse_method(conn);
        *con_cls = x = kt_zalloc(sizeof(*x));
        x->h = cls;
        x->conn = conn;
        if (strncmp(url, "/api/", 5) != 0)
            return MHD_YES;
        x->refused = begin(x, url, m) < 0;
        return x->refused ? send_answer(x) : MHD_YES;
    }
    if (*data_size) {
        if (x->rq && !x->refused)
            kt_buf_add(&x->rq->body, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    if (!x->rq)
        return send_asset(conn, url);
    if (x->refused)
        return MHD_YES;
    if (x->rq->body.failed) {
        kt_fail(&x->rq->err, KT_LIMIT, "the body is longer than %zu bytes", x->rq->body.max);
        kt_req_answer(x->rq, KT_LIMIT);
        return send_answer(x);
    }
    return finish(x);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls, enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *con_cls;
    (void)cls, (void)conn, (void)why;
    if (!x)
        return;
    if (x->rq && x->rq->fd >= 0)
        close(x->rq->fd);
    kt_req_free(x->rq);
    kt_free(x);
    *con_cls = NULL;
}

static void on_panic(void *cls, const char *file, unsigned line, const char *reason)
{
    (void)cls;
    kt_log(KT_LOG_ERROR, "http", "libmicrohttpd: %s:%u: %s", file, line, reason ? reason : "");
    kt_assert_failed("libmicrohttpd goes on", file, (int)line);
}

static void KT_PRINTF(2, 0) on_log(void *cls, const char *fmt, va_list ap)
{
    char text[400];
    (void)cls;
    vsnprintf(text, sizeof(text), fmt, ap);
    kt_log(KT_LOG_DEBUG, "http", "%s", text);
}

/* ---- start and stop ---- */

static kt_rc address_of(const kt_server_opts *o, struct sockaddr_storage *ret, kt_err *err)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, o->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)o->port);
        return 0;
    }
    if (inet_pton(AF_INET6, o->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)o->port);
        return 0;
    }
    return kt_fail(err, KT_USAGE, "--listen wants an IPv4 or IPv6 address, for example 127.0.0.1 or 0.0.0.0, not %s", o->address);
}

kt_rc kt_http_start(kt_server *s, kt_http **ret, int *ret_port, kt_err *err)
{
    struct sockaddr_storage addr;
    KT_TRY(address_of(s->o, &addr, err));
    kt_http *h = kt_zalloc(sizeof(*h));
    unsigned threads = s->o->threads > 0 ? (unsigned)s->o->threads : (unsigned)KT_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L);
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    h->s = s;
    h->watch = kt_watch_new(s);
    MHD_set_panic_func(on_panic, NULL);
    if (addr.ss_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    errno = 0;
    h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_SOCK_ADDR, &addr,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_THREAD_POOL_SIZE,
                                 threads > 1 ? threads : 0u, MHD_OPTION_END);
    if (!h->daemon) {
        kt_fail(err, KT_NET, "cannot listen on %s port %d%s%s", s->o->address, s->o->port, errno ? ": " : "", errno ? strerror(errno) : "");
        kt_hint(err, "another program may have the port; choose one with --port, or 0 for any");
        kt_watch_free(h->watch);
        kt_free(h);
        return KT_NET;
    }
    *ret_port = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    *ret = h;
    return 0;
}

/* No connection may be suspended when the daemon stops: what is under way comes back first, watchers end. */
kt_http *kt_http_stop(kt_http *h)
{
    MHD_socket listening = MHD_quiesce_daemon(h->daemon);
    for (int i = 0; i < 1000 && atomic_load(&h->under_way) > 0; i++)
        usleep(10000);
    kt_watch_end(h->watch);
    usleep(100000); /* the answers that came back are sent */
    MHD_stop_daemon(h->daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    kt_watch_free(h->watch);
    return kt_free(h);
}
