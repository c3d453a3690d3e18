/* An answer is one transaction: the row, its event, the slot, the kept figures. */
#include "store/annotation.h"

#include "base/mem.h"
#include "base/str.h"
#include "store/answer.h"
#include "store/audit.h"
#include "store/queue_int.h"

#include <string.h>

struct held {
    int64_t person, started_us;
    uint32_t item;
    kt_queue queue;
    bool gold;
};

static kt_rc find_lease(kt_store *s, int64_t project, int64_t token, struct held *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT person,started_us,item,queue,gold FROM lease WHERE token=$1 AND project=$2",
                       "ii", token, project));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = (struct held){ kt_stmt_i64(st, 0), kt_stmt_i64(st, 1), (uint32_t)kt_stmt_i64(st, 2), (kt_queue)kt_stmt_i64(st, 3),
                              kt_stmt_i64(st, 4) != 0 };
    kt_stmt_done(st);
    return rc;
}

/* KT_DONE when this client_id is new; else the first answer again. */
static kt_rc repeated(kt_store *s, int64_t project, int64_t user, const kt_submit *in, kt_submitted *ret, kt_err *err)
{
    if (in->client_id.n == 0)
        return KT_DONE;
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT id,item,label FROM annotation WHERE project=$1 AND person=$2 AND client_id=$3",
                       "iis", project, user, in->client_id));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0 && (kt_stmt_i64(st, 1) != (int64_t)in->item || kt_stmt_i64(st, 2) != in->label))
        rc = kt_fail(err, KT_CONFLICT, "this client_id has been used for another answer");
    else if (rc == 0)
        *ret = (kt_submitted){ .id = kt_stmt_i64(st, 0), .repeated = true };
    kt_stmt_done(st);
    return rc;
}

static kt_rc log_submit(kt_store *s, const kt_project *p, int64_t user, const kt_submit *in, const struct held *h,
                        int64_t duration_us, uint64_t *ret_seq, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(KT_ANSWER_MAX_JSON);
    KT_AUTO(kt_buf) actor = KT_BUF_INIT(64);
    kt_buf_puts(&actor, "user:");
    kt_buf_u64(&actor, (uint64_t)user);
    kt_buf_char(&b, '{');
    KT_TRY(kt_answer_json(s, p, in->label, &b, err));
    kt_buf_printf(&b, ",\"queue\":\"%s\",\"token\":%lld,\"duration_us\":%lld", kt_queue_name(h->queue), (long long)in->token,
                  (long long)duration_us);
    if (in->flagged)
        kt_buf_puts(&b, ",\"flagged\":true");
    if (in->comment.n) {
        kt_buf_puts(&b, ",\"comment\":");
        kt_buf_json(&b, in->comment);
    }
    kt_buf_char(&b, '}');
    const kt_event e = { KT_BUF_STR(&actor), in->label >= 0 ? KT_S("annotation.submit") : KT_S("annotation.skip"), p->id,
                         in->item, KT_BUF_STR(&b) };
    return kt_audit_append(s, &e, ret_seq, err);
}

static kt_rc keep_figures(kt_store *s, int64_t project, int64_t user, const kt_annotation *a, int gold_right, kt_err *err)
{
    bool skip = a->label < 0;
    KT_TRY(kt_counter_add(s, project, skip ? KT_S("skips") : KT_S("annotations"), 1, err));
    if (a->flagged)
        KT_TRY(kt_counter_add(s, project, KT_S("flags"), 1, err));
    if (!skip)
        KT_TRY(kt_db_run(kt_store_db(s), err,
                         "INSERT INTO answer_minute VALUES($1,$2,1) ON CONFLICT(project,minute) DO UPDATE SET n=answer_minute.n+1",
                         "ii", project, a->at_us / 60000000));
    return kt_db_run(kt_store_db(s), err,
                     "INSERT INTO person_stat VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$9) ON CONFLICT(project,person) DO UPDATE SET"
                     " n=person_stat.n+excluded.n,skips=person_stat.skips+excluded.skips,flags=person_stat.flags+excluded.flags,"
                     "gold_n=person_stat.gold_n+excluded.gold_n,gold_right=person_stat.gold_right+excluded.gold_right,"
                     "busy_us=person_stat.busy_us+excluded.busy_us,last_us=excluded.last_us",
                     "iiiiiiiii", project, user, (int64_t)!skip, (int64_t)skip, (int64_t)a->flagged, (int64_t)(a->gold && !skip),
                     (int64_t)gold_right, a->duration_us, a->at_us);
}

/* Time since the lease, or since the person's last answer when the item was loaded ahead. */
static kt_rc duration(kt_store *s, int64_t project, int64_t user, const struct held *h, int64_t *ret, kt_err *err)
{
    int64_t last;
    KT_TRY(kt_person_last(s, project, user, &last, err));
    int64_t now = kt_store_now(s);
    *ret = KT_MAX((int64_t)0, now - KT_MAX(h->started_us, last));
    return 0;
}

static kt_rc gold_answer(kt_store *s, int64_t project, uint32_t item, int64_t *ret, kt_err *err)
{
    kt_rc rc = kt_db_i64(kt_store_db(s), ret, err, "SELECT label FROM gold WHERE project=$1 AND item=$2", "ii", project, (int64_t)item);
    return rc < 0 ? rc : 0;
}

/* Whether the item now has the answers its queue row wants; slots count both open and leased ones out. */
static kt_rc is_complete(kt_store *s, int64_t project, uint32_t item, bool *ret, kt_err *err)
{
    int64_t missing = 1;
    kt_rc rc = kt_db_i64(kt_store_db(s), &missing, err,
                         "SELECT q.need-(SELECT COUNT(*) FROM annotation a WHERE a.project=q.project AND a.item=q.item AND"
                         " a.label>=0 AND a.gold=0 AND a.withdrawn_us IS NULL AND a.queue=q.queue) FROM queue q WHERE q.project=$1 AND q.item=$2",
                         "ii", project, (int64_t)item);
    *ret = rc == 0 && missing <= 0;
    return rc < 0 ? rc : 0;
}

static kt_rc check(kt_store *s, const kt_project *p, int64_t user, const kt_submit *in, struct held *h, kt_err *err)
{
    if (in->label < KT_LABEL_SKIP || (p->task == KT_TASK_CLASSES && in->label >= (int32_t)p->n_labels))
        return kt_fail(err, KT_RANGE, "label %d is not one of the project's %u", in->label, p->n_labels);
    if (in->client_id.n > 64)
        return kt_fail(err, KT_RANGE, "client_id has more than 64 bytes");
    if (in->comment.n > 2000)
        return kt_fail(err, KT_RANGE, "the comment has more than 2,000 bytes");
    kt_rc rc = find_lease(s, p->id, in->token, h, err);
    KT_TRY(rc);
    if (rc == KT_DONE || h->person != user || h->item != in->item) {
        kt_fail(err, KT_LEASE, "item %u is no longer reserved for you (token %lld)", in->item, (long long)in->token);
        return kt_hint(err, "its time ran out or it was answered already; take the next item"), KT_LEASE;
    }
    return 0;
}

kt_rc kt_annotation_submit(kt_store *s, const kt_project *p, int64_t user, const kt_submit *in, kt_submitted *ret, kt_err *err)
{
    kt_rc rc = repeated(s, p->id, user, in, ret, err);
    if (rc != KT_DONE)
        return rc;
    struct held h = { 0 };
    KT_TRY(check(s, p, user, in, &h, err));
    kt_annotation a = { .item = in->item, .user = user, .label = in->label, .flagged = in->flagged, .gold = h.gold,
                        .queue = h.queue, .at_us = kt_store_now(s) };
    KT_TRY(duration(s, p->id, user, &h, &a.duration_us, err));
    uint64_t seq;
    KT_TRY(log_submit(s, p, user, in, &h, a.duration_us, &seq, err));
    a.id = (int64_t)seq;
    KT_AUTO(kt_buf) made = KT_BUF_INIT(64); /* without a client's id the event's number serves */
    kt_buf_printf(&made, "#%lld", (long long)a.id);
    KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO annotation VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,NULL)", "iiiiiiiiiiss",
                     a.id, p->id, (int64_t)a.item, user, (int64_t)a.label, (int64_t)a.queue, (int64_t)a.gold, (int64_t)a.flagged,
                     a.at_us, a.duration_us, in->comment, in->client_id.n ? in->client_id : KT_BUF_STR(&made)));
    KT_TRY(kt_db_run(kt_store_db(s), err, "DELETE FROM lease WHERE token=$1", "i", in->token));
    int64_t known = -1;
    if (h.gold)
        KT_TRY(gold_answer(s, p->id, in->item, &known, err));
    KT_TRY(keep_figures(s, p->id, user, &a, h.gold && in->label >= 0 && known == in->label, err));
    *ret = (kt_submitted){ .id = a.id };
    if (h.gold)
        return 0;
    if (in->label < 0)
        return kt_queue_reopen(s, p->id, in->item, err);
    return is_complete(s, p->id, in->item, &ret->complete, err);
}

/* The person's last answer that stands. */
static kt_rc last_answer(kt_store *s, int64_t project, int64_t user, kt_annotation *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT id,item,label,queue,gold FROM annotation WHERE project=$1 AND person=$2 AND withdrawn_us IS NULL"
                       " ORDER BY id DESC LIMIT 1", "ii", project, user));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = (kt_annotation){ .id = kt_stmt_i64(st, 0), .item = (uint32_t)kt_stmt_i64(st, 1), .label = (int32_t)kt_stmt_i64(st, 2),
                                .queue = (kt_queue)kt_stmt_i64(st, 3), .gold = kt_stmt_i64(st, 4) != 0 };
    kt_stmt_done(st);
    return rc;
}

/* Takes back the slot a skip had reopened; KT_CONFLICT when somebody has it now. */
static kt_rc slot_back(kt_store *s, int64_t project, const kt_annotation *a, kt_err *err)
{
    if (a->label >= 0 || a->gold)
        return 0;
    KT_TRY(kt_db_run(kt_store_db(s), err, "UPDATE queue SET slots=slots-1 WHERE project=$1 AND item=$2 AND slots>0", "ii", project,
                     (int64_t)a->item));
    if (kt_db_changed(kt_store_db(s)) == 0)
        return kt_fail(err, KT_CONFLICT, "somebody else has taken the item meanwhile");
    KT_AUTO(kt_buf) name = KT_BUF_INIT(64);
    kt_buf_printf(&name, "queue.%s.slots", kt_queue_name(a->queue));
    return kt_counter_add(s, project, KT_BUF_STR(&name), -1, err);
}

static kt_rc withdraw_figures(kt_store *s, int64_t project, int64_t user, const kt_annotation *a, kt_err *err)
{
    bool skip = a->label < 0;
    int64_t known = -1;
    if (a->gold)
        KT_TRY(gold_answer(s, project, a->item, &known, err));
    KT_TRY(kt_counter_add(s, project, skip ? KT_S("skips") : KT_S("annotations"), -1, err));
    return kt_db_run(kt_store_db(s), err,
                     "UPDATE person_stat SET n=n-$1,skips=skips-$2,gold_n=gold_n-$3,gold_right=gold_right-$4 WHERE project=$5 AND person=$6",
                     "iiiiii", (int64_t)!skip, (int64_t)skip, (int64_t)(a->gold && !skip), (int64_t)(a->gold && !skip && known == a->label),
                     project, user);
}

kt_rc kt_annotation_undo(kt_store *s, const kt_project *p, int64_t user, const kt_lease_rules *rules, kt_lease *ret, int32_t *ret_label,
                         kt_err *err)
{
    kt_annotation a;
    kt_rc rc = last_answer(s, p->id, user, &a, err);
    if (rc != 0)
        return rc;
    int64_t queued;
    rc = kt_db_i64(kt_store_db(s), &queued, err, "SELECT 1 FROM queue WHERE project=$1 AND item=$2 AND queue=$3", "iii", p->id,
                   (int64_t)a.item, (int64_t)a.queue);
    KT_TRY(rc);
    if (rc == KT_DONE && !a.gold) {
        kt_fail(err, KT_CONFLICT, "the item's label is decided already and can no longer be undone");
        return kt_hint(err, "tell an expert, who can decide again"), KT_CONFLICT;
    }
    KT_TRY(slot_back(s, p->id, &a, err));
    KT_TRY(kt_db_run(kt_store_db(s), err, "UPDATE annotation SET withdrawn_us=$1 WHERE id=$2", "ii", kt_store_now(s), a.id));
    KT_TRY(withdraw_figures(s, p->id, user, &a, err));
    KT_AUTO(kt_buf) b = KT_BUF_INIT(256);
    KT_AUTO(kt_buf) actor = KT_BUF_INIT(64);
    kt_buf_printf(&b, "{\"annotation\":%lld}", (long long)a.id);
    kt_buf_printf(&actor, "user:%lld", (long long)user);
    const kt_event e = { KT_BUF_STR(&actor), KT_S("annotation.undo"), p->id, a.item, KT_BUF_STR(&b) };
    KT_TRY(kt_audit_append(s, &e, NULL, err));
    *ret_label = a.label;
    *ret = (kt_lease){ .item = a.item, .queue = a.queue, .blind_gold = a.gold };
    return kt_lease_make(s, p->id, user, rules->lease_us, ret, err);
}

kt_rc kt_annotation_of_item(kt_store *s, int64_t project, uint32_t item, kt_arena *a, kt_annotation **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT a.id,a.person,a.label,a.flagged,a.gold,a.queue,a.at_us,a.duration_us,a.comment,p.name FROM annotation a"
                       " JOIN person p ON p.id=a.person WHERE a.project=$1 AND a.item=$2 AND a.withdrawn_us IS NULL ORDER BY a.id",
                       "ii", project, (int64_t)item));
    KT_VEC(kt_annotation) v = { 0 };
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        kt_annotation x = { .id = kt_stmt_i64(st, 0), .item = item, .user = kt_stmt_i64(st, 1), .label = (int32_t)kt_stmt_i64(st, 2),
                            .flagged = kt_stmt_i64(st, 3) != 0, .gold = kt_stmt_i64(st, 4) != 0, .queue = (kt_queue)kt_stmt_i64(st, 5),
                            .at_us = kt_stmt_i64(st, 6), .duration_us = kt_stmt_i64(st, 7),
                            .comment = kt_arena_str(a, kt_stmt_str(st, 8)), .user_name = kt_arena_str(a, kt_stmt_str(st, 9)) };
        KT_PUSH(&v, x);
    }
    kt_stmt_done(st);
    *ret = kt_arena_array(a, v.n, sizeof(kt_annotation));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(kt_annotation));
    *ret_n = v.n;
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}

kt_rc kt_annotations_load(kt_store *s, int64_t project, kt_annotations *ret, kt_err *err)
{
    kt_stmt *st;
    size_t cap = 0;
    memset(ret, 0, sizeof(*ret));
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT item,person,at_us,duration_us,label,queue,gold FROM annotation WHERE project=$1 AND label>=0 AND"
                       " withdrawn_us IS NULL ORDER BY id", "i", project));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        if (ret->n == cap) {
            cap = cap ? 2 * cap : 1024;
            ret->item = kt_realloc(ret->item, cap * sizeof(*ret->item));
            ret->user = kt_realloc(ret->user, cap * sizeof(*ret->user));
            ret->at_us = kt_realloc(ret->at_us, cap * sizeof(*ret->at_us));
            ret->duration_us = kt_realloc(ret->duration_us, cap * sizeof(*ret->duration_us));
            ret->label = kt_realloc(ret->label, cap * sizeof(*ret->label));
            ret->queue = kt_realloc(ret->queue, cap);
            ret->gold = kt_realloc(ret->gold, cap);
        }
        size_t i = ret->n++;
        ret->item[i] = (uint32_t)kt_stmt_i64(st, 0);
        ret->user[i] = kt_stmt_i64(st, 1);
        ret->at_us[i] = kt_stmt_i64(st, 2);
        ret->duration_us[i] = kt_stmt_i64(st, 3);
        ret->label[i] = (int32_t)kt_stmt_i64(st, 4);
        ret->queue[i] = (unsigned char)kt_stmt_i64(st, 5);
        ret->gold[i] = (unsigned char)kt_stmt_i64(st, 6);
    }
    kt_stmt_done(st);
    return rc < 0 ? rc : 0;
}

void kt_annotations_done(kt_annotations *a)
{
    kt_free(a->item);
    kt_free(a->user);
    kt_free(a->at_us);
    kt_free(a->duration_us);
    kt_free(a->label);
    kt_free(a->queue);
    kt_free(a->gold);
    memset(a, 0, sizeof(*a));
}

kt_rc kt_person_stats(kt_store *s, int64_t project, kt_arena *a, kt_person_stat **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT p.id,p.name,p.simulated,t.n,t.skips,t.flags,t.gold_n,t.gold_right,t.busy_us,t.first_us,t.last_us"
                       " FROM person_stat t JOIN person p ON p.id=t.person WHERE t.project=$1 ORDER BY p.id", "i", project));
    KT_VEC(kt_person_stat) v = { 0 };
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        kt_person_stat x = { kt_stmt_i64(st, 0), kt_arena_str(a, kt_stmt_str(st, 1)), kt_stmt_i64(st, 2) != 0, kt_stmt_i64(st, 3),
                             kt_stmt_i64(st, 4), kt_stmt_i64(st, 5), kt_stmt_i64(st, 6), kt_stmt_i64(st, 7), kt_stmt_i64(st, 8),
                             kt_stmt_i64(st, 9), kt_stmt_i64(st, 10) };
        KT_PUSH(&v, x);
    }
    kt_stmt_done(st);
    *ret = kt_arena_array(a, v.n, sizeof(kt_person_stat));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(kt_person_stat));
    *ret_n = v.n;
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}

kt_rc kt_answer_minutes(kt_store *s, int64_t project, int64_t from_us, kt_arena *a, kt_minute **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT minute,n FROM answer_minute WHERE project=$1 AND minute>=$2 ORDER BY minute", "ii",
                       project, from_us / 60000000));
    KT_VEC(kt_minute) v = { 0 };
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        KT_PUSH(&v, (kt_minute){ kt_stmt_i64(st, 0) * 60000000, kt_stmt_i64(st, 1) });
    kt_stmt_done(st);
    *ret = kt_arena_array(a, v.n, sizeof(kt_minute));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(kt_minute));
    *ret_n = v.n;
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}

kt_rc kt_person_answers(kt_store *s, int64_t project, int64_t user, int64_t *ret, kt_err *err)
{
    *ret = 0;
    kt_rc rc = kt_db_i64(kt_store_db(s), ret, err, "SELECT n FROM person_stat WHERE project=$1 AND person=$2", "ii", project, user);
    return rc < 0 ? rc : 0;
}

kt_rc kt_person_last(kt_store *s, int64_t project, int64_t user, int64_t *ret_us, kt_err *err)
{
    *ret_us = 0;
    kt_rc rc = kt_db_i64(kt_store_db(s), ret_us, err, "SELECT last_us FROM person_stat WHERE project=$1 AND person=$2", "ii", project, user);
    return rc < 0 ? rc : 0;
}

kt_rc kt_annotation_queue(kt_store *s, int64_t id, kt_queue *ret, kt_err *err)
{
    int64_t q;
    kt_rc rc = kt_db_i64(kt_store_db(s), &q, err, "SELECT queue FROM annotation WHERE id=$1", "i", id);
    if (rc == KT_DONE)
        return kt_fail(err, KT_NOTFOUND, "there is no answer %lld", (long long)id);
    *ret = (kt_queue)q;
    return rc;
}
