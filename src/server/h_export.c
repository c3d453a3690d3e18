/* Exports: written beside the ones of the command line, in DIR/export/PROJECT, and downloaded from there. */
#include "server/server_int.h"

#include "base/str.h"
#include "format/writer.h"
#include "stage/export.h"

#include <fcntl.h>
#include <stdio.h>

static const char *folder(kt_req *rq)
{
    return kt_arena_printf(&rq->arena, "%s/export/%lld", rq->server->o->dir, (long long)rq->p->id).p;
}

struct logging {
    kt_req *rq;
    kt_str format;
    const kt_export_result *result;
};

static kt_rc log_export(kt_store *s, void *ctx, kt_err *err)
{
    struct logging *l = ctx;
    kt_str actor = kt_arena_printf(&l->rq->arena, "user:%lld", (long long)l->rq->user.id);
    return kt_export_log(s, l->rq->p, l->format, l->result, actor, err);
}

static kt_str base_name(kt_req *rq, const char *path)
{
    const char *slash = strrchr(path, '/');
    return kt_arena_str(&rq->arena, kt_str_of(slash ? slash + 1 : path));
}

static kt_rc write_export(kt_req *rq, const kt_export_opts *o, kt_export_done *ret)
{
    kt_export_result r;
    KT_TRY(kt_export_write(rq->store, rq->p, o, &r, &rq->err));
    struct logging l = { rq, o->format, &r };
    KT_TRY(kt_req_write(rq, log_export, &l));
    *ret = (kt_export_done){ o->format, base_name(rq, r.path), (int64_t)r.n_rows, (int64_t)r.n_left_out, base_name(rq, r.left_out_path) };
    return 0;
}

kt_rc h_export_create(kt_req *rq, const kt_export_request *in, kt_export_done *ret)
{
    kt_progress none = { 0 };
    kt_export_opts o = { .format = in->format.n ? in->format : KT_S("jsonl"), .dir = folder(rq), .text = in->text, .progress = &none };
    if (!kt_writer_find(o.format)) {
        kt_fail(&rq->err, KT_RANGE, "format: there is no writer %.*s", KT_F(o.format));
        return kt_at(&rq->err, NULL, 0, "/format"), KT_RANGE;
    }
    if (pthread_mutex_trylock(&rq->server->exporting))
        return kt_fail(&rq->err, KT_BUSY, "another export is being written; try again when it is done");
    kt_rc rc = write_export(rq, &o, ret);
    pthread_mutex_unlock(&rq->server->exporting);
    return rc;
}

/* labels.SUFFIX of a writer, or the list of what was left out: nothing else is served from the folder. */
static bool known_file(kt_str name)
{
    if (kt_str_eq(name, KT_S("left_out.csv")))
        return true;
    for (size_t i = 0; i < kt_n_writers; i++)
        if (kt_str_starts(name, KT_S("labels")) && kt_str_eq((kt_str){ name.p + 6, name.n - 6 }, kt_str_of(kt_writers[i]->suffix)))
            return true;
    return false;
}

kt_rc h_export_get(kt_req *rq, const kt_none *in, kt_none *ret)
{
    kt_str name = rq->param[KT_PARAM_FILE];
    (void)in, (void)ret;
    if (!known_file(name))
        return kt_fail(&rq->err, KT_NOTFOUND, "there is no export file %.*s", (int)KT_MIN(name.n, 60), name.p);
    rq->attachment = kt_arena_cstr(&rq->arena, name);
    rq->fd = open(kt_arena_printf(&rq->arena, "%s/%s", folder(rq), rq->attachment).p, O_RDONLY | O_CLOEXEC);
    if (rq->fd < 0) {
        kt_fail(&rq->err, KT_NOTFOUND, "%s has not been written yet", rq->attachment);
        return kt_hint(&rq->err, "POST to exports first"), KT_NOTFOUND;
    }
    rq->type = kt_str_ends(name, KT_S(".csv")) ? "text/csv; charset=utf-8" : "application/x-ndjson";
    return 0;
}
