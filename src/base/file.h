/* Whole files, durable writes, folders. */
#ifndef KT_BASE_FILE_H
#define KT_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the file to *ret (its max is the limit); "-" is standard input. KT_LIMIT when larger. */
kt_rc kt_file_read(const char *path, kt_buf *ret, kt_err *err) KT_MUST_USE;
/* Replaces path by data, whole or not at all: temporary file, fsync, rename, fsync of the folder. */
kt_rc kt_file_write(const char *path, kt_str data, kt_err *err) KT_MUST_USE;
kt_rc kt_file_write_fd(int fd, kt_str data, const char *path, kt_err *err) KT_MUST_USE;
kt_rc kt_dir_make(const char *path, kt_err *err) KT_MUST_USE; /* with its parents; no error when there */
kt_rc kt_dir_sync(const char *path, kt_err *err) KT_MUST_USE;
bool kt_file_exists(const char *path);
/* "dir/name" into dst; KT_LIMIT when it does not fit. */
kt_rc kt_path_join(char *dst, size_t size, const char *dir, const char *name, kt_err *err) KT_MUST_USE;

#endif
