#include "stage/export_answers.h"

#include "base/mem.h"
#include "base/str.h"
#include "stage/learn_parts.h"
#include "stage/parts.h"
#include "store/pack.h"

#include <stdlib.h>

static uint32_t chunk_of(uint32_t item)
{
    return item / KT_COLUMN_CHUNK;
}

/* Marks of canonical items that somebody refers to from another chunk. */
static kt_rc find_far(kt_export_answers *x, const uint32_t *cluster, kt_err *err)
{
    uint32_t n = x->p->n_items;
    uint8_t *wanted = kt_zalloc((size_t)n + 1);
    bool any = false;
    kt_rc rc = 0;
    for (uint32_t i = 0; i < n; i++)
        if (chunk_of(cluster[i]) != chunk_of(i))
            any = (wanted[cluster[i]] = 1);
    for (uint32_t first = 0; any && first < n && rc == 0; first += KT_COLUMN_CHUNK) {
        KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 30);
        rc = kt_pack_get(x->s, x->p->id, KT_MACHINE_MARKS, first, &b, err);
        const kt_machine_mark *v = (const kt_machine_mark *)(const void *)b.p;
        for (size_t i = 0; i < b.n / sizeof(*v) && rc == 0; i++)
            if (wanted[first + v[i].row]) {
                KT_PUSH(&x->far, v[i]);
                x->far.v[x->far.n - 1].row += first;
            }
    }
    kt_free(wanted);
    return rc;
}

static kt_rc find_spoken(kt_export_answers *x, kt_err *err)
{
    x->spoken = kt_zalloc((size_t)x->p->n_items + 1);
    for (uint32_t first = 0; first < x->p->n_items; first += KT_COLUMN_CHUNK) {
        kt_marks m;
        KT_TRY(kt_marks_read(x->s, x->p->id, first, &m, err));
        for (size_t i = 0; i < m.n; i++)
            x->spoken[first + m.v[i].row] = 1;
        kt_free(m.v);
    }
    return 0;
}

kt_rc kt_export_answers_open(kt_store *s, const kt_project *p, const uint32_t *cluster, bool spoken, kt_export_answers *ret, kt_err *err)
{
    *ret = (kt_export_answers){ .s = s, .p = p, .first = UINT32_MAX, .chunk = KT_BUF_INIT((size_t)4 << 30), .at = kt_alloc_array(KT_COLUMN_CHUNK + 1, sizeof(size_t)) };
    kt_rc rc = kt_answers_load(s, p, &ret->arena, &ret->start, &ret->part, &ret->n_known, err);
    if (rc == 0)
        rc = find_far(ret, cluster, err);
    return rc == 0 && spoken ? find_spoken(ret, err) : rc;
}

void kt_export_answers_close(kt_export_answers *x)
{
    kt_buf_done(&x->chunk);
    KT_VEC_DONE(&x->far);
    x->at = kt_free(x->at);
    x->spoken = kt_free(x->spoken);
    kt_arena_done(&x->arena);
}

kt_rc kt_export_answers_window(kt_export_answers *x, uint32_t first, kt_err *err)
{
    first = chunk_of(first) * KT_COLUMN_CHUNK;
    if (first == x->first)
        return 0;
    kt_buf_reset(&x->chunk);
    KT_TRY(kt_pack_get(x->s, x->p->id, KT_MACHINE_MARKS, first, &x->chunk, err));
    x->first = first;
    const kt_machine_mark *v = (const kt_machine_mark *)(const void *)x->chunk.p;
    size_t n = x->chunk.n / sizeof(*v), at = 0;
    for (uint32_t row = 0; row < KT_COLUMN_CHUNK; row++) {
        x->at[row] = at;
        kt_parts_row(v, n, row, &at);
    }
    x->at[KT_COLUMN_CHUNK] = at;
    return 0;
}

/* The machine's marks of an item. */
static const kt_machine_mark *marks_of(const kt_export_answers *x, uint32_t item, size_t *ret_n)
{
    if (chunk_of(item) * KT_COLUMN_CHUNK == x->first) {
        const kt_machine_mark *v = (const kt_machine_mark *)(const void *)x->chunk.p;
        uint32_t row = item - x->first;
        *ret_n = x->at[row + 1] - x->at[row];
        return *ret_n ? v + x->at[row] : NULL;
    }
    size_t lo = 0, hi = x->far.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (x->far.v[mid].row < item)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (hi = lo; hi < x->far.n && x->far.v[hi].row == item;)
        hi++;
    *ret_n = hi - lo;
    return x->far.v + lo;
}

static void put_line(const kt_export_answers *x, const kt_machine_mark *v, size_t n, kt_buf *b)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            kt_buf_char(b, '|');
        kt_buf_str(b, x->p->label[v[i].label]);
    }
}

static void put_labels(const kt_export_answers *x, const kt_machine_mark *v, size_t n, bool chances, kt_buf *b)
{
    kt_buf_puts(b, "\"labels\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            kt_buf_char(b, ',');
        kt_buf_json(b, x->p->label[v[i].label]);
    }
    kt_buf_char(b, ']');
    if (!chances)
        return;
    kt_buf_puts(b, ",\"posterior\":{");
    for (size_t i = 0; i < n; i++) {
        if (i)
            kt_buf_char(b, ',');
        kt_buf_json(b, x->p->label[v[i].label]);
        kt_buf_printf(b, ":%.4f", (double)v[i].chance);
    }
    kt_buf_char(b, '}');
}

static void put_spans(const kt_export_answers *x, const kt_machine_mark *v, size_t n, bool chances, kt_buf *b)
{
    kt_buf_puts(b, "\"spans\":[");
    for (size_t i = 0; i < n; i++) {
        kt_buf_printf(b, "%s{\"start\":%u,\"end\":%u,\"label\":", i ? "," : "", v[i].start, v[i].end);
        kt_buf_json(b, x->p->label[v[i].label]);
        if (chances)
            kt_buf_printf(b, ",\"posterior\":%.4f", (double)v[i].chance);
        kt_buf_char(b, '}');
    }
    kt_buf_char(b, ']');
}

kt_str kt_export_answer(const kt_export_answers *x, int32_t number, uint32_t item, kt_export_how how, kt_arena *a)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    size_t n;
    const kt_machine_mark *v = number < 0 ? marks_of(x, item, &n) : NULL;
    if (number >= 0) { /* people's, in the same words */
        KT_ASSERT((size_t)number < x->n_known);
        n = x->start[number + 1] - x->start[number];
        kt_machine_mark *w = kt_arena_array(a, n + 1, sizeof(*w));
        for (size_t i = 0; i < n; i++) {
            const kt_answer_part *p = &x->part[x->start[number] + i];
            w[i] = (kt_machine_mark){ .label = (int16_t)p->label, .start = p->start, .end = p->end };
        }
        v = w;
    }
    if (how == KT_EXPORT_LINE)
        put_line(x, v, n, &b);
    else if (x->p->task == KT_TASK_SPANS)
        put_spans(x, v, n, number < 0, &b);
    else
        put_labels(x, v, n, how == KT_EXPORT_FUNCTIONS && number < 0, &b);
    return kt_arena_str(a, KT_BUF_STR(&b));
}
