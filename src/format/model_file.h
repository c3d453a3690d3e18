/* A model as a file: what kind it is, its labels' names, and the bytes its kind understands; guarded by a checksum. */
#ifndef KT_FORMAT_MODEL_FILE_H
#define KT_FORMAT_MODEL_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

typedef struct kt_model_file {
    kt_str kind;      /* "linear" */
    kt_str note;      /* what the kind wants to know again, in its own words; may be empty */
    kt_str *label;    /* n_labels names, in the order of the model's numbers */
    size_t n_labels;
    kt_str body;
} kt_model_file;

/* Appends the file's bytes. */
void kt_model_file_write(const kt_model_file *m, kt_buf *ret);
/* Views into bytes; label lives in a. KT_PARSE: no such file; KT_CORRUPT: one that was cut or changed. */
kt_rc kt_model_file_parse(kt_str bytes, kt_arena *a, kt_model_file *ret, kt_err *err) KT_MUST_USE;

#endif
