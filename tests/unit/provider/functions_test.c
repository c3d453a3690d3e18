/* Labeling functions: every kind against votes worked out by hand, the two regex engines against each other's results on the same
   texts, Lua's patterns against the results the Lua 5.1 manual's rules give, and what must not get out of the sandbox. */
#include "kt_test.h"

#include "base/mem.h"
#include "base/str.h"
#include "provider/functions.h"

#include <unistd.h>

static const kt_str labels[] = { { "good", 4 }, { "bad", 3 } };

struct ran {
    kt_rc rc;
    kt_err err;
    uint32_t m;
    int16_t vote[64];
    kt_function_fault fault[16];
    kt_arena arena;
};

static void ran_done(struct ran *r)
{
    kt_arena_done(&r->arena);
}

static kt_functions *read_as(struct ran *r, const char *yaml, const char *file, bool foreign)
{
    kt_yaml *y;
    kt_functions *f = NULL;
    const kt_functions_opts o = { .file = file, .labels = labels, .n_labels = 2, .foreign = foreign };
    r->rc = kt_yaml_parse(kt_str_of(yaml), file, &r->arena, &y, &r->err);
    if (r->rc == 0)
        r->rc = kt_functions_read(y, &o, &f, &r->err);
    if (r->rc == 0)
        r->rc = kt_functions_compile(f, NULL, &r->err);
    return f;
}

/* Votes of the functions on n items, row after row. */
static struct ran run_on(const char *yaml, const char *file, const kt_item *items, size_t n)
{
    struct ran r = { 0 };
    kt_functions *f = read_as(&r, yaml, file, false);
    kt_functions_scratch *s = NULL;
    if (r.rc == 0)
        r.rc = kt_functions_scratch_new(f, &s, &r.err);
    if (r.rc == 0) {
        r.m = kt_functions_count(f);
        assert_true(r.m <= KT_LEN(r.fault) && n * r.m <= KT_LEN(r.vote));
        kt_functions_apply(s, items, n, r.vote);
        kt_functions_gather(f, &s, 1, r.fault);
    }
    kt_functions_scratch_free(s);
    kt_functions_free(f);
    return r;
}

static kt_item item_of(const char *text, const char *meta)
{
    return (kt_item){ .number = 7, .ext_id = KT_S("i7"), .text = kt_str_of(text), .meta = kt_str_of(meta) };
}

/* The vote of one function on one text. */
static int vote_of(const char *function, const char *text, const char *meta)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    const kt_item it = item_of(text, meta);
    struct ran r = run_on(kt_arena_printf(&a, "- {name: f, %s}\n", function).p, "x.yaml", &it, 1);
    if (r.rc < 0)
        fail_msg("%s: %s", function, r.err.what);
    ran_done(&r);
    return r.vote[0];
}

static void words(void **state)
{
    (void)state;
    static const struct { const char *function, *text; int vote; } rows[] = {
        { "label: bad, any: [refund, money back]", "I want my MONEY \n back", 1 },
        { "label: bad, any: [refund]", "refunds are not it", KT_ABSTAIN },
        { "label: bad, any: [refund]", "(refund)", 1 },
        { "label: bad, any: [refund]", "prerefund, then refund", 1 }, /* the first match is no word, a later one is */
        { "label: bad, any: ['c++']", "I write C++ here", 1 },
        { "label: bad, any: ['c++']", "abc++", KT_ABSTAIN },
        { "label: bad, any: [café]", "CAFÉ noir", 1 },
        { "label: good, all: [a, b]", "b then a", 0 },
        { "label: good, all: [a, b]", "a and a", KT_ABSTAIN },
        { "label: good, all: [a], none: [x]", "a x", KT_ABSTAIN },
        { "label: good, phrase: thank you", "well, Thank You!", 0 },
        { "label: good, any: [a], all: [b], regex: 'c+d'", "a b ccd", 0 },
        { "label: good, any: [a], all: [b], regex: 'c+d'", "b ccd", KT_ABSTAIN },
        { "label: good, min_chars: 2, max_chars: 3", "éé", 0 },
        { "label: good, min_chars: 2, max_chars: 3", "abcd", KT_ABSTAIN },
    };
    for (size_t i = 0; i < KT_LEN(rows); i++)
        if (vote_of(rows[i].function, rows[i].text, "") != rows[i].vote)
            fail_msg("%s on '%s': not %d", rows[i].function, rows[i].text, rows[i].vote);
}

static void fields(void **state)
{
    (void)state;
    static const char meta[] = "{\"price\":12.5,\"lang\":\"en\",\"n\":null,\"title\":\"A free gift\",\"model\":\"bad\"}";
    static const struct { const char *function; int vote; } rows[] = {
        { "label: bad, where: {price: {'>': 12}}", 1 }, { "label: bad, where: {price: {'>': 12.5}}", -1 },
        { "label: bad, where: {price: {'>=': 12.5, '<': 100}}", 1 }, { "label: bad, where: {price: 12.50}", 1 },
        { "label: bad, where: {lang: en}", 1 }, { "label: bad, where: {lang: {'!=': en}}", -1 },
        { "label: bad, where: {lang: {in: [de, en]}}", 1 }, { "label: bad, where: {lang: [de, fr]}", -1 },
        { "label: bad, where: {title: {contains: free}}", 1 }, { "label: bad, where: {lang: {'<': 3}}", -1 },
        { "label: bad, where: {none: {'!=': x}}", -1 }, { "label: bad, where: {n: {'!=': x}}", -1 },
        { "label: bad, any: [gift], field: title", 1 }, { "label: bad, any: [gift]", -1 }, { "label: bad, min_chars: 11, field: title", 1 },
        { "from_field: model", 1 }, { "from_field: missing", -1 },
    };
    for (size_t i = 0; i < KT_LEN(rows); i++)
        if (vote_of(rows[i].function, "text", meta) != rows[i].vote)
            fail_msg("%s: not %d", rows[i].function, rows[i].vote);
}

/* Vectorscan and PCRE2 must agree where both take a pattern: (?=) makes no difference but that Vectorscan refuses it. */
static void engines(void **state)
{
    (void)state;
    static const char *const regex[] = { "\\bq[1-4] profit", "(won|lost) \\w+ \\d+", "^start", "end$", "a.b", "(?i)ABC", "x{2,3}y", "[^a-z ]{3}" };
    static const char *const text[] = { "q3 profit rose", "won twice 3", "start of it", "the end", "a\nb", "xabcx", "xxxxy", "AB! ?", "", "é€ 12345" };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    for (size_t i = 0; i < KT_LEN(regex); i++)
        for (size_t k = 0; k < KT_LEN(text); k++) {
            int plain = vote_of(kt_arena_printf(&a, "label: good, regex: '%s'", regex[i]).p, text[k], "");
            int other = vote_of(kt_arena_printf(&a, "label: good, regex: '(?=)(?:%s)'", regex[i]).p, text[k], "");
            if (plain != other)
                fail_msg("%s on '%s': %d, and by PCRE2 %d", regex[i], text[k], plain, other);
        }
    assert_int_equal(vote_of("label: good, regex: '(?<=not )good'", "not good", ""), 0);
    assert_int_equal(vote_of("label: good, regex: '(?<=not )good'", "very good", ""), KT_ABSTAIN);
    assert_int_equal(vote_of("label: good, regex: '\\b(\\w+) \\1\\b'", "the the end", ""), 0);
}

static void catastrophe(void **state)
{
    (void)state;
    char text[4001];
    memset(text, 'a', 4000);
    text[3999] = '!';
    text[4000] = 0;
    const kt_item it = item_of(text, "");
    struct ran r = run_on("- {name: boom, label: good, regex: '^((a|aa)+)+(?<=b)!$'}\n- {name: linear, label: bad, regex: '^(a+)+'}\n", "x", &it, 1);
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.vote[0], KT_ABSTAIN);
    assert_int_equal(r.vote[1], 1);
    assert_int_equal(r.fault[0].n, 1);
    assert_string_equal(r.fault[0].id, "i7");
    assert_non_null(strstr(r.fault[0].said, "gave up"));
    ran_done(&r);
}

static void agreement(void **state)
{
    (void)state;
    const kt_item items[] = { item_of("x y", ""), item_of("x", "") };
    struct ran r = run_on("- {name: a, label: good, any: [x]}\n- {name: b, label: good, any: [y]}\n- {name: both, label: good, agree: [a, b]}\n"
                          "- {name: one, label: good, agree: [a, b], at_least: 1, any: [x]}\n- {name: chain, label: good, agree: [one]}\n", "x", items, 2);
    static const int16_t want[] = { 0, 0, 0, 0, 0, 0, KT_ABSTAIN, KT_ABSTAIN, 0, 0 };
    assert_int_equal(r.rc, 0);
    assert_memory_equal(r.vote, want, sizeof(want));
    ran_done(&r);
    struct ran late = { 0 };
    kt_functions_free(read_as(&late, "- {name: a, label: good, agree: [b]}\n- {name: b, label: good, any: [y]}\n", "x", false));
    assert_int_equal(late.rc, KT_RANGE);
    ran_done(&late);
}

static void dictionary(void **state)
{
    (void)state;
    char dir[] = "/tmp/karat_dictXXXXXX", path[80], yaml[80];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/words.txt", dir);
    FILE *f = fopen(path, "w");
    fputs("# towns\n  New York \nparis\n", f);
    for (int i = 0; i < 5000; i++)
        fprintf(f, "town%d\n", i);
    fclose(f);
    snprintf(yaml, sizeof(yaml), "%s/p.yaml", dir);
    const kt_item items[] = { item_of("in new  york", ""), item_of("PARIS!", ""), item_of("parisian", ""), item_of("town4999", ""), item_of("town5000", "") };
    struct ran r = run_on("- {name: d, label: good, dictionary: words.txt}\n", yaml, items, 5);
    static const int16_t want[] = { 0, 0, KT_ABSTAIN, 0, KT_ABSTAIN };
    assert_int_equal(r.rc, 0);
    assert_memory_equal(r.vote, want, sizeof(want));
    ran_done(&r);
    struct ran page = { 0 };
    kt_functions_free(read_as(&page, "- {name: d, label: good, dictionary: words.txt}\n", yaml, true));
    assert_int_equal(page.rc, KT_DENIED);
    ran_done(&page);
    struct ran program = { 0 };
    kt_functions_free(read_as(&program, "- {name: d, command: [id]}\n", yaml, true));
    assert_int_equal(program.rc, KT_DENIED);
    ran_done(&program);
    unlink(path);
    rmdir(dir);
}

/* ---- Lua ---- */

static struct ran lua(const char *body, const char *text, const char *meta)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    const kt_item it = item_of(text, meta);
    return run_on(kt_arena_printf(&a, "- name: f\n  lua: |\n    function(item) %s end\n", body).p, "x", &it, 1);
}

/* true: the Lua expression is true for the item. */
static void holds(const char *expression)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    struct ran r = lua(kt_arena_printf(&a, "if %s then return 'good' end return 'bad'", expression).p, "the cat, the hat 42",
                       "{\"price\":3.5,\"ok\":true,\"tags\":[\"x\",\"y\"],\"o\":{\"k\":\"v\"},\"s\":\"5\"}");
    if (r.rc < 0 || r.fault[0].n || r.vote[0] != 0)
        fail_msg("%s: vote %d, %s%s", expression, r.vote[0], r.err.what, r.fault[0].said);
    ran_done(&r);
}

static void lua_item(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "item.text == 'the cat, the hat 42'", "item.id == 'i7'", "item.meta.price == 3.5", "item.price < 4", "item.ok == true", "item.tags[2] == 'y'",
        "item.o.k == 'v'", "item.s == '5'", "item.nothing == nil", "item.meta.nothing == nil", "(function() local n = 0 for k in pairs(item.meta) do n = n + 1 end return n end)() == 5",
        "#karat.words(item.text) == 5", "karat.words(item.text)[5] == '42'", "karat.has(item.text, 'CAT')", "not karat.has(item.text, 'at')",
        "karat.count(item.text, 'the') == 2", "karat.chars('é€') == 2", "math.floor(2.5) == 2",
    };
    for (size_t i = 0; i < KT_LEN(rows); i++)
        holds(rows[i]);
}

/* Expected values by the rules of the Lua 5.1 reference manual, section 5.4. */
static void lua_patterns(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "string.find('hello', 'l') == 3", "string.find('hello', 'xyz') == nil", "select(2, string.find('hello', 'l+')) == 4",
        "string.find('a.b', '.', 1, true) == 2", "string.find('a+b', '+', 1, true) == 2", "string.find('abc', 'b', -2) == 2", "string.find('abc', '', 10) == 4",
        "string.match('key = value', '^(%w+)%s*=%s*(%w+)$') == 'key'", "select(2, string.match('key = value', '(%w+)%s*=%s*(%w+)')) == 'value'",
        "string.match('  trim  ', '^%s*(.-)%s*$') == 'trim'", "string.match('2024-05-06', '%d+-(%d+)') == '05'", "string.match('abc', '()b()') == 2",
        "string.match('[[x]]', '%[(%b[])%]') == '[x]'", "string.match('THE (quick) fox', '%((%a+)%)') == 'quick'", "string.match('x', 'y?x') == 'x'",
        "string.match('aXb', '%u') == 'X'", "string.match('a]b', '[]]') == ']'", "string.match('a-b', '[a%-]+') == 'a-'", "string.match('abc', '[^a]+') == 'bc'",
        "string.match('f00', '[%a%d]+') == 'f00'", "string.match('\"x\" \\'y\\'', '([\"\\'])(.-)%1') == '\"'", "string.match('THE (quick) fox', '%f[%a]%a+%f[%A]') == 'THE'",
        "string.gsub('hello world', 'o', '0') == 'hell0 w0rld'", "select(2, string.gsub('hello world', 'o', '0')) == 2", "string.gsub('abc', '%w', '%0%0') == 'aabbcc'",
        "string.gsub('hello world', '(%w+) (%w+)', '%2 %1') == 'world hello'", "string.gsub('abc', '', '-') == '-a-b-c-'", "string.gsub('abc', 'b', {b = 'x'}) == 'axc'",
        "string.gsub('abc', '%w', function(c) if c == 'b' then return 'x' end end) == 'axc'", "string.gsub('aaa', 'a', 'b', 2) == 'bba'", "string.gsub('abc', '^a', 'x') == 'xbc'",
        "(function() local t = {} for k, v in string.gmatch('a=1, b=2', '(%w+)=(%w+)') do t[#t + 1] = k .. v end return table.concat(t) end)() == 'a1b2'",
        "(function() local n = 0 for _ in ('one two three'):gmatch('%a+') do n = n + 1 end return n end)() == 3", "('x'):rep(3) == 'xxx'", "('aBc'):lower() == 'abc'",
    };
    for (size_t i = 0; i < KT_LEN(rows); i++)
        holds(rows[i]);
}

/* None of these may end well, take long, or take the process with it; each is named. */
static void lua_escapes(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "while true do end", "local t = {} for i = 1, 1e9 do t[i] = i end", "local s = item.text while true do s = s .. s end", "return string.rep('x', 1e9)",
        "return ('x'):rep(1e9)", "local s = 'x' for i = 1, 60 do s = s:rep(1000) end", "return ('a'):rep(5000):find(('a*'):rep(20) .. 'b')",
        "return ('a'):rep(5000):match(('(a*)'):rep(20) .. 'b')", "return ('a'):rep(3000):gsub(('a?'):rep(40) .. ('a-'):rep(10) .. 'b', '')",
        "for k in ('a'):rep(5000):gmatch(('a*'):rep(20) .. 'b') do end", "local t = {} for i = 1, 1e6 do table.insert(t, 1, i) end",
        "local t = {} for i = 1, 3e5 do t[i] = i end for i = 1, 1e6 do table.sort(t) end", "local function f() return f() + f() end return f()", "local function f() return f() end return f()",
        "os.exit(0)", "io.open('/etc/passwd')", "require('ffi')", "package.loaded.os.exit()", "debug.getregistry()", "jit.on()", "ffi.C.exit(1)",
        "loadstring('return 1')()", "load('return 1')()", "dofile('/etc/passwd')", "collectgarbage()", "coroutine.wrap(function() while true do end end)()",
        "getfenv(1).x = 1", "setfenv(1, {})", "getmetatable('').__index = nil", "setmetatable({}, {})", "rawset(item, 'text', 'x')", "newproxy(true)",
        "pcall(function() while true do end end) return 'good'", "xpcall(function() end, print)", "string.dump(function() end)", "return loadstring('\\27LJ\\1')()",
        "item.text = 'other'", "x = 1", "error('no')", "error({})", "return 5", "return {}", "return 'no such label'", "local a = nil; return a.b", "math.random()",
        "return string.format('%9999d', 1)", "return unpack({}, 1, 1e8)",
        "return string.match('x', ('('):rep(40))", "return string.match('x', '[a')", "return string.match('x', '%')", "return string.match('x', '%f')",
        "return string.gsub(('x'):rep(1e6), 'x', ('y'):rep(1e6))", "return string.gsub.nothing.here", "string.jit.on()", "_G.ffi.cdef('')",
        "rawget(item, 'text')", "module('x')", "print('x')", "coroutine.create(print)", "local t = {} t.__gc = 1 setmetatable(t, t)",
        "return (('x'):rep(1e6) .. 'y'):find(('x'):rep(5e5) .. 'z' .. ('x'):rep(10), 1, true).x",
    };
    for (size_t i = 0; i < KT_LEN(rows); i++) {
        struct ran r = lua(rows[i], "the cat", "");
        if (r.rc != 0 || r.vote[0] != KT_ABSTAIN || r.fault[0].n != 1 || !r.fault[0].said[0])
            fail_msg("%s: rc %d, vote %d, %llu faults: %s%s", rows[i], r.rc, r.vote[0], (unsigned long long)r.fault[0].n, r.fault[0].said, r.err.what);
        ran_done(&r);
    }
}

static void lua_apart(void **state)
{
    (void)state;
    const kt_item items[] = { item_of("one", "{\"k\":\"v\"}"), item_of("two", "{\"k\":\"w\"}") };
    struct ran r = run_on("- {name: breaks, lua: \"function(item) string.find = nil karat = nil item.meta.k = 'x' return nil end\"}\n"
                          "- {name: works, lua: \"function(item) if string.find(item.text, 'one') and karat.has(item.text, 'one') and item.k == 'v' then return 'good' end end\"}\n"
                          "- {name: bombs, lua: \"function(item) if item.text == 'one' then while true do end end return 'bad' end\"}\n", "x", items, 2);
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.vote[1], 0);
    assert_int_equal(r.vote[4], KT_ABSTAIN);
    assert_int_equal(r.vote[2], KT_ABSTAIN);
    assert_int_equal(r.vote[5], 1); /* the item after the bomb is voted on again */
    assert_int_equal(r.fault[2].n, 1);
    ran_done(&r);
}

/* Text and fields are made when asked for: each function and each item sees its own, whoever asked before. */
static void lua_fresh(void **state)
{
    (void)state;
    const kt_item items[] = { item_of("one", "{\"k\":\"v\"}"), item_of("two", ""), item_of("", "{\"k\":\"w\"}") };
    struct ran r = run_on("- {name: text, lua: \"function(item) if item.text == 'one' then return 'good' end return item.text == 'two' and 'bad' or nil end\"}\n"
                          "- {name: only_second, lua: \"function(item) if item.text == 'two' and item.k == nil then return 'good' end end\"}\n"
                          "- {name: fields, lua: \"function(item) item.meta.k = (item.meta.k or '') .. '!' if item.k == 'v!' then return 'good' end return item.k == '!' and 'bad' or nil end\"}\n"
                          "- {name: again, lua: \"function(item) if item.k == 'v' then return 'good' end return item.k == 'w' and item.text == '' and 'bad' or nil end\"}\n", "x", items, 3);
    static const int16_t want[] = { 0, KT_ABSTAIN, 0, 0, 1, 0, 1, KT_ABSTAIN, KT_ABSTAIN, KT_ABSTAIN, KT_ABSTAIN, 1 };
    assert_int_equal(r.rc, 0);
    for (size_t i = 0; i < KT_LEN(want); i++)
        if (r.vote[i] != want[i])
            fail_msg("function %zu on item %zu: vote %d, not %d", i % 4, i / 4, r.vote[i], want[i]);
    ran_done(&r);
}

static void lua_broken(void **state)
{
    (void)state;
    static const char *const rows[] = { "- {name: f, lua: 'function('}", "- {name: f, lua: '5'}", "- {name: f, lua: 'while true do end'}", "- {name: f, lua: 'os.exit(3)'}", "- {name: f, lua: \"\\eLJ\\x02\"}" };
    for (size_t i = 0; i < KT_LEN(rows); i++) {
        struct ran r = { 0 };
        kt_functions_free(read_as(&r, rows[i], "x.yaml", false));
        assert_int_equal(r.rc, KT_PARSE);
        assert_non_null(strstr(r.err.what, "function f"));
        ran_done(&r);
    }
}

static void digests(void **state)
{
    (void)state;
    static const struct { const char *a, *b; bool same; } rows[] = {
        { "{name: f, label: good, any: [x]}", "{name: g, label: good, any: [x]}", true },
        { "{name: f, label: good, any: [x]}", "{name: f, label: good, any: [y]}", false },
        { "{name: f, label: good, any: [x]}", "{name: f, label: bad, any: [x]}", false },
        { "{name: f, label: good, any: [x, y]}", "{name: f, label: good, any: [xy]}", false },
        { "{name: f, label: good, any: [x]}", "{name: f, label: good, all: [x]}", false },
    };
    for (size_t i = 0; i < KT_LEN(rows); i++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        struct ran x = { 0 }, y = { 0 };
        unsigned char d[2][16];
        kt_functions *f = read_as(&x, kt_arena_printf(&a, "- %s\n", rows[i].a).p, "x", false), *g = read_as(&y, kt_arena_printf(&a, "- %s\n", rows[i].b).p, "x", false);
        kt_functions_digest(f, 0, d[0]);
        kt_functions_digest(g, 0, d[1]);
        assert_int_equal(memcmp(d[0], d[1], 16) == 0, rows[i].same);
        kt_functions_free(f);
        kt_functions_free(g);
        ran_done(&x);
        ran_done(&y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words), cmocka_unit_test(fields), cmocka_unit_test(engines), cmocka_unit_test(catastrophe), cmocka_unit_test(agreement),
        cmocka_unit_test(dictionary), cmocka_unit_test(lua_item), cmocka_unit_test(lua_patterns), cmocka_unit_test(lua_escapes), cmocka_unit_test(lua_apart), cmocka_unit_test(lua_fresh),
        cmocka_unit_test(lua_broken), cmocka_unit_test(digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
