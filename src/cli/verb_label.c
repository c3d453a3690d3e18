/* karat label: what waits for people, as a CSV or JSON lines to fill in, and the filled file back, through the same leases and rules. */
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer_text.h"
#include "cli/cli.h"
#include "format/reader.h"
#include "stage/notify.h"
#include "stage/review.h"
#include "store/audit.h"
#include "store/column.h"

#include <stdio.h>

struct import {
    kt_cli *cli;
    kt_store *s;
    kt_project p;
    kt_item_reader *items;
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

/* One line of the file. */
struct row {
    uint64_t line;
    kt_str item, annotator, said;
    bool json; /* said is a JSON value, not a cell */
};
typedef KT_VEC(struct row) rows;

/* What the row says, as a number; regions must lie in the item's text. */
static kt_rc said(struct import *im, const struct row *r, uint32_t item, int32_t *ret, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_answer_said x;
    uint32_t n_chars = UINT32_MAX;
    KT_TRY(kt_answer_read(&im->p, r->said, r->json, &a, &x, err));
    if (im->p.task == KT_TASK_SPANS) {
        kt_item it;
        KT_TRY(kt_item_get(im->items, item, &it, err));
        n_chars = (uint32_t)kt_utf8_length(it.text);
    }
    KT_TRY(kt_answer_check(&im->p, &x, n_chars, err));
    return kt_answer_number(im->s, &im->p, &x, ret, err);
}

/* One vote; an error of its own makes it refused, not the import fail. */
static kt_rc vote(struct import *im, const struct row *r, kt_err *err)
{
    kt_user u;
    kt_lease l;
    kt_submitted done;
    int32_t label;
    int64_t item = kt_map_get(&im->ids, kt_id_hash(r->item));
    if (item < 0)
        return kt_fail(err, KT_NOTFOUND, "there is no item %.*s", (int)KT_MIN(r->item.n, 100), r->item.p);
    if (!r->annotator.n)
        return kt_fail(err, KT_RANGE, "nobody is named as annotator");
    KT_TRY(said(im, r, (uint32_t)item, &label, err));
    KT_TRY(person(im, r->annotator, &u, err));
    KT_TRY(kt_queue_take(im->s, im->p.id, u.id, kt_review_queues(u.role, im->role == KT_ROLE_EXPERT), (uint32_t)item, &l, err));
    const kt_submit in = { .token = l.token, .item = l.item, .label = label };
    return kt_review_submit(im->s, &im->p, &u, &in, &done, err);
}

static void refuse(struct import *im, uint64_t line, const kt_err *why)
{
    im->n_refused++;
    fprintf(stderr, "%s:%llu: refused: %s%s%s\n", im->file, (unsigned long long)line, why->field[0] ? why->field : "", why->field[0] ? ": " : "", why->what);
}

static kt_rc votes(struct import *im, const rows *v)
{
    for (size_t i = 0; i < v->n; i++) {
        kt_err why = { 0 };
        KT_TRY(kt_store_mark(im->s, im->err));
        kt_rc rc = vote(im, &v->v[i], &why);
        if (rc == KT_DB || rc == KT_IO)
            return *im->err = why, rc;
        if (rc < 0) {
            kt_store_undo(im->s);
            refuse(im, v->v[i].line, &why);
        } else {
            KT_TRY(kt_store_keep(im->s, im->err));
            im->n_taken++;
        }
    }
    return kt_audit_sign(im->s, im->err);
}

/* The CSV reader with columns item, annotator and the answer's in the places of id, group and text. */
static kt_rc read_csv(struct import *im, kt_str text, kt_batch *b, rows *ret)
{
    kt_field_map map = { .id = KT_S("item"), .text = kt_str_of(kt_answer_field(im->p.task)), .group = KT_S("annotator") };
    kt_layout l = KT_LAYOUT_INIT;
    kt_rejects rej = { 0 };
    size_t used = 0;
    uint64_t lines = 0;
    const kt_reader *csv = kt_reader_find(KT_S("csv"));
    kt_rc rc = csv->head(&map, text, &l, &used, &lines, im->err);
    if (rc == 0)
        rc = csv->parse(&l, (kt_str){ text.p + used, text.n - used }, lines + 1, b, &rej, im->err);
    for (size_t i = 0; i < rej.n; i++, im->n_refused++)
        fprintf(stderr, "%s:%llu: refused: %s\n", im->file, (unsigned long long)rej.v[i].line, rej.v[i].reason);
    for (size_t i = 0; i < b->n; i++)
        KT_PUSH(ret, (struct row){ b->v[i].line, b->v[i].ext_id, b->v[i].group, b->v[i].text, false });
    kt_rejects_done(&rej);
    kt_layout_done(&l);
    return rc < 0 ? (kt_at(im->err, im->file, 0, NULL), rc) : 0;
}

/* {"item":…, "annotator":…, "spans":…}; other members are ignored. */
static kt_rc read_line(struct import *im, kt_str line, struct row *ret, kt_err *err)
{
    const char *field = kt_answer_field(im->p.task);
    kt_json j = { .s = line };
    bool first = true, ok = kt_json_enter(&j, '{');
    kt_str name;
    while (ok && kt_json_field(&j, &first, im->cli->arena, &name)) {
        kt_str *text = kt_str_eq(name, KT_S("item")) ? &ret->item : kt_str_eq(name, KT_S("annotator")) ? &ret->annotator : NULL;
        if (text && kt_json_peek(&j) != KT_JSON_STRING)
            return kt_fail(err, KT_PARSE, "%.*s must be a string", KT_F(name));
        ok = text ? kt_json_string(&j, im->cli->arena, text) : kt_json_skip(&j, kt_str_eq(name, kt_str_of(field)) ? &ret->said : NULL);
    }
    if (!ok || j.wrong || !kt_json_end(&j))
        return kt_fail(err, KT_PARSE, "no JSON object: %s at byte %zu", j.wrong ? j.wrong : "unexpected text", j.at);
    if (!ret->item.n || !ret->said.n)
        return kt_fail(err, KT_PARSE, "item, annotator and %s must be there", field);
    return 0;
}

static void read_jsonl(struct import *im, kt_str text, rows *ret)
{
    kt_str line;
    for (uint64_t n = 1; kt_str_cut(&text, '\n', &line); n++) {
        struct row r = { .line = n, .json = true };
        kt_err why = { 0 };
        if (!kt_str_trim(line).n)
            continue;
        if (read_line(im, line, &r, &why) < 0)
            refuse(im, n, &why);
        else
            KT_PUSH(ret, r);
    }
}

static kt_rc read_votes(struct import *im, kt_buf *text, kt_batch *b, rows *ret)
{
    KT_TRY(kt_file_read(im->file, text, im->err));
    kt_str all = KT_BUF_STR(text), front = kt_str_trim(all);
    size_t bad;
    if (!kt_utf8_valid(all, &bad))
        return kt_fail(im->err, KT_PARSE, "not valid UTF-8 at byte %zu", bad), kt_at(im->err, im->file, 0, NULL), KT_PARSE;
    if (!front.n || front.p[0] != '{')
        return read_csv(im, all, b, ret);
    read_jsonl(im, all, ret);
    return 0;
}

static kt_rc import(struct import *im)
{
    KT_AUTO(kt_buf) text = KT_BUF_INIT((size_t)1 << 30);
    kt_batch b = { 0 };
    rows v = { 0 };
    kt_rc rc = read_votes(im, &text, &b, &v);
    if (rc == 0)
        rc = load_ids(im);
    if (rc == 0)
        rc = kt_store_begin(im->s, im->err);
    if (rc == 0)
        rc = kt_store_finish(im->s, votes(im, &v), im->err);
    kt_batch_done(&b);
    KT_VEC_DONE(&v);
    kt_map_done(&im->ids);
    KT_TRY(rc);
    printf("%llu answers taken, %llu refused\n", (unsigned long long)im->n_taken, (unsigned long long)im->n_refused);
    return 0;
}

/* A line to fill in. */
static void put_todo(const struct import *im, const kt_item *it, bool json, kt_buf *b)
{
    if (!json) {
        kt_buf_csv(b, it->ext_id, ',');
        kt_buf_puts(b, ",,,");
        kt_buf_csv(b, it->text, ',');
        kt_buf_char(b, '\n');
        return;
    }
    kt_buf_puts(b, "{\"item\":");
    kt_buf_json(b, it->ext_id);
    kt_buf_printf(b, ",\"annotator\":\"\",\"%s\":%s,\"text\":", kt_answer_field(im->p.task), im->p.task == KT_TASK_CLASSES ? "\"\"" : "[]");
    kt_buf_json(b, it->text);
    kt_buf_puts(b, "}\n");
}

static kt_rc todo(struct import *im, bool json)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 30);
    unsigned queues = kt_review_queues(im->role, im->role == KT_ROLE_EXPERT);
    if (!json)
        kt_buf_printf(&b, "item,annotator,%s,text\n", kt_answer_field(im->p.task));
    kt_rc rc = 0;
    for (int q = 0; q < KT_QUEUE__COUNT && rc == 0; q++) {
        uint32_t *items = NULL;
        size_t n = 0;
        if (queues & 1u << q)
            rc = kt_queue_list(im->s, im->p.id, (kt_queue)q, &items, &n, im->err);
        for (size_t i = 0; i < n && rc == 0; i++) {
            kt_item it;
            if ((rc = kt_item_get(im->items, items[i], &it, im->err)) == 0)
                put_todo(im, &it, json, &b);
        }
        kt_free(items);
    }
    if (rc == 0)
        fwrite(b.p, 1, b.n, stdout);
    return rc;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str project = { 0 };
    bool expert = false, list = false, json = false;
    const kt_opt opts[] = {
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "todo", KT_OPT_FLAG, NULL, "print what waits, as a CSV to fill in (regions: JSON lines)", &list },
        { "json", KT_OPT_FLAG, NULL, "as JSON lines in any case", &json },
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
        rc = kt_item_reader_new(im.s, im.p.id, &im.items, err);
    if (rc == 0)
        rc = list ? todo(&im, json || im.p.task == KT_TASK_SPANS) : import(&im);
    kt_item_reader_free(im.items);
    if (rc == 0 && !list)
        kt_notify_flush(im.s);
    kt_store_close(im.s);
    return rc;
}

const kt_verb kt_verb_label = {
    .name = "label", .help = "what waits for people as a file, and their answers back", .usage = "DIR --todo [--json] | DIR ANSWERS  [--expert]",
    .more = "ANSWERS is a CSV with the columns item (external id), annotator and the answer, or JSON lines with these members; others are ignored:\n"
            "  task text-classification   label   a label\n"
            "  task multi-label           labels  red;blue or (none) in a CSV cell; [\"red\",\"blue\"] or [] in either\n"
            "  task spans                 spans   [{\"start\":0,\"end\":3,\"label\":\"person\"}], also [[0,3,\"person\"]]; [] for none.\n"
            "                                     Places are code points of the text from 0, the end not included\n"
            "Each line becomes an answer under a lease of its own; a line that cannot be taken is named with its field, and the rest goes on.",
    .run = run,
};
