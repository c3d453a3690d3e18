/* A workspace on disk: DIR/karat.db, DIR/blobs, DIR/keys. All changes go through one writer; readers take snapshots.
   The only code that knows tables lives in this folder. A kt_store belongs to one thread at a time. */
#ifndef KT_STORE_STORE_H
#define KT_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "blob/blob.h"
#include "db/db.h"

#include <stdatomic.h>

typedef struct kt_store kt_store;

typedef enum kt_store_mode {
    KT_STORE_READ,  /* any number, beside a writer */
    KT_STORE_WRITE, /* one per workspace: holds DIR/lock; KT_BUSY names the holder */
} kt_store_mode;

/* Makes the folder and an empty workspace with a new signing key; nothing happens when there is one already. */
kt_rc kt_store_create(const char *dir, kt_err *err) KT_MUST_USE;
/* Opens and, for KT_STORE_WRITE, migrates the schema forward. KT_NOTFOUND: no workspace there. KT_CORRUPT: damaged. */
kt_rc kt_store_open(const char *dir, kt_store_mode mode, kt_store **ret, kt_err *err) KT_MUST_USE;
kt_store *kt_store_close(kt_store *s);
/* A second writer in the process that holds the lock, for another thread; their transactions exclude each other. Close it
   before its owner. */
kt_rc kt_store_sibling(kt_store *owner, kt_store **ret, kt_err *err) KT_MUST_USE;

kt_db *kt_store_db(kt_store *s); /* for files of this folder */
/* While a server runs: its writer's commits do not wait for the database's log to be moved into place; kt_store_tidy on a
   reader does that now and then. */
void kt_store_tidy_elsewhere(kt_store *writer);
kt_rc kt_store_tidy(kt_store *reader, kt_err *err) KT_MUST_USE;
kt_blobs *kt_store_blobs(kt_store *s);
const char *kt_store_dir(const kt_store *s);

/* One transaction. commit makes blobs durable first, then seals the audit log's new state with the same commit. */
kt_rc kt_store_begin(kt_store *s, kt_err *err) KT_MUST_USE;
kt_rc kt_store_commit(kt_store *s, kt_err *err) KT_MUST_USE;
void kt_store_rollback(kt_store *s);
/* Ends a piece of work: commits when *rc is 0, else rolls back; returns the final code. */
kt_rc kt_store_finish(kt_store *s, kt_rc rc, kt_err *err) KT_MUST_USE;

/* Inside a transaction: what one of several grouped acts did can be undone alone (one level). */
kt_rc kt_store_mark(kt_store *s, kt_err *err) KT_MUST_USE;
kt_rc kt_store_keep(kt_store *s, kt_err *err) KT_MUST_USE;
void kt_store_undo(kt_store *s);

/* The clock of acts: the wall clock, unless a simulation sets it. */
int64_t kt_store_now(const kt_store *s);
void kt_store_set_now(kt_store *s, int64_t us); /* 0: the wall clock again */

/* Counts that are kept, not counted: read one, add to one (inside a transaction). Absent is 0. */
kt_rc kt_counter_get(kt_store *s, int64_t project, kt_str name, int64_t *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_counter_add(kt_store *s, int64_t project, kt_str name, int64_t by, kt_err *err) KT_MUST_USE;
/* Adds one and gives the sum: numbers in order, each once. */
kt_rc kt_counter_next(kt_store *s, int64_t project, kt_str name, int64_t *ret, kt_err *err) KT_MUST_USE;
/* Sets to v. */
kt_rc kt_counter_set(kt_store *s, int64_t project, kt_str name, int64_t v, kt_err *err) KT_MUST_USE;

/* Small documents by name: a stage's state, a fitted model's digest, a report's numbers. */
kt_rc kt_doc_get(kt_store *s, int64_t project, kt_str name, kt_arena *a, kt_str *ret, kt_err *err) KT_MUST_USE; /* KT_DONE: absent */
kt_rc kt_doc_put(kt_store *s, int64_t project, kt_str name, kt_str body, kt_err *err) KT_MUST_USE;

#endif
