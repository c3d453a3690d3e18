/* Blobs in a folder: DIR/ab/cdef… by hex digest. A put writes a temporary file and renames it; kt_blobs_sync makes every
   put since the last one durable, files first, then their folders. lock guards pending. */
#include "blob/blob.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct kt_blobs {
    char dir[PATH_MAX - 128];
    bool write;
    pthread_mutex_t lock;
    KT_VEC(int) pending; /* open descriptors of files not yet synced */
    bool touched[256];   /* folders not yet synced */
    atomic_uint counter; /* names of temporary files */
};

static void blob_path(const kt_blobs *bs, const kt_digest *d, char dst[PATH_MAX])
{
    char hex[65];
    sodium_bin2hex(hex, sizeof(hex), d->b, sizeof(d->b));
    snprintf(dst, PATH_MAX, "%s/%.2s/%s", bs->dir, hex, hex + 2);
}

kt_rc kt_blobs_open(const char *dir, bool write, kt_blobs **ret, kt_err *err)
{
    if (strlen(dir) > PATH_MAX - 200)
        return kt_fail(err, KT_LIMIT, "path too long: %.100s", dir);
    if (write)
        KT_TRY(kt_dir_make(dir, err));
    kt_blobs *bs = kt_zalloc(sizeof(*bs));
    snprintf(bs->dir, sizeof(bs->dir), "%s", dir);
    bs->write = write;
    pthread_mutex_init(&bs->lock, NULL);
    *ret = bs;
    return 0;
}

kt_blobs *kt_blobs_close(kt_blobs *bs)
{
    if (!bs)
        return NULL;
    for (size_t i = 0; i < bs->pending.n; i++)
        close(bs->pending.v[i]);
    KT_VEC_DONE(&bs->pending);
    pthread_mutex_destroy(&bs->lock);
    return kt_free(bs);
}

static kt_digest digest_of(const kt_str *part, size_t n)
{
    kt_digest d;
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, sizeof(d.b));
    for (size_t i = 0; i < n; i++)
        crypto_generichash_update(&h, (const unsigned char *)part[i].p, part[i].n);
    crypto_generichash_final(&h, d.b, sizeof(d.b));
    return d;
}

kt_digest kt_digest_of(kt_str data)
{
    return digest_of(&data, 1);
}

/* Writes the parts under a temporary name and moves the file to path; *ret_fd stays open for the sync. */
static kt_rc write_file(kt_blobs *bs, const kt_str *part, size_t n, const char *path, int *ret_fd, kt_err *err)
{
    char tmp[PATH_MAX];
    snprintf(tmp, sizeof(tmp), "%s/tmp-%ld-%ld-%u", bs->dir, (long)getpid(), (long)gettid(), atomic_fetch_add(&bs->counter, 1));
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return kt_fail_errno(err, "cannot write into %s", bs->dir);
    kt_rc rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = kt_file_write_fd(fd, part[i], tmp, err);
    if (rc == 0 && rename(tmp, path) && errno == ENOENT) {
        char folder[PATH_MAX];
        snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
        rc = kt_dir_make(folder, err);
        if (rc == 0 && rename(tmp, path))
            rc = kt_fail_errno(err, "cannot write %s", path);
    }
    if (rc < 0) {
        unlink(tmp);
        close(fd);
        return rc;
    }
#ifdef SYNC_FILE_RANGE_WRITE
    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a head start for the fsync to come */
#endif
    *ret_fd = fd;
    return 0;
}

kt_rc kt_blob_put(kt_blobs *bs, kt_str data, kt_digest *ret, kt_err *err)
{
    return kt_blob_put_parts(bs, &data, 1, ret, err);
}

kt_rc kt_blob_put_parts(kt_blobs *bs, const kt_str *part, size_t n, kt_digest *ret, kt_err *err)
{
    KT_ASSERT(bs->write);
    char path[PATH_MAX];
    kt_digest d = digest_of(part, n);
    blob_path(bs, &d, path);
    struct stat st;
    int fd = -1;
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += part[i].n;
    if (stat(path, &st) == 0 && st.st_size == (off_t)bytes) {
        fd = open(path, O_RDONLY | O_CLOEXEC); /* perhaps written by a run killed before its sync */
        if (fd < 0)
            return kt_fail_errno(err, "cannot open %s", path);
    } else {
        KT_TRY(write_file(bs, part, n, path, &fd, err));
    }
    pthread_mutex_lock(&bs->lock);
    KT_PUSH(&bs->pending, fd);
    bs->touched[d.b[0]] = true;
    bool many = bs->pending.n >= 256;
    pthread_mutex_unlock(&bs->lock);
    *ret = d;
    return many ? kt_blobs_sync(bs, err) : 0;
}

kt_rc kt_blobs_sync(kt_blobs *bs, kt_err *err)
{
    kt_rc rc = 0;
    pthread_mutex_lock(&bs->lock);
    bool any = bs->pending.n > 0;
    for (size_t i = 0; i < bs->pending.n; i++) {
        if (rc == 0 && fdatasync(bs->pending.v[i]))
            rc = kt_fail_errno(err, "cannot make a blob durable in %s", bs->dir);
        close(bs->pending.v[i]);
    }
    bs->pending.n = 0;
    for (int i = 0; i < 256 && any; i++) {
        char folder[PATH_MAX];
        snprintf(folder, sizeof(folder), "%s/%02x", bs->dir, i);
        if (bs->touched[i] && rc == 0)
            rc = kt_dir_sync(folder, err);
        bs->touched[i] = false;
    }
    if (any && rc == 0)
        rc = kt_dir_sync(bs->dir, err);
    pthread_mutex_unlock(&bs->lock);
    return rc;
}

kt_rc kt_blob_map(kt_blobs *bs, const kt_digest *d, bool check, kt_blob *ret, kt_err *err)
{
    char path[PATH_MAX];
    blob_path(bs, d, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        kt_rc rc = kt_fail_errno(err, "a blob is missing");
        return kt_at(err, path, 0, NULL), rc;
    }
    struct stat st;
    kt_rc rc = fstat(fd, &st) ? kt_fail_errno(err, "cannot read %s", path) : 0;
    *ret = (kt_blob){ { "", 0 }, NULL };
    if (rc == 0 && st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            rc = kt_fail_errno(err, "cannot map %s", path);
        else
            *ret = (kt_blob){ { p, (size_t)st.st_size }, p };
    }
    close(fd);
    if (rc == 0 && check) {
        kt_digest got = kt_digest_of(ret->data);
        if (memcmp(got.b, d->b, sizeof(got.b)) != 0) {
            kt_blob_unmap(ret);
            rc = kt_fail(err, KT_CORRUPT, "a blob's bytes are not what they were");
            kt_at(err, path, 0, NULL);
        }
    }
    return rc;
}

void kt_blob_unmap(kt_blob *b)
{
    if (b->map)
        munmap(b->map, b->data.n);
    *b = (kt_blob){ { "", 0 }, NULL };
}

void kt_blob_forget(const kt_blob *b, size_t from, size_t to)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    from = (from + page - 1) / page * page; /* whole pages only: the rest is a neighbour's too */
    to = to / page * page;
    if (b->map && from < to)
        kt_ignore(madvise((char *)b->map + from, to - from, MADV_DONTNEED), "advice");
}

static bool in_list(const kt_digest *keep, size_t n, const unsigned char *d)
{
    for (size_t lo = 0, hi = n; lo < hi;) {
        size_t mid = (lo + hi) / 2;
        int c = memcmp(keep[mid].b, d, 32);
        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

kt_rc kt_blobs_sweep(kt_blobs *bs, const kt_digest *keep, size_t n, uint64_t *ret_removed, kt_err *err)
{
    for (int i = -1; i < 256; i++) { /* -1: temporary files in the folder itself */
        char folder[PATH_MAX], path[PATH_MAX + 300];
        snprintf(folder, sizeof(folder), i < 0 ? "%s" : "%s/%02x", bs->dir, i);
        DIR *dir = opendir(folder);
        if (!dir && errno == ENOENT)
            continue;
        if (!dir)
            return kt_fail_errno(err, "cannot list %s", folder);
        for (struct dirent *e; (e = readdir(dir));) {
            unsigned char d[32] = { (unsigned char)i };
            size_t len = 0;
            bool temp = i < 0 && strncmp(e->d_name, "tmp-", 4) == 0;
            bool blob = i >= 0 && sodium_hex2bin(d + 1, 31, e->d_name, strlen(e->d_name), NULL, &len, NULL) == 0 && len == 31;
            if (!temp && (!blob || in_list(keep, n, d)))
                continue;
            snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
            if (unlink(path) == 0)
                ++*ret_removed;
        }
        closedir(dir);
    }
    return 0;
}
