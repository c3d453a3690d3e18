/* All votes of people together: every item that has answers gets the method's label and posterior; where it is not sure enough
   an expert decides. Items already adjudicated or trusted keep their label. Sets and regions are merged label
   by label and region by region (stage/task.h), and are sure when all of the answer is.

   Items a model called into question keep what the votes on them came to (review.c: the majority, or an expert), and the further votes on them
   are left out here: they were asked for because something was wrong there, and who is judged by such items alone looks careless. With one
   answer an item otherwise, that made Dawid-Skene turn right answers into wrong ones. */
#include "base/mem.h"
#include "base/str.h"
#include "stage/task.h"
#include "store/consensus.h"
#include "store/queue.h"

/* People's votes on items of the training and human queues. */
struct votes {
    kt_annotations a;
    kt_said v;
    int *count;     /* per item */
    uint8_t *again; /* the item was asked about once more */
};

static bool counts(const kt_run *r, const kt_annotations *a, size_t i)
{
    (void)r;
    return !a->gold[i] && (a->queue[i] == KT_QUEUE_TRAIN || a->queue[i] == KT_QUEUE_HUMAN);
}

static kt_rc load_votes(kt_run *r, kt_arena *arena, struct votes *ret)
{
    KT_TRY(kt_annotations_load(r->s, r->p.id, &ret->a, r->err));
    KT_TRY(kt_said_gather(r, &ret->a, counts, arena, &ret->v));
    uint32_t *dense = kt_zalloc_array((size_t)r->n + 1, 4);
    ret->count = kt_arena_array(arena, (size_t)ret->v.n_items + 1, sizeof(int));
    ret->again = kt_arena_zalloc(arena, (size_t)ret->v.n_items + 1);
    for (uint32_t i = 0; i < ret->v.n_items; i++)
        dense[ret->v.number[i]] = i + 1;
    for (size_t i = 0; i < ret->v.n; i++)
        ret->count[ret->v.item[i]]++;
    for (size_t i = 0; i < ret->a.n; i++)
        if (ret->a.queue[i] == KT_QUEUE_RELABEL && dense[ret->a.item[i]])
            ret->again[dense[ret->a.item[i]] - 1] = 1;
    kt_free(dense);
    return 0;
}

/* Whether a disputed item waits for an expert. One whose answers merely differ in part does not: what they come to is found here. */
static kt_rc with_experts(kt_run *r, uint32_t item, bool *ret)
{
    kt_queue q = KT_QUEUE_HUMAN;
    kt_rc rc = kt_queue_of(r->s, r->p.id, item, &q, r->err);
    *ret = rc == 0 && q == KT_QUEUE_EXPERT;
    return rc < 0 ? rc : 0;
}

/* Writes the changed decisions and queues the disputes, in one transaction. */
static kt_rc put(kt_run *r, const struct votes *x, const kt_merged *m)
{
    uint32_t n_items = x->v.n_items;
    kt_consensus *out = kt_alloc_array((size_t)n_items + 1, sizeof(*out));
    uint32_t *disputed = kt_alloc_array((size_t)n_items + 1, 4);
    size_t n = 0, n_disputed = 0;
    const char *own = kt_task_of(r)->merged_by;
    kt_str method = own ? kt_str_of(own) : r->c->method;
    kt_rc rc = 0;
    for (uint32_t i = 0; i < n_items && rc >= 0; i++) {
        kt_consensus old;
        rc = kt_consensus_get(r->s, r->p.id, x->v.number[i], &old, r->err);
        bool decided = rc == 0 && (old.state == KT_FINAL_ADJUDICATED || old.state == KT_FINAL_GOLD || x->again[i]);
        if (rc == 0 && old.state == KT_FINAL_DISPUTE && !decided)
            rc = with_experts(r, x->v.number[i], &decided);
        if (rc < 0 || decided)
            continue;
        bool sure = m->posterior[i] >= r->c->min_posterior;
        out[n] = (kt_consensus){ .item = x->v.number[i], .label = -1, .posterior = m->posterior[i], .n_votes = x->count[i],
                                 .state = sure ? KT_FINAL_VOTED : KT_FINAL_DISPUTE, .method = method };
        if (!sure)
            disputed[n_disputed++] = x->v.number[i];
        else
            rc = kt_queue_drop(r->s, r->p.id, x->v.number[i], r->err);
        if (rc >= 0 && sure)
            rc = kt_answer_number(r->s, &r->p, &(kt_answer_said){ m->part + m->start[i], m->start[i + 1] - m->start[i] }, &out[n].label, r->err);
        n++;
    }
    rc = rc < 0 ? rc : kt_consensus_put_many(r->s, &r->p, out, n, KT_S("karat"), r->err);
    if (rc == 0 && n_disputed)
        rc = kt_queue_add(r->s, r->p.id, KT_QUEUE_EXPERT, disputed, n_disputed, 1, r->err);
    if (rc == 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("consensus.done"), 1, r->err);
    kt_free(out);
    kt_free(disputed);
    return rc;
}

static kt_rc weigh(kt_run *r)
{
    KT_AUTO(kt_arena) arena = KT_ARENA_INIT;
    struct votes x = { 0 };
    kt_merged m;
    kt_rc rc = load_votes(r, &arena, &x);
    if (rc == 0)
        rc = kt_task_of(r)->merge(r, &x.v, kt_aggregator_find(r->c->method), &arena, &m);
    if (rc == 0)
        rc = kt_store_begin(r->s, r->err);
    if (rc == 0)
        rc = kt_store_finish(r->s, put(r, &x, &m), r->err);
    kt_annotations_done(&x.a);
    return rc;
}

kt_rc kt_consensus_run(kt_run *r)
{
    int64_t done;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("consensus.done"), &done, r->err));
    if (!done)
        KT_TRY(weigh(r));
    return kt_people_work(r, 1u << KT_QUEUE_EXPERT);
}
