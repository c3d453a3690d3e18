#include "store/consensus.h"

#include "base/mem.h"
#include "base/str.h"
#include "store/answer.h"
#include "store/audit.h"

static const char *const state_names[] = { "dispute", "voted", "adjudicated", "gold" };
_Static_assert(KT_LEN(state_names) == KT_FINAL__COUNT, "one name per state");

const char *kt_final_name(kt_final f)
{
    return state_names[f];
}

/* Kept counts "final.STATE" follow each row. */
static kt_rc count(kt_store *s, int64_t project, int64_t state, int64_t by, kt_err *err)
{
    static const char *const names[] = { "final.dispute", "final.voted", "final.adjudicated", "final.gold" };
    return kt_counter_add(s, project, kt_str_of(names[state]), by, err);
}

static kt_rc put_row(kt_store *s, int64_t project, const kt_consensus *c, int64_t event, kt_err *err)
{
    int64_t old;
    kt_rc rc = kt_db_i64(kt_store_db(s), &old, err, "SELECT state FROM consensus WHERE project=$1 AND item=$2", "ii", project, (int64_t)c->item);
    KT_TRY(rc);
    if (rc == 0)
        KT_TRY(count(s, project, old, -1, err));
    KT_TRY(kt_db_run(kt_store_db(s), err,
                     "INSERT INTO consensus VALUES($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT(project,item) DO UPDATE SET label=excluded.label,"
                     "state=excluded.state,posterior=excluded.posterior,n_votes=excluded.n_votes,method=excluded.method,event=excluded.event",
                     "iiiidisi", project, (int64_t)c->item, (int64_t)c->label, (int64_t)c->state, c->posterior, (int64_t)c->n_votes,
                     c->method, event));
    return count(s, project, c->state, 1, err);
}

/* What a decision says, without its braces: a label by its number, a set or regions in words. */
static kt_rc decision(kt_store *s, const kt_project *p, const kt_consensus *c, kt_buf *b, kt_err *err)
{
    if (p->task == KT_TASK_CLASSES)
        kt_buf_printf(b, "\"label\":%d", c->label);
    else
        KT_TRY(kt_answer_json(s, p, c->label, b, err));
    kt_buf_printf(b, ",\"state\":\"%s\",\"posterior\":", state_names[c->state]);
    kt_buf_f64(b, c->posterior);
    kt_buf_printf(b, ",\"votes\":%d,\"method\":", c->n_votes);
    kt_buf_json(b, c->method);
    return 0;
}

kt_rc kt_consensus_put(kt_store *s, const kt_project *p, const kt_consensus *c, kt_str actor, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(KT_ANSWER_MAX_JSON);
    kt_buf_char(&b, '{');
    KT_TRY(decision(s, p, c, &b, err));
    kt_buf_char(&b, '}');
    const kt_event e = { actor, KT_S("consensus.put"), p->id, c->item, KT_BUF_STR(&b) };
    uint64_t seq;
    KT_TRY(kt_audit_append(s, &e, &seq, err));
    return put_row(s, p->id, c, (int64_t)seq, err);
}

/* The list of a batch: CSV where a label is a number, else a JSON line each. */
static kt_rc batch_row(kt_store *s, const kt_project *p, const kt_consensus *c, kt_buf *rows, kt_err *err)
{
    if (p->task == KT_TASK_CLASSES) {
        kt_buf_printf(rows, "%u,%d,%s,", c->item, c->label, state_names[c->state]);
        kt_buf_f64(rows, c->posterior);
        kt_buf_printf(rows, ",%d,%.*s\n", c->n_votes, KT_F(c->method));
        return 0;
    }
    kt_buf_printf(rows, "{\"item\":%u,", c->item);
    KT_TRY(decision(s, p, c, rows, err));
    kt_buf_puts(rows, "}\n");
    return 0;
}

kt_rc kt_consensus_put_many(kt_store *s, const kt_project *p, const kt_consensus *c, size_t n, kt_str actor, kt_err *err)
{
    if (n == 0)
        return 0;
    KT_AUTO(kt_buf) rows = KT_BUF_INIT((size_t)4 << 30);
    kt_buf_puts(&rows, p->task == KT_TASK_CLASSES ? "item,label,state,posterior,votes,method\n" : "");
    for (size_t i = 0; i < n; i++)
        KT_TRY(batch_row(s, p, &c[i], &rows, err));
    kt_digest d;
    KT_TRY(kt_blob_put(kt_store_blobs(s), KT_BUF_STR(&rows), &d, err));
    KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
    kt_buf_printf(&b, "{\"n\":%zu,\"blobs\":[\"", n);
    kt_buf_hex(&b, d.b, sizeof(d.b));
    kt_buf_puts(&b, "\"]}");
    const kt_event e = { actor, KT_S("consensus.batch"), p->id, -1, KT_BUF_STR(&b) };
    uint64_t seq;
    KT_TRY(kt_audit_append(s, &e, &seq, err));
    for (size_t i = 0; i < n; i++)
        KT_TRY(put_row(s, p->id, &c[i], (int64_t)seq, err));
    return 0;
}

static kt_consensus read_row(kt_stmt *st, kt_arena *a)
{
    kt_consensus c = { .item = (uint32_t)kt_stmt_i64(st, 0), .label = (int32_t)kt_stmt_i64(st, 1), .state = (kt_final)kt_stmt_i64(st, 2),
                       .posterior = kt_stmt_f64(st, 3), .n_votes = (int)kt_stmt_i64(st, 4), .event = kt_stmt_i64(st, 6) };
    kt_str m = kt_stmt_str(st, 5);
    static const char *const known[] = { "majority", "dawid_skene", "adjudicated", "gold", "trusted", "audit" };
    for (size_t i = 0; i < KT_LEN(known); i++)
        if (kt_str_eq(m, kt_str_of(known[i])))
            c.method = kt_str_of(known[i]);
    if (!c.method.p)
        c.method = a ? kt_arena_str(a, m) : KT_S("other");
    return c;
}

kt_rc kt_consensus_get(kt_store *s, int64_t project, uint32_t item, kt_consensus *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT item,label,state,posterior,n_votes,method,event FROM consensus WHERE project=$1 AND item=$2", "ii",
                       project, (int64_t)item));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = read_row(st, NULL);
    kt_stmt_done(st);
    return rc;
}

kt_rc kt_consensus_load(kt_store *s, int64_t project, kt_arena *a, kt_consensus **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT item,label,state,posterior,n_votes,method,event FROM consensus WHERE project=$1 ORDER BY item", "i", project));
    KT_VEC(kt_consensus) v = { 0 };
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        KT_PUSH(&v, read_row(st, a));
    kt_stmt_done(st);
    *ret = v.v;
    *ret_n = v.n;
    return rc < 0 ? rc : 0;
}
