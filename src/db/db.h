/* One SQL interface, two kinds of database behind it (drivers.def). SQL is written once, in src/store, in the common
   ground of SQLite 3.40 and PostgreSQL 15: parameters $1, $2 … in order of first use, ON CONFLICT, RETURNING, BIGINT,
   DOUBLE PRECISION, TEXT and BYTEA columns. A kt_db belongs to one thread at a time. */
#ifndef KT_DB_DB_H
#define KT_DB_DB_H

#include "base/err.h"

typedef struct kt_db kt_db;
typedef struct kt_stmt kt_stmt;

typedef enum kt_db_mode { KT_DB_READ, KT_DB_WRITE } kt_db_mode;

/* url: a file path (SQLite), or sqlite:PATH. KT_DB_WRITE makes the file when absent. KT_CORRUPT when it is no database. */
kt_rc kt_db_open(const char *url, kt_db_mode mode, kt_db **ret, kt_err *err) KT_MUST_USE;
kt_db *kt_db_close(kt_db *db);

kt_rc kt_db_begin(kt_db *db, kt_err *err) KT_MUST_USE; /* a write transaction (a read snapshot in KT_DB_READ) */
kt_rc kt_db_commit(kt_db *db, kt_err *err) KT_MUST_USE; /* durable on return */
void kt_db_rollback(kt_db *db);
bool kt_db_in_transaction(const kt_db *db);
/* Savepoints inside a transaction, one level: what one of several grouped acts did can be undone alone. */
kt_rc kt_db_mark(kt_db *db, kt_err *err) KT_MUST_USE;
kt_rc kt_db_keep(kt_db *db, kt_err *err) KT_MUST_USE;
void kt_db_undo(kt_db *db);

/* A busy server's writer leaves the moving of its log into place to another connection, so that no commit waits for it:
   kt_db_tidy_elsewhere on the writer, kt_db_tidy now and then on a reader. Nothing to do for a database that does it itself. */
void kt_db_tidy_elsewhere(kt_db *writer);
kt_rc kt_db_tidy(kt_db *reader, kt_err *err) KT_MUST_USE;

/* Statements without parameters or rows, several at once. */
kt_rc kt_db_script(kt_db *db, const char *sql, kt_err *err) KT_MUST_USE;
/* One statement. fmt has a letter per parameter: i int64_t, d double, s kt_str as text, b kt_str as bytes, n NULL (no
   argument). sql must be a literal: prepared statements are kept by its address. */
kt_rc kt_db_run(kt_db *db, kt_err *err, const char *sql, const char *fmt, ...) KT_MUST_USE;
int64_t kt_db_changed(const kt_db *db); /* rows the last kt_db_run changed */

/* A query: step gives 0 for a row, KT_DONE after the last; kt_stmt_done in every case. Columns count from 0; texts live
   until the next step. */
kt_rc kt_db_query(kt_db *db, kt_stmt **ret, kt_err *err, const char *sql, const char *fmt, ...) KT_MUST_USE;
kt_rc kt_stmt_step(kt_stmt *st, kt_err *err) KT_MUST_USE;
int64_t kt_stmt_i64(kt_stmt *st, int col);
double kt_stmt_f64(kt_stmt *st, int col);
kt_str kt_stmt_str(kt_stmt *st, int col); /* text or bytes; .p is never NULL */
bool kt_stmt_null(kt_stmt *st, int col);
void kt_stmt_done(kt_stmt *st);

/* First column of the first row, or KT_DONE without a row (*ret untouched). */
kt_rc kt_db_i64(kt_db *db, int64_t *ret, kt_err *err, const char *sql, const char *fmt, ...) KT_MUST_USE;

#endif
