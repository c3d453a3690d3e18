/* LuaJIT, sandboxed: no io, os, package, debug, ffi, load or bytecode, no catching of errors, nothing random. Memory through a counting
   allocator: what is held at once and what a call takes in all. Time through an instruction hook, with the compiler off since compiled
   traces do not call hooks, and through steps that the text and table functions charge (functions_lua_text.c); a call gets more of them
   for a longer text. Each program has its own copies of the libraries and its own globals, which it cannot write once it is loaded. */
#include "provider/functions_lua_int.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>

#define BASE_STEPS 4000000u
#define STEPS_PER_BYTE 20u
#define MAX_CALL_US 2000000 /* the last resort, for what neither bound sees */
#define HOOK_STEPS 1000
#define BALLAST_BYTES ((size_t)64 << 10)

struct kt_lua {
    lua_State *L;
    kt_lua_memory memory;    /* taken: since the call began */
    uint64_t steps, allowed; /* of the call */
    int64_t until_us;
    int *ref;                /* function references, LUA_NOREF where there is none */
    int item, data;          /* references: the item functions get; the table behind it */
    int text_key, meta_key;  /* references: the strings "text" and "meta", so that taking a field back allocates nothing */
    bool has_text, has_meta; /* the table holds the text of an earlier item, the fields of an earlier call */
    const kt_item *it;
    kt_arena arena;          /* of push_json; errors leave by longjmp */
};

static void *lua_memory(void *ud, void *ptr, size_t osize, size_t nsize)
{
    return kt_lua_memory_change(&((kt_lua *)ud)->memory, ptr, osize, nsize);
}

static kt_lua *self(lua_State *L)
{
    void *ud;
    lua_getallocf(L, &ud);
    return ud;
}

void kt_lua_charge(lua_State *L, uint64_t steps)
{
    kt_lua *l = self(L);
    l->steps += steps;
    if (l->steps > l->allowed)
        luaL_error(L, "ran longer than %d million steps", (int)(l->allowed / 1000000));
}

uint64_t kt_lua_allowance(lua_State *L)
{
    kt_lua *l = self(L);
    return l->steps < l->allowed ? l->allowed - l->steps : 0;
}

static void on_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    kt_lua_charge(L, HOOK_STEPS);
    kt_lua *l = self(L);
    int64_t now = kt_mono_us();
    if (!l->until_us) /* most calls end before the first hook and never look at the clock */
        l->until_us = now + MAX_CALL_US;
    if (now > l->until_us)
        luaL_error(L, "ran longer than %d s", MAX_CALL_US / 1000000);
}

/* What a call may do from here on. */
static void begin_call(kt_lua *l, size_t text_bytes)
{
    l->memory.taken = 0;
    l->steps = 0;
    l->allowed = BASE_STEPS + STEPS_PER_BYTE * (uint64_t)text_bytes;
    l->until_us = 0;
}

/* ---- the item ---- */

static bool push_json(lua_State *L, kt_json *j, kt_arena *a)
{
    kt_str s;
    double d;
    bool first = true;
    int kind = kt_json_peek(j);
    luaL_checkstack(L, 4, "nested too deeply");
    if (kind == KT_JSON_STRING && kt_json_string(j, a, &s))
        return lua_pushlstring(L, s.p, s.n), true;
    if (kind == KT_JSON_NUMBER && kt_json_number(j, &d))
        return lua_pushnumber(L, d), true;
    if (kind == KT_JSON_OBJECT && kt_json_enter(j, '{')) {
        lua_newtable(L);
        while (kt_json_field(j, &first, a, &s)) {
            lua_pushlstring(L, s.p, s.n);
            if (!push_json(L, j, a))
                return false;
            lua_rawset(L, -3);
        }
        return !j->wrong;
    }
    if (kind == KT_JSON_ARRAY && kt_json_enter(j, '[')) {
        lua_newtable(L);
        for (int i = 1; kt_json_element(j, &first); i++) {
            if (!push_json(L, j, a))
                return false;
            lua_rawseti(L, -2, i);
        }
        return !j->wrong;
    }
    if (kind < 0 || !kt_json_skip(j, NULL))
        return false;
    if (kind == KT_JSON_NULL)
        lua_pushnil(L);
    else
        lua_pushboolean(L, kind == KT_JSON_TRUE);
    return true;
}

/* Keeps the value on top in the data at 1 under that key, and leaves it on top. */
static void keep_field(lua_State *L, int key)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, key);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
}

/* The text is no part of what the call takes: whether another function asked for it before must not matter. */
static void push_text(lua_State *L, kt_lua *l)
{
    size_t taken = l->memory.taken;
    lua_pushlstring(L, l->it->text.p, l->it->text.n);
    l->memory.taken = taken;
    keep_field(L, l->text_key);
    l->has_text = true;
}

static void push_meta(lua_State *L, kt_lua *l)
{
    if (l->has_meta) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, l->meta_key);
        lua_rawget(L, 1);
        return;
    }
    int top = lua_gettop(L);
    kt_json j = { .s = l->it->meta };
    kt_arena_reset(&l->arena);
    if (!l->it->meta.n || kt_json_peek(&j) != KT_JSON_OBJECT || !push_json(L, &j, &l->arena)) {
        lua_settop(L, top);
        lua_newtable(L);
    }
    keep_field(L, l->meta_key);
    l->has_meta = true;
}

/* The id, the text, the item's fields as a table, or one of them, made when first asked for: __index of the data behind the item. */
static int item_index(lua_State *L)
{
    kt_lua *l = self(L);
    kt_str key = { NULL, 0 };
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TSTRING)
        key.p = lua_tolstring(L, 2, &key.n);
    if (kt_str_eq(key, KT_S("text")))
        return push_text(L, l), 1;
    if (kt_str_eq(key, KT_S("id")))
        return lua_pushlstring(L, l->it->ext_id.p, l->it->ext_id.n), 1;
    push_meta(L, l);
    if (kt_str_eq(key, KT_S("meta")))
        return 1;
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

static int item_newindex(lua_State *L)
{
    return luaL_error(L, "an item cannot be changed");
}

static int no_globals(lua_State *L)
{
    return luaL_error(L, "there is no global '%s' to set; say local", lua_isstring(L, 2) ? lua_tostring(L, 2) : "?");
}

/* item → (metatable: __index = data) ; data → (metatable: __index = item_index). Functions hold the outer, which is never written. */
static void open_item(lua_State *L, kt_lua *l)
{
    lua_newtable(L);
    lua_newtable(L);
    lua_pushcfunction(L, item_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_newtable(L);
    lua_newtable(L);
    lua_pushcfunction(L, item_index);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    l->data = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    l->item = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushliteral(L, "text");
    l->text_key = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushliteral(L, "meta");
    l->meta_key = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Memory that is held and never touched: the collector goes round when twice of what is held has been taken, and what the sandbox itself
   holds is so little that it would go round every hundred texts. */
static void hold_ballast(lua_State *L)
{
    lua_newuserdata(L, BALLAST_BYTES);
    luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Takes a field of the data back that is there. Allocates nothing: out here an error would end the program. */
static void forget(kt_lua *l, bool *has, int key)
{
    if (!*has)
        return;
    lua_rawgeti(l->L, LUA_REGISTRYINDEX, l->data);
    lua_rawgeti(l->L, LUA_REGISTRYINDEX, key);
    lua_pushnil(l->L);
    lua_rawset(l->L, -3);
    lua_pop(l->L, 1);
    *has = false;
}

void kt_lua_item(kt_lua *l, const kt_item *it)
{
    lua_settop(l->L, 0);
    forget(l, &l->has_text, l->text_key);
    l->it = it;
}

/* ---- the sandbox ---- */

static void copy_table(lua_State *L, const char *global)
{
    lua_newtable(L);
    lua_getglobal(L, global);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
}

/* The globals of one program, left on the stack: what is named here and nothing else. */
static void push_environment(lua_State *L)
{
    static const char *const kept[] = { "assert", "error", "ipairs", "next", "pairs", "select", "tonumber", "tostring", "type", "unpack" };
    static const char *const libraries[] = { "string", "table", "math", "karat" };
    lua_newtable(L);
    for (size_t i = 0; i < KT_LEN(kept); i++) {
        lua_getglobal(L, kept[i]);
        lua_setfield(L, -2, kept[i]);
    }
    for (size_t i = 0; i < KT_LEN(libraries); i++) {
        copy_table(L, libraries[i]);
        lua_setfield(L, -2, libraries[i]);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
}

static void remove_fields(lua_State *L, const char *const *name, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        lua_pushnil(L);
        lua_setfield(L, -2, name[i]);
    }
}

static int open_sandbox(lua_State *L)
{
    static const lua_CFunction open[] = { luaopen_base, luaopen_string, luaopen_table, luaopen_math };
    static const char *const text[] = { "dump" }, *const random[] = { "random", "randomseed" }, *const tables[] = { "foreach", "foreachi", "move" };
    for (size_t i = 0; i < KT_LEN(open); i++) {
        lua_pushcfunction(L, open[i]);
        lua_call(L, 0, 0);
    }
    lua_getglobal(L, "string"); /* also what ("text"):method() finds, so it is changed in place */
    remove_fields(L, text, KT_LEN(text));
    kt_lua_open_string(L);
    lua_getglobal(L, "math");
    remove_fields(L, random, KT_LEN(random));
    lua_getglobal(L, "table");
    remove_fields(L, tables, KT_LEN(tables));
    kt_lua_open_table(L);
    kt_lua_open_helpers(L);
    open_item(L, self(L));
    hold_ballast(L);
    return 0;
}

struct program {
    kt_str source;
    int ref;
};

/* Compiles "function(item) … end", or a chunk that returns one; leaves a function. */
static void compile(lua_State *L, kt_str source)
{
    lua_pushliteral(L, "return ");
    lua_pushlstring(L, source.p, source.n);
    lua_concat(L, 2);
    size_t n;
    const char *code = lua_tolstring(L, -1, &n);
    if (luaL_loadbufferx(L, code, n, "=function", "t") == 0)
        return;
    lua_pop(L, 1);
    if (luaL_loadbufferx(L, source.p, source.n, "=function", "t") != 0)
        lua_error(L);
}

/* Runs the chunk once, in globals of its own, to get the function. */
static int load_program(lua_State *L)
{
    struct program *p = lua_touserdata(L, 1);
    compile(L, p->source);
    push_environment(L);
    lua_pushvalue(L, -1);
    lua_setfenv(L, -3);
    lua_insert(L, -2);
    lua_call(L, 0, 1);
    if (!lua_isfunction(L, -1))
        return luaL_error(L, "the program returns no function");
    lua_newtable(L);
    lua_pushcfunction(L, no_globals);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -3);
    p->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static kt_rc add_program(kt_lua *l, const kt_functions *f, uint32_t i, kt_err *err)
{
    struct program p = { f->rule[i].lua, LUA_NOREF };
    begin_call(l, 0);
    int rc = lua_cpcall(l->L, load_program, &p);
    l->ref[i] = p.ref;
    if (rc == 0)
        return 0;
    const char *said = lua_tostring(l->L, -1);
    kt_fail(err, KT_PARSE, "function %.*s: %s", KT_F(f->rule[i].name), said ? said : "does not load");
    kt_at(err, f->o.file, 0, "lua");
    lua_settop(l->L, 0);
    return KT_PARSE;
}

kt_rc kt_lua_new(const kt_functions *f, kt_lua **ret, kt_err *err)
{
    kt_lua *l = kt_zalloc(sizeof(*l));
    l->ref = kt_alloc_array((size_t)f->n + 1, sizeof(int));
    kt_lua_memory_init(&l->memory);
    begin_call(l, 0);
    l->L = lua_newstate(lua_memory, l);
    kt_rc rc = 0;
    if (!l->L || lua_cpcall(l->L, open_sandbox, NULL) != 0)
        rc = kt_fail(err, KT_NOMEM, "the Lua sandbox could not start");
    if (rc == 0) {
        luaJIT_setmode(l->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
        lua_sethook(l->L, on_hook, LUA_MASKCOUNT, HOOK_STEPS);
    }
    for (uint32_t i = 0; i < f->n && rc == 0; i++) {
        l->ref[i] = LUA_NOREF;
        if (f->rule[i].wanted && f->rule[i].kind == KT_FUNCTION_LUA)
            rc = add_program(l, f, i, err);
    }
    if (rc < 0) {
        kt_lua_free(l);
        return rc;
    }
    *ret = l;
    return 0;
}

kt_lua *kt_lua_free(kt_lua *l)
{
    if (!l)
        return NULL;
    if (l->L)
        lua_close(l->L);
    kt_lua_memory_done(&l->memory);
    kt_free(l->ref);
    kt_arena_done(&l->arena);
    return kt_free(l);
}

static kt_rc failed(kt_lua *l, kt_err *err)
{
    const char *said = lua_tostring(l->L, -1);
    bool limit = l->steps > l->allowed || (l->until_us && kt_mono_us() > l->until_us) || (said && strstr(said, "not enough memory"));
    kt_fail(err, limit ? KT_LIMIT : KT_RANGE, "%.200s", said ? said : "the function failed");
    lua_settop(l->L, 0);
    if (limit)
        lua_gc(l->L, LUA_GCCOLLECT, 0);
    return limit ? KT_LIMIT : KT_RANGE;
}

/* Leaves what function i returns of the item on the stack. */
static kt_rc call(kt_lua *l, uint32_t i, kt_err *err)
{
    lua_State *L = l->L;
    lua_settop(L, 0);
    forget(l, &l->has_meta, l->meta_key); /* each call makes its fields anew: a function that changed them did so for itself only */
    lua_rawgeti(L, LUA_REGISTRYINDEX, l->ref[i]);
    lua_rawgeti(L, LUA_REGISTRYINDEX, l->item);
    begin_call(l, l->it->text.n);
    return lua_pcall(L, 1, 1, 0) != 0 ? failed(l, err) : 0;
}

kt_rc kt_lua_call(kt_lua *l, uint32_t i, kt_str *ret_label, kt_err *err)
{
    lua_State *L = l->L;
    *ret_label = (kt_str){ NULL, 0 };
    KT_TRY(call(l, i, err));
    if (lua_isnil(L, -1))
        return 0;
    if (lua_type(L, -1) != LUA_TSTRING)
        return kt_fail(err, KT_RANGE, "the function returned a %s, not a label's name or nil", luaL_typename(L, -1));
    ret_label->p = lua_tolstring(L, -1, &ret_label->n);
    return 0;
}

/* The element on top, as one mark; false: it is none. Only what allocates nothing: out here an error would end the program. The label's
   text stays alive with the list below it. */
static bool read_mark(lua_State *L, bool spans, kt_lua_mark *ret)
{
    *ret = (kt_lua_mark){ 0 };
    if (!spans) {
        if (lua_type(L, -1) == LUA_TSTRING)
            ret->label.p = lua_tolstring(L, -1, &ret->label.n);
        return ret->label.p != NULL;
    }
    if (!lua_istable(L, -1))
        return false;
    for (int k = 1; k <= 3; k++)
        lua_rawgeti(L, -k, k);
    bool ok = lua_type(L, -3) == LUA_TNUMBER && lua_type(L, -2) == LUA_TNUMBER && (lua_isnil(L, -1) || lua_type(L, -1) == LUA_TSTRING);
    ret->start = ok ? lua_tonumber(L, -3) : 0;
    ret->end = ok ? lua_tonumber(L, -2) : 0;
    if (ok && !lua_isnil(L, -1))
        ret->label.p = lua_tolstring(L, -1, &ret->label.n);
    lua_pop(L, 3);
    return ok;
}

kt_rc kt_lua_marks(kt_lua *l, uint32_t i, bool spans, kt_lua_mark **ret, size_t *ret_n, kt_err *err)
{
    lua_State *L = l->L;
    *ret_n = 0;
    KT_TRY(call(l, i, err));
    kt_arena_reset(&l->arena);
    if (lua_isnil(L, -1))
        return 0;
    bool one = !spans && lua_type(L, -1) == LUA_TSTRING;
    size_t n = one ? 1 : lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
    if (!one && !lua_istable(L, -1))
        return kt_fail(err, KT_RANGE, "the function returned a %s, not a list of %s or nil", luaL_typename(L, -1), spans ? "{start, end, label}" : "labels");
    if (n > KT_MAX_MARKS)
        return kt_fail(err, KT_RANGE, "the function returned %zu marks; at most %d are taken", n, KT_MAX_MARKS);
    *ret = kt_arena_array(&l->arena, n + 1, sizeof(**ret));
    for (size_t k = 0; k < n; k++) {
        if (!one)
            lua_rawgeti(L, 1, (int)k + 1);
        if (!read_mark(L, spans, &(*ret)[k]))
            return kt_fail(err, KT_RANGE, "element %zu of the list is no %s", k + 1, spans ? "{start, end, label}" : "label");
        if (!one)
            lua_pop(L, 1);
    }
    *ret_n = n;
    return 0;
}
