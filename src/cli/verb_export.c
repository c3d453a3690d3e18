/* karat export DIR */
#include "base/str.h"
#include "cli/cli.h"
#include "format/writer.h"
#include "stage/pipeline.h"
#include "store/audit.h"

#include <stdio.h>

/* Of sets of labels and regions: the flow's own end, which is all there is of it. */
static kt_rc export_marks(kt_cli *cli, kt_store *s, const kt_project *p, const kt_config *c, kt_export_result *ret, kt_str format, bool more, kt_err *err)
{
    kt_pipeline_result r;
    if (more || !kt_str_eq(format, KT_S("jsonl")))
        return kt_fail(err, KT_USAGE, "task %s is exported as jsonl, with texts, into the workspace; other ways are not there yet", kt_task_names[c->task]);
    KT_TRY(kt_pipeline_continue(s, p, KT_UNTIL_END, 0, cli->pool, cli->progress, cli->arena, &r, err));
    ret->n_rows = r.marks.n_rows;
    ret->n_left_out = r.marks.n_left_out;
    snprintf(ret->path, sizeof(ret->path), "%s", r.marks.path);
    snprintf(ret->left_out_path, sizeof(ret->left_out_path), "%s", r.marks.left_out_path);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str project = { 0 }, format = KT_S("jsonl"), out = { 0 };
    bool no_text = false;
    const kt_opt opts[] = {
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "format", KT_OPT_TEXT, "NAME", "jsonl or csv ('karat list writers')", &format },
        { "out", KT_OPT_TEXT, "FOLDER", "where the files go (default: DIR/export, of the second project and on DIR/export-NUMBER)", &out },
        { "no-text", KT_OPT_FLAG, NULL, "labels without the items' texts", &no_text },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_export, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    kt_store *s;
    kt_project p;
    kt_export_result done;
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[0]), KT_STORE_WRITE, &s, err));
    rc = kt_project_get(s, project, cli->arena, &p, err);
    kt_config c;
    if (rc == 0)
        rc = kt_config_of(s, &p, cli->arena, &c, err);
    if (rc == 0 && c.task != KT_TASK_CLASSES) {
        rc = export_marks(cli, s, &p, &c, &done, format, out.n || no_text, err);
    } else if (rc == 0) {
        const kt_export_opts o = { format, out.n ? kt_arena_cstr(cli->arena, out) : kt_export_folder(s, &p, cli->arena), !no_text, cli->pool, cli->progress };
        rc = kt_export_run(s, &p, &o, &done, err);
    }
    kt_store_close(s);
    KT_TRY(rc);
    printf("%s: %llu rows\n%s: %llu items left out, with the reason\n", done.path, (unsigned long long)done.n_rows, done.left_out_path,
           (unsigned long long)done.n_left_out);
    return 0;
}

const kt_verb kt_verb_export = { .name = "export", .help = "final labels to files, and the list of what was left out", .usage = "DIR [--format csv] [--out FOLDER]", .run = run };
