/* Simulated people: they sign nothing up front, but take items through the same queue and leases as everybody, one by one, at
   times of a virtual clock. Who is next, how long they take and what they say depend only on the store and the seed, so a run
   that was killed and resumed gives the same answers. */
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "stage/review.h"
#include "stage/task.h"

#include <math.h>

#define DAY_ONE INT64_C(1767600000000000) /* 2026-01-05 08:00 UTC: when simulated work begins */
#define BATCH 2000                        /* answers per transaction */

struct person {
    kt_user user;
    int64_t free_at;
    double accuracy;
    uint64_t number;
    bool idle;
};

static kt_rc hire(kt_run *r, struct person *v, bool expert, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        kt_str name = kt_arena_printf(r->arena, "simulated-%s-%02lld", expert ? "expert" : "annotator", (long long)i + 1);
        kt_err none = { 0 };
        int64_t id;
        kt_rc rc = kt_user_find(r->s, name, &id, &none);
        if (rc == KT_NOTFOUND) {
            KT_TRY(kt_user_add(r->s, 0, name, KT_S(""), true, &id, r->err));
        } else if (rc < 0) {
            return *r->err = none, rc;
        }
        kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x706572, (uint64_t)i, expert);
        double mean = expert ? r->c->sim_expert_accuracy : r->c->sim_accuracy, spread = expert ? 0 : 0.08;
        double drawn = mean + spread * (2 * kt_rng_unit(&g) - 1);
        v[i] = (struct person){ .free_at = DAY_ONE + i * 1000, .number = (uint64_t)i + (expert ? 1000 : 0),
                                .accuracy = KT_MIN(1.0, KT_MAX(0.0, drawn)) };
        KT_TRY(kt_user_get(r->s, id, r->p.id, r->arena, &v[i].user, r->err));
        if (v[i].user.role == KT_ROLE_NONE) { /* new, or from another project of the workspace */
            KT_TRY(kt_user_grant(r->s, 0, id, r->p.id, expert ? KT_ROLE_EXPERT : KT_ROLE_ANNOTATOR, r->err));
            v[i].user.role = expert ? KT_ROLE_EXPERT : KT_ROLE_ANNOTATOR;
        }
        int64_t last = 0;
        KT_TRY(kt_person_last(r->s, r->p.id, id, &last, r->err));
        if (last)
            v[i].free_at = last;
    }
    return 0;
}

/* What the person says of the item, as a number. In a transaction. */
static kt_rc answer(kt_run *r, const struct person *w, uint32_t item, int32_t *ret)
{
    kt_answer_parts part = { 0 };
    *ret = KT_LABEL_SKIP;
    if (r->truth[item] < 0)
        return 0;
    kt_rc rc = kt_task_of(r)->pretend(r, item, w->number, w->accuracy, w->user.role == KT_ROLE_EXPERT, &part);
    if (rc == 0)
        rc = kt_answer_number(r->s, &r->p, &(kt_answer_said){ part.v, part.n }, ret, r->err);
    KT_VEC_DONE(&part);
    return rc;
}

/* One item by one person. KT_DONE: nothing for them. */
static kt_rc work_once(kt_run *r, struct person *w, unsigned queues, const kt_lease_rules *rules)
{
    kt_lease l;
    kt_store_set_now(r->s, w->free_at);
    kt_rc rc = kt_queue_next(r->s, r->p.id, w->user.id, queues & kt_review_queues(w->user.role, w->user.role == KT_ROLE_EXPERT), rules, &l, r->err);
    if (rc != 0)
        return rc;
    kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x74696d, l.item, w->number);
    double seconds = r->c->sim_seconds * exp(0.4 * kt_rng_normal(&g));
    w->free_at = l.started_us + KT_MAX((int64_t)(seconds * 1e6), (int64_t)1);
    kt_store_set_now(r->s, w->free_at);
    kt_submit in = { .token = l.token, .item = l.item };
    KT_TRY(answer(r, w, l.item, &in.label));
    kt_submitted out;
    return kt_review_submit(r->s, &r->p, &w->user, &in, &out, r->err);
}

static struct person *earliest(struct person *v, size_t n)
{
    struct person *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (!v[i].idle && (!best || v[i].free_at < best->free_at))
            best = &v[i];
    return best;
}

/* KT_DONE: nobody has anything left to do, or no more than `least` answers are open. */
static kt_rc batch(kt_run *r, struct person *v, size_t n, unsigned queues, int64_t least, uint64_t *done)
{
    int64_t open;
    kt_lease_rules rules = { r->c->lease_us, queues & 1u << KT_QUEUE_HUMAN ? r->c->gold_share : 0 };
    for (int i = 0; i < BATCH; i++) {
        struct person *w = earliest(v, n);
        if (least)
            KT_TRY(kt_queue_open(r->s, r->p.id, queues, &open, r->err));
        if (!w || (least && open <= least))
            return KT_DONE;
        kt_rc rc = work_once(r, w, queues, &rules);
        KT_TRY(rc);
        w->idle = rc == KT_DONE;
        *done += rc == 0;
    }
    return 0;
}

kt_rc kt_people_work(kt_run *r, unsigned queues)
{
    return kt_people_work_down(r, queues, 0);
}

kt_rc kt_people_work_down(kt_run *r, unsigned queues, int64_t least)
{
    int64_t open;
    KT_TRY(kt_queue_open(r->s, r->p.id, queues, &open, r->err));
    if (open <= least)
        return 0;
    if (!r->c->simulate) {
        r->waiting_for = queues;
        return KT_DONE;
    }
    if (!r->has_truth)
        return kt_fail(r->err, KT_RANGE, "simulate: wants a held-back truth to answer from; map a field to truth, or leave simulate out");
    size_t n = (size_t)(r->c->sim_annotators + r->c->sim_experts);
    struct person *v = kt_zalloc_array(n, sizeof(*v));
    uint64_t done = 0;
    kt_progress_begin(r->progress, "simulated people", (uint64_t)(open - least));
    kt_rc rc = kt_store_begin(r->s, r->err);
    if (rc == 0) {
        rc = hire(r, v, false, r->c->sim_annotators);
        if (rc == 0)
            rc = hire(r, v + r->c->sim_annotators, true, r->c->sim_experts);
        rc = kt_store_finish(r->s, rc, r->err);
    }
    while (rc == 0) {
        if ((rc = kt_store_begin(r->s, r->err)) < 0)
            break;
        rc = kt_store_finish(r->s, batch(r, v, n, queues, least, &done), r->err);
        if (rc == 0)
            rc = kt_progress_step(r->progress, done, r->err);
    }
    kt_progress_end(r->progress);
    kt_store_set_now(r->s, 0);
    kt_free(v);
    KT_TRY(rc);
    KT_TRY(kt_queue_open(r->s, r->p.id, queues, &open, r->err));
    return open <= least ? 0 : kt_fail(r->err, KT_RANGE, "%lld answers are wanted that no simulated person may give; add annotators", (long long)open);
}
