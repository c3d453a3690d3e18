#include "store/project.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/limits.h"
#include "base/str.h"
#include "store/audit.h"

const char *const kt_task_names[] = { "text-classification", "multi-label", "spans", NULL };
_Static_assert(KT_LEN(kt_task_names) == KT_TASK__COUNT + 1, "one name per task");


#define COLUMNS "SELECT id,name,guidelines,config,labels,n_items,seed,task FROM project "

static kt_rc read_labels(kt_str text, kt_arena *a, kt_project *ret, kt_err *err)
{
    kt_json j = { .s = text };
    KT_VEC(kt_str) v = { 0 };
    bool first = true;
    kt_str name;
    if (kt_json_enter(&j, '['))
        while (kt_json_element(&j, &first) && kt_json_string(&j, a, &name))
            KT_PUSH(&v, kt_arena_str(a, name));
    ret->n_labels = (uint32_t)v.n;
    ret->label = kt_arena_array(a, v.n, sizeof(kt_str));
    if (v.n)
        memcpy(ret->label, v.v, v.n * sizeof(kt_str));
    KT_VEC_DONE(&v);
    return j.wrong ? kt_fail(err, KT_CORRUPT, "the project's label list is damaged") : 0;
}

static kt_rc read_row(kt_stmt *st, kt_arena *a, kt_project *ret, kt_err *err)
{
    *ret = (kt_project){
        .id = kt_stmt_i64(st, 0), .name = kt_arena_str(a, kt_stmt_str(st, 1)), .guidelines = kt_arena_str(a, kt_stmt_str(st, 2)),
        .config = kt_arena_str(a, kt_stmt_str(st, 3)), .n_items = (uint32_t)kt_stmt_i64(st, 5), .seed = kt_stmt_i64(st, 6),
        .task = (kt_task)kt_stmt_i64(st, 7),
    };
    if (ret->task < 0 || ret->task >= KT_TASK__COUNT)
        return kt_fail(err, KT_CORRUPT, "the project's task is none");
    return read_labels(kt_arena_str(a, kt_stmt_str(st, 4)), a, ret, err);
}

static void labels_json(const kt_project *p, kt_buf *b)
{
    kt_buf_char(b, '[');
    for (uint32_t i = 0; i < p->n_labels; i++) {
        if (i)
            kt_buf_char(b, ',');
        kt_buf_json(b, p->label[i]);
    }
    kt_buf_char(b, ']');
}

static kt_rc check_labels(const kt_project *p, kt_err *err)
{
    if (p->n_labels < 1 || p->n_labels > KT_MAX_LABELS)
        return kt_fail(err, KT_RANGE, "a project needs 1 to %d labels, not %u", KT_MAX_LABELS, p->n_labels);
    for (uint32_t i = 0; i < p->n_labels; i++) {
        if (p->label[i].n == 0 || p->label[i].n > KT_MAX_LABEL_BYTES)
            return kt_fail(err, KT_RANGE, "label %u: a name has 1 to %zu bytes", i + 1, KT_MAX_LABEL_BYTES);
        for (uint32_t k = 0; k < i; k++)
            if (kt_str_eq(p->label[i], p->label[k]))
                return kt_fail(err, KT_RANGE, "label %.*s is given twice", KT_F(p->label[i]));
    }
    return 0;
}

/* A number that was a label is no set of labels. */
static kt_rc check_task(kt_store *s, const kt_project *p, const kt_project *old, kt_err *err)
{
    int64_t any;
    if (p->task == old->task)
        return 0;
    kt_rc rc = kt_db_i64(kt_store_db(s), &any, err, "SELECT item FROM annotation WHERE project=$1 UNION SELECT item FROM gold WHERE project=$1"
                         " UNION SELECT item FROM consensus WHERE project=$1 LIMIT 1", "i", old->id);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    kt_fail(err, KT_CONFLICT, "project %.*s has answers of task %s", KT_F(p->name), kt_task_names[old->task]);
    return kt_hint(err, "they say nothing in task %s; start a new project", kt_task_names[p->task]), KT_CONFLICT;
}

static kt_rc update(kt_store *s, const kt_project *p, const kt_project *old, kt_str labels, kt_err *err)
{
    for (uint32_t i = 0; i < old->n_labels; i++)
        if (i >= p->n_labels || !kt_str_eq(old->label[i], p->label[i])) {
            kt_fail(err, KT_CONFLICT, "label %.*s of project %.*s is gone or moved", KT_F(old->label[i]), KT_F(p->name));
            return kt_hint(err, "labels are numbered: add new ones at the end, or start a new project"), KT_CONFLICT;
        }
    KT_TRY(check_task(s, p, old, err));
    return kt_db_run(kt_store_db(s), err, "UPDATE project SET guidelines=$1,config=$2,labels=$3,task=$4 WHERE id=$5", "sssii",
                     p->guidelines, p->config, labels, (int64_t)p->task, old->id);
}

kt_rc kt_project_put(kt_store *s, const kt_project *p, int64_t *ret_id, kt_err *err)
{
    KT_TRY(check_labels(p, err));
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    KT_AUTO(kt_buf) labels = KT_BUF_INIT(KT_MAX_CONFIG_BYTES);
    KT_AUTO(kt_buf) data = KT_BUF_INIT(KT_MAX_CONFIG_BYTES);
    labels_json(p, &labels);
    kt_project old;
    kt_err none = { 0 };
    kt_rc rc = kt_project_get(s, p->name, &a, &old, &none);
    if (rc < 0 && rc != KT_NOTFOUND)
        return *err = none, rc;
    if (rc == 0 && kt_str_eq(old.config, p->config) && old.n_labels == p->n_labels && old.task == p->task)
        return *ret_id = old.id, 0;
    if (rc == 0) {
        KT_TRY(update(s, p, &old, KT_BUF_STR(&labels), err));
        *ret_id = old.id;
    } else {
        rc = kt_db_i64(kt_store_db(s), ret_id, err, "SELECT COALESCE(MAX(id),0)+1 FROM project", "");
        KT_TRY(rc);
        KT_TRY(kt_db_run(kt_store_db(s), err, "INSERT INTO project VALUES($1,$2,$3,$4,$5,0,$6,$7)", "issssii", *ret_id, p->name,
                         p->guidelines, p->config, KT_BUF_STR(&labels), p->seed, (int64_t)p->task));
    }
    kt_buf_puts(&data, "{\"name\":");
    kt_buf_json(&data, p->name);
    kt_buf_puts(&data, ",\"labels\":");
    kt_buf_str(&data, KT_BUF_STR(&labels));
    kt_buf_puts(&data, ",\"config\":\"");
    kt_digest d = kt_digest_of(p->config);
    kt_buf_hex(&data, d.b, sizeof(d.b));
    kt_buf_puts(&data, "\"}");
    const kt_event e = { KT_S("karat"), rc == 0 ? KT_S("project.update") : KT_S("project.create"), *ret_id, -1, KT_BUF_STR(&data) };
    return kt_audit_append(s, &e, NULL, err);
}

kt_rc kt_project_by_id(kt_store *s, int64_t id, kt_arena *a, kt_project *ret, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, COLUMNS "WHERE id=$1", "i", id));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        rc = read_row(st, a, ret, err);
    else if (rc == KT_DONE)
        rc = kt_fail(err, KT_NOTFOUND, "there is no project %lld", (long long)id);
    kt_stmt_done(st);
    return rc;
}

kt_rc kt_project_list(kt_store *s, kt_arena *a, kt_project **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, COLUMNS "ORDER BY id", ""));
    KT_VEC(kt_project) v = { 0 };
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0) {
        kt_project p;
        if ((rc = read_row(st, a, &p, err)) < 0)
            break;
        KT_PUSH(&v, p);
    }
    kt_stmt_done(st);
    *ret = kt_arena_array(a, v.n, sizeof(kt_project));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(kt_project));
    *ret_n = v.n;
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}

kt_rc kt_project_get(kt_store *s, kt_str name, kt_arena *a, kt_project *ret, kt_err *err)
{
    kt_project *all;
    size_t n;
    KT_TRY(kt_project_list(s, a, &all, &n, err));
    if (name.n == 0 && n > 1) {
        kt_fail(err, KT_USAGE, "this workspace holds %zu projects", n);
        return kt_hint(err, "choose one with --project, for example --project %.*s", KT_F(all[0].name)), KT_USAGE;
    }
    for (size_t i = 0; i < n; i++)
        if (name.n == 0 || kt_str_eq(all[i].name, name))
            return *ret = all[i], 0;
    if (name.n == 0)
        return kt_fail(err, KT_NOTFOUND, "this workspace holds no project yet");
    return kt_fail(err, KT_NOTFOUND, "there is no project %.*s", KT_F(name));
}

int32_t kt_project_label(const kt_project *p, kt_str name)
{
    for (uint32_t i = 0; i < p->n_labels; i++)
        if (kt_str_eq(p->label[i], name))
            return (int32_t)i;
    return -1;
}
