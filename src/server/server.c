/* What the server holds, its start and its end. */
#include "server/server_int.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/column.h"
#include "store/item.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define STEP_US 50000   /* how soon a stop is seen */
#define TIDY_STEPS 40   /* every two seconds */

kt_rc kt_server_take(kt_server *s, kt_reader_slot **ret, kt_err *err)
{
    pthread_mutex_lock(&s->lock);
    kt_reader_slot *slot = s->free_slots;
    if (slot)
        s->free_slots = slot->next;
    pthread_mutex_unlock(&s->lock);
    if (!slot) {
        kt_store *store;
        KT_TRY(kt_store_open(s->o->dir, KT_STORE_READ, &store, err));
        slot = kt_zalloc(sizeof(*slot));
        slot->s = store;
        slot->items = kt_zalloc_array(s->n_projects + 1, sizeof(*slot->items));
    }
    kt_rc rc = kt_store_begin(slot->s, err); /* one snapshot per request */
    if (rc < 0) {
        kt_server_give(s, slot);
        return rc;
    }
    *ret = slot;
    return 0;
}

void kt_server_give(kt_server *s, kt_reader_slot *slot)
{
    kt_store_rollback(slot->s);
    pthread_mutex_lock(&s->lock);
    slot->next = s->free_slots;
    s->free_slots = slot;
    pthread_mutex_unlock(&s->lock);
}

static void free_slots(kt_server *s)
{
    for (kt_reader_slot *slot = s->free_slots, *next; slot; slot = next) {
        next = slot->next;
        for (size_t i = 0; i < s->n_projects; i++)
            kt_item_reader_free(slot->items[i]);
        kt_free(slot->items);
        kt_store_close(slot->s);
        kt_free(slot);
    }
}

kt_served *kt_server_project(kt_server *s, kt_str name_or_id)
{
    int64_t id = 0;
    bool number = kt_parse_i64(name_or_id, 1, INT64_MAX, &id);
    for (size_t i = 0; i < s->n_projects; i++)
        if (number ? s->project[i].p.id == id : kt_str_eq(s->project[i].p.name, name_or_id))
            return &s->project[i];
    return NULL;
}

kt_rc kt_served_pred(kt_req *rq, uint32_t item, int32_t *ret_label, double *ret_score)
{
    kt_served *p = rq->project;
    uint32_t chunk = item / KT_COLUMN_CHUNK;
    pthread_mutex_lock(&rq->server->lock);
    kt_pred *v = p->pred[chunk];
    pthread_mutex_unlock(&rq->server->lock);
    if (!v) {
        kt_column_part part = { KT_S("pred"), chunk * KT_COLUMN_CHUNK, KT_MIN(KT_COLUMN_CHUNK, p->p.n_items - chunk * KT_COLUMN_CHUNK), sizeof(*v) };
        kt_pred *fresh = kt_alloc_array(part.n, sizeof(*v));
        kt_rc rc = kt_column_get(rq->store, p->p.id, &part, 0xff, fresh, &rq->err);
        if (rc < 0)
            return kt_free(fresh), rc;
        pthread_mutex_lock(&rq->server->lock);
        v = p->pred[chunk];
        if (!v)
            v = p->pred[chunk] = fresh;
        pthread_mutex_unlock(&rq->server->lock);
        if (v != fresh)
            kt_free(fresh);
    }
    *ret_label = v[item % KT_COLUMN_CHUNK].label;
    *ret_score = *ret_label >= 0 ? (double)v[item % KT_COLUMN_CHUNK].score : NAN;
    return 0;
}

void kt_server_time(kt_server *s, const kt_req *rq)
{
    if (!rq->route)
        return;
    kt_op_times *t = &s->times[rq->route - kt_routes];
    int64_t us = KT_MAX(kt_mono_us() - rq->began_us, (int64_t)1);
    int bin = KT_MIN((int)(4 * log2((double)us)), KT_TIME_BINS - 1);
    atomic_fetch_add(&t->n[bin], 1);
    atomic_fetch_add(&t->total_us, (uint64_t)us);
    if (rq->status >= 400)
        atomic_fetch_add(&t->failed, 1);
}

static kt_rc load_projects(kt_server *s, kt_store *store, kt_err *err)
{
    kt_project *p;
    KT_TRY(kt_project_list(store, &s->arena, &p, &s->n_projects, err));
    s->project = kt_arena_array(&s->arena, s->n_projects, sizeof(*s->project));
    for (size_t i = 0; i < s->n_projects; i++) {
        s->project[i].p = p[i];
        s->project[i].pred = kt_arena_array(&s->arena, p[i].n_items / KT_COLUMN_CHUNK + 1, sizeof(kt_pred *));
        KT_TRY(kt_review_rules_get(&p[i], &s->project[i].rules, err));
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
        if (kt_db_tidy(kt_store_db(reader), &err) < 0)
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
    kt_rc rc = load_projects(s, store, err);
    if (rc == 0)
        rc = load_key(s, err);
    if (rc == 0) {
        s->tries = kt_tries_new();
        s->slow = kt_slow_new();
        kt_db_tidy_elsewhere(kt_store_db(store));
        s->writer = kt_committer_new(store);
        rc = serve(s, stop, err);
        s->slow = kt_slow_free(s->slow);
        s->writer = kt_committer_free(s->writer);
        s->tries = kt_tries_free(s->tries);
    }
    free_slots(s);
    for (size_t i = 0; i < s->n_projects; i++)
        for (uint32_t c = 0; s->project[i].pred && c <= s->project[i].p.n_items / KT_COLUMN_CHUNK; c++)
            kt_free(s->project[i].pred[c]);
    kt_store_close(store);
    kt_arena_done(&s->arena);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->exporting);
    kt_free(s);
    return rc;
}
