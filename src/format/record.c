#include "format/record.h"

#include "base/limits.h"
#include "base/str.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

const char *const kt_role_names[KT_ROLE__COUNT] = {
    [KT_ROLE_ID] = "id", [KT_ROLE_TEXT] = "text", [KT_ROLE_GROUP] = "group", [KT_ROLE_TRUTH] = "truth", [KT_ROLE_GOLD] = "gold",
};

void kt_layout_map(kt_layout *ret, const kt_field_map *map)
{
    const kt_str from[KT_ROLE__COUNT] = { map->id, map->text.n ? map->text : KT_S("text"), map->group, map->truth, map->gold };
    for (int r = 0; r < KT_ROLE__COUNT; r++)
        ret->name[r] = from[r].n ? kt_arena_str(&ret->arena, from[r]) : (kt_str){ NULL, 0 };
    ret->keep_meta = map->keep_meta;
    ret->root = map->root.n ? kt_arena_str(&ret->arena, map->root) : KT_S(".");
}

static kt_rc no_column(const kt_layout *l, int role, kt_err *err)
{
    char list[160] = "";
    const char **names = kt_alloc_array(l->n_columns + 1, sizeof(*names));
    size_t at = 0;
    for (size_t c = 0; c < l->n_columns; c++)
        names[c] = l->column[c].p;
    for (size_t c = 0; c < l->n_columns; c++) {
        if (at + l->column[c].n + 8 < sizeof(list))
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%.*s", c ? ", " : "", KT_F(l->column[c]));
        else if (at + 6 < sizeof(list))
            at += (size_t)snprintf(list + at, sizeof(list) - at, ", …");
        else
            break;
    }
    const char *near = kt_nearest(l->name[role], names, l->n_columns);
    kt_rc rc = kt_fail(err, KT_RANGE, "no column \"%.*s\" for %s; the file has: %s", (int)KT_MIN(l->name[role].n, (size_t)60),
                       l->name[role].p, kt_role_names[role], list);
    if (near)
        kt_hint(err, "did you mean \"%s\"?", near);
    else
        kt_hint(err, "set fields: {%s: COLUMN} for this source", kt_role_names[role]);
    kt_free(names);
    return rc;
}

kt_rc kt_layout_columns(kt_layout *ret, kt_err *err)
{
    ret->role = kt_arena_alloc(&ret->arena, ret->n_columns);
    memset(ret->role, -1, ret->n_columns);
    for (int r = 0; r < KT_ROLE__COUNT; r++) {
        bool found = ret->name[r].n == 0;
        for (size_t c = 0; c < ret->n_columns; c++) {
            if (!ret->name[r].n || !kt_str_eq(ret->name[r], ret->column[c]))
                continue;
            if (found || ret->role[c] >= 0)
                return kt_fail(err, KT_RANGE, "column \"%.*s\" is %s", (int)KT_MIN(ret->column[c].n, (size_t)60),
                               ret->column[c].p, found ? "there twice" : "mapped to two fields");
            ret->role[c] = (int8_t)r;
            found = true;
        }
        if (!found)
            return no_column(ret, r, err);
    }
    return 0;
}

kt_rc kt_front(kt_str data, size_t *ret_used, kt_err *err)
{
    static const struct { const char *magic; size_t n; const char *what; } foreign[] = {
        { "\xff\xfe", 2, "UTF-16 text" }, { "\xfe\xff", 2, "UTF-16 text" }, { "\x1f\x8b", 2, "gzip" },
        { "\x28\xb5\x2f\xfd", 4, "zstd" }, { "PK\x03\x04", 4, "a ZIP or Excel file" }, { "PAR1", 4, "Parquet" },
        { "BZh", 3, "bzip2" }, { "\xfd" "7zXZ", 5, "xz" }, { "%PDF-", 5, "PDF" },
    };
    for (size_t i = 0; i < KT_LEN(foreign); i++)
        if (data.n >= foreign[i].n && memcmp(data.p, foreign[i].magic, foreign[i].n) == 0) {
            kt_fail(err, KT_PARSE, "this is %s, not UTF-8 text", foreign[i].what);
            return kt_hint(err, "convert it to UTF-8 text first"), KT_PARSE;
        }
    *ret_used = data.n >= 3 && memcmp(data.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    return 0;
}

static bool blank(kt_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && !(s.p[i] >= '\t' && s.p[i] <= '\r'))
            return false;
    return true;
}

void kt_record_put(const kt_layout *l, const kt_record *r, kt_batch *ret, kt_rejects *rej)
{
    char field[64];
    for (int i = 0; i < KT_ROLE__COUNT; i++) {
        kt_str v = r->value[i];
        if (i != KT_ROLE_TEXT && !v.n)
            continue;
        const char *wrong = NULL;
        if (i != KT_ROLE_TEXT)
            wrong = v.n <= KT_MAX_ID_BYTES ? NULL : "longer than the 512 bytes accepted here";
        else if (!v.p)
            wrong = "missing";
        else if (v.n > KT_MAX_TEXT_BYTES)
            wrong = "longer than the 10 MiB accepted here";
        else if (blank(v))
            wrong = "empty";
        if (!wrong && memchr(v.p, 0, v.n))
            wrong = "holds a NUL character (U+0000)";
        if (wrong) {
            snprintf(field, sizeof(field), "%.*s", (int)KT_MIN(l->name[i].n, sizeof(field) - 1), l->name[i].p);
            kt_reject_add(rej, r->line, field, r->raw, "%s %s", kt_role_names[i], wrong);
            return;
        }
    }
    kt_raw x = { r->value[KT_ROLE_ID], r->value[KT_ROLE_TEXT], r->value[KT_ROLE_GROUP], r->value[KT_ROLE_TRUTH],
                 r->value[KT_ROLE_GOLD], r->meta, r->line };
    KT_PUSH(ret, x);
}
_Static_assert(KT_MAX_ID_BYTES == 512 && KT_MAX_TEXT_BYTES == (size_t)10 << 20, "the messages above name these bounds");

bool kt_record_utf8(kt_str s, uint64_t line, kt_rejects *rej)
{
    size_t bad = 0;
    if (kt_utf8_valid(s, &bad))
        return true;
    kt_reject_add(rej, line, NULL, s, "not valid UTF-8 at byte %zu (0x%02x)", bad, (unsigned char)s.p[bad]);
    return false;
}

uint64_t kt_count_lines(kt_str s)
{
    uint64_t n = 0;
    size_t i = 0;
#ifdef __SSE2__
    const __m128i lf = _mm_set1_epi8('\n');
    for (; i + 64 <= s.n; i += 64) {
        const __m128i *p = (const __m128i *)(const void *)(s.p + i);
        uint64_t m[4];
        for (int k = 0; k < 4; k++)
            m[k] = (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(p + k), lf));
        n += (uint64_t)__builtin_popcountll(m[0] | m[1] << 16 | m[2] << 32 | m[3] << 48);
    }
#endif
    for (; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

size_t kt_split_lines(const kt_layout *l, kt_str data, bool eof, uint64_t *ret_lines)
{
    (void)l;
    const char *last = data.n ? memrchr(data.p, '\n', data.n) : NULL;
    size_t n = last ? (size_t)(last - data.p) + 1 : 0;
    if (eof || (n == 0 && data.n > KT_MAX_LINE_BYTES))
        n = data.n;
    *ret_lines = kt_count_lines((kt_str){ data.p, n }) + (eof && n && data.p[n - 1] != '\n');
    return n;
}

bool kt_next_line(kt_str *rest, kt_str *ret)
{
    if (!rest->n)
        return false;
    const char *end = memchr(rest->p, '\n', rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n, used = n + (end != NULL);
    *ret = (kt_str){ rest->p, n - (n && rest->p[n - 1] == '\r') };
    *rest = (kt_str){ rest->p + used, rest->n - used };
    return true;
}
