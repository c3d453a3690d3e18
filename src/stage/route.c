/* Routing under an error budget. The model is frozen first; then a uniform random sample of what is to be routed goes to
   experts; the threshold is the lowest score whose error, by an exact bound on that sample, is under the budget. */
#include "algo/stats.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "stage/run.h"
#include "stage/watch.h"
#include "store/annotation.h"
#include "store/audit.h"
#include "store/column.h"
#include "store/consensus.h"

static uint32_t *open_items(const kt_run *r, size_t *ret_n)
{
    uint32_t *v = kt_alloc_array((size_t)r->n + 1, 4);
    *ret_n = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (r->state[i] == KT_ITEM_OPEN || r->state[i] == KT_ITEM_TRUSTED)
            v[(*ret_n)++] = i;
    return v;
}

/* The trusted sample: drawn by Karat itself, once, from everything that is still to be routed. */
static kt_rc draw_trusted(kt_run *r)
{
    int64_t drawn;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("route.drawn"), &drawn, r->err));
    size_t n;
    uint32_t *open = open_items(r, &n);
    size_t want = KT_MIN((size_t)r->c->trusted, n);
    uint64_t *at = kt_alloc_array(want + 1, 8);
    uint32_t *items = kt_alloc_array(want + 1, 4);
    kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x747275, n, 0);
    kt_rng_sample(&g, n, want, at);
    for (size_t i = 0; i < want; i++) {
        items[i] = open[at[i]];
        r->state[items[i]] = KT_ITEM_TRUSTED;
    }
    kt_rc rc = 0;
    if (!drawn && want) {
        rc = kt_store_begin(r->s, r->err);
        if (rc == 0) {
            rc = kt_queue_add(r->s, r->p.id, KT_QUEUE_TRUSTED, items, want, 1, r->err);
            if (rc == 0)
                rc = kt_counter_set(r->s, r->p.id, KT_S("route.drawn"), (int64_t)want, r->err);
            rc = kt_store_finish(r->s, rc, r->err);
        }
    }
    kt_free(open);
    kt_free(at);
    kt_free(items);
    return rc;
}

static kt_rc find_threshold(kt_run *r)
{
    double delta;
    KT_TRY(kt_watch_delta(r, &delta));
    kt_consensus *all;
    size_t n_all, n = 0, n_pool;
    KT_TRY(kt_consensus_load(r->s, r->p.id, r->arena, &all, &n_all, r->err));
    float *score = kt_alloc_array(n_all + 1, sizeof(float));
    uint8_t *right = kt_alloc(n_all + 1);
    for (size_t i = 0; i < n_all; i++)
        if (r->state[all[i].item] == KT_ITEM_TRUSTED && all[i].state == KT_FINAL_GOLD) {
            score[n] = r->pred[all[i].item].score;
            right[n++] = r->pred[all[i].item].label == all[i].label;
        }
    uint32_t *open = open_items(r, &n_pool);
    float *pool = kt_alloc_array(n_pool + 1, sizeof(float));
    for (size_t i = 0; i < n_pool; i++)
        pool[i] = r->pred[open[i]].score;
    r->calibration = (kt_calibration){ .method = KT_CALIBRATE_NONE };
    r->threshold = (kt_threshold){ 0 };
    kt_rc rc = 0;
    if (n) {
        rc = kt_calibrate_choose(score, right, n, (uint64_t)r->c->seed, &r->calibration, NULL, r->err);
        kt_threshold_data d = { n_pool, pool, n, score, right };
        kt_threshold_options o = { r->c->budget, delta };
        if (rc == 0)
            rc = kt_threshold_find(&d, &o, &r->threshold, r->err);
    }
    kt_free(all);
    kt_free(score);
    kt_free(right);
    kt_free(open);
    kt_free(pool);
    return rc;
}

/* Where each open item goes. */
static void decide(kt_run *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->state[i] != KT_ITEM_OPEN)
            continue;
        if (r->threshold.found && (double)r->pred[i].score >= r->threshold.score)
            r->state[i] = KT_ITEM_AUTO;
        else if (kt_calibrate_apply(&r->calibration, (double)r->pred[i].score) < r->c->expert_below)
            r->state[i] = KT_ITEM_EXPERT;
        else
            r->state[i] = KT_ITEM_HUMAN;
    }
}

static kt_rc queue_all(kt_run *r, kt_item_state state, kt_queue q, int need)
{
    uint32_t *items = kt_alloc_array((size_t)r->n + 1, 4);
    size_t n = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (r->state[i] == state)
            items[n++] = i;
    if (q == KT_QUEUE_HUMAN && r->c->watch)
        kt_watch_shuffle(r, items, n);
    kt_rc rc = n ? kt_queue_add(r->s, r->p.id, q, items, n, need, r->err) : 0;
    kt_free(items);
    return rc;
}

static kt_rc log_route(kt_run *r, int64_t n_auto)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
    kt_buf_puts(&b, "{\"budget\":");
    kt_buf_f64(&b, r->c->budget);
    kt_buf_puts(&b, ",\"confidence\":");
    kt_buf_f64(&b, r->c->confidence);
    kt_buf_printf(&b, ",\"found\":%s,\"threshold\":", r->threshold.found ? "true" : "false");
    kt_buf_f64(&b, r->threshold.score);
    kt_buf_printf(&b, ",\"trusted\":%u,\"wrong\":%u,\"auto\":%lld}", r->threshold.n_trusted, r->threshold.n_wrong, (long long)n_auto);
    const kt_event e = { KT_S("karat"), KT_S("route.decide"), r->p.id, -1, KT_BUF_STR(&b) };
    return kt_audit_append(r->s, &e, NULL, r->err);
}

static kt_rc put_route(kt_run *r)
{
    int16_t *label = kt_alloc_array((size_t)r->n + 1, 2);
    kt_prediction *pred = kt_alloc_array((size_t)r->n + 1, sizeof(*pred));
    int64_t n_auto = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        label[i] = r->state[i] == KT_ITEM_AUTO ? (int16_t)r->pred[i].label : -1;
        n_auto += label[i] >= 0;
        pred[i] = r->pred[i];
        if (pred[i].label >= 0)
            pred[i].score = (float)kt_calibrate_apply(&r->calibration, (double)pred[i].score);
    }
    uint64_t before;
    unsigned char root[32];
    kt_audit_root(r->s, &before, root);
    kt_column_part pp = { KT_S("pred"), 0, r->n, sizeof(*pred) }, ap = { KT_S("auto"), 0, r->n, 2 }, sp = { KT_S("state"), 0, r->n, 1 };
    kt_rc rc = kt_column_write(r->s, r->p.id, &pp, pred, "prelabel.predictions", r->err);
    if (rc == 0)
        rc = kt_column_write(r->s, r->p.id, &sp, r->state, "route.states", r->err);
    uint64_t event;
    kt_audit_root(r->s, &event, root); /* the number the next event gets */
    if (rc == 0)
        rc = kt_column_write(r->s, r->p.id, &ap, label, "route.auto", r->err);
    if (rc == 0)
        rc = log_route(r, n_auto);
    if (rc == 0)
        rc = queue_all(r, KT_ITEM_HUMAN, KT_QUEUE_HUMAN, (int)r->c->overlap);
    if (rc == 0)
        rc = queue_all(r, KT_ITEM_EXPERT, KT_QUEUE_EXPERT, 1);
    if (rc == 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("auto"), n_auto, r->err);
    if (rc == 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("route.event"), (int64_t)event, r->err);
    if (rc == 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("route.done"), 1, r->err);
    if (rc == 0)
        rc = kt_watch_begin(r);
    kt_free(label);
    kt_free(pred);
    return rc;
}

kt_rc kt_route_run(kt_run *r)
{
    KT_TRY(draw_trusted(r));
    kt_rc rc = kt_people_work(r, 1u << KT_QUEUE_TRUSTED);
    if (rc != 0)
        return rc;
    KT_TRY(find_threshold(r));
    decide(r);
    int64_t done;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("route.done"), &done, r->err));
    if (!done) {
        KT_TRY(kt_store_begin(r->s, r->err));
        KT_TRY(kt_store_finish(r->s, put_route(r), r->err));
    }
    KT_TRY(kt_watch_restore(r));
    rc = kt_people_work(r, 1u << KT_QUEUE_HUMAN);
    return rc != 0 ? rc : kt_people_work(r, 1u << KT_QUEUE_EXPERT); /* after them: their disputes are in it */
}
