/* Functions where a label is not of the whole item alone: several labels an item, or regions of its text. What they say is a list of marks,
   one after the other, item by item, however few or many; places are code points, as in the formats such labels go to and come from. */
#include "provider/functions.h"

#include "base/json.h"
#include "base/str.h"
#include "provider/functions_int.h"

#define LUA_LIMITS 100 /* as for votes: functions.c */

kt_task kt_functions_task(const kt_functions *f)
{
    return f->o.task;
}

bool kt_functions_has_fields(const kt_functions_scratch *s)
{
    bool any = false;
    for (size_t i = 0; i < s->f->fields.n; i++)
        any |= s->value[i].n > 0;
    return any;
}

bool kt_functions_agree(const kt_functions *f)
{
    bool any = false;
    for (uint32_t i = 0; i < f->n; i++)
        any |= f->rule[i].n_agree > 0;
    return any;
}

static bool spans(const kt_functions_scratch *s)
{
    return s->f->o.task == KT_TASK_SPANS;
}

static void add(kt_functions_scratch *s, uint32_t i, uint32_t row, int32_t label, uint32_t start, uint32_t end)
{
    KT_PUSH(s->marks, ((kt_mark){ row, (uint16_t)i, (int16_t)label, start, end }));
}

/* ---- places ---- */

static uint32_t code_points(const char *p, size_t n)
{
    return (uint32_t)kt_utf8_length((kt_str){ p, n });
}

/* A region in bytes; false: it is none, or begins or ends inside a character. */
static bool add_bytes(kt_functions_scratch *s, uint32_t i, uint32_t row, const kt_item *it, int32_t label, double start, double end)
{
    size_t n = it->text.n;
    if (!(start >= 0 && start < end && end <= (double)n) || start != (double)(size_t)start || end != (double)(size_t)end)
        return false;
    size_t from = (size_t)start, to = (size_t)end;
    if (((unsigned char)it->text.p[from] & 0xc0) == 0x80 || (to < n && ((unsigned char)it->text.p[to] & 0xc0) == 0x80))
        return false;
    uint32_t first = code_points(it->text.p, from);
    add(s, i, row, label, first, first + code_points(it->text.p + from, to - from));
    return true;
}

/* ---- rules ---- */

static int by_start(const void *a, const void *b)
{
    const kt_region *x = a, *y = b;
    if (x->rule != y->rule)
        return (x->rule > y->rule) - (x->rule < y->rule);
    return x->start != y->start ? (x->start > y->start) - (x->start < y->start) : (x->end < y->end) - (x->end > y->end);
}

/* Of regions that overlap the first, and of those that begin together the longest. One pass over the text for each rule. */
static void mark_regions(kt_functions_scratch *s, uint32_t i, uint32_t row, const kt_item *it)
{
    size_t at = 0;
    uint32_t chars = 0;
    for (size_t k = 0; k < s->region.n; k++) {
        const kt_region *g = &s->region.v[k];
        if (g->rule != i || g->start < at)
            continue;
        uint32_t start = chars + code_points(it->text.p + at, g->start - at);
        chars = start + code_points(it->text.p + g->start, g->end - g->start);
        at = g->end;
        add(s, i, row, s->f->rule[i].label, start, chars);
    }
}

/* Functions above that gave this label to this item. from: where the item's marks begin. */
static bool agrees(const kt_functions_scratch *s, const kt_rule *r, size_t from)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < r->n_agree; k++) {
        bool said = false;
        for (size_t j = from; j < s->marks->n && !said; j++)
            said = s->marks->v[j].function == r->agree[k] && s->marks->v[j].label == r->label;
        n += said;
    }
    return !r->n_agree || n >= r->at_least;
}

/* ---- what comes as a list ---- */

static int32_t label_or_own(kt_functions_scratch *s, uint32_t i, const kt_item *it, kt_str name)
{
    if (name.p)
        return kt_function_named(s, i, it, name);
    if (s->f->rule[i].label < 0)
        kt_function_fault_note(s, i, it, "marked a region without a label; give one with each, or 'label' in its definition");
    return s->f->rule[i].label;
}

static void lua_marks(kt_functions_scratch *s, uint32_t i, uint32_t row, const kt_item *it)
{
    kt_err err = { 0 };
    kt_lua_mark *v = NULL;
    size_t n;
    if (kt_function_is_off(s->f, i))
        return;
    kt_rc rc = kt_lua_marks(s->lua, i, spans(s), &v, &n, &err);
    if (rc < 0) {
        kt_function_fault_note(s, i, it, "%s", err.what);
        if (rc == KT_LIMIT)
            kt_function_limit(s->f, i, LUA_LIMITS);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        int32_t label = label_or_own(s, i, it, v[k].label);
        if (label < 0)
            continue;
        if (!spans(s))
            add(s, i, row, label, 0, 0);
        else if (!add_bytes(s, i, row, it, label, v[k].start - 1, v[k].end))
            kt_function_fault_note(s, i, it, "marked bytes %g to %g, which are no whole characters of this text of %zu bytes", v[k].start, v[k].end, it->text.n);
    }
}

/* [start, end], [start, end, label] or {"start", "end", "label"}. */
static bool read_span(kt_json *j, kt_arena *a, double at[2], kt_str *label)
{
    bool first = true, ok = true, list = kt_json_peek(j) == KT_JSON_ARRAY;
    kt_str name;
    int n = 0, got = 0;
    *label = (kt_str){ NULL, 0 };
    if (!kt_json_enter(j, list ? '[' : '{'))
        return false;
    while (ok && (list ? kt_json_element(j, &first) : kt_json_field(j, &first, a, &name))) {
        int place = list ? n++ : kt_str_eq(name, KT_S("start")) ? 0 : kt_str_eq(name, KT_S("end")) ? 1 : kt_str_eq(name, KT_S("label")) ? 2 : 3;
        if (place < 2)
            ok = kt_json_number(j, &at[place]), got |= 1 << place;
        else if (place == 2 && kt_json_peek(j) != KT_JSON_NULL)
            ok = kt_json_string(j, a, label);
        else
            ok = !(list && place > 2) && kt_json_skip(j, NULL);
    }
    return ok && !j->wrong && got == 3;
}

static bool take_span(kt_functions_scratch *s, uint32_t i, uint32_t row, const kt_item *it, kt_json *j, uint32_t length)
{
    double at[2];
    kt_str name;
    if (!read_span(j, &s->arena, at, &name))
        return false;
    int32_t label = label_or_own(s, i, it, name);
    if (label < 0)
        return true;
    if (!(at[0] >= 0 && at[0] < at[1] && at[1] <= (double)length) || at[0] != (double)(uint32_t)at[0] || at[1] != (double)(uint32_t)at[1])
        kt_function_fault_note(s, i, it, "marked %g to %g, which is no part of this text of %u characters", at[0], at[1], length);
    else
        add(s, i, row, label, (uint32_t)at[0], (uint32_t)at[1]);
    return true;
}

static bool take_label(kt_functions_scratch *s, uint32_t i, uint32_t row, const kt_item *it, kt_json *j)
{
    kt_str name;
    if (!kt_json_string(j, &s->arena, &name))
        return false;
    int16_t label = kt_function_named(s, i, it, name);
    if (label >= 0)
        add(s, i, row, label, 0, 0);
    return true;
}

bool kt_function_take_marks(kt_functions_scratch *s, uint32_t i, uint32_t row, const kt_item *it, kt_str json)
{
    kt_json j = { .s = json };
    bool first = true;
    size_t before = s->marks->n;
    if (!spans(s) && kt_json_peek(&j) == KT_JSON_STRING)
        return take_label(s, i, row, it, &j) && kt_json_end(&j);
    uint32_t length = spans(s) ? code_points(it->text.p, it->text.n) : 0;
    if (!kt_json_enter(&j, '['))
        return false;
    while (kt_json_element(&j, &first)) {
        if (!(spans(s) ? take_span(s, i, row, it, &j, length) : take_label(s, i, row, it, &j)))
            return false;
        if (s->marks->n - before > KT_MAX_MARKS) {
            kt_function_fault_note(s, i, it, "marked more than %d places of this text", KT_MAX_MARKS);
            s->marks->n = before;
            return true;
        }
    }
    return !j.wrong && kt_json_end(&j);
}

/* A field's value is text; a list is there as JSON. Anything else is a label's name where labels are of items. */
static void field_marks(kt_functions_scratch *s, uint32_t i, uint32_t row, const kt_item *it)
{
    kt_str v = s->value[s->f->rule[i].slot];
    if (!v.n)
        return;
    if (v.p[0] == '[') {
        if (!kt_function_take_marks(s, i, row, it, v))
            kt_function_fault_note(s, i, it, "field %.*s holds no list of %s", KT_F(s->f->fields.v[s->f->rule[i].slot]), spans(s) ? "[start, end, label]" : "labels");
    } else if (spans(s)) {
        kt_function_fault_note(s, i, it, "field %.*s holds no list of [start, end, label]", KT_F(s->f->fields.v[s->f->rule[i].slot]));
    } else {
        int16_t label = kt_function_named(s, i, it, v);
        if (label >= 0)
            add(s, i, row, label, 0, 0);
    }
}

/* ---- an item ---- */

static void mark_item(kt_functions_scratch *s, uint32_t row, const kt_item *it)
{
    const kt_functions *f = s->f;
    size_t from = s->marks->n;
    kt_arena_reset(&s->arena);
    kt_function_look(s, it);
    if (s->region.n)
        qsort(s->region.v, s->region.n, sizeof(*s->region.v), by_start);
    if (s->lua)
        kt_lua_item(s->lua, it);
    for (uint32_t i = 0; i < f->n; i++) {
        const kt_rule *r = &f->rule[i];
        if (!r->wanted)
            continue;
        if (r->kind == KT_FUNCTION_LUA) {
            lua_marks(s, i, row, it);
        } else if (r->kind == KT_FUNCTION_FIELD) {
            field_marks(s, i, row, it);
        } else if (r->kind == KT_FUNCTION_RULE && kt_function_holds(s, i, it) && agrees(s, r, from)) {
            if (spans(s))
                mark_regions(s, i, row, it);
            else
                add(s, i, row, r->label, 0, 0);
        }
    }
}

static int by_place(const void *a, const void *b)
{
    const kt_mark *x = a, *y = b;
    if (x->row != y->row)
        return (x->row > y->row) - (x->row < y->row);
    if (x->function != y->function)
        return (x->function > y->function) - (x->function < y->function);
    if (x->start != y->start)
        return (x->start > y->start) - (x->start < y->start);
    return x->end != y->end ? (x->end > y->end) - (x->end < y->end) : (x->label > y->label) - (x->label < y->label);
}

void kt_functions_mark(kt_functions_scratch *s, const kt_item *items, size_t n, kt_marks *ret)
{
    size_t from = ret->n, k = from;
    s->marks = ret;
    for (size_t i = 0; i < n; i++)
        mark_item(s, (uint32_t)i, &items[i]);
    for (size_t c = 0; c < s->f->commands.n; c++)
        kt_command_apply(s, s->f->commands.v[c], items, n, NULL);
    s->marks = NULL;
    if (ret->n > from)
        qsort(ret->v + from, ret->n - from, sizeof(*ret->v), by_place);
    for (size_t i = from; i < ret->n; i++)
        if (i == from || by_place(&ret->v[i], &ret->v[k - 1]) != 0)
            ret->v[k++] = ret->v[i];
    ret->n = k;
}
