/* karat report DIR */
#include "cli/stages.h"

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    if (!r->waiting)
        kt_buf_printf(b, "%s\n", r->report_path);
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    if (r->waiting)
        return;
    kt_buf_puts(b, ",\"report\":");
    kt_buf_json(b, (kt_str){ r->report_path, strlen(r->report_path) });
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    const kt_stage_call call = { .verb = &kt_verb_report, .until = KT_UNTIL_END, .show = show, .show_json = show_json };
    return kt_stage_call_run(cli, &call, err);
}

const kt_verb kt_verb_report = {
    .name = "report", .help = "write report.html again", .usage = "DIR [--project NAME] [--json]",
    .more = "One self-contained page with numbers and plots: DIR/report.html (of the second project and on DIR/report-NUMBER.html). Needs the flow to be through.",
    .run = run,
};
