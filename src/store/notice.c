#include "store/notice.h"

#include "base/clock.h"
#include "base/mem.h"

kt_rc kt_notice_add(kt_store *s, int64_t project, kt_str kind, kt_str body, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    int64_t id;
    KT_TRY(kt_counter_next(s, 0, KT_S("notice.id"), &id, err));
    kt_str text = kt_arena_printf(&a, "%.*s,\"id\":%lld}", KT_F(body), (long long)id);
    return kt_db_run(kt_store_db(s), err, "INSERT INTO notice VALUES($1,$2,$3,$4,0,$5,0,'')", "iissi", id, project, kind, text, kt_now_us());
}

kt_rc kt_notice_due(kt_store *s, int64_t project, int64_t now_us, int max, kt_arena *a, kt_notice **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_VEC(kt_notice) v = { 0 };
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT id,project,kind,body,tries,error FROM notice WHERE next_us>0 AND next_us<=$1 AND (project=$2 OR $2=0) ORDER BY id LIMIT $3",
                       "iii", now_us, project, (int64_t)max));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        KT_PUSH(&v, (kt_notice){ kt_stmt_i64(st, 0), kt_stmt_i64(st, 1), kt_arena_str(a, kt_stmt_str(st, 2)), kt_arena_str(a, kt_stmt_str(st, 3)),
                                 kt_stmt_i64(st, 4), kt_arena_str(a, kt_stmt_str(st, 5)) });
    kt_stmt_done(st);
    *ret_n = v.n;
    *ret = kt_arena_array(a, v.n + 1, sizeof(**ret));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(*v.v));
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}

kt_rc kt_notice_tried(kt_store *s, int64_t id, int64_t now_us, kt_str error, int64_t next_us, kt_err *err)
{
    return kt_db_run(kt_store_db(s), err, "UPDATE notice SET tries=tries+1,error=$1,next_us=$2,done_us=$3 WHERE id=$4", "siii", error,
                     error.n ? next_us : (int64_t)0,
                     error.n ? (int64_t)0 : now_us, id);
}

kt_rc kt_notice_count(kt_store *s, int64_t project, kt_arena *a, kt_notice_counts *ret, kt_err *err)
{
    kt_stmt *st;
    *ret = (kt_notice_counts){ .error = { "", 0 } };
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT next_us,done_us,tries,error FROM notice WHERE project=$1 ORDER BY id", "i", project));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        bool waits = kt_stmt_i64(st, 0) > 0, sent = kt_stmt_i64(st, 1) > 0;
        ret->waiting += waits;
        ret->failing += waits && kt_stmt_i64(st, 2) > 0;
        ret->sent += sent;
        ret->given_up += !waits && !sent;
        kt_str error = kt_stmt_str(st, 3);
        if (error.n && !sent)
            ret->error = kt_arena_str(a, error);
    }
    kt_stmt_done(st);
    return rc < 0 ? rc : 0;
}
