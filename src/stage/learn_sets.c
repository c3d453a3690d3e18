/* Sets of labels (stage/task.h): a machine for each label on the words of the text and of the functions (algo/learn/linear_multi.h), with what the label
   model says of items nobody answered. The answer is every label likelier than not; that all of it is right has the chance that each label is, which
   is the product as long as they err independently. Where they do not its level is off, and calibration and threshold see to that: only its order matters. */
#include "algo/learn/linear_multi.h"
#include "algo/merge/multilabel.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "stage/learn_parts.h"
#include "stage/pretend.h"

#include <math.h>

#define MAX_POOL 30000
#define MAX_SOFT 4000     /* rows that only functions labelled, in training */
#define SOFT_TOTAL 10.0f   /* … which together weigh as much as so many answers */
#define PREDICT 16384u
#define LIKELY 0.5f
#define HALF_REPLACED 0.5 /* of a simulated person's mistakes on a label, those that put another in its place */

/* ---- what functions say ---- */

struct words {
    kt_arena *a;
    kt_str *word;
};

static void see_words(void *ctx, size_t place, const kt_mark *v, size_t n)
{
    struct words *w = ctx;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)16 << 20);
    for (size_t i = 0; i < n; i++) /* by function, then (places are all 0) label */
        if (i == 0 || v[i].function != v[i - 1].function || v[i].label != v[i - 1].label)
            kt_learn_word(&b, v[i].function, v[i].label);
    w->word[place] = kt_arena_str(w->a, KT_BUF_STR(&b));
}

static kt_rc words(kt_run *r, const uint32_t *item, size_t n, kt_arena *a, kt_str *ret)
{
    struct words w = { a, ret };
    return kt_parts_each_marked(r, item, n, see_words, &w);
}

struct weak {
    kt_run *r;
    float *chance; /* n_pool × k */
    uint8_t *said; /* n_pool */
};

static void see_weak(void *ctx, size_t place, const kt_machine_mark *v, size_t n)
{
    struct weak *w = ctx;
    w->said[place] = 1;
    for (size_t i = 0; i < n; i++)
        w->chance[place * w->r->k + (size_t)v[i].label] = v[i].chance;
}

static kt_rc prepare(kt_run *r)
{
    r->parts->weak = kt_zalloc_array(r->n_pool * r->k + 1, sizeof(float));
    r->parts->weak_said = kt_zalloc(r->n_pool + 1);
    struct weak w = { r, r->parts->weak, r->parts->weak_said };
    return kt_parts_each_weighed(r, r->pool_item, r->n_pool, see_weak, &w);
}

static void done(kt_run *r)
{
    kt_parts_free(r);
}

/* ---- people ---- */

static void take(const kt_multilabel *m, size_t item, uint32_t k, kt_merged *ret)
{
    double all = 1;
    for (uint32_t c = 0; c < k; c++) {
        double p = (double)m->prob[item * k + c];
        ret->soft[item * k + c] = (float)p;
        all *= p > 0.5 ? p : 1 - p;
        if (p > 0.5)
            ret->part[ret->start[item + 1]++] = (kt_answer_part){ (int32_t)c, 0, 0 };
    }
    ret->posterior[item] = all;
}

static kt_rc merge(kt_run *r, const kt_said *v, const kt_aggregator *method, kt_arena *a, kt_merged *ret)
{
    uint32_t *label = kt_arena_array(a, v->start[v->n] + 1, sizeof(*label));
    for (size_t i = 0; i < v->start[v->n]; i++)
        label[i] = (uint32_t)v->part[i].label;
    const kt_label_sets sets = { v->n, v->n_items, v->n_sources, r->k, v->item, v->source, v->start, label };
    kt_multilabel m;
    KT_TRY(kt_multilabel_fit(&sets, method, r->pool, a, &m, r->err));
    *ret = (kt_merged){ .posterior = kt_arena_array(a, v->n_items, sizeof(double)), .start = kt_arena_array(a, (size_t)v->n_items + 1, sizeof(size_t)),
                        .part = kt_arena_array(a, (size_t)v->n_items * r->k, sizeof(kt_answer_part)), .soft = kt_arena_array(a, (size_t)v->n_items * r->k, sizeof(float)) };
    for (size_t i = 0; i < v->n_items; i++) {
        ret->start[i + 1] = ret->start[i];
        take(&m, i, r->k, ret);
    }
    return 0;
}

static kt_rc mistakes(kt_run *r, uint32_t item, kt_rng *g, double wrong, kt_answer_parts *ret)
{
    size_t n;
    const kt_answer_part *truth = kt_pretend_truth(r, item, &n);
    for (size_t i = 0; i < n; i++) {
        if (kt_rng_unit(g) >= wrong)
            KT_PUSH(ret, truth[i]);
        else if (kt_rng_unit(g) < HALF_REPLACED)
            KT_PUSH(ret, ((kt_answer_part){ (int32_t)kt_rng_below(g, r->k), 0, 0 }));
    }
    if (kt_rng_unit(g) < wrong / 2)
        KT_PUSH(ret, ((kt_answer_part){ (int32_t)kt_rng_below(g, r->k), 0, 0 }));
    return 0;
}

static kt_rc pretend(kt_run *r, uint32_t item, uint64_t person, double right, bool whole, kt_answer_parts *ret)
{
    return kt_pretend(r, item, person, right, whole, mistakes, ret);
}

/* ---- training ---- */

struct training {
    float *has, *w;
    kt_linear_data d;
    kt_linear_options o;
};

/* How likely each label is on an item whose functions are silent about it: what people find of it beyond what the functions do. */
static void silent_chances(const kt_run *r, const kt_lesson *l, double *ret)
{
    double n_said = 0;
    double *found = kt_zalloc_array(r->k, 2 * sizeof(*found)), *silent = found + r->k;
    for (size_t i = 0; i < r->n_pool; i++) {
        n_said += r->parts->weak_said[i];
        for (uint32_t c = 0; c < r->k; c++) {
            float p = r->parts->weak[i * r->k + c];
            found[c] += (double)p;
            silent[c] += r->parts->weak_said[i] && p <= 0;
        }
    }
    for (uint32_t c = 0; c < r->k; c++) {
        double share = 0.5;
        for (size_t i = 0; i < r->n_pool; i++)
            share += l->has[i] ? (double)l->soft[i * r->k + c] : 0;
        share /= (double)l->n + 1;
        ret[c] = silent[c] > 0 ? KT_MIN(KT_MAX((share * n_said - found[c]) / silent[c], 0.0), 0.5) : 0;
    }
    kt_free(found);
}

/* People's rows, and so many of those that only functions spoke about. What functions say is in the words of every text already, so the label model's
   chances on texts nobody answered are a beginning, and a handful of answers outweighs them: at a tenth of an answer each, cooking questions were 4 points
   worse at two hundred answers, and 7 at four hundred, than without. */
static void training_of(const kt_run *r, const kt_lesson *l, struct training *t)
{
    *t = (struct training){ kt_zalloc_array(r->n_pool * r->k + 1, sizeof(float)), kt_zalloc_array(r->n_pool + 1, sizeof(float)), { 0 }, KT_LINEAR_OPTIONS_INIT };
    double *silent = kt_alloc_array(r->k, sizeof(*silent));
    silent_chances(r, l, silent);
    memcpy(t->has, l->soft, r->n_pool * r->k * sizeof(float));
    size_t n_soft = 0;
    for (size_t q = 0; q < r->n_pool; q++) {
        size_t i = (q * 7919) % r->n_pool; /* spread over the pool; visits a row twice only when 7919 divides it */
        if (l->has[i] || t->w[i] > 0 || n_soft == MAX_SOFT || !r->parts->weak_said[i])
            continue;
        for (uint32_t c = 0; c < r->k; c++) {
            float p = r->parts->weak[i * r->k + c];
            t->has[i * r->k + c] = p > 0 ? p : (float)silent[c];
        }
        t->w[i] = 1;
        n_soft++;
    }
    for (size_t i = 0; i < r->n_pool; i++)
        t->w[i] = l->has[i] ? 1 : t->w[i] * SOFT_TOTAL / (float)KT_MAX(n_soft, (size_t)SOFT_TOTAL);
    kt_free(silent);
    t->d = (kt_linear_data){ .x = &r->pool_x, .n_labels = r->k, .soft = t->has, .row_weight = t->w, .judged = l->has };
    t->o.epochs = (uint32_t)r->c->epochs;
    t->o.seed = (uint64_t)r->c->seed;
}

static void training_done(struct training *t)
{
    kt_free(t->has);
    kt_free(t->w);
}

static kt_rc fit(kt_run *r, const kt_lesson *l, kt_taught *ret)
{
    struct training t;
    if (!l->n)
        return kt_fail(r->err, KT_RANGE, "nobody has answered an item yet that a model could learn from; active_learning: wants a start and answers to it");
    training_of(r, l, &t);
    kt_rc rc = kt_linear_multi_fit_rows(&t.d, &t.o, r->pool, &ret->linear, r->err);
    training_done(&t);
    return rc;
}

/* The answer by its probabilities, into part; the chance of the whole. */
static double whole_of(const float *prob, uint32_t k, kt_answer_parts *part)
{
    double all = 1;
    part->n = 0;
    for (uint32_t c = 0; c < k; c++) {
        all *= (double)(prob[c] > LIKELY ? prob[c] : 1 - prob[c]);
        if (prob[c] > LIKELY)
            KT_PUSH(part, ((kt_answer_part){ (int32_t)c, 0, 0 }));
    }
    return all;
}

static kt_rc cross(kt_run *r, const kt_lesson *l, float *score, uint64_t *print)
{
    struct training t;
    kt_answer_parts part = { 0 };
    float *prob = kt_alloc_array(r->n_pool * r->k + 1, sizeof(*prob));
    training_of(r, l, &t);
    kt_rc rc = kt_linear_multi_cross_rows(&t.d, &t.o, KT_LEARN_FOLDS, r->pool, prob, r->err);
    for (size_t i = 0; i < r->n_pool && rc == 0; i++)
        if (l->has[i]) {
            score[i] = (float)whole_of(prob + i * r->k, r->k, &part);
            print[i] = kt_parts_print(part.v, part.n);
        }
    training_done(&t);
    KT_VEC_DONE(&part);
    kt_free(prob);
    return rc;
}

static kt_rc look(kt_run *r, const kt_taught *m, const uint32_t *row, size_t n, float *score, uint64_t *print, float *unsure)
{
    kt_answer_parts part = { 0 };
    float *prob = kt_alloc_array(r->n_pool * r->k + 1, sizeof(*prob));
    kt_linear_multi_predict(&m->linear, &r->pool_x, r->pool, prob);
    for (size_t i = 0; i < n; i++) {
        score[i] = (float)whole_of(prob + (size_t)row[i] * r->k, r->k, &part);
        print[i] = kt_parts_print(part.v, part.n);
        if (unsure)
            unsure[i] = 1 - score[i];
    }
    KT_VEC_DONE(&part);
    kt_free(prob);
    return 0;
}

/* ---- prediction ---- */

static kt_rc say(kt_run *r, kt_item_reader *reader, const uint32_t *item, size_t n, kt_machine_marks *ret, float *score)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str *word = kt_arena_array(&a, n + 1, sizeof(*word));
    kt_features x = { 0 };
    kt_answer_parts part = { 0 };
    KT_TRY(words(r, item, n, &a, word));
    KT_TRY(kt_learn_rows(r, reader, item, n, word, true, &x));
    float *prob = kt_alloc_array(n * r->k + 1, sizeof(*prob));
    kt_linear_multi_predict(&r->model.linear, &x, r->pool, prob);
    for (size_t i = 0; i < n; i++) {
        score[i] = (float)whole_of(prob + i * r->k, r->k, &part);
        for (size_t p = 0; p < part.n; p++)
            KT_PUSH(ret, ((kt_machine_mark){ .row = (uint32_t)i, .label = (int16_t)part.v[p].label, .chance = prob[i * r->k + (size_t)part.v[p].label] }));
    }
    KT_VEC_DONE(&part);
    kt_free(prob);
    kt_features_done(&x);
    return 0;
}

static kt_rc predict(kt_run *r)
{
    return kt_parts_predict(r, say, PREDICT);
}

static void bytes(const kt_taught *m, kt_buf *ret)
{
    kt_linear_bytes(&m->linear, ret);
}

static kt_rc explain(kt_run *r, kt_str ext_id, kt_explanation *ret)
{
    (void)ext_id, (void)ret;
    return kt_fail(r->err, KT_RANGE, "which words decide is said of single labels; of a set, 'karat model explain' says it for a model of your own");
}

const kt_task_ops kt_task_sets = {
    .model = "sets", .most_pool = MAX_POOL, .known = kt_parts_known, .words = words, .prepare = prepare, .done = done, .merge = merge, .pretend = pretend, .fit = fit, .look = look,
    .cross = cross, .choose = kt_parts_choose, .predict = predict, .bytes = bytes, .explain = explain,
};
