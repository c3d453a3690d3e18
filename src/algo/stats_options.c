#include "algo/stats_options.h"

#include "base/str.h"

#include <stdio.h>

static size_t choices(const kt_setting *row)
{
    size_t n = 0;
    while (row->choice[n])
        n++;
    return n;
}

static void join(const char *const *name, size_t n, const char *sep, char *dst, size_t size)
{
    dst[0] = 0;
    for (size_t i = 0, at = 0; i < n && at < size; i++)
        at += (size_t)snprintf(dst + at, size - at, "%s%s", i ? sep : "", name[i]);
}

static kt_rc set_choice(const kt_setting *row, kt_str value, int32_t *ret, kt_err *err)
{
    size_t n = choices(row);
    for (size_t i = 0; i < n; i++)
        if (kt_str_eq(value, kt_str_of(row->choice[i]))) {
            *ret = (int32_t)i;
            return 0;
        }
    char all[160];
    join(row->choice, n, ", ", all, sizeof(all));
    kt_fail(err, KT_USAGE, "%s is one of %s, not %.*s", row->name, all, KT_F(value));
    return KT_USAGE;
}

static kt_rc set(const kt_setting *row, kt_str value, void *opt, kt_err *err)
{
    char *at = (char *)opt + row->offset;
    int64_t i;
    double d;
    switch (row->kind) {
    case KT_SET_CHOICE: return set_choice(row, value, (int32_t *)(void *)at, err);
    case KT_SET_INT:
        if (!kt_parse_i64(value, (int64_t)row->min, (int64_t)row->max, &i))
            return kt_fail(err, KT_USAGE, "%s is a whole number from %g to %g, not %.*s", row->name, row->min, row->max, KT_F(value));
        *(int32_t *)(void *)at = (int32_t)i;
        return 0;
    case KT_SET_FLOAT:
        if (!kt_parse_f64(value, &d) || d < row->min || d > row->max)
            return kt_fail(err, KT_USAGE, "%s is a number from %g to %g, not %.*s", row->name, row->min, row->max, KT_F(value));
        *(double *)(void *)at = d;
        return 0;
    }
    return 0;
}

kt_rc kt_settings_set(const kt_setting *table, kt_str text, void *opt, kt_err *err)
{
    kt_str value = text, name;
    const char *names[32];
    size_t n = 0;
    bool found = kt_str_cut(&value, '=', &name) && name.n < text.n;
    if (!found) {
        kt_fail(err, KT_USAGE, "an option is written NAME=VALUE, not '%.*s'", KT_F(text));
        return KT_USAGE;
    }
    for (const kt_setting *row = table; row && row->name; row++) {
        if (kt_str_eq(name, kt_str_of(row->name)))
            return set(row, value, opt, err);
        if (n < KT_LEN(names))
            names[n++] = row->name;
    }
    kt_fail(err, KT_USAGE, "this method has no option %.*s", KT_F(name));
    const char *near = kt_nearest(name, names, n);
    char all[160];
    join(names, n, ", ", all, sizeof(all));
    if (near)
        kt_hint(err, "did you mean %s?", near);
    else
        kt_hint(err, n ? "it has: %s" : "it takes none%s", all);
    return KT_USAGE;
}

void kt_setting_describe(const kt_setting *row, const void *opt, char *dst, size_t size)
{
    const char *at = (const char *)opt + row->offset;
    char values[120] = "NUMBER";
    if (row->kind == KT_SET_CHOICE) {
        join(row->choice, choices(row), "|", values, sizeof(values));
        snprintf(dst, size, "%s=%s (%s): %s", row->name, values, row->choice[*(const int32_t *)(const void *)at], row->help);
    } else if (row->kind == KT_SET_INT) {
        snprintf(dst, size, "%s=NUMBER (%d): %s", row->name, *(const int32_t *)(const void *)at, row->help);
    } else {
        snprintf(dst, size, "%s=NUMBER (%g): %s", row->name, *(const double *)(const void *)at, row->help);
    }
}
