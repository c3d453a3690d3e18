/* A row of "answer" is one thing somebody said: its body is canonical JSON, parts in their order, labels by number ([3,7] of a set,
   [[start,end,label],…] of regions). It is found again by the digest of these bytes, so equal answers are one row. Rows are never changed or
   removed, and numbers have no gaps. */
#include "store/answer.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <stdio.h>

#define MAX_BODY ((size_t)1 << 20) /* KT_ANSWER_MAX_PARTS of them at their longest are a third of it */

static int by_place(const void *a, const void *b)
{
    const kt_answer_part *x = a, *y = b;
    if (x->start != y->start)
        return (x->start > y->start) - (x->start < y->start);
    return x->end != y->end ? (x->end > y->end) - (x->end < y->end) : (x->label > y->label) - (x->label < y->label);
}

size_t kt_answer_sort(kt_answer_part *v, size_t n)
{
    size_t k = 0;
    if (n > 1)
        qsort(v, n, sizeof(*v), by_place);
    for (size_t i = 0; i < n; i++)
        if (k == 0 || by_place(&v[k - 1], &v[i]) != 0)
            v[k++] = v[i];
    return k;
}

/* The field of an answer that is wrong, as a JSON pointer; part 0-based. */
static kt_rc wrong(kt_err *err, const kt_project *p, size_t part, const char *member)
{
    char field[64];
    if (p->task == KT_TASK_CLASSES)
        snprintf(field, sizeof(field), "/label");
    else if (p->task == KT_TASK_LABEL_SETS)
        snprintf(field, sizeof(field), "/labels/%zu", part);
    else
        snprintf(field, sizeof(field), "/spans/%zu/%s", part, member);
    return kt_at(err, NULL, 0, field), KT_RANGE;
}

static kt_rc check_part(const kt_project *p, const kt_answer_part *x, size_t i, uint32_t n_chars, kt_err *err)
{
    if (x->label < 0 || x->label >= (int32_t)p->n_labels) {
        kt_fail(err, KT_RANGE, "label %d is not one of the project's %u", x->label, p->n_labels);
        return wrong(err, p, i, "label");
    }
    if (p->task != KT_TASK_SPANS) {
        KT_ASSERT(x->start == 0 && x->end == 0);
        return 0;
    }
    if (x->start >= x->end) {
        kt_fail(err, KT_RANGE, "region %zu is empty: it goes from %u to %u", i + 1, x->start, x->end);
        kt_hint(err, "places are code points; the end is the first one after the region");
        return wrong(err, p, i, "end");
    }
    if (x->end > n_chars) {
        kt_fail(err, KT_RANGE, "region %zu goes to %u, the text to %u", i + 1, x->end, n_chars);
        kt_hint(err, "places are code points of the text, not bytes or UTF-16 units");
        return wrong(err, p, i, "end");
    }
    return 0;
}

kt_rc kt_answer_check(const kt_project *p, const kt_answer_said *a, uint32_t n_chars, kt_err *err)
{
    if (p->task == KT_TASK_CLASSES && a->n != 1)
        return kt_fail(err, KT_RANGE, "an item has one label here, not %zu", a->n), kt_at(err, NULL, 0, "/label"), KT_RANGE;
    if (a->n > KT_ANSWER_MAX_PARTS) {
        kt_fail(err, KT_RANGE, "an answer has at most %d %s, not %zu", KT_ANSWER_MAX_PARTS, p->task == KT_TASK_SPANS ? "regions" : "labels", a->n);
        return kt_at(err, NULL, 0, p->task == KT_TASK_SPANS ? "/spans" : "/labels"), KT_RANGE;
    }
    for (size_t i = 0; i < a->n; i++)
        KT_TRY(check_part(p, &a->part[i], i, n_chars, err));
    return 0;
}

static void put_body(const kt_project *p, const kt_answer_part *v, size_t n, kt_buf *b)
{
    kt_buf_char(b, '[');
    for (size_t i = 0; i < n; i++)
        if (p->task == KT_TASK_SPANS)
            kt_buf_printf(b, "%s[%u,%u,%d]", i ? "," : "", v[i].start, v[i].end, v[i].label);
        else
            kt_buf_printf(b, "%s%d", i ? "," : "", v[i].label);
    kt_buf_char(b, ']');
}

static kt_rc add_row(kt_store *s, const kt_project *p, kt_str digest, kt_str body, int64_t *ret, kt_err *err)
{
    KT_TRY(kt_db_i64(kt_store_db(s), ret, err, "SELECT COALESCE(MAX(id),-1)+1 FROM answer WHERE project=$1", "i", p->id));
    if (*ret > INT32_MAX)
        return kt_fail(err, KT_LIMIT, "the project has two thousand million different answers");
    return kt_db_run(kt_store_db(s), err, "INSERT INTO answer VALUES($1,$2,$3,$4)", "iibs", p->id, *ret, digest, body);
}

kt_rc kt_answer_number(kt_store *s, const kt_project *p, const kt_answer_said *a, int32_t *ret, kt_err *err)
{
    KT_TRY(kt_answer_check(p, a, UINT32_MAX, err));
    if (p->task == KT_TASK_CLASSES)
        return *ret = a->part[0].label, 0;
    KT_AUTO(kt_buf) body = KT_BUF_INIT(MAX_BODY);
    kt_answer_part *v = kt_alloc_array(a->n + 1, sizeof(*v));
    if (a->n)
        memcpy(v, a->part, a->n * sizeof(*v));
    put_body(p, v, kt_answer_sort(v, a->n), &body);
    kt_free(v);
    KT_ASSERT(!body.failed);
    kt_digest d = kt_digest_of(KT_BUF_STR(&body));
    kt_str digest = { (char *)d.b, sizeof(d.b) };
    int64_t id;
    kt_rc rc = kt_db_i64(kt_store_db(s), &id, err, "SELECT id FROM answer WHERE project=$1 AND digest=$2", "ib", p->id, digest);
    if (rc == KT_DONE)
        rc = add_row(s, p, digest, KT_BUF_STR(&body), &id, err);
    if (rc == 0)
        *ret = (int32_t)id;
    return rc;
}

static bool read_number(kt_json *j, double max, uint32_t *ret)
{
    double d;
    if (!kt_json_number(j, &d) || d < 0 || d > max)
        return false;
    *ret = (uint32_t)d;
    return true;
}

static bool read_part(const kt_project *p, kt_json *j, kt_answer_part *ret)
{
    uint32_t *to[] = { &ret->start, &ret->end, NULL }, label;
    size_t k = p->task == KT_TASK_SPANS ? 0 : 2;
    bool first = true;
    *ret = (kt_answer_part){ 0 };
    if (k == 0 && !kt_json_enter(j, '['))
        return false;
    for (; k < 2; k++)
        if (!kt_json_element(j, &first) || !read_number(j, UINT32_MAX, to[k]))
            return false;
    if ((p->task == KT_TASK_SPANS && !kt_json_element(j, &first)) || !read_number(j, p->n_labels - 1.0, &label))
        return false;
    ret->label = (int32_t)label;
    return p->task != KT_TASK_SPANS || !kt_json_element(j, &first);
}

typedef KT_VEC(kt_answer_part) parts;

/* Adds a body's parts to v. */
static kt_rc read_body(const kt_project *p, int64_t number, kt_str body, parts *v, kt_err *err)
{
    kt_json j = { .s = body };
    kt_answer_part x;
    bool first = true, ok = kt_json_enter(&j, '[');
    while (ok && kt_json_element(&j, &first))
        if ((ok = read_part(p, &j, &x)))
            KT_PUSH(v, x);
    return ok && !j.wrong ? 0 : kt_fail(err, KT_CORRUPT, "answer %lld of project %.*s is damaged", (long long)number, KT_F(p->name));
}

static kt_rc not_there(const kt_project *p, int32_t number, kt_err *err)
{
    return kt_fail(err, KT_NOTFOUND, "project %.*s has no answer %d", KT_F(p->name), number);
}

static kt_rc read_row(kt_store *s, const kt_project *p, int32_t number, parts *v, kt_err *err)
{
    kt_stmt *st;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT body FROM answer WHERE project=$1 AND id=$2", "ii", p->id, (int64_t)number));
    kt_rc rc = kt_stmt_step(st, err);
    if (rc == 0)
        rc = read_body(p, number, kt_stmt_str(st, 0), v, err);
    else if (rc == KT_DONE)
        rc = not_there(p, number, err);
    kt_stmt_done(st);
    return rc;
}

kt_rc kt_answer_get(kt_store *s, const kt_project *p, int32_t number, kt_arena *arena, kt_answer_said *ret, kt_err *err)
{
    *ret = (kt_answer_said){ 0 };
    if (number < 0)
        return 0;
    parts v = { 0 };
    kt_rc rc = 0;
    if (p->task != KT_TASK_CLASSES)
        rc = read_row(s, p, number, &v, err);
    else if (number < (int32_t)p->n_labels)
        KT_PUSH(&v, (kt_answer_part){ .label = number });
    else
        rc = not_there(p, number, err);
    *ret = (kt_answer_said){ kt_arena_array(arena, v.n, sizeof(*v.v)), v.n };
    if (v.n)
        memcpy(ret->part, v.v, v.n * sizeof(*v.v));
    KT_VEC_DONE(&v);
    return rc;
}

static const char *const fields[] = { "label", "labels", "spans" };
_Static_assert(KT_LEN(fields) == KT_TASK__COUNT, "one name per task");

const char *kt_answer_field(kt_task task)
{
    return fields[task];
}

kt_rc kt_answer_json(kt_store *s, const kt_project *p, int32_t number, kt_buf *ret, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_answer_said said;
    KT_TRY(kt_answer_get(s, p, number, &a, &said, err));
    kt_buf_printf(ret, "\"%s\":", fields[p->task]);
    if (number < 0) {
        kt_buf_puts(ret, "null");
        return 0;
    }
    if (p->task != KT_TASK_CLASSES)
        kt_buf_char(ret, '[');
    for (size_t i = 0; i < said.n; i++) {
        const kt_answer_part *x = &said.part[i];
        kt_buf_puts(ret, i ? "," : "");
        if (p->task == KT_TASK_SPANS)
            kt_buf_printf(ret, "{\"start\":%u,\"end\":%u,\"label\":", x->start, x->end);
        kt_buf_json(ret, p->label[x->label]);
        kt_buf_puts(ret, p->task == KT_TASK_SPANS ? "}" : "");
    }
    kt_buf_puts(ret, p->task != KT_TASK_CLASSES ? "]" : "");
    return 0;
}

kt_rc kt_answer_text(kt_store *s, const kt_project *p, int32_t number, kt_buf *ret, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_answer_said said;
    KT_TRY(kt_answer_get(s, p, number, &a, &said, err));
    if (number >= 0 && said.n == 0)
        kt_buf_puts(ret, "(none)");
    for (size_t i = 0; i < said.n; i++) {
        const kt_answer_part *x = &said.part[i];
        kt_buf_puts(ret, i ? ", " : "");
        kt_buf_str(ret, p->label[x->label]);
        if (p->task == KT_TASK_SPANS)
            kt_buf_printf(ret, " %u-%u", x->start, x->end);
    }
    return 0;
}

static kt_rc load_rows(kt_stmt *st, const kt_project *p, parts *part, size_t **start, size_t *n, kt_err *err)
{
    KT_VEC(size_t) from = { 0 };
    kt_rc rc;
    KT_PUSH(&from, (size_t)0);
    while ((rc = kt_stmt_step(st, err)) == 0) {
        if (kt_stmt_i64(st, 0) != (int64_t)from.n - 1)
            rc = kt_fail(err, KT_CORRUPT, "answer %zu of project %.*s is gone", from.n - 1, KT_F(p->name));
        if (rc < 0 || (rc = read_body(p, kt_stmt_i64(st, 0), kt_stmt_str(st, 1), part, err)) < 0)
            break;
        KT_PUSH(&from, part->n);
    }
    *start = from.v;
    *n = from.n - 1;
    return rc < 0 ? rc : 0;
}

kt_rc kt_answers_load(kt_store *s, const kt_project *p, kt_arena *arena, size_t **ret_start, kt_answer_part **ret_part, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    parts v = { 0 };
    size_t *start;
    KT_TRY(kt_db_query(kt_store_db(s), &st, err, "SELECT id,body FROM answer WHERE project=$1 ORDER BY id", "i", p->id));
    kt_rc rc = load_rows(st, p, &v, &start, ret_n, err);
    kt_stmt_done(st);
    *ret_start = kt_arena_array(arena, *ret_n + 1, sizeof(**ret_start));
    memcpy(*ret_start, start, (*ret_n + 1) * sizeof(*start));
    *ret_part = kt_arena_array(arena, v.n, sizeof(**ret_part));
    if (v.n)
        memcpy(*ret_part, v.v, v.n * sizeof(*v.v));
    KT_VEC_DONE(&v);
    kt_free(start);
    return rc;
}
