/* Progress with rate and time left, and the way a stop request travels down. Passed along; NULL is silent. */
#ifndef KT_BASE_PROGRESS_H
#define KT_BASE_PROGRESS_H

#include "base/err.h"

#include <stdatomic.h>

typedef struct kt_progress {
    void (*show)(struct kt_progress *p, bool last); /* may be NULL */
    const char *stage;
    uint64_t done, total; /* total 0: unknown */
    int64_t started_us, shown_us;
    const atomic_int *stop; /* set by whoever caught the signal; may be NULL */
} kt_progress;

void kt_progress_begin(kt_progress *p, const char *stage, uint64_t total);
/* done items so far; KT_CANCELLED when a stop was asked. */
kt_rc kt_progress_step(kt_progress *p, uint64_t done, kt_err *err) KT_MUST_USE;
void kt_progress_end(kt_progress *p);
/* A show function for terminals: one line on stderr, rewritten; nothing at all under one second or off a terminal. */
void kt_progress_stderr(kt_progress *p, bool last);

#endif
