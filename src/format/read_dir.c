/* A folder of text files, one item each. The source's bytes are a listing (kt_dir_listing): one relative path a line.
   A file offers the columns path, folder and name; the id is the path unless the map says otherwise, so
   fields: {truth: folder} reads the usual LABEL/FILE layout. */
#include "base/file.h"
#include "base/limits.h"
#include "base/str.h"
#include "format/record.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

enum { PATH, FOLDER, NAME, N_COLUMNS };

static int dir_sniff(kt_str head, kt_str name)
{
    (void)head;
    return kt_str_ends(name, KT_S("/")) ? 100 : 0;
}

static kt_rc dir_head(const kt_field_map *map, kt_str data, kt_layout *ret, size_t *ret_used, uint64_t *ret_lines, kt_err *err)
{
    static const kt_str columns[N_COLUMNS] = { [PATH] = { "path", 4 }, [FOLDER] = { "folder", 6 }, [NAME] = { "name", 4 } };
    (void)data;
    *ret_used = 0;
    *ret_lines = 0;
    kt_layout_map(ret, map);
    kt_str text = ret->name[KT_ROLE_TEXT];
    ret->name[KT_ROLE_TEXT] = (kt_str){ NULL, 0 };
    if (!ret->name[KT_ROLE_ID].n)
        ret->name[KT_ROLE_ID] = columns[PATH];
    ret->n_columns = N_COLUMNS;
    ret->column = kt_arena_array(&ret->arena, N_COLUMNS, sizeof(kt_str));
    memcpy(ret->column, columns, sizeof(columns));
    KT_TRY(kt_layout_columns(ret, err));
    ret->name[KT_ROLE_TEXT] = text; /* the file's contents; the name only appears in rejects */
    return 0;
}

static void put_file(const kt_layout *l, kt_record *r, kt_arena *a, kt_batch *ret, kt_rejects *rej)
{
    kt_err err = { 0 };
    KT_AUTO(kt_buf) text = KT_BUF_INIT(KT_MAX_TEXT_BYTES);
    char path[PATH_MAX];
    size_t bad = 0;
    kt_str rel = r->raw, cell[N_COLUMNS] = { [PATH] = rel };
    const char *slash = memrchr(rel.p, '/', rel.n);
    size_t cut = slash ? (size_t)(slash - rel.p) : 0;
    cell[FOLDER] = (kt_str){ rel.p, cut };
    cell[NAME] = slash ? (kt_str){ slash + 1, rel.n - cut - 1 } : rel;
    if (snprintf(path, sizeof(path), "%.*s/%.*s", KT_F(l->root), KT_F(rel)) >= (int)sizeof(path) || memchr(rel.p, 0, rel.n)) {
        kt_reject_add(rej, r->line, "path", rel, "not a path the system can open");
        return;
    }
    if (kt_file_read(path, &text, &err) < 0) {
        kt_reject_add(rej, r->line, "path", rel, "%s", err.what);
        return;
    }
    if (!kt_utf8_valid(KT_BUF_STR(&text), &bad)) {
        kt_reject_add(rej, r->line, "text", rel, "not valid UTF-8 at byte %zu", bad);
        return;
    }
    size_t bom = text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    r->value[KT_ROLE_TEXT] = text.n > bom ? kt_arena_str(a, (kt_str){ text.p + bom, text.n - bom }) : KT_S("");
    kt_buf_reset(&text);
    for (int c = 0; c < N_COLUMNS; c++) {
        if (l->role[c] >= 0)
            r->value[l->role[c]] = cell[c];
        else if (l->keep_meta) {
            kt_buf_char(&text, text.n ? ',' : '{');
            kt_buf_json(&text, l->column[c]);
            kt_buf_char(&text, ':');
            kt_buf_json(&text, cell[c]);
        }
    }
    if (text.n) {
        kt_buf_char(&text, '}');
        r->meta = kt_arena_str(a, KT_BUF_STR(&text));
    }
    kt_record_put(l, r, ret, rej);
}

static kt_rc dir_parse(const kt_layout *l, kt_str block, uint64_t first_line, kt_batch *ret, kt_rejects *rej, kt_err *err)
{
    (void)err;
    kt_str line;
    for (uint64_t no = first_line; kt_next_line(&block, &line); no++) {
        kt_record r = { .raw = line, .line = no };
        if (line.n && kt_record_utf8(line, no, rej))
            put_file(l, &r, &ret->arena, ret, rej);
    }
    return 0;
}

typedef KT_VEC(char *) paths;

/* Adds the entry name of the folder rel ("" at the top) to files or, to be listed later, to dirs. */
static kt_rc add_entry(const char *root, const char *rel, const char *name, kt_str suffix, paths found[2], kt_err *err)
{
    char full[PATH_MAX], sub[PATH_MAX];
    struct stat st;
    if (strpbrk(name, "\r\n"))
        return kt_fail(err, KT_RANGE, "a file name in %.120s/%.60s holds a line end", root, rel);
    if (snprintf(sub, sizeof(sub), "%s%s%s", rel, *rel ? "/" : "", name) >= (int)sizeof(sub))
        return kt_fail(err, KT_LIMIT, "path too long: %.100s/%.60s", rel, name);
    KT_TRY(kt_path_join(full, sizeof(full), root, sub, err));
    if (lstat(full, &st))
        return errno == ENOENT ? 0 : kt_fail_errno(err, "cannot look at %.150s", full);
    if (S_ISLNK(st.st_mode) && (stat(full, &st) || S_ISDIR(st.st_mode)))
        return 0;
    if (S_ISDIR(st.st_mode))
        KT_PUSH(&found[1], kt_strdup(sub));
    else if (S_ISREG(st.st_mode) && kt_str_ends(kt_str_of(name), suffix))
        KT_PUSH(&found[0], kt_strdup(sub));
    return 0;
}

static kt_rc list_folder(const char *root, const char *rel, kt_str suffix, paths found[2], kt_err *err)
{
    char full[PATH_MAX];
    KT_TRY(kt_path_join(full, sizeof(full), root, rel, err));
    DIR *d = opendir(full);
    if (!d)
        return kt_fail_errno(err, "cannot list folder %.150s", full);
    kt_rc rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(d));)
        if (e->d_name[0] != '.')
            rc = add_entry(root, rel, e->d_name, suffix, found, err);
    closedir(d);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

kt_rc kt_dir_listing(const char *path, kt_str suffix, kt_buf *ret, kt_err *err)
{
    paths found[2] = { { 0 }, { 0 } }; /* files, folders still to do */
    kt_rc rc = 0;
    KT_PUSH(&found[1], kt_strdup(""));
    while (rc == 0 && found[1].n) {
        char *rel = found[1].v[--found[1].n];
        rc = list_folder(path, rel, suffix, found, err);
        kt_free(rel);
    }
    if (rc == 0 && found[0].n)
        qsort(found[0].v, found[0].n, sizeof(char *), by_name);
    for (size_t i = 0; rc == 0 && i < found[0].n; i++) {
        kt_buf_puts(ret, found[0].v[i]);
        kt_buf_char(ret, '\n');
    }
    if (rc == 0 && ret->failed)
        rc = kt_fail(err, KT_LIMIT, "the listing of %.120s is larger than %zu bytes", path, ret->max);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < found[k].n; i++)
            kt_free(found[k].v[i]);
        KT_VEC_DONE(&found[k]);
    }
    return rc;
}

const kt_reader kt_reader_dir = {
    .name = "dir", .help = "a folder of text files, one item each; fields path, folder and name",
    .suffixes = (const char *const[]){ NULL },
    .sniff = dir_sniff, .head = dir_head, .split = kt_split_lines, .parse = dir_parse,
};
