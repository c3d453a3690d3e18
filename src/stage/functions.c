/* The votes of all labeling functions, a column chunk at a time: votes of a thousand functions on millions of items do not fit
   into memory. What ran last is remembered function by function, so that a changed one runs alone and the others' votes are moved. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/machine.h"
#include "stage/marks.h"
#include "store/column.h"

#include <xxhash.h>

/* ---- what is remembered: document "functions.done" ---- */

struct past {
    kt_str key;      /* items and clusters it stands for */
    KT_VEC(kt_str) digest;
    KT_VEC(kt_function_fault) fault;
};

static void put_hex(kt_buf *b, const void *p, size_t n)
{
    kt_buf_char(b, '"');
    kt_buf_hex(b, p, n);
    kt_buf_char(b, '"');
}

/* Votes follow from the items and from which of them are duplicates; other items, another key. */
static void put_key(const kt_project *p, const uint32_t *cluster, kt_buf *b)
{
    uint64_t h = XXH3_64bits(cluster, (size_t)p->n_items * sizeof(*cluster));
    kt_buf_printf(b, "{\"key\":\"%u-%016llx\",\"functions\":[", p->n_items, (unsigned long long)h);
}

static kt_str done_text(const kt_project *p, const kt_functions *f, const uint32_t *cluster, const kt_function_fault *fault, kt_arena *a)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 20);
    put_key(p, cluster, &b);
    for (uint32_t j = 0; j < kt_functions_count(f); j++) {
        unsigned char d[16] = { 0 };
        if (!fault[j].off) /* it may have been the machine's fault: the next run tries again */
            kt_functions_digest(f, j, d);
        kt_buf_puts(&b, j ? ",{\"name\":" : "{\"name\":");
        kt_buf_json(&b, kt_functions_name(f, j));
        kt_buf_puts(&b, ",\"digest\":");
        put_hex(&b, d, sizeof(d));
        kt_buf_printf(&b, ",\"failed\":%llu,\"item\":%u,\"off\":%s,\"id\":", (unsigned long long)fault[j].n, fault[j].item, fault[j].off ? "true" : "false");
        kt_buf_json(&b, kt_str_of(fault[j].id));
        kt_buf_puts(&b, ",\"said\":");
        kt_buf_json(&b, kt_str_of(fault[j].said));
        kt_buf_char(&b, '}');
    }
    kt_buf_puts(&b, "]}");
    return kt_arena_str(a, KT_BUF_STR(&b));
}

static void copy_text(char *to, size_t size, kt_str s)
{
    size_t n = KT_MIN(s.n, size - 1);
    memcpy(to, s.p, n);
    to[n] = 0;
}

static bool read_one(kt_json *j, kt_arena *a, kt_str *digest, kt_function_fault *f)
{
    bool first = true;
    kt_str name, text = { "", 0 };
    double d = 0;
    *f = (kt_function_fault){ 0 };
    if (!kt_json_enter(j, '{'))
        return false;
    while (kt_json_field(j, &first, a, &name)) {
        int kind = kt_json_peek(j);
        if (!(kind == KT_JSON_STRING ? kt_json_string(j, a, &text) : kind == KT_JSON_NUMBER ? kt_json_number(j, &d) : kt_json_skip(j, NULL)))
            return false;
        if (kt_str_eq(name, KT_S("digest")))
            *digest = text;
        else if (kt_str_eq(name, KT_S("failed")))
            f->n = (uint64_t)d;
        else if (kt_str_eq(name, KT_S("item")))
            f->item = (uint32_t)d;
        else if (kt_str_eq(name, KT_S("off")))
            f->off = kind == KT_JSON_TRUE;
        else if (kt_str_eq(name, KT_S("id")))
            copy_text(f->id, sizeof(f->id), text);
        else if (kt_str_eq(name, KT_S("said")))
            copy_text(f->said, sizeof(f->said), text);
    }
    return !j->wrong;
}

static void read_past(kt_str text, kt_arena *a, struct past *ret)
{
    kt_json j = { .s = text };
    bool first = true, first_one = true;
    kt_str name, digest = { "", 0 };
    kt_function_fault fault;
    *ret = (struct past){ 0 };
    if (!text.n || !kt_json_enter(&j, '{'))
        return;
    while (kt_json_field(&j, &first, a, &name)) {
        if (kt_str_eq(name, KT_S("key")) && kt_json_string(&j, a, &ret->key))
            continue;
        if (!kt_json_enter(&j, '['))
            return;
        while (kt_json_element(&j, &first_one) && read_one(&j, a, &digest, &fault)) {
            KT_PUSH(&ret->digest, digest);
            KT_PUSH(&ret->fault, fault);
        }
    }
}

/* ---- the run ---- */

struct work {
    kt_store *s;
    const kt_project *p;
    kt_functions *f;
    const uint32_t *cluster;
    uint32_t m, m_past, first;
    int32_t *from;          /* per function: its place in the past's rows; -1: it runs */
    bool any;               /* one runs */
    kt_functions_scratch *scratch[KT_SCAN_SLOTS];
    kt_item *open[KT_SCAN_SLOTS]; /* the canonical items of the part at hand … */
    int16_t *row[KT_SCAN_SLOTS];  /* … and their votes */
    int16_t *vote, *past;   /* of the chunk that begins at first */
};

#define MOST_ITEMS 1024 /* in one part of a scan */

static kt_rc apply(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)err;
    struct work *w = ctx;
    KT_ASSERT(n <= MOST_ITEMS);
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (w->cluster[items[i].number] != items[i].number)
            continue;
        memcpy(w->row[slot] + k * w->m, w->vote + (size_t)(items[i].number - w->first) * w->m, w->m * sizeof(*w->vote));
        w->open[slot][k++] = items[i];
    }
    kt_functions_apply(w->scratch[slot], w->open[slot], k, w->row[slot]);
    for (size_t i = 0; i < k; i++)
        memcpy(w->vote + (size_t)(w->open[slot][i].number - w->first) * w->m, w->row[slot] + i * w->m, w->m * sizeof(*w->vote));
    return 0;
}

static kt_rc past_votes(struct work *w, uint32_t k, kt_err *err)
{
    kt_column_part part = { KT_S("lf"), w->first, k, w->m_past * (uint32_t)sizeof(*w->past) };
    memset(w->vote, 0xff, (size_t)k * w->m * sizeof(*w->vote)); /* KT_ABSTAIN */
    if (!w->m_past)
        return 0;
    KT_TRY(kt_column_get(w->s, w->p->id, &part, 0xff, w->past, err));
    for (uint32_t j = 0; j < w->m; j++)
        for (uint32_t i = 0; w->from[j] >= 0 && i < k; i++)
            w->vote[(size_t)i * w->m + j] = w->past[(size_t)i * w->m_past + (uint32_t)w->from[j]];
    return 0;
}

static kt_rc apply_all(kt_item_reader *r, struct work *w, kt_pool *pool, kt_progress *progress, kt_column_out *out, kt_err *err)
{
    uint32_t n = w->p->n_items;
    for (w->first = 0; w->first < n; w->first += KT_COLUMN_CHUNK) {
        uint32_t k = KT_MIN(KT_COLUMN_CHUNK, n - w->first);
        KT_TRY(past_votes(w, k, err));
        if (w->any)
            KT_TRY(kt_item_scan(r, w->first, k, pool, apply, w, err));
        KT_TRY(kt_column_add(out, w->vote, k, err));
        KT_TRY(kt_progress_step(progress, w->first, err));
    }
    return 0;
}

/* A function that was switched off on the way voted on some items and not on others, which depends on who was first: it says nothing. */
static kt_rc silence(struct work *w, const kt_function_fault *fault, kt_column_out *out, kt_err *err)
{
    for (w->first = 0; w->first < w->p->n_items; w->first += KT_COLUMN_CHUNK) {
        uint32_t k = KT_MIN(KT_COLUMN_CHUNK, w->p->n_items - w->first);
        kt_column_part part = { KT_S("lf"), w->first, k, w->m * (uint32_t)sizeof(*w->vote) };
        KT_TRY(kt_column_get(w->s, w->p->id, &part, 0xff, w->vote, err));
        for (uint32_t j = 0; j < w->m; j++)
            for (uint32_t i = 0; fault[j].off && i < k; i++)
                w->vote[(size_t)i * w->m + j] = KT_ABSTAIN;
        KT_TRY(kt_column_add(out, w->vote, k, err));
    }
    return 0;
}

/* In a transaction. */
static kt_rc write_marks(struct work *w, kt_item_reader *r, kt_pool *pool, kt_progress *progress, kt_function_fault *fault, kt_err *err)
{
    const kt_marks_work m = { w->s, w->p, w->f, w->cluster, w->m_past, w->from, w->any ? w->scratch : NULL };
    return kt_marks_write(&m, r, pool, progress, fault, err);
}

/* In a transaction. */
static kt_rc write_votes(struct work *w, kt_item_reader *r, kt_pool *pool, kt_progress *progress, kt_function_fault *fault, kt_err *err)
{
    uint32_t width = w->m * (uint32_t)sizeof(*w->vote);
    bool off = false;
    KT_AUTO(kt_column_out) out = KT_COLUMN_OUT(w->s, w->p->id, KT_S("lf"), 0, width);
    KT_AUTO(kt_column_out) again = KT_COLUMN_OUT(w->s, w->p->id, KT_S("lf"), 0, width);
    KT_TRY(apply_all(r, w, pool, progress, &out, err));
    kt_functions_gather(w->f, w->scratch, w->any ? KT_SCAN_SLOTS : 0, fault);
    for (uint32_t j = 0; j < w->m; j++)
        off |= fault[j].off;
    if (!off)
        return kt_column_end(&out, "functions.votes", err);
    KT_TRY(silence(w, fault, &again, err));
    return kt_column_end(&again, "functions.votes", err);
}

static kt_rc prepare(struct work *w, const bool *want, kt_err *err)
{
    KT_TRY(kt_functions_compile(w->f, want, err));
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        KT_TRY(kt_functions_scratch_new(w->f, &w->scratch[i], err));
        w->open[i] = kt_alloc_array(MOST_ITEMS, sizeof(kt_item));
        w->row[i] = kt_alloc_array((size_t)MOST_ITEMS * w->m, sizeof(int16_t));
    }
    return 0;
}

static void work_done(struct work *w)
{
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        kt_functions_scratch_free(w->scratch[i]);
        kt_free(w->open[i]);
        kt_free(w->row[i]);
    }
    kt_free(w->vote);
    kt_free(w->past);
}

/* Where each function's votes of the last run stand; want: those without. true: something differs from the last run. */
static bool plan(struct work *w, const struct past *past, bool same_items, bool *want, kt_function_fault *fault)
{
    bool changed = !same_items || past->digest.n != w->m;
    w->m_past = same_items ? (uint32_t)past->digest.n : 0;
    for (uint32_t j = 0; j < w->m; j++) {
        unsigned char d[16];
        KT_AUTO(kt_buf) hex = KT_BUF_INIT(40);
        kt_functions_digest(w->f, j, d);
        kt_buf_hex(&hex, d, sizeof(d));
        w->from[j] = -1;
        for (uint32_t i = 0; i < w->m_past && w->from[j] < 0; i++)
            if (kt_str_eq(past->digest.v[i], KT_BUF_STR(&hex)))
                w->from[j] = (int32_t)i;
        want[j] = w->from[j] < 0;
        if (!want[j])
            fault[j] = past->fault.v[w->from[j]];
        w->any |= want[j];
        changed |= w->from[j] != (int32_t)j;
    }
    if (kt_functions_task(w->f) != KT_TASK_CLASSES && w->any && kt_functions_agree(w->f))
        for (uint32_t j = 0; j < w->m; j++) { /* marks of functions that stand are not at hand while others run */
            w->from[j] = -1;
            want[j] = true;
        }
    return changed;
}

static kt_rc run(struct work *w, const bool *want, kt_pool *pool, kt_progress *progress, kt_function_fault *fault, kt_arena *a, kt_err *err)
{
    kt_item_reader *r = NULL;
    kt_rc rc = w->any ? prepare(w, want, err) : 0;
    if (rc == 0 && w->any)
        rc = kt_item_reader_new(w->s, w->p->id, &r, err);
    w->vote = kt_alloc_array(KT_COLUMN_CHUNK, ((size_t)w->m + 1) * sizeof(*w->vote));
    w->past = kt_alloc_array(KT_COLUMN_CHUNK, ((size_t)w->m_past + 1) * sizeof(*w->past));
    kt_progress_begin(progress, "functions", w->p->n_items);
    if (rc == 0)
        rc = kt_store_begin(w->s, err);
    if (rc == 0) {
        rc = !w->m ? 0 : kt_functions_task(w->f) == KT_TASK_CLASSES ? write_votes(w, r, pool, progress, fault, err) : write_marks(w, r, pool, progress, fault, err);
        if (rc == 0)
            rc = kt_doc_put(w->s, w->p->id, KT_S("functions.done"), done_text(w->p, w->f, w->cluster, fault, a), err);
        rc = kt_store_finish(w->s, rc, err);
    }
    kt_progress_end(progress);
    kt_item_reader_free(r);
    return rc;
}

kt_rc kt_functions_run(kt_store *s, const kt_project *p, kt_functions *f, const uint32_t *cluster, kt_pool *pool, kt_progress *progress,
                       kt_arena *a, kt_functions_ran *ret, kt_err *err)
{
    struct work w = { .s = s, .p = p, .f = f, .cluster = cluster, .m = kt_functions_count(f) };
    struct past past;
    kt_str text = { "", 0 };
    bool *want = kt_arena_array(a, w.m + 1, sizeof(*want));
    w.from = kt_arena_array(a, w.m + 1, sizeof(*w.from));
    *ret = (kt_functions_ran){ .fault = kt_arena_array(a, w.m + 1, sizeof(kt_function_fault)) };
    KT_TRY(kt_doc_get(s, p->id, KT_S("functions.done"), a, &text, err));
    read_past(text, a, &past);
    KT_AUTO(kt_buf) key = KT_BUF_INIT(200);
    put_key(p, cluster, &key);
    bool same = past.key.n && kt_str_starts(text, KT_BUF_STR(&key));
    kt_rc rc = 0;
    ret->changed = plan(&w, &past, same, want, ret->fault);
    for (uint32_t j = 0; j < w.m; j++)
        ret->n_ran += want[j];
    int64_t from = kt_mono_us();
    clock_t cpu = clock();
    if (ret->changed)
        rc = run(&w, want, pool, progress, ret->fault, a, err);
    ret->seconds = (double)(kt_mono_us() - from) / 1e6;
    ret->cpu_seconds = (double)(clock() - cpu) / CLOCKS_PER_SEC;
    work_done(&w);
    KT_VEC_DONE(&past.digest);
    KT_VEC_DONE(&past.fault);
    return rc;
}
