/* karat prelabel DIR */
#include "cli/stages.h"

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    if (!r->waiting)
        kt_buf_printf(b, "%llu items have a machine label\n", (unsigned long long)n->n_predicted);
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    kt_buf_printf(b, ",\"predicted\":%llu", (unsigned long long)n->n_predicted);
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    const kt_stage_call call = { .verb = &kt_verb_prelabel, .until = KT_UNTIL_PRELABEL, .show = show, .show_json = show_json };
    return kt_stage_call_run(cli, &call, err);
}

const kt_verb kt_verb_prelabel = {
    .name = "prelabel", .help = "train the model and label every item with it", .usage = "DIR [--project NAME] [--json]",
    .more = "Needs the answers to what 'karat select' chose.",
    .run = run,
};
