/* Errors: a small code returned, a fixed-size kt_err filled where the problem is seen. Needs no memory, no globals. */
#ifndef KT_BASE_ERR_H
#define KT_BASE_ERR_H

#include "base/types.h"

#include <stdlib.h>

enum {
    KT_OK = 0,
    KT_DONE = 1,
#define KT_ERROR(name, value, http, exitcode, slug, sentence) KT_##name = value,
#include "base/errors.def"
#undef KT_ERROR
};

typedef struct kt_err {
    kt_rc rc;
    char what[240];  /* "box wider than image" */
    char hint[200];  /* "divide by 100 if the file is in percent" */
    char where[200]; /* file, URL or table */
    uint64_t line, col, offset; /* 1-based; 0 = unknown (offset: 0-based, only with line 0) */
    char field[64];  /* JSON pointer or column name */
} kt_err;

/* Fill *err (may be NULL) and return rc, so a caller writes: return kt_fail(err, KT_PARSE, "…"). */
kt_rc kt_fail(kt_err *err, kt_rc rc, const char *fmt, ...) KT_PRINTF(3, 4);
/* The same with errno's text appended; the code follows errno (ENOENT: KT_NOTFOUND, …, else KT_IO). */
kt_rc kt_fail_errno(kt_err *err, const char *fmt, ...) KT_PRINTF(2, 3);
/* Puts "fmt: " in front of the message; keeps and returns the code. */
kt_rc kt_context(kt_err *err, const char *fmt, ...) KT_PRINTF(2, 3);
/* What the person could do about it. Returns err->rc. */
kt_rc kt_hint(kt_err *err, const char *fmt, ...) KT_PRINTF(2, 3);
/* Where it was: file (may be NULL), 1-based line (0 unknown), field (may be NULL). Returns err->rc. */
kt_rc kt_at(kt_err *err, const char *where, uint64_t line, const char *field);

const char *kt_rc_name(kt_rc rc);     /* "KT_PARSE" */
const char *kt_rc_slug(kt_rc rc);     /* "parse" */
const char *kt_rc_sentence(kt_rc rc);
int kt_rc_http(kt_rc rc);
int kt_rc_exit(kt_rc rc);

/* "file:line: field: what (hint)" into dst; always NUL-terminated. */
void kt_err_format(const kt_err *err, char *dst, size_t size);

_Noreturn void kt_assert_failed(const char *expr, const char *file, int line);
/* Stays on in release. Never for the user's data. */
#define KT_ASSERT(expr) ((expr) ? (void)0 : kt_assert_failed(#expr, __FILE__, __LINE__))

#define KT_TRY(expr)                    \
    do {                                \
        kt_rc kt_try_rc_ = (expr);      \
        if (kt_try_rc_ < 0)             \
            return kt_try_rc_;          \
    } while (0)

#endif
