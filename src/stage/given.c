#include "stage/given.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>

kt_rc kt_given_open(const kt_project *p, const kt_config *c, kt_str name, kt_arena *a, kt_given *ret, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(65536);
    kt_yaml *list;
    const kt_functions_opts o = { .file = c->file, .labels = p->label, .n_labels = p->n_labels, .task = c->task };
    *ret = (kt_given){ 0 };
    if (!name.n)
        return 0;
    kt_buf_puts(&b, "[{\"name\":\"gold\",\"from_field\":");
    kt_buf_json(&b, name);
    kt_buf_puts(&b, "}]");
    KT_TRY(kt_yaml_parse(kt_arena_str(a, KT_BUF_STR(&b)), c->file, a, &list, err));
    KT_TRY(kt_functions_read(list, &o, &ret->f, err));
    kt_rc rc = kt_functions_compile(ret->f, NULL, err);
    if (rc == 0)
        rc = kt_functions_scratch_new(ret->f, &ret->s, err);
    if (rc < 0)
        kt_given_close(ret);
    return rc;
}

void kt_given_close(kt_given *x)
{
    x->s = kt_functions_scratch_free(x->s);
    x->f = kt_functions_free(x->f);
    kt_free(x->marks.v);
    x->marks = (kt_marks){ 0 };
}

bool kt_given_read(kt_given *x, const kt_item *it)
{
    kt_function_fault fault = { 0 };
    x->marks.n = 0;
    if (!x->s)
        return false;
    kt_functions_forget_faults(x->s);
    kt_functions_mark(x->s, it, 1, &x->marks);
    kt_functions_gather(x->f, &x->s, 1, &fault);
    if (!fault.n)
        return kt_functions_has_fields(x->s);
    if (!x->bad++) {
        snprintf(x->id, sizeof(x->id), "%s", fault.id);
        snprintf(x->said, sizeof(x->said), "%s", fault.said);
    }
    x->marks.n = 0;
    return false;
}

size_t kt_given_parts(const kt_given *x, kt_answer_parts *ret)
{
    size_t from = ret->n;
    for (size_t i = 0; i < x->marks.n; i++)
        KT_PUSH(ret, ((kt_answer_part){ x->marks.v[i].label, x->marks.v[i].start, x->marks.v[i].end }));
    ret->n = from + kt_answer_sort(ret->v + from, ret->n - from);
    return ret->n - from;
}
