#include "store/gold.h"

#include "store/audit.h"

kt_rc kt_gold_add(kt_store *s, int64_t project, const uint32_t *items, const int32_t *labels, size_t n, kt_err *err)
{
    int64_t ord = 0;
    if (n == 0)
        return 0;
    KT_TRY(kt_db_i64(kt_store_db(s), &ord, err, "SELECT COALESCE(MAX(ord),0) FROM gold WHERE project=$1", "i", project));
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    kt_buf_puts(&b, "{\"gold\":[");
    for (size_t i = 0; i < n; i++) {
        KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO gold VALUES($1,$2,$3,$4) ON CONFLICT DO NOTHING", "iiii", project,
                         ord + 1 + (int64_t)i, (int64_t)items[i], (int64_t)labels[i]));
        kt_buf_printf(&b, "%s[%u,%d]", i ? "," : "", items[i], labels[i]);
    }
    kt_buf_puts(&b, "]}");
    const kt_event e = { KT_S("karat"), KT_S("gold.add"), project, -1, KT_BUF_STR(&b) };
    return kt_audit_append(s, &e, NULL, err);
}
