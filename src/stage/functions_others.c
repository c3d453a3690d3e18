/* What other projects of the workspace say, for functions that ask them. Items are the same when their external ids are. */
#include "stage/machine.h"

#include "base/mem.h"
#include "base/str.h"
#include "stage/run.h"
#include "store/column.h"
#include "store/consensus.h"

struct said {
    uint64_t hash;
    int16_t label;
};

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const struct said *)a)->hash, y = ((const struct said *)b)->hash;
    return (x > y) - (x < y);
}

static kt_rc column(kt_store *s, const kt_project *p, const char *name, uint32_t width, int fill, void *ret, kt_err *err)
{
    kt_column_part part = { kt_str_of(name), 0, p->n_items, width };
    return kt_column_get(s, p->id, &part, fill, ret, err);
}

/* Label numbers of the other project, -1: none. */
static kt_rc final_labels(kt_store *s, const kt_project *p, int16_t *ret, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_consensus *v;
    size_t n;
    KT_TRY(column(s, p, "auto", sizeof(*ret), 0xff, ret, err));
    KT_TRY(kt_consensus_load(s, p->id, &a, &v, &n, err));
    for (size_t i = 0; i < n; i++)
        if (v[i].item < p->n_items)
            ret[v[i].item] = (int16_t)v[i].label;
    kt_free(v);
    return 0;
}

static kt_rc predicted_labels(kt_store *s, const kt_project *p, int16_t *ret, kt_err *err)
{
    kt_prediction *v = kt_alloc_array((size_t)p->n_items + 1, sizeof(*v));
    kt_rc rc = column(s, p, "pred", sizeof(*v), 0xff, v, err);
    for (uint32_t i = 0; i < p->n_items && rc == 0; i++)
        ret[i] = (int16_t)v[i].label;
    kt_free(v);
    return rc;
}

/* Sorted by hash, in this project's labels; what has none is left out. */
static void gather(const kt_project *p, const uint64_t *hash, const int16_t *label, const int16_t *ours, kt_arena *a, kt_other *ret)
{
    struct said *v = kt_alloc_array((size_t)p->n_items + 1, sizeof(*v));
    size_t n = 0;
    for (uint32_t i = 0; i < p->n_items; i++)
        if (label[i] >= 0 && (uint32_t)label[i] < p->n_labels && ours[label[i]] >= 0)
            v[n++] = (struct said){ hash[i], ours[label[i]] };
    qsort(v, n, sizeof(*v), by_hash);
    uint64_t *h = kt_arena_array(a, n + 1, sizeof(*h));
    int16_t *l = kt_arena_array(a, n + 1, sizeof(*l));
    for (size_t i = 0; i < n; i++) {
        h[i] = v[i].hash;
        l[i] = v[i].label;
    }
    *ret = (kt_other){ n, h, l };
    kt_free(v);
}

kt_rc kt_functions_other(void *ctx, kt_str project, bool predictions, const kt_str *labels, uint32_t n_labels, kt_arena *a, kt_other *ret, kt_err *err)
{
    kt_store *s = ctx;
    kt_project p;
    KT_AUTO(kt_arena) mine = KT_ARENA_INIT;
    if (!project.n)
        return kt_fail(err, KT_RANGE, "project wants the name of another project of the workspace");
    KT_TRY(kt_project_get(s, project, &mine, &p, err));
    if (p.task != KT_TASK_CLASSES)
        return kt_fail(err, KT_RANGE, "project %.*s has task %s, so it has no single label of an item to say", KT_F(p.name), kt_task_names[p.task]);
    int16_t *ours = kt_arena_array(&mine, (size_t)p.n_labels + 1, sizeof(*ours));
    uint32_t n_shared = 0;
    for (uint32_t i = 0; i < p.n_labels; i++) {
        ours[i] = -1;
        for (uint32_t k = 0; k < n_labels; k++)
            if (kt_str_eq(p.label[i], labels[k]))
                ours[i] = (int16_t)k;
        n_shared += ours[i] >= 0;
    }
    if (!n_shared)
        return kt_fail(err, KT_RANGE, "project %.*s has no label of a name this one has", KT_F(p.name));
    uint64_t *hash = kt_alloc_array((size_t)p.n_items + 1, sizeof(*hash));
    int16_t *label = kt_alloc_array((size_t)p.n_items + 1, sizeof(*label));
    kt_rc rc = column(s, &p, "id_hash", sizeof(*hash), 0, hash, err);
    if (rc == 0)
        rc = predictions ? predicted_labels(s, &p, label, err) : final_labels(s, &p, label, err);
    if (rc == 0)
        gather(&p, hash, label, ours, a, ret);
    kt_free(hash);
    kt_free(label);
    return rc;
}
