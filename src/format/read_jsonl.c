/* JSON Lines: one object a line (jsonlines.org; NDJSON). One pass of the pull reader per line: the mapped fields become
   views into the block, the others are copied as they stand into kt_raw.meta. UTF-8 is checked once over the block and
   line by line only when that fails. Blank lines are stepped over. */
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "format/record.h"

typedef struct walk {
    kt_arena *arena;
    kt_json j;
    kt_record rec;
    unsigned seen;      /* bit per role */
    int wrong_role;     /* role of the first field that cannot be used; -1: none */
    const char *wrong;
    bool keep_meta;
    char *meta;         /* room for the line's length + 2: every byte put there stands in the line once */
    size_t n_meta;
} walk;

static void add(walk *w, kt_str s)
{
    memcpy(w->meta + w->n_meta, s.p, s.n);
    w->n_meta += s.n;
}

static void add_name(walk *w, kt_str quoted)
{
    if (w->meta[w->n_meta - 1] != '{')
        w->meta[w->n_meta++] = ',';
    add(w, quoted);
    w->meta[w->n_meta++] = ':';
}

/* The field's name as written, quotes included: between where the field began and where its value begins. */
static kt_str quoted_name(const walk *w, size_t from)
{
    const char *p = w->j.s.p;
    size_t to = w->j.at;
    while (p[from] != '"')
        from++;
    while (p[to - 1] != '"')
        to--;
    return (kt_str){ p + from, to - from };
}

static void refuse(walk *w, int role, const char *why)
{
    if (w->wrong_role < 0) {
        w->wrong_role = role;
        w->wrong = why;
    }
}

static bool take_value(walk *w, int role)
{
    static const char *const not_text[] = { [KT_JSON_NULL] = "null", [KT_JSON_FALSE] = "false", [KT_JSON_TRUE] = "true",
        [KT_JSON_NUMBER] = "a number", [KT_JSON_STRING] = "", [KT_JSON_OBJECT] = "an object", [KT_JSON_ARRAY] = "an array" };
    kt_str *ret = &w->rec.value[role], raw;
    int kind = kt_json_peek(&w->j);
    if (w->seen & 1u << role)
        refuse(w, role, "there twice");
    w->seen |= 1u << role;
    if (kind == KT_JSON_STRING)
        return kt_json_string(&w->j, w->arena, ret);
    if (!kt_json_skip(&w->j, &raw))
        return false;
    if (kind == KT_JSON_NULL)
        return true; /* absent */
    if (role == KT_ROLE_TEXT || kind == KT_JSON_OBJECT || kind == KT_JSON_ARRAY)
        refuse(w, role, not_text[kind]);
    else
        *ret = raw;
    return true;
}

static int role_of(const kt_str want[KT_ROLE__COUNT], kt_str name)
{
    for (int r = 0; r < KT_ROLE__COUNT; r++)
        if (want[r].n == name.n && name.n && memcmp(want[r].p, name.p, name.n) == 0)
            return r;
    return -1;
}

/* Does a dotted path lead through name? What follows the dot goes to inner. */
static bool leads_through(const kt_str want[KT_ROLE__COUNT], kt_str name, kt_str inner[KT_ROLE__COUNT])
{
    bool any = false;
    for (int r = 0; r < KT_ROLE__COUNT; r++) {
        bool in = want[r].n > name.n + 1 && want[r].p[name.n] == '.' && memcmp(want[r].p, name.p, name.n) == 0;
        inner[r] = in ? (kt_str){ want[r].p + name.n + 1, want[r].n - name.n - 1 } : (kt_str){ NULL, 0 };
        any |= in;
    }
    return any;
}

static bool take_object(walk *w, const kt_str want[KT_ROLE__COUNT], bool dotted)
{
    kt_str name, raw, inner[KT_ROLE__COUNT];
    bool first = true;
    if (!kt_json_enter(&w->j, '{'))
        return false;
    if (w->keep_meta)
        w->meta[w->n_meta++] = '{';
    for (size_t from = w->j.at; kt_json_field(&w->j, &first, w->arena, &name); from = w->j.at) {
        int role = role_of(want, name);
        if (role >= 0) {
            if (!take_value(w, role))
                return false;
            continue;
        }
        size_t before = w->n_meta;
        if (w->keep_meta)
            add_name(w, quoted_name(w, from));
        if (dotted && leads_through(want, name, inner) && kt_json_peek(&w->j) == KT_JSON_OBJECT) {
            size_t body = w->n_meta;
            if (!take_object(w, inner, true))
                return false;
            if (w->keep_meta && w->n_meta == body + 2)
                w->n_meta = before; /* nothing but mapped fields was in it */
            continue;
        }
        if (!kt_json_skip(&w->j, &raw))
            return false;
        if (w->keep_meta)
            add(w, raw);
    }
    if (w->keep_meta)
        w->meta[w->n_meta++] = '}';
    return w->j.wrong == NULL;
}

static void one_line(walk *w, const kt_layout *l, bool dotted, kt_batch *ret, kt_rejects *rej)
{
    kt_str line = w->j.s;
    if (!take_object(w, l->name, dotted) || !kt_json_end(&w->j)) {
        kt_reject_add(rej, w->rec.line, NULL, line, "malformed JSON: %s (column %zu)", w->j.wrong, w->j.at + 1);
        return;
    }
    if (w->wrong_role >= 0) {
        char field[64];
        kt_str name = l->name[w->wrong_role];
        snprintf(field, sizeof(field), "%.*s", (int)KT_MIN(name.n, sizeof(field) - 1), name.p);
        bool twice = strcmp(w->wrong, "there twice") == 0;
        kt_reject_add(rej, w->rec.line, field, line, twice ? "%s is %s" : "%s must be a string, found %s",
                      kt_role_names[w->wrong_role], w->wrong);
        return;
    }
    if (w->n_meta > 2)
        w->rec.meta = kt_arena_str(w->arena, (kt_str){ w->meta, w->n_meta });
    kt_record_put(l, &w->rec, ret, rej);
}

static kt_rc jsonl_parse(const kt_layout *l, kt_str block, uint64_t first_line, kt_batch *ret, kt_rejects *rej, kt_err *err)
{
    (void)err;
    bool valid = kt_utf8_valid(block, NULL), dotted = false;
    for (int r = 0; r < KT_ROLE__COUNT; r++)
        dotted |= l->name[r].n && memchr(l->name[r].p, '.', l->name[r].n);
    char *meta = NULL;
    size_t room = 0;
    kt_str line;
    for (uint64_t no = first_line; kt_next_line(&block, &line); no++) {
        if (line.n > KT_MAX_LINE_BYTES) {
            kt_reject_add(rej, no, NULL, line, "the line is longer than the 16 MiB accepted here");
            continue;
        }
        if (kt_str_trim(line).n == 0 || (!valid && !kt_record_utf8(line, no, rej)))
            continue;
        if (l->keep_meta && room < line.n + 2) {
            room = 2 * line.n + 1024;
            meta = kt_realloc(meta, room);
        }
        walk w = { .arena = &ret->arena, .j = { .s = line }, .rec = { .raw = line, .line = no }, .wrong_role = -1,
                   .keep_meta = l->keep_meta, .meta = meta };
        one_line(&w, l, dotted, ret, rej);
    }
    kt_free(meta);
    return 0;
}

static kt_rc jsonl_head(const kt_field_map *map, kt_str data, kt_layout *ret, size_t *ret_used, uint64_t *ret_lines, kt_err *err)
{
    KT_TRY(kt_front(data, ret_used, err));
    *ret_lines = 0;
    kt_layout_map(ret, map);
    return 0;
}

static int jsonl_sniff(kt_str head, kt_str name)
{
    (void)name;
    kt_str line;
    if (head.n >= 3 && memcmp(head.p, "\xef\xbb\xbf", 3) == 0)
        head = (kt_str){ head.p + 3, head.n - 3 };
    while (kt_next_line(&head, &line)) {
        kt_json j = { .s = line };
        if (kt_str_trim(line).n == 0)
            continue;
        if (kt_json_peek(&j) != KT_JSON_OBJECT)
            return 0;
        if (kt_json_skip(&j, NULL) && kt_json_end(&j))
            return 90;
        return head.n == 0 && j.at == line.n ? 50 : 0; /* cut short, or a pretty-printed document */
    }
    return kt_str_ends(name, KT_S(".jsonl")) || kt_str_ends(name, KT_S(".ndjson")) ? 50 : 0;
}

const kt_reader kt_reader_jsonl = {
    .name = "jsonl", .help = "JSON Lines: one object a line; names may be dotted paths",
    .suffixes = (const char *const[]){ ".jsonl", ".ndjson", ".json", NULL },
    .sniff = jsonl_sniff, .head = jsonl_head, .split = kt_split_lines, .parse = jsonl_parse,
};
