/* From few labels to a model: a random pool of items, what functions say of it, rounds of active learning, and the final model over every item.
   What a model is and how it learns is the task's (stage/task.h); the votes of labeling functions enter it beside the text, so it learns which to
   trust. Everything is drawn from the seed and the store's state, never from time. */
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "stage/learn.h"
#include "stage/parts.h"
#include "stage/review.h"
#include "stage/rounds.h"
#include "store/column.h"

#include <stdlib.h>

#define EVAL 2000     /* items the learning curve is measured on */
#define RANDOM_PERSON 5000

kt_features_options kt_learn_features(const kt_config *c)
{
    return (kt_features_options){ .bits = 18, .words = (uint32_t)c->words, .char_min = c->chars ? 3 : 0, .char_max = (uint32_t)c->chars };
}

void kt_learn_word(kt_buf *b, uint32_t function, int32_t label)
{
    for (int k = 0; k < 3; k++)
        kt_buf_printf(b, " " KT_VOTE_WORD, function, label);
}

kt_str kt_learn_text(kt_arena *a, const kt_item *it, kt_str words)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)32 << 20);
    kt_buf_str(&b, it->text);
    kt_buf_str(&b, words);
    return kt_arena_str(a, KT_BUF_STR(&b));
}

struct texts {
    const uint32_t *item; /* n, ascending */
    size_t n;
    const kt_str *words;  /* n, or NULL */
    kt_str *text;         /* n */
    kt_arena arena[KT_SCAN_SLOTS];
};

/* Place in the list of an item that is in it. */
static size_t place_of(const struct texts *t, uint32_t item)
{
    size_t lo = 0, hi = t->n;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (t->item[mid] <= item)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static kt_rc keep_text(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)err;
    struct texts *t = ctx;
    size_t at = place_of(t, items[0].number);
    for (size_t i = 0; i < n; i++)
        t->text[at + i] = kt_learn_text(&t->arena[slot], &items[i], t->words ? t->words[at + i] : (kt_str){ "", 0 });
    return 0;
}

kt_rc kt_learn_rows(kt_run *r, kt_item_reader *reader, const uint32_t *item, size_t n, const kt_str *words, bool weigh, kt_features *ret)
{
    struct texts *t = kt_zalloc(sizeof(*t));
    *t = (struct texts){ .item = item, .n = n, .words = words, .text = kt_zalloc_array(n + 1, sizeof(kt_str)) };
    kt_rc rc = kt_item_scan_list(reader, item, n, r->pool, keep_text, t, r->err);
    kt_features_options o = kt_learn_features(r->c);
    if (rc == 0)
        rc = kt_features_make(t->text, n, &o, r->pool, ret, r->err);
    if (rc == 0 && weigh)
        kt_features_weigh(ret, &r->idf, r->pool);
    for (int i = 0; i < KT_SCAN_SLOTS; i++)
        kt_arena_done(&t->arena[i]);
    kt_free(t->text);
    kt_free(t);
    return rc;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The items people answered besides that are not in the pool join it. */
static void join_pool(kt_run *r)
{
    uint8_t *in = kt_zalloc((size_t)r->n + 1);
    for (size_t i = 0; i < r->n_pool; i++)
        in[r->pool_item[i]] = 1;
    size_t most = r->n_pool;
    for (uint32_t i = 0; i < r->n; i++)
        most += r->learn_also[i] && !in[i];
    r->pool_item = kt_realloc(r->pool_item, (most + 1) * sizeof(*r->pool_item));
    r->n_pool = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (in[i] || r->learn_also[i])
            r->pool_item[r->n_pool++] = i;
    kt_free(in);
}

/* The pool: a uniform sample of the canonical items, without gold. */
static void draw_pool(kt_run *r)
{
    uint32_t *all = kt_alloc_array((size_t)r->n + 1, 4);
    size_t n = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (r->state[i] != KT_ITEM_DUPLICATE && r->state[i] != KT_ITEM_GOLD)
            all[n++] = i;
    r->n_pool = KT_MIN(n, (size_t)kt_task_of(r)->most_pool);
    r->pool_item = kt_alloc_array(r->n_pool + 1, 4);
    uint64_t *at = kt_alloc_array(r->n_pool + 1, 8);
    kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x706f6f, n, 0);
    kt_rng_sample(&g, n, r->n_pool, at);
    for (size_t i = 0; i < r->n_pool; i++)
        r->pool_item[i] = all[at[i]];
    qsort(r->pool_item, r->n_pool, 4, by_number);
    kt_free(at);
    kt_free(all);
    if (r->learn_also)
        join_pool(r);
}

/* Rows of the pool, each with what functions say of it. */
static kt_rc make_rows(kt_run *r)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_item_reader *reader;
    kt_str *words = kt_arena_array(&a, r->n_pool + 1, sizeof(*words));
    KT_TRY(kt_task_of(r)->words(r, r->pool_item, r->n_pool, &a, words));
    KT_TRY(kt_item_reader_new(r->s, r->p.id, &reader, r->err));
    kt_rc rc = kt_learn_rows(r, reader, r->pool_item, r->n_pool, words, false, &r->pool_x);
    if (rc == 0) {
        kt_idf_init(&r->idf, kt_learn_features(r->c).bits);
        kt_idf_add(&r->idf, &r->pool_x);
        kt_features_weigh(&r->pool_x, &r->idf, r->pool);
    }
    kt_item_reader_free(reader);
    return rc;
}

kt_rc kt_learn_prepare(kt_run *r)
{
    draw_pool(r);
    KT_TRY(make_rows(r));
    return kt_task_of(r)->prepare(r);
}

void kt_learn_done(kt_run *r)
{
    if (r->c)
        kt_task_of(r)->done(r);
    kt_free(r->pool_item);
    kt_free(r->pred);
    kt_features_done(&r->pool_x);
    if (r->idf.rows)
        kt_idf_done(&r->idf);
    kt_taught_done(&r->model);
}

void kt_taught_done(kt_taught *m)
{
    kt_linear_done(&m->linear);
    kt_crf_done(&m->tagger);
}

/* ---- lessons ---- */

void kt_lesson_done(kt_lesson *l)
{
    kt_free(l->has);
    kt_free(l->soft);
    kt_free(l->start);
    kt_free(l->part);
    *l = (kt_lesson){ 0 };
}

uint64_t kt_lesson_print(const kt_run *r, const kt_lesson *l, size_t row)
{
    const kt_answer_part *v = l->part + l->start[row];
    return r->parts ? kt_parts_print(v, l->start[row + 1] - l->start[row]) : (uint64_t)v->label + 1;
}

size_t kt_learn_place(const kt_run *r, uint32_t item)
{
    const uint32_t *at = bsearch(&item, r->pool_item, r->n_pool, sizeof(item), by_number);
    return at ? (size_t)(at - r->pool_item) : SIZE_MAX;
}

/* Merged answers to rows of the pool (of v.number, when it is known) as a lesson. */
static kt_rc make_lesson(kt_run *r, const kt_said *v, kt_lesson *ret)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_merged m;
    KT_TRY(kt_task_of(r)->merge(r, v, &kt_aggregate_dawid_skene, &a, &m));
    uint32_t *of = kt_zalloc_array(r->n_pool + 1, sizeof(*of));
    size_t at = 0;
    *ret = (kt_lesson){ .n = v->n_items, .has = kt_zalloc(r->n_pool + 1), .start = kt_zalloc_array(r->n_pool + 1, sizeof(size_t)),
                        .part = kt_alloc_array(m.start[v->n_items] + 1, sizeof(kt_answer_part)) };
    if (m.soft)
        ret->soft = kt_zalloc_array(r->n_pool * r->k + 1, sizeof(float));
    for (uint32_t i = 0; i < v->n_items; i++)
        of[kt_learn_place(r, v->number[i])] = i + 1;
    for (size_t row = 0; row < r->n_pool; row++) {
        ret->start[row] = at;
        if (!of[row])
            continue;
        uint32_t i = of[row] - 1;
        size_t n = m.start[i + 1] - m.start[i];
        ret->has[row] = 1;
        if (n)
            memcpy(ret->part + at, m.part + m.start[i], n * sizeof(*m.part));
        at += n;
        if (m.soft)
            memcpy(ret->soft + row * r->k, m.soft + (size_t)i * r->k, r->k * sizeof(float));
    }
    ret->start[r->n_pool] = at;
    kt_free(of);
    return 0;
}

static bool learns_from(const kt_run *r, const kt_annotations *a, size_t i)
{
    return !a->gold[i] && (a->queue[i] == KT_QUEUE_TRAIN || (r->learn_also && a->queue[i] == KT_QUEUE_HUMAN && r->learn_also[a->item[i]])) &&
           kt_learn_place(r, a->item[i]) != SIZE_MAX;
}

kt_rc kt_learn_lesson(kt_run *r, kt_lesson *ret)
{
    KT_AUTO(kt_arena) arena = KT_ARENA_INIT;
    KT_AUTO(kt_buf) said = KT_BUF_INIT((size_t)4 << 30);
    kt_annotations a;
    kt_said v;
    KT_TRY(kt_annotations_load(r->s, r->p.id, &a, r->err));
    kt_rc rc = kt_said_gather(r, &a, learns_from, &arena, &v);
    for (size_t i = 0; i < a.n && rc == 0; i++)
        if (learns_from(r, &a, i))
            kt_buf_printf(&said, "%u,%lld,%d\n", a.item[i], (long long)a.user[i], a.label[i]);
    kt_annotations_done(&a);
    KT_TRY(rc);
    KT_TRY(make_lesson(r, &v, ret));
    ret->data = kt_digest_of(KT_BUF_STR(&said));
    return 0;
}

/* As many answers on random rows, from simulated people of their own. */
static kt_rc random_lesson(kt_run *r, size_t n_items, kt_lesson *ret)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    uint64_t *at = kt_alloc_array(n_items + 1, 8);
    kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x72616e, 0, 0);
    n_items = KT_MIN(n_items, r->n_pool);
    kt_rng_sample(&g, r->n_pool, n_items, at);
    size_t most = n_items * (size_t)r->c->overlap;
    kt_answer_parts part = { 0 };
    kt_said v = { .n_sources = (uint32_t)r->c->overlap, .item = kt_arena_array(&a, most + 1, 4), .source = kt_arena_array(&a, most + 1, 4),
                  .start = kt_arena_array(&a, most + 1, sizeof(size_t)), .number = kt_arena_array(&a, n_items + 1, 4) };
    kt_rc rc = 0;
    for (size_t i = 0; i < n_items && rc == 0; i++) {
        if (r->truth[r->pool_item[at[i]]] < 0)
            continue;
        v.number[v.n_items] = r->pool_item[at[i]];
        for (uint32_t w = 0; w < v.n_sources && rc == 0; w++) {
            v.item[v.n] = v.n_items;
            v.source[v.n] = w;
            v.start[v.n++] = part.n;
            rc = kt_task_of(r)->pretend(r, v.number[v.n_items], RANDOM_PERSON + w, r->c->sim_accuracy, false, &part);
        }
        v.n_items++;
    }
    v.start[v.n] = part.n;
    v.part = part.v;
    if (rc == 0)
        rc = make_lesson(r, &v, ret);
    KT_VEC_DONE(&part);
    kt_free(at);
    return rc;
}

/* ---- rounds ---- */

/* What a model says of rows. */
struct opinion {
    uint32_t *row;
    size_t n;
    float *score, *unsure;
    uint64_t *print;
};

static kt_rc look(kt_run *r, const kt_taught *m, uint32_t *row, size_t n, struct opinion *ret)
{
    *ret = (struct opinion){ row, n, kt_alloc_array(n + 1, sizeof(float)), kt_alloc_array(n + 1, sizeof(float)), kt_alloc_array(n + 1, sizeof(uint64_t)) };
    return kt_task_of(r)->look(r, m, row, n, ret->score, ret->print, ret->unsure);
}

static void opinion_done(struct opinion *o)
{
    kt_free(o->row);
    kt_free(o->score);
    kt_free(o->unsure);
    kt_free(o->print);
}

/* Share of whole answers that are the held-back truth's, on up to EVAL rows of the pool that are not in training. */
static kt_rc accuracy_of(kt_run *r, const kt_taught *m, const kt_lesson *l, double *ret)
{
    uint32_t *row = kt_alloc_array(EVAL, sizeof(*row));
    size_t n = 0, right = 0;
    for (size_t q = 0; q < r->n_pool && n < EVAL; q++) {
        size_t i = (q * 6007 + 11) % r->n_pool;
        if (!l->has[i] && r->truth[r->pool_item[i]] >= 0)
            row[n++] = (uint32_t)i;
    }
    struct opinion o;
    kt_rc rc = look(r, m, row, n, &o);
    for (size_t i = 0; i < n && rc == 0; i++) {
        uint32_t item = r->pool_item[row[i]];
        right += o.print[i] == (r->parts ? r->parts->truth_print[item] : (uint64_t)r->truth[item] + 1);
    }
    opinion_done(&o);
    *ret = n ? (double)right / (double)n : NAN;
    return rc;
}

/* The random arm of the learning curve. */
static kt_rc random_arm(kt_run *r, size_t n_items, double *ret)
{
    kt_lesson l = { 0 };
    kt_taught m = { 0 };
    kt_rc rc = random_lesson(r, n_items, &l);
    if (rc == 0 && l.n)
        rc = kt_task_of(r)->fit(r, &l, &m);
    if (rc == 0 && l.n)
        rc = accuracy_of(r, &m, &l, ret);
    kt_taught_done(&m);
    kt_lesson_done(&l);
    return rc;
}

/* Mean chance to be right over the pool's rows without an answer: the accuracy the model expects of itself. */
static kt_rc believed(kt_run *r, const kt_taught *m, const kt_lesson *l, double *ret)
{
    uint32_t *row = kt_alloc_array(r->n_pool + 1, sizeof(*row));
    size_t n = 0;
    double sum = 0;
    for (size_t i = 0; i < r->n_pool; i++)
        if (!l->has[i])
            row[n++] = (uint32_t)i;
    struct opinion o;
    kt_rc rc = look(r, m, row, n, &o);
    for (size_t i = 0; i < n && rc == 0; i++)
        sum += (double)o.score[i];
    opinion_done(&o);
    *ret = n ? sum / (double)n : NAN;
    return rc;
}

/* Puts the round's items into the queue: new ones with the answers an item gets, answered ones for one answer more. */
static kt_rc enqueue(kt_run *r, const uint32_t *items, size_t n, const kt_lesson *l)
{
    uint32_t *fresh = kt_alloc_array(n + 1, sizeof(*fresh)), *again = kt_alloc_array(n + 1, sizeof(*again));
    size_t n_fresh = 0, n_again = 0;
    for (size_t i = 0; i < n; i++)
        if (l->has[kt_learn_place(r, items[i])])
            again[n_again++] = items[i];
        else
            fresh[n_fresh++] = items[i];
    kt_rc rc = n_fresh ? kt_queue_add(r->s, r->p.id, KT_QUEUE_TRAIN, fresh, n_fresh, (int)r->c->overlap, r->err) : 0;
    if (rc >= 0 && n_again)
        rc = kt_review_ask_again(r->s, &r->p, again, n_again, r->err);
    kt_free(fresh);
    kt_free(again);
    return rc;
}

/* Appends "labels,active,random\n" to the curve, keeps the outlook, and moves the round on (to the end, if it says so), with the new
   queue, in one transaction. made: NULL when nothing was trained. */
static kt_rc next_round(kt_run *r, int64_t round, const uint32_t *items, size_t n, const kt_lesson *l, kt_str point, const kt_learn_stop *outlook,
                        kt_round *made)
{
    KT_TRY(kt_store_begin(r->s, r->err));
    kt_str old = { "", 0 };
    kt_rc rc = kt_doc_get(r->s, r->p.id, KT_S("learn.curve"), r->arena, &old, r->err);
    if (rc >= 0 && point.n)
        rc = kt_doc_put(r->s, r->p.id, KT_S("learn.curve"), kt_arena_printf(r->arena, "%.*s%.*s", KT_F(old), KT_F(point)), r->err);
    if (rc >= 0 && outlook->labels > 0)
        rc = kt_learn_outlook_put(r, outlook);
    if (rc >= 0 && n)
        rc = enqueue(r, items, n, l);
    if (rc >= 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("learn.round"), outlook->stop ? r->c->al_rounds + 2 : round + 1, r->err);
    if (rc >= 0 && made)
        rc = kt_round_put(r->s, r->p.id, made, r->err);
    return kt_store_finish(r->s, rc < 0 ? rc : 0, r->err);
}

/* A point of the curve, where there is a truth to measure on. */
static kt_rc measure(kt_run *r, const kt_taught *m, const kt_lesson *l, kt_str *ret)
{
    double active = NAN, random = NAN;
    if (!r->has_truth || !r->c->simulate)
        return 0;
    KT_TRY(accuracy_of(r, m, l, &active));
    KT_TRY(random_arm(r, l->n, &random));
    *ret = kt_arena_printf(r->arena, "%zu,%.6f,%.6f\n", l->n, active, random);
    return 0;
}

/* The round's model, and what is to be written of it. */
static kt_rc learn_round(kt_run *r, const kt_lesson *l, kt_taught *m, kt_round *made, kt_str *point, kt_learn_stop *outlook)
{
    double accuracy;
    KT_TRY(kt_task_of(r)->fit(r, l, m));
    KT_TRY(kt_round_learned(r, l, m, made));
    KT_TRY(measure(r, m, l, point));
    KT_TRY(believed(r, m, l, &accuracy));
    return isnan(accuracy) ? 0 : kt_learn_outlook(r, (double)l->n, accuracy, outlook);
}

static kt_rc one_round(kt_run *r, int64_t round, const kt_lesson *l)
{
    size_t n = 0;
    kt_taught m = { 0 };
    kt_round made = { .stage = KT_S("learn") };
    kt_learn_stop outlook = { 0 };
    kt_str point = { "", 0 };
    bool have = l->n > 0;
    kt_rc rc = have ? learn_round(r, l, &m, &made, &point, &outlook) : 0;
    uint32_t *items = kt_alloc_array((size_t)KT_MAX(r->c->al_start, r->c->al_batch) + 1, 4);
    if (rc == 0 && round <= r->c->al_rounds && !outlook.stop)
        rc = kt_task_of(r)->choose(r, round, l, have ? &m : NULL, (size_t)(round == 0 ? r->c->al_start : r->c->al_batch), items, &n);
    for (size_t i = 0; i < n && rc == 0; i++)
        items[i] = r->pool_item[items[i]];
    if (rc == 0)
        rc = next_round(r, round, items, n, l, point, &outlook, have ? &made : NULL);
    kt_free(items);
    kt_taught_done(&m);
    return rc;
}

kt_rc kt_learn_train(kt_run *r, const kt_lesson *l)
{
    kt_taught_done(&r->model);
    r->model = (kt_taught){ 0 };
    r->n_learned = l->n;
    r->learned = l->data;
    kt_rc rc = kt_task_of(r)->fit(r, l, &r->model);
    r->trained = rc == 0;
    return rc;
}

kt_rc kt_learn_rounds(kt_run *r)
{
    kt_lesson l = { 0 };
    kt_rc rc = 0;
    while (rc == 0) { /* rounds 0 .. al_rounds choose items, one more only measures */
        int64_t round;
        if ((rc = kt_people_work(r, 1u << KT_QUEUE_TRAIN)) != 0)
            break;
        kt_lesson_done(&l);
        if ((rc = kt_learn_lesson(r, &l)) < 0)
            break;
        if ((rc = kt_counter_get(r->s, r->p.id, KT_S("learn.round"), &round, r->err)) < 0 || round > r->c->al_rounds + 1)
            break;
        rc = one_round(r, round, &l);
    }
    if (rc == 0)
        rc = kt_learn_train(r, &l);
    for (size_t i = 0; i < r->n_pool && rc == 0; i++)
        if (l.has[i])
            r->state[r->pool_item[i]] = KT_ITEM_TRAIN;
    kt_lesson_done(&l);
    return rc;
}

kt_rc kt_learn_predict(kt_run *r)
{
    r->pred = kt_alloc_array((size_t)r->n + 1, sizeof(*r->pred));
    for (uint32_t i = 0; i < r->n; i++)
        r->pred[i] = (kt_prediction){ -1, 0 };
    kt_progress_begin(r->progress, "prelabel", r->n);
    kt_rc rc = kt_task_of(r)->predict(r);
    kt_progress_end(r->progress);
    return rc;
}
