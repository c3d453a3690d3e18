/* The audit log: an append-only Merkle tree (RFC 6962, SHA-256) over events, with tree heads signed by the workspace's
   Ed25519 key. An event is appended in the transaction of the change it tells of. */
#ifndef KT_STORE_AUDIT_H
#define KT_STORE_AUDIT_H

#include "base/buf.h"
#include "base/progress.h"
#include "store/store.h"

typedef struct kt_event {
    kt_str actor;    /* "user:ada", "karat", "function:kernel_words@1", "simulated:annotator-3" */
    kt_str kind;     /* "annotation.submit", "items.ingest", … */
    int64_t project; /* 0: of the workspace */
    int64_t item;    /* -1: no single item */
    kt_str data;     /* a JSON object's text */
} kt_event;

/* Appends to the log within the current transaction. Sequence numbers count from 0 without gaps. */
kt_rc kt_audit_append(kt_store *s, const kt_event *e, uint64_t *ret_seq, kt_err *err) KT_MUST_USE;
/* Signs the tree as it stands, if it grew since the last head. In a transaction. */
kt_rc kt_audit_sign(kt_store *s, kt_err *err) KT_MUST_USE;
/* Size and root (of what is appended so far). */
void kt_audit_root(const kt_store *s, uint64_t *ret_size, unsigned char ret_root[32]);

typedef struct kt_audit_finding {
    uint64_t seq;      /* event, or tree size for a head */
    char what[24];     /* "changed", "missing", "reordered", "head", "data" */
    char detail[200];
} kt_audit_finding;

typedef struct kt_audit_report {
    uint64_t n_events, n_heads, n_blobs, n_findings; /* n_findings counts all; the first 100 are kept */
    kt_audit_finding finding[100];
    unsigned char root[32];
} kt_audit_report;

/* Reads everything: events, heads, and the rows and blobs events speak of. Finding something is no error: KT_NO with
   the report filled. */
kt_rc kt_audit_verify(kt_store *s, kt_progress *p, kt_audit_report *ret, kt_err *err) KT_MUST_USE;
/* A self-contained JSON proof that the event is in the log under the last signed head. */
kt_rc kt_audit_proof(kt_store *s, uint64_t seq, kt_buf *ret, kt_err *err) KT_MUST_USE;
/* Checks a proof with nothing but itself and, when given, the expected public key (hex). KT_NO: does not hold. */
kt_rc kt_audit_proof_check(kt_str proof, kt_str public_key_hex, kt_arena *a, kt_str *ret_event, kt_err *err) KT_MUST_USE;
/* Events of [from, from + n) as JSON lines into ret. */
kt_rc kt_audit_show(kt_store *s, uint64_t from, uint64_t n, kt_buf *ret, kt_err *err) KT_MUST_USE;

#endif
