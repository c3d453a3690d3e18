/* From marks to machine labels. A unit is an item and a label, or (regions) a token and a label; functions fire on it or stay silent, and the
   label model (algo/denoise/denoise_fires.h) says how sure a unit with that pattern of firing functions is. Two passes over the items: one counts
   patterns, one looks their chances up and writes what is more likely than not. A region is a run of tokens that are likely of one label; it is
   cut where more functions begin one of their regions than go across.

   Whether silence speaks was measured (tests/cli/marks_test.py): rules for one topic each see the whole text, and what most of them do not find is
   likely not there (F1 0.57 against 0.51 on cooking questions); functions that mark regions are mostly lists of different things, and what one
   alone knows is not wrong for it (0.81 against 0.46 on disease mentions). Trusted labels, where there are any, say how far each function is believed.

   A token is a run of letters, digits and everything beyond ASCII, or one other character; a region thus begins and ends with a token, also where
   a function cut one in two. Passes are in one thread: this is far from what the functions themselves cost. */
#include "stage/marks.h"

#include "algo/denoise/denoise_fires.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/given.h"
#include "store/pack.h"

#include <math.h>
#include <xxhash.h>

#define MOST_FIRING 64 /* functions in one pattern; what fires beyond is left out of it */
#define LIKELY 0.5

struct token {
    uint32_t start, end; /* code points */
};

struct pattern {
    size_t at;     /* in functions */
    uint32_t n;
    int32_t label;
    double count, chance;
};

struct work {
    const kt_project *p;
    kt_task task;
    uint32_t m, first;
    const uint32_t *cluster;
    kt_marks marks;            /* of the chunk … */
    size_t next;               /* … those of items before are done */
    kt_map index;              /* hash of label and functions → pattern */
    KT_VEC(struct pattern) pattern;
    KT_VEC(uint16_t) function; /* of all patterns */
    KT_VEC(struct token) token; /* of the item at hand */
    double units;              /* items, or tokens */
    double *precision, *recall; /* k × m, of each label */
    double *guess;              /* m; NULL: there are no trusted labels */
    bool second;
    KT_VEC(kt_machine_mark) out; /* of the chunk */
    kt_given gold;        /* with the answer of the item at hand */
    double least;                /* chance from which a label is given */
    kt_marks_result *ret;
};

/* ---- tokens ---- */

static bool goes_on(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static void tokenize(struct work *w, kt_str text)
{
    uint32_t at = 0;
    w->token.n = 0;
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        struct token t = { at, at };
        if (c <= ' ') {
            i++, at++;
            continue;
        }
        if (!goes_on(c))
            i++, at++;
        while (t.end == t.start && goes_on(c) && i < text.n && goes_on((unsigned char)text.p[i]))
            at += ((unsigned char)text.p[i++] & 0xc0) != 0x80;
        t.end = at;
        KT_PUSH(&w->token, t);
    }
}

/* ---- patterns ---- */

static int by_number(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Sorts, drops what is there twice. */
static uint32_t tidy(uint16_t *f, uint32_t n)
{
    uint32_t k = 0;
    qsort(f, n, sizeof(*f), by_number);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || f[i] != f[k - 1])
            f[k++] = f[i];
    return k;
}

static struct pattern *pattern_of(struct work *w, int32_t label, const uint16_t *f, uint32_t n)
{
    uint64_t key = XXH3_64bits_withSeed(f, n * sizeof(*f), (uint64_t)label + 1);
    int64_t at = kt_map_get(&w->index, key);
    if (at < 0) {
        at = (int64_t)w->pattern.n;
        kt_map_put(&w->index, key, (uint32_t)at);
        KT_PUSH(&w->pattern, ((struct pattern){ w->function.n, n, label, 0, 0 }));
        for (uint32_t i = 0; i < n; i++)
            KT_PUSH(&w->function, f[i]);
    }
    return &w->pattern.v[at];
}

/* The pattern of a label among marks [0, n) that cover [start, end); NULL: nobody fires. Regions: start < end. */
static struct pattern *firing(struct work *w, const kt_mark *v, size_t n, int32_t label, const struct token *t)
{
    uint16_t f[MOST_FIRING];
    uint32_t k = 0;
    for (size_t i = 0; i < n && k < MOST_FIRING; i++)
        if (v[i].label == label && (!t || (v[i].start < t->end && t->start < v[i].end)))
            f[k++] = v[i].function;
    return k ? pattern_of(w, label, f, tidy(f, k)) : NULL;
}

/* ---- the second pass ---- */

static void give(struct work *w, uint32_t row, int32_t label, uint32_t start, uint32_t end, double chance)
{
    KT_PUSH(&w->out, ((kt_machine_mark){ row, (int16_t)label, 0, start, end, (float)chance }));
}

/* Whether a region ends between two neighbouring tokens of the same label. */
static bool cut_between(const kt_mark *v, size_t n, int32_t label, const struct token *a, const struct token *b)
{
    int cut = 0;
    for (size_t i = 0; i < n; i++) {
        if (v[i].label != label)
            continue;
        bool on_b = v[i].start < b->end && b->start < v[i].end, on_a = v[i].start < a->end && a->start < v[i].end;
        cut += on_b && !on_a;
        cut -= on_b && on_a;
    }
    return cut > 0;
}

static void give_spans(struct work *w, uint32_t row, const kt_mark *v, size_t n)
{
    int32_t open = -1;
    size_t from = 0;
    double sum = 0;
    for (size_t t = 0; t <= w->token.n; t++) {
        int32_t best = -1;
        double chance = LIKELY;
        for (uint32_t c = 0; t < w->token.n && c < w->p->n_labels; c++) {
            struct pattern *p = firing(w, v, n, (int32_t)c, &w->token.v[t]);
            if (p && p->chance > chance) {
                chance = p->chance;
                best = (int32_t)c;
            }
        }
        if (open >= 0 && (best != open || cut_between(v, n, open, &w->token.v[t - 1], &w->token.v[t]))) {
            give(w, row, open, w->token.v[from].start, w->token.v[t - 1].end, sum / (double)(t - from));
            open = -1;
        }
        if (best >= 0 && open < 0) {
            open = best;
            from = t;
            sum = 0;
        }
        sum += chance;
    }
}

static void give_labels(struct work *w, uint32_t row, const kt_mark *v, size_t n)
{
    for (uint32_t c = 0; c < w->p->n_labels; c++) {
        struct pattern *p = firing(w, v, n, (int32_t)c, NULL);
        if (p && p->chance > w->least)
            give(w, row, (int32_t)c, 0, 0, p->chance);
    }
}

/* ---- figures ---- */

static bool touch(const kt_mark *a, const kt_mark *b)
{
    return a->start < b->end && b->start < a->end;
}

/* What another mark is to one of function j: 0 nothing, 1 it agrees, 2 it contradicts. */
static int relation(const struct work *w, const kt_mark *mine, const kt_mark *other)
{
    if (other->function == mine->function)
        return 0;
    if (w->task == KT_TASK_LABEL_SETS)
        return other->label == mine->label;
    if (!touch(mine, other))
        return 0;
    return other->label == mine->label && other->start == mine->start && other->end == mine->end ? 1 : 2;
}

static void count_item(struct work *w, const kt_mark *v, size_t n, bool has_gold)
{
    for (size_t i = 0; i < n;) {
        uint16_t j = v[i].function;
        kt_marks_figures *f = &w->ret->function[j];
        bool overlap = false, conflict = false;
        f->items++;
        for (; i < n && v[i].function == j; i++) {
            bool right = false;
            f->marks++;
            for (size_t k = 0; k < n; k++) {
                int r = relation(w, &v[i], &v[k]);
                overlap |= r != 0;
                conflict |= r == 2;
            }
            for (size_t k = 0; k < w->gold.marks.n && !right; k++)
                right = w->gold.marks.v[k].label == v[i].label && w->gold.marks.v[k].start == v[i].start && w->gold.marks.v[k].end == v[i].end;
            f->gold_n += has_gold;
            f->gold_right += right;
        }
        f->overlaps += overlap;
        f->conflicts += conflict;
    }
}

static void judge_machine(struct work *w, size_t from)
{
    const kt_marks *gold = &w->gold.marks;
    w->ret->n_gold++;
    w->ret->gold_marks += gold->n;
    for (size_t i = from; i < w->out.n; i++) {
        if ((double)w->out.v[i].chance <= LIKELY)
            continue;
        w->ret->said++;
        for (size_t k = 0; k < gold->n; k++)
            w->ret->right += gold->v[k].label == w->out.v[i].label && gold->v[k].start == w->out.v[i].start && gold->v[k].end == w->out.v[i].end;
    }
}

/* ---- passes ---- */

static void count_units(struct work *w, const kt_mark *v, size_t n)
{
    bool regions = w->task == KT_TASK_SPANS;
    w->units += regions ? (double)w->token.n : 1;
    for (size_t t = 0; n && t < (regions ? w->token.n : 1); t++)
        for (uint32_t c = 0; c < w->p->n_labels; c++) {
            struct pattern *p = firing(w, v, n, (int32_t)c, regions ? &w->token.v[t] : NULL);
            if (p)
                p->count++;
        }
}

static kt_rc visit(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)slot, (void)err;
    struct work *w = ctx;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = items[i].number - w->first;
        if (w->cluster[items[i].number] != items[i].number)
            continue;
        const kt_mark *v = w->marks.v + w->next;
        size_t k = 0;
        while (w->next + k < w->marks.n && v[k].row == row)
            k++;
        w->next += k;
        if (w->task == KT_TASK_SPANS && (k || !w->second))
            tokenize(w, items[i].text);
        bool gold = kt_given_read(&w->gold, &items[i]);
        if (!w->second) {
            count_units(w, v, k);
            count_item(w, v, k, gold);
            continue;
        }
        size_t from = w->out.n;
        w->ret->n_canonical++;
        w->ret->n_covered += k > 0;
        if (k && w->task == KT_TASK_SPANS)
            give_spans(w, row, v, k);
        else if (k)
            give_labels(w, row, v, k);
        count_item(w, v, k, gold);
        if (gold)
            judge_machine(w, from);
    }
    return 0;
}

/* Chances of the patterns of one label. */
static kt_rc weigh(struct work *w, int32_t label, kt_err *err)
{
    KT_VEC(size_t) start = { 0 };
    KT_VEC(uint16_t) function = { 0 };
    KT_VEC(double) count = { 0 };
    double fired = 0;
    for (size_t i = 0; i < w->pattern.n; i++) {
        const struct pattern *p = &w->pattern.v[i];
        if (p->label != label)
            continue;
        KT_PUSH(&start, function.n);
        KT_PUSH(&count, p->count);
        fired += p->count;
        for (uint32_t k = 0; k < p->n; k++)
            KT_PUSH(&function, w->function.v[p->at + k]);
    }
    size_t n = start.n, k = 0;
    KT_PUSH(&start, function.n);
    double *chance = kt_alloc_array(n + 1, sizeof(*chance));
    kt_fires d = { w->m, n, start.v, function.v, count.v, w->units - fired, w->task == KT_TASK_LABEL_SETS, w->guess };
    kt_rc rc = kt_denoise_fires(&d, chance, w->precision + (size_t)label * w->m, w->recall + (size_t)label * w->m, err);
    for (size_t i = 0; i < w->pattern.n && rc == 0; i++)
        if (w->pattern.v[i].label == label)
            w->pattern.v[i].chance = chance[k++];
    kt_free(chance);
    KT_VEC_DONE(&start);
    KT_VEC_DONE(&function);
    KT_VEC_DONE(&count);
    return rc;
}

static kt_rc pass(struct work *w, kt_store *s, kt_item_reader *r, kt_column_out *out, kt_err *err)
{
    kt_rc rc = 0;
    for (w->first = 0; w->first < w->p->n_items && rc == 0; w->first += KT_COLUMN_CHUNK) {
        uint32_t n = KT_MIN(KT_COLUMN_CHUNK, w->p->n_items - w->first);
        w->next = 0;
        w->out.n = 0;
        if ((rc = kt_marks_read(s, w->p->id, w->first, &w->marks, err)) == 0)
            rc = kt_item_scan(r, w->first, n, NULL, visit, w, err);
        if (rc == 0 && out)
            rc = kt_pack_add(out, (kt_str){ (const char *)w->out.v, w->out.n * sizeof(*w->out.v) }, n, err);
        for (size_t i = 0; i < w->out.n; i++)
            w->ret->n_labels += (double)w->out.v[i].chance > LIKELY;
        kt_free(w->marks.v);
        w->marks = (kt_marks){ 0 };
    }
    return rc;
}

/* Each function's precision and recall over its labels, weighed by how often it gave them. */
static void sum_up(struct work *w)
{
    for (uint32_t j = 0; j < w->m; j++) {
        double fires = 0, right = 0, recall = NAN;
        for (uint32_t c = 0; c < w->p->n_labels; c++) {
            double n = 0, precision = w->precision[(size_t)c * w->m + j];
            for (size_t i = 0; i < w->pattern.n; i++)
                for (uint32_t k = 0; w->pattern.v[i].label == (int32_t)c && k < w->pattern.v[i].n; k++)
                    n += w->function.v[w->pattern.v[i].at + k] == j ? w->pattern.v[i].count : 0;
            fires += n;
            right += n > 0 ? n * precision : 0;
            if (n > 0)
                recall = fires > n ? NAN : w->recall[(size_t)c * w->m + j]; /* of more than one label: none to name */
        }
        w->ret->function[j].precision = fires > 0 ? right / fires : NAN;
        w->ret->function[j].recall = recall;
    }
}

/* What trusted labels say of each function, which counts as ten marks of which eight are right before there are any. */
static void guess_from_gold(struct work *w)
{
    w->guess = kt_alloc_array((size_t)w->m + 1, sizeof(*w->guess));
    for (uint32_t j = 0; j < w->m; j++)
        w->guess[j] = ((double)w->ret->function[j].gold_right + 8) / ((double)w->ret->function[j].gold_n + 10);
}

static kt_rc run(struct work *w, kt_store *s, kt_column_out *out, kt_err *err)
{
    kt_item_reader *r;
    KT_TRY(kt_item_reader_new(s, w->p->id, &r, err));
    kt_rc rc = pass(w, s, r, NULL, err);
    if (w->gold.s && rc == 0)
        guess_from_gold(w);
    memset(w->ret->function, 0, w->m * sizeof(*w->ret->function)); /* the second pass counts what is shown */
    for (uint32_t c = 0; c < w->p->n_labels && rc == 0; c++)
        rc = weigh(w, (int32_t)c, err);
    w->second = true;
    if (rc == 0)
        rc = pass(w, s, r, out, err);
    if (rc == 0)
        sum_up(w);
    kt_item_reader_free(r);
    return rc;
}

static void work_done(struct work *w)
{
    kt_map_done(&w->index);
    KT_VEC_DONE(&w->pattern);
    KT_VEC_DONE(&w->function);
    KT_VEC_DONE(&w->token);
    KT_VEC_DONE(&w->out);
    kt_given_close(&w->gold);
    kt_free(w->precision);
    kt_free(w->recall);
    kt_free(w->guess);
}

/* In a transaction when the labels are to be written. */
static kt_rc all(struct work *w, kt_store *s, kt_str column, const char *doc, bool write, kt_str done, kt_err *err)
{
    KT_AUTO(kt_column_out) out = KT_COLUMN_OUT(s, w->p->id, column, 0, 0);
    KT_TRY(run(w, s, write ? &out : NULL, err));
    if (!write)
        return 0;
    KT_TRY(kt_column_end(&out, "denoise.labels", err));
    return kt_doc_put(s, w->p->id, kt_str_of(doc), done, err);
}

kt_rc kt_marks_denoise(kt_store *s, const kt_project *p, const kt_config *c, const kt_functions *f, const uint32_t *cluster, kt_str column, kt_arena *a,
                       kt_marks_result *ret, kt_err *err)
{
    kt_str ran = { "", 0 }, done = { "", 0 };
    uint32_t m = kt_functions_count(f);
    bool for_model = kt_str_eq(column, KT_WEIGHED_MARKS);
    const char *doc = for_model ? "weigh.done" : "denoise.done";
    *ret = (kt_marks_result){ .task = c->task, .m = m, .n_items = p->n_items, .function = kt_arena_array(a, m + 1, sizeof(*ret->function)) };
    KT_TRY(kt_doc_get(s, p->id, KT_S("functions.done"), a, &ran, err));
    KT_TRY(kt_doc_get(s, p->id, kt_str_of(doc), a, &done, err));
    kt_digest d = kt_digest_of(ran);
    KT_AUTO(kt_buf) key = KT_BUF_INIT(80);
    kt_buf_hex(&key, d.b, sizeof(d.b));
    bool write = !kt_str_eq(done, KT_BUF_STR(&key));
    struct work w = { .p = p, .task = c->task, .m = m, .cluster = cluster, .ret = ret, .least = for_model ? 0 : LIKELY, .precision = kt_zalloc_array((size_t)m * p->n_labels + 1, sizeof(double)),
                      .recall = kt_zalloc_array((size_t)m * p->n_labels + 1, sizeof(double)) };
    kt_rc rc = kt_given_open(p, c, c->gold_field, a, &w.gold, err);
    if (rc == 0 && write)
        rc = kt_store_begin(s, err);
    if (rc == 0) {
        rc = all(&w, s, column, doc, write, KT_BUF_STR(&key), err);
        if (write)
            rc = kt_store_finish(s, rc, err);
    }
    work_done(&w);
    return rc;
}
