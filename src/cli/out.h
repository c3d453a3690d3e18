/* What a filter prints: JSON with its commas in place, or text and CSV, sent to standard output as it grows. */
#ifndef KT_CLI_OUT_H
#define KT_CLI_OUT_H

#include "base/buf.h"
#include "base/err.h"

typedef enum kt_look { KT_LOOK_TEXT, KT_LOOK_JSON, KT_LOOK_CSV } kt_look;

typedef struct kt_out {
    kt_buf b;
    kt_look look;
    bool comma; /* JSON: something stands before in this object or array */
    bool hold;  /* nothing is sent: what gathers in b is for a file */
} kt_out;

#define KT_OUT_INIT(how) { .b = KT_BUF_INIT((size_t)1 << 30), .look = (how) }

/* JSON. name NULL: within an array. Not finite: null. */
void kt_out_open(kt_out *o, const char *name, char bracket);
void kt_out_close(kt_out *o, char bracket);
void kt_out_f64(kt_out *o, const char *name, double x);
void kt_out_u64(kt_out *o, const char *name, uint64_t x);
void kt_out_str(kt_out *o, const char *name, kt_str s);
void kt_out_f64s(kt_out *o, const char *name, const double *x, size_t n);
/* [low, high], or null. */
void kt_out_interval(kt_out *o, const char *name, const double ci[2]);

/* CSV: a field and what comes before it; first: nothing does. Not finite: empty. */
void kt_out_field(kt_out *o, bool first, kt_str s);
void kt_out_field_f64(kt_out *o, double x);

/* Position of name among names (NULL at the end); an empty one is the first. KT_USAGE names them all. */
kt_rc kt_cli_choose(kt_str name, const char *const *names, const char *option, int *ret, kt_err *err) KT_MUST_USE;

/* Sends what has gathered when it is much, or all. */
void kt_out_flush(kt_out *o, bool all);
void kt_out_done(kt_out *o);

#endif
