/* From few labels to a model: a random pool of items, the label model's probabilities on it, rounds of active learning, and the
   final model over every item. The votes of labeling functions enter the model as words of their own, so it learns which to
   trust. Everything is drawn from the seed and the store's state, never from time. */
#include "algo/merge/aggregate.h"
#include "algo/learn/select.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "stage/learn.h"
#include "stage/review.h"
#include "stage/rounds.h"
#include "store/annotation.h"
#include "store/column.h"
#include "store/user.h"

#include <stdio.h>

#define MAX_POOL 30000
#define MAX_SOFT 8000 /* rows that only functions labelled, in training */
#define SOFT_WEIGHT 0.3f
#define MEMBERS 5      /* models of a committee */
#define EVAL 2000     /* items the learning curve is measured on */
#define PREDICT 16384u /* items in features at a time */

kt_features_options kt_learn_features(const kt_config *c)
{
    return (kt_features_options){ .bits = 18, .words = (uint32_t)c->words, .char_min = c->chars ? 3 : 0, .char_max = (uint32_t)c->chars };
}

kt_str kt_learn_text(kt_arena *a, const kt_item *it, const int16_t *vote, uint32_t m)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)32 << 20);
    kt_buf_str(&b, it->text);
    for (uint32_t j = 0; j < m; j++)
        for (int k = 0; vote[j] >= 0 && k < 3; k++)
            kt_buf_printf(&b, " " KT_VOTE_WORD, j, vote[j]);
    return kt_arena_str(a, KT_BUF_STR(&b));
}

struct texts {
    const uint32_t *item; /* n, ascending */
    size_t n;
    const int16_t *vote;  /* n × m */
    uint32_t m;
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
        t->text[at + i] = kt_learn_text(&t->arena[slot], &items[i], t->vote + (at + i) * t->m, t->m);
    return 0;
}

/* Features of the n items of a list, ascending; vote: the functions' votes on them, n × m. */
static kt_rc features_of(kt_run *r, kt_item_reader *reader, const uint32_t *item, size_t n, const int16_t *vote, bool weigh, kt_features *ret)
{
    struct texts *t = kt_zalloc(sizeof(*t));
    *t = (struct texts){ .item = item, .n = n, .vote = vote, .m = r->m, .text = kt_zalloc_array(n + 1, sizeof(kt_str)) };
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
    r->n_pool = KT_MIN(n, (size_t)MAX_POOL);
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

/* The pool's votes, picked out of the column chunk by chunk. */
static kt_rc load_pool_votes(kt_run *r)
{
    int16_t *part = kt_alloc_array((size_t)KT_COLUMN_CHUNK * r->m + 1, sizeof(*part));
    r->pool_vote = kt_alloc_array(r->n_pool * r->m + 1, sizeof(*part));
    kt_rc rc = 0;
    for (size_t i = 0; i < r->n_pool && rc == 0;) {
        uint32_t first = r->pool_item[i] / KT_COLUMN_CHUNK * KT_COLUMN_CHUNK, n = KT_MIN(KT_COLUMN_CHUNK, r->n - first);
        rc = kt_run_votes(r, first, n, part);
        for (; i < r->n_pool && r->pool_item[i] - first < n; i++)
            memcpy(r->pool_vote + i * r->m, part + (size_t)(r->pool_item[i] - first) * r->m, r->m * sizeof(*part));
    }
    kt_free(part);
    return rc;
}

static kt_rc denoise_pool(kt_run *r)
{
    r->pool_lf = kt_alloc_array(r->n_pool * r->k + 1, sizeof(float));
    kt_lf_votes v = { r->n_pool, r->m, r->k, r->pool_vote };
    return kt_denoise(&v, r->pool, r->pool_lf, r->lf, r->err);
}

kt_rc kt_learn_prepare(kt_run *r)
{
    draw_pool(r);
    KT_TRY(load_pool_votes(r));
    KT_TRY(denoise_pool(r));
    kt_item_reader *reader;
    KT_TRY(kt_item_reader_new(r->s, r->p.id, &reader, r->err));
    kt_rc rc = features_of(r, reader, r->pool_item, r->n_pool, r->pool_vote, false, &r->pool_x);
    if (rc == 0) {
        kt_idf_init(&r->idf, kt_learn_features(r->c).bits);
        kt_idf_add(&r->idf, &r->pool_x);
        kt_features_weigh(&r->pool_x, &r->idf, r->pool);
    }
    kt_item_reader_free(reader);
    return rc;
}

void kt_learn_done(kt_run *r)
{
    kt_free(r->pool_vote);
    kt_free(r->pool_item);
    kt_free(r->pool_lf);
    kt_free(r->pred);
    kt_features_done(&r->pool_x);
    if (r->idf.rows)
        kt_idf_done(&r->idf);
    kt_linear_done(&r->model);
}

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

/* Rows with soft[] (n_pool × k, zero rows are unlabelled); functions' rows join with a low weight. */
static void training_of(const kt_run *r, const float *soft, struct training *t)
{
    float *y = kt_alloc_array(r->n_pool * r->k + 1, sizeof(float)), *w = kt_zalloc_array(r->n_pool + 1, sizeof(float));
    uint8_t *people = kt_zalloc(r->n_pool + 1);
    memcpy(y, soft, r->n_pool * r->k * sizeof(float));
    size_t n_soft = 0;
    for (size_t q = 0; q < r->n_pool; q++) {
        size_t i = (q * 7919) % r->n_pool; /* spread over the pool; visits a row twice only when 7919 divides it */
        float *row = y + i * r->k, sum = 0;
        for (uint32_t c = 0; c < r->k; c++)
            sum += soft[i * r->k + c];
        if (sum > 0) {
            w[i] = 1;
            people[i] = 1;
        } else if (w[i] == 0 && n_soft < MAX_SOFT && voted_on(r, i)) {
            memcpy(row, r->pool_lf + i * r->k, r->k * sizeof(float));
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

static kt_rc train(kt_run *r, const float *soft, kt_linear *ret)
{
    struct training t;
    training_of(r, soft, &t);
    kt_rc rc = kt_learn_fit(r, &t.d, &t.o, ret);
    training_done(&t);
    return rc;
}

kt_rc kt_learn_cross(kt_run *r, const float *soft, float *ret_prob)
{
    struct training t;
    training_of(r, soft, &t);
    kt_rc rc = kt_linear_cross(&t.d, &t.o, KT_LEARN_FOLDS, r->pool, ret_prob, r->err);
    training_done(&t);
    return rc;
}

kt_rc kt_learn_train(kt_run *r, const float *soft)
{
    kt_linear_done(&r->model);
    kt_rc rc = train(r, soft, &r->model);
    r->trained = rc == 0;
    return rc;
}

static bool learns_from(const kt_run *r, const kt_annotations *a, size_t i)
{
    return !a->gold[i] && (a->queue[i] == KT_QUEUE_TRAIN || (r->learn_also && a->queue[i] == KT_QUEUE_HUMAN && r->learn_also[a->item[i]]));
}

kt_rc kt_learn_answers(kt_run *r, float *soft, size_t *ret_n, kt_digest *ret_digest)
{
    kt_annotations a;
    KT_TRY(kt_annotations_load(r->s, r->p.id, &a, r->err));
    uint32_t *row_of = kt_zalloc_array((size_t)r->n + 1, 4), *item = kt_alloc_array(a.n + 1, 4), *source = kt_alloc_array(a.n + 1, 4);
    int32_t *label = kt_alloc_array(a.n + 1, 4);
    KT_AUTO(kt_buf) said = KT_BUF_INIT((size_t)4 << 30);
    for (size_t i = 0; i < r->n_pool; i++)
        row_of[r->pool_item[i]] = (uint32_t)i + 1;
    kt_votes v = { .n_items = (uint32_t)r->n_pool, .n_labels = r->k, .item = item, .source = source, .label = label };
    for (size_t i = 0; i < a.n; i++)
        if (learns_from(r, &a, i) && row_of[a.item[i]]) {
            kt_buf_printf(&said, "%u,%lld,%d\n", a.item[i], (long long)a.user[i], a.label[i]);
            item[v.n] = row_of[a.item[i]] - 1;
            source[v.n] = (uint32_t)a.user[i];
            label[v.n++] = a.label[i];
            v.n_sources = KT_MAX(v.n_sources, (uint32_t)a.user[i] + 1);
        }
    kt_posterior p;
    KT_AUTO(kt_arena) arena = KT_ARENA_INIT;
    kt_rc rc = kt_aggregate_dawid_skene.fit(&v, &KT_DAWID_SKENE_FEW_VOTES, NULL, r->pool, &arena, &p, r->err);
    *ret_n = 0;
    *ret_digest = kt_digest_of(KT_BUF_STR(&said));
    memset(soft, 0, r->n_pool * r->k * sizeof(float));
    for (size_t i = 0; i < r->n_pool && rc == 0; i++)
        if (p.label[i] >= 0) {
            ++*ret_n;
            for (uint32_t c = 0; c < r->k; c++)
                soft[i * r->k + c] = (float)p.prob[i * r->k + c];
        }
    kt_free(row_of);
    kt_free(item);
    kt_free(source);
    kt_free(label);
    kt_annotations_done(&a);
    return rc;
}

/* Accuracy against the held-back truth on up to EVAL pool rows that are not in training. */
static double accuracy_of(kt_run *r, const kt_linear *m, const float *soft)
{
    float *prob = kt_alloc_array(r->n_pool * r->k + 1, sizeof(float));
    kt_linear_predict(m, &r->pool_x, r->pool, prob);
    size_t n = 0, right = 0;
    for (size_t q = 0; q < r->n_pool && n < EVAL; q++) {
        size_t i = (q * 6007 + 11) % r->n_pool;
        float sum = 0;
        int32_t best = 0;
        for (uint32_t c = 0; c < r->k; c++) {
            sum += soft[i * r->k + c];
            if (prob[i * r->k + c] > prob[i * r->k + (uint32_t)best])
                best = (int32_t)c;
        }
        if (sum > 0 || r->truth[r->pool_item[i]] < 0)
            continue;
        n++;
        right += best == r->truth[r->pool_item[i]];
    }
    kt_free(prob);
    return n ? (double)right / (double)n : NAN;
}

/* The random arm of the learning curve: as many labels on random items, from simulated people of their own. */
static kt_rc random_arm(kt_run *r, size_t n_labels, double *ret)
{
    float *soft = kt_zalloc_array(r->n_pool * r->k + 1, sizeof(float));
    uint64_t *at = kt_alloc_array(n_labels + 1, 8);
    kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x72616e, 0, 0);
    n_labels = KT_MIN(n_labels, r->n_pool);
    kt_rng_sample(&g, r->n_pool, n_labels, at);
    for (size_t i = 0; i < n_labels; i++)
        for (int64_t w = 0; w < r->c->overlap; w++)
            if (r->truth[r->pool_item[at[i]]] >= 0)
                soft[at[i] * r->k + (uint32_t)kt_simulated_answer(r, r->pool_item[at[i]], 5000 + (uint64_t)w, r->c->sim_accuracy)] +=
                    1.0f / (float)r->c->overlap;
    kt_linear m;
    kt_rc rc = train(r, soft, &m);
    if (rc == 0) {
        *ret = accuracy_of(r, &m, soft);
        kt_linear_done(&m);
    }
    kt_free(at);
    kt_free(soft);
    return rc;
}

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
static kt_rc committee_of(kt_run *r, int64_t round, const float *soft, float *ret)
{
    float *weight = kt_alloc_array(r->n_pool + 1, sizeof(*weight));
    kt_rc rc = 0;
    for (uint32_t j = 0; j < MEMBERS && rc == 0; j++) {
        kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x626167, (uint64_t)round, j);
        for (size_t i = 0; i < r->n_pool; i++) {
            double u = kt_rng_unit(&g); /* Poisson of mean 1, which is what a bootstrap's counts come to */
            weight[i] = (float)((u > 0.367879) + (u > 0.735759) + (u > 0.919699) + (u > 0.981012));
        }
        kt_linear_data d = { .x = &r->pool_x, .n_labels = r->k, .soft = soft, .row_weight = weight };
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
        const uint32_t *at = a.queue[i] == KT_QUEUE_TRAIN && !a.gold[i] ? bsearch(&a.item[i], r->pool_item, r->n_pool, sizeof(*a.item), by_number) : NULL;
        if (!at)
            continue;
        votes[(size_t)(at - r->pool_item) * r->k + (uint32_t)a.label[i]]++;
        ret_n[at - r->pool_item]++;
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

/* Items for round `round`: typical ones of clusters first, then by the configured strategy. */
static kt_rc choose(kt_run *r, int64_t round, const float *soft, const kt_linear *m, uint32_t *ret, size_t *ret_n)
{
    size_t want = (size_t)(round == 0 ? r->c->al_start : r->c->al_batch), n = r->n_pool * r->k;
    const kt_selector *s = kt_selector_find(m ? r->c->strategy : KT_S("cluster"));
    if (!s)
        return kt_fail(r->err, KT_RANGE, "there is no strategy %.*s; 'karat list selectors' shows them", KT_F(r->c->strategy));
    uint8_t *out = kt_zalloc(r->n_pool + 1);
    float *prob = kt_zalloc_array(n + 1, sizeof(float)), *committee = NULL;
    double *counts = kt_zalloc_array(r->k, sizeof(*counts));
    for (size_t i = 0; i < n; i++) {
        out[i / r->k] |= soft[i] > 0;
        counts[i % r->k] += (double)soft[i];
    }
    if (m)
        kt_linear_predict(m, &r->pool_x, r->pool, prob);
    kt_rc rc = 0;
    if (s->needs & KT_SELECT_COMMITTEE) {
        committee = kt_alloc_array(n + 1, (MEMBERS + 1) * sizeof(float));
        rc = committee_of(r, round, soft, committee);
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
    for (size_t i = 0; i < *ret_n && rc == 0; i++)
        ret[i] = r->pool_item[ret[i]];
    kt_free(out);
    kt_free(prob);
    kt_free(cost);
    kt_free(committee);
    kt_free(counts);
    kt_free(label);
    kt_free(n_answers);
    return rc;
}

/* Puts the round's items into the queue: new ones with the answers an item gets, answered ones for one answer more. */
static kt_rc enqueue(kt_run *r, const uint32_t *items, size_t n, const float *soft)
{
    uint32_t *fresh = kt_alloc_array(n + 1, sizeof(*fresh)), *again = kt_alloc_array(n + 1, sizeof(*again));
    size_t n_fresh = 0, n_again = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t *at = bsearch(&items[i], r->pool_item, r->n_pool, sizeof(*items), by_number);
        float sum = 0;
        for (uint32_t c = 0; c < r->k; c++)
            sum += soft[(size_t)(at - r->pool_item) * r->k + c];
        if (sum > 0)
            again[n_again++] = items[i];
        else
            fresh[n_fresh++] = items[i];
    }
    kt_rc rc = n_fresh ? kt_queue_add(r->s, r->p.id, KT_QUEUE_TRAIN, fresh, n_fresh, (int)r->c->overlap, r->err) : 0;
    if (rc >= 0 && n_again)
        rc = kt_review_ask_again(r->s, &r->p, again, n_again, r->err);
    kt_free(fresh);
    kt_free(again);
    return rc;
}

/* Appends "labels,active,random\n" to the curve, keeps the outlook, and moves the round on (to the end, if it says so), with the new
   queue, in one transaction. made: NULL when nothing was trained. */
static kt_rc next_round(kt_run *r, int64_t round, const uint32_t *items, size_t n, const float *soft, kt_str point, const kt_learn_stop *outlook,
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
        rc = enqueue(r, items, n, soft);
    if (rc >= 0)
        rc = kt_counter_set(r->s, r->p.id, KT_S("learn.round"), outlook->stop ? r->c->al_rounds + 2 : round + 1, r->err);
    if (rc >= 0 && made)
        rc = kt_round_put(r->s, r->p.id, made, r->err);
    return kt_store_finish(r->s, rc < 0 ? rc : 0, r->err);
}

/* Mean probability of the likeliest label over the pool's rows without an answer: the accuracy the model expects of itself. */
static double believed(kt_run *r, const kt_linear *m, const float *soft)
{
    uint16_t *label = kt_alloc_array(r->n_pool + 1, sizeof(*label));
    float *top = kt_alloc_array(r->n_pool + 1, sizeof(*top));
    double sum = 0, n = 0;
    kt_linear_top(m, &r->pool_x, 1, r->pool, label, top);
    for (size_t i = 0; i < r->n_pool; i++) {
        float answers = 0;
        for (uint32_t c = 0; c < r->k; c++)
            answers += soft[i * r->k + c];
        if (answers <= 0) {
            sum += (double)top[i];
            n++;
        }
    }
    kt_free(label);
    kt_free(top);
    return n > 0 ? sum / n : NAN;
}

static kt_rc one_round(kt_run *r, int64_t round, float *soft)
{
    size_t n = 0, n_answered = 0;
    kt_digest data;
    KT_TRY(kt_learn_answers(r, soft, &n_answered, &data));
    kt_linear m = { 0 };
    kt_round made = { .stage = KT_S("learn") };
    kt_learn_stop outlook = { 0 };
    bool have = n_answered > 0;
    if (have)
        KT_TRY(train(r, soft, &m));
    kt_str point = { "", 0 };
    kt_rc rc = have ? kt_round_learned(r, soft, n_answered, &data, &m, &made) : 0;
    if (rc == 0 && have && r->has_truth && r->c->simulate) {
        double random = NAN, active = accuracy_of(r, &m, soft);
        rc = random_arm(r, n_answered, &random);
        point = kt_arena_printf(r->arena, "%zu,%.6f,%.6f\n", n_answered, active, random);
    }
    double accuracy = have && rc == 0 ? believed(r, &m, soft) : NAN;
    if (!isnan(accuracy))
        rc = kt_learn_outlook(r, (double)n_answered, accuracy, &outlook);
    uint32_t *items = kt_alloc_array((size_t)KT_MAX(r->c->al_start, r->c->al_batch) + 1, 4);
    if (rc == 0 && round <= r->c->al_rounds && !outlook.stop)
        rc = choose(r, round, soft, have ? &m : NULL, items, &n);
    if (rc == 0)
        rc = next_round(r, round, items, n, soft, point, &outlook, have ? &made : NULL);
    kt_free(items);
    kt_linear_done(&m);
    return rc;
}

kt_rc kt_learn_rounds(kt_run *r)
{
    float *soft = kt_alloc_array(r->n_pool * r->k + 1, sizeof(float));
    kt_rc rc = 0;
    while (rc == 0) { /* rounds 0 .. al_rounds choose items, one more only measures */
        int64_t round;
        if ((rc = kt_people_work(r, 1u << KT_QUEUE_TRAIN)) != 0)
            break;
        if ((rc = kt_counter_get(r->s, r->p.id, KT_S("learn.round"), &round, r->err)) < 0 || round > r->c->al_rounds + 1)
            break;
        rc = one_round(r, round, soft);
    }
    if (rc == 0) {
        rc = kt_learn_answers(r, soft, &r->n_learned, &r->learned);
        if (rc == 0)
            rc = kt_learn_train(r, soft);
        for (size_t i = 0; i < r->n_pool && rc == 0; i++)
            for (uint32_t c = 0; c < r->k; c++)
                if (soft[i * r->k + c] > 0)
                    r->state[r->pool_item[i]] = KT_ITEM_TRAIN;
    }
    kt_free(soft);
    return rc;
}

/* The items to predict among [first, first + n), with their votes, both packed to the front. */
static size_t pick_open(const kt_run *r, uint32_t first, uint32_t n, uint32_t *item, int16_t *vote)
{
    size_t rows = 0;
    for (uint32_t i = 0; i < n; i++) {
        r->pred[first + i] = (kt_prediction){ -1, 0 };
        if (r->state[first + i] == KT_ITEM_DUPLICATE)
            continue;
        memmove(vote + rows * r->m, vote + (size_t)i * r->m, r->m * sizeof(*vote));
        item[rows++] = first + i;
    }
    return rows;
}

static kt_rc predict_chunk(kt_run *r, kt_item_reader *reader, uint32_t first, uint32_t n)
{
    uint32_t *item = kt_alloc_array((size_t)n + 1, sizeof(*item));
    int16_t *vote = kt_alloc_array((size_t)n * r->m + 1, sizeof(*vote));
    uint16_t *label = kt_alloc_array((size_t)n + 1, sizeof(*label));
    float *score = kt_alloc_array((size_t)n + 1, sizeof(*score));
    kt_features x = { 0 };
    kt_rc rc = kt_run_votes(r, first, n, vote);
    size_t rows = rc == 0 ? pick_open(r, first, n, item, vote) : 0;
    if (rc == 0)
        rc = features_of(r, reader, item, rows, vote, true, &x);
    if (rc == 0)
        kt_linear_top(&r->model, &x, 1, r->pool, label, score);
    for (size_t i = 0; i < rows && rc == 0; i++)
        r->pred[item[i]] = (kt_prediction){ label[i], score[i] };
    kt_features_done(&x);
    kt_free(item);
    kt_free(vote);
    kt_free(label);
    kt_free(score);
    return rc;
}

kt_rc kt_learn_predict(kt_run *r)
{
    kt_item_reader *reader;
    KT_TRY(kt_item_reader_new(r->s, r->p.id, &reader, r->err));
    r->pred = kt_alloc_array((size_t)r->n + 1, sizeof(*r->pred));
    kt_rc rc = 0;
    kt_progress_begin(r->progress, "prelabel", r->n);
    for (uint32_t at = 0; at < r->n && rc == 0; at += PREDICT) {
        rc = predict_chunk(r, reader, at, KT_MIN(PREDICT, r->n - at));
        if (rc == 0)
            rc = kt_progress_step(r->progress, at, r->err);
    }
    kt_progress_end(r->progress);
    kt_item_reader_free(reader);
    return rc;
}
