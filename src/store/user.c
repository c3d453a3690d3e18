#include "store/user.h"

#include "base/mem.h"
#include "base/str.h"
#include "store/audit.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define SESSION_US (12 * INT64_C(3600000000))

static const char *const role_names[] = { "none", "viewer", "annotator", "expert", "manager", "admin" };
_Static_assert(KT_LEN(role_names) == KT_ROLE_ADMIN + 1, "one name per role");

const char *kt_role_name(kt_role r)
{
    return role_names[r];
}

bool kt_role_parse(kt_str name, kt_role *ret)
{
    for (size_t i = 0; i < KT_LEN(role_names); i++)
        if (kt_str_eq(name, kt_str_of(role_names[i]))) {
            *ret = (kt_role)i;
            return true;
        }
    return false;
}

kt_rc kt_password_hash(kt_str password, char ret[128], kt_err *err)
{
    ret[0] = 0;
    if (password.n == 0)
        return 0;
    if (password.n < 8)
        return kt_fail(err, KT_RANGE, "a password has at least 8 characters");
    if (sodium_init() < 0 || crypto_pwhash_str(ret, password.p, password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                               crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return kt_fail(err, KT_NOMEM, "not enough memory to hash a password (64 MB)");
    return 0;
}

static kt_rc log_user(kt_store *s, int64_t by, const char *kind, kt_str name, int64_t project, const char *role, kt_err *err)
{
    char actor[32] = "karat";
    if (by)
        snprintf(actor, sizeof(actor), "user:%lld", (long long)by);
    KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
    kt_buf_puts(&b, "{\"name\":");
    kt_buf_json(&b, name);
    if (role)
        kt_buf_printf(&b, ",\"role\":\"%s\"", role);
    kt_buf_char(&b, '}');
    const kt_event e = { kt_str_of(actor), kt_str_of(kind), project, -1, KT_BUF_STR(&b) };
    return kt_audit_append(s, &e, NULL, err);
}

kt_rc kt_user_add(kt_store *s, int64_t by, kt_str name, kt_str hash, bool simulated, int64_t *ret_id, kt_err *err)
{
    if (name.n == 0 || name.n > 64 || !kt_utf8_valid(name, NULL))
        return kt_fail(err, KT_RANGE, "a user's name has 1 to 64 bytes of UTF-8");
    int64_t there;
    kt_rc rc = kt_db_i64(kt_store_db(s), &there, err, "SELECT id FROM person WHERE name=$1", "s", name);
    KT_TRY(rc);
    if (rc == 0)
        return kt_fail(err, KT_EXISTS, "there is a user %.*s already", KT_F(name));
    KT_TRY(kt_db_i64(kt_store_db(s), ret_id, err, "SELECT COALESCE(MAX(id),0)+1 FROM person", ""));
    KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO person VALUES($1,$2,$3,$4,$5)", "issii", *ret_id, name,
                     hash, (int64_t)simulated, kt_store_now(s)));
    return log_user(s, by, "user.add", name, 0, NULL, err);
}

static kt_rc name_of(kt_store *s, int64_t user, kt_arena *a, kt_str *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT name FROM person WHERE id=$1", "i", user));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = kt_arena_str(a, kt_stmt_str(st, 0));
    kt_stmt_done(st);
    return rc == KT_DONE ? kt_fail(err, KT_NOTFOUND, "there is no user %lld", (long long)user) : rc;
}

kt_rc kt_user_grant(kt_store *s, int64_t by, int64_t user, int64_t project, kt_role role, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str name;
    KT_TRY(name_of(s, user, &a, &name, err));
    KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO grant_role VALUES($1,$2,$3) ON CONFLICT(person,project) DO UPDATE SET role=excluded.role",
                     "iii", user, project, (int64_t)role));
    return log_user(s, by, "user.grant", name, project, kt_role_name(role), err);
}

kt_rc kt_user_set_hash(kt_store *s, int64_t by, int64_t user, kt_str hash, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str name;
    KT_TRY(name_of(s, user, &a, &name, err));
    KT_TRY(kt_db_run(kt_store_db(s), err, "UPDATE person SET password=$1 WHERE id=$2", "si", hash, user));
    KT_TRY(kt_db_run(kt_store_db(s), err, "DELETE FROM session WHERE person=$1", "i", user));
    return log_user(s, by, "user.password", name, 0, NULL, err);
}

kt_rc kt_user_find(kt_store *s, kt_str name, int64_t *ret_id, kt_err *err)
{
    kt_rc rc = kt_db_i64(kt_store_db(s), ret_id, err, "SELECT id FROM person WHERE name=$1", "s", name);
    return rc == KT_DONE ? kt_fail(err, KT_NOTFOUND, "there is no user %.*s", KT_F(name)) : rc;
}

/* The role in a project, or admin where the workspace says so. */
#define USER_COLUMNS \
    "SELECT p.id,p.name,p.simulated,COALESCE((SELECT MAX(role) FROM grant_role g WHERE g.person=p.id AND (g.project=$1 OR g.project=0)),0) FROM person p "

static kt_user read_user(kt_stmt *st, kt_arena *a)
{
    kt_str name = kt_arena_str(a, kt_stmt_str(st, 1));
    return (kt_user){ .id = kt_stmt_i64(st, 0), .name = name, .display = name, .simulated = kt_stmt_i64(st, 2) != 0,
                      .role = (kt_role)kt_stmt_i64(st, 3) };
}

kt_rc kt_user_get(kt_store *s, int64_t user, int64_t project, kt_arena *a, kt_user *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, USER_COLUMNS "WHERE p.id=$2", "ii", project, user));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        *ret = read_user(st, a);
    kt_stmt_done(st);
    return rc == KT_DONE ? kt_fail(err, KT_NOTFOUND, "there is no user %lld", (long long)user) : rc;
}

kt_rc kt_user_list(kt_store *s, int64_t project, kt_arena *a, kt_user **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, USER_COLUMNS "ORDER BY p.id", "i", project));
    KT_VEC(kt_user) v = { 0 };
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        KT_PUSH(&v, read_user(st, a));
    kt_stmt_done(st);
    *ret = kt_arena_array(a, v.n, sizeof(kt_user));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(kt_user));
    *ret_n = v.n;
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}

kt_rc kt_user_hash(kt_store *s, kt_str name, int64_t *ret_id, char ret_hash[128], kt_err *err)
{
    kt_stmt *st;
    ret_hash[0] = 0;
    *ret_id = 0;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT id,password FROM person WHERE name=$1", "s", name));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0) {
        *ret_id = kt_stmt_i64(st, 0);
        snprintf(ret_hash, 128, "%.*s", KT_F(kt_stmt_str(st, 1)));
    }
    kt_stmt_done(st);
    return rc < 0 ? rc : 0;
}

bool kt_password_matches(const char hash[128], kt_str password)
{
    if (sodium_init() < 0)
        return false;
    if (hash[0])
        return crypto_pwhash_str_verify(hash, password.p, password.n) == 0;
    char spent[crypto_pwhash_STRBYTES]; /* an unknown name costs the same time as a wrong password */
    kt_ignore(crypto_pwhash_str(spent, password.p, password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                crypto_pwhash_MEMLIMIT_INTERACTIVE), "only its time matters");
    return false;
}

/* What the table holds instead of the token. */
static void token_digest(kt_str token, char ret[65])
{
    unsigned char d[32];
    crypto_generichash(d, sizeof(d), (const unsigned char *)token.p, token.n, NULL, 0);
    sodium_bin2hex(ret, 65, d, sizeof(d));
}

kt_rc kt_session_open(kt_store *s, int64_t user, char ret_token[48], kt_err *err)
{
    unsigned char raw[32];
    char hex[65];
    if (sodium_init() < 0)
        return kt_fail(err, KT_IO, "no randomness");
    randombytes_buf(raw, sizeof(raw));
    sodium_bin2base64(ret_token, 48, raw, sizeof(raw), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    token_digest(kt_str_of(ret_token), hex);
    KT_TRY(kt_db_run(kt_store_db(s), err, "DELETE FROM session WHERE person=$1 AND until_us<$2", "ii", user, kt_store_now(s)));
    KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO session VALUES($1,$2,$3)", "sii", kt_str_of(hex), user,
                     kt_store_now(s) + SESSION_US));
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str name;
    KT_TRY(name_of(s, user, &a, &name, err));
    return log_user(s, user, "session.open", name, 0, NULL, err);
}

kt_rc kt_session_user(kt_store *s, kt_str token, int64_t *ret_user, kt_err *err)
{
    char hex[65];
    token_digest(token, hex);
    kt_rc rc = kt_db_i64(kt_store_db(s), ret_user, err, "SELECT person FROM session WHERE digest=$1 AND until_us>$2", "si",
                         kt_str_of(hex), kt_store_now(s));
    return rc == KT_DONE ? kt_fail(err, KT_AUTH, "the session is over; sign in again") : rc;
}

kt_rc kt_session_close(kt_store *s, kt_str token, kt_err *err)
{
    char hex[65];
    token_digest(token, hex);
    return kt_db_run(kt_store_db(s), err, "DELETE FROM session WHERE digest=$1", "s", kt_str_of(hex));
}
