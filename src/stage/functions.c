#include "base/mem.h"
#include "base/str.h"
#include "stage/machine.h"
#include "store/column.h"

struct work {
    const uint32_t *cluster;
    uint32_t m;
    kt_functions_scratch *scratch[KT_SCAN_SLOTS];
    int16_t *vote;
};

static kt_rc apply(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)err;
    struct work *w = ctx;
    for (size_t i = 0; i < n; i++) {
        int16_t *row = w->vote + (size_t)items[i].number * w->m;
        if (w->cluster[items[i].number] == items[i].number)
            kt_functions_apply(w->scratch[slot], items[i].text, items[i].meta, row);
        else
            memset(row, 0xff, w->m * sizeof(*row)); /* KT_ABSTAIN */
    }
    return 0;
}

kt_rc kt_functions_run(kt_store *s, const kt_project *p, const kt_functions *f, const uint32_t *cluster, kt_pool *pool,
                       kt_str done_key, kt_function_votes *ret, kt_err *err)
{
    struct work w = { .cluster = cluster, .m = kt_functions_count(f), .vote = ret->vote };
    kt_item_reader *r = NULL;
    kt_rc rc = kt_item_reader_new(s, p->id, &r, err);
    for (int i = 0; i < KT_SCAN_SLOTS && rc == 0; i++)
        rc = kt_functions_scratch_new(f, &w.scratch[i], err);
    if (rc == 0)
        rc = kt_item_scan(r, 0, p->n_items, pool, apply, &w, err);
    for (int i = 0; i < KT_SCAN_SLOTS && w.scratch[i]; i++) {
        const kt_function_fault *x = kt_functions_faults(w.scratch[i]);
        for (uint32_t j = 0; j < w.m; j++) {
            if (x[j].n && !ret->faults[j].n)
                memcpy(ret->faults[j].first, x[j].first, sizeof(x[j].first));
            ret->faults[j].n += x[j].n;
        }
        kt_functions_scratch_free(w.scratch[i]);
    }
    kt_item_reader_free(r);
    KT_TRY(rc);
    kt_column_part part = { KT_S("lf"), 0, p->n_items, w.m * 2 };
    KT_TRY(kt_store_begin(s, err));
    rc = w.m ? kt_column_write(s, p->id, &part, ret->vote, "functions.votes", err) : 0;
    if (rc == 0)
        rc = kt_doc_put(s, p->id, KT_S("functions.done"), done_key, err);
    return kt_store_finish(s, rc, err);
}
