/* The arrays of a numpy file: of a .npy on disk they stay there, mapped, and only what is looked at comes into memory. */
#ifndef KT_FORMAT_ARRAY_FILE_H
#define KT_FORMAT_ARRAY_FILE_H

#include "format/npy.h"
#include "format/row_stream.h"

/* Start from zeros. */
typedef struct kt_array_file {
    kt_npz_member *array; /* in the arena; a .npy is one, called as asked */
    size_t n;
    kt_buf text;
    void *map;
    size_t map_bytes;
} kt_array_file;

/* Whether what s begins with, just opened, is numpy's. */
bool kt_array_file_is(const kt_row_stream *s);
/* Takes the file over from s, of which then only done may be called. The arrays' data live until kt_array_file_done; a mapped file
   must not be cut short meanwhile. Errors are those of kt_npy_parse and kt_npz_parse, with the path. */
kt_rc kt_array_file_read(kt_row_stream *s, const char *name, kt_arena *a, kt_array_file *ret, kt_err *err) KT_MUST_USE;
void kt_array_file_done(kt_array_file *f);

#endif
