/* karat label: what waits for people, as a CSV to fill in, and the filled one back, through the same leases and rules. */
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "format/reader.h"
#include "stage/marks.h"
#include "stage/notify.h"
#include "stage/review.h"
#include "store/audit.h"
#include "store/column.h"

#include <stdio.h>

struct import {
    kt_cli *cli;
    kt_store *s;
    kt_project p;
    kt_map ids; /* hash of the external id → item */
    kt_role role;
    const char *file;
    uint64_t n_taken, n_refused;
    kt_err *err;
};

static kt_rc load_ids(struct import *im)
{
    uint64_t *v = kt_alloc_array((size_t)im->p.n_items + 1, 8);
    kt_column_part part = { KT_S("id_hash"), 0, im->p.n_items, 8 };
    kt_rc rc = kt_column_get(im->s, im->p.id, &part, 0, v, im->err);
    for (uint32_t i = 0; i < im->p.n_items && rc == 0; i++)
        kt_map_put(&im->ids, v[i], i);
    kt_free(v);
    return rc;
}

static kt_rc person(struct import *im, kt_str name, kt_user *ret, kt_err *err)
{
    int64_t id;
    kt_err none = { 0 };
    kt_rc rc = kt_user_find(im->s, name, &id, &none);
    if (rc == KT_NOTFOUND)
        rc = kt_user_add(im->s, 0, name, KT_S(""), false, &id, err);
    KT_TRY(rc);
    KT_TRY(kt_user_get(im->s, id, im->p.id, im->cli->arena, ret, err));
    if (ret->role == KT_ROLE_NONE) {
        KT_TRY(kt_user_grant(im->s, 0, id, im->p.id, im->role, err));
        ret->role = im->role;
    }
    if (ret->role != im->role)
        return kt_fail(err, KT_DENIED, "%.*s is %s here, not %s", KT_F(name), kt_role_name(ret->role), kt_role_name(im->role));
    return 0;
}

/* One vote; an error of its own makes it refused, not the import fail. */
static kt_rc vote(struct import *im, const kt_raw *r, kt_err *err)
{
    kt_user u;
    kt_lease l;
    kt_submitted done;
    int64_t item = kt_map_get(&im->ids, kt_id_hash(r->ext_id));
    int32_t label = kt_project_label(&im->p, r->text);
    if (item < 0)
        return kt_fail(err, KT_NOTFOUND, "there is no item %.*s", KT_F(r->ext_id));
    if (label < 0)
        return kt_fail(err, KT_RANGE, "label %.*s is not in the project's label set", (int)KT_MIN(r->text.n, 60), r->text.p);
    KT_TRY(person(im, r->group, &u, err));
    KT_TRY(kt_queue_take(im->s, im->p.id, u.id, kt_review_queues(u.role, im->role == KT_ROLE_EXPERT), (uint32_t)item, &l, err));
    const kt_submit in = { .token = l.token, .item = l.item, .label = label };
    return kt_review_submit(im->s, &im->p, &u, &in, &done, err);
}

static kt_rc votes(struct import *im, const kt_batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        kt_err why = { 0 };
        KT_TRY(kt_store_mark(im->s, im->err));
        kt_rc rc = vote(im, &b->v[i], &why);
        if (rc == KT_DB || rc == KT_IO)
            return *im->err = why, rc;
        if (rc < 0) {
            kt_store_undo(im->s);
            im->n_refused++;
            fprintf(stderr, "%s:%llu: refused: %s\n", im->file, (unsigned long long)b->v[i].line, why.what);
        } else {
            KT_TRY(kt_store_keep(im->s, im->err));
            im->n_taken++;
        }
    }
    return kt_audit_sign(im->s, im->err);
}

/* The CSV reader with columns item, annotator, label in the places of id, group and text. */
static kt_rc read_votes(struct import *im, kt_buf *text, kt_batch *b)
{
    kt_field_map map = { .id = KT_S("item"), .text = KT_S("label"), .group = KT_S("annotator") };
    kt_layout l = KT_LAYOUT_INIT;
    kt_rejects rej = { 0 };
    size_t used = 0;
    uint64_t lines = 0;
    KT_TRY(kt_file_read(im->file, text, im->err));
    const kt_reader *csv = kt_reader_find(KT_S("csv"));
    kt_rc rc = csv->head(&map, KT_BUF_STR(text), &l, &used, &lines, im->err);
    if (rc == 0)
        rc = csv->parse(&l, (kt_str){ text->p + used, text->n - used }, lines + 1, b, &rej, im->err);
    for (size_t i = 0; i < rej.n; i++, im->n_refused++)
        fprintf(stderr, "%s:%llu: refused: %s\n", im->file, (unsigned long long)rej.v[i].line, rej.v[i].reason);
    kt_rejects_done(&rej);
    kt_layout_done(&l);
    return rc < 0 ? (kt_at(im->err, im->file, 0, NULL), rc) : 0;
}

static kt_rc import(struct import *im)
{
    KT_AUTO(kt_buf) text = KT_BUF_INIT((size_t)1 << 30);
    kt_batch b = { 0 };
    kt_rc rc = read_votes(im, &text, &b);
    if (rc == 0)
        rc = load_ids(im);
    if (rc == 0)
        rc = kt_store_begin(im->s, im->err);
    if (rc == 0)
        rc = kt_store_finish(im->s, votes(im, &b), im->err);
    kt_batch_done(&b);
    kt_map_done(&im->ids);
    KT_TRY(rc);
    printf("%llu answers taken, %llu refused\n", (unsigned long long)im->n_taken, (unsigned long long)im->n_refused);
    return 0;
}

static kt_rc todo(struct import *im)
{
    kt_item_reader *r;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 30);
    unsigned queues = kt_review_queues(im->role, im->role == KT_ROLE_EXPERT);
    KT_TRY(kt_item_reader_new(im->s, im->p.id, &r, im->err));
    kt_buf_puts(&b, "item,annotator,label,text\n");
    kt_rc rc = 0;
    for (int q = 0; q < KT_QUEUE__COUNT && rc == 0; q++) {
        uint32_t *items = NULL;
        size_t n = 0;
        if (queues & 1u << q)
            rc = kt_queue_list(im->s, im->p.id, (kt_queue)q, &items, &n, im->err);
        for (size_t i = 0; i < n && rc == 0; i++) {
            kt_item it;
            if ((rc = kt_item_get(r, items[i], &it, im->err)) < 0)
                break;
            kt_buf_csv(&b, it.ext_id, ',');
            kt_buf_puts(&b, ",,,");
            kt_buf_csv(&b, it.text, ',');
            kt_buf_char(&b, '\n');
        }
        kt_free(items);
    }
    kt_item_reader_free(r);
    if (rc == 0)
        fwrite(b.p, 1, b.n, stdout);
    return rc;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str project = { 0 };
    bool expert = false, list = false;
    const kt_opt opts[] = {
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "todo", KT_OPT_FLAG, NULL, "print what waits, as a CSV to fill in", &list },
        { "expert", KT_OPT_FLAG, NULL, "for experts: the trusted sample, checks of the machine, disputes", &expert },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_label, opts, KT_LEN(opts), (int[]){ 1, 2 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (list != (pos.n == 1))
        return kt_fail(err, KT_USAGE, "karat label wants either --todo or a file of votes");
    struct import im = { .cli = cli, .role = expert ? KT_ROLE_EXPERT : KT_ROLE_ANNOTATOR, .err = err };
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[0]), list ? KT_STORE_READ : KT_STORE_WRITE, &im.s, err));
    if (!list)
        im.file = kt_arena_cstr(cli->arena, pos.v[1]);
    rc = kt_project_get(im.s, project, cli->arena, &im.p, err);
    if (rc == 0)
        rc = kt_project_needs_classes(im.s, &im.p, "answers by people", err);
    if (rc == 0)
        rc = list ? todo(&im) : import(&im);
    if (rc == 0 && !list)
        kt_notify_flush(im.s);
    kt_store_close(im.s);
    return rc;
}

const kt_verb kt_verb_label = {
    .name = "label", .help = "what waits for people as a CSV, and their answers back", .usage = "DIR --todo | DIR VOTES.csv  [--expert]",
    .more = "VOTES.csv has the columns item (external id), annotator and label; others are ignored. Each line becomes an answer under a\n"
            "lease of its own; a line that cannot be taken is named and the rest goes on.",
    .run = run,
};
