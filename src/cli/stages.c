#include "cli/stages.h"

#include "base/str.h"
#include "stage/notify.h"

#include <stdio.h>

void kt_say_waiting(const kt_pipeline_result *r, const char *dir, kt_buf *ret)
{
    kt_buf_puts(ret, "waiting for people:");
    for (int q = 0; q < KT_QUEUE__COUNT; q++)
        if (r->queued[q])
            kt_buf_printf(ret, " %lld items in the %s queue", (long long)r->queued[q], kt_queue_name((kt_queue)q));
    kt_buf_printf(ret, "\n\n  karat serve %s      answers come in the browser ('karat user add' makes people), or\n"
                       "  karat label %s      … as CSV files ('karat label --help')\n\n"
                       "then run the same command again; it goes on from here\n", dir, dir);
}

kt_rc kt_stage_call_in(kt_cli *cli, const kt_stage_call *call, kt_store *s, kt_str project, bool json, kt_err *err)
{
    kt_project p;
    kt_pipeline_result r;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)16 << 20);
    KT_TRY(kt_project_get(s, project, cli->arena, &p, err));
    KT_TRY(kt_pipeline_continue(s, &p, call->until, call->simulate ? KT_RUN_SIMULATE : 0, cli->pool, cli->progress, cli->arena, &r, err));
    kt_notify_flush(s);
    if (json) {
        kt_buf_puts(&b, "{\"project\":");
        kt_buf_json(&b, p.name);
        kt_buf_printf(&b, ",\"items\":%u,\"waiting\":%s", r.numbers.n_items, r.waiting ? "true" : "false");
        call->show_json(&r, &b);
        kt_buf_puts(&b, "}\n");
    } else {
        call->show(&r, &b);
        if (r.waiting)
            kt_say_waiting(&r, kt_store_dir(s), &b);
    }
    fwrite(b.p, 1, b.n, stdout);
    return 0;
}

kt_rc kt_stage_call_run(kt_cli *cli, const kt_stage_call *call, kt_err *err)
{
    kt_str project = { 0 };
    bool json = false;
    const kt_opt opts[] = {
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "json", KT_OPT_FLAG, NULL, "as one JSON object", &json },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, call->verb, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    kt_store *s;
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[0]), KT_STORE_WRITE, &s, err));
    rc = kt_stage_call_in(cli, call, s, project, json, err);
    kt_store_close(s);
    return rc;
}
