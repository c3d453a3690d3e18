/* Writers: final labels to a training file. A member is one file (write_NAME.c) and one line of writers.def. */
#ifndef KT_FORMAT_WRITER_H
#define KT_FORMAT_WRITER_H

#include "base/buf.h"
#include "base/err.h"

/* One labeled item. Empty views are left out (JSON) or empty (CSV). All text is valid UTF-8. */
typedef struct kt_export_row {
    kt_str ext_id, text, label;
    kt_str answer;     /* where an item has no single label: the members that say it, "labels":["a","b"], written as they are instead of label; empty: label says it */
    kt_str method;     /* how the label came to be: "auto", "consensus", "expert", … */
    kt_str source;     /* the file the item came from */
    kt_str split;      /* "train", "test", … */
    kt_str group;
    kt_str meta;       /* JSON object, written as it is */
    kt_str provenance; /* JSON object, written as it is */
    double posterior;  /* probability of the label, 0..1; only with has_posterior */
    bool has_posterior;
    uint64_t event;    /* number of the audit event that fixed the label; 0: none */
} kt_export_row;

/* Rows are appended to out; the caller empties it to a file whenever it likes. KT_LIMIT: out's maximum was passed. */
typedef struct kt_writer {
    const char *name, *help, *suffix;
    const char *reader; /* member of readers.def that reads it back */
    bool one_line;      /* a label is all it can hold: a set of labels is a|b, regions cannot be written */
    kt_rc (*begin)(kt_buf *out, kt_err *err);
    kt_rc (*put)(kt_buf *out, const kt_export_row *row, kt_err *err);
    kt_rc (*end)(kt_buf *out, kt_err *err);
} kt_writer;

extern const kt_writer *const kt_writers[]; /* in table order; kt_n_writers of them */
extern const size_t kt_n_writers;

/* Member by name, or NULL. */
const kt_writer *kt_writer_find(kt_str name);

#endif
