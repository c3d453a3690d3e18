#include "store/batch.h"

#include <stdarg.h>
#include <stdio.h>

void kt_batch_reset(kt_batch *b)
{
    b->n = 0;
    kt_arena_reset(&b->arena);
}

void kt_batch_done(kt_batch *b)
{
    KT_VEC_DONE(b);
    kt_arena_done(&b->arena);
}

void kt_reject_add(kt_rejects *r, uint64_t line, const char *field, kt_str record, const char *fmt, ...)
{
    kt_reject x = { .line = line };
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(x.reason, sizeof(x.reason), fmt, ap);
    va_end(ap);
    snprintf(x.field, sizeof(x.field), "%s", field ? field : "");
    size_t n = KT_MIN(record.n, sizeof(x.sample) - 1);
    for (size_t i = 0; i < n; i++)
        x.sample[i] = record.p[i] >= 0x20 && record.p[i] < 0x7f ? record.p[i] : '.';
    KT_PUSH(r, x);
}

void kt_rejects_done(kt_rejects *r)
{
    KT_VEC_DONE(r);
}
