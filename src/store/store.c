/* Opening, locking and migrating a workspace; transactions and small documents. */
#include "store/store.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/schema.h"
#include "store/store_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static kt_rc take_lock(kt_store *s, kt_err *err)
{
    char path[PATH_MAX], who[32] = "";
    snprintf(path, sizeof(path), "%s/lock", s->dir);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (s->lock_fd < 0)
        return kt_fail_errno(err, "cannot write in %s", s->dir);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
        ssize_t n = read(s->lock_fd, who, sizeof(who) - 1);
        kt_fail(err, KT_BUSY, "another karat is working in %s (process %.*s)", s->dir, n > 0 ? (int)n : 1, n > 0 ? who : "?");
        return kt_hint(err, "wait for it, or stop it; reading verbs (status, audit, label --todo) work meanwhile"), KT_BUSY;
    }
    int n = snprintf(who, sizeof(who), "%ld", (long)getpid());
    if (ftruncate(s->lock_fd, 0) || pwrite(s->lock_fd, who, (size_t)n, 0) != n)
        return kt_fail_errno(err, "cannot write in %s", s->dir);
    return 0;
}

static kt_rc schema_version(kt_store *s, int64_t *ret, kt_err *err)
{
    *ret = 0;
    kt_rc rc = kt_db_i64(s->db, ret, err, "SELECT version FROM schema_version", "");
    return rc < 0 ? rc : 0;
}

static kt_rc migrate(kt_store *s, kt_err *err)
{
    int64_t at, latest = 0;
    while (kt_schema_steps[latest])
        latest++;
    if (s->mode == KT_STORE_WRITE)
        KT_TRY(kt_db_script(s->db, "CREATE TABLE IF NOT EXISTS schema_version(version BIGINT NOT NULL)", err));
    KT_TRY(schema_version(s, &at, err));
    if (at > latest) {
        kt_fail(err, KT_CONFLICT, "%s was written by a newer Karat (schema %lld, this one knows %lld)", s->dir, (long long)at,
                (long long)latest);
        return kt_hint(err, "install the newer version; nothing was changed"), KT_CONFLICT;
    }
    if (at == latest)
        return 0;
    if (s->mode == KT_STORE_READ) {
        kt_fail(err, KT_CONFLICT, "%s was written by an older Karat and must be brought forward first", s->dir);
        return kt_hint(err, "run any writing verb, for example 'karat init %s'", s->dir), KT_CONFLICT;
    }
    KT_TRY(kt_db_begin(s->db, err));
    kt_rc rc = 0;
    for (int64_t v = at; v < latest && rc == 0; v++)
        rc = kt_db_script(s->db, kt_schema_steps[v], err);
    if (rc == 0)
        rc = kt_db_run(s->db, err, "DELETE FROM schema_version", "");
    if (rc == 0)
        rc = kt_db_run(s->db, err, "INSERT INTO schema_version VALUES($1)", "i", latest);
    if (rc == 0)
        rc = kt_db_commit(s->db, err);
    if (rc < 0)
        kt_db_rollback(s->db);
    return rc;
}

/* A database that is gone or cut to nothing would come up as a new one, beside the blobs of the old: people's answers would be
   lost without a word. */
static kt_rc refuse_orphans(const char *dir, kt_err *err)
{
    char path[PATH_MAX];
    struct stat st;
    KT_TRY(kt_path_join(path, sizeof(path), dir, "karat.db", err));
    if (stat(path, &st) == 0 && st.st_size > 1) /* SQLite takes a file of one byte for an empty one */
        return 0;
    char blobs[PATH_MAX];
    KT_TRY(kt_path_join(blobs, sizeof(blobs), dir, "blobs", err));
    DIR *d = opendir(blobs);
    bool any = false;
    for (struct dirent *e; d && !any && (e = readdir(d));)
        any = e->d_name[0] != '.';
    if (d)
        closedir(d);
    if (!any)
        return 0;
    kt_fail(err, KT_CORRUPT, "the database is gone or empty, but the blobs of a workspace are there");
    kt_hint(err, "restore karat.db from a backup; to begin anew, choose another folder");
    return kt_at(err, path, 0, NULL), KT_CORRUPT;
}

kt_rc kt_store_create(const char *dir, kt_err *err)
{
    char path[PATH_MAX];
    KT_TRY(refuse_orphans(dir, err));
    KT_TRY(kt_path_join(path, sizeof(path), dir, "blobs", err));
    KT_TRY(kt_dir_make(path, err));
    KT_TRY(kt_audit_make_key(dir, err));
    KT_TRY(kt_path_join(path, sizeof(path), dir, "karat.db", err));
    if (kt_file_exists(path))
        return 0;
    KT_TRY(kt_file_write(path, KT_S(""), err));
    kt_store *s;
    KT_TRY(kt_store_open(dir, KT_STORE_WRITE, &s, err));
    kt_store_close(s);
    return 0;
}

kt_rc kt_store_open(const char *dir, kt_store_mode mode, kt_store **ret, kt_err *err)
{
    char path[PATH_MAX];
    KT_TRY(kt_path_join(path, sizeof(path), dir, "karat.db", err));
    if (strlen(dir) > PATH_MAX - 200)
        return kt_fail(err, KT_LIMIT, "path too long: %.100s", dir);
    if (!kt_file_exists(path)) {
        kt_fail(err, KT_NOTFOUND, "there is no workspace in %s", dir);
        return kt_hint(err, "'karat run PIPELINE.yaml' or 'karat init DIR' makes one"), KT_NOTFOUND;
    }
    KT_TRY(refuse_orphans(dir, err));
    kt_store *s = kt_zalloc(sizeof(*s));
    snprintf(s->dir, sizeof(s->dir), "%s", dir);
    s->mode = mode;
    s->lock_fd = -1;
    kt_rc rc = mode == KT_STORE_WRITE ? take_lock(s, err) : 0;
    if (rc == 0)
        rc = kt_db_open(path, mode == KT_STORE_WRITE ? KT_DB_WRITE : KT_DB_READ, &s->db, err);
    if (rc == 0)
        rc = migrate(s, err);
    if (rc == 0)
        rc = kt_path_join(path, sizeof(path), dir, "blobs", err);
    if (rc == 0)
        rc = kt_blobs_open(path, mode == KT_STORE_WRITE, &s->blobs, err);
    if (rc == 0)
        rc = kt_audit_load_keys(s, err);
    if (rc == 0)
        rc = kt_audit_load(s, err);
    if (rc < 0) {
        if (rc == KT_CORRUPT)
            kt_at(err, path, 0, NULL);
        kt_store_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

kt_rc kt_store_sibling(kt_store *owner, kt_store **ret, kt_err *err)
{
    char path[PATH_MAX];
    kt_store *s = kt_zalloc(sizeof(*s));
    KT_ASSERT(owner->mode == KT_STORE_WRITE);
    snprintf(s->dir, sizeof(s->dir), "%s", owner->dir);
    s->mode = KT_STORE_WRITE;
    s->lock_fd = -1; /* the owner's lock keeps others away */
    s->shared = owner->shared = true;
    kt_rc rc = kt_path_join(path, sizeof(path), s->dir, "karat.db", err);
    if (rc == 0)
        rc = kt_db_open(path, KT_DB_WRITE, &s->db, err);
    if (rc == 0)
        rc = kt_path_join(path, sizeof(path), s->dir, "blobs", err);
    if (rc == 0)
        rc = kt_blobs_open(path, true, &s->blobs, err);
    if (rc == 0)
        rc = kt_audit_load_keys(s, err);
    if (rc == 0)
        rc = kt_audit_load(s, err);
    if (rc < 0) {
        kt_store_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

kt_store *kt_store_close(kt_store *s)
{
    if (!s)
        return NULL;
    kt_db_close(s->db);
    kt_blobs_close(s->blobs);
    if (s->lock_fd >= 0)
        close(s->lock_fd); /* the lock goes with it */
    explicit_bzero(s->secret_key, sizeof(s->secret_key));
    return kt_free(s);
}

kt_db *kt_store_db(kt_store *s)
{
    return s->db;
}

void kt_store_tidy_elsewhere(kt_store *writer)
{
    kt_db_tidy_elsewhere(writer->db);
}

kt_rc kt_store_tidy(kt_store *reader, kt_err *err)
{
    return kt_db_tidy(reader->db, err);
}

kt_blobs *kt_store_blobs(kt_store *s)
{
    return s->blobs;
}

const char *kt_store_dir(const kt_store *s)
{
    return s->dir;
}

kt_rc kt_store_begin(kt_store *s, kt_err *err)
{
    KT_TRY(kt_db_begin(s->db, err));
    if (s->shared) {
        kt_rc rc = kt_audit_load(s, err);
        if (rc < 0) {
            kt_db_rollback(s->db);
            return rc;
        }
    }
    s->audit_begin = s->audit;
    s->counts.n = 0;
    return 0;
}

kt_rc kt_store_commit(kt_store *s, kt_err *err)
{
    kt_rc rc = kt_blobs_sync(s->blobs, err);
    if (rc == 0)
        rc = kt_audit_save(s, err);
    if (rc == 0)
        rc = kt_counts_save(s, err);
    if (rc == 0)
        rc = kt_db_commit(s->db, err);
    if (rc < 0)
        kt_store_rollback(s);
    return rc;
}

void kt_store_rollback(kt_store *s)
{
    if (!kt_db_in_transaction(s->db))
        return;
    kt_db_rollback(s->db);
    s->audit = s->audit_begin;
    s->counts.n = 0;
}

kt_rc kt_store_finish(kt_store *s, kt_rc rc, kt_err *err)
{
    if (rc < 0) {
        kt_store_rollback(s);
        return rc;
    }
    kt_rc end = kt_store_commit(s, err);
    return end < 0 ? end : rc;
}

kt_rc kt_store_mark(kt_store *s, kt_err *err)
{
    s->audit_mark = s->audit;
    s->counts_mark = s->counts;
    return kt_db_mark(s->db, err);
}

kt_rc kt_store_keep(kt_store *s, kt_err *err)
{
    return kt_db_keep(s->db, err);
}

void kt_store_undo(kt_store *s)
{
    kt_db_undo(s->db);
    s->audit = s->audit_mark;
    s->counts = s->counts_mark;
}

int64_t kt_store_now(const kt_store *s)
{
    return s->fixed_now ? s->fixed_now : kt_now_us();
}

void kt_store_set_now(kt_store *s, int64_t us)
{
    s->fixed_now = us;
}

kt_rc kt_doc_get(kt_store *s, int64_t project, kt_str name, kt_arena *a, kt_str *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(s->db, &st, err, "SELECT body FROM doc WHERE project=$1 AND name=$2", "is", project, name));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = kt_arena_str(a, kt_stmt_str(st, 0));
    kt_stmt_done(st);
    return rc;
}

kt_rc kt_doc_put(kt_store *s, int64_t project, kt_str name, kt_str body, kt_err *err)
{
    return kt_db_run(s->db, err, "INSERT INTO doc VALUES($1,$2,$3) ON CONFLICT(project,name) DO UPDATE SET body=excluded.body",
                     "iss", project, name, body);
}
