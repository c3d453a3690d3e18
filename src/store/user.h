/* People and what they may do: users belong to the workspace, roles to a project. Passwords are Argon2id, sessions are
   random tokens of which only the digest is stored. */
#ifndef KT_STORE_USER_H
#define KT_STORE_USER_H

#include "store/store.h"

/* Higher may do what lower may, except that experts and annotators do not see each other's queue. */
typedef enum kt_role { KT_ROLE_NONE, KT_ROLE_VIEWER, KT_ROLE_ANNOTATOR, KT_ROLE_EXPERT, KT_ROLE_MANAGER, KT_ROLE_ADMIN } kt_role;

typedef struct kt_user {
    int64_t id;
    kt_str name, display;
    bool simulated;
    kt_role role; /* in the project asked for; KT_ROLE_ADMIN everywhere for an admin */
} kt_user;

const char *kt_role_name(kt_role r);
bool kt_role_parse(kt_str name, kt_role *ret);

/* Argon2id of a password, for any thread (about 50 ms, 64 MB); an empty password gives an empty hash: cannot sign in. */
kt_rc kt_password_hash(kt_str password, char ret[128], kt_err *err) KT_MUST_USE;
/* by: the user who does it, for the log; 0: the command line. KT_EXISTS: the name is taken. */
kt_rc kt_user_add(kt_store *s, int64_t by, kt_str name, kt_str hash, bool simulated, int64_t *ret_id, kt_err *err) KT_MUST_USE;
/* KT_ROLE_NONE takes the role away. project 0 with KT_ROLE_ADMIN: of the workspace. */
kt_rc kt_user_grant(kt_store *s, int64_t by, int64_t user, int64_t project, kt_role role, kt_err *err) KT_MUST_USE;
/* Ends the user's sessions. */
kt_rc kt_user_set_hash(kt_store *s, int64_t by, int64_t user, kt_str hash, kt_err *err) KT_MUST_USE;
kt_rc kt_user_find(kt_store *s, kt_str name, int64_t *ret_id, kt_err *err) KT_MUST_USE;
kt_rc kt_user_get(kt_store *s, int64_t user, int64_t project, kt_arena *a, kt_user *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_user_list(kt_store *s, int64_t project, kt_arena *a, kt_user **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

/* The slow part of signing in, without the store's lock: read the hash, check it in any thread, then open a session. */
kt_rc kt_user_hash(kt_store *s, kt_str name, int64_t *ret_id, char ret_hash[128], kt_err *err) KT_MUST_USE;
bool kt_password_matches(const char hash[128], kt_str password); /* about 50 ms, also for an unknown user's empty hash */
/* ret_token: 43 characters of base64url and NUL. Sessions end 12 hours after they began. */
kt_rc kt_session_open(kt_store *s, int64_t user, char ret_token[48], kt_err *err) KT_MUST_USE;
/* KT_AUTH when unknown or over. */
kt_rc kt_session_user(kt_store *s, kt_str token, int64_t *ret_user, kt_err *err) KT_MUST_USE;
kt_rc kt_session_close(kt_store *s, kt_str token, kt_err *err) KT_MUST_USE;

#endif
