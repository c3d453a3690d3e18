/* karat run PIPELINE.yaml */
#include "base/file.h"
#include "base/limits.h"
#include "base/str.h"
#include "cli/stages.h"
#include "server/server.h"
#include "stage/notify.h"

#include <stdio.h>

static kt_rc run_in(kt_cli *cli, const kt_config *c, const char *dir, bool json, kt_err *err)
{
    kt_store *s;
    KT_TRY(kt_store_create(dir, err));
    KT_TRY(kt_store_open(dir, KT_STORE_WRITE, &s, err));
    kt_pipeline_result out;
    kt_rc rc = kt_pipeline_run(s, c, cli->pool, cli->progress, cli->arena, &out, err);
    kt_notify_flush(s);
    kt_store_close(s);
    KT_TRY(rc);
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
    if (out.marked) {
        fwrite(json ? out.marks_json.p : out.marks_text.p, 1, json ? out.marks_json.n : out.marks_text.n, stdout);
        if (!json)
            printf("\n  labels:   %s (%llu rows)\n  left out: %s (%llu)\n", out.exported.path, (unsigned long long)out.exported.n_rows, out.exported.left_out_path,
                   (unsigned long long)out.exported.n_left_out);
        return 0;
    }
    if (out.waiting && json)
        kt_buf_puts(&b, "{\"waiting\":true}\n");
    else if (out.waiting)
        kt_say_waiting(&out, dir, &b);
    else if (json)
        kt_report_json(&out.report, &b);
    else
        kt_report_text(&out.report, &b);
    fwrite(b.p, 1, b.n, stdout);
    if (!json && !out.waiting)
        printf("\n  labels:   %s (%llu rows)\n  left out: %s (%llu)\n  report:   %s\n", out.exported.path, (unsigned long long)out.exported.n_rows,
               out.exported.left_out_path, (unsigned long long)out.exported.n_left_out, out.report_path);
    return 0;
}

/* The flow with the server beside it, until Ctrl-C. */
static kt_rc watch_in(kt_cli *cli, const kt_config *c, const char *dir, int port, kt_err *err)
{
    kt_store *s;
    kt_pipeline_result out;
    KT_TRY(kt_task_needs_classes(c->task, "--watch, with people at work,", err));
    KT_TRY(kt_store_create(dir, err));
    KT_TRY(kt_store_open(dir, KT_STORE_WRITE, &s, err));
    kt_rc rc = kt_pipeline_begin(s, c, cli->pool, cli->progress, cli->arena, &out, err);
    kt_store_close(s);
    KT_TRY(rc);
    fprintf(stderr, "karat: the flow of project %.*s goes on in %s as people answer ('karat user add %s NAME --role ROLE' before this makes them); Ctrl-C ends it\n",
            KT_F(c->project), dir, dir);
    const kt_server_opts o = { .dir = dir, .address = "127.0.0.1", .port = port, .flow = true, .watch = true, .ready = kt_say_ready };
    return kt_server_run(&o, cli->progress->stop, err);
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str dir = { 0 };
    int64_t seed = -1, port = 8020;
    bool json = false, watch = false;
    const kt_opt opts[] = {
        { "watch", KT_OPT_FLAG, NULL, "stay, serve the browser, and go on by itself as answers arrive", &watch },
        { "port", KT_OPT_INT, "N", "with --watch: where (default 8020; 0: any free one)", &port },
        { "dir", KT_OPT_TEXT, "DIR", "the workspace (default: a folder named after the project)", &dir },
        { "seed", KT_OPT_INT, "N", "instead of the file's seed", &seed },
        { "json", KT_OPT_FLAG, NULL, "the summary as JSON", &json },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_run, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    const char *file = kt_arena_cstr(cli->arena, pos.v[0]);
    KT_AUTO(kt_buf) text = KT_BUF_INIT(KT_MAX_CONFIG_BYTES);
    KT_TRY(kt_file_read(file, &text, err));
    kt_config c;
    KT_TRY(kt_config_parse(kt_arena_str(cli->arena, KT_BUF_STR(&text)), file, cli->arena, &c, err));
    if (seed >= 0)
        c.seed = seed;
    const char *where = kt_arena_cstr(cli->arena, dir.n ? dir : c.project);
    if (watch && json)
        return kt_fail(err, KT_USAGE, "--json prints a summary at the end, and --watch has none: 'karat status DIR --json' tells how far it is");
    if (port < 0 || port > 65535)
        return kt_fail(err, KT_USAGE, "--port wants 0 to 65535, not %lld", (long long)port);
    return watch ? watch_in(cli, &c, where, (int)port, err) : run_in(cli, &c, where, json, err);
}

const kt_verb kt_verb_run = {
    .name = "run", .help = "the whole flow described by one YAML file; resumable", .usage = "PIPELINE.yaml [--dir DIR] [--json | --watch [--port N]]",
    .more = "Runs ingest, dedup, labeling functions, active learning, routing under the error budget, review, consensus, export and the\n"
            "audit check; writes DIR/report.html and DIR/export. Stop it any way you like: the same command goes on where it was.\n"
            "With --watch it stays: people answer in the browser, and every batch of their answers trains the model again, which then takes\n"
            "over what it has proved itself on, while they work on ('watch: {every: 200, rounds: 5}' in the file; 'karat status DIR' has the rounds).",
    .run = run,
};
