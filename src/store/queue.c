/* Every item waiting for people is a row: its queue, its order there, and how many slots are open. A person's place is the
   order of the last row they were offered, so next is one index range, not a search past everything they did. A slot that
   comes free again puts its row at the end, beyond every place. */
#include "store/queue.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "store/audit.h"
#include "store/queue_int.h"

static const char *const queue_names[] = {
    [KT_QUEUE_TRUSTED] = "trusted", [KT_QUEUE_TRAIN] = "train", [KT_QUEUE_HUMAN] = "human", [KT_QUEUE_EXPERT] = "expert",
    [KT_QUEUE_AUDIT] = "audit",     [KT_QUEUE_RELABEL] = "relabel", [KT_QUEUE_GOLD] = "gold",
};
_Static_assert(KT_LEN(queue_names) == KT_QUEUE__COUNT, "one name per queue");

const char *kt_queue_name(kt_queue q)
{
    return queue_names[q];
}

/* Kept sizes: "queue.N.items" and "queue.N.slots". */
static kt_rc count(kt_store *s, int64_t project, kt_queue q, int64_t items, int64_t slots, kt_err *err)
{
    static const char *const names[][2] = {
        { "queue.trusted.items", "queue.trusted.slots" }, { "queue.train.items", "queue.train.slots" },
        { "queue.human.items", "queue.human.slots" },     { "queue.expert.items", "queue.expert.slots" },
        { "queue.audit.items", "queue.audit.slots" },     { "queue.relabel.items", "queue.relabel.slots" },
        { "queue.gold.items", "queue.gold.slots" },
    };
    if (items)
        KT_TRY(kt_counter_add(s, project, kt_str_of(names[q][0]), items, err));
    return slots ? kt_counter_add(s, project, kt_str_of(names[q][1]), slots, err) : 0;
}

#define INLINE_ITEMS 64 /* a list up to this long is in the event itself, a longer one in a blob it names */

static kt_rc log_list(kt_store *s, int64_t project, kt_str kind, kt_queue q, const uint32_t *items, size_t n, int need, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
    kt_buf_printf(&b, "{\"queue\":\"%s\",\"n\":%zu,\"need\":%d,", queue_names[q], n, need);
    kt_buf_puts(&b, n <= INLINE_ITEMS ? "\"items\":[" : "\"blobs\":[\"");
    if (n > INLINE_ITEMS) {
        kt_digest d;
        KT_TRY(kt_blob_put(kt_store_blobs(s), (kt_str){ (const char *)items, n * sizeof(*items) }, &d, err));
        kt_buf_hex(&b, d.b, sizeof(d.b));
        kt_buf_char(&b, '"');
    }
    for (size_t i = 0; i < n && n <= INLINE_ITEMS; i++)
        kt_buf_printf(&b, i ? ",%u" : "%u", items[i]);
    kt_buf_puts(&b, "]}");
    const kt_event e = { KT_S("karat"), kind, project, -1, KT_BUF_STR(&b) };
    return kt_audit_append(s, &e, NULL, err);
}

kt_rc kt_queue_add(kt_store *s, int64_t project, kt_queue q, const uint32_t *items, size_t n, int need, kt_err *err)
{
    KT_ASSERT(need > 0 && q != KT_QUEUE_GOLD);
    int64_t ord = 0, added = 0;
    KT_TRY(kt_counter_get(s, project, KT_S("queue.ord"), &ord, err));
    for (size_t i = 0; i < n; i++) {
        if (q == KT_QUEUE_EXPERT || q == KT_QUEUE_RELABEL)
            KT_TRY(kt_queue_drop(s, project, items[i], err));
        KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO queue VALUES($1,$2,$3,$4,$5,$6) ON CONFLICT(project,item) DO NOTHING",
                         "iiiiii", project, (int64_t)items[i], (int64_t)q, ord + 1 + (int64_t)i, (int64_t)need, (int64_t)need));
        added += kt_db_changed(kt_store_db(s));
    }
    KT_TRY(kt_counter_set(s, project, KT_S("queue.ord"), ord + (int64_t)n, err));
    KT_TRY(count(s, project, q, added, added * need, err));
    return log_list(s, project, KT_S("queue.add"), q, items, n, need, err);
}

kt_rc kt_queue_more(kt_store *s, int64_t project, kt_queue q, const uint32_t *items, size_t n, kt_err *err)
{
    int64_t ord = 0, more = 0;
    KT_TRY(kt_counter_get(s, project, KT_S("queue.ord"), &ord, err));
    for (size_t i = 0; i < n; i++) { /* at the queue's end, beyond everybody's place */
        KT_TRY(kt_db_run(kt_store_db(s), err, "UPDATE queue SET slots=slots+1,need=need+1,ord=$1 WHERE project=$2 AND item=$3 AND queue=$4", "iiii",
                         ord + 1 + (int64_t)i, project, (int64_t)items[i], (int64_t)q));
        more += kt_db_changed(kt_store_db(s));
    }
    KT_TRY(kt_counter_set(s, project, KT_S("queue.ord"), ord + (int64_t)n, err));
    KT_TRY(count(s, project, q, 0, more, err));
    return log_list(s, project, KT_S("queue.more"), q, items, n, 1, err);
}

kt_rc kt_queue_of(kt_store *s, int64_t project, uint32_t item, kt_queue *ret, kt_err *err)
{
    int64_t q = 0;
    kt_rc rc = kt_db_i64(kt_store_db(s), &q, err, "SELECT queue FROM queue WHERE project=$1 AND item=$2", "ii", project, (int64_t)item);
    *ret = (kt_queue)q;
    return rc;
}

kt_rc kt_queue_drop(kt_store *s, int64_t project, uint32_t item, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "DELETE FROM queue WHERE project=$1 AND item=$2 RETURNING queue,slots", "ii",
                       project, (int64_t)item));
    kt_rc rc = kt_stmt_step(st, err);
    kt_queue q = KT_QUEUE_HUMAN;
    int64_t slots = 0;
    if (rc == 0) {
        q = (kt_queue)kt_stmt_i64(st, 0);
        slots = kt_stmt_i64(st, 1);
    }
    kt_stmt_done(st);
    if (rc == KT_DONE)
        return 0;
    KT_TRY(rc);
    return count(s, project, q, -1, -slots, err);
}

kt_rc kt_queue_reopen(kt_store *s, int64_t project, uint32_t item, kt_err *err)
{
    int64_t ord, q;
    KT_TRY(kt_counter_next(s, project, KT_S("queue.ord"), &ord, err));
    kt_rc rc = kt_db_i64(kt_store_db(s), &q, err,
                         "UPDATE queue SET slots=slots+1,ord=$1 WHERE project=$2 AND item=$3 RETURNING queue", "iii", ord,
                         project, (int64_t)item);
    if (rc == KT_DONE)
        return 0; /* final meanwhile */
    KT_TRY(rc);
    return count(s, project, (kt_queue)q, 0, 1, err);
}

static kt_rc read_lease(kt_stmt *st, kt_lease *ret)
{
    *ret = (kt_lease){ .token = kt_stmt_i64(st, 0), .item = (uint32_t)kt_stmt_i64(st, 1), .queue = (kt_queue)kt_stmt_i64(st, 2),
                       .blind_gold = kt_stmt_i64(st, 3) != 0, .started_us = kt_stmt_i64(st, 4), .deadline_us = kt_stmt_i64(st, 5) };
    return 0;
}

/* The person's leases, oldest first: the first one in queues, and how many they hold at all. */
static kt_rc held(kt_store *s, int64_t project, int64_t user, unsigned queues, kt_lease *ret, int *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT token,item,queue,gold,started_us,deadline_us FROM lease WHERE project=$1 AND person=$2 ORDER BY token",
                       "ii", project, user));
    kt_rc rc;
    *ret_n = 0;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        kt_lease l;
        read_lease(st, &l);
        if (queues & 1u << l.queue && (*ret_n)++ == 0)
            *ret = l;
    }
    kt_stmt_done(st);
    return rc < 0 ? rc : 0;
}

kt_rc kt_lease_make(kt_store *s, int64_t project, int64_t user, int64_t lease_us, kt_lease *l, kt_err *err)
{
    KT_TRY(kt_counter_next(s, 0, KT_S("lease.token"), &l->token, err));
    l->started_us = kt_store_now(s);
    l->deadline_us = l->started_us + lease_us;
    return kt_db_run(kt_store_db(s), err, "INSERT INTO lease VALUES($1,$2,$3,$4,$5,$6,$7,$8)", "iiiiiiii", l->token, project,
                     (int64_t)l->item, user, (int64_t)l->queue, (int64_t)l->blind_gold, l->started_us, l->deadline_us);
}

static kt_rc place_get(kt_store *s, int64_t project, int64_t user, kt_queue q, int64_t *ret, kt_err *err)
{
    *ret = 0;
    kt_rc rc = kt_db_i64(kt_store_db(s), ret, err, "SELECT ord FROM place WHERE project=$1 AND person=$2 AND queue=$3", "iii",
                         project, user, (int64_t)q);
    return rc < 0 ? rc : 0;
}

static kt_rc place_set(kt_store *s, int64_t project, int64_t user, kt_queue q, int64_t ord, kt_err *err)
{
    return kt_db_run(kt_store_db(s), err, "INSERT INTO place VALUES($1,$2,$3,$4) ON CONFLICT(project,person,queue) DO UPDATE SET ord=excluded.ord",
                     "iiii", project, user, (int64_t)q, ord);
}

/* True when the person has answered, skipped, undone or holds the item: it is not offered to them again. */
static kt_rc met(kt_store *s, int64_t project, int64_t user, uint32_t item, bool *ret, kt_err *err)
{
    int64_t one;
    kt_rc rc = kt_db_i64(kt_store_db(s), &one, err, "SELECT 1 FROM annotation WHERE project=$1 AND item=$2 AND person=$3 LIMIT 1",
                         "iii", project, (int64_t)item, user);
    if (rc == KT_DONE)
        rc = kt_db_i64(kt_store_db(s), &one, err, "SELECT 1 FROM lease WHERE project=$1 AND person=$2 AND item=$3 LIMIT 1",
                       "iii", project, user, (int64_t)item);
    *ret = rc == 0;
    return rc < 0 ? rc : 0;
}

/* First row of a query (item, ord) the person has not met. KT_DONE: none. *ret_ord: how far it looked. */
static kt_rc first_new(kt_store *s, int64_t project, int64_t user, kt_stmt *st, uint32_t *ret_item, int64_t *ret_ord, kt_err *err)
{
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        bool seen;
        *ret_item = (uint32_t)kt_stmt_i64(st, 0);
        *ret_ord = kt_stmt_i64(st, 1);
        KT_TRY(met(s, project, user, *ret_item, &seen, err));
        if (!seen)
            return 0;
    }
    return rc;
}

static kt_rc take_gold(kt_store *s, int64_t project, int64_t user, kt_lease *ret, kt_err *err)
{
    int64_t ord, from;
    kt_stmt *st;
    KT_TRY(place_get(s, project, user, KT_QUEUE_GOLD, &from, err));
    ord = from;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT item,ord FROM gold WHERE project=$1 AND ord>$2 ORDER BY ord", "ii", project, from));
    kt_rc rc = first_new(s, project, user, st, &ret->item, &ord, err);
    kt_stmt_done(st);
    if (rc >= 0 && ord != from)
        KT_TRY(place_set(s, project, user, KT_QUEUE_GOLD, ord, err));
    ret->queue = KT_QUEUE_HUMAN;
    ret->blind_gold = true;
    return rc;
}

static kt_rc take_from(kt_store *s, int64_t project, int64_t user, kt_queue q, kt_lease *ret, kt_err *err)
{
    int64_t ord, from;
    kt_stmt *st;
    KT_TRY(place_get(s, project, user, q, &from, err));
    ord = from;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT item,ord FROM queue WHERE project=$1 AND queue=$2 AND slots>0 AND ord>$3 ORDER BY ord", "iii",
                       project, (int64_t)q, from));
    kt_rc rc = first_new(s, project, user, st, &ret->item, &ord, err);
    kt_stmt_done(st);
    if (rc >= 0 && ord != from)
        KT_TRY(place_set(s, project, user, q, ord, err));
    if (rc != 0)
        return rc;
    ret->queue = q;
    ret->blind_gold = false;
    KT_TRY(kt_db_run(kt_store_db(s), err, "UPDATE queue SET slots=slots-1 WHERE project=$1 AND item=$2", "ii", project, (int64_t)ret->item));
    return count(s, project, q, 0, -1, err);
}

/* Whether this person's next item is a gold one: a fixed function of who and how many, so a repeated request agrees. */
static kt_rc gold_turn(kt_store *s, int64_t project, int64_t user, double share, bool *ret, kt_err *err)
{
    int64_t acts = 0;
    kt_rc rc = kt_db_i64(kt_store_db(s), &acts, err, "SELECT n+skips FROM person_stat WHERE project=$1 AND person=$2", "ii", project, user);
    kt_rng r = kt_rng_keyed(0x60d, (uint64_t)user, (uint64_t)acts);
    *ret = kt_rng_unit(&r) < share;
    return rc < 0 ? rc : 0;
}

static kt_rc take(kt_store *s, int64_t project, int64_t user, unsigned queues, const kt_lease_rules *rules, kt_lease *ret, kt_err *err)
{
    kt_rc rc = KT_DONE;
    *ret = (kt_lease){ 0 };
    if (rules->gold_share > 0 && queues & (1u << KT_QUEUE_HUMAN)) {
        bool gold;
        KT_TRY(gold_turn(s, project, user, rules->gold_share, &gold, err));
        if (gold)
            rc = take_gold(s, project, user, ret, err);
    }
    for (int q = 0; q < KT_QUEUE__COUNT && rc == KT_DONE; q++)
        if (queues & 1u << q)
            rc = take_from(s, project, user, (kt_queue)q, ret, err);
    return rc == 0 ? kt_lease_make(s, project, user, rules->lease_us, ret, err) : rc;
}

/* A lease asked for again lasts from now on. */
static kt_rc resume(kt_store *s, const kt_lease_rules *rules, kt_lease *l, kt_err *err)
{
    l->resumed = true;
    l->deadline_us = kt_store_now(s) + rules->lease_us;
    return kt_db_run(kt_store_db(s), err, "UPDATE lease SET deadline_us=$1 WHERE token=$2", "ii", l->deadline_us, l->token);
}

kt_rc kt_queue_next(kt_store *s, int64_t project, int64_t user, unsigned queues, const kt_lease_rules *rules, kt_lease *ret, kt_err *err)
{
    int n;
    KT_TRY(held(s, project, user, queues, ret, &n, err));
    if (n == 0)
        return take(s, project, user, queues, rules, ret, err);
    return resume(s, rules, ret, err);
}

kt_rc kt_queue_ahead(kt_store *s, int64_t project, int64_t user, unsigned queues, const kt_lease_rules *rules, kt_lease *ret, kt_err *err)
{
    int n;
    kt_lease first;
    KT_TRY(held(s, project, user, queues, &first, &n, err));
    if (n < 2)
        return take(s, project, user, queues, rules, ret, err);
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT token,item,queue,gold,started_us,deadline_us FROM lease WHERE project=$1 AND person=$2 AND token>$3 ORDER BY token LIMIT 1",
                       "iii", project, user, first.token));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        read_lease(st, ret);
    kt_stmt_done(st);
    return rc == 0 ? resume(s, rules, ret, err) : rc;
}

kt_rc kt_queue_take(kt_store *s, int64_t project, int64_t user, unsigned queues, uint32_t item, kt_lease *ret, kt_err *err)
{
    int64_t q;
    bool seen;
    kt_rc rc = kt_db_i64(kt_store_db(s), &q, err, "SELECT queue FROM queue WHERE project=$1 AND item=$2 AND slots>0", "ii", project, (int64_t)item);
    KT_TRY(rc);
    if (rc == KT_DONE || !(queues & 1u << q))
        return kt_fail(err, KT_NOTFOUND, "the item waits for no answer of this kind");
    KT_TRY(met(s, project, user, item, &seen, err));
    if (seen)
        return kt_fail(err, KT_EXISTS, "this person has answered it already");
    *ret = (kt_lease){ .item = item, .queue = (kt_queue)q };
    KT_TRY(kt_db_run(kt_store_db(s), err, "UPDATE queue SET slots=slots-1 WHERE project=$1 AND item=$2", "ii", project, (int64_t)item));
    KT_TRY(count(s, project, (kt_queue)q, 0, -1, err));
    return kt_lease_make(s, project, user, 60000000, ret, err);
}

static kt_rc gather(kt_stmt *st, uint32_t **ret, size_t *ret_n, kt_err *err)
{
    KT_VEC(uint32_t) v = { 0 };
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        KT_PUSH(&v, (uint32_t)kt_stmt_i64(st, 0));
    kt_stmt_done(st);
    *ret = v.v;
    *ret_n = v.n;
    return rc < 0 ? rc : 0;
}

kt_rc kt_queue_list(kt_store *s, int64_t project, kt_queue q, uint32_t **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT item FROM queue WHERE project=$1 AND queue=$2 AND slots>0 ORDER BY ord", "ii",
                       project, (int64_t)q));
    return gather(st, ret, ret_n, err);
}

kt_rc kt_queue_untouched(kt_store *s, int64_t project, kt_queue q, uint32_t **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT item FROM queue WHERE project=$1 AND queue=$2 AND slots=need AND NOT EXISTS"
                       "(SELECT 1 FROM annotation a WHERE a.project=queue.project AND a.item=queue.item) ORDER BY ord", "ii", project, (int64_t)q));
    return gather(st, ret, ret_n, err);
}

kt_rc kt_queue_size(kt_store *s, int64_t project, kt_queue q, int64_t *ret_items, int64_t *ret_slots, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    KT_TRY(kt_counter_get(s, project, kt_arena_printf(&a, "queue.%s.items", queue_names[q]), ret_items, err));
    return kt_counter_get(s, project, kt_arena_printf(&a, "queue.%s.slots", queue_names[q]), ret_slots, err);
}

kt_rc kt_queue_open(kt_store *s, int64_t project, unsigned queues, int64_t *ret, kt_err *err)
{
    *ret = 0;
    for (int q = 0; q < KT_QUEUE__COUNT; q++) {
        int64_t items, slots, held;
        if (!(queues & 1u << q))
            continue;
        KT_TRY(kt_queue_size(s, project, (kt_queue)q, &items, &slots, err));
        KT_TRY(kt_db_i64(kt_store_db(s), &held, err, "SELECT COUNT(*) FROM lease WHERE project=$1 AND queue=$2 AND gold=0", "ii", project, (int64_t)q));
        *ret += slots + held;
    }
    return 0;
}

kt_rc kt_queue_expire(kt_store *s, int64_t now_us, int max, int *ret_n, kt_err *err)
{
    KT_VEC(int64_t) due = { 0 };
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT token,project,item,gold FROM lease WHERE deadline_us<$1 ORDER BY deadline_us,token LIMIT $2",
                       "ii", now_us, (int64_t)max));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        for (int c = 0; c < 4; c++)
            KT_PUSH(&due, kt_stmt_i64(st, c));
    kt_stmt_done(st);
    rc = rc < 0 ? rc : 0;
    for (size_t i = 0; i < due.n && rc == 0; i += 4) {
        rc = kt_db_run(kt_store_db(s), err, "DELETE FROM lease WHERE token=$1", "i", due.v[i]);
        if (rc == 0 && !due.v[i + 3])
            rc = kt_queue_reopen(s, due.v[i + 1], (uint32_t)due.v[i + 2], err);
    }
    *ret_n = (int)(due.n / 4);
    KT_VEC_DONE(&due);
    return rc;
}
