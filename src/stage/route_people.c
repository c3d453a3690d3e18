/* Routing without a machine: everything that has no label yet goes to annotators. What a team does that just wants to label. */
#include "stage/review.h"

#include "base/mem.h"
#include "stage/run.h"
#include "store/column.h"

struct plan {
    uint32_t n, *cluster, *items;
    size_t n_items;
    int16_t *automatic;
    uint8_t *state;
};

static kt_rc load(kt_store *s, const kt_project *p, struct plan *x, kt_err *err)
{
    size_t n = (size_t)x->n + 1;
    x->cluster = kt_alloc_array(n, sizeof(*x->cluster));
    x->items = kt_alloc_array(n, sizeof(*x->items));
    x->automatic = kt_alloc_array(n, sizeof(*x->automatic));
    x->state = kt_alloc(n);
    kt_column_part cluster = { KT_S("cluster"), 0, x->n, 4 }, automatic = { KT_S("auto"), 0, x->n, 2 }, state = { KT_S("state"), 0, x->n, 1 };
    KT_TRY(kt_column_get(s, p->id, &cluster, 0xff, x->cluster, err));
    KT_TRY(kt_column_get(s, p->id, &automatic, 0xff, x->automatic, err));
    return kt_column_get(s, p->id, &state, KT_ITEM_OPEN, x->state, err);
}

/* Canonical items that no stage and nobody has decided. */
static kt_rc choose(kt_store *s, const kt_project *p, struct plan *x, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_consensus *c = NULL;
    size_t n_c, k = 0;
    KT_TRY(kt_consensus_load(s, p->id, &a, &c, &n_c, err));
    for (uint32_t i = 0; i < x->n; i++) {
        while (k < n_c && c[k].item < i)
            k++;
        bool canonical = x->cluster[i] == i || x->cluster[i] >= x->n; /* not deduplicated: every item stands for itself */
        if (canonical && x->automatic[i] < 0 && x->state[i] == KT_ITEM_OPEN && !(k < n_c && c[k].item == i)) {
            x->items[x->n_items++] = i;
            x->state[i] = KT_ITEM_HUMAN;
        }
    }
    kt_free(c);
    return 0;
}

static kt_rc put(kt_store *s, const kt_project *p, struct plan *x, int need, kt_err *err)
{
    kt_column_part state = { KT_S("state"), 0, x->n, 1 };
    KT_TRY(kt_column_write(s, p->id, &state, x->state, "route.states", err));
    KT_TRY(kt_counter_set(s, p->id, KT_ROUTED_TO_PEOPLE, 1, err));
    return kt_queue_add(s, p->id, KT_QUEUE_HUMAN, x->items, x->n_items, need, err);
}

kt_rc kt_route_people(kt_store *s, const kt_project *p, int need, uint64_t *ret_n, kt_err *err)
{
    struct plan x = { .n = p->n_items };
    *ret_n = 0;
    kt_rc rc = load(s, p, &x, err);
    if (rc == 0)
        rc = choose(s, p, &x, err);
    if (rc == 0 && x.n_items) {
        rc = kt_store_begin(s, err);
        if (rc == 0)
            rc = kt_store_finish(s, put(s, p, &x, need, err), err);
    }
    *ret_n = x.n_items;
    kt_free(x.cluster);
    kt_free(x.items);
    kt_free(x.automatic);
    kt_free(x.state);
    return rc;
}
