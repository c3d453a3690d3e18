/* Labeling functions: what they do, as the last run left it, and one rule tried while it is typed. */
#include "server/server_int.h"

#include "base/str.h"
#include "stage/functions_kept.h"
#include "stage/functions_suggest.h"
#include "stage/functions_try.h"
#include "stage/marks.h"
#include "stage/pipeline.h"

#define EXAMPLES 6

static kt_rc put_list(kt_req *rq, kt_store *s, kt_functions_body *ret)
{
    kt_kept *k;
    size_t n;
    KT_TRY(kt_doc_get(s, rq->p->id, KT_S("functions.figures"), &rq->arena, &ret->figures, &rq->err));
    KT_TRY(kt_kept_list(s, rq->p->id, &rq->arena, &k, &n, &rq->err));
    ret->kept = kt_req_list(rq, n, sizeof(kt_kept_row));
    kt_kept_row *row = ret->kept.v;
    for (size_t i = 0; i < n; i++)
        row[i] = (kt_kept_row){ k[i].name, k[i].text, k[i].by, kt_req_time(rq, k[i].at_us) };
    return 0;
}

kt_rc h_function_list(kt_req *rq, const kt_none *in, kt_functions_body *ret)
{
    (void)in;
    return put_list(rq, rq->store, ret);
}

/* What stands now, for a request whose snapshot is from before. */
static kt_rc list_now(kt_req *rq, kt_functions_body *ret)
{
    kt_reader_slot *slot;
    KT_TRY(kt_server_take(rq->server, &slot, &rq->err));
    kt_rc rc = put_list(rq, slot->s, ret);
    kt_server_give(rq->server, slot);
    ret->running = true;
    return rc;
}

/* Runs what changed over every item. Under the lock of computing. */
static kt_rc run_changed(kt_req *rq, kt_functions_body *ret)
{
    kt_server *s = rq->server;
    kt_progress none = { 0 };
    kt_pipeline_result done;
    kt_rc rc = kt_pipeline_continue(s->stages, rq->p, KT_UNTIL_FUNCTIONS, 0, s->pool, &none, &rq->arena, &done, &rq->err);
    kt_committer_touch(s->writer);
    if (rc < 0)
        return kt_context(&rq->err, "the change is kept, but the functions could not be run");
    return put_list(rq, s->stages, ret);
}

struct change {
    kt_req *rq;
    const kt_kept *kept; /* NULL: drop … */
    kt_str name;         /* … this one */
};

static kt_rc write_change(kt_store *s, void *ctx, kt_err *err)
{
    struct change *c = ctx;
    kt_str actor = kt_arena_printf(&c->rq->arena, "user:%lld", (long long)c->rq->user.id);
    return c->kept ? kt_kept_put(s, c->rq->p, c->kept, actor, err) : kt_kept_drop(s, c->rq->p, c->name, actor, err);
}

static kt_rc change(kt_req *rq, struct change *c, kt_functions_body *ret)
{
    kt_server *s = rq->server;
    KT_TRY(kt_req_write(rq, write_change, c));
    atomic_store(&rq->project->again, s->o->flow);
    /* Where the flow is computing it takes the change along when it goes on. */
    if (!s->o->flow)
        pthread_mutex_lock(&s->computing); /* another page's change may be running: it may not have seen this one */
    else if (pthread_mutex_trylock(&s->computing))
        return list_now(rq, ret);
    pthread_mutex_lock(&s->trying);
    kt_rc rc = run_changed(rq, ret);
    pthread_mutex_unlock(&s->trying);
    pthread_mutex_unlock(&s->computing);
    return rc;
}

kt_rc h_function_keep(kt_req *rq, const kt_function_rule *in, kt_functions_body *ret)
{
    const kt_kept k = { in->name, in->rule, rq->user.name, kt_store_now(rq->store) };
    KT_TRY(kt_kept_check(rq->store, rq->p, &k, &rq->err));
    return change(rq, &(struct change){ rq, &k, in->name }, ret);
}

kt_rc h_function_drop(kt_req *rq, const kt_function_name *in, kt_functions_body *ret)
{
    return change(rq, &(struct change){ .rq = rq, .name = in->name }, ret);
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
            if (e->order == UINT64_MAX || (kinds[k].from == KT_LF_VOTE && e->gold >= 0))
                continue; /* those with a trusted label are among the others */
            row[n++] = (kt_shown_vote){ e->item, e->id, e->text, rq->p->label[e->said], e->gold >= 0 ? rq->p->label[e->gold] : (kt_str){ 0 }, kt_str_of(kinds[k].kind) };
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

kt_rc h_function_suggest(kt_req *rq, const kt_none *in, kt_functions_suggested *ret)
{
    (void)in;
    kt_server *s = rq->server;
    kt_suggestions g;
    KT_TRY(kt_task_needs_classes(rq->p->task, "suggesting rules", &rq->err));
    pthread_mutex_lock(&s->trying);
    kt_rc rc = kt_functions_suggest(rq->store, rq->p, &(kt_suggest_opts)KT_SUGGEST_OPTS_INIT, s->pool, &rq->arena, &g, &rq->err);
    pthread_mutex_unlock(&s->trying);
    KT_TRY(rc);
    ret->gold = (int64_t)g.n_gold;
    ret->predicted = (int64_t)g.n_predicted;
    ret->suggestions = kt_req_list(rq, g.n, sizeof(kt_suggestion_row));
    kt_suggestion_row *row = ret->suggestions.v;
    for (size_t i = 0; i < g.n; i++)
        row[i] = (kt_suggestion_row){ g.v[i].name, rq->p->label[g.v[i].label], g.v[i].rule, (int64_t)g.v[i].n, (int64_t)g.v[i].right, g.v[i].precision,
                                      g.v[i].lo, g.v[i].hi, g.v[i].coverage };
    return 0;
}
