#include "store/intake.h"

#include "base/str.h"

kt_rc kt_place_get(kt_store *s, int64_t project, kt_str path, kt_place *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT size,mtime,at_byte,at_line,done FROM ingest_source WHERE project=$1 AND path=$2", "is",
                       project, path));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = (kt_place){ kt_stmt_i64(st, 0), kt_stmt_i64(st, 1), kt_stmt_i64(st, 2), kt_stmt_i64(st, 3), (kt_place_state)kt_stmt_i64(st, 4) };
    kt_stmt_done(st);
    return rc;
}

kt_rc kt_place_put(kt_store *s, int64_t project, kt_str path, const kt_place *p, kt_err *err)
{
    return kt_db_run(kt_store_db(s), err,
                     "INSERT INTO ingest_source VALUES($1,$2,$3,$4,$5,$6,$7) ON CONFLICT(project,path) DO UPDATE SET size=excluded.size,"
                     "mtime=excluded.mtime,at_byte=excluded.at_byte,at_line=excluded.at_line,done=excluded.done",
                     "isiiiii", project, path, p->size, p->mtime_ns, p->at_byte, p->at_line, (int64_t)p->state);
}

kt_rc kt_rejects_put(kt_store *s, int64_t project, kt_str path, const kt_reject *v, size_t n, uint64_t *ret_n, kt_err *err)
{
    int64_t kept, added = 0;
    KT_TRY(kt_counter_get(s, project, KT_S("rejects"), &kept, err));
    for (size_t i = 0; i < n; i++) {
        if (kept + added >= KT_MAX_REJECTS) {
            added++;
            continue;
        }
        KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO reject VALUES($1,$2,$3,$4,$5,$6) ON CONFLICT DO NOTHING", "isisss", project, path,
                         (int64_t)v[i].line, kt_str_of(v[i].field), kt_str_of(v[i].reason), kt_str_of(v[i].sample)));
        added += kt_db_changed(kt_store_db(s));
    }
    *ret_n += (uint64_t)added;
    return added ? kt_counter_add(s, project, KT_S("rejects"), added, err) : 0;
}

kt_rc kt_rejects_csv(kt_store *s, int64_t project, kt_buf *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT path,line,field,reason,sample FROM reject WHERE project=$1 ORDER BY path,line,field", "i",
                       project));
    kt_rc rc;
    kt_buf_puts(ret, "file,line,field,reason,sample\n");
    while ((rc = kt_stmt_step(st, err)) == 0)
        for (int c = 0; c < 5; c++) {
            if (c == 1)
                kt_buf_printf(ret, "%lld", (long long)kt_stmt_i64(st, c));
            else
                kt_buf_csv(ret, kt_stmt_str(st, c), ',');
            kt_buf_char(ret, c == 4 ? '\n' : ',');
        }
    kt_stmt_done(st);
    return rc < 0 ? rc : ret->failed ? kt_fail(err, KT_LIMIT, "the list of rejects is too long") : 0;
}
