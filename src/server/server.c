/* What the server holds, its start and its end. */
#include "server/server_int.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/config.h"
#include "store/column.h"

#include <stdio.h>
#include <unistd.h>

#define STEP_US 50000   /* how soon a stop is seen */
#define TIDY_STEPS 40   /* every two seconds */

static kt_rc load_projects(kt_server *s, kt_store *store, kt_err *err)
{
    kt_project *p;
    size_t n;
    KT_TRY(kt_project_list(store, &s->arena, &p, &n, err));
    s->project = kt_arena_array(&s->arena, n, sizeof(*s->project));
    for (size_t i = 0; i < n; i++) {
        size_t n_chunks = p[i].n_items / KT_COLUMN_CHUNK + 1;
        kt_served *v = &s->project[i];
        v->p = p[i];
        v->pred = kt_arena_array(&s->arena, n_chunks, sizeof(kt_pred *));
        v->marks = kt_arena_array(&s->arena, n_chunks, sizeof(kt_marks_chunk));
        v->chars = kt_arena_array(&s->arena, KT_SERVED_CHARS, sizeof(*v->chars));
        s->n_projects++;
        KT_TRY(kt_review_rules_get(&p[i], &v->rules, err));
        kt_config c;
        KT_TRY(kt_config_of(store, &p[i], &s->arena, &c, err));
        v->known[0] = c.gold_field;
        v->known[1] = c.truth_field;
    }
    return 0;
}

static kt_rc load_key(kt_server *s, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1000);
    KT_TRY(kt_file_read(kt_arena_printf(&s->arena, "%s/keys/audit.public", s->o->dir).p, &b, err));
    snprintf(s->public_key, sizeof(s->public_key), "%.*s", KT_F(kt_str_trim(KT_BUF_STR(&b))));
    return 0;
}

/* Waits for the end; meanwhile keeps the database's log short, beside the committer and never in its way. */
static void wait_for_stop(kt_server *s, kt_store *reader, const atomic_int *stop)
{
    uint64_t tidied = kt_committer_generation(s->writer);
    for (int step = 1; !atomic_load(stop); step++) {
        usleep(STEP_US);
        if (step % TIDY_STEPS || kt_committer_generation(s->writer) == tidied)
            continue;
        kt_err err = { 0 };
        tidied = kt_committer_generation(s->writer);
        if (kt_store_tidy(reader, &err) < 0)
            kt_log(KT_LOG_WARN, "serve", "%s", err.what);
    }
}

static kt_rc serve(kt_server *s, const atomic_int *stop, kt_err *err)
{
    kt_http *http;
    kt_store *reader;
    int port;
    KT_TRY(kt_store_open(s->o->dir, KT_STORE_READ, &reader, err));
    kt_rc rc = kt_http_start(s, &http, &port, err);
    if (rc < 0) {
        kt_store_close(reader);
        return rc;
    }
    if (s->o->ready)
        s->o->ready(s->o->ctx, s->o->address, port);
    wait_for_stop(s, reader, stop);
    atomic_store(&s->stopping, true);
    kt_http_stop(http);
    kt_store_close(reader);
    return 0;
}

kt_rc kt_server_run(const kt_server_opts *o, const atomic_int *stop, kt_err *err)
{
    KT_ASSERT(!kt_routes_clash());
    kt_store *store;
    KT_TRY(kt_store_open(o->dir, KT_STORE_WRITE, &store, err));
    kt_server *s = kt_zalloc(sizeof(*s));
    s->o = o;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->exporting, NULL);
    pthread_mutex_init(&s->trying, NULL);
    pthread_mutex_init(&s->computing, NULL);
    s->pool = kt_pool_new(0);
    kt_rc rc = load_projects(s, store, err);
    if (rc == 0)
        rc = load_key(s, err);
    if (rc == 0) {
        s->tries = kt_tries_new();
        s->slow = kt_slow_new();
        s->lasting = kt_slow_new();
        kt_store_tidy_elsewhere(store);
        kt_store *sibling = NULL;
        kt_flow *flow = NULL;
        rc = kt_store_sibling(store, &s->stages, err); /* before the committer's thread has the store: it becomes a shared one */
        if (rc == 0 && o->flow)
            rc = kt_store_sibling(store, &sibling, err);
        s->writer = kt_committer_new(store);
        if (sibling)
            flow = kt_flow_start(s, sibling);
        kt_hooks *hooks = kt_hooks_start(s);
        if (rc == 0)
            rc = serve(s, stop, err);
        atomic_store(&s->stopping, true);
        kt_flow_stop(flow);
        kt_hooks_stop(hooks);
        s->lasting = kt_slow_free(s->lasting);
        s->slow = kt_slow_free(s->slow);
        s->stages = kt_store_close(s->stages);
        s->writer = kt_committer_free(s->writer);
        s->tries = kt_tries_free(s->tries);
    }
    kt_server_close_slots(s);
    for (size_t i = 0; i < s->n_projects && s->project[i].pred; i++)
        kt_served_forget(s, &s->project[i]);
    kt_store_close(store);
    kt_arena_done(&s->arena);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->exporting);
    pthread_mutex_destroy(&s->trying);
    pthread_mutex_destroy(&s->computing);
    kt_pool_free(s->pool);
    kt_free(s);
    return rc;
}
