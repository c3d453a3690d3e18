/* One row per item with a final label; a duplicate has its canonical item's. Splits go by component: items joined by a
   duplicate cluster or by a group are on the same side. Files appear under their name only when they are whole. */
#include "stage/export.h"

#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "format/writer.h"
#include "stage/config.h"
#include "stage/export_answers.h"
#include "stage/run.h"
#include "store/audit.h"
#include "store/column.h"
#include "store/consensus.h"
#include "store/item.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define WINDOW 16384u /* items whose rows are in memory at a time; divides KT_COLUMN_CHUNK */

struct export {
    kt_store *s;
    const kt_project *p;
    const kt_export_opts *o;
    const kt_config *c;
    const kt_writer *w;
    uint32_t n, *cluster, *root;
    int16_t *auto_label;
    kt_prediction *pred;
    uint8_t *state;
    uint64_t *id_hash;
    kt_consensus **of; /* by item, NULL: none */
    bool parts;        /* answers are sets or regions … */
    kt_export_answers answers;
    bool functions_only; /* … and no people or models are wanted: what the functions come to is exported */
    int64_t route_event;
    kt_buf left;
    int out_fd;
    char out_tmp[560];
    struct slot {
        kt_buf out, left;
        uint64_t n_rows, n_left_out;
        kt_arena arena; /* of one row */
    } slot[KT_SCAN_SLOTS];
    kt_export_result *ret;
    kt_err *err;
};

static kt_rc load(struct export *x, const char *name, uint32_t width, int fill, void *ret)
{
    kt_column_part part = { kt_str_of(name), 0, x->n, width };
    return kt_column_get(x->s, x->p->id, &part, fill, ret, x->err);
}

static uint32_t find(uint32_t *root, uint32_t i)
{
    while (root[i] != i)
        i = root[i] = root[root[i]];
    return i;
}

static void join(uint32_t *root, uint32_t a, uint32_t b)
{
    a = find(root, a);
    b = find(root, b);
    root[KT_MAX(a, b)] = KT_MIN(a, b);
}

static kt_rc make_components(struct export *x)
{
    uint64_t *group = kt_alloc_array((size_t)x->n + 1, 8);
    kt_rc rc = load(x, "group", 8, 0, group);
    kt_map first = { 0 };
    for (uint32_t i = 0; i < x->n; i++)
        x->root[i] = i;
    for (uint32_t i = 0; i < x->n && rc == 0; i++) {
        join(x->root, i, x->cluster[i]);
        if (group[i])
            join(x->root, i, kt_map_put(&first, group[i], i));
    }
    for (uint32_t i = 0; i < x->n; i++)
        x->root[i] = find(x->root, i);
    kt_map_done(&first);
    kt_free(group);
    return rc;
}

static kt_rc load_all(struct export *x, kt_arena *a, kt_consensus **ret_rows)
{
    size_t n = (size_t)x->n + 1, n_rows;
    x->cluster = kt_alloc_array(n, 4);
    x->root = kt_alloc_array(n, 4);
    x->auto_label = kt_alloc_array(n, 2);
    x->pred = kt_alloc_array(n, sizeof(*x->pred));
    x->state = kt_alloc(n);
    x->id_hash = kt_alloc_array(n, 8);
    x->of = kt_zalloc_array(n, sizeof(*x->of));
    KT_TRY(load(x, "cluster", 4, 0xff, x->cluster));
    for (uint32_t i = 0; i < x->n; i++)
        if (x->cluster[i] >= x->n)
            x->cluster[i] = i; /* not deduplicated yet */
    KT_TRY(load(x, "auto", 2, 0xff, x->auto_label));
    KT_TRY(load(x, "pred", sizeof(*x->pred), 0xff, x->pred));
    KT_TRY(load(x, "state", 1, 0, x->state));
    KT_TRY(load(x, "id_hash", 8, 0, x->id_hash));
    KT_TRY(make_components(x));
    KT_TRY(kt_counter_get(x->s, x->p->id, KT_S("route.event"), &x->route_event, x->err));
    KT_TRY(kt_consensus_load(x->s, x->p->id, a, ret_rows, &n_rows, x->err));
    if (x->parts)
        KT_TRY(kt_export_answers_open(x->s, x->p, x->cluster, x->functions_only, &x->answers, x->err));
    for (size_t i = 0; i < n_rows; i++)
        if ((*ret_rows)[i].item < x->n)
            x->of[(*ret_rows)[i].item] = &(*ret_rows)[i];
    return 0;
}

static const char *why_not(const struct export *x, uint32_t item)
{
    const kt_consensus *c = x->of[item];
    if (x->functions_only && !c)
        return "no function says anything about it";
    if (c && c->state == KT_FINAL_DISPUTE)
        return "disputed, waits for an expert";
    switch (x->state[item]) {
    case KT_ITEM_HUMAN:
    case KT_ITEM_TRAIN: return "waits for annotators";
    case KT_ITEM_EXPERT:
    case KT_ITEM_TRUSTED: return "waits for an expert";
    default: return "not routed yet";
    }
}

/* What is known of an item's answer. */
struct given {
    const kt_consensus *c; /* people decided it; NULL: the machine did … */
    bool automatic;        /* … under the budget … */
    bool functions;        /* … or functions did, where nobody else was asked */
};

static struct given given_to(const struct export *x, uint32_t head)
{
    const kt_consensus *c = x->of[head];
    bool decided = c && c->state != KT_FINAL_DISPUTE && c->label >= 0;
    return (struct given){ decided ? c : NULL, !decided && x->auto_label[head] >= 0, !decided && x->functions_only && x->answers.spoken[head] };
}

static void say_answer(const struct export *x, const struct given *g, uint32_t head, kt_arena *a, kt_export_row *row)
{
    int32_t number = g->c ? g->c->label : -1;
    if (x->w->one_line) {
        row->label = kt_export_answer(&x->answers, number, head, KT_EXPORT_LINE, a);
        return;
    }
    row->answer = kt_export_answer(&x->answers, number, head, g->functions ? KT_EXPORT_FUNCTIONS : KT_EXPORT_MEMBERS, a);
    row->has_posterior = !g->functions; /* there each label or region has its own */
}

/* One item: a row, or a line in the list of what was left out. */
static kt_rc put(const struct export *x, struct slot *o, const kt_item *it, kt_err *err)
{
    uint32_t head = x->cluster[it->number];
    struct given g = given_to(x, head);
    if (!g.c && !g.automatic && !g.functions) {
        kt_buf_csv(&o->left, it->ext_id, ',');
        kt_buf_printf(&o->left, ",%s\n", why_not(x, head));
        o->n_left_out++;
        return 0;
    }
    uint64_t coin = kt_mix64(x->id_hash[x->root[it->number]] ^ (uint64_t)x->c->seed);
    kt_export_row row = { .ext_id = it->ext_id, .group = it->group, .has_posterior = true };
    row.split = (double)(coin >> 11) * 0x1p-53 < x->c->train_share ? KT_S("train") : KT_S("test");
    row.text = x->o->text ? it->text : (kt_str){ NULL, 0 };
    row.method = g.c ? g.c->method : g.functions ? KT_S("functions") : KT_S("auto");
    row.posterior = g.c ? g.c->posterior : (double)x->pred[head].score;
    row.event = (uint64_t)(g.c ? g.c->event : x->route_event);
    if (x->parts)
        say_answer(x, &g, head, &o->arena, &row);
    else
        row.label = x->p->label[g.c ? g.c->label : x->auto_label[head]];
    if (head != it->number)
        row.provenance = kt_arena_printf(&o->arena, "{\"item\":%u,\"votes\":%d,\"duplicate_of\":%u}", it->number, g.c ? g.c->n_votes : 0, head);
    else
        row.provenance = kt_arena_printf(&o->arena, "{\"item\":%u,\"votes\":%d}", it->number, g.c ? g.c->n_votes : 0);
    o->n_rows++;
    kt_rc rc = x->w->put(&o->out, &row, err);
    kt_arena_reset(&o->arena);
    return rc;
}

static kt_rc put_items(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    struct export *x = ctx;
    for (size_t i = 0; i < n; i++)
        KT_TRY(put(x, &x->slot[slot], &items[i], err));
    return 0;
}

/* What the slots hold, in their order, which is the items'. */
static kt_rc flush(struct export *x)
{
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        struct slot *o = &x->slot[i];
        if (o->out.failed)
            return kt_fail(x->err, KT_LIMIT, "an export row is too large");
        KT_TRY(kt_file_write_fd(x->out_fd, KT_BUF_STR(&o->out), x->out_tmp, x->err));
        kt_buf_str(&x->left, KT_BUF_STR(&o->left));
        x->ret->n_rows += o->n_rows;
        x->ret->n_left_out += o->n_left_out;
        o->n_rows = o->n_left_out = 0;
        kt_buf_reset(&o->out);
        kt_buf_reset(&o->left);
    }
    return 0;
}

static kt_rc write_all(struct export *x, kt_item_reader *r)
{
    KT_TRY(x->w->begin(&x->slot[0].out, x->err));
    KT_TRY(flush(x));
    for (uint32_t at = 0; at < x->n; at += WINDOW) {
        if (x->parts)
            KT_TRY(kt_export_answers_window(&x->answers, at, x->err));
        KT_TRY(kt_item_scan(r, at, KT_MIN(WINDOW, x->n - at), x->o->pool, put_items, x, x->err));
        KT_TRY(flush(x));
        KT_TRY(kt_progress_step(x->o->progress, at, x->err));
    }
    KT_TRY(x->w->end(&x->slot[0].out, x->err));
    return flush(x);
}

static kt_rc write_rows(struct export *x)
{
    kt_item_reader *r;
    KT_TRY(kt_item_reader_new(x->s, x->p->id, &r, x->err));
    for (int i = 0; i < KT_SCAN_SLOTS; i++)
        x->slot[i].out = x->slot[i].left = (kt_buf)KT_BUF_INIT((size_t)1 << 30);
    kt_progress_begin(x->o->progress, "export", x->n);
    kt_rc rc = write_all(x, r);
    kt_progress_end(x->o->progress);
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        kt_buf_done(&x->slot[i].out);
        kt_buf_done(&x->slot[i].left);
        kt_arena_done(&x->slot[i].arena);
    }
    kt_item_reader_free(r);
    return rc;
}

static kt_rc write_files(struct export *x)
{
    KT_TRY(kt_dir_make(x->o->dir, x->err));
    snprintf(x->ret->path, sizeof(x->ret->path), "%s/labels%s", x->o->dir, x->w->suffix);
    snprintf(x->ret->left_out_path, sizeof(x->ret->left_out_path), "%s/left_out.csv", x->o->dir);
    snprintf(x->out_tmp, sizeof(x->out_tmp), "%s.tmp", x->ret->path);
    x->out_fd = open(x->out_tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (x->out_fd < 0)
        return kt_fail_errno(x->err, "cannot write %s", x->out_tmp);
    kt_buf_puts(&x->left, "id,reason\n");
    kt_rc rc = write_rows(x);
    if (rc == 0 && fsync(x->out_fd))
        rc = kt_fail_errno(x->err, "cannot write %s", x->out_tmp);
    close(x->out_fd);
    if (rc == 0 && rename(x->out_tmp, x->ret->path))
        rc = kt_fail_errno(x->err, "cannot write %s", x->ret->path);
    if (rc < 0) {
        unlink(x->out_tmp);
        return rc;
    }
    return kt_file_write(x->ret->left_out_path, KT_BUF_STR(&x->left), x->err);
}

kt_rc kt_export_log(kt_store *s, const kt_project *p, kt_str format, const kt_export_result *r, kt_str actor, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
    kt_buf_printf(&b, "{\"format\":\"%.*s\",\"rows\":%llu,\"left_out\":%llu}", KT_F(format), (unsigned long long)r->n_rows,
                  (unsigned long long)r->n_left_out);
    const kt_event e = { actor, KT_S("export"), p->id, -1, KT_BUF_STR(&b) };
    return kt_audit_append(s, &e, NULL, err);
}

kt_rc kt_export_run(kt_store *s, const kt_project *p, const kt_export_opts *o, kt_export_result *ret, kt_err *err)
{
    KT_TRY(kt_export_write(s, p, o, ret, err));
    KT_TRY(kt_store_begin(s, err));
    return kt_store_finish(s, kt_export_log(s, p, o->format, ret, KT_S("karat"), err), err);
}

kt_rc kt_export_write(kt_store *s, const kt_project *p, const kt_export_opts *o, kt_export_result *ret, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_config c;
    kt_consensus *rows = NULL;
    KT_TRY(kt_config_parse(p->config, "karat.yaml", &a, &c, err));
    *ret = (kt_export_result){ 0 };
    struct export x = { .s = s, .p = p, .o = o, .c = &c, .n = p->n_items, .w = kt_writer_find(o->format), .ret = ret, .err = err,
                        .left = KT_BUF_INIT((size_t)4 << 30) };
    if (!x.w)
        return kt_fail(err, KT_USAGE, "there is no export format %.*s; 'karat list writers' shows them", KT_F(o->format));
    if (x.w->one_line && p->task == KT_TASK_SPANS)
        return kt_fail(err, KT_USAGE, "regions are exported as jsonl; %s has one label a line", x.w->name);
    int64_t round;
    KT_TRY(kt_counter_get(s, p->id, KT_S("learn.round"), &round, err));
    x.parts = p->task != KT_TASK_CLASSES;
    x.functions_only = x.parts && !c.people && !round;
    kt_rc rc = load_all(&x, &a, &rows);
    if (rc == 0)
        rc = write_files(&x);
    kt_free(rows);
    kt_free(x.cluster);
    kt_free(x.root);
    kt_free(x.auto_label);
    kt_free(x.pred);
    kt_free(x.state);
    kt_free(x.id_hash);
    kt_free(x.of);
    kt_buf_done(&x.left);
    if (x.parts)
        kt_export_answers_close(&x.answers);
    return rc;
}

#define FIRST_PROJECT 1

char *kt_export_folder(kt_store *s, const kt_project *p, kt_arena *a)
{
    if (p->id == FIRST_PROJECT)
        return kt_arena_cstr(a, kt_arena_printf(a, "%s/export", kt_store_dir(s)));
    return kt_arena_cstr(a, kt_arena_printf(a, "%s/export-%lld", kt_store_dir(s), (long long)p->id));
}

char *kt_report_path(kt_store *s, const kt_project *p, kt_arena *a)
{
    if (p->id == FIRST_PROJECT)
        return kt_arena_cstr(a, kt_arena_printf(a, "%s/report.html", kt_store_dir(s)));
    return kt_arena_cstr(a, kt_arena_printf(a, "%s/report-%lld.html", kt_store_dir(s), (long long)p->id));
}
