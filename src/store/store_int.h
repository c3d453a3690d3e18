/* The inside of a kt_store, for files of this folder only. */
#ifndef KT_STORE_STORE_INT_H
#define KT_STORE_STORE_INT_H

#include "store/store.h"

#include <limits.h>

/* The audit tree's state: roots of the perfect subtrees of the bits of size, largest first. */
typedef struct kt_audit_state {
    uint64_t size, signed_size;
    unsigned char peak[64][32];
} kt_audit_state;

/* What the open transaction has added to kept counts; they meet the table at its commit (counter.c). */
typedef struct kt_counts {
    size_t n;
    struct kt_count {
        int64_t project, by, base;
        bool known; /* base is what the table says */
        size_t len;
        char name[40];
    } row[24];
} kt_counts;

struct kt_store {
    kt_db *db;
    kt_blobs *blobs;
    kt_store_mode mode;
    int lock_fd;
    bool shared; /* another writer of this process may have appended to the log */
    int64_t fixed_now; /* 0: the wall clock */
    kt_audit_state audit, audit_begin, audit_mark; /* now; as the transaction began; as the mark was set */
    kt_counts counts, counts_mark;
    unsigned char secret_key[64], public_key[32];
    char dir[PATH_MAX - 64];
};

kt_rc kt_audit_load_keys(kt_store *s, kt_err *err) KT_MUST_USE;
kt_rc kt_audit_load(kt_store *s, kt_err *err) KT_MUST_USE; /* state */
kt_rc kt_audit_save(kt_store *s, kt_err *err) KT_MUST_USE; /* state, before a commit */
kt_rc kt_counts_save(kt_store *s, kt_err *err) KT_MUST_USE; /* before a commit */
kt_rc kt_audit_make_key(const char *dir, kt_err *err) KT_MUST_USE;

#endif
