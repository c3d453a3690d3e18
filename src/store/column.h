/* Columns: one fixed-size value per item, in compressed chunks of KT_COLUMN_CHUNK items; each chunk is a blob and a row.
   Machine predictions, duplicate clusters, routes and hashes live here. */
#ifndef KT_STORE_COLUMN_H
#define KT_STORE_COLUMN_H

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
/* Writes a whole column in chunks; one audit event of `kind` with the digests. */
kt_rc kt_column_write(kt_store *s, int64_t project, const kt_column_part *part, const void *values, const char *kind,
                      kt_err *err) KT_MUST_USE;

#endif
