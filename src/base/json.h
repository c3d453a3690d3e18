/* A strict JSON pull reader over bytes in memory (RFC 8259): no tree, no allocation except for unescaped strings.
   Bulk input goes through it one record at a time. */
#ifndef KT_BASE_JSON_H
#define KT_BASE_JSON_H

#include "base/arena.h"
#include "base/err.h"

typedef enum kt_json_kind {
    KT_JSON_NULL, KT_JSON_FALSE, KT_JSON_TRUE, KT_JSON_NUMBER, KT_JSON_STRING, KT_JSON_OBJECT, KT_JSON_ARRAY,
} kt_json_kind;

typedef struct kt_json {
    kt_str s;
    size_t at;
    int depth;
    const char *wrong; /* what was expected where at stands, after a failure */
} kt_json;

/* Kind of the value that starts here (white space skipped); -1 at the end or on a byte that starts no value. */
int kt_json_peek(kt_json *j);
/* Reads a string; the result points into the input where nothing was escaped, else into a. */
bool kt_json_string(kt_json *j, kt_arena *a, kt_str *ret);
bool kt_json_number(kt_json *j, double *ret);
/* Any value, checked and stepped over; *ret_raw (may be NULL) is its text. */
bool kt_json_skip(kt_json *j, kt_str *ret_raw);
/* Objects: enter, then field until it returns false, reading or skipping each value; wrong tells an error from the end. */
bool kt_json_enter(kt_json *j, char open); /* '{' or '[' */
bool kt_json_field(kt_json *j, bool *first, kt_arena *a, kt_str *ret_name);
bool kt_json_element(kt_json *j, bool *first);
/* Only white space is left. */
bool kt_json_end(kt_json *j);

#endif
