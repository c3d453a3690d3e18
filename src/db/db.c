/* The common part of every driver: arguments by format letters, and prepared statements kept by the address of their SQL. */
#include "db/db_int.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdarg.h>

#define CACHE_SLOTS 512

struct kt_stmt {
    kt_db *db;
    void *st;
    bool busy, kept; /* kept: lives in the cache */
};

struct cached {
    const char *sql;
    kt_stmt *st;
};

struct kt_db {
    const kt_driver *drv;
    void *conn;
    kt_db_mode mode;
    bool in_tx;
    struct cached cache[CACHE_SLOTS];
};

static const kt_driver *const drivers[] = {
#define KT_DRIVER(name) &kt_driver_##name,
#include "db/drivers.def"
#undef KT_DRIVER
};

kt_rc kt_db_open(const char *url, kt_db_mode mode, kt_db **ret, kt_err *err)
{
    const kt_driver *drv = drivers[0];
    const char *place = url;
    for (size_t i = 0; i < KT_LEN(drivers); i++) {
        size_t n = strlen(drivers[i]->name);
        if (strncmp(url, drivers[i]->name, n) == 0 && url[n] == ':') {
            drv = drivers[i];
            place = url + n + 1;
        }
    }
    void *conn;
    KT_TRY(drv->open(place, mode, &conn, err));
    kt_db *db = kt_zalloc(sizeof(*db));
    db->drv = drv;
    db->conn = conn;
    db->mode = mode;
    *ret = db;
    return 0;
}

static void free_stmt(kt_stmt *st)
{
    st->db->drv->finalize(st->st);
    kt_free(st);
}

kt_db *kt_db_close(kt_db *db)
{
    if (!db)
        return NULL;
    kt_db_rollback(db);
    for (size_t i = 0; i < CACHE_SLOTS; i++)
        if (db->cache[i].st)
            free_stmt(db->cache[i].st);
    db->drv->close(db->conn);
    return kt_free(db);
}

kt_rc kt_db_script(kt_db *db, const char *sql, kt_err *err)
{
    return db->drv->script(db->conn, sql, err);
}

void kt_db_tidy_elsewhere(kt_db *writer)
{
    if (writer->drv->tidy_elsewhere)
        kt_ignore(writer->drv->script(writer->conn, writer->drv->tidy_elsewhere, NULL), "then it goes on tidying itself");
}

kt_rc kt_db_tidy(kt_db *reader, kt_err *err)
{
    return reader->drv->tidy ? reader->drv->script(reader->conn, reader->drv->tidy, err) : 0;
}

kt_rc kt_db_begin(kt_db *db, kt_err *err)
{
    KT_ASSERT(!db->in_tx);
    KT_TRY(kt_db_run(db, err, db->mode == KT_DB_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", ""));
    db->in_tx = true;
    return 0;
}

kt_rc kt_db_commit(kt_db *db, kt_err *err)
{
    KT_ASSERT(db->in_tx);
    KT_TRY(kt_db_run(db, err, "COMMIT", ""));
    db->in_tx = false;
    return 0;
}

void kt_db_rollback(kt_db *db)
{
    if (!db->in_tx)
        return;
    db->in_tx = false;
    kt_ignore(kt_db_run(db, NULL, "ROLLBACK", ""), "the driver has rolled back already when this fails");
}

bool kt_db_in_transaction(const kt_db *db)
{
    return db->in_tx;
}

kt_rc kt_db_mark(kt_db *db, kt_err *err)
{
    return kt_db_run(db, err, "SAVEPOINT one_act", "");
}

kt_rc kt_db_keep(kt_db *db, kt_err *err)
{
    return kt_db_run(db, err, "RELEASE SAVEPOINT one_act", "");
}

void kt_db_undo(kt_db *db)
{
    kt_ignore(kt_db_run(db, NULL, "ROLLBACK TO SAVEPOINT one_act", ""), "a failing database fails the commit too");
    kt_ignore(kt_db_run(db, NULL, "RELEASE SAVEPOINT one_act", ""), "a failing database fails the commit too");
}

/* A free prepared statement for sql: the cached one, or a fresh one that dies after use when that is busy. */
static kt_rc get_stmt(kt_db *db, const char *sql, kt_stmt **ret, kt_err *err)
{
    size_t i = ((uintptr_t)sql >> 3) % CACHE_SLOTS, n = 0;
    while (db->cache[i].st && db->cache[i].sql != sql && n++ < CACHE_SLOTS)
        i = (i + 1) % CACHE_SLOTS;
    bool fits = n < CACHE_SLOTS, hit = fits && db->cache[i].st;
    if (hit && !db->cache[i].st->busy) {
        *ret = db->cache[i].st;
    } else {
        void *st;
        KT_TRY(db->drv->prepare(db->conn, sql, &st, err));
        *ret = kt_zalloc(sizeof(**ret));
        **ret = (kt_stmt){ .db = db, .st = st, .kept = fits && !hit };
        if (fits && !hit)
            db->cache[i] = (struct cached){ sql, *ret };
    }
    (*ret)->busy = true;
    return 0;
}

static kt_rc bind_all(kt_stmt *st, const char *fmt, va_list ap)
{
    const kt_driver *drv = st->db->drv;
    kt_rc rc = 0;
    for (int k = 1; fmt[k - 1] && rc == 0; k++)
        switch (fmt[k - 1]) {
        case 'i': rc = drv->bind(st->st, k, 'i', va_arg(ap, int64_t), 0, KT_S("")); break;
        case 'd': rc = drv->bind(st->st, k, 'd', 0, va_arg(ap, double), KT_S("")); break;
        case 's':
        case 'b': rc = drv->bind(st->st, k, fmt[k - 1], 0, 0, va_arg(ap, kt_str)); break;
        case 'n': rc = drv->bind(st->st, k, 'n', 0, 0, KT_S("")); break;
        default: KT_ASSERT(!"a format letter of kt_db_run");
        }
    return rc;
}

static kt_rc start(kt_db *db, kt_stmt **ret, kt_err *err, const char *sql, const char *fmt, va_list ap)
{
    KT_TRY(get_stmt(db, sql, ret, err));
    kt_rc rc = bind_all(*ret, fmt, ap);
    if (rc < 0) {
        kt_stmt_done(*ret);
        return kt_fail(err, rc, "a value does not fit the database");
    }
    return 0;
}

kt_rc kt_db_query(kt_db *db, kt_stmt **ret, kt_err *err, const char *sql, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    kt_rc rc = start(db, ret, err, sql, fmt, ap);
    va_end(ap);
    return rc;
}

kt_rc kt_db_run(kt_db *db, kt_err *err, const char *sql, const char *fmt, ...)
{
    kt_stmt *st;
    va_list ap;
    va_start(ap, fmt);
    kt_rc rc = start(db, &st, err, sql, fmt, ap);
    va_end(ap);
    KT_TRY(rc);
    do
        rc = kt_stmt_step(st, err);
    while (rc == 0);
    kt_stmt_done(st);
    return rc == KT_DONE ? 0 : rc;
}

kt_rc kt_db_i64(kt_db *db, int64_t *ret, kt_err *err, const char *sql, const char *fmt, ...)
{
    kt_stmt *st;
    va_list ap;
    va_start(ap, fmt);
    kt_rc rc = start(db, &st, err, sql, fmt, ap);
    va_end(ap);
    KT_TRY(rc);
    rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = kt_stmt_i64(st, 0);
    kt_stmt_done(st);
    return rc;
}

int64_t kt_db_changed(const kt_db *db)
{
    return db->drv->changed(db->conn);
}

kt_rc kt_stmt_step(kt_stmt *st, kt_err *err)
{
    return st->db->drv->step(st->db->conn, st->st, err);
}

int64_t kt_stmt_i64(kt_stmt *st, int col)
{
    return st->db->drv->i64(st->st, col);
}

double kt_stmt_f64(kt_stmt *st, int col)
{
    return st->db->drv->f64(st->st, col);
}

kt_str kt_stmt_str(kt_stmt *st, int col)
{
    return st->db->drv->str(st->st, col);
}

bool kt_stmt_null(kt_stmt *st, int col)
{
    return st->db->drv->null(st->st, col);
}

void kt_stmt_done(kt_stmt *st)
{
    if (!st)
        return;
    st->db->drv->reset(st->st);
    st->busy = false;
    if (!st->kept)
        free_stmt(st);
}
