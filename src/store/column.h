/* Columns: one fixed-size value per item, in compressed chunks of KT_COLUMN_CHUNK items; each chunk is a blob and a row.
   Machine predictions, duplicate clusters, routes and hashes live here. */
#ifndef KT_STORE_COLUMN_H
#define KT_STORE_COLUMN_H

#include "base/buf.h"
#include "store/store.h"

#define KT_COLUMN_CHUNK 65536u

/* Writes values of items [first, first + n) of a column, replacing what started at first; ret_digest (may be NULL) is
   of the payload, for the event. Part of the current transaction. width: bytes per value. */
typedef struct kt_column_part {
    kt_str name;
    uint32_t first, n, width;
} kt_column_part;
kt_rc kt_column_put(kt_store *s, int64_t project, const kt_column_part *part, const void *values, kt_digest *ret_digest,
                    kt_err *err) KT_MUST_USE;
/* Reads [first, first + n); items never written get `fill` in every byte. KT_CORRUPT when a chunk fails its digest. */
kt_rc kt_column_get(kt_store *s, int64_t project, const kt_column_part *part, int fill, void *ret, kt_err *err) KT_MUST_USE;
/* A column written piece by piece, in the current transaction: start from KT_COLUMN_OUT, add the values of the next n items
   (KT_COLUMN_CHUNK but for the last piece), end with one audit event of `kind` with the digests. */
typedef struct kt_column_out {
    kt_store *s;
    int64_t project;
    kt_column_part part; /* n: items so far */
    kt_buf digests;
} kt_column_out;
#define KT_COLUMN_OUT(store, project_id, column, first_item, bytes) \
    { (store), (project_id), { (column), (first_item), 0, (bytes) }, KT_BUF_INIT((size_t)64 << 20) }
kt_rc kt_column_add(kt_column_out *o, const void *values, uint32_t n, kt_err *err) KT_MUST_USE;
kt_rc kt_column_end(kt_column_out *o, const char *kind, kt_err *err) KT_MUST_USE;
void kt_column_out_done(kt_column_out *o);
/* Writes a whole column in chunks; one audit event of `kind` with the digests. */
kt_rc kt_column_write(kt_store *s, int64_t project, const kt_column_part *part, const void *values, const char *kind,
                      kt_err *err) KT_MUST_USE;

#endif
