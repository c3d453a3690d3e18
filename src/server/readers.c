/* What the threads that read share: stores to read with, projects, and the figures of each operation. */
#include "server/server_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/column.h"
#include "store/item.h"
#include "store/pack.h"

#include <math.h>

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

void kt_server_close_slots(kt_server *s)
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

static kt_rc read_chunk(kt_req *rq, uint32_t chunk, kt_pred **ret)
{
    const kt_project *p = rq->p;
    kt_column_part part = { KT_S("pred"), chunk * KT_COLUMN_CHUNK, KT_MIN(KT_COLUMN_CHUNK, p->n_items - chunk * KT_COLUMN_CHUNK), sizeof(kt_pred) };
    *ret = kt_alloc_array(part.n, sizeof(kt_pred));
    kt_rc rc = kt_column_get(rq->store, p->id, &part, 0xff, *ret, &rq->err);
    if (rc < 0)
        *ret = kt_free(*ret);
    return rc;
}

kt_rc kt_served_pred(kt_req *rq, uint32_t item, int32_t *ret_label, double *ret_score)
{
    kt_served *p = rq->project;
    uint32_t chunk = item / KT_COLUMN_CHUNK;
    kt_pred v = { -1, 0 }, *fresh = NULL;
    pthread_mutex_lock(&rq->server->lock);
    unsigned age = p->pred_age;
    bool there = p->pred[chunk] != NULL;
    if (there)
        v = p->pred[chunk][item % KT_COLUMN_CHUNK];
    pthread_mutex_unlock(&rq->server->lock);
    if (!there) {
        KT_TRY(read_chunk(rq, chunk, &fresh));
        v = fresh[item % KT_COLUMN_CHUNK];
        pthread_mutex_lock(&rq->server->lock);
        if (!p->pred[chunk] && p->pred_age == age) {
            p->pred[chunk] = fresh;
            fresh = NULL;
        }
        pthread_mutex_unlock(&rq->server->lock);
        kt_free(fresh);
    }
    *ret_label = v.label;
    *ret_score = v.label >= 0 ? (double)v.score : NAN;
    return 0;
}

static void forget_marks(kt_served *p)
{
    for (uint32_t c = 0; c <= p->p.n_items / KT_COLUMN_CHUNK; c++) {
        kt_free(p->marks[c].v);
        p->marks[c] = (kt_marks_chunk){ 0 };
    }
    p->marks_bytes = 0;
}

/* What the machine says; before there is a model, what the functions come to: of sets that is every label with its chance. */
static kt_rc read_marks(kt_req *rq, uint32_t chunk, kt_marks_chunk *ret)
{
    bool there;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 30);
    KT_TRY(kt_pack_has(rq->store, rq->p->id, KT_MACHINE_MARKS, chunk * KT_COLUMN_CHUNK, &there, &rq->err));
    kt_str column = there ? KT_MACHINE_MARKS : KT_WEIGHED_MARKS;
    KT_TRY(kt_pack_get(rq->store, rq->p->id, column, chunk * KT_COLUMN_CHUNK, &b, &rq->err));
    if (b.n % sizeof(*ret->v))
        return kt_fail(&rq->err, KT_CORRUPT, "column %.*s holds %zu bytes in chunk %u, which are no whole marks", KT_F(column), b.n, chunk);
    *ret = (kt_marks_chunk){ .v = kt_alloc(b.n + 1), .bytes = b.n + 1 };
    const kt_machine_mark *all = (const kt_machine_mark *)(const void *)b.p;
    for (size_t i = 0; i < b.n / sizeof(*all); i++)
        if (there || all[i].chance > 0.5f)
            ret->v[ret->n++] = all[i];
    return 0;
}

/* The marks of one row of a chunk, which stand together: rows ascend. */
static void copy_marks(kt_req *rq, const kt_marks_chunk *c, uint32_t row, kt_machine_mark **ret, size_t *ret_n)
{
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (c->v[mid].row < row)
            lo = mid + 1;
        else
            hi = mid;
    }
    while (hi < c->n && c->v[hi].row == row)
        hi++;
    *ret_n = hi - lo;
    *ret = kt_arena_array(&rq->arena, hi - lo, sizeof(**ret));
    if (hi > lo)
        memcpy(*ret, c->v + lo, (hi - lo) * sizeof(**ret));
}

kt_rc kt_served_marks(kt_req *rq, uint32_t item, kt_machine_mark **ret, size_t *ret_n)
{
    kt_served *p = rq->project;
    uint32_t chunk = item / KT_COLUMN_CHUNK, row = item % KT_COLUMN_CHUNK;
    kt_marks_chunk fresh = { 0 };
    pthread_mutex_lock(&rq->server->lock);
    unsigned age = p->pred_age;
    bool there = p->marks[chunk].v != NULL;
    if (there)
        copy_marks(rq, &p->marks[chunk], row, ret, ret_n);
    pthread_mutex_unlock(&rq->server->lock);
    if (there)
        return 0;
    KT_TRY(read_marks(rq, chunk, &fresh));
    copy_marks(rq, &fresh, row, ret, ret_n);
    pthread_mutex_lock(&rq->server->lock);
    if (!p->marks[chunk].v && p->pred_age == age) {
        if (p->marks_bytes + fresh.bytes > KT_SERVED_MARKS)
            forget_marks(p); /* what is asked for next is read again */
        p->marks[chunk] = fresh;
        p->marks_bytes += fresh.bytes;
        fresh.v = NULL;
    }
    pthread_mutex_unlock(&rq->server->lock);
    kt_free(fresh.v);
    return 0;
}

void kt_served_note_chars(kt_req *rq, uint32_t item, kt_str text)
{
    struct kt_served_chars *c = &rq->project->chars[item % KT_SERVED_CHARS];
    uint32_t n = (uint32_t)kt_utf8_length(text);
    pthread_mutex_lock(&rq->server->lock);
    *c = (struct kt_served_chars){ item + 1, n };
    pthread_mutex_unlock(&rq->server->lock);
}

/* After a restart, or when many items were handed out since: from the text itself. */
static kt_rc count_chars(kt_req *rq, uint32_t item, uint32_t *ret)
{
    kt_req beside = { .server = rq->server, .project = rq->project, .p = rq->p, .fd = -1 };
    kt_item it;
    kt_item_reader *r;
    KT_TRY(kt_server_take(rq->server, &beside.slot, &rq->err));
    kt_rc rc = kt_req_items(&beside, &r);
    if (rc == 0)
        rc = kt_item_get(r, item, &it, &beside.err);
    if (rc == 0)
        *ret = (uint32_t)kt_utf8_length(it.text);
    else
        rq->err = beside.err;
    kt_server_give(rq->server, beside.slot);
    return rc;
}

kt_rc kt_served_chars(kt_req *rq, uint32_t item, uint32_t *ret)
{
    struct kt_served_chars *c = &rq->project->chars[item % KT_SERVED_CHARS];
    pthread_mutex_lock(&rq->server->lock);
    bool there = c->item == item + 1;
    *ret = c->n;
    pthread_mutex_unlock(&rq->server->lock);
    return there ? 0 : count_chars(rq, item, ret);
}

void kt_served_forget(kt_server *s, kt_served *p)
{
    pthread_mutex_lock(&s->lock);
    p->pred_age++;
    for (uint32_t c = 0; c <= p->p.n_items / KT_COLUMN_CHUNK; c++)
        p->pred[c] = kt_free(p->pred[c]);
    forget_marks(p);
    pthread_mutex_unlock(&s->lock);
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
