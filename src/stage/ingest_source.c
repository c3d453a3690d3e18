/* The bytes of a source, in waves. */
#include "base/limits.h"
#include "base/str.h"
#include "stage/ingest_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20)
#define WAVE (BLOCK * KT_WAVE_BLOCKS)

_Static_assert(WAVE > KT_MAX_LINE_BYTES, "a full window holds the end of a record, or a line too long to take");

static int64_t mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* Where this source was left: KT_DONE when nothing is to do. */
static kt_rc resume(kt_store *s, int64_t project, struct kt_source *src, const struct stat *st, kt_err *err)
{
    kt_place old = { 0 };
    kt_rc rc = kt_place_get(s, project, kt_str_of(src->config->path), &old, err);
    KT_TRY(rc);
    bool same = rc == 0 && old.size == st->st_size && old.mtime_ns == mtime_ns(st) && S_ISREG(st->st_mode);
    if (!same)
        old = (kt_place){ 0 };
    src->skip = old.state == KT_PLACE_SKIP;
    src->offset = (uint64_t)old.at_byte;
    src->line = old.at_line ? (uint64_t)old.at_line : 1;
    return old.state == KT_PLACE_DONE ? KT_DONE : 0;
}

static kt_rc read_list(struct kt_source *src, struct kt_wave *w)
{
    size_t n = KT_MIN(WAVE - w->n, src->list.n - src->list_at);
    memcpy(w->window + w->n, src->list.p + src->list_at, n);
    src->list_at += n;
    w->n += n;
    src->eof = src->list_at == src->list.n;
    return 0;
}

/* Fills the window as far as it goes. */
static kt_rc fill(struct kt_source *src, struct kt_wave *w, kt_err *err)
{
    if (src->is_dir)
        return src->list.n ? read_list(src, w) : (src->eof = true, 0);
    while (!src->eof && w->n < WAVE) {
        ssize_t k = read(src->fd, w->window + w->n, WAVE - w->n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return kt_at(err, src->config->path, 0, NULL), kt_fail_errno(err, "cannot read %s", src->config->path);
        if (k == 0)
            src->eof = true;
        w->n += (size_t)k;
    }
    return 0;
}

/* Steps over the rest of a line that is too long, as far as it is here. */
static void skip_line(struct kt_source *src, struct kt_wave *w)
{
    const char *from = w->window + w->at, *end = memchr(from, '\n', w->n - w->at);
    size_t n = end ? (size_t)(end - from) + 1 : w->n - w->at;
    w->at += n;
    src->offset += n;
    src->line += end != NULL;
    src->skip = end == NULL;
}

/* Cuts the window into blocks of whole records. A line longer than any record may be comes cut by force: its front is a
   block, which the reader rejects, and its rest is skipped. */
static void cut(struct kt_source *src, struct kt_wave *w)
{
    w->n_blocks = 0;
    if (src->skip)
        skip_line(src, w);
    while (w->at < w->n && w->n_blocks < KT_WAVE_BLOCKS) {
        size_t want = BLOCK, got = 0;
        uint64_t lines = 0;
        for (;; want *= 2) { /* a record longer than a block */
            size_t n = KT_MIN(want, w->n - w->at);
            got = src->reader->split(&src->layout, (kt_str){ w->window + w->at, n }, src->eof && n == w->n - w->at, &lines);
            if (got || n == w->n - w->at)
                break;
        }
        if (!got)
            break; /* needs more bytes than are here */
        struct kt_block *b = &w->block[w->n_blocks++];
        b->data = (kt_str){ w->window + w->at, got };
        b->first_line = src->line;
        w->at += got;
        src->offset += got;
        src->line += lines;
        src->skip = w->window[w->at - 1] != '\n' && !(src->eof && w->at == w->n);
        if (src->skip)
            skip_line(src, w);
    }
}

static void cut_and_note(struct kt_source *src, struct kt_wave *w)
{
    struct stat st = { 0 };
    cut(src, w);
    kt_ignore(fstat(src->fd, &st), "a pipe has no size");
    bool done = src->eof && (w->at == w->n || !w->n_blocks);
    w->after = (kt_place){ st.st_size, mtime_ns(&st), (int64_t)src->offset, (int64_t)src->line,
                           done ? KT_PLACE_DONE : src->skip ? KT_PLACE_SKIP : KT_PLACE_NEXT };
}

kt_rc kt_source_next(struct kt_source *src, const struct kt_wave *last, struct kt_wave *ret, kt_err *err)
{
    if (!ret->window)
        ret->window = kt_alloc(WAVE);
    ret->n = last->n - last->at;
    ret->at = ret->n_blocks = 0;
    memcpy(ret->window, last->window + last->at, ret->n);
    KT_TRY(fill(src, ret, err));
    cut_and_note(src, ret);
    return 0;
}

static kt_rc open_path(kt_store *s, int64_t project, struct kt_source *src, struct kt_wave *w, kt_err *err)
{
    const char *path = src->config->path;
    struct stat st;
    bool std = strcmp(path, "-") == 0;
    src->name = strrchr(path, '/') ? strrchr(path, '/') + 1 : std ? "stdin" : path;
    src->fd = std ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
    if (src->fd < 0 || fstat(src->fd, &st))
        return kt_fail_errno(err, "cannot open source %s", path);
    kt_rc rc = resume(s, project, src, &st, err);
    if (rc != 0)
        return rc;
    src->is_dir = S_ISDIR(st.st_mode);
    if (src->is_dir)
        KT_TRY(kt_dir_listing(path, KT_S(""), &src->list, err));
    w->window = kt_alloc(WAVE);
    KT_TRY(fill(src, w, err));
    return w->n || !src->eof ? 0 : (kt_fail(err, KT_PARSE, "the source is empty"), kt_at(err, path, 0, NULL), KT_PARSE);
}

static kt_rc choose_reader(struct kt_source *src, kt_str head, kt_err *err)
{
    KT_AUTO(kt_buf) name = KT_BUF_INIT(8192);
    kt_buf_puts(&name, src->config->path);
    if (src->is_dir)
        kt_buf_char(&name, '/');
    src->reader = src->config->format.n ? kt_reader_find(src->config->format) : kt_reader_sniff(head, KT_BUF_STR(&name));
    if (src->reader)
        return 0;
    kt_fail(err, src->config->format.n ? KT_USAGE : KT_PARSE, "cannot tell what kind of file this is");
    kt_hint(err, "say so with format: ('karat list readers' shows the formats)");
    return kt_at(err, src->config->path, 0, NULL), err->rc;
}

/* Steps over the header (a byte-order mark, column names), or on to where the last wave ended. */
static kt_rc read_head(struct kt_source *src, struct kt_wave *w, kt_err *err)
{
    kt_field_map map = src->config->fields;
    map.root = kt_str_of(src->config->path);
    size_t used = 0;
    uint64_t lines = 0;
    kt_rc rc = src->reader->head(&map, (kt_str){ w->window, w->n }, &src->layout, &used, &lines, err);
    if (rc < 0)
        return kt_at(err, src->config->path, 0, NULL), rc;
    if (src->offset > used) {
        if (lseek(src->fd, (off_t)src->offset, SEEK_SET) < 0)
            return kt_fail_errno(err, "cannot go on in %s", src->config->path);
        w->n = 0;
        src->eof = false;
        return fill(src, w, err);
    }
    w->at = used;
    src->offset = used;
    src->line = 1 + lines;
    return 0;
}

kt_rc kt_source_open(kt_store *s, int64_t project, const kt_source_config *config, struct kt_source *ret, struct kt_wave *first,
                     kt_err *err)
{
    *ret = (struct kt_source){ .config = config, .layout = KT_LAYOUT_INIT, .fd = -1, .list = KT_BUF_INIT((size_t)1 << 30) };
    kt_rc rc = open_path(s, project, ret, first, err);
    if (rc == 0)
        rc = choose_reader(ret, (kt_str){ first->window, first->n }, err);
    if (rc == 0)
        rc = read_head(ret, first, err);
    if (rc == 0)
        cut_and_note(ret, first);
    return rc;
}

void kt_source_close(struct kt_source *src)
{
    if (src->fd >= 0)
        close(src->fd);
    kt_buf_done(&src->list);
    kt_layout_done(&src->layout);
}
