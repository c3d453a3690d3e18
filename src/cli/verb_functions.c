/* karat functions DIR */
#include "cli/stages.h"

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    kt_buf_printf(b, "%-28s %9s %9s %9s %9s\n", "function", "coverage", "overlap", "conflict", "learned");
    for (uint32_t j = 0; j < n->n_functions; j++) {
        const kt_lf_summary *f = &n->lf[j];
        double all = n->n_pool ? 100.0 / (double)n->n_pool : 0;
        kt_buf_printf(b, "%-28.*s %7.2f %% %7.2f %% %7.2f %% %9.3f\n", KT_F(n->function[j]), all * (double)f->votes, all * (double)f->overlaps,
                      all * (double)f->conflicts, f->accuracy);
    }
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    kt_buf_printf(b, ",\"measured_on\":%llu,\"functions\":[", (unsigned long long)n->n_pool);
    for (uint32_t j = 0; j < n->n_functions; j++) {
        const kt_lf_summary *f = &n->lf[j];
        kt_buf_puts(b, j ? ",{\"name\":" : "{\"name\":");
        kt_buf_json(b, n->function[j]);
        kt_buf_printf(b, ",\"votes\":%llu,\"overlaps\":%llu,\"conflicts\":%llu,\"learned_accuracy\":", (unsigned long long)f->votes,
                      (unsigned long long)f->overlaps, (unsigned long long)f->conflicts);
        kt_buf_f64(b, f->accuracy);
        kt_buf_char(b, '}');
    }
    kt_buf_char(b, ']');
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    const kt_stage_call call = { .verb = &kt_verb_functions, .until = KT_UNTIL_FUNCTIONS, .show = show, .show_json = show_json };
    return kt_stage_call_run(cli, &call, err);
}

const kt_verb kt_verb_functions = {
    .name = "functions", .help = "run the labeling functions and fit the label model", .usage = "DIR [--project NAME] [--json]",
    .more = "Coverage, overlap and conflict as shares of the items in the training pool; learned: the accuracy the label model gives the\n"
            "function, from agreement among functions alone.",
    .run = run,
};
