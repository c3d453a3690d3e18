/* One label an item (stage/task.h): a linear model of the text, or of its label paths, with the label model's probabilities beside people's answers. */
#include "algo/learn/select.h"
#include "algo/stats.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "stage/learn.h"
#include "store/column.h"
#include "store/user.h"

#define MAX_POOL 30000
#define MAX_SOFT 8000 /* rows that only functions labelled, in training */
#define SOFT_WEIGHT 0.3f
#define MEMBERS 5      /* models of a committee */
#define PREDICT 16384u /* items in features at a time */

static kt_rc known(kt_run *r, uint32_t **ret_item, int32_t **ret_number, size_t *ret_n)
{
    int16_t *gold = kt_arena_array(r->arena, (size_t)r->n + 1, 2);
    KT_VEC(uint32_t) item = { 0 };
    KT_VEC(int32_t) number = { 0 };
    KT_TRY(kt_run_column(r, "truth", sizeof(*r->truth), 0xff, r->truth));
    KT_TRY(kt_run_column(r, "gold", sizeof(*gold), 0xff, gold));
    for (uint32_t i = 0; i < r->n; i++)
        if (gold[i] >= 0 && r->cluster[i] == i) {
            KT_PUSH(&item, i);
            KT_PUSH(&number, gold[i]);
        }
    *ret_item = item.v;
    *ret_number = number.v;
    *ret_n = item.n;
    return 0;
}

/* ---- what functions say ---- */

/* Votes of the n items of a list, ascending, picked out of the column chunk by chunk: n × m. */
static kt_rc load_votes(kt_run *r, const uint32_t *item, size_t n_items, int16_t *ret)
{
    int16_t *part = kt_alloc_array((size_t)KT_COLUMN_CHUNK * r->m + 1, sizeof(*part));
    kt_rc rc = 0;
    for (size_t i = 0; i < n_items && rc == 0;) {
        uint32_t first = item[i], last = first; /* what of the chunk is wanted */
        size_t from = i;
        for (; i < n_items && item[i] / KT_COLUMN_CHUNK == first / KT_COLUMN_CHUNK; i++)
            last = item[i];
        rc = kt_run_votes(r, first, last - first + 1, part);
        for (size_t k = from; k < i && rc == 0; k++)
            memcpy(ret + k * r->m, part + (size_t)(item[k] - first) * r->m, r->m * sizeof(*part));
    }
    kt_free(part);
    return rc;
}

static kt_str words_of(kt_arena *a, const int16_t *vote, uint32_t m)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
    for (uint32_t j = 0; j < m; j++)
        if (vote[j] >= 0)
            kt_learn_word(&b, j, vote[j]);
    return kt_arena_str(a, KT_BUF_STR(&b));
}

static kt_rc words(kt_run *r, const uint32_t *item, size_t n, kt_arena *a, kt_str *ret)
{
    int16_t *vote = kt_alloc_array(n * r->m + 1, sizeof(*vote));
    kt_rc rc = load_votes(r, item, n, vote);
    for (size_t i = 0; i < n && rc == 0; i++)
        ret[i] = words_of(a, vote + i * r->m, r->m);
    kt_free(vote);
    return rc;
}

static kt_rc prepare(kt_run *r)
{
    r->pool_vote = kt_alloc_array(r->n_pool * r->m + 1, sizeof(*r->pool_vote));
    r->pool_lf = kt_alloc_array(r->n_pool * r->k + 1, sizeof(float));
    KT_TRY(load_votes(r, r->pool_item, r->n_pool, r->pool_vote));
    kt_lf_votes v = { r->n_pool, r->m, r->k, r->pool_vote };
    return kt_denoise(&v, r->pool, r->pool_lf, r->lf, r->err);
}

static void done(kt_run *r)
{
    r->pool_vote = kt_free(r->pool_vote);
    r->pool_lf = kt_free(r->pool_lf);
}

/* ---- people ---- */

static kt_rc merge(kt_run *r, const kt_said *v, const kt_aggregator *method, kt_arena *a, kt_merged *ret)
{
    int32_t *label = kt_alloc_array(v->n + 1, sizeof(*label));
    for (size_t i = 0; i < v->n; i++)
        label[i] = v->part[v->start[i]].label;
    const kt_votes votes = { v->n, v->n_items, v->n_sources, r->k, v->item, v->source, label };
    const void *opt = method == &kt_aggregate_dawid_skene ? &KT_DAWID_SKENE_FEW_VOTES : NULL;
    kt_rng rng = kt_rng_keyed((uint64_t)r->c->seed, 0, 0);
    kt_posterior p;
    kt_rc rc = method->fit(&votes, opt, &rng, r->pool, a, &p, r->err);
    kt_free(label);
    KT_TRY(rc);
    kt_merged m = { .posterior = kt_arena_array(a, v->n_items, sizeof(double)), .start = kt_arena_array(a, (size_t)v->n_items + 1, sizeof(size_t)),
                    .part = kt_arena_array(a, v->n_items, sizeof(kt_answer_part)), .soft = kt_arena_array(a, (size_t)v->n_items * r->k, sizeof(float)) };
    for (size_t i = 0; i < v->n_items; i++) {
        m.posterior[i] = p.prob[i * r->k + (uint32_t)p.label[i]];
        m.start[i + 1] = i + 1;
        m.part[i].label = p.label[i];
        for (uint32_t c = 0; c < r->k; c++)
            m.soft[i * r->k + c] = (float)p.prob[i * r->k + c];
    }
    *ret = m;
    return 0;
}

static int32_t pretended(const kt_run *r, uint32_t item, uint64_t person, double right)
{
    int32_t truth = r->truth[item];
    kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x616e73, item, person);
    if (kt_rng_unit(&g) < right)
        return truth;
    /* half of the mistakes go to the label people most mix this one up with, a fixed one per label */
    kt_rng mix = kt_rng_keyed((uint64_t)r->c->seed ^ 0x6d6978, (uint64_t)truth, 0);
    int32_t twin = (int32_t)((uint64_t)truth + 1 + kt_rng_below(&mix, r->k - 1)) % (int32_t)r->k;
    if (kt_rng_unit(&g) < 0.5)
        return twin;
    return (int32_t)((uint64_t)truth + 1 + kt_rng_below(&g, r->k - 1)) % (int32_t)r->k;
}

static kt_rc pretend(kt_run *r, uint32_t item, uint64_t person, double right, bool whole, kt_answer_parts *ret)
{
    (void)whole; /* it is the same */
    KT_PUSH(ret, ((kt_answer_part){ pretended(r, item, person, right), 0, 0 }));
    return 0;
}

/* ---- training ---- */

static bool voted_on(const kt_run *r, size_t row)
{
    for (uint32_t j = 0; j < r->m; j++)
        if (r->pool_vote[row * r->m + j] >= 0)
            return true;
    return false;
}

/* What a model is trained on, as it goes to the algorithm. */
struct training {
    float *y, *w;
    uint8_t *people;
    kt_linear_data d;
    kt_linear_options o;
};

/* The lesson's rows; functions' rows join with a low weight. */
static void training_of(const kt_run *r, const kt_lesson *l, struct training *t)
{
    float *y = kt_alloc_array(r->n_pool * r->k + 1, sizeof(float)), *w = kt_zalloc_array(r->n_pool + 1, sizeof(float));
    uint8_t *people = kt_zalloc(r->n_pool + 1);
    memcpy(y, l->soft, r->n_pool * r->k * sizeof(float));
    size_t n_soft = 0;
    for (size_t q = 0; q < r->n_pool; q++) {
        size_t i = (q * 7919) % r->n_pool; /* spread over the pool; visits a row twice only when 7919 divides it */
        if (l->has[i]) {
            w[i] = 1;
            people[i] = 1;
        } else if (w[i] == 0 && n_soft < MAX_SOFT && voted_on(r, i)) {
            memcpy(y + i * r->k, r->pool_lf + i * r->k, r->k * sizeof(float));
            w[i] = SOFT_WEIGHT;
            n_soft++;
        }
    }
    *t = (struct training){ y, w, people, { .x = &r->pool_x, .n_labels = r->k, .soft = y, .row_weight = w, .judged = people, .unlabeled = &r->pool_x },
                            KT_LINEAR_OPTIONS_INIT };
    if (n_soft) /* the functions' rows are what the pool would be, with better labels than EM's */
        t->o.prior_weight = 0;
    t->o.cost = 0.5; /* a softer machine is surer of what it is right about: more is approved at the same budget (package descriptions) */
    t->o.epochs = (uint32_t)r->c->epochs;
    t->o.seed = (uint64_t)r->c->seed;
}

static void training_done(struct training *t)
{
    kt_free(t->y);
    kt_free(t->w);
    kt_free(t->people);
}

static kt_rc fit(kt_run *r, const kt_lesson *l, kt_taught *ret)
{
    struct training t;
    training_of(r, l, &t);
    kt_rc rc = kt_learn_fit(r, &t.d, &t.o, &ret->linear);
    training_done(&t);
    return rc;
}

kt_rc kt_learn_cross(kt_run *r, const kt_lesson *l, float *ret_prob)
{
    struct training t;
    training_of(r, l, &t);
    kt_rc rc = kt_linear_cross(&t.d, &t.o, KT_LEARN_FOLDS, r->pool, ret_prob, r->err);
    training_done(&t);
    return rc;
}

static kt_rc cross(kt_run *r, const kt_lesson *l, float *score, uint64_t *print)
{
    float *prob = kt_alloc_array(r->n_pool * r->k + 1, sizeof(float));
    kt_rc rc = kt_learn_cross(r, l, prob);
    for (size_t i = 0; i < r->n_pool && rc == 0; i++) {
        uint32_t said = kt_largest(prob + i * r->k, r->k);
        score[i] = prob[i * r->k + said];
        print[i] = (uint64_t)said + 1;
    }
    kt_free(prob);
    return rc;
}

static kt_rc look(kt_run *r, const kt_taught *m, const uint32_t *row, size_t n, float *score, uint64_t *print, float *unsure)
{
    uint16_t *label = kt_alloc_array(r->n_pool + 1, sizeof(*label));
    float *top = kt_alloc_array(r->n_pool + 1, sizeof(*top));
    kt_linear_top(&m->linear, &r->pool_x, 1, r->pool, label, top);
    for (size_t i = 0; i < n; i++) {
        score[i] = top[row[i]];
        print[i] = (uint64_t)label[row[i]] + 1;
        if (unsure)
            unsure[i] = 1 - top[row[i]];
    }
    kt_free(label);
    kt_free(top);
    return 0;
}

/* ---- choosing ---- */

/* The functions as one more member, where they say anything; elsewhere it agrees with the mean of the others. ret: members x n_pool x k. */
static void functions_join(const kt_run *r, uint32_t members, float *ret)
{
    size_t n = r->n_pool * r->k;
    float *own = ret + members * n;
    for (size_t i = 0; i < n; i++) {
        own[i] = r->pool_lf[i];
        if (voted_on(r, i / r->k))
            continue;
        own[i] = 0;
        for (uint32_t j = 0; j < members; j++)
            own[i] += ret[j * n + i] / (float)members;
    }
}

/* Probabilities of the pool by MEMBERS models, each trained on a bag of the answers (a row counts as often as it was drawn): MEMBERS x
   n_pool x k. */
static kt_rc committee_of(kt_run *r, int64_t round, const kt_lesson *l, float *ret)
{
    float *weight = kt_alloc_array(r->n_pool + 1, sizeof(*weight));
    kt_rc rc = 0;
    for (uint32_t j = 0; j < MEMBERS && rc == 0; j++) {
        kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x626167, (uint64_t)round, j);
        for (size_t i = 0; i < r->n_pool; i++) {
            double u = kt_rng_unit(&g); /* Poisson of mean 1, which is what a bootstrap's counts come to */
            weight[i] = (float)((u > 0.367879) + (u > 0.735759) + (u > 0.919699) + (u > 0.981012));
        }
        kt_linear_data d = { .x = &r->pool_x, .n_labels = r->k, .soft = l->soft, .row_weight = weight };
        kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
        kt_linear m;
        o.seed = (uint64_t)r->c->seed;
        rc = kt_learn_fit(r, &d, &o, &m);
        if (rc == 0) {
            kt_linear_predict(&m, &r->pool_x, r->pool, ret + (size_t)j * r->n_pool * r->k);
            kt_linear_done(&m);
        }
    }
    kt_free(weight);
    return rc;
}

/* How many people there are to ask; the ones whose work it is, or else everybody who may. */
static kt_rc count_people(kt_run *r, size_t *ret)
{
    kt_user *v;
    size_t n, bosses = 0;
    KT_TRY(kt_user_list(r->s, r->p.id, r->arena, &v, &n, r->err));
    *ret = 0;
    for (size_t i = 0; i < n; i++) {
        *ret += v[i].role == KT_ROLE_ANNOTATOR;
        bosses += v[i].role == KT_ROLE_MANAGER || v[i].role == KT_ROLE_ADMIN;
    }
    *ret = *ret ? *ret : bosses;
    return 0;
}

/* The answers so far: their majority and number for each row of the pool. ret_out: 1 for rows that cannot be asked about again, because
   the answers are at odds (experts have it) or nobody is left to ask. */
static kt_rc answers_so_far(kt_run *r, int32_t *ret_label, uint16_t *ret_n, uint8_t *ret_out)
{
    kt_annotations a;
    size_t people;
    KT_TRY(count_people(r, &people));
    KT_TRY(kt_annotations_load(r->s, r->p.id, &a, r->err));
    uint16_t *votes = kt_zalloc_array(r->n_pool * r->k + 1, sizeof(*votes));
    memset(ret_n, 0, r->n_pool * sizeof(*ret_n));
    for (size_t i = 0; i < a.n; i++) {
        size_t at = a.queue[i] == KT_QUEUE_TRAIN && !a.gold[i] ? kt_learn_place(r, a.item[i]) : SIZE_MAX;
        if (at == SIZE_MAX)
            continue;
        votes[at * r->k + (uint32_t)a.label[i]]++;
        ret_n[at]++;
    }
    for (size_t i = 0; i < r->n_pool; i++) {
        uint32_t best = 0;
        for (uint32_t c = 1; c < r->k; c++)
            best = votes[i * r->k + c] > votes[i * r->k + best] ? c : best;
        ret_label[i] = ret_n[i] ? (int32_t)best : -1;
        ret_out[i] = ret_n[i] && (2 * votes[i * r->k + best] <= ret_n[i] || ret_n[i] + 1u >= people);
    }
    kt_free(votes);
    kt_annotations_done(&a);
    return 0;
}

/* Items for a round: typical ones of clusters first, then by the configured strategy. */
static kt_rc choose(kt_run *r, int64_t round, const kt_lesson *l, const kt_taught *m, size_t want, uint32_t *ret, size_t *ret_n)
{
    size_t n = r->n_pool * r->k;
    const kt_selector *s = kt_selector_find(m ? r->c->strategy : KT_S("cluster"));
    if (!s)
        return kt_fail(r->err, KT_RANGE, "there is no strategy %.*s; 'karat list selectors' shows them", KT_F(r->c->strategy));
    uint8_t *out = kt_alloc(r->n_pool + 1);
    float *prob = kt_zalloc_array(n + 1, sizeof(float)), *committee = NULL;
    double *counts = kt_zalloc_array(r->k, sizeof(*counts));
    memcpy(out, l->has, r->n_pool);
    for (size_t i = 0; i < n; i++)
        counts[i % r->k] += (double)l->soft[i];
    if (m)
        kt_linear_predict(&m->linear, &r->pool_x, r->pool, prob);
    kt_rc rc = 0;
    if (s->needs & KT_SELECT_COMMITTEE) {
        committee = kt_alloc_array(n + 1, (MEMBERS + 1) * sizeof(float));
        rc = committee_of(r, round, l, committee);
        if (r->m)
            functions_join(r, MEMBERS, committee);
    }
    int32_t *label = kt_alloc_array(r->n_pool + 1, sizeof(*label));
    uint16_t *n_answers = kt_alloc_array(r->n_pool + 1, sizeof(*n_answers));
    if (rc == 0 && s->needs & KT_SELECT_ANSWERS)
        rc = answers_so_far(r, label, n_answers, out);
    float *cost = r->c->al_cost != KT_COST_NONE ? kt_alloc_array(r->n_pool + 1, sizeof(*cost)) : NULL;
    if (rc == 0 && cost)
        rc = kt_learn_costs(r, cost);
    kt_select_data d = { .n_items = r->n_pool, .n_labels = r->k, .prob = prob, .excluded = out, .known = out, .cost = cost, .x = &r->pool_x,
                         .committee = committee, .n_members = committee ? MEMBERS + (r->m > 0) : 0, .n_of_label = counts, .label = label, .n_answers = n_answers };
    if (rc == 0)
        rc = kt_select(s, &d, (uint64_t)r->c->seed + (uint64_t)round, r->pool, want, ret, ret_n, r->err);
    kt_free(out);
    kt_free(prob);
    kt_free(cost);
    kt_free(committee);
    kt_free(counts);
    kt_free(label);
    kt_free(n_answers);
    return rc;
}

/* ---- prediction ---- */

static kt_rc predict_window(kt_run *r, kt_item_reader *reader, uint32_t first, uint32_t n)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    uint32_t *item = kt_arena_array(&a, (size_t)n + 1, sizeof(*item));
    kt_str *word = kt_arena_array(&a, (size_t)n + 1, sizeof(*word));
    uint16_t *label = kt_arena_array(&a, (size_t)n + 1, sizeof(*label));
    float *score = kt_arena_array(&a, (size_t)n + 1, sizeof(*score));
    kt_features x = { 0 };
    size_t rows = 0;
    for (uint32_t i = first; i < first + n; i++)
        if (r->state[i] != KT_ITEM_DUPLICATE)
            item[rows++] = i;
    kt_rc rc = words(r, item, rows, &a, word);
    if (rc == 0)
        rc = kt_learn_rows(r, reader, item, rows, word, true, &x);
    if (rc == 0)
        kt_linear_top(&r->model.linear, &x, 1, r->pool, label, score);
    for (size_t i = 0; i < rows && rc == 0; i++)
        r->pred[item[i]] = (kt_prediction){ label[i], score[i] };
    kt_features_done(&x);
    return rc;
}

static kt_rc predict(kt_run *r)
{
    kt_item_reader *reader;
    KT_TRY(kt_item_reader_new(r->s, r->p.id, &reader, r->err));
    kt_rc rc = 0;
    for (uint32_t at = 0; at < r->n && rc == 0; at += PREDICT) {
        rc = predict_window(r, reader, at, KT_MIN(PREDICT, r->n - at));
        if (rc == 0)
            rc = kt_progress_step(r->progress, at, r->err);
    }
    kt_item_reader_free(reader);
    return rc;
}

static void bytes(const kt_taught *m, kt_buf *ret)
{
    kt_linear_bytes(&m->linear, ret);
}

const kt_task_ops kt_task_classes = {
    .model = "linear", .most_pool = MAX_POOL, .words = words, .prepare = prepare, .done = done, .known = known, .merge = merge, .pretend = pretend, .fit = fit, .look = look,
    .cross = cross, .choose = choose, .predict = predict, .bytes = bytes, .explain = kt_learn_explain,
};
