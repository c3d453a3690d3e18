/* All votes of people together: every item that has answers gets the method's label and posterior; where it is not sure enough
   an expert decides. Items already adjudicated or trusted keep their label.

   Items a model called into question keep what the votes on them came to (review.c: the majority, or an expert), and the further votes on them
   are left out here: they were asked for because something was wrong there, and who is judged by such items alone looks careless. With one
   answer an item otherwise, that made Dawid-Skene turn right answers into wrong ones. */
#include "algo/merge/aggregate.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/run.h"
#include "store/annotation.h"
#include "store/consensus.h"

/* People's votes on items of the training and human queues, items renumbered densely. */
struct votes {
    kt_votes v;
    uint32_t *item, *source, *number; /* number: dense item → item */
    int32_t *label;
    int *count;
    uint8_t *again; /* the item was asked about once more */
};

static kt_rc load_votes(kt_run *r, struct votes *ret)
{
    kt_annotations a;
    KT_TRY(kt_annotations_load(r->s, r->p.id, &a, r->err));
    uint32_t *dense = kt_zalloc_array((size_t)r->n + 1, 4);
    *ret = (struct votes){ .item = kt_alloc_array(a.n + 1, 4), .source = kt_alloc_array(a.n + 1, 4), .label = kt_alloc_array(a.n + 1, 4),
                           .number = kt_alloc_array(a.n + 1, 4), .count = kt_zalloc_array(a.n + 1, sizeof(int)), .again = kt_zalloc(a.n + 1) };
    kt_votes *v = &ret->v;
    v->n_labels = r->k;
    for (size_t i = 0; i < a.n; i++) {
        if (a.gold[i] || (a.queue[i] != KT_QUEUE_TRAIN && a.queue[i] != KT_QUEUE_HUMAN))
            continue;
        if (!dense[a.item[i]]) {
            ret->number[v->n_items] = a.item[i];
            dense[a.item[i]] = ++v->n_items;
        }
        ret->item[v->n] = dense[a.item[i]] - 1;
        ret->source[v->n] = (uint32_t)a.user[i];
        ret->label[v->n++] = a.label[i];
        ret->count[dense[a.item[i]] - 1]++;
        v->n_sources = KT_MAX(v->n_sources, (uint32_t)a.user[i] + 1);
    }
    for (size_t i = 0; i < a.n; i++)
        if (a.queue[i] == KT_QUEUE_RELABEL && dense[a.item[i]])
            ret->again[dense[a.item[i]] - 1] = 1;
    v->item = ret->item;
    v->source = ret->source;
    v->label = ret->label;
    kt_free(dense);
    kt_annotations_done(&a);
    return 0;
}

static void free_votes(struct votes *x)
{
    kt_free(x->item);
    kt_free(x->source);
    kt_free(x->number);
    kt_free(x->label);
    kt_free(x->count);
    kt_free(x->again);
}

/* Writes the changed decisions and queues the disputes, in one transaction. */
static kt_rc put(kt_run *r, const struct votes *x, const kt_posterior *p)
{
    kt_consensus *out = kt_alloc_array((size_t)x->v.n_items + 1, sizeof(*out));
    uint32_t *disputed = kt_alloc_array((size_t)x->v.n_items + 1, 4);
    size_t n = 0, n_disputed = 0;
    kt_rc rc = 0;
    for (uint32_t i = 0; i < x->v.n_items && rc >= 0; i++) {
        kt_consensus old;
        rc = kt_consensus_get(r->s, r->p.id, x->number[i], &old, r->err);
        if (rc < 0 || (rc == 0 && (old.state != KT_FINAL_VOTED || x->again[i])))
            continue; /* decided by an expert, or waiting for one */
        double post = p->prob[(size_t)i * r->k + (uint32_t)p->label[i]];
        bool sure = post >= r->c->min_posterior;
        out[n++] = (kt_consensus){ .item = x->number[i], .label = sure ? p->label[i] : -1, .posterior = post, .n_votes = x->count[i],
                                   .state = sure ? KT_FINAL_VOTED : KT_FINAL_DISPUTE, .method = r->c->method };
        if (!sure)
            disputed[n_disputed++] = x->number[i];
        else
            rc = kt_queue_drop(r->s, r->p.id, x->number[i], r->err);
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

kt_rc kt_consensus_run(kt_run *r)
{
    int64_t done;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("consensus.done"), &done, r->err));
    if (!done) {
        struct votes x;
        kt_posterior p;
        KT_AUTO(kt_arena) arena = KT_ARENA_INIT;
        KT_TRY(load_votes(r, &x));
        const kt_aggregator *method = kt_aggregator_find(r->c->method);
        const void *opt = method == &kt_aggregate_dawid_skene ? &KT_DAWID_SKENE_FEW_VOTES : NULL;
        kt_rng rng = kt_rng_keyed((uint64_t)r->c->seed, 0, 0);
        kt_rc rc = method->fit(&x.v, opt, &rng, r->pool, &arena, &p, r->err);
        if (rc == 0) {
            rc = kt_store_begin(r->s, r->err);
            if (rc == 0)
                rc = kt_store_finish(r->s, put(r, &x, &p), r->err);
        }
        free_votes(&x);
        KT_TRY(rc);
    }
    return kt_people_work(r, 1u << KT_QUEUE_EXPERT);
}
