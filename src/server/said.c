/* Answers between their numbers and the form they have in bodies: label, labels or spans, by the project's task. */
#include "server/server_int.h"

#include "base/str.h"
#include "store/answer.h"

/* ---- to bodies ---- */

static void in_form(kt_req *rq, const kt_answer_part *v, size_t n, kt_answer_form *ret)
{
    const kt_project *p = rq->p;
    if (p->task == KT_TASK_CLASSES) {
        ret->label = n ? p->label[v[0].label] : (kt_str){ 0 };
    } else if (p->task == KT_TASK_LABEL_SETS) {
        ret->labels = kt_req_list(rq, n, sizeof(kt_str));
        for (size_t i = 0; i < n; i++)
            ((kt_str *)ret->labels.v)[i] = p->label[v[i].label];
    } else {
        ret->spans = kt_req_list(rq, n, sizeof(kt_span));
        for (size_t i = 0; i < n; i++)
            ((kt_span *)ret->spans.v)[i] = (kt_span){ v[i].start, v[i].end, p->label[v[i].label] };
    }
}

kt_rc kt_req_said(kt_req *rq, int32_t number, kt_answer_form *ret)
{
    kt_answer_said said;
    *ret = (kt_answer_form){ 0 };
    if (number < 0)
        return 0;
    KT_TRY(kt_answer_get(rq->store, rq->p, number, &rq->arena, &said, &rq->err));
    in_form(rq, said.part, said.n, ret);
    return 0;
}

kt_rc kt_req_words(kt_req *rq, int32_t number, kt_str *ret)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(KT_ANSWER_MAX_JSON);
    KT_TRY(kt_answer_text(rq->store, rq->p, number, &b, &rq->err));
    *ret = kt_arena_str(&rq->arena, KT_BUF_STR(&b));
    return 0;
}

kt_rc kt_req_machine(kt_req *rq, uint32_t item, kt_answer_form *ret, double *ret_score)
{
    int32_t label; /* where labels are sets or regions 0: there is an answer, the marks say which */
    kt_machine_mark *v;
    size_t n;
    *ret = (kt_answer_form){ 0 };
    KT_TRY(kt_served_pred(rq, item, &label, ret_score));
    if (rq->p->task == KT_TASK_CLASSES)
        return kt_req_said(rq, label, ret);
    KT_TRY(kt_served_marks(rq, item, &v, &n));
    if (!n && label < 0)
        return 0; /* of functions alone: none of them said that there is nothing */
    kt_answer_part *part = kt_arena_array(&rq->arena, n, sizeof(*part));
    for (size_t i = 0; i < n; i++)
        part[i] = (kt_answer_part){ v[i].label, v[i].start, v[i].end };
    in_form(rq, part, kt_answer_sort(part, n), ret);
    return 0;
}

/* ---- from bodies ---- */

static kt_rc find_label(kt_req *rq, kt_str name, kt_answer_part *ret, const char *field, size_t i, const char *member)
{
    char pointer[64];
    if ((ret->label = kt_project_label(rq->p, name)) >= 0)
        return 0;
    if (rq->p->task == KT_TASK_CLASSES)
        snprintf(pointer, sizeof(pointer), "/%s", field);
    else
        snprintf(pointer, sizeof(pointer), "/%s/%zu%s", field, i, member);
    kt_fail(&rq->err, KT_RANGE, "label: %.*s is not in the project's label set", KT_F(name));
    return kt_at(&rq->err, NULL, 0, pointer), KT_RANGE;
}

static kt_rc read_parts(kt_req *rq, const kt_answer *in, kt_answer_said *a)
{
    const kt_str *name = in->label.p ? &in->label : in->labels.v;
    const kt_span *span = in->spans.v;
    const char *field = kt_answer_field(rq->p->task);
    a->part = kt_arena_array(&rq->arena, a->n, sizeof(*a->part));
    for (size_t i = 0; i < a->n; i++) {
        KT_TRY(find_label(rq, span ? span[i].label : name[i], &a->part[i], field, i, span ? "/label" : ""));
        if (span) {
            a->part[i].start = (uint32_t)span[i].start;
            a->part[i].end = (uint32_t)span[i].end;
        }
    }
    return 0;
}

/* What the other tasks' forms would say is refused, naming the right one. */
static kt_rc check_form(kt_req *rq, const kt_answer *in)
{
    static const char *const hints[] = { "send label: a label's name", "send labels: a list of labels' names, [] for none of them",
                                         "send spans: a list of {start, end, label}, [] for none" };
    const bool there[] = { in->label.p != NULL, in->labels.v != NULL, in->spans.v != NULL };
    for (int t = 0; t < KT_TASK__COUNT; t++)
        if (there[t] && t != (int)rq->p->task) {
            char pointer[20];
            const char *field = kt_answer_field((kt_task)t);
            snprintf(pointer, sizeof(pointer), "/%s", field);
            kt_fail(&rq->err, KT_RANGE, "%s: answers have the form %s here, as the project's task is %s", field, kt_answer_field(rq->p->task),
                    kt_task_names[rq->p->task]);
            kt_hint(&rq->err, "%s; nothing of it skips the item", hints[rq->p->task]);
            return kt_at(&rq->err, NULL, 0, pointer), KT_RANGE;
        }
    return 0;
}

kt_rc kt_req_answer_number(kt_req *rq, const kt_answer *in, int32_t *ret)
{
    uint32_t n_chars = UINT32_MAX;
    kt_answer_said a = { NULL, in->label.p ? 1 : in->labels.v ? in->labels.n : in->spans.n };
    KT_TRY(check_form(rq, in));
    if (!in->label.p && !in->labels.v && !in->spans.v)
        return *ret = KT_LABEL_SKIP, 0;
    if (a.n <= KT_ANSWER_MAX_PARTS) /* else refused without a look at them */
        KT_TRY(read_parts(rq, in, &a));
    if (rq->p->task == KT_TASK_SPANS)
        KT_TRY(kt_served_chars(rq, (uint32_t)in->item, &n_chars));
    KT_TRY(kt_answer_check(rq->p, &a, n_chars, &rq->err));
    return kt_answer_number(rq->store, rq->p, &a, ret, &rq->err);
}
