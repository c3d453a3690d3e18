#include "cli/out.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>

#define FLUSH_BYTES ((size_t)1 << 20)

static void begin(kt_out *o, const char *name)
{
    if (o->comma)
        kt_buf_char(&o->b, ',');
    if (name) {
        kt_buf_json(&o->b, kt_str_of(name));
        kt_buf_char(&o->b, ':');
    }
    o->comma = true;
}

void kt_out_open(kt_out *o, const char *name, char bracket)
{
    begin(o, name);
    kt_buf_char(&o->b, bracket);
    o->comma = false;
}

void kt_out_close(kt_out *o, char bracket)
{
    kt_buf_char(&o->b, bracket);
    o->comma = true;
    kt_out_flush(o, false);
}

void kt_out_f64(kt_out *o, const char *name, double x)
{
    begin(o, name);
    kt_buf_f64(&o->b, x);
}

void kt_out_u64(kt_out *o, const char *name, uint64_t x)
{
    begin(o, name);
    kt_buf_u64(&o->b, x);
}

void kt_out_str(kt_out *o, const char *name, kt_str s)
{
    begin(o, name);
    kt_buf_json(&o->b, s);
}

void kt_out_f64s(kt_out *o, const char *name, const double *x, size_t n)
{
    kt_out_open(o, name, '[');
    for (size_t i = 0; i < n; i++) {
        kt_out_f64(o, NULL, x[i]);
        if (i % 1024 == 1023)
            kt_out_flush(o, false);
    }
    kt_out_close(o, ']');
}

void kt_out_interval(kt_out *o, const char *name, const double ci[2])
{
    if (isnan(ci[0]))
        kt_out_f64(o, name, NAN);
    else
        kt_out_f64s(o, name, ci, 2);
}

void kt_out_field(kt_out *o, bool first, kt_str s)
{
    if (!first)
        kt_buf_char(&o->b, ',');
    kt_buf_csv(&o->b, s, ',');
}

void kt_out_field_f64(kt_out *o, double x)
{
    kt_buf_char(&o->b, ',');
    if (isfinite(x))
        kt_buf_f64(&o->b, x);
}

kt_rc kt_cli_choose(kt_str name, const char *const *names, const char *option, int *ret, kt_err *err)
{
    for (int i = 0; names[i]; i++)
        if (!name.n ? i == 0 : kt_str_eq(name, kt_str_of(names[i]))) {
            *ret = i;
            return 0;
        }
    char all[200];
    size_t n = 0;
    all[0] = 0;
    for (int i = 0; names[i] && n < sizeof(all); i++)
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "", names[i]);
    return kt_fail(err, KT_USAGE, "%s is one of %s; not %.*s", option, all, KT_F(name));
}

void kt_out_flush(kt_out *o, bool all)
{
    if (o->hold || (o->b.n < FLUSH_BYTES && !all))
        return;
    fwrite(o->b.p, 1, o->b.n, stdout);
    kt_buf_reset(&o->b);
}

void kt_out_done(kt_out *o)
{
    kt_buf_done(&o->b);
}
