/* The votes of all labeling functions, a column chunk at a time: votes of a thousand functions on millions of items do not fit
   into memory. */
#include "base/mem.h"
#include "base/str.h"
#include "stage/machine.h"
#include "store/column.h"

struct work {
    const uint32_t *cluster;
    uint32_t m, first;
    kt_functions_scratch *scratch[KT_SCAN_SLOTS];
    int16_t *vote; /* of the chunk that begins at first */
};

static kt_rc apply(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)err;
    struct work *w = ctx;
    for (size_t i = 0; i < n; i++) {
        int16_t *row = w->vote + (size_t)(items[i].number - w->first) * w->m;
        if (w->cluster[items[i].number] == items[i].number)
            kt_functions_apply(w->scratch[slot], items[i].text, items[i].meta, row);
        else
            memset(row, 0xff, w->m * sizeof(*row)); /* KT_ABSTAIN */
    }
    return 0;
}

/* In a transaction. */
static kt_rc apply_all(kt_item_reader *r, uint32_t n, struct work *w, kt_pool *pool, kt_progress *progress, kt_column_out *out, kt_err *err)
{
    for (w->first = 0; w->first < n; w->first += KT_COLUMN_CHUNK) {
        uint32_t k = KT_MIN(KT_COLUMN_CHUNK, n - w->first);
        KT_TRY(kt_item_scan(r, w->first, k, pool, apply, w, err));
        KT_TRY(kt_column_add(out, w->vote, k, err));
        KT_TRY(kt_progress_step(progress, w->first, err));
    }
    return kt_column_end(out, "functions.votes", err);
}

static void gather_faults(struct work *w, kt_function_fault *ret)
{
    for (int i = 0; i < KT_SCAN_SLOTS && w->scratch[i]; i++) {
        const kt_function_fault *x = kt_functions_faults(w->scratch[i]);
        for (uint32_t j = 0; j < w->m; j++) {
            if (x[j].n && !ret[j].n)
                memcpy(ret[j].first, x[j].first, sizeof(x[j].first));
            ret[j].n += x[j].n;
        }
    }
}

kt_rc kt_functions_run(kt_store *s, const kt_project *p, const kt_functions *f, const uint32_t *cluster, kt_pool *pool,
                       kt_progress *progress, kt_str done_key, kt_function_fault *ret_faults, kt_err *err)
{
    struct work w = { .cluster = cluster, .m = kt_functions_count(f) };
    kt_item_reader *r = NULL;
    KT_AUTO(kt_column_out) out = KT_COLUMN_OUT(s, p->id, KT_S("lf"), 0, w.m * (uint32_t)sizeof(*w.vote));
    kt_rc rc = w.m ? kt_item_reader_new(s, p->id, &r, err) : 0;
    for (int i = 0; i < KT_SCAN_SLOTS && rc == 0 && w.m; i++)
        rc = kt_functions_scratch_new(f, &w.scratch[i], err);
    w.vote = kt_alloc_array(KT_COLUMN_CHUNK, (w.m + 1) * sizeof(*w.vote));
    kt_progress_begin(progress, "functions", p->n_items);
    if (rc == 0)
        rc = kt_store_begin(s, err);
    if (rc == 0) {
        if (w.m)
            rc = apply_all(r, p->n_items, &w, pool, progress, &out, err);
        if (rc == 0)
            rc = kt_doc_put(s, p->id, KT_S("functions.done"), done_key, err);
        rc = kt_store_finish(s, rc, err);
    }
    kt_progress_end(progress);
    gather_faults(&w, ret_faults);
    for (int i = 0; i < KT_SCAN_SLOTS; i++)
        kt_functions_scratch_free(w.scratch[i]);
    kt_free(w.vote);
    kt_item_reader_free(r);
    return rc;
}
