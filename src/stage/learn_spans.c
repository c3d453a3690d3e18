/* Regions of texts (stage/task.h): a conditional random field over tokens, to which the marks of functions, and what the label model makes of them, are
   cues beside the words; so it learns from people's answers how far to trust each. The answer is the likeliest sequence of tags, and its score that
   sequence's own probability, which is what a whole text stands or falls with. What an answer would teach is measured a token, or long texts would
   always come first (Shen et al. 2018). A text longer than KT_SPAN_MOST_TOKENS is never the machine's to decide. */
#include "algo/learn/folds.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "stage/learn_parts.h"
#include "stage/pretend.h"
#include "stage/span_merge.h"
#include "stage/span_text.h"

#include <math.h>

#define MAX_POOL 5000
#define PREDICT 2048u
#define BLOCK 60000 /* tokens that are rows of features at a time */
#define FOLDS 3

struct kt_span_pool {
    kt_span_text text; /* n_pool texts */
};

/* ---- texts ---- */

/* What functions marked in the texts of a list, and what the label model makes of it as one function more. */
struct marked {
    uint16_t weighed;  /* that one's number */
    KT_VEC(kt_mark) v; /* row: place in the list */
};

static void see_marks(void *ctx, size_t place, const kt_mark *v, size_t n)
{
    struct marked *m = ctx;
    for (size_t i = 0; i < n; i++) {
        KT_PUSH(&m->v, v[i]);
        m->v.v[m->v.n - 1].row = (uint32_t)place;
    }
}

static void see_weighed(void *ctx, size_t place, const kt_machine_mark *v, size_t n)
{
    struct marked *m = ctx;
    for (size_t i = 0; i < n; i++)
        KT_PUSH(&m->v, ((kt_mark){ (uint32_t)place, m->weighed, v[i].label, v[i].start, v[i].end }));
}

static int by_row(const void *a, const void *b)
{
    const kt_mark *x = a, *y = b;
    if (x->row != y->row)
        return (x->row > y->row) - (x->row < y->row);
    if (x->function != y->function)
        return (x->function > y->function) - (x->function < y->function);
    return x->start != y->start ? (x->start > y->start) - (x->start < y->start) : x->label != y->label ? (x->label > y->label) - (x->label < y->label) : (x->end > y->end) - (x->end < y->end);
}

struct adding {
    kt_span_text *text;
    const struct marked *marked;
    size_t at;  /* in marks */
    bool words;
    size_t place;
};

static kt_rc add_texts(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)slot, (void)err;
    struct adding *x = ctx;
    const kt_mark *v = x->marked->v.v;
    for (size_t i = 0; i < n; i++, x->place++) {
        size_t from = x->at;
        while (x->at < x->marked->v.n && v[x->at].row == x->place)
            x->at++;
        kt_span_text_add(x->text, items[i].text, x->words, x->at > from ? v + from : NULL, x->at - from);
    }
    return 0;
}

/* Appends the items of a list, ascending; with cues when there are functions. words: as in kt_span_text_add. */
static kt_rc read_texts(kt_run *r, kt_item_reader *reader, const uint32_t *item, size_t n, bool words, kt_span_text *ret)
{
    struct marked m = { .weighed = (uint16_t)r->m };
    struct adding x = { ret, &m, 0, words, 0 };
    kt_rc rc = words ? kt_parts_each_marked(r, item, n, see_marks, &m) : 0;
    if (rc == 0 && words)
        rc = kt_parts_each_weighed(r, item, n, see_weighed, &m);
    if (m.v.n)
        qsort(m.v.v, m.v.n, sizeof(*m.v.v), by_row);
    if (rc == 0)
        rc = kt_item_scan_list(reader, item, n, NULL, add_texts, &x, r->err);
    KT_VEC_DONE(&m.v);
    return rc;
}

static kt_rc words(kt_run *r, const uint32_t *item, size_t n, kt_arena *a, kt_str *ret)
{
    (void)r, (void)item, (void)a;
    for (size_t i = 0; i < n; i++)
        ret[i] = (kt_str){ "", 0 };
    return 0;
}

static kt_rc prepare(kt_run *r)
{
    kt_item_reader *reader;
    r->parts->spans = kt_zalloc(sizeof(*r->parts->spans));
    KT_TRY(kt_item_reader_new(r->s, r->p.id, &reader, r->err));
    kt_rc rc = read_texts(r, reader, r->pool_item, r->n_pool, true, &r->parts->spans->text);
    kt_item_reader_free(reader);
    return rc;
}

static void done(kt_run *r)
{
    if (r->parts && r->parts->spans)
        kt_span_text_done(&r->parts->spans->text);
    if (r->parts)
        r->parts->spans = kt_free(r->parts->spans);
    kt_parts_free(r);
}

/* ---- simulated people ---- */

/* A border one token on or back, as far as there is one and something is left. */
static void shift(const kt_span_text *t, kt_rng *g, kt_answer_part *p)
{
    const uint32_t *at = t->at.v;
    size_t n = t->token.n, first = 0;
    while (first < n && at[2 * first + 1] <= p->start)
        first++;
    size_t last = first;
    while (last + 1 < n && at[2 * last + 2] < p->end)
        last++;
    uint64_t how = kt_rng_below(g, 4);
    if (how == 0 && first > 0)
        p->start = at[2 * (first - 1)];
    else if (how == 1 && first < last)
        p->start = at[2 * (first + 1)];
    else if (how == 2 && first < last)
        p->end = at[2 * (last - 1) + 1];
    else if (last + 1 < n)
        p->end = at[2 * (last + 1) + 1];
}

static kt_rc mistakes(kt_run *r, uint32_t item, kt_rng *g, double wrong, kt_answer_parts *ret)
{
    size_t n;
    const kt_answer_part *truth = kt_pretend_truth(r, item, &n);
    kt_item it;
    kt_span_text t = { 0 };
    KT_TRY(kt_parts_item(r, item, &it));
    kt_span_text_add(&t, it.text, false, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        kt_answer_part p = truth[i];
        double how = kt_rng_unit(g) < wrong ? kt_rng_unit(g) : 1;
        if (how < 0.3)
            continue; /* overlooked */
        if (how < 0.5 && r->k > 1)
            p.label = (int32_t)(((uint64_t)p.label + 1 + kt_rng_below(g, r->k - 1)) % r->k);
        else if (how < 1)
            shift(&t, g, &p);
        KT_PUSH(ret, p);
    }
    if (t.token.n && kt_rng_unit(g) < wrong / 2) { /* invented */
        size_t x = kt_rng_below(g, t.token.n);
        KT_PUSH(ret, ((kt_answer_part){ (int32_t)kt_rng_below(g, r->k), t.at.v[2 * x], t.at.v[2 * x + 1] }));
    }
    kt_span_text_done(&t);
    return 0;
}

static kt_rc pretend(kt_run *r, uint32_t item, uint64_t person, double right, bool whole, kt_answer_parts *ret)
{
    return kt_pretend(r, item, person, right, whole, mistakes, ret);
}

/* ---- training ---- */

/* Some texts of the pool, one after the other, views of it. */
struct some {
    KT_VEC(size_t) start;
    KT_VEC(kt_str) token;
    KT_VEC(size_t) cue_start;
    KT_VEC(uint32_t) cue;
};

static void some_add(struct some *s, const kt_span_text *t, size_t row)
{
    if (!s->start.n) {
        KT_PUSH(&s->start, 0);
        KT_PUSH(&s->cue_start, 0);
    }
    for (size_t x = t->start.v[row]; x < t->start.v[row + 1]; x++) {
        KT_PUSH(&s->token, t->token.v[x]);
        for (size_t c = t->cue_start.v[x]; c < t->cue_start.v[x + 1]; c++)
            KT_PUSH(&s->cue, t->cue.v[c]);
        KT_PUSH(&s->cue_start, s->cue.n);
    }
    KT_PUSH(&s->start, s->token.n);
}

static kt_crf_text some_view(const struct some *s)
{
    return (kt_crf_text){ .n_sentences = s->start.n - 1, .start = s->start.v, .token = s->token.v, .cue_start = s->cue.n ? s->cue_start.v : NULL, .cue = s->cue.v };
}

static void some_clear(struct some *s)
{
    s->start.n = s->token.n = s->cue_start.n = s->cue.n = 0;
}

static void some_done(struct some *s)
{
    KT_VEC_DONE(&s->start);
    KT_VEC_DONE(&s->token);
    KT_VEC_DONE(&s->cue_start);
    KT_VEC_DONE(&s->cue);
}

/* On the rows with an answer that are not of fold `skip` (folds NULL: on all). */
static kt_rc fit_rows(kt_run *r, const kt_lesson *l, const uint8_t *fold, uint32_t skip, kt_crf *ret, kt_err *err)
{
    const kt_span_text *t = &r->parts->spans->text;
    struct some s = { 0 };
    KT_VEC(int32_t) tag = { 0 };
    for (size_t i = 0; i < r->n_pool; i++) {
        if (!l->has[i] || (fold && fold[i] == skip) || t->start.v[i] == t->start.v[i + 1])
            continue;
        size_t n = t->start.v[i + 1] - t->start.v[i];
        some_add(&s, t, i);
        KT_RESERVE(&tag, tag.n + n);
        kt_span_tags(t, i, l->part + l->start[i], l->start[i + 1] - l->start[i], tag.v + tag.n);
        tag.n += n;
    }
    kt_crf_options o = KT_CRF_OPTIONS_INIT;
    o.bits = 18;
    o.epochs = (uint32_t)r->c->epochs;
    o.seed = (uint64_t)r->c->seed;
    kt_crf_text x = s.start.n ? some_view(&s) : (kt_crf_text){ 0 };
    kt_rc rc = x.n_sentences ? kt_crf_fit(&x, tag.v, r->k, &o, ret, err)
                             : kt_fail(err, KT_RANGE, "nobody has answered an item yet that a model could learn from; active_learning: wants a start and answers to it");
    some_done(&s);
    KT_VEC_DONE(&tag);
    return rc;
}

static kt_rc fit(kt_run *r, const kt_lesson *l, kt_taught *ret)
{
    return fit_rows(r, l, NULL, 0, &ret->tagger, r->err);
}

/* ---- what a model says ---- */

/* Of texts [first, last) of t, into part by text (ends: last - first). */
struct said {
    kt_answer_parts part;
    KT_VEC(float) prob;   /* per part: that it is one */
    KT_VEC(size_t) end;   /* per text: where its parts end */
    KT_VEC(double) log_prob;
    KT_VEC(uint32_t) n_tokens;
};

static void said_done(struct said *s)
{
    KT_VEC_DONE(&s->part);
    KT_VEC_DONE(&s->prob);
    KT_VEC_DONE(&s->end);
    KT_VEC_DONE(&s->log_prob);
    KT_VEC_DONE(&s->n_tokens);
}

static void say_block(const kt_crf *m, const kt_span_text *t, const uint32_t *row, size_t n, const struct some *s, kt_pool *pool, struct said *ret)
{
    kt_crf_text x = some_view(s);
    int32_t *tag = kt_alloc_array(s->token.n + 1, sizeof(*tag));
    float *span = kt_alloc_array(s->token.n + 1, sizeof(*span));
    double *log_prob = kt_alloc_array(n + 1, sizeof(*log_prob));
    kt_crf_whole(m, &x, pool, tag, log_prob, span);
    for (size_t first = 0; first < s->token.n; first++)
        if (tag[first] % 2)
            KT_PUSH(&ret->prob, span[first]);
    for (size_t i = 0; i < n; i++) {
        kt_span_parts(t, row[i], tag + s->start.v[i], &ret->part);
        KT_PUSH(&ret->end, ret->part.n);
        KT_PUSH(&ret->log_prob, t->cut.v[row[i]] ? -INFINITY : log_prob[i]);
        KT_PUSH(&ret->n_tokens, (uint32_t)(s->start.v[i + 1] - s->start.v[i]));
    }
    kt_free(tag);
    kt_free(span);
    kt_free(log_prob);
}

/* Texts of these rows, so many at a time that their features fit. */
static void say_rows(const kt_crf *m, const kt_span_text *t, const uint32_t *row, size_t n, kt_pool *pool, struct said *ret)
{
    struct some s = { 0 };
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        some_add(&s, t, row[i]);
        if (s.token.n < BLOCK && i + 1 < n)
            continue;
        say_block(m, t, row + from, i + 1 - from, &s, pool, ret);
        some_clear(&s);
        from = i + 1;
    }
    some_done(&s);
}

static uint64_t print_of(const struct said *s, size_t i)
{
    size_t from = i ? s->end.v[i - 1] : 0;
    return kt_parts_print(s->part.v + from, s->end.v[i] - from);
}

static kt_rc look(kt_run *r, const kt_taught *m, const uint32_t *row, size_t n, float *score, uint64_t *print, float *unsure)
{
    struct said s = { 0 };
    say_rows(&m->tagger, &r->parts->spans->text, row, n, r->pool, &s);
    for (size_t i = 0; i < n; i++) {
        score[i] = (float)exp(s.log_prob.v[i]);
        print[i] = print_of(&s, i);
        if (unsure)
            unsure[i] = isinf(s.log_prob.v[i]) ? 0 : (float)(1 - exp(s.log_prob.v[i] / KT_MAX(s.n_tokens.v[i], 1u)));
    }
    said_done(&s);
    return 0;
}

struct folding {
    kt_run *r;
    const kt_lesson *l;
    const uint8_t *fold;
    float *score;
    uint64_t *print;
    kt_rc rc[FOLDS];
    kt_err err[FOLDS];
};

static void one_fold(void *ctx, size_t f)
{
    struct folding *x = ctx;
    kt_crf m = { 0 };
    struct said s = { 0 };
    uint32_t *row = kt_alloc_array(x->r->n_pool + 1, sizeof(*row));
    size_t n = 0;
    for (size_t i = 0; i < x->r->n_pool; i++)
        if (x->l->has[i] && x->fold[i] == f)
            row[n++] = (uint32_t)i;
    x->rc[f] = fit_rows(x->r, x->l, x->fold, (uint32_t)f, &m, &x->err[f]);
    if (x->rc[f] == 0)
        say_rows(&m, &x->r->parts->spans->text, row, n, NULL, &s);
    for (size_t i = 0; i < n && x->rc[f] == 0; i++) {
        x->score[row[i]] = (float)exp(s.log_prob.v[i]);
        x->print[row[i]] = print_of(&s, i);
    }
    said_done(&s);
    kt_crf_done(&m);
    kt_free(row);
}

static kt_rc cross(kt_run *r, const kt_lesson *l, float *score, uint64_t *print)
{
    uint8_t *fold = kt_alloc(r->n_pool + 1);
    struct folding x = { .r = r, .l = l, .fold = fold, .score = score, .print = print };
    kt_rc rc = kt_folds_draw(r->n_pool, NULL, FOLDS, (uint64_t)r->c->seed, fold, r->err);
    if (rc == 0)
        kt_pool_run(r->pool, FOLDS, one_fold, &x);
    for (uint32_t f = 0; f < FOLDS && rc == 0; f++)
        if ((rc = x.rc[f]) < 0)
            *r->err = x.err[f];
    kt_free(fold);
    return rc;
}

static kt_rc say(kt_run *r, kt_item_reader *reader, const uint32_t *item, size_t n, kt_machine_marks *ret, float *score)
{
    kt_span_text t = { 0 };
    struct said s = { 0 };
    uint32_t *row = kt_alloc_array(n + 1, sizeof(*row));
    for (size_t i = 0; i < n; i++)
        row[i] = (uint32_t)i;
    kt_rc rc = read_texts(r, reader, item, n, true, &t);
    if (rc == 0)
        say_rows(&r->model.tagger, &t, row, n, r->pool, &s);
    for (size_t i = 0, p = 0; i < n && rc == 0; i++) {
        score[i] = (float)exp(s.log_prob.v[i]);
        for (; p < s.end.v[i]; p++)
            KT_PUSH(ret, ((kt_machine_mark){ (uint32_t)i, (int16_t)s.part.v[p].label, 0, s.part.v[p].start, s.part.v[p].end, s.prob.v[p] }));
    }
    said_done(&s);
    kt_span_text_done(&t);
    kt_free(row);
    return rc;
}

static kt_rc predict(kt_run *r)
{
    return kt_parts_predict(r, say, PREDICT);
}

static void bytes(const kt_taught *m, kt_buf *ret)
{
    kt_crf_bytes(&m->tagger, ret);
}

static kt_rc explain(kt_run *r, kt_str ext_id, kt_explanation *ret)
{
    (void)ext_id, (void)ret;
    return kt_fail(r->err, KT_RANGE, "which words decide is said of single labels; of regions, 'karat model explain' says it for a tagger of your own");
}

static kt_rc merge(kt_run *r, const kt_said *v, const kt_aggregator *method, kt_arena *a, kt_merged *ret)
{
    (void)method; /* regions have their own */
    return kt_span_merge(r, v, a, ret);
}

const kt_task_ops kt_task_spans = {
    .model = "spans", .merged_by = "sequences", .most_pool = MAX_POOL, .known = kt_parts_known, .words = words, .prepare = prepare, .done = done, .merge = merge, .pretend = pretend, .fit = fit, .look = look,
    .cross = cross, .choose = kt_parts_choose, .predict = predict, .bytes = bytes, .explain = explain,
};
