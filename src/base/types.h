/* Words every other file uses: fixed-width integers, the view kt_str, return codes and a few attributes. */
#ifndef KT_BASE_TYPES_H
#define KT_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int kt_rc; /* 0 ok, KT_DONE = 1 "no more", < 0 an error of base/errors.def */

/* A view of bytes: never owned, never assumed to end in NUL. */
typedef struct kt_str {
    const char *p;
    size_t n;
} kt_str;

#define KT_S(lit) ((kt_str){ (lit), sizeof(lit) - 1 })
#define KT_F(s) (int)(s).n, (s).p /* for "%.*s" */

#define KT_MUST_USE __attribute__((warn_unused_result))
#define KT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define KT_UNUSED __attribute__((unused))
#define KT_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define KT_MIN(a, b) ((a) < (b) ? (a) : (b))
#define KT_MAX(a, b) ((a) > (b) ? (a) : (b))

/* KT_AUTO(kt_buf) b = …: runs kt_buf_done(&b) when the scope ends. */
#define KT_AUTO(type) __attribute__((cleanup(type##_done))) type

/* Says aloud that a result is not needed, and why. */
#define kt_ignore(expr, reason)                \
    do {                                       \
        __typeof__(expr) kt_ignored_ = (expr); \
        (void)kt_ignored_;                     \
    } while (0)

#define KT_ABSTAIN (-1) /* a source that looked and said nothing */

#endif
