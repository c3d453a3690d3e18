/* karat dedup DIR */
#include "cli/stages.h"

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    kt_buf_printf(b, "%u items: %llu exact duplicates, %llu near duplicates, %llu to label\n", n->n_items, (unsigned long long)n->dedup.n_exact,
                  (unsigned long long)n->dedup.n_near, (unsigned long long)n->dedup.n_canonical);
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    kt_buf_printf(b, ",\"exact_duplicates\":%llu,\"near_duplicates\":%llu,\"canonical\":%llu", (unsigned long long)n->dedup.n_exact,
                  (unsigned long long)n->dedup.n_near, (unsigned long long)n->dedup.n_canonical);
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    const kt_stage_call call = { .verb = &kt_verb_dedup, .until = KT_UNTIL_DEDUP, .show = show, .show_json = show_json };
    return kt_stage_call_run(cli, &call, err);
}

const kt_verb kt_verb_dedup = {
    .name = "dedup", .help = "clusters of exact and near duplicates, one canonical item each", .usage = "DIR [--project NAME] [--json]",
    .more = "Exact: the same text after normalisation. Near: MinHash bands, verified by the Jaccard index against dedup.near.threshold of\n"
            "the pipeline; without that section, exact only. Nothing is deleted.",
    .run = run,
};
