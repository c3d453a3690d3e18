/* karat serve DIR: the workspace in the browser. */
#include "base/str.h"
#include "cli/stages.h"
#include "server/server.h"

#include <stdio.h>

void kt_say_ready(void *ctx, const char *address, int port)
{
    bool v6 = strchr(address, ':') != NULL;
    (void)ctx;
    printf("listening on http://%s%s%s:%d\n", v6 ? "[" : "", address, v6 ? "]" : "", port);
    fflush(stdout);
    if (strncmp(address, "127.", 4) != 0 && strcmp(address, "::1") != 0)
        fprintf(stderr, "karat: this is plain HTTP, open to other machines: put a proxy with TLS in front of it\n");
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str address = KT_S("127.0.0.1");
    int64_t port = 8020;
    bool flow = false;
    const kt_opt opts[] = {
        { "run", KT_OPT_FLAG, NULL, "run the flow beside the people: it goes on whenever they have answered what it waits for", &flow },
        { "listen", KT_OPT_TEXT, "ADDRESS", "IPv4 or IPv6 address (default 127.0.0.1: this machine only)", &address },
        { "port", KT_OPT_INT, "N", "port (default 8020; 0: any free one)", &port },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_serve, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (port < 0 || port > 65535)
        return kt_fail(err, KT_USAGE, "--port wants 0 to 65535, not %lld", (long long)port);
    const kt_server_opts o = { .dir = kt_arena_cstr(cli->arena, pos.v[0]), .address = kt_arena_cstr(cli->arena, address), .port = (int)port, .flow = flow,
                               .ready = kt_say_ready };
    return kt_server_run(&o, cli->progress->stop, err);
}

const kt_verb kt_verb_serve = {
    .name = "serve", .help = "the workspace in the browser", .usage = "DIR [--run] [--listen ADDRESS] [--port N]",
    .more = "Annotators, experts and managers sign in with the names of 'karat user add'. Only this process writes in the workspace while\n"
            "it runs; reading verbs work beside it. Ctrl-C answers what is under way, signs the audit log and ends.\n"
            "The API is under /api/v1; /api/v1/openapi.json describes it.",
    .run = run,
};
