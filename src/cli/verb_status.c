/* karat status DIR */
#include "base/str.h"
#include "cli/cli.h"
#include "stage/review.h"
#include "store/intake.h"
#include "store/notice.h"
#include "store/round.h"

#include <math.h>
#include <stdio.h>

static void show_share(double v)
{
    if (isnan(v))
        printf(" %9s", "-");
    else
        printf(" %7.2f %%", 100 * v);
}

/* How the model learned, round by round; last in the object of --json. */
static kt_rc show_rounds(kt_cli *cli, kt_store *s, const kt_project *p, bool json, kt_err *err)
{
    kt_round *v;
    size_t n;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    KT_TRY(kt_round_list(s, p->id, cli->arena, &v, &n, err));
    if (json) {
        kt_rounds_json(v, n, n, &b);
        printf(",\"rounds\":%.*s}\n", KT_F(KT_BUF_STR(&b)));
        return 0;
    }
    if (n)
        printf("\n  round  stage   labels  accuracy   95 %% interval         log loss  automation  measured on\n");
    for (size_t i = 0; i < n; i++) {
        printf("  %5lld  %-6.*s %7lld", (long long)v[i].number, KT_F(v[i].stage), (long long)v[i].n_labels);
        show_share(v[i].accuracy);
        show_share(v[i].lo);
        show_share(v[i].hi);
        if (isnan(v[i].log_loss))
            printf("          -");
        else
            printf(" %10.4f", v[i].log_loss);
        show_share(v[i].automation);
        printf("    %lld: %.*s\n", (long long)v[i].n_measured, KT_F(v[i].measured_on));
    }
    return 0;
}

static kt_rc show(kt_cli *cli, kt_store *s, kt_str name, bool json, kt_err *err)
{
    kt_project p;
    kt_progress_counts c;
    int64_t rejected;
    kt_notice_counts told;
    KT_TRY(kt_project_get(s, name, cli->arena, &p, err));
    KT_TRY(kt_review_counts(s, &p, &c, err));
    KT_TRY(kt_counter_get(s, p.id, KT_S("rejects"), &rejected, err));
    KT_TRY(kt_notice_count(s, p.id, cli->arena, &told, err));
    const struct { const char *name; int64_t v; } rows[] = {
        { "items", c.items }, { "rejected_records", rejected }, { "duplicates", c.duplicates }, { "auto_approved", c.auto_approved }, { "final_by_annotators", c.final_human },
        { "final_by_experts", c.final_expert }, { "disputes_open", c.disputes_open }, { "annotations", c.annotations },
        { "slots_open_train", c.queue_slots[KT_QUEUE_TRAIN] }, { "slots_open_human", c.queue_slots[KT_QUEUE_HUMAN] },
        { "slots_open_expert", c.queue_slots[KT_QUEUE_EXPERT] }, { "slots_open_trusted", c.queue_slots[KT_QUEUE_TRUSTED] },
        { "slots_open_audit", c.queue_slots[KT_QUEUE_AUDIT] }, { "batches_reopened", c.reopened }, { "notices_waiting", told.waiting },
        { "notices_failing", told.failing }, { "notices_given_up", told.given_up },
        { "slots_open_relabel", c.queue_slots[KT_QUEUE_RELABEL] }, { "suspected_labels", c.suspects }, { "suspected_changed", c.suspects_changed },
    };
    if (json)
        printf("{\"project\":\"%.*s\"", KT_F(p.name));
    else
        printf("project %.*s\n", KT_F(p.name));
    for (size_t i = 0; i < KT_LEN(rows); i++)
        printf(json ? ",\"%s\":%lld" : "  %-22s %10lld\n", rows[i].name, (long long)rows[i].v);
    if (told.error.n && !json)
        printf("  the last notice that was not heard: %.*s\n", KT_F(told.error));
    return show_rounds(cli, s, &p, json, err);
}

static kt_rc show_rejects(kt_cli *cli, kt_store *s, kt_str name, kt_err *err)
{
    kt_project p;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    KT_TRY(kt_project_get(s, name, cli->arena, &p, err));
    KT_TRY(kt_rejects_csv(s, p.id, &b, err));
    fwrite(b.p, 1, b.n, stdout);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str project = { 0 };
    bool json = false, rejects = false;
    const kt_opt opts[] = {
        { "rejects", KT_OPT_FLAG, NULL, "the records that could not be taken, as CSV: file, line, field, reason, sample", &rejects },
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "json", KT_OPT_FLAG, NULL, "as one JSON object", &json },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_status, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    kt_store *s;
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[0]), KT_STORE_READ, &s, err));
    rc = rejects ? show_rejects(cli, s, project, err) : show(cli, s, project, json, err);
    kt_store_close(s);
    return rc;
}

const kt_verb kt_verb_status = { .name = "status", .help = "how far a project is", .usage = "DIR [--json | --rejects]", .run = run };
