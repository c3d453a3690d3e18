/* Stored answers for tests of the public API: a small JSON tree, so that those tests need nothing but karat.h. */
#ifndef KT_TEST_CASE_H
#define KT_TEST_CASE_H

#include <stddef.h>

typedef enum { J_NULL, J_FALSE, J_TRUE, J_NUMBER, J_STRING, J_ARRAY, J_OBJECT } json_kind;

typedef struct json {
    json_kind kind;
    double number;
    char *text;          /* J_STRING */
    size_t n;            /* J_ARRAY, J_OBJECT */
    struct json *child;  /* n */
    char **key;          /* J_OBJECT: n */
} json;

json *json_read(const char *path);                  /* NULL: cannot */
void json_free(json *j);
const json *json_get(const json *j, const char *key); /* NULL: absent */
const json *json_at(const json *j, const char *a, const char *b); /* get of get */
/* Numbers of an array (nested ones one after the other), null as NaN; *ret_n of them. */
double *json_numbers(const json *j, size_t *ret_n);

#endif
