/* Appending and sealing. An event's bytes are one JSON line, stored as they were hashed:

     {"seq":17,"time":"…","actor":"…","kind":"…","project":1,"item":5,"data":{…}}

   leaf = SHA-256(0x00 || line); the tree's peaks are kept, so appending costs one or two hashes and one row. */
#include "store/audit.h"

#include "algo/merkle.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/audit_int.h"
#include "store/store_int.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void key_path(const char *dir, const char *name, char dst[PATH_MAX])
{
    snprintf(dst, PATH_MAX, "%s/keys/%s", dir, name);
}

kt_rc kt_audit_make_key(const char *dir, kt_err *err)
{
    char path[PATH_MAX], pub[PATH_MAX], hex[129];
    unsigned char pk[32], sk[64];
    snprintf(path, sizeof(path), "%s/keys", dir);
    KT_TRY(kt_dir_make(path, err));
    kt_ignore(chmod(path, 0700), "a folder of somebody else's stays as it is");
    key_path(dir, "audit.secret", path);
    key_path(dir, "audit.public", pub);
    if (kt_file_exists(path) && kt_file_exists(pub))
        return 0;
    if (sodium_init() < 0)
        return kt_fail(err, KT_IO, "no randomness for a signing key");
    crypto_sign_keypair(pk, sk);
    mode_t old = umask(077);
    sodium_bin2hex(hex, sizeof(hex), sk, sizeof(sk));
    kt_rc rc = kt_file_write(path, kt_str_of(hex), err);
    umask(old);
    explicit_bzero(hex, sizeof(hex));
    explicit_bzero(sk, sizeof(sk));
    KT_TRY(rc);
    sodium_bin2hex(hex, sizeof(hex), pk, sizeof(pk));
    return kt_file_write(pub, kt_str_of(hex), err);
}

static kt_rc load_key(const char *path, unsigned char *ret, size_t size, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1000);
    KT_TRY(kt_file_read(path, &b, err));
    size_t n = 0;
    kt_str hex = kt_str_trim(KT_BUF_STR(&b));
    if (sodium_hex2bin(ret, size, hex.p, hex.n, NULL, &n, NULL) != 0 || n != size)
        return kt_fail(err, KT_CORRUPT, "the key file %s is damaged", path);
    return 0;
}

kt_rc kt_audit_load_keys(kt_store *s, kt_err *err)
{
    char path[PATH_MAX];
    if (sodium_init() < 0)
        return kt_fail(err, KT_IO, "no randomness");
    key_path(s->dir, "audit.public", path);
    KT_TRY(load_key(path, s->public_key, sizeof(s->public_key), err));
    if (s->mode == KT_STORE_WRITE) {
        key_path(s->dir, "audit.secret", path);
        KT_TRY(load_key(path, s->secret_key, sizeof(s->secret_key), err));
    }
    return 0;
}

kt_rc kt_audit_load(kt_store *s, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str hex = { 0 };
    memset(&s->audit, 0, sizeof(s->audit));
    kt_rc rc = kt_doc_get(s, 0, KT_S("audit.state"), &a, &hex, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    size_t n = 0;
    unsigned char raw[16 + 64 * 32];
    if (sodium_hex2bin(raw, sizeof(raw), hex.p, hex.n, NULL, &n, NULL) != 0 || n < 16)
        return kt_fail(err, KT_CORRUPT, "the audit log's state is damaged");
    memcpy(&s->audit.size, raw, 8);
    memcpy(&s->audit.signed_size, raw + 8, 8);
    if (n != 16 + 32 * (size_t)__builtin_popcountll(s->audit.size))
        return kt_fail(err, KT_CORRUPT, "the audit log's state is damaged");
    memcpy(s->audit.peak, raw + 16, n - 16);
    return 0;
}

kt_rc kt_audit_save(kt_store *s, kt_err *err)
{
    if (s->audit.size == s->audit_begin.size && s->audit.signed_size == s->audit_begin.signed_size)
        return 0;
    KT_AUTO(kt_buf) b = KT_BUF_INIT(8192);
    kt_buf_hex(&b, &s->audit.size, 8);
    kt_buf_hex(&b, &s->audit.signed_size, 8);
    kt_buf_hex(&b, s->audit.peak, 32 * (size_t)__builtin_popcountll(s->audit.size));
    return kt_doc_put(s, 0, KT_S("audit.state"), KT_BUF_STR(&b), err);
}

kt_rc kt_audit_append(kt_store *s, const kt_event *e, uint64_t *ret_seq, kt_err *err)
{
    KT_ASSERT(kt_db_in_transaction(s->db));
    char when[28];
    kt_time_format(kt_store_now(s), when);
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)128 << 20);
    kt_buf_printf(&b, "{\"seq\":%llu,\"time\":\"%s\",\"actor\":", (unsigned long long)s->audit.size, when);
    kt_buf_json(&b, e->actor);
    kt_buf_puts(&b, ",\"kind\":");
    kt_buf_json(&b, e->kind);
    kt_buf_printf(&b, ",\"project\":%lld", (long long)e->project);
    if (e->item >= 0)
        kt_buf_printf(&b, ",\"item\":%lld", (long long)e->item);
    kt_buf_puts(&b, ",\"data\":");
    kt_buf_str(&b, e->data);
    kt_buf_char(&b, '}');
    if (b.failed)
        return kt_fail(err, KT_LIMIT, "an event of more than 128 MB");
    kt_hash leaf = kt_merkle_leaf(KT_BUF_STR(&b));
    KT_TRY(kt_db_run(s->db, err, "INSERT INTO event VALUES($1,$2,$3)", "ibs", (int64_t)s->audit.size,
                     (kt_str){ (char *)leaf.b, sizeof(leaf.b) }, KT_BUF_STR(&b)));
    if (ret_seq)
        *ret_seq = s->audit.size;
    kt_merkle t = { .size = s->audit.size };
    memcpy(t.peak, s->audit.peak, sizeof(t.peak));
    kt_merkle_push(&t, leaf);
    s->audit.size = t.size;
    memcpy(s->audit.peak, t.peak, sizeof(t.peak));
    return 0;
}

void kt_audit_root(const kt_store *s, uint64_t *ret_size, unsigned char ret_root[32])
{
    kt_merkle t = { .size = s->audit.size };
    memcpy(t.peak, s->audit.peak, sizeof(t.peak));
    kt_hash root = kt_merkle_root(&t);
    memcpy(ret_root, root.b, sizeof(root.b));
    *ret_size = s->audit.size;
}

void kt_head_bytes(uint64_t size, const unsigned char root[32], int64_t at_us, char ret[KT_HEAD_BYTES])
{
    char hex[65], when[28];
    sodium_bin2hex(hex, sizeof(hex), root, 32);
    kt_time_format(at_us, when);
    memset(ret, 0, KT_HEAD_BYTES);
    snprintf(ret, KT_HEAD_BYTES, "karat tree head 1\n%llu\n%s\n%s\n", (unsigned long long)size, hex, when);
}

kt_rc kt_audit_sign(kt_store *s, kt_err *err)
{
    if (s->audit.size == s->audit.signed_size)
        return 0;
    uint64_t size;
    unsigned char root[32], sig[64];
    char text[KT_HEAD_BYTES];
    int64_t now = kt_store_now(s);
    kt_audit_root(s, &size, root);
    kt_head_bytes(size, root, now, text);
    crypto_sign_detached(sig, NULL, (const unsigned char *)text, strlen(text), s->secret_key);
    KT_TRY(kt_db_run(s->db, err, "INSERT INTO tree_head VALUES($1,$2,$3,$4)", "ibib", (int64_t)size,
                     (kt_str){ (char *)root, sizeof(root) }, now, (kt_str){ (char *)sig, sizeof(sig) }));
    s->audit.signed_size = size;
    return 0;
}

kt_rc kt_audit_show(kt_store *s, uint64_t from, uint64_t n, kt_buf *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(s->db, &st, err, "SELECT body FROM event WHERE seq>=$1 AND seq<$2 ORDER BY seq", "ii", (int64_t)from, (int64_t)(from + n)));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        kt_buf_str(ret, kt_stmt_str(st, 0));
        kt_buf_char(ret, '\n');
    }
    kt_stmt_done(st);
    return rc < 0 ? rc : 0;
}
