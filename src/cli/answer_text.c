#include "cli/answer_text.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>

struct reading {
    const kt_project *p;
    kt_arena *a;
    kt_err *err;
    KT_VEC(kt_answer_part) v;
};

static kt_rc wrong(struct reading *r, kt_rc rc, const char *what, const char *member)
{
    char field[64];
    snprintf(field, sizeof(field), "/%s/%zu%s", kt_answer_field(r->p->task), r->v.n, member);
    kt_fail(r->err, rc, "%s", what);
    return kt_at(r->err, NULL, 0, r->p->task == KT_TASK_CLASSES ? "/label" : field), rc;
}

static kt_rc find(struct reading *r, kt_str name, kt_answer_part *ret, const char *member)
{
    char what[120];
    ret->label = kt_project_label(r->p, name);
    if (ret->label >= 0)
        return 0;
    snprintf(what, sizeof(what), "label %.*s is not in the project's label set", (int)KT_MIN(name.n, 60), name.p);
    return wrong(r, KT_RANGE, what, member);
}

static kt_rc add_name(struct reading *r, kt_str name)
{
    kt_answer_part x = { 0 };
    KT_TRY(find(r, name, &x, ""));
    KT_PUSH(&r->v, x);
    return 0;
}

static kt_rc place(struct reading *r, kt_json *j, uint32_t *ret, const char *member)
{
    double d;
    if (kt_json_peek(j) != KT_JSON_NUMBER || !kt_json_number(j, &d) || d != floor(d) || d < 0 || d > UINT32_MAX)
        return wrong(r, KT_PARSE, "expected a whole number: the place of a code point, from 0", member);
    *ret = (uint32_t)d;
    return 0;
}

static kt_rc label(struct reading *r, kt_json *j, kt_answer_part *x, const char *member)
{
    kt_str name;
    if (kt_json_peek(j) != KT_JSON_STRING || !kt_json_string(j, r->a, &name))
        return wrong(r, KT_PARSE, "expected a label's name", member);
    return find(r, name, x, member);
}

/* {"start":0,"end":3,"label":"x"}; other members are others' business. */
static kt_rc span_object(struct reading *r, kt_json *j, kt_answer_part *x)
{
    bool first = true;
    unsigned seen = 0;
    kt_str name;
    if (!kt_json_enter(j, '{'))
        return wrong(r, KT_PARSE, "expected {\"start\":…, \"end\":…, \"label\":…}", "");
    while (kt_json_field(j, &first, r->a, &name)) {
        kt_rc rc = 0;
        unsigned bit = kt_str_eq(name, KT_S("start")) ? 1 : kt_str_eq(name, KT_S("end")) ? 2 : kt_str_eq(name, KT_S("label")) ? 4 : 0;
        if (bit == 4)
            rc = label(r, j, x, "/label");
        else if (bit)
            rc = place(r, j, bit == 1 ? &x->start : &x->end, bit == 1 ? "/start" : "/end");
        else if (!kt_json_skip(j, NULL))
            rc = wrong(r, KT_PARSE, j->wrong, "");
        KT_TRY(rc);
        seen |= bit;
    }
    return j->wrong || seen != 7 ? wrong(r, KT_PARSE, j->wrong ? j->wrong : "start, end and label must all be there", "") : 0;
}

/* [0,3,"x"] */
static kt_rc span_list(struct reading *r, kt_json *j, kt_answer_part *x)
{
    bool first = true;
    if (!kt_json_enter(j, '[') || !kt_json_element(j, &first))
        return wrong(r, KT_PARSE, "expected [start, end, label]", "");
    KT_TRY(place(r, j, &x->start, "/0"));
    if (!kt_json_element(j, &first))
        return wrong(r, KT_PARSE, "expected [start, end, label]", "");
    KT_TRY(place(r, j, &x->end, "/1"));
    if (!kt_json_element(j, &first))
        return wrong(r, KT_PARSE, "expected [start, end, label]", "");
    KT_TRY(label(r, j, x, "/2"));
    return kt_json_element(j, &first) || j->wrong ? wrong(r, KT_PARSE, "expected [start, end, label] and no more", "") : 0;
}

static kt_rc one(struct reading *r, kt_json *j)
{
    kt_answer_part x = { 0 };
    if (r->p->task != KT_TASK_SPANS)
        KT_TRY(label(r, j, &x, ""));
    else
        KT_TRY(kt_json_peek(j) == KT_JSON_ARRAY ? span_list(r, j, &x) : span_object(r, j, &x));
    KT_PUSH(&r->v, x);
    return 0;
}

static kt_rc read_json(struct reading *r, kt_str text)
{
    kt_json j = { .s = text };
    bool first = true;
    if (r->p->task == KT_TASK_CLASSES)
        KT_TRY(one(r, &j));
    else if (kt_json_peek(&j) != KT_JSON_ARRAY || !kt_json_enter(&j, '['))
        return wrong(r, KT_PARSE, r->p->task == KT_TASK_SPANS ? "expected a list of regions" : "expected a list of labels", "");
    else
        while (kt_json_element(&j, &first))
            KT_TRY(one(r, &j));
    return j.wrong || !kt_json_end(&j) ? wrong(r, KT_PARSE, j.wrong ? j.wrong : "something follows the answer", "") : 0;
}

static kt_rc read_cell(struct reading *r, kt_str text)
{
    kt_str part;
    if (r->p->task == KT_TASK_CLASSES)
        return add_name(r, text);
    text = kt_str_trim(text);
    if (text.n == 0)
        return wrong(r, KT_PARSE, r->p->task == KT_TASK_SPANS ? "is empty: [] says that there is no region" : "is empty: (none) says that there is none of the labels", "");
    if (text.p[0] == '[' || r->p->task == KT_TASK_SPANS)
        return read_json(r, text);
    if (kt_str_eq(text, KT_S("(none)")))
        return 0;
    while (kt_str_cut(&text, ';', &part))
        KT_TRY(add_name(r, kt_str_trim(part)));
    return 0;
}

kt_rc kt_answer_read(const kt_project *p, kt_str text, bool json, kt_arena *a, kt_answer_said *ret, kt_err *err)
{
    struct reading r = { .p = p, .a = a, .err = err };
    kt_rc rc = json ? read_json(&r, text) : read_cell(&r, text);
    *ret = (kt_answer_said){ kt_arena_array(a, r.v.n, sizeof(*r.v.v)), r.v.n };
    if (r.v.n)
        memcpy(ret->part, r.v.v, r.v.n * sizeof(*r.v.v));
    KT_VEC_DONE(&r.v);
    return rc;
}
