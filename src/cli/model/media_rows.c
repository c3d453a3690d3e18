/* Finding files, and their features in parallel. */
#include "cli/model/media_rows.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAX_FILE ((size_t)256 << 20)

static const char *const path_names[] = { "path", "file", "image", "audio", "filename", NULL };
static const char *const group_names[] = { "group", "cluster", NULL };

typedef struct media_file {
    const char *path;
    kt_str item, label;
} media_file;

typedef KT_VEC(media_file) media_files;

static int by_item(const void *a, const void *b)
{
    return kt_str_cmp(((const media_file *)a)->item, ((const media_file *)b)->item);
}

static bool wanted(const kt_media *m, kt_str name)
{
    for (const char *const *s = m->suffixes; *s; s++) {
        kt_str end = kt_str_of(*s);
        if (name.n > end.n && kt_str_ieq((kt_str){ name.p + name.n - end.n, end.n }, end))
            return true;
    }
    return false;
}

/* Files of dir; of folders in it, too, with their name as label. */
static kt_rc list(kt_arena *a, const kt_media *m, const char *dir, kt_str label, media_files *ret, kt_err *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return kt_fail_errno(err, "cannot open %s", dir);
    kt_rc rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        char path[4096];
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        rc = kt_path_join(path, sizeof(path), dir, e->d_name, err);
        if (rc == 0 && stat(path, &st) != 0)
            rc = kt_fail_errno(err, "cannot look at %s", path);
        if (rc == 0 && S_ISDIR(st.st_mode) && !label.p)
            rc = list(a, m, path, kt_arena_str(a, kt_str_of(e->d_name)), ret, err);
        else if (rc == 0 && S_ISREG(st.st_mode) && wanted(m, kt_str_of(e->d_name)))
            KT_PUSH(ret, (media_file){ kt_arena_cstr(a, kt_str_of(path)),
                                       kt_arena_printf(a, "%.*s%s%s", KT_F(label), label.p ? "/" : "", e->d_name), label });
    }
    closedir(d);
    return rc;
}

/* What path names, seen from the folder of table. */
static const char *beside(kt_arena *a, const char *table, kt_str path)
{
    kt_str dir = kt_str_of(table);
    while (dir.n && dir.p[dir.n - 1] != '/')
        dir.n--;
    if (path.n && path.p[0] == '/')
        dir.n = 0;
    kt_str whole = kt_arena_printf(a, "%.*s%.*s", KT_F(dir), KT_F(path));
    return kt_arena_cstr(a, whole);
}

static kt_rc from_table(kt_model_job *j, media_files *files, kt_row_data *ret, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    kt_columns *c;
    kt_str *path;
    KT_TRY(kt_model_table(j, j->data, &c, err));
    KT_TRY(kt_columns_need(c, path_names, &path, err));
    kt_str *item = kt_columns_find(c, kt_item_names), *group = kt_columns_find(c, group_names);
    ret->cell = kt_columns_find(c, kt_label_names);
    for (size_t i = 0; i < c->n_rows; i++)
        KT_PUSH(files, (media_file){ beside(a, j->data, path[i]), item ? item[i] : path[i], { NULL, 0 } });
    ret->group = group ? kt_rows_groups(a, group, c->n_rows) : NULL;
    return KT_OK;
}

static kt_rc from_folder(kt_model_job *j, const kt_media *m, media_files *files, kt_row_data *ret, kt_err *err)
{
    bool any = false;
    KT_TRY(list(j->cli->arena, m, j->data, (kt_str){ NULL, 0 }, files, err));
    if (files->n)
        qsort(files->v, files->n, sizeof(*files->v), by_item);
    ret->cell = kt_arena_array(j->cli->arena, files->n + 1, sizeof(kt_str));
    for (size_t i = 0; i < files->n; i++) {
        ret->cell[i] = files->v[i].label;
        any = any || files->v[i].label.n;
    }
    if (!any)
        ret->cell = NULL;
    return KT_OK;
}

typedef struct features_job {
    const media_file *file;
    kt_media_features *features;
    uint32_t width;
    float *x;
    kt_rc *rc;
    kt_err *err; /* per file; only the first failure is told */
} features_job;

static void one_file(void *ctx, size_t i)
{
    features_job *j = ctx;
    KT_AUTO(kt_buf) b = KT_BUF_INIT(MAX_FILE);
    j->rc[i] = kt_file_read(j->file[i].path, &b, &j->err[i]);
    if (j->rc[i] == 0 && (j->rc[i] = j->features(KT_BUF_STR(&b), j->x + i * j->width, &j->err[i])) < 0)
        kt_at(&j->err[i], j->file[i].path, 0, NULL);
}

kt_rc kt_media_rows_read(kt_model_job *j, const kt_media *media, kt_row_data *ret, kt_err *err)
{
    uint32_t width = media->width;
    struct stat st;
    media_files files = { 0 };
    kt_arena *a = j->cli->arena;
    bool folder = stat(j->data, &st) == 0 && S_ISDIR(st.st_mode);
    kt_rc rc = folder ? from_folder(j, media, &files, ret, err) : from_table(j, &files, ret, err);
    ret->n = files.n;
    ret->d = width;
    ret->item = kt_arena_array(a, files.n + 1, sizeof(kt_str));
    ret->column = kt_arena_array(a, width, sizeof(kt_str));
    for (size_t i = 0; i < files.n; i++)
        ret->item[i] = files.v[i].item;
    for (uint32_t c = 0; c < width; c++) {
        char text[64];
        media->name(c, text);
        ret->column[c] = kt_arena_str(a, kt_str_of(text));
    }
    features_job f = { files.v, media->features, width, kt_arena_alloc(a, (files.n * width + 1) * sizeof(float)), kt_zalloc_array(files.n + 1, sizeof(kt_rc)),
                       kt_zalloc_array(files.n + 1, sizeof(kt_err)) };
    if (rc == 0)
        kt_pool_run(j->cli->pool, files.n, one_file, &f);
    for (size_t i = 0; i < files.n && rc == 0; i++)
        if ((rc = f.rc[i]) < 0)
            *err = f.err[i];
    ret->x = f.x;
    kt_free(f.rc);
    kt_free(f.err);
    KT_VEC_DONE(&files);
    return rc < 0 ? rc : kt_rows_read_labels(j, ret, err);
}
