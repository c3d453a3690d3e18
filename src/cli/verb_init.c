/* karat init DIR: a workspace, and in it a project. */
#include "base/file.h"
#include "base/limits.h"
#include "base/str.h"
#include "cli/cli.h"
#include "stage/config.h"
#include "store/audit.h"
#include "store/project.h"

#include <stdio.h>

/* The pipeline text of a project given by name and labels alone. */
static kt_str plain_pipeline(kt_cli *cli, kt_str name, kt_str labels)
{
    return kt_arena_printf(cli->arena, "project: %.*s\nlabels: [%.*s]\n", KT_F(name), KT_F(labels));
}

static kt_rc make(kt_cli *cli, const char *dir, const kt_config *c, kt_err *err)
{
    kt_store *s;
    int64_t id;
    (void)cli;
    KT_TRY(kt_store_create(dir, err));
    KT_TRY(kt_store_open(dir, KT_STORE_WRITE, &s, err));
    kt_project p = { .name = c->project, .guidelines = c->guidelines, .config = c->text, .task = c->task, .label = c->label, .n_labels = c->n_labels, .seed = c->seed };
    kt_rc rc = kt_store_begin(s, err);
    if (rc == 0) {
        rc = kt_project_put(s, &p, &id, err);
        if (rc == 0)
            rc = kt_config_remember(s, id, c, err);
        rc = kt_store_finish(s, rc, err);
    }
    kt_store_close(s);
    if (rc == 0)
        printf("%s: project %.*s, %u labels\n", dir, KT_F(c->project), c->n_labels);
    return rc;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str pipeline = { 0 }, project = { 0 }, labels = { 0 };
    const kt_opt opts[] = {
        { "pipeline", KT_OPT_TEXT, "FILE", "the project's YAML file", &pipeline },
        { "project", KT_OPT_TEXT, "NAME", "or just a name", &project },
        { "labels", KT_OPT_TEXT, "A,B,…", "and its labels", &labels },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_init, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    const char *dir = kt_arena_cstr(cli->arena, pos.v[0]), *file = "--labels";
    if (!pipeline.n && !project.n) {
        KT_TRY(kt_store_create(dir, err));
        printf("%s: an empty workspace\n", dir);
        return 0;
    }
    KT_AUTO(kt_buf) text = KT_BUF_INIT(KT_MAX_CONFIG_BYTES);
    if (pipeline.n) {
        file = kt_arena_cstr(cli->arena, pipeline);
        KT_TRY(kt_file_read(file, &text, err));
    }
    kt_config c;
    KT_TRY(kt_config_parse(pipeline.n ? kt_arena_str(cli->arena, KT_BUF_STR(&text)) : plain_pipeline(cli, project, labels), file, cli->arena, &c, err));
    return make(cli, dir, &c, err);
}

const kt_verb kt_verb_init = {
    .name = "init", .help = "make a workspace and a project in it", .usage = "DIR [--pipeline FILE | --project NAME --labels A,B]", .run = run,
};
