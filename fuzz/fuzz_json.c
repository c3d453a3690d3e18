/* The pull reader: a value walked with every function agrees with the same value skipped, and strings survive being written
   and read again. */
#include "fuzz.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

static void again(kt_str s)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 30);
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str back;
    if (!kt_utf8_valid(s, NULL))
        return;
    kt_buf_json(&b, s);
    kt_json j = { .s = KT_BUF_STR(&b) };
    KT_ASSERT(kt_json_string(&j, &a, &back) && kt_json_end(&j) && kt_str_eq(back, s));
}

static bool walk(kt_json *j, kt_arena *a)
{
    kt_str s;
    double d;
    bool first = true;
    switch (kt_json_peek(j)) {
    case KT_JSON_STRING:
        if (!kt_json_string(j, a, &s))
            return false;
        again(s);
        return true;
    case KT_JSON_NUMBER: return kt_json_number(j, &d);
    case KT_JSON_OBJECT:
        if (!kt_json_enter(j, '{'))
            return false;
        while (kt_json_field(j, &first, a, &s))
            if (!walk(j, a))
                return false;
        return !j->wrong;
    case KT_JSON_ARRAY:
        if (!kt_json_enter(j, '['))
            return false;
        while (kt_json_element(j, &first))
            if (!walk(j, a))
                return false;
        return !j->wrong;
    default: return kt_json_skip(j, NULL);
    }
}

void fuzz_one(const uint8_t *data, size_t n)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str text = { (const char *)data, n }, raw = { NULL, 0 };
    kt_json j = { .s = text }, k = { .s = text };
    bool walked = walk(&j, &a) && kt_json_end(&j), skipped = kt_json_skip(&k, &raw) && kt_json_end(&k);
    KT_ASSERT(walked || j.wrong);
    KT_ASSERT(skipped || k.wrong);
    KT_ASSERT(j.at <= n && k.at <= n);
    KT_ASSERT(!walked || (skipped && j.at == k.at && j.depth == 0 && raw.p >= text.p && raw.p + raw.n <= text.p + n));
    KT_ASSERT(walked || !skipped || strcmp(j.wrong, "number out of range") == 0); /* the only thing a walk knows better */
}
