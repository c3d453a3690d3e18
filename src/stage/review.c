/* What an answer sets off: an item with all its answers gets a provisional consensus or goes to the experts; an expert's
   answer decides. The consensus stage later weighs all votes together. */
#include "stage/review.h"

#include "base/mem.h"
#include "base/str.h"
#include "stage/approval.h"
#include "stage/config.h"
#include "store/gold.h"
#include "store/suspect.h"

unsigned kt_review_queues(kt_role role, bool expert_desk)
{
    bool boss = role == KT_ROLE_MANAGER || role == KT_ROLE_ADMIN;
    if (expert_desk)
        return boss || role == KT_ROLE_EXPERT ? 1u << KT_QUEUE_TRUSTED | 1u << KT_QUEUE_EXPERT | 1u << KT_QUEUE_AUDIT : 0;
    return boss || role == KT_ROLE_ANNOTATOR ? 1u << KT_QUEUE_TRAIN | 1u << KT_QUEUE_HUMAN | 1u << KT_QUEUE_RELABEL : 0;
}

kt_rc kt_review_rules_get(const kt_project *p, kt_review_rules *ret, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_config c;
    KT_TRY(kt_config_parse(p->config, "karat.yaml", &a, &c, err));
    *ret = (kt_review_rules){ { c.lease_us, c.gold_share }, (int)c.overlap, c.min_posterior, c.watch };
    return 0;
}

kt_rc kt_review_next(kt_store *s, const kt_project *p, int64_t user, unsigned queues, const kt_review_rules *rules, size_t want,
                     kt_lease ret[2], size_t *ret_n, kt_err *err)
{
    *ret_n = 0;
    kt_rc rc = kt_queue_next(s, p->id, user, queues, &rules->lease, &ret[0], err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    *ret_n = 1;
    if (want < 2)
        return 0;
    rc = kt_queue_ahead(s, p->id, user, queues, &rules->lease, &ret[1], err);
    *ret_n += rc == 0;
    return rc < 0 ? rc : 0;
}

/* Kept pairs of answers on one item, how many and how many agree; sign -1 takes them out again. */
static kt_rc count_pairs(kt_store *s, int64_t project, const kt_annotation *v, size_t n, int sign, kt_err *err)
{
    int64_t pairs = 0, same = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (v[i].label >= 0 && v[k].label >= 0 && !v[i].gold && !v[k].gold) {
                pairs++;
                same += v[i].label == v[k].label;
            }
    KT_TRY(kt_counter_add(s, project, KT_S("pairs"), sign * pairs, err));
    return kt_counter_add(s, project, KT_S("pairs.same"), sign * same, err);
}

/* All answers are in (again: one more than had been settled): the majority's label for the time being, or, without one, a dispute. One label is
   right or wrong as a whole, so an expert gets it at once. Sets and regions that differ in part are left to the consensus stage, which weighs them
   label by label and sends on what stays uncertain; not those asked about again, which it leaves alone, nor where everything was routed to people
   and that stage does not come. */
static kt_rc settle_votes(kt_store *s, const kt_project *p, uint32_t item, bool again, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_annotation *v;
    size_t n, votes = 0, best = 0;
    KT_TRY(kt_annotation_of_item(s, p->id, item, &a, &v, &n, err));
    if (again)
        KT_TRY(count_pairs(s, p->id, v, n - 1, -1, err)); /* the newest is last */
    KT_TRY(count_pairs(s, p->id, v, n, 1, err));
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
        KT_TRY(kt_consensus_put(s, p, &c, KT_S("karat"), err));
        return again ? kt_queue_drop(s, p->id, item, err) : 0; /* who has seen the evidence does not take the answer back */
    }
    c.label = -1;
    KT_TRY(kt_consensus_put(s, p, &c, KT_S("karat"), err));
    int64_t people_alone = 0;
    if (p->task != KT_TASK_CLASSES && !again)
        KT_TRY(kt_counter_get(s, p->id, KT_ROUTED_TO_PEOPLE, &people_alone, err));
    return p->task == KT_TASK_CLASSES || again || people_alone ? kt_queue_add(s, p->id, KT_QUEUE_EXPERT, &item, 1, 1, err) : 0;
}

kt_rc kt_review_ask_again(kt_store *s, const kt_project *p, const uint32_t *items, size_t n, kt_err *err)
{
    for (size_t i = 0; i < n; i++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_annotation *v;
        size_t n_v;
        KT_TRY(kt_annotation_of_item(s, p->id, items[i], &a, &v, &n_v, err));
        KT_TRY(count_pairs(s, p->id, v, n_v, -1, err)); /* they are counted again when the new answer is in */
    }
    return kt_queue_more(s, p->id, KT_QUEUE_TRAIN, items, n, err);
}

kt_rc kt_review_submit(kt_store *s, const kt_project *p, const kt_user *u, const kt_submit *in, kt_submitted *ret, kt_err *err)
{
    KT_TRY(kt_annotation_submit(s, p, u->id, in, ret, err));
    if (ret->repeated || !ret->complete)
        return 0;
    kt_queue q;
    KT_TRY(kt_annotation_queue(s, ret->id, &q, err));
    if (q == KT_QUEUE_TRAIN || q == KT_QUEUE_HUMAN || q == KT_QUEUE_RELABEL)
        return settle_votes(s, p, in->item, q == KT_QUEUE_RELABEL, err);
    bool blind = q == KT_QUEUE_TRUSTED || q == KT_QUEUE_AUDIT;
    kt_consensus c = { .item = in->item, .label = in->label, .n_votes = 1, .posterior = 1,
                       .state = blind ? KT_FINAL_GOLD : KT_FINAL_ADJUDICATED,
                       .method = q == KT_QUEUE_TRUSTED ? KT_S("trusted") : blind ? KT_S("audit") : KT_S("adjudicated") };
    KT_TRY(kt_consensus_put(s, p, &c, KT_S("karat"), err));
    KT_TRY(kt_queue_drop(s, p->id, in->item, err));
    if (blind)
        KT_TRY(kt_gold_add(s, p, &in->item, &in->label, 1, err));
    return q == KT_QUEUE_AUDIT ? kt_approval_checked(s, p, in->item, in->label, err) : 0;
}

/* The item had been settled with the answer that is now withdrawn: its pairs count no longer, and it has no label for now. */
static kt_rc unsettle(kt_store *s, const kt_project *p, kt_consensus *c, int32_t withdrawn, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_annotation *v, *all;
    size_t n;
    KT_TRY(kt_annotation_of_item(s, p->id, c->item, &a, &v, &n, err));
    all = kt_arena_array(&a, n + 1, sizeof(*all));
    if (n)
        memcpy(all, v, n * sizeof(*all));
    all[n] = (kt_annotation){ .label = withdrawn };
    KT_TRY(count_pairs(s, p->id, all, n + 1, -1, err));
    c->label = -1;
    c->state = KT_FINAL_DISPUTE;
    c->posterior = 0;
    return kt_consensus_put(s, p, c, KT_S("karat"), err);
}

kt_rc kt_review_undo(kt_store *s, const kt_project *p, int64_t user, const kt_review_rules *rules, kt_lease *ret, int32_t *ret_label,
                     kt_err *err)
{
    kt_rc rc = kt_annotation_undo(s, p, user, &rules->lease, ret, ret_label, err);
    if (rc != 0 || ret->blind_gold || *ret_label < 0)
        return rc;
    kt_consensus c;
    rc = kt_consensus_get(s, p->id, ret->item, &c, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return c.state <= KT_FINAL_VOTED && c.posterior > 0 ? unsettle(s, p, &c, *ret_label, err) : 0; /* 0: not settled yet, or no more */
}

kt_rc kt_review_event(kt_store *s, const kt_project *p, uint32_t item, uint64_t *ret, kt_err *err)
{
    kt_consensus c;
    int64_t route = 0;
    kt_rc rc = kt_consensus_get(s, p->id, item, &c, err);
    if (rc == 0)
        *ret = (uint64_t)c.event;
    if (rc != KT_DONE)
        return rc;
    KT_TRY(kt_counter_get(s, p->id, KT_S("route.event"), &route, err));
    *ret = (uint64_t)route;
    return route ? 0 : kt_fail(err, KT_NOTFOUND, "item %u has no label yet", item);
}

kt_rc kt_review_counts(kt_store *s, const kt_project *p, kt_progress_counts *ret, kt_err *err)
{
    const struct { const char *name; int64_t *to; } rows[] = {
        { "duplicates", &ret->duplicates }, { "auto", &ret->auto_approved }, { "final.voted", &ret->final_human },
        { "final.adjudicated", &ret->final_expert }, { "final.gold", &ret->gold }, { "final.dispute", &ret->disputes_open }, { "annotations", &ret->annotations },
        { "skips", &ret->skips }, { "flags", &ret->flags }, { "pairs", &ret->pairs }, { "pairs.same", &ret->pairs_agreeing },
        { "approval.reopened", &ret->reopened },
    };
    for (size_t i = 0; i < KT_LEN(rows); i++)
        KT_TRY(kt_counter_get(s, p->id, kt_str_of(rows[i].name), rows[i].to, err));
    KT_TRY(kt_suspects_count(s, p->id, &ret->suspects, &ret->suspects_changed, err));
    ret->items = p->n_items;
    for (int q = 0; q < KT_QUEUE__COUNT; q++)
        KT_TRY(kt_queue_size(s, p->id, (kt_queue)q, &ret->queue_items[q], &ret->queue_slots[q], err));
    return 0;
}
