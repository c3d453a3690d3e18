/* What an answer sets off: an item with all its answers gets a provisional consensus or goes to the experts; an expert's
   answer decides. The consensus stage later weighs all votes together. */
#include "stage/review.h"

#include "base/mem.h"
#include "base/str.h"
#include "stage/config.h"
#include "store/column.h"
#include "store/gold.h"

unsigned kt_review_queues(kt_role role)
{
    switch (role) {
    case KT_ROLE_ANNOTATOR: return 1u << KT_QUEUE_TRAIN | 1u << KT_QUEUE_HUMAN;
    case KT_ROLE_EXPERT: return 1u << KT_QUEUE_TRUSTED | 1u << KT_QUEUE_EXPERT;
    default: return 0;
    }
}

kt_rc kt_review_rules_get(const kt_project *p, kt_review_rules *ret, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_config c;
    KT_TRY(kt_config_parse(p->config, "karat.yaml", &a, &c, err));
    *ret = (kt_review_rules){ { c.lease_us, c.gold_share }, (int)c.overlap, c.min_posterior };
    return 0;
}

kt_rc kt_review_next(kt_store *s, const kt_project *p, const kt_user *u, bool ahead, kt_lease *ret, kt_err *err)
{
    kt_review_rules rules;
    KT_TRY(kt_review_rules_get(p, &rules, err));
    return ahead ? kt_queue_ahead(s, p->id, u->id, kt_review_queues(u->role), &rules.lease, ret, err)
                 : kt_queue_next(s, p->id, u->id, kt_review_queues(u->role), &rules.lease, ret, err);
}

/* Kept pairs of answers on one item: how many, how many agree. */
static kt_rc count_pairs(kt_store *s, int64_t project, const kt_annotation *v, size_t n, kt_err *err)
{
    int64_t pairs = 0, same = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (v[i].label >= 0 && v[k].label >= 0 && !v[i].gold && !v[k].gold) {
                pairs++;
                same += v[i].label == v[k].label;
            }
    KT_TRY(kt_counter_add(s, project, KT_S("pairs"), pairs, err));
    return kt_counter_add(s, project, KT_S("pairs.same"), same, err);
}

/* All answers are in: the majority's label for the time being, or, without one, a dispute. */
static kt_rc settle_votes(kt_store *s, const kt_project *p, uint32_t item, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_annotation *v;
    size_t n, votes = 0, best = 0;
    KT_TRY(kt_annotation_of_item(s, p->id, item, &a, &v, &n, err));
    KT_TRY(count_pairs(s, p->id, v, n, err));
    kt_consensus c = { .item = item, .label = -1, .state = KT_FINAL_DISPUTE, .method = KT_S("majority") };
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        if (v[i].label < 0 || v[i].gold)
            continue;
        votes++;
        for (size_t k = 0; k < n; k++)
            same += !v[k].gold && v[k].label == v[i].label;
        if (same > best) {
            best = same;
            c.label = v[i].label;
        }
    }
    c.n_votes = (int)votes;
    c.posterior = votes ? (double)best / (double)votes : 0;
    if (2 * best > votes) {
        c.state = KT_FINAL_VOTED;
        return kt_consensus_put(s, p->id, &c, KT_S("karat"), err);
    }
    c.label = -1;
    KT_TRY(kt_consensus_put(s, p->id, &c, KT_S("karat"), err));
    return kt_queue_add(s, p->id, KT_QUEUE_EXPERT, &item, 1, 1, err);
}

/* Which queue an answer came from, read from its row. */
static kt_rc queue_of(kt_store *s, int64_t id, kt_queue *ret, kt_err *err)
{
    int64_t q = KT_QUEUE_HUMAN;
    kt_rc rc = kt_db_i64(kt_store_db(s), &q, err, "SELECT queue FROM annotation WHERE id=$1", "i", id);
    *ret = (kt_queue)q;
    return rc;
}

kt_rc kt_review_submit(kt_store *s, const kt_project *p, const kt_user *u, const kt_submit *in, kt_submitted *ret, kt_err *err)
{
    KT_TRY(kt_annotation_submit(s, p, u->id, in, ret, err));
    if (ret->repeated || !ret->complete)
        return 0;
    kt_queue q;
    KT_TRY(queue_of(s, ret->id, &q, err));
    if (q == KT_QUEUE_TRAIN || q == KT_QUEUE_HUMAN)
        return settle_votes(s, p, in->item, err);
    kt_consensus c = { .item = in->item, .label = in->label, .n_votes = 1, .posterior = 1,
                       .state = q == KT_QUEUE_TRUSTED ? KT_FINAL_GOLD : KT_FINAL_ADJUDICATED,
                       .method = q == KT_QUEUE_TRUSTED ? KT_S("trusted") : KT_S("adjudicated") };
    KT_TRY(kt_consensus_put(s, p->id, &c, KT_S("karat"), err));
    KT_TRY(kt_queue_drop(s, p->id, in->item, err));
    return q == KT_QUEUE_TRUSTED ? kt_gold_add(s, p->id, &in->item, &in->label, 1, err) : 0;
}

kt_rc kt_review_undo(kt_store *s, const kt_project *p, const kt_user *u, kt_lease *ret, kt_err *err)
{
    kt_review_rules rules;
    KT_TRY(kt_review_rules_get(p, &rules, err));
    kt_rc rc = kt_annotation_undo(s, p, u->id, &rules.lease, ret, err);
    if (rc != 0 || ret->blind_gold)
        return rc;
    kt_consensus c;
    rc = kt_consensus_get(s, p->id, ret->item, &c, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    c.label = -1;
    c.state = KT_FINAL_DISPUTE;
    c.posterior = 0;
    return kt_consensus_put(s, p->id, &c, KT_S("karat"), err);
}

kt_rc kt_review_prelabel(kt_store *s, int64_t project, uint32_t item, int32_t *ret_label, double *ret_score, kt_err *err)
{
    struct { int32_t label; float score; } v;
    kt_column_part part = { KT_S("pred"), item, 1, sizeof(v) };
    KT_TRY(kt_column_get(s, project, &part, 0xff, &v, err));
    *ret_label = v.label;
    *ret_score = v.label >= 0 ? (double)v.score : 0;
    return 0;
}

kt_rc kt_review_counts(kt_store *s, const kt_project *p, kt_progress_counts *ret, kt_err *err)
{
    const struct { const char *name; int64_t *to; } rows[] = {
        { "duplicates", &ret->duplicates }, { "auto", &ret->auto_approved }, { "final.voted", &ret->final_human },
        { "final.adjudicated", &ret->final_expert }, { "final.dispute", &ret->disputes_open }, { "annotations", &ret->annotations },
        { "skips", &ret->skips }, { "flags", &ret->flags }, { "pairs", &ret->pairs }, { "pairs.same", &ret->pairs_agreeing },
    };
    for (size_t i = 0; i < KT_LEN(rows); i++)
        KT_TRY(kt_counter_get(s, p->id, kt_str_of(rows[i].name), rows[i].to, err));
    ret->items = p->n_items;
    for (int q = 0; q < KT_QUEUE__COUNT; q++)
        KT_TRY(kt_queue_size(s, p->id, (kt_queue)q, &ret->queue_items[q], &ret->queue_slots[q], err));
    return 0;
}
