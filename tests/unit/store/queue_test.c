/* Leases and answers against their rules: fencing, deadlines, nobody twice, overlap, skip, undo, gold, repeats. A real store in a
   temporary folder, with its clock set by the test. */
#include "stage/review.h"
#include "store/audit.h"
#include "store/gold.h"

#include "base/str.h"
#include "kt_test_store.h"

static const kt_lease_rules rules = { 60000000, 0 };
static const unsigned human = 1u << KT_QUEUE_HUMAN;

struct world {
    struct kt_test_store at;
    kt_store *s;
    kt_arena a;
    kt_project p;
    kt_user user[4];
};

static int setup(void **state)
{
    static kt_str labels[] = { { "a", 1 }, { "b", 1 }, { "c", 1 } };
    struct world *w = calloc(1, sizeof(*w));
    kt_err err = { 0 };
    kt_test_store_open(&w->at);
    w->s = w->at.s;
    w->p = (kt_project){ .name = KT_S("t"), .config = KT_S("project: t\nlabels: [a, b, c]\n"), .label = labels, .n_labels = 3 };
    ok(kt_project_put(w->s, &w->p, &w->p.id, &err), &err);
    for (int i = 0; i < 4; i++) {
        char name[8] = { 'u', (char)('0' + i) };
        ok(kt_user_add(w->s, 0, kt_str_of(name), KT_S(""), false, &w->user[i].id, &err), &err);
        w->user[i].role = i < 3 ? KT_ROLE_ANNOTATOR : KT_ROLE_EXPERT;
    }
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    int rc = kt_test_store_close(&w->at);
    kt_arena_done(&w->a);
    free(w);
    return rc;
}

static kt_rc next(struct world *w, int who, kt_lease *ret)
{
    kt_err err = { 0 };
    kt_rc rc = kt_queue_next(w->s, w->p.id, w->user[who].id, human, &rules, ret, &err);
    ok(rc, &err);
    return rc;
}

static kt_rc answer(struct world *w, int who, const kt_lease *l, int32_t label, kt_submitted *ret)
{
    const kt_submit in = { .token = l->token, .item = l->item, .label = label };
    return kt_review_submit(w->s, &w->p, &w->user[who], &in, ret, NULL);
}

static void add(struct world *w, uint32_t n, int need)
{
    uint32_t items[16];
    kt_err err = { 0 };
    for (uint32_t i = 0; i < n; i++)
        items[i] = i;
    ok(kt_queue_add(w->s, w->p.id, KT_QUEUE_HUMAN, items, n, need, &err), &err);
}

static void nobody_twice_and_overlap(void **state)
{
    struct world *w = *state;
    kt_lease l, again;
    kt_submitted out;
    kt_consensus c;
    add(w, 1, 2);
    assert_int_equal(next(w, 0, &l), 0);
    assert_int_equal(next(w, 0, &again), 0);
    assert_true(again.resumed && again.token == l.token); /* the same item until it is answered */
    assert_int_equal(answer(w, 0, &l, 1, &out), 0);
    assert_false(out.complete);
    assert_int_equal(next(w, 0, &l), KT_DONE);
    assert_int_equal(next(w, 1, &l), 0);
    assert_int_equal(next(w, 2, &again), KT_DONE); /* two answers are wanted, one is given, one is out */
    assert_int_equal(answer(w, 1, &l, 1, &out), 0);
    assert_true(out.complete);
    assert_int_equal(kt_consensus_get(w->s, w->p.id, 0, &c, NULL), 0);
    assert_true(c.state == KT_FINAL_VOTED && c.label == 1 && c.n_votes == 2);
}

static void a_tie_goes_to_an_expert(void **state)
{
    struct world *w = *state;
    kt_lease l;
    kt_submitted out;
    kt_consensus c;
    add(w, 1, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(next(w, i, &l), 0);
        assert_int_equal(answer(w, i, &l, i, &out), 0);
    }
    assert_int_equal(kt_consensus_get(w->s, w->p.id, 0, &c, NULL), 0);
    assert_int_equal(c.state, KT_FINAL_DISPUTE);
    assert_int_equal(next(w, 2, &l), KT_DONE); /* no longer the annotators' */
    assert_int_equal(kt_queue_next(w->s, w->p.id, w->user[3].id, kt_review_queues(KT_ROLE_EXPERT, true), &rules, &l, NULL), 0);
    assert_int_equal(answer(w, 3, &l, 2, &out), 0);
    assert_int_equal(kt_consensus_get(w->s, w->p.id, 0, &c, NULL), 0);
    assert_true(c.state == KT_FINAL_ADJUDICATED && c.label == 2);
}

static void a_late_answer_is_fenced_off(void **state)
{
    struct world *w = *state;
    kt_lease late, l;
    kt_submitted out;
    int n;
    add(w, 1, 1);
    assert_int_equal(next(w, 0, &late), 0);
    assert_int_equal(next(w, 1, &l), KT_DONE);
    kt_store_set_now(w->s, late.deadline_us + 1);
    assert_int_equal(kt_queue_expire(w->s, kt_store_now(w->s), 10, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(next(w, 1, &l), 0);
    assert_true(l.token > late.token);
    assert_int_equal(answer(w, 0, &late, 0, &out), KT_LEASE);
    assert_int_equal(answer(w, 0, &l, 0, &out), KT_LEASE); /* somebody else's token */
    assert_int_equal(answer(w, 1, &l, 3, &out), KT_RANGE); /* no such label */
    assert_int_equal(answer(w, 1, &l, 0, &out), 0);
    assert_int_equal(answer(w, 1, &l, 0, &out), KT_LEASE); /* used up */
}

static void a_retry_changes_nothing(void **state)
{
    struct world *w = *state;
    kt_lease l;
    kt_submitted first, second;
    add(w, 1, 1);
    assert_int_equal(next(w, 0, &l), 0);
    kt_submit in = { .token = l.token, .item = l.item, .label = 1, .client_id = KT_S("once") };
    assert_int_equal(kt_review_submit(w->s, &w->p, &w->user[0], &in, &first, NULL), 0);
    assert_int_equal(kt_review_submit(w->s, &w->p, &w->user[0], &in, &second, NULL), 0);
    assert_true(second.repeated && second.id == first.id);
    in.label = 2;
    assert_int_equal(kt_review_submit(w->s, &w->p, &w->user[0], &in, &second, NULL), KT_CONFLICT);
}

static void skip_undo_and_ahead(void **state)
{
    struct world *w = *state;
    kt_lease l, m;
    kt_submitted out;
    int64_t items, slots;
    add(w, 3, 1);
    assert_int_equal(next(w, 0, &l), 0);
    assert_int_equal(kt_queue_ahead(w->s, w->p.id, w->user[0].id, human, &rules, &m, NULL), 0);
    assert_true(m.item != l.item);
    assert_int_equal(answer(w, 0, &l, KT_LABEL_SKIP, &out), 0);
    assert_int_equal(next(w, 0, &l), 0);
    assert_int_equal(l.token, m.token); /* the one loaded ahead */
    assert_int_equal(answer(w, 0, &l, 1, &out), 0);
    int32_t said;
    kt_review_rules how = { .lease = rules, .overlap = 1, .min_posterior = 0.8 };
    assert_int_equal(kt_review_undo(w->s, &w->p, w->user[0].id, &how, &m, &said, NULL), 0);
    assert_int_equal(said, 1);
    assert_true(m.item == l.item && m.token > l.token);
    assert_int_equal(answer(w, 0, &m, 2, &out), 0);
    assert_int_equal(next(w, 0, &l), 0);
    assert_int_equal(answer(w, 0, &l, 0, &out), 0);
    assert_int_equal(next(w, 0, &l), KT_DONE); /* the skipped one is not theirs any more */
    assert_int_equal(next(w, 1, &l), 0);
    assert_int_equal(l.item, 0);
    assert_int_equal(kt_queue_size(w->s, w->p.id, KT_QUEUE_HUMAN, &items, &slots, NULL), 0);
    assert_int_equal(slots, 0);
}

static void gold_is_mixed_in(void **state)
{
    struct world *w = *state;
    kt_lease_rules mixed = { 60000000, 0.5 };
    uint32_t gold[2] = { 100, 101 };
    int32_t labels[2] = { 1, 2 };
    kt_person_stat *st;
    size_t n;
    int seen = 0;
    add(w, 12, 1);
    assert_int_equal(kt_gold_add(w->s, &w->p, gold, labels, 2, NULL), 0);
    for (int i = 0; i < 14; i++) {
        kt_lease l;
        kt_submitted out;
        if (kt_queue_next(w->s, w->p.id, w->user[0].id, human, &mixed, &l, NULL) != 0)
            break;
        seen += l.blind_gold;
        assert_int_equal(l.blind_gold, l.item >= 100);
        assert_int_equal(answer(w, 0, &l, 1, &out), 0);
    }
    assert_int_equal(kt_person_stats(w->s, w->p.id, &w->a, &st, &n, NULL), 0);
    assert_true(seen == 2 && n == 1 && st[0].gold_n == 2 && st[0].gold_right == 1);
}

static void an_undone_act_leaves_no_trace(void **state)
{
    struct world *w = *state;
    uint64_t before, after;
    unsigned char root[32], again[32];
    kt_err err = { 0 };
    add(w, 2, 1);
    kt_audit_root(w->s, &before, root);
    ok(kt_store_mark(w->s, &err), &err);
    kt_lease l;
    kt_submitted out;
    assert_int_equal(next(w, 0, &l), 0);
    assert_int_equal(answer(w, 0, &l, 1, &out), 0);
    kt_store_undo(w->s);
    kt_audit_root(w->s, &after, again);
    assert_int_equal(before, after);
    assert_memory_equal(root, again, 32);
    ok(kt_audit_sign(w->s, &err), &err);
    ok(kt_store_commit(w->s, &err), &err);
    kt_audit_report *r = kt_arena_alloc(&w->a, sizeof(*r));
    assert_int_equal(kt_audit_verify(w->s, NULL, r, &err), 0);
    ok(kt_store_begin(w->s, &err), &err);
}

static int64_t count_of(struct world *w, const char *name)
{
    int64_t v;
    assert_int_equal(kt_counter_get(w->s, w->p.id, kt_str_of(name), &v, NULL), 0);
    return v;
}

/* Gathered additions are seen at once, follow the act and the transaction they belong to, and are there after the commit, in
   the table itself. More counts than are gathered go to the table directly. */
static void counts_follow_their_transaction(void **state)
{
    struct world *w = *state;
    kt_err err = { 0 };
    char name[20];
    int64_t kept = 0;
    ok(kt_counter_add(w->s, w->p.id, KT_S("x"), 5, &err), &err);
    ok(kt_store_mark(w->s, &err), &err);
    ok(kt_counter_add(w->s, w->p.id, KT_S("x"), 2, &err), &err);
    assert_int_equal(count_of(w, "x"), 7);
    kt_store_undo(w->s);
    assert_int_equal(count_of(w, "x"), 5);
    ok(kt_store_commit(w->s, &err), &err);
    ok(kt_db_i64(kt_store_db(w->s), &kept, &err, "SELECT value FROM counter WHERE project=$1 AND name='x'", "i", w->p.id), &err);
    assert_int_equal(kept, 5);
    ok(kt_store_begin(w->s, &err), &err);
    ok(kt_counter_add(w->s, w->p.id, KT_S("x"), 10, &err), &err);
    kt_store_rollback(w->s);
    assert_int_equal(count_of(w, "x"), 5);
    ok(kt_store_begin(w->s, &err), &err);
    ok(kt_counter_add(w->s, w->p.id, KT_S("x"), 1, &err), &err);
    ok(kt_counter_set(w->s, w->p.id, KT_S("x"), 40, &err), &err);
    ok(kt_counter_add(w->s, w->p.id, KT_S("x"), 2, &err), &err);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 60; i++) {
            snprintf(name, sizeof(name), "many%d", i);
            ok(kt_counter_add(w->s, w->p.id, kt_str_of(name), i, &err), &err);
        }
    ok(kt_store_commit(w->s, &err), &err);
    assert_int_equal(count_of(w, "x"), 42);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "many%d", i);
        assert_int_equal(count_of(w, name), 2 * i);
    }
    ok(kt_store_begin(w->s, &err), &err);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(nobody_twice_and_overlap), T(a_tie_goes_to_an_expert), T(a_late_answer_is_fenced_off), T(a_retry_changes_nothing),
        T(skip_undo_and_ahead), T(gold_is_mixed_in), T(an_undone_act_leaves_no_trace), T(counts_follow_their_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
