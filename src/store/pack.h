/* Columns whose values are of any length: a chunk of KT_COLUMN_CHUNK items is one run of bytes, which whoever writes them can take apart; each
   is a blob and a row, beside those of store/column.h. */
#ifndef KT_STORE_PACK_H
#define KT_STORE_PACK_H

#include "base/buf.h"
#include "store/column.h"

/* The chunk that begins at item first; n items. Part of the current transaction. ret_digest: of the payload, for the event. */
kt_rc kt_pack_put(kt_store *s, int64_t project, kt_str name, uint32_t first, uint32_t n, kt_str bytes, kt_digest *ret_digest, kt_err *err) KT_MUST_USE;
/* The next chunk of a column written piece by piece (store/column.h). */
kt_rc kt_pack_add(kt_column_out *o, kt_str bytes, uint32_t n, kt_err *err) KT_MUST_USE;
/* Adds the bytes of the chunk that begins at first to ret; none when it was never written. KT_CORRUPT when it fails its digest. */
kt_rc kt_pack_get(kt_store *s, int64_t project, kt_str name, uint32_t first, kt_buf *ret, kt_err *err) KT_MUST_USE;
/* Whether the chunk that begins at first was ever written. */
kt_rc kt_pack_has(kt_store *s, int64_t project, kt_str name, uint32_t first, bool *ret, kt_err *err) KT_MUST_USE;

#endif
