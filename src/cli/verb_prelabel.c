/* karat prelabel DIR */
#include "cli/stages.h"

#include "base/str.h"

#include <stdio.h>

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

static void show_why(const kt_explanation *e, bool json, kt_buf *b)
{
    if (!json) {
        kt_buf_printf(b, "%.*s: %.*s (%.3f by the model's own reckoning), not %.*s (%.3f)\n\n", KT_F(e->item), KT_F(e->label), (double)e->prob,
                      KT_F(e->second), (double)e->second_prob);
        for (size_t i = 0; i < e->n; i++)
            kt_buf_printf(b, "  %+7.3f  %.*s\n", (double)e->reason[i].adds, KT_F(e->reason[i].gram));
        return;
    }
    kt_buf_puts(b, "{\"item\":");
    kt_buf_json(b, e->item);
    kt_buf_puts(b, ",\"label\":");
    kt_buf_json(b, e->label);
    kt_buf_printf(b, ",\"probability\":%.6f,\"second\":", (double)e->prob);
    kt_buf_json(b, e->second);
    kt_buf_printf(b, ",\"second_probability\":%.6f,\"reasons\":[", (double)e->second_prob);
    for (size_t i = 0; i < e->n; i++) {
        kt_buf_puts(b, i ? ",{\"ngram\":" : "{\"ngram\":");
        kt_buf_json(b, e->reason[i].gram);
        kt_buf_printf(b, ",\"adds\":%.6f}", (double)e->reason[i].adds);
    }
    kt_buf_puts(b, "]}\n");
}

static kt_rc explain(kt_cli *cli, kt_store *s, kt_str project, kt_str item, bool json, kt_err *err)
{
    kt_project p;
    kt_explanation e;
    bool waiting;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
    KT_TRY(kt_project_get(s, project, cli->arena, &p, err));
    KT_TRY(kt_pipeline_explain(s, &p, item, cli->pool, cli->progress, cli->arena, &waiting, &e, err));
    if (waiting)
        return kt_fail(err, KT_USAGE, "there is no model yet: people's answers to what 'karat select' chose are missing");
    show_why(&e, json, &b);
    fwrite(b.p, 1, b.n, stdout);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    const kt_stage_call call = { .verb = &kt_verb_prelabel, .until = KT_UNTIL_PRELABEL, .show = show, .show_json = show_json };
    kt_str project = { 0 }, item = { 0 };
    bool json = false;
    const kt_opt opts[] = {
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "explain", KT_OPT_TEXT, "ID", "why one item has its label: the n-grams and votes that decide it", &item },
        { "json", KT_OPT_FLAG, NULL, "as one JSON object", &json },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, call.verb, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    kt_store *s;
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[0]), KT_STORE_WRITE, &s, err));
    rc = item.n ? explain(cli, s, project, item, json, err) : kt_stage_call_in(cli, &call, s, project, json, err);
    kt_store_close(s);
    return rc;
}

const kt_verb kt_verb_prelabel = {
    .name = "prelabel", .help = "train the model and label every item with it", .usage = "DIR [--explain ID] [--project NAME] [--json]",
    .more = "Needs the answers to what 'karat select' chose. With --explain, what each n-gram of the text and each function's vote adds to the\n"
            "log odds of the label against the next likely one.",
    .run = run,
};
