/* Runs the stages one after the other. Each stage finds in the store what it has done already and does the rest; what is cheap
   and follows from the store is computed again. */
#include "stage/pipeline.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/functions_figures.h"
#include "stage/functions_kept.h"
#include "stage/learn.h"
#include "stage/parts.h"
#include "stage/relabel.h"
#include "stage/review.h"
#include "stage/watch.h"
#include "store/audit.h"
#include "store/gold.h"

#include <math.h>
#include <stdio.h>

#define PAGE_EXAMPLES 3

static kt_rc make_project(kt_run *r)
{
    const kt_config *c = r->c;
    kt_project p = { .name = c->project, .guidelines = c->guidelines, .config = c->text, .task = c->task, .label = c->label, .n_labels = c->n_labels, .seed = c->seed };
    int64_t id;
    KT_TRY(kt_store_begin(r->s, r->err));
    kt_rc rc = kt_project_put(r->s, &p, &id, r->err);
    if (rc == 0)
        rc = kt_config_remember(r->s, id, c, r->err);
    KT_TRY(kt_store_finish(r->s, rc, r->err));
    KT_TRY(kt_project_by_id(r->s, id, r->arena, &r->p, r->err));
    return 0;
}

static kt_rc ingest_all(kt_run *r)
{
    for (size_t i = 0; i < r->c->n_sources; i++)
        KT_TRY(kt_ingest(r->s, &r->p, &r->c->source[i], r->pool, r->progress, &r->ingested, r->err));
    int64_t rejects;
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("rejects"), &rejects, r->err));
    r->ingested.n_rejected = (uint64_t)rejects;
    if (r->p.n_items == 0) {
        kt_fail(r->err, KT_RANGE, "there is nothing to label: the project holds no item (%lld records rejected)", (long long)rejects);
        return kt_hint(r->err, "'karat status DIR --rejects' says why, line by line; check the field mapping"), KT_RANGE;
    }
    r->n = r->p.n_items;
    r->k = r->p.n_labels;
    return 0;
}

/* A stage that is a function of the items and its part of the configuration runs again only when one of them changed. */
static kt_rc is_done(kt_run *r, const char *stage, kt_str config, bool *ret, kt_str *ret_key)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(200);
    kt_digest d = kt_digest_of(config);
    kt_buf_printf(&b, "%u ", r->n);
    kt_buf_hex(&b, d.b, 16);
    *ret_key = kt_arena_str(r->arena, KT_BUF_STR(&b));
    kt_str old = { "", 0 };
    kt_rc rc = kt_doc_get(r->s, r->p.id, kt_str_of(stage), r->arena, &old, r->err);
    *ret = rc == 0 && kt_str_eq(old, *ret_key);
    return rc < 0 ? rc : 0;
}

static kt_rc dedup(kt_run *r)
{
    bool done;
    kt_str key;
    KT_TRY(is_done(r, "dedup.done", kt_arena_printf(r->arena, "%d %.6f", r->c->near_on, r->c->near_threshold), &done, &key));
    if (!done)
        KT_TRY(kt_dedup_run(r->s, &r->p, r->c, r->pool, r->progress, key, r->err));
    r->cluster = kt_arena_array(r->arena, (size_t)r->n + 1, 4);
    uint32_t *exact = kt_alloc_array((size_t)r->n + 1, 4);
    kt_rc rc = kt_run_column(r, "cluster", 4, 0, r->cluster);
    if (rc == 0)
        rc = kt_run_column(r, "exact", 4, 0, exact);
    r->dedup = (kt_dedup_result){ 0 };
    for (uint32_t i = 0; i < r->n && rc == 0; i++) {
        r->dedup.n_canonical += r->cluster[i] == i;
        r->dedup.n_exact += exact[i] != i;
        r->dedup.n_near += exact[i] == i && r->cluster[i] != i;
    }
    kt_free(exact);
    return rc;
}

static kt_rc functions(kt_run *r)
{
    const kt_functions_opts o = { .file = r->c->file, .labels = r->p.label, .n_labels = r->k, .task = r->c->task, .other = kt_functions_other, .other_ctx = r->s };
    const kt_yaml *list;
    KT_TRY(kt_project_functions(r->s, &r->p, r->c->functions, r->arena, &list, r->err));
    KT_TRY(kt_functions_read(list, &o, &r->functions, r->err));
    r->m = kt_functions_count(r->functions);
    r->lf = kt_arena_array(r->arena, r->m + 1, sizeof(*r->lf));
    KT_TRY(kt_functions_run(r->s, &r->p, r->functions, r->cluster, r->pool, r->progress, r->arena, &r->ran, r->err));
    return 0;
}

/* Trusted labels are known answers, and stand. In a transaction. */
static kt_rc put_gold(kt_run *r, const uint32_t *item, const int32_t *label, size_t n)
{
    KT_TRY(kt_gold_add(r->s, &r->p, item, label, n, r->err));
    for (size_t i = 0; i < n; i++) {
        kt_consensus c = { .item = item[i], .label = label[i], .state = KT_FINAL_GOLD, .posterior = 1, .method = KT_S("gold") };
        KT_TRY(kt_consensus_put(r->s, &r->p, &c, KT_S("karat"), r->err));
    }
    return kt_counter_set(r->s, r->p.id, KT_S("gold.done"), (int64_t)n, r->err);
}

static kt_rc states(kt_run *r)
{
    uint32_t *item = NULL;
    int32_t *label = NULL;
    size_t n = 0;
    int64_t done;
    r->state = kt_arena_zalloc(r->arena, (size_t)r->n + 1);
    r->truth = kt_arena_array(r->arena, (size_t)r->n + 1, sizeof(*r->truth));
    memset(r->truth, 0xff, ((size_t)r->n + 1) * sizeof(*r->truth));
    kt_rc rc = kt_task_of(r)->known(r, &item, &label, &n);
    for (uint32_t i = 0; i < r->n; i++) {
        r->has_truth |= r->truth[i] >= 0;
        r->state[i] = r->cluster[i] != i ? KT_ITEM_DUPLICATE : KT_ITEM_OPEN;
    }
    for (size_t i = 0; i < n; i++)
        r->state[item[i]] = KT_ITEM_GOLD;
    if (rc == 0)
        rc = kt_counter_get(r->s, r->p.id, KT_S("gold.done"), &done, r->err);
    if (rc == 0 && n && done != (int64_t)n) {
        rc = kt_store_begin(r->s, r->err);
        if (rc == 0)
            rc = kt_store_finish(r->s, put_gold(r, item, label, n), r->err);
    }
    kt_free(item);
    kt_free(label);
    return rc;
}

/* Where an item may have several labels or regions, what the functions marked is weighed first: it is written once, and the pool reads its part. */
static kt_rc label_model(kt_run *r)
{
    if (r->parts)
        KT_TRY(kt_marks_denoise(r->s, &r->p, r->c, r->functions, r->cluster, KT_WEIGHED_MARKS, r->arena, &r->marks, r->err));
    return kt_learn_prepare(r);
}

/* What functions that mark do: it was counted when the marks were weighed. */
static kt_rc marks_figures(kt_run *r)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    kt_str old = { "", 0 };
    kt_marks_json(&r->marks, &r->p, r->functions, r->ran.fault, &b);
    kt_rc rc = kt_doc_get(r->s, r->p.id, KT_S("functions.figures"), r->arena, &old, r->err);
    if (rc < 0 || kt_str_eq(old, KT_BUF_STR(&b)))
        return KT_MIN(rc, 0);
    KT_TRY(kt_store_begin(r->s, r->err));
    return kt_store_finish(r->s, kt_doc_put(r->s, r->p.id, KT_S("functions.figures"), KT_BUF_STR(&b), r->err), r->err);
}

/* For the pages, which read it while nobody else may run anything. */
static kt_rc figures(kt_run *r)
{
    kt_lf_figures x;
    kt_str old = { "", 0 };
    int64_t decided; /* labels by experts, which the figures are held against */
    if (r->parts)
        return marks_figures(r);
    KT_TRY(kt_doc_get(r->s, r->p.id, KT_S("functions.figures"), r->arena, &old, r->err));
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("final.adjudicated"), &decided, r->err));
    kt_str front = kt_arena_printf(r->arena, "{\"items\":%u,\"adjudicated\":%lld", r->n, (long long)decided);
    if (!r->ran.changed && kt_str_starts(old, kt_arena_printf(r->arena, "%.*s,", KT_F(front))))
        return 0;
    KT_TRY(kt_functions_figures(r->s, &r->p, r->m, PAGE_EXAMPLES, r->arena, &x, r->err));
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    kt_buf_str(&b, front);
    kt_functions_figures_json(&x, &r->p, r->functions, r->ran.fault, r->lf, &b);
    kt_buf_char(&b, '}');
    KT_TRY(kt_store_begin(r->s, r->err));
    return kt_store_finish(r->s, kt_doc_put(r->s, r->p.id, KT_S("functions.figures"), KT_BUF_STR(&b), r->err), r->err);
}

static struct kt_stage_time time_of(const kt_run *r, const char *stage, int64_t from)
{
    return (struct kt_stage_time){ kt_str_of(stage), (double)(kt_mono_us() - from) / 1e6, r->n };
}

static kt_rc write_export(kt_run *r, kt_pipeline_result *ret)
{
    const kt_export_opts o = { r->c->export_format, kt_export_folder(r->s, &r->p, r->arena), r->c->export_text, r->pool, r->progress };
    KT_TRY(kt_export_run(r->s, &r->p, &o, &ret->exported, r->err));
    KT_TRY(kt_store_begin(r->s, r->err));
    return kt_store_finish(r->s, kt_audit_sign(r->s, r->err), r->err);
}

/* times has room for two more. */
static kt_rc finish(kt_run *r, kt_pipeline_result *ret, struct kt_stage_time *times, size_t n_times)
{
    int64_t from = kt_mono_us();
    KT_TRY(write_export(r, ret));
    times[n_times++] = time_of(r, "export", from);
    from = kt_mono_us();
    KT_TRY(kt_quality_report(r, &ret->report));
    times[n_times++] = time_of(r, "quality and audit", from);
    ret->report.times = times;
    ret->report.n_times = n_times;
    KT_AUTO(kt_buf) html = KT_BUF_INIT((size_t)64 << 20);
    kt_report_html(&ret->report, &html);
    snprintf(ret->report_path, sizeof(ret->report_path), "%s", kt_report_path(r->s, &r->p, r->arena));
    KT_AUTO(kt_buf) json = KT_BUF_INIT((size_t)64 << 20);
    kt_report_json(&ret->report, &json);
    KT_TRY(kt_store_begin(r->s, r->err));
    KT_TRY(kt_store_finish(r->s, kt_doc_put(r->s, r->p.id, KT_S("report"), KT_BUF_STR(&json), r->err), r->err));
    return kt_file_write(ret->report_path, KT_BUF_STR(&html), r->err);
}

static const struct { const char *name; kt_rc (*run)(kt_run *r); kt_until until; } stages[] = {
    { "ingest", ingest_all, KT_UNTIL_DEDUP }, { "dedup", dedup, KT_UNTIL_DEDUP }, { "functions", functions, KT_UNTIL_FUNCTIONS },
    { "gold", states, KT_UNTIL_FUNCTIONS }, { "label model", label_model, KT_UNTIL_FUNCTIONS },
    { "figures", figures, KT_UNTIL_FUNCTIONS },
    { "active learning", kt_learn_rounds, KT_UNTIL_SELECT }, { "pre-label", kt_learn_predict, KT_UNTIL_PRELABEL },
    { "route and review", kt_route_run, KT_UNTIL_ROUTE }, { "relabel", kt_relabel_run, KT_UNTIL_CONSENSUS }, { "consensus", kt_consensus_run, KT_UNTIL_CONSENSUS },
};

static void take_numbers(kt_run *r, size_t n_done, kt_stage_numbers *ret)
{
    *ret = (kt_stage_numbers){ .n_items = r->n, .n_functions = r->m, .dedup = r->dedup, .n_pool = r->n_pool };
    ret->function = kt_arena_array(r->arena, r->m + 1, sizeof(kt_str));
    for (uint32_t j = 0; r->functions && j < r->m; j++)
        ret->function[j] = kt_arena_str(r->arena, kt_functions_name(r->functions, j));
    ret->functions = r->ran;
    ret->lf = r->lf;
    for (uint32_t i = 0; i < r->n; i++) {
        ret->n_predicted += r->pred && r->pred[i].label >= 0;
        if (r->state)
            ret->state[r->state[i]]++;
    }
    ret->routed = n_done >= KT_LEN(stages) - 2;
    ret->proved = r->proved;
    ret->threshold = r->proved && r->n_cells == 1 ? r->cell[0].score : NAN;
    ret->n_cells = r->n_cells;
    ret->bound = r->c->budget;
}

static kt_rc stop_here(kt_run *r, bool waiting, kt_pipeline_result *ret)
{
    ret->waiting = waiting;
    for (int q = 0; q < KT_QUEUE__COUNT; q++) {
        int64_t slots;
        KT_TRY(kt_queue_size(r->s, r->p.id, (kt_queue)q, &ret->queued[q], &slots, r->err));
    }
    KT_TRY(kt_store_begin(r->s, r->err));
    return kt_store_finish(r->s, kt_audit_sign(r->s, r->err), r->err);
}

/* Sets and regions: whether functions alone label. A verb that asks for a later stage, or one that was begun, says otherwise. */
static kt_rc functions_alone(kt_run *r, kt_until until, bool *ret)
{
    int64_t round = 0;
    bool later = until > KT_UNTIL_FUNCTIONS && until < KT_UNTIL_END;
    if (r->p.id)
        KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("learn.round"), &round, r->err));
    *ret = r->c->task != KT_TASK_CLASSES && !r->c->people && !r->c->simulate && !later && !round;
    return 0;
}

/* What is to be said of the functions of such a project. */
static void say_marks(kt_run *r, kt_pipeline_result *ret)
{
    KT_AUTO(kt_buf) text = KT_BUF_INIT((size_t)16 << 20);
    KT_AUTO(kt_buf) json = KT_BUF_INIT((size_t)16 << 20);
    ret->marked = true;
    ret->marks = r->marks;
    kt_marks_text(&ret->marks, &r->p, r->functions, r->ran.fault, &text);
    kt_marks_json(&ret->marks, &r->p, r->functions, r->ran.fault, &json);
    ret->marks_text = kt_arena_str(r->arena, KT_BUF_STR(&text));
    ret->marks_json = kt_arena_str(r->arena, KT_BUF_STR(&json));
}

/* Functions, what they come to, export. */
static kt_rc run_marks(kt_run *r, kt_until until, kt_pipeline_result *ret)
{
    KT_TRY(ingest_all(r));
    KT_TRY(dedup(r));
    take_numbers(r, 2, &ret->numbers);
    if (until == KT_UNTIL_DEDUP)
        return 0;
    KT_TRY(functions(r));
    KT_TRY(kt_marks_denoise(r->s, &r->p, r->c, r->functions, r->cluster, KT_MACHINE_MARKS, r->arena, &r->marks, r->err));
    KT_TRY(marks_figures(r));
    take_numbers(r, 3, &ret->numbers);
    if (until == KT_UNTIL_END)
        KT_TRY(write_export(r, ret));
    r->marks.n_rows = ret->exported.n_rows;
    r->marks.n_left_out = ret->exported.n_left_out;
    say_marks(r, ret);
    return 0;
}

static kt_rc run_stages(kt_run *r, kt_until until, kt_pipeline_result *ret)
{
    bool alone;
    KT_TRY(functions_alone(r, until, &alone));
    if (alone)
        return run_marks(r, until, ret);
    struct kt_stage_time *times = kt_arena_array(r->arena, KT_LEN(stages) + 2, sizeof(*times));
    size_t i = 0;
    for (; i < KT_LEN(stages) && stages[i].until <= until; i++) {
        int64_t from = kt_mono_us();
        kt_rc rc = stages[i].run(r);
        KT_TRY(rc);
        times[i] = time_of(r, stages[i].name, from);
        take_numbers(r, i + (rc == 0), &ret->numbers);
        if (rc == KT_DONE) {
            ret->waiting_for = r->waiting_for;
            ret->stage = stages[i].name;
            return stop_here(r, true, ret);
        }
    }
    if (until == KT_UNTIL_FUNCTIONS && r->parts)
        say_marks(r, ret);
    return until == KT_UNTIL_END ? finish(r, ret, times, i) : stop_here(r, false, ret);
}

static void say_faults(const kt_run *r)
{
    for (uint32_t j = 0; r->ran.fault && j < r->m; j++) {
        const kt_function_fault *f = &r->ran.fault[j];
        if (f->n)
            fprintf(stderr, "karat: function %.*s failed on %llu items and %s; on item %s: %s\n", KT_F(kt_functions_name(r->functions, j)),
                    (unsigned long long)f->n, f->off ? "was switched off, so it says nothing anywhere" : "abstained there", f->id, f->said);
    }
}

static kt_run *run_free(kt_run *r)
{
    kt_functions_free(r->functions);
    kt_learn_done(r);
    kt_parts_free(r);
    return kt_free(r);
}

static kt_rc run_project(kt_store *s, const kt_config *c, kt_until until, kt_pool *pool, kt_progress *progress, kt_arena *a, kt_pipeline_result *ret, kt_err *err)
{
    kt_run *r = kt_zalloc(sizeof(*r));
    *r = (kt_run){ .s = s, .c = c, .pool = pool, .progress = progress, .arena = a, .err = err };
    memset(ret, 0, sizeof(*ret));
    kt_rc rc = make_project(r);
    if (rc == 0)
        rc = run_stages(r, until, ret);
    say_faults(r);
    run_free(r);
    return rc;
}

kt_rc kt_pipeline_run(kt_store *s, const kt_config *c, kt_pool *pool, kt_progress *progress, kt_arena *a, kt_pipeline_result *ret, kt_err *err)
{
    return run_project(s, c, KT_UNTIL_END, pool, progress, a, ret, err);
}

kt_rc kt_pipeline_begin(kt_store *s, const kt_config *c, kt_pool *pool, kt_progress *progress, kt_arena *a, kt_pipeline_result *ret, kt_err *err)
{
    return run_project(s, c, KT_UNTIL_DEDUP, pool, progress, a, ret, err);
}

/* The configuration the project was made with. */
static kt_rc own_config(kt_store *s, const kt_project *p, kt_arena *a, kt_config *ret, kt_err *err)
{
    KT_TRY(kt_config_of(s, p, a, ret, err));
    ret->seed = p->seed;
    ret->n_sources = 0; /* what is there is there; 'karat ingest' adds to it */
    return 0;
}

kt_rc kt_pipeline_continue(kt_store *s, const kt_project *p, kt_until until, unsigned how, kt_pool *pool, kt_progress *progress, kt_arena *a,
                           kt_pipeline_result *ret, kt_err *err)
{
    kt_config c;
    KT_TRY(own_config(s, p, a, &c, err));
    c.simulate |= (how & KT_RUN_SIMULATE) != 0;
    c.watch |= (how & KT_RUN_WATCH) != 0;
    kt_run *r = kt_zalloc(sizeof(*r));
    *r = (kt_run){ .s = s, .p = *p, .c = &c, .pool = pool, .progress = progress, .arena = a, .err = err };
    memset(ret, 0, sizeof(*ret));
    kt_rc rc = run_stages(r, until, ret);
    say_faults(r);
    run_free(r);
    return rc;
}

kt_rc kt_pipeline_watch(kt_store *s, const kt_project *p, kt_pool *pool, kt_progress *progress, uint64_t *ret_moved, kt_err *err)
{
    static kt_rc (*const before[])(kt_run *) = { ingest_all, dedup, functions, states };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_config c;
    KT_TRY(own_config(s, p, &a, &c, err));
    c.watch = true;
    kt_run *r = kt_zalloc(sizeof(*r));
    *r = (kt_run){ .s = s, .p = *p, .c = &c, .pool = pool, .progress = progress, .arena = &a, .err = err };
    kt_rc rc = 0;
    for (size_t i = 0; i < KT_LEN(before) && rc == 0; i++)
        rc = before[i](r);
    if (rc == 0)
        rc = kt_watch_round(r, ret_moved);
    if (rc == 0 && c.relabel_share > 0)
        rc = kt_relabel_find(r, false);
    run_free(r);
    return rc;
}

kt_rc kt_pipeline_explain(kt_store *s, const kt_project *p, kt_str ext_id, kt_pool *pool, kt_progress *progress, kt_arena *a,
                          bool *ret_waiting, kt_explanation *ret, kt_err *err)
{
    kt_config c;
    kt_pipeline_result done = { 0 };
    KT_TRY(own_config(s, p, a, &c, err));
    kt_run *r = kt_zalloc(sizeof(*r));
    *r = (kt_run){ .s = s, .p = *p, .c = &c, .pool = pool, .progress = progress, .arena = a, .err = err };
    kt_rc rc = run_stages(r, KT_UNTIL_PRELABEL, &done);
    *ret_waiting = done.waiting;
    if (rc == 0 && !done.waiting)
        rc = kt_learn_explain(r, ext_id, ret);
    run_free(r);
    return rc;
}

kt_rc kt_pipeline_explain_route(kt_store *s, const kt_project *p, kt_pool *pool, kt_progress *progress, kt_arena *a, bool *ret_waiting,
                                kt_route_explained *ret, kt_err *err)
{
    kt_config c;
    kt_pipeline_result done = { 0 };
    KT_TRY(own_config(s, p, a, &c, err));
    kt_run *r = kt_zalloc(sizeof(*r));
    *r = (kt_run){ .s = s, .p = *p, .c = &c, .pool = pool, .progress = progress, .arena = a, .err = err };
    kt_rc rc = run_stages(r, KT_UNTIL_PRELABEL, &done);
    *ret_waiting = done.waiting;
    if (rc == 0 && !done.waiting)
        rc = kt_route_explain(r, ret);
    run_free(r);
    return rc;
}
