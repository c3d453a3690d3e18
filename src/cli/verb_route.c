/* karat route DIR: by the error budget, or everything to people. */
#include "base/str.h"
#include "cli/stages.h"
#include "stage/review.h"
#include "store/audit.h"

#include <stdio.h>

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    if (r->waiting && !n->routed)
        return;
    kt_buf_printf(b, "%llu items to the machine, %llu to annotators, %llu to experts\n", (unsigned long long)n->state[KT_ITEM_AUTO],
                  (unsigned long long)n->state[KT_ITEM_HUMAN], (unsigned long long)n->state[KT_ITEM_EXPERT]);
    if (n->proved && n->n_cells > 1)
        kt_buf_printf(b, "of the machine's, at most %.2f %% are wrong; each of %u classes and slices has its own budget\n", 100 * n->bound, n->n_cells);
    else if (n->proved)
        kt_buf_printf(b, "of the machine's, at most %.2f %% are wrong (score at least %.4f)\n", 100 * n->bound, n->threshold);
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    kt_buf_printf(b, ",\"routed\":%s,\"auto\":%llu,\"human\":%llu,\"expert\":%llu,\"bound\":", n->routed ? "true" : "false",
                  (unsigned long long)n->state[KT_ITEM_AUTO], (unsigned long long)n->state[KT_ITEM_HUMAN], (unsigned long long)n->state[KT_ITEM_EXPERT]);
    if (n->proved)
        kt_buf_f64(b, n->bound);
    else
        kt_buf_puts(b, "null");
}

static kt_rc to_people(kt_cli *cli, kt_store *s, kt_str project, int64_t overlap, kt_err *err)
{
    kt_project p;
    kt_review_rules rules;
    uint64_t n;
    KT_TRY(kt_project_get(s, project, cli->arena, &p, err));
    KT_TRY(kt_review_rules_get(&p, &rules, err));
    int need = overlap > 0 ? (int)overlap : rules.overlap;
    KT_TRY(kt_route_people(s, &p, need, &n, err));
    KT_TRY(kt_store_begin(s, err));
    KT_TRY(kt_store_finish(s, kt_audit_sign(s, err), err));
    printf("%llu items wait for annotators, %d answers each\n", (unsigned long long)n, need);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str project = { 0 };
    int64_t overlap = 0;
    bool people = false, json = false;
    const kt_opt opts[] = {
        { "people", KT_OPT_FLAG, NULL, "everything that has no label yet to annotators", &people },
        { "overlap", KT_OPT_INT, "N", "with --people: answers each item gets (default: the pipeline's review.overlap, 3)", &overlap },
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "json", KT_OPT_FLAG, NULL, "as one JSON object", &json },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_route, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (overlap < 0 || overlap > 100 || (overlap && !people))
        return kt_fail(err, KT_USAGE, "--overlap goes with --people and wants 1 to 100");
    kt_store *s;
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[0]), KT_STORE_WRITE, &s, err));
    const kt_stage_call call = { .verb = &kt_verb_route, .until = KT_UNTIL_ROUTE, .show = show, .show_json = show_json };
    rc = people ? to_people(cli, s, project, overlap, err) : kt_stage_call_in(cli, &call, s, project, json, err);
    kt_store_close(s);
    return rc;
}

const kt_verb kt_verb_route = {
    .name = "route", .help = "to the machine what it can prove, the rest to people", .usage = "DIR [--people [--overlap N]] [--json]",
    .more = "By the pipeline's budget: a trusted random sample, calibration, a threshold. --people is for a team that just wants to label:\n"
            "init, ingest, route --people, serve.",
    .run = run,
};
