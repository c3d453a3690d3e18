/* karat openapi: the HTTP API's description. */
#include "cli/cli.h"
#include "server/server.h"

#include <stdio.h>

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_rc rc = kt_cli_parse(cli, &kt_verb_openapi, NULL, 0, (int[]){ 0, 0 }, NULL, err);
    if (rc)
        return rc < 0 ? rc : 0;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)16 << 20);
    kt_openapi_write(&b);
    fwrite(b.p, 1, b.n, stdout);
    return 0;
}

const kt_verb kt_verb_openapi = { .name = "openapi", .help = "the HTTP API as an OpenAPI 3.1 document", .usage = "> openapi.json", .run = run };
