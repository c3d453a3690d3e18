/* Projects: what they are, how far they are, who works in them. */
#include "server/server_int.h"

#include "algo/stats.h"
#include "base/clock.h"
#include "base/str.h"
#include "stage/approval.h"
#include "store/notice.h"
#include "store/round.h"

#include <math.h>

#define RATE_US INT64_C(3600000000) /* how far back the answers per minute go */

kt_rc h_project_list(kt_req *rq, const kt_none *in, kt_projects *ret)
{
    kt_server *s = rq->server;
    (void)in;
    ret->projects = kt_req_list(rq, s->n_projects, sizeof(kt_project_row));
    kt_project_row *row = ret->projects.v;
    size_t n = 0;
    for (size_t i = 0; i < s->n_projects; i++) {
        const kt_project *p = &s->project[i].p;
        kt_user u;
        KT_TRY(kt_user_get(rq->store, rq->user.id, p->id, &rq->arena, &u, &rq->err));
        if (u.role != KT_ROLE_NONE)
            row[n++] = (kt_project_row){ p->id, p->name, kt_str_of(kt_role_name(u.role)), p->n_items, kt_req_desks(rq, u.role) };
    }
    ret->projects.n = n;
    return 0;
}

kt_rc h_project_get(kt_req *rq, const kt_none *in, kt_project_full *ret)
{
    const kt_project *p = rq->p;
    (void)in;
    *ret = (kt_project_full){ p->id, p->name, kt_str_of(kt_task_names[p->task]), kt_str_of(kt_role_name(rq->user.role)), p->guidelines, p->n_items,
                              { p->label, p->n_labels }, kt_req_desks(rq, rq->user.role) };
    return 0;
}

static kt_rc read_rate(kt_req *rq, kt_progress_row *ret)
{
    kt_minute *m;
    size_t n;
    KT_TRY(kt_answer_minutes(rq->store, rq->p->id, kt_now_us() - RATE_US, &rq->arena, &m, &n, &rq->err));
    ret->rate = kt_req_list(rq, n, sizeof(kt_rate_row));
    for (size_t i = 0; i < n; i++)
        ((kt_rate_row *)ret->rate.v)[i] = (kt_rate_row){ kt_req_time(rq, m[i].at_us), m[i].n };
    return 0;
}

kt_rc h_progress_get(kt_req *rq, const kt_none *in, kt_progress_row *ret)
{
    kt_progress_counts c;
    kt_notice_counts told;
    (void)in;
    KT_TRY(kt_review_counts(rq->store, rq->p, &c, &rq->err));
    KT_TRY(kt_notice_count(rq->store, rq->p->id, &rq->arena, &told, &rq->err));
    *ret = (kt_progress_row){ c.items, c.duplicates, c.auto_approved, c.final_human, c.final_expert, c.gold, c.disputes_open, c.annotations,
                              c.skips, c.flags, c.suspects, c.suspects_changed, c.reopened, told.waiting, told.failing, told.given_up, c.pairs ? (double)c.pairs_agreeing / (double)c.pairs : NAN,
                              kt_req_list(rq, KT_QUEUE_GOLD, sizeof(kt_queue_row)), { 0 }, kt_str_of(atomic_load(&rq->project->flow)), kt_req_time(rq, kt_now_us()) };
    for (int q = 0; q < KT_QUEUE_GOLD; q++)
        ((kt_queue_row *)ret->queues.v)[q] = (kt_queue_row){ kt_str_of(kt_queue_name((kt_queue)q)), c.queue_items[q], c.queue_slots[q] };
    return read_rate(rq, ret);
}

kt_rc h_progress_watch(kt_req *rq, const kt_none *in, kt_progress_row *ret)
{
    (void)in, (void)ret;
    rq->watch = true; /* http.c sends the events, each made by kt_progress_json */
    return 0;
}

kt_rc kt_reopened_events(kt_server *s, kt_served *p, int64_t *inout_seen, kt_buf *ret, kt_err *err)
{
    kt_reader_slot *slot;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_approval_batch *v = NULL;
    size_t n = 0;
    int64_t count = 0;
    KT_TRY(kt_server_take(s, &slot, err));
    kt_rc rc = kt_counter_get(slot->s, p->p.id, KT_S("approval.reopened"), &count, err);
    if (rc == 0 && *inout_seen >= 0 && count > *inout_seen)
        rc = kt_approval_batch_reopened(slot->s, p->p.id, *inout_seen, &a, &v, &n, err);
    kt_server_give(s, slot);
    KT_TRY(rc);
    for (size_t i = 0; i < n; i++) {
        kt_buf_puts(ret, "event: reopened\ndata: ");
        kt_approval_json(&v[i], ret);
        kt_buf_puts(ret, "}\n\n");
    }
    *inout_seen = count;
    return 0;
}

kt_rc kt_progress_json(kt_server *s, kt_served *p, kt_buf *ret, kt_err *err)
{
    kt_reader_slot *slot;
    kt_req rq = { .server = s, .project = p, .p = &p->p, .fd = -1 };
    kt_progress_row row;
    KT_TRY(kt_server_take(s, &slot, err));
    rq.store = slot->s;
    kt_rc rc = h_progress_get(&rq, NULL, &row);
    kt_server_give(s, slot);
    if (rc == 0)
        kt_shape_encode(&kt_progress_row_shape, &row, ret);
    else
        *err = rq.err;
    kt_arena_done(&rq.arena);
    return rc;
}

kt_rc h_round_list(kt_req *rq, const kt_none *in, kt_rounds *ret)
{
    kt_round *v;
    size_t n;
    (void)in;
    KT_TRY(kt_round_list(rq->store, rq->p->id, &rq->arena, &v, &n, &rq->err));
    ret->rounds = kt_req_list(rq, n, sizeof(kt_round_row));
    for (size_t i = 0; i < n; i++)
        ((kt_round_row *)ret->rounds.v)[i] = (kt_round_row){ v[i].number, v[i].event, kt_req_time(rq, v[i].at_us), v[i].stage, v[i].n_labels, v[i].data, v[i].model,
                                                             v[i].settings, v[i].measured_on, v[i].n_measured, v[i].accuracy, v[i].lo, v[i].hi, v[i].log_loss,
                                                             v[i].log_loss_lo, v[i].log_loss_hi, v[i].automation, v[i].n_moved };
    return 0;
}

static kt_person_row person_row(kt_req *rq, const kt_user *u, const kt_person_stat *t)
{
    kt_person_row r = { .id = u->id, .name = u->name, .role = kt_str_of(kt_role_name(u->role)), .simulated = u->simulated,
                        .gold_accuracy = NAN, .gold_lo = NAN, .gold_hi = NAN, .per_hour = NAN };
    if (!t)
        return r;
    r.answers = t->n;
    r.skips = t->skips;
    r.flags = t->flags;
    r.gold_answered = t->gold_n;
    r.gold_right = t->gold_right;
    if (t->gold_n > 0) {
        double ci[2];
        kt_clopper_pearson((uint64_t)t->gold_right, (uint64_t)t->gold_n, 0.95, ci);
        r.gold_accuracy = (double)t->gold_right / (double)t->gold_n;
        r.gold_lo = ci[0];
        r.gold_hi = ci[1];
    }
    if (t->busy_us > 0 && t->n > 0)
        r.per_hour = 3.6e9 * (double)t->n / (double)t->busy_us;
    if (t->last_us)
        r.last_at = kt_req_time(rq, t->last_us);
    return r;
}

kt_rc h_people_list(kt_req *rq, const kt_none *in, kt_people *ret)
{
    kt_user *u;
    kt_person_stat *t;
    size_t n, n_stat, n_out = 0;
    (void)in;
    KT_TRY(kt_user_list(rq->store, rq->p->id, &rq->arena, &u, &n, &rq->err));
    KT_TRY(kt_person_stats(rq->store, rq->p->id, &rq->arena, &t, &n_stat, &rq->err));
    ret->people = kt_req_list(rq, n, sizeof(kt_person_row));
    for (size_t i = 0, k = 0; i < n; i++) { /* both are ordered by number */
        while (k < n_stat && t[k].user < u[i].id)
            k++;
        const kt_person_stat *his = k < n_stat && t[k].user == u[i].id ? &t[k] : NULL;
        if (his || u[i].role != KT_ROLE_NONE)
            ((kt_person_row *)ret->people.v)[n_out++] = person_row(rq, &u[i], his);
    }
    ret->people.n = n_out;
    return 0;
}

kt_rc h_role_set(kt_req *rq, const kt_role_set *in, kt_person_row *ret)
{
    int64_t id;
    kt_role role;
    kt_user u;
    KT_TRY(kt_req_number(rq, KT_PARAM_USER, &id));
    KT_ASSERT(kt_role_parse(in->role, &role)); /* the shape lets no other text through */
    KT_TRY(kt_user_get(rq->store, id, rq->p->id, &rq->arena, &u, &rq->err));
    if (KT_MAX(role, u.role) >= KT_ROLE_MANAGER && rq->user.role < KT_ROLE_ADMIN)
        return kt_fail(&rq->err, KT_DENIED, "only an administrator makes managers, or ends them");
    if (role == KT_ROLE_ADMIN)
        return kt_fail(&rq->err, KT_RANGE, "administrators are of the workspace, not of one project");
    KT_TRY(kt_user_grant(rq->store, rq->user.id, id, rq->p->id, role, &rq->err));
    KT_TRY(kt_user_get(rq->store, id, rq->p->id, &rq->arena, &u, &rq->err));
    *ret = person_row(rq, &u, NULL);
    return 0;
}
