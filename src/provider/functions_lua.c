/* LuaJIT, sandboxed: no io, os, package, debug, ffi, load or bytecode; memory through a counting allocator; time through an
   instruction hook, with the compiler off since compiled traces do not call hooks. */
#include "provider/functions_int.h"

#include "base/buf.h"

#include "base/json.h"
#include "base/mem.h"

#include <lauxlib.h>
#include <lua.h>
#include <luajit.h>
#include <lualib.h>

#define MAX_LUA_BYTES ((size_t)64 << 20)
#define MAX_STEPS 2000000 /* instructions per call */

struct kt_lua {
    lua_State *L;
    size_t used;
    int *ref; /* function references, LUA_NOREF where there is none */
    uint32_t n;
};

static void *lua_memory(void *ud, void *ptr, size_t osize, size_t nsize)
{
    kt_lua *l = ud;
    if (nsize == 0) {
        l->used -= osize;
        kt_free(ptr);
        return NULL;
    }
    if (nsize > osize && l->used + (nsize - osize) > MAX_LUA_BYTES)
        return NULL;
    l->used += nsize - osize;
    return kt_realloc(ptr, nsize);
}

static void out_of_time(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    luaL_error(L, "ran longer than %d instructions", MAX_STEPS);
}

/* string.rep, bounded: the quickest way to fill memory. */
static int bounded_rep(lua_State *L)
{
    size_t len;
    const char *s = luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    if (n > 0 && len > 0 && (size_t)n > ((size_t)1 << 20) / len)
        return luaL_error(L, "string.rep of more than 1 MB");
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (lua_Integer i = 0; i < n && len > 0; i++) /* nothing, however often, takes no time */
        luaL_addlstring(&b, s, len);
    luaL_pushresult(&b);
    return 1;
}

static int open_sandbox(lua_State *L)
{
    static const char *const gone[] = { "load", "loadstring", "loadfile", "dofile", "require", "module", "collectgarbage", "print",
                                        "getfenv", "setfenv", "rawget", "rawset", "rawequal", "gcinfo", "newproxy",
                                        "getmetatable", "setmetatable", "jit", "package", "coroutine" };
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 0);
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 0);
    lua_pushcfunction(L, luaopen_table);
    lua_call(L, 0, 0);
    lua_pushcfunction(L, luaopen_math);
    lua_call(L, 0, 0);
    for (size_t i = 0; i < KT_LEN(gone); i++) {
        lua_pushnil(L);
        lua_setglobal(L, gone[i]);
    }
    lua_getglobal(L, "string");
    lua_pushcfunction(L, bounded_rep);
    lua_setfield(L, -2, "rep");
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lua_pop(L, 1);
    return 0;
}

/* Compiles "function(item) … end" (or a chunk that returns one) and runs it once under the hook to get the function. */
static kt_rc add_program(kt_lua *l, uint32_t i, kt_str src, kt_err *err)
{
    KT_AUTO(kt_buf) code = KT_BUF_INIT((size_t)1 << 20);
    kt_buf_puts(&code, "return ");
    kt_buf_str(&code, src);
    int rc = luaL_loadbufferx(l->L, code.p, code.n, "=function", "t");
    if (rc != 0) {
        lua_pop(l->L, 1);
        rc = luaL_loadbufferx(l->L, src.p, src.n, "=function", "t");
    }
    if (rc == 0) {
        lua_sethook(l->L, out_of_time, LUA_MASKCOUNT, MAX_STEPS);
        rc = lua_pcall(l->L, 0, 1, 0);
    }
    if (rc != 0 || !lua_isfunction(l->L, -1)) {
        kt_fail(err, KT_PARSE, "%s", rc ? lua_tostring(l->L, -1) : "the program returns no function");
        lua_pop(l->L, 1);
        return KT_PARSE;
    }
    l->ref[i] = luaL_ref(l->L, LUA_REGISTRYINDEX);
    return 0;
}

kt_rc kt_lua_new(const kt_str *sources, uint32_t n, kt_lua **ret, kt_err *err)
{
    kt_lua *l = kt_zalloc(sizeof(*l));
    l->n = n;
    l->ref = kt_alloc_array((size_t)n + 1, sizeof(int));
    l->L = lua_newstate(lua_memory, l);
    if (!l->L) {
        kt_lua_free(l);
        return kt_fail(err, KT_NOMEM, "LuaJIT could not start");
    }
    kt_rc rc = 0;
    luaJIT_setmode(l->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    if (lua_cpcall(l->L, open_sandbox, NULL) != 0)
        rc = kt_fail(err, KT_NOMEM, "the Lua sandbox could not start");
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        l->ref[i] = LUA_NOREF;
        if (sources[i].p)
            rc = add_program(l, i, sources[i], err);
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
    kt_free(l->ref);
    return kt_free(l);
}

struct shown {
    kt_str text, meta;
};

static int show_item(lua_State *L)
{
    struct shown *s = lua_touserdata(L, 1);
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_json j = { .s = s->meta };
    kt_str name, value;
    bool first = true;
    lua_newtable(L); /* item */
    lua_newtable(L); /* item.meta */
    if (s->meta.n && kt_json_enter(&j, '{'))
        while (kt_json_field(&j, &first, &a, &name)) {
            bool text = kt_json_peek(&j) == KT_JSON_STRING;
            if (!(text ? kt_json_string(&j, &a, &value) : kt_json_skip(&j, &value)))
                break;
            for (int up = 0; up < 2; up++) {
                lua_pushlstring(L, name.p, name.n);
                lua_pushlstring(L, value.p, value.n);
                lua_rawset(L, up ? -4 : -3);
            }
        }
    lua_setfield(L, -2, "meta");
    lua_pushlstring(L, s->text.p, s->text.n);
    lua_setfield(L, -2, "text");
    lua_setfield(L, LUA_REGISTRYINDEX, "item");
    return 0;
}

void kt_lua_item(kt_lua *l, kt_str text, kt_str meta)
{
    struct shown s = { text, meta };
    lua_settop(l->L, 0);
    if (lua_cpcall(l->L, show_item, &s) != 0)
        lua_settop(l->L, 0); /* out of memory: the functions see the item before, and fail on their own */
}

kt_rc kt_lua_call(kt_lua *l, uint32_t i, kt_str *ret_label, kt_err *err)
{
    lua_State *L = l->L;
    lua_settop(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, l->ref[i]);
    lua_getfield(L, LUA_REGISTRYINDEX, "item");
    lua_sethook(L, out_of_time, LUA_MASKCOUNT, MAX_STEPS);
    if (lua_pcall(L, 1, 1, 0) != 0) {
        const char *said = lua_tostring(L, -1);
        return kt_fail(err, KT_LIMIT, "%s", said ? said : "the function failed");
    }
    *ret_label = (kt_str){ NULL, 0 };
    if (lua_isnil(L, -1))
        return 0;
    if (lua_type(L, -1) != LUA_TSTRING)
        return kt_fail(err, KT_RANGE, "the function returned a %s, not a label's name or nil", luaL_typename(L, -1));
    ret_label->p = lua_tolstring(L, -1, &ret_label->n);
    return 0;
}
