/* karat audit verify|show|proof|check */
#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"
#include "stage/review.h"
#include "store/audit.h"

#include <stdio.h>

static kt_rc verify(kt_cli *cli, kt_store *s, kt_err *err)
{
    kt_audit_report *r = kt_arena_alloc(cli->arena, sizeof(*r));
    kt_rc rc = kt_audit_verify(s, cli->progress, r, err);
    if (rc < 0 && rc != KT_NO)
        return rc;
    for (size_t i = 0; i < r->n_findings && i < KT_LEN(r->finding); i++)
        printf("%s  event %llu: %s\n", r->finding[i].what, (unsigned long long)r->finding[i].seq, r->finding[i].detail);
    KT_AUTO(kt_buf) root = KT_BUF_INIT(100);
    kt_buf_hex(&root, r->root, sizeof(r->root));
    printf("%llu events, %llu signed heads, %llu blobs, root %s: %s\n", (unsigned long long)r->n_events, (unsigned long long)r->n_heads,
           (unsigned long long)r->n_blobs, root.p, rc == 0 ? "all hold" : "NOT as they were");
    return rc;
}

/* The event behind an item's final label. */
static kt_rc event_of(kt_cli *cli, kt_store *s, kt_str project, kt_str id, uint64_t *ret, kt_err *err)
{
    kt_project p;
    uint32_t item;
    KT_TRY(kt_project_get(s, project, cli->arena, &p, err));
    KT_TRY(kt_item_find(s, p.id, id, &item, err));
    return kt_review_event(s, &p, item, ret, err);
}

static kt_rc check(kt_cli *cli, kt_str file, kt_str key, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)256 << 20);
    kt_str event;
    KT_TRY(kt_file_read(kt_arena_cstr(cli->arena, file), &b, err));
    KT_TRY(kt_audit_proof_check(KT_BUF_STR(&b), key, cli->arena, &event, err));
    printf("the proof holds for this event:\n%.*s\n", KT_F(event));
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str project = { 0 }, item = { 0 }, key = { 0 };
    int64_t event = -1, from = 0, n = 20;
    const kt_opt opts[] = {
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "item", KT_OPT_TEXT, "ID", "proof: of the event that fixed this item's label", &item },
        { "event", KT_OPT_INT, "N", "proof: of this event", &event },
        { "from", KT_OPT_INT, "N", "show: the first event", &from },
        { "count", KT_OPT_INT, "N", "show: how many (20)", &n },
        { "key", KT_OPT_TEXT, "HEX", "check: the public key expected (DIR/keys/audit.public)", &key },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_audit, opts, KT_LEN(opts), (int[]){ 2, 2 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (kt_str_eq(pos.v[0], KT_S("check")))
        return check(cli, pos.v[1], key, err);
    kt_store *s;
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[1]), KT_STORE_READ, &s, err));
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)256 << 20);
    uint64_t seq = (uint64_t)event;
    if (kt_str_eq(pos.v[0], KT_S("verify")))
        rc = verify(cli, s, err);
    else if (kt_str_eq(pos.v[0], KT_S("show")))
        rc = kt_audit_show(s, (uint64_t)from, (uint64_t)n, &b, err);
    else if (kt_str_eq(pos.v[0], KT_S("proof")))
        rc = event < 0 && !item.n ? kt_fail(err, KT_USAGE, "karat audit proof wants --item ID or --event N")
             : item.n             ? event_of(cli, s, project, item, &seq, err)
                                  : 0;
    else
        rc = kt_fail(err, KT_USAGE, "karat audit knows verify, show, proof and check, not %.*s", KT_F(pos.v[0]));
    if (rc == 0 && kt_str_eq(pos.v[0], KT_S("proof")))
        rc = kt_audit_proof(s, seq, &b, err);
    if (rc == 0 && b.n)
        fwrite(b.p, 1, b.n, stdout);
    kt_store_close(s);
    return rc;
}

const kt_verb kt_verb_audit = {
    .name = "audit", .help = "verify the log, show it, prove one label offline", .usage = "verify|show|proof DIR …  |  check PROOF.json",
    .more = "verify  reads every event, signed head, row and blob; names what was changed, is missing or out of order (exit 1)\n"
            "show    events as JSON lines\n"
            "proof   a file that proves one event to anybody who has the public key\n"
            "check   checks such a file; needs no workspace",
    .run = run,
};
