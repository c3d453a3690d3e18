/* One item with all that is known of it, and the proof of its label. */
#include "server/server_int.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "store/audit.h"
#include "store/column.h"

#include <math.h>

static void put_label(kt_item_row *ret, const kt_answer_form *said)
{
    ret->label = said->label;
    ret->labels = said->labels;
    ret->spans = said->spans;
}

/* What the route decided for an item nobody was asked about. */
static kt_rc automatic(kt_req *rq, uint32_t item, kt_item_row *ret)
{
    int16_t label = -1;
    kt_answer_form said;
    kt_column_part part = { KT_S("auto"), item, 1, sizeof(label) };
    KT_TRY(kt_column_get(rq->store, rq->p->id, &part, 0xff, &label, &rq->err));
    if (label < 0)
        return 0;
    KT_TRY(rq->p->task == KT_TASK_CLASSES ? kt_req_said(rq, label, &said) : kt_req_machine(rq, item, &said, &ret->pre_score));
    put_label(ret, &said);
    ret->state = ret->method = KT_S("auto");
    ret->posterior = ret->pre_score;
    return 0;
}

static kt_rc decided(kt_req *rq, uint32_t item, kt_item_row *ret)
{
    kt_consensus c;
    kt_answer_form said;
    kt_rc rc = kt_consensus_get(rq->store, rq->p->id, item, &c, &rq->err);
    if (rc == KT_DONE)
        return automatic(rq, item, ret);
    KT_TRY(rc);
    ret->state = kt_str_of(kt_final_name(c.state));
    if (c.label < 0)
        return 0;
    KT_TRY(kt_req_said(rq, c.label, &said));
    put_label(ret, &said);
    ret->method = kt_arena_str(&rq->arena, c.method);
    ret->posterior = c.posterior;
    return 0;
}

/* Whether an answer is awaited that nothing may sway (server/h_task.c): then neither machine nor people are quoted here. */
static kt_rc awaited_blind(kt_req *rq, uint32_t item, bool *ret)
{
    kt_queue q;
    kt_rc rc = kt_queue_of(rq->store, rq->p->id, item, &q, &rq->err);
    KT_TRY(rc);
    *ret = rc != KT_DONE && (q == KT_QUEUE_TRUSTED || q == KT_QUEUE_AUDIT || q == KT_QUEUE_RELABEL);
    return 0;
}

static bool is_known(const kt_req *rq, kt_str field)
{
    const kt_str *known = rq->project->known;
    return (known[0].n && kt_str_eq(field, known[0])) || (known[1].n && kt_str_eq(field, known[1]));
}

/* A record's fields without those that hold its answer: trusted sets and regions, and held-back ones, come as fields like any other. */
static kt_str fields_of(kt_req *rq, kt_str meta)
{
    kt_json j = { .s = meta };
    bool first = true;
    kt_str name, value;
    if ((!rq->project->known[0].n && !rq->project->known[1].n) || !meta.n || !kt_json_enter(&j, '{'))
        return meta;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    while (kt_json_field(&j, &first, &rq->arena, &name) && kt_json_skip(&j, &value)) {
        if (is_known(rq, name))
            continue;
        kt_buf_char(&b, b.n ? ',' : '{');
        kt_buf_json(&b, name);
        kt_buf_char(&b, ':');
        kt_buf_str(&b, value);
    }
    kt_buf_puts(&b, b.n ? "}" : "{}");
    return kt_arena_str(&rq->arena, KT_BUF_STR(&b));
}

static kt_rc show(kt_req *rq, uint32_t item, kt_item_row *ret)
{
    kt_answer_form said;
    kt_item it;
    KT_TRY(kt_req_item(rq, item, &it));
    *ret = (kt_item_row){ .item = item, .id = it.ext_id, .text = it.text, .group = it.group.n ? it.group : (kt_str){ 0 }, .meta = fields_of(rq, it.meta),
                          .state = KT_S("open"), .pre_score = NAN, .posterior = NAN };
    KT_TRY(awaited_blind(rq, item, &ret->blind));
    if (ret->blind) { /* other fields may be what functions vote by: another model's label, say */
        ret->meta = (kt_str){ 0 };
        return 0;
    }
    KT_TRY(kt_req_machine(rq, item, &said, &ret->pre_score));
    ret->pre_label = said.label;
    ret->pre_labels = said.labels;
    ret->pre_spans = said.spans;
    KT_TRY(decided(rq, item, ret));
    KT_TRY(kt_req_evidence(rq, item, &ret->evidence));
    return kt_req_votes(rq, item, &ret->votes);
}

kt_rc h_item_get(kt_req *rq, const kt_none *in, kt_item_row *ret)
{
    int64_t item;
    (void)in;
    KT_TRY(kt_req_number(rq, KT_PARAM_ITEM, &item));
    return show(rq, (uint32_t)item, ret);
}

kt_rc h_item_find(kt_req *rq, const kt_item_wanted *in, kt_item_row *ret)
{
    uint32_t item;
    KT_TRY(kt_item_find(rq->store, rq->p->id, in->id, &item, &rq->err));
    return show(rq, item, ret);
}

kt_rc h_item_proof(kt_req *rq, const kt_none *in, kt_none *ret)
{
    int64_t item;
    uint64_t seq;
    (void)in, (void)ret;
    KT_TRY(kt_req_number(rq, KT_PARAM_ITEM, &item));
    KT_TRY(kt_review_event(rq->store, rq->p, (uint32_t)item, &seq, &rq->err));
    KT_TRY(kt_audit_proof(rq->store, seq, &rq->reply, &rq->err));
    rq->type = "application/json";
    rq->attachment = kt_arena_printf(&rq->arena, "proof-%lld.json", (long long)item).p;
    return 0;
}
