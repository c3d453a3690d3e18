/* kt_err: messages are cut, never overflowed; the first line of defence against lost context is kt_context(). */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    kt_rc rc;
    int http, exitcode;
    const char *name, *slug, *sentence;
};

static const struct row rows[] = {
#define KT_ERROR(name, value, http, exitcode, slug, sentence) \
    { value, http, exitcode, "KT_" #name, slug, sentence },
#include "base/errors.def"
#undef KT_ERROR
};

static const struct row *row_of(kt_rc rc)
{
    for (size_t i = 0; i < KT_LEN(rows); i++)
        if (rows[i].rc == rc)
            return &rows[i];
    return NULL;
}

const char *kt_rc_name(kt_rc rc)
{
    const struct row *r = row_of(rc);
    return r ? r->name : rc == KT_DONE ? "KT_DONE" : rc == KT_OK ? "KT_OK" : "KT_?";
}

const char *kt_rc_slug(kt_rc rc)
{
    const struct row *r = row_of(rc);
    return r ? r->slug : "ok";
}

const char *kt_rc_sentence(kt_rc rc)
{
    const struct row *r = row_of(rc);
    return r ? r->sentence : "all is well";
}

int kt_rc_http(kt_rc rc)
{
    const struct row *r = row_of(rc);
    return r ? r->http : 200;
}

int kt_rc_exit(kt_rc rc)
{
    const struct row *r = row_of(rc);
    return r ? r->exitcode : 0;
}

static void KT_PRINTF(3, 0) fill(kt_err *err, kt_rc rc, const char *fmt, va_list ap)
{
    memset(err, 0, sizeof(*err));
    err->rc = rc;
    vsnprintf(err->what, sizeof(err->what), fmt, ap);
}

kt_rc kt_fail(kt_err *err, kt_rc rc, const char *fmt, ...)
{
    KT_ASSERT(rc < 0);
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        fill(err, rc, fmt, ap);
        va_end(ap);
    }
    return rc;
}

static kt_rc rc_of_errno(int e)
{
    switch (e) {
    case ENOENT:
    case ENOTDIR: return KT_NOTFOUND;
    case EEXIST: return KT_EXISTS;
    case ENOMEM: return KT_NOMEM;
    case EAGAIN: return KT_BUSY;
    case ETIMEDOUT: return KT_TIMEOUT;
    case ECONNREFUSED:
    case EHOSTUNREACH: return KT_NET;
    default: return KT_IO;
    }
}

kt_rc kt_fail_errno(kt_err *err, const char *fmt, ...)
{
    int e = errno;
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        fill(err, rc_of_errno(e), fmt, ap);
        va_end(ap);
        size_t n = strlen(err->what);
        snprintf(err->what + n, sizeof(err->what) - n, ": %s", strerror(e));
        if (e == ENOSPC)
            kt_hint(err, "free some space and run the same command again; it resumes where it stopped");
        else if (e == EROFS || e == EACCES)
            kt_hint(err, "Karat needs to write there; check the owner and the mount");
    }
    return rc_of_errno(e);
}

kt_rc kt_context(kt_err *err, const char *fmt, ...)
{
    if (!err)
        return KT_IO;
    char front[sizeof(err->what)];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(front, sizeof(front), fmt, ap);
    va_end(ap);
    size_t k = n < 0 ? 0 : KT_MIN((size_t)n, sizeof(front) - 3);
    front[k] = ':';
    front[k + 1] = ' ';
    k += 2;
    size_t rest = strnlen(err->what, sizeof(err->what) - 1);
    rest = KT_MIN(rest, sizeof(err->what) - 1 - k);
    memmove(err->what + k, err->what, rest);
    memcpy(err->what, front, k);
    err->what[k + rest] = 0;
    return err->rc;
}

kt_rc kt_hint(kt_err *err, const char *fmt, ...)
{
    if (!err)
        return KT_IO;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
    va_end(ap);
    return err->rc;
}

kt_rc kt_at(kt_err *err, const char *where, uint64_t line, const char *field)
{
    if (!err)
        return KT_IO;
    if (where && !err->where[0])
        snprintf(err->where, sizeof(err->where), "%s", where);
    if (line && !err->line)
        err->line = line;
    if (field && !err->field[0])
        snprintf(err->field, sizeof(err->field), "%s", field);
    return err->rc;
}

void kt_err_format(const kt_err *err, char *dst, size_t size)
{
    char line[32] = "", field[80] = "", hint[220] = "";
    if (err->line)
        snprintf(line, sizeof(line), ":%llu", (unsigned long long)err->line);
    if (err->field[0])
        snprintf(field, sizeof(field), "%s: ", err->field);
    if (err->hint[0])
        snprintf(hint, sizeof(hint), "\n  %s", err->hint);
    const char *sep = err->where[0] || line[0] ? ": " : "";
    snprintf(dst, size, "%s%s%s%s%s%s", err->where, line, sep, field,
             err->what[0] ? err->what : kt_rc_sentence(err->rc), hint);
}

void kt_assert_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "karat: this is a defect in Karat: %s does not hold (%s:%d)\n", expr, file, line);
    abort();
}
