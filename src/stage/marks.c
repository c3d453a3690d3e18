/* The marks of all functions, a column chunk at a time, item by item and function by function. */
#include "stage/marks.h"

#include "base/mem.h"
#include "base/str.h"
#include "store/pack.h"

kt_rc kt_task_needs_classes(kt_task task, const char *what, kt_err *err)
{
    if (task == KT_TASK_CLASSES)
        return 0;
    return kt_fail(err, KT_RANGE, "%s is not there for task %s", what, kt_task_names[task]);
}

kt_rc kt_marks_read(kt_store *s, int64_t project, uint32_t first, kt_marks *ret, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 30);
    *ret = (kt_marks){ 0 };
    KT_TRY(kt_pack_get(s, project, KT_MARKS, first, &b, err));
    if (b.n % sizeof(kt_mark))
        return kt_fail(err, KT_CORRUPT, "column marks holds %zu bytes at item %u, which are no whole marks", b.n, first);
    ret->n = ret->cap = b.n / sizeof(kt_mark);
    ret->v = kt_alloc_array(ret->cap + 1, sizeof(kt_mark));
    if (b.n)
        memcpy(ret->v, b.p, b.n);
    return 0;
}

struct scan {
    const kt_marks_work *w;
    uint32_t first;
    kt_marks of[KT_SCAN_SLOTS];
    kt_item *open[KT_SCAN_SLOTS];
};

#define MOST_ITEMS 1024 /* in one part of a scan */

static kt_rc mark_part(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)err;
    struct scan *x = ctx;
    size_t k = 0;
    KT_ASSERT(n <= MOST_ITEMS);
    for (size_t i = 0; i < n; i++)
        if (x->w->cluster[items[i].number] == items[i].number)
            x->open[slot][k++] = items[i];
    kt_marks *m = &x->of[slot];
    size_t from = m->n;
    kt_functions_mark(x->w->scratch[slot], x->open[slot], k, m);
    for (size_t i = from; i < m->n; i++)
        m->v[i].row = x->open[slot][m->v[i].row].number - x->first;
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const kt_mark *x = a, *y = b;
    if (x->row != y->row)
        return (x->row > y->row) - (x->row < y->row);
    if (x->function != y->function)
        return (x->function > y->function) - (x->function < y->function);
    if (x->start != y->start)
        return (x->start > y->start) - (x->start < y->start);
    return x->end != y->end ? (x->end > y->end) - (x->end < y->end) : (x->label > y->label) - (x->label < y->label);
}

/* Marks that functions made in the last run, under their present numbers. */
static kt_rc past_marks(const kt_marks_work *w, uint32_t first, kt_marks *ret, kt_err *err)
{
    uint16_t *now = kt_alloc_array((size_t)w->m_past + 1, sizeof(*now));
    size_t k = 0;
    kt_rc rc = w->m_past ? kt_marks_read(w->s, w->p->id, first, ret, err) : 0;
    memset(now, 0xff, w->m_past * sizeof(*now));
    for (uint32_t j = 0; j < kt_functions_count(w->f); j++)
        if (w->from[j] >= 0)
            now[w->from[j]] = (uint16_t)j;
    for (size_t i = 0; i < ret->n && rc == 0; i++)
        if (ret->v[i].function < w->m_past && now[ret->v[i].function] != UINT16_MAX) {
            ret->v[k] = ret->v[i];
            ret->v[k++].function = now[ret->v[i].function];
        }
    ret->n = k;
    kt_free(now);
    return rc;
}

static kt_rc put(kt_column_out *out, const kt_marks *m, uint32_t n, kt_err *err)
{
    return kt_pack_add(out, (kt_str){ (const char *)m->v, m->n * sizeof(*m->v) }, n, err);
}

static kt_rc write_chunk(struct scan *x, kt_item_reader *r, uint32_t n, kt_pool *pool, kt_column_out *out, kt_err *err)
{
    kt_marks all = { 0 };
    kt_rc rc = past_marks(x->w, x->first, &all, err);
    if (rc == 0 && x->w->scratch)
        rc = kt_item_scan(r, x->first, n, pool, mark_part, x, err);
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        for (size_t k = 0; k < x->of[i].n; k++)
            KT_PUSH(&all, x->of[i].v[k]);
        x->of[i].n = 0;
    }
    if (all.n)
        qsort(all.v, all.n, sizeof(*all.v), by_place);
    if (rc == 0)
        rc = put(out, &all, n, err);
    kt_free(all.v);
    return rc;
}

/* As for votes: what a function that was switched off said on the way depends on which thread was first, so it says nothing. */
static kt_rc silence(const kt_marks_work *w, const kt_function_fault *fault, kt_column_out *out, kt_err *err)
{
    kt_rc rc = 0;
    for (uint32_t first = 0; first < w->p->n_items && rc == 0; first += KT_COLUMN_CHUNK) {
        kt_marks m;
        size_t k = 0;
        if ((rc = kt_marks_read(w->s, w->p->id, first, &m, err)) < 0)
            break;
        for (size_t i = 0; i < m.n; i++)
            if (!fault[m.v[i].function].off)
                m.v[k++] = m.v[i];
        m.n = k;
        rc = put(out, &m, KT_MIN(KT_COLUMN_CHUNK, w->p->n_items - first), err);
        kt_free(m.v);
    }
    return rc;
}

static kt_rc write_all(struct scan *x, kt_item_reader *r, kt_pool *pool, kt_progress *progress, kt_column_out *out, kt_err *err)
{
    for (x->first = 0; x->first < x->w->p->n_items; x->first += KT_COLUMN_CHUNK) {
        KT_TRY(write_chunk(x, r, KT_MIN(KT_COLUMN_CHUNK, x->w->p->n_items - x->first), pool, out, err));
        KT_TRY(kt_progress_step(progress, x->first, err));
    }
    return 0;
}

kt_rc kt_marks_write(const kt_marks_work *w, kt_item_reader *r, kt_pool *pool, kt_progress *progress, kt_function_fault *fault, kt_err *err)
{
    struct scan x = { .w = w };
    bool off = false;
    KT_AUTO(kt_column_out) out = KT_COLUMN_OUT(w->s, w->p->id, KT_MARKS, 0, 0);
    KT_AUTO(kt_column_out) again = KT_COLUMN_OUT(w->s, w->p->id, KT_MARKS, 0, 0);
    for (int i = 0; i < KT_SCAN_SLOTS; i++)
        x.open[i] = kt_alloc_array(MOST_ITEMS, sizeof(kt_item));
    kt_rc rc = write_all(&x, r, pool, progress, &out, err);
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        kt_free(x.open[i]);
        kt_free(x.of[i].v);
    }
    KT_TRY(rc);
    kt_functions_gather(w->f, w->scratch, w->scratch ? KT_SCAN_SLOTS : 0, fault);
    for (uint32_t j = 0; j < kt_functions_count(w->f); j++)
        off |= fault[j].off;
    if (!off)
        return kt_column_end(&out, "functions.marks", err);
    KT_TRY(silence(w, fault, &again, err));
    return kt_column_end(&again, "functions.marks", err);
}
