/* The loop, closed: what annotators answer trains the model, which then takes over what it has come to be sure of, while they work on.

   The promise has to hold for all that is approved at any time, so no label may both teach and judge, or judge twice. Where a project is
   watched, items for annotators are queued in a random order that is fixed by a key per item. The next `every` of them in that order are a
   uniform random sample of all that come after them: a batch. When a batch is answered, a model that was trained on the batches before it
   alone is judged on it, and a threshold found (algo/learn/threshold.h) under which items nobody has touched yet are approved. The batch
   then joins the training. Items that a round would approve but somebody holds already stay with people, and leave the population of later
   rounds all the same, else a batch would hold what its rest does not. A batch is due when all of it has a label but for one in fifty;
   those count as the machine's errors.

   The chance of breaking the budget is split beforehand (algo/route/spend.h): a part for each routing, as much in equal parts for `rounds` looks;
   together they keep what was allowed, however often a batch is opened again. Rounds after that retrain and predict, and approve nothing.
   Budgets of classes and slices are cells as in the routing, by what the new model says; those whose part of the batch is too small to prove
   anything give their chance to the others. */
#include "stage/watch.h"

#include "algo/route/look.h"
#include "algo/route/spend.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "stage/rounds.h"
#include "stage/route_int.h"
#include "store/approval.h"
#include "store/audit.h"
#include "store/column.h"
#include "store/consensus.h"
#include "store/queue.h"

#define UNSETTLED 50 /* one in so many of a batch may lack its label */
#define BILLION 1e9

static double whole_delta(const kt_run *r)
{
    return 1 - r->c->confidence;
}

kt_rc kt_watch_delta(kt_run *r, double *ret)
{
    int64_t used;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("watch.delta"), &used, r->err));
    *ret = used ? (double)used / BILLION : r->c->watch ? kt_spend_half(whole_delta(r)) : kt_spend_round(whole_delta(r), 0);
    return 0;
}

kt_rc kt_watch_begin(kt_run *r)
{
    double delta;
    kt_round round = { .stage = KT_S("route") };
    KT_TRY(kt_watch_delta(r, &delta));
    KT_TRY(kt_counter_set(r->s, r->p.id, KT_S("watch.delta"), (int64_t)(delta * BILLION + 0.5), r->err));
    KT_TRY(kt_round_trusted(r, &round));
    return kt_round_put(r->s, r->p.id, &round, r->err);
}

static uint64_t seed_of(const kt_run *r)
{
    return (uint64_t)r->p.seed;
}

void kt_watch_shuffle(const kt_run *r, uint32_t *items, size_t n)
{
    kt_look_item *v = kt_alloc_array(n + 1, sizeof(*v));
    for (size_t i = 0; i < n; i++)
        v[i] = (kt_look_item){ kt_look_key(seed_of(r), items[i]), items[i] };
    qsort(v, n, sizeof(*v), kt_look_order);
    for (size_t i = 0; i < n; i++)
        items[i] = v[i].item;
    kt_free(v);
}

kt_rc kt_watch_restore(kt_run *r)
{
    int64_t rounds;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("watch.round"), &rounds, r->err));
    if (!rounds)
        return 0;
    int16_t *label = kt_alloc_array((size_t)r->n + 1, sizeof(*label));
    kt_rc rc = kt_run_column(r, "state", 1, 0, r->state);
    if (rc == 0)
        rc = kt_run_column(r, "auto", sizeof(*label), 0xff, label);
    for (uint32_t i = 0; i < r->n && rc == 0; i++)
        if (r->state[i] == KT_ITEM_AUTO)
            r->pred[i].label = label[i];
    kt_free(label);
    return rc;
}

/* What a round works on. */
struct watch {
    int64_t round, looks;    /* so far */
    uint64_t cut;            /* key up to which all is learned from */
    uint8_t *out;            /* n: the round whose threshold an item was at or above; 0: none */
    kt_look look;
    int32_t *label;          /* look.n_batch; -1: has none yet */
    uint8_t *learn;          /* n */
    kt_prediction *before;   /* n: what column "pred" says */
    int16_t *approved;       /* n */
    kt_routing cells;        /* of the items left, by what the new model says */
    kt_cell *cell;           /* cells.n_cells, in the run's arena */
    double delta;            /* of this look; 0: it approves nothing */
    bool found;              /* in a cell at least */
    KT_VEC(uint32_t) moved;  /* items approved in this round, ascending once it is done */
};

static void done(struct watch *w)
{
    kt_free(w->out);
    kt_look_done(&w->look);
    kt_free(w->label);
    kt_free(w->learn);
    kt_free(w->before);
    kt_free(w->approved);
    KT_VEC_DONE(&w->moved);
}

/* Items the first routing sent to annotators. */
static bool was_human(const kt_run *r, const struct watch *w, uint32_t i)
{
    return r->state[i] == KT_ITEM_HUMAN || (r->state[i] == KT_ITEM_AUTO && w->out[i]);
}

/* The chance that a look in this round may use up; 0: none is due. */
static kt_rc look_delta(kt_run *r, const struct watch *w, double *ret)
{
    double routing;
    KT_TRY(kt_watch_delta(r, &routing));
    double part = kt_spend_looks(whole_delta(r), routing) / (double)r->c->watch_rounds;
    *ret = w->round > 0 && w->looks < r->c->watch_rounds && part > 1e-6 ? part : 0;
    return 0;
}

static void plan(kt_run *r, struct watch *w)
{
    size_t every = (size_t)r->c->watch_every;
    if (w->delta > 0 && r->c->method_of_route == KT_ROUTE_THRESHOLD)
        every = kt_look_size(every, r->c->budget, w->delta);
    uint8_t *human = kt_zalloc((size_t)r->n + 1);
    w->learn = kt_zalloc((size_t)r->n + 1);
    for (uint32_t i = 0; i < r->n; i++)
        human[i] = was_human(r, w, i);
    kt_look_plan(seed_of(r), human, w->out, r->n, w->round > 0, w->cut, every, w->learn, &w->look);
    w->label = kt_alloc_array(w->look.n_batch + 1, sizeof(*w->label));
    kt_free(human);
}

/* The batch's labels; false: too many are missing. */
static kt_rc is_due(kt_run *r, struct watch *w, bool *ret)
{
    size_t missing = 0;
    for (size_t i = 0; i < w->look.n_batch; i++) {
        kt_consensus c = { .label = -1 };
        kt_rc rc = kt_consensus_get(r->s, r->p.id, w->look.left[i].item, &c, r->err);
        KT_TRY(rc);
        w->label[i] = rc == KT_DONE ? -1 : c.label;
        missing += w->label[i] < 0;
        if (missing * UNSETTLED > w->look.n_batch)
            break;
    }
    *ret = w->look.n_batch && missing * UNSETTLED <= w->look.n_batch;
    return 0;
}

static kt_rc open_round(kt_run *r, struct watch *w, bool *ret_due)
{
    int64_t routed, cut;
    *ret_due = false;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("route.done"), &routed, r->err));
    if (!routed)
        return 0;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("watch.round"), &w->round, r->err));
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("watch.looks"), &w->looks, r->err));
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("watch.cut"), &cut, r->err));
    w->cut = (uint64_t)cut;
    w->out = kt_alloc((size_t)r->n + 1);
    KT_TRY(kt_run_column(r, "watch.out", 1, 0, w->out));
    KT_TRY(kt_run_column(r, "state", 1, 0, r->state));
    KT_TRY(look_delta(r, w, &w->delta));
    plan(r, w);
    return is_due(r, w, ret_due);
}

/* Trains on what was answered before the batch (the first batch only trains) and predicts everything. */
static kt_rc learn(kt_run *r, struct watch *w)
{
    for (size_t i = 0; w->round == 0 && i < w->look.n_batch; i++)
        w->learn[w->look.left[i].item] = 1;
    r->learn_also = w->learn;
    KT_TRY(kt_learn_prepare(r));
    kt_lesson l;
    KT_TRY(kt_learn_lesson(r, &l));
    kt_rc rc = kt_learn_train(r, &l);
    kt_lesson_done(&l);
    return rc == 0 ? kt_learn_predict(r) : rc;
}

static uint32_t cell_of(const struct watch *w, uint32_t item)
{
    return w->cells.cell ? w->cells.cell[item] : 0;
}

static kt_rc search(kt_run *r, struct watch *w)
{
    float *score = kt_alloc_array((size_t)r->n + 1, sizeof(*score));
    uint8_t *right = kt_zalloc(w->look.n_batch + 1);
    for (uint32_t i = 0; i < r->n; i++)
        score[i] = r->pred[i].score;
    for (size_t i = 0; i < w->look.n_batch; i++)
        right[i] = w->label[i] >= 0 && r->pred[w->look.left[i].item].label == w->label[i];
    double *aim = kt_routing_aim(&w->cells, w->delta);
    kt_rc rc = kt_look_find(&w->look, score, w->cells.cell, right, aim, w->cells.n_cells, r->c->method_of_route, w->delta, w->cell, r->err);
    for (uint32_t c = 0; c < w->cells.n_cells && rc == 0; c++) {
        w->cell[c].budget = w->cells.budget[c];
        w->found |= w->cell[c].found;
    }
    kt_free(score);
    kt_free(right);
    return rc;
}

static kt_rc find_thresholds(kt_run *r, struct watch *w)
{
    if (w->delta <= 0)
        return 0;
    w->looks++;
    w->cells = (kt_routing){ .r = r, .open = kt_arena_zalloc(r->arena, (size_t)r->n + 1), .n_open = (uint32_t)w->look.n_left };
    for (size_t i = 0; i < w->look.n_left; i++)
        w->cells.open[w->look.left[i].item] = 1;
    KT_TRY(kt_routing_cells(&w->cells));
    w->cell = kt_arena_zalloc(r->arena, (w->cells.n_cells + (size_t)1) * sizeof(*w->cell));
    return search(r, w);
}

/* Approves what nobody has touched. In a transaction. */
static kt_rc approve(kt_run *r, struct watch *w)
{
    uint32_t *free_item = NULL;
    size_t n = 0;
    uint8_t *untouched = kt_zalloc((size_t)r->n + 1);
    for (uint32_t c = 0; c < w->cells.n_cells && w->cell; c++)
        w->cell[c].n_approved = 0; /* of those nobody has touched, from here on */
    kt_rc rc = w->found ? kt_queue_untouched(r->s, r->p.id, KT_QUEUE_HUMAN, &free_item, &n, r->err) : 0;
    for (size_t i = 0; i < n; i++)
        untouched[free_item[i]] = 1;
    for (size_t i = w->look.n_batch; i < w->look.n_left && w->found && rc == 0; i++) {
        uint32_t item = w->look.left[i].item;
        const kt_cell *c = &w->cell[cell_of(w, item)];
        if (!c->found || (double)r->pred[item].score < c->score)
            continue;
        w->out[item] = (uint8_t)KT_MIN(w->round + 1, 255);
        if (!untouched[item])
            continue;
        r->state[item] = KT_ITEM_AUTO;
        w->cell[cell_of(w, item)].n_approved++;
        w->approved[item] = (int16_t)r->pred[item].label;
        KT_PUSH(&w->moved, item);
        rc = kt_queue_drop(r->s, r->p.id, item, r->err);
    }
    kt_free(untouched);
    kt_free(free_item);
    return rc;
}

/* New pre-labels for people's items; what was approved keeps what it was approved as. */
static void merge_predictions(kt_run *r, struct watch *w)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (r->state[i] == KT_ITEM_AUTO && w->out[i] != w->round + 1)
            r->pred[i] = w->before[i];
        else if (r->pred[i].label >= 0)
            r->pred[i].score = (float)kt_calibrate_apply(&r->calibration, (double)r->pred[i].score);
}

/* How sure the model may call itself, on the trusted sample. */
static kt_rc calibrate(kt_run *r)
{
    size_t n;
    float *score;
    uint8_t *right;
    KT_TRY(kt_round_answers(r, &score, &right, &n));
    r->calibration = (kt_calibration){ .method = KT_CALIBRATE_NONE };
    kt_rc rc = n ? kt_calibrate_choose(score, right, n, (uint64_t)r->c->seed, &r->calibration, NULL, r->err) : 0;
    kt_free(score);
    kt_free(right);
    return rc;
}

static kt_rc log_round(kt_run *r, const struct watch *w)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 20);
    kt_buf_printf(&b, "{\"round\":%lld,\"batch\":%zu,\"look\":%lld,\"delta\":", (long long)w->round + 1, w->look.n_batch, (long long)w->looks);
    kt_buf_f64(&b, w->delta);
    kt_buf_printf(&b, ",\"found\":%s", w->found ? "true" : "false");
    kt_route_put_cells(w->cell, w->cells.name, w->cells.n_cells, &b);
    kt_buf_printf(&b, ",\"auto\":%llu}", (unsigned long long)w->moved.n);
    const kt_event e = { KT_S("karat"), KT_S("watch.route"), r->p.id, -1, KT_BUF_STR(&b) };
    return kt_audit_append(r->s, &e, NULL, r->err);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* What was approved in a cell is a batch that people check, as any other (approval.c). batch: n, the number of each item's. */
static kt_rc put_cell_batches(kt_run *r, struct watch *w, int64_t *next, uint32_t *batch)
{
    uint32_t n_cells = w->cells.n_cells, n_batches = 0;
    int64_t *of = kt_alloc_array((size_t)n_cells + 1, sizeof(*of));
    kt_rc rc = 0;
    for (uint32_t c = 0; c < n_cells; c++)
        n_batches += w->cell[c].n_approved > 0;
    for (uint32_t c = 0; c < n_cells && rc == 0; c++) {
        if (!w->cell[c].n_approved)
            continue;
        of[c] = (*next)++;
        kt_str name = kt_arena_printf(r->arena, "watch round %lld", (long long)w->round + 1);
        if (n_cells > 1)
            name = kt_arena_printf(r->arena, "%.*s: %.*s", KT_F(name), KT_F(w->cells.name[c]));
        const kt_approval_batch b = { .batch = of[c], .name = name, .budget = w->cells.budget[c], .delta = w->delta / n_batches,
                                      .size = (int64_t)w->cell[c].n_approved, .high = 1 };
        rc = kt_approval_batch_put(r->s, r->p.id, &b, r->err);
    }
    for (size_t i = 0; i < w->moved.n && rc == 0; i++)
        batch[w->moved.v[i]] = (uint32_t)of[cell_of(w, w->moved.v[i])];
    kt_free(of);
    return rc;
}

static kt_rc put_batches(kt_run *r, struct watch *w)
{
    int64_t next;
    if (!w->moved.n)
        return 0;
    uint32_t *batch = kt_alloc_array((size_t)r->n + 1, sizeof(*batch));
    kt_column_part part = { KT_S("batch"), 0, r->n, sizeof(*batch) };
    qsort(w->moved.v, w->moved.n, sizeof(*w->moved.v), by_number);
    kt_rc rc = kt_counter_get(r->s, r->p.id, KT_S("approval.batches"), &next, r->err);
    if (rc == 0)
        rc = kt_column_get(r->s, r->p.id, &part, 0xff, batch, r->err);
    if (rc == 0)
        rc = put_cell_batches(r, w, &next, batch);
    if (rc == 0)
        rc = kt_column_write(r->s, r->p.id, &part, batch, "route.batches", r->err);
    if (rc == 0)
        rc = kt_route_draw_checks(r, w->moved.v, w->moved.n, batch, (uint64_t)w->round + 1000000);
    kt_free(batch);
    return rc == 0 ? kt_counter_set(r->s, r->p.id, KT_S("approval.batches"), next, r->err) : rc;
}

static kt_rc write_columns(kt_run *r, struct watch *w)
{
    uint64_t event;
    unsigned char root[32];
    kt_column_part pp = { KT_S("pred"), 0, r->n, sizeof(kt_prediction) }, sp = { KT_S("state"), 0, r->n, 1 }, ap = { KT_S("auto"), 0, r->n, 2 },
                   op = { KT_S("watch.out"), 0, r->n, 1 };
    KT_TRY(kt_column_write(r->s, r->p.id, &pp, r->pred, "prelabel.predictions", r->err));
    if (!w->found)
        return 0;
    KT_TRY(kt_column_write(r->s, r->p.id, &sp, r->state, "route.states", r->err));
    KT_TRY(kt_column_write(r->s, r->p.id, &op, w->out, "watch.out", r->err));
    KT_TRY(put_batches(r, w));
    kt_audit_root(r->s, &event, root); /* the number the next event gets */
    KT_TRY(kt_column_write(r->s, r->p.id, &ap, w->approved, "route.auto", r->err));
    KT_TRY(kt_counter_set(r->s, r->p.id, KT_S("route.event"), (int64_t)event, r->err));
    return kt_counter_add(r->s, r->p.id, KT_S("auto"), (int64_t)w->moved.n, r->err);
}

/* In a transaction. */
static kt_rc put(kt_run *r, struct watch *w)
{
    kt_round round = { .stage = KT_S("watch") };
    KT_TRY(approve(r, w));
    KT_TRY(kt_round_trusted(r, &round)); /* before scores are calibrated on the same sample */
    round.n_moved = (int64_t)w->moved.n;
    merge_predictions(r, w);
    KT_TRY(write_columns(r, w));
    KT_TRY(log_round(r, w));
    KT_TRY(kt_counter_set(r->s, r->p.id, KT_S("watch.round"), w->round + 1, r->err));
    KT_TRY(kt_counter_set(r->s, r->p.id, KT_S("watch.looks"), w->looks, r->err));
    KT_TRY(kt_counter_set(r->s, r->p.id, KT_S("watch.cut"), (int64_t)w->look.cut, r->err));
    return kt_round_put(r->s, r->p.id, &round, r->err);
}

static kt_rc do_round(kt_run *r, struct watch *w)
{
    w->before = kt_alloc_array((size_t)r->n + 1, sizeof(*w->before));
    w->approved = kt_alloc_array((size_t)r->n + 1, sizeof(*w->approved));
    KT_TRY(kt_run_column(r, "pred", sizeof(*w->before), 0xff, w->before));
    KT_TRY(kt_run_column(r, "auto", sizeof(*w->approved), 0xff, w->approved));
    KT_TRY(learn(r, w));
    KT_TRY(find_thresholds(r, w));
    KT_TRY(calibrate(r));
    KT_TRY(kt_store_begin(r->s, r->err));
    return kt_store_finish(r->s, put(r, w), r->err);
}

kt_rc kt_watch_round(kt_run *r, uint64_t *ret_moved)
{
    struct watch w = { 0 };
    bool due;
    kt_rc rc = open_round(r, &w, &due);
    if (rc == 0)
        rc = due ? do_round(r, &w) : KT_DONE;
    *ret_moved = w.moved.n;
    r->learn_also = NULL;
    done(&w);
    return rc;
}

/* A round beside r, which stays what the report speaks of. */
static kt_rc round_beside(kt_run *r)
{
    uint64_t moved;
    kt_run x = { .s = r->s, .p = r->p, .c = r->c, .pool = r->pool, .progress = r->progress, .arena = r->arena, .functions = r->functions,
                 .n = r->n, .m = r->m, .k = r->k, .truth = r->truth, .err = r->err };
    x.lf = kt_arena_array(r->arena, r->m + 1, sizeof(*x.lf));
    x.state = kt_arena_zalloc(r->arena, (size_t)r->n + 1);
    kt_rc rc = kt_watch_round(&x, &moved);
    kt_learn_done(&x);
    return rc;
}

/* Everything between two portions of annotators' answers. May be done again after a kill: what is done is not due. */
static kt_rc pause(kt_run *r)
{
    int64_t round, next;
    KT_TRY(kt_people_work(r, 1u << KT_QUEUE_EXPERT)); /* a batch with disputes is not answered */
    kt_rc rc;
    do
        rc = round_beside(r);
    while (rc == 0);
    KT_TRY(rc);
    KT_TRY(kt_people_work(r, 1u << KT_QUEUE_AUDIT));
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("route.round"), &round, r->err));
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("route.next"), &next, r->err));
    return next > round ? KT_DONE : 0;
}

kt_rc kt_watch_simulate(kt_run *r)
{
    int64_t open, least, portion = r->c->watch_every * r->c->overlap;
    if (!r->c->watch || !r->c->simulate)
        return 0;
    for (;;) { /* counter "watch.least": open answers at the next pause + 1, so that a killed run pauses where it would have */
        KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("watch.least"), &least, r->err));
        KT_TRY(kt_queue_open(r->s, r->p.id, 1u << KT_QUEUE_HUMAN, &open, r->err));
        if (least && open > least - 1)
            KT_TRY(kt_people_work_down(r, 1u << KT_QUEUE_HUMAN, least - 1));
        kt_rc rc = pause(r);
        if (rc != 0)
            return rc;
        KT_TRY(kt_queue_open(r->s, r->p.id, 1u << KT_QUEUE_HUMAN, &open, r->err));
        if (open == 0)
            return 0;
        KT_TRY(kt_store_begin(r->s, r->err));
        KT_TRY(kt_store_finish(r->s, kt_counter_set(r->s, r->p.id, KT_S("watch.least"), KT_MAX(open - portion, (int64_t)0) + 1, r->err), r->err));
    }
}
