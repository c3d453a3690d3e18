#include "format/array_file.h"

#include "base/mem.h"
#include "base/str.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define MAX_FILE_BYTES ((size_t)1 << 36)

bool kt_array_file_is(const kt_row_stream *s)
{
    return kt_npy_is(KT_BUF_STR(&s->text)) || kt_npz_is(KT_BUF_STR(&s->text));
}

/* Where the file is no regular one, false: it has to be read. */
static bool map(const kt_row_stream *s, kt_array_file *f)
{
    struct stat st;
    if (fstat(s->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || (size_t)st.st_size > MAX_FILE_BYTES)
        return false;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, s->fd, 0);
    if (p == MAP_FAILED)
        return false;
    f->map = p;
    f->map_bytes = (size_t)st.st_size;
    return true;
}

static kt_rc parse(kt_str bytes, const char *name, kt_arena *a, kt_array_file *f, kt_err *err)
{
    if (kt_npz_is(bytes))
        return kt_npz_parse(bytes, a, &f->array, &f->n, err);
    f->array = kt_arena_array(a, 1, sizeof(*f->array));
    f->array->name = kt_str_of(name);
    f->n = 1;
    return kt_npy_parse(bytes, a, &f->array->array, err);
}

kt_rc kt_array_file_read(kt_row_stream *s, const char *name, kt_arena *a, kt_array_file *ret, kt_err *err)
{
    *ret = (kt_array_file){ .text = KT_BUF_INIT(MAX_FILE_BYTES) };
    bool mapped = s->fd > 0 && map(s, ret);
    kt_rc rc = 0;
    if (!mapped) {
        rc = kt_row_stream_all(s, MAX_FILE_BYTES, err);
        ret->text = s->text; /* handed over */
        s->text = (kt_buf)KT_BUF_INIT(0);
    }
    if (rc == 0)
        rc = parse(mapped ? (kt_str){ ret->map, ret->map_bytes } : KT_BUF_STR(&ret->text), name, a, ret, err);
    if (rc < 0) {
        kt_at(err, s->rows.path, 0, NULL);
        kt_array_file_done(ret);
    }
    return rc;
}

void kt_array_file_done(kt_array_file *f)
{
    kt_buf_done(&f->text);
    if (f->map)
        munmap(f->map, f->map_bytes);
    *f = (kt_array_file){ 0 };
}
