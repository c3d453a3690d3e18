/* What the kinds of labeling functions share: making them ready, one item after the other through all of them, and what went wrong. */
#include "provider/functions.h"

#include "base/json.h"
#include "base/str.h"
#include "provider/functions_int.h"

#include <stdarg.h>
#include <stdio.h>

#define REGEX_LIMITS 1000 /* texts a regex may give up on before it is off: each costs a millisecond or two */
#define LUA_LIMITS 100 /* times a Lua function may run out of steps or memory before it is off: each costs some tens of milliseconds */

static bool wants(const kt_functions *f, const bool *want, uint32_t rule)
{
    return (!want || want[rule]) && f->rule[rule].kind == KT_FUNCTION_RULE;
}

static kt_rc compile_slot(kt_functions *f, const bool *want, size_t slot, kt_err *err)
{
    kt_patterns p = { 0 };
    for (size_t i = 0; i < f->patterns[slot].n; i++)
        if (wants(f, want, f->patterns[slot].v[i].rule))
            KT_PUSH(&p, f->patterns[slot].v[i]);
    kt_rc rc = p.n ? kt_matcher_new(&p, f->o.file, f->o.task == KT_TASK_SPANS, &f->matcher[slot], err) : 0;
    KT_VEC_DONE(&p);
    return rc;
}

kt_rc kt_functions_compile(kt_functions *f, const bool *want, kt_err *err)
{
    f->matcher = kt_arena_array(&f->arena, f->fields.n + 1, sizeof(*f->matcher));
    f->any_lua = f->any_agree = f->any_field = false;
    for (uint32_t i = 0; i < f->n; i++) {
        kt_rule *r = &f->rule[i];
        r->wanted = !want || want[i];
        f->any_lua |= r->wanted && r->kind == KT_FUNCTION_LUA;
        f->any_agree |= r->wanted && r->n_agree;
        f->any_field |= r->wanted && (r->n_where || (r->slot != KT_FUNCTION_TEXT && r->kind != KT_FUNCTION_COMMAND));
    }
    for (size_t i = 0; i <= f->fields.n; i++)
        KT_TRY(compile_slot(f, want, i, err));
    kt_lua *probe = NULL; /* programs are compiled in every thread; a fault in one shows here, once */
    kt_rc rc = f->any_lua ? kt_lua_new(f, &probe, err) : 0;
    kt_lua_free(probe);
    return rc;
}

kt_functions *kt_functions_free(kt_functions *f)
{
    if (!f)
        return NULL;
    for (size_t i = 0; i <= f->fields.n; i++) {
        if (f->matcher)
            kt_matcher_free(f->matcher[i]);
        KT_VEC_DONE(&f->patterns[i]);
    }
    for (size_t i = 0; i < f->commands.n; i++) {
        kt_command_done(f->commands.v[i]);
        kt_free(f->commands.v[i]);
    }
    KT_VEC_DONE(&f->fields);
    KT_VEC_DONE(&f->commands);
    kt_arena_done(&f->arena);
    return kt_free(f);
}

uint32_t kt_functions_count(const kt_functions *f)
{
    return f->n;
}

kt_str kt_functions_name(const kt_functions *f, uint32_t i)
{
    return f->rule[i].name;
}

int32_t kt_functions_label(const kt_functions *f, uint32_t i)
{
    return f->rule[i].label;
}

const char *kt_functions_kind(const kt_functions *f, uint32_t i)
{
    static const char *const kinds[] = { [KT_FUNCTION_RULE] = "rule", [KT_FUNCTION_LUA] = "lua", [KT_FUNCTION_COMMAND] = "command", [KT_FUNCTION_FIELD] = "field",
                                        [KT_FUNCTION_PROJECT] = "project" };
    return kinds[f->rule[i].kind];
}

int32_t kt_function_label_of(const kt_functions *f, kt_str name)
{
    for (uint32_t c = 0; c < f->o.n_labels; c++)
        if (kt_str_eq(name, f->o.labels[c]))
            return (int32_t)c;
    return -1;
}

kt_rc kt_functions_scratch_new(const kt_functions *f, kt_functions_scratch **ret, kt_err *err)
{
    kt_functions_scratch *s = kt_zalloc(sizeof(*s));
    s->f = f;
    s->hit = kt_zalloc_array((size_t)f->n + 1, sizeof(*s->hit));
    s->fault = kt_zalloc_array((size_t)f->n + 1, sizeof(*s->fault));
    s->value = kt_zalloc_array(f->fields.n + 1, sizeof(*s->value));
    kt_rc rc = kt_match_scratch_new(f->matcher, f->fields.n + 1, &s->match, err);
    if (rc == 0 && f->any_lua)
        rc = kt_lua_new(f, &s->lua, err);
    if (rc < 0)
        return kt_functions_scratch_free(s), rc;
    *ret = s;
    return 0;
}

kt_functions_scratch *kt_functions_scratch_free(kt_functions_scratch *s)
{
    if (!s)
        return NULL;
    kt_match_scratch_free(s->match);
    kt_lua_free(s->lua);
    kt_free(s->hit);
    kt_free(s->value);
    kt_free(s->fault);
    kt_free(s->region.v);
    kt_arena_done(&s->arena);
    return kt_free(s);
}

/* ---- what went wrong ---- */

void kt_function_fault_note(kt_functions_scratch *s, uint32_t rule, const kt_item *it, const char *fmt, ...)
{
    kt_function_fault *x = &s->fault[rule];
    if (x->n++ && x->item <= it->number)
        return;
    x->item = it->number;
    snprintf(x->id, sizeof(x->id), "%.*s", (int)KT_MIN(it->ext_id.n, sizeof(x->id) - 1), it->ext_id.p);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(x->said, sizeof(x->said), fmt, ap);
    va_end(ap);
}

void kt_function_limit(const kt_functions *f, uint32_t rule, int most)
{
    if (atomic_fetch_add(&f->limits[rule], 1) + 1 >= most)
        atomic_store(&f->off[rule], true);
}

bool kt_function_is_off(const kt_functions *f, uint32_t rule)
{
    return atomic_load(&f->off[rule]);
}

void kt_functions_forget_faults(kt_functions_scratch *s)
{
    memset(s->fault, 0, s->f->n * sizeof(*s->fault));
}

void kt_functions_gather(const kt_functions *f, kt_functions_scratch *const *s, size_t n, kt_function_fault *ret)
{
    for (size_t i = 0; i < n && s[i]; i++)
        for (uint32_t j = 0; j < f->n; j++) {
            const kt_function_fault *x = &s[i]->fault[j];
            uint64_t sum = ret[j].n + x->n;
            if (x->n && (!ret[j].n || x->item < ret[j].item))
                ret[j] = *x;
            ret[j].n = sum;
        }
    for (uint32_t j = 0; j < f->n; j++)
        ret[j].off = kt_function_is_off(f, j);
}

/* ---- one item ---- */

/* Values of the fields the functions look at; .p NULL where the item has none. */
static void read_fields(kt_functions_scratch *s, kt_str meta)
{
    const kt_functions *f = s->f;
    kt_json j = { .s = meta };
    bool first = true;
    kt_str name, value;
    memset(s->value, 0, f->fields.n * sizeof(*s->value));
    if (!meta.n || !kt_json_enter(&j, '{'))
        return;
    while (kt_json_field(&j, &first, &s->arena, &name)) {
        int kind = kt_json_peek(&j);
        if (!(kind == KT_JSON_STRING ? kt_json_string(&j, &s->arena, &value) : kt_json_skip(&j, &value)))
            return;
        for (size_t i = 0; kind != KT_JSON_NULL && i < f->fields.n; i++)
            if (kt_str_eq(name, f->fields.v[i]))
                s->value[i] = value;
    }
}

static int64_t count_chars(kt_str s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static bool agrees(const kt_rule *r, const int16_t *vote)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < r->n_agree; k++)
        n += vote[r->agree[k]] == r->label;
    return n >= r->at_least;
}

static bool holds(kt_functions_scratch *s, const kt_rule *r, const kt_hit *h, kt_str text)
{
    if (h->none || (r->has_any && !h->any) || (r->has_dictionary && !h->dictionary) || (r->has_regex && !h->regex) || h->all != r->n_all)
        return false;
    for (uint32_t k = 0; k < r->n_where; k++)
        if (!kt_where_holds(&r->where[k], s->value[r->where[k].slot]))
            return false;
    if (!r->measured)
        return true;
    int64_t n = count_chars(r->slot == KT_FUNCTION_TEXT ? text : s->value[r->slot]);
    return n >= r->min_chars && n <= r->max_chars;
}

int16_t kt_function_named(kt_functions_scratch *s, uint32_t i, const kt_item *it, kt_str name)
{
    int32_t label = kt_function_label_of(s->f, name);
    if (label < 0)
        kt_function_fault_note(s, i, it, "said '%.*s', which is no label of the project", (int)KT_MIN(name.n, 64), name.p);
    return label < 0 ? KT_ABSTAIN : (int16_t)label;
}

static int16_t lua_vote(kt_functions_scratch *s, uint32_t i, const kt_item *it)
{
    kt_err err = { 0 };
    kt_str name;
    if (kt_function_is_off(s->f, i))
        return KT_ABSTAIN;
    kt_rc rc = kt_lua_call(s->lua, i, &name, &err);
    if (rc < 0) {
        kt_function_fault_note(s, i, it, "%s", err.what);
        if (rc == KT_LIMIT)
            kt_function_limit(s->f, i, LUA_LIMITS);
        return KT_ABSTAIN;
    }
    return name.p ? kt_function_named(s, i, it, name) : KT_ABSTAIN;
}

void kt_function_look(kt_functions_scratch *s, const kt_item *it)
{
    const kt_functions *f = s->f;
    s->region.n = 0;
    memset(s->hit, 0, f->n * sizeof(*s->hit));
    if (f->any_field)
        read_fields(s, it->meta);
    for (size_t i = 0; i <= f->fields.n; i++)
        if (f->matcher[i])
            kt_match(f->matcher[i], s->match, i ? s->value[i - 1] : it->text, f->off, s->hit, f->o.task == KT_TASK_SPANS && i == 0 ? &s->region : NULL);
}

bool kt_function_holds(kt_functions_scratch *s, uint32_t i, const kt_item *it)
{
    const kt_functions *f = s->f;
    if (s->hit[i].flood)
        kt_function_fault_note(s, i, it, "marks too many places of this text");
    if (s->hit[i].gave_up) {
        kt_function_fault_note(s, i, it, "a regex gave up: it tries too many ways to match this text");
        kt_function_limit(f, i, REGEX_LIMITS);
    }
    return !s->hit[i].gave_up && !s->hit[i].flood && holds(s, &f->rule[i], &s->hit[i], it->text);
}

static int16_t other_vote(const kt_other *o, const kt_item *it)
{
    uint64_t hash = kt_id_hash(it->ext_id);
    size_t lo = 0;
    for (size_t hi = o->n; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;
        if (o->id_hash[mid] < hash)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < o->n && o->id_hash[lo] == hash ? o->label[lo] : KT_ABSTAIN;
}

static void apply_item(kt_functions_scratch *s, const kt_item *it, int16_t *vote)
{
    const kt_functions *f = s->f;
    kt_arena_reset(&s->arena);
    kt_function_look(s, it);
    if (s->lua)
        kt_lua_item(s->lua, it);
    for (uint32_t i = 0; i < f->n; i++) {
        const kt_rule *r = &f->rule[i];
        if (!r->wanted)
            continue;
        if (r->kind == KT_FUNCTION_RULE) {
            vote[i] = kt_function_holds(s, i, it) ? (int16_t)r->label : KT_ABSTAIN;
        } else if (r->kind == KT_FUNCTION_LUA) {
            vote[i] = lua_vote(s, i, it);
        } else if (r->kind == KT_FUNCTION_PROJECT) {
            vote[i] = other_vote(&r->other, it);
        } else if (r->kind == KT_FUNCTION_FIELD) {
            vote[i] = s->value[r->slot].n ? kt_function_named(s, i, it, s->value[r->slot]) : KT_ABSTAIN;
        }
    }
}

void kt_functions_apply(kt_functions_scratch *s, const kt_item *items, size_t n, int16_t *vote)
{
    const kt_functions *f = s->f;
    for (size_t i = 0; i < n; i++)
        apply_item(s, &items[i], vote + i * f->n);
    for (size_t c = 0; c < f->commands.n; c++)
        kt_command_apply(s, f->commands.v[c], items, n, vote);
    for (size_t i = 0; f->any_agree && i < n; i++) /* in order: each looks at functions above it */
        for (uint32_t j = 0; j < f->n; j++)
            if (f->rule[j].wanted && f->rule[j].n_agree && vote[i * f->n + j] != KT_ABSTAIN && !agrees(&f->rule[j], vote + i * f->n))
                vote[i * f->n + j] = KT_ABSTAIN;
}
