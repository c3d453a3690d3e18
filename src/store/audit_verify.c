/* Verifying everything: the events among themselves, the signed heads over them, and the rows and blobs they speak of. */
#include "algo/merkle.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/answer.h"
#include "store/audit.h"
#include "store/audit_int.h"
#include "store/store_int.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

struct parsed {
    int64_t seq, item, project;
    kt_str kind, actor, data;
};

static bool parse_event(kt_str body, kt_arena *a, struct parsed *ret)
{
    kt_json j = { .s = body };
    bool first = true;
    kt_str name;
    double d;
    *ret = (struct parsed){ -1, -1, 0, { "", 0 }, { "", 0 }, { "", 0 } };
    if (!kt_json_enter(&j, '{'))
        return false;
    while (kt_json_field(&j, &first, a, &name)) {
        bool ok = true;
        int64_t *to = kt_str_eq(name, KT_S("seq"))       ? &ret->seq
                      : kt_str_eq(name, KT_S("item"))    ? &ret->item
                      : kt_str_eq(name, KT_S("project")) ? &ret->project
                                                         : NULL;
        if (to) {
            ok = kt_json_number(&j, &d);
            if (ok)
                *to = (int64_t)d;
        } else if (kt_str_eq(name, KT_S("kind"))) {
            ok = kt_json_string(&j, a, &ret->kind);
        } else if (kt_str_eq(name, KT_S("actor"))) {
            ok = kt_json_string(&j, a, &ret->actor);
        } else {
            ok = kt_json_skip(&j, kt_str_eq(name, KT_S("data")) ? &ret->data : NULL);
        }
        if (!ok)
            return false;
    }
    return !j.wrong && kt_json_end(&j);
}

struct verify {
    kt_store *s;
    kt_project *project; /* all */
    size_t n_projects;
    kt_audit_report *r;
};

static void found(kt_audit_report *r, uint64_t seq, const char *what, const char *fmt, ...) KT_PRINTF(4, 5);
static void found(kt_audit_report *r, uint64_t seq, const char *what, const char *fmt, ...)
{
    if (r->n_findings++ >= KT_LEN(r->finding))
        return;
    kt_audit_finding *f = &r->finding[r->n_findings - 1];
    va_list ap;
    f->seq = seq;
    snprintf(f->what, sizeof(f->what), "%s", what);
    va_start(ap, fmt);
    vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
    va_end(ap);
}

/* A field of a small JSON object: its string or raw text; empty when absent. */
static kt_str field_of(kt_str object, const char *want, kt_arena *a)
{
    kt_json j = { .s = object };
    bool first = true;
    kt_str name, v;
    if (kt_json_enter(&j, '{'))
        while (kt_json_field(&j, &first, a, &name)) {
            bool text = kt_json_peek(&j) == KT_JSON_STRING;
            if (!(text ? kt_json_string(&j, a, &v) : kt_json_skip(&j, &v)))
                break;
            if (kt_str_eq(name, kt_str_of(want)))
                return v;
        }
    return (kt_str){ "", 0 };
}

/* Every digest in "blobs":[…] names a blob that still has those bytes. */
static void check_blobs(kt_store *s, const struct parsed *e, kt_arena *a, kt_audit_report *r)
{
    kt_str list = field_of(e->data, "blobs", a);
    if (!list.n)
        return;
    kt_json j = { .s = list };
    bool first = true;
    kt_str hex;
    if (!kt_json_enter(&j, '['))
        return;
    while (kt_json_element(&j, &first) && kt_json_string(&j, a, &hex)) {
        kt_digest d;
        size_t n = 0;
        kt_blob b;
        kt_err err = { 0 };
        if (sodium_hex2bin(d.b, sizeof(d.b), hex.p, hex.n, NULL, &n, NULL) || n != sizeof(d.b))
            continue;
        r->n_blobs++;
        if (kt_blob_map(s->blobs, &d, true, &b, &err) < 0)
            found(r, (uint64_t)e->seq, "data", "blob %.16s… of this event: %.120s", hex.p, err.what);
        else
            kt_blob_unmap(&b);
    }
}

/* What a row's number says, beside the words of its event: a finding where they differ. `where` begins the sentence. */
static kt_rc compare(struct verify *v, const kt_project *p, const struct parsed *e, int64_t number, kt_str words, const char *where, kt_arena *a, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(KT_ANSWER_MAX_JSON);
    kt_err none = { 0 };
    kt_buf_char(&b, '{');
    kt_rc rc = number > INT32_MAX ? KT_NOTFOUND : kt_answer_json(v->s, p, (int32_t)KT_MAX(number, (int64_t)-1), &b, &none);
    kt_buf_char(&b, '}');
    if (rc == KT_NOTFOUND || rc == KT_CORRUPT) {
        found(v->r, (uint64_t)e->seq, "data", "%s the answer %lld, which says nothing", where, (long long)number);
        return 0;
    }
    if (rc < 0)
        return *err = none, rc;
    kt_str got = field_of(KT_BUF_STR(&b), kt_answer_field(p->task), a);
    if (!kt_str_eq(got, words))
        found(v->r, (uint64_t)e->seq, "data", "%s '%.*s' where the log says '%.*s'", where, (int)KT_MIN(got.n, 60), got.p, (int)KT_MIN(words.n, 60), words.p);
    return 0;
}

static const kt_project *project_of(const struct verify *v, int64_t id)
{
    for (size_t i = 0; i < v->n_projects; i++)
        if (v->project[i].id == id)
            return &v->project[i];
    return NULL;
}

/* The row of a person's answer says what its event says. */
static kt_rc check_answer(struct verify *v, const struct parsed *e, kt_arena *a, kt_err *err)
{
    kt_stmt *st;
    const kt_project *p = project_of(v, e->project);
    KT_TRY(kt_db_query(v->s->db, &st, err, "SELECT item,person,label,project FROM annotation WHERE id=$1", "i", e->seq));
    kt_rc rc = kt_stmt_step(st, err);
    int64_t item = -1, person = -1, label = -1;
    bool here = false;
    if (rc == 0) {
        item = kt_stmt_i64(st, 0);
        person = kt_stmt_i64(st, 1);
        label = kt_stmt_i64(st, 2);
        here = kt_stmt_i64(st, 3) == e->project;
    }
    kt_stmt_done(st);
    KT_TRY(rc);
    char actor[40];
    snprintf(actor, sizeof(actor), "user:%lld", (long long)person);
    if (rc == KT_DONE || !p)
        found(v->r, (uint64_t)e->seq, "data", "the answer this event tells of is gone from the table");
    else if (!here || item != e->item || !kt_str_eq(e->actor, kt_str_of(actor)))
        found(v->r, (uint64_t)e->seq, "data", "the answer in the table is of another item or person");
    else
        return compare(v, p, e, label, field_of(e->data, kt_answer_field(p->task), a), "the table says", a, err);
    return 0;
}

/* The row of a decision, if it is this event's still; item and object: of an event, or of one line of a batch. */
static kt_rc check_decision(struct verify *v, const struct parsed *e, int64_t item, kt_str object, kt_arena *a, kt_err *err)
{
    int64_t label = 0, want = 0;
    char where[60];
    const kt_project *p = project_of(v, e->project);
    kt_rc rc = kt_db_i64(v->s->db, &label, err, "SELECT label FROM consensus WHERE project=$1 AND item=$2 AND event=$3", "iii", e->project, item, e->seq);
    if (rc != 0) /* replaced by a later decision */
        return rc < 0 ? rc : 0;
    if (p && p->task != KT_TASK_CLASSES) {
        snprintf(where, sizeof(where), "item %lld: the table decides", (long long)item);
        return compare(v, p, e, label, field_of(object, kt_answer_field(p->task), a), where, a, err);
    }
    if (!kt_parse_i64(field_of(object, "label", a), -1, INT64_MAX, &want) || want != label)
        found(v->r, (uint64_t)e->seq, "data", "item %lld: the table's final label is not the one decided here", (long long)item);
    return 0;
}

/* One row of a batch's list: CSV, or a JSON line where labels are sets or regions. */
static kt_rc check_batch_row(struct verify *v, const struct parsed *e, kt_str row, kt_arena *a, kt_err *err)
{
    int64_t item, label, got = 0;
    kt_str item_s, label_s;
    if (row.p[0] == '{')
        return kt_parse_i64(field_of(row, "item", a), 0, UINT32_MAX, &item) ? check_decision(v, e, item, row, a, err) : KT_DONE;
    kt_str_cut(&row, ',', &item_s);
    kt_str_cut(&row, ',', &label_s);
    if (!kt_parse_i64(item_s, 0, UINT32_MAX, &item) || !kt_parse_i64(label_s, -1, INT32_MAX, &label))
        return KT_DONE;
    kt_rc rc = kt_db_i64(v->s->db, &got, err, "SELECT label FROM consensus WHERE project=$1 AND item=$2 AND event=$3", "iii", e->project, item, e->seq);
    if (rc == 0 && got != label)
        found(v->r, (uint64_t)e->seq, "data", "item %lld: the table's final label is not the one decided in this batch", (long long)item);
    return rc < 0 ? rc : 0;
}

/* Rows that name a batch event, against the batch's own list. */
static kt_rc check_batch(struct verify *v, const struct parsed *e, kt_arena *a, kt_err *err)
{
    kt_str list = field_of(e->data, "blobs", a), row;
    kt_digest d;
    size_t n = 0;
    kt_blob b;
    if (list.n < 68 || sodium_hex2bin(d.b, sizeof(d.b), list.p + 2, 64, NULL, &n, NULL) || kt_blob_map(v->s->blobs, &d, false, &b, NULL) < 0)
        return 0; /* reported by check_blobs */
    kt_str rest = b.data;
    kt_rc rc = 0;
    if (kt_str_starts(rest, KT_S("item,")))
        kt_str_cut(&rest, '\n', &row); /* header */
    KT_AUTO(kt_arena) of_row = KT_ARENA_INIT;
    while (rc == 0 && kt_str_cut(&rest, '\n', &row) && row.n) {
        kt_arena_reset(&of_row);
        rc = check_batch_row(v, e, row, &of_row, err);
    }
    kt_blob_unmap(&b);
    return rc < 0 ? rc : 0;
}

static kt_rc check_event(struct verify *v, kt_str body, uint64_t seq, kt_arena *a, kt_err *err)
{
    struct parsed e;
    if (!parse_event(body, a, &e)) {
        found(v->r, seq, "changed", "the event is no longer readable");
        return 0;
    }
    if (e.seq != (int64_t)seq)
        found(v->r, seq, "reordered", "the event at this place says it is number %lld", (long long)e.seq);
    e.seq = (int64_t)seq;
    check_blobs(v->s, &e, a, v->r);
    if (kt_str_eq(e.kind, KT_S("annotation.submit")) || kt_str_eq(e.kind, KT_S("annotation.skip")))
        return check_answer(v, &e, a, err);
    if (kt_str_eq(e.kind, KT_S("consensus.put")))
        return check_decision(v, &e, e.item, e.data, a, err);
    if (kt_str_eq(e.kind, KT_S("consensus.batch")))
        return check_batch(v, &e, a, err);
    return 0;
}

struct head {
    uint64_t size;
    unsigned char root[32], sig[64];
    int64_t at_us;
};

static kt_rc load_heads(kt_store *s, struct head **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_VEC(struct head) v = { 0 };
    KT_TRY(kt_db_query(s->db, &st, err, "SELECT size,root,at_us,signature FROM tree_head ORDER BY size", ""));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        struct head h = { .size = (uint64_t)kt_stmt_i64(st, 0), .at_us = kt_stmt_i64(st, 2) };
        kt_str root = kt_stmt_str(st, 1);
        memcpy(h.root, root.p, KT_MIN(root.n, sizeof(h.root)));
        kt_str sig = kt_stmt_str(st, 3);
        memcpy(h.sig, sig.p, KT_MIN(sig.n, sizeof(h.sig)));
        KT_PUSH(&v, h);
    }
    kt_stmt_done(st);
    *ret = v.v;
    *ret_n = v.n;
    return rc < 0 ? rc : 0;
}

static void check_head(const kt_store *s, const struct head *h, const kt_merkle *t, uint64_t before, kt_audit_report *r)
{
    char text[KT_HEAD_BYTES];
    kt_head_bytes(h->size, h->root, h->at_us, text);
    r->n_heads++;
    if (crypto_sign_verify_detached(h->sig, (const unsigned char *)text, strlen(text), s->public_key) != 0) {
        found(r, h->size, "head", "the signature of the tree head at %llu does not hold", (unsigned long long)h->size);
        return;
    }
    kt_hash root = kt_merkle_root(t);
    if (memcmp(root.b, h->root, sizeof(root.b)) != 0)
        found(r, h->size, "head", "events %llu to %llu are not the ones that were signed", (unsigned long long)before, (unsigned long long)h->size - 1);
}

static kt_rc walk(struct verify *v, kt_stmt *st, const struct head *heads, size_t n_heads, kt_progress *p, kt_err *err)
{
    kt_store *s = v->s;
    kt_audit_report *r = v->r;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_merkle t = { 0 };
    size_t at = 0;
    kt_rc rc;
    uint64_t before = 0;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        uint64_t seq = (uint64_t)kt_stmt_i64(st, 0);
        for (; t.size < seq; ) { /* holes are named, and stand in the tree as they would not have */
            found(r, t.size, "missing", "the event is gone");
            kt_merkle_push(&t, kt_merkle_leaf(KT_S("")));
        }
        kt_str kept = kt_stmt_str(st, 1), body = kt_stmt_str(st, 2);
        kt_hash leaf = kt_merkle_leaf(body);
        if (kept.n != sizeof(leaf.b) || memcmp(kept.p, leaf.b, sizeof(leaf.b)) != 0)
            found(r, seq, "changed", "the event's text is not the one that was logged");
        kt_merkle_push(&t, leaf);
        r->n_events++;
        kt_arena_reset(&a);
        KT_TRY(check_event(v, body, seq, &a, err));
        for (; at < n_heads && heads[at].size <= t.size; at++) {
            if (heads[at].size == t.size)
                check_head(s, &heads[at], &t, before, r);
            before = heads[at].size;
        }
        KT_TRY(kt_progress_step(p, r->n_events, err));
    }
    for (; at < n_heads; at++)
        found(r, heads[at].size, "missing", "events %llu to %llu were signed and are gone", (unsigned long long)t.size,
              (unsigned long long)heads[at].size - 1);
    if (rc == KT_DONE && t.size != s->audit.size)
        found(r, t.size, "missing", "the log ends at %llu events, it had %llu", (unsigned long long)t.size, (unsigned long long)s->audit.size);
    kt_hash root = kt_merkle_root(&t);
    memcpy(r->root, root.b, sizeof(root.b));
    return rc < 0 ? rc : 0;
}

/* Answers no event speaks of. */
static kt_rc check_strays(kt_store *s, kt_audit_report *r, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(s->db, &st, err, "SELECT a.id FROM annotation a LEFT JOIN event e ON e.seq=a.id WHERE e.seq IS NULL ORDER BY a.id", ""));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        found(r, (uint64_t)kt_stmt_i64(st, 0), "data", "an answer in the table has no event");
    kt_stmt_done(st);
    return rc < 0 ? rc : 0;
}

kt_rc kt_audit_verify(kt_store *s, kt_progress *p, kt_audit_report *ret, kt_err *err)
{
    struct head *heads;
    size_t n;
    kt_stmt *st;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    struct verify v = { .s = s, .r = ret };
    memset(ret, 0, sizeof(*ret));
    KT_TRY(kt_project_list(s, &a, &v.project, &v.n_projects, err));
    KT_TRY(load_heads(s, &heads, &n, err));
    kt_progress_begin(p, "audit", s->audit.size);
    kt_rc rc = kt_db_query(s->db, &st, err, "SELECT seq,hash,body FROM event ORDER BY seq", "");
    if (rc == 0) {
        rc = walk(&v, st, heads, n, p, err);
        kt_stmt_done(st);
    }
    kt_progress_end(p);
    kt_free(heads);
    if (rc == 0)
        rc = check_strays(s, ret, err);
    KT_TRY(rc);
    return ret->n_findings ? kt_fail(err, KT_NO, "the audit log does not hold: %llu findings", (unsigned long long)ret->n_findings) : 0;
}

struct leaves {
    kt_store *s;
    kt_rc rc;
    kt_err *err;
};

static kt_hash stored_leaf(void *ctx, uint64_t i)
{
    struct leaves *l = ctx;
    kt_hash h = { { 0 } };
    kt_stmt *st;
    if (l->rc < 0 || (l->rc = kt_db_query(l->s->db, &st, l->err, "SELECT hash FROM event WHERE seq=$1", "i", (int64_t)i)) < 0)
        return h;
    l->rc = kt_stmt_step(st, l->err);
    kt_str got = l->rc == 0 ? kt_stmt_str(st, 0) : KT_S("");
    if (got.n == sizeof(h.b))
        memcpy(h.b, got.p, sizeof(h.b));
    else if (l->rc >= 0)
        l->rc = kt_fail(l->err, KT_CORRUPT, "event %llu is missing", (unsigned long long)i);
    kt_stmt_done(st);
    return h;
}

kt_rc kt_audit_proof(kt_store *s, uint64_t seq, kt_buf *ret, kt_err *err)
{
    struct head *heads;
    size_t n;
    KT_TRY(load_heads(s, &heads, &n, err));
    struct head last = n ? heads[n - 1] : (struct head){ 0 };
    kt_free(heads);
    if (seq >= last.size) {
        kt_fail(err, KT_NOTFOUND, "event %llu is not under a signed tree head yet (%llu are)", (unsigned long long)seq, (unsigned long long)last.size);
        return kt_hint(err, "heads are signed at the end of each run and every few seconds by the server"), KT_NOTFOUND;
    }
    KT_AUTO(kt_buf) body = KT_BUF_INIT((size_t)128 << 20);
    KT_TRY(kt_audit_show(s, seq, 1, &body, err));
    kt_merkle_path path;
    struct leaves l = { s, 0, err };
    kt_merkle_prove(seq, last.size, stored_leaf, &l, &path);
    KT_TRY(l.rc);
    kt_buf_puts(ret, "{\"karat_proof\":1,\"event\":");
    kt_buf_json(ret, kt_str_trim(KT_BUF_STR(&body)));
    kt_buf_printf(ret, ",\"seq\":%llu,\"size\":%llu,\"at_us\":%lld,\"root\":\"", (unsigned long long)seq, (unsigned long long)last.size,
                  (long long)last.at_us);
    kt_buf_hex(ret, last.root, sizeof(last.root));
    kt_buf_puts(ret, "\",\"path\":[");
    for (size_t i = 0; i < path.n; i++) {
        kt_buf_puts(ret, i ? ",\"" : "\"");
        kt_buf_hex(ret, path.node[i].b, sizeof(path.node[i].b));
        kt_buf_char(ret, '"');
    }
    kt_buf_puts(ret, "],\"signature\":\"");
    kt_buf_hex(ret, last.sig, sizeof(last.sig));
    kt_buf_puts(ret, "\",\"public_key\":\"");
    kt_buf_hex(ret, s->public_key, sizeof(s->public_key));
    kt_buf_puts(ret, "\"}\n");
    return 0;
}

static bool hex_of(kt_str hex, unsigned char *ret, size_t n)
{
    size_t got = 0;
    return sodium_hex2bin(ret, n, hex.p, hex.n, NULL, &got, NULL) == 0 && got == n;
}

static bool read_path(kt_str list, kt_arena *a, kt_merkle_path *ret)
{
    kt_json j = { .s = list };
    bool first = true;
    kt_str hex;
    ret->n = 0;
    if (!kt_json_enter(&j, '['))
        return false;
    while (kt_json_element(&j, &first))
        if (ret->n == KT_MERKLE_MAX_PATH || !kt_json_string(&j, a, &hex) || !hex_of(hex, ret->node[ret->n++].b, KT_HASH_BYTES))
            return false;
    return !j.wrong;
}

kt_rc kt_audit_proof_check(kt_str proof, kt_str public_key_hex, kt_arena *a, kt_str *ret_event, kt_err *err)
{
    unsigned char root[32], sig[64], key[32], expected[32];
    int64_t seq, size, at;
    kt_merkle_path path;
    char text[KT_HEAD_BYTES];
    kt_str event = field_of(proof, "event", a);
    if (sodium_init() < 0 || !event.n || !kt_parse_i64(field_of(proof, "seq", a), 0, INT64_MAX, &seq) ||
        !kt_parse_i64(field_of(proof, "size", a), 1, INT64_MAX, &size) || !kt_parse_i64(field_of(proof, "at_us", a), 0, INT64_MAX, &at) ||
        !hex_of(field_of(proof, "root", a), root, sizeof(root)) || !hex_of(field_of(proof, "signature", a), sig, sizeof(sig)) ||
        !hex_of(field_of(proof, "public_key", a), key, sizeof(key)) || !read_path(field_of(proof, "path", a), a, &path))
        return kt_fail(err, KT_PARSE, "this is no proof made by 'karat audit proof'");
    if (public_key_hex.n && (!hex_of(public_key_hex, expected, sizeof(expected)) || memcmp(expected, key, sizeof(key)) != 0))
        return kt_fail(err, KT_NO, "the proof is signed by another key than the one expected");
    kt_head_bytes((uint64_t)size, root, at, text);
    if (crypto_sign_verify_detached(sig, (const unsigned char *)text, strlen(text), key) != 0)
        return kt_fail(err, KT_NO, "the signature does not hold");
    kt_hash r;
    memcpy(r.b, root, sizeof(r.b));
    if (!kt_merkle_check(kt_merkle_leaf(event), (uint64_t)seq, (uint64_t)size, &path, r))
        return kt_fail(err, KT_NO, "the event is not the one in the signed tree");
    *ret_event = event;
    return 0;
}
