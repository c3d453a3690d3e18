/* Lua's text and table functions with their time bounded: Lua's own run to the end in C, where no hook sees them, and its patterns can
   take time exponential in their length. Here every step is charged to the call. Patterns as in the Lua 5.1 manual, section 5.4.1. */
#include "provider/functions_lua_int.h"

#include "algo/learn/text_features.h"
#include "base/str.h"

#include <lauxlib.h>

#define MAX_CAPTURES 32
#define MAX_DEPTH 200        /* nested quantifiers and captures */
#define MAX_REPEAT ((size_t)1 << 20)
#define POSITION (-2)
#define UNCLOSED (-1)

typedef const unsigned char *bytes;

struct match {
    lua_State *L;
    bytes begin, end, pattern_end; /* the subject; the pattern's end */
    int n_captures, depth;
    struct { bytes at; ptrdiff_t n; } capture[MAX_CAPTURES];
    uint64_t steps, allowed;
};

static void step(struct match *m)
{
    if (++m->steps > m->allowed)
        kt_lua_charge(m->L, m->steps);
}

static bool is_lower(int c) { return c >= 'a' && c <= 'z'; }
static bool is_upper(int c) { return c >= 'A' && c <= 'Z'; }
static bool is_digit(int c) { return c >= '0' && c <= '9'; }
static bool is_letter(int c) { return is_lower(c | 32); }
static bool is_printed(int c) { return c > ' ' && c < 0x7f; }

/* ASCII, whatever the locale. */
static bool in_class(int c, int letter)
{
    bool yes;
    switch (letter | 32) {
    case 'a': yes = is_letter(c); break;
    case 'c': yes = c < ' ' || c == 0x7f; break;
    case 'd': yes = is_digit(c); break;
    case 'l': yes = is_lower(c); break;
    case 'p': yes = is_printed(c) && !is_letter(c) && !is_digit(c); break;
    case 's': yes = c == ' ' || (c >= '\t' && c <= '\r'); break;
    case 'u': yes = is_upper(c); break;
    case 'w': yes = is_letter(c) || is_digit(c); break;
    case 'x': yes = is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f'); break;
    case 'z': yes = c == 0; break;
    default: return letter == c;
    }
    return is_upper(letter) ? !yes : yes;
}

/* Past the single character item at p: a character, a class, a set. */
static bytes item_end(struct match *m, bytes p)
{
    if (*p == '%') {
        if (p + 1 == m->pattern_end)
            luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 2;
    }
    if (*p != '[')
        return p + 1;
    if (++p < m->pattern_end && *p == '^')
        p++;
    do { /* a first ] stands for itself */
        if (p >= m->pattern_end)
            luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%' && p < m->pattern_end)
            p++;
    } while (p >= m->pattern_end || *p != ']');
    return p + 1;
}

/* set: from [ to the ] at its end. */
static bool in_set(int c, bytes set, bytes last)
{
    bool yes = true;
    if (*++set == '^') {
        yes = false;
        set++;
    }
    for (; set < last; set++) {
        if (*set == '%') {
            if (in_class(c, *++set))
                return yes;
        } else if (set + 2 < last && set[1] == '-') {
            if (set[0] <= c && c <= set[2])
                return yes;
            set += 2;
        } else if (*set == c) {
            return yes;
        }
    }
    return !yes;
}

static bool fits(struct match *m, bytes s, bytes p, bytes p_end)
{
    step(m);
    if (s >= m->end)
        return false;
    switch (*p) {
    case '.': return true;
    case '%': return in_class(*s, p[1]);
    case '[': return in_set(*s, p, p_end - 1);
    default: return *p == *s;
    }
}

static bytes match_here(struct match *m, bytes s, bytes p);

static bytes balanced(struct match *m, bytes s, bytes p)
{
    if (p + 1 >= m->pattern_end)
        luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->end || *s != p[0])
        return NULL;
    int open = 1;
    for (bytes at = s + 1; at < m->end; at++) {
        step(m);
        if (*at == p[1]) {
            if (--open == 0)
                return at + 1;
        } else if (*at == p[0]) {
            open++;
        }
    }
    return NULL;
}

static bytes greedy(struct match *m, bytes s, bytes p, bytes p_end)
{
    ptrdiff_t n = 0;
    while (fits(m, s + n, p, p_end))
        n++;
    for (; n >= 0; n--) {
        bytes r = match_here(m, s + n, p_end + 1);
        if (r)
            return r;
    }
    return NULL;
}

static bytes lazy(struct match *m, bytes s, bytes p, bytes p_end)
{
    for (;; s++) {
        bytes r = match_here(m, s, p_end + 1);
        if (r)
            return r;
        if (!fits(m, s, p, p_end))
            return NULL;
    }
}

static bytes capture_begin(struct match *m, bytes s, bytes p, ptrdiff_t n)
{
    if (m->n_captures >= MAX_CAPTURES)
        luaL_error(m->L, "too many captures");
    m->capture[m->n_captures].at = s;
    m->capture[m->n_captures++].n = n;
    bytes r = match_here(m, s, p);
    if (!r)
        m->n_captures--;
    return r;
}

static bytes capture_end(struct match *m, bytes s, bytes p)
{
    int k = m->n_captures - 1;
    while (k >= 0 && m->capture[k].n != UNCLOSED)
        k--;
    if (k < 0)
        luaL_error(m->L, "invalid pattern capture");
    m->capture[k].n = s - m->capture[k].at;
    bytes r = match_here(m, s, p);
    if (!r)
        m->capture[k].n = UNCLOSED;
    return r;
}

static bytes back_reference(struct match *m, bytes s, int digit)
{
    int k = digit - '1';
    if (k < 0 || k >= m->n_captures || m->capture[k].n == UNCLOSED)
        luaL_error(m->L, "invalid capture index");
    if (m->capture[k].n == POSITION) /* a position has no text to find again */
        return NULL;
    size_t n = (size_t)m->capture[k].n;
    m->steps += n / 8;
    step(m);
    return (size_t)(m->end - s) >= n && memcmp(m->capture[k].at, s, n) == 0 ? s + n : NULL;
}

/* %f[set]: the character before is not in the set, the one here is; both ends of the subject count as a zero. */
static bool frontier(struct match *m, bytes s, bytes p, bytes p_end)
{
    int before = s == m->begin ? 0 : s[-1], here = s < m->end ? *s : 0;
    return !in_set(before, p, p_end - 1) && in_set(here, p, p_end - 1);
}

static bytes match_item(struct match *m, bytes s, bytes *p, bool *ret_more)
{
    bytes end = item_end(m, *p);
    int suffix = end < m->pattern_end ? *end : 0;
    *ret_more = false;
    if (suffix == '*')
        return greedy(m, s, *p, end);
    if (suffix == '+')
        return fits(m, s, *p, end) ? greedy(m, s + 1, *p, end) : NULL;
    if (suffix == '-')
        return lazy(m, s, *p, end);
    if (suffix == '?') {
        bytes r = fits(m, s, *p, end) ? match_here(m, s + 1, end + 1) : NULL;
        if (r)
            return r;
        *ret_more = true;
        *p = end + 1;
        return s;
    }
    if (!fits(m, s, *p, end))
        return NULL;
    *ret_more = true;
    *p = end;
    return s + 1;
}

static bytes match_all(struct match *m, bytes s, bytes p)
{
    while (s && p < m->pattern_end) {
        step(m);
        if (*p == '(')
            return p + 1 < m->pattern_end && p[1] == ')' ? capture_begin(m, s, p + 2, POSITION) : capture_begin(m, s, p + 1, UNCLOSED);
        if (*p == ')')
            return capture_end(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end)
            return s == m->end ? s : NULL;
        if (*p == '%' && p + 1 < m->pattern_end && p[1] == 'b') {
            s = balanced(m, s, p + 2);
            p += 4;
        } else if (*p == '%' && p + 1 < m->pattern_end && p[1] == 'f') {
            if (p + 2 >= m->pattern_end || p[2] != '[')
                luaL_error(m->L, "missing '[' after '%%f' in pattern");
            bytes end = item_end(m, p + 2);
            if (!frontier(m, s, p + 2, end))
                return NULL;
            p = end;
        } else if (*p == '%' && p + 1 < m->pattern_end && is_digit(p[1])) {
            s = back_reference(m, s, p[1]);
            p += 2;
        } else {
            bool more;
            s = match_item(m, s, &p, &more);
            if (!more)
                return s;
        }
    }
    return s;
}

static bytes match_here(struct match *m, bytes s, bytes p)
{
    if (++m->depth > MAX_DEPTH)
        luaL_error(m->L, "pattern too complex");
    bytes r = match_all(m, s, p);
    m->depth--;
    return r;
}

/* ---- find, match, gmatch, gsub ---- */

static void prepare(struct match *m, lua_State *L, kt_str s, kt_str p)
{
    *m = (struct match){ .L = L, .begin = (bytes)s.p, .end = (bytes)s.p + s.n, .pattern_end = (bytes)p.p + p.n, .allowed = kt_lua_allowance(L) };
}

static bytes attempt(struct match *m, bytes s, bytes p)
{
    m->n_captures = m->depth = 0;
    return match_here(m, s, p);
}

/* The first place from `at` on where the pattern can begin: its first item must fit there, when it is one that must. */
static bytes first_place(struct match *m, bytes at, bytes p)
{
    if (p >= m->pattern_end || *p == '(' || *p == ')' || *p == '$' || (*p == '%' && p + 1 < m->pattern_end && !is_letter(p[1])) ||
        (*p == '%' && p + 1 < m->pattern_end && (p[1] == 'b' || p[1] == 'f')))
        return at;
    bytes end = item_end(m, p);
    if (end < m->pattern_end && (*end == '*' || *end == '-' || *end == '?'))
        return at;
    while (at < m->end && !fits(m, at, p, end))
        at++;
    return at;
}

static void push_capture(struct match *m, int k, bytes s, bytes e)
{
    if (k >= m->n_captures) {
        if (k != 0)
            luaL_error(m->L, "invalid capture index");
        lua_pushlstring(m->L, (const char *)s, (size_t)(e - s));
    } else if (m->capture[k].n == POSITION) {
        lua_pushinteger(m->L, m->capture[k].at - m->begin + 1);
    } else if (m->capture[k].n == UNCLOSED) {
        luaL_error(m->L, "unfinished capture");
    } else {
        lua_pushlstring(m->L, (const char *)m->capture[k].at, (size_t)m->capture[k].n);
    }
}

/* whole: the match itself where there are no captures. */
static int push_captures(struct match *m, bytes s, bytes e, bool whole)
{
    int n = m->n_captures == 0 && whole ? 1 : m->n_captures;
    luaL_checkstack(m->L, n, "too many captures");
    for (int k = 0; k < n; k++)
        push_capture(m, k, s, e);
    return n;
}

static kt_str check_text(lua_State *L, int arg)
{
    kt_str s;
    s.p = luaL_checklstring(L, arg, &s.n);
    return s;
}

/* Offset from a position argument: negative counts from the end. */
static size_t start_at(lua_State *L, int arg, size_t n)
{
    lua_Integer at = luaL_optinteger(L, arg, 1);
    if (at < 0)
        at += (lua_Integer)n + 1;
    return at <= 1 ? 0 : KT_MIN((size_t)at - 1, n);
}

static int none(lua_State *L)
{
    lua_pushnil(L); /* not nothing at all: tostring(text:find(…)) is no error */
    return 1;
}

static int find_or_match(lua_State *L, bool find)
{
    kt_str s = check_text(L, 1), p = check_text(L, 2);
    size_t from = start_at(L, 3, s.n);
    if (find && (lua_toboolean(L, 4) || !p.n || strcspn(p.p, "^$*+?.([%-") == p.n)) {
        const char *at = kt_str_find((kt_str){ s.p + from, s.n - from }, p);
        kt_lua_charge(L, ((at ? (size_t)(at - s.p) : s.n) - from + p.n) / 16);
        if (!at)
            return none(L);
        lua_pushinteger(L, at - s.p + 1);
        lua_pushinteger(L, at - s.p + (lua_Integer)p.n);
        return 2;
    }
    struct match m;
    prepare(&m, L, s, p);
    bytes pattern = (bytes)p.p;
    bool anchored = p.n && *pattern == '^';
    for (bytes at = m.begin + from; at <= m.end; at++) {
        at = anchored ? at : first_place(&m, at, pattern);
        bytes e = attempt(&m, at, pattern + anchored);
        if (e) {
            kt_lua_charge(L, m.steps);
            if (find) {
                lua_pushinteger(L, at - m.begin + 1);
                lua_pushinteger(L, e - m.begin);
            }
            return push_captures(&m, at, e, !find) + 2 * find;
        }
        if (anchored)
            break;
    }
    kt_lua_charge(L, m.steps);
    return none(L);
}

static int text_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int text_match(lua_State *L)
{
    return find_or_match(L, false);
}

static int next_match(lua_State *L)
{
    kt_str s = check_text(L, lua_upvalueindex(1)), p = check_text(L, lua_upvalueindex(2));
    struct match m;
    prepare(&m, L, s, p);
    for (bytes at = m.begin + lua_tointeger(L, lua_upvalueindex(3)); at <= m.end; at++) {
        bytes e = attempt(&m, at, (bytes)p.p);
        if (!e)
            continue;
        kt_lua_charge(L, m.steps);
        lua_pushinteger(L, e - m.begin + (e == at));
        lua_replace(L, lua_upvalueindex(3));
        return push_captures(&m, at, e, true);
    }
    kt_lua_charge(L, m.steps);
    return 0;
}

static int text_gmatch(lua_State *L)
{
    check_text(L, 1), check_text(L, 2);
    lua_settop(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_match, 3);
    return 1;
}

/* The text for one match on top of the stack: as the third argument says. */
static void push_replacement(struct match *m, bytes s, bytes e, int kind)
{
    lua_State *L = m->L;
    if (kind == LUA_TTABLE) {
        push_capture(m, 0, s, e);
        lua_gettable(L, 3);
    } else if (kind == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, e, true), 1);
    } else {
        kt_str r = check_text(L, 3);
        luaL_Buffer b;
        luaL_buffinit(L, &b);
        for (size_t i = 0; i < r.n; i++) {
            if (r.p[i] != '%' || ++i >= r.n) {
                luaL_addchar(&b, i < r.n ? r.p[i] : '%');
            } else if (!is_digit((unsigned char)r.p[i])) {
                luaL_addchar(&b, r.p[i]);
            } else if (r.p[i] == '0') {
                luaL_addlstring(&b, (const char *)s, (size_t)(e - s));
            } else {
                push_capture(m, r.p[i] - '1', s, e);
                luaL_addvalue(&b);
            }
        }
        luaL_pushresult(&b);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        lua_pushlstring(L, (const char *)s, (size_t)(e - s));
    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
}

static int text_gsub(lua_State *L)
{
    kt_str s = check_text(L, 1), p = check_text(L, 2);
    int kind = lua_type(L, 3);
    luaL_argcheck(L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TTABLE || kind == LUA_TFUNCTION, 3, "string/function/table expected");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)s.n + 1), n = 0;
    lua_settop(L, 3);
    struct match m;
    prepare(&m, L, s, p);
    bool anchored = p.n && p.p[0] == '^';
    bytes at = m.begin;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    while (n < most) {
        m.allowed = kt_lua_allowance(L);
        m.steps = 0;
        bytes e = attempt(&m, at, (bytes)p.p + anchored);
        kt_lua_charge(L, m.steps + 1);
        if (e) {
            n++;
            push_replacement(&m, at, e, kind);
            luaL_addvalue(&b);
        }
        if (e && e > at)
            at = e;
        else if (at < m.end)
            luaL_addchar(&b, (char)*at++);
        else
            break;
        if (anchored)
            break;
    }
    luaL_addlstring(&b, (const char *)at, (size_t)(m.end - at));
    luaL_pushresult(&b);
    lua_pushinteger(L, n);
    return 2;
}

/* ---- the others ---- */

/* string.rep, bounded: the quickest way to fill memory. */
static int text_rep(lua_State *L)
{
    kt_str s = check_text(L, 1);
    lua_Integer n = luaL_checkinteger(L, 2);
    if (n > 0 && s.n > 0 && (size_t)n > MAX_REPEAT / s.n)
        return luaL_error(L, "string.rep of more than 1 MB");
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (lua_Integer i = 0; i < n && s.n > 0; i++) /* nothing, however often, takes no time */
        luaL_addlstring(&b, s.p, s.n);
    luaL_pushresult(&b);
    return 1;
}

static void change_case(const char *s, size_t n, char from, int change, char *to)
{
    for (size_t k = 0; k < n; k++) {
        unsigned char c = (unsigned char)s[k];
        to[k] = (char)(c + (((unsigned char)(c - (unsigned char)from) < 26) ? change : 0));
    }
}

static int cased(lua_State *L, char from, int change)
{
    kt_str s = check_text(L, 1);
    char text[4096];
    kt_lua_charge(L, s.n / 8);
    if (s.n <= sizeof(text)) {
        change_case(s.p, s.n, from, change, text);
        lua_pushlstring(L, text, s.n);
        return 1;
    }
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < s.n;) {
        size_t n = KT_MIN(s.n - i, (size_t)LUAL_BUFFERSIZE);
        change_case(s.p + i, n, from, change, luaL_prepbuffer(&b));
        luaL_addsize(&b, n);
        i += n;
    }
    luaL_pushresult(&b);
    return 1;
}

static int text_lower(lua_State *L)
{
    return cased(L, 'A', 32);
}

static int text_upper(lua_State *L)
{
    return cased(L, 'a', -32);
}

/* Charges for the work, then calls the original: the bytes of a text, the elements of a table. Sorting looks at each some twenty
   times; insert and remove move nothing at the end of a table, which is where no position is given. upvalues: original, kind. */
enum { COPIES, SORTS, INSERTS, REMOVES };

static int charged(lua_State *L)
{
    size_t n = lua_istable(L, 1) || lua_isstring(L, 1) ? lua_objlen(L, 1) : 0;
    switch (lua_tointeger(L, lua_upvalueindex(2))) {
    case SORTS: n *= 20; break;
    case INSERTS: n = lua_gettop(L) > 2 ? n : 1; break;
    case REMOVES: n = lua_gettop(L) > 1 ? n : 1; break;
    default: n /= lua_istable(L, 1) ? 1 : 8;
    }
    kt_lua_charge(L, n);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static void charge_for(lua_State *L, const char *name, int kind)
{
    lua_getfield(L, -1, name);
    lua_pushinteger(L, kind);
    lua_pushcclosure(L, charged, 2);
    lua_setfield(L, -2, name);
}

static void put_all(lua_State *L, const luaL_Reg *f)
{
    for (; f->name; f++) {
        lua_pushcfunction(L, f->func);
        lua_setfield(L, -2, f->name);
    }
}

void kt_lua_open_string(lua_State *L)
{
    static const luaL_Reg own[] = { { "find", text_find }, { "match", text_match }, { "gmatch", text_gmatch }, { "gsub", text_gsub }, { "rep", text_rep },
                                    { "lower", text_lower }, { "upper", text_upper }, { NULL, NULL } };
    static const char *const copied[] = { "reverse", "format" };
    put_all(L, own);
    for (size_t i = 0; i < KT_LEN(copied); i++)
        charge_for(L, copied[i], COPIES);
}

void kt_lua_open_table(lua_State *L)
{
    charge_for(L, "concat", COPIES);
    charge_for(L, "maxn", COPIES);
    charge_for(L, "sort", SORTS);
    charge_for(L, "insert", INSERTS);
    charge_for(L, "remove", REMOVES);
}

/* ---- helpers ---- */

#define MAX_WORD 256

/* words(text): a list of its words, lower case, as the built-in model sees them. */
static int helper_words(lua_State *L)
{
    kt_str s = check_text(L, 1);
    char word[MAX_WORD];
    size_t at = 0, n;
    lua_newtable(L);
    for (int i = 1; (n = kt_token_next(s, &at, word, sizeof(word))) > 0; i++) {
        lua_pushlstring(L, word, n);
        lua_rawseti(L, -2, i);
        kt_lua_charge(L, 4);
    }
    return 1;
}

static lua_Integer count_word(lua_State *L, bool once)
{
    kt_str s = check_text(L, 1), w = check_text(L, 2);
    char word[MAX_WORD], want[MAX_WORD];
    size_t at = 0, n, n_want;
    lua_Integer found = 0;
    n_want = kt_token_next(w, &at, want, sizeof(want));
    luaL_argcheck(L, n_want > 0 && at == w.n, 2, "one word expected");
    at = 0;
    while (!(once && found) && (n = kt_token_next(s, &at, word, sizeof(word))) > 0)
        found += n == n_want && memcmp(word, want, n) == 0;
    kt_lua_charge(L, at / 2);
    return found;
}

static int helper_has(lua_State *L)
{
    lua_pushboolean(L, count_word(L, true) > 0);
    return 1;
}

static int helper_count(lua_State *L)
{
    lua_pushinteger(L, count_word(L, false));
    return 1;
}

static int helper_chars(lua_State *L)
{
    kt_str s = check_text(L, 1);
    lua_Integer n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    kt_lua_charge(L, s.n / 8);
    lua_pushinteger(L, n);
    return 1;
}

void kt_lua_open_helpers(lua_State *L)
{
    static const luaL_Reg own[] = { { "words", helper_words }, { "has", helper_has }, { "count", helper_count }, { "chars", helper_chars }, { NULL, NULL } };
    lua_newtable(L);
    put_all(L, own);
    lua_setglobal(L, "karat");
}
