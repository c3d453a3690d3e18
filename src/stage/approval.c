#include "stage/approval.h"

#include "algo/route/confidence.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/config.h"
#include "stage/run.h"
#include "store/audit.h"
#include "store/column.h"
#include "store/notice.h"
#include "store/queue.h"

void kt_approval_json(const kt_approval_batch *b, kt_buf *ret)
{
    kt_buf_printf(ret, "{\"batch\":%lld,\"round\":%lld,\"name\":", (long long)b->batch, (long long)b->round);
    kt_buf_json(ret, b->name);
    kt_buf_puts(ret, ",\"budget\":");
    kt_buf_f64(ret, b->budget);
    kt_buf_printf(ret, ",\"items\":%lld,\"checked\":%lld,\"wrong\":%lld,\"low\":", (long long)b->size, (long long)b->n, (long long)b->wrong);
    kt_buf_f64(ret, b->low);
    kt_buf_puts(ret, ",\"high\":");
    kt_buf_f64(ret, b->high);
}

static kt_rc log_batch(kt_store *s, const kt_project *p, const char *kind, int64_t item, const kt_approval_batch *b, uint64_t *ret_seq, kt_err *err)
{
    KT_AUTO(kt_buf) text = KT_BUF_INIT(4096);
    kt_approval_json(b, &text);
    kt_buf_char(&text, '}');
    const kt_event e = { KT_S("karat"), kt_str_of(kind), p->id, item, KT_BUF_STR(&text) };
    return kt_audit_append(s, &e, ret_seq, err);
}

struct columns {
    uint32_t n;
    uint8_t *state;
    int16_t *automatic;
    uint32_t *batch;
    uint16_t *due;
};

static kt_rc load(kt_store *s, int64_t project, struct columns *c, kt_arena *a, kt_err *err)
{
    size_t n = (size_t)c->n + 1;
    c->state = kt_arena_alloc(a, n);
    c->automatic = kt_arena_array(a, n, 2);
    c->batch = kt_arena_array(a, n, 4);
    c->due = kt_arena_array(a, n, 2);
    kt_column_part sp = { KT_S("state"), 0, c->n, 1 }, ap = { KT_S("auto"), 0, c->n, 2 };
    kt_column_part bp = { KT_S("batch"), 0, c->n, 4 }, dp = { KT_S("due"), 0, c->n, 2 };
    KT_TRY(kt_column_get(s, project, &sp, 0, c->state, err));
    KT_TRY(kt_column_get(s, project, &ap, 0xff, c->automatic, err));
    KT_TRY(kt_column_get(s, project, &bp, 0xff, c->batch, err));
    return kt_column_get(s, project, &dp, 0, c->due, err);
}

static kt_rc save(kt_store *s, int64_t project, const struct columns *c, kt_err *err)
{
    kt_column_part sp = { KT_S("state"), 0, c->n, 1 }, ap = { KT_S("auto"), 0, c->n, 2 }, dp = { KT_S("due"), 0, c->n, 2 };
    KT_TRY(kt_column_write(s, project, &sp, c->state, "route.states", err));
    KT_TRY(kt_column_write(s, project, &ap, c->automatic, "route.auto", err));
    return kt_column_write(s, project, &dp, c->due, "route.due", err);
}

/* The round opened items are routed in: not one whose sample is drawn already, or the sample would not be one of them. */
static kt_rc next_round(kt_store *s, int64_t project, int64_t *ret, kt_err *err)
{
    int64_t round, drawn, next;
    KT_TRY(kt_counter_get(s, project, KT_S("route.round"), &round, err));
    KT_TRY(kt_counter_get(s, project, KT_S("route.drawn"), &drawn, err));
    KT_TRY(kt_counter_get(s, project, KT_S("route.next"), &next, err));
    *ret = KT_MAX(next, drawn ? round + 1 : round);
    if (*ret > UINT16_MAX)
        return kt_fail(err, KT_LIMIT, "routed more than %d times", UINT16_MAX);
    return kt_counter_set(s, project, KT_S("route.next"), *ret, err);
}

/* What the batch holds is open again, but for what people have decided meanwhile. */
static kt_rc open_items(kt_store *s, const kt_project *p, int64_t batch, int64_t *ret_n, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    struct columns c = { .n = p->n_items };
    kt_approval_check *checked;
    size_t n_checked;
    int64_t round;
    KT_TRY(load(s, p->id, &c, &a, err));
    KT_TRY(next_round(s, p->id, &round, err));
    KT_TRY(kt_approval_check_list(s, p->id, batch, &a, &checked, &n_checked, err));
    for (size_t i = 0; i < n_checked; i++)
        if (c.state[checked[i].item] == KT_ITEM_AUTO)
            c.state[checked[i].item] = KT_ITEM_EXPERT;
    *ret_n = 0;
    for (uint32_t i = 0; i < c.n; i++) {
        if (c.batch[i] != (uint32_t)batch || c.automatic[i] < 0)
            continue;
        c.automatic[i] = -1;
        ++*ret_n;
        if (c.state[i] != KT_ITEM_AUTO)
            continue;
        c.state[i] = KT_ITEM_OPEN;
        c.due[i] = (uint16_t)round;
    }
    KT_TRY(save(s, p->id, &c, err));
    return kt_counter_add(s, p->id, KT_S("auto"), -*ret_n, err);
}

static kt_rc take_back_checks(kt_store *s, const kt_project *p, int64_t batch, kt_err *err)
{
    uint32_t *item = NULL;
    size_t n = 0;
    kt_rc rc = kt_approval_check_drop(s, p->id, batch, &item, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = kt_queue_drop(s, p->id, item[i], err);
    kt_free(item);
    return rc;
}

static kt_rc tell(kt_store *s, const kt_project *p, const kt_approval_batch *b, int64_t n, uint64_t event, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_config c;
    KT_TRY(kt_config_of(s, p, &a, &c, err));
    if (!c.notify_url.n)
        return 0;
    char at[28];
    KT_AUTO(kt_buf) text = KT_BUF_INIT(8192);
    kt_approval_json(b, &text);
    kt_time_format(kt_store_now(s), at);
    kt_buf_puts(&text, ",\"event\":\"route.reopened\",\"project\":");
    kt_buf_json(&text, p->name);
    kt_buf_printf(&text, ",\"reopened\":%lld,\"at\":\"%s\",\"audit_event\":%llu", (long long)n, at, (unsigned long long)event);
    return kt_notice_add(s, p->id, KT_S("route.reopened"), KT_BUF_STR(&text), err);
}

static kt_rc reopen(kt_store *s, const kt_project *p, const kt_approval_batch *b, kt_err *err)
{
    int64_t n;
    uint64_t event;
    KT_TRY(take_back_checks(s, p, b->batch, err));
    KT_TRY(open_items(s, p, b->batch, &n, err));
    KT_TRY(log_batch(s, p, "route.reopen", -1, b, &event, err));
    KT_TRY(kt_counter_add(s, p->id, KT_S("approval.reopened"), 1, err));
    return tell(s, p, b, n, event, err);
}

kt_rc kt_approval_checked(kt_store *s, const kt_project *p, uint32_t item, int32_t label, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_approval_check check;
    kt_approval_batch b;
    kt_rc rc = kt_approval_check_get(s, p->id, item, &check, err);
    if (rc != 0 || check.answer >= 0)
        return rc < 0 ? rc : 0;
    rc = kt_approval_batch_get(s, p->id, check.batch, &a, &b, err);
    if (rc != 0 || b.reopened_us)
        return rc < 0 ? rc : 0;
    kt_confidence c = { (uint64_t)b.size, b.delta, (uint64_t)b.n, (uint64_t)b.wrong, b.low, b.high };
    KT_TRY(kt_confidence_add(&c, label != check.label, err));
    b.n = (int64_t)c.n;
    b.wrong = (int64_t)c.wrong;
    b.low = c.low;
    b.high = c.high;
    bool broken = b.low > b.budget;
    b.reopened_us = broken ? kt_store_now(s) : 0;
    KT_TRY(kt_approval_check_answer(s, p->id, item, label, b.n, err));
    KT_TRY(kt_approval_batch_put(s, p->id, &b, err));
    KT_TRY(log_batch(s, p, "route.check", item, &b, NULL, err));
    return broken ? reopen(s, p, &b, err) : 0;
}
