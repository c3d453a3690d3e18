/* What the files of the public API share: include/karat.h in terms of src/algo. */
#ifndef KT_API_INT_H
#define KT_API_INT_H

#include "algo/votes.h"
#include "base/pool.h"
#include "karat.h"

/* The context's threads, or NULL while another thread uses them (or after a fork): the caller then works alone. */
kt_pool *kt_api_take(karat_context *ctx);
void kt_api_give(karat_context *ctx, kt_pool *pool);

/* Copies err to the caller's; returns rc. */
karat_rc kt_api_end(kt_rc rc, const kt_err *err, karat_error *ret);
/* KT_NOMEM unless n · size bytes are less than this machine's memory: what would fail later would end the process. */
kt_rc kt_api_fits(size_t n, size_t size, const char *what, kt_err *err) KT_MUST_USE;
/* KT_RANGE for a missing array. */
kt_rc kt_api_given(const void *p, size_t n, const char *what, kt_err *err) KT_MUST_USE;
/* The caller's votes; KT_RANGE, KT_NOMEM. per_source: bytes that grow with the sources. */
kt_rc kt_api_votes(const karat_votes *v, kt_votes *ret, kt_err *err) KT_MUST_USE;

/* Reads an options struct of an older or newer caller: what it does not have is 0. */
#define KT_API_OPTIONS(type, name, given)                                                                        \
    type name = { .size = sizeof(type) };                                                                        \
    if (given)                                                                                                   \
        memcpy(&name, (given), (given)->size < sizeof(type) ? (given)->size : sizeof(type))

#endif
