#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

kt_rc kt_file_read(const char *path, kt_buf *ret, kt_err *err)
{
    bool std = strcmp(path, "-") == 0;
    int fd = std ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return kt_fail_errno(err, "cannot open %s", path);
    kt_rc rc = 0;
    for (;;) {
        char probe;
        size_t room = KT_MIN((size_t)1 << 16, ret->max - ret->n);
        kt_buf_reserve(ret, room);
        ssize_t n = read(fd, room ? ret->p + ret->n : &probe, room ? room : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = kt_fail_errno(err, "cannot read %s", path);
        else if (n > 0 && room == 0)
            rc = kt_fail(err, KT_LIMIT, "%s is larger than the %zu bytes accepted here", path, ret->max);
        if (n <= 0 || rc < 0)
            break;
        ret->n += (size_t)n;
    }
    if (ret->p)
        ret->p[ret->n] = 0;
    if (!std)
        close(fd);
    return rc;
}

kt_rc kt_file_write_fd(int fd, kt_str data, const char *path, kt_err *err)
{
    while (data.n) {
        ssize_t n = write(fd, data.p, data.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return kt_fail_errno(err, "cannot write %s", path);
        data.p += n;
        data.n -= (size_t)n;
    }
    return 0;
}

kt_rc kt_dir_sync(const char *path, kt_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return kt_fail_errno(err, "cannot open folder %s", path);
    int bad = fsync(fd);
    kt_rc rc = bad ? kt_fail_errno(err, "cannot sync folder %s", path) : 0;
    close(fd);
    return rc;
}

kt_rc kt_file_write(const char *path, kt_str data, kt_err *err)
{
    char tmp[PATH_MAX], dir[PATH_MAX];
    if (snprintf(tmp, sizeof(tmp), "%s.tmp%ld", path, (long)getpid()) >= (int)sizeof(tmp))
        return kt_fail(err, KT_LIMIT, "path too long: %.100s", path);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return kt_fail_errno(err, "cannot write %s", path);
    kt_rc rc = kt_file_write_fd(fd, data, path, err);
    if (rc == 0 && fsync(fd))
        rc = kt_fail_errno(err, "cannot write %s", path);
    if (close(fd) && rc == 0)
        rc = kt_fail_errno(err, "cannot write %s", path);
    if (rc == 0 && rename(tmp, path))
        rc = kt_fail_errno(err, "cannot write %s", path);
    if (rc < 0) {
        unlink(tmp);
        return rc;
    }
    snprintf(dir, sizeof(dir), "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = 0;
    return kt_dir_sync(slash ? dir : ".", err);
}

kt_rc kt_dir_make(const char *path, kt_err *err)
{
    char tmp[PATH_MAX];
    if (snprintf(tmp, sizeof(tmp), "%s", path) >= (int)sizeof(tmp))
        return kt_fail(err, KT_LIMIT, "path too long: %.100s", path);
    for (char *c = tmp + 1;; c++) {
        if (*c != '/' && *c != 0)
            continue;
        char keep = *c;
        *c = 0;
        if (mkdir(tmp, 0777) && errno != EEXIST)
            return kt_fail_errno(err, "cannot make folder %s", tmp);
        *c = keep;
        if (!keep)
            break;
    }
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return kt_fail(err, KT_EXISTS, "%s is there and is not a folder", path);
    return 0;
}

bool kt_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

kt_rc kt_path_join(char *dst, size_t size, const char *dir, const char *name, kt_err *err)
{
    if (snprintf(dst, size, "%s/%s", dir, name) >= (int)size)
        return kt_fail(err, KT_LIMIT, "path too long: %.100s/%.60s", dir, name);
    return 0;
}
