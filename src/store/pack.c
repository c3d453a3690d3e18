/* A chunk's blob: the format's number, then zstd, which knows how long it comes out. Rows are those of columns, with a width of 0. */
#include "store/pack.h"

#include "base/mem.h"
#include "base/str.h"

#include <zstd.h>

#define FORMAT 2
#define MOST ((size_t)4 << 30) /* of one chunk, unpacked */

kt_rc kt_pack_put(kt_store *s, int64_t project, kt_str name, uint32_t first, uint32_t n, kt_str bytes, kt_digest *ret_digest, kt_err *err)
{
    size_t room = ZSTD_compressBound(bytes.n) + 1;
    unsigned char *out = kt_alloc(room);
    out[0] = FORMAT;
    size_t packed = ZSTD_compress(out + 1, room - 1, bytes.p, bytes.n, 3);
    kt_rc rc = ZSTD_isError(packed) ? kt_fail(err, KT_NOMEM, "compressing a chunk of %.*s: %s", KT_F(name), ZSTD_getErrorName(packed))
                                    : kt_blob_put(kt_store_blobs(s), (kt_str){ (char *)out, packed + 1 }, ret_digest, err);
    kt_free(out);
    KT_TRY(rc);
    return kt_db_run(kt_store_db(s), err,
                     "INSERT INTO column_chunk VALUES($1,$2,$3,$4,0,$5) ON CONFLICT(project,name,first) DO UPDATE SET"
                     " n=excluded.n,width=excluded.width,digest=excluded.digest",
                     "isiib", project, name, (int64_t)first, (int64_t)n, (kt_str){ (char *)ret_digest->b, sizeof(ret_digest->b) });
}

kt_rc kt_pack_add(kt_column_out *o, kt_str bytes, uint32_t n, kt_err *err)
{
    kt_digest d;
    KT_ASSERT(n <= KT_COLUMN_CHUNK && o->part.n % KT_COLUMN_CHUNK == 0);
    KT_TRY(kt_pack_put(o->s, o->project, o->part.name, o->part.first + o->part.n, n, bytes, &d, err));
    kt_buf_puts(&o->digests, o->part.n ? ",\"" : "\"");
    kt_buf_hex(&o->digests, d.b, sizeof(d.b));
    kt_buf_char(&o->digests, '"');
    o->part.n += n;
    return 0;
}

static kt_rc unpack(kt_str blob, kt_buf *ret, kt_err *err)
{
    unsigned long long n = blob.n < 2 || blob.p[0] != FORMAT ? ZSTD_CONTENTSIZE_ERROR : ZSTD_getFrameContentSize(blob.p + 1, blob.n - 1);
    if (n == ZSTD_CONTENTSIZE_ERROR || n == ZSTD_CONTENTSIZE_UNKNOWN || n > MOST)
        return kt_fail(err, KT_CORRUPT, "a chunk has an unknown format");
    char *out = kt_alloc((size_t)n + 1);
    bool ok = ZSTD_decompress(out, (size_t)n, blob.p + 1, blob.n - 1) == n;
    if (ok)
        kt_buf_add(ret, out, (size_t)n);
    kt_free(out);
    return ok ? 0 : kt_fail(err, KT_CORRUPT, "a chunk does not unpack");
}

kt_rc kt_pack_get(kt_store *s, int64_t project, kt_str name, uint32_t first, kt_buf *ret, kt_err *err)
{
    kt_stmt *st;
    kt_digest d = { 0 };
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT digest FROM column_chunk WHERE project=$1 AND name=$2 AND first=$3 AND width=0", "isi", project, name, (int64_t)first));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0) {
        kt_str digest = kt_stmt_str(st, 0);
        rc = digest.n == sizeof(d.b) ? 0 : kt_fail(err, KT_CORRUPT, "a row of %.*s has no digest", KT_F(name));
        memcpy(d.b, digest.p, KT_MIN(digest.n, sizeof(d.b)));
    }
    kt_stmt_done(st);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    kt_blob blob;
    KT_TRY(kt_blob_map(kt_store_blobs(s), &d, true, &blob, err));
    rc = unpack(blob.data, ret, err);
    kt_blob_unmap(&blob);
    return rc < 0 ? kt_context(err, "column %.*s", KT_F(name)) : 0;
}

kt_rc kt_pack_has(kt_store *s, int64_t project, kt_str name, uint32_t first, bool *ret, kt_err *err)
{
    int64_t one;
    kt_rc rc = kt_db_i64(kt_store_db(s), &one, err, "SELECT 1 FROM column_chunk WHERE project=$1 AND name=$2 AND first=$3 AND width=0", "isi", project, name, (int64_t)first);
    *ret = rc == 0;
    return KT_MIN(rc, 0);
}
