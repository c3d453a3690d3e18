/* Labeling functions: what they do, as the last run left it, and one rule tried while it is typed. */
#include "server/server_int.h"

#include "base/str.h"
#include "stage/functions_try.h"

#define EXAMPLES 6

kt_rc h_function_list(kt_req *rq, const kt_none *in, kt_functions_body *ret)
{
    (void)in;
    KT_TRY(kt_doc_get(rq->store, rq->p->id, KT_S("functions.figures"), &rq->arena, &ret->figures, &rq->err));
    return 0;
}

struct typist {
    atomic_uint *now;
    unsigned mine;
};

static bool typed_on(void *ctx)
{
    const struct typist *t = ctx;
    return atomic_load(t->now) != t->mine;
}

static void put_labels(kt_req *rq, const kt_tried *t, kt_function_tried *ret)
{
    ret->labels = kt_req_list(rq, rq->p->n_labels, sizeof(kt_label_votes));
    kt_label_votes *row = ret->labels.v;
    size_t n = 0;
    for (uint32_t c = 0; c < rq->p->n_labels; c++)
        if (t->by_label[c])
            row[n++] = (kt_label_votes){ rq->p->label[c], (int64_t)t->by_label[c] };
    ret->labels.n = n;
}

static void put_examples(kt_req *rq, const kt_tried *t, kt_function_tried *ret)
{
    static const struct { kt_lf_example_kind from; const char *kind; } kinds[] = { { KT_LF_HIT, "right" }, { KT_LF_MISS, "wrong" }, { KT_LF_VOTE, "vote" } };
    ret->examples = kt_req_list(rq, KT_LEN(kinds) * EXAMPLES, sizeof(kt_shown_vote));
    kt_shown_vote *row = ret->examples.v;
    size_t n = 0;
    for (size_t k = 0; k < KT_LEN(kinds); k++)
        for (size_t i = 0; i < EXAMPLES; i++) {
            const kt_lf_example *e = &t->example[kinds[k].from * EXAMPLES + i];
            bool trusted = e->order != UINT64_MAX && e->gold >= 0;
            if (e->order == UINT64_MAX || (kinds[k].from == KT_LF_VOTE && trusted))
                continue; /* those with a trusted label are among the others */
            row[n++] = (kt_shown_vote){ e->item, e->id, e->text, rq->p->label[e->said], trusted ? rq->p->label[e->gold] : (kt_str){ 0 }, kt_str_of(kinds[k].kind) };
        }
    ret->examples.n = n;
}

static kt_rc run_try(kt_req *rq, kt_try *t, bool exact, kt_function_tried *ret)
{
    kt_item_reader *items;
    kt_tried x;
    KT_TRY(kt_req_items(rq, &items));
    KT_TRY(kt_try_run(t, items, exact, rq->server->pool, &rq->arena, &x, &rq->err));
    *ret = (kt_function_tried){ .exact = x.exact, .n = (int64_t)x.n, .votes = (int64_t)x.votes, .coverage = x.coverage, .lo = x.lo, .hi = x.hi,
                                .gold = (int64_t)x.gold_n, .gold_votes = (int64_t)x.gold_votes, .right = (int64_t)x.right, .precision = x.precision,
                                .precision_lo = x.p_lo, .precision_hi = x.p_hi, .seconds = x.seconds, .failed = (int64_t)x.fault.n,
                                .failed_item = kt_arena_str(&rq->arena, kt_str_of(x.fault.id)), .failure = kt_arena_str(&rq->arena, kt_str_of(x.fault.said)) };
    put_labels(rq, &x, ret);
    put_examples(rq, &x, ret);
    return 0;
}

kt_rc h_function_try(kt_req *rq, const kt_function_trial *in, kt_function_tried *ret)
{
    kt_server *s = rq->server;
    struct typist typist = { &s->typed[(uint64_t)rq->user.id % KT_TYPISTS], 0 };
    typist.mine = atomic_fetch_add(typist.now, 1) + 1;
    const kt_try_opts o = { .foreign = true, .sample = 1500, .n_examples = EXAMPLES, .stale = typed_on, .ctx = &typist };
    kt_try *t;
    KT_TRY(kt_try_new(rq->store, rq->p, in->rule, "rule", &o, &t, &rq->err));
    pthread_mutex_lock(&s->trying);
    kt_rc rc = run_try(rq, t, in->exact, ret);
    pthread_mutex_unlock(&s->trying);
    kt_try_free(t);
    return rc;
}
