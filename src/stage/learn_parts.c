#include "stage/learn_parts.h"

#include "algo/learn/select.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "stage/parts.h"
#include "store/column.h"
#include "store/pack.h"

#include <math.h>

/* ---- choosing ---- */

bool kt_parts_can_choose(const kt_selector *s)
{
    return !(s->needs & ~(unsigned)KT_SELECT_X);
}

/* Selectors look at rows of probabilities: of two sides, the more even the more an answer would teach. */
static kt_rc sides(kt_run *r, const kt_taught *m, float *ret)
{
    uint32_t *row = kt_alloc_array(r->n_pool + 1, sizeof(*row));
    float *score = kt_alloc_array(r->n_pool + 1, sizeof(*score)), *unsure = kt_alloc_array(r->n_pool + 1, sizeof(*unsure));
    uint64_t *print = kt_alloc_array(r->n_pool + 1, sizeof(*print));
    for (size_t i = 0; i < r->n_pool; i++)
        row[i] = (uint32_t)i;
    kt_rc rc = kt_task_of(r)->look(r, m, row, r->n_pool, score, print, unsure);
    for (size_t i = 0; i < r->n_pool && rc == 0; i++) {
        ret[2 * i + 1] = unsure[i] / 2;
        ret[2 * i] = 1 - ret[2 * i + 1];
    }
    kt_free(row);
    kt_free(score);
    kt_free(unsure);
    kt_free(print);
    return rc;
}

kt_rc kt_parts_choose(kt_run *r, int64_t round, const kt_lesson *l, const kt_taught *m, size_t want, uint32_t *ret, size_t *ret_n)
{
    const kt_selector *s = kt_selector_find(m ? r->c->strategy : KT_S("cluster"));
    KT_ASSERT(s && kt_parts_can_choose(s));
    float *prob = kt_zalloc_array(r->n_pool + 1, 2 * sizeof(*prob));
    float *cost = r->c->al_cost != KT_COST_NONE ? kt_alloc_array(r->n_pool + 1, sizeof(*cost)) : NULL;
    kt_rc rc = m ? sides(r, m, prob) : 0;
    if (rc == 0 && cost)
        rc = kt_learn_costs(r, cost);
    kt_select_data d = { .n_items = r->n_pool, .n_labels = 2, .prob = prob, .excluded = l->has, .known = l->has, .cost = cost, .x = &r->pool_x };
    if (rc == 0)
        rc = kt_select(s, &d, (uint64_t)r->c->seed + (uint64_t)round, r->pool, want, ret, ret_n, r->err);
    kt_free(prob);
    kt_free(cost);
    return rc;
}

/* ---- what functions say ---- */

kt_rc kt_parts_each_marked(kt_run *r, const uint32_t *item, size_t n, kt_marks_see_fn *see, void *ctx)
{
    kt_rc rc = 0;
    for (size_t i = 0; r->m && i < n && rc == 0;) {
        uint32_t first = item[i] / KT_COLUMN_CHUNK * KT_COLUMN_CHUNK;
        kt_marks m;
        size_t at = 0;
        rc = kt_marks_read(r->s, r->p.id, first, &m, r->err);
        for (; rc == 0 && i < n && item[i] - first < KT_COLUMN_CHUNK; i++) {
            while (at < m.n && m.v[at].row < item[i] - first)
                at++;
            size_t from = at;
            while (at < m.n && m.v[at].row == item[i] - first)
                at++;
            if (at > from)
                see(ctx, i, m.v + from, at - from);
        }
        kt_free(m.v);
    }
    return rc;
}

kt_rc kt_parts_each_weighed(kt_run *r, const uint32_t *item, size_t n, kt_weighed_see_fn *see, void *ctx)
{
    kt_rc rc = 0;
    for (size_t i = 0; r->m && i < n && rc == 0;) {
        uint32_t first = item[i] / KT_COLUMN_CHUNK * KT_COLUMN_CHUNK;
        KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 30);
        rc = kt_pack_get(r->s, r->p.id, KT_WEIGHED_MARKS, first, &b, r->err);
        const kt_machine_mark *v = (const kt_machine_mark *)(const void *)b.p;
        size_t n_marks = b.n / sizeof(*v), at = 0;
        for (; rc == 0 && i < n && item[i] - first < KT_COLUMN_CHUNK; i++) {
            while (at < n_marks && v[at].row < item[i] - first)
                at++;
            size_t from = at, k = kt_parts_row(v, n_marks, item[i] - first, &at);
            if (k)
                see(ctx, i, v + from, k);
        }
    }
    return rc;
}

/* ---- prediction ---- */

/* All that the machine's answers follow from. */
static kt_rc key_of(kt_run *r, kt_buf *ret)
{
    const kt_config *c = r->c;
    kt_str ran = { "", 0 };
    KT_TRY(kt_doc_get(r->s, r->p.id, KT_S("functions.done"), r->arena, &ran, r->err));
    kt_digest f = kt_digest_of(ran);
    kt_buf_printf(ret, "%u %lld %lld %lld %lld ", r->n, (long long)c->words, (long long)c->chars, (long long)c->epochs, (long long)c->seed);
    kt_buf_hex(ret, r->learned.b, sizeof(r->learned.b));
    kt_buf_char(ret, ' ');
    kt_buf_hex(ret, f.b, sizeof(f.b));
    return 0;
}

static kt_rc stands(kt_run *r, kt_str key, bool *ret)
{
    kt_str done = { "", 0 };
    int64_t routed;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("route.done"), &routed, r->err));
    KT_TRY(kt_doc_get(r->s, r->p.id, KT_S("predict.done"), r->arena, &done, r->err));
    *ret = done.n && (routed || kt_str_eq(done, key));
    return 0;
}

struct writing {
    kt_run *r;
    kt_item_reader *reader;
    kt_parts_say_fn *say;
    uint32_t window, *item;
    float *score;            /* of the window's items, as listed */
    kt_machine_marks marks;  /* of the chunk */
    float *column;           /* of the chunk */
};

static kt_rc write_window(struct writing *w, uint32_t chunk, uint32_t first, uint32_t n)
{
    size_t rows = 0, from = w->marks.n;
    for (uint32_t i = first; i < first + n; i++) {
        w->column[i - chunk] = NAN;
        if (w->r->state[i] != KT_ITEM_DUPLICATE)
            w->item[rows++] = i;
    }
    KT_TRY(w->say(w->r, w->reader, w->item, rows, &w->marks, w->score));
    for (size_t i = from; i < w->marks.n; i++)
        w->marks.v[i].row = w->item[w->marks.v[i].row] - chunk;
    for (size_t i = 0; i < rows; i++)
        w->column[w->item[i] - chunk] = w->score[i];
    return kt_progress_step(w->r->progress, first, w->r->err);
}

/* In a transaction. */
static kt_rc write_columns(struct writing *w, kt_str key)
{
    kt_run *r = w->r;
    KT_AUTO(kt_column_out) marks = KT_COLUMN_OUT(r->s, r->p.id, KT_MACHINE_MARKS, 0, 0);
    KT_AUTO(kt_column_out) scores = KT_COLUMN_OUT(r->s, r->p.id, KT_S("machine.score"), 0, sizeof(float));
    for (uint32_t chunk = 0; chunk < r->n; chunk += KT_COLUMN_CHUNK) {
        uint32_t n = KT_MIN(KT_COLUMN_CHUNK, r->n - chunk);
        w->marks.n = 0;
        for (uint32_t at = 0; at < n; at += w->window)
            KT_TRY(write_window(w, chunk, chunk + at, KT_MIN(w->window, n - at)));
        KT_TRY(kt_pack_add(&marks, (kt_str){ (const char *)w->marks.v, w->marks.n * sizeof(*w->marks.v) }, n, r->err));
        KT_TRY(kt_column_add(&scores, w->column, n, r->err));
    }
    KT_TRY(kt_column_end(&marks, "prelabel.marks", r->err));
    KT_TRY(kt_column_end(&scores, "prelabel.scores", r->err));
    return kt_doc_put(r->s, r->p.id, KT_S("predict.done"), key, r->err);
}

static kt_rc write(kt_run *r, kt_parts_say_fn *say, uint32_t window, kt_str key)
{
    struct writing w = { .r = r, .say = say, .window = window };
    KT_TRY(kt_item_reader_new(r->s, r->p.id, &w.reader, r->err));
    w.item = kt_alloc_array(window, sizeof(*w.item));
    w.score = kt_alloc_array(window, sizeof(*w.score));
    w.column = kt_alloc_array(KT_COLUMN_CHUNK, sizeof(*w.column));
    kt_rc rc = kt_store_begin(r->s, r->err);
    if (rc == 0)
        rc = kt_store_finish(r->s, write_columns(&w, key), r->err);
    kt_item_reader_free(w.reader);
    KT_VEC_DONE(&w.marks);
    kt_free(w.item);
    kt_free(w.score);
    kt_free(w.column);
    return rc;
}

/* Scores, and fingerprints of the answers, from the columns. */
static kt_rc load(kt_run *r)
{
    float *score = kt_alloc_array((size_t)r->n + 1, sizeof(*score));
    kt_answer_parts part = { 0 };
    kt_rc rc = kt_run_column(r, "machine.score", sizeof(*score), 0xff, score);
    for (uint32_t chunk = 0; chunk < r->n && rc == 0; chunk += KT_COLUMN_CHUNK) {
        KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 30);
        size_t at = 0;
        rc = kt_pack_get(r->s, r->p.id, KT_MACHINE_MARKS, chunk, &b, r->err);
        const kt_machine_mark *m = (const kt_machine_mark *)(const void *)b.p;
        for (uint32_t i = chunk; i < r->n && i - chunk < KT_COLUMN_CHUNK && rc == 0; i++) {
            size_t from = at, n = kt_parts_row(m, b.n / sizeof(*m), i - chunk, &at);
            if (isnan(score[i]))
                continue;
            part.n = 0;
            kt_parts_of_marks(m + from, n, &part);
            r->parts->said_print[i] = kt_parts_print(part.v, part.n);
            r->pred[i] = (kt_prediction){ 0, score[i] };
        }
    }
    KT_VEC_DONE(&part);
    kt_free(score);
    return rc;
}

kt_rc kt_parts_predict(kt_run *r, kt_parts_say_fn *say, uint32_t window)
{
    KT_AUTO(kt_buf) key = KT_BUF_INIT(4096);
    bool done;
    KT_TRY(key_of(r, &key));
    KT_TRY(stands(r, KT_BUF_STR(&key), &done));
    if (!done)
        KT_TRY(write(r, say, window, KT_BUF_STR(&key)));
    return load(r);
}
