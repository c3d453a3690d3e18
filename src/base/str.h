/* Views of text: comparison, cutting, numbers (locale-free, whole string or error), UTF-8. */
#ifndef KT_BASE_STR_H
#define KT_BASE_STR_H

#include "base/types.h"

#include <string.h>

static inline kt_str kt_str_of(const char *s)
{
    return (kt_str){ s, s ? strlen(s) : 0 };
}

bool kt_str_eq(kt_str a, kt_str b);
int kt_str_cmp(kt_str a, kt_str b); /* bytewise, shorter first on a tie */
bool kt_str_starts(kt_str s, kt_str front);
bool kt_str_ends(kt_str s, kt_str back);
bool kt_str_ieq(kt_str a, kt_str b); /* ASCII letters without case */
/* First place of part in s, or NULL; an empty part is found at the front. Time linear in s.n + part.n. */
const char *kt_str_find(kt_str s, kt_str part);
kt_str kt_str_trim(kt_str s);        /* ASCII white space off both ends */
/* Cuts the text up to sep off the front of *rest; false when nothing is left. */
bool kt_str_cut(kt_str *rest, char sep, kt_str *ret);

bool kt_parse_i64(kt_str s, int64_t min, int64_t max, int64_t *ret);
bool kt_parse_f64(kt_str s, double *ret); /* finite decimal numbers only */
/* "30m", "10s", "250ms", "24h", "7d" in microseconds. */
bool kt_parse_duration_us(kt_str s, int64_t *ret);

/* True when s is well-formed UTF-8; else *ret_bad is the offset of the first wrong byte. */
bool kt_utf8_valid(kt_str s, size_t *ret_bad);
/* Code point at s.p[*at]; *at moves on. s must be valid. */
uint32_t kt_utf8_next(kt_str s, size_t *at);
/* Code points of valid s. */
size_t kt_utf8_length(kt_str s);
/* Writes cp (a scalar value) to dst; returns 1..4 bytes. */
size_t kt_utf8_put(uint32_t cp, char dst[4]);

/* Closest of n names to s by edit distance, or NULL when none is near: for "did you mean". */
const char *kt_nearest(kt_str s, const char *const *names, size_t n);

#endif
