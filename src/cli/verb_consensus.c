/* karat consensus DIR */
#include "cli/stages.h"

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    if (!r->waiting)
        kt_buf_printf(b, "all answers are merged: %llu items by annotators, %llu by experts, %llu by machine\n", (unsigned long long)(n->state[KT_ITEM_HUMAN] + n->state[KT_ITEM_TRAIN]),
                      (unsigned long long)(n->state[KT_ITEM_EXPERT] + n->state[KT_ITEM_TRUSTED]), (unsigned long long)n->state[KT_ITEM_AUTO]);
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    kt_buf_printf(b, ",\"human\":%llu,\"train\":%llu,\"expert\":%llu,\"trusted\":%llu,\"auto\":%llu", (unsigned long long)n->state[KT_ITEM_HUMAN],
                  (unsigned long long)n->state[KT_ITEM_TRAIN], (unsigned long long)n->state[KT_ITEM_EXPERT], (unsigned long long)n->state[KT_ITEM_TRUSTED],
                  (unsigned long long)n->state[KT_ITEM_AUTO]);
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    const kt_stage_call call = { .verb = &kt_verb_consensus, .until = KT_UNTIL_CONSENSUS, .show = show, .show_json = show_json };
    return kt_stage_call_run(cli, &call, err);
}

const kt_verb kt_verb_consensus = {
    .name = "consensus", .help = "merge the answers of all people; disputes to experts", .usage = "DIR [--project NAME] [--json]",
    .more = "By consensus.method of the pipeline; what stays under consensus.min_posterior waits for an expert.",
    .run = run,
};
