/* A chunk's blob: bytes of the values transposed (all first bytes, all second bytes, …: numbers compress better so),
   then zstd. The first byte of the payload is the format's version. */
#include "store/column.h"

#include "base/mem.h"
#include "base/str.h"
#include "store/audit.h"

#include <string.h>
#include <zstd.h>

#define FORMAT 1

static void transpose(const unsigned char *from, unsigned char *to, size_t n, size_t width)
{
    for (size_t w = 0; w < width; w++)
        for (size_t i = 0; i < n; i++)
            to[w * n + i] = from[i * width + w];
}

static void untranspose(const unsigned char *from, unsigned char *to, size_t n, size_t width)
{
    for (size_t w = 0; w < width; w++)
        for (size_t i = 0; i < n; i++)
            to[i * width + w] = from[w * n + i];
}

kt_rc kt_column_put(kt_store *s, int64_t project, const kt_column_part *part, const void *values, kt_digest *ret_digest,
                    kt_err *err)
{
    size_t raw = (size_t)part->n * part->width, room = ZSTD_compressBound(raw) + 1;
    unsigned char *flat = kt_alloc(raw), *out = kt_alloc(room);
    transpose(values, flat, part->n, part->width);
    out[0] = FORMAT;
    size_t n = ZSTD_compress(out + 1, room - 1, flat, raw, 1);
    kt_digest d;
    kt_rc rc = ZSTD_isError(n) ? kt_fail(err, KT_NOMEM, "compressing a column: %s", ZSTD_getErrorName(n))
                               : kt_blob_put(kt_store_blobs(s), (kt_str){ (char *)out, n + 1 }, &d, err);
    kt_free(flat);
    kt_free(out);
    KT_TRY(rc);
    if (ret_digest)
        *ret_digest = d;
    return kt_db_run(kt_store_db(s), err,
                     "INSERT INTO column_chunk VALUES($1,$2,$3,$4,$5,$6) ON CONFLICT(project,name,first) DO UPDATE SET"
                     " n=excluded.n,width=excluded.width,digest=excluded.digest",
                     "isiiib", project, part->name, (int64_t)part->first, (int64_t)part->n, (int64_t)part->width,
                     (kt_str){ (char *)d.b, sizeof(d.b) });
}

/* The n × width bytes of a chunk's blob into ret. */
static kt_rc decode(kt_str blob, size_t n, size_t width, unsigned char *ret, kt_err *err)
{
    if (blob.n < 2 || blob.p[0] != FORMAT)
        return kt_fail(err, KT_CORRUPT, "a column chunk has an unknown format");
    unsigned char *flat = kt_alloc(n * width);
    size_t got = ZSTD_decompress(flat, n * width, blob.p + 1, blob.n - 1);
    if (got == n * width)
        untranspose(flat, ret, n, width);
    kt_free(flat);
    return got == n * width ? 0 : kt_fail(err, KT_CORRUPT, "a column chunk does not unpack to %zu values", n);
}

static kt_rc unpack(kt_store *s, const kt_digest *d, size_t n, size_t width, unsigned char *ret, kt_err *err)
{
    kt_blob blob;
    KT_TRY(kt_blob_map(kt_store_blobs(s), d, false, &blob, err));
    kt_rc rc = decode(blob.data, n, width, ret, err);
    kt_blob_unmap(&blob);
    return rc;
}

/* Copies what chunk [first, first + n) shares with the wanted part. */
static kt_rc copy_chunk(kt_store *s, const kt_column_part *part, kt_stmt *row, unsigned char *ret, kt_err *err)
{
    uint32_t first = (uint32_t)kt_stmt_i64(row, 0), n = (uint32_t)kt_stmt_i64(row, 1);
    kt_str digest = kt_stmt_str(row, 3);
    kt_digest d;
    if (digest.n != sizeof(d.b) || kt_stmt_i64(row, 2) != (int64_t)part->width)
        return kt_fail(err, KT_CORRUPT, "column %.*s has values of another width", KT_F(part->name));
    memcpy(d.b, digest.p, sizeof(d.b));
    uint32_t from = KT_MAX(first, part->first), to = KT_MIN(first + n, part->first + part->n);
    if (from == first && to == first + n)
        return unpack(s, &d, n, part->width, ret + (size_t)(from - part->first) * part->width, err);
    unsigned char *all = kt_alloc_array(n, part->width);
    kt_rc rc = unpack(s, &d, n, part->width, all, err);
    if (rc == 0 && from < to)
        memcpy(ret + (size_t)(from - part->first) * part->width, all + (size_t)(from - first) * part->width,
               (size_t)(to - from) * part->width);
    kt_free(all);
    return rc;
}

kt_rc kt_column_get(kt_store *s, int64_t project, const kt_column_part *part, int fill, void *ret, kt_err *err)
{
    memset(ret, fill, (size_t)part->n * part->width);
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT first,n,width,digest FROM column_chunk WHERE project=$1 AND name=$2 AND first<$3 AND"
                       " first+n>$4 ORDER BY first",
                       "isii", project, part->name, (int64_t)part->first + part->n, (int64_t)part->first));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        if ((rc = copy_chunk(s, part, st, ret, err)) < 0)
            break;
    kt_stmt_done(st);
    return rc < 0 ? kt_context(err, "column %.*s", KT_F(part->name)) : 0;
}

kt_rc kt_column_add(kt_column_out *o, const void *values, uint32_t n, kt_err *err)
{
    KT_ASSERT(n <= KT_COLUMN_CHUNK && o->part.n % KT_COLUMN_CHUNK == 0);
    kt_column_part p = o->part;
    kt_digest d;
    p.first += p.n;
    p.n = n;
    KT_TRY(kt_column_put(o->s, o->project, &p, values, &d, err));
    kt_buf_puts(&o->digests, o->part.n ? ",\"" : "\"");
    kt_buf_hex(&o->digests, d.b, sizeof(d.b));
    kt_buf_char(&o->digests, '"');
    o->part.n += n;
    return 0;
}

kt_rc kt_column_end(kt_column_out *o, const char *kind, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    kt_buf_puts(&b, "{\"column\":");
    kt_buf_json(&b, o->part.name);
    kt_buf_printf(&b, ",\"first\":%u,\"n\":%u,\"blobs\":[", o->part.first, o->part.n);
    kt_buf_str(&b, KT_BUF_STR(&o->digests));
    kt_buf_puts(&b, "]}");
    const kt_event e = { KT_S("karat"), kt_str_of(kind), o->project, -1, KT_BUF_STR(&b) };
    return kt_audit_append(o->s, &e, NULL, err);
}

void kt_column_out_done(kt_column_out *o)
{
    kt_buf_done(&o->digests);
}

kt_rc kt_column_write(kt_store *s, int64_t project, const kt_column_part *part, const void *values, const char *kind,
                      kt_err *err)
{
    KT_AUTO(kt_column_out) o = KT_COLUMN_OUT(s, project, part->name, part->first, part->width);
    for (uint32_t at = 0; at < part->n; at += KT_COLUMN_CHUNK)
        KT_TRY(kt_column_add(&o, (const char *)values + (size_t)at * part->width, KT_MIN(KT_COLUMN_CHUNK, part->n - at), err));
    return kt_column_end(&o, kind, err);
}
