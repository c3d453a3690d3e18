/* One row an item, once: a label is called into question once, whatever later models think. */
#include "store/suspect.h"

#include "base/buf.h"
#include "store/answer.h"
#include "store/audit.h"

/* A label by its number, a set or regions in words. */
static kt_rc put(kt_store *s, const kt_project *p, const char *name, int32_t label, kt_buf *b, kt_err *err)
{
    kt_buf_printf(b, ",\"%s\":", name);
    if (p->task == KT_TASK_CLASSES) {
        kt_buf_printf(b, "%d", label);
        return 0;
    }
    kt_buf_char(b, '{');
    KT_TRY(kt_answer_json(s, p, label, b, err));
    kt_buf_char(b, '}');
    return 0;
}

kt_rc kt_suspects_add(kt_store *s, const kt_project *p, const kt_suspect *v, size_t n, kt_err *err)
{
    uint64_t seq;
    if (n == 0)
        return 0;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    kt_buf_puts(&b, "{\"suspects\":[");
    for (size_t i = 0; i < n; i++) {
        kt_buf_printf(&b, "%s{\"item\":%u", i ? "," : "", v[i].item);
        KT_TRY(put(s, p, "given", v[i].given, &b, err));
        KT_TRY(put(s, p, "likely", v[i].likely, &b, err));
        kt_buf_puts(&b, ",\"probability\":");
        kt_buf_f64(&b, v[i].probability);
        kt_buf_puts(&b, ",\"quality\":");
        kt_buf_f64(&b, v[i].quality);
        kt_buf_char(&b, '}');
    }
    kt_buf_puts(&b, "]}");
    const kt_event e = { KT_S("karat"), KT_S("errors.suspect"), p->id, -1, KT_BUF_STR(&b) };
    KT_TRY(kt_audit_append(s, &e, &seq, err));
    for (size_t i = 0; i < n; i++)
        KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO suspect VALUES($1,$2,$3,$4,$5,$6,$7) ON CONFLICT DO NOTHING", "iiiiddi", p->id, (int64_t)v[i].item,
                         (int64_t)v[i].given, (int64_t)v[i].likely, v[i].probability, v[i].quality, (int64_t)seq));
    return kt_counter_add(s, p->id, KT_S("suspects"), (int64_t)n, err);
}

kt_rc kt_suspect_get(kt_store *s, int64_t project, uint32_t item, kt_suspect *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT given,likely,probability,quality,event FROM suspect WHERE project=$1 AND item=$2", "ii", project, (int64_t)item));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = (kt_suspect){ item, (int32_t)kt_stmt_i64(st, 0), (int32_t)kt_stmt_i64(st, 1), kt_stmt_f64(st, 2), kt_stmt_f64(st, 3), kt_stmt_i64(st, 4) };
    kt_stmt_done(st);
    return rc;
}

kt_rc kt_suspects_count(kt_store *s, int64_t project, int64_t *ret_n, int64_t *ret_changed, kt_err *err)
{
    *ret_changed = 0;
    KT_TRY(kt_counter_get(s, project, KT_S("suspects"), ret_n, err));
    if (*ret_n == 0)
        return 0;
    return kt_db_i64(kt_store_db(s), ret_changed, err,
                     "SELECT COUNT(*) FROM suspect x JOIN consensus c ON c.project=x.project AND c.item=x.item WHERE x.project=$1 AND c.label>=0 AND"
                     " c.label<>x.given", "i", project);
}
