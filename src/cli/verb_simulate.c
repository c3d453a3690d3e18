/* karat simulate DIR */
#include "cli/stages.h"

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    kt_buf_printf(b, "simulated people have answered everything the flow asks of people (%u items)\n", r->numbers.n_items);
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    kt_buf_printf(b, ",\"simulated\":true,\"trusted\":%llu", (unsigned long long)r->numbers.state[KT_ITEM_TRUSTED]);
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    const kt_stage_call call = { .verb = &kt_verb_simulate, .until = KT_UNTIL_CONSENSUS, .simulate = true, .show = show, .show_json = show_json };
    return kt_stage_call_run(cli, &call, err);
}

const kt_verb kt_verb_simulate = {
    .name = "simulate", .help = "let simulated people answer all that waits", .usage = "DIR [--project NAME] [--json]",
    .more = "They answer from the held-back truth (a source's field mapped to truth) with the accuracy and speed of the pipeline's\n"
            "simulate section, through the same queue and leases as everybody, and are called simulated everywhere.",
    .run = run,
};
