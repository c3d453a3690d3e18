#include "store/gold.h"

#include "store/answer.h"
#include "store/audit.h"

/* A label by its number, a set or regions in words. */
static kt_rc put(kt_store *s, const kt_project *p, uint32_t item, int32_t label, bool first, kt_buf *b, kt_err *err)
{
    kt_buf_puts(b, first ? "" : ",");
    if (p->task == KT_TASK_CLASSES) {
        kt_buf_printf(b, "[%u,%d]", item, label);
        return 0;
    }
    kt_buf_printf(b, "{\"item\":%u,", item);
    KT_TRY(kt_answer_json(s, p, label, b, err));
    kt_buf_char(b, '}');
    return 0;
}

kt_rc kt_gold_add(kt_store *s, const kt_project *p, const uint32_t *items, const int32_t *labels, size_t n, kt_err *err)
{
    int64_t ord = 0;
    if (n == 0)
        return 0;
    KT_TRY(kt_db_i64(kt_store_db(s), &ord, err, "SELECT COALESCE(MAX(ord),0) FROM gold WHERE project=$1", "i", p->id));
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    kt_buf_puts(&b, "{\"gold\":[");
    for (size_t i = 0; i < n; i++) {
        KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO gold VALUES($1,$2,$3,$4) ON CONFLICT DO NOTHING", "iiii", p->id,
                         ord + 1 + (int64_t)i, (int64_t)items[i], (int64_t)labels[i]));
        KT_TRY(put(s, p, items[i], labels[i], i == 0, &b, err));
    }
    kt_buf_puts(&b, "]}");
    const kt_event e = { KT_S("karat"), KT_S("gold.add"), p->id, -1, KT_BUF_STR(&b) };
    return kt_audit_append(s, &e, NULL, err);
}
