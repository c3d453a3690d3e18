/* Source files: how far each was read, and what of it could not be taken. */
#ifndef KT_STORE_INTAKE_H
#define KT_STORE_INTAKE_H

#include "base/buf.h"
#include "store/batch.h"
#include "store/store.h"

#define KT_MAX_REJECTS 10000  /* rows kept a project; more are counted only */

typedef enum kt_place_state {
    KT_PLACE_NEXT, /* a record begins at at_byte */
    KT_PLACE_DONE, /* read to its end */
    KT_PLACE_SKIP, /* inside a line too long to take */
} kt_place_state;

typedef struct kt_place {
    int64_t size, mtime_ns; /* of the file then: another size or time, and it is read from its begin again */
    int64_t at_byte, at_line;
    kt_place_state state;
} kt_place;

/* KT_DONE: never read. */
kt_rc kt_place_get(kt_store *s, int64_t project, kt_str path, kt_place *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_place_put(kt_store *s, int64_t project, kt_str path, const kt_place *p, kt_err *err) KT_MUST_USE;

/* Keeps rejects of one file; the same line and field again is not counted twice. *ret_n (added to): how many were new. */
kt_rc kt_rejects_put(kt_store *s, int64_t project, kt_str path, const kt_reject *v, size_t n, uint64_t *ret_n, kt_err *err) KT_MUST_USE;
/* The kept rejects as CSV lines: file, line, field, reason, sample. */
kt_rc kt_rejects_csv(kt_store *s, int64_t project, kt_buf *ret, kt_err *err) KT_MUST_USE;

#endif
