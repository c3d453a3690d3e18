/* Content-addressed bytes: a blob's name is its BLAKE2b-256 digest, so it can be checked, shared and never changes. */
#ifndef KT_BLOB_BLOB_H
#define KT_BLOB_BLOB_H

#include "base/err.h"

typedef struct kt_blobs kt_blobs;
typedef struct kt_digest {
    unsigned char b[32];
} kt_digest;

/* Bytes of a blob, mapped; kt_blob_unmap when done. */
typedef struct kt_blob {
    kt_str data;
    void *map;
} kt_blob;

kt_rc kt_blobs_open(const char *dir, bool write, kt_blobs **ret, kt_err *err) KT_MUST_USE;
kt_blobs *kt_blobs_close(kt_blobs *bs);

kt_digest kt_digest_of(kt_str data);
/* Writes data (nothing when it is there); durable only after kt_blobs_sync. Any thread. */
kt_rc kt_blob_put(kt_blobs *bs, kt_str data, kt_digest *ret, kt_err *err) KT_MUST_USE;
/* The same for bytes that lie in n parts, in order. */
kt_rc kt_blob_put_parts(kt_blobs *bs, const kt_str *part, size_t n, kt_digest *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_blobs_sync(kt_blobs *bs, kt_err *err) KT_MUST_USE;
/* KT_NOTFOUND when absent; KT_CORRUPT, with check, when the bytes do not hash to d. Any thread. */
kt_rc kt_blob_map(kt_blobs *bs, const kt_digest *d, bool check, kt_blob *ret, kt_err *err) KT_MUST_USE;
void kt_blob_unmap(kt_blob *b);
/* Bytes [from, to) will not be read again soon: their pages need not stay in memory. */
void kt_blob_forget(const kt_blob *b, size_t from, size_t to);
/* Removes blobs older than the call that are not in keep (sorted, n): what a killed run left behind. */
kt_rc kt_blobs_sweep(kt_blobs *bs, const kt_digest *keep, size_t n, uint64_t *ret_removed, kt_err *err) KT_MUST_USE;

#endif
