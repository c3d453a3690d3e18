/* What the verbs of single stages share: open the workspace, run the project's flow up to a stage, say what waits. */
#ifndef KT_CLI_STAGES_H
#define KT_CLI_STAGES_H

#include "cli/cli.h"
#include "stage/pipeline.h"

typedef struct kt_stage_call {
    const kt_verb *verb;
    kt_until until;
    bool simulate;
    void (*show)(const kt_pipeline_result *r, kt_buf *ret);      /* a terminal's text */
    void (*show_json)(const kt_pipeline_result *r, kt_buf *ret); /* members of a JSON object, each with a comma in front */
} kt_stage_call;

/* Parses "DIR [--project NAME] [--json]", runs and prints. */
kt_rc kt_stage_call_run(kt_cli *cli, const kt_stage_call *call, kt_err *err) KT_MUST_USE;
/* The same in a workspace that is open for writing. */
kt_rc kt_stage_call_in(kt_cli *cli, const kt_stage_call *call, kt_store *s, kt_str project, bool json, kt_err *err) KT_MUST_USE;
/* "waiting for people: …" and how they answer. */
void kt_say_waiting(const kt_pipeline_result *r, const char *dir, kt_buf *ret);

/* "listening on http://…", for kt_server_opts. */
void kt_say_ready(void *ctx, const char *address, int port);

#endif
