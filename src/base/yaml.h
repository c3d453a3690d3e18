/* YAML as a small tree that remembers where each node stood, for configuration files with exact error messages. */
#ifndef KT_BASE_YAML_H
#define KT_BASE_YAML_H

#include "base/arena.h"
#include "base/err.h"

typedef enum kt_yaml_kind { KT_YAML_SCALAR, KT_YAML_LIST, KT_YAML_MAP } kt_yaml_kind;

typedef struct kt_yaml {
    kt_yaml_kind kind;
    uint64_t line;
    const char *path;    /* dotted, "" at the root: "models.text.labels" */
    kt_str text;         /* scalar */
    bool quoted;         /* scalar written in quotes or as a block: always text */
    struct kt_yaml *key; /* map: n keys */
    struct kt_yaml *val; /* map and list: n values */
    size_t n;
} kt_yaml;

/* Parses one document into a. file names it in errors. Aliases, duplicate keys and second documents are refused. */
kt_rc kt_yaml_parse(kt_str text, const char *file, kt_arena *a, kt_yaml **ret, kt_err *err) KT_MUST_USE;
/* Value of key in a map, or NULL (also when y is NULL or no map). */
const kt_yaml *kt_yaml_get(const kt_yaml *y, const char *key);
/* Refuses keys of the map y that are not among n names, with "did you mean". */
kt_rc kt_yaml_known(const kt_yaml *y, const char *const *names, size_t n, const char *file, kt_err *err) KT_MUST_USE;
/* An error at a node: file, line and path filled in; returns the code. */
kt_rc kt_yaml_fail(const kt_yaml *y, const char *file, kt_err *err, const char *fmt, ...) KT_PRINTF(4, 5);

/* Typed values of key in map y; *ret keeps its default when the key is absent. Wrong kind or range: KT_RANGE. */
kt_rc kt_yaml_text(const kt_yaml *y, const char *key, const char *file, kt_str *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_yaml_i64(const kt_yaml *y, const char *key, const char *file, int64_t range[2], int64_t *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_yaml_f64(const kt_yaml *y, const char *key, const char *file, double range[2], double *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_yaml_bool(const kt_yaml *y, const char *key, const char *file, bool *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_yaml_duration_us(const kt_yaml *y, const char *key, const char *file, int64_t *ret, kt_err *err) KT_MUST_USE;

#endif
