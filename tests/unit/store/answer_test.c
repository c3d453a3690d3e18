/* Numbers of answers: what is the same gets the same number, what is wrong is named, what events and rows say is verified, and projects of
   one label an item are as they were. A real store in a temporary folder. */
#include "stage/review.h"
#include "store/answer.h"
#include "store/audit.h"
#include "store/gold.h"
#include "store/schema.h"

#include "base/str.h"
#include "kt_test_store.h"

struct world {
    struct kt_test_store at;
    kt_store *s;
    kt_arena a;
    kt_project p[KT_TASK__COUNT]; /* one of each task */
    kt_user user[2];
};

static int setup(void **state)
{
    static kt_str labels[] = { { "a", 1 }, { "b \"q\"", 5 }, { "c", 1 } };
    static const char *const names[] = { "one", "sets", "regions" };
    struct world *w = calloc(1, sizeof(*w));
    kt_err err = { 0 };
    kt_test_store_open(&w->at);
    w->s = w->at.s;
    for (int t = 0; t < KT_TASK__COUNT; t++) {
        kt_project p = { .name = kt_str_of(names[t]), .config = KT_S("x"), .label = labels, .n_labels = 3, .task = (kt_task)t };
        int64_t id;
        ok(kt_project_put(w->s, &p, &id, &err), &err);
        ok(kt_project_by_id(w->s, id, &w->a, &w->p[t], &err), &err);
        assert_int_equal(w->p[t].task, t);
    }
    for (int i = 0; i < 2; i++) {
        char name[8] = { 'u', (char)('0' + i) };
        ok(kt_user_add(w->s, 0, kt_str_of(name), KT_S(""), false, &w->user[i].id, &err), &err);
        w->user[i].role = KT_ROLE_ANNOTATOR;
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

#define SAID(...) (&(kt_answer_said){ (kt_answer_part[]){ __VA_ARGS__ }, sizeof((kt_answer_part[]){ __VA_ARGS__ }) / sizeof(kt_answer_part) })

static int32_t number(struct world *w, kt_task t, const kt_answer_said *a)
{
    int32_t n = -1;
    kt_err err = { 0 };
    ok(kt_answer_number(w->s, &w->p[t], a, &n, &err), &err);
    return n;
}

static void assert_json(struct world *w, kt_task t, int32_t n, const char *json, const char *text)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1000);
    kt_err err = { 0 };
    ok(kt_answer_json(w->s, &w->p[t], n, &b, &err), &err);
    assert_string_equal(b.p, json);
    kt_buf_reset(&b);
    ok(kt_answer_text(w->s, &w->p[t], n, &b, &err), &err);
    assert_string_equal(b.n ? b.p : "", text);
}

static void order_and_repeats_do_not_matter(void **state)
{
    struct world *w = *state;
    const kt_answer_said none = { NULL, 0 };
    int32_t ab = number(w, KT_TASK_LABEL_SETS, SAID({ 1, 0, 0 }, { 0, 0, 0 }));
    assert_int_equal(ab, number(w, KT_TASK_LABEL_SETS, SAID({ 0, 0, 0 }, { 1, 0, 0 }, { 0, 0, 0 })));
    assert_json(w, KT_TASK_LABEL_SETS, ab, "\"labels\":[\"a\",\"b \\\"q\\\"\"]", "a, b \"q\"");
    int32_t empty = number(w, KT_TASK_LABEL_SETS, &none);
    assert_int_not_equal(empty, ab);
    assert_int_equal(empty, number(w, KT_TASK_LABEL_SETS, &none));
    assert_json(w, KT_TASK_LABEL_SETS, empty, "\"labels\":[]", "(none)");
    assert_json(w, KT_TASK_LABEL_SETS, -1, "\"labels\":null", "");
    /* overlapping, nested, and one place with two labels: all stay */
    int32_t r = number(w, KT_TASK_SPANS, SAID({ 2, 8, 20 }, { 0, 0, 3 }, { 1, 8, 20 }, { 0, 9, 10 }, { 0, 0, 3 }));
    assert_int_equal(r, number(w, KT_TASK_SPANS, SAID({ 0, 9, 10 }, { 0, 0, 3 }, { 1, 8, 20 }, { 2, 8, 20 })));
    assert_json(w, KT_TASK_SPANS, r,
                "\"spans\":[{\"start\":0,\"end\":3,\"label\":\"a\"},{\"start\":8,\"end\":20,\"label\":\"b \\\"q\\\"\"},"
                "{\"start\":8,\"end\":20,\"label\":\"c\"},{\"start\":9,\"end\":10,\"label\":\"a\"}]",
                "a 0-3, b \"q\" 8-20, c 8-20, a 9-10");
    assert_int_equal(number(w, KT_TASK_SPANS, &none), r + 1); /* numbered in the order they came, by project */
    assert_json(w, KT_TASK_SPANS, -1, "\"spans\":null", "");
}

static void one_label_an_item_is_its_own_number(void **state)
{
    struct world *w = *state;
    kt_answer_said got;
    size_t *start, n;
    kt_answer_part *part;
    kt_err err = { 0 };
    for (int32_t i = 0; i < 3; i++)
        assert_int_equal(number(w, KT_TASK_CLASSES, SAID({ i, 0, 0 })), i);
    assert_json(w, KT_TASK_CLASSES, 1, "\"label\":\"b \\\"q\\\"\"", "b \"q\"");
    assert_json(w, KT_TASK_CLASSES, -1, "\"label\":null", "");
    ok(kt_answers_load(w->s, &w->p[0], &w->a, &start, &part, &n, &err), &err);
    assert_int_equal(n, 0);
    assert_int_equal(kt_answer_get(w->s, &w->p[0], 3, &w->a, &got, &err), KT_NOTFOUND);
    assert_int_equal(kt_answer_check(&w->p[0], SAID({ 0, 0, 0 }, { 1, 0, 0 }), UINT32_MAX, &err), KT_RANGE);
    assert_string_equal(err.field, "/label");
}

static void assert_wrong(const struct world *w, kt_task t, const kt_answer_said *a, uint32_t n_chars, const char *field, const char *what)
{
    kt_err err = { 0 };
    assert_int_equal(kt_answer_check(&w->p[t], a, n_chars, &err), KT_RANGE);
    assert_string_equal(err.field, field);
    if (!strstr(err.what, what))
        fail_msg("'%s' does not say '%s'", err.what, what);
}

static void wrong_parts_are_named(void **state)
{
    struct world *w = *state;
    kt_err err = { 0 };
    assert_wrong(w, KT_TASK_LABEL_SETS, SAID({ 0, 0, 0 }, { 3, 0, 0 }), UINT32_MAX, "/labels/1", "label 3");
    assert_wrong(w, KT_TASK_SPANS, SAID({ 0, 0, 1 }, { 0, 2, 2 }), 10, "/spans/1/end", "region 2 is empty");
    assert_wrong(w, KT_TASK_SPANS, SAID({ 0, 5, 4 }), 10, "/spans/0/end", "from 5 to 4");
    assert_wrong(w, KT_TASK_SPANS, SAID({ 0, 5, 11 }), 10, "/spans/0/end", "the text to 10");
    assert_wrong(w, KT_TASK_SPANS, SAID({ -1, 5, 6 }), 10, "/spans/0/label", "label -1");
    ok(kt_answer_check(&w->p[KT_TASK_SPANS], SAID({ 0, 5, 10 }, { 1, 0, 10 }), 10, &err), &err);
    kt_answer_said many = { calloc(KT_ANSWER_MAX_PARTS + 1, sizeof(kt_answer_part)), KT_ANSWER_MAX_PARTS + 1 };
    for (uint32_t i = 0; i < many.n; i++)
        many.part[i] = (kt_answer_part){ 2, 4000000000u + i, 4294000000u };
    assert_wrong(w, KT_TASK_SPANS, &many, UINT32_MAX, "/spans", "at most 10000 regions");
    many.n--;
    int32_t largest = number(w, KT_TASK_SPANS, &many); /* the longest body there can be */
    kt_answer_said got;
    ok(kt_answer_get(w->s, &w->p[KT_TASK_SPANS], largest, &w->a, &got, &err), &err);
    assert_int_equal(got.n, many.n);
    assert_memory_equal(got.part, many.part, many.n * sizeof(*many.part));
    free(many.part);
    assert_int_equal(kt_answer_get(w->s, &w->p[KT_TASK_SPANS], largest + 1, &w->a, &got, &err), KT_NOTFOUND);
}

static void all_are_loaded_by_number(void **state)
{
    struct world *w = *state;
    size_t *start, n;
    kt_answer_part *part;
    kt_err err = { 0 };
    number(w, KT_TASK_SPANS, SAID({ 1, 4, 6 }, { 0, 1, 2 }));
    number(w, KT_TASK_SPANS, &(kt_answer_said){ NULL, 0 });
    number(w, KT_TASK_SPANS, SAID({ 2, 7, 9 }));
    ok(kt_answers_load(w->s, &w->p[KT_TASK_SPANS], &w->a, &start, &part, &n, &err), &err);
    assert_int_equal(n, 3);
    assert_true(start[0] == 0 && start[1] == 2 && start[2] == 2 && start[3] == 3);
    assert_true(part[0].label == 0 && part[0].start == 1 && part[1].end == 6 && part[2].label == 2);
    ok(kt_answers_load(w->s, &w->p[KT_TASK_LABEL_SETS], &w->a, &start, &part, &n, &err), &err);
    assert_true(n == 0 && start[0] == 0);
}

/* The event with this kind and the highest number. */
static const char *last_event(struct world *w, const char *kind)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1 << 20);
    char what[60];
    kt_str rest, line, hit = { 0 };
    assert_int_equal(kt_audit_show(w->s, 0, 1000, &b, NULL), 0);
    snprintf(what, sizeof(what), "\"kind\":\"%s\"", kind);
    rest = KT_BUF_STR(&b);
    while (kt_str_cut(&rest, '\n', &line))
        if (line.n && strstr(kt_arena_cstr(&w->a, line), what))
            hit = line;
    return strstr(kt_arena_cstr(&w->a, hit), "\"data\":") + 7;
}

static kt_lease take(struct world *w, kt_task t, int who, unsigned queues)
{
    const kt_lease_rules rules = { 60000000, 0 };
    kt_lease l;
    assert_int_equal(kt_queue_next(w->s, w->p[t].id, w->user[who].id, queues, &rules, &l, NULL), 0);
    return l;
}

static void verify(struct world *w, uint64_t findings, const char *what)
{
    kt_audit_report *r = kt_arena_alloc(&w->a, sizeof(*r));
    kt_err err = { 0 };
    ok(kt_store_commit(w->s, &err), &err);
    assert_int_equal(kt_audit_verify(w->s, NULL, r, NULL), findings ? KT_NO : 0);
    assert_int_equal(r->n_findings, findings);
    if (findings && !strstr(r->finding[0].detail, what))
        fail_msg("'%s' does not say '%s'", r->finding[0].detail, what);
    ok(kt_store_begin(w->s, &err), &err);
}

static void events_say_it_in_words_and_are_verified(void **state)
{
    struct world *w = *state;
    const kt_project *p = &w->p[KT_TASK_SPANS];
    const uint32_t item = 0;
    kt_submitted out;
    kt_err err = { 0 };
    int32_t said = number(w, KT_TASK_SPANS, SAID({ 1, 0, 4 })), other = number(w, KT_TASK_SPANS, SAID({ 1, 0, 5 }));
    ok(kt_queue_add(w->s, p->id, KT_QUEUE_HUMAN, &item, 1, 1, &err), &err);
    kt_lease l = take(w, KT_TASK_SPANS, 0, 1u << KT_QUEUE_HUMAN);
    ok(kt_review_submit(w->s, p, &w->user[0], &(kt_submit){ .token = l.token, .item = 0, .label = said }, &out, &err), &err);
    assert_true(out.complete);
    assert_non_null(strstr(last_event(w, "annotation.submit"), "{\"spans\":[{\"start\":0,\"end\":4,\"label\":\"b \\\"q\\\"\"}],\"queue\":\"human\""));
    assert_non_null(strstr(last_event(w, "consensus.put"), "{\"spans\":[{\"start\":0,\"end\":4,\"label\":\"b \\\"q\\\"\"}],\"state\":\"voted\""));
    ok(kt_gold_add(w->s, p, &item, &said, 1, &err), &err);
    assert_string_equal(last_event(w, "gold.add"), "{\"gold\":[{\"item\":0,\"spans\":[{\"start\":0,\"end\":4,\"label\":\"b \\\"q\\\"\"}]}]}}");
    const kt_consensus batch[] = { { .item = 7, .label = said, .state = KT_FINAL_VOTED, .posterior = 0.5, .n_votes = 2, .method = KT_S("majority") },
                                   { .item = 8, .label = -1, .state = KT_FINAL_DISPUTE, .n_votes = 2, .method = KT_S("majority") } };
    ok(kt_consensus_put_many(w->s, p, batch, 2, KT_S("karat"), &err), &err);
    verify(w, 0, "");
    ok(kt_db_run(kt_store_db(w->s), &err, "UPDATE annotation SET label=$1 WHERE project=$2", "ii", (int64_t)other, p->id), &err);
    verify(w, 1, "the table says");
    ok(kt_db_run(kt_store_db(w->s), &err, "UPDATE annotation SET label=$1 WHERE project=$2", "ii", (int64_t)said, p->id), &err);
    ok(kt_db_run(kt_store_db(w->s), &err, "UPDATE consensus SET label=$1 WHERE project=$2 AND item=7", "ii", (int64_t)other, p->id), &err);
    verify(w, 1, "item 7: the table decides");
    ok(kt_db_run(kt_store_db(w->s), &err, "UPDATE consensus SET label=$1 WHERE project=$2 AND item=7", "ii", (int64_t)said, p->id), &err);
    ok(kt_db_run(kt_store_db(w->s), &err, "UPDATE answer SET body='[[0,5,1]]' WHERE project=$1 AND id=$2", "ii", p->id, (int64_t)said), &err);
    verify(w, 3, "the table says"); /* the answer, its decision, the batch's */
}

static void events_of_one_label_are_as_they_were(void **state)
{
    struct world *w = *state;
    const kt_project *p = &w->p[KT_TASK_CLASSES];
    const uint32_t item = 3;
    const int32_t label = 1;
    kt_submitted out;
    kt_err err = { 0 };
    ok(kt_queue_add(w->s, p->id, KT_QUEUE_HUMAN, &item, 1, 1, &err), &err);
    kt_lease l = take(w, KT_TASK_CLASSES, 0, 1u << KT_QUEUE_HUMAN);
    ok(kt_review_submit(w->s, p, &w->user[0], &(kt_submit){ .token = l.token, .item = 3, .label = 1 }, &out, &err), &err);
    assert_string_equal(last_event(w, "annotation.submit"), "{\"label\":\"b \\\"q\\\"\",\"queue\":\"human\",\"token\":1,\"duration_us\":0}}");
    assert_string_equal(last_event(w, "consensus.put"), "{\"label\":1,\"state\":\"voted\",\"posterior\":1,\"votes\":1,\"method\":\"majority\"}}");
    ok(kt_gold_add(w->s, p, &item, &label, 1, &err), &err);
    assert_string_equal(last_event(w, "gold.add"), "{\"gold\":[[3,1]]}}");
    verify(w, 0, "");
}

static void a_task_stays_once_there_are_answers(void **state)
{
    struct world *w = *state;
    const uint32_t item = 3;
    const int32_t label = 1;
    int64_t id;
    kt_err err = { 0 };
    kt_project p = w->p[KT_TASK_CLASSES];
    p.task = KT_TASK_SPANS;
    ok(kt_project_put(w->s, &p, &id, &err), &err); /* nothing is said yet */
    p.task = KT_TASK_CLASSES;
    ok(kt_project_put(w->s, &p, &id, &err), &err);
    ok(kt_gold_add(w->s, &p, &item, &label, 1, &err), &err);
    p.task = KT_TASK_SPANS;
    assert_int_equal(kt_project_put(w->s, &p, &id, &err), KT_CONFLICT);
}

/* A workspace of the version before, made by running the steps up to it, is brought forward and knows its tasks. */
static void an_old_workspace_is_brought_forward(void **state)
{
    struct world *w = *state;
    char dir[80], path[120];
    kt_db *db;
    kt_err err = { 0 };
    kt_project p;
    ok(kt_store_commit(w->s, &err), &err);
    snprintf(dir, sizeof(dir), "%s/old", w->at.dir);
    snprintf(path, sizeof(path), "%s/karat.db", dir);
    ok(kt_store_create(dir, &err), &err);
    assert_int_equal(unlink(path), 0);
    ok(kt_db_open(path, KT_DB_WRITE, &db, &err), &err);
    for (int i = 0; i < 4; i++)
        ok(kt_db_script(db, kt_schema_steps[i], &err), &err);
    ok(kt_db_script(db,
                    "CREATE TABLE schema_version(version BIGINT NOT NULL);INSERT INTO schema_version VALUES(4);"
                    "INSERT INTO project VALUES(1,'x','','project: x\ntask: spans\n','[\"a\"]',0,0);"
                    "INSERT INTO project VALUES(2,'y','','task: multi-label\n','[\"a\"]',0,0);"
                    "INSERT INTO project VALUES(3,'z','','project: z\n# not task: spans\n','[\"a\"]',0,0);", &err), &err);
    kt_db_close(db);
    kt_store *s;
    const kt_task tasks[] = { KT_TASK_SPANS, KT_TASK_LABEL_SETS, KT_TASK_CLASSES };
    ok(kt_store_open(dir, KT_STORE_WRITE, &s, &err), &err);
    for (int i = 0; i < 3; i++) {
        ok(kt_project_by_id(s, i + 1, &w->a, &p, &err), &err);
        assert_int_equal(p.task, tasks[i]);
    }
    kt_store_close(s);
    ok(kt_store_begin(w->s, &err), &err);
}

/* Two different answers are a dispute nobody is sent to: the consensus stage weighs their parts. Either can be taken back. */
static void differing_regions_wait_for_the_consensus(void **state)
{
    struct world *w = *state;
    const kt_project *p = &w->p[KT_TASK_SPANS];
    const kt_review_rules rules = { .lease = { 60000000, 0 }, .overlap = 2 };
    const uint32_t item = 0;
    const int32_t said[2] = { number(w, KT_TASK_SPANS, SAID({ 1, 0, 4 })), number(w, KT_TASK_SPANS, SAID({ 1, 0, 5 })) };
    kt_submitted out;
    kt_consensus c;
    kt_progress_counts n = { 0 };
    kt_lease l;
    int32_t was;
    kt_err err = { 0 };
    ok(kt_queue_add(w->s, p->id, KT_QUEUE_HUMAN, &item, 1, 2, &err), &err);
    for (int i = 0; i < 2; i++) {
        l = take(w, KT_TASK_SPANS, i, 1u << KT_QUEUE_HUMAN);
        ok(kt_review_submit(w->s, p, &w->user[i], &(kt_submit){ .token = l.token, .item = 0, .label = said[i] }, &out, &err), &err);
    }
    assert_int_equal(kt_consensus_get(w->s, p->id, 0, &c, NULL), 0);
    assert_true(out.complete && c.state == KT_FINAL_DISPUTE && c.label == -1);
    ok(kt_review_counts(w->s, p, &n, &err), &err);
    assert_true(n.queue_items[KT_QUEUE_EXPERT] == 0 && n.disputes_open == 1 && n.pairs == 1 && n.pairs_agreeing == 0);
    ok(kt_review_undo(w->s, p, w->user[1].id, &rules, &l, &was, &err), &err);
    assert_int_equal(was, said[1]);
    ok(kt_review_submit(w->s, p, &w->user[1], &(kt_submit){ .token = l.token, .item = 0, .label = said[0] }, &out, &err), &err);
    assert_int_equal(kt_consensus_get(w->s, p->id, 0, &c, NULL), 0);
    assert_true(c.state == KT_FINAL_VOTED && c.label == said[0]);
    ok(kt_review_counts(w->s, p, &n, &err), &err);
    assert_true(n.disputes_open == 0 && n.pairs == 1 && n.pairs_agreeing == 1);
    verify(w, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order_and_repeats_do_not_matter, setup, teardown),
        cmocka_unit_test_setup_teardown(one_label_an_item_is_its_own_number, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_parts_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(all_are_loaded_by_number, setup, teardown),
        cmocka_unit_test_setup_teardown(events_say_it_in_words_and_are_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(events_of_one_label_are_as_they_were, setup, teardown),
        cmocka_unit_test_setup_teardown(differing_regions_wait_for_the_consensus, setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_stays_once_there_are_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_workspace_is_brought_forward, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
