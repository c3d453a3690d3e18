/* The stored answers through karat.h: what the three files of checks share. */
#ifndef KT_TEST_REFERENCE_H
#define KT_TEST_REFERENCE_H

#include "case.h"
#include "karat.h"

#include <stdint.h>

typedef struct check {
    const char *method;
    void (*run)(const json *c);
} check;
extern const check merge_checks[], score_checks[]; /* a row without a method at the end */

extern karat_context *reference_ctx;

void wrong(const char *what, double got, double want);
/* null in the case is NaN, and so is what is undefined here. */
void close_to(const char *what, double got, double want, double tolerance);
void all_close(const char *what, const double *got, const json *want, double tolerance); /* nested arrays one after the other */
void must(karat_rc rc, const karat_error *e);
double number(const json *j);                            /* NaN: none */
double named(const json *j, double name);                /* number under the key that prints so */
double tolerance_of(const json *c, const char *key);
int32_t *ints(const json *j, size_t *ret_n);             /* null: -1 */

#endif
