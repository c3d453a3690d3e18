#include "store/approval.h"

#include "base/mem.h"

kt_rc kt_approval_batch_put(kt_store *s, int64_t project, const kt_approval_batch *b, kt_err *err)
{
    return kt_db_run(kt_store_db(s), err,
                     "INSERT INTO approval_batch VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) ON CONFLICT(project,batch) DO UPDATE SET "
                     "n=excluded.n,wrong=excluded.wrong,low=excluded.low,high=excluded.high,reopened_us=excluded.reopened_us",
                     "iiisddiiiddi", project, b->batch, b->round, b->name, b->budget, b->delta, b->size, b->n, b->wrong, b->low, b->high, b->reopened_us);
}

kt_rc kt_approval_check_put(kt_store *s, int64_t project, const kt_approval_check *v, size_t n, kt_err *err)
{
    for (size_t i = 0; i < n; i++)
        KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO approval_check VALUES($1,$2,$3,$4,$5,0)", "iiiii", project, (int64_t)v[i].item, v[i].batch,
                         (int64_t)v[i].label, (int64_t)v[i].answer));
    return 0;
}

kt_rc kt_approval_check_answer(kt_store *s, int64_t project, uint32_t item, int32_t answer, int64_t ord, kt_err *err)
{
    return kt_db_run(kt_store_db(s), err, "UPDATE approval_check SET answer=$1,ord=$2 WHERE project=$3 AND item=$4", "iiii", (int64_t)answer, ord,
                     project, (int64_t)item);
}

kt_rc kt_approval_check_drop(kt_store *s, int64_t project, int64_t batch, uint32_t **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_VEC(uint32_t) v = { 0 };
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT item FROM approval_check WHERE project=$1 AND batch=$2 AND answer<0 ORDER BY item", "ii",
                       project, batch));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        KT_PUSH(&v, (uint32_t)kt_stmt_i64(st, 0));
    kt_stmt_done(st);
    *ret = v.v;
    *ret_n = v.n;
    KT_TRY(rc);
    return kt_db_run(kt_store_db(s), err, "DELETE FROM approval_check WHERE project=$1 AND batch=$2 AND answer<0", "ii", project, batch);
}

static kt_approval_batch read_batch(kt_stmt *st, kt_arena *a)
{
    return (kt_approval_batch){ kt_stmt_i64(st, 0), kt_stmt_i64(st, 1), kt_arena_str(a, kt_stmt_str(st, 2)), kt_stmt_f64(st, 3), kt_stmt_f64(st, 4),
                                kt_stmt_i64(st, 5), kt_stmt_i64(st, 6), kt_stmt_i64(st, 7), kt_stmt_f64(st, 8),
                                kt_stmt_f64(st, 9), kt_stmt_i64(st, 10) };
}

kt_rc kt_approval_batch_get(kt_store *s, int64_t project, int64_t batch, kt_arena *a, kt_approval_batch *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT batch,round,name,budget,delta,size,n,wrong,low,high,reopened_us FROM approval_batch WHERE project=$1 AND batch=$2", "ii",
                       project, batch));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = read_batch(st, a);
    kt_stmt_done(st);
    return rc;
}

/* All rows of a query into a. */
static kt_rc read_batches(kt_stmt *st, kt_arena *a, kt_approval_batch **ret, size_t *ret_n, kt_err *err)
{
    KT_VEC(kt_approval_batch) v = { 0 };
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        KT_PUSH(&v, read_batch(st, a));
    kt_stmt_done(st);
    *ret_n = v.n;
    *ret = kt_arena_array(a, v.n + 1, sizeof(**ret));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(*v.v));
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}

kt_rc kt_approval_batch_list(kt_store *s, int64_t project, kt_arena *a, kt_approval_batch **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT batch,round,name,budget,delta,size,n,wrong,low,high,reopened_us FROM approval_batch WHERE project=$1 ORDER BY batch", "i", project));
    return read_batches(st, a, ret, ret_n, err);
}

kt_rc kt_approval_batch_reopened(kt_store *s, int64_t project, int64_t skip, kt_arena *a, kt_approval_batch **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT batch,round,name,budget,delta,size,n,wrong,low,high,reopened_us FROM approval_batch WHERE project=$1 AND reopened_us>0"
                       " ORDER BY reopened_us,batch LIMIT 1000 OFFSET $2", "ii", project, skip));
    return read_batches(st, a, ret, ret_n, err);
}

static kt_approval_check read_check(kt_stmt *st)
{
    return (kt_approval_check){ (uint32_t)kt_stmt_i64(st, 0), kt_stmt_i64(st, 1), (int32_t)kt_stmt_i64(st, 2), (int32_t)kt_stmt_i64(st, 3) };
}

kt_rc kt_approval_check_get(kt_store *s, int64_t project, uint32_t item, kt_approval_check *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT item,batch,label,answer FROM approval_check WHERE project=$1 AND item=$2", "ii", project,
                       (int64_t)item));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = read_check(st);
    kt_stmt_done(st);
    return rc;
}

kt_rc kt_approval_check_list(kt_store *s, int64_t project, int64_t batch, kt_arena *a, kt_approval_check **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_VEC(kt_approval_check) v = { 0 };
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT item,batch,label,answer FROM approval_check WHERE project=$1 AND batch=$2 AND ord>0 ORDER BY ord", "ii", project, batch));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        KT_PUSH(&v, read_check(st));
    kt_stmt_done(st);
    *ret_n = v.n;
    *ret = kt_arena_array(a, v.n + 1, sizeof(**ret));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(*v.v));
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}
