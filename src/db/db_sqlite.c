/* SQLite 3: WAL, synchronous=FULL so that a commit is durable on return, foreign keys off (the store checks).

   Nothing else in the program may open and close the database's file: POSIX drops all locks a process has on a file when it
   closes any descriptor of it, and another process that looks in would then take the log for nobody's and delete it. */
#include "db/db_int.h"

#include "base/buf.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static kt_rc fail(sqlite3 *conn, kt_err *err, const char *doing)
{
    int code = conn ? sqlite3_errcode(conn) : SQLITE_NOMEM;
    const char *text = conn ? sqlite3_errmsg(conn) : "out of memory";
    switch (code & 0xff) {
    case SQLITE_NOTADB:
        kt_fail(err, KT_CORRUPT, "this is not an SQLite database");
        return kt_hint(err, "restore the folder from a backup"), KT_CORRUPT;
    case SQLITE_CORRUPT:
        kt_fail(err, KT_CORRUPT, "the database is damaged (%s while %s)", text, doing);
        return kt_hint(err, "restore the folder from a backup; 'karat audit verify DIR' says what still holds"), KT_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return kt_fail(err, KT_BUSY, "the database is in use by another process (%s)", text);
    case SQLITE_FULL:
        kt_fail(err, KT_DB, "the disk is full (while %s)", doing);
        return kt_hint(err, "free some space and run the same command again; it resumes where it stopped"), KT_DB;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        kt_fail(err, KT_DB, "the database cannot be written (%s while %s)", text, doing);
        return kt_hint(err, "check that the folder and the files in it are writable"), KT_DB;
    default: return kt_fail(err, KT_DB, "%s (while %s)", text, doing);
    }
}

static kt_rc sqlite_script(void *conn, const char *sql, kt_err *err)
{
    return sqlite3_exec(conn, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(conn, err, "preparing the database");
}

/* Statistics of its memory would cost SQLite a lock around every allocation. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* Whether nobody can be writing: then a reader needs no shared memory beside the file, which it could not make there anyway. */
static bool on_read_only_disk(const char *path)
{
    char wal[PATH_MAX];
    struct stat st;
    struct statvfs fs;
    if (snprintf(wal, sizeof(wal), "%s-wal", path) >= (int)sizeof(wal) || (stat(wal, &st) == 0 && st.st_size > 0))
        return false;
    return statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

static int open_immutable(const char *path, sqlite3 **ret)
{
    KT_AUTO(kt_buf) uri = KT_BUF_INIT(4 * PATH_MAX);
    kt_buf_puts(&uri, "file:");
    for (const char *c = path; *c; c++)
        kt_buf_printf(&uri, strchr("?#%", *c) ? "%%%02x" : "%c", (unsigned char)*c);
    kt_buf_puts(&uri, "?immutable=1");
    return sqlite3_open_v2(uri.p, ret, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
}

static kt_rc sqlite_open(const char *path, kt_db_mode mode, void **ret, kt_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
    sqlite3 *conn = NULL;
    int flags = SQLITE_OPEN_NOMUTEX | (mode == KT_DB_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE);
    int rc = mode == KT_DB_READ && on_read_only_disk(path) ? open_immutable(path, &conn) : sqlite3_open_v2(path, &conn, flags, NULL);
    if (rc != SQLITE_OK && mode == KT_DB_READ) { /* a reader may lack the right to write */
        sqlite3_close(conn);
        rc = sqlite3_open_v2(path, &conn, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READONLY, NULL);
    }
    kt_rc out = 0;
    if (rc != SQLITE_OK)
        out = fail(conn, err, "opening it");
    else {
        sqlite3_busy_timeout(conn, 10000);
        sqlite3_extended_result_codes(conn, 1);
        out = sqlite_script(conn, mode == KT_DB_WRITE
                                ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768; "
                                  "PRAGMA wal_autocheckpoint=4000; PRAGMA temp_store=MEMORY"
                                : "PRAGMA query_only=ON; PRAGMA cache_size=-16384; PRAGMA schema_version",
                            err);
    }
    if (out < 0) {
        kt_at(err, path, 0, NULL);
        sqlite3_close(conn);
        return out;
    }
    *ret = conn;
    return 0;
}

static void sqlite_close(void *conn)
{
    sqlite3_close(conn);
}

static kt_rc sqlite_prepare(void *conn, const char *sql, void **ret, kt_err *err)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v3(conn, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK)
        return fail(conn, err, sql);
    *ret = st;
    return 0;
}

static void sqlite_finalize(void *st)
{
    sqlite3_finalize(st);
}

static void sqlite_reset(void *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

static kt_rc sqlite_bind(void *st, int param, char kind, int64_t i, double d, kt_str s)
{
    int rc;
    switch (kind) {
    case 'i': rc = sqlite3_bind_int64(st, param, i); break;
    case 'd': rc = sqlite3_bind_double(st, param, d); break;
    case 's': rc = sqlite3_bind_text64(st, param, s.p ? s.p : "", s.n, SQLITE_TRANSIENT, SQLITE_UTF8); break;
    case 'b': rc = sqlite3_bind_blob64(st, param, s.p ? s.p : "", s.n, SQLITE_TRANSIENT); break;
    default: rc = sqlite3_bind_null(st, param);
    }
    return rc == SQLITE_OK ? 0 : KT_DB;
}

static kt_rc sqlite_step(void *conn, void *st, kt_err *err)
{
    switch (sqlite3_step(st)) {
    case SQLITE_ROW: return 0;
    case SQLITE_DONE: return KT_DONE;
    default: return fail(conn, err, sqlite3_sql(st));
    }
}

static int64_t sqlite_i64(void *st, int col)
{
    return sqlite3_column_int64(st, col);
}

static double sqlite_f64(void *st, int col)
{
    return sqlite3_column_double(st, col);
}

static kt_str sqlite_str(void *st, int col)
{
    const char *p = sqlite3_column_type(st, col) == SQLITE_BLOB ? sqlite3_column_blob(st, col)
                                                                : (const char *)sqlite3_column_text(st, col);
    return (kt_str){ p ? p : "", p ? (size_t)sqlite3_column_bytes(st, col) : 0 };
}

static bool sqlite_null(void *st, int col)
{
    return sqlite3_column_type(st, col) == SQLITE_NULL;
}

static int64_t sqlite_changed(void *conn)
{
    return sqlite3_changes64(conn);
}

const kt_driver kt_driver_sqlite = {
    .name = "sqlite", .help = "one file on this machine (the default)",
    .open = sqlite_open, .close = sqlite_close, .script = sqlite_script, .prepare = sqlite_prepare,
    .finalize = sqlite_finalize, .reset = sqlite_reset, .bind = sqlite_bind, .step = sqlite_step, .i64 = sqlite_i64,
    .f64 = sqlite_f64, .str = sqlite_str, .null = sqlite_null, .changed = sqlite_changed,
    .tidy_elsewhere = "PRAGMA wal_autocheckpoint=0", .tidy = "PRAGMA wal_checkpoint(PASSIVE)",
};
