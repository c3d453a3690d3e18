/* What a driver provides; only files of this folder see it. */
#ifndef KT_DB_DB_INT_H
#define KT_DB_DB_INT_H

#include "db/db.h"

typedef struct kt_driver {
    const char *name, *help;
    kt_rc (*open)(const char *place, kt_db_mode mode, void **ret, kt_err *err);
    void (*close)(void *conn);
    kt_rc (*script)(void *conn, const char *sql, kt_err *err);
    kt_rc (*prepare)(void *conn, const char *sql, void **ret, kt_err *err);
    void (*finalize)(void *st);
    void (*reset)(void *st);
    kt_rc (*bind)(void *st, int param, char kind, int64_t i, double d, kt_str s); /* kind: i d s b n; param from 1 */
    kt_rc (*step)(void *conn, void *st, kt_err *err);                             /* 0 row, KT_DONE, or an error */
    int64_t (*i64)(void *st, int col);
    double (*f64)(void *st, int col);
    kt_str (*str)(void *st, int col);
    bool (*null)(void *st, int col);
    int64_t (*changed)(void *conn);
    const char *tidy_elsewhere, *tidy; /* scripts; NULL: the database does it itself */
} kt_driver;

#define KT_DRIVER(name) extern const kt_driver kt_driver_##name;
#include "db/drivers.def"
#undef KT_DRIVER

#endif
