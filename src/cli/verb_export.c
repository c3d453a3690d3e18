/* karat export DIR */
#include "base/str.h"
#include "cli/cli.h"
#include "format/writer.h"
#include "stage/pipeline.h"
#include "store/audit.h"

#include <stdio.h>

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
    if (rc == 0) {
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
