/* Signing in and out, and who there is. */
#include "server/server_int.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define SESSION_SECONDS 43200 /* as the store keeps them */

struct opening {
    int64_t user;
    char token[48];
};

static kt_rc open_session(kt_store *s, void *ctx, kt_err *err)
{
    struct opening *o = ctx;
    return kt_session_open(s, o->user, o->token, err);
}

static void set_cookie(kt_req *rq, const char *token, int seconds)
{
    snprintf(rq->cookie, sizeof(rq->cookie), KT_SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", token, seconds,
             rq->secure ? "; Secure" : "");
}

kt_rc h_session_open(kt_req *rq, const kt_credentials *in, kt_session *ret)
{
    struct opening o = { 0 };
    char hash[128];
    kt_user u;
    if (!kt_tries_allow(rq->server->tries, in->name, kt_mono_us())) {
        kt_fail(&rq->err, KT_RATE, "too many sign-ins as %.*s", KT_F(in->name));
        return kt_hint(&rq->err, "wait a minute"), KT_RATE;
    }
    KT_TRY(kt_user_hash(rq->store, in->name, &o.user, hash, &rq->err));
    if (!kt_password_matches(hash, in->password))
        return kt_fail(&rq->err, KT_AUTH, "name or password is wrong");
    kt_tries_forget(rq->server->tries, in->name);
    KT_TRY(kt_user_get(rq->store, o.user, 0, &rq->arena, &u, &rq->err));
    KT_TRY(kt_req_write(rq, open_session, &o));
    set_cookie(rq, o.token, SESSION_SECONDS);
    *ret = (kt_session){ kt_arena_str(&rq->arena, kt_str_of(o.token)), kt_req_time(rq, kt_now_us() + INT64_C(1000000) * SESSION_SECONDS), u.id,
                         u.name, u.role == KT_ROLE_ADMIN };
    return 0;
}

kt_rc h_session_get(kt_req *rq, const kt_none *in, kt_me *ret)
{
    (void)in;
    *ret = (kt_me){ rq->user.id, rq->user.name, rq->user.role == KT_ROLE_ADMIN };
    return 0;
}

kt_rc h_session_close(kt_req *rq, const kt_none *in, kt_none *ret)
{
    (void)in, (void)ret;
    set_cookie(rq, "", 0);
    return kt_session_close(rq->store, rq->token, &rq->err);
}

struct new_password {
    int64_t user;
    char hash[128];
};

static kt_rc set_password(kt_store *s, void *ctx, kt_err *err)
{
    struct new_password *n = ctx;
    return kt_user_set_hash(s, n->user, n->user, kt_str_of(n->hash), err);
}

kt_rc h_password_set(kt_req *rq, const kt_password_change *in, kt_none *ret)
{
    char old[128];
    int64_t id;
    struct new_password n = { .user = rq->user.id };
    (void)ret;
    KT_TRY(kt_user_hash(rq->store, rq->user.name, &id, old, &rq->err));
    if (!kt_password_matches(old, in->old)) {
        kt_fail(&rq->err, KT_DENIED, "old: this is not your password");
        return kt_at(&rq->err, NULL, 0, "/old"), KT_DENIED;
    }
    KT_TRY(kt_password_hash(in->new_password, n.hash, &rq->err));
    return kt_req_write(rq, set_password, &n);
}

static kt_user_row user_row(const kt_user *u)
{
    return (kt_user_row){ u->id, u->name, u->role == KT_ROLE_ADMIN, u->simulated };
}

kt_rc h_user_list(kt_req *rq, const kt_none *in, kt_users *ret)
{
    kt_user *v;
    size_t n;
    (void)in;
    KT_TRY(kt_user_list(rq->store, 0, &rq->arena, &v, &n, &rq->err));
    ret->users = kt_req_list(rq, n, sizeof(kt_user_row));
    for (size_t i = 0; i < n; i++)
        ((kt_user_row *)ret->users.v)[i] = user_row(&v[i]);
    return 0;
}

struct new_user {
    const kt_user_create *in;
    int64_t by;
    char hash[128];
    int64_t id;
};

static kt_rc add_user(kt_store *s, void *ctx, kt_err *err)
{
    struct new_user *n = ctx;
    KT_TRY(kt_user_add(s, n->by, n->in->name, kt_str_of(n->hash), false, &n->id, err));
    return n->in->admin ? kt_user_grant(s, n->by, n->id, 0, KT_ROLE_ADMIN, err) : 0;
}

kt_rc h_user_create(kt_req *rq, const kt_user_create *in, kt_user_row *ret)
{
    struct new_user n = { .in = in, .by = rq->user.id };
    KT_TRY(kt_password_hash(in->password, n.hash, &rq->err));
    KT_TRY(kt_req_write(rq, add_user, &n));
    *ret = (kt_user_row){ n.id, in->name, in->admin, false };
    return 0;
}
