/* karat route DIR: everything without a label to annotators. */
#include "base/str.h"
#include "cli/cli.h"
#include "stage/review.h"
#include "store/audit.h"

#include <stdio.h>

static kt_rc route(kt_cli *cli, kt_store *s, kt_str project, int64_t overlap, kt_err *err)
{
    kt_project p;
    kt_review_rules rules;
    uint64_t n;
    KT_TRY(kt_project_get(s, project, cli->arena, &p, err));
    KT_TRY(kt_review_rules_get(&p, &rules, err));
    KT_TRY(kt_route_people(s, &p, overlap > 0 ? (int)overlap : rules.overlap, &n, err));
    KT_TRY(kt_store_begin(s, err));
    KT_TRY(kt_store_finish(s, kt_audit_sign(s, err), err));
    printf("%llu items wait for annotators, %d answers each\n", (unsigned long long)n, overlap > 0 ? (int)overlap : rules.overlap);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str project = { 0 };
    int64_t overlap = 0;
    const kt_opt opts[] = {
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "overlap", KT_OPT_INT, "N", "answers each item gets (default: the pipeline's review.overlap, 3)", &overlap },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_route, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (overlap < 0 || overlap > 100)
        return kt_fail(err, KT_USAGE, "--overlap wants 1 to 100, not %lld", (long long)overlap);
    kt_store *s;
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[0]), KT_STORE_WRITE, &s, err));
    rc = route(cli, s, project, overlap, err);
    kt_store_close(s);
    return rc;
}

const kt_verb kt_verb_route = {
    .name = "route", .help = "everything that has no label yet to annotators", .usage = "DIR [--overlap N]",
    .more = "For a team that just wants to label: init, ingest, route, serve. 'karat run' routes by an error budget instead, with the\n"
            "machine taking what it can prove.",
    .run = run,
};
