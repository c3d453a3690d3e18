#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>

static kt_level least_shown = KT_LOG_NOTE;

void kt_log_level(kt_level least)
{
    least_shown = least;
}

void kt_log(kt_level level, const char *area, const char *fmt, ...)
{
    static const char *const names[] = { "error", "warn", "note", "debug" };
    if (level > least_shown)
        return;
    char text[1000], when[28];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (char *c = text; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    kt_time_format(kt_now_us(), when);
    fprintf(stderr, "time=%s level=%s area=%s msg=\"%s\"\n", when, names[level], area, text);
}
