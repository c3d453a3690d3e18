/* One pass; a column is what stands between tabs, or between blanks where the line has no tab. */
#include "format/conll.h"

#include "base/mem.h"
#include "base/str.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\r';
}

/* First and last column of a line; false: an empty one. */
static bool columns(kt_str line, kt_str *ret_first, kt_str *ret_last)
{
    bool tabs = memchr(line.p, '\t', line.n) != NULL;
    while (line.n && (is_blank(line.p[line.n - 1]) || line.p[line.n - 1] == '\t'))
        line.n--;
    if (!line.n)
        return false;
    size_t first = 0, last = line.n;
    while (first < line.n && (tabs ? line.p[first] != '\t' : !is_blank(line.p[first])))
        first++;
    while (last > first && (tabs ? line.p[last - 1] != '\t' : !is_blank(line.p[last - 1])))
        last--;
    *ret_first = (kt_str){ line.p, first };
    *ret_last = last > first ? (kt_str){ line.p + last, line.n - last } : (kt_str){ NULL, 0 };
    return first > 0;
}

kt_rc kt_conll_parse(const char *path, kt_str text, kt_arena *a, kt_conll *ret, kt_err *err)
{
    KT_VEC(kt_str) token = { 0 }, tag = { 0 };
    KT_VEC(size_t) start = { 0 };
    kt_str line, first, last;
    uint64_t number = 0;
    kt_rc rc = 0;
    size_t bad;
    KT_PUSH(&start, 0);
    while (rc == 0 && kt_str_cut(&text, '\n', &line)) {
        number++;
        if (!kt_utf8_valid(line, &bad)) {
            rc = kt_fail(err, KT_PARSE, "the line is not UTF-8");
            kt_at(err, path, number, NULL);
            break;
        }
        bool any = columns(line, &first, &last);
        if (any && !last.n && line.n > 1 && line.p[0] == '#' && line.p[1] == ' ')
            continue;
        if (!any || kt_str_starts(first, KT_S("-DOCSTART-"))) {
            if (start.v[start.n - 1] != token.n)
                KT_PUSH(&start, token.n);
            continue;
        }
        KT_PUSH(&token, first);
        KT_PUSH(&tag, last);
    }
    if (start.v[start.n - 1] != token.n)
        KT_PUSH(&start, token.n);
    if (rc == 0) {
        *ret = (kt_conll){ token.n, start.n - 1, kt_arena_array(a, token.n + 1, sizeof(kt_str)), kt_arena_array(a, token.n + 1, sizeof(kt_str)),
                           kt_arena_array(a, start.n, sizeof(size_t)) };
        if (token.n) {
            memcpy(ret->token, token.v, token.n * sizeof(kt_str));
            memcpy(ret->tag, tag.v, token.n * sizeof(kt_str));
        }
        memcpy(ret->start, start.v, start.n * sizeof(size_t));
    }
    KT_VEC_DONE(&token);
    KT_VEC_DONE(&tag);
    KT_VEC_DONE(&start);
    return rc;
}
