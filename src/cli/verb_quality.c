/* karat quality DIR */
#include "cli/stages.h"

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    if (!r->waiting)
        kt_report_text(&r->report, b);
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    if (r->waiting)
        return;
    kt_buf_puts(b, ",\"report\":");
    kt_report_json(&r->report, b);
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    const kt_stage_call call = { .verb = &kt_verb_quality, .until = KT_UNTIL_END, .show = show, .show_json = show_json };
    return kt_stage_call_run(cli, &call, err);
}

const kt_verb kt_verb_quality = {
    .name = "quality", .help = "agreement, errors with intervals, throughput of people", .usage = "DIR [--project NAME] [--json]",
    .more = "Everything 'karat run' prints at its end. Needs the flow to be through; until then it says what waits.",
    .run = run,
};
