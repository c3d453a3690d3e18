/* karat select DIR */
#include "cli/stages.h"

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    if (r->waiting)
        kt_buf_printf(b, "%lld items have been chosen for training and wait for annotators\n", (long long)r->queued[KT_QUEUE_TRAIN]);
    else
        kt_buf_printf(b, "active learning is done: %llu items trained the model\n", (unsigned long long)n->state[KT_ITEM_TRAIN]);
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    kt_buf_printf(b, ",\"queued\":%lld,\"train\":%llu", (long long)r->queued[KT_QUEUE_TRAIN], (unsigned long long)n->state[KT_ITEM_TRAIN]);
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    const kt_stage_call call = { .verb = &kt_verb_select, .until = KT_UNTIL_SELECT, .show = show, .show_json = show_json };
    return kt_stage_call_run(cli, &call, err);
}

const kt_verb kt_verb_select = {
    .name = "select", .help = "choose the items whose labels teach the model most", .usage = "DIR [--project NAME] [--json]",
    .more = "By active_learning of the pipeline (strategy, start, batch, rounds). Answers come by 'karat serve', 'karat label', or simulated people;\n"
            "run it again when they are in, and it chooses the next round.",
    .run = run,
};
