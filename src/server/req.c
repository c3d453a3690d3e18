#include "server/server_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/suspect.h"

#include <stdio.h>

kt_req *kt_req_new(kt_server *s, kt_method method, kt_str path)
{
    kt_req *rq = kt_zalloc(sizeof(*rq));
    rq->server = s;
    rq->method = method;
    rq->path = kt_arena_str(&rq->arena, path);
    rq->body.max = KT_MAX_BODY_BYTES;
    rq->reply.max = (size_t)256 << 20;
    rq->fd = -1;
    rq->began_us = kt_mono_us();
    return rq;
}

kt_req *kt_req_free(kt_req *rq)
{
    if (!rq)
        return NULL;
    kt_buf_done(&rq->body);
    kt_buf_done(&rq->reply);
    kt_arena_done(&rq->arena);
    return kt_free(rq);
}

/* ---- before the body ---- */

static kt_rc authenticate(kt_req *rq)
{
    if (rq->route->need == KT_NEED_PUBLIC)
        return 0;
    if (!rq->token.n)
        return kt_fail(&rq->err, KT_AUTH, "this needs a session; sign in with POST /api/v1/session");
    int64_t id;
    KT_TRY(kt_session_user(rq->store, rq->token, &id, &rq->err));
    return kt_user_get(rq->store, id, rq->p ? rq->p->id : 0, &rq->arena, &rq->user, &rq->err);
}

/* Somebody without any role in a project is told that it is not there: its name is nobody else's business. */
static kt_rc authorize(kt_req *rq)
{
    static const kt_role least[] = { [KT_NEED_VIEWER] = KT_ROLE_VIEWER, [KT_NEED_ANNOTATOR] = KT_ROLE_ANNOTATOR,
                                     [KT_NEED_EXPERT] = KT_ROLE_EXPERT, [KT_NEED_MANAGER] = KT_ROLE_MANAGER, [KT_NEED_ADMIN] = KT_ROLE_ADMIN };
    kt_need need = rq->route->need;
    if (need == KT_NEED_PUBLIC || need == KT_NEED_USER)
        return 0;
    if (rq->p && rq->user.role == KT_ROLE_NONE)
        return kt_fail(&rq->err, KT_NOTFOUND, "there is no project %.*s here for you", KT_F(rq->param[KT_PARAM_PROJECT]));
    if (rq->user.role >= least[need])
        return 0;
    kt_fail(&rq->err, KT_DENIED, "%s wants the role %s; yours is %s", rq->route->name, kt_role_name(least[need]), kt_role_name(rq->user.role));
    return kt_hint(&rq->err, "ask an administrator of the workspace"), KT_DENIED;
}

static kt_rc find_project(kt_req *rq)
{
    if (!rq->param[KT_PARAM_PROJECT].p)
        return 0;
    rq->project = kt_server_project(rq->server, rq->param[KT_PARAM_PROJECT]);
    rq->p = rq->project ? &rq->project->p : NULL;
    return 0;
}

/* What a form on somebody else's page cannot send: JSON, and an Origin of our own. */
static kt_rc refuse_forgery(kt_req *rq)
{
    if (rq->method == KT_GET)
        return 0;
    if (rq->foreign)
        return kt_fail(&rq->err, KT_DENIED, "the request comes from another site's page");
    if (!rq->json) {
        kt_fail(&rq->err, KT_USAGE, "the body must be JSON");
        return kt_hint(&rq->err, "send the header Content-Type: application/json, with {} where there is nothing to say"), KT_USAGE;
    }
    return 0;
}

static kt_rc begin(kt_req *rq, int64_t content_length)
{
    KT_TRY(kt_route_find(rq->method, rq->path, &rq->route, rq->param, rq->allow, &rq->err));
    KT_TRY(find_project(rq));
    kt_reader_slot *slot;
    KT_TRY(kt_server_take(rq->server, &slot, &rq->err));
    rq->store = slot->s;
    kt_rc rc = authenticate(rq);
    rq->store = NULL;
    kt_server_give(rq->server, slot);
    KT_TRY(rc);
    if (rq->param[KT_PARAM_PROJECT].p && !rq->p)
        return kt_fail(&rq->err, KT_NOTFOUND, "there is no project %.*s here for you", KT_F(rq->param[KT_PARAM_PROJECT]));
    KT_TRY(authorize(rq));
    KT_TRY(refuse_forgery(rq));
    if (content_length > (int64_t)rq->body.max)
        return kt_fail(&rq->err, KT_LIMIT, "a body of %lld bytes; at most %zu are taken", (long long)content_length, rq->body.max);
    return 0;
}

kt_rc kt_req_begin(kt_req *rq, int64_t content_length)
{
    kt_rc rc = begin(rq, content_length);
    if (rc < 0)
        kt_req_answer(rq, rc);
    return rc;
}

/* ---- the handler ---- */

kt_rc kt_req_run(kt_req *rq, kt_store *store, kt_reader_slot *slot)
{
    const kt_route *r = rq->route;
    rq->store = store;
    rq->slot = slot;
    rq->in = kt_arena_zalloc(&rq->arena, r->in->size);
    rq->out = kt_arena_zalloc(&rq->arena, r->out->size);
    if (rq->method != KT_GET) {
        kt_str body = rq->body.n ? KT_BUF_STR(&rq->body) : KT_S("{}");
        KT_TRY(kt_shape_decode(r->in, body, &rq->arena, rq->in, &rq->err));
    }
    return r->run(rq, rq->in, rq->out);
}

/* ---- the answer ---- */

static void answer_problem(kt_req *rq, kt_rc rc)
{
    if (!rq->err.rc)
        kt_fail(&rq->err, rc, "%s", kt_rc_sentence(rc));
    kt_err *e = &rq->err;
    rq->status = rq->allow[0] && e->rc == KT_USAGE && !rq->route ? 405 : kt_rc_http(e->rc);
    rq->type = "application/problem+json";
    rq->fd = -1;
    rq->watch = false;
    kt_buf_reset(&rq->reply);
    kt_buf_printf(&rq->reply, "{\"type\":\"urn:karat:error:%s\",\"title\":", kt_rc_slug(e->rc));
    kt_buf_json(&rq->reply, kt_str_of(kt_rc_sentence(e->rc)));
    kt_buf_printf(&rq->reply, ",\"status\":%d,\"detail\":", rq->status);
    kt_buf_json(&rq->reply, kt_str_of(e->what));
    const struct { const char *name, *text; } more[] = { { "field", e->field }, { "hint", e->hint } };
    for (size_t i = 0; i < KT_LEN(more); i++)
        if (more[i].text[0]) {
            kt_buf_printf(&rq->reply, ",\"%s\":", more[i].name);
            kt_buf_json(&rq->reply, kt_str_of(more[i].text));
        }
    kt_buf_char(&rq->reply, '}');
}

/* What a committed act shows is read on a snapshot that has it. */
static kt_rc fill_in(kt_req *rq)
{
    KT_TRY(kt_server_take(rq->server, &rq->slot, &rq->err));
    rq->store = rq->slot->s;
    kt_rc rc = rq->after(rq);
    kt_server_give(rq->server, rq->slot);
    rq->store = NULL;
    rq->slot = NULL;
    return rc;
}

void kt_req_answer(kt_req *rq, kt_rc rc)
{
    if (rc >= 0 && rq->after)
        rc = fill_in(rq);
    if (rc < 0) {
        answer_problem(rq, rc);
        return;
    }
    rq->status = rq->route->status;
    if (rq->route->flags & KT_STREAM || rq->route->status == 204)
        return; /* the handler has left the bytes, or there are none */
    rq->type = "application/json";
    kt_shape_encode(rq->route->out, rq->out, &rq->reply);
    if (rq->reply.failed)
        answer_problem(rq, kt_fail(&rq->err, KT_LIMIT, "the answer is larger than %zu bytes", rq->reply.max));
}

/* ---- for handlers ---- */

kt_rc kt_req_number(kt_req *rq, kt_param p, int64_t *ret)
{
    if (kt_parse_i64(rq->param[p], 0, UINT32_MAX, ret))
        return 0;
    return kt_fail(&rq->err, KT_NOTFOUND, "%.*s is not a number in the path", (int)KT_MIN(rq->param[p].n, 40), rq->param[p].p);
}

kt_str kt_req_time(kt_req *rq, int64_t us)
{
    char when[28];
    kt_time_format(us, when);
    return kt_arena_str(&rq->arena, kt_str_of(when));
}

kt_list kt_req_list(kt_req *rq, size_t n, size_t size)
{
    return (kt_list){ kt_arena_array(&rq->arena, n, size), n };
}

kt_list kt_req_desks(kt_req *rq, kt_role role)
{
    kt_list l = kt_req_list(rq, 2, sizeof(kt_str));
    kt_str *v = l.v;
    l.n = 0;
    if (kt_review_queues(role, false))
        v[l.n++] = KT_S("annotator");
    if (kt_review_queues(role, true))
        v[l.n++] = KT_S("expert");
    return l;
}

const kt_review_rules *kt_req_rules(const kt_req *rq)
{
    return &rq->project->rules;
}

kt_rc kt_req_items(kt_req *rq, kt_item_reader **ret)
{
    kt_item_reader **r = &rq->slot->items[rq->project - rq->server->project];
    if (!*r)
        KT_TRY(kt_item_reader_new(rq->slot->s, rq->p->id, r, &rq->err));
    *ret = *r;
    return 0;
}

kt_rc kt_req_item(kt_req *rq, uint32_t item, kt_item *ret)
{
    kt_item_reader *r;
    KT_TRY(kt_req_items(rq, &r));
    KT_TRY(kt_item_get(r, item, ret, &rq->err));
    kt_str *views[] = { &ret->ext_id, &ret->text, &ret->group, &ret->meta };
    for (size_t i = 0; i < KT_LEN(views); i++)
        *views[i] = kt_arena_str(&rq->arena, *views[i]);
    return 0;
}

kt_rc kt_req_votes(kt_req *rq, uint32_t item, kt_list *ret)
{
    kt_annotation *v;
    size_t n;
    KT_TRY(kt_annotation_of_item(rq->store, rq->p->id, item, &rq->arena, &v, &n, &rq->err));
    *ret = kt_req_list(rq, n, sizeof(kt_vote_row));
    kt_vote_row *row = ret->v;
    for (size_t i = 0; i < n; i++) {
        kt_answer_form said;
        KT_TRY(kt_req_said(rq, v[i].label, &said));
        row[i] = (kt_vote_row){ .annotator = v[i].user_name, .label = said.label, .labels = said.labels, .spans = said.spans,
                                .flagged = v[i].flagged, .comment = v[i].comment, .at = kt_req_time(rq, v[i].at_us) };
    }
    return 0;
}

kt_rc kt_req_evidence(kt_req *rq, uint32_t item, kt_list *ret)
{
    kt_suspect x;
    kt_rc rc = kt_suspect_get(rq->store, rq->p->id, item, &x, &rq->err);
    *ret = kt_req_list(rq, rc == 0, sizeof(kt_evidence_row));
    if (rc != 0)
        return rc < 0 ? rc : 0;
    kt_evidence_row *row = ret->v;
    *row = (kt_evidence_row){ .probability = x.probability, .quality = x.quality };
    KT_TRY(kt_req_words(rq, x.given, &row->given));
    return kt_req_words(rq, x.likely, &row->likely);
}

struct waited {
    kt_rc (*fn)(kt_store *s, void *ctx, kt_err *err);
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
};

static kt_rc run_waited(kt_store *s, void *ctx, kt_err *err)
{
    struct waited *w = ctx;
    return w->fn(s, w->ctx, err);
}

static void wake_waited(kt_act *act)
{
    struct waited *w = act->ctx;
    pthread_mutex_lock(&w->lock);
    w->done = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

kt_rc kt_req_write(kt_req *rq, kt_rc (*fn)(kt_store *s, void *ctx, kt_err *err), void *ctx)
{
    struct waited w = { .fn = fn, .ctx = ctx, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };
    kt_act act = { .run = run_waited, .done = wake_waited, .ctx = &w };
    if (!kt_committer_post(rq->server->writer, &act))
        return kt_fail(&rq->err, KT_BUSY, "too many requests wait; try again in a moment");
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.wake, &w.lock);
    pthread_mutex_unlock(&w.lock);
    if (act.rc < 0)
        rq->err = act.err;
    return act.rc;
}
