/* Options of a method as a table of rows: what --set NAME=VALUE and the YAML keys of a method can say. */
#ifndef KT_ALGO_STATS_OPTIONS_H
#define KT_ALGO_STATS_OPTIONS_H

#include "base/err.h"

typedef enum kt_setting_kind {
    KT_SET_INT,    /* int32_t, within min..max */
    KT_SET_FLOAT,  /* double, within min..max */
    KT_SET_CHOICE, /* int32_t: position in choice */
} kt_setting_kind;

typedef struct kt_setting {
    const char *name, *help;
    kt_setting_kind kind;
    size_t offset; /* within the method's option struct */
    double min, max;
    const char *const *choice; /* NULL at the end; only KT_SET_CHOICE */
} kt_setting;

/* Sets one option of opt from "NAME=VALUE". table ends with a row without a name, or is NULL: no options. Errors:
   KT_USAGE for a missing '=', an unknown name (with "did you mean") or a value of the wrong kind or out of range. */
kt_rc kt_settings_set(const kt_setting *table, kt_str text, void *opt, kt_err *err) KT_MUST_USE;
/* "level=nominal|ordinal|interval|ratio (nominal): what it means" into dst; opt holds the value shown as default. */
void kt_setting_describe(const kt_setting *row, const void *opt, char *dst, size_t size);

#endif
