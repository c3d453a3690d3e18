/* A parcel into the store. */
#include "base/str.h"
#include "stage/ingest_int.h"
#include "store/audit.h"
#include "store/column.h"

/* Writes a column's part and adds its digests to the event being made. */
static kt_rc put_column(kt_store *s, int64_t project, const kt_column_part *whole, const void *v, kt_buf *digests, kt_err *err)
{
    kt_digest d;
    for (size_t at = 0; at < whole->n; at += KT_COLUMN_CHUNK) {
        kt_column_part part = *whole;
        part.first += (uint32_t)at;
        part.n = (uint32_t)KT_MIN(whole->n - at, (size_t)KT_COLUMN_CHUNK);
        KT_TRY(kt_column_put(s, project, &part, (const char *)v + at * part.width, &d, err));
        kt_buf_puts(digests, digests->n ? ",\"" : "\"");
        kt_buf_hex(digests, d.b, sizeof(d.b));
        kt_buf_char(digests, '"');
    }
    return 0;
}

static kt_rc put_columns(kt_store *s, int64_t project, const struct kt_parcel *x, kt_buf *digests, kt_err *err)
{
    const struct {
        const char *name;
        uint32_t width;
        const void *v;
    } column[] = { { "id_hash", 8, x->id.v }, { "content_low", 8, x->low.v }, { "content_high", 8, x->high.v }, { "exact", 4, x->canonical.v },
                   { "truth", 2, x->truth.v }, { "gold", 2, x->gold.v }, { "group", 8, x->group.v } };
    for (size_t i = 0; i < KT_LEN(column); i++) {
        const kt_column_part part = { kt_str_of(column[i].name), x->first, (uint32_t)x->n, column[i].width };
        KT_TRY(put_column(s, project, &part, column[i].v, digests, err));
    }
    return 0;
}

static kt_rc put_items(kt_store *s, int64_t project, const struct kt_parcel *x, kt_err *err)
{
    KT_TRY(kt_items_put(s, project, x->first, x->frames, x->n_blocks, err));
    KT_AUTO(kt_buf) digests = KT_BUF_INIT((size_t)1 << 20);
    KT_TRY(put_columns(s, project, x, &digests, err));
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
    kt_buf_printf(&b, "{\"first\":%u,\"n\":%zu,\"blobs\":[", x->first, x->n);
    kt_buf_str(&b, KT_BUF_STR(&digests));
    kt_buf_puts(&b, "]}");
    const kt_event e = { KT_S("karat"), KT_S("items.columns"), project, -1, KT_BUF_STR(&b) };
    return kt_audit_append(s, &e, NULL, err);
}

static kt_rc put(kt_store *s, int64_t project, kt_str path, const struct kt_parcel *x, uint64_t *n_rejected, kt_err *err)
{
    for (size_t b = 0; b < x->n_blocks; b++)
        KT_TRY(kt_rejects_put(s, project, path, x->rejects[b].v, x->rejects[b].n, n_rejected, err));
    if (x->n)
        KT_TRY(put_items(s, project, x, err));
    return kt_place_put(s, project, path, &x->after, err);
}

kt_rc kt_parcel_store(kt_store *s, kt_project *p, const kt_source_config *config, const struct kt_parcel *x, kt_ingested *ret, kt_err *err)
{
    uint64_t n_rejected = 0;
    KT_TRY(kt_store_begin(s, err));
    KT_TRY(kt_store_finish(s, put(s, p->id, kt_str_of(config->path), x, &n_rejected, err), err));
    p->n_items = x->first + (uint32_t)x->n;
    ret->n_added += x->n;
    ret->n_rejected += n_rejected;
    return 0;
}

void kt_parcel_done(struct kt_parcel *x)
{
    for (size_t b = 0; b < KT_WAVE_BLOCKS; b++) {
        kt_frames_done(&x->frames[b]);
        kt_rejects_done(&x->rejects[b]);
    }
    KT_VEC_DONE(&x->id);
    KT_VEC_DONE(&x->low);
    KT_VEC_DONE(&x->high);
    KT_VEC_DONE(&x->group);
    KT_VEC_DONE(&x->canonical);
    KT_VEC_DONE(&x->truth);
    KT_VEC_DONE(&x->gold);
}
