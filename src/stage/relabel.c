/* Errors found by a model. Every item with answers has a label so far; models that were trained without it give probabilities of all labels
   (cross-validation, kt_learn_cross); confident learning (algo/errors/errors.h) says which labels are likely wrong, and how many at most. The
   worst of them, up to a share of all labels, are asked about once more: an annotator who has not met the item answers blind, in a queue of its
   own whose answers no longer train the frozen model. Where no such annotator is left, an expert decides with the evidence before them. What was
   said stays said: the new answer is one more vote, and the consensus is found in the usual way. */
#include "stage/relabel.h"

#include "algo/errors/errors.h"
#include "algo/stats.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "store/annotation.h"
#include "store/consensus.h"
#include "store/suspect.h"
#include "store/user.h"

#include <math.h>

#define FEWEST 50 /* labels, below which what a model thinks of them is worth nothing */

/* Labels and what models that did not see them think, row by row. */
struct judged {
    size_t n;
    uint32_t *item;
    int32_t *label;
    float *prob;     /* n × k */
    double *quality; /* n */
    uint8_t *issue;  /* n */
    kt_suspect *found;
    size_t n_found;
};

static void judged_done(struct judged *j)
{
    kt_free(j->item);
    kt_free(j->label);
    kt_free(j->prob);
    kt_free(j->quality);
    kt_free(j->issue);
    kt_free(j->found);
}

/* The rows of the pool with an answer, packed to the front. */
static void pack(const kt_run *r, const kt_lesson *l, struct judged *j)
{
    for (size_t i = 0; i < r->n_pool; i++) {
        if (!l->has[i])
            continue;
        j->item[j->n] = r->pool_item[i];
        j->label[j->n] = l->part[l->start[i]].label;
        memmove(j->prob + j->n * r->k, j->prob + i * r->k, r->k * sizeof(float));
        j->n++;
    }
}

/* Every item annotators answered, in a run beside r: the pool of r stays what the report speaks of. */
static kt_rc judge(kt_run *r, const uint8_t *answered, struct judged *j)
{
    kt_run x = { .s = r->s, .p = r->p, .c = r->c, .pool = r->pool, .progress = r->progress, .arena = r->arena, .functions = r->functions,
                 .n = r->n, .m = r->m, .k = r->k, .truth = r->truth, .state = r->state, .learn_also = answered, .err = r->err };
    x.lf = kt_arena_array(r->arena, r->m + 1, sizeof(*x.lf));
    kt_lesson l = { 0 };
    kt_rc rc = kt_learn_prepare(&x);
    if (rc == 0)
        rc = kt_learn_lesson(&x, &l);
    if (rc == 0 && l.n >= FEWEST) {
        j->item = kt_alloc_array(x.n_pool + 1, sizeof(*j->item));
        j->label = kt_alloc_array(x.n_pool + 1, sizeof(*j->label));
        j->prob = kt_alloc_array(x.n_pool * x.k + 1, sizeof(*j->prob));
        rc = kt_learn_cross(&x, &l, j->prob);
        if (rc == 0)
            pack(&x, &l, j);
    }
    kt_lesson_done(&l);
    kt_learn_done(&x);
    return rc;
}

static kt_rc find_issues(kt_run *r, struct judged *j)
{
    kt_label_probs d = { .n = j->n, .n_labels = r->k, .label = j->label, .prob = j->prob, .floats = true, .row_stride = r->k * sizeof(float) };
    kt_confident c;
    size_t n;
    j->quality = kt_alloc_array(j->n + 1, sizeof(*j->quality));
    j->issue = kt_zalloc(j->n + 1);
    KT_TRY(kt_confident_fit(&d, r->pool, r->arena, &c, r->err));
    kt_confident_issues(&d, &c, KT_FILTER_PRUNE_BY_NOISE_RATE, r->pool, j->issue, &n);
    kt_label_quality_of(&d, KT_QUALITY_SELF_CONFIDENCE, r->pool, j->quality);
    return 0;
}

static int worst_first(const void *a, const void *b)
{
    const kt_suspect *x = a, *y = b;
    return x->quality != y->quality ? (x->quality > y->quality) - (x->quality < y->quality) : (x->item > y->item) - (x->item < y->item);
}

/* A label that people gave, that stands, and that was not called into question before. */
static kt_rc is_open(kt_run *r, uint32_t item, int32_t label, bool *ret)
{
    kt_consensus c;
    kt_suspect old;
    *ret = false;
    kt_rc rc = kt_consensus_get(r->s, r->p.id, item, &c, r->err);
    if (rc != 0 || c.state != KT_FINAL_VOTED || c.label != label)
        return rc < 0 ? rc : 0;
    rc = kt_suspect_get(r->s, r->p.id, item, &old, r->err);
    *ret = rc == KT_DONE;
    return rc < 0 ? rc : 0;
}

static kt_rc choose(kt_run *r, struct judged *j, size_t most)
{
    j->found = kt_alloc_array(j->n + 1, sizeof(*j->found));
    for (size_t i = 0; i < j->n; i++) {
        bool open = false;
        if (j->issue[i])
            KT_TRY(is_open(r, j->item[i], j->label[i], &open));
        uint32_t likely = kt_largest(j->prob + i * r->k, r->k);
        if (open && (int32_t)likely != j->label[i])
            j->found[j->n_found++] = (kt_suspect){ j->item[i], j->label[i], (int32_t)likely, (double)j->prob[i * r->k + likely], j->quality[i], 0 };
    }
    qsort(j->found, j->n_found, sizeof(*j->found), worst_first);
    j->n_found = KT_MIN(j->n_found, most);
    return 0;
}

/* Whether an annotator of the project has not met the item. */
static kt_rc somebody_is_left(kt_run *r, const kt_user *u, size_t n_users, uint32_t item, bool *ret)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_annotation *v;
    size_t n;
    *ret = false;
    KT_TRY(kt_annotation_of_item(r->s, r->p.id, item, &a, &v, &n, r->err));
    for (size_t i = 0; i < n_users; i++) {
        bool met = u[i].role != KT_ROLE_ANNOTATOR;
        for (size_t k = 0; k < n && !met; k++)
            met = v[k].user == u[i].id;
        *ret |= !met;
    }
    return 0;
}

/* In a transaction. */
static kt_rc ask(kt_run *r, const struct judged *j)
{
    kt_user *u;
    size_t n_users, n[2] = { 0 };
    KT_TRY(kt_user_list(r->s, r->p.id, r->arena, &u, &n_users, r->err));
    uint32_t *list[2] = { kt_arena_array(r->arena, j->n_found + 1, 4), kt_arena_array(r->arena, j->n_found + 1, 4) };
    for (size_t i = 0; i < j->n_found; i++) {
        bool left;
        KT_TRY(somebody_is_left(r, u, n_users, j->found[i].item, &left));
        list[left][n[left]++] = j->found[i].item;
    }
    KT_TRY(kt_suspects_add(r->s, &r->p, j->found, j->n_found, r->err));
    if (n[1])
        KT_TRY(kt_queue_add(r->s, r->p.id, KT_QUEUE_RELABEL, list[1], n[1], 1, r->err));
    return n[0] ? kt_queue_add(r->s, r->p.id, KT_QUEUE_EXPERT, list[0], n[0], 1, r->err) : 0;
}

static kt_rc put(kt_run *r, const struct judged *j, bool last)
{
    KT_TRY(kt_store_begin(r->s, r->err));
    kt_rc rc = ask(r, j);
    if (rc == 0 && last)
        rc = kt_counter_set(r->s, r->p.id, KT_S("relabel.done"), 1, r->err);
    return kt_store_finish(r->s, rc, r->err);
}

static kt_rc answered_items(kt_run *r, uint8_t *ret, size_t *ret_n)
{
    kt_annotations a;
    *ret_n = 0;
    KT_TRY(kt_annotations_load(r->s, r->p.id, &a, r->err));
    for (size_t i = 0; i < a.n; i++)
        if (!a.gold[i] && (a.queue[i] == KT_QUEUE_TRAIN || a.queue[i] == KT_QUEUE_HUMAN)) {
            *ret_n += !ret[a.item[i]];
            ret[a.item[i]] = 1;
        }
    kt_annotations_done(&a);
    return 0;
}

kt_rc kt_relabel_find(kt_run *r, bool last)
{
    struct judged j = { 0 };
    int64_t before;
    size_t n;
    uint8_t *answered = kt_zalloc((size_t)r->n + 1);
    kt_rc rc = answered_items(r, answered, &n);
    if (rc == 0)
        rc = kt_counter_get(r->s, r->p.id, KT_S("suspects"), &before, r->err);
    double most = rc == 0 ? ceil(r->c->relabel_share * (double)n) - (double)before : 0;
    if (rc == 0 && most >= 1)
        rc = judge(r, answered, &j);
    if (rc == 0 && j.n)
        rc = find_issues(r, &j);
    if (rc == 0 && j.n)
        rc = choose(r, &j, (size_t)most);
    if (rc == 0 && (last || j.n_found))
        rc = put(r, &j, last);
    judged_done(&j);
    kt_free(answered);
    return rc;
}

kt_rc kt_relabel_run(kt_run *r)
{
    int64_t done;
    if (r->c->relabel_share <= 0)
        return 0;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("relabel.done"), &done, r->err));
    if (!done)
        KT_TRY(kt_relabel_find(r, true));
    kt_rc rc = kt_people_work(r, 1u << KT_QUEUE_RELABEL);
    return rc != 0 ? rc : kt_people_work(r, 1u << KT_QUEUE_EXPERT); /* where the new answer made a tie */
}
