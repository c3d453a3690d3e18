/* Routing under an error budget. The model is frozen first; then a uniform random sample of what is to be routed goes to
   experts; in each cell (route_cells.c) the machine takes what an exact bound on that sample proves to be within the cell's budget. A
   random part of what it took is checked by experts (approval.c); where the checks prove a batch to be over its budget, it is opened
   again, and the next round draws a new sample from just that and learns the threshold anew. Column "due" has the round an
   opened item is routed in; what was routed before stays as it was. */
#include "algo/route/route.h"
#include "algo/stats.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "stage/approval.h"
#include "stage/parts.h"
#include "stage/route_int.h"
#include "stage/watch.h"
#include "store/annotation.h"
#include "store/approval.h"
#include "store/audit.h"
#include "store/column.h"
#include "store/consensus.h"

#include <math.h>

static kt_rc counter(kt_run *r, const char *name, int64_t *ret)
{
    return kt_counter_get(r->s, r->p.id, kt_str_of(name), ret, r->err);
}

static kt_rc advance(kt_run *r, int64_t next)
{
    static const char *const again[] = { "route.done", "route.drawn", "consensus.done" };
    KT_TRY(kt_store_begin(r->s, r->err));
    kt_rc rc = kt_counter_set(r->s, r->p.id, KT_S("route.round"), next, r->err);
    for (size_t i = 0; i < KT_LEN(again) && rc == 0; i++)
        rc = kt_counter_set(r->s, r->p.id, kt_str_of(again[i]), 0, r->err);
    return kt_store_finish(r->s, rc, r->err);
}

/* The items of this round. In the first they follow from the stages before; later ones were written down when they were opened. */
static kt_rc find_open(kt_routing *x)
{
    kt_run *r = x->r;
    int64_t done, next;
    KT_TRY(counter(r, "route.done", &done));
    KT_TRY(counter(r, "route.round", &x->round));
    KT_TRY(counter(r, "route.next", &next));
    if (done && next > x->round) {
        KT_TRY(advance(r, next));
        x->round = next;
    }
    x->open = kt_arena_zalloc(r->arena, (size_t)r->n + 1);
    if (x->round > 0) {
        uint16_t *due = kt_alloc_array((size_t)r->n + 1, sizeof(*due));
        kt_rc rc = kt_run_column(r, "state", 1, KT_ITEM_OPEN, r->state);
        if (rc == 0)
            rc = kt_run_column(r, "due", sizeof(*due), 0, due);
        for (uint32_t i = 0; i < r->n && rc == 0; i++)
            if ((x->open[i] = due[i] == (uint16_t)x->round))
                r->state[i] = KT_ITEM_OPEN;
        kt_free(due);
        KT_TRY(rc);
    }
    for (uint32_t i = 0; i < r->n; i++) {
        if (x->round == 0)
            x->open[i] = r->state[i] == KT_ITEM_OPEN;
        x->n_open += x->open[i];
    }
    return 0;
}

/* The trusted sample: drawn by Karat itself, once, from everything that is still to be routed. */
static void draw_trusted(kt_routing *x)
{
    kt_run *r = x->r;
    size_t want = KT_MIN((size_t)r->c->trusted, (size_t)x->n_open), n = 0;
    uint64_t *at = kt_alloc_array(want + 1, 8);
    uint32_t *open = kt_alloc_array((size_t)x->n_open + 1, 4);
    for (uint32_t i = 0; i < r->n; i++)
        if (x->open[i])
            open[n++] = i;
    x->trusted = kt_arena_array(r->arena, want + 1, 4);
    x->n_trusted = want;
    kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x747275, n, (uint64_t)x->round);
    kt_rng_sample(&g, n, want, at);
    for (size_t i = 0; i < want; i++) {
        x->trusted[i] = open[at[i]];
        r->state[x->trusted[i]] = KT_ITEM_TRUSTED;
    }
    kt_free(at);
    kt_free(open);
}

kt_rc kt_routing_begin(kt_run *r, kt_routing *ret)
{
    *ret = (kt_routing){ .r = r };
    KT_TRY(find_open(ret));
    draw_trusted(ret);
    return kt_routing_cells(ret);
}

static kt_rc queue_trusted(kt_routing *x)
{
    kt_run *r = x->r;
    int64_t drawn;
    KT_TRY(counter(r, "route.drawn", &drawn));
    if (drawn || !x->n_trusted)
        return 0;
    KT_TRY(kt_store_begin(r->s, r->err));
    kt_rc rc = kt_queue_add(r->s, r->p.id, KT_QUEUE_TRUSTED, x->trusted, x->n_trusted, 1, r->err);
    if (rc == 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("route.drawn"), (int64_t)x->n_trusted, r->err);
    return kt_store_finish(r->s, rc, r->err);
}

kt_rc kt_routing_gather(kt_routing *x)
{
    kt_run *r = x->r;
    bool apart = r->c->method_of_route == KT_ROUTE_CONFORMAL;
    x->n_pool = 0;
    x->pool = kt_arena_array(r->arena, (size_t)x->n_open + 1, sizeof(float));
    x->pool_cell = kt_arena_array(r->arena, (size_t)x->n_open + 1, 4);
    x->score = kt_arena_array(r->arena, x->n_trusted + 1, sizeof(float));
    x->trusted_cell = kt_arena_array(r->arena, x->n_trusted + 1, 4);
    x->right = kt_arena_zalloc(r->arena, x->n_trusted + 1);
    x->n_answered = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (x->open[i] && !(apart && r->state[i] == KT_ITEM_TRUSTED)) {
            x->pool[x->n_pool] = r->pred[i].score;
            x->pool_cell[x->n_pool++] = x->cell ? x->cell[i] : 0;
        }
    for (size_t i = 0; i < x->n_trusted; i++) {
        kt_consensus c;
        uint32_t item = x->trusted[i];
        kt_rc rc = kt_consensus_get(r->s, r->p.id, item, &c, r->err);
        KT_TRY(rc);
        if (rc == KT_DONE || c.state != KT_FINAL_GOLD)
            continue;
        x->score[x->n_answered] = r->pred[item].score;
        x->trusted_cell[x->n_answered] = x->cell ? x->cell[item] : 0;
        KT_TRY(kt_run_right(r, item, c.label, &x->right[x->n_answered++]));
    }
    return 0;
}

static kt_rc find_thresholds(kt_routing *x)
{
    kt_run *r = x->r;
    r->calibration = (kt_calibration){ .method = KT_CALIBRATE_NONE };
    r->threshold = (kt_threshold){ 0 };
    r->n_cells = x->n_cells;
    r->cell = kt_arena_array(r->arena, (size_t)x->n_cells + 1, sizeof(*r->cell));
    r->cell_name = x->name;
    for (uint32_t c = 0; c < x->n_cells; c++)
        r->cell[c] = (kt_cell){ .budget = x->budget[c], .upper = NAN };
    if (!x->n_answered || !x->n_pool)
        return 0;
    KT_TRY(kt_calibrate_choose(x->score, x->right, x->n_answered, (uint64_t)r->c->seed, &r->calibration, r->calibration_loss, r->err));
    double delta;
    KT_TRY(kt_watch_delta(r, &delta));
    kt_threshold_data all = { x->n_pool, x->pool, x->n_answered, x->score, x->right };
    kt_threshold_options o = { r->c->budget, delta, 0 };
    KT_TRY(kt_threshold_find(&all, &o, &r->threshold, r->err)); /* of everything together: for the report's curve */
    KT_TRY(kt_routing_search(x, delta, r->cell));
    for (uint32_t c = 0; c < x->n_cells; c++)
        r->proved |= r->cell[c].found;
    return 0;
}

/* Where each open item goes. */
static void decide(kt_routing *x)
{
    kt_run *r = x->r;
    for (uint32_t c = 0; c < x->n_cells; c++)
        r->cell[c].n_approved = 0; /* without the trusted ones from here on */
    for (uint32_t i = 0; i < r->n; i++) {
        if (!x->open[i] || r->state[i] != KT_ITEM_OPEN)
            continue;
        kt_cell *c = &r->cell[x->cell ? x->cell[i] : 0];
        if (c->found && (double)r->pred[i].score >= c->score) {
            r->state[i] = KT_ITEM_AUTO;
            c->n_approved++;
        } else if (kt_calibrate_apply(&r->calibration, (double)r->pred[i].score) < r->c->expert_below) {
            r->state[i] = KT_ITEM_EXPERT;
        } else {
            r->state[i] = KT_ITEM_HUMAN;
        }
    }
}

static kt_rc queue_all(kt_routing *x, kt_item_state state, kt_queue q, int need)
{
    kt_run *r = x->r;
    uint32_t *items = kt_alloc_array((size_t)r->n + 1, 4);
    size_t n = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (x->open[i] && r->state[i] == state)
            items[n++] = i;
    if (q == KT_QUEUE_HUMAN && r->c->watch)
        kt_watch_shuffle(r, items, n);
    kt_rc rc = n ? kt_queue_add(r->s, r->p.id, q, items, n, need, r->err) : 0;
    kt_free(items);
    return rc;
}

enum { CELLS_IN_EVENT = 200 }; /* of more, those without an approved item are left out */

void kt_route_put_cells(const kt_cell *cell, const kt_str *name, uint32_t n, kt_buf *ret)
{
    bool first = true;
    kt_buf_puts(ret, ",\"cells\":[");
    for (uint32_t c = 0; c < n; c++) {
        const kt_cell *v = &cell[c];
        if (n > CELLS_IN_EVENT && !v->found)
            continue;
        kt_buf_puts(ret, first ? "{\"name\":" : ",{\"name\":");
        first = false;
        kt_buf_json(ret, name[c]);
        kt_buf_puts(ret, ",\"budget\":");
        kt_buf_f64(ret, v->budget);
        kt_buf_puts(ret, ",\"threshold\":");
        kt_buf_f64(ret, v->found ? v->score : NAN);
        kt_buf_printf(ret, ",\"trusted\":%u,\"wrong\":%u,\"auto\":%llu}", v->n_trusted, v->n_wrong, (unsigned long long)v->n_approved);
    }
    kt_buf_char(ret, ']');
}

static kt_rc log_route(kt_routing *x, int64_t n_auto)
{
    kt_run *r = x->r;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 20);
    kt_buf_puts(&b, "{\"budget\":");
    kt_buf_f64(&b, r->c->budget);
    kt_buf_puts(&b, ",\"confidence\":");
    kt_buf_f64(&b, r->c->confidence);
    kt_buf_printf(&b, ",\"method\":\"%s\",\"round\":%lld,\"calibration\":\"%s\",\"found\":%s", kt_route_method_name(r->c->method_of_route),
                  (long long)x->round, kt_calibrate_name(r->calibration.method), r->proved ? "true" : "false");
    kt_route_put_cells(r->cell, r->cell_name, r->n_cells, &b);
    kt_buf_printf(&b, ",\"auto\":%lld}", (long long)n_auto);
    const kt_event e = { KT_S("karat"), KT_S("route.decide"), r->p.id, -1, KT_BUF_STR(&b) };
    return kt_audit_append(r->s, &e, NULL, r->err);
}

/* One batch for each cell the machine takes anything of; batch (n): the number of each open item's. */
static kt_rc put_batches(kt_routing *x, uint32_t *batch)
{
    kt_run *r = x->r;
    int64_t next, n_batches = 0;
    double delta;
    KT_TRY(kt_watch_delta(r, &delta));
    KT_TRY(counter(r, "approval.batches", &next));
    for (uint32_t c = 0; c < x->n_cells; c++)
        n_batches += r->cell[c].n_approved > 0;
    int64_t *of = kt_zalloc_array((size_t)x->n_cells + 1, sizeof(*of));
    kt_rc rc = 0;
    for (uint32_t c = 0; c < x->n_cells && rc == 0; c++) {
        if (!r->cell[c].n_approved)
            continue;
        of[c] = next++;
        const kt_approval_batch b = { .batch = of[c], .round = x->round, .name = x->name[c], .budget = x->budget[c],
                                      .delta = delta / (double)n_batches, .size = (int64_t)r->cell[c].n_approved, .high = 1 };
        rc = kt_approval_batch_put(r->s, r->p.id, &b, r->err);
    }
    for (uint32_t i = 0; i < r->n; i++)
        if (x->open[i])
            batch[i] = r->state[i] == KT_ITEM_AUTO ? (uint32_t)of[x->cell ? x->cell[i] : 0] : UINT32_MAX;
    kt_free(of);
    return rc == 0 ? kt_counter_set(r->s, r->p.id, KT_S("approval.batches"), next, r->err) : rc;
}

kt_rc kt_route_draw_checks(kt_run *r, const uint32_t *items, size_t n, const uint32_t *batch, uint64_t turn)
{
    size_t want = (size_t)ceil(r->c->audit * (double)n);
    uint64_t *at = kt_alloc_array(want + 1, 8);
    uint32_t *chosen = kt_alloc_array(want + 1, 4);
    int32_t *number = kt_alloc_array(want + 1, 4);
    kt_approval_check *v = kt_alloc_array(want + 1, sizeof(*v));
    kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x617564, n, turn);
    kt_rng_sample(&g, n, want, at);
    for (size_t i = 0; i < want; i++)
        chosen[i] = items[at[i]];
    kt_rc rc = kt_run_numbers(r, chosen, want, number);
    for (size_t i = 0; i < want; i++)
        v[i] = (kt_approval_check){ chosen[i], batch[chosen[i]], number[i], -1 };
    if (rc == 0 && want)
        rc = kt_approval_check_put(r->s, r->p.id, v, want, r->err);
    if (rc == 0 && want)
        rc = kt_queue_add(r->s, r->p.id, KT_QUEUE_AUDIT, chosen, want, 1, r->err);
    kt_free(at);
    kt_free(chosen);
    kt_free(number);
    kt_free(v);
    return rc;
}

static kt_rc draw_checks(kt_routing *x, const uint32_t *batch)
{
    kt_run *r = x->r;
    uint32_t *items = kt_alloc_array((size_t)x->n_open + 1, 4);
    size_t n = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (x->open[i] && r->state[i] == KT_ITEM_AUTO)
            items[n++] = i;
    kt_rc rc = kt_route_draw_checks(r, items, n, batch, (uint64_t)x->round);
    kt_free(items);
    return rc;
}

/* Columns "auto" and "batch", which say what the machine approved; what earlier rounds said stays. */
static kt_rc put_approved(kt_routing *x, int64_t *ret_auto, uint64_t *ret_event)
{
    kt_run *r = x->r;
    int16_t *label = kt_alloc_array((size_t)r->n + 1, 2);
    uint32_t *batch = kt_alloc_array((size_t)r->n + 1, 4);
    kt_rc rc = kt_run_column(r, "auto", 2, 0xff, label);
    if (rc == 0)
        rc = kt_run_column(r, "batch", 4, 0xff, batch);
    if (rc == 0)
        rc = put_batches(x, batch);
    *ret_auto = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        if (x->open[i])
            label[i] = r->state[i] == KT_ITEM_AUTO ? (int16_t)r->pred[i].label : -1;
        *ret_auto += label[i] >= 0;
    }
    unsigned char root[32];
    kt_audit_root(r->s, ret_event, root); /* the number the next event gets */
    kt_column_part ap = { KT_S("auto"), 0, r->n, 2 }, bp = { KT_S("batch"), 0, r->n, 4 };
    if (rc == 0)
        rc = kt_column_write(r->s, r->p.id, &ap, label, "route.auto", r->err);
    if (rc == 0)
        rc = kt_column_write(r->s, r->p.id, &bp, batch, "route.batches", r->err);
    if (rc == 0)
        rc = draw_checks(x, batch);
    kt_free(label);
    kt_free(batch);
    return rc;
}

static kt_rc put_predictions(kt_run *r)
{
    kt_prediction *pred = kt_alloc_array((size_t)r->n + 1, sizeof(*pred));
    for (uint32_t i = 0; i < r->n; i++) {
        pred[i] = r->pred[i];
        if (pred[i].label >= 0)
            pred[i].score = (float)kt_calibrate_apply(&r->calibration, (double)pred[i].score);
    }
    kt_column_part pp = { KT_S("pred"), 0, r->n, sizeof(*pred) };
    kt_rc rc = kt_column_write(r->s, r->p.id, &pp, pred, "prelabel.predictions", r->err);
    kt_free(pred);
    return rc;
}

static kt_rc put_route(kt_routing *x)
{
    kt_run *r = x->r;
    int64_t n_auto = 0;
    uint64_t event = 0;
    kt_column_part sp = { KT_S("state"), 0, r->n, 1 };
    kt_rc rc = put_predictions(r);
    if (rc == 0)
        rc = kt_column_write(r->s, r->p.id, &sp, r->state, "route.states", r->err);
    if (rc == 0)
        rc = put_approved(x, &n_auto, &event);
    if (rc == 0)
        rc = log_route(x, n_auto);
    if (rc == 0)
        rc = queue_all(x, KT_ITEM_HUMAN, KT_QUEUE_HUMAN, (int)r->c->overlap);
    if (rc == 0)
        rc = queue_all(x, KT_ITEM_EXPERT, KT_QUEUE_EXPERT, 1);
    if (rc == 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("auto"), n_auto, r->err);
    if (rc == 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("route.event"), (int64_t)event, r->err);
    if (rc == 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("route.done"), 1, r->err);
    if (rc == 0)
        rc = kt_watch_begin(r);
    return rc;
}

/* One round up to its decision; KT_DONE: waits for the trusted sample. */
static kt_rc route_once(kt_run *r)
{
    kt_routing x;
    int64_t done;
    KT_TRY(kt_routing_begin(r, &x));
    KT_TRY(queue_trusted(&x));
    kt_rc rc = kt_people_work(r, 1u << KT_QUEUE_TRUSTED);
    if (rc != 0)
        return rc;
    KT_TRY(kt_routing_gather(&x));
    KT_TRY(find_thresholds(&x));
    decide(&x);
    KT_TRY(counter(r, "route.done", &done));
    if (done) /* what was decided stands, whatever the configuration says by now */
        return kt_run_column(r, "state", 1, KT_ITEM_OPEN, r->state);
    KT_TRY(kt_store_begin(r->s, r->err));
    return kt_store_finish(r->s, put_route(&x), r->err);
}

/* Whether a batch was opened again and waits to be routed. */
static kt_rc opened_again(kt_run *r, bool *ret)
{
    int64_t round, next;
    KT_TRY(counter(r, "route.round", &round));
    KT_TRY(counter(r, "route.next", &next));
    *ret = next > round;
    return 0;
}

kt_rc kt_route_run(kt_run *r)
{
    for (bool again = true; again;) {
        kt_rc rc = route_once(r);
        if (rc != 0)
            return rc;
        if (r->c->simulate) /* real people check while the flow goes on */
            KT_TRY(kt_people_work(r, 1u << KT_QUEUE_AUDIT));
        KT_TRY(opened_again(r, &again));
        if (!again) {
            rc = kt_watch_simulate(r);
            KT_TRY(rc);
            again = rc == KT_DONE;
        }
    }
    KT_TRY(kt_watch_restore(r));
    kt_rc rc = kt_people_work(r, 1u << KT_QUEUE_HUMAN);
    return rc != 0 ? rc : kt_people_work(r, 1u << KT_QUEUE_EXPERT); /* after them: their disputes are in it */
}
