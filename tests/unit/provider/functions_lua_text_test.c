/* The bounded pattern functions against LuaJIT's own, on patterns and texts drawn from few characters, so that most of them mean
   something; and what must end, ends. */
#include "provider/functions_lua_text.c"

#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define CASES 600 /* a hundred times slower there, and one thread is all it has */
#endif
#endif
#ifndef CASES
#define CASES 60000
#endif

static uint64_t budget; /* the sandbox keeps it per call; here one number does */

void kt_lua_charge(lua_State *L, uint64_t steps)
{
    budget -= KT_MIN(steps, budget);
    if (budget == 0)
        luaL_error(L, "took too long");
}

uint64_t kt_lua_allowance(lua_State *L)
{
    (void)L;
    return budget;
}

/* Runs one call with both kinds of functions and describes what came back, errors as one word. */
static const char describe[] =
    "local own = {find = string.find, match = string.match, gmatch = string.gmatch, gsub = string.gsub}\n"
    "local function text(ok, ...)\n"
    "  if not ok then return 'error' end\n"
    "  local t = {}\n"
    "  for i = 1, select('#', ...) do t[i] = type((select(i, ...))) .. ':' .. tostring((select(i, ...))) end\n"
    "  return table.concat(t, '|')\n"
    "end\n"
    "local function all(f, s, p)\n"
    "  local t = {}\n"
    "  for a, b in f.gmatch(s, p) do t[#t + 1] = tostring(a) .. ',' .. tostring(b) if #t > 50 then break end end\n"
    "  return table.concat(t, ';')\n"
    "end\n"
    "function run(f, s, p, i)\n"
    "  return table.concat({text(pcall(f.find, s, p, i)), text(pcall(f.find, s, p, i, true)), text(pcall(f.match, s, p, i)),\n"
    "    text(pcall(all, f, s, p)), text(pcall(f.gsub, s, p, '<%0>%%')), text(pcall(f.gsub, s, p, '[%1]', 2)),\n"
    "    text(pcall(f.gsub, s, p, {a = 'A', ab = false})), text(pcall(f.gsub, s, p, function(x) if x == 'a' then return 7 end end))}, '\\n')\n"
    "end\n"
    "original = own\n";

/* LuaJIT's own allocator wants low addresses, which ThreadSanitizer keeps for itself. */
static void *memory(void *ud, void *p, size_t old, size_t n)
{
    (void)ud, (void)old;
    if (n)
        return kt_realloc(p, n);
    kt_free(p);
    return NULL;
}

static lua_State *open_both(void)
{
    lua_State *L = lua_newstate(memory, NULL);
    assert_non_null(L);
    luaL_openlibs(L);
    assert_int_equal(luaL_dostring(L, describe), 0);
    lua_getglobal(L, "string");
    kt_lua_open_string(L);
    lua_pop(L, 1);
    assert_int_equal(luaL_dostring(L, "bounded = {find = string.find, match = string.match, gmatch = string.gmatch, gsub = string.gsub}"), 0);
    return L;
}

static size_t draw(kt_rng *r, const char *const *from, size_t n_from, size_t most, char *ret)
{
    size_t n = 0;
    for (uint64_t k = kt_rng_below(r, most + 1); k > 0; k--) {
        const char *piece = from[kt_rng_below(r, n_from)];
        memcpy(ret + n, piece, strlen(piece));
        n += strlen(piece);
    }
    return n;
}

static const char *outcome(lua_State *L, const char *which, const char *s, size_t n_s, const char *p, size_t n_p, lua_Integer i)
{
    lua_getglobal(L, "run");
    lua_getglobal(L, which);
    lua_pushlstring(L, s, n_s);
    lua_pushlstring(L, p, n_p);
    lua_pushinteger(L, i);
    if (lua_pcall(L, 4, 1, 0) != 0)
        fail_msg("%s", lua_tostring(L, -1));
    return lua_tostring(L, -1);
}

static void as_luajit(void **state)
{
    (void)state;
    static const char *const patterns[] = { "a", "b", ".", "%a", "%d", "%s", "%W", "[ab]", "[^a]", "[a-c%d]", "[]a]", "[^]]", "*", "+", "-", "?", "(", ")",
                                            "()", "^", "$", "%1", "%2", "%b()", "%bab", "%f[%w]", "%f[^a]", "%%", "%.", "c", "x", "[", "]", "%", "%f", "%b" };
    static const char *const texts[] = { "a", "b", "ab", "c", "1", " ", "(", ")", ".", "%", "]", "\xc3\xa9", "-" };
    lua_State *L = open_both();
    int alike = 0, errors = 0;
    for (uint64_t k = 0; k < CASES; k++) {
        kt_rng r = kt_rng_keyed(31, k, 0);
        char s[100], p[100];
        size_t n_s = draw(&r, texts, KT_LEN(texts), 9, s), n_p = draw(&r, patterns, KT_LEN(patterns), 7, p);
        lua_Integer i = (lua_Integer)kt_rng_below(&r, 25) - 12;
        budget = 1000000;
        const char *want = outcome(L, "original", s, n_s, p, n_p, i), *got = outcome(L, "bounded", s, n_s, p, n_p, i);
        if (strcmp(want, got) != 0)
            fail_msg("pattern '%.*s' on '%.*s' from %d:\n%s\n--- instead of\n%s", (int)n_p, p, (int)n_s, s, (int)i, got, want);
        errors += strstr(want, "error") != NULL;
        alike++;
        lua_settop(L, 0);
    }
    assert_true(errors > alike / 60 && errors < alike / 2 + alike / 4); /* both malformed patterns and good ones were drawn */
    lua_close(L);
}

static void ends(void **state)
{
    (void)state;
    static const char *const endless[] = {
        "return (('a'):rep(30)):find(('a?'):rep(30) .. ('a'):rep(30))",
        "return (('a'):rep(100000)):find('.-.-.-.-b')",
        "return (('a'):rep(100000)):match('(.*)(.*)(.*)b')",
        "return (('('):rep(100000)):gsub('%b()', '')",
        "for w in (('a'):rep(100000)):gmatch('a*a*a*b') do end",
    };
    for (size_t i = 0; i < KT_LEN(endless); i++) {
        budget = 1000000;
        lua_State *L = open_both();
        assert_int_not_equal(luaL_dostring(L, endless[i]), 0);
        assert_non_null(strstr(lua_tostring(L, -1), "took too long"));
        lua_close(L);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(as_luajit), cmocka_unit_test(ends) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
